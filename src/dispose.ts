// The symbol for `using`, which a vm context has not before Node 24, as in Jest and in Vitest's
// vmThreads.

import { addAbortListener } from 'node:events'

/** What Babel, esbuild and oxc make of `using` asks for this where the realm has no symbol. */
const SYMBOL_OF_COMPILERS = Symbol.for('Symbol.dispose')

/**
 * Makes the method by which `using` closes known by Node's own symbol and by that of compilers,
 * where this realm has none of its own and the class was therefore given a method named
 * "undefined".
 */
export function addDisposeSymbols(prototype: Disposable): void {
  if (Symbol.dispose !== undefined) return
  const value: unknown = Reflect.get(prototype, 'undefined')
  Reflect.deleteProperty(prototype, 'undefined')
  for (const symbol of [symbolOfNode(), SYMBOL_OF_COMPILERS]) {
    if (symbol !== undefined) Object.defineProperty(prototype, symbol, { value, writable: true, configurable: true })
  }
}

/**
 * What Node 20.5 and newer return of this has nothing but the method with that name. It is not
 * called for a real signal.
 */
function symbolOfNode(): symbol | undefined {
  const signal = { aborted: false, addEventListener() {}, removeEventListener() {} }
  const disposable = addAbortListener?.(signal as unknown as AbortSignal, () => {})
  return disposable && Object.getOwnPropertySymbols(disposable)[0]
}

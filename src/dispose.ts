// The symbol for `using`. Before Node 24 a vm context lacks it, for example in Jest and in Vitest's
// vmThreads.

import { addAbortListener } from 'node:events'

/** The symbol that code compiled by Babel, esbuild and oxc uses if the realm has none. */
const SYMBOL_OF_COMPILERS = Symbol.for('Symbol.dispose')

/**
 * Adds the method for `using` by Node's internal symbol and by the compilers' symbol, if this realm
 * has no `Symbol.dispose`. The class definition has then named the method "undefined".
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
 * Node's internal symbol, or undefined before Node 20.5. `addAbortListener` returns an object whose
 * only property is the method with that symbol. A fake signal is passed to it.
 */
function symbolOfNode(): symbol | undefined {
  const signal = { aborted: false, addEventListener() {}, removeEventListener() {} }
  const disposable = addAbortListener?.(signal as unknown as AbortSignal, () => {})
  return disposable && Object.getOwnPropertySymbols(disposable)[0]
}

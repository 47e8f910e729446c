// The symbol for `using`, which a vm context has not before Node 24, as in Jest and in Vitest's
// vmThreads.

import { addAbortListener } from 'node:events'

/**
 * Makes the method by which `using` closes known by Node's own symbol, where this realm has none of
 * its own and the class was therefore given a method named "undefined". Where Node has none, there
 * is no such method.
 */
export function mendDispose(prototype: Disposable): void {
  if (Symbol.dispose !== undefined) return
  const value: unknown = Reflect.get(prototype, 'undefined')
  Reflect.deleteProperty(prototype, 'undefined')
  const symbol = symbolOfNode()
  if (symbol !== undefined) Object.defineProperty(prototype, symbol, { value, writable: true, configurable: true })
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

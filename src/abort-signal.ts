// The abort signals that stop tasks. They are signals of this realm, or foreign ones with the same
// properties: of another realm or class, such as jsdom's or a polyfill's.

import { addAbortListener } from 'node:events'

/** The part of an abort signal that tasks use. */
export interface Signal {
  /** Whether the signal was aborted when its argument was checked. */
  readonly aborted: boolean
  /** The reason of the abort. Never throws. */
  reason(): unknown
  /**
   * Calls `listener` when the signal is aborted. Returns a function that removes the listener.
   * Throws if the methods of a foreign signal throw.
   */
  onAbort(listener: AbortListener): () => void
}

type AbortListener = () => void

/**
 * The signal that a value is, or undefined. Of a foreign signal, each property that it must have is
 * read once.
 */
export function signalOf(value: unknown): Signal | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return realmSignal(value) ?? foreignSignal(value)
  } catch {
    // The getters of a foreign class throw if the object only inherits them.
    return undefined
  }
}

/** The built-in functions of signals. They are used, because the user may redefine properties. */
interface SignalFunctions {
  aborted(): boolean
  reason(): unknown
  addEventListener(): void
  removeEventListener(): void
}

let functions: SignalFunctions | undefined

/**
 * The built-in functions, or undefined in a realm without AbortSignal. They are looked up on
 * demand, because Node takes time to make these classes.
 */
function signalFunctions(): SignalFunctions | undefined {
  if (functions !== undefined || typeof AbortSignal === 'undefined') return functions
  const { prototype } = AbortSignal
  const { addEventListener, removeEventListener } = prototype as unknown as SignalFunctions
  const { aborted, reason } = Object.getOwnPropertyDescriptors(prototype)
  if (aborted?.get === undefined || reason?.get === undefined) return undefined
  functions = { aborted: aborted.get, reason: reason.get, addEventListener, removeEventListener }
  return functions
}

function realmSignal(signal: object): Signal | undefined {
  const builtIn = signalFunctions()
  if (builtIn === undefined) return undefined
  let aborted: boolean
  try {
    aborted = Reflect.apply(builtIn.aborted, signal, [])
  } catch {
    // The object is not a signal of this realm.
    return undefined
  }
  const options = listenerOptions()
  return {
    aborted,
    reason: () => Reflect.apply(builtIn.reason, signal, []),
    onAbort: (abortListener) =>
      listen(signal, abortListener, {
        add: (listener) => Reflect.apply(builtIn.addEventListener, signal, ['abort', listener, options]),
        remove: (listener) => Reflect.apply(builtIn.removeEventListener, signal, ['abort', listener, options]),
      }),
  }
}

function foreignSignal(signal: object): Signal | undefined {
  const { aborted, addEventListener, removeEventListener } = signal as Record<string, unknown>
  if (typeof aborted !== 'boolean') return undefined
  if (typeof addEventListener !== 'function' || typeof removeEventListener !== 'function') return undefined
  return {
    aborted,
    reason() {
      try {
        return Reflect.get(signal, 'reason')
      } catch {
        return undefined
      }
    },
    onAbort: (abortListener) =>
      listen(signal, abortListener, {
        add: (listener) => Reflect.apply(addEventListener, signal, ['abort', listener, { capture: true }]),
        remove(listener) {
          try {
            Reflect.apply(removeEventListener, signal, ['abort', listener, { capture: true }])
          } catch {
            // The task has ended. Its result matters more than this error.
          }
        },
      }),
  }
}

let options: object | undefined

/**
 * Options of a listener that is called even if another listener calls
 * `stopImmediatePropagation()`.
 *
 * By the DOM standard capturing listeners are called first. Node needs an option with a private
 * symbol instead, which `events.addAbortListener` (20.5 and newer) sets. That function is called
 * once, with a fake signal, because it would read properties of the user's signal that may be
 * redefined.
 */
function listenerOptions(): object {
  if (options !== undefined) return options
  const found = { capture: true }
  const signal = {
    aborted: false,
    addEventListener: (_type: string, _listener: unknown, nodeOptions: object) =>
      Object.assign(found, nodeOptions, { once: false }),
  }
  addAbortListener?.(signal as unknown as AbortSignal, () => {})
  options = found
  return found
}

/**
 * The listeners of tasks, by signal. All tasks of a signal share one event listener, because Node
 * warns about more than ten.
 */
const listenersBySignal = new WeakMap<object, { listeners: Set<AbortListener>; removeFromSignal: () => void }>()

/** How the event listener is added to a signal, and removed. */
interface EventFunctions {
  add(listener: () => void): void
  remove(listener: () => void): void
}

function listen(signal: object, abortListener: AbortListener, { add, remove }: EventFunctions): () => void {
  let entry = listenersBySignal.get(signal)
  if (entry === undefined) {
    const listeners = new Set<AbortListener>()
    const onEvent = (): void => {
      for (const listener of listeners) listener()
    }
    add(onEvent)
    entry = { listeners, removeFromSignal: () => remove(onEvent) }
    listenersBySignal.set(signal, entry)
  }
  const { listeners, removeFromSignal } = entry
  listeners.add(abortListener)
  return () => {
    listeners.delete(abortListener)
    if (listeners.size !== 0) return
    // Runtimes keep some signals, such as that of a timeout, for as long as they have a listener.
    removeFromSignal()
    listenersBySignal.delete(signal)
  }
}

// The signals that stop tasks: those of the runtime, and those of another realm or class, such as
// jsdom's or a polyfill's, which have the same properties.

import { addAbortListener } from 'node:events'

/** A signal that has been checked. */
export interface Signal {
  /** Whether it was aborted when it was checked. */
  readonly aborted: boolean
  /** Why it was aborted. Never throws. */
  reason(): unknown
  /**
   * Calls `stop` when it is aborted, until what this returns is called. Throws what a foreign
   * signal throws.
   */
  onAbort(stop: () => void): () => void
}

/**
 * Undefined of what is no signal. Of a foreign one, each property that it must have is read once.
 */
export function signalOf(value: unknown): Signal | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return ownSignal(value) ?? foreignSignal(value)
  } catch {
    // Its getters refuse what only inherits them.
    return undefined
  }
}

/** What the signals of this realm are asked by: one may have been given other properties. */
interface Getters {
  aborted(): boolean
  reason(): unknown
  addEventListener(): void
  removeEventListener(): void
}

let getters: Getters | undefined

/**
 * They are looked up when they are needed, because Node takes time to make these classes, and a
 * realm may have none.
 */
function gettersOfSignals(): Getters | undefined {
  if (getters !== undefined || typeof AbortSignal === 'undefined') return getters
  const { prototype } = AbortSignal
  const { addEventListener, removeEventListener } = prototype as unknown as Getters
  const { aborted, reason } = Object.getOwnPropertyDescriptors(prototype)
  if (aborted?.get === undefined || reason?.get === undefined) return undefined
  getters = { aborted: aborted.get, reason: reason.get, addEventListener, removeEventListener }
  return getters
}

function ownSignal(signal: object): Signal | undefined {
  const own = gettersOfSignals()
  if (own === undefined) return undefined
  let aborted: boolean
  try {
    aborted = Reflect.apply(own.aborted, signal, [])
  } catch {
    return undefined
  }
  const options = listenerOptions()
  return {
    aborted,
    reason: () => Reflect.apply(own.reason, signal, []),
    onAbort: (stop) =>
      listen(signal, stop, {
        add: (listener) => Reflect.apply(own.addEventListener, signal, ['abort', listener, options]),
        remove: (listener) => Reflect.apply(own.removeEventListener, signal, ['abort', listener, options]),
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
    onAbort: (stop) =>
      listen(signal, stop, {
        add: (listener) => Reflect.apply(addEventListener, signal, ['abort', listener, { capture: true }]),
        remove(listener) {
          try {
            Reflect.apply(removeEventListener, signal, ['abort', listener, { capture: true }])
          } catch {
            // The task has ended, and what it came to is what matters.
          }
        },
      }),
  }
}

let options: object | undefined

/**
 * Makes our listener one that is called whatever another one stops: by the standard those that
 * capture come first. Node asks for an option of its own instead, which its function for that, 20.5
 * and newer, gives to whatever looks like a signal. It is not called for the signal, of which it
 * would ask properties that may be the user's.
 */
function listenerOptions(): object {
  if (options !== undefined) return options
  const found = { capture: true }
  const signal = {
    aborted: false,
    addEventListener: (_type: string, _listener: unknown, nodes: object) =>
      Object.assign(found, nodes, { once: false }),
  }
  addAbortListener?.(signal as unknown as AbortSignal, () => {})
  options = found
  return found
}

/**
 * Signals that tasks listen to, with what is to be called. A signal gets one listener, because Node
 * warns of more than ten.
 */
const listening = new WeakMap<object, { stops: Set<() => void>; end: () => void }>()

interface Listeners {
  add(listener: () => void): void
  remove(listener: () => void): void
}

function listen(signal: object, stop: () => void, { add, remove }: Listeners): () => void {
  let entry = listening.get(signal)
  if (entry === undefined) {
    const stops = new Set<() => void>()
    const listener = (): void => {
      for (const stop of stops) stop()
    }
    add(listener)
    entry = { stops, end: () => remove(listener) }
    listening.set(signal, entry)
  }
  const { stops, end } = entry
  stops.add(stop)
  return () => {
    stops.delete(stop)
    if (stops.size !== 0) return
    // Runtimes keep some signals, such as that of a timeout, for as long as they have a listener.
    end()
    listening.delete(signal)
  }
}

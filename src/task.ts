// Tasks: work that Rust does on another thread, as a promise that can be aborted and says how far it is.

import { addAbortListener } from 'node:events'
import { isNativeError } from 'node:util/types'
import { reasonOf, type TaskOptions } from './arguments.js'
import binding, { type ExternalObject, type OpenMapping, type Task } from './binding.js'
import { aborted, isAborted } from './errors.js'

/** Milliseconds between two reports: about 30 a second. */
const REPORT_INTERVAL = 34

/** Of running tasks, what they work on: an engine unmaps the memory of a SharedArrayBuffer when nobody has it. */
const inUse = new Set<{ memory: ArrayBufferLike | undefined }>()

/** Whether a task works on the memory of a buffer that the mapping has moved into. */
export function isInUse(memory: ArrayBufferLike): boolean {
  for (const use of inUse) if (use.memory === memory) return true
  return false
}

/** A task to start. */
interface Start {
  mapping: ExternalObject<OpenMapping>
  options: TaskOptions
  /** Bytes to do. */
  total: number
  /** The buffer that the mapping has moved into, if it has. */
  memory: ArrayBufferLike | undefined
  start(task: ExternalObject<Task>): Promise<number>
}

/** Starts a task, and waits for it. */
export async function run({ mapping, options, total, memory, start }: Start): Promise<number> {
  const { signal, onProgress } = options
  const task = binding.newTask(mapping)
  const working = start(task)
  const use = { memory }
  inUse.add(use)
  let thrown: { error: unknown } | undefined
  const stop = (): void => binding.stopTask(task)

  const report = (done: number): void => {
    if (thrown !== undefined) return
    try {
      onProgress?.({ done, total })
    } catch (error) {
      // The promise is rejected with it, when the task has stopped.
      thrown = { error }
      stop()
    }
  }
  const reportPart = (): void => {
    const done = binding.taskDone(task)
    // All of it is told by the promise, which may only not have been settled yet; and is to be told once.
    if (done < total) report(done)
  }
  const timer = onProgress && setInterval(reportPart, REPORT_INTERVAL)

  const stopListening = signal && onAbort(signal, stop)

  try {
    const result = await working
    report(total)
    if (thrown === undefined) return result
  } catch (error) {
    if (thrown === undefined) throw settled(error, signal)
  } finally {
    clearInterval(timer)
    stopListening?.()
    inUse.delete(use)
  }
  throw thrown.error
}

/** A rejection of Rust's, as users see it. */
function settled(error: unknown, signal: AbortSignal | undefined): unknown {
  if (isAborted(error) && signal !== undefined) return aborted(reasonOf(signal), error)
  // It was made outside of any function: only here does the stack say which call waits for it.
  if (isNativeError(error)) Error.captureStackTrace(error)
  return error
}

/** What the one listener of a signal calls: of more than ten, Node warns. */
class Stops extends Set<() => void> {
  handleEvent(): void {
    for (const stop of this) stop()
  }
}

/** Of signals that tasks listen to. */
const listening = new WeakMap<AbortSignal, Stops>()
const { addEventListener, removeEventListener } = EventTarget.prototype

/**
 * Makes our listener one that is called whatever another one stops: by the standard those that capture come first. Node asks for an
 * option of its own instead, which its function for that, 20.5 and newer, gives to whatever looks like a signal. It is not called for the signal,
 * of which it would ask properties that may be the user's.
 */
const listenerOptions = { capture: true }
addAbortListener?.(
  {
    aborted: false,
    addEventListener(_type: string, _listener: unknown, options: object) {
      Object.assign(listenerOptions, options, { once: false })
    },
  } as unknown as AbortSignal,
  () => {},
)

/** Calls `stop` when the signal is aborted, until what it returns is called. */
function onAbort(signal: AbortSignal, stop: () => void): () => void {
  const stops = listening.get(signal) ?? listen(signal)
  stops.add(stop)
  return () => {
    stops.delete(stop)
    if (stops.size !== 0) return
    // Runtimes keep some signals, such as that of a timeout, for as long as they have a listener.
    Reflect.apply(removeEventListener, signal, ['abort', stops, listenerOptions])
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Stops {
  const stops = new Stops()
  listening.set(signal, stops)
  Reflect.apply(addEventListener, signal, ['abort', stops, listenerOptions])
  return stops
}

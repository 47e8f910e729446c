// Tasks: work that Rust does on another thread, as a promise that can be aborted and says how far
// it is.

import { clearInterval, setInterval } from 'node:timers'
import { isNativeError } from 'node:util/types'
import type { Signal } from './abort-signal.js'
import type { CheckedTaskOptions } from './arguments.js'
import binding, { checked, type ExternalObject, type Handle, type Outcome, type Task } from './binding.js'
import { aborted, isAborted } from './errors.js'

/** Milliseconds between two reports: about 30 a second. */
const REPORT_INTERVAL = 34

/**
 * Of running tasks, what they work on: an engine unmaps the memory of a SharedArrayBuffer when
 * nobody has it.
 */
const buffersInUse = new Set<{ memory: ArrayBufferLike | undefined }>()

/** Whether a task works on the memory of a buffer that the mapping has moved into. */
export function isUsedByTask(memory: ArrayBufferLike): boolean {
  for (const use of buffersInUse) if (use.memory === memory) return true
  return false
}

/** Starts a task, and returns a promise of its outcome. */
export type StartTask = (task: ExternalObject<Task>) => Outcome<Promise<Outcome<number>>>

/** A task to start. */
interface Start {
  mapping: Handle
  options: CheckedTaskOptions
  /** Bytes to do. */
  total: number
  /** The buffer that the mapping has moved into, if it has. */
  memory: ArrayBufferLike | undefined
  start: StartTask
}

/** Starts a task, and waits for it. */
export async function runTask({ mapping, options, total, memory, start }: Start): Promise<number> {
  const { signal, onProgress } = options
  const task = checked(binding.newTask(mapping))
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
    // All of it is told by the promise, which may only not have been settled yet; and is to be told
    // once.
    if (done < total) report(done)
  }
  const use = { memory }
  let timer: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined

  // All that can throw is in here, so that no timer and no listener is left.
  try {
    const working = start(task)
    buffersInUse.add(use)
    try {
      // After the start, because it may be the user's code, which may do anything with the mapping.
      stopListening = signal?.onAbort(stop)
    } catch (error) {
      thrown = { error }
      stop()
    }
    timer = onProgress && setInterval(reportPart, REPORT_INTERVAL)
    const result = checked(await working)
    report(total)
    if (thrown === undefined) return result
  } catch (error) {
    if (thrown === undefined) throw toUserError(error, signal)
  } finally {
    clearInterval(timer)
    buffersInUse.delete(use)
    stopListening?.()
  }
  throw thrown.error
}

/** An error of native code, as users see it. */
function toUserError(error: unknown, signal: Signal | undefined): unknown {
  if (isAborted(error) && signal !== undefined) return aborted(signal.reason(), error)
  // It was made outside of any function: only here does the stack say which call waits for it.
  if (isNativeError(error)) Error.captureStackTrace(error)
  return error
}

// Tasks: work that native code does on other threads, as a promise that can be aborted and reports
// its progress.

import { clearInterval, setInterval } from 'node:timers'
import { isNativeError } from 'node:util/types'
import type { Signal } from './abort-signal.js'
import binding, { checked, type ExternalObject, type Handle, type Outcome, type Task } from './binding.js'
import { aborted, isAborted } from './errors.js'
import type { CheckedTaskOptions } from './options/methods.js'

/** Milliseconds between two reports of progress, which makes about 30 a second. */
const REPORT_INTERVAL = 34

/**
 * The buffers that running tasks work on, or that threads wait in. They must stay reachable,
 * because the engine unmaps the memory of a SharedArrayBuffer that is not.
 */
export const buffersInUse = new Set<{ buffer: ArrayBufferLike | undefined }>()

/** Whether a task works on the memory of a buffer, or a thread waits in it. */
export function isUsedByTask(buffer: ArrayBufferLike): boolean {
  for (const use of buffersInUse) if (use.buffer === buffer) return true
  return false
}

/** Starts a task, and returns a promise of its outcome. */
export type StartTask = (task: ExternalObject<Task>) => Outcome<Promise<Outcome<number>>>

/** What {@link runTask} needs to start a task. */
interface TaskRequest {
  mapping: Handle
  options: CheckedTaskOptions
  /** The number of bytes to process. */
  total: number
  /** The SharedArrayBuffer that the memory of the mapping is in, if there is one. */
  buffer: ArrayBufferLike | undefined
  start: StartTask
  /** Whether more tasks follow. Then the end of this one is not reported. */
  isPart: boolean
}

/** Starts a task, and waits for its result. */
export async function runTask({ mapping, options, total, buffer, start, isPart }: TaskRequest): Promise<number> {
  const { signal, onProgress, threads } = options
  const task = checked(binding.newTask(mapping, threads))
  let thrown: { error: unknown } | undefined
  const stop = (): void => binding.stopTask(task)

  const report = (done: number): void => {
    if (thrown !== undefined) return
    try {
      onProgress?.({ done, total })
    } catch (error) {
      // The promise is rejected with this error when the task has stopped.
      thrown = { error }
      stop()
    }
  }
  const reportPart = (): void => {
    const done = binding.taskDone(task)
    // The end is reported once, after the promise of native code is settled. That may not have
    // happened yet when all bytes are done.
    if (done < total) report(done)
  }
  const use = { buffer }
  let timer: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined

  // Everything that can throw is inside of `try`, so that no timer and no listener is left.
  try {
    const working = start(task)
    buffersInUse.add(use)
    try {
      // This may call the user's code, which may do anything with the mapping. So the task is
      // started first.
      stopListening = signal?.onAbort(stop)
    } catch (error) {
      thrown = { error }
      stop()
    }
    timer = onProgress && setInterval(reportPart, REPORT_INTERVAL)
    const result = checked(await working)
    if (!isPart) report(total)
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

/** The error that the user gets for an error of native code. */
export function toUserError(error: unknown, signal: Signal | undefined): unknown {
  if (isAborted(error) && signal !== undefined) return aborted(signal.reason(), error)
  // Native code makes the error outside of any JavaScript function. The stack that is captured here
  // says which call waits for the result.
  if (isNativeError(error)) Error.captureStackTrace(error)
  return error
}

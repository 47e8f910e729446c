// Tasks that are in the middle of their work, and how they end.

import { truncateSync } from 'node:fs'
import { inspect } from 'node:util'
import type { ExecutionContext } from 'ava'
import type { Mmap, Progress, TaskOptions } from 'memmap'
import { callWith } from './misuse.mjs'
import { scratchFile, zeros } from './portable.mjs'

export const MIB = 2 ** 20
export const GIB = 2 ** 30

export const TEXT = 'one two one three one'

export const TASKS: [method: keyof Mmap, args: unknown[]][] = [
  ['findAsync', ['one', 0, undefined]],
  ['countAsync', ['one', 0, undefined]],
  ['replaceAllAsync', ['one', 'ONE', 0, undefined]],
  ['flushAsync', [0, undefined]],
  ['prefetch', [0, undefined]],
]

/** Calls a method that must return a promise, whatever its arguments are. */
export function promised(map: Mmap, method: keyof Mmap, ...args: unknown[]): Promise<unknown> {
  const result = callWith(map, method, ...args)
  if (!(result instanceof Promise)) throw new Error(`${String(method)} gave ${inspect(result)}`)
  return result
}

/** A sparse file, which takes a while to be read. */
export function holes(t: ExecutionContext, length: number): string {
  const path = scratchFile(t, 0)
  truncateSync(path, length)
  return path
}

/** Memory that takes a while to be searched. */
export function longMemory(): Mmap {
  return zeros(4 * GIB)
}

export interface Running<T> {
  promise: Promise<T>
  /** What was reported. */
  reports: Progress[]
}

/**
 * Starts a task, and returns when it has done a part. On a busy machine the task may have ended by
 * then: in this case another one is started.
 */
export async function inTheMiddle<T>(
  start: (options: TaskOptions) => Promise<T>,
  signal?: AbortSignal,
): Promise<Running<T>> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const running = await onceInTheMiddle(start, signal)
    if (running !== undefined) return running
  }
  throw new Error('too short to be in its middle')
}

/**
 * Starts to prefetch a sparse file, and returns when a part has been read. What is in memory
 * already is prefetched too fast to be observed, so each attempt has a file of its own.
 */
export function prefetching(t: ExecutionContext, length: number, map: (path: string) => Mmap): Promise<Running<void>> {
  return inTheMiddle((options) => map(holes(t, length)).prefetch(0, undefined, options))
}

async function onceInTheMiddle<T>(
  start: (options: TaskOptions) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<Running<T> | undefined> {
  const reports: Progress[] = []
  let report: () => void = () => {}
  const middle = new Promise<void>((resolve) => {
    report = resolve
  })
  const onProgress = (progress: Progress): void => {
    reports.push(progress)
    if (progress.done > 0 && progress.done < progress.total) report()
  }
  const promise = start({ signal, onProgress })
  const ended = promise.then(() => 'ended')
  const first = await Promise.race([middle, ended])
  // Code that awaits the promise gets the rejection.
  ended.catch(() => {})
  return first === 'ended' ? undefined : { promise, reports }
}

export interface Rejection extends Error {
  code?: unknown
  offset?: unknown
  length?: unknown
  replaced?: unknown
}

export async function rejection(promise: Promise<unknown>): Promise<Rejection> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it was not rejected')
}

/**
 * Tasks that occupy all threads for longer than anybody waits. There are many, because a task that
 * is started later waits for one turn of each.
 */
export function occupyThreads(t: ExecutionContext): Promise<number>[] {
  const long = longMemory()
  t.teardown(() => long.unmap())
  const running = Array.from({ length: 1000 }, () => long.countAsync('needle', 0, undefined, { threads: 1 }))
  // They end with the mapping, and nobody waits for them.
  for (const task of running) task.catch(() => {})
  return running
}

// Waiting for a word of a mapping, and waking those who wait.

import binding, { checked } from '../binding.js'
import type { Mapping } from '../mapping.js'
import type { CheckedWaitOptions } from '../options/methods.js'
import { buffersInUse, toUserError } from '../tasks.js'

/**
 * `'ok'`: woken, or for no reason, so look at the value again. `'not-equal'`: the word had another
 * value from the start. `'timed-out'`: the timeout is over.
 */
export type WaitResult = 'ok' | 'not-equal' | 'timed-out'

/** What native code returns is the index. */
const RESULTS = ['ok', 'not-equal', 'timed-out'] as const

/** To native code: all. */
const ALL = 2 ** 32 - 1

function resultOf(index: number): WaitResult {
  return RESULTS[index] ?? 'ok'
}

/**
 * Native code calls it between two slices of a blocked thread. A runtime that wants to end a thread
 * does that where a function begins, and not in a loop around native calls: engines look there only
 * after so many rounds, or inline the function.
 */
export function look(): void {}

/** Blocks this thread. */
export function wait({ handle }: Mapping, position: number, value: number, timeout: number): WaitResult {
  return resultOf(checked(binding.wait(handle, position, value, timeout, look)))
}

/** Numbers of waits, which are unique in this realm until they begin again at 0. */
let lastNumber = 0

/** Waits on a thread of native code. */
export async function waitAsync(
  mapping: Mapping,
  position: number,
  value: number,
  { timeout, signal }: CheckedWaitOptions,
): Promise<WaitResult> {
  mapping.relocateEarly()
  const { handle } = mapping
  lastNumber = (lastNumber + 1) % ALL
  const number = lastNumber
  const begun = checked(binding.startWait(handle, position, value, timeout, number))
  if (typeof begun === 'number') return resultOf(begun)
  const use = { buffer: mapping.views.bufferForTask() }
  let thrown: { error: unknown } | undefined
  let stopListening: (() => void) | undefined
  const abort = (): void => binding.abortWait(handle, number)
  try {
    buffersInUse.add(use)
    try {
      // This may call the user's code, which may do anything with the mapping.
      stopListening = signal?.onAbort(abort)
    } catch (error) {
      thrown = { error }
      abort()
    }
    const result = checked(await begun)
    if (thrown === undefined) return resultOf(result)
  } catch (error) {
    if (thrown === undefined) throw toUserError(error, signal)
  } finally {
    buffersInUse.delete(use)
    stopListening?.()
  }
  throw thrown.error
}

/** Wakes those who wait in the system, and with the rest of `count` those in the engine. */
export function notify({ handle, views }: Mapping, position: number, count: number): number {
  const woken = checked(binding.notify(handle, position, Math.min(count, ALL)))
  const words = woken < count ? views.sharedWords() : undefined
  if (words === undefined) return woken
  return woken + Atomics.notify(words.array, (words.origin + position) / words.array.BYTES_PER_ELEMENT, count - woken)
}

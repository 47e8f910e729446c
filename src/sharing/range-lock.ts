// Locks on ranges of a file: their options, the object that holds one, and the ways to get it.

import { clearTimeout, setTimeout } from 'node:timers'
import type { Signal } from '../abort-signal.js'
import { oneOf, timeoutArgument } from '../arguments.js'
import binding, { checked } from '../binding.js'
import { addDisposeSymbols } from '../dispose.js'
import { aborted, closed, invalidLock } from '../errors.js'
import { type Mapping, OPEN } from '../mapping.js'
import { type RangeOptions, range, refuseAborted, signalOption } from '../options/methods.js'
import { isOptions, optionsArgument } from '../options/objects.js'
import { lockBounds, type Range } from '../ranges.js'
import { toUserError } from '../tasks.js'
import { look } from './waits.js'

/** Who is kept out: all others, or only those who want the range exclusively. */
export type LockMode = 'exclusive' | 'shared'

/** Options of `lockRangeSync`. Each is read once. Other names are refused. */
export interface LockOptions {
  /**
   * `'exclusive'` keeps out all others, and needs a file that was opened for writing. `'shared'`
   * keeps out those who want the range exclusively. Default is `'exclusive'`.
   */
  mode?: LockMode | undefined
  /**
   * How many milliseconds to wait, by a clock that nobody sets; 0 to look once. The result is null
   * if others have the range for so long. Default is Infinity.
   */
  timeout?: number | undefined
}

/** Options of `lockRange`. Each is read once. Other names are refused. */
export interface AsyncLockOptions extends LockOptions {
  /**
   * Ends the request. The promise is then rejected with an AbortError as in `fs`: `code` is
   * `'ABORT_ERR'`, `cause` is the signal's reason. It has no effect on a lock that one has.
   */
  signal?: AbortSignal | undefined
}

/** {@link LockOptions}, and the range. */
export interface RangeLockOptions extends RangeOptions, LockOptions {}

/** {@link AsyncLockOptions}, and the range. */
export interface AsyncRangeLockOptions extends RangeOptions, AsyncLockOptions {}

const SYNC_NAMES = ['mode', 'timeout']
const ASYNC_NAMES = [...SYNC_NAMES, 'signal']
const RANGE_NAMES = ['start', 'stop']
const MODES = ['exclusive', 'shared'] as const

/** Arguments, checked. */
interface LockRequest {
  range: Range
  mode: LockMode
  timeout: number
  signal: Signal | undefined
}

/** Checks `(start, stop, options)` or `(options)`. Throws when the signal is aborted already. */
export function lockArguments(start: unknown, stop: unknown, options: unknown, isSync: boolean): LockRequest {
  const names = isSync ? SYNC_NAMES : ASYNC_NAMES
  const method = isSync ? 'lockRangeSync' : 'lockRange'
  const hasRange = isOptions(start, stop, options)
  const all: AsyncRangeLockOptions = hasRange
    ? optionsArgument(start, [...RANGE_NAMES, ...names], method)
    : optionsArgument(options, names, method)
  const { mode, timeout } = all
  const signal = isSync ? undefined : signalOption(all.signal)
  const request = {
    range: hasRange ? range(all.start, all.stop) : range(start, stop),
    mode: mode === undefined ? 'exclusive' : oneOf(mode, 'mode', MODES),
    timeout: timeoutArgument(timeout, 'timeout'),
    signal,
  }
  refuseAborted(signal)
  return request
}

// The class assigns these functions, because only it can use its private members.
let newLock: (mapping: Mapping, request: LockRequest) => RangeLock
let begin: (lock: RangeLock, looksOnce: boolean) => number
let hold: (lock: RangeLock, number: number) => RangeLock

/**
 * A lock on bytes of a file, from `lockRange` or `lockRangeSync`. It ends with {@link release},
 * with `close()` or `unmap()` of the Mmap, with the thread, and with the process, also when that is
 * killed; and when both the Mmap and this object have been collected.
 */
export class RangeLock implements Disposable {
  /** The first byte, as a position in the mapping. */
  readonly start: number
  /** The first byte behind it; Infinity if it reaches to the end of the file. */
  readonly stop: number
  /** Who is kept out. */
  readonly mode: LockMode
  /** The native lock is released when nobody has the mapping any more. */
  readonly #mapping: Mapping
  /** By which native code knows the lock. 0 while there is none. */
  #number = 0

  static {
    newLock = (mapping, { range, mode }) => new RangeLock(mapping, lockBounds(range, mapping), mode)
    // Returns the number of a request, or 0 if there is none: the lock is there, or not to be had.
    begin = (lock, looksOnce) => {
      const { start, stop, mode } = lock
      const number = binding.lockRange(lock.#mapping.handle, start, stop, mode === 'exclusive', looksOnce)
      // No call is made before the number is known: it could fail for lack of stack.
      if (typeof number !== 'number') throw number
      if (number <= 0) return -number
      lock.#number = number
      return 0
    }
    hold = (lock, number) => {
      lock.#number = number
      return lock
    }
  }

  private constructor(mapping: Mapping, [start, stop]: [from: number, to: number], mode: LockMode) {
    this.#mapping = mapping
    this.start = start
    this.stop = stop
    this.mode = mode
  }

  /** Whether others can have the range: it was released, or its Mmap is closed. */
  get released(): boolean {
    if (!(#number in this)) throw invalidLock()
    return this.#number === 0 || this.#mapping.life !== OPEN
  }

  /** Lets others have the range. Again, it does nothing. Never throws. */
  release(): void {
    if (!(#number in this)) throw invalidLock()
    if (this.#number === 0) return
    const { handle, life } = this.#mapping
    if (life === OPEN) binding.endRangeLock(handle, this.#number, false)
    this.#number = 0
  }

  /** {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }
}

addDisposeSymbols(RangeLock.prototype)

/** Locks, and blocks the thread until it has. Null after the timeout. */
export function lockSync(mapping: Mapping, request: LockRequest): RangeLock | null {
  const { timeout } = request
  const lock = newLock(mapping, request)
  const number = begin(lock, timeout === 0)
  if (number === 0) return lock.released ? null : lock
  const { handle } = mapping
  try {
    return checked(binding.waitForRangeLock(handle, number, timeout, look)) ? hold(lock, number) : null
  } catch (error) {
    // There is no lock, or no stack to note it.
    binding.endRangeLock(handle, number, false)
    throw error
  }
}

/** Locks, as a promise. Null after the timeout. */
export async function lockAsync(mapping: Mapping, request: LockRequest): Promise<RangeLock | null> {
  const { timeout, signal } = request
  const lock = newLock(mapping, request)
  const number = begin(lock, timeout === 0)
  if (number === 0) return lock.released ? null : lock
  const { handle } = mapping
  // The handle of a closed mapping may be another's by then, to which the number means nothing.
  const end = (isTimeout: boolean): void => binding.endRangeLock(handle, number, isTimeout)
  // What the promise is rejected with, also if the lock has come meanwhile.
  let failure: { error: unknown } | undefined
  let stopListening: (() => void) | undefined
  let stopTimer: (() => void) | undefined
  try {
    const settled = checked(binding.rangeLockPromise(handle, number))
    stopTimer = after(timeout, () => end(true))
    try {
      // This may call the user's code, which may do anything with the mapping.
      stopListening = signal?.onAbort(() => {
        failure ??= { error: aborted(signal.reason()) }
        end(false)
      })
    } catch (error) {
      failure = { error }
      end(false)
    }
    const isLocked = checked(await settled)
    if (failure === undefined) {
      if (mapping.life !== OPEN) throw closed()
      return isLocked ? hold(lock, number) : null
    }
  } catch (error) {
    if (failure === undefined) throw toUserError(error, undefined)
  } finally {
    stopTimer?.()
    stopListening?.()
    if (lock.released) end(false)
  }
  throw failure.error
}

/** The longest time that a timer of the runtime can have, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Calls a function after a time, however long it is. Returns a function that prevents that. */
function after(milliseconds: number, call: () => void): (() => void) | undefined {
  if (milliseconds === Number.POSITIVE_INFINITY) return undefined
  let timer: NodeJS.Timeout
  const start = (left: number): void => {
    const next = Math.min(left, LONGEST_TIMER)
    timer = setTimeout(() => (left > next ? start(left - next) : call()), next)
  }
  start(milliseconds)
  return () => clearTimeout(timer)
}

// The part of class Mmap by which threads and processes that share memory wait for one another,
// and exclude one another.

import { countArgument, timeoutArgument, wholeNumber, wordValue } from '../arguments.js'
import type { Mapping } from '../mapping.js'
import { type WaitOptions, waitOptions } from '../options/methods.js'
import { refuseWrongWord } from '../ranges.js'
import {
  type AsyncLockOptions,
  type AsyncRangeLockOptions,
  type LockOptions,
  lockArguments,
  lockAsync,
  lockSync,
  type RangeLock,
  type RangeLockOptions,
} from '../sharing/range-lock.js'
import * as waits from '../sharing/waits.js'
import { MmapRegExp } from './regexp.js'
import { live } from './state.js'

/** Waiting for others, and locks. */
export class MmapSharing<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapRegExp<TBuffer> {
  /**
   * Blocks this thread while four bytes have the value of `value`, until {@link notify} is called
   * for the same bytes of the file or region, by any thread of any process that maps them. As
   * `Atomics.wait`, but between processes: `Atomics.notify` does not wake it.
   * The system compares and sleeps in one step. So store the new value first, with `Atomics.store`
   * or otherwise, and then call `notify()`: no change is missed. A `notify()` without a new value
   * can be missed, because the thread looks around every 50 ms.
   * `worker.terminate()` and `process.exit()` end it within these 50 ms. Linux: futex. macOS:
   * os_sync_wait_on_address, or ulock below 14.4. FreeBSD: umtx. Windows: a table beside the
   * file or region, and events. It needs no view.
   * @param position in bytes; in the file it must be a multiple of 4
   * @param value a 32-bit integer in the byte order of the machine, as an Int32Array has it; or, up
   *   to 2 ** 32 - 1, as a Uint32Array has it
   * @param timeout in milliseconds, by a clock that nobody can set; default Infinity
   * @returns `'ok'` also for no reason: look at the value again, in a loop
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_MMAP_FAULT within 50 ms
   *   after the file has been cut off before the bytes, ERR_MMAP_UNSUPPORTED for private memory
   *   (ACCESS_COPY, MAP_PRIVATE), for a mapping that only reads with `trackfd: false` (Linux) or on
   *   FreeBSD, and on Windows for `trackfd: false` and for file systems that do not number their
   *   files; EACCES on Windows where only another user may wait there; ENOMEM
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * console.log(mm.wait(0, 1), mm.wait(0, 0, 5)) // not-equal timed-out
   * ```
   */
  wait(position: number, value: number, timeout?: number): waits.WaitResult {
    const at = wholeNumber(position, 'position')
    const expected = wordValue(value, 'value')
    const milliseconds = timeoutArgument(timeout, 'timeout')
    return waits.wait(withWord(this, at), at, expected, milliseconds)
  }

  /**
   * {@link wait}, as a promise. It waits on a thread of its own, of which there are up to 1000 in a
   * process, and does not delay tasks or the runtime's own. It keeps the process alive, as a
   * pending operation of `fs` does. The thread looks around every second.
   * @param options `timeout` as in `wait`, and `signal`. An abort hands on a wake-up that came at
   *   the same moment, so that another one gets it
   * @returns a promise, rejected with the errors of `wait`, with ERR_MMAP_CLOSED also after
   *   `close()` and `unmap()`, with ERR_MMAP_FAULT within a second, or at once where `resize()` or
   *   `remap()` cuts the bytes off, with ABORT_ERR, and with EAGAIN where there is no thread.
   *   `protect()` ends it with `'ok'`
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * console.log(await mm.waitAsync(0, 0, { timeout: 5 })) // timed-out
   * ```
   */
  async waitAsync(position: number, value: number, options?: WaitOptions): Promise<waits.WaitResult> {
    const at = wholeNumber(position, 'position')
    const expected = wordValue(value, 'value')
    const checked = waitOptions(options)
    return waits.waitAsync(withWord(this, at), at, expected, checked)
  }

  /**
   * Wakes those who wait for four bytes of the file or region: first by {@link wait} and
   * {@link waitAsync} in all processes, then, if the buffer is a SharedArrayBuffer, by
   * `Atomics.wait` in this one. Programs in other languages wait and notify by the system's own
   * calls (Linux: a futex without FUTEX_PRIVATE_FLAG).
   * @param position as in `wait`
   * @param count how many at most; default Infinity
   * @returns how many. macOS tells only whether it was any, if `count` is not given, and FreeBSD
   *   tells nothing: 0
   * @throws as {@link wait}
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * Atomics.store(mm.view(Int32Array), 0, 1) // the new value first
   * console.log(mm.notify(0)) // 0
   * ```
   */
  notify(position: number, count?: number): number {
    const at = wholeNumber(position, 'position')
    const most = countArgument(count, 'count')
    return waits.notify(withWord(this, at), at, most)
  }

  // --- Locks

  /**
   * Locks bytes of the file, or of the named region, against all who lock them: other processes,
   * other threads, other Mmaps, and this one. It waits until nobody else has a part of the range.
   * The system releases the lock of a process that ends or is killed.
   *
   * It is advisory: it hinders nobody who does not ask for a lock, and no byte from being read or
   * written. Two who lock two ranges in different orders wait for each other for ever: keep one
   * order, or give a `timeout`. Requests of one process for the same range and mode get it in their
   * order. On Linux and macOS it also excludes fcntl locks of other programs (Python's
   * `fcntl.lockf`, Java's `FileChannel.lock`). On Windows it is a lock on the positions 2 ** 62
   * behind the bytes, because Windows would refuse all reading and writing of what is locked.
   * @param start in bytes, default 0; or all options. A negative one counts from the end, and the
   *   range may lie beyond it
   * @param stop the first byte that is not locked. Without it, the lock reaches to the end of the
   *   file, however long that becomes
   * @returns a promise of the lock, or of null after a `timeout`. It keeps the process alive while
   *   it waits
   * @throws (by rejection) ERR_MMAP_CLOSED, also when it is closed meanwhile; ABORT_ERR;
   *   ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; ERR_OUT_OF_RANGE for a range without bytes and a
   *   negative `timeout`; EACCES for an exclusive lock of a file that was opened for reading
   *   (`ACCESS_READ`, `ACCESS_COPY`); EBADF with `trackfd: false`; EMFILE, because each lock has an
   *   open file of its own; EAGAIN for more than 1000 ranges that are waited for; ENOLCK;
   *   ERR_MMAP_UNSUPPORTED on FreeBSD, for memory that has no file, and for a file that cannot be
   *   opened again
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const lock = await mm.lockRange(0, 5)
   * console.log(lock.start, lock.stop, lock.mode) // 0 5 exclusive
   * lock.release()
   * ```
   */
  async lockRange(options: AsyncRangeLockOptions & { timeout: number }): Promise<RangeLock | null>
  async lockRange(
    start: number | undefined,
    stop: number | undefined,
    options: AsyncLockOptions & { timeout: number },
  ): Promise<RangeLock | null>
  async lockRange(
    start?: number | (AsyncRangeLockOptions & { timeout?: undefined }),
    stop?: number,
    options?: AsyncLockOptions & { timeout?: undefined },
  ): Promise<RangeLock>
  async lockRange(
    start?: number | AsyncRangeLockOptions,
    stop?: number,
    options?: AsyncLockOptions,
  ): Promise<RangeLock | null>
  async lockRange(
    start?: number | AsyncRangeLockOptions,
    stop?: number,
    options?: AsyncLockOptions,
  ): Promise<RangeLock | null> {
    const request = lockArguments(start, stop, options, false)
    return lockAsync(live(this), request)
  }

  /**
   * {@link lockRange}, which blocks this thread while it waits. It ends within 50 ms when the
   * worker is terminated. A thread that waits for a lock of its own waits for ever: give a
   * `timeout` where that can be.
   * @returns the lock, or null after a `timeout`
   * @throws as {@link lockRange}
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const lock = mm.lockRangeSync(0, 5, { timeout: 1000 })
   * console.log(lock === null) // false
   * lock.release()
   * ```
   */
  lockRangeSync(options: RangeLockOptions & { timeout: number }): RangeLock | null
  lockRangeSync(
    start: number | undefined,
    stop: number | undefined,
    options: LockOptions & { timeout: number },
  ): RangeLock | null
  lockRangeSync(
    start?: number | (RangeLockOptions & { timeout?: undefined }),
    stop?: number,
    options?: LockOptions & { timeout?: undefined },
  ): RangeLock
  lockRangeSync(start?: number | RangeLockOptions, stop?: number, options?: LockOptions): RangeLock | null
  lockRangeSync(start?: number | RangeLockOptions, stop?: number, options?: LockOptions): RangeLock | null {
    const request = lockArguments(start, stop, options, true)
    return lockSync(live(this), request)
  }
}

/** The mapping, if it is open and has a word at a position. */
function withWord(mm: MmapSharing, position: number): Mapping {
  const mapping = live(mm)
  refuseWrongWord(position, mapping.lead, mapping.length)
  return mapping
}

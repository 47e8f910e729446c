// class Mmap: what a user can do with a mapping. Its methods are in the classes that it extends,
// one for each kind of use. Here are the methods that ask the operating system, and those that
// close. Each method checks its arguments, then the state, then where positions lie, and makes one
// call.

import { int32, optionalWholeNumber, systemConstant, wholeNumber } from '../arguments.js'
import binding, { checked } from '../binding.js'
import { addDisposeSymbols } from '../dispose.js'
import type { Residency } from '../mapping.js'
import {
  type RangeOptions,
  type RangeTaskOptions,
  rangeArguments,
  type TaskOptions,
  taskArguments,
  taskOptions,
} from '../options/methods.js'
import { isOptions } from '../options/objects.js'
import { adviceCount, flushArguments, flushRange } from '../ranges.js'
import { MmapSharing } from './sharing.js'
import { live, liveRange, mappingOf } from './state.js'

/**
 * A file as memory, or memory shared between processes: CPython's `mmap.mmap`.
 *
 * It is a file (`read`, `write`, `seek`, `readLine`, ... at a cursor), a bytearray (`at`, `slice`,
 * `setSlice`, `find`, ...) and memory (`bytes`, `buffer`, `view()`, which copy nothing). Positions
 * and lengths are in bytes. Bounds of a range `[start, stop)` are Python's: negative ones count
 * from the end, and bounds outside the mapping are moved to its nearest end. Arguments are checked
 * first, then the state, before anything is touched. Every error has a `code` ({@link ErrorCode},
 * or the operating system's).
 *
 * Every method but `close`, `unmap` and `seekable` throws `ERR_MMAP_CLOSED` once it is closed.
 * Every one that reads, searches, writes or flushes bytes throws `ERR_MMAP_FAULT`, with `offset`
 * and `length` of the lost bytes, once the file has been truncated under the mapping, or a full
 * disk could not fill a hole in it. A fraction in place of a whole number is `ERR_OUT_OF_RANGE`,
 * and so is a copy that is longer than a Buffer can be or than there is memory for. A detached
 * ArrayBuffer is `ERR_INVALID_ARG_VALUE`, and so is an unknown option.
 *
 * An Mmap is not itself a Buffer or a typed array: where one is wanted, pass {@link bytes}, which
 * copies nothing, or {@link slice}, a copy. (`mm[0]` is undefined.) It cannot be cloned. A Proxy of
 * one is of no use, because private properties belong to the object itself: its methods throw
 * `ERR_INVALID_THIS`. Vue makes none; elsewhere mark the Mmap as raw, or keep it apart.
 */
export class Mmap<TBuffer extends ArrayBufferLike = ArrayBufferLike>
  extends MmapSharing<TBuffer>
  implements Disposable
{
  /**
   * Bytes in the file, which may differ from `length` and may change. Of anonymous memory:
   * `length`.
   * @throws ERR_MMAP_CLOSED, EBADF with `trackfd: false`
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt', 5)
   * console.log(mm.length, mm.size()) // 5 24
   * ```
   */
  size(): number {
    return checked(binding.size(live(this).handle))
  }

  /**
   * Writes changes to the device, and returns when they are there. With `ACCESS_READ` there is
   * nothing to write, nor with `ACCESS_COPY` without `writeBack`. Linux: msync, which is a data
   * fsync of the range. macOS: msync and F_FULLFSYNC. Other Unix: msync and fdatasync. Windows:
   * FlushViewOfFile and FlushFileBuffers. With `trackfd: false` only the first of two.
   * @param offset in bytes, default 0; any, it is rounded to pages inside
   * @param size in bytes; to the end when it is missing or -1
   * @param flags `MS_SYNC` by default; with `MS_ASYNC` it returns at once and nothing is promised.
   *   Ignored on Windows, and with `writeBack`
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EIO, ENOSPC, EINVAL for flags
   *   that exclude each other, ERR_MMAP_FAULT; with `writeBack` it is also thrown, after the rest
   *   has been written, when the file has lost a part that was not touched
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.set('Earth', 6) // other processes see it now
   * mm.flush() // and now it survives a crash of the machine
   * console.log(mm.toString('utf8', 6, 11)) // Earth
   * ```
   */
  flush(offset: number = 0, size?: number, flags?: number): void {
    const extent = flushArguments(offset, size)
    const how = flags === undefined ? undefined : int32(flags, 'flags')
    const mapping = live(this)
    const [from, to] = flushRange(extent, mapping.length)
    checked(binding.flush(mapping.handle, from, to - from, how))
  }

  /**
   * {@link flush}, as a task. The device is asked to finish after every 8 MiB, which is when
   * progress is reported and a signal is looked at.
   * @param offset in bytes, default 0; or all options, with the range as `start` and `stop`
   * @param size in bytes; to the end when it is missing or -1
   * @returns a promise, rejected with the errors of `flush`, and as that of {@link findAsync}
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.set('Earth', 6)
   * await mm.flushAsync()
   * console.log(mm.toString('utf8', 6, 11)) // Earth
   * ```
   */
  async flushAsync(offset: number | RangeTaskOptions = 0, size?: number, options?: TaskOptions): Promise<void> {
    if (isOptions(offset, size, options)) {
      const [range, checked] = taskArguments(offset, undefined, undefined)
      const [mapping, from, to] = liveRange(this, range)
      await mapping.runTask(checked, to - from, (task) => binding.startFlush(task, from, to))
      return
    }
    const extent = flushArguments(offset, size)
    const checked = taskOptions(options)
    const mapping = live(this)
    const [from, to] = flushRange(extent, mapping.length)
    await mapping.runTask(checked, to - from, (task) => binding.startFlush(task, from, to))
  }

  /**
   * Makes the mapping longer or shorter, and sets the size of the file to `offset + newSize`. **If
   * the file was longer than that, the rest of it is cut off, also when the mapping becomes
   * longer.** New bytes of the file are zeros, with blocks allocated. The cursor stays. Views taken
   * before go on showing what they showed, and zeros where the file is cut off; new ones see the
   * new size. The memory is mapped anew: {@link madvise} and {@link mlock} must be called again.
   *
   * A failure leaves mapping and file as they were. Shared anonymous memory cannot grow on Linux,
   * and a named region nowhere beyond the size that it was created with. Windows cannot shorten a
   * file while a view of it is alive: EBUSY.
   * @param newSize in bytes, at least 1
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY for ACCESS_READ, ACCESS_COPY and MAP_PRIVATE with a
   *   file, ERR_INVALID_ARG_VALUE with `trackfd: false`, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE,
   *   ENOSPC, ENOMEM, EFBIG, EBUSY on Windows
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.resize(30)
   * mm.set('More!\n', 24)
   * console.log(mm.length, mm.count('\n')) // 30 3
   * ```
   */
  resize(newSize: number | bigint): void {
    const length = wholeNumber(newSize, 'newSize', 'of type number or bigint')
    live(this).resize(length)
  }

  /**
   * Maps what the file has now, from `offset` to its end, or `newLength` bytes of it: to follow a
   * file that others write to. It is the file that was opened, also when its path leads to another
   * one by now. The file is never changed. Where nothing has changed, nothing is done. The cursor
   * stays, and may be beyond the end then. Iterators and streams go on in the new length. Views
   * taken before go on showing what they showed, and zeros where the file has lost a part; new ones
   * see the new length. With `maxByteLength` the mapping grows in place. A running task goes on in
   * what was mapped when it began. After ERR_MMAP_FAULT the mapping is whole again.
   *
   * The memory is mapped anew: {@link madvise} and {@link mlock} must be called again. With
   * `ACCESS_READ`, what was stored through a view stays in that view, and is gone where the mapping
   * has grown in place. A private mapping is refused: its changes would be lost. A failure changes
   * nothing.
   * @param newLength in bytes, at least 1, or 0 with `allowEmpty`; by default all that the file has
   * @returns the new length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for memory that has no
   *   file and with `trackfd: false`, ERR_MMAP_READONLY for ACCESS_COPY and MAP_PRIVATE,
   *   ERR_OUT_OF_RANGE for more than the file has, and where it has no byte at `offset` (unless
   *   `allowEmpty` is given and it ends there), ENOMEM
   * @category The file and the device
   * @example
   * ```js
   * import { appendFileSync } from 'node:fs'
   *
   * const mm = mmap('hello.txt', { access: ACCESS_READ })
   * appendFileSync('hello.txt', 'More!\n')
   * console.log(mm.length, mm.remap()) // 24 30
   * ```
   */
  remap(newLength?: number | bigint): number {
    const length = optionalWholeNumber(newLength, 'newLength', 'of type number or bigint')
    const mapping = live(this)
    mapping.remap(length)
    return mapping.length
  }

  /**
   * Tells the operating system how a range will be used: `MADV_*`. The part of the range beyond the
   * end is left out. `resize()` ends the advice, and so does a `protect()` that takes `PROT_WRITE`
   * away or gives it back.
   * @param start in bytes, default 0; otherwise on a page
   * @param length in bytes, default to the end
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EINVAL, ERR_MMAP_UNSUPPORTED
   *   on Windows
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * if (MADV_RANDOM !== undefined) mm.madvise(MADV_RANDOM) // undefined on Windows
   * console.log(mm.at(5)) // 32
   * ```
   */
  madvise(option: number, start: number = 0, length?: number): void {
    const advice = systemConstant(option, 'option')
    const from = wholeNumber(start, 'start')
    const most = optionalWholeNumber(length, 'length')
    const mapping = live(this)
    const count = adviceCount(from, most, mapping.length)
    mapping.relocateEarly()
    checked(binding.advise(mapping.handle, advice, from, count))
  }

  /**
   * Changes what may be done with the mapping. Without `PROT_WRITE` the methods refuse to write,
   * and what is stored through a view from then on is private memory, as with `ACCESS_READ`: no
   * store can crash. Views can always be read. (Views and tasks from before a `resize()` are of
   * earlier memory, which stays as it is.)
   * With `writeBack`, earlier changes are written first. Later stores never are: they are gone when
   * writing is allowed again. Where `PROT_WRITE` is taken away or given back, the memory may be
   * mapped anew: {@link madvise} and {@link mlock} must be called again.
   * @param prot `PROT_READ`, with `PROT_WRITE`, `PROT_EXEC` or both
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, EACCES for writing to a file that was opened for
   *   reading and, on Apple's processors, for PROT_WRITE with PROT_EXEC, EBADF with
   *   `trackfd: false`, EINVAL, ERR_MMAP_UNSUPPORTED on Windows; with `writeBack` as {@link flush}
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * if (PROT_READ !== undefined) mm.protect(PROT_READ) // undefined on Windows
   * console.log(mm.at(5)) // 32
   * ```
   */
  protect(prot: number): void {
    const protection = systemConstant(prot, 'prot')
    const mapping = live(this)
    const access = binding.protect(mapping.handle, protection)
    // No call is made before the change is known: it could fail for lack of stack.
    if (typeof access !== 'number') throw access
    mapping.access = access
  }

  /**
   * Keeps the pages under a range in RAM. (It locks no file.) A `resize()` ends that, and so does a
   * `protect()` that takes `PROT_WRITE` away or gives it back.
   * @param start default 0; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ENOMEM or EPERM beyond what the system allows
   *   (`ulimit -l`; on Windows the working set of the process, which is made larger if it can be),
   *   ENOSYS for private memory on Linux before 4.4, ERR_MMAP_FAULT where the file has been cut off
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.mlock()
   * console.log(mm.resident().resident) // 1
   * mm.munlock()
   * ```
   */
  mlock(start?: number | RangeOptions, stop?: number): void {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    mapping.relocateEarly()
    checked(binding.lock(mapping.handle, from, to - from))
  }

  /**
   * Undoes {@link mlock}, however often that was called; on macOS, one call of it. Arguments and
   * errors are the same.
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.mlock(0, 5)
   * mm.munlock(0, 5)
   * console.log(mm.at(5)) // 32
   * ```
   */
  munlock(start?: number | RangeOptions, stop?: number): void {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    checked(binding.unlock(mapping.handle, from, to - from))
  }

  /**
   * How many pages of a range are in memory: in the page cache (Unix) or in the process's working
   * set (Windows).
   * @param start default 0; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE; EPERM of a file that the process neither owns
   *   nor may write, of which Linux does not tell (it says "all")
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.find('World')) // 6
   * const { resident, total } = mm.resident()
   * console.log(resident, total) // 1 1
   * ```
   */
  resident(start?: number | RangeOptions, stop?: number): Residency {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    return checked(binding.resident(mapping.handle, from, to - from))
  }

  /**
   * Reads a range into memory ahead of its use, as a task. Nothing is copied. Linux:
   * MADV_POPULATE_READ (5.14 and newer). Other Unix: MADV_WILLNEED and a touch of every page.
   * Windows: PrefetchVirtualMemory, after which {@link resident} still counts only the pages that
   * the process has touched.
   * @param start default 0; or all options. `stop` is the length by default
   * @returns a promise, rejected as that of {@link findAsync}, and with ERR_MMAP_FAULT
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * await mm.prefetch(0, 5)
   * console.log(mm.toString('latin1', 0, 5)) // Hello
   * ```
   */
  async prefetch(start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<void> {
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = liveRange(this, range)
    await mapping.runTask(checked, to - from, (task) => binding.startPrefetch(task, from, to))
  }

  // --- The end

  /**
   * Closes: the methods throw from now on, and the descriptor is closed. The memory is unmapped at
   * once if no view was ever made for the user, else when the last view is collected. Views stay
   * good. Closing again does nothing. Changes of a shared mapping are in the file without any
   * `flush()`; that is about the device. With `writeBack` private changes are written first.
   * @throws with `writeBack` only: ENOSPC, EIO and other errors of writing, after which it is still
   *   open, with nothing lost; ERR_MMAP_FAULT when the file has become shorter than the mapping, so
   *   that changes beyond its end may be lost: the part before has been written, and it is closed
   * @category Open and close
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { bytes } = mm
   * mm.close()
   * console.log(mm.closed, bytes[0]) // true 72
   * ```
   */
  close(): void {
    mappingOf(this).close()
  }

  /**
   * Closes, and releases the file now, which Windows requires before it is deleted, renamed or
   * truncated. Every view has length 0 afterwards (one of a SharedArrayBuffer keeps its length, and
   * reads zeros). It can also be called after `close()`.
   * Do not call it while something asynchronous still uses a view: Node's own zlib ends the process
   * when the buffer under it is detached, what `fs.read` still stores is lost, and what `fs.write`
   * still takes is zeros. Memory that `ArrayBuffer.prototype.transfer()` has moved to another
   * ArrayBuffer stays mapped until that one is collected. So does memory under a view that has been
   * collected in this turn of the event loop, until the engine has finalized it in a later one.
   * @throws as {@link close}, but it is closed in any case, and changes that could not be written
   *   are lost; ENOMEM where there is no memory for zeros in place of the file, which stays mapped
   *   until its views are collected, or `unmap()` is called again; ERR_MMAP_UNSUPPORTED on Windows
   *   for a SharedArrayBuffer that the user has
   * @category Open and close
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { bytes } = mm
   * mm.unmap()
   * console.log(mm.closed, bytes.length) // true 0
   * ```
   */
  unmap(): void {
    mappingOf(this).unmap()
  }

  /**
   * {@link close}, for `using`.
   * @category Open and close
   */
  [Symbol.dispose](): void {
    mappingOf(this)
    this.close()
  }
}

addDisposeSymbols(Mmap.prototype)

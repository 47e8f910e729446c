// class Mmap: what a user can do with a mapping. Each method checks its arguments, then the state,
// then where positions lie, and makes one call.

import { inspect } from 'node:util'
import {
  type BytesLike,
  byteLengthOf,
  bytesArgument,
  int32,
  needleArgument,
  optionalBound,
  optionalWholeNumber,
  systemConstant,
  wholeNumber,
} from './arguments.js'
import binding, { checked } from './binding.js'
import { ACCESS_READ } from './constants.js'
import { addDisposeSymbols } from './dispose.js'
import { closed, invalidThis, noPrimitive, outOfRange, readOnly, wrongType } from './errors.js'
import { giveIdentity } from './identity.js'
import { type BufferCopy, Mapping, OPEN, type Residency } from './mapping.js'
import {
  type FileLike,
  isOptions,
  type LinesOptions,
  linesOptions,
  type MmapOptions,
  mmapRequest,
  type NotText,
  type RangeOptions,
  type RangeTaskOptions,
  rangeArguments,
  type StreamOptions,
  streamOptions,
  type TaskOptions,
  type TextLinesOptions,
  taskArguments,
  taskOptions,
} from './options.js'
import {
  adjustSlice,
  adviceCount,
  byteIndex,
  clamp,
  elementCount,
  flushArguments,
  flushRange,
  lastStop,
  misfit,
  type Range,
  rangeFromCursor,
  rangeFromStart,
  refuseEnd,
  refuseMove,
  refuseOutside,
  refuseOverrun,
  refuseWrongByte,
  refuseWrongItem,
  refuseWrongSize,
  seekTarget,
  sliceBounds,
} from './ranges.js'
import { Lines, LinesBackwards } from './search/lines.js'
import { Matches } from './search/matches.js'
import { cachedNeedleBytes, needleOf, refuseEmpty, refuseUnequal } from './search/needles.js'
import { TextLines } from './search/text-lines.js'
import { BufferIterator, streamOf } from './streams.js'
import { type TextEncoding, textEncoding } from './text.js'
import { construct, elementSize, isConstructor, type ViewConstructor, type ViewOver } from './views/view-types.js'

// The class assigns these functions, because only it can read its private properties.
let mappingOf: (mm: Mmap) => Mapping
/** The mapping, if it is open. This is called after the checks of the arguments. */
let live: (mm: Mmap) => Mapping

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
export class Mmap<TBuffer extends ArrayBufferLike = ArrayBufferLike> implements Disposable, Iterable<number> {
  readonly #mapping: Mapping
  #position = 0

  static {
    mappingOf = (mm) => {
      try {
        return mm.#mapping
      } catch {
        throw invalidThis()
      }
    }
    live = (mm) => {
      // It does not call mappingOf, which would make `at()` a sixteenth slower.
      let mapping: Mapping
      try {
        mapping = mm.#mapping
      } catch {
        throw invalidThis()
      }
      if (mapping.life !== OPEN) throw closed()
      return mapping
    }
  }

  /** The same as {@link mmap}. */
  constructor(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions) {
    const request = mmapRequest(file, length, options)
    giveIdentity(this)
    this.#mapping = new Mapping(request)
  }

  // --- State

  /** Bytes mapped. That is not the file's size, which is {@link size}. @throws ERR_MMAP_CLOSED */
  get length(): number {
    return live(this).length
  }

  /** Where in the file the mapping begins, in bytes. @throws ERR_MMAP_CLOSED */
  get offset(): number {
    return live(this).offset
  }

  /**
   * `ACCESS_*`. With `flags` and `prot` it is what CPython records: `ACCESS_DEFAULT` for read and
   * write, `ACCESS_WRITE` for write alone, else `ACCESS_READ`. @throws ERR_MMAP_CLOSED
   */
  get access(): 0 | 1 | 2 | 3 {
    return live(this).access as 0 | 1 | 2 | 3
  }

  /**
   * Whether opening has created the file (with `create`) or the region (with `tagname`). Of all
   * that open one, in all processes, it is true for one, which can initialise the bytes. It is true
   * of other anonymous memory, and false with a descriptor.
   * @throws ERR_MMAP_CLOSED
   */
  get created(): boolean {
    return checked(binding.created(live(this).handle))
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return mappingOf(this).life !== OPEN
  }

  /**
   * The descriptor: a duplicate of the file's that belongs to the mapping, or for shared anonymous
   * memory one that a child process can inherit and map. Do not close it. -1 where there is none:
   * `trackfd: false`, Windows, anonymous memory that is private or has a flag such as MAP_STACK.
   * @throws ERR_MMAP_CLOSED
   */
  get fd(): number {
    return checked(binding.descriptor(live(this).handle))
  }

  // --- Zero-copy

  /**
   * The mapping itself, as a Uint8Array. Nothing is copied, and what is stored is in the file (with
   * `ACCESS_READ` and `ACCESS_COPY`: in private memory). It never goes bad: it can be used after
   * `close()`, and the memory is unmapped when the last view is collected.
   * To the engine it is a buffer as long as the mapping, which counts as so much memory and causes
   * a garbage collection when it is long. A part costs less: `mm.view(Uint8Array, a, n)`.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE beyond MAX_VIEW_LENGTH, ERR_MMAP_NO_VIEW where
   *   the runtime allows none
   */
  get bytes(): ViewOver<Uint8Array, TBuffer> {
    const { views, handle, length } = live(this)
    return views.exposeBytes(handle, length) as ViewOver<Uint8Array, TBuffer>
  }

  /**
   * The buffer that `bytes` is a view of, which costs what `bytes` costs. It may begin before the
   * mapping: up to 7 bytes, when `offset` is not a multiple of 8, and a SharedArrayBuffer up to a
   * page. So count from `bytes.byteOffset`, or use {@link view}.
   * @throws as {@link bytes}
   */
  get buffer(): TBuffer {
    const { views, handle, length } = live(this)
    return views.exposeWhole(handle, length).buffer as TBuffer
  }

  /** A Buffer over the same memory, with the arguments and errors of the other kinds of view. */
  view(type: BufferConstructor, byteOffset?: number, length?: number): ViewOver<Buffer, TBuffer>
  /**
   * A view of another kind, of the same memory: `mm.view(Float64Array, 16, 100)`,
   * `mm.view(DataView)`, `mm.view(Buffer)`. It is also how to see a part of a mapping that is
   * longer than MAX_VIEW_LENGTH (not with `sharedArrayBuffer`: that is ERR_MMAP_VIEW_TOO_LARGE).
   * A view of a part of a long mapping has a buffer of its own over the pages of that part, so it
   * costs what it shows. Count from its `byteOffset`: views of the same pages may share a buffer,
   * and after many, all new ones are of {@link buffer}. A SharedArrayBuffer is always the whole.
   * @param type a typed array class, `DataView` or `Buffer`
   * @param byteOffset in bytes, default 0; plus `offset` it must be a multiple of the element's
   *   size
   * @param length in elements, default as many as there are
   * @throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, and as {@link bytes}
   */
  view<T extends ArrayBufferView>(type: ViewConstructor<T>, byteOffset?: number, length?: number): ViewOver<T, TBuffer>
  view<T extends ArrayBufferView>(type: ViewConstructor<T>, byteOffset: number = 0, length?: number): T {
    const size = elementSize(type)
    if (size === undefined || !isConstructor<T>(type)) {
      throw wrongType('type', 'a typed array class, DataView or Buffer', type)
    }
    const from = wholeNumber(byteOffset, 'byteOffset')
    const elements = optionalWholeNumber(length, 'length')
    const mapping = live(this)
    const count = elementCount({ byteOffset: from, length: elements, size }, mapping.lead, mapping.length)
    const { buffer, origin } = mapping.views.exposeRange(mapping.handle, mapping.length, from, count * size)
    return construct(type, buffer, origin + from, count)
  }

  // --- Copies, for code that reads bytes twice or keeps them

  /**
   * The text of `[start, stop)`. It is made from a copy, so it is safe while other processes write.
   * Code that takes a view as text is not: another process that writes meanwhile can crash
   * `TextDecoder`, `JSON.parse` and others. It is decoded as `Buffer#toString` does: invalid UTF-8
   * becomes U+FFFD, and a byte order mark stays.
   * @param encoding `'utf8'` by default
   * @param start default 0, not the cursor; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for another encoding,
   *   ERR_OUT_OF_RANGE for a text longer than a string can be
   */
  toString(encoding: TextEncoding = 'utf8', start?: number, stop?: number): string {
    const checkedEncoding = textEncoding(encoding)
    const range = { start: optionalBound(start, 'start') ?? 0, stop: optionalBound(stop, 'stop') }
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, 0, mapping.length)
    return mapping.text(checkedEncoding, from, to)
  }

  /**
   * A copy of `[start, stop)` as an ArrayBuffer of exactly these bytes: post it, transfer it, pass
   * it to code that wants an ArrayBuffer. (`slice().buffer` may be Node's pool, with other bytes in
   * it.) `start` is 0 by default, `stop` the length.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  arrayBuffer(start?: number | RangeOptions, stop?: number): ArrayBuffer {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    return mapping.arrayBuffer(from, to)
  }

  /**
   * A web stream of `[start, stop)` in pieces, each a copy with an ArrayBuffer of its own: for
   * `new Response(mm.stream())`, `fetch`, `Readable.fromWeb` and everything else that reads a file
   * piece by piece. A piece is copied when the reader asks for it, and none ahead.
   * A change of the mapping meanwhile may be in a piece or not. After a `resize()` the stream goes
   * on in the new length. It fails if the mapping is closed before the last piece has been read.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an unknown option,
   *   ERR_OUT_OF_RANGE for another `chunkSize`; the stream fails with ERR_MMAP_CLOSED and
   *   ERR_MMAP_FAULT
   */
  stream(options?: StreamOptions): ReadableStream<Uint8Array> {
    const { start, stop, chunkSize } = streamOptions(options)
    return streamOf(live(this).pieces(start, stop, chunkSize))
  }

  /**
   * All of the mapping in pieces of 64 KiB, each a copy, for `for await (const piece of mm)`,
   * `pipeline(mm, ...)` and `fs.promises.writeFile(path, mm)`. It is as {@link stream}. (Without
   * `await` there is a number for each byte.)
   * @throws ERR_MMAP_CLOSED and, from `next()`, the errors that a stream fails with
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    const { start, stop, chunkSize } = streamOptions(undefined)
    return new BufferIterator(live(this).pieces(start, stop, chunkSize))
  }

  // --- The file half: a cursor

  /**
   * Copies at most `n` bytes from the cursor, and moves it on. At the end the Buffer is empty.
   * @param n bytes; to the end when it is missing, null or negative
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  read(n?: number | null): BufferCopy {
    const most = n === null || n === undefined ? -1 : wholeNumber(n, 'n')
    const mapping = live(this)
    // The cursor may be beyond the end after a resize.
    const position = this.#position
    const left = Math.max(mapping.length - position, 0)
    const count = most < 0 ? left : Math.min(most, left)
    const copy = mapping.copy(position, count)
    this.#position = position + count
    return copy
  }

  /**
   * Reads the byte at the cursor and moves on.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE when the cursor is at the end
   */
  readByte(): number {
    const mapping = live(this)
    const position = this.#position
    refuseEnd(position, mapping.length, 'read byte out of range')
    const value = mapping.byteAt(position)
    this.#position = position + 1
    return value
  }

  /**
   * Copies from the cursor through the next `'\n'`, or to the end, and moves on. At the end it is
   * empty.
   * @throws ERR_MMAP_CLOSED
   */
  readLine(): BufferCopy {
    const mapping = live(this)
    const position = this.#position
    if (position >= mapping.length) return Buffer.alloc(0)
    const line = mapping.copyLine(position)
    this.#position = position + line.length
    return line
  }

  /**
   * Writes all of `data` at the cursor and moves it on, or nothing. Returns how many bytes.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   */
  write(data: BytesLike): number {
    const bytes = bytesArgument(data, 'data')
    const mapping = writable(this)
    const count = byteLengthOf(bytes)
    refuseOverrun(count, this.#position, mapping.length)
    checked(binding.write(mapping.handle, bytes, count, this.#position, 1))
    this.#position += count
    return count
  }

  /**
   * Writes a byte at the cursor and moves on.
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when the cursor is at the end or
   *   for another value, ERR_INVALID_ARG_TYPE
   */
  writeByte(value: number): void {
    const byte = wholeNumber(value, 'value')
    refuseWrongByte(byte)
    const mapping = writable(this)
    refuseEnd(this.#position, mapping.length, 'write byte out of range')
    mapping.setByteAt(this.#position, byte)
    this.#position += 1
  }

  /**
   * Moves the cursor to `position` from the start (`whence` 0), the cursor (1) or the end (2).
   * Returns where it is.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE outside `[0, length]` or for another `whence`,
   *   ERR_INVALID_ARG_TYPE
   */
  seek(position: number, whence: 0 | 1 | 2 = 0): number {
    const distance = wholeNumber(position, 'position')
    const base = int32(whence, 'whence')
    const mapping = live(this)
    this.#position = seekTarget(distance, base, this.#position, mapping.length)
    return this.#position
  }

  /** Always true, also when closed. */
  seekable(): true {
    return true
  }

  /** The cursor. It may be beyond the end after a `resize()`. @throws ERR_MMAP_CLOSED */
  tell(): number {
    live(this)
    return this.#position
  }

  // --- The bytearray half: positions, negative ones count from the end

  /**
   * The byte at `index`, from 0 to 255. A negative index counts from the end: -1 is the last byte.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  at(index: number): number {
    const position = wholeNumber(index, 'index')
    const mapping = live(this)
    return mapping.byteAt(byteIndex(position, mapping.length))
  }

  /**
   * Sets the byte at `index`. A negative index counts from the end.
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  setAt(index: number, value: number): void {
    const position = wholeNumber(index, 'index')
    const byte = wholeNumber(value, 'value')
    const mapping = writable(this)
    const at = byteIndex(position, mapping.length)
    refuseWrongItem(byte)
    mapping.setByteAt(at, byte)
  }

  /**
   * Python's `m[start:stop:step]`, a copy: the bytes from `start` up to but not including `stop`,
   * every `step`th of them. A negative `step` goes backwards.
   * @param start default 0; the last byte with a negative `step`
   * @param stop default the length; before the first byte with a negative `step`
   * @param step default 1
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE for a step of 0, ERR_INVALID_ARG_TYPE
   */
  slice(start?: number, stop?: number, step?: number): BufferCopy {
    const bounds = sliceBounds(start, stop, step)
    const mapping = live(this)
    const slice = adjustSlice(bounds, mapping.length)
    if (slice.step === 1) return mapping.copy(slice.start, slice.count)
    return mapping.copyStrided(slice.start, slice.step, slice.count)
  }

  /**
   * Python's `m[start:stop:step] = data`: all of it, or nothing. Bounds and defaults are those of
   * {@link slice}.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE unless `data` is exactly as long
   *   as the slice, ERR_INVALID_ARG_TYPE
   */
  setSlice(data: BytesLike, start?: number, stop?: number, step?: number): void {
    const bytes = bytesArgument(data, 'data')
    const bounds = sliceBounds(start, stop, step)
    const mapping = writable(this)
    const slice = adjustSlice(bounds, mapping.length)
    const count = byteLengthOf(bytes)
    refuseWrongSize(count, slice)
    if (count !== 0) checked(binding.write(mapping.handle, bytes, count, slice.start, slice.step))
  }

  /**
   * Writes all of `data` at `position`, or nothing, as a typed array's `set` does. The cursor stays
   * where it is. A negative position is refused, because -1 is the last byte to {@link at} and the
   * cursor to `fs`. Returns how many bytes.
   * @param position in bytes, default 0
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   */
  set(data: BytesLike, position: number = 0): number {
    const bytes = bytesArgument(data, 'data')
    const at = wholeNumber(position, 'position')
    const mapping = writable(this)
    const count = byteLengthOf(bytes)
    if (at < 0 || at > mapping.length - count) throw misfit(count, at, mapping.length)
    mapping.set(bytes, count, at)
    return count
  }

  /**
   * Copies `count` bytes from `src` to `dest` within the mapping; the two may overlap.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  move(dest: number, src: number, count: number): void {
    const to = wholeNumber(dest, 'dest')
    const from = wholeNumber(src, 'src')
    const bytes = wholeNumber(count, 'count')
    const mapping = writable(this)
    refuseMove(to, from, bytes, mapping.length)
    checked(binding.copyWithin(mapping.handle, to, from, bytes))
  }

  /**
   * Fills `[start, stop)` with a byte, or with `value` over and over.
   * @param value 0 to 255, or bytes, at least one
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  fill(value: number | BytesLike, start?: number, stop?: number): this {
    const pattern = needleArgument(value, 'value')
    const bounds = sliceBounds(start, stop, undefined)
    const mapping = writable(this)
    if (byteLengthOf(pattern) === 0) throw outOfRange('fill out of range', 'value', 'at least one byte long', '0 bytes')
    const slice = adjustSlice(bounds, mapping.length)
    checked(binding.fill(mapping.handle, pattern, slice.start, slice.count))
    return this
  }

  /**
   * The bytes, as numbers, each read at its step.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT from `next()`
   */
  *[Symbol.iterator](): Generator<number, undefined, undefined> {
    for (let index = 0; ; index += 1) {
      const mapping = live(this)
      if (index >= mapping.length) return
      yield mapping.byteAt(index)
    }
  }

  // --- Searching

  /**
   * The first place of `needle` in `[start, stop)`, or -1. An empty needle is at `start`.
   * @param start default is the cursor, as in Python; see {@link indexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  find(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = cachedNeedleBytes(needle)
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, this.#position, mapping.length)
    return to < from ? -1 : mapping.find(bytes, from, to)
  }

  /**
   * The last place of `needle` in `[start, stop)`, or -1. An empty needle is at `stop`.
   * @param start default is the cursor, as in Python; see {@link lastIndexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  rfind(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = bytesArgument(needle, 'needle')
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, this.#position, mapping.length)
    return to < from ? -1 : mapping.rfind(bytes, from, to)
  }

  /**
   * The first place of `needle` from `start` on, or -1, as Buffer's: `start` is 0 by default and
   * counts from the end when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   */
  indexOf(needle: number | BytesLike, start?: number): number {
    const bytes = needleOf(needle)
    const from = optionalBound(start, 'start') ?? 0
    const mapping = live(this)
    return mapping.find(bytes, clamp(from, mapping.length), mapping.length)
  }

  /**
   * The last place of `needle` at or before `start`, or -1, as Buffer's: `start` is the end by
   * default and counts from it when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   */
  lastIndexOf(needle: number | BytesLike, start?: number): number {
    const bytes = needleArgument(needle, 'needle')
    const bound = optionalBound(start, 'start') ?? Number.POSITIVE_INFINITY
    const mapping = live(this)
    const last = lastStop(bound, byteLengthOf(bytes), mapping.length)
    return last === undefined ? -1 : mapping.rfind(bytes, 0, last)
  }

  /** Whether {@link indexOf} finds it. @throws as {@link indexOf} */
  includes(needle: number | BytesLike, start?: number): boolean {
    mappingOf(this)
    return this.indexOf(needle, start) !== -1
  }

  /**
   * The places of `needle` in `[start, stop)`, from the first to the last. Matches do not overlap:
   * in `'aaaa'`, `'aa'` is at 0 and 2. `start` is 0 by default, not the cursor. They are found a
   * few thousand at a time, so no number of them costs memory. A change of the mapping during the
   * iteration may be found or not. After a `resize()` it goes on in the new length.
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an empty needle, ERR_MMAP_FAULT
   */
  findAll(needle: BytesLike, start?: number | RangeOptions, stop?: number): IterableIterator<number> {
    const bytes = bytesArgument(needle, 'needle')
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    refuseEmpty(bytes, 'needle')
    const from = clamp(range.start ?? 0, mapping.length)
    const to = range.stop ?? Number.POSITIVE_INFINITY
    // The needle is copied, because the caller may write to it between two steps.
    return new Matches(mapping.iterationSource(), new Uint8Array(bytes), from, to)
  }

  /**
   * How often `needle` is in `[start, stop)`, without overlaps. `start` is by default 0, not the
   * cursor.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty needle,
   *   ERR_MMAP_FAULT
   */
  count(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = bytesArgument(needle, 'needle')
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    refuseEmpty(bytes, 'needle')
    return checked(binding.count(mapping.handle, bytes, from, to))
  }

  /**
   * Writes `to` in place of each `from` in `[start, stop)`. Both must have the same length; matches
   * do not overlap. `start` is 0 by default, not the cursor. Returns how many matches there were.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
   *   empty `from` or another length, ERR_MMAP_FAULT with `replaced`, how many were replaced before
   */
  replaceAll(from: BytesLike, to: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const old = bytesArgument(from, 'from')
    const replacement = bytesArgument(to, 'to')
    const [mapping, first, last] = liveRange(this, rangeArguments(start, stop))
    writable(this)
    refuseUnequal(old, replacement)
    return checked(binding.replaceAll(mapping.handle, old, replacement, first, last))
  }

  /**
   * The lines of a range as text, from copies, so it is safe while other processes write. A line
   * ends before its `'\n'` or at the end of the range; after a `'\n'` at the end there is no empty
   * line. Invalid UTF-8 becomes U+FFFD, as in `TextDecoder`, and a byte order mark stays.
   * Some hundred lines are copied and decoded at a time, and cut out of that text: engines keep the
   * whole of it, up to 64 KiB, as long as one line is kept.
   * @param options `encoding`, and those that `lines()` has without it
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option or another encoding, ERR_MMAP_FAULT,
   *   ERR_OUT_OF_RANGE for a line longer than a string can be
   */
  lines(options: TextLinesOptions): IterableIterator<string>
  /**
   * The lines of a range, as Uint8Arrays over the mapping: nothing is copied, except where the
   * runtime has no views. A line ends before its `'\n'` (a `'\r'` stays, unless `crlf` is true) or
   * at the end of the range; after a `'\n'` at the end there is no empty line. A line is a view, as
   * {@link bytes} is: what is stored to it is stored in the mapping, and as long as one is kept,
   * all of the mapping stays in memory. Copy a line that is kept, decoded or parsed, with
   * `Buffer.from(line)`: another process that writes to the file meanwhile can crash `TextDecoder`.
   * For text, use `encoding`. Line ends are found a few thousand at a time; see {@link findAll}.
   * @param options `start` and `stop`, all of the mapping by default; `crlf`; `reverse`
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option, ERR_MMAP_FAULT, ERR_MMAP_VIEW_TOO_LARGE for a
   *   line longer than MAX_VIEW_LENGTH
   */
  lines(options?: LinesOptions): IterableIterator<Uint8Array>
  lines(options?: LinesOptions | TextLinesOptions): IterableIterator<Uint8Array> | IterableIterator<string> {
    const { start, stop, encoding, crlf, reverse } = linesOptions(options)
    const mapping = live(this)
    const source = mapping.iterationSource()
    const from = clamp(start, mapping.length)
    if (encoding !== undefined) return new TextLines(source, from, stop, { encoding, crlf, reverse })
    return reverse ? new LinesBackwards(source, from, stop, crlf) : new Lines(source, from, stop, crlf)
  }

  /**
   * Where the line begins and ends that a position is in, without its `'\n'`: `mm.toString('utf8',
   * start, stop)` is its text. A `'\n'` is in the line that it ends. At the end of the mapping it
   * is the last line, which is empty after a `'\n'`.
   * @param position from 0 to the length; a negative one is refused, as by {@link set}
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT
   */
  lineAt(position: number): { start: number; stop: number } {
    const at = wholeNumber(position, 'position')
    const mapping = live(this)
    refuseOutside(at, mapping.length)
    return mapping.lineAt(at)
  }

  // --- The same as tasks: each works on a thread of its own, and JavaScript goes on meanwhile

  /**
   * {@link find}, as a task. `close()` leaves the task its memory; `unmap()` stops the task.
   * @param start default is the cursor, at the time of the call
   * @returns a promise, rejected with the errors of `find`, with ABORT_ERR, and with
   *   ERR_MMAP_CLOSED after `unmap()`
   */
  async findAsync(
    needle: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, this.#position, mapping.length)
    if (to < from) {
      checked.onProgress?.({ done: 0, total: 0 })
      return -1
    }
    return mapping.runTask(checked, to - from, (task) => binding.startFind(task, bytes, from, to))
  }

  /**
   * {@link count}, as a task.
   * @returns a promise, rejected with the errors of `count`, and as that of {@link findAsync}
   */
  async countAsync(
    needle: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = liveRange(this, range)
    refuseEmpty(bytes, 'needle')
    return mapping.runTask(checked, to - from, (task) => binding.startCount(task, bytes, from, to))
  }

  /**
   * {@link replaceAll}, as a task.
   * @returns a promise, rejected with the errors of `replaceAll`, and as that of {@link findAsync}.
   *   Every error after the start, except one that `onProgress` throws, has `replaced`: how many
   *   were replaced by then. A task that was aborted leaves the rest as it was. ERR_MMAP_READONLY
   *   also when `protect()` forbids writing meanwhile, or `resize()` copies private anonymous
   *   memory
   */
  async replaceAllAsync(
    from: BytesLike,
    to: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const old = bytesArgument(from, 'from')
    const replacement = bytesArgument(to, 'to')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, first, last] = liveRange(this, range)
    writable(this)
    refuseUnequal(old, replacement)
    return mapping.runTask(checked, last - first, (task) =>
      binding.startReplaceAll(task, old, replacement, first, last),
    )
  }

  /**
   * {@link flush}, as a task. The device is asked to finish after every 8 MiB, which is when
   * progress is reported and a signal is looked at.
   * @param offset in bytes, default 0; or all options, with the range as `start` and `stop`
   * @param size in bytes; to the end when it is missing or -1
   * @returns a promise, rejected with the errors of `flush`, and as that of {@link findAsync}
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
   * Reads a range into memory ahead of its use, as a task: {@link resident} shows it. Nothing is
   * copied. Linux: MADV_POPULATE_READ (5.14 and newer). Other Unix: MADV_WILLNEED and a touch of
   * every page. Windows: PrefetchVirtualMemory.
   * @param start default 0; or all options. `stop` is the length by default
   * @returns a promise, rejected as that of {@link findAsync}, and with ERR_MMAP_FAULT
   */
  async prefetch(start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<void> {
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = liveRange(this, range)
    await mapping.runTask(checked, to - from, (task) => binding.startPrefetch(task, from, to))
  }

  // --- The operating system half

  /**
   * Bytes in the file, which may differ from `length` and may change. Of anonymous memory:
   * `length`.
   * @throws ERR_MMAP_CLOSED, EBADF with `trackfd: false`
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
   */
  flush(offset: number = 0, size?: number, flags?: number): void {
    const extent = flushArguments(offset, size)
    const how = flags === undefined ? undefined : int32(flags, 'flags')
    const mapping = live(this)
    const [from, to] = flushRange(extent, mapping.length)
    checked(binding.flush(mapping.handle, from, to - from, how))
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
   */
  mlock(start?: number | RangeOptions, stop?: number): void {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    mapping.relocateEarly()
    checked(binding.lock(mapping.handle, from, to - from))
  }

  /**
   * Undoes {@link mlock}, however often that was called; on macOS, one call of it. Arguments and
   * errors are the same.
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
   */
  resident(start?: number | RangeOptions, stop?: number): Residency {
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    return checked(binding.resident(mapping.handle, from, to - from))
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
   */
  unmap(): void {
    mappingOf(this).unmap()
  }

  /** {@link close}, for `using`. */
  [Symbol.dispose](): void {
    mappingOf(this)
    this.close()
  }

  /** The fields of CPython's repr. Never throws. */
  [inspect.custom](_depth?: number, options?: { stylize?: (text: string, style: 'special') => string }): string {
    // It may be a Proxy of one, or an object that only inherits from one.
    if (!(#mapping in this)) return '<memmap.Mmap>'
    const text = `<memmap.Mmap ${this.#mapping.describe(this.#position)}>`
    const stylize = options?.stylize
    return typeof stylize === 'function' ? stylize(text, 'special') : text
  }

  /** {@link bytes}, so that `Buffer.from(mm)` is a copy of the mapping. @throws as {@link bytes} */
  valueOf(): ViewOver<Uint8Array, TBuffer> {
    mappingOf(this)
    return this.bytes
  }

  /**
   * Throws: a mapping is no string and no number. So code that would take `"[object Mmap]"` for its
   * content does not (`new Blob([mm])`, `${mm}`, `'' + mm`), and the error says what to pass.
   * @throws ERR_INVALID_ARG_TYPE, always
   */
  [Symbol.toPrimitive](hint: string): never {
    throw noPrimitive(hint)
  }

  get [Symbol.toStringTag](): string {
    return 'Mmap'
  }
}

addDisposeSymbols(Mmap.prototype)

function writable(mm: Mmap): Mapping {
  const mapping = live(mm)
  if (mapping.access === ACCESS_READ) throw readOnly()
  return mapping
}

function liveRange(mm: Mmap, range: Range): [mapping: Mapping, from: number, to: number] {
  const mapping = live(mm)
  const [from, to] = rangeFromStart(range, mapping.length)
  return [mapping, from, to]
}

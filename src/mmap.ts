// class Mmap: the cursor, Python's indexing and slicing, and what is handed out. Memory and the operating system are Rust's.

import { constants as bufferConstants } from 'node:buffer'
import { inspect } from 'node:util'
import {
  type BytesLike,
  byteArgument,
  byteLengthOf,
  bytesArgument,
  int32,
  needleArgument,
  optionalBound,
  optionalWholeNumber,
  systemConstant,
  wholeNumber,
} from './arguments.js'
import binding, { checked, type Handle } from './binding.js'
import { ACCESS_READ, PAGESIZE } from './constants.js'
import { addDisposeSymbols } from './dispose.js'
import {
  closed,
  copyTooLong,
  isFault,
  isNoView,
  isShortage,
  noPrimitive,
  outOfRange,
  readOnly,
  withPath,
  wrongType,
} from './errors.js'
import { countedFaults, faultCounter } from './fault-counter.js'
import { keepFaultHandler } from './fault-signals.js'
import { giveIdentity } from './identity.js'
import { closedHandle, collectGarbageSoon, handles, leaveNamedRegionsAtExit, open } from './open.js'
import {
  type CheckedTaskOptions,
  type FileLike,
  isOptions,
  type LinesOptions,
  linesOptions,
  type MmapOptions,
  maxByteLengthTooShort,
  mmapRequest,
  type NotText,
  type PlainMmapOptions,
  type RangeOptions,
  type RangeTaskOptions,
  rangeArguments,
  type SharedMmapOptions,
  type StreamOptions,
  streamOptions,
  type TaskOptions,
  type TextLinesOptions,
  taskArguments,
  taskOptions,
} from './options.js'
import { adjustSlice, clamp, type Range, sliceBounds } from './ranges.js'
import type { IterationSource, MappingState } from './search/iteration.js'
import { Lines, LinesBackwards } from './search/lines.js'
import { Matches } from './search/matches.js'
import {
  cachedNeedleBytes,
  indexWithin,
  type Needle,
  needleBytes,
  refuseEmpty,
  refuseUnequal,
} from './search/needles.js'
import { TextLines } from './search/text-lines.js'
import { BufferIterator, Pieces, streamOf } from './streams.js'
import { runTask, type StartTask } from './tasks.js'
import { decode, refuseTooLong, SHORT_TEXT, shortText, type TextEncoding, textEncoding } from './text.js'
import { elementSize, isConstructor, type ViewConstructor } from './views/view-types.js'
import { type Place, Views } from './views/views.js'

/** Pages in memory of all pages in a range. */
export interface Residency {
  /** Pages that are in memory. */
  resident: number
  /** Pages in the range. */
  total: number
}

/**
 * A Buffer with memory of its own: `Buffer<ArrayBuffer>` where `@types/node` and TypeScript (5.7 and
 * newer) know that, else `Buffer`.
 */
export type BufferCopy = ReturnType<BufferConstructor['allocUnsafe']>

/**
 * A view of some class over a mapping. Of an ArrayBuffer it is `Float64Array<ArrayBuffer>` and so
 * on, where TypeScript (5.7 and newer) knows that: the type that `slice()` of the class returns.
 */
export type ViewOver<T extends ArrayBufferView, TBuffer extends ArrayBufferLike> = [TBuffer] extends [SharedArrayBuffer]
  ? T & { readonly buffer: TBuffer }
  : [TBuffer] extends [ArrayBuffer]
    ? T extends { slice(): infer Copy }
      ? Copy extends T
        ? Copy
        : T & Copy
      : T & { readonly buffer: TBuffer }
    : T

const ACCESS_NAMES = ['ACCESS_DEFAULT', 'ACCESS_READ', 'ACCESS_WRITE', 'ACCESS_COPY'] as const
// Searches and copies up to this long, in bytes, are done in JavaScript: Rust is faster, but calling it costs as much.
const SHORT_SEARCH = 512
const SHORT_COPY = 2048
// Buffer's own methods are wrong beyond 4 GiB.
const BUFFER_LIMIT = 2 ** 32 - 1
const NEWLINE = 10

/**
 * A file as memory, or memory shared between processes: CPython's `mmap.mmap`.
 *
 * It is a file (`read`, `write`, `seek`, `readLine`, ... at a cursor), a bytearray (`at`, `slice`, `setSlice`, `find`, ...) and
 * memory (`bytes`, `buffer`, `view()`, which copy nothing). Positions and lengths are in bytes. Arguments are checked, and then the
 * state, before anything is touched; every error has a `code` ({@link ErrorCode}, or the operating system's).
 *
 * Every method but `close`, `unmap` and `seekable` throws `ERR_MMAP_CLOSED` once it is closed. Every one that reads, searches, writes or
 * flushes bytes throws `ERR_MMAP_FAULT`, with `offset` and `length` of what was lost, once the file has been truncated under the
 * mapping, or a full disk could not fill a hole in it. A number that should be whole and is not is `ERR_OUT_OF_RANGE`, and so is a copy
 * that is longer than a Buffer can be or than there is memory for. A detached ArrayBuffer is `ERR_INVALID_ARG_VALUE`, and so is an
 * unknown option.
 *
 * An Mmap is not itself a Buffer or a typed array: where one is wanted, pass {@link bytes}, which copies nothing, or {@link slice}, a
 * copy. (`mm[0]` is undefined.) It cannot be cloned, nor be in a Proxy, whose methods throw a
 * TypeError without a code: the properties of a class that are private belong to the object
 * itself. Vue makes none of it; elsewhere mark it, or keep it beside what is proxied.
 */
export class Mmap<TBuffer extends ArrayBufferLike = ArrayBufferLike> implements Disposable, Iterable<number> {
  #mapping: Handle | undefined
  /** The handle after `close()`, for `unmap()`, if there is anything for it to do. */
  #closedMapping: Handle | undefined
  #length: number
  readonly #offset: number
  /** How far into its page the first byte is. Anonymous memory begins on a page whatever `offset` is. */
  readonly #lead: number
  #access: number
  #position = 0
  /** What iterators check before each step. */
  #state: MappingState | undefined
  /**
   * What {@link Views.internalBytes} has returned, kept here because two more loads would make
   * `at()` slower. It must be given up whenever the memory is replaced.
   */
  #direct: Buffer | undefined
  /** How many faults there had been in the process when this mapping was known to be intact. */
  #faultsSeen = 0
  readonly #writesBack: boolean
  readonly #views: Views

  /**
   * The same as {@link mmap}.
   */
  constructor(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions) {
    const asked = mmapRequest(file, length, options)
    const mapping = closedHandle()
    this.#length = open(mapping, asked)
    try {
      if (asked.maxByteLength !== undefined && asked.maxByteLength < this.#length) {
        // The length was that of the file, and is known only now.
        throw withPath(maxByteLengthTooShort(asked.maxByteLength, this.#length), asked.path)
      }
      this.#access = asked.access ?? checked(binding.access(mapping))
      if (asked.tagname !== undefined) leaveNamedRegionsAtExit()
      if (asked.file !== -1 || asked.tagname !== undefined) keepFaultHandler()
      giveIdentity(this)
    } catch (error) {
      binding.close(mapping)
      throw error
    }
    this.#offset = asked.offset
    this.#lead = asked.file === -1 && asked.tagname === undefined ? 0 : asked.offset % PAGESIZE
    this.#views = new Views(this.#lead, asked.shared, asked.maxByteLength)
    this.#writesBack = asked.writeBack
    this.#mapping = mapping
  }

  // --- State

  /** Bytes mapped. That is not the file's size, which is {@link size}. @throws ERR_MMAP_CLOSED */
  get length(): number {
    this.#live()
    return this.#length
  }

  /** Where in the file the mapping begins, in bytes. @throws ERR_MMAP_CLOSED */
  get offset(): number {
    this.#live()
    return this.#offset
  }

  /**
   * `ACCESS_*`. With `flags` and `prot` it is what CPython records: `ACCESS_DEFAULT` for read and write, `ACCESS_WRITE` for write alone,
   * else `ACCESS_READ`. @throws ERR_MMAP_CLOSED
   */
  get access(): 0 | 1 | 2 | 3 {
    this.#live()
    return this.#access as 0 | 1 | 2 | 3
  }

  /**
   * Whether opening it has created the file (with `create`), or the region (with `tagname`): of all that open one, in all processes, it is
   * true for one, whose task it is to initialise what is in it. True of other anonymous memory, false with a descriptor.
   *
   * @throws ERR_MMAP_CLOSED
   */
  get created(): boolean {
    return checked(binding.created(this.#live()))
  }

  /** Whether it is closed. Never throws. */
  get closed(): boolean {
    return this.#mapping === undefined
  }

  /**
   * The descriptor: a duplicate of the file's that is ours, or for shared anonymous memory one that a child process can inherit
   * and map. Do not close it. -1 where there is none: `trackfd: false`, anonymous memory that is private or has a flag such as
   * MAP_STACK, Windows.
   *
   * @throws ERR_MMAP_CLOSED
   */
  get fd(): number {
    return checked(binding.descriptor(this.#live()))
  }

  // --- Zero-copy

  /**
   * The mapping itself, as a Uint8Array: nothing is copied, and what is stored is in the file (with `ACCESS_READ` and
   * `ACCESS_COPY`: in private memory). It never goes bad: it can be used after `close()`, and the memory is unmapped when the last
   * view is collected.
   *
   * To the engine it is a buffer as long as the mapping, which counts as so much memory and causes
   * a garbage collection when it is long. A part costs less: `mm.view(Uint8Array, a, n)`.
   *
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE beyond MAX_VIEW_LENGTH, ERR_MMAP_NO_VIEW where the runtime allows none
   */
  get bytes(): ViewOver<Uint8Array, TBuffer> {
    return this.#views.exposeBytes(this.#live(), this.#length) as ViewOver<Uint8Array, TBuffer>
  }

  /**
   * What `bytes` is a view of. It may begin before the mapping: up to 7 bytes, when `offset` is not a multiple of 8, and a
   * SharedArrayBuffer up to a page. So count from `bytes.byteOffset`, or use {@link view}. It costs
   * what `bytes` costs.
   *
   * @throws as {@link bytes}
   */
  get buffer(): TBuffer {
    return this.#views.exposeWhole(this.#live(), this.#length).buffer as TBuffer
  }

  /** A Buffer over the same memory, nothing copied: `mm.view(Buffer, 0, 100)`. Arguments and errors are those of the other kinds. */
  view(type: BufferConstructor, byteOffset?: number, length?: number): ViewOver<Buffer, TBuffer>
  /**
   * A view of another kind, of the same memory: `mm.view(Float64Array, 16, 100)`, `mm.view(DataView)`, `mm.view(Buffer)`. It is also
   * how to see a part of a mapping that is longer than MAX_VIEW_LENGTH (not with `sharedArrayBuffer`: that is ERR_MMAP_VIEW_TOO_LARGE).
   *
   * A view of a part of a long mapping has a buffer of its own over the pages of that part, so it
   * costs what it shows. Count from its `byteOffset`: views of the same pages may share a buffer,
   * and once many were made, all new ones are of {@link buffer}. A SharedArrayBuffer is always the
   * whole.
   *
   * @param type a typed array class, `DataView` or `Buffer`
   * @param byteOffset in bytes, default 0; `offset + byteOffset` must be a multiple of the element's size
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
    const asked = optionalWholeNumber(length, 'length')
    const mapping = this.#live()
    if (from < 0 || from > this.#length) {
      throw outOfRange('view out of range', 'byteOffset', `0 to ${this.#length}`, byteOffset)
    }
    const most = Math.floor((this.#length - from) / size)
    const count = asked ?? most
    if (count < 0 || count > most) throw outOfRange('view out of range', 'length', `0 to ${most}`, length)
    if ((this.#lead + from) % size !== 0) {
      const allowed = `such that offset + byteOffset is a multiple of ${size} (a DataView reads anywhere)`
      throw outOfRange('view out of range', 'byteOffset', allowed, byteOffset)
    }
    const { buffer, origin } = this.#views.exposeRange(mapping, this.#length, from, count * size)
    // Buffer is no class to be constructed, and Buffer.from asks the ArrayBuffer for properties.
    if ((type as unknown) === Buffer) return Reflect.construct(Uint8Array, [buffer, origin + from, count], Buffer)
    return new type(buffer, origin + from, count)
  }

  // --- Copies, for what reads bytes twice or keeps them

  /**
   * The text of `[start, stop)`. It is made from a copy, so it is safe while other processes
   * write. What takes a view as text is not: another process that writes meanwhile can crash
   * `TextDecoder`, `JSON.parse` and others.
   *
   * It is decoded as `Buffer#toString` does: what is no UTF-8 becomes U+FFFD, and a byte order
   * mark stays. Bounds are those of {@link slice}.
   *
   * @param encoding `'utf8'` by default
   * @param start default 0, not the cursor
   * @param stop default the length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for another encoding,
   *   ERR_OUT_OF_RANGE for a text longer than a string can be
   */
  toString(encoding: TextEncoding = 'utf8', start?: number, stop?: number): string {
    const how = textEncoding(encoding)
    const from = optionalBound(start, 'start')
    const to = optionalBound(stop, 'stop')
    const mapping = this.#live()
    const length = this.#length
    return this.#text(
      mapping,
      how,
      from === undefined ? 0 : clamp(from, length),
      to === undefined ? length : clamp(to, length),
    )
  }

  /**
   * A copy of `[start, stop)` as an ArrayBuffer of exactly these bytes, which is nobody else's:
   * post it, transfer it, give it to what wants an ArrayBuffer. (`slice().buffer` may be Node's
   * pool, with other bytes in it.) Bounds are those of {@link slice}.
   *
   * @param start default 0
   * @param stop default the length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  arrayBuffer(start?: number | RangeOptions, stop?: number): ArrayBuffer {
    const [mapping, from, to] = this.#rangeFromStart(rangeArguments(start, stop))
    return this.#arrayBuffer(mapping, from, to)
  }

  /**
   * A web stream of `[start, stop)` in pieces, each a copy with an ArrayBuffer of its own: for
   * `new Response(mm.stream())`, `fetch`, `Readable.fromWeb` and everything else that reads a file
   * piece by piece. A piece is copied when the reader asks for it, and none ahead. Bounds are
   * those of {@link slice}.
   *
   * What is changed in the mapping meanwhile may be in a piece or not. After a `resize()` it goes
   * on in the new length. Closing the mapping before the last piece has been read makes the stream
   * fail with ERR_MMAP_CLOSED.
   *
   * @param options see {@link StreamOptions}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an unknown option,
   *   ERR_OUT_OF_RANGE for a `chunkSize` that is not a whole number from 1 to 1,048,576; the
   *   stream fails with ERR_MMAP_CLOSED and ERR_MMAP_FAULT
   */
  stream(options?: StreamOptions): ReadableStream<Uint8Array> {
    const { start, stop, chunkSize } = streamOptions(options)
    return streamOf(this.#pieces(start, stop, chunkSize))
  }

  /**
   * All of the mapping in pieces of 64 KiB, each a copy, for `for await (const piece of mm)`,
   * `pipeline(mm, ...)` and `fs.promises.writeFile(path, mm)`. It is as {@link stream}. (Without
   * `await` there is a number for each byte.)
   *
   * @throws ERR_MMAP_CLOSED and, from `next()`, what a stream fails with
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    const { start, stop, chunkSize } = streamOptions(undefined)
    return new BufferIterator(this.#pieces(start, stop, chunkSize))
  }

  // --- The file half: a cursor

  /**
   * Reads at the cursor, at most `n` bytes, and moves it on. At the end the Buffer is empty.
   *
   * @param n bytes; to the end when it is missing, null or negative
   * @returns a copy
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  read(n?: number | null): BufferCopy {
    const wanted = n === null || n === undefined ? -1 : wholeNumber(n, 'n')
    const mapping = this.#live()
    // The cursor may be beyond the end after a resize.
    const left = Math.max(this.#length - this.#position, 0)
    const count = wanted < 0 ? left : Math.min(wanted, left)
    const copy = this.#copy(mapping, this.#position, count)
    this.#position += count
    return copy
  }

  /** Reads the byte at the cursor and moves on. @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE when the cursor is at the end */
  readByte(): number {
    const mapping = this.#live()
    if (this.#position >= this.#length) throw this.#atEnd('read byte out of range')
    const value = this.#byteAt(mapping, this.#position)
    this.#position += 1
    return value
  }

  /**
   * Reads from the cursor through the next `'\n'`, or to the end, and moves on. At the end the Buffer is empty.
   *
   * @returns a copy
   * @throws ERR_MMAP_CLOSED
   */
  readLine(): BufferCopy {
    const mapping = this.#live()
    if (this.#position >= this.#length) return Buffer.alloc(0)
    const found = this.#find(mapping, NEWLINE, this.#position, this.#length)
    const end = found === -1 ? this.#length : found + 1
    const line = this.#copy(mapping, this.#position, end - this.#position)
    this.#position = end
    return line
  }

  /**
   * Writes all of `data` at the cursor and moves it on, or nothing.
   *
   * @returns how many bytes
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit, ERR_INVALID_ARG_TYPE
   */
  write(data: BytesLike): number {
    const bytes = bytesArgument(data, 'data')
    const mapping = this.#writable()
    const count = byteLengthOf(bytes)
    const left = this.#length - this.#position
    const what = 'data out of range'
    // Beyond the end not even nothing can be written, as in CPython.
    if (left < 0) throw outOfRange(what, 'position', `at most the length, ${this.#length}`, this.#position)
    if (count > left) {
      throw outOfRange(what, 'data', `at most ${left} bytes long, from the cursor to the end`, `${count} bytes`)
    }
    checked(binding.write(mapping, bytes, count, this.#position, 1))
    this.#position += count
    return count
  }

  /**
   * Writes a byte at the cursor and moves on.
   *
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when the cursor is at the end or for another value,
   *   ERR_INVALID_ARG_TYPE
   */
  writeByte(value: number): void {
    const byte = wholeNumber(value, 'value')
    if (byte > 255) throw outOfRange('unsigned byte integer is greater than maximum', 'value', '0 to 255', value)
    if (byte < 0) throw outOfRange('unsigned byte integer is less than minimum', 'value', '0 to 255', value)
    const mapping = this.#writable()
    if (this.#position >= this.#length) throw this.#atEnd('write byte out of range')
    this.#setByteAt(mapping, this.#position, byte)
    this.#position += 1
  }

  /**
   * Moves the cursor to `position`, counted from the start (`whence` 0), the cursor (1) or the end (2).
   *
   * @returns the new position
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE outside `[0, length]` or for another `whence`, ERR_INVALID_ARG_TYPE
   */
  seek(position: number, whence: 0 | 1 | 2 = 0): number {
    const distance = wholeNumber(position, 'position')
    const base = int32(whence, 'whence')
    this.#live()
    const bases = [0, this.#position, this.#length]
    const from = bases[base]
    if (from === undefined) throw outOfRange('unknown seek type', 'whence', '0, 1 or 2', whence)
    const target = from + distance
    if (target < 0 || target > this.#length) {
      throw outOfRange('seek out of range', 'position', `${-from} to ${this.#length - from}`, position)
    }
    this.#position = target
    return target
  }

  /** Always true, also when closed. */
  seekable(): true {
    return true
  }

  /** The position of the cursor. It may be beyond the end after a `resize()`. @throws ERR_MMAP_CLOSED */
  tell(): number {
    this.#live()
    return this.#position
  }

  // --- The bytearray half: positions, negative ones count from the end

  /** The byte at `index`, from 0 to 255. A negative index counts from the end: -1 is the last byte. @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE */
  at(index: number): number {
    const given = wholeNumber(index, 'index')
    const mapping = this.#live()
    return this.#byteAt(mapping, this.#index(given))
  }

  /**
   * Sets the byte at `index`. A negative index counts from the end.
   *
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  setAt(index: number, value: number): void {
    const given = wholeNumber(index, 'index')
    const byte = wholeNumber(value, 'value')
    const mapping = this.#writable()
    const at = this.#index(given)
    if (byte < 0 || byte > 255) {
      throw outOfRange('mmap item value must be in range(0, 256)', 'value', '0 to 255', value)
    }
    this.#setByteAt(mapping, at, byte)
  }

  /**
   * Python's `m[start:stop:step]`: the bytes from `start` up to but not including `stop`, every `step`th of them. Negative bounds count
   * from the end, and bounds outside the mapping are brought to its nearest end. A negative `step` goes backwards.
   *
   * @param start default 0; the last byte with a negative `step`
   * @param stop default the length; before the first byte with a negative `step`
   * @param step default 1
   * @returns a copy
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE for a step of 0, ERR_INVALID_ARG_TYPE
   */
  slice(start?: number, stop?: number, step?: number): BufferCopy {
    const bounds = sliceBounds(start, stop, step)
    const mapping = this.#live()
    const slice = adjustSlice(bounds, this.#length)
    if (slice.step === 1) return this.#copy(mapping, slice.start, slice.count)
    const copy = allocate(slice.count)
    checked(binding.readStrided(mapping, copy, slice.start, slice.step))
    return copy
  }

  /**
   * Python's `m[start:stop:step] = data`: all of it, or nothing. Bounds and defaults are those of {@link slice}.
   *
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE unless `data` is exactly as long as the slice,
   *   ERR_INVALID_ARG_TYPE
   */
  setSlice(data: BytesLike, start?: number, stop?: number, step?: number): void {
    const bytes = bytesArgument(data, 'data')
    const bounds = sliceBounds(start, stop, step)
    const mapping = this.#writable()
    const slice = adjustSlice(bounds, this.#length)
    const count = byteLengthOf(bytes)
    if (count !== slice.count) {
      const came = `${count} bytes`
      throw outOfRange(
        'mmap slice assignment is wrong size',
        'data',
        `${slice.count} bytes long, as the slice is`,
        came,
      )
    }
    if (count !== 0) checked(binding.write(mapping, bytes, count, slice.start, slice.step))
  }

  /**
   * Writes all of `data` at `position`, or nothing, as a typed array's `set` does. The cursor
   * stays where it is.
   *
   * A negative position is refused: `-1` would be the last byte to {@link at}, the cursor to `fs`,
   * and an error to a typed array.
   *
   * @param position in bytes, default 0
   * @returns how many bytes
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   */
  set(data: BytesLike, position: number = 0): number {
    const bytes = bytesArgument(data, 'data')
    const at = wholeNumber(position, 'position')
    const mapping = this.#writable()
    const count = byteLengthOf(bytes)
    if (at < 0 || at > this.#length - count) throw this.#misfit(count, at)
    const own = count <= SHORT_COPY ? this.#directBytes(mapping) : undefined
    if (own === undefined) {
      checked(binding.write(mapping, bytes, count, at, 1))
    } else {
      this.#checkIntact(mapping)
      own.set(bytes, at)
      this.#checkIntact(mapping)
    }
    return count
  }

  /**
   * Copies `count` bytes from `src` to `dest` within the mapping; the two may overlap.
   *
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  move(dest: number, src: number, count: number): void {
    const target = wholeNumber(dest, 'dest')
    const source = wholeNumber(src, 'src')
    const bytes = wholeNumber(count, 'count')
    const mapping = this.#writable()
    const what = 'source, destination, or count out of range'
    const length = this.#length
    if (bytes < 0 || bytes > length) throw outOfRange(what, 'count', `0 to ${length}`, count)
    if (target < 0 || target > length - bytes) throw outOfRange(what, 'dest', `0 to ${length - bytes}`, dest)
    if (source < 0 || source > length - bytes) throw outOfRange(what, 'src', `0 to ${length - bytes}`, src)
    checked(binding.copyWithin(mapping, target, source, bytes))
  }

  /**
   * Fills `[start, stop)` with a byte, or with `value` over and over. Bounds are those of {@link slice}.
   *
   * @param value 0 to 255, or bytes, at least one
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  fill(value: number | BytesLike, start?: number, stop?: number): this {
    const pattern = needleArgument(value, 'value')
    const bounds = sliceBounds(start, stop, undefined)
    const mapping = this.#writable()
    if (byteLengthOf(pattern) === 0) throw outOfRange('fill out of range', 'value', 'at least one byte long', '0 bytes')
    const slice = adjustSlice(bounds, this.#length)
    checked(binding.fill(mapping, pattern, slice.start, slice.count))
    return this
  }

  /** The bytes, as numbers, each read when it is asked for. @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT from `next()` */
  *[Symbol.iterator](): Generator<number, undefined, undefined> {
    for (let index = 0; ; index += 1) {
      const mapping = this.#live()
      if (index >= this.#length) return
      yield this.#byteAt(mapping, index)
    }
  }

  // --- Searching

  /**
   * The first place of `needle` in `[start, stop)`, or -1. Bounds are those of {@link slice}; an empty needle is at `start`.
   *
   * @param start default is the cursor, as in Python; see {@link indexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  find(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const sought = cachedNeedleBytes(needle)
    const [mapping, from, to] = this.#rangeFromCursor(rangeArguments(start, stop))
    return to < from ? -1 : this.#find(mapping, sought, from, to)
  }

  /**
   * The last place of `needle` in `[start, stop)`, or -1. Bounds are those of {@link slice}; an empty needle is at `stop`.
   *
   * @param start default is the cursor, as in Python; see {@link lastIndexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   */
  rfind(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = bytesArgument(needle, 'needle')
    const [mapping, from, to] = this.#rangeFromCursor(rangeArguments(start, stop))
    return to < from ? -1 : checked(binding.rfind(mapping, bytes, from, to))
  }

  /**
   * The first place of `needle` from `start` on, or -1, as Buffer's: `start` is 0 by default and counts from the end when
   * negative; a number is a byte.
   *
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   */
  indexOf(needle: number | BytesLike, start?: number): number {
    const sought = typeof needle === 'number' ? byteArgument(needle, 'needle') : cachedNeedleBytes(needle)
    const from = optionalBound(start, 'start') ?? 0
    const mapping = this.#live()
    return this.#find(mapping, sought, clamp(from, this.#length), this.#length)
  }

  /**
   * The last place of `needle` at or before `start`, or -1, as Buffer's: `start` is the end by default and counts from it
   * when negative; a number is a byte.
   *
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   */
  lastIndexOf(needle: number | BytesLike, start?: number): number {
    const bytes = needleArgument(needle, 'needle')
    const from = optionalBound(start, 'start') ?? this.#length
    const mapping = this.#live()
    // Buffer's has an empty needle everywhere, and before the start is at the start.
    const count = byteLengthOf(bytes)
    if (from < -this.#length && count !== 0) return -1
    const last = Math.min(clamp(from, this.#length) + count, this.#length)
    return checked(binding.rfind(mapping, bytes, 0, last))
  }

  /** Whether {@link indexOf} finds it. @throws as {@link indexOf} */
  includes(needle: number | BytesLike, start?: number): boolean {
    return this.indexOf(needle, start) !== -1
  }

  /**
   * The places of `needle` in `[start, stop)`, from the first to the last. Matches do not overlap: in `'aaaa'`, `'aa'` is at 0 and 2.
   * Bounds are those of {@link slice}; `start` is 0 by default, not the cursor.
   *
   * They are found a few thousand at a time, so that no number of them costs memory. What is changed in the mapping during the iteration may be
   * found or not. After a `resize()` it goes on in the new length.
   *
   * @throws ERR_MMAP_CLOSED, also at the next step when it has been closed half way;
   *   ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
   *   empty needle, ERR_MMAP_FAULT
   */
  findAll(needle: BytesLike, start?: number | RangeOptions, stop?: number): IterableIterator<number> {
    const bytes = bytesArgument(needle, 'needle')
    const range = rangeArguments(start, stop)
    this.#live()
    refuseEmpty(bytes, 'needle')
    // A copy: the caller may write to his.
    const from = clamp(range.start ?? 0, this.#length)
    return new Matches(this.#iterationSource(), new Uint8Array(bytes), from, range.stop ?? Number.POSITIVE_INFINITY)
  }

  /**
   * How often `needle` is in `[start, stop)`; matches do not overlap. Bounds are those of {@link slice}; `start` is 0 by default, not the
   * cursor.
   *
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty needle, ERR_MMAP_FAULT
   */
  count(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = bytesArgument(needle, 'needle')
    const [mapping, from, to] = this.#rangeFromStart(rangeArguments(start, stop))
    refuseEmpty(bytes, 'needle')
    return checked(binding.count(mapping, bytes, from, to))
  }

  /**
   * Writes `to` in place of each `from` in `[start, stop)`. Both must have the same length; matches do not overlap. Bounds are those of
   * {@link slice}; `start` is 0 by default, not the cursor.
   *
   * @returns how many
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty `from` or another length,
   *   ERR_MMAP_FAULT with `replaced`, how many were replaced before
   */
  replaceAll(from: BytesLike, to: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const old = bytesArgument(from, 'from')
    const replacement = bytesArgument(to, 'to')
    const [mapping, first, last] = this.#rangeFromStart(rangeArguments(start, stop))
    this.#writable()
    refuseUnequal(old, replacement)
    return checked(binding.replaceAll(mapping, old, replacement, first, last))
  }

  /**
   * The lines of a range as text, from copies, so it is safe while other processes write. A line
   * ends before its `'\n'` or at the end of the range; after a `'\n'` at the end there is no empty
   * line. What is no UTF-8 becomes U+FFFD, as `TextDecoder` has it, and a byte order mark stays.
   *
   * Some hundred lines are copied and decoded at a time, and cut out of that text: engines keep
   * the whole of it, up to 64 KiB, as long as one is kept.
   *
   * @param options `encoding`, and those that `lines()` has without it
   * @throws ERR_MMAP_CLOSED, also at the next step when it has been closed half way;
   *   ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an unknown option or another encoding,
   *   ERR_MMAP_FAULT, ERR_OUT_OF_RANGE for a line longer than a string can be
   */
  lines(options: TextLinesOptions): IterableIterator<string>
  /**
   * The lines of a range, as Uint8Arrays over the mapping: nothing is copied, except where the runtime has no views. A line ends before its `'\n'`
   * (a `'\r'` stays, unless `crlf` is true) or at the end of the range; after a `'\n'` at the end
   * there is no empty line.
   *
   * A line is a view, as {@link bytes} is: what is stored to it is stored in the mapping, and as long as one is kept, all of the mapping stays in
   * memory. Copy what is to be kept, and what is to be decoded or parsed, with
   * `Buffer.from(line)`: another process that writes to the file meanwhile can crash
   * `TextDecoder`. For text, use `encoding`.
   *
   * Line ends are found a few thousand at a time; see {@link findAll}.
   *
   * @param options `start` and `stop`, bounds as those of {@link slice}, all of the mapping by
   *   default; `crlf`; `reverse`
   * @throws ERR_MMAP_CLOSED, also at the next step when it has been closed half way;
   *   ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
   *   unknown option, ERR_MMAP_FAULT, ERR_MMAP_VIEW_TOO_LARGE for a line longer than MAX_VIEW_LENGTH
   */
  lines(options?: LinesOptions): IterableIterator<Uint8Array>
  lines(options?: LinesOptions | TextLinesOptions): IterableIterator<Uint8Array> | IterableIterator<string> {
    const { start, stop, encoding, crlf, reverse } = linesOptions(options)
    this.#live()
    const of = this.#iterationSource()
    const from = clamp(start, this.#length)
    if (encoding !== undefined) return new TextLines(of, from, stop, { encoding, crlf, reverse })
    return reverse ? new LinesBackwards(of, from, stop, crlf) : new Lines(of, from, stop, crlf)
  }

  /**
   * Where the line begins and ends that a position is in, without its `'\n'`: `mm.toString('utf8',
   * start, stop)` is its text. A `'\n'` is in the line that it ends. At the end of the mapping it
   * is the last line, which is empty after a `'\n'`.
   *
   * @param position from 0 to the length; a negative one is refused, as by {@link set}
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT
   */
  lineAt(position: number): { start: number; stop: number } {
    const at = wholeNumber(position, 'position')
    const mapping = this.#live()
    if (at < 0 || at > this.#length) throw outOfRange('line out of range', 'position', `0 to ${this.#length}`, position)
    const before = checked(binding.rfind(mapping, needleBytes(NEWLINE), 0, at))
    const after = this.#find(mapping, NEWLINE, at, this.#length)
    return { start: before + 1, stop: after === -1 ? this.#length : after }
  }

  // --- The same without keeping JavaScript waiting: each is a task on a thread of our own

  /**
   * {@link find}, as a task. It keeps the memory when the mapping is closed meanwhile; `unmap()` stops it.
   *
   * @param start default is the cursor, at the time of the call
   * @returns a promise, rejected with what `find` throws, with ABORT_ERR, and with ERR_MMAP_CLOSED after `unmap()`
   */
  async findAsync(
    needle: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = this.#rangeFromCursor(range)
    if (to < from) {
      checked.onProgress?.({ done: 0, total: 0 })
      return -1
    }
    return this.#runTask(mapping, checked, to - from, (task) => binding.startFind(task, bytes, from, to))
  }

  /**
   * {@link count}, as a task.
   *
   * @returns a promise, rejected with what `count` throws, and as that of {@link findAsync}
   */
  async countAsync(
    needle: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = this.#rangeFromStart(range)
    refuseEmpty(bytes, 'needle')
    return this.#runTask(mapping, checked, to - from, (task) => binding.startCount(task, bytes, from, to))
  }

  /**
   * {@link replaceAll}, as a task.
   *
   * @returns a promise, rejected with what `replaceAll` throws, and as that of {@link findAsync}. Whatever ends it once it has begun, but for what
   *   `onProgress` throws, says in `replaced` how many were replaced by then: a task that was aborted leaves the rest as it was. ERR_MMAP_READONLY
   *   also when `protect()` takes writing away meanwhile, or `resize()` copies private anonymous memory
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
    const [mapping, first, last] = this.#rangeFromStart(range)
    this.#writable()
    refuseUnequal(old, replacement)
    const begin: StartTask = (task) => binding.startReplaceAll(task, old, replacement, first, last)
    return this.#runTask(mapping, checked, last - first, begin)
  }

  /**
   * {@link flush}, as a task. The device is asked to finish after every 8 MiB, which is when progress
   * is reported and a signal is looked at.
   *
   * @param offset in bytes, default 0; or all options, with the range as `start` and `stop`
   * @param size in bytes; to the end when it is missing or -1
   * @returns a promise, rejected with what `flush` throws, and as that of {@link findAsync}
   */
  async flushAsync(offset: number | RangeTaskOptions = 0, size?: number, options?: TaskOptions): Promise<void> {
    if (isOptions(offset, size, options)) {
      const [range, checked] = taskArguments(offset, undefined, undefined)
      const [mapping, from, to] = this.#rangeFromStart(range)
      await this.#runTask(mapping, checked, to - from, (task) => binding.startFlush(task, from, to))
      return
    }
    const asked = flushArguments(offset, size)
    const checked = taskOptions(options)
    const mapping = this.#live()
    const [from, count] = this.#flushRange(asked)
    await this.#runTask(mapping, checked, count, (task) => binding.startFlush(task, from, from + count))
  }

  /**
   * Reads a range into memory ahead of its use, as a task: {@link resident} shows it. Nothing is copied.
   *
   * Linux: MADV_POPULATE_READ (5.14 and newer). Other Unix: MADV_WILLNEED and a touch of every page. Windows: PrefetchVirtualMemory.
   *
   * @param start default 0; or all options. Bounds are those of {@link slice}
   * @param stop default the length
   * @returns a promise, rejected with ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT,
   *   ABORT_ERR
   */
  async prefetch(start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<void> {
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = this.#rangeFromStart(range)
    await this.#runTask(mapping, checked, to - from, (task) => binding.startPrefetch(task, from, to))
  }

  // --- The operating system half

  /**
   * Bytes in the file, which may be more or less than `length` and may change. Of anonymous memory: `length`.
   *
   * @throws ERR_MMAP_CLOSED, EBADF with `trackfd: false`
   */
  size(): number {
    return checked(binding.size(this.#live()))
  }

  /**
   * Writes changes to the device, and returns when they are there. With `ACCESS_READ`, and with `ACCESS_COPY` unless `writeBack` was
   * asked for, there is nothing to write.
   *
   * Linux: msync, which is a data fsync of the range. macOS: msync and F_FULLFSYNC. Other Unix: msync and fdatasync. Windows:
   * FlushViewOfFile and FlushFileBuffers. With `trackfd: false` only the first of two.
   *
   * @param offset in bytes, default 0; any, it is rounded to pages inside
   * @param size in bytes; to the end when it is missing or -1
   * @param flags `MS_SYNC` by default; with `MS_ASYNC` it returns at once and nothing is promised. Ignored on Windows, and with
   *   `writeBack`
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EIO, ENOSPC, EINVAL for flags that exclude each other, ERR_MMAP_FAULT; with
   *   `writeBack` also when a part that the file has no longer was not touched, and after the rest has been written
   */
  flush(offset: number = 0, size?: number, flags?: number): void {
    const asked = flushArguments(offset, size)
    const how = flags === undefined ? undefined : int32(flags, 'flags')
    const mapping = this.#live()
    const [from, count] = this.#flushRange(asked)
    checked(binding.flush(mapping, from, count, how))
  }

  /**
   * Makes the mapping longer or shorter, and sets the size of the file to `offset + newSize`. **If the file was longer than that, the rest
   * of it is cut off, also when the mapping becomes longer.** What the file did not have before is zeros, with blocks allocated. The cursor
   * stays. Views taken before go on showing what they showed, and zeros where the file is cut off; new ones see the new size. The memory
   * is mapped anew: {@link madvise} and {@link mlock} must be called again.
   *
   * A failure leaves mapping and file as they were. Shared anonymous memory cannot grow on Linux, and a named region nowhere beyond the
   * size that it was created with. Windows cannot shorten a file while a view of it is alive: EBUSY.
   *
   * @param newSize in bytes, at least 1
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY for ACCESS_READ, ACCESS_COPY and MAP_PRIVATE with a file, ERR_INVALID_ARG_VALUE with
   *   `trackfd: false`, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ENOSPC, ENOMEM, EFBIG, EBUSY on Windows
   */
  resize(newSize: number | bigint): void {
    const length = wholeNumber(newSize, 'newSize', 'of type number or bigint')
    const mapping = this.#live()
    // Windows shortens no file while a view of it is mapped.
    this.#views.dropInternal(mapping)
    const isInPlace = this.#views.replaceMemory(mapping, () => binding.resize(mapping, length))
    // Only assignments from here on: a call could fail, for lack of stack, and leave a mapping that does not know how long it is.
    this.#length = length
    this.#direct = undefined
    if (this.#state !== undefined) this.#state.generation += 1
    if (!isInPlace) return
    try {
      this.#views.grow(length)
    } catch {
      // The next request for a view makes it grow.
    }
  }

  /**
   * Maps what the file has now, from `offset` to its end, or `newLength` bytes of it: to follow a file that others write to. The file
   * is never changed. Where nothing has changed, nothing is done.
   *
   * The cursor stays, and may be beyond the end then. Iterators and streams go on in the new length. Views taken before go on showing what
   * they showed; of a part that the file has lost they show zeros. New ones see the new length. With `maxByteLength` the mapping grows in
   * place. A task that is running goes on in what was mapped when it began. After ERR_MMAP_FAULT the mapping is whole again, as long as the
   * file is now.
   *
   * The memory is mapped anew: {@link madvise} and {@link mlock} must be called again. With `ACCESS_READ`, what was stored through a view
   * stays in that view, and is gone where the mapping has grown in place. A private mapping is refused, because its changes would be lost.
   * A failure leaves the mapping as it was.
   *
   * @param newLength in bytes, at least 1, or 0 with `allowEmpty`; by default all that the file has
   * @returns the new length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for memory that has no file and with `trackfd: false`,
   *   ERR_MMAP_READONLY for ACCESS_COPY and MAP_PRIVATE, ERR_OUT_OF_RANGE for more than the file has, and where it has no byte at
   *   `offset` (unless `allowEmpty` is given and it ends there), ENOMEM
   */
  remap(newLength?: number | bigint): number {
    const asked = newLength === undefined ? undefined : wholeNumber(newLength, 'newLength', 'of type number or bigint')
    const mapping = this.#live()
    let newest = this.#length
    const remap = (): Error | boolean => {
      const remapped = binding.remap(mapping, asked)
      if (!('inPlace' in remapped)) return remapped
      newest = remapped.length
      return remapped.inPlace
    }
    const isInPlace = this.#views.replaceMemory(mapping, remap)
    // Only assignments from here on, as in `resize()`.
    if (isInPlace && newest === this.#length) return newest
    this.#length = newest
    this.#direct = undefined
    if (this.#state !== undefined) this.#state.generation += 1
    if (!isInPlace) return newest
    try {
      this.#views.grow(newest)
    } catch {
      // The next request for a view makes it grow.
    }
    return newest
  }

  /**
   * Tells the operating system how a range will be used: `MADV_*`. Advice about a range that goes beyond the end is about the part
   * that there is. It is forgotten with `resize()`, and with a `protect()` that takes `PROT_WRITE` away or gives it back.
   *
   * @param option `MADV_*`
   * @param start in bytes, default 0; otherwise on a page
   * @param length in bytes, default to the end
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EINVAL, ERR_MMAP_UNSUPPORTED on Windows
   */
  madvise(option: number, start: number = 0, length?: number): void {
    const advice = systemConstant(option, 'option')
    const from = wholeNumber(start, 'start')
    const asked = optionalWholeNumber(length, 'length')
    const mapping = this.#live()
    if (from < 0 || (from >= this.#length && from !== 0)) {
      throw outOfRange('madvise start out of bounds', 'start', `0 to ${this.#length - 1}`, start)
    }
    const count = asked ?? this.#length - from
    if (count < 0) throw outOfRange('madvise length invalid', 'length', '>= 0', length)
    if (count > Number.MAX_SAFE_INTEGER - from) {
      throw outOfRange('madvise length too large', 'length', `at most ${Number.MAX_SAFE_INTEGER - from}`, length)
    }
    this.#views.relocateEarly(mapping, this.#length)
    checked(binding.advise(mapping, advice, from, Math.min(count, this.#length - from)))
  }

  /**
   * Changes what may be done with the mapping. Without `PROT_WRITE` the methods refuse to write, and what is stored through a view
   * from then on is private memory, as with `ACCESS_READ`: no store can crash. Views can always be read. (Views and tasks from before a
   * `resize()` are of earlier memory, which stays as it is.) With `writeBack`, what was changed
   * before is written first, and such stores never are: they are gone when writing is allowed again. Where `PROT_WRITE` is taken away or given
   * back, the memory may be mapped anew: {@link madvise} and {@link mlock} must be called again.
   *
   * @param prot `PROT_READ`, with `PROT_WRITE`, `PROT_EXEC` or both
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, EACCES for writing to a file that was opened for reading and, on Apple's processors, for
   *   PROT_WRITE with PROT_EXEC, EBADF with `trackfd: false`, EINVAL, ERR_MMAP_UNSUPPORTED on Windows; with
   *   `writeBack` as {@link flush}
   */
  protect(prot: number): void {
    const protection = systemConstant(prot, 'prot')
    const mapping = this.#live()
    const access = binding.protect(mapping, protection)
    if (typeof access !== 'number') throw access
    this.#access = access
  }

  /**
   * Keeps the pages under a range in RAM. (It locks no file.) A `resize()` ends that, and so does a `protect()` that takes `PROT_WRITE` away
   * or gives it back.
   *
   * @param start default 0. Bounds are those of {@link slice}
   * @param stop default the length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ENOMEM or EPERM beyond what the system allows (`ulimit -l`; on
   *   Windows the working set of the process, which is made larger if it can be), ENOSYS for private memory on Linux before 4.4,
   *   ERR_MMAP_FAULT where the file has been cut off
   */
  mlock(start?: number | RangeOptions, stop?: number): void {
    const [mapping, from, to] = this.#rangeFromStart(rangeArguments(start, stop))
    this.#views.relocateEarly(mapping, this.#length)
    checked(binding.lock(mapping, from, to - from))
  }

  /** Undoes {@link mlock}, however often that was called; on macOS, one call of it. Arguments and errors are the same. */
  munlock(start?: number | RangeOptions, stop?: number): void {
    const [mapping, from, to] = this.#rangeFromStart(rangeArguments(start, stop))
    checked(binding.unlock(mapping, from, to - from))
  }

  /**
   * How many pages of a range are in memory: in the page cache, on Unix; in the working set of this process, on Windows.
   *
   * @param start default 0. Bounds are those of {@link slice}
   * @param stop default the length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE; EPERM of a file that the process neither owns nor may write, of
   *   which Linux does not tell (it says "all")
   */
  resident(start?: number | RangeOptions, stop?: number): Residency {
    const [mapping, from, to] = this.#rangeFromStart(rangeArguments(start, stop))
    return checked(binding.resident(mapping, from, to - from))
  }

  // --- The end

  /**
   * Closes: the methods throw from now on, the descriptor is closed, the memory is unmapped at once if no view was ever handed
   * out and otherwise when the last one is collected. Views stay good. Closing again does nothing.
   *
   * Changes of a shared mapping are in the file without any `flush()`; that is about the device. With `writeBack` private changes
   * are written first.
   *
   * @throws with `writeBack` only: ENOSPC, EIO and what else writing says, and it is still open then, with nothing lost; ERR_MMAP_FAULT when
   *   the file has become shorter than the mapping, so that changes beyond its end may be lost: what lies before has been written, and it
   *   is closed
   */
  close(): void {
    const mapping = this.#mapping
    if (mapping === undefined) return
    const error = this.#writesBack ? binding.writeBack(mapping) : undefined
    // What is lost would not come back if it stayed open.
    if (error !== undefined && !isFault(error)) throw error
    const isReusable = this.#views.close(mapping)
    // Only assignments from here on: a call could fail, for lack of stack, and leave what is half closed.
    if (!isReusable) {
      this.#closedMapping = mapping
    } else if (handles.spareCount < handles.mostSpare) {
      handles.spare[handles.spareCount] = mapping
      handles.spareCount += 1
    }
    this.#mapping = undefined
    this.#direct = undefined
    handles.unclosed -= 1
    if (this.#state !== undefined) this.#state.generation += 1
    if (error !== undefined) throw error
  }

  /**
   * Closes, and lets go of the file now, for those who must delete, rename or truncate it on Windows: every view has length 0
   * afterwards (one of a SharedArrayBuffer keeps its length, and reads zeros). It can also be called after `close()`.
   *
   * Do not call it while something asynchronous still uses a view: Node's own zlib ends the process when the buffer under it is
   * detached, what `fs.read` still stores is lost, and what `fs.write` still takes is zeros. Memory that `ArrayBuffer.prototype.transfer()`
   * has given to another ArrayBuffer stays mapped until that one is collected.
   *
   * @throws as {@link close}, but it is closed in any case, and changes that could not be written are lost; ENOMEM where there is no memory for
   *   zeros in place of the file, which stays mapped until its views are collected, or `unmap()` is called again; ERR_MMAP_UNSUPPORTED on
   *   Windows for a SharedArrayBuffer that was handed out
   */
  unmap(): void {
    const open = this.#mapping
    const mapping = open ?? this.#closedMapping
    if (mapping === undefined) return
    const error = open !== undefined && this.#writesBack ? binding.writeBack(open) : undefined
    const refusal = this.#views.unmap(mapping)
    // Only assignments from here on, as in `close()`.
    if (open !== undefined) {
      this.#mapping = undefined
      this.#direct = undefined
      handles.unclosed -= 1
      if (this.#state !== undefined) this.#state.generation += 1
    }
    // Where there was no memory for zeros, it can be called again.
    this.#closedMapping = refusal === undefined ? undefined : mapping
    if (isShortage(refusal)) collectGarbageSoon()
    if (error !== undefined) throw error
    if (refusal !== undefined) throw refusal
  }

  /** {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The fields of CPython's repr. Never throws. */
  [inspect.custom](_depth?: number, options?: { stylize?: (text: string, style: 'special') => string }): string {
    // A proxy of one, or what only inherits from one.
    if (!(#mapping in this)) return '<memmap.Mmap>'
    const text =
      this.#mapping === undefined
        ? 'closed=true'
        : `closed=false, access=${ACCESS_NAMES[this.#access]}, length=${this.#length}, ` +
          `pos=${this.#position}, offset=${this.#offset}`
    const stylize = options?.stylize
    return typeof stylize === 'function' ? stylize(`<memmap.Mmap ${text}>`, 'special') : `<memmap.Mmap ${text}>`
  }

  /**
   * {@link bytes}, so that `Buffer.from(mm)` is a copy of what is mapped. @throws as {@link bytes}
   */
  valueOf(): ViewOver<Uint8Array, TBuffer> {
    return this.bytes
  }

  /**
   * Throws: a mapping is no string and no number. So what would take `"[object Mmap]"` for its
   * content does not (`new Blob([mm])`, `${mm}`, `'' + mm`), and says what to pass.
   *
   * @throws ERR_INVALID_ARG_TYPE, always
   */
  [Symbol.toPrimitive](hint: string): never {
    throw noPrimitive(hint)
  }

  get [Symbol.toStringTag](): string {
    return 'Mmap'
  }

  /** The state is checked after the arguments: nothing of the caller's runs between this and the use of the handle. */
  #live(): Handle {
    if (this.#mapping === undefined) throw closed()
    return this.#mapping
  }

  #writable(): Handle {
    const mapping = this.#live()
    if (this.#access === ACCESS_READ) throw readOnly()
    return mapping
  }

  #index(index: number): number {
    const at = index < 0 ? index + this.#length : index
    if (at < 0 || at >= this.#length) {
      throw outOfRange('mmap index out of range', 'index', `${-this.#length} to ${this.#length - 1}`, index)
    }
    return at
  }

  #atEnd(what: string): RangeError {
    return outOfRange(what, 'position', `less than the length, ${this.#length}`, this.#position)
  }

  #misfit(count: number, position: number): RangeError {
    const what = 'data out of range'
    const last = this.#length - count
    if (last < 0) return outOfRange(what, 'data', `at most ${this.#length} bytes long`, `${count} bytes`)
    return outOfRange(what, 'position', `0 to ${last} for ${count} bytes`, position)
  }

  #copy(mapping: Handle, position: number, count: number): BufferCopy {
    const copy = allocate(count)
    // The position may be beyond the end, or before the start, then.
    if (count === 0) return copy
    const end = position + count
    const own = count <= SHORT_COPY && end <= BUFFER_LIMIT ? this.#directBytes(mapping) : undefined
    if (own === undefined) {
      checked(binding.read(mapping, copy, position))
    } else {
      own.copy(copy, 0, position, end)
      this.#checkIntact(mapping)
    }
    return copy
  }

  #arrayBuffer(mapping: Handle, from: number, to: number): ArrayBuffer {
    const copy = allocateOwn(to - from)
    if (to > from) checked(binding.read(mapping, copy, from))
    return copy.buffer
  }

  #pieces(start: number, stop: number, size: number): Pieces {
    const length = (): number => {
      this.#live()
      return this.#length
    }
    const copy = (from: number, to: number): Uint8Array<ArrayBuffer> => {
      return new Uint8Array(this.#arrayBuffer(this.#live(), from, to))
    }
    return new Pieces({ length, copy }, start, stop, size)
  }

  #text(mapping: Handle, encoding: TextEncoding, from: number, to: number): string {
    const count = to - from
    if (count <= 0) return ''
    if (count <= SHORT_TEXT) {
      const own = this.#directBytes(mapping)
      const words = own && this.#views.internalWords()
      if (own !== undefined && words !== undefined) {
        const text = shortText(own, words, encoding, from, to)
        this.#checkIntact(mapping)
        return text
      }
    }
    refuseTooLong(encoding, count)
    return decode(this.#copy(mapping, from, count), encoding, count)
  }

  #rangeFromCursor({ start, stop }: Range): [mapping: Handle, from: number, to: number] {
    const mapping = this.#live()
    const length = this.#length
    return [mapping, clamp(start ?? this.#position, length), clamp(stop ?? length, length)]
  }

  #find(mapping: Handle, needle: Needle, from: number, to: number): number {
    const own = to - from <= SHORT_SEARCH && to <= BUFFER_LIMIT ? this.#directBytes(mapping) : undefined
    if (own === undefined) return checked(binding.find(mapping, needleBytes(needle), from, to))
    const found = to === own.length ? own.indexOf(needle, from) : indexWithin(own, needle, from, to)
    this.#checkIntact(mapping)
    return found
  }

  /** `start` is 0 by default, and not the cursor. The end of a range is not before its start. */
  #rangeFromStart({ start, stop }: Range): [mapping: Handle, from: number, to: number] {
    const [mapping, from, to] = this.#rangeFromCursor({ start: start ?? 0, stop })
    return [mapping, from, Math.max(from, to)]
  }

  #flushRange([offset, size]: [offset: number, size: number]): [from: number, count: number] {
    const what = 'flush values out of range'
    if (offset < 0 || offset > this.#length) throw outOfRange(what, 'offset', `0 to ${this.#length}`, offset)
    const left = this.#length - offset
    const count = size === -1 ? left : size
    if (count < 0 || count > left) throw outOfRange(what, 'size', `0 to ${left}, or -1`, size)
    return [offset, count]
  }

  #runTask(mapping: Handle, options: CheckedTaskOptions, total: number, start: StartTask): Promise<number> {
    this.#views.relocateEarly(mapping, this.#length)
    return runTask({ mapping, options, total, buffer: this.#views.bufferForTask(), start })
  }

  #iterationSource(): IterationSource {
    this.#state ??= { generation: 0, faults: countedFaults() ?? new Uint32Array(1) }
    return {
      state: this.#state,
      check: () => this.#checkIntact(this.#live()),
      handle: () => this.#live(),
      length: () => this.#length,
      window: (start, stop) => this.#window(start, stop),
      copy: (start, stop) => this.#copy(this.#live(), start, stop - start),
    }
  }

  /** A buffer with a range in it, or undefined on a runtime that has no views. */
  #window(start: number, stop: number): Place | undefined {
    try {
      return this.#views.exposeRange(this.#live(), this.#length, start, stop - start)
    } catch (error) {
      if (isNoView(error)) return undefined
      throw error
    }
  }

  #byteAt(mapping: Handle, index: number): number {
    const value = this.#directBytes(mapping)?.[index]
    if (value === undefined) return checked(binding.readByte(mapping, index))
    this.#checkIntact(mapping)
    return value
  }

  #setByteAt(mapping: Handle, index: number, value: number): void {
    const bytes = this.#directBytes(mapping)
    if (bytes === undefined) {
      checked(binding.writeByte(mapping, index, value))
    } else {
      this.#checkIntact(mapping)
      bytes[index] = value
      this.#checkIntact(mapping)
    }
  }

  /** The bytes in a buffer, if that pays. Code that has used it calls {@link #checkIntact}. */
  #directBytes(mapping: Handle): Buffer | undefined {
    const bytes = this.#direct
    return bytes !== undefined && bytes.length === this.#length ? bytes : this.#findDirectBytes(mapping)
  }

  #findDirectBytes(mapping: Handle): Buffer | undefined {
    const bytes = this.#views.internalBytes(mapping, this.#length)
    this.#direct = bytes
    return bytes
  }

  /**
   * Throws if bytes of the mapping have been lost. Native methods check that themselves. Code that
   * uses a buffer must call this; it costs one comparison unless a fault has happened in the
   * process.
   */
  #checkIntact(mapping: Handle): void {
    const faults = faultCounter?.[0] ?? 0
    if (faults === this.#faultsSeen) return
    checked(binding.checkIntact(mapping))
    this.#faultsSeen = faults
  }
}

addDisposeSymbols(Mmap.prototype)

/**
 * Maps a file into memory, or memory without a file, as CPython's `mmap.mmap` does. A file is mapped for reading and writing unless
 * {@link MmapOptions.access} says otherwise: one that may only be read needs `{ access: ACCESS_READ }`.
 *
 * @param file a path, a `file:` URL, a descriptor or a FileHandle, which may be closed afterwards; -1 for anonymous memory
 * @param length in bytes; 0, the default, is all the rest of the file from `offset` on, or all of a named region that exists. New anonymous
 *   memory needs at least 1 (EINVAL). It may be left out: `mmap(path, options)`
 * @param options see {@link MmapOptions}
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE (an empty file with length 0, a part that the file does not
 *   have), ERR_MMAP_UNSUPPORTED, ERR_ACCESS_DENIED (`node --permission`), what Node says of a URL that is no path (ERR_INVALID_URL_SCHEME, ERR_INVALID_FILE_URL_HOST,
 *   ERR_INVALID_FILE_URL_PATH), and what the operating system says: ENOENT, EACCES, EBADF, EISDIR, ENODEV, ENOMEM, ENOSPC, ...
 */
export function mmap(
  file: FileLike | -1,
  length: number | bigint | undefined,
  options: SharedMmapOptions,
): Mmap<SharedArrayBuffer>
export function mmap(file: FileLike | -1, options: NotText<SharedMmapOptions>): Mmap<SharedArrayBuffer>
export function mmap(file: FileLike | -1, length?: number | bigint, options?: PlainMmapOptions): Mmap<ArrayBuffer>
export function mmap(file: FileLike | -1, options: NotText<PlainMmapOptions>): Mmap<ArrayBuffer>
export function mmap(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions): Mmap
export function mmap(file: FileLike | -1, length?: number | bigint | MmapOptions, options?: MmapOptions): Mmap {
  return new Mmap(file, length, options)
}

function allocate(count: number): BufferCopy {
  if (count > bufferConstants.MAX_LENGTH) throw copyTooLong(count, bufferConstants.MAX_LENGTH)
  try {
    return Buffer.allocUnsafe(count)
  } catch {
    // The engine's error says neither what for nor how much.
    throw copyTooLong(count)
  }
}

/** Bytes whose ArrayBuffer is nobody else's. */
function allocateOwn(count: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new ArrayBuffer(count))
  } catch {
    // The engine's error says neither what for nor how much.
    throw copyTooLong(count, count > bufferConstants.MAX_LENGTH ? bufferConstants.MAX_LENGTH : undefined)
  }
}

function flushArguments(offset: unknown, size: unknown): [offset: number, size: number] {
  return [wholeNumber(offset, 'offset'), optionalWholeNumber(size, 'size') ?? -1]
}

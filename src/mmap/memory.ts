// The part of class Mmap that treats the mapping as memory: views, copies, and a bytearray.

import {
  type BytesLike,
  byteLengthOf,
  bytesArgument,
  needleArgument,
  optionalBound,
  optionalWholeNumber,
  wholeNumber,
} from '../arguments.js'
import binding, { checked } from '../binding.js'
import { outOfRange, wrongType } from '../errors.js'
import type { BufferCopy } from '../mapping.js'
import { type RangeOptions, rangeArguments, type StreamOptions, streamOptions } from '../options/methods.js'
import {
  adjustSlice,
  byteIndex,
  elementCount,
  misfit,
  rangeFromCursor,
  refuseMove,
  refuseWrongItem,
  refuseWrongSize,
  sliceBounds,
} from '../ranges.js'
import { BufferIterator, streamOf } from '../streams.js'
import { type TextEncoding, textEncoding } from '../text.js'
import { construct, elementSize, isConstructor, type ViewConstructor, type ViewOver } from '../views/view-types.js'
import { live, liveRange, MmapState, mappingOf, writable } from './state.js'

/** Views, copies, and the methods of a bytearray. */
export class MmapMemory<TBuffer extends ArrayBufferLike = ArrayBufferLike>
  extends MmapState
  implements Iterable<number>
{
  // --- Zero-copy

  /**
   * The mapping itself, as a Uint8Array. Nothing is copied, and what is stored is in the file (with
   * `ACCESS_READ` and `ACCESS_COPY`: in private memory). It never goes bad: it can be used after
   * `close()`, and the memory is unmapped when the last view is collected.
   * To the engine it is a buffer as long as the mapping, which counts as so much memory and causes
   * a garbage collection when it is long. A part costs less: `mm.view(Uint8Array, a, n)`.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE beyond MAX_VIEW_LENGTH, ERR_MMAP_NO_VIEW where
   *   the runtime allows none
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.bytes[0] = 74 // it is in the file
   * console.log(mm.bytes.length, mm.toString('utf8', 0, 5)) // 24 Jello
   * ```
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
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const numbers = new Int32Array(mm.buffer, mm.bytes.byteOffset, 6)
   * console.log(numbers.length) // 6
   * ```
   */
  get buffer(): TBuffer {
    const { views, handle, length } = live(this)
    return views.exposeWhole(handle, length).buffer as TBuffer
  }

  /**
   * A Buffer over the same memory, with the arguments and errors of the other kinds of view.
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.view(Buffer, 6, 5).toString()) // World
   * ```
   */
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
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('numbers.bin', 800, { create: true })
   * const some = mm.view(Float64Array, 80, 10) // the tenth to the nineteenth
   * some[0] = 1.5
   * console.log(mm.view(DataView).getFloat64(80, true)) // 1.5
   * ```
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.toString('utf8', 6, 11)) // World
   * ```
   */
  override toString(encoding: TextEncoding = 'utf8', start?: number, stop?: number): string {
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.arrayBuffer(6, 11).byteLength) // 5
   * ```
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await new Response(mm.stream({ start: 6, stop: 11 })).text()) // World
   * ```
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let length = 0
   * for await (const piece of mm) length += piece.length
   * console.log(length) // 24
   * ```
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    const { start, stop, chunkSize } = streamOptions(undefined)
    return new BufferIterator(live(this).pieces(start, stop, chunkSize))
  }

  /**
   * {@link bytes}, so that `Buffer.from(mm)` is a copy of the mapping.
   * @throws as {@link bytes}
   * @category Conversions
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(Buffer.from(mm).length) // 24
   * ```
   */
  override valueOf(): ViewOver<Uint8Array, TBuffer> {
    mappingOf(this)
    return this.bytes
  }

  // --- The bytearray half: positions, negative ones count from the end

  /**
   * The byte at `index`, from 0 to 255. A negative index counts from the end: -1 is the last byte.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.at(0), mm.at(-1)) // 72 10
   * ```
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
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.setAt(0, 74)
   * console.log(mm.toString('utf8', 0, 5)) // Jello
   * ```
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.slice(6, 11).toString()) // World
   * console.log(mm.slice(-5, -1).toString()) // you!
   * ```
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
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.setSlice('Earth', 6, 11)
   * console.log(mm.toString('utf8', 0, 12)) // Hello Earth!
   * ```
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
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.set('Earth', 6)) // 5
   * console.log(mm.toString('utf8', 0, 12)) // Hello Earth!
   * ```
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
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.move(6, 0, 5)
   * console.log(mm.toString('utf8', 0, 12)) // Hello Hello!
   * ```
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
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.fill('ab', 0, 5)
   * console.log(mm.toString('utf8', 0, 12)) // ababa World!
   * ```
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
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let lines = 0
   * for (const byte of mm) if (byte === 10) lines += 1
   * console.log(lines) // 2
   * ```
   */
  *[Symbol.iterator](): Generator<number, undefined, undefined> {
    for (let index = 0; ; index += 1) {
      const mapping = live(this)
      if (index >= mapping.length) return
      yield mapping.byteAt(index)
    }
  }
}

// Where positions lie in a mapping of `length` bytes: bounds of a range, Python's slices, and
// errors in CPython's words for positions outside.

import { optionalBound, optionalWholeNumber, wholeNumber } from './arguments.js'
import { outOfRange } from './errors.js'

/** The bounds of a range as they were passed, of the right types. */
export interface Range {
  start: number | undefined
  stop: number | undefined
}

/**
 * Where a bound lies: a negative one counts from the end, and one outside is moved to the nearest
 * end.
 */
export function clamp(bound: number, length: number): number {
  return bound < 0 ? Math.max(bound + length, 0) : Math.min(bound, length)
}

/** A range whose start is by default the cursor. It is inverted if `stop` lies before `start`. */
export function rangeFromCursor({ start, stop }: Range, cursor: number, length: number): [from: number, to: number] {
  return [clamp(start ?? cursor, length), clamp(stop ?? length, length)]
}

/** A range whose start is by default 0. An inverted range is empty. */
export function rangeFromStart({ start, stop }: Range, length: number): [from: number, to: number] {
  const from = clamp(start ?? 0, length)
  return [from, Math.max(from, clamp(stop ?? length, length))]
}

/**
 * A range to lock, which may lie beyond the end of a mapping. Without `stop` it ends at infinity.
 */
export function lockBounds(
  { start, stop }: Range,
  { offset, length }: { offset: number; length: number },
): [from: number, to: number] {
  const what = 'lock range out of range'
  const most = Number.MAX_SAFE_INTEGER - offset
  const from = start === undefined ? 0 : start < 0 ? Math.max(start + length, 0) : start
  const to = stop === undefined ? Number.POSITIVE_INFINITY : stop < 0 ? Math.max(stop + length, 0) : stop
  if (from > most) throw outOfRange(what, 'start', `at most ${most}`, start)
  if (to > most && to !== Number.POSITIVE_INFINITY) throw outOfRange(what, 'stop', `at most ${most}`, stop)
  // A lock on no bytes would keep nobody out.
  if (to <= from) throw outOfRange(what, 'stop', `greater than "start", which is ${from}`, stop)
  return [from, to]
}

/** The place of a single byte. */
export function byteIndex(index: number, length: number): number {
  const at = index < 0 ? index + length : index
  if (at < 0 || at >= length) {
    throw outOfRange('mmap index out of range', 'index', `${-length} to ${length - 1}`, index)
  }
  return at
}

/** Refuses a cursor at which there is no byte. `what` is CPython's message. */
export function refuseEnd(cursor: number, length: number, what: string): void {
  if (cursor < length) return
  throw outOfRange(what, 'position', `less than the length, ${length}`, cursor)
}

/** Refuses a number that is no byte, in the words of CPython's `write_byte`. */
export function refuseWrongByte(byte: number): void {
  if (byte > 255) throw outOfRange('unsigned byte integer is greater than maximum', 'value', '0 to 255', byte)
  if (byte < 0) throw outOfRange('unsigned byte integer is less than minimum', 'value', '0 to 255', byte)
}

/** The same in the words of CPython's item assignment. */
export function refuseWrongItem(value: number): void {
  if (value >= 0 && value <= 255) return
  throw outOfRange('mmap item value must be in range(0, 256)', 'value', '0 to 255', value)
}

/** Where `seek` moves the cursor to. */
export function seekTarget(distance: number, whence: number, cursor: number, length: number): number {
  const base = [0, cursor, length][whence]
  if (base === undefined) throw outOfRange('unknown seek type', 'whence', '0, 1 or 2', whence)
  const target = base + distance
  if (target < 0 || target > length) {
    throw outOfRange('seek out of range', 'position', `${-base} to ${length - base}`, distance)
  }
  return target
}

/** Refuses `count` bytes of data that do not fit between the cursor and the end. */
export function refuseOverrun(count: number, cursor: number, length: number): void {
  const left = length - cursor
  if (count <= left) return
  const what = 'data out of range'
  // Beyond the end not even nothing can be written, as in CPython.
  if (left < 0) throw outOfRange(what, 'position', `at most the length, ${length}`, cursor)
  throw outOfRange(what, 'data', `at most ${left} bytes long, from the cursor to the end`, `${count} bytes`)
}

/** The error for `count` bytes of data that do not fit at a position. */
export function misfit(count: number, position: number, length: number): RangeError {
  const what = 'data out of range'
  const last = length - count
  if (last < 0) return outOfRange(what, 'data', `at most ${length} bytes long`, `${count} bytes`)
  return outOfRange(what, 'position', `0 to ${last} for ${count} bytes`, position)
}

/**
 * Where the last match of `lastIndexOf` has to end that begins at `start` or before; undefined if
 * there can be none. To Buffer's, an empty needle is everywhere, and before the start it is at the
 * start.
 */
export function lastStop(start: number, needleLength: number, length: number): number | undefined {
  if (start < -length && needleLength !== 0) return undefined
  return Math.min(clamp(start, length) + needleLength, length)
}

/** Refuses a position of no four bytes, or one that is no multiple of 4 in the file. */
export function refuseWrongWord(position: number, lead: number, length: number): void {
  const what = 'word out of range'
  const last = length - 4
  if (position < 0 || position > last) {
    throw outOfRange(what, 'position', last < 0 ? 'in a mapping of at least 4 bytes' : `0 to ${last}`, position)
  }
  if ((lead + position) % 4 !== 0) {
    throw outOfRange(what, 'position', 'such that offset + position is a multiple of 4', position)
  }
}

/** Refuses a position of a line that lies outside. The end is inside. */
export function refuseOutside(position: number, length: number): void {
  if (position >= 0 && position <= length) return
  throw outOfRange('line out of range', 'position', `0 to ${length}`, position)
}

/** Refuses to move bytes that do not lie in the mapping, or to where they would not. */
export function refuseMove(dest: number, src: number, count: number, length: number): void {
  const what = 'source, destination, or count out of range'
  const last = length - count
  if (count < 0 || count > length) throw outOfRange(what, 'count', `0 to ${length}`, count)
  if (dest < 0 || dest > last) throw outOfRange(what, 'dest', `0 to ${last}`, dest)
  if (src < 0 || src > last) throw outOfRange(what, 'src', `0 to ${last}`, src)
}

/**
 * What `flush` is about: where it begins, and how many bytes; all the rest if `size` is missing.
 */
export interface FlushExtent {
  offset: number
  size: number | undefined
}

export function flushArguments(offset: unknown, size: unknown): FlushExtent {
  return { offset: wholeNumber(offset, 'offset'), size: optionalWholeNumber(size, 'size') }
}

/** The range of `flush`. A size of -1 means all the rest, as in CPython. */
export function flushRange({ offset, size }: FlushExtent, length: number): [from: number, to: number] {
  const what = 'flush values out of range'
  if (offset < 0 || offset > length) throw outOfRange(what, 'offset', `0 to ${length}`, offset)
  const left = length - offset
  if (size === undefined || size === -1) return [offset, length]
  if (size < 0 || size > left) throw outOfRange(what, 'size', `0 to ${left}, or -1`, size)
  return [offset, offset + size]
}

/** How many bytes `madvise` is about. What lies beyond the end is left out. */
export function adviceCount(start: number, count: number | undefined, length: number): number {
  if (start < 0 || (start >= length && start !== 0)) {
    throw outOfRange('madvise start out of bounds', 'start', `0 to ${length - 1}`, start)
  }
  const left = length - start
  if (count === undefined) return left
  if (count < 0) throw outOfRange('madvise length invalid', 'length', '>= 0', count)
  const most = Number.MAX_SAFE_INTEGER - start
  if (count > most) throw outOfRange('madvise length too large', 'length', `at most ${most}`, count)
  return Math.min(count, left)
}

/** What a view shows: where it begins, in bytes, and how many elements of `size` bytes it has. */
export interface ViewExtent {
  byteOffset: number
  length: number | undefined
  size: number
}

/**
 * How many elements a view has. `lead` is how far into its page the mapping begins, which counts
 * for the alignment.
 */
export function elementCount(view: ViewExtent, lead: number, length: number): number {
  const what = 'view out of range'
  const { byteOffset, size } = view
  if (byteOffset < 0 || byteOffset > length) throw outOfRange(what, 'byteOffset', `0 to ${length}`, byteOffset)
  const most = Math.floor((length - byteOffset) / size)
  const count = view.length ?? most
  if (count < 0 || count > most) throw outOfRange(what, 'length', `0 to ${most}`, count)
  if ((lead + byteOffset) % size !== 0) {
    const allowed = `such that offset + byteOffset is a multiple of ${size} (a DataView reads anywhere)`
    throw outOfRange(what, 'byteOffset', allowed, byteOffset)
  }
  return count
}

/** A slice as Python means it: where it begins, how it goes on, how many bytes it has. */
export interface Slice {
  start: number
  step: number
  count: number
}

export interface SliceBounds extends Range {
  step: number
}

export function sliceBounds(start: unknown, stop: unknown, step: unknown): SliceBounds {
  return {
    start: optionalBound(start, 'start'),
    stop: optionalBound(stop, 'stop'),
    step: optionalWholeNumber(step, 'step') ?? 1,
  }
}

/**
 * Python's PySlice_AdjustIndices. It refuses a step of 0 here, after the state has been checked,
 * because CPython does.
 */
export function adjustSlice({ start, stop, step }: SliceBounds, length: number): Slice {
  if (step === 0) throw outOfRange('slice step cannot be zero', 'step', 'a whole number other than 0', step)
  // Downwards, a slice begins at the last byte at most, and can end before the first, which is -1.
  const [least, most] = step < 0 ? [-1, length - 1] : [0, length]
  const adjust = (bound: number): number => (bound < 0 ? Math.max(bound + length, least) : Math.min(bound, most))
  const from = start === undefined ? (step < 0 ? most : least) : adjust(start)
  const to = stop === undefined ? (step < 0 ? least : most) : adjust(stop)
  const distance = step < 0 ? from - to : to - from
  const count = distance <= 0 ? 0 : Math.floor((distance - 1) / Math.abs(step)) + 1
  // A step past the end means the same as one to the end, and stays a number that Rust can take.
  return { start: from, step: count <= 1 ? 1 : step, count }
}

/** Refuses data for a slice of another length. */
export function refuseWrongSize(count: number, slice: Slice): void {
  if (count === slice.count) return
  const allowed = `${slice.count} bytes long, as the slice is`
  throw outOfRange('mmap slice assignment is wrong size', 'data', allowed, `${count} bytes`)
}

// Values that users pass: each is converted, or refused with an error that names it.
//
// No check calls the user's code. What is not already a number, string or buffer is refused and not
// converted, and buffers and URLs are read with the built-in getters and not by properties, which a
// user may redefine. The exceptions are the properties of `options`, the `fd` of a FileHandle, and
// URLs and signals of another realm or class, which fs accepts, too.

import { toNamespacedPath } from 'node:path'
import { fileURLToPath, URL as NodeURL } from 'node:url'
import { isAnyArrayBuffer, isDataView, isUint8Array } from 'node:util/types'
import { MAP_SHARED } from './constants.js'
import { codeOf, outOfRange, wrongType, wrongValue } from './errors.js'

/** Bytes: a string stands for its UTF-8, any view for the bytes it shows. */
export type BytesLike = string | ArrayBufferLike | ArrayBufferView

const INT32_MAX = 2 ** 31 - 1
/** Windows has no `MAP_*`, `PROT_*` and `MADV_*`. */
export const HAS_SYSTEM_CONSTANTS = MAP_SHARED !== undefined

// --- Numbers and strings

export function booleanArgument(value: unknown, name: string, whenMissing: boolean): boolean {
  if (value === undefined) return whenMissing
  if (typeof value !== 'boolean') throw wrongType(name, 'of type boolean', value)
  return value
}

/** One of the strings that are allowed. */
export function oneOf<T extends string>(value: unknown, name: string, allowed: readonly T[]): T {
  if (typeof value !== 'string') throw wrongType(name, 'of type string', value)
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  const names = allowed.map((one) => `'${one}'`).join(', ')
  throw wrongValue(`The "${name}" argument must be one of ${names}. Received '${value.slice(0, 25)}'`)
}

/** A number for an `int` of C. */
export function int32(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  return integer(value, name, -INT32_MAX - 1, INT32_MAX)
}

/**
 * `MADV_*` or `PROT_*`. Windows has none, so undefined becomes 0 there: native code says that the
 * function is not available, which helps more than an error about a missing argument.
 */
export function systemConstant(value: unknown, name: string): number {
  return value === undefined && !HAS_SYSTEM_CONSTANTS ? 0 : int32(value, name)
}

export function integer(value: number, name: string, least: number, most: number): number {
  if (!Number.isInteger(value)) throw outOfRange('The argument is out of range', name, 'an integer', value)
  if (value < least || value > most) {
    throw outOfRange('The argument is out of range', name, `${least} to ${most}`, value)
  }
  return value
}

/**
 * A whole number of any size and either sign, in bytes. The caller checks in which range it lies,
 * in CPython's words.
 */
export function wholeNumber(value: unknown, name: string, expected: string = 'of type number'): number {
  // This is short, so that engines inline it.
  return typeof value === 'number' && Number.isInteger(value) ? value : otherWholeNumber(value, name, expected)
}

function otherWholeNumber(value: unknown, name: string, expected: string): number {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) {
      throw outOfRange('The argument is out of range', name, '-(2 ** 63) to 2 ** 63 - 1', value)
    }
    return Number(value)
  }
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  throw outOfRange('The argument is out of range', name, 'an integer', value)
}

export function optionalWholeNumber(value: unknown, name: string, expected?: string): number | undefined {
  return value === undefined ? undefined : wholeNumber(value, name, expected)
}

/** A bound of a range: a whole number, or an infinity for the nearest end of the mapping. */
export function optionalBound(value: unknown, name: string): number | undefined {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return value
  return optionalWholeNumber(value, name)
}

/**
 * Bytes from 0 up. A bigint may be as large as a file can be. Whether it is too large for this file
 * is checked where the file is known.
 */
export function extentArgument(value: unknown, name: string, negative: string): number {
  if (value === undefined) return 0
  if (typeof value === 'bigint') {
    if (value < 0n) throw outOfRange(negative, name, '>= 0', value)
    if (value >= 2n ** 63n) throw outOfRange('The argument is out of range', name, '< 2 ** 63', value)
    return Number(value)
  }
  if (typeof value !== 'number') throw wrongType(name, 'of type number or bigint', value)
  if (value < 0 && Number.isInteger(value)) throw outOfRange(negative, name, '>= 0', value)
  // Adding 0 turns -0 into 0.
  return integer(value, name, 0, Number.MAX_SAFE_INTEGER) + 0
}

/** Milliseconds from 0 up, by default without an end. */
export function timeoutArgument(value: unknown, name: string): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  // It is false of NaN.
  if (value >= 0) return value
  throw outOfRange('The argument is out of range', name, '>= 0', value)
}

/** A whole number from 0 up, by default infinitely many. */
export function countArgument(value: unknown, name: string): number {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const count = wholeNumber(value, name)
  if (count < 0) throw outOfRange('The argument is out of range', name, '>= 0', count)
  return count
}

/** The value of four bytes, signed or not, as a signed one. */
export function wordValue(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  return integer(value, name, -INT32_MAX - 1, 2 ** 32 - 1) | 0
}

/** A byte of a number that is a needle or fills a range. */
export function byteArgument(byte: number, name: string): number {
  return integer(byte, name, 0, 255)
}

// --- Bytes

/**
 * A built-in getter as a function. A subclass, or an object with properties of its own, may return
 * anything from a property of that name, and do anything meanwhile.
 */
function getter<Of, Value>(prototype: unknown, name: string): (of: Of) => Value {
  const get: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.get
  return Function.prototype.call.bind(get as () => unknown) as (of: Of) => Value
}

const TYPED_ARRAY: unknown = Object.getPrototypeOf(Uint8Array.prototype)
const typedArrayParts = {
  buffer: getter<ArrayBufferView, ArrayBufferLike>(TYPED_ARRAY, 'buffer'),
  byteOffset: getter<ArrayBufferView, number>(TYPED_ARRAY, 'byteOffset'),
  byteLength: getter<ArrayBufferView, number>(TYPED_ARRAY, 'byteLength'),
}
const dataViewParts: typeof typedArrayParts = {
  buffer: getter(DataView.prototype, 'buffer'),
  byteOffset: getter(DataView.prototype, 'byteOffset'),
  byteLength: getter(DataView.prototype, 'byteLength'),
}
/** Throws for an array whose buffer is detached, or too short for it now. */
const keysOf = Function.prototype.call.bind(Uint8Array.prototype.keys) as (of: ArrayBufferView) => unknown

/** The length of an array in bytes, whatever its properties say; 0 if it is detached. */
export const byteLengthOf: (bytes: Uint8Array) => number = typedArrayParts.byteLength

/** The bytes of `data`, not copied, except for a string. {@link byteLengthOf} is their number. */
export function bytesArgument(data: unknown, name: string): Uint8Array {
  // The most frequent class comes first.
  if (isUint8Array(data)) return byteLengthOf(data) === 0 ? bytesOf(data, name) : data
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (ArrayBuffer.isView(data) || isAnyArrayBuffer(data)) return bytesOf(data, name)
  throw wrongType(name, 'a string, an ArrayBuffer, a SharedArrayBuffer or a view of one', data)
}

/** The bytes of any buffer or view, in a plain array that the user does not have. */
function bytesOf(data: ArrayBufferLike | ArrayBufferView, name: string): Uint8Array {
  try {
    if (!ArrayBuffer.isView(data)) return new Uint8Array(data)
    // The getters of a typed array that is detached return 0. Those of a DataView throw.
    if (!isDataView(data)) keysOf(data)
    const parts = partsOf(data)
    return new Uint8Array(parts.buffer(data), parts.byteOffset(data), parts.byteLength(data))
  } catch {
    // A real buffer or view is refused for one of two reasons.
    throw wrongValue(
      ArrayBuffer.isView(data) && !isDetached(data)
        ? `The "${name}" argument is a view that reaches beyond the end of its ArrayBuffer, which has shrunk`
        : `The "${name}" argument is, or is a view of, a detached ArrayBuffer`,
    )
  }
}

function partsOf(view: ArrayBufferView): typeof typedArrayParts {
  return isDataView(view) ? dataViewParts : typedArrayParts
}

function isDetached(view: ArrayBufferView): boolean {
  try {
    new Uint8Array(partsOf(view).buffer(view))
    return false
  } catch {
    return true
  }
}

/** One byte as a needle, or bytes. They must not be written to. */
export function needleArgument(needle: unknown, name: string): Uint8Array {
  return typeof needle === 'number' ? byteAsBytes(byteArgument(needle, name)) : bytesArgument(needle, name)
}

/** Arrays of one byte, by its value, because to create an array takes two microseconds. */
const SINGLE_BYTES: Uint8Array[] = []

/** A byte as an array, which must not be written to. */
export function byteAsBytes(byte: number): Uint8Array {
  SINGLE_BYTES[byte] ??= Uint8Array.of(byte)
  return SINGLE_BYTES[byte]
}

// --- Files

/** A name that the system is to know. */
export function nameArgument(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'of type string', value)
  if (value.includes('\0')) throw wrongValue(`The "${name}" argument must be a string without null characters`)
  // Native code would get U+FFFD for each of them, so different names would be one.
  if (/\p{Surrogate}/u.test(value)) {
    throw wrongValue(`The "${name}" argument must be a string without lone surrogates`)
  }
  return value
}

/** A path or a descriptor. A URL has been converted to a path before. */
export function fileArgument(file: unknown): number | string | Uint8Array {
  if (typeof file === 'number') return integer(file, 'file', -INT32_MAX - 1, INT32_MAX)
  if (typeof file === 'string') return pathArgument(file)
  if (isUint8Array(file)) return pathArgument(bytesOf(file, 'file'))
  // It looks for "stat" and not for "close", because an Mmap has "close" and "fd", too.
  if (typeof file === 'object' && file !== null && !isArrayOrRevoked(file) && 'fd' in file && 'stat' in file) {
    const { fd } = file
    // A closed FileHandle has -1, which must not mean anonymous memory: -2 is EBADF.
    if (typeof fd === 'number') return integer(fd, 'file', -1, INT32_MAX) === -1 ? -2 : fd
  }
  throw wrongType('file', 'a path, a file: URL, a descriptor, a FileHandle, or -1', file)
}

function pathArgument<T extends string | Uint8Array>(path: T): T | string {
  if (typeof path === 'string' ? path.includes('\0') : path.includes(0)) {
    throw wrongValue('The "file" argument must be a path without null bytes')
  }
  return typeof path === 'string' && process.platform === 'win32' ? namespacedPath(path) : path
}

function namespacedPath(path: string): string {
  try {
    return toNamespacedPath(path)
  } catch {
    // With the prefix it would be longer than a string can be. The system says that it is too long.
    return path
  }
}

/** The path as the errors of fs have it: `passed` if it is text, else the bytes as text. */
export function pathText(passed: unknown, path: string | Uint8Array): string {
  return typeof path === 'string' ? String(passed) : Buffer.from(path).toString()
}

/** The path that a URL stands for; undefined for any other value. */
export function urlPath(file: unknown): string | undefined {
  if (typeof file !== 'object' || file === null || isUint8Array(file)) return undefined
  const href = urlText(file)
  if (href === undefined) return undefined
  try {
    return fileURLToPath(href)
  } catch (error) {
    // For an escape that is no UTF-8, Node's error has no code. Only what is not Node's URL can be
    // wrong as a whole.
    const code = codeOf(error)
    if (code === undefined) throw wrongValue('The "file" argument must be a URL whose escapes are UTF-8')
    if (code === 'ERR_INVALID_URL') throw wrongValue('The "file" argument must be a URL whose "href" is one')
    throw error
  }
}

const hrefOf = getter<object, string>(NodeURL.prototype, 'href')

/**
 * The text of a URL of Node, or of another realm or class. The properties that tell a URL from the
 * object that `url.parse` returns are those that fs reads. Each is read once.
 */
function urlText(file: object): string | undefined {
  try {
    return hrefOf(file)
  } catch {
    // It is not Node's URL.
  }
  try {
    const { href, protocol, auth, path } = file as Record<string, unknown>
    return typeof href === 'string' && protocol && auth === undefined && path === undefined ? href : undefined
  } catch {
    // It is a revoked Proxy, or an object that only inherits the getters.
    return undefined
  }
}

/** Any operation on a revoked Proxy throws, also `Array.isArray`. */
export function isArrayOrRevoked(value: object): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return true
  }
}

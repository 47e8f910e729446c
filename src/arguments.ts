// Every check on what the user passed, before Rust sees it.
//
// No check calls back into the user's code: what is not already a number, string or buffer is refused and not converted, and of
// buffers, URLs and signals the built-in getters are asked, not properties that may be anything. The exceptions are the properties of
// `options`, the `fd` of a FileHandle, and URLs and signals of another realm or class, as fs takes them. Each property is read once, before
// anything is opened.

import type { FileHandle } from 'node:fs/promises'
import { toNamespacedPath } from 'node:path'
import { fileURLToPath, URL as NodeURL } from 'node:url'
import { isAnyArrayBuffer, isDataView, isDate, isPromise, isUint8Array } from 'node:util/types'
import { type Signal, signalOf } from './abort-signal.js'
import { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_WRITE, MAP_ANON, MAP_SHARED, PROT_READ, PROT_WRITE } from './constants.js'
import { aborted, codeOf, outOfRange, unsupported, wrongType, wrongValue } from './errors.js'
import { refuseDenied } from './permission.js'
import { CAN_RELOCATE } from './runtime.js'

/** A path, a `file:` URL, a descriptor, or an open `fs.promises.FileHandle`. */
export type FileLike = number | string | Uint8Array | URL | FileHandle

/** Bytes: a string stands for its UTF-8, any view for the bytes it shows. */
export type BytesLike = string | ArrayBufferLike | ArrayBufferView

/** Options of {@link mmap}. Each is read once. Other names are refused. */
export interface MmapOptions {
  /** In bytes, in place of the argument of that name: `mmap(path, { length, access })`. */
  length?: number | bigint | undefined
  /**
   * What the methods may do and where changes go: `ACCESS_READ`, `ACCESS_WRITE` (to the file) or `ACCESS_COPY` (nowhere but to
   * this mapping). `ACCESS_DEFAULT`, 0, is as `flags` and `prot` say, and `ACCESS_WRITE` without them. A path is opened for reading
   * only, where that is enough.
   */
  access?: 0 | 1 | 2 | 3 | undefined
  /** Where in the file the mapping begins, in bytes. Default 0. It need not be a multiple of anything. */
  offset?: number | bigint | undefined
  /**
   * A name for anonymous memory (`file` is -1), by which other processes find it: of the same user on Unix; on Windows it is the
   * name of the section object, as in CPython, with the `Local\` and `Global\` prefixes. Whoever comes first creates it, all
   * zeros, with `offset + length` bytes, and it keeps that size: to ask for more is ERR_OUT_OF_RANGE, and `length` 0 maps all of one that
   * exists. It is gone when all processes have closed it and no view of it is left (`unmap()` leaves none). An empty string is no name.
   *
   * Linux: it is in `/dev/shm`, which in a container has 64 MiB by default: ENOSPC beyond that. macOS and other Unix: in the temporary
   * directory, so that processes with another `TMPDIR` do not meet.
   */
  tagname?: string | undefined
  /**
   * `MAP_*`, default `MAP_SHARED`. Not together with `access`. On Windows, where `MAP_*` are undefined, it is ERR_MMAP_UNSUPPORTED to give it
   * without `access`, even as undefined: use `access` in programs for every system.
   */
  flags?: number | undefined
  /** `PROT_*`, default `PROT_READ | PROT_WRITE`. Not together with `access`, and not on Windows; see `flags`. */
  prot?: number | undefined
  /**
   * Default true: keep a descriptor of our own. With false there is none once the mapping is made, and a descriptor that was given is
   * not duplicated: closing one would take away every POSIX lock that the process has on the file. `fd` is -1, `size()` throws EBADF,
   * `resize()` ERR_INVALID_ARG_VALUE, `protect()` EBADF where it has to map the file again, and outside Linux `flush()` does not reach the
   * device. Not together with `writeBack`.
   */
  trackfd?: boolean | undefined
  /**
   * Default false. Create the file when it is missing and extend it to `offset + length`; `created` says whether this call has
   * created it. Blocks are allocated for the part that is mapped, also for holes in a file that is longer: a full disk is ENOSPC
   * here, and no fault later. An error leaves the bytes and the size of the file as they were, and what others append meanwhile. On
   * Linux a new file appears when it is complete; elsewhere, and on file systems without nameless files, an empty one may stay after
   * an error. Where the file system cannot allocate, holes stay. `length` must be given, unless `allowEmpty` is: then a missing
   * file is created empty, and one that is there is mapped as it is.
   */
  create?: boolean | CreateOptions | undefined
  /**
   * Default false. With `ACCESS_COPY`: `flush()` and `close()` write the pages that were changed to the file. A mapping that is
   * never closed writes nothing. A descriptor must be one that writes, and does not append (`'r+'`, not `'a+'`).
   */
  writeBack?: boolean | undefined
  /**
   * Default false. Where the file has no byte at `offset` yet, `length` 0 makes a mapping of length
   * 0 instead of ERR_OUT_OF_RANGE. `remap()` makes it longer when the file has grown, and
   * `resize()` makes both longer. Either may make it empty again. Not for memory without a file.
   */
  allowEmpty?: boolean | undefined
  /**
   * Default false. Views are of a SharedArrayBuffer: post it to workers, use `Atomics` on it. With
   * `maxByteLength` (bytes, at least the mapping's length) `resize()` grows the mapping in place up
   * to that, and every view stays valid with the length that it has: take `bytes` again for more.
   * Do not call `buffer.grow()`, because what it adds is not in the file.
   *
   * Where the memory moves into the buffer (not on Bun and Windows) the Mmap keeps its buffers, also after `close()`, until `unmap()` or until it
   * is collected: so `unmap()` reaches them in every thread, and a closed Mmap that is still referred to keeps the memory.
   *
   * On Bun and Windows it takes a function of the runtime's. Where that is missing, asking for a view is ERR_MMAP_NO_VIEW. `maxByteLength`
   * is ERR_MMAP_UNSUPPORTED on both.
   */
  sharedArrayBuffer?: boolean | { maxByteLength: number | bigint } | undefined
}

/** Options of `create`. Other names are refused. */
export interface CreateOptions {
  /**
   * Permissions of a file that is created, 0 to 0o7777, by default 0o666. The process's umask takes
   * away from them, as in `fs`. On Windows a file without 0o200 is created read-only, and the other
   * bits do not count.
   */
  mode?: number | undefined
  /**
   * Default false. The file must not be there yet, as with the flag `'wx'` of `fs`: else it is
   * EEXIST, also for a symbolic link that leads nowhere. Of all processes that try, one succeeds.
   * Not for a descriptor.
   */
  exclusive?: boolean | undefined
  /**
   * Default false. Nothing is allocated: what is new is a hole, which takes room when it is written
   * to, and a full disk is a fault then (ERR_MMAP_FAULT). On Windows the file gets its blocks all
   * the same, unless it is sparse already.
   */
  sparse?: boolean | undefined
}

/** Options for views of a SharedArrayBuffer. */
export interface SharedMmapOptions extends MmapOptions {
  /** See {@link MmapOptions}. */
  sharedArrayBuffer: true | { maxByteLength: number | bigint }
}

/** Options for views of an ArrayBuffer, where the runtime allows one over a file (Electron does not). */
export interface PlainMmapOptions extends MmapOptions {
  /** See {@link MmapOptions}. */
  sharedArrayBuffer?: false | undefined
}

/** Options of `lines()`. Other names are refused. */
export interface LinesOptions {
  /** Where the first line begins. Default 0; negative ones count from the end. */
  start?: number | undefined
  /** Where the last line ends at the latest. Default is the end. */
  stop?: number | undefined
  /** Default false. A `'\r'` before the `'\n'` is no part of the line. */
  crlf?: boolean | undefined
  /** Default false. From the last line to the first. */
  reverse?: boolean | undefined
  /** See {@link TextLinesOptions}. */
  encoding?: undefined
}

/** Options of `lines()` that make it give text. */
export interface TextLinesOptions extends Omit<LinesOptions, 'encoding'> {
  /** Lines are strings, made from copies. */
  encoding: 'utf8' | 'latin1'
}

/** Options of `stream()`. Other names are refused. */
export interface StreamOptions {
  /** Where the first piece begins. Default 0; negative ones count from the end. */
  start?: number | undefined
  /** Where the last piece ends at the latest. Default is the end. */
  stop?: number | undefined
  /** How long a piece is, in bytes, but for the last one: 1 to 1,048,576, by default 65,536. */
  chunkSize?: number | undefined
}

/** A range, in bytes. Other names are refused. */
export interface RangeOptions {
  /** Where the range begins. Negative ones count from the end. */
  start?: number | undefined
  /** Where the range ends: the first byte that is not in it. Default is the end. */
  stop?: number | undefined
}

/** How far a task is. */
export interface Progress {
  /** Bytes done. */
  done: number
  /** Bytes to do: those of the range. */
  total: number
}

/** Options of the methods that return promises. Each is read once. Other names are refused. */
export interface TaskOptions {
  /**
   * Stops the task within a few MiB, and the promise is rejected with an AbortError as in `fs`: `code` is `'ABORT_ERR'`, `cause` is the
   * signal's reason. A signal that is aborted already starts nothing.
   */
  signal?: AbortSignal | undefined
  /**
   * Is called at most about 30 times a second while the task runs, and once when it has succeeded, with `done` equal to `total`. If it
   * throws, the task stops and the promise is rejected with what it threw.
   */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** A range, and the options of the method that works on it. Other names are refused. */
export interface RangeTaskOptions extends RangeOptions, TaskOptions {}

/** The options of a task, checked. */
export interface CheckedTaskOptions {
  signal: Signal | undefined
  onProgress: TaskOptions['onProgress']
}

/** A range as it was passed, of the right types. */
export interface Range {
  start: number | undefined
  stop: number | undefined
}

/** No; yes, with blocks allocated; yes, as a hole. */
type Create = 0 | 1 | 2

/** What `mmap` was asked for, checked. */
export interface Request {
  file: number | string | Uint8Array
  /** How errors name the file. */
  path: string | undefined
  length: number
  offset: number
  tagname: string | undefined
  /** Undefined where `flags` and `prot` count. */
  access: number | undefined
  flags: number
  prot: number
  trackfd: boolean
  create: Create
  /** Permissions of a new file. */
  mode: number
  exclusive: boolean
  writeBack: boolean
  allowEmpty: boolean
  shared: boolean
  /** How long the mapping may become in place; undefined where it need not. */
  maxByteLength: number | undefined
}

const OPTION_NAMES = [
  'length',
  'access',
  'offset',
  'tagname',
  'flags',
  'prot',
  'trackfd',
  'create',
  'writeBack',
  'allowEmpty',
  'sharedArrayBuffer',
]
const RANGE_OPTION_NAMES = ['start', 'stop']
const TASK_OPTION_NAMES = ['signal', 'onProgress']
const RANGE_TASK_OPTION_NAMES = [...RANGE_OPTION_NAMES, ...TASK_OPTION_NAMES]
// Without a prototype: what somebody has put into that of all objects was not asked for here.
const NO_OPTIONS = Object.freeze(Object.create(null))
const INT32_MAX = 2 ** 31 - 1
// Windows has none of them: there 0 stands for "not given".
const HAS_SYSTEM_CONSTANTS = MAP_SHARED !== undefined
const DEFAULT_FLAGS = MAP_SHARED ?? 0
const DEFAULT_PROT = PROT_READ | PROT_WRITE

/** `(file, length, options)` or `(file, options)`. */
export function request(file: unknown, length: unknown, options: unknown): Request {
  const isLengthLeftOut = isOptions(length, options)
  const given: MmapOptions = optionsArgument(isLengthLeftOut ? length : options, OPTION_NAMES, 'mmap')
  const { access, offset, tagname, flags, prot, trackfd, create, writeBack, allowEmpty, sharedArrayBuffer } = given
  const named = urlPath(file) ?? file
  const target = fileArgument(named)
  const checked: Request = {
    file: target,
    path: typeof target === 'number' ? undefined : pathText(named, target),
    length: lengthArgument(isLengthLeftOut ? undefined : length, given.length),
    offset: offsetArgument(offset),
    tagname: tagArgument(tagname),
    access: ACCESS_DEFAULT,
    flags: optionalInteger(flags, 'flags') ?? DEFAULT_FLAGS,
    prot: optionalInteger(prot, 'prot') ?? DEFAULT_PROT,
    trackfd: booleanArgument(trackfd, 'trackfd', true),
    ...createArgument(create),
    writeBack: booleanArgument(writeBack, 'writeBack', false),
    allowEmpty: booleanArgument(allowEmpty, 'allowEmpty', false),
    shared: sharedArrayBuffer === true,
    maxByteLength: undefined,
  }
  if (typeof sharedArrayBuffer !== 'boolean' && sharedArrayBuffer !== undefined) {
    checked.shared = true
    checked.maxByteLength = maxByteLengthArgument(sharedArrayBuffer)
  }
  checked.access = accessArgument(access, checked, isGiven(given, 'flags', flags) || isGiven(given, 'prot', prot))
  refuseContradictions(checked)
  if (checked.path !== undefined) refuseDenied(checked.path, writesToFile(checked))
  return checked
}

/** Whether a file is opened for writing, too. */
function writesToFile({ access, flags, prot, create, writeBack }: Request): boolean {
  if (create !== 0 || writeBack) return true
  if (access === undefined) return (flags & MAP_SHARED) !== 0 && (prot & PROT_WRITE) !== 0
  return access === ACCESS_DEFAULT || access === ACCESS_WRITE
}

/**
 * Whether an option of `MAP_*` or `PROT_*` is there. On Windows those are undefined: `flags: MAP_PRIVATE` must not be taken for no
 * flags there, for that is a mapping that writes to the file.
 */
function isGiven(options: MmapOptions, name: 'flags' | 'prot', value: number | undefined): boolean {
  return value !== undefined || (!HAS_SYSTEM_CONSTANTS && name in options)
}

const LINES_OPTION_NAMES = ['start', 'stop', 'encoding', 'crlf', 'reverse']
const LINES_ENCODINGS = ['utf8', 'latin1'] as const

/** What `lines` was asked for, checked. */
interface LinesRequest {
  start: number
  stop: number
  crlf: boolean
  reverse: boolean
  /** Undefined for bytes. */
  encoding: 'utf8' | 'latin1' | undefined
}

export function linesOptions(options: unknown): LinesRequest {
  const { start, stop, encoding, crlf, reverse }: { [name in keyof LinesRequest]?: unknown } = optionsArgument(
    options,
    LINES_OPTION_NAMES,
    'lines',
  )
  return {
    start: optionalBound(start, 'start') ?? 0,
    stop: optionalBound(stop, 'stop') ?? Number.POSITIVE_INFINITY,
    crlf: booleanArgument(crlf, 'crlf', false),
    reverse: booleanArgument(reverse, 'reverse', false),
    encoding: encoding === undefined ? undefined : oneOf(encoding, 'encoding', LINES_ENCODINGS),
  }
}

/** One of the strings that are allowed. */
export function oneOf<T extends string>(value: unknown, name: string, allowed: readonly T[]): T {
  if (typeof value !== 'string') throw wrongType(name, 'of type string', value)
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  const names = allowed.map((one) => `'${one}'`).join(', ')
  throw wrongValue(`The "${name}" argument must be one of ${names}. Received '${value.slice(0, 25)}'`)
}

/**
 * What is copied in one go at the most, so that a reader who waits for more does not cost memory.
 */
export const LONGEST_PIECE = 1024 * 1024
const DEFAULT_PIECE = 64 * 1024

export function streamOptions(options: unknown): { start: number; stop: number; chunkSize: number } {
  const { start, stop, chunkSize }: StreamOptions = optionsArgument(options, ['start', 'stop', 'chunkSize'], 'stream')
  if (chunkSize !== undefined && typeof chunkSize !== 'number')
    throw wrongType('chunkSize', 'of type number', chunkSize)
  return {
    start: optionalBound(start, 'start') ?? 0,
    stop: optionalBound(stop, 'stop') ?? Number.POSITIVE_INFINITY,
    chunkSize: chunkSize === undefined ? DEFAULT_PIECE : integer(chunkSize, 'chunkSize', 1, LONGEST_PIECE),
  }
}

/**
 * Whether the argument in the place of `start` holds all options. If there are more arguments, it
 * is a wrong `start`.
 */
export function isOptions(start: unknown, ...others: unknown[]): boolean {
  if (typeof start !== 'object' || start === null || isArrayOrRevoked(start)) return false
  return others.every((other) => other === undefined)
}

/** `(start, stop)` or `({ start, stop })`. */
export function rangeArguments(start: unknown, stop: unknown): Range {
  if (typeof start !== 'object' || !isOptions(start, stop)) return range(start, stop)
  const options: RangeOptions = optionsArgument(start, RANGE_OPTION_NAMES, 'this method')
  return range(options.start, options.stop)
}

function range(start: unknown, stop: unknown): Range {
  return { start: optionalBound(start, 'start'), stop: optionalBound(stop, 'stop') }
}

/**
 * `(start, stop, { signal, onProgress })` or `({ start, stop, signal, onProgress })`. Throws when
 * the signal is aborted already.
 */
export function taskArguments(start: unknown, stop: unknown, options: unknown): [range: Range, of: CheckedTaskOptions] {
  if (isOptions(start, stop, options)) {
    const all: RangeTaskOptions = optionsArgument(start, RANGE_TASK_OPTION_NAMES, 'this method')
    const { start: from, stop: to } = all
    return [range(from, to), checkTaskOptions(all)]
  }
  return [range(start, stop), taskOptions(options)]
}

/** The options of a task, checked. Throws when the signal is aborted already. */
export function taskOptions(options: unknown): CheckedTaskOptions {
  return checkTaskOptions(optionsArgument(options, TASK_OPTION_NAMES, 'this method'))
}

function checkTaskOptions({ signal: given, onProgress }: TaskOptions): CheckedTaskOptions {
  const signal = given === undefined ? undefined : signalOf(given)
  if (given !== undefined && signal === undefined) throw wrongType('signal', 'an instance of AbortSignal', given)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType('onProgress', 'of type function', onProgress)
  }
  if (signal?.aborted) throw aborted(signal.reason())
  return { signal, onProgress }
}

function optionsArgument(options: unknown, names: readonly string[], of: string): object {
  if (options === undefined) return NO_OPTIONS
  if (typeof options !== 'object' || options === null || isArrayOrRevoked(options) || looksMisplaced(options)) {
    throw wrongType('options', 'of type object', options)
  }
  refuseUnknown(options, 'options.', names, of)
  return options
}

/** Options by the names that other libraries and earlier versions have for them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['shared', 'sharedArrayBuffer'],
  ['maxLength', 'maxByteLength'],
])

function refuseUnknown(options: object, prefix: string, names: readonly string[], of: string): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const meant = OTHER_NAMES.get(name)
    const allowed =
      meant !== undefined && names.includes(meant) ? `It is called "${meant}"` : `Options are ${names.join(', ')}`
    throw wrongValue(`The property "${prefix}${name}" is not an option of ${of}. ${allowed}`)
  }
}

/**
 * Objects that are probably passed by mistake: above all a signal, instead of `{ signal }`, and
 * bytes, whose `length` is none of ours. Most have no property that is an option, and would be
 * ignored silently.
 */
function looksMisplaced(value: object): boolean {
  return Symbol.iterator in value || isDate(value) || isPromise(value) || 'aborted' in value
}

function fileArgument(file: unknown): number | string | Uint8Array {
  if (typeof file === 'number') return integer(file, 'file', -INT32_MAX - 1, INT32_MAX)
  if (typeof file === 'string') return pathArgument(file)
  if (isUint8Array(file)) return pathArgument(shownBytes(file, 'file'))
  // Not "close": an Mmap has that and "fd", too.
  if (typeof file === 'object' && file !== null && !isArrayOrRevoked(file) && 'fd' in file && 'stat' in file) {
    const { fd } = file
    // A closed FileHandle has -1, which must not be taken for anonymous memory: -2 is EBADF.
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

/** The path as fs says it in errors: as it was given, and that of bytes as text. */
function pathText(given: unknown, path: string | Uint8Array): string {
  return typeof path === 'string' ? String(given) : Buffer.from(path).toString()
}

/** The path that a URL stands for; undefined of anything else. */
function urlPath(file: unknown): string | undefined {
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

/**
 * Of Node's URLs, and of those of another realm or class, which are told from url.parse's as fs does it.
 * Each property is read once.
 */
function urlText(file: object): string | undefined {
  try {
    return hrefOf(file)
  } catch {}
  try {
    const { href, protocol, auth, path } = file as Record<string, unknown>
    return typeof href === 'string' && protocol && auth === undefined && path === undefined ? href : undefined
  } catch {
    // A proxy that has been revoked, or what only inherits the getters.
    return undefined
  }
}

/** A proxy that has been revoked throws, whatever is asked of it, this too. */
function isArrayOrRevoked(value: object): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return true
  }
}

/**
 * A built-in getter by itself. A subclass, or an object with properties of its own, may answer to the name with anything, and do
 * anything before it answers.
 */
function getter<Of, Value>(prototype: unknown, name: string): (of: Of) => Value {
  const get: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.get
  return Function.prototype.call.bind(get as () => unknown) as (of: Of) => Value
}

const TYPED_ARRAY: unknown = Object.getPrototypeOf(Uint8Array.prototype)
const hrefOf = getter<object, string>(NodeURL.prototype, 'href')
const typedArrayParts = {
  buffer: getter<ArrayBufferView, ArrayBufferLike>(TYPED_ARRAY, 'buffer'),
  byteOffset: getter<ArrayBufferView, number>(TYPED_ARRAY, 'byteOffset'),
  byteLength: getter<ArrayBufferView, number>(TYPED_ARRAY, 'byteLength'),
}
/** Throws for an array whose buffer is detached, or too short for it now. */
const keysOf = Function.prototype.call.bind(Uint8Array.prototype.keys) as (of: ArrayBufferView) => unknown
const dataViewParts: typeof typedArrayParts = {
  buffer: getter(DataView.prototype, 'buffer'),
  byteOffset: getter(DataView.prototype, 'byteOffset'),
  byteLength: getter(DataView.prototype, 'byteLength'),
}

/** How many bytes an array really has, 0 if it is detached. */
export const byteLengthOf: (bytes: Uint8Array) => number = typedArrayParts.byteLength

/**
 * Bytes from 0 up. A bigint may be as large as a file size can be: whether it is too large for the file is checked where the file is known.
 */
function extentArgument(value: unknown, name: string, negative: string): number {
  if (value === undefined) return 0
  if (typeof value === 'bigint') {
    if (value < 0n) throw outOfRange(negative, name, '>= 0', value)
    if (value >= 2n ** 63n) throw outOfRange('The argument is out of range', name, '< 2 ** 63', value)
    return Number(value)
  }
  if (typeof value !== 'number') throw wrongType(name, 'of type number or bigint', value)
  if (value < 0 && Number.isInteger(value)) throw outOfRange(negative, name, '>= 0', value)
  // Adding 0 makes 0 of -0.
  return integer(value, name, 0, Number.MAX_SAFE_INTEGER) + 0
}

function lengthArgument(argument: unknown, option: unknown): number {
  if (argument !== undefined && option !== undefined) {
    throw wrongValue('The length must be given once, as the "length" argument or as the option of that name')
  }
  return extentArgument(argument === undefined ? option : argument, 'length', 'memory mapped length must be positive')
}

function offsetArgument(offset: unknown): number {
  const checked = extentArgument(offset, 'offset', 'memory mapped offset must be positive')
  // No memory is so long that a rounded length could be mapped, but a file may have that byte, and it is not the one that was asked for.
  if (typeof offset === 'bigint' && BigInt(checked) !== offset) {
    const allowed = 'a bigint that is equal to a number, as all are up to 2 ** 53'
    throw outOfRange('The argument is out of range', 'offset', allowed, offset)
  }
  return checked
}

function tagArgument(tagname: unknown): string | undefined {
  if (tagname === undefined || tagname === '') return undefined
  if (typeof tagname !== 'string') throw wrongType('tagname', 'of type string', tagname)
  if (tagname.includes('\0')) throw wrongValue('The "tagname" argument must be a string without null characters')
  // All of them would be U+FFFD to Rust, and so one name.
  if (/\p{Surrogate}/u.test(tagname)) {
    throw wrongValue('The "tagname" argument must be a string without lone surrogates')
  }
  return tagname
}

function accessArgument(access: unknown, { flags, prot }: Request, flagsGiven: boolean): number | undefined {
  const given = optionalInteger(access, 'access') ?? ACCESS_DEFAULT
  if (given === ACCESS_DEFAULT) return flagsGiven ? undefined : ACCESS_DEFAULT
  if (flags !== DEFAULT_FLAGS || prot !== DEFAULT_PROT) {
    throw wrongValue("mmap can't specify both access and flags, prot.")
  }
  if (given < ACCESS_DEFAULT || given > ACCESS_COPY) {
    throw outOfRange(
      'mmap invalid access parameter.',
      'access',
      'ACCESS_DEFAULT, _READ, _WRITE or _COPY, 0 to 3',
      access,
    )
  }
  return given
}

function refuseContradictions(checked: Request): void {
  const { file, length, tagname, access, flags, trackfd, create, exclusive, writeBack, allowEmpty, maxByteLength } =
    checked
  const anonymous = file === -1
  if (tagname !== undefined) {
    if (!anonymous) throw wrongValue('The option "tagname" names anonymous memory: "file" must be -1')
    if (access === undefined && flags !== DEFAULT_FLAGS) {
      throw wrongValue('The option "tagname" is for sharing: "flags" must be MAP_SHARED')
    }
  }
  if (create !== 0 && anonymous) throw wrongValue('The option "create" is for files, and "file" is -1')
  if (exclusive && typeof file === 'number') {
    throw wrongValue(
      'The option "create.exclusive" is for a file that is not there yet, and "file" is a descriptor of one',
    )
  }
  if (allowEmpty && anonymous) throw wrongValue('The option "allowEmpty" is for files, and "file" is -1')
  if (create !== 0 && length === 0 && !allowEmpty) {
    throw wrongValue('The option "create" needs a "length" to extend the file to, or "allowEmpty"')
  }
  if (maxByteLength !== undefined && maxByteLength < length) throw maxByteLengthTooShort(maxByteLength, length)
  if (writeBack && (anonymous || access !== ACCESS_COPY)) {
    throw wrongValue('The option "writeBack" is for a file with access ACCESS_COPY')
  }
  if (writeBack && !trackfd) {
    throw wrongValue('The option "writeBack" needs the descriptor: "trackfd" must be true')
  }
  if (!anonymous && access === undefined && MAP_ANON !== undefined && (flags & MAP_ANON) !== 0) {
    throw wrongValue('The flag MAP_ANONYMOUS is for memory without a file: "file" must be -1')
  }
}

export function maxByteLengthTooShort(maxByteLength: number, length: number): RangeError {
  const allowed = `at least the length, ${length}`
  return outOfRange('The argument is out of range', 'sharedArrayBuffer.maxByteLength', allowed, maxByteLength)
}

/** `maxByteLength` of a `sharedArrayBuffer` that is not a boolean. */
function maxByteLengthArgument(sharedArrayBuffer: unknown): number {
  const { maxByteLength }: { maxByteLength?: unknown } = objectOption(sharedArrayBuffer, 'sharedArrayBuffer', [
    'maxByteLength',
  ])
  if (maxByteLength === undefined) {
    throw wrongValue('The option "sharedArrayBuffer" must be a boolean or have a "maxByteLength"')
  }
  const name = 'sharedArrayBuffer.maxByteLength'
  const checked = extentArgument(maxByteLength, name, 'The argument is out of range')
  if (!CAN_RELOCATE) {
    throw unsupported(`The option "${name}" is not available on this runtime: its buffers cannot grow in place`)
  }
  return checked
}

const DEFAULT_MODE = 0o666
const MOST_MODE = 0o7777

function createArgument(create: unknown): Pick<Request, 'create' | 'mode' | 'exclusive'> {
  if (create === undefined || typeof create === 'boolean') {
    return { create: create ? 1 : 0, mode: DEFAULT_MODE, exclusive: false }
  }
  const given: CreateOptions = objectOption(create, 'create', ['mode', 'exclusive', 'sparse'])
  const { mode, exclusive, sparse } = given
  if (mode !== undefined && typeof mode !== 'number') throw wrongType('create.mode', 'of type number', mode)
  return {
    create: booleanArgument(sparse, 'create.sparse', false) ? 2 : 1,
    mode: mode === undefined ? DEFAULT_MODE : integer(mode, 'create.mode', 0, MOST_MODE),
    exclusive: booleanArgument(exclusive, 'create.exclusive', false),
  }
}

/** An option that is neither missing nor a boolean, and so has options of its own. */
function objectOption(value: unknown, name: string, names: readonly string[]): object {
  if (typeof value !== 'object' || value === null || isArrayOrRevoked(value)) {
    throw wrongType(name, `of type boolean, or an object with ${names.join(', ')}`, value)
  }
  refuseUnknown(value, `options.${name}.`, names, 'mmap')
  return value
}

function booleanArgument(value: unknown, name: string, whenMissing: boolean): boolean {
  if (value === undefined) return whenMissing
  if (typeof value !== 'boolean') throw wrongType(name, 'of type boolean', value)
  return value
}

function optionalInteger(value: unknown, name: string): number | undefined {
  return value === undefined ? undefined : int32(value, name)
}

/** `MADV_*` or `PROT_*`. On Windows, where those are undefined, Rust is to say that they are of no use, and not we that one is missing. */
export function systemConstant(value: unknown, name: string): number {
  return value === undefined && !HAS_SYSTEM_CONSTANTS ? 0 : int32(value, name)
}

/** A number for an `int` of C. */
export function int32(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  return integer(value, name, -INT32_MAX - 1, INT32_MAX)
}

function integer(value: number, name: string, least: number, most: number): number {
  if (!Number.isInteger(value)) throw outOfRange('The argument is out of range', name, 'an integer', value)
  if (value < least || value > most) {
    throw outOfRange('The argument is out of range', name, `${least} to ${most}`, value)
  }
  return value
}

/**
 * A whole number in bytes, of any size and either sign. Whether it lies where it should is for the caller to say, in CPython's words.
 */
export function wholeNumber(value: unknown, name: string, expected: string = 'of type number'): number {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) {
      throw outOfRange('The argument is out of range', name, '-(2 ** 63) to 2 ** 63 - 1', value)
    }
    return Number(value)
  }
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  if (!Number.isInteger(value)) throw outOfRange('The argument is out of range', name, 'an integer', value)
  return value
}

export function optionalWholeNumber(value: unknown, name: string): number | undefined {
  return value === undefined ? undefined : wholeNumber(value, name)
}

/** A bound of a slice or a search: a whole number, or an infinity for "as far as there is". */
export function optionalBound(value: unknown, name: string): number | undefined {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return value
  return optionalWholeNumber(value, name)
}

/** Where a bound lies in `length` bytes: negative ones count from the end, and what is outside is the nearest inside. */
export function clamp(bound: number, length: number): number {
  return bound < 0 ? Math.max(bound + length, 0) : Math.min(bound, length)
}

/** The bytes of `data`, not copied, except for a string. How many they are, {@link byteLengthOf} says. */
export function bytesArgument(data: unknown, name: string): Uint8Array {
  // The fastest first: most data is a Buffer.
  if (isUint8Array(data)) return byteLengthOf(data) === 0 ? shownBytes(data, name) : data
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (ArrayBuffer.isView(data) || isAnyArrayBuffer(data)) return shownBytes(data, name)
  throw wrongType(name, 'a string, an ArrayBuffer, a SharedArrayBuffer or a view of one', data)
}

/** The same bytes in an array that is nobody else's. */
function shownBytes(data: ArrayBufferLike | ArrayBufferView, name: string): Uint8Array {
  try {
    if (!ArrayBuffer.isView(data)) return new Uint8Array(data)
    // Where there is nothing that an array could show, its getters say 0. A DataView's throw.
    if (!isDataView(data)) keysOf(data)
    const parts = partsOf(data)
    return new Uint8Array(parts.buffer(data), parts.byteOffset(data), parts.byteLength(data))
  } catch {
    // What can be wrong with a real buffer.
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

/** One byte as a needle, or bytes. Not to be written to. */
export function needleArgument(needle: unknown, name: string): Uint8Array {
  return typeof needle === 'number' ? byteAsBytes(byteArgument(needle, name)) : bytesArgument(needle, name)
}

export function byteArgument(byte: number, name: string): number {
  return integer(byte, name, 0, 255)
}

/** They take two microseconds to make. */
const SINGLE_BYTES: Uint8Array[] = []

/** Not to be written to. */
export function byteAsBytes(byte: number): Uint8Array {
  SINGLE_BYTES[byte] ??= Uint8Array.of(byte)
  return SINGLE_BYTES[byte]
}

/** A slice as Python means it, over `length` bytes: where it begins, how it goes on, how many bytes it has. */
export interface Slice {
  start: number
  step: number
  count: number
}

export interface SliceBounds {
  start: number | undefined
  stop: number | undefined
  step: number
}

export function sliceBounds(start: unknown, stop: unknown, step: unknown): SliceBounds {
  return {
    start: optionalBound(start, 'start'),
    stop: optionalBound(stop, 'stop'),
    step: optionalWholeNumber(step, 'step') ?? 1,
  }
}

/** Python's PySlice_AdjustIndices. It refuses a step of 0 here, after the state has been checked, because CPython does. */
export function adjustSlice({ start, stop, step }: SliceBounds, length: number): Slice {
  if (step === 0) throw outOfRange('slice step cannot be zero', 'step', 'a whole number other than 0', step)
  // Going down, a slice may begin at the last byte at most, and end before the first, which is -1.
  const [least, most] = step < 0 ? [-1, length - 1] : [0, length]
  const adjust = (bound: number): number => (bound < 0 ? Math.max(bound + length, least) : Math.min(bound, most))
  const from = start === undefined ? (step < 0 ? most : least) : adjust(start)
  const to = stop === undefined ? (step < 0 ? least : most) : adjust(stop)
  const distance = step < 0 ? from - to : to - from
  const count = distance <= 0 ? 0 : Math.floor((distance - 1) / Math.abs(step)) + 1
  // A step past the end means the same as one to the end, and stays a number that Rust can take.
  return { start: from, step: count <= 1 ? 1 : step, count }
}

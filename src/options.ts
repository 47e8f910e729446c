// The options that users pass: their types, and what each method reads from them. Each property is
// read once, before anything is opened or started.

import type { FileHandle } from 'node:fs/promises'
import { isAnyArrayBuffer, isBoxedPrimitive, isDate, isNativeError, isPromise, isRegExp } from 'node:util/types'
import { type Signal, signalOf } from './abort-signal.js'
import {
  booleanArgument,
  byteArgument,
  extentArgument,
  fileArgument,
  HAS_SYSTEM_CONSTANTS,
  int32,
  integer,
  isArrayOrRevoked,
  nameArgument,
  oneOf,
  optionalBound,
  pathText,
  timeoutArgument,
  urlPath,
} from './arguments.js'
import { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_WRITE, MAP_ANON, MAP_SHARED, PROT_READ, PROT_WRITE } from './constants.js'
import { aborted, outOfRange, unsupported, wrongType, wrongValue } from './errors.js'
import { refuseDenied } from './permission.js'
import type { Range } from './ranges.js'
import { CAN_RELOCATE } from './runtime.js'
import { refuseDeniedShm, shmName } from './shm.js'

/** A path, a `file:` URL, a descriptor, or an open `fs.promises.FileHandle`. */
export type FileLike = number | string | Uint8Array | URL | FileHandle

/** Options of {@link mmap}. Each is read once. Other names are refused. */
export interface MmapOptions {
  /** In bytes, in place of the argument of that name: `mmap(path, { length, access })`. */
  length?: number | bigint | undefined
  /**
   * What the methods may do, and where changes go: `ACCESS_READ`, `ACCESS_WRITE` (to the file) or
   * `ACCESS_COPY` (to private memory of this mapping). `ACCESS_DEFAULT`, 0, means what `flags` and
   * `prot` say, and without them the same as `ACCESS_WRITE`. A path is opened for reading only,
   * where that is enough.
   */
  access?: 0 | 1 | 2 | 3 | undefined
  /**
   * Where in the file the mapping begins, in bytes. Default 0. It need not be a multiple of a page.
   */
  offset?: number | bigint | undefined
  /**
   * A name for anonymous memory (`file` is -1), by which other processes find it. On Unix these are
   * processes of the same user. On Windows it is the name of the section object, as in CPython,
   * with the prefixes `Local\` and `Global\`. An empty string is no name.
   *
   * The first process creates the region, all zeros, with `offset + length` bytes, and it keeps
   * that size: a longer `length` is ERR_OUT_OF_RANGE, and `length` 0 maps all of a region that
   * exists. The region is gone when all processes have closed it and no view of it is left
   * (`unmap()` leaves none).
   *
   * On Linux it is in `/dev/shm`, which has 64 MiB by default in a container: more is ENOSPC. On
   * macOS and other Unix it is in the temporary directory, so processes with another `TMPDIR` do
   * not find it.
   */
  tagname?: string | undefined
  /**
   * A name of POSIX shared memory (`file` is -1), as `shm_open` and Python's `SharedMemory` have
   * it: `'name'` and `'/name'` are the same. Without `create` it must exist (ENOENT), and `length`
   * 0 maps all of it. It exists until somebody calls {@link unlinkShm}, or until the system starts
   * again: memmap never removes a name by itself. Not together with `tagname`, `writeBack` and
   * `allowEmpty`.
   *
   * On Linux it is the file of that name in `/dev/shm`, and `resize()` and `remap()` do what they
   * do for files. On macOS the name has at most 30 bytes. The memory has whole pages there, and
   * keeps the size that it was created with (`resize()` is EINVAL). ACCESS_COPY is
   * ERR_MMAP_UNSUPPORTED there. On Windows it is a section of that name, as with `tagname`, which
   * is gone when nobody uses it.
   */
  shm?: string | undefined
  /**
   * `MAP_*`, default `MAP_SHARED`. Not together with `access`. On Windows `MAP_*` are undefined,
   * and this option without `access` is ERR_MMAP_UNSUPPORTED even if it is undefined. Programs for
   * every system use `access`.
   */
  flags?: number | undefined
  /**
   * `PROT_*`, default `PROT_READ | PROT_WRITE`. Not together with `access`, and not on Windows, as
   * `flags`.
   */
  prot?: number | undefined
  /**
   * Default true: the mapping keeps a descriptor of its own. With false it keeps none, and does not
   * duplicate the descriptor that is passed, because closing a duplicate would release every POSIX
   * lock that the process has on the file. Then `fd` is -1, `size()` throws EBADF, `resize()` and
   * `remap()` throw ERR_INVALID_ARG_VALUE, and `protect()` throws EBADF where it has to map the
   * file again. Outside Linux, `flush()` does not reach the device. Not together with `writeBack`.
   */
  trackfd?: boolean | undefined
  /**
   * Default false. Creates the file when it is missing, and extends it to `offset + length`;
   * `created` says whether this call has created it. `length` must be given, unless `allowEmpty`
   * is: then a missing file is created empty, and an existing one is mapped as it is.
   *
   * Blocks are allocated for the part that is mapped, also for holes in a longer file, so a full
   * disk is ENOSPC here and no fault later. Where the file system cannot allocate, holes stay. An
   * error leaves the bytes and the size of the file as they were, and what others append meanwhile.
   * On Linux a new file appears when it is complete. On other systems, and on file systems that
   * have no files without a name, an empty one may stay after an error.
   *
   * For `shm` it is the same. Where shared memory is no file, its size cannot change any more, and
   * it stays after an error.
   */
  create?: boolean | CreateOptions | undefined
  /**
   * Default false. With `ACCESS_COPY`: `flush()` and `close()` write the pages that were changed to
   * the file. A mapping that is never closed writes nothing. A descriptor must be open for writing,
   * and not for appending (`'r+'`, not `'a+'`).
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
   * Everywhere but on Bun and Windows the memory is relocated into the buffer. The Mmap then keeps
   * its buffers, also after `close()`, until `unmap()` or until it is collected. So `unmap()`
   * reaches them in every thread, and a closed Mmap that is still referred to keeps the memory.
   *
   * Bun and Windows need a function of the runtime. Where that is missing, a request for a view is
   * ERR_MMAP_NO_VIEW. `maxByteLength` is ERR_MMAP_UNSUPPORTED on both.
   */
  sharedArrayBuffer?: boolean | { maxByteLength: number | bigint } | undefined
}

/** Options of `create`. Other names are refused. */
export interface CreateOptions {
  /**
   * Permissions of what is created, 0 to 0o7777, by default 0o666 for a file and 0o600 for `shm`.
   * The process's umask takes away from them, as in `fs`, but not for `shm` on macOS. On Windows a
   * file without 0o200 is created read-only, and the other bits do not count.
   */
  mode?: number | undefined
  /**
   * Default false. The file must not exist yet, as with the flag `'wx'` of `fs`: else it is EEXIST,
   * also for a symbolic link that leads nowhere. Of all processes that try, one succeeds. Not for a
   * descriptor.
   */
  exclusive?: boolean | undefined
  /**
   * Default false. Nothing is allocated: new bytes are a hole, which takes blocks when it is
   * written to, and a full disk is a fault then (ERR_MMAP_FAULT). On Windows the file gets its
   * blocks all the same, unless it is sparse already.
   */
  sparse?: boolean | undefined
}

/** Options for views of a SharedArrayBuffer. */
export interface SharedMmapOptions extends MmapOptions {
  /** See {@link MmapOptions}. */
  sharedArrayBuffer: true | { maxByteLength: number | bigint }
}

/**
 * Options for views of an ArrayBuffer, where the runtime allows one over a file (Electron does
 * not).
 */
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
  /**
   * Only the lines for which `matching.test(line)` is true, as grep prints them: `^` and `$` are
   * where the line begins and ends. Flags and syntax are those of {@link Mmap.matchAll}.
   */
  matching?: RegExp | undefined
  /** See {@link TextLinesOptions}. */
  encoding?: undefined
}

/** Options of `lines()` that make it return text. */
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
   * Stops the task within a few MiB. The promise is then rejected with an AbortError as in `fs`:
   * `code` is `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already
   * starts nothing.
   */
  signal?: AbortSignal | undefined
  /**
   * Is called at most about 30 times a second while the task runs, and once when it has succeeded,
   * with `done` equal to `total`. If it throws, the task stops, and the promise is rejected with
   * what it threw.
   */
  onProgress?: ((progress: Progress) => void) | undefined
  /**
   * The most threads that work on it at once, 1 to 16. Default are the processors that the process
   * may use, up to 16: affinity and the quota of a container count. If the system gives fewer
   * threads, the task goes on with those. `flushAsync` and `matchAllAsync` use one in any case.
   */
  threads?: number | undefined
}

/** A range, and the options of the method that works on it. Other names are refused. */
export interface RangeTaskOptions extends RangeOptions, TaskOptions {}

/** Options of `waitAsync`. Other names are refused. */
export interface WaitOptions {
  /** In milliseconds, by a clock that nobody can set. Default Infinity. */
  timeout?: number | undefined
  /**
   * Ends the wait. The promise is then rejected with an AbortError as in `fs`: `code` is
   * `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already starts nothing.
   */
  signal?: AbortSignal | undefined
}

/** Options of the methods that return matches. Other names are refused. */
export interface MatchOptions {
  /**
   * Default true. With false only the places of the matches are found, and not those of their
   * groups, which takes less time.
   */
  groups?: boolean | undefined
}

/** A range, and whether groups are found. Other names are refused. */
export interface RangeMatchOptions extends RangeOptions, MatchOptions {}

/** Options of a search for matches as tasks. Other names are refused. */
export interface MatchTaskOptions extends MatchOptions, TaskOptions {}

/** A range, and the options of a search for matches as tasks. Other names are refused. */
export interface RangeMatchTaskOptions extends RangeOptions, MatchTaskOptions {}

/** Options of the methods that replace what a RegExp matches. Other names are refused. */
export interface ReplaceOptions {
  /**
   * A byte, as a number from 0 to 255 or as a character of ASCII. It fills the rest of a match that
   * is longer than its replacement. Without it both must have the same length.
   */
  fill?: number | string | undefined
}

/** A range, and how to replace. Other names are refused. */
export interface RangeReplaceOptions extends RangeOptions, ReplaceOptions {}

/** Options of a task that replaces. Other names are refused. */
export interface ReplaceTaskOptions extends ReplaceOptions, TaskOptions {}

/** A range, and the options of a task that replaces. Other names are refused. */
export interface RangeReplaceTaskOptions extends RangeOptions, ReplaceTaskOptions {}

/** Options, but no string or array: those have a `length`, too. */
export type NotText<Options> = Options & { readonly [Symbol.iterator]?: never }

/** The options of a wait, checked. */
export interface CheckedWaitOptions {
  timeout: number
  signal: Signal | undefined
}

/** The options of a task, checked. */
export interface CheckedTaskOptions {
  signal: Signal | undefined
  onProgress: TaskOptions['onProgress']
  /** 0 for the default. */
  threads: number
}

/** Whether to create: 0 never, 1 with blocks allocated, 2 as a hole. */
type Create = 0 | 1 | 2

/** The arguments of `mmap`, checked. */
export interface MmapRequest {
  file: number | string | Uint8Array
  /** How errors name the file or the shared memory. */
  path: string | undefined
  length: number
  offset: number
  tagname: string | undefined
  shm: string | undefined
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

const MMAP_OPTION_NAMES = [
  'length',
  'access',
  'offset',
  'tagname',
  'shm',
  'flags',
  'prot',
  'trackfd',
  'create',
  'writeBack',
  'allowEmpty',
  'sharedArrayBuffer',
]
// It has no prototype, so that a property which somebody adds to Object.prototype is no option.
const NO_OPTIONS = Object.freeze(Object.create(null))
// Windows has none of these constants: there 0 stands for "not passed".
const DEFAULT_FLAGS = MAP_SHARED ?? 0
const DEFAULT_PROT = PROT_READ | PROT_WRITE

/** Checks `(file, length, options)` or `(file, options)`. */
export function mmapRequest(file: unknown, length: unknown, options: unknown): MmapRequest {
  const isLengthLeftOut = isOptions(length, options)
  const passed: MmapOptions = optionsArgument(isLengthLeftOut ? length : options, MMAP_OPTION_NAMES, 'mmap')
  const { access, offset, tagname, shm, flags, prot, trackfd, create, writeBack, allowEmpty, sharedArrayBuffer } =
    passed
  const named = urlPath(file) ?? file
  const target = fileArgument(named)
  const name = shm === undefined ? undefined : shmName(shm, 'shm')
  const request: MmapRequest = {
    file: target,
    path: typeof target === 'number' ? name : pathText(named, target),
    length: lengthArgument(isLengthLeftOut ? undefined : length, passed.length),
    offset: offsetArgument(offset),
    tagname: tagname === undefined || tagname === '' ? undefined : nameArgument(tagname, 'tagname'),
    shm: name,
    access: ACCESS_DEFAULT,
    flags: optionalInteger(flags, 'flags') ?? DEFAULT_FLAGS,
    prot: optionalInteger(prot, 'prot') ?? DEFAULT_PROT,
    trackfd: booleanArgument(trackfd, 'trackfd', true),
    ...createArgument(create, name === undefined ? FILE_MODE : SHM_MODE),
    writeBack: booleanArgument(writeBack, 'writeBack', false),
    allowEmpty: booleanArgument(allowEmpty, 'allowEmpty', false),
    shared: sharedArrayBuffer === true,
    maxByteLength: undefined,
  }
  if (typeof sharedArrayBuffer !== 'boolean' && sharedArrayBuffer !== undefined) {
    request.shared = true
    request.maxByteLength = maxByteLengthArgument(sharedArrayBuffer)
  }
  request.access = accessArgument(access, request, isPassed(passed, 'flags', flags) || isPassed(passed, 'prot', prot))
  refuseContradictions(request)
  if (name !== undefined) refuseDeniedShm(name, writesToFile(request))
  else if (request.path !== undefined) refuseDenied(request.path, writesToFile(request))
  return request
}

/** Whether a file is opened for writing, too. */
function writesToFile({ access, flags, prot, create, writeBack }: MmapRequest): boolean {
  if (create !== 0 || writeBack) return true
  if (access === undefined) return (flags & MAP_SHARED) !== 0 && (prot & PROT_WRITE) !== 0
  return access === ACCESS_DEFAULT || access === ACCESS_WRITE
}

/**
 * Whether `flags` or `prot` is passed. On Windows `MAP_*` and `PROT_*` are undefined, but `flags:
 * MAP_PRIVATE` must not count as missing, because the mapping would then write to the file.
 */
function isPassed(options: MmapOptions, name: 'flags' | 'prot', value: number | undefined): boolean {
  return value !== undefined || (!HAS_SYSTEM_CONSTANTS && name in options)
}

function lengthArgument(argument: unknown, option: unknown): number {
  if (argument !== undefined && option !== undefined) {
    throw wrongValue('The length must be given once, as the "length" argument or as the option of that name')
  }
  return extentArgument(argument === undefined ? option : argument, 'length', 'memory mapped length must be positive')
}

function offsetArgument(offset: unknown): number {
  const checked = extentArgument(offset, 'offset', 'memory mapped offset must be positive')
  // A length above 2 ** 53 may be rounded, because so much cannot be mapped anyway. A rounded
  // offset would map the wrong byte.
  if (typeof offset === 'bigint' && BigInt(checked) !== offset) {
    const allowed = 'a bigint that is equal to a number, as all are up to 2 ** 53'
    throw outOfRange('The argument is out of range', 'offset', allowed, offset)
  }
  return checked
}

/** `hasFlags`: whether `flags` or `prot` is passed. */
function accessArgument(value: unknown, { flags, prot }: MmapRequest, hasFlags: boolean): number | undefined {
  const access = optionalInteger(value, 'access') ?? ACCESS_DEFAULT
  if (access === ACCESS_DEFAULT) return hasFlags ? undefined : ACCESS_DEFAULT
  if (flags !== DEFAULT_FLAGS || prot !== DEFAULT_PROT) {
    throw wrongValue("mmap can't specify both access and flags, prot.")
  }
  if (access < ACCESS_DEFAULT || access > ACCESS_COPY) {
    const allowed = 'ACCESS_DEFAULT, _READ, _WRITE or _COPY, 0 to 3'
    throw outOfRange('mmap invalid access parameter.', 'access', allowed, value)
  }
  return access
}

function refuseContradictions(request: MmapRequest): void {
  const { file, length, tagname, shm, access, flags, trackfd, create, exclusive, writeBack, allowEmpty } = request
  const { maxByteLength } = request
  const hasNoFile = file === -1
  const isAnonymous = hasNoFile && shm === undefined
  if (shm !== undefined) {
    if (!hasNoFile) throw wrongValue('The option "shm" names memory: "file" must be -1')
    if (tagname !== undefined) throw wrongValue('The options "shm" and "tagname" both name memory: pass one of them')
  }
  if (tagname !== undefined) {
    if (!hasNoFile) throw wrongValue('The option "tagname" names anonymous memory: "file" must be -1')
    if (access === undefined && flags !== DEFAULT_FLAGS) {
      throw wrongValue('The option "tagname" is for sharing: "flags" must be MAP_SHARED')
    }
  }
  if (create !== 0 && isAnonymous) throw wrongValue('The option "create" is for files and "shm", and "file" is -1')
  if (exclusive && typeof file === 'number' && shm === undefined) {
    throw wrongValue(
      'The option "create.exclusive" is for a file that is not there yet, and "file" is a descriptor of one',
    )
  }
  if (allowEmpty && hasNoFile) throw wrongValue('The option "allowEmpty" is for files, and "file" is -1')
  if (create !== 0 && length === 0 && !allowEmpty) {
    throw wrongValue('The option "create" needs a "length" to extend the file to, or "allowEmpty"')
  }
  if (maxByteLength !== undefined && maxByteLength < length) throw maxByteLengthTooShort(maxByteLength, length)
  if (writeBack && (hasNoFile || access !== ACCESS_COPY)) {
    throw wrongValue('The option "writeBack" is for a file with access ACCESS_COPY')
  }
  if (writeBack && !trackfd) {
    throw wrongValue('The option "writeBack" needs the descriptor: "trackfd" must be true')
  }
  if (!isAnonymous && access === undefined && MAP_ANON !== undefined && (flags & MAP_ANON) !== 0) {
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

const FILE_MODE = 0o666
/** As that of Python's SharedMemory. */
const SHM_MODE = 0o600
const MAX_MODE = 0o7777

function createArgument(create: unknown, defaultMode: number): Pick<MmapRequest, 'create' | 'mode' | 'exclusive'> {
  if (create === undefined || typeof create === 'boolean') {
    return { create: create ? 1 : 0, mode: defaultMode, exclusive: false }
  }
  const { mode, exclusive, sparse }: CreateOptions = objectOption(create, 'create', ['mode', 'exclusive', 'sparse'])
  if (mode !== undefined && typeof mode !== 'number') throw wrongType('create.mode', 'of type number', mode)
  return {
    create: booleanArgument(sparse, 'create.sparse', false) ? 2 : 1,
    mode: mode === undefined ? defaultMode : integer(mode, 'create.mode', 0, MAX_MODE),
    exclusive: booleanArgument(exclusive, 'create.exclusive', false),
  }
}

function optionalInteger(value: unknown, name: string): number | undefined {
  return value === undefined ? undefined : int32(value, name)
}

const LINES_OPTION_NAMES = ['start', 'stop', 'encoding', 'crlf', 'reverse', 'matching']
const LINES_ENCODINGS = ['utf8', 'latin1'] as const

/** The options of `lines`, checked. */
interface LinesRequest {
  start: number
  stop: number
  crlf: boolean
  reverse: boolean
  /** Undefined for bytes. */
  encoding: 'utf8' | 'latin1' | undefined
  /** Not checked. Undefined for all lines. */
  matching: unknown
}

export function linesOptions(options: unknown): LinesRequest {
  const { start, stop, encoding, crlf, reverse, matching }: { [name in keyof LinesRequest]?: unknown } =
    optionsArgument(options, LINES_OPTION_NAMES, 'lines')
  return {
    ...iterationBounds(start, stop),
    crlf: booleanArgument(crlf, 'crlf', false),
    reverse: booleanArgument(reverse, 'reverse', false),
    encoding: encoding === undefined ? undefined : oneOf(encoding, 'encoding', LINES_ENCODINGS),
    matching,
  }
}

/** The bounds of an iteration. Without `stop` it ends where the mapping ends at that time. */
function iterationBounds(start: unknown, stop: unknown): { start: number; stop: number } {
  return { start: optionalBound(start, 'start') ?? 0, stop: optionalBound(stop, 'stop') ?? Number.POSITIVE_INFINITY }
}

const STREAM_OPTION_NAMES = ['start', 'stop', 'chunkSize']
const DEFAULT_PIECE = 64 * 1024
/** The longest piece that is copied at once, so that a slow reader does not cost much memory. */
export const LONGEST_PIECE = 1024 * 1024

export function streamOptions(options: unknown): { start: number; stop: number; chunkSize: number } {
  const { start, stop, chunkSize }: StreamOptions = optionsArgument(options, STREAM_OPTION_NAMES, 'stream')
  if (chunkSize !== undefined && typeof chunkSize !== 'number') {
    throw wrongType('chunkSize', 'of type number', chunkSize)
  }
  return {
    ...iterationBounds(start, stop),
    chunkSize: chunkSize === undefined ? DEFAULT_PIECE : integer(chunkSize, 'chunkSize', 1, LONGEST_PIECE),
  }
}

const RANGE_OPTION_NAMES = ['start', 'stop']
const TASK_OPTION_NAMES = ['signal', 'onProgress', 'threads']
const MOST_THREADS = 16
const RANGE_TASK_OPTION_NAMES = [...RANGE_OPTION_NAMES, ...TASK_OPTION_NAMES]

/** Checks `(start, stop)` or `({ start, stop })`. */
export function rangeArguments(start: unknown, stop: unknown): Range {
  if (typeof start !== 'object' || !isOptions(start, stop)) return range(start, stop)
  const options: RangeOptions = optionsArgument(start, RANGE_OPTION_NAMES, 'this method')
  return range(options.start, options.stop)
}

export function range(start: unknown, stop: unknown): Range {
  return { start: optionalBound(start, 'start'), stop: optionalBound(stop, 'stop') }
}

/**
 * Checks `(start, stop, { signal, ... })` or `({ start, stop, signal, ... })`. Throws when the
 * signal is aborted already.
 */
export function taskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, options: CheckedTaskOptions] {
  if (isOptions(start, stop, options)) {
    const all: RangeTaskOptions = optionsArgument(start, RANGE_TASK_OPTION_NAMES, 'this method')
    const { start: from, stop: to } = all
    return [range(from, to), checkTaskOptions(all)]
  }
  return [range(start, stop), taskOptions(options)]
}

const MATCH_OPTION_NAMES = ['groups']
const MATCH_TASK_OPTION_NAMES = [...MATCH_OPTION_NAMES, ...TASK_OPTION_NAMES]
const REPLACE_OPTION_NAMES = ['fill']
const REPLACE_TASK_OPTION_NAMES = [...REPLACE_OPTION_NAMES, ...TASK_OPTION_NAMES]

/** Checks `(start, stop, { groups })` or `({ start, stop, groups })`. */
export function matchArguments(start: unknown, stop: unknown, options: unknown): [range: Range, hasGroups: boolean] {
  const { bounds, groups } = withRange(start, stop, options, MATCH_OPTION_NAMES)
  return [bounds, booleanArgument(groups, 'groups', true)]
}

/** The same with `signal` and `onProgress`. Throws when the signal is aborted already. */
export function matchTaskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, hasGroups: boolean, options: CheckedTaskOptions] {
  const { bounds, groups, ...task } = withRange(start, stop, options, MATCH_TASK_OPTION_NAMES)
  return [bounds, booleanArgument(groups, 'groups', true), checkTaskOptions(task)]
}

/** Checks `(start, stop, { fill })` or `({ start, stop, fill })`. `fill` is a byte, or -1. */
export function replaceArguments(start: unknown, stop: unknown, options: unknown): [range: Range, fill: number] {
  const { bounds, fill } = withRange(start, stop, options, REPLACE_OPTION_NAMES)
  return [bounds, fillArgument(fill)]
}

/** The same with `signal` and `onProgress`. Throws when the signal is aborted already. */
export function replaceTaskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, fill: number, options: CheckedTaskOptions] {
  const { bounds, fill, ...task } = withRange(start, stop, options, REPLACE_TASK_OPTION_NAMES)
  return [bounds, fillArgument(fill), checkTaskOptions(task)]
}

function fillArgument(fill: unknown): number {
  if (fill === undefined) return -1
  if (typeof fill === 'number') return byteArgument(fill, 'fill')
  if (typeof fill !== 'string') throw wrongType('fill', 'of type number or string', fill)
  const code = fill.charCodeAt(0)
  if (fill.length === 1 && code < 128) return code
  throw wrongValue(`The "fill" argument must be one character of ASCII. Received '${fill.slice(0, 25)}'`)
}

/** A range as two arguments before the options, or as two of the options. */
function withRange(
  start: unknown,
  stop: unknown,
  options: unknown,
  names: readonly string[],
): MatchTaskOptions & ReplaceOptions & { bounds: Range } {
  const isInOptions = isOptions(start, stop, options)
  const passed: RangeMatchTaskOptions & ReplaceOptions = isInOptions
    ? optionsArgument(start, [...RANGE_OPTION_NAMES, ...names], 'this method')
    : optionsArgument(options, names, 'this method')
  const { groups, fill, signal, onProgress } = passed
  const bounds = isInOptions ? range(passed.start, passed.stop) : range(start, stop)
  return { bounds, groups, fill, signal, onProgress }
}

/** Checks the options of a task. Throws when the signal is aborted already. */
export function taskOptions(options: unknown): CheckedTaskOptions {
  return checkTaskOptions(optionsArgument(options, TASK_OPTION_NAMES, 'this method'))
}

function checkTaskOptions({ signal: passed, onProgress, threads }: TaskOptions): CheckedTaskOptions {
  const signal = signalOption(passed)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType('onProgress', 'of type function', onProgress)
  }
  const most = threadsOption(threads)
  refuseAborted(signal)
  return { signal, onProgress, threads: most }
}

function threadsOption(threads: unknown): number {
  if (threads === undefined) return 0
  if (typeof threads !== 'number') throw wrongType('threads', 'of type number', threads)
  return integer(threads, 'threads', 1, MOST_THREADS)
}

const WAIT_OPTION_NAMES = ['timeout', 'signal']

/** Checks the options of a wait. Throws when the signal is aborted already. */
export function waitOptions(options: unknown): CheckedWaitOptions {
  const { timeout, signal: passed }: WaitOptions = optionsArgument(options, WAIT_OPTION_NAMES, 'this method')
  const checked = { timeout: timeoutArgument(timeout, 'timeout'), signal: signalOption(passed) }
  refuseAborted(checked.signal)
  return checked
}

export function signalOption(passed: unknown): Signal | undefined {
  const signal = passed === undefined ? undefined : signalOf(passed)
  if (passed !== undefined && signal === undefined) throw wrongType('signal', 'an instance of AbortSignal', passed)
  return signal
}

export function refuseAborted(signal: Signal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason())
}

/**
 * Whether the argument in the place of `start` holds all options. If there are more arguments, it
 * is a wrong `start`.
 */
export function isOptions(start: unknown, ...others: unknown[]): boolean {
  return isObject(start) && others.every((other) => other === undefined)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isArrayOrRevoked(value)
}

/** `method` is how the error calls what has these options. */
export function optionsArgument(options: unknown, names: readonly string[], method: string): object {
  if (options === undefined) return NO_OPTIONS
  if (!isObject(options) || looksMisplaced(options)) throw wrongType('options', 'of type object', options)
  refuseUnknown(options, 'options.', names, method)
  return options
}

/** An option that is neither missing nor a boolean, and so has options of its own. */
function objectOption(value: unknown, name: string, names: readonly string[]): object {
  if (!isObject(value)) throw wrongType(name, `of type boolean, or an object with ${names.join(', ')}`, value)
  refuseUnknown(value, `options.${name}.`, names, 'mmap')
  return value
}

/** Options by the names that other libraries and earlier versions have for them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['shared', 'sharedArrayBuffer'],
  ['maxLength', 'maxByteLength'],
])

function refuseUnknown(options: object, prefix: string, names: readonly string[], method: string): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const meant = OTHER_NAMES.get(name)
    const allowed =
      meant !== undefined && names.includes(meant) ? `It is called "${meant}"` : `Options are ${names.join(', ')}`
    throw wrongValue(`The property "${prefix}${name}" is not an option of ${method}. ${allowed}`)
  }
}

/**
 * Whether an object is probably passed by mistake: above all a signal, instead of `{ signal }`, and
 * bytes, whose `length` is none of ours. Most have no property that is an option, and would be
 * ignored silently.
 */
function looksMisplaced(value: object): boolean {
  if (isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return true
  if (isDate(value) || isPromise(value) || isRegExp(value) || isNativeError(value)) return true
  return isBoxedPrimitive(value) || Symbol.iterator in value || 'aborted' in value || 'href' in value
}

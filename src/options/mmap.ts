// The options of `mmap()`: their types, and what is read from them. Each property is read once,
// before anything is opened.

import type { FileHandle } from 'node:fs/promises'
import {
  booleanArgument,
  extentArgument,
  fileArgument,
  HAS_SYSTEM_CONSTANTS,
  int32,
  integer,
  nameArgument,
  pathText,
  urlPath,
} from '../arguments.js'
import { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_WRITE, MAP_ANON, MAP_SHARED, PROT_READ, PROT_WRITE } from '../constants.js'
import { outOfRange, unsupported, wrongType, wrongValue } from '../errors.js'
import { refuseDenied } from '../permission.js'
import { CAN_RELOCATE } from '../runtime.js'
import { refuseDeniedShm, shmName } from '../shm.js'
import { isOptions, objectOption, optionsArgument } from './objects.js'

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

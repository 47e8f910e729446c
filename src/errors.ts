// The errors that users get. Each has a class, a message and a `code`. Where CPython has an error
// for the same case, our message begins with CPython's.

import { inspect } from 'node:util'
import { isNativeError } from 'node:util/types'

/**
 * The `code` of every error that memmap itself decides on, and of Node's errors about a `file:`
 * URL. Errors of the operating system have Node's shape instead: their `code` is `'ENOENT'`,
 * `'EACCES'` and so on, and they also have `errno`, `syscall` and, for a file opened by its path,
 * `path`.
 */
export type ErrorCode =
  | 'ABORT_ERR'
  | 'ERR_ACCESS_DENIED'
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_INVALID_FILE_URL_HOST'
  | 'ERR_INVALID_FILE_URL_PATH'
  | 'ERR_INVALID_THIS'
  | 'ERR_INVALID_URL_SCHEME'
  | 'ERR_MMAP_BINDING'
  | 'ERR_MMAP_CHANGED'
  | 'ERR_MMAP_CLOSED'
  | 'ERR_MMAP_FAULT'
  | 'ERR_MMAP_NO_VIEW'
  | 'ERR_MMAP_READONLY'
  | 'ERR_MMAP_REGEXP'
  | 'ERR_MMAP_UNSUPPORTED'
  | 'ERR_MMAP_VIEW_TOO_LARGE'
  | 'ERR_OUT_OF_RANGE'

/**
 * The errors that memmap throws and rejects promises with, except those of the operating system,
 * which are `NodeJS.ErrnoException`.
 */
export interface MmapError extends Error {
  code: ErrorCode
  /** ERR_MMAP_FAULT only: the position of the first byte of the mapping that was lost. */
  offset?: number
  /** ERR_MMAP_FAULT only: the number of bytes from there to the end of the mapping. */
  length?: number
  /** Opening a file by its path, or `shm` by its name, only: what the user passed. */
  path?: string
  /** ERR_MMAP_REGEXP only: where the construct is in the `source` of the RegExp. */
  position?: number
  /** `replaceAll` and `replaceAllAsync` only: the number of replacements before the error. */
  replaced?: number
  /** ERR_ACCESS_DENIED only: `'FileSystemRead'` or `'FileSystemWrite'`. */
  permission?: string
  /** ERR_ACCESS_DENIED only: the path. */
  resource?: string
}

function withCode<E extends Error>(error: E, code: ErrorCode): E & { code: ErrorCode } {
  return Object.assign(error, { code })
}

/** The end of a message that says which value an argument had. */
function received(value: unknown): string {
  if (value === null || value === undefined) return `Received ${value}`
  if (typeof value === 'object' || typeof value === 'function') {
    const what = typeof value === 'function' ? 'function' : 'an instance of'
    // A proxy or a getter of the user may throw here. The user then gets our error all the same.
    try {
      const name: unknown = typeof value === 'function' ? value.name : value.constructor?.name
      if (typeof name === 'string' && name !== '') return `Received ${what} ${name}`
    } catch {}
    return typeof value === 'function' ? 'Received a function' : 'Received an object'
  }
  const text = inspect(value)
  return `Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`
}

export function wrongType(name: string, expected: string, value: unknown): TypeError {
  return withCode(
    new TypeError(`The "${name}" argument must be ${expected}. ${received(value)}`),
    'ERR_INVALID_ARG_TYPE',
  )
}

export function noPrimitive(hint: unknown): TypeError {
  // The engine passes one of its hints, but a direct call of the user can pass anything.
  const wanted = hint === 'string' || hint === 'number' ? hint : 'string or number'
  const message =
    `An Mmap cannot be converted to a ${wanted}: use toString() for its text, ` +
    'bytes for a view of it, slice() for a copy, or stream() for a body'
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

export function invalidLock(): TypeError {
  return withCode(new TypeError('Value of "this" must be a RangeLock'), 'ERR_INVALID_THIS')
}

/** `this` is not touched: it may be a Proxy. */
export function invalidThis(name = 'Mmap'): TypeError {
  const message =
    `Value of "this" must be an ${name}. If it is a Proxy of one, call the ${name} itself: mark it as raw (markRaw), ` +
    `or keep it beside the object that is proxied. A method that is taken from an ${name} must be bound to it`
  return withCode(new TypeError(message), 'ERR_INVALID_THIS')
}

export function wrongValue(message: string): TypeError {
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * `what` is CPython's message. The name of the argument, the allowed values and the received one
 * follow it.
 */
export function outOfRange(what: string, name: string, allowed: string, value: unknown): RangeError {
  const text = typeof value === 'bigint' ? `${value}n` : String(value)
  return withCode(new RangeError(`${what}: "${name}" must be ${allowed}. Received ${text}`), 'ERR_OUT_OF_RANGE')
}

export function noBinding(message: string, cause?: unknown): Error {
  return withCode(new Error(message, cause === undefined ? undefined : { cause }), 'ERR_MMAP_BINDING')
}

/** The same error as that of `fs`. */
export function accessDenied(permission: string, flag: string, resource: string): Error {
  const error = new Error(`Access to this API has been restricted. Use ${flag} to manage permissions.`)
  return Object.assign(withCode(error, 'ERR_ACCESS_DENIED'), { permission, resource })
}

export function closed(): Error {
  return withCode(new Error('mmap closed or invalid'), 'ERR_MMAP_CLOSED')
}

/** A match whose bytes have changed before its groups were looked for. */
export function changed(start: number, end: number): Error {
  const message =
    `The bytes from ${start} to ${end} are no match any more, because they have changed since the search, so ` +
    'they have no groups: ask for groups in the loop over the matches, before the bytes change'
  return withCode(new Error(message), 'ERR_MMAP_CHANGED')
}

export function readOnly(): TypeError {
  return withCode(new TypeError("mmap can't modify a readonly memory map."), 'ERR_MMAP_READONLY')
}

export function unsupported(message: string): Error {
  return withCode(new Error(message), 'ERR_MMAP_UNSUPPORTED')
}

/** In UTF-16 units. */
const LONGEST_SHOWN_PATTERN = 80

/** A construct of a RegExp that memmap cannot search for. `position` is in its source. */
export function notSearchable(
  source: string,
  flags: string,
  construct: string,
  position: number,
  reason: string,
): Error {
  return refusedPattern(source, flags, `its ${construct} at ${position} ${reason}`, position)
}

/** A RegExp that cannot be searched for, and why. */
export function refusedPattern(source: string, flags: string, why: string, position = 0): Error {
  const shown =
    source.length <= LONGEST_SHOWN_PATTERN
      ? `/${source}/${flags}`
      : `/${source.slice(0, LONGEST_SHOWN_PATTERN)}.../${flags}`
  const error = withCode(new Error(`The "re" argument is ${shown}, and ${why}`), 'ERR_MMAP_REGEXP')
  return Object.assign(error, { position })
}

/** Native code has another error with this code, for runtimes that refuse external memory. */
export function noView(): Error {
  const message =
    'This runtime has neither SharedArrayBuffer nor WebAssembly, so it cannot make a view of this mapping. All other methods work'
  return withCode(new Error(message), 'ERR_MMAP_NO_VIEW')
}

/** `length` is that of the buffer of the view. The buffer may begin some bytes before the view. */
export function viewTooLarge(length: number, limit: number): RangeError {
  const message =
    `The view needs a buffer of ${length} bytes, and the longest on this runtime is MAX_VIEW_LENGTH, ${limit}: ` +
    'use view(type, byteOffset, length) for a part of it'
  return withCode(new RangeError(message), 'ERR_MMAP_VIEW_TOO_LARGE')
}

/**
 * The limit depends on the engine, and a SharedArrayBuffer over a part is impossible. `grows` says
 * that the buffer is longer than the mapping.
 */
export function sharedTooLarge(length: number, grows: boolean): RangeError {
  const remedy = grows
    ? 'ask for a smaller "sharedArrayBuffer.maxByteLength"'
    : 'map less, or use view(type, byteOffset, length) without "sharedArrayBuffer"'
  const message = `This runtime has no room for a SharedArrayBuffer of ${length} bytes: ${remedy}`
  return withCode(new RangeError(message), 'ERR_MMAP_VIEW_TOO_LARGE')
}

/**
 * Without a `limit`, there is too little memory for the copy. The message names no argument,
 * because the user may have passed none.
 */
export function copyTooLong(length: number, limit?: number): RangeError {
  const why = limit === undefined ? 'there is no memory for that' : `the longest Buffer on this runtime has ${limit}`
  const message = `The copy would have ${length} bytes, and ${why}: copy less at a time, or use view(type, byteOffset, length)`
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** `length` is in bytes, and `limit` in characters. */
export function textTooLong(length: number, limit: number): RangeError {
  const message =
    `The text of ${length} bytes would be longer than the longest string on this runtime, ${limit} characters: take the text of less ` +
    'at a time with toString(encoding, start, stop) or lines({ encoding }), or the bytes with stream()'
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** The `code` of an error of any realm. */
export function codeOf(error: unknown): unknown {
  return isNativeError(error) && 'code' in error ? error.code : undefined
}

/**
 * Whether an error has a code. `instanceof` is not used, because errors of native code are of the
 * realm that loaded the library. In Jest and other vm contexts that is another realm.
 */
function hasCode(error: unknown, code: string): error is Error {
  return codeOf(error) === code
}

/** Whether memory, addresses or descriptors are short. Mappings that are garbage may have them. */
export function isShortage(error: unknown): boolean {
  return ['ENOMEM', 'EMFILE', 'ENFILE'].some((code) => hasCode(error, code))
}

export function isFault(error: unknown): boolean {
  return hasCode(error, 'ERR_MMAP_FAULT')
}

export function isNoView(error: unknown): boolean {
  return hasCode(error, 'ERR_MMAP_NO_VIEW')
}

export function isAborted(error: unknown): error is Error & { replaced?: number } {
  return hasCode(error, 'ABORT_ERR')
}

/** The same error as that of `fs`. `replaced` is the number of replacements before the abort. */
export function aborted(reason: unknown, { replaced }: { replaced?: number } = {}): Error {
  const error = withCode(new Error('The operation was aborted', { cause: reason }), 'ABORT_ERR')
  error.name = 'AbortError'
  return replaced === undefined ? error : Object.assign(error, { replaced })
}

/** Adds the number of replacements before an error of the operating system or of ours. */
export function withReplaced(error: unknown, replaced: number): unknown {
  return codeOf(error) === undefined ? error : Object.assign(error as object, { replaced })
}

/** Adds the path, if there is one, to an error of the operating system or of ours, as `fs` does. */
export function withPath(error: unknown, path: string | undefined): unknown {
  if (path === undefined || !isNativeError(error) || !('code' in error)) return error
  // A message with a path of nearly the maximal length of a string would be too long itself.
  const shown = path.length <= LONGEST_SHOWN_PATH ? path : `${path.slice(0, LONGEST_SHOWN_PATH)}...`
  addText(Object.assign(error, { path }), 'syscall' in error ? ` '${shown}'` : `: '${shown}'`, withPath)
  return error
}

/** In characters. No system accepts a path this long. */
const LONGEST_SHOWN_PATH = 64 * 1024

/**
 * Adds a hint to the operating system's error for anonymous memory without a length, which is
 * EINVAL and says no more.
 */
export function withLengthHint(error: unknown): unknown {
  if (hasCode(error, 'EINVAL')) addText(error, ': "length" must be at least 1 for new anonymous memory', withLengthHint)
  return error
}

function addText(error: Error, text: string, caller: CallableFunction): void {
  error.message += text
  // The stack contains the message, so it is captured again. It has ten calls by default, of which
  // the user's should be one, so it leaves out those up to `caller`.
  Error.captureStackTrace(error, caller)
}

// Errors as users see them: a class, a message that begins with CPython's where CPython has the case, and a `code`.

import { inspect } from 'node:util'
import { isNativeError } from 'node:util/types'

/**
 * The `code` of every error that memmap itself decides on, and of Node's about a URL that is no path. Errors of the operating system have Node's shape instead: `code`
 * is `'ENOENT'`, `'EACCES'`, ..., beside `errno`, `syscall` and, where there is one, `path`.
 */
export type ErrorCode =
  | 'ABORT_ERR'
  | 'ERR_ACCESS_DENIED'
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_INVALID_FILE_URL_HOST'
  | 'ERR_INVALID_FILE_URL_PATH'
  | 'ERR_INVALID_URL_SCHEME'
  | 'ERR_MMAP_BINDING'
  | 'ERR_MMAP_CLOSED'
  | 'ERR_MMAP_FAULT'
  | 'ERR_MMAP_NO_VIEW'
  | 'ERR_MMAP_READONLY'
  | 'ERR_MMAP_UNSUPPORTED'
  | 'ERR_MMAP_VIEW_TOO_LARGE'
  | 'ERR_OUT_OF_RANGE'

/** What is thrown and what promises are rejected with, if it is not the operating system's (`NodeJS.ErrnoException`). */
export interface MmapError extends Error {
  code: ErrorCode
  /** Of ERR_MMAP_FAULT: the first byte of the mapping that was lost. */
  offset?: number
  /** Of ERR_MMAP_FAULT: bytes from there to the end of the mapping. */
  length?: number
  /** Of what opening a file by its path throws: the path, as it was given. */
  path?: string
  /** Of what ends `replaceAll` or `replaceAllAsync` in the middle: how many were replaced before. */
  replaced?: number
  /** Of ERR_ACCESS_DENIED: `'FileSystemRead'` or `'FileSystemWrite'`. */
  permission?: string
  /** Of ERR_ACCESS_DENIED: the path. */
  resource?: string
}

function withCode<E extends Error>(error: E, code: ErrorCode): E & { code: ErrorCode } {
  return Object.assign(error, { code })
}

/** The value of an argument, as an error says it. */
function received(value: unknown): string {
  if (value === null || value === undefined) return `Received ${value}`
  if (typeof value === 'object' || typeof value === 'function') {
    const what = typeof value === 'function' ? 'function' : 'an instance of'
    // A proxy or a getter of the caller's may do anything here; it is to get its error all the same.
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
  // The engine says which it wants. Others may say anything.
  const wanted = hint === 'string' || hint === 'number' ? hint : 'string or number'
  const message =
    `An Mmap cannot be converted to a ${wanted}: use toString() for its text, ` +
    'bytes for a view of it, slice() for a copy, or stream() for a body'
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

export function wrongValue(message: string): TypeError {
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** `what` is CPython's message; what it leaves out follows: which argument, what is allowed, what came. */
export function outOfRange(what: string, name: string, allowed: string, value: unknown): RangeError {
  const text = typeof value === 'bigint' ? `${value}n` : String(value)
  return withCode(new RangeError(`${what}: "${name}" must be ${allowed}. Received ${text}`), 'ERR_OUT_OF_RANGE')
}

export function noBinding(message: string, cause?: unknown): Error {
  return withCode(new Error(message, cause === undefined ? undefined : { cause }), 'ERR_MMAP_BINDING')
}

/** As fs has it. */
export function accessDenied(permission: string, flag: string, resource: string): Error {
  const error = new Error(`Access to this API has been restricted. Use ${flag} to manage permissions.`)
  return Object.assign(withCode(error, 'ERR_ACCESS_DENIED'), { permission, resource })
}

export function closed(): Error {
  return withCode(new Error('mmap closed or invalid'), 'ERR_MMAP_CLOSED')
}

export function readOnly(): TypeError {
  return withCode(new TypeError("mmap can't modify a readonly memory map."), 'ERR_MMAP_READONLY')
}

export function unsupported(message: string): Error {
  return withCode(new Error(message), 'ERR_MMAP_UNSUPPORTED')
}

/** Rust says so too, of a runtime that has its own reasons. */
export function noView(): Error {
  const message =
    'This runtime has neither SharedArrayBuffer nor WebAssembly, which would give it: there are no shared views. Every other method works'
  return withCode(new Error(message), 'ERR_MMAP_NO_VIEW')
}

/** `length` is that of the buffer under the view, which may begin some bytes before it. */
export function viewTooLarge(length: number, limit: number): RangeError {
  const message =
    `The view needs a buffer of ${length} bytes, and the longest on this runtime is MAX_VIEW_LENGTH, ${limit}: ` +
    'use view(type, byteOffset, length) for a part of it'
  return withCode(new RangeError(message), 'ERR_MMAP_VIEW_TOO_LARGE')
}

/** Each engine has a limit of its own for a SharedArrayBuffer, and there are no parts of one. `grows`: it is longer than the mapping. */
export function sharedTooLarge(length: number, grows: boolean): RangeError {
  const remedy = grows
    ? 'ask for a smaller "sharedArrayBuffer.maxByteLength"'
    : 'map less, or use view(type, byteOffset, length) without "sharedArrayBuffer"'
  const message = `This runtime has no room for a SharedArrayBuffer of ${length} bytes: ${remedy}`
  return withCode(new RangeError(message), 'ERR_MMAP_VIEW_TOO_LARGE')
}

/** Without a limit: it is memory that there is too little of. No argument is named, since none may have been given. */
export function copyTooLong(length: number, limit?: number): RangeError {
  const why = limit === undefined ? 'there is no memory for that' : `the longest Buffer on this runtime has ${limit}`
  const message = `The copy would have ${length} bytes, and ${why}: copy less at a time, or use view(type, byteOffset, length)`
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** `length` is that of the bytes. */
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

/** Not `instanceof`: Rust's errors are of the realm that loaded the library, and in Jest, or another vm context, that is not this one. */
function hasCode(error: unknown, code: string): error is Error {
  return codeOf(error) === code
}

/** Whether there is too little of what mappings that nobody uses any more may have: memory, addresses, descriptors. */
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

/** As fs has it. What replaceAllAsync had replaced by then is in `replaced`. */
export function aborted(reason: unknown, { replaced }: { replaced?: number } = {}): Error {
  const error = withCode(new Error('The operation was aborted', { cause: reason }), 'ABORT_ERR')
  error.name = 'AbortError'
  return replaced === undefined ? error : Object.assign(error, { replaced })
}

/** Adds the path, if there is one, to an error of the operating system as fs does, and to one of ours. */
export function withPath(error: unknown, path: string | undefined): unknown {
  if (path === undefined || !isNativeError(error) || !('code' in error)) return error
  // With a string nearly as long as one can be there is no message.
  const shown = path.length <= LONGEST_SHOWN_PATH ? path : `${path.slice(0, LONGEST_SHOWN_PATH)}...`
  addText(Object.assign(error, { path }), 'syscall' in error ? ` '${shown}'` : `: '${shown}'`)
  return error
}

/** Longer than any that a system takes. */
const LONGEST_SHOWN_PATH = 64 * 1024

/** The operating system's refusal of what is to have no bytes and no file says EINVAL, and no more. */
export function withLengthHint(error: unknown): unknown {
  if (hasCode(error, 'EINVAL')) addText(error, ': "length" must be at least 1 for new anonymous memory')
  return error
}

function addText(error: Error, text: string): void {
  error.message += text
  // The stack begins with the message.
  Error.captureStackTrace(error)
}

// Needles: what a search looks for, as bytes.

import { byteArgument, byteAsBytes, byteLengthOf, bytesArgument } from '../arguments.js'
import { wrongValue } from '../errors.js'

/**
 * A byte, or bytes. It is never a string, because Node 24's `indexOf` ends the process if a string
 * contains half a surrogate pair.
 */
export type Needle = number | Uint8Array

/** A newline, as a needle. */
export const NEWLINE = Uint8Array.of(10)

/**
 * The last short string, as bytes. Programs often search for one string many times, and converting
 * it costs more than finding it.
 */
let lastText: { text: string; bytes: Uint8Array } | undefined
/** In UTF-16 code units. */
const LONGEST_CACHED = 64

/** The bytes of a needle that is not a number. Do not write to them. */
export function cachedNeedleBytes(needle: unknown): Uint8Array {
  if (typeof needle !== 'string') return bytesArgument(needle, 'needle')
  if (needle === lastText?.text) return lastText.bytes
  const bytes = Buffer.from(needle)
  if (needle.length <= LONGEST_CACHED) lastText = { text: needle, bytes }
  return bytes
}

/** A needle, of which a number is a byte. */
export function needleOf(needle: unknown): Needle {
  return typeof needle === 'number' ? byteArgument(needle, 'needle') : cachedNeedleBytes(needle)
}

/** The bytes of a needle. Do not write to them. */
export function needleBytes(needle: Needle): Uint8Array {
  return typeof needle === 'number' ? byteAsBytes(needle) : needle
}

/** The first place of a needle in `[from, to)`, or -1. */
export function indexWithin(bytes: Buffer, needle: Needle, from: number, to: number): number {
  const found = bytes.subarray(from, to).indexOf(needle)
  return found === -1 ? -1 : from + found
}

/** Throws if a needle is empty, where that would match at every position. */
export function refuseEmpty(needle: Uint8Array, name: string): void {
  if (byteLengthOf(needle) === 0)
    throw wrongValue(`The "${name}" argument must not be empty, because an empty needle matches at every position`)
}

/** Throws if a replacement is not as long as the bytes that it replaces. */
export function refuseUnequal(from: Uint8Array, to: Uint8Array): void {
  refuseEmpty(from, 'from')
  const [old, replacement] = [byteLengthOf(from), byteLengthOf(to)]
  if (old === replacement) return
  throw wrongValue(
    `The "to" argument must be as long as "from", ${old} bytes. Received ${replacement} bytes: other lengths would move the bytes after a match. ` +
      'Write the parts between the matches (findAll) and the replacements to a new file instead',
  )
}

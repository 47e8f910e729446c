// What is searched for, as bytes.

import { byteAsBytes, byteLengthOf, bytesArgument } from '../arguments.js'
import { wrongValue } from '../errors.js'

/** A byte, or bytes. Never a string: of one with half a surrogate pair, Node 24's `indexOf` ends the process. */
export type Needle = number | Uint8Array

/** A newline, as a needle. */
export const NEWLINE = Uint8Array.of(10)

/** The last short string that was sought, as bytes: programs look for the same one again and again, and to convert it costs more than to find it. */
let lastText: { text: string; bytes: Uint8Array } | undefined
const LONGEST_KEPT = 64

/** The bytes of a needle that is not a number. They are not to be written to. */
export function cachedNeedleBytes(needle: unknown): Uint8Array {
  if (typeof needle !== 'string') return bytesArgument(needle, 'needle')
  if (needle === lastText?.text) return lastText.bytes
  const bytes = Buffer.from(needle)
  if (needle.length <= LONGEST_KEPT) lastText = { text: needle, bytes }
  return bytes
}

export function needleBytes(needle: Needle): Uint8Array {
  return typeof needle === 'number' ? byteAsBytes(needle) : needle
}

/** The first place of a needle in `[from, to)`, or -1. */
export function indexWithin(bytes: Buffer, needle: Needle, from: number, to: number): number {
  const found = bytes.subarray(from, to).indexOf(needle)
  return found === -1 ? -1 : from + found
}

export function refuseEmpty(needle: Uint8Array, name: string): void {
  if (byteLengthOf(needle) === 0) throw wrongValue(`The "${name}" argument must not be empty: that is everywhere`)
}

/** Refuses a replacement that is not as long as what it replaces. */
export function refuseUnequal(from: Uint8Array, to: Uint8Array): void {
  refuseEmpty(from, 'from')
  const [old, replacement] = [byteLengthOf(from), byteLengthOf(to)]
  if (old === replacement) return
  throw wrongValue(
    `The "to" argument must be as long as "from", ${old} bytes. Received ${replacement} bytes: what follows would have to move. ` +
      'Write the parts between the matches (findAll) and the replacements to a new file instead',
  )
}

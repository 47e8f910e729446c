// Text of mapped bytes.
//
// Text is always decoded from a copy, because engines read the bytes twice: once to compute the
// length of the string, and once to write it. If another process changed the bytes in between, the
// engine would write beyond the end of the string.

import { constants as bufferConstants } from 'node:buffer'
import { oneOf } from './arguments.js'
import { textTooLong } from './errors.js'

/** Encodings of text. They mean the same as in Buffer. */
export type TextEncoding = 'utf8' | 'latin1' | 'ascii' | 'utf16le' | 'hex' | 'base64'

/** The least number of characters that `count` bytes can have. */
const LEAST_CHARACTERS: Record<TextEncoding, (count: number) => number> = {
  utf8: (count) => Math.ceil(count / 3),
  latin1: (count) => count,
  ascii: (count) => count,
  utf16le: (count) => Math.floor(count / 2),
  hex: (count) => 2 * count,
  base64: (count) => 4 * Math.ceil(count / 3),
}

const ENCODINGS = Object.keys(LEAST_CHARACTERS) as TextEncoding[]

export function textEncoding(encoding: unknown): TextEncoding {
  if (encoding === 'utf8') return encoding
  return oneOf(encoding, 'encoding', ENCODINGS)
}

/**
 * Throws if the text of `count` bytes is certainly too long for a string. Call it before copying.
 */
export function refuseTooLong(encoding: TextEncoding, count: number): void {
  const limit = bufferConstants.MAX_STRING_LENGTH
  if (LEAST_CHARACTERS[encoding](count) > limit) throw textTooLong(count, limit)
}

/** The text of the first `count` bytes of a copy. */
export function decode(copy: Buffer, encoding: TextEncoding, count: number): string {
  try {
    return copy.toString(encoding, 0, count)
  } catch {
    // The text is too long. For UTF-8 that is known only now. The errors of engines differ, and do
    // not say what to do.
    throw textTooLong(count, bufferConstants.MAX_STRING_LENGTH)
  }
}

/**
 * The length of the buffer that short texts are copied to, in bytes. There is one such buffer,
 * because making one for each text would double the time. It is decoded before any other code runs.
 */
export const SHORT_TEXT = 2048
const scratch = Buffer.allocUnsafeSlow(SHORT_TEXT) as Buffer<ArrayBuffer> & {
  utf8Slice(start: number, end: number): string
}
const scratchWords = new DataView(scratch.buffer)

/** A loop copies up to this many bytes faster than a call does. */
const SHORT_LOOP = 256

/**
 * The text of `[from, to)` of a view of mapped memory, at most {@link SHORT_TEXT} bytes. `words` is
 * a view of the same bytes.
 */
export function shortText(bytes: Buffer, words: DataView, encoding: TextEncoding, from: number, to: number): string {
  const count = to - from
  if (count > SHORT_LOOP) {
    bytes.copy(scratch, 0, from, to)
  } else {
    let done = 0
    for (; done + 16 <= count; done += 16) {
      const at = from + done
      scratchWords.setInt32(done, words.getInt32(at, true), true)
      scratchWords.setInt32(done + 4, words.getInt32(at + 4, true), true)
      scratchWords.setInt32(done + 8, words.getInt32(at + 8, true), true)
      scratchWords.setInt32(done + 12, words.getInt32(at + 12, true), true)
    }
    for (; done + 4 <= count; done += 4) scratchWords.setInt32(done, words.getInt32(from + done, true), true)
    for (; done < count; done += 1) scratchWords.setInt8(done, words.getInt8(from + done))
  }
  // Node, Bun and Deno have `utf8Slice`, which is `toString` without its checks.
  return encoding === 'utf8' && HAS_UTF8_SLICE ? scratch.utf8Slice(0, count) : scratch.toString(encoding, 0, count)
}

const HAS_UTF8_SLICE = 'utf8Slice' in scratch

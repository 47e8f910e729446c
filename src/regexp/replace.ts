// Replacing what a pattern matches, in place.

import { byteLengthOf, bytesArgument } from '../arguments.js'
import binding, { checked } from '../binding.js'
import { withReplaced, wrongValue } from '../errors.js'
import type { Mapping } from '../mapping.js'
import { NONE } from '../search/iteration.js'
import { type MmapMatch, newMatch } from './match.js'
import { MatchPlaces, type MatchRequest } from './matches.js'
import type { Pattern } from './pattern.js'

const REMEDY = 'Write the parts between the matches (matchAll) and the replacements to a new file instead'

/** Throws unless a replacement fits each match that the pattern can have. `fill` may be -1. */
export function refuseUnfit({ native }: Pattern, to: Uint8Array, fill: number): void {
  const [least, most] = [binding.shortestMatch(native), binding.longestMatch(native)]
  const length = byteLengthOf(to)
  // The least length is Infinity if nothing can match.
  if (least > most || (fill === -1 ? least === length && most === length : length <= least)) return
  const lengths =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`
  const allowed = fill === -1 ? 'as long as each match' : 'at most as long as the shortest match'
  throw wrongValue(
    `The "to" argument must be ${allowed}, and matches have ${lengths} bytes. Received ${length} bytes: ` +
      `${fill === -1 ? 'the option "fill" allows shorter ones, and a function makes one for each match' : REMEDY}`,
  )
}

/** How each match is replaced. */
interface Replacer {
  to: (match: MmapMatch) => unknown
  /** A byte, or -1. */
  fill: number
  /** Throws if the mapping may not be written to any more. */
  check: () => void
}

/** Replaces each match by what a function returns, and returns the number of matches. */
export function replaceEach(mapping: Mapping, request: MatchRequest, { to, fill, check }: Replacer): number {
  const places = new MatchPlaces(mapping, { ...request, isEager: true })
  let replaced = 0
  let isUsers = false
  try {
    for (let at = places.next(); at !== NONE; at = places.next()) {
      const match = newMatch(places.batch, at)
      const { index, length } = match
      isUsers = true
      const value = to(match)
      isUsers = false
      const bytes = fitted(bytesArgument(value, 'to()'), length, fill)
      // The function may have closed, resized or protected the mapping.
      check()
      if (length > 0) checked(binding.write(mapping.handle, bytes, length, index, 1))
      replaced += 1
    }
  } catch (error) {
    throw isUsers ? error : withReplaced(error, replaced)
  }
  return replaced
}

/** The replacement in the length of its match. */
function fitted(bytes: Uint8Array, length: number, fill: number): Uint8Array {
  const count = byteLengthOf(bytes)
  if (count === length) return bytes
  if (fill === -1 || count > length) {
    const allowed =
      fill === -1 ? `as long as the match, ${length} bytes` : `at most as long as the match, ${length} bytes`
    throw wrongValue(`The "to()" argument must be ${allowed}. Received ${count} bytes. ${REMEDY}`)
  }
  const filled = Buffer.alloc(length, fill)
  filled.set(bytes)
  return filled
}

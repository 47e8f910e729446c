// A match of a regular expression, as users get it.

import { inspect } from 'node:util'
import { invalidThis, outOfRange, wrongType, wrongValue } from '../errors.js'
import { Mapping } from '../mapping.js'
import type { Pattern } from './pattern.js'

/** What native code says of a group that has matched nothing, and of a match that is too long. */
const UNMATCHED = -1
const UNKNOWN = -2

// The class assigns these functions, because only it can use what is private.
/** `pattern` is undefined if groups were not asked for. `rows` has the match from `at` on. */
export let newMatch: (mapping: Mapping, pattern: Pattern | undefined, rows: Float64Array, at: number) => MmapMatch
/** Where a group begins or ends, or UNMATCHED or UNKNOWN. */
let numberAt: (match: MmapMatch, index: number) => number
let patternOf: (match: MmapMatch) => Pattern | undefined
let mappingOf: (match: MmapMatch) => Mapping

/**
 * A match of a regular expression: where it is, in bytes from the start of the mapping, and what
 * its groups are. The places are those of the search. The text and the bytes are read when they are
 * asked for, so a change after the search is seen in them. {@link Mmap.match} and
 * {@link Mmap.matchAll} make matches.
 */
export class MmapMatch implements Iterable<string | undefined> {
  readonly #mapping: Mapping
  /** Undefined if groups were not asked for. */
  readonly #pattern: Pattern | undefined
  /** Rows of numbers of several matches, and where the row of this one begins. */
  readonly #rows: Float64Array
  readonly #at: number

  static {
    newMatch = (mapping, pattern, rows, at) => new MmapMatch(mapping, pattern, rows, at)
    numberAt = (match, index) => {
      try {
        return match.#rows[match.#at + index] as number
      } catch {
        throw invalidThis('MmapMatch')
      }
    }
    patternOf = (match) => match.#pattern
    mappingOf = (match) => match.#mapping
  }

  private constructor(mapping: Mapping, pattern: Pattern | undefined, rows: Float64Array, at: number) {
    if (!(mapping instanceof Mapping)) throw wrongType('mapping', 'that of a search: match() makes a match', mapping)
    this.#mapping = mapping
    this.#pattern = pattern
    this.#rows = rows
    this.#at = at
  }

  /** Where it begins, in bytes from the start of the mapping. */
  get index(): number {
    return numberAt(this, 0)
  }

  /** Where it ends: the first byte that is not in it. */
  get end(): number {
    return numberAt(this, 1)
  }

  /** Its length in bytes. */
  get length(): number {
    return numberAt(this, 1) - numberAt(this, 0)
  }

  /**
   * Its text, decoded from a copy as UTF-8.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT, ERR_OUT_OF_RANGE for a text longer than a string can
   *   be
   */
  get text(): string {
    return textOf(this, numberAt(this, 0), numberAt(this, 1))
  }

  /**
   * Its bytes as a view, as {@link Mmap.bytes} is, or as a copy where the runtime has no views.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE
   */
  get bytes(): Uint8Array {
    const [start, end] = [numberAt(this, 0), numberAt(this, 1)]
    const mapping = openMapping(this)
    const stop = Math.min(end, mapping.length)
    return mapping.viewOrCopy(Math.min(start, stop), stop)
  }

  /**
   * The text of a group, decoded from a copy as UTF-8; undefined if the group has matched nothing.
   * @param which its number or its name; 0 is the whole match
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number that no group has, and where the
   *   match is longer than 16 MiB, ERR_INVALID_ARG_VALUE for a name that no group has, and as
   *   {@link text}
   */
  group(which: number | string): string | undefined {
    const span = this.span(which)
    return span === undefined ? undefined : textOf(this, span[0], span[1])
  }

  /**
   * Where a group begins and ends, in bytes from the start of the mapping; undefined if the group
   * has matched nothing.
   * @param which its number or its name; 0 is the whole match
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number that no group has, and where the
   *   match is longer than 16 MiB, ERR_INVALID_ARG_VALUE for a name that no group has
   */
  span(which: number | string): [start: number, end: number] | undefined {
    const whole = numberAt(this, 0)
    const pattern = patternOf(this)
    if (typeof which === 'number') {
      const last = pattern?.groups ?? 0
      if (!Number.isInteger(which) || which < 0 || which > last) throw noSuchGroup(which, last)
      return which === 0 ? [whole, numberAt(this, 1)] : spanOf(this, which)
    }
    if (typeof which !== 'string') throw wrongType('which', 'of type number or string', which)
    const numbers = pattern?.names.get(which)
    if (numbers === undefined) throw noSuchName(which, pattern)
    return spanOfName(this, numbers)
  }

  /**
   * The text of each group with a name, or undefined if no group has a name, as in JavaScript.
   * @throws as {@link group}
   */
  get groups(): { [name: string]: string | undefined } | undefined {
    numberAt(this, 0)
    const names = patternOf(this)?.names
    if (names === undefined || names.size === 0) return undefined
    const groups: { [name: string]: string | undefined } = Object.create(null)
    for (const [name, numbers] of names) {
      const span = spanOfName(this, numbers)
      groups[name] = span === undefined ? undefined : textOf(this, span[0], span[1])
    }
    return groups
  }

  /**
   * The text of the match and then of each group, as the elements of JavaScript's match are:
   * `const [all, year, month] = match`.
   * @throws as {@link group}
   */
  *[Symbol.iterator](): Generator<string | undefined, undefined, undefined> {
    numberAt(this, 0)
    const last = patternOf(this)?.groups ?? 0
    for (let which = 0; which <= last; which += 1) yield this.group(which)
  }

  /** Where it is. Never throws. */
  [inspect.custom](): string {
    return #rows in this ? `<memmap.MmapMatch index=${this.index}, end=${this.end}>` : '<memmap.MmapMatch>'
  }

  get [Symbol.toStringTag](): string {
    return 'MmapMatch'
  }
}

function openMapping(match: MmapMatch): Mapping {
  const mapping = mappingOf(match)
  mapping.openHandle()
  return mapping
}

/** The text of a range, of which the mapping may lack the end by now. */
function textOf(match: MmapMatch, start: number, end: number): string {
  const mapping = openMapping(match)
  return mapping.text('utf8', start, Math.min(end, mapping.length))
}

/** Where a group that exists is. */
function spanOf(match: MmapMatch, which: number): [start: number, end: number] | undefined {
  const start = numberAt(match, which * 2)
  if (start === UNMATCHED) return undefined
  if (start === UNKNOWN) {
    const length = numberAt(match, 1) - numberAt(match, 0)
    throw outOfRange('The match is too long to look for its groups', 'length', 'at most 16 MiB', length)
  }
  // JavaScript forgets what a group has matched before the last iteration of what it is in.
  const iterations = patternOf(match)?.iterations[which] ?? []
  for (const iteration of iterations) if (numberAt(match, iteration * 2) > start) return undefined
  return [start, numberAt(match, which * 2 + 1)]
}

/** Of several groups with one name, at most one has matched something. */
function spanOfName(match: MmapMatch, numbers: readonly number[]): [start: number, end: number] | undefined {
  for (const which of numbers) {
    const span = spanOf(match, which)
    if (span !== undefined) return span
  }
  return undefined
}

function noSuchGroup(which: number, last: number): RangeError {
  const allowed = last === 0 ? '0, because no groups were searched for' : `a whole number from 0 to ${last}`
  return outOfRange('There is no such group', 'which', allowed, which)
}

function noSuchName(which: string, pattern: Pattern | undefined): TypeError {
  const names = [...(pattern?.names.keys() ?? [])].map((name) => `'${name}'`)
  const allowed =
    names.length === 0 ? 'a number, because no group has a name' : `a number or one of ${names.join(', ')}`
  return wrongValue(`The "which" argument must be ${allowed}. Received '${which.slice(0, 25)}'`)
}

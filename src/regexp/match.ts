// A match of a regular expression, as users get it.

import { inspect } from 'node:util'
import binding, { checked } from '../binding.js'
import { changed, invalidThis, outOfRange, wrongType, wrongValue } from '../errors.js'
import type { Mapping } from '../mapping.js'
import type { Pattern } from './pattern.js'

/** How many numbers a match has without its groups: where it begins, and where it ends. */
export const PLACE = 2

/** What native code says of a group that has matched nothing, and of a match that is too long. */
const UNMATCHED = -1
const UNKNOWN = -2
/** What a row has for its first group if its groups have not been looked for. */
const LATER = -3

// If groups are asked for after the search, of one match after the other, then those of the next
// matches are found in the same call. The number grows from one call to the next.
const AHEAD_GROWTH = 4

/**
 * The number of matches that have their groups in one array. There is one only for matches whose
 * groups were asked for, because a row may have some hundred numbers, and a batch thousands of
 * rows.
 */
const BLOCK = 64

/** The matches that one call has found: where they are, and what finds their groups later. */
export class FoundMatches {
  readonly mapping: Mapping
  /** Undefined if the user wants no groups. */
  readonly pattern: Pattern | undefined
  /** A row of numbers for each match. */
  readonly rows: Float64Array
  /** How many numbers a row has: {@link PLACE}, or also those of the groups. */
  readonly width: number
  /** Where the search ended: no match has seen what is behind it. */
  readonly stop: number
  count = 0
  /** No match follows. */
  isLast = false
  /** How many matches were asked for a group. One that is asked again after others counts again. */
  asked = 0
  /** The row of the match that was asked for a group last. */
  #lastAsked = -1
  /** Rows with groups, if those are looked for after the search. */
  readonly #blocks: (Float64Array | undefined)[] = []
  /** The match whose groups were looked for last after the search, and how many had theirs. */
  #last = 0
  #lastCount = 0

  constructor(mapping: Mapping, pattern: Pattern | undefined, rows: Float64Array, width: number, stop: number) {
    this.mapping = mapping
    this.pattern = pattern
    this.rows = rows
    this.width = width
    this.stop = stop
  }

  /** The match whose row begins at `at` is asked for a group. */
  ask(at: number): void {
    if (at === this.#lastAsked) return
    this.#lastAsked = at
    this.asked += 1
  }

  /** A number of the groups of the match whose row begins at `at`. */
  groupNumber(at: number, index: number): number {
    const width = widthOf(this.pattern)
    if (this.width === width) return this.rows[at + index] as number
    const number = at / this.width
    const first = number - (number % BLOCK)
    const block = this.#block(first, width)
    const row = (number - first) * width
    if (block[row + PLACE] === LATER) this.#findGroups(block, row, number)
    return block[row + index] as number
  }

  /** The rows from `first` on, with room for groups. */
  #block(first: number, width: number): Float64Array {
    const known = this.#blocks[first / BLOCK]
    if (known !== undefined) return known
    const count = Math.min(BLOCK, this.count - first)
    const block = new Float64Array(count * width)
    for (let row = 0; row < count; row += 1) {
      const place = (first + row) * PLACE
      block[row * width] = this.rows[place] as number
      block[row * width + 1] = this.rows[place + 1] as number
      block[row * width + PLACE] = LATER
    }
    this.#blocks[first / BLOCK] = block
    return block
  }

  /** Looks for the groups of a match, and sets their numbers in its row, which begins at `at`. */
  #findGroups(block: Float64Array, at: number, number: number): void {
    const { mapping, pattern, stop } = this
    const handle = mapping.openHandle()
    // Without a pattern no group can be asked for.
    if (pattern === undefined) return
    const isNext = number > this.#last && number <= this.#last + this.#lastCount
    const wanted = isNext ? this.#lastCount * AHEAD_GROWTH : 1
    const count = Math.min(wanted, (block.length - at) / widthOf(pattern))
    this.#last = number
    this.#lastCount = count
    if (checked(binding.matchGroups(handle, pattern.native, block, at, count - 1, stop))) return
    throw changed(block[at] as number, block[at + 1] as number)
  }
}

/** How many numbers a match has with its groups. */
export function widthOf(pattern: Pattern | undefined): number {
  return ((pattern?.allGroups ?? 0) + 1) * 2
}

// The class assigns these functions, because only it can use what is private.
/** The row of the match begins at `at`. */
export let newMatch: (found: FoundMatches, at: number) => MmapMatch
/** Where it begins or ends. */
let numberAt: (match: MmapMatch, index: number) => number
let foundOf: (match: MmapMatch) => FoundMatches
let rowOf: (match: MmapMatch) => number
let groupNumber: (match: MmapMatch, index: number) => number

/**
 * A match of a regular expression: where it is, in bytes from the start of the mapping, and what
 * its groups are. The places are those of the search. The text and the bytes are read when they are
 * asked for, so a change after the search is seen in them. {@link Mmap.match} and
 * {@link Mmap.matchAll} make matches.
 *
 * The groups of a match of {@link Mmap.matchAll} and {@link Mmap.matchAllAsync} are found with the
 * match if the loop asks for the groups of most matches. Otherwise they are found when a group is
 * first asked for, of this match or of one shortly before it, in the bytes as they are then.
 */
export class MmapMatch implements Iterable<string | undefined> {
  readonly #found: FoundMatches
  /** Where its row begins. */
  readonly #at: number

  static {
    newMatch = (found, at) => new MmapMatch(found, at)
    numberAt = (match, index) => {
      try {
        return match.#found.rows[match.#at + index] as number
      } catch {
        throw invalidThis('MmapMatch')
      }
    }
    foundOf = (match) => match.#found
    rowOf = (match) => match.#at
    groupNumber = (match, index) => match.#found.groupNumber(match.#at, index)
  }

  private constructor(found: FoundMatches, at: number) {
    if (!(found instanceof FoundMatches)) throw wrongType('found', 'that of a search: match() makes a match', found)
    this.#found = found
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
   * @throws as {@link span} and {@link text}: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
   *   ERR_OUT_OF_RANGE, ERR_MMAP_CHANGED, ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  group(which: number | string): string | undefined {
    return textOfGroup(this, which)
  }

  /**
   * Where a group begins and ends, in bytes from the start of the mapping; undefined if the group
   * has matched nothing.
   * @param which its number or its name; 0 is the whole match
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number that no group has, and where the
   *   match is longer than 16 MiB, ERR_INVALID_ARG_VALUE for a name that no group has. Where the
   *   groups are found only now, also ERR_MMAP_CHANGED if the bytes are no match any more,
   *   ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  span(which: number | string): [start: number, end: number] | undefined {
    return spanOfGroup(this, which)
  }

  /**
   * The text of each group with a name, or undefined if no group has a name, as in JavaScript.
   * @throws ERR_OUT_OF_RANGE where the match is longer than 16 MiB, and a text longer than a string
   *   can be, ERR_MMAP_CHANGED as {@link span}, ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  get groups(): { [name: string]: string | undefined } | undefined {
    numberAt(this, 0)
    const names = foundOf(this).pattern?.names
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
   * @throws as {@link groups}
   */
  *[Symbol.iterator](): Generator<string | undefined, undefined, undefined> {
    numberAt(this, 0)
    const last = foundOf(this).pattern?.groups ?? 0
    for (let which = 0; which <= last; which += 1) yield textOfGroup(this, which)
  }

  /** Where it is. Never throws. */
  [inspect.custom](): string {
    return #found in this ? `<memmap.MmapMatch index=${this.index}, end=${this.end}>` : '<memmap.MmapMatch>'
  }

  get [Symbol.toStringTag](): string {
    return 'MmapMatch'
  }
}

function openMapping(match: MmapMatch): Mapping {
  const { mapping } = foundOf(match)
  mapping.openHandle()
  return mapping
}

/** The text of a range, of which the mapping may lack the end by now. */
function textOf(match: MmapMatch, start: number, end: number): string {
  const mapping = openMapping(match)
  return mapping.text('utf8', start, Math.min(end, mapping.length))
}

/** Where a group is, which may not exist. */
function spanOfGroup(match: MmapMatch, which: number | string): [start: number, end: number] | undefined {
  const whole = numberAt(match, 0)
  const { pattern } = foundOf(match)
  if (typeof which === 'number') {
    const last = pattern?.groups ?? 0
    if (!Number.isInteger(which) || which < 0 || which > last) throw noSuchGroup(which, last)
    return which === 0 ? [whole, numberAt(match, 1)] : spanOf(match, which)
  }
  if (typeof which !== 'string') throw wrongType('which', 'of type number or string', which)
  const numbers = pattern?.names.get(which)
  if (numbers === undefined) throw noSuchName(which, pattern)
  return spanOfName(match, numbers)
}

function textOfGroup(match: MmapMatch, which: number | string): string | undefined {
  const span = spanOfGroup(match, which)
  return span === undefined ? undefined : textOf(match, span[0], span[1])
}

/** Where a group that exists is. */
function spanOf(match: MmapMatch, which: number): [start: number, end: number] | undefined {
  const start = groupStart(match, which)
  if (start === UNMATCHED) return undefined
  if (start === UNKNOWN) {
    const length = numberAt(match, 1) - numberAt(match, 0)
    throw outOfRange('The match is too long to look for its groups', 'length', 'at most 16 MiB', length)
  }
  // JavaScript forgets what a group has matched before the last iteration of what it is in.
  const iterations = foundOf(match).pattern?.iterations[which] ?? []
  for (const iteration of iterations) if (groupNumber(match, iteration * 2) > start) return undefined
  return [start, groupNumber(match, which * 2 + 1)]
}

/** Where a group that exists begins, or what native code says instead. */
function groupStart(match: MmapMatch, which: number): number {
  foundOf(match).ask(rowOf(match))
  return groupNumber(match, which * 2)
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

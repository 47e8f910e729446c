// The lines that a pattern matches: what grep prints.

import binding, { checked } from '../binding.js'
import type { Mapping } from '../mapping.js'
import { clamp } from '../ranges.js'
import { DONE, type IterationSource, inheritHelpers, NONE } from '../search/iteration.js'
import { NEWLINE } from '../search/needles.js'
import type { TextEncoding } from '../text.js'
import { MatchPlaces, type MatchRequest } from './matches.js'
import type { Pattern } from './pattern.js'

/** Which lines, and how they are returned. */
export interface MatchingLinesRequest {
  pattern: Pattern
  /** With `crlf`: whether a line without its `'\r'` matches. `pattern` finds more lines. */
  exact: Pattern | undefined
  start: number
  /** Infinity: the end that the mapping has at that time. */
  stop: number
  /** Undefined for bytes. */
  encoding: TextEncoding | undefined
  reverse: boolean
}

const RETURN = 13

/** The lines, as views or as text. */
export class MatchingLines<Line extends Uint8Array | string> implements IterableIterator<Line> {
  readonly #mapping: Mapping
  readonly #request: MatchingLinesRequest
  readonly #places: LinePlaces
  readonly #place = new Float64Array(2)
  readonly #exactPlace = new Float64Array(2)

  constructor(mapping: Mapping, request: MatchingLinesRequest) {
    this.#mapping = mapping
    this.#request = request
    this.#places = request.reverse ? new PlacesBackwards(mapping, request) : new Places(mapping, request)
  }

  next(): IteratorResult<Line, undefined> {
    for (;;) {
      if (!this.#places.next(this.#place)) return this.return()
      const start = this.#place[0] as number
      const end = this.#place[1] as number
      const { exact } = this.#request
      if (exact === undefined) return { value: this.#line(start, end), done: false }
      const stop = this.#withoutReturn(start, end)
      // Native code finds no line in an empty range.
      const isMatch = stop > start ? this.#matches(exact, start, stop) : exact.matchesEmpty
      if (isMatch) return { value: this.#line(start, stop), done: false }
    }
  }

  #matches({ native }: Pattern, start: number, stop: number): boolean {
    return checked(binding.firstMatch(this.#mapping.openHandle(), native, this.#exactPlace, start, stop))
  }

  return(): IteratorResult<Line, undefined> {
    this.#places.end()
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #line(start: number, end: number): Line {
    const { encoding } = this.#request
    const line =
      encoding === undefined ? this.#mapping.viewOrCopy(start, end) : this.#mapping.text(encoding, start, end)
    return line as Line
  }

  /** Where a line ends that may have a `'\r'` before its `'\n'`. */
  #withoutReturn(start: number, end: number): number {
    const isTerminated = end < clamp(this.#request.stop, this.#mapping.length)
    return isTerminated && end > start && this.#mapping.byteAt(end - 1) === RETURN ? end - 1 : end
  }
}

/** Places of lines. `next` stores where the next one begins and ends, or returns false. */
interface LinePlaces {
  next(place: Float64Array): boolean
  end(): void
}

function matchRequest(
  { pattern, start, stop }: MatchingLinesRequest,
  range?: { start: number; stop: number },
): MatchRequest {
  return { pattern, hasGroups: false, start, stop, ...range }
}

/** From the first line to the last. */
class Places implements LinePlaces {
  readonly #places: MatchPlaces

  constructor(mapping: Mapping, request: MatchingLinesRequest) {
    this.#places = new MatchPlaces(mapping, matchRequest(request))
  }

  next(place: Float64Array): boolean {
    const at = this.#places.next()
    if (at === NONE) return false
    const { rows } = this.#places.batch
    place[0] = rows[at] as number
    place[1] = rows[at + 1] as number
    return true
  }

  end(): void {
    this.#places.end()
  }
}

/** Bytes that are searched in one call. The number is small at first: many callers stop soon. */
const FIRST_BLOCK = 16 * 1024
const BLOCK_GROWTH = 4
const LARGEST_BLOCK = 1024 * 1024

/**
 * From the last line to the first. Patterns are searched forwards, so the lines of a block are
 * found, and returned in reverse.
 */
class PlacesBackwards implements LinePlaces {
  readonly #mapping: Mapping
  readonly #request: MatchingLinesRequest
  readonly #source: IterationSource
  /** Starts and ends of the lines of a block that have not been returned. */
  #found: number[] = []
  /** Where the block begins. */
  #before: number | undefined
  #blockLength = FIRST_BLOCK
  #ended = false
  #generation = NONE
  #faults: number | undefined

  constructor(mapping: Mapping, request: MatchingLinesRequest) {
    this.#mapping = mapping
    this.#request = request
    this.#source = mapping.iterationSource()
  }

  next(place: Float64Array): boolean {
    if (this.#ended) return false
    const { state } = this.#source
    if (state.generation !== this.#generation || state.faults[0] !== this.#faults) this.#followMapping()
    while (this.#found.length === 0) if (!this.#findBlock()) return false
    place[1] = this.#found.pop() as number
    place[0] = this.#found.pop() as number
    return true
  }

  end(): void {
    this.#ended = true
    this.#found = []
  }

  #followMapping(): void {
    this.#source.check()
    const { generation, faults } = this.#source.state
    this.#faults = faults[0]
    if (generation === this.#generation) return
    this.#generation = generation
    const end = this.#found.at(-1)
    this.#found = []
    // The lines of the block that have not been returned are searched again.
    const stop = end === undefined ? (this.#before ?? this.#request.stop) : end + 1
    this.#before = clamp(stop, this.#mapping.length)
  }

  #findBlock(): boolean {
    const stop = this.#before ?? 0
    const { start } = this.#request
    if (stop <= start) return false
    const handle = this.#source.handle()
    const least = stop - this.#blockLength
    this.#blockLength = Math.min(this.#blockLength * BLOCK_GROWTH, LARGEST_BLOCK)
    // The block begins after the newline before it. That at its end belongs to its last line.
    const newline =
      least <= start ? NONE : checked(binding.rfind(handle, NEWLINE, start, Math.min(least + 1, stop - 1)))
    const from = newline === NONE ? start : newline + 1
    const places = new MatchPlaces(this.#mapping, matchRequest(this.#request, { start: from, stop }))
    const found: number[] = []
    for (let at = places.next(); at !== NONE; at = places.next()) {
      const { rows } = places.batch
      found.push(rows[at] as number, rows[at + 1] as number)
    }
    // After an error in the middle, the next step searches the block again.
    this.#found = found
    this.#before = from
    return true
  }
}

inheritHelpers(MatchingLines)

// The places of a needle, one after the other.
//
// A native call finds many places, and the iterator returns them one by one, because a call for
// each place would cost more than the search. The iterators are classes, because a step of a
// generator takes half as long again.

import binding, { checked } from '../binding.js'
import { clamp } from '../ranges.js'
import { DONE, type IterationSource, inheritHelpers, type MappingState, NONE } from './iteration.js'

/** The number of places that a call finds. It is small at first, because many callers stop soon. */
const FIRST_BATCH = 16
const LARGEST_BATCH = 4096

/**
 * The number of positions that a call searches. Native code returns places as 32-bit integers,
 * counted from `base`.
 */
const MOST_POSITIONS = 2 ** 31

/** Finds the places of a needle. The matches do not overlap. */
export class BatchedSearch {
  /** The number of the batch that the last place was in. */
  batch = 0
  /** The position in the mapping that the places of this batch are counted from. */
  base: number
  /** The end of the search, in the length that the mapping had for this batch. */
  stop = 0
  ended = false
  readonly #source: IterationSource
  readonly #state: MappingState
  readonly #faultCounter: Uint32Array
  readonly #needle: Uint8Array
  readonly #requestedStop: number
  #places = new Int32Array(FIRST_BATCH)
  /** The number of places in this batch, and how many of them have been returned. */
  #count = 0
  #returned = 0
  /** The position where the next batch begins. */
  #next = 0
  #isLast = false
  /** The generation of the mapping and the number of faults when this batch was found. */
  #generation = NONE
  #faults: number | undefined

  constructor(source: IterationSource, needle: Uint8Array, start: number, stop: number) {
    this.#source = source
    this.#state = source.state
    this.#faultCounter = source.state.faults
    this.#needle = needle
    this.base = start
    this.#requestedStop = stop
  }

  /** The next place, or NONE. */
  next(): number {
    const returned = this.#returned
    if (
      returned === this.#count ||
      this.#state.generation !== this.#generation ||
      this.#faultCounter[0] !== this.#faults
    ) {
      return this.#findMore()
    }
    this.#returned = returned + 1
    return this.#places[returned] as number
  }

  /** Ends the search: no place follows. */
  end(): void {
    this.ended = true
    this.#returned = this.#count
  }

  #findMore(): number {
    if (this.ended) return NONE
    this.#source.check()
    this.#faults = this.#faultCounter[0]
    if (this.#generation !== this.#state.generation) {
      this.#generation = this.#state.generation
      this.stop = clamp(this.#requestedStop, this.#source.length())
      this.#next = this.#returned === 0 ? this.base : this.#endOf(this.#returned - 1)
      this.#isLast = false
      this.#find()
    } else if (this.#returned === this.#count) {
      if (this.#places.length < LARGEST_BATCH) this.#places = new Int32Array(this.#places.length * 4)
      this.#find()
    }
    if (this.#returned === this.#count) return NONE
    this.#returned += 1
    return this.#places[this.#returned - 1] as number
  }

  #find(): void {
    while (!this.#isLast) {
      this.batch += 1
      this.base = Math.min(this.#next, this.stop)
      this.#returned = 0
      this.#count = 0
      const reach = this.base + MOST_POSITIONS - 1 + this.#needle.length
      const stop = Math.min(reach, this.stop)
      const count = checked(binding.findAll(this.#source.handle(), this.#needle, this.#places, this.base, stop))
      this.#count = count
      const end = count === 0 ? 0 : this.#endOf(count - 1)
      const isFull = count === this.#places.length
      this.#next = isFull ? end : Math.max(this.base + MOST_POSITIONS, end)
      this.#isLast = !isFull && stop === this.stop
      if (count !== 0) return
    }
  }

  /** The position in the mapping where a match of this batch ends. */
  #endOf(number: number): number {
    return this.base + (this.#places[number] as number) + this.#needle.length
  }
}

/** The places of a needle. */
export class Matches implements IterableIterator<number> {
  readonly #search: BatchedSearch

  constructor(source: IterationSource, needle: Uint8Array, start: number, stop: number) {
    this.#search = new BatchedSearch(source, needle, start, stop)
  }

  next(): IteratorResult<number, undefined> {
    const place = this.#search.next()
    return place === NONE ? this.return() : { value: this.#search.base + place, done: false }
  }

  return(): IteratorResult<number, undefined> {
    this.#search.end()
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }
}

inheritHelpers(Matches)

// Iterators over a mapping: places of a needle, and lines. They find many at a time and hand them out one by one, because a call of Rust
// for each would cost more than the search. Classes, not generators: those cost half as much again at every step.

import { clamp } from './arguments.js'
import binding, { type ExternalObject, type OpenMapping } from './binding.js'

/** What an iterator asks of its mapping. */
export interface Iterated {
  /** What is looked at before every step, and so without a call. */
  readonly state: State
  /** Throws when it is closed, or when bytes of it have been lost. */
  check(): void
  handle(): ExternalObject<OpenMapping>
  length(): number
  /** A stretch with all of `[start, stop)` in it, or undefined where there are no views. */
  window(start: number, stop: number): Window | undefined
  copy(start: number, stop: number): Uint8Array
}

/** What can happen to a mapping between two steps. */
export interface State {
  /** A number that changes when the mapping is resized or closed. */
  generation: number
  /** The first one changes when bytes may have been lost, of any mapping. */
  readonly faults: Uint32Array
}

/** A stretch of a mapping in a buffer. */
export interface Window {
  buffer: ArrayBufferLike
  /** Where in the buffer the mapping's first byte would be; negative if it is not in it. */
  origin: number
}

/** How many places are found at a time: few at first, for those who stop soon. */
const FIRST_BATCH = 16
const LARGEST_BATCH = 4096

/** As clear as `-1` of `indexOf`, and as fast. */
const NONE = -1

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

/** Finds the places of a needle, each behind the one before. */
class Search {
  /** For which generation of the mapping it holds what it has found. */
  generation = NONE
  stop = 0
  ended = false
  readonly #of: Iterated
  readonly #state: State
  readonly #faultCounter: Uint32Array
  readonly #needle: Uint8Array
  readonly #givenStop: number
  /** From where on nothing of this batch has been. */
  #from: number
  #places = new Float64Array(FIRST_BATCH)
  #count = 0
  #given = 0
  #faults: number | undefined

  constructor(of: Iterated, needle: Uint8Array, start: number, stop: number) {
    this.#of = of
    this.#state = of.state
    this.#faultCounter = of.state.faults
    this.#needle = needle
    this.#from = start
    this.#givenStop = stop
  }

  /** The next place, or NONE. */
  next(): number {
    const given = this.#given
    if (given === this.#count || this.#state.generation !== this.generation || this.#faultCounter[0] !== this.#faults) {
      return this.#findMore()
    }
    this.#given = given + 1
    return this.#places[given] as number
  }

  /** From now on there are none. */
  end(): void {
    this.ended = true
    this.#given = this.#count
  }

  #findMore(): number {
    if (this.ended) return NONE
    this.#of.check()
    this.#faults = this.#faultCounter[0]
    const isWhatItWas = this.generation === this.#state.generation
    if (!isWhatItWas || this.#given === this.#count) {
      const last = this.#given === 0 ? undefined : this.#places[this.#given - 1]
      if (last !== undefined) this.#from = last + this.#needle.length
      // A batch that was not full was the last one.
      if (isWhatItWas && this.#count < this.#places.length) return NONE
      this.#find(isWhatItWas)
      if (this.#count === 0) return NONE
    }
    this.#given += 1
    return this.#places[this.#given - 1] as number
  }

  #find(isWhatItWas: boolean): void {
    if (!isWhatItWas) {
      this.generation = this.#state.generation
      this.stop = clamp(this.#givenStop, this.#of.length())
    } else if (this.#places.length < LARGEST_BATCH) {
      this.#places = new Float64Array(this.#places.length * 4)
    }
    const from = Math.min(this.#from, this.stop)
    this.#given = 0
    this.#count = 0
    this.#count = binding.findAll(this.#of.handle(), this.#needle, this.#places, from, this.stop)
  }
}

/** The places of a needle. */
export class Matches implements IterableIterator<number> {
  readonly #search: Search

  constructor(of: Iterated, needle: Uint8Array, start: number, stop: number) {
    this.#search = new Search(of, needle, start, stop)
  }

  next(): IteratorResult<number, undefined> {
    const value = this.#search.next()
    return value === NONE ? this.return() : { value, done: false }
  }

  return(): IteratorResult<number, undefined> {
    this.#search.end()
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }
}

const NEWLINE = Uint8Array.of(10)

/** What is between newlines, and between the last one and the end. */
export class Lines implements IterableIterator<Uint8Array> {
  readonly #of: Iterated
  readonly #search: Search
  #start: number
  #window: Window | undefined
  /** For which generation of the mapping the window is. */
  #generation = NONE

  constructor(of: Iterated, start: number, stop: number) {
    this.#of = of
    this.#search = new Search(of, NEWLINE, start, stop)
    this.#start = start
  }

  next(): IteratorResult<Uint8Array, undefined> {
    const search = this.#search
    const start = this.#start
    const newline = search.next()
    if (newline === NONE) return this.#lastLine(start)
    this.#start = newline + 1
    const window = this.#window
    if (window !== undefined && search.generation === this.#generation) {
      try {
        return { value: new Uint8Array(window.buffer, window.origin + start, newline - start), done: false }
      } catch {
        // The line ends behind the window, or somebody has transferred the buffer of a line that he was given.
      }
    }
    return { value: this.#bytes(start, newline), done: false }
  }

  return(): IteratorResult<Uint8Array, undefined> {
    this.#search.end()
    this.#window = undefined
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #lastLine(start: number): IteratorResult<Uint8Array, undefined> {
    const { ended, stop } = this.#search
    this.#search.end()
    return !ended && start < stop ? { value: this.#bytes(start, stop), done: false } : DONE
  }

  #bytes(start: number, stop: number): Uint8Array {
    const window = this.#of.window(start, stop)
    this.#window = window
    this.#generation = this.#search.generation
    if (window === undefined) return this.#of.copy(start, stop)
    return new Uint8Array(window.buffer, window.origin + start, stop - start)
  }
}

// Where the runtime has iterator helpers (map, filter, take, ...), these have them too.
const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
for (const { prototype } of [Matches, Lines]) Object.setPrototypeOf(prototype, iteratorPrototype)

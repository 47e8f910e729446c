// Iterators over a mapping: places of a needle, and lines.
//
// They find many at a time and return them one by one, because a native call for each would cost
// more than the search. They are classes, because a step of a generator takes half as long again.

import { clamp } from './arguments.js'
import binding, { checked, type Handle } from './binding.js'
import { MAX_VIEW_LENGTH } from './constants.js'
import type { Place } from './views.js'

/** What an iterator asks of its mapping. */
export interface Iterated {
  /** What is looked at before every step, and so without a call. */
  readonly state: State
  /** Throws when it is closed, or when bytes of it have been lost. */
  check(): void
  handle(): Handle
  length(): number
  /** A buffer with all of `[start, stop)` in it, or undefined where there are no views. */
  window(start: number, stop: number): Place | undefined
  copy(start: number, stop: number): Buffer
}

/** What can happen to a mapping between two steps. */
export interface State {
  /** A number that changes when the mapping is resized or closed. */
  generation: number
  /** The first one changes when bytes may have been lost, of any mapping. */
  readonly faults: Uint32Array
}

/** How many places are found at a time: few at first, for those who stop soon. */
const FIRST_BATCH = 16
const LARGEST_BATCH = 4096

/** As clear as `-1` of `indexOf`, and as fast. */
export const NONE = -1

export const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

/** How many positions are searched at a time: places are small integers, counted from `base`. */
const MOST_POSITIONS = 2 ** 31

/** Finds the places of a needle; matches do not overlap. */
class Search {
  /** Which batch of places the last one was from. */
  batch = 0
  /** What the places of this batch are counted from. */
  base: number
  /** Where the search ends, as the mapping was for this batch. */
  stop = 0
  ended = false
  readonly #of: Iterated
  readonly #state: State
  readonly #faultCounter: Uint32Array
  readonly #needle: Uint8Array
  readonly #givenStop: number
  #places = new Int32Array(FIRST_BATCH)
  #count = 0
  #given = 0
  /** From where on the next batch is to be searched. */
  #next = 0
  #isLast = false
  /** For which generation of the mapping, and after how many faults, this batch holds. */
  #generation = NONE
  #faults: number | undefined

  constructor(of: Iterated, needle: Uint8Array, start: number, stop: number) {
    this.#of = of
    this.#state = of.state
    this.#faultCounter = of.state.faults
    this.#needle = needle
    this.base = start
    this.#givenStop = stop
  }

  /** The next place, or NONE. */
  next(): number {
    const given = this.#given
    if (
      given === this.#count ||
      this.#state.generation !== this.#generation ||
      this.#faultCounter[0] !== this.#faults
    ) {
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
    if (this.#generation !== this.#state.generation) {
      this.#generation = this.#state.generation
      this.stop = clamp(this.#givenStop, this.#of.length())
      this.#next = this.#given === 0 ? this.base : this.#endOf(this.#given - 1)
      this.#isLast = false
      this.#find()
    } else if (this.#given === this.#count) {
      if (this.#places.length < LARGEST_BATCH) this.#places = new Int32Array(this.#places.length * 4)
      this.#find()
    }
    if (this.#given === this.#count) return NONE
    this.#given += 1
    return this.#places[this.#given - 1] as number
  }

  #find(): void {
    while (!this.#isLast) {
      this.batch += 1
      this.base = Math.min(this.#next, this.stop)
      this.#given = 0
      this.#count = 0
      const reach = this.base + MOST_POSITIONS - 1 + this.#needle.length
      const stop = Math.min(reach, this.stop)
      const count = checked(binding.findAll(this.#of.handle(), this.#needle, this.#places, this.base, stop))
      this.#count = count
      const end = count === 0 ? 0 : this.#endOf(count - 1)
      const isFull = count === this.#places.length
      this.#next = isFull ? end : Math.max(this.base + MOST_POSITIONS, end)
      this.#isLast = !isFull && stop === this.stop
      if (count !== 0) return
    }
  }

  /** Where in the mapping a match of this batch ends. */
  #endOf(number: number): number {
    return this.base + (this.#places[number] as number) + this.#needle.length
  }
}

/** The places of a needle. */
export class Matches implements IterableIterator<number> {
  readonly #search: Search

  constructor(of: Iterated, needle: Uint8Array, start: number, stop: number) {
    this.#search = new Search(of, needle, start, stop)
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

export const NEWLINE = Uint8Array.of(10)
export const NOWHERE = new ArrayBuffer(0)

// Lines are cut out of windows. The first ones are short, so that a few lines cost little. An
// iteration that goes on after them will probably go on to the end, and gets one window for the
// rest: the engine collects garbage after so many bytes of buffers, so many short windows would
// cost more.
const FIRST_WINDOW = 64 * 1024
const WINDOW_GROWTH = 16
const LAST_SHORT_WINDOW = 16 * 1024 * 1024
/** A buffer may begin up to 7 bytes before its range. */
const LONGEST_WINDOW = MAX_VIEW_LENGTH - 8

/** How long the window after one of `length` bytes is to be; `length` is 0 for the first. */
export function nextWindowLength(length: number): number {
  if (length === 0) return FIRST_WINDOW
  return length < LAST_SHORT_WINDOW ? length * WINDOW_GROWTH : LONGEST_WINDOW
}

const RETURN = 13

/** A line without the `'\r'` at its end. */
export function withoutReturn(line: Uint8Array): Uint8Array {
  const last = line.length - 1
  return line[last] === RETURN ? new Uint8Array(line.buffer, line.byteOffset, last) : line
}

/** What is between newlines, and between the last one and the end. */
export class Lines implements IterableIterator<Uint8Array> {
  readonly #of: Iterated
  readonly #search: Search
  readonly #crlf: boolean
  /** Where the next line begins, counted from `#base`. */
  #start = 0
  #base: number
  /** The window that lines are in, and for which generation of the mapping it holds. */
  #buffer: ArrayBufferLike = NOWHERE
  #origin = 0
  #generation = NONE
  #windowLength = 0
  /** Where in it the base of a batch of newlines is, and of which. */
  #offset = 0
  #batch = NONE

  constructor(of: Iterated, start: number, stop: number, crlf: boolean) {
    this.#of = of
    this.#crlf = crlf
    this.#search = new Search(of, NEWLINE, start, stop)
    this.#base = start
  }

  next(): IteratorResult<Uint8Array, undefined> {
    const search = this.#search
    const newline = search.next()
    if (newline === NONE) return this.#lastLine()
    const start = this.#start
    if (search.batch === this.#batch) {
      try {
        const value = new Uint8Array(this.#buffer, this.#offset + start, newline - start)
        this.#start = newline + 1
        return { value: this.#crlf ? withoutReturn(value) : value, done: false }
      } catch {
        // The line ends beyond the buffer, or the caller has transferred the buffer of a line.
      }
    }
    const from = this.#base + start
    this.#base = search.base
    this.#start = newline + 1
    const value = this.#bytes(from, search.base + newline)
    return { value: this.#crlf ? withoutReturn(value) : value, done: false }
  }

  return(): IteratorResult<Uint8Array, undefined> {
    this.#search.end()
    this.#buffer = NOWHERE
    this.#generation = NONE
    this.#batch = NONE
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #lastLine(): IteratorResult<Uint8Array, undefined> {
    const { ended, stop } = this.#search
    const from = this.#base + this.#start
    const value = !ended && from < stop ? this.#bytes(from, stop) : undefined
    const done = this.return()
    return value === undefined ? done : { value, done: false }
  }

  /** A line, wherever it is, and from now on those of its batch in the same buffer. */
  #bytes(from: number, to: number): Uint8Array {
    this.#batch = NONE
    let bytes = this.#inWindow(from, to)
    if (bytes === undefined) {
      this.#windowLength = nextWindowLength(this.#windowLength)
      const end = Math.min(from + this.#windowLength, this.#search.stop)
      const window = this.#of.window(from, Math.max(to, end))
      if (window === undefined) return this.#of.copy(from, to)
      this.#buffer = window.buffer
      this.#origin = window.origin
      this.#generation = this.#of.state.generation
      bytes = new Uint8Array(window.buffer, window.origin + from, to - from)
    }
    this.#offset = this.#origin + this.#base
    this.#batch = this.#search.batch
    return bytes
  }

  /** A line of the window that there is already. */
  #inWindow(from: number, to: number): Uint8Array | undefined {
    if (this.#generation !== this.#of.state.generation) return undefined
    try {
      return new Uint8Array(this.#buffer, this.#origin + from, to - from)
    } catch {
      // It lies outside, or the buffer has been transferred.
      return undefined
    }
  }
}

// Where the runtime has iterator helpers (map, filter, take, ...), these have them too.
const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
export function inheritHelpers(...classes: { prototype: object }[]): void {
  for (const { prototype } of classes) Object.setPrototypeOf(prototype, iteratorPrototype)
}

inheritHelpers(Matches, Lines)

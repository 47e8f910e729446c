// Lines as views, from the first to the last and from the last to the first.

import binding, { checked } from '../binding.js'
import { MAX_VIEW_LENGTH } from '../constants.js'
import { clamp } from '../ranges.js'
import { DONE, type IterationSource, inheritHelpers, type MappingState, NONE } from './iteration.js'
import { BatchedSearch } from './matches.js'
import { NEWLINE } from './needles.js'

const NOWHERE = new ArrayBuffer(0)

// Lines are views of windows. The first windows are short, so that a few lines cost little. An
// iteration that continues after them will probably continue to the end, so it gets one window for
// the rest. Many short windows would cost more, because the engine collects garbage after a certain
// number of bytes of buffers.
const FIRST_WINDOW = 64 * 1024
const WINDOW_GROWTH = 16
const LAST_SHORT_WINDOW = 16 * 1024 * 1024
/** A buffer may begin up to 7 bytes before its range. */
const LONGEST_WINDOW = MAX_VIEW_LENGTH - 8

/** The length of the window that follows one of `length` bytes. For the first, `length` is 0. */
function nextWindowLength(length: number): number {
  if (length === 0) return FIRST_WINDOW
  return length < LAST_SHORT_WINDOW ? length * WINDOW_GROWTH : LONGEST_WINDOW
}

const RETURN = 13

/** A line without the `'\r'` at its end. */
function withoutReturn(line: Uint8Array): Uint8Array {
  const last = line.length - 1
  return line[last] === RETURN ? new Uint8Array(line.buffer, line.byteOffset, last) : line
}

/** The lines of a range as views, from the first to the last. */
export class Lines implements IterableIterator<Uint8Array> {
  readonly #source: IterationSource
  readonly #search: BatchedSearch
  readonly #crlf: boolean
  /** The start of the next line, counted from `#base`. */
  #start = 0
  #base: number
  /** The current window, and the generation of the mapping that it was made for. */
  #buffer: ArrayBufferLike = NOWHERE
  #origin = 0
  #generation = NONE
  #windowLength = 0
  /** The batch of newlines whose lines are in the window, and where in the buffer its base is. */
  #batch = NONE
  #offset = 0

  constructor(source: IterationSource, start: number, stop: number, crlf: boolean) {
    this.#source = source
    this.#crlf = crlf
    this.#search = new BatchedSearch(source, NEWLINE, start, stop)
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
        // The line ends beyond the buffer, or the user has transferred the buffer.
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

  /** Returns a line. The following lines of its batch are then views of the same buffer. */
  #bytes(from: number, to: number): Uint8Array {
    this.#batch = NONE
    let bytes = this.#inWindow(from, to)
    if (bytes === undefined) {
      this.#windowLength = nextWindowLength(this.#windowLength)
      const end = Math.min(from + this.#windowLength, this.#search.stop)
      const window = this.#source.window(from, Math.max(to, end))
      if (window === undefined) return this.#source.copy(from, to)
      this.#buffer = window.buffer
      this.#origin = window.origin
      this.#generation = this.#source.state.generation
      bytes = new Uint8Array(window.buffer, window.origin + from, to - from)
    }
    this.#offset = this.#origin + this.#base
    this.#batch = this.#search.batch
    return bytes
  }

  /** A line as a view of the current window, or undefined if the line is not in it. */
  #inWindow(from: number, to: number): Uint8Array | undefined {
    if (this.#generation !== this.#source.state.generation) return undefined
    try {
      return new Uint8Array(this.#buffer, this.#origin + from, to - from)
    } catch {
      // The line is outside of the window, or the user has transferred the buffer.
      return undefined
    }
  }
}

/** Bytes searched in one call. This many bytes contain at most as many newlines. */
const BLOCK = 16 * 1024

/** The newlines of a range, from the last to the first. */
class NewlinesBackwards {
  readonly #source: IterationSource
  readonly #start: number
  readonly #places = new Int32Array(BLOCK)
  #count = 0
  /** The start of the block that the places are counted from. */
  #base: number

  constructor(source: IterationSource, start: number, stop: number) {
    this.#source = source
    this.#start = start
    this.#base = stop
  }

  /**
   * The last newline before `position`, or NONE. `position` must not be greater than in the
   * previous call.
   */
  before(position: number): number {
    for (;;) {
      while (this.#count > 0) {
        const place = this.#base + (this.#places[this.#count - 1] as number)
        if (place < position) return place
        this.#count -= 1
      }
      const stop = Math.min(this.#base, position)
      if (stop <= this.#start) return NONE
      this.#base = Math.max(this.#start, stop - BLOCK)
      this.#count = checked(binding.findAll(this.#source.handle(), NEWLINE, this.#places, this.#base, stop))
    }
  }
}

/** The lines of a range as views, from the last to the first. */
export class LinesBackwards implements IterableIterator<Uint8Array> {
  readonly #source: IterationSource
  readonly #state: MappingState
  readonly #start: number
  readonly #crlf: boolean
  #newlines: NewlinesBackwards
  /** The end of the next line, with its newline. */
  #end: number
  #ended = false
  /** The current window. */
  #buffer: ArrayBufferLike = NOWHERE
  #origin = 0
  #windowLength = 0
  /** The generation of the mapping and the number of faults when the above was set. */
  #generation = NONE
  #faults: number | undefined

  constructor(source: IterationSource, start: number, stop: number, crlf: boolean) {
    this.#source = source
    this.#state = source.state
    this.#start = start
    this.#crlf = crlf
    this.#end = stop
    this.#newlines = new NewlinesBackwards(source, start, start)
  }

  next(): IteratorResult<Uint8Array, undefined> {
    if (this.#ended) return DONE
    if (this.#state.generation !== this.#generation || this.#state.faults[0] !== this.#faults) this.#followMapping()
    const end = this.#end
    if (end <= this.#start) return this.return()
    const last = this.#newlines.before(end)
    const isTerminated = last === end - 1
    const to = isTerminated ? last : end
    const before = isTerminated ? this.#newlines.before(last) : last
    const from = before === NONE ? this.#start : before + 1
    const bytes = this.#bytes(from, to)
    this.#end = from
    return { value: this.#crlf && isTerminated ? withoutReturn(bytes) : bytes, done: false }
  }

  return(): IteratorResult<Uint8Array, undefined> {
    this.#ended = true
    this.#buffer = NOWHERE
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #followMapping(): void {
    this.#source.check()
    this.#faults = this.#state.faults[0]
    if (this.#generation === this.#state.generation) return
    this.#generation = this.#state.generation
    this.#buffer = NOWHERE
    this.#end = clamp(this.#end, this.#source.length())
    this.#newlines = new NewlinesBackwards(this.#source, this.#start, this.#end)
  }

  #bytes(from: number, to: number): Uint8Array {
    try {
      return new Uint8Array(this.#buffer, this.#origin + from, to - from)
    } catch {
      // The line is outside of the window, or the user has transferred the buffer.
    }
    this.#windowLength = nextWindowLength(this.#windowLength)
    const start = Math.max(to - this.#windowLength, this.#start)
    const window = this.#source.window(Math.min(from, start), to)
    if (window === undefined) return this.#source.copy(from, to)
    this.#buffer = window.buffer
    this.#origin = window.origin
    return new Uint8Array(window.buffer, window.origin + from, to - from)
  }
}

inheritHelpers(Lines, LinesBackwards)

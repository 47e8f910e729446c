// Lines as text.

import binding, { checked } from '../binding.js'
import { clamp } from '../ranges.js'
import { decode, refuseTooLong, type TextEncoding } from '../text.js'
import { DONE, type IterationSource, inheritHelpers, type MappingState, NONE } from './iteration.js'
import { NEWLINE } from './needles.js'

/** Bytes copied and decoded at a time. The number is small at first: many callers stop soon. */
const FIRST_BATCH = 4 * 1024
const LARGEST_BATCH = 64 * 1024

/** The options that say what each line looks like and in which order they come. */
interface LineFormat {
  encoding: TextEncoding
  crlf: boolean
  reverse: boolean
}

/**
 * The lines of a range as text. A batch of whole lines is copied, decoded and then split.
 *
 * A line of a batch has the same text as if it were decoded alone. This is so because in UTF-8 the
 * byte of a newline is never a part of another character, and it ends an incomplete one.
 */
export class TextLines implements IterableIterator<string> {
  readonly #source: IterationSource
  readonly #state: MappingState
  readonly #start: number
  readonly #requestedStop: number
  readonly #format: LineFormat
  /** The lines of this batch in the order of iteration, and how many have been returned. */
  #lines: string[] = []
  #returned = 0
  #ended = false
  /** The bytes that the lines were decoded from, and their position in the mapping. */
  #copy: Buffer = Buffer.alloc(0)
  #copiedFrom = 0
  /** The position where the next batch begins; in reverse, where it ends. */
  #next = NONE
  #stop = 0
  #buffer: Buffer = Buffer.alloc(0)
  /** The generation of the mapping and the number of faults when the above was set. */
  #generation = NONE
  #faults: number | undefined

  constructor(source: IterationSource, start: number, stop: number, format: LineFormat) {
    this.#source = source
    this.#state = source.state
    this.#start = start
    this.#requestedStop = stop
    this.#format = format
  }

  next(): IteratorResult<string, undefined> {
    const returned = this.#returned
    if (
      returned === this.#lines.length ||
      this.#state.generation !== this.#generation ||
      this.#state.faults[0] !== this.#faults
    ) {
      return this.#checkedNext()
    }
    this.#returned = returned + 1
    return { value: this.#lines[returned] as string, done: false }
  }

  return(): IteratorResult<string, undefined> {
    this.#ended = true
    this.#lines = []
    this.#returned = 0
    this.#copy = this.#buffer = Buffer.alloc(0)
    // The next step then ends at once, without a look at the mapping.
    this.#generation = NONE
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #checkedNext(): IteratorResult<string, undefined> {
    if (this.#ended) return DONE
    this.#source.check()
    this.#faults = this.#state.faults[0]
    if (this.#generation !== this.#state.generation) this.#restart()
    if (this.#returned === this.#lines.length) this.#fill()
    if (this.#returned === this.#lines.length) return this.return()
    this.#returned += 1
    return { value: this.#lines[this.#returned - 1] as string, done: false }
  }

  /**
   * Starts the iteration, or continues it after the mapping has changed. Lines that have not been
   * returned are discarded, and are copied again.
   */
  #restart(): void {
    const isFirst = this.#generation === NONE
    this.#generation = this.#state.generation
    this.#stop = clamp(this.#requestedStop, this.#source.length())
    const { reverse } = this.#format
    if (isFirst) this.#next = reverse ? this.#stop : this.#start
    else if (this.#returned !== this.#lines.length) {
      // Each line of the batch but the last one ends with a newline.
      const before = reverse ? this.#lines.length - this.#returned : this.#returned
      let at = 0
      for (let line = 0; line < before; line += 1) at = this.#copy.indexOf(NEWLINE_BYTE, at) + 1
      this.#next = this.#copiedFrom + at
    }
    if (reverse) this.#next = Math.min(this.#next, this.#stop)
    this.#lines = []
    this.#returned = 0
  }

  #fill(): void {
    this.#returned = 0
    this.#lines = []
    const { encoding, crlf, reverse } = this.#format
    if (!(reverse ? this.#copyBefore() : this.#copyAfter())) return
    const text = decode(this.#copy, encoding, this.#copy.length)
    const lines = text.split('\n')
    // No line follows a newline at the end.
    const isTerminated = lines.at(-1) === ''
    if (isTerminated) lines.pop()
    if (crlf && text.includes('\r\n')) dropReturns(lines, isTerminated ? lines.length : lines.length - 1)
    this.#lines = reverse ? lines.reverse() : lines
  }

  /** Copies at least one whole line from `#next` on. Returns false if there is none. */
  #copyAfter(): boolean {
    const from = this.#next
    const left = this.#stop - from
    if (left <= 0) return false
    const copy = this.#read(from, Math.min(left, this.#batchSize()))
    const end = copy.length === left ? left : copy.lastIndexOf(NEWLINE_BYTE) + 1
    if (end !== 0) {
      this.#copy = copy.subarray(0, end)
    } else {
      const newline = checked(binding.find(this.#source.handle(), NEWLINE, from + copy.length, this.#stop))
      this.#copyLong(from, newline === NONE ? this.#stop : newline + 1)
    }
    this.#copiedFrom = from
    this.#next = from + this.#copy.length
    return true
  }

  /** Copies at least one whole line that ends at `#next`. Returns false if there is none. */
  #copyBefore(): boolean {
    const to = this.#next
    const left = to - this.#start
    if (left <= 0) return false
    const size = Math.min(left, this.#batchSize())
    const copy = this.#read(to - size, size)
    const newline = size === left ? NONE : copy.indexOf(NEWLINE_BYTE)
    if (size === left || (newline !== NONE && newline !== size - 1)) {
      this.#copy = copy.subarray(newline + 1)
    } else {
      const before = checked(binding.rfind(this.#source.handle(), NEWLINE, this.#start, to - size))
      this.#copyLong(before === NONE ? this.#start : before + 1, to)
    }
    this.#copiedFrom = to - this.#copy.length
    this.#next = this.#copiedFrom
    return true
  }

  #batchSize(): number {
    const last = this.#buffer.length
    if (last < LARGEST_BATCH) this.#buffer = Buffer.allocUnsafeSlow(last === 0 ? FIRST_BATCH : last * 4)
    return this.#buffer.length
  }

  #read(from: number, size: number): Buffer {
    const copy = this.#buffer.subarray(0, size)
    checked(binding.read(this.#source.handle(), copy, from))
    return copy
  }

  /** Copies a line that is longer than a batch. */
  #copyLong(from: number, to: number): void {
    refuseTooLong(this.#format.encoding, to - from)
    this.#copy = this.#source.copy(from, to)
  }
}

const NEWLINE_BYTE = 10
const RETURN = 13

/** Removes a '\r' at the end of each of the first `count` lines. */
function dropReturns(lines: string[], count: number): void {
  for (let index = 0; index < count; index += 1) {
    const line = lines[index] as string
    if (line.charCodeAt(line.length - 1) === RETURN) lines[index] = line.slice(0, -1)
  }
}

inheritHelpers(TextLines)

// Lines as text.

import { clamp } from '../arguments.js'
import binding, { checked } from '../binding.js'
import { decode, refuseTooLong, type TextEncoding } from '../text.js'
import { DONE, type IterationSource, inheritHelpers, type MappingState, NONE } from './iteration.js'
import { NEWLINE } from './needles.js'

/** How many bytes are copied and decoded at a time: few at first, for those who stop soon. */
const FIRST_BATCH = 4 * 1024
const LARGEST_BATCH = 64 * 1024

/** How lines are to be given. */
interface Form {
  encoding: TextEncoding
  crlf: boolean
  reverse: boolean
}

/**
 * The lines of a range as text. Whole batches of them are copied and decoded, and the lines are
 * cut out of the text: to UTF-8, a newline is no part of another character, and ends one that is
 * not complete, so that a line of a batch is what it would be by itself.
 */
export class TextLines implements IterableIterator<string> {
  readonly #source: IterationSource
  readonly #state: MappingState
  readonly #start: number
  readonly #requestedStop: number
  readonly #form: Form
  /** The lines of this batch, in the order in which they are given. */
  #lines: string[] = []
  #returned = 0
  #ended = false
  /** What the lines were made from, and where that was. */
  #copy: Buffer = Buffer.alloc(0)
  #copiedFrom = 0
  /** Where to go on: where the next batch begins, or, from the last to the first, where it ends. */
  #next = NONE
  #stop = 0
  #buffer: Buffer = Buffer.alloc(0)
  /** For which generation of the mapping, and after how many faults, all this holds. */
  #generation = NONE
  #faults: number | undefined

  constructor(source: IterationSource, start: number, stop: number, form: Form) {
    this.#source = source
    this.#state = source.state
    this.#start = start
    this.#requestedStop = stop
    this.#form = form
  }

  next(): IteratorResult<string, undefined> {
    const returned = this.#returned
    if (
      returned === this.#lines.length ||
      this.#state.generation !== this.#generation ||
      this.#state.faults[0] !== this.#faults
    ) {
      return this.#more()
    }
    this.#returned = returned + 1
    return { value: this.#lines[returned] as string, done: false }
  }

  return(): IteratorResult<string, undefined> {
    this.#ended = true
    this.#lines = []
    this.#returned = 0
    this.#copy = this.#buffer = Buffer.alloc(0)
    // Nothing is looked at any more.
    this.#generation = NONE
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }

  #more(): IteratorResult<string, undefined> {
    if (this.#ended) return DONE
    this.#source.check()
    this.#faults = this.#state.faults[0]
    if (this.#generation !== this.#state.generation) this.#goOn()
    if (this.#returned === this.#lines.length) this.#fill()
    if (this.#returned === this.#lines.length) return this.return()
    this.#returned += 1
    return { value: this.#lines[this.#returned - 1] as string, done: false }
  }

  /**
   * The mapping has another length, or this is the first step: what has not been given is copied
   * anew.
   */
  #goOn(): void {
    const isFirst = this.#generation === NONE
    this.#generation = this.#state.generation
    this.#stop = clamp(this.#requestedStop, this.#source.length())
    const { reverse } = this.#form
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
    const { encoding, crlf, reverse } = this.#form
    if (!(reverse ? this.#copyBefore() : this.#copyAfter())) return
    const text = decode(this.#copy, encoding, this.#copy.length)
    const lines = text.split('\n')
    // After a newline at the end there is no line.
    const isTerminated = lines.at(-1) === ''
    if (isTerminated) lines.pop()
    if (crlf && text.includes('\r\n')) dropReturns(lines, isTerminated ? lines.length : lines.length - 1)
    this.#lines = reverse ? lines.reverse() : lines
  }

  /** Copies whole lines from where to go on, at least one; false if there are none. */
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

  /** Copies whole lines up to where to go on, at least one; false if there are none. */
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

  /** A line that is longer than a batch. */
  #copyLong(from: number, to: number): void {
    refuseTooLong(this.#form.encoding, to - from)
    this.#copy = this.#source.copy(from, to)
  }
}

const NEWLINE_BYTE = 10
const RETURN = 13

/** Drops a '\r' at the end of the first `count` lines. */
function dropReturns(lines: string[], count: number): void {
  for (let index = 0; index < count; index += 1) {
    const line = lines[index] as string
    if (line.charCodeAt(line.length - 1) === RETURN) lines[index] = line.slice(0, -1)
  }
}

inheritHelpers(TextLines)

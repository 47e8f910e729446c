// Pieces of a mapping, as copies, for what reads a file piece by piece: streams, bodies of
// requests, `for await`.

// Not the global one, which Jest with jsdom takes away.
import { setImmediate } from 'node:timers'
import { clamp, LONGEST_PIECE } from './arguments.js'

/** What pieces are asked of. Both throw when it is closed. */
export interface PieceSource {
  length(): number
  copy(start: number, stop: number): Uint8Array<ArrayBuffer>
}

/** The pieces of a range, one after the other. After a resize they go on in the new length. */
export class Pieces {
  readonly #source: PieceSource
  readonly #stop: number
  readonly #size: number
  #next: number
  /** Whether the last piece was the last one, as the mapping was then. */
  ended = false
  /** Bytes copied since the event loop had its turn. */
  #copied = 0

  constructor(source: PieceSource, start: number, stop: number, size: number) {
    this.#source = source
    this.#next = clamp(start, source.length())
    this.#stop = stop
    this.#size = size
  }

  /** The next piece, or undefined when there is none. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#copied >= LONGEST_PIECE) {
      this.#copied = 0
      // Promises that are settled already keep timers, and everybody else, waiting.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const stop = clamp(this.#stop, this.#source.length())
    const end = Math.min(this.#next + this.#size, stop)
    this.ended = end === stop
    if (end <= this.#next) return undefined
    const piece = this.#source.copy(this.#next, end)
    this.#next = end
    this.#copied += piece.length
    return piece
  }
}

/** A stream that copies a piece when somebody wants to read it, and none ahead. */
export function streamOf(pieces: Pieces): ReadableStream<Uint8Array> {
  // Not at the top, because it takes a while to load.
  const { ReadableStream }: typeof import('node:stream/web') = require('node:stream/web')
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await pieces.next()
        if (piece !== undefined) controller.enqueue(piece)
        // At once, so that closing the mapping is no error for a stream that has given everything.
        if (piece === undefined || pieces.ended) controller.close()
      },
    },
    { highWaterMark: 0 },
  ) as ReadableStream<Uint8Array>
}

/** The pieces as Buffers. A class, because a generator waits for whatever `return` is given. */
export class BufferIterator implements AsyncIterableIterator<Buffer> {
  readonly #pieces: Pieces
  #ended = false
  /** The step before: they are taken one after the other, also by a caller who does not wait. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(pieces: Pieces) {
    this.#pieces = pieces
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const step = () => this.#step()
    const next = this.#last.then(step, step)
    this.#last = next
    return next
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#ended = true
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #step(): Promise<IteratorResult<Buffer, undefined>> {
    const piece = this.#ended ? undefined : await this.#pieces.next()
    if (piece === undefined) return this.return()
    return { value: Buffer.from(piece.buffer, piece.byteOffset, piece.length), done: false }
  }
}

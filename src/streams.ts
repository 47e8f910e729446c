// Copies of a mapping piece by piece, for streams, bodies of requests, and `for await`.

// The global function is not used, because Jest removes it with jsdom.
import { setImmediate } from 'node:timers'
import { LONGEST_PIECE } from './options/methods.js'
import { clamp } from './ranges.js'

/** The mapping that pieces are copied from. Both methods throw when it is closed. */
export interface PieceSource {
  length(): number
  copy(start: number, stop: number): Uint8Array<ArrayBuffer>
}

/** The pieces of a range, one after the other. After a resize the new length counts. */
export class Pieces {
  readonly #source: PieceSource
  readonly #stop: number
  readonly #size: number
  #next: number
  /** Whether the last piece has reached the end, in the length that the mapping had then. */
  ended = false
  /** Bytes copied since the event loop last had a turn. */
  #copied = 0

  constructor(source: PieceSource, start: number, stop: number, size: number) {
    this.#source = source
    this.#next = clamp(start, source.length())
    this.#stop = stop
    this.#size = size
  }

  /** The next piece, or undefined at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#copied >= LONGEST_PIECE) {
      this.#copied = 0
      // Without this, timers and input would wait for the end, because the promises of `next` are
      // settled without a turn of the event loop.
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

/** A stream that copies a piece only when it is read, and none in advance. */
export function streamOf(pieces: Pieces): ReadableStream<Uint8Array> {
  // This module takes a while to load, so it is loaded on demand.
  const { ReadableStream }: typeof import('node:stream/web') = require('node:stream/web')
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await pieces.next()
        if (piece !== undefined) controller.enqueue(piece)
        // The stream is closed together with its last piece. So a user who then closes the mapping
        // causes no error in a stream that has been read to its end.
        if (piece === undefined || pieces.ended) controller.close()
      },
    },
    { highWaterMark: 0 },
  ) as ReadableStream<Uint8Array>
}

/**
 * The pieces as Buffers. This is a class, because the `return` of a generator waits for its
 * argument if that is a promise.
 */
export class BufferIterator implements AsyncIterableIterator<Buffer> {
  readonly #pieces: Pieces
  #ended = false
  /** The previous step. Each step waits for it, also if the caller does not. */
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

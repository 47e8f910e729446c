// What the command prints: text in large pieces, colours, and a progress bar.

import { once } from 'node:events'
import { UsageError } from './arguments.js'

const PIECE = 64 * 1024

/** The standard output. */
export class Output {
  #text = ''
  #pieces: Uint8Array[] = []
  #waiting = 0
  #isClosed = false

  constructor() {
    // A pipe whose reader ends early.
    process.stdout.on('error', () => {
      this.#isClosed = true
    })
  }

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The columns of the terminal, or as many as terminals commonly have. */
  get width(): number {
    return process.stdout.columns || 80
  }

  /** Prints text, or bytes that nobody changes any more. */
  async write(what: string | Uint8Array): Promise<void> {
    if (typeof what === 'string') {
      this.#text += what
    } else {
      this.#endText()
      this.#pieces.push(what)
    }
    this.#waiting += what.length
    if (this.#waiting >= PIECE) await this.flush()
  }

  #endText(): void {
    if (this.#text !== '') this.#pieces.push(Buffer.from(this.#text))
    this.#text = ''
  }

  /** Waits until the reader has taken what was written. Throws if there is no reader any more. */
  async flush(): Promise<void> {
    this.#endText()
    const piece = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#waiting = 0
    if (piece.length > 0 && !process.stdout.write(piece)) await once(process.stdout, 'drain')
    // An error of the pipe is emitted in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#isClosed) throw new Error('the reader of the output has ended')
  }
}

/** What --color says. By default colours are for a terminal, unless NO_COLOR is set. */
export function colours(when: string): boolean {
  if (when === 'always' || when === 'never') return when === 'always'
  if (when !== 'auto') throw new UsageError(`--color is always, never or auto, and not "${when}"`)
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** Bytes in a colour. */
export function paint(colour: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(colour), bytes, Buffer.from(RESET)])
}

export const DIM = '\x1b[2m'
export const RED = '\x1b[31m'
export const GREEN = '\x1b[32m'
export const RESET = '\x1b[0m'

/** A line on the terminal that shows how far work is. Without a terminal it prints nothing. */
export class ProgressBar {
  readonly #label: string

  constructor(label: string) {
    this.#label = label
  }

  readonly show = ({ done, total }: { done: number; total: number }): void => {
    if (process.stderr.isTTY !== true || total === 0) return
    const part = done / total
    const cells = Math.max(Math.min((process.stderr.columns || 80) - this.#label.length - 12, 40), 0)
    const full = Math.round(part * cells)
    const percent = String(Math.floor(part * 100)).padStart(3)
    process.stderr.write(`\r${this.#label} [${'#'.repeat(full)}${'.'.repeat(cells - full)}] ${percent} %`)
  }

  clear(): void {
    if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K')
  }
}

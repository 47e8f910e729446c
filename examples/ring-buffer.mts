// A producer and a consumer in two processes pass messages through a ring buffer in shared memory.
// The producer waits while the ring is full, and the consumer while it is empty. Nobody polls.
// The producer copies each message into the ring, and the consumer looks at it there.
//
// This many MiB pass in messages of 64 KiB:
//   node --import=tsx examples/ring-buffer.mts 4096
//
// The module ring.mjs of docs/recipes/working-together.md is the same ring, with copies.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Mmap, mmap } from 'memmap'

const MIB = 1024 * 1024
const SLOTS = 16
/** Words: how many messages were written, and read. They are in different cache lines. */
const [WRITTEN, READ] = [0, 16]
/** Where the slots begin. A slot has the length of its message, 0 at the end, and its bytes. */
const DATA = 128

/** One process may write, and one may read. */
class Ring {
  /** How often a process waited for the other one. */
  waits = 0
  readonly #mm: Mmap
  readonly #words: Int32Array
  readonly #slotSize: number

  constructor(tagname: string, messageSize: number) {
    this.#slotSize = 4 + messageSize
    this.#mm = mmap(-1, DATA + SLOTS * this.#slotSize, { tagname })
    this.#words = this.#mm.view(Int32Array, 0, (DATA + SLOTS * this.#slotSize) / 4)
  }

  async write(message: Uint8Array): Promise<void> {
    const written = Atomics.load(this.#words, WRITTEN)
    await this.#untilOther(READ, (read) => ((written - read) | 0) < SLOTS)
    const at = this.#positionOf(written)
    this.#mm.set(message, at + 4)
    Atomics.store(this.#words, at / 4, message.length)
    // The new value comes first, and then the wake-up.
    Atomics.store(this.#words, WRITTEN, written + 1)
    this.#mm.notify(4 * WRITTEN)
  }

  /** The next message, without a copy: nobody writes to it before `free()`. */
  async next(): Promise<Int32Array> {
    const read = Atomics.load(this.#words, READ)
    await this.#untilOther(WRITTEN, (written) => written !== read)
    const word = this.#positionOf(read) / 4
    return this.#words.subarray(word + 1, word + 1 + Atomics.load(this.#words, word) / 4)
  }

  free(): void {
    Atomics.store(this.#words, READ, Atomics.load(this.#words, READ) + 1)
    this.#mm.notify(4 * READ)
  }

  close(): void {
    this.#mm.close()
  }

  /** Waits until the counter of the other process is as it should be. */
  async #untilOther(word: number, isGood: (count: number) => boolean): Promise<void> {
    for (;;) {
      const count = Atomics.load(this.#words, word)
      if (isGood(count)) return
      this.waits += 1
      await this.#mm.waitAsync(4 * word, count)
    }
  }

  /** Counters of 32 bits start again at 2 ** 32, which a power of two divides. */
  #positionOf(count: number): number {
    return DATA + (count & (SLOTS - 1)) * this.#slotSize
  }
}

if (process.send === undefined) {
  const mib = Number(process.argv[2] ?? 512)
  await produce(64, Math.min(200_000, mib * 1000))
  await produce(64 * 1024, mib * 16)
} else {
  const [, , tagname = '', size] = process.argv
  await consume(tagname, Number(size))
}

async function produce(size: number, count: number): Promise<void> {
  const tagname = `memmap-ring-${process.pid}-${size}`
  const ring = new Ring(tagname, size)
  const consumer = fork(fileURLToPath(import.meta.url), [tagname, String(size)], { execArgv: process.execArgv })
  await once(consumer, 'message')
  const started = performance.now()
  const numbers = new Int32Array(size / 4)
  const message = new Uint8Array(numbers.buffer)
  for (let number = 0; number < count; number += 1) {
    // The consumer looks at the first and the last word of each message.
    numbers[0] = number
    numbers[numbers.length - 1] = ~number
    await ring.write(message)
  }
  await ring.write(new Uint8Array(0))
  const [{ received, waits }] = await once(consumer, 'message')
  const seconds = (performance.now() - started) / 1000
  assert.equal(received, count)
  console.log(
    `${count} messages of ${size} bytes in ${seconds.toFixed(2)} s: ${(count / seconds).toFixed()} a second, ` +
      `${((count * size) / MIB / seconds).toFixed()} MiB/s`,
  )
  console.log(`  the producer waited ${ring.waits} times, and the consumer ${waits} times`)
  consumer.send('done')
  await once(consumer, 'exit')
  ring.close()
}

async function consume(tagname: string, size: number): Promise<void> {
  // Without the producer there is nothing to wait for.
  process.once('disconnect', () => process.exit())
  process.once('message', () => process.disconnect())
  const ring = new Ring(tagname, size)
  process.send?.('ready')
  let received = 0
  for (;;) {
    const message = await ring.next()
    if (message.length === 0) break
    assert.equal(message[0], received, 'no message is lost')
    assert.equal(message.at(-1), ~received, 'it is complete')
    received += 1
    ring.free()
  }
  process.send?.({ received, waits: ring.waits })
  ring.close()
}

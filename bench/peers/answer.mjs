// The protocol of peers, for those written in JavaScript. A request is a line on standard input: an
// operation and its arguments, separated by tabs. The answer is a line on standard output: the
// duration in nanoseconds and the result, or "error" and the reason. The peers in Python and Rust
// follow the same protocol.

import { createInterface } from 'node:readline'

export async function answer(operations) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...args] = line.split('\t')
    try {
      if (operations[name] === undefined) throw new Error(`there is no operation ${name}`)
      const { nanoseconds, result } = await operations[name](...args)
      console.log(`${nanoseconds}\t${result}`)
    } catch (error) {
      console.log(`error\t${String(error?.message ?? error).replace(/\s+/g, ' ')}`)
    }
  }
}

export function timed(call) {
  const started = process.hrtime.bigint()
  const result = call()
  return { nanoseconds: Number(process.hrtime.bigint() - started), result }
}

export async function timedAsync(call) {
  const started = process.hrtime.bigint()
  const result = await call()
  return { nanoseconds: Number(process.hrtime.bigint() - started), result }
}

/** Opens each file once, so that operations are measured on memory that has been touched before. */
export function kept(open) {
  const opened = new Map()
  return (path, length) => {
    const key = `${path}\t${length}`
    if (!opened.has(key)) opened.set(key, open(path, Number(length)))
    return opened.get(key)
  }
}

/** Needles are sent in hexadecimal, because they may contain any byte. */
export function bytesOf(hexadecimal) {
  return Buffer.from(hexadecimal, 'hex')
}

/** A loop over all bytes. */
export function sum(bytes) {
  let total = 0
  for (let i = 0; i < bytes.length; i += 1) total += bytes[i]
  return total
}

/** Where the random reads are, which is the same in all languages: records of 32 bytes. */
export function randomRecord(state) {
  return (Math.imul(state, 1664525) + 1013904223) >>> 0
}

export const RECORD = 32
/** Where the number is in a record. */
export const NUMBER_AT = 8

/** Reads numbers of 8 bytes at random. The result is their sum. */
export function readAtRandom(length, times, read) {
  const records = Math.floor(length / RECORD)
  const count = Number(times)
  let [state, sum] = [1, 0]
  for (let i = 0; i < count; i += 1) {
    state = randomRecord(state)
    sum += read((state % records) * RECORD + NUMBER_AT)
  }
  return sum.toFixed(6)
}

export function perTime({ nanoseconds, result }, times) {
  return { nanoseconds: nanoseconds / Number(times), result }
}

/** A table as the programs print it, in the order of its lines. */
export function tableOf(counts) {
  return [...counts]
    .map(([key, count]) => `${key} ${count}`)
    .sort()
    .join(', ')
}

// How a peer written in JavaScript is asked: a line on its standard input is an operation and its arguments, divided by tabs; a line
// on its standard output is the nanoseconds that it took and what came out, or "error" and why. Those in Python and Rust do the same.

import { createInterface } from 'node:readline'

export async function answer(operations) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...args] = line.split('\t')
    try {
      if (operations[name] === undefined) throw new Error(`there is no ${name}`)
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

/** Opens what an operation works on once: what is measured is the work, on memory that has been touched before. */
export function kept(open) {
  const opened = new Map()
  return (path, length) => {
    const key = `${path}\t${length}`
    if (!opened.has(key)) opened.set(key, open(path, Number(length)))
    return opened.get(key)
  }
}

/** Needles come in hexadecimal, because they may hold anything. */
export function bytesOf(hexadecimal) {
  return Buffer.from(hexadecimal, 'hex')
}

/** What a loop over bytes costs. */
export function sum(bytes) {
  let total = 0
  for (let i = 0; i < bytes.length; i += 1) total += bytes[i]
  return total
}

// Random input for searches: bytes with many matches, needles and bounds.

import fc from 'fast-check'
import { SEED } from './seed.mjs'

export const letters = fc.constantFrom('a', 'b', '\n').map((letter) => letter.charCodeAt(0))
export const haystacks = fc.oneof(
  fc.array(letters, { minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.array(letters, { minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  // Longer than one batch of places, and than what is searched at a time.
  fc
    .tuple(fc.array(letters, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 20_000 }))
    .map(([bytes, times]) => Buffer.from(Array(times).fill(bytes).flat())),
)
export const needles = fc.array(letters, { minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes))
export const bounds = fc.option(fc.oneof(fc.integer({ min: -420, max: 420 }), fc.integer()), { nil: undefined })

/** Each property has a `number` of its own, so that it has its own sequence for the same seed. */
export function settings(runs: number, number: number): fc.Parameters<unknown> {
  return { seed: SEED + number, numRuns: runs, includeErrorInReport: true }
}

/** `[start, stop)` in `length` bytes, as Array.prototype.slice has it. */
export function sliceRange(length: number, start = 0, stop = Number.POSITIVE_INFINITY): [from: number, to: number] {
  const clamp = (bound: number): number => (bound < 0 ? Math.max(length + bound, 0) : Math.min(bound, length))
  const from = clamp(start)
  return [from, Math.max(from, clamp(stop))]
}

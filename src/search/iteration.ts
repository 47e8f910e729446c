// What all iterators over a mapping have in common.

import type { Handle } from '../binding.js'
import type { Place } from '../views/views.js'

/** What an iterator asks of its mapping. */
export interface IterationSource {
  /** What is looked at before every step, and so without a call. */
  readonly state: MappingState
  /** Throws when it is closed, or when bytes of it have been lost. */
  check(): void
  handle(): Handle
  length(): number
  /** A buffer with all of `[start, stop)` in it, or undefined where there are no views. */
  window(start: number, stop: number): Place | undefined
  copy(start: number, stop: number): Buffer
}

/** What can happen to a mapping between two steps. */
export interface MappingState {
  /** A number that changes when the mapping is resized or closed. */
  generation: number
  /** The first one changes when bytes may have been lost, of any mapping. */
  readonly faults: Uint32Array
}

/** As clear as `-1` of `indexOf`, and as fast. */
export const NONE = -1

export const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

// Where the runtime has iterator helpers (map, filter, take, ...), these have them too.
const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
export function inheritHelpers(...classes: { prototype: object }[]): void {
  for (const { prototype } of classes) Object.setPrototypeOf(prototype, iteratorPrototype)
}

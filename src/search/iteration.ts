// What the iterators over a mapping share: the calls they make on it, and the markers for the end.

import type { Handle } from '../binding.js'
import type { Place } from '../views/views.js'

/** The mapping, as an iterator uses it. */
export interface IterationSource {
  /** Iterators read this before every step. It is an object, because a call would cost more. */
  readonly state: MappingState
  /** Throws if the mapping is closed, or if bytes of it have been lost. */
  check(): void
  handle(): Handle
  length(): number
  /** A buffer that contains `[start, stop)`, or undefined on a runtime without views. */
  window(start: number, stop: number): Place | undefined
  copy(start: number, stop: number): Buffer
}

/** The changes of a mapping that an iterator notices between two steps. */
export interface MappingState {
  /** Changes when the mapping is resized or closed. */
  generation: number
  /** Element 0 changes when bytes of any mapping may have been lost. */
  readonly faults: Uint32Array
}

/** Means "no place", like the -1 that `indexOf` returns, and costs no more than that. */
export const NONE = -1

export const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true })

const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

/**
 * Adds the iterator helpers of the runtime (map, filter, take, ...), if it has them, to classes.
 */
export function inheritHelpers(...classes: { prototype: object }[]): void {
  for (const { prototype } of classes) Object.setPrototypeOf(prototype, iteratorPrototype)
}

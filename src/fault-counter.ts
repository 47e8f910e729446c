// The fault counter: whether any fault has been handled in this process since the last check.
//
// Code that reads mapped memory through a view calls no native function, so nothing checks for lost
// pages. Such code compares this counter instead.

import binding, { checked } from './binding.js'

/** The counter in native memory. Undefined if it was never requested or the runtime refuses it. */
export let faultCounter: Uint32Array | undefined

let isRequested = false

/**
 * The counter of faults handled in this process, at index 0. Undefined on a runtime that refuses
 * ArrayBuffers over external memory, where there are no such views to read through either.
 */
export function countedFaults(): Uint32Array | undefined {
  if (isRequested) return faultCounter
  isRequested = true
  try {
    faultCounter = new Uint32Array(checked(binding.faultCounter()))
  } catch {
    // After ERR_MMAP_NO_VIEW only native code can tell whether bytes have been lost.
  }
  return faultCounter
}

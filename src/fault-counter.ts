// Whether any fault has been handled in this process since somebody last looked.
//
// Code that reads mapped memory through a view calls no native function that would check for lost
// pages. It compares this counter instead.

import binding, { checked } from './binding.js'

/** The counter in native memory, or undefined: not asked for yet, or refused by the runtime. */
export let faultCounter: Uint32Array | undefined

let isRequested = false

/**
 * The counter of faults handled in this process, at index 0. Undefined on a runtime that refuses
 * ArrayBuffers over external memory: there are no views to read through, either.
 */
export function countedFaults(): Uint32Array | undefined {
  if (isRequested) return faultCounter
  isRequested = true
  try {
    faultCounter = new Uint32Array(checked(binding.faultCounter()))
  } catch {
    // ERR_MMAP_NO_VIEW: only native code can say whether bytes have been lost.
  }
  return faultCounter
}

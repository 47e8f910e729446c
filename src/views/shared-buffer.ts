// A SharedArrayBuffer over a mapping. It is made if the user requests one, and on runtimes that
// refuse ArrayBuffers over external memory.
//
// There are two ways to make one. Most engines reserve addresses for a growable SharedArrayBuffer,
// and unmap whatever is mapped there when the last thread drops the buffer. So we relocate the
// pages to the addresses of such a buffer. Where that is impossible (see runtime.ts), the engine
// has to accept our memory, if it has a function for that. A buffer made in this way cannot grow.

import binding, { checked, type Handle } from '../binding.js'
import { MAX_VIEW_LENGTH } from '../constants.js'
import { noView, sharedTooLarge } from '../errors.js'
import { CAN_RELOCATE } from '../runtime.js'
import { type MappedBuffer, mappedBuffer } from './mapped-buffer.js'

/**
 * Makes the buffer. It begins at most `lead` bytes before the mapping, and can grow to
 * `maxByteLength` bytes from the start of the mapping.
 *
 * If the pages were relocated, the memory is the engine's from then on: keep the buffer while the
 * mapping is open.
 */
export function sharedBuffer(
  mapping: Handle,
  id: number,
  lead: number,
  length: number,
  maxByteLength: number | undefined,
): MappedBuffer {
  if (length === 0 && !maxByteLength) return mappedBuffer(id, reserve(0, 0, false), 0, 0, 0)
  if (CAN_RELOCATE) return relocate(mapping, id, lead, length, Math.max(maxByteLength ?? 0, length))
  if (length > MAX_VIEW_LENGTH) throw sharedTooLarge(length, false)
  const buffer = checked(binding.buffer(mapping, id, true, 0, length))
  return mappedBuffer(id, buffer, 0, buffer.byteLength - length, length)
}

function relocate(mapping: Handle, id: number, lead: number, length: number, maxByteLength: number): MappedBuffer {
  // Nothing may fail after the relocation, because then the buffer's memory is the only memory of
  // the mapping. So everything that can fail comes first: even a call can, when little stack is
  // left.
  const buffer = reserve(lead + length, lead + maxByteLength, maxByteLength > length)
  const made = mappedBuffer(id, buffer, 0, lead, length)
  const memory = new Uint8Array(buffer)
  const capacity = buffer.maxByteLength
  // The engine unmaps the memory when the last thread drops the buffer, and does not notify us.
  // Collection in this thread is the closest event there is.
  const hold = checked(binding.newBufferHold(buffer))
  const error = binding.relocate(mapping, id, memory, lead, capacity, hold)
  if (error !== undefined) throw error
  return made
}

declare const WebAssembly: undefined | { Memory: new (pages: object) => { buffer: object } }

/** The built-in parts of class SharedArrayBuffer. */
interface SharedClass {
  create: SharedArrayBufferConstructor
  byteLengthOf: (buffer: ArrayBufferLike) => number
  grow: (buffer: ArrayBufferLike, length: number) => void
}

/**
 * Undefined at first in Electron, where the class is global only in cross-origin isolated pages.
 */
let sharedParts = globalThis.SharedArrayBuffer === undefined ? undefined : partsOf(globalThis.SharedArrayBuffer)

/**
 * The parts of the class. If it is not global, it is taken from WebAssembly, here and not when the
 * package is loaded, because there may be no WebAssembly either (`--jitless`).
 */
function sharedClass(): SharedClass {
  if (sharedParts === undefined) {
    if (typeof WebAssembly === 'undefined') throw noView()
    const { buffer } = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true })
    sharedParts = partsOf(buffer.constructor as SharedArrayBufferConstructor)
  }
  return sharedParts
}

function partsOf(create: SharedArrayBufferConstructor): SharedClass {
  const { prototype } = create
  const byteLength = Object.getOwnPropertyDescriptor(prototype, 'byteLength')?.get as () => number
  return {
    create,
    byteLengthOf: Function.prototype.call.bind(byteLength) as SharedClass['byteLengthOf'],
    grow: Function.prototype.call.bind(prototype.grow) as SharedClass['grow'],
  }
}

/**
 * Grows a buffer to `length` bytes after the mapping has grown in it. The user may have grown the
 * buffer before, or redefined its properties. So the built-in functions are called.
 */
export function growBuffer(buffer: ArrayBufferLike, length: number): void {
  const { byteLengthOf, grow } = sharedClass()
  if (byteLengthOf(buffer) < length) grow(buffer, length)
}

function reserve(length: number, maxByteLength: number, grows: boolean): SharedArrayBuffer {
  const { create } = sharedClass()
  try {
    return new create(length, { maxByteLength })
  } catch {
    // The engine's RangeError names neither the argument nor the length.
    throw sharedTooLarge(maxByteLength, grows)
  }
}

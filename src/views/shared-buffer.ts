// A SharedArrayBuffer over a mapping, for users who ask for one, and for runtimes that refuse
// ArrayBuffers over external memory.
//
// There are two ways to make one. Most engines reserve addresses for a SharedArrayBuffer that can
// grow, and unmap whatever is mapped there when the last thread has dropped the buffer. So the
// pages are relocated into an empty one, which then grows over them. Where that is impossible (see
// runtime.ts), the engine has to accept our memory, if it has a function for that. Such a buffer
// cannot grow.

import binding, { checked, type Handle } from '../binding.js'
import { MAX_VIEW_LENGTH } from '../constants.js'
import { noView, sharedTooLarge } from '../errors.js'
import { CAN_RELOCATE } from '../runtime.js'
import { releaseWhenCollected } from './buffer-holds.js'
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
  // The buffer has its final length before the pages are moved. Nothing may fail after that,
  // because the mapping then has no memory but the buffer's. So everything that can fail comes
  // first: even a call can, when there is little stack left.
  const buffer = reserve(lead + length, lead + maxByteLength, maxByteLength > length)
  const made = mappedBuffer(id, buffer, 0, lead, length)
  const memory = new Uint8Array(buffer)
  const capacity = buffer.maxByteLength
  // The engine unmaps the memory when the last thread drops the buffer, and does not notify us.
  // Collection in this thread is the closest event there is.
  const hold = checked(binding.newBufferHold())
  releaseWhenCollected(buffer, hold)
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

/** In Electron the class has a global name only in pages isolated from other origins. */
let known = globalThis.SharedArrayBuffer === undefined ? undefined : partsOf(globalThis.SharedArrayBuffer)

/**
 * A class without a global name is looked up here and not when the package is loaded, because there
 * may be no WebAssembly either (`--jitless`).
 */
function sharedClass(): SharedClass {
  if (known === undefined) {
    if (typeof WebAssembly === 'undefined') throw noView()
    const { buffer } = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true })
    known = partsOf(buffer.constructor as SharedArrayBufferConstructor)
  }
  return known
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
 * Grows a buffer to `length` bytes after the mapping has grown in it. The user has had the buffer,
 * and may have grown it or redefined its properties. So the built-in ones are used.
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

// A SharedArrayBuffer over a mapping, for those who ask for one and for runtimes that allow no ArrayBuffer over external memory.
//
// There are two ways. Most engines reserve addresses for a SharedArrayBuffer that can grow, and give them back to the system, with
// whatever is mapped there, when the last thread has let go of it: so the mapping moves into an empty one, which then grows over
// it. Bun's engine gives such addresses to others without unmapping them, and Windows moves no mappings: there the runtime must
// take our memory, where it has a function for that, and such a buffer cannot grow.

import binding, { type BufferHold, checked, type ExternalObject, type Handle } from './binding.js'
import { MAX_VIEW_LENGTH } from './constants.js'
import { noView, sharedTooLarge } from './errors.js'
import { type View, viewOf } from './views.js'

/** Whether mappings move into buffers, which can grow. */
export const MOVES_INTO_BUFFERS = process.platform !== 'win32' && process.versions.bun === undefined

/**
 * Makes the buffer, and views of it. It begins `lead` bytes before the mapping at most, and can grow to `maxLength` bytes from there.
 *
 * What is in it is the mapping from then on: keep the buffer while the mapping is open.
 */
export function sharedView(
  mapping: Handle,
  id: number,
  lead: number,
  length: number,
  maxLength: number | undefined,
): View {
  if (length === 0 && !maxLength) return viewOf(id, reserve(0, 0, false), 0, 0)
  if (MOVES_INTO_BUFFERS) return moveIntoBuffer(mapping, id, lead, length, Math.max(maxLength ?? 0, length))
  if (length > MAX_VIEW_LENGTH) throw sharedTooLarge(length, false)
  const buffer = checked(binding.buffer(mapping, id, true, 0, length))
  return viewOf(id, buffer, buffer.byteLength - length, length)
}

const holds = new FinalizationRegistry((hold: ExternalObject<BufferHold>) => binding.releaseBufferHold(hold))

/**
 * Keeps the addresses of an ArrayBuffer that `unmap()` is about to detach until nobody can have them any more. The engine finalizes a detached buffer
 * at once, but what works on it, such as a read of `fs`, has the address, and the ArrayBuffer object itself.
 */
export function keepAddresses(mapping: Handle, buffer: ArrayBufferLike, id: number): void {
  const hold = checked(binding.holdBuffer(mapping, buffer, id))
  if (hold !== null) holds.register(buffer, hold)
}

function moveIntoBuffer(mapping: Handle, id: number, lead: number, length: number, maxLength: number): View {
  // As long as it must be before the memory moves: nothing may fail after that, for the mapping has no memory but the buffer's then. So all
  // that could is done before, and even a call could: of a function when there is little stack left.
  const buffer = reserve(lead + length, lead + maxLength, maxLength > length)
  const view = viewOf(id, buffer, lead, length)
  const memory = new Uint8Array(buffer)
  const capacity = buffer.maxByteLength
  // The engine unmaps the memory when the buffer has been collected, and tells nobody: so nearly when is all there is.
  const hold = checked(binding.newBufferHold())
  holds.register(buffer, hold)
  const error = binding.relocate(mapping, id, memory, lead, capacity, hold)
  if (error !== undefined) throw error
  return view
}

declare const WebAssembly: undefined | { Memory: new (pages: object) => { buffer: object } }

/** What is asked of the class of such buffers. */
interface Shared {
  create: SharedArrayBufferConstructor
  byteLengthOf: (buffer: ArrayBufferLike) => number
  grow: (buffer: ArrayBufferLike, length: number) => void
}

/**
 * A page in Electron has the class, but its name only if the page is isolated from other origins.
 */
let shared = globalThis.SharedArrayBuffer === undefined ? undefined : partsOf(globalThis.SharedArrayBuffer)

/**
 * What has no name is made only here and not when the package is loaded, because there may be no
 * WebAssembly either (`--jitless`).
 */
function sharedClass(): Shared {
  if (shared === undefined) {
    if (typeof WebAssembly === 'undefined') throw noView()
    const { buffer } = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true })
    shared = partsOf(buffer.constructor as SharedArrayBufferConstructor)
  }
  return shared
}

function partsOf(create: SharedArrayBufferConstructor): Shared {
  const { prototype } = create
  const byteLength = Object.getOwnPropertyDescriptor(prototype, 'byteLength')?.get as () => number
  return {
    create,
    byteLengthOf: Function.prototype.call.bind(byteLength) as Shared['byteLengthOf'],
    grow: Function.prototype.call.bind(prototype.grow) as Shared['grow'],
  }
}

/**
 * Makes a buffer follow the mapping that has grown in it, to `length` bytes. The user has had it, and may have made it grow already, or
 * have given it other properties: so it is the built-in ones that are asked.
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
    // The engine's RangeError says neither of what nor how much.
    throw sharedTooLarge(maxByteLength, grows)
  }
}

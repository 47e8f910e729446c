// A SharedArrayBuffer over a mapping, for those who ask for one and for runtimes that allow no ArrayBuffer over external memory.
//
// There are two ways. Most engines reserve addresses for a SharedArrayBuffer that can grow, and give them back to the system, with
// whatever is mapped there, when the last thread has let go of it: so the mapping moves into an empty one, which then grows over
// it. Bun's engine gives such addresses to others without unmapping them, and Windows moves no mappings: there the runtime must
// take our memory, where it has a function for that, and such a buffer cannot grow.

import binding, { type ExternalObject, type Lease, type OpenMapping } from './binding.js'
import { MAX_VIEW_LENGTH } from './constants.js'
import { sharedTooLarge } from './errors.js'

type Handle = ExternalObject<OpenMapping>

/**
 * Whether memory can be taken from under a SharedArrayBuffer, which cannot be detached: by putting zeros in its place. Where not,
 * it stays mapped until the garbage collector has found the buffer.
 */
export const CAN_UNMAP_SHARED = process.platform !== 'win32'

/** Whether mappings move into buffers, which can grow. */
export const MOVES_INTO_BUFFERS = process.platform !== 'win32' && process.versions.bun === undefined

/**
 * Makes the buffer. It begins `lead` bytes before the mapping at most, and can grow to `maxLength` bytes from there.
 *
 * What is in it is the mapping from then on: keep the buffer while the mapping is open.
 */
export function sharedBuffer(
  mapping: Handle,
  id: number,
  lead: number,
  length: number,
  maxLength: number | undefined,
): SharedArrayBuffer {
  if (MOVES_INTO_BUFFERS) return moveIntoBuffer(mapping, id, lead, length, Math.max(maxLength ?? 0, length))
  if (length > MAX_VIEW_LENGTH) throw sharedTooLarge(length, false)
  return binding.buffer(mapping, id, true, 0, length) as SharedArrayBuffer
}

/** The engine unmaps the memory when the buffer has been collected, and tells nobody: so nearly when is all there is. */
const leases = new FinalizationRegistry((lease: ExternalObject<Lease>) => binding.endLease(lease))

function moveIntoBuffer(
  mapping: Handle,
  id: number,
  lead: number,
  length: number,
  maxLength: number,
): SharedArrayBuffer {
  // As long as it must be before the memory moves: nothing may fail after that, for the mapping has no memory but the buffer's then.
  const buffer = reserve(lead + length, lead + maxLength, maxLength > length)
  leases.register(buffer, binding.lend(mapping, id, new Uint8Array(buffer), lead, buffer.maxByteLength))
  return buffer
}

declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number; shared: true }) => { buffer: object }
}

/** A page in Electron has such buffers too, but their name only if it is isolated from other origins. */
const Shared =
  globalThis.SharedArrayBuffer ??
  (new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true }).buffer.constructor as SharedArrayBufferConstructor)

const prototype = Shared.prototype
const grow = Function.prototype.call.bind(prototype.grow) as (buffer: ArrayBufferLike, length: number) => void
const byteLengthOf = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(prototype, 'byteLength')?.get as () => number,
) as (buffer: ArrayBufferLike) => number

/**
 * Makes a buffer follow the mapping that has grown in it, to `length` bytes. The user has had it, and may have made it grow already, or
 * have given it other properties: so it is the built-in ones that are asked.
 */
export function growBuffer(buffer: ArrayBufferLike, length: number): void {
  if (byteLengthOf(buffer) < length) grow(buffer, length)
}

function reserve(length: number, maxByteLength: number, grows: boolean): SharedArrayBuffer {
  try {
    return new Shared(length, { maxByteLength })
  } catch {
    // The engine's RangeError says neither of what nor how much.
    throw sharedTooLarge(maxByteLength, grows)
  }
}

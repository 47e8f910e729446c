// Buffer holds: memory or addresses that native code keeps until the engine has collected a buffer.

import binding, { type BufferHold, checked, type ExternalObject, type Handle } from '../binding.js'

const holds = new FinalizationRegistry((hold: ExternalObject<BufferHold>) => binding.releaseBufferHold(hold))

/** Releases the hold when the engine has collected the buffer object. */
export function releaseWhenCollected(buffer: ArrayBufferLike, hold: ExternalObject<BufferHold>): void {
  holds.register(buffer, hold)
}

/**
 * Keeps the addresses of ArrayBuffers that `unmap()` is about to detach. The engine runs the
 * finalizer of a detached buffer at once, but an operation that has begun, such as a read of `fs`,
 * still has the address. The operation also refers to the ArrayBuffer object. So the addresses are
 * kept until that object has been collected.
 */
export function keepAddresses(mapping: Handle, buffers: ArrayBufferLike[], ids: number[]): void {
  if (buffers.length === 0) return
  for (const [index, hold] of checked(binding.holdBuffers(mapping, buffers, ids)).entries()) {
    if (hold !== null) holds.register(buffers[index] as ArrayBufferLike, hold)
  }
}

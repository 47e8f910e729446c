// A buffer over a mapping, or over a part of it, as this package keeps it.

/** An ArrayBuffer or SharedArrayBuffer over mapped memory. */
export interface MappedBuffer {
  /** Identifies the buffer to native code. */
  readonly id: number
  readonly buffer: ArrayBufferLike
  /** Where in the mapping the range begins that the buffer was made for, in bytes. */
  readonly start: number
  /** The length of that range in bytes, whatever has become of the buffer. */
  readonly length: number
  /**
   * The bytes of that range; the buffer may begin some bytes before. No user ever gets this object,
   * so its properties are the built-in ones. Its length is 0 once the buffer has been detached.
   */
  readonly internal: Buffer
  /** The same bytes for the user, once wanted. Read no properties: the user may redefine them. */
  bytes: Uint8Array | undefined
  /** The same bytes, to be read several at a time, once that is wanted. */
  words: DataView | undefined
  /** Whether it is in the list of buffers that are no longer used but that `unmap()` detaches. */
  isRetired: boolean
}

/** A buffer whose `length` bytes from `byteOffset` on are those of the mapping from `start` on. */
export function mappedBuffer(
  id: number,
  buffer: ArrayBufferLike,
  start: number,
  byteOffset: number,
  length: number,
): MappedBuffer {
  const internal: Buffer = Reflect.construct(Uint8Array, [buffer, byteOffset, length], Buffer)
  return { id, buffer, start, length, internal, bytes: undefined, words: undefined, isRetired: false }
}

// A record of a buffer over a mapping, or over a part of it.

/** An ArrayBuffer or SharedArrayBuffer over mapped memory. */
export interface MappedBuffer {
  /** Identifies the buffer to native code. */
  readonly id: number
  readonly buffer: ArrayBufferLike
  /** The start of the range that the buffer was made for, in bytes from that of the mapping. */
  readonly start: number
  /** The length of that range in bytes. It stays when the buffer is detached. */
  readonly length: number
  /**
   * The bytes of that range. The buffer may begin some bytes before. The user never gets this
   * object, so its properties are the built-in ones. Its length is 0 once the buffer is detached.
   */
  readonly internal: Buffer
  /**
   * The same bytes for the user, made on demand. Do not read its properties, because the user may
   * have redefined them.
   */
  bytes: Uint8Array | undefined
  /** The same bytes, to read several at a time. Made on demand. */
  words: DataView | undefined
  /** The words of a SharedArrayBuffer, for `Atomics`. Made on demand. */
  sharedWords: Int32Array | undefined
  /**
   * Whether the buffer is in the list of those that are no longer used but that `unmap()` detaches.
   */
  isRetired: boolean
}

/** Records that `length` bytes of a buffer from `byteOffset` on are the mapping from `start` on. */
export function mappedBuffer(
  id: number,
  buffer: ArrayBufferLike,
  start: number,
  byteOffset: number,
  length: number,
): MappedBuffer {
  const internal: Buffer = Reflect.construct(Uint8Array, [buffer, byteOffset, length], Buffer)
  return {
    id,
    buffer,
    start,
    length,
    internal,
    bytes: undefined,
    words: undefined,
    sharedWords: undefined,
    isRetired: false,
  }
}

// The part of class Mmap that treats the mapping as a file: reads and writes at a cursor.

import { type BytesLike, byteLengthOf, bytesArgument, int32, wholeNumber } from '../arguments.js'
import binding, { checked } from '../binding.js'
import type { BufferCopy } from '../mapping.js'
import { refuseEnd, refuseOverrun, refuseWrongByte, seekTarget } from '../ranges.js'
import { MmapMemory } from './memory.js'
import { live, writable } from './state.js'

/** The methods of a file. */
export class MmapCursor<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapMemory<TBuffer> {
  /**
   * Copies at most `n` bytes from the cursor, and moves it on. At the end the Buffer is empty.
   * @param n bytes; to the end when it is missing, null or negative
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.read(5).toString(), mm.tell()) // Hello 5
   * ```
   */
  read(n?: number | null): BufferCopy {
    const most = n === null || n === undefined ? -1 : wholeNumber(n, 'n')
    const mapping = live(this)
    // The cursor may be beyond the end after a resize.
    const { position } = mapping
    const left = Math.max(mapping.length - position, 0)
    const count = most < 0 ? left : Math.min(most, left)
    const copy = mapping.copy(position, count)
    mapping.position = position + count
    return copy
  }

  /**
   * Reads the byte at the cursor and moves on.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE when the cursor is at the end
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.readByte(), mm.readByte()) // 72 101
   * ```
   */
  readByte(): number {
    const mapping = live(this)
    const { position } = mapping
    refuseEnd(position, mapping.length, 'read byte out of range')
    const value = mapping.byteAt(position)
    mapping.position = position + 1
    return value
  }

  /**
   * Copies from the cursor through the next `'\n'`, or to the end, and moves on. At the end it is
   * empty.
   * @throws ERR_MMAP_CLOSED
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.readLine()
   * console.log(mm.readLine().toString().trim()) // Hello you!
   * ```
   */
  readLine(): BufferCopy {
    const mapping = live(this)
    const { position } = mapping
    if (position >= mapping.length) return Buffer.alloc(0)
    const line = mapping.copyLine(position)
    mapping.position = position + line.length
    return line
  }

  /**
   * Writes all of `data` at the cursor and moves it on, or nothing. Returns how many bytes.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.seek(6)
   * console.log(mm.write('Earth'), mm.tell()) // 5 11
   * ```
   */
  write(data: BytesLike): number {
    const bytes = bytesArgument(data, 'data')
    const mapping = writable(this)
    const count = byteLengthOf(bytes)
    refuseOverrun(count, mapping.position, mapping.length)
    checked(binding.write(mapping.handle, bytes, count, mapping.position, 1))
    mapping.position += count
    return count
  }

  /**
   * Writes a byte at the cursor and moves on.
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when the cursor is at the end or
   *   for another value, ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.writeByte(74)
   * console.log(mm.toString('utf8', 0, 5)) // Jello
   * ```
   */
  writeByte(value: number): void {
    const byte = wholeNumber(value, 'value')
    refuseWrongByte(byte)
    const mapping = writable(this)
    refuseEnd(mapping.position, mapping.length, 'write byte out of range')
    mapping.setByteAt(mapping.position, byte)
    mapping.position += 1
  }

  /**
   * Moves the cursor to `position` from the start (`whence` 0), the cursor (1) or the end (2).
   * Returns where it is.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE outside `[0, length]` or for another `whence`,
   *   ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.seek(6), mm.seek(-5, 2)) // 6 19
   * console.log(mm.read(4).toString()) // you!
   * ```
   */
  seek(position: number, whence: 0 | 1 | 2 = 0): number {
    const distance = wholeNumber(position, 'position')
    const base = int32(whence, 'whence')
    const mapping = live(this)
    mapping.position = seekTarget(distance, base, mapping.position, mapping.length)
    return mapping.position
  }

  /**
   * Always true, also when closed.
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.seekable()) // true
   * ```
   */
  seekable(): true {
    return true
  }

  /**
   * The cursor. It may be beyond the end after a `resize()`.
   * @throws ERR_MMAP_CLOSED
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.readLine()
   * console.log(mm.tell()) // 13
   * ```
   */
  tell(): number {
    return live(this).position
  }
}

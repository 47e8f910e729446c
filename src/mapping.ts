// class Mapping: the memory of an `Mmap`, which checks arguments and state before it calls this. It
// chooses between native calls and a buffer of our own, and sees that nothing stays half done.

import { constants as bufferConstants } from 'node:buffer'
import binding, { checked, type Handle, type Outcome, type Remapped } from './binding.js'
import { PAGESIZE } from './constants.js'
import { closed, copyTooLong, isFault, isNoView, isShortage, withPath } from './errors.js'
import { countedFaults, faultCounter } from './fault-counter.js'
import { keepFaultHandler } from './fault-signals.js'
import { closedHandle, collectGarbageSoon, handles, leaveNamedRegionsAtExit, open } from './open.js'
import type { CheckedTaskOptions } from './options/methods.js'
import { type MmapRequest, maxByteLengthTooShort } from './options/mmap.js'
import type { IterationSource, MappingState } from './search/iteration.js'
import { indexWithin, type Needle, needleBytes } from './search/needles.js'
import { Pieces } from './streams.js'
import { runTask, type StartTask } from './tasks.js'
import { decode, refuseTooLong, SHORT_TEXT, shortText, type TextEncoding } from './text.js'
import { type Place, Views } from './views/views.js'

/**
 * A Buffer with memory of its own: `Buffer<ArrayBuffer>` where `@types/node` and TypeScript (5.7
 * and newer) know that, else `Buffer`.
 */
export type BufferCopy = ReturnType<BufferConstructor['allocUnsafe']>

/** Pages in memory of all pages in a range. */
export interface Residency {
  /** Pages that are in memory. */
  resident: number
  /** Pages in the range. */
  total: number
}

// The life of a mapping. These are numbers because to compare strings takes `at()` a sixteenth
// longer.
export const OPEN = 0
/** Closed, but there may be views, which `unmap()` can detach. */
const DETACHABLE = 1
/** Closed, and nothing is left to do: the handle has been given back. */
const RELEASED = 2
type Life = typeof OPEN | typeof DETACHABLE | typeof RELEASED

/** It is in the place of a handle that has been given back, which another mapping may have now. */
const NO_HANDLE = Object.freeze({}) as Handle

const ACCESS_NAMES = ['ACCESS_DEFAULT', 'ACCESS_READ', 'ACCESS_WRITE', 'ACCESS_COPY'] as const

const NEWLINE = 10

// Searches and copies up to so many bytes are done in JavaScript: native code is faster, but to
// call it costs as much.
const SHORT_SEARCH = 512
const SHORT_COPY = 2048
/** Buffer's own methods are wrong beyond 4 GiB. */
const BUFFER_LIMIT = 2 ** 32 - 1

/**
 * A mapping. All methods but `close` and `unmap` are for an open one, and positions lie in it: the
 * caller has checked both.
 */
export class Mapping {
  life: Life = OPEN
  handle: Handle
  /** In bytes. */
  length: number
  /** The cursor, in bytes. It may be beyond the end after a `resize()`. */
  position = 0
  /** `ACCESS_*`. */
  access: number
  readonly offset: number
  /** How far into its page the first byte is. Anonymous memory begins at a page. */
  readonly lead: number
  readonly views: Views
  readonly #writesBack: boolean
  /** Iterators compare it before each step. */
  #state: MappingState | undefined
  /**
   * The result of {@link Views.internalBytes}, kept here because two more loads would make `at()`
   * slower. It must be given up whenever the memory is replaced.
   */
  #direct: Buffer | undefined
  /** How many faults there had been in the process when this mapping was known to be intact. */
  #faultsSeen: number | undefined = 0

  constructor(request: MmapRequest) {
    const { file, path, offset, tagname, shm, maxByteLength } = request
    const isAnonymous = file === -1 && tagname === undefined && shm === undefined
    this.offset = offset
    this.lead = isAnonymous ? 0 : offset % PAGESIZE
    this.views = new Views(this.lead, request.shared, maxByteLength)
    this.#writesBack = request.writeBack
    this.handle = closedHandle()
    this.length = open(this.handle, request)
    try {
      if (maxByteLength !== undefined && maxByteLength < this.length) {
        // With `length` 0 it is that of the file, which is known only now.
        throw withPath(maxByteLengthTooShort(maxByteLength, this.length), path)
      }
      this.access = request.access ?? checked(binding.access(this.handle))
      if (tagname !== undefined) leaveNamedRegionsAtExit()
      if (!isAnonymous) keepFaultHandler()
    } catch (error) {
      binding.close(this.handle)
      throw error
    }
  }

  /** The handle, for code that runs later than the check of the state. @throws ERR_MMAP_CLOSED */
  openHandle(): Handle {
    if (this.life !== OPEN) throw closed()
    return this.handle
  }

  /** The fields of CPython's repr. */
  describe(): string {
    if (this.life !== OPEN) return 'closed=true'
    const access = ACCESS_NAMES[this.access]
    return `closed=false, access=${access}, length=${this.length}, pos=${this.position}, offset=${this.offset}`
  }

  // --- Bytes

  byteAt(index: number): number {
    // A buffer that the user has transferred has no bytes.
    const value = this.#direct?.[index]
    if (value === undefined) return this.#findByte(index)
    this.#checkIntact()
    return value
  }

  #findByte(index: number): number {
    const value = this.#directBytes()?.[index]
    if (value === undefined) return checked(binding.readByte(this.handle, index))
    this.#checkIntact()
    return value
  }

  setByteAt(index: number, value: number): void {
    const direct = this.#direct
    if (direct === undefined || index >= direct.length) {
      this.#storeByte(index, value)
    } else {
      this.#checkIntact()
      direct[index] = value
      this.#checkIntact()
    }
  }

  /** It is apart from `setByteAt`, which would be a fifteenth slower with it. */
  #storeByte(index: number, value: number): void {
    const direct = this.#directBytes()
    if (direct === undefined) {
      checked(binding.writeByte(this.handle, index, value))
    } else {
      this.#checkIntact()
      direct[index] = value
      this.#checkIntact()
    }
  }

  /** Writes all of `bytes`, which are `count`, or nothing. */
  set(bytes: Uint8Array, count: number, position: number): void {
    const direct = count <= SHORT_COPY ? this.#directBytes() : undefined
    if (direct === undefined) {
      checked(binding.write(this.handle, bytes, count, position, 1))
    } else {
      this.#checkIntact()
      direct.set(bytes, position)
      this.#checkIntact()
    }
  }

  /** A copy. If `count` is 0, the position may be outside. */
  copy(position: number, count: number): BufferCopy {
    const copy = allocate(count)
    if (count === 0) return copy
    const end = position + count
    const direct = count <= SHORT_COPY && end <= BUFFER_LIMIT ? this.#directBytes() : undefined
    if (direct === undefined) {
      checked(binding.read(this.handle, copy, position))
    } else {
      direct.copy(copy, 0, position, end)
      this.#checkIntact()
    }
    return copy
  }

  copyStrided(start: number, step: number, count: number): BufferCopy {
    const copy = allocate(count)
    checked(binding.readStrided(this.handle, copy, start, step))
    return copy
  }

  /** A copy in an ArrayBuffer that contains nothing else. */
  arrayBuffer(from: number, to: number): ArrayBuffer {
    const copy = allocateBuffer(to - from)
    if (to > from) checked(binding.read(this.handle, copy, from))
    return copy.buffer
  }

  /** The text of a range, made from a copy. An inverted range is empty. */
  text(encoding: TextEncoding, from: number, to: number): string {
    const count = to - from
    if (count <= 0) return ''
    if (count <= SHORT_TEXT) {
      const direct = this.#directBytes()
      const words = direct && this.views.internalWords()
      if (direct !== undefined && words !== undefined) {
        const text = shortText(direct, words, encoding, from, to)
        this.#checkIntact()
        return text
      }
    }
    refuseTooLong(encoding, count)
    return decode(this.copy(from, count), encoding, count)
  }

  /** Copies of the pieces of a range. */
  pieces(start: number, stop: number, size: number): Pieces {
    const length = (): number => {
      this.openHandle()
      return this.length
    }
    const copy = (from: number, to: number): Uint8Array<ArrayBuffer> => {
      this.openHandle()
      return new Uint8Array(this.arrayBuffer(from, to))
    }
    return new Pieces({ length, copy }, start, stop, size)
  }

  // --- Searches and tasks

  /** The first place of a needle in `[from, to)`, or -1. */
  find(needle: Needle, from: number, to: number): number {
    const direct = to - from <= SHORT_SEARCH && to <= BUFFER_LIMIT ? this.#directBytes() : undefined
    if (direct === undefined) return checked(binding.find(this.handle, needleBytes(needle), from, to))
    const found = to === direct.length ? direct.indexOf(needle, from) : indexWithin(direct, needle, from, to)
    this.#checkIntact()
    return found
  }

  /** The last place of a needle in `[from, to)`, or -1. */
  rfind(needle: Needle, from: number, to: number): number {
    return checked(binding.rfind(this.handle, needleBytes(needle), from, to))
  }

  /** A copy from a position through the next newline, or to the end. */
  copyLine(from: number): BufferCopy {
    const found = this.find(NEWLINE, from, this.length)
    const stop = found === -1 ? this.length : found + 1
    return this.copy(from, stop - from)
  }

  /** The line that a position is in, without its newline. */
  lineAt(position: number): { start: number; stop: number } {
    const start = this.rfind(NEWLINE, 0, position) + 1
    const found = this.find(NEWLINE, position, this.length)
    return { start, stop: found === -1 ? this.length : found }
  }

  iterationSource(): IterationSource {
    this.#state ??= { generation: 0, faults: countedFaults() ?? new Uint32Array(1) }
    return {
      state: this.#state,
      check: () => {
        this.openHandle()
        this.#checkIntact()
      },
      handle: () => this.openHandle(),
      length: () => this.length,
      window: (start, stop) => this.#window(start, stop),
      copy: (start, stop) => {
        this.openHandle()
        return this.copy(start, stop - start)
      },
    }
  }

  /** A range as a view, or as a copy where the runtime has no views. */
  viewOrCopy(from: number, to: number): Uint8Array {
    const window = this.#window(from, to)
    return window === undefined
      ? this.copy(from, to - from)
      : new Uint8Array(window.buffer, window.origin + from, to - from)
  }

  /** `total`: bytes to do. `isPart`: more tasks follow, see {@link runTask}. */
  runTask(options: CheckedTaskOptions, total: number, start: StartTask, isPart: boolean = false): Promise<number> {
    this.relocateEarly()
    return runTask({ mapping: this.handle, options, total, buffer: this.views.bufferForTask(), start, isPart })
  }

  /** See {@link Views.relocateEarly}. */
  relocateEarly(): void {
    this.views.relocateEarly(this.handle, this.length)
  }

  // --- Changes of the memory, and the end

  resize(length: number): void {
    // Windows does not shorten a file while a view of it is mapped.
    this.views.dropInternal(this.handle)
    this.#replaceMemory(() => {
      const isInPlace = binding.resize(this.handle, length)
      return typeof isInPlace === 'boolean' ? { inPlace: isInPlace, length } : isInPlace
    })
  }

  /** Maps `length` bytes of the file anew, by default all. */
  remap(length: number | undefined): void {
    this.#replaceMemory(() => binding.remap(this.handle, length))
  }

  /** Replaces the memory by `change`, a native call, which returns where the mapping is now. */
  #replaceMemory(change: () => Outcome<Remapped>): void {
    let { length } = this
    const isInPlace = this.views.replaceMemory(this.handle, () => {
      const changed = change()
      if (!('inPlace' in changed)) return changed
      length = changed.length
      return changed.inPlace
    })
    // Only assignments from here on: a call could fail for lack of stack, and leave a mapping that
    // does not know its length.
    if (isInPlace && length === this.length) return
    this.length = length
    this.#direct = undefined
    if (this.#state !== undefined) this.#state.generation += 1
    if (!isInPlace) return
    try {
      this.views.grow(length)
    } catch {
      // The next request for a view lets it grow.
    }
  }

  close(): void {
    if (this.life !== OPEN) return
    const { handle } = this
    const error = this.#writesBack ? binding.writeBack(handle) : undefined
    // After a fault it is closed all the same: bytes that are lost would not come back.
    if (error !== undefined && !isFault(error)) throw error
    const isReusable = this.views.close(handle)
    // Only assignments from here on: a call could fail for lack of stack, and leave a mapping that
    // is half closed.
    if (isReusable) {
      if (handles.spareCount < handles.mostSpare) {
        handles.spare[handles.spareCount] = handle
        handles.spareCount += 1
      }
      this.life = RELEASED
      this.handle = NO_HANDLE
    } else {
      this.life = DETACHABLE
    }
    this.#direct = undefined
    handles.unclosed -= 1
    if (this.#state !== undefined) this.#state.generation += 1
    if (error !== undefined) throw error
  }

  unmap(): void {
    if (this.life === RELEASED) return
    const isOpen = this.life === OPEN
    const { handle } = this
    const error = isOpen && this.#writesBack ? binding.writeBack(handle) : undefined
    const refusal = this.views.unmap(handle)
    // Only assignments from here on, as in `close()`.
    if (isOpen) {
      this.#direct = undefined
      handles.unclosed -= 1
      if (this.#state !== undefined) this.#state.generation += 1
    }
    if (refusal === undefined) {
      this.life = RELEASED
      this.handle = NO_HANDLE
    } else {
      // There was no memory for zeros in place of the file. The user may call `unmap()` again.
      this.life = DETACHABLE
    }
    if (isShortage(refusal)) collectGarbageSoon()
    if (error !== undefined) throw error
    if (refusal !== undefined) throw refusal
  }

  /** A buffer that a range lies in, or undefined on a runtime that has no views. */
  #window(start: number, stop: number): Place | undefined {
    try {
      return this.views.exposeRange(this.openHandle(), this.length, start, stop - start)
    } catch (error) {
      if (isNoView(error)) return undefined
      throw error
    }
  }

  /** The bytes in a buffer, if one pays. Code that has used it calls {@link #checkIntact}. */
  #directBytes(): Buffer | undefined {
    const bytes = this.#direct
    return bytes !== undefined && bytes.length === this.length ? bytes : this.#findDirectBytes()
  }

  #findDirectBytes(): Buffer | undefined {
    const bytes = this.views.internalBytes(this.handle, this.length)
    this.#direct = bytes
    return bytes
  }

  /**
   * Throws if bytes of the mapping have been lost. Native functions check that themselves. Code
   * that uses a buffer must call this; it costs one comparison unless a fault has happened in the
   * process.
   */
  #checkIntact(): void {
    const faults = faultCounter === undefined ? 0 : faultCounter[0]
    if (faults === this.#faultsSeen) return
    checked(binding.checkIntact(this.handle))
    this.#faultsSeen = faults
  }
}

function allocate(count: number): BufferCopy {
  if (count > bufferConstants.MAX_LENGTH) throw copyTooLong(count, bufferConstants.MAX_LENGTH)
  try {
    return Buffer.allocUnsafe(count)
  } catch {
    // The engine's error says neither what the memory was for nor how much it was.
    throw copyTooLong(count)
  }
}

/** Bytes in an ArrayBuffer of their own. */
function allocateBuffer(count: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new ArrayBuffer(count))
  } catch {
    // The engine's error says neither what the memory was for nor how much it was.
    throw copyTooLong(count, count > bufferConstants.MAX_LENGTH ? bufferConstants.MAX_LENGTH : undefined)
  }
}

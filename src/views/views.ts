// class Views: which buffers exist over a mapping, which of them the user has, and which must be
// detached by `unmap()`.
//
// - The "whole" is the buffer over all of the mapping. It is made when it is first needed. It is
//   internal until the user gets it, and exposed from then on.
// - A "window" is an ArrayBuffer over some pages. With it, a short view of a long mapping does not
//   cost a long buffer. A window is exposed at once.
// - A buffer is "retired" when this class no longer uses it while the user may still have it.

import binding, { checked, type Handle, type Outcome } from '../binding.js'
import { MAX_VIEW_LENGTH, PAGESIZE } from '../constants.js'
import { isNoView, viewTooLarge } from '../errors.js'
import { countedFaults, faultCounter } from '../fault-counter.js'
import { CAN_RELOCATE } from '../runtime.js'
import { isUsedByTask } from '../tasks.js'
import { type MappedBuffer, mappedBuffer } from './mapped-buffer.js'
import { growBuffer, sharedBuffer } from './shared-buffer.js'

/** A buffer, and the offset of the mapping in it: negative if the mapping begins before it. */
export interface Place {
  buffer: ArrayBufferLike
  origin: number
}

/** How the buffers over the mapping are made. */
type Kind =
  /** No buffer has been made: 'external' follows, unless the runtime refuses external memory. */
  | 'untried'
  /** ArrayBuffers over our memory. There may be any number of them. */
  | 'external'
  /** One SharedArrayBuffer over our memory. It cannot grow. */
  | 'shared'
  /** One SharedArrayBuffer that the pages are relocated into: the memory is engine-owned. */
  | 'relocated'
  /** As 'relocated', but more addresses are reserved, so that the buffer can grow in place. */
  | 'growable'

/** Whether the user has the whole: then it is exposed. */
type Exposure = 'internal' | 'exposed'

/** A buffer begins at a multiple of this many bytes: ALIGNMENT in the binding's buffer.rs. */
const BUFFER_ALIGNMENT = 8

// Single bytes are read by native calls until there have been enough of them to pay for an internal
// buffer. An ArrayBuffer costs some microseconds, and a long one also a garbage collection.
const BYTES_BEFORE_BUFFER = 16
const LENGTH_PER_BYTE_BEFORE_BUFFER = 64 * 1024
/** The value of `#bytesTouched` after a buffer could not be made: no number of bytes pays. */
const NEVER = Number.NEGATIVE_INFINITY

/** In bytes. The whole of a mapping of at most this length costs no more than a window. */
const SHORT_MAPPING = 64 * 1024

// A window costs a microsecond or two and some hundred bytes, and the engine counts its length
// towards the next garbage collection. Once the windows together have cost as much as the whole,
// the whole is made. So a program that makes many windows is slower by at most a constant factor,
// and keeps a limited number of them.
const COST_OF_WINDOW = 64 * 1024
const COST_PER_BYTE = 1 / 4

/** A list of fewer retired buffers than this is not pruned. */
const LEAST_TO_PRUNE = 16

/** The buffers over one mapping. The methods get its handle and its length in bytes. */
export class Views {
  /** The offset of the first byte of the mapping in its page. */
  readonly #lead: number
  /** The greatest length of a growable buffer, in bytes. */
  readonly #maxByteLength: number | undefined
  #kind: Kind
  #whole: MappedBuffer | undefined
  #exposure: Exposure = 'internal'
  /** The last window. Later views of the same pages use it. */
  #window: MappedBuffer | undefined
  /** The cost of all windows so far, in bytes of the whole. */
  #costOfWindows = 0
  #buffersMade = 0
  #bytesTouched = 0
  #retired: { buffer: { deref(): ArrayBufferLike | undefined }; id: number }[] = []
  /** The number of retired buffers at which the list is pruned. */
  #pruneAt = LEAST_TO_PRUNE

  constructor(lead: number, isShared: boolean, maxByteLength: number | undefined) {
    this.#lead = lead
    this.#maxByteLength = maxByteLength
    this.#kind = isShared ? sharedKind(maxByteLength) : 'untried'
  }

  /** Returns the bytes of the whole. The caller passes them to the user. */
  exposeBytes(mapping: Handle, length: number): Uint8Array {
    const whole = this.#getWhole(mapping, length)
    const { internal, buffer } = whole
    whole.bytes ??= new Uint8Array(buffer, internal.byteOffset, internal.length)
    this.#exposure = 'exposed'
    return whole.bytes
  }

  /** Returns the whole. The caller passes it to the user. */
  exposeWhole(mapping: Handle, length: number): Place {
    const { internal, buffer } = this.#getWhole(mapping, length)
    this.#exposure = 'exposed'
    return { buffer, origin: internal.byteOffset }
  }

  /** Returns a buffer that contains a range. The caller passes it to the user. */
  exposeRange(mapping: Handle, length: number, start: number, count: number): Place {
    if (this.#prefersWhole(length)) return this.exposeWhole(mapping, length)
    if (count > MAX_VIEW_LENGTH) throw viewTooLarge(count, MAX_VIEW_LENGTH)
    let window = this.#window
    if (window === undefined || !covers(window, start, count)) {
      const [from, to] = this.#pagesOf(length, start, count)
      if (from === 0 && to === length) return this.exposeWhole(mapping, length)
      window = this.#makeWindow(mapping, length, from, to)
      if (window === undefined) return this.exposeWhole(mapping, length)
    }
    return { buffer: window.buffer, origin: window.internal.byteOffset - window.start }
  }

  /**
   * All bytes of the mapping, for methods of `Mmap` that touch few of them, or undefined while a
   * buffer does not pay yet. Code that has used the bytes must then check whether some were lost.
   */
  internalBytes(mapping: Handle, length: number): Buffer | undefined {
    const whole = this.#whole
    if (whole !== undefined && whole.internal.length === length && faultCounter !== undefined) return whole.internal
    this.#bytesTouched += 1
    if (this.#bytesTouched < BYTES_BEFORE_BUFFER + length / LENGTH_PER_BYTE_BEFORE_BUFFER) return undefined
    if (!this.#fitsOneBuffer(length)) return undefined
    try {
      // The counter comes before the buffer: code that finds a buffer relies on the counter.
      if (countedFaults() !== undefined) return this.#getWhole(mapping, length).internal
    } catch {
      // After ERR_MMAP_NO_VIEW native code reads the bytes, now and later.
    }
    this.#bytesTouched = NEVER
    return undefined
  }

  /** The bytes that {@link internalBytes} has returned, to read several at a time. */
  internalWords(): DataView | undefined {
    const whole = this.#whole
    if (whole === undefined) return undefined
    const { internal } = whole
    whole.words ??= new DataView(internal.buffer, internal.byteOffset, internal.length)
    return whole.words
  }

  /**
   * The words of the SharedArrayBuffer, if there is one, and where the mapping begins in it, in
   * bytes.
   */
  sharedWords(): { array: Int32Array; origin: number } | undefined {
    const whole = this.#isShared() ? this.#whole : undefined
    if (whole === undefined) return undefined
    const { buffer, internal } = whole
    whole.sharedWords ??= new Int32Array(buffer, 0, Math.floor((internal.byteOffset + internal.length) / 4))
    return { array: whole.sharedWords, origin: internal.byteOffset }
  }

  /**
   * Relocates the memory now if a view would need that later. Relocation is impossible while a task
   * works on the memory. Before Linux 6.17 it is also impossible after `madvise()` or `mlock()` has
   * split the memory into several kernel mappings.
   */
  relocateEarly(mapping: Handle, length: number): void {
    if (this.#whole !== undefined) return
    // A runtime without a fault counter refuses external ArrayBuffers, so views need relocation.
    if (!this.#isShared() && countedFaults() !== undefined) return
    try {
      this.#getWhole(mapping, length)
    } catch {
      // The current operation needs no view. A later request for a view reports the error.
    }
  }

  /** The buffer to keep reachable while a task works on its memory, or undefined. */
  bufferForTask(): ArrayBufferLike | undefined {
    return this.#isShared() ? this.#whole?.buffer : undefined
  }

  /**
   * Detaches the whole if it is internal. Its memory is then unmapped without a garbage collection.
   * A SharedArrayBuffer stays, because the mapping may be in its memory.
   */
  dropInternal(mapping: Handle): void {
    if (this.#whole === undefined || this.#exposure === 'exposed' || this.#isShared()) return
    binding.dropBuffer(mapping, this.#whole.buffer, this.#whole.id)
    this.#whole = undefined
  }

  /**
   * Replaces the memory of the mapping by `change`, a native call. Returns whether the mapping has
   * stayed at its addresses. If it has not, earlier buffers continue to show the old memory.
   */
  replaceMemory(mapping: Handle, change: () => Outcome<boolean>): boolean {
    const whole = this.#whole
    const isUsed = whole !== undefined && this.#isUsedByOthers(whole)
    if (isUsed) this.#retire(whole)
    if (this.#window !== undefined) this.#retire(this.#window)
    const isInPlace = change()
    if (typeof isInPlace !== 'boolean') throw isInPlace
    // Only assignments follow, because a call could fail for lack of stack. Then this object would
    // still use buffers of the old memory.
    if (isInPlace) return true
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    this.#costOfWindows = 0
    try {
      if (whole !== undefined && !isUsed) binding.dropBuffer(mapping, whole.buffer, whole.id)
    } catch {
      // Too little stack is left. The garbage collector releases the buffer instead.
    }
    return false
  }

  /** Grows the whole after the mapping has grown in place. */
  grow(length: number): void {
    const whole = this.#whole
    if (whole === undefined || whole.internal.length === length) return
    const { id, buffer, internal, isRetired } = whole
    const start = internal.byteOffset
    growBuffer(buffer, start + length)
    const grown = mappedBuffer(id, buffer, 0, start, length)
    grown.isRetired = isRetired
    this.#whole = grown
  }

  /** Closes, and detaches the whole if it is internal. Returns whether the handle can be reused. */
  close(mapping: Handle): boolean {
    const whole = this.#whole
    const isInternal = whole !== undefined && !this.#isUsedByOthers(whole)
    if (whole !== undefined && !isInternal) this.#retire(whole)
    if (this.#window !== undefined) this.#retire(this.#window)
    const isReusable = isInternal ? binding.closeAndDrop(mapping, whole.buffer, whole.id) : binding.close(mapping)
    // Only assignments follow, because a call could fail for lack of stack.
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    return isReusable
  }

  /** Closes the mapping and detaches all buffers. Returns the error, if there is one. */
  unmap(mapping: Handle): Error | undefined {
    this.dropInternal(mapping)
    if (this.#whole !== undefined) this.#retire(this.#whole)
    if (this.#window !== undefined) this.#retire(this.#window)
    const buffers: ArrayBufferLike[] = []
    const ids: number[] = []
    for (const { buffer, id } of this.#retired) {
      const alive = buffer.deref()
      if (alive === undefined) continue
      buffers.push(alive)
      ids.push(id)
    }
    // The engine runs the finalizer of a detached buffer at once, but an operation that has begun,
    // such as a read of `fs`, still has the address. It also has the ArrayBuffer object, so native
    // code holds the addresses until that has been collected.
    if (buffers.length !== 0) checked(binding.holdBuffers(mapping, buffers, ids))
    const refusal = binding.unmap(mapping, buffers, ids)
    // Only assignments follow, because a call could fail for lack of stack.
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    this.#retired = []
    return refusal
  }

  #isShared(): boolean {
    return this.#kind !== 'untried' && this.#kind !== 'external'
  }

  /** Whether one buffer can contain all of the mapping. */
  #fitsOneBuffer(length: number): boolean {
    return this.#isShared() || length + (this.#lead % BUFFER_ALIGNMENT) <= MAX_VIEW_LENGTH
  }

  /** Whether the whole costs a view no more than a window does. */
  #prefersWhole(length: number): boolean {
    if (this.#isShared() || length <= SHORT_MAPPING) return true
    const whole = this.#whole
    if (whole !== undefined && whole.internal.length === length) return true
    return this.#costOfWindows >= length && this.#fitsOneBuffer(length)
  }

  /** The start and end of the pages that contain a range. */
  #pagesOf(length: number, start: number, count: number): [from: number, to: number] {
    // An empty range at the end of the mapping is in its last page.
    const first = Math.min(start, length - 1)
    const from = Math.max(first - ((this.#lead + first) % PAGESIZE), 0)
    // An empty range is given a page, because engines handle buffers of no bytes differently.
    const stop = Math.max(start + count, first + 1)
    const beyond = (this.#lead + stop) % PAGESIZE
    const to = beyond === 0 ? stop : Math.min(stop + PAGESIZE - beyond, length)
    // The pages may be too long for a buffer although the range is not.
    return to - from > MAX_VIEW_LENGTH - BUFFER_ALIGNMENT ? [start, stop] : [from, to]
  }

  /** Makes a window, or returns undefined on a runtime that refuses external memory. */
  #makeWindow(mapping: Handle, length: number, from: number, to: number): MappedBuffer | undefined {
    const window = this.#makeExternal(mapping, length, from, to - from)
    if (window === undefined) return undefined
    if (this.#window !== undefined) this.#retire(this.#window)
    this.#window = window
    this.#costOfWindows += COST_OF_WINDOW + (to - from) * COST_PER_BYTE
    return window
  }

  /** Returns the whole. Makes it if there is none. */
  #getWhole(mapping: Handle, length: number): MappedBuffer {
    const whole = this.#whole
    if (whole === undefined || isDetached(whole)) {
      if (length > MAX_VIEW_LENGTH && !this.#isShared()) throw viewTooLarge(length, MAX_VIEW_LENGTH)
      const made = this.#makeWhole(mapping, length)
      this.#whole = made
      return made
    }
    if (whole.internal.length !== length) this.grow(length)
    return this.#whole as MappedBuffer
  }

  #makeWhole(mapping: Handle, length: number): MappedBuffer {
    const external = this.#isShared() ? undefined : this.#makeExternal(mapping, length, 0, length)
    if (external !== undefined) return external
    const id = this.#buffersMade
    this.#buffersMade += 1
    return sharedBuffer(mapping, id, this.#lead, length, this.#maxByteLength)
  }

  /**
   * Makes an ArrayBuffer over a range. On a runtime that refuses external memory it returns
   * undefined instead. From then on the whole is the only buffer.
   */
  #makeExternal(mapping: Handle, length: number, start: number, count: number): MappedBuffer | undefined {
    const id = this.#buffersMade
    this.#buffersMade += 1
    if (length === 0) return mappedBuffer(id, new ArrayBuffer(0), 0, 0, 0)
    const needed = count + ((this.#lead + start) % BUFFER_ALIGNMENT)
    if (needed > MAX_VIEW_LENGTH) throw viewTooLarge(needed, MAX_VIEW_LENGTH)
    try {
      const buffer = checked(binding.buffer(mapping, id, false, start, count))
      this.#kind = 'external'
      // The buffer ends at the end of the range. It may begin some bytes before the range.
      return mappedBuffer(id, buffer, start, buffer.byteLength - count, count)
    } catch (error) {
      // Memory that ArrayBuffers show cannot be relocated.
      if (this.#kind !== 'untried' || !isNoView(error) || !this.#fitsOneBuffer(length)) throw error
      this.#kind = sharedKind(undefined)
      return undefined
    }
  }

  /**
   * Whether the user has the whole, or a task works on its memory. Dropping a SharedArrayBuffer
   * fills its memory with zeros, which the task would see.
   */
  #isUsedByOthers({ buffer }: MappedBuffer): boolean {
    return this.#exposure === 'exposed' || (this.#isShared() && isUsedByTask(buffer))
  }

  /** Adds a buffer that the user may have to the list of those that `unmap()` detaches. */
  #retire(retired: MappedBuffer): void {
    if (retired.isRetired) return
    if (this.#retired.length >= this.#pruneAt) {
      this.#retired = this.#retired.filter((other) => other.buffer.deref() !== undefined)
      // Double the threshold, because windows made in one turn of the event loop are all still
      // there. Pruning at each addition would take quadratic time.
      this.#pruneAt = Math.max(2 * this.#retired.length, LEAST_TO_PRUNE)
    }
    const { id, buffer } = retired
    // The engine may reuse engine-owned memory once the buffer is unreachable, and another thread
    // may have the buffer by then. The memory is certainly ours only while this thread refers to
    // the buffer, so that reference is strong.
    const isEngineOwned = this.#kind === 'relocated' || this.#kind === 'growable'
    this.#retired.push({ id, buffer: isEngineOwned ? { deref: () => buffer } : new WeakRef(buffer) })
    retired.isRetired = true
  }
}

/** Whether a window contains a range. A window that the user has transferred contains none. */
function covers({ start, internal }: MappedBuffer, from: number, count: number): boolean {
  return from >= start && from + count <= start + internal.length && internal.length !== 0
}

/** Whether the user has transferred a buffer. The mapping is still there: make a new buffer. */
function isDetached({ internal, length }: MappedBuffer): boolean {
  return internal.length === 0 && length !== 0
}

/** The kind of a SharedArrayBuffer on this runtime. */
function sharedKind(maxByteLength: number | undefined): Kind {
  if (!CAN_RELOCATE) return 'shared'
  return maxByteLength === undefined ? 'relocated' : 'growable'
}

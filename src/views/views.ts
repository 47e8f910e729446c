// class Views: which buffers exist over a mapping, which of them the user has, and which must be
// detached by `unmap()`.
//
// "The whole" is the one buffer over all of the mapping. It is made when it is first needed, and is
// internal until the user gets it: then it is exposed. A "window" is an ArrayBuffer over some
// pages, so that a short view of a long mapping does not cost a long buffer; it is exposed at once.
// A buffer is retired when this class no longer uses it while the user may still have it.

import binding, { checked, type Handle, type Outcome } from '../binding.js'
import { MAX_VIEW_LENGTH, PAGESIZE } from '../constants.js'
import { isNoView, viewTooLarge } from '../errors.js'
import { countedFaults, faultCounter } from '../fault-counter.js'
import { CAN_RELOCATE } from '../runtime.js'
import { isUsedByTask } from '../tasks.js'
import { keepAddresses } from './buffer-holds.js'
import { type MappedBuffer, mappedBuffer } from './mapped-buffer.js'
import { growBuffer, sharedBuffer } from './shared-buffer.js'

/** A buffer, and where in it the mapping begins: negative, if it begins before the buffer. */
export interface Place {
  buffer: ArrayBufferLike
  origin: number
}

/** What the buffers over the mapping are to the engine. */
type Kind =
  /** ArrayBuffers over our memory, unless the runtime refuses the first of them. */
  | 'untried'
  /** ArrayBuffers over our memory. There may be any number of them. */
  | 'external'
  /** One SharedArrayBuffer over our memory. It cannot grow. */
  | 'shared'
  /** One SharedArrayBuffer that the pages are relocated into: the memory is engine-owned. */
  | 'relocated'
  /** The same, with more addresses reserved, so that it can grow in place. */
  | 'growable'

/** Whether the user has the whole. */
type Exposure = 'internal' | 'exposed'

/** A buffer begins at a multiple of so many bytes: ALIGNMENT in the binding's buffer.rs. */
const BUFFER_ALIGNMENT = 8

// Single bytes are read by native calls until there have been so many that a buffer of our own
// pays: an ArrayBuffer costs some microseconds, and a garbage collection when it is long.
const BYTES_BEFORE_BUFFER = 16
const LENGTH_PER_BYTE_BEFORE_BUFFER = 64 * 1024
/** The number of bytes touched, where no buffer can be made. */
const NEVER = Number.NEGATIVE_INFINITY

/** Up to this length of a mapping, in bytes, the whole costs the engine no more than a window. */
const SHORT_MAPPING = 64 * 1024

// A window costs the engine a microsecond or two and some hundred bytes, and its length counts
// towards the next garbage collection. The whole is made once the windows together have cost as
// much as it does. So a program that makes many windows is slower by a constant factor at most, and
// keeps a limited number of them.
const COST_OF_WINDOW = 64 * 1024
const COST_PER_BYTE = 1 / 4

/** With fewer retired buffers than this, those that have been collected are not looked for. */
const LEAST_TO_PRUNE = 16

/** The buffers over one mapping, whose length is passed to the methods. */
export class Views {
  /** How far into its page the first byte of the mapping is. */
  readonly #lead: number
  /** How long a growable buffer can become, in bytes. */
  readonly #maxByteLength: number | undefined
  #kind: Kind
  #whole: MappedBuffer | undefined
  #exposure: Exposure = 'internal'
  /** The last window, which serves later views of the same pages. */
  #window: MappedBuffer | undefined
  /** What all windows have cost so far, in bytes of the whole. */
  #costOfWindows = 0
  #buffersMade = 0
  #bytesTouched = 0
  #retired: { buffer: { deref(): ArrayBufferLike | undefined }; id: number }[] = []
  /** How many retired buffers there may be before the list is pruned. */
  #pruneAt = LEAST_TO_PRUNE

  constructor(lead: number, isShared: boolean, maxByteLength: number | undefined) {
    this.#lead = lead
    this.#maxByteLength = maxByteLength
    this.#kind = isShared ? sharedKind(maxByteLength) : 'untried'
  }

  /** The bytes of the whole, which the user has from now on. */
  exposeBytes(mapping: Handle, length: number): Uint8Array {
    const whole = this.#getWhole(mapping, length)
    const { internal, buffer } = whole
    whole.bytes ??= new Uint8Array(buffer, internal.byteOffset, internal.length)
    this.#exposure = 'exposed'
    return whole.bytes
  }

  /** The whole, which the user has from now on. */
  exposeWhole(mapping: Handle, length: number): Place {
    const { internal, buffer } = this.#getWhole(mapping, length)
    this.#exposure = 'exposed'
    return { buffer, origin: internal.byteOffset }
  }

  /** A buffer that a range lies in, which the user has from now on. */
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
   * All bytes of the mapping, for the methods of `Mmap` that touch few of them; undefined while a
   * buffer does not pay yet. Code that has used them must ask whether bytes were lost meanwhile.
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
      // ERR_MMAP_NO_VIEW: native code reads the bytes, now and later.
    }
    this.#bytesTouched = NEVER
    return undefined
  }

  /** What {@link internalBytes} has returned, to read several bytes at a time. */
  internalWords(): DataView | undefined {
    const whole = this.#whole
    if (whole === undefined) return undefined
    const { internal } = whole
    whole.words ??= new DataView(internal.buffer, internal.byteOffset, internal.length)
    return whole.words
  }

  /**
   * Relocates the memory now if a view would need that later. It is impossible while a task works
   * on the memory and, before Linux 6.17, after advice or `mlock()` has split it into several
   * kernel mappings. A runtime without a fault counter refuses external ArrayBuffers.
   */
  relocateEarly(mapping: Handle, length: number): void {
    if (this.#whole !== undefined || (!this.#isShared() && countedFaults() !== undefined)) return
    try {
      this.#getWhole(mapping, length)
    } catch {
      // This call needs no view. A later request for one reports the error.
    }
  }

  /** The buffer that has to be held while a task works on the memory, if there is one. */
  bufferForTask(): ArrayBufferLike | undefined {
    return this.#isShared() ? this.#whole?.buffer : undefined
  }

  /**
   * Detaches the whole if the user does not have it, so that its memory is unmapped without a
   * garbage collection. A SharedArrayBuffer stays, because it is where the mapping is.
   */
  dropInternal(mapping: Handle): void {
    if (this.#whole === undefined || this.#exposure === 'exposed' || this.#isShared()) return
    binding.dropBuffer(mapping, this.#whole.buffer, this.#whole.id)
    this.#whole = undefined
  }

  /**
   * Changes the memory of the mapping by `change`, a native call. Returns whether the mapping has
   * stayed at its addresses. If not, buffers made before go on showing the memory of before.
   */
  replaceMemory(mapping: Handle, change: () => Outcome<boolean>): boolean {
    const whole = this.#whole
    const isUsed = whole !== undefined && this.#isUsedByOthers(whole)
    if (isUsed) this.#retire(whole)
    if (this.#window !== undefined) this.#retire(this.#window)
    const isInPlace = change()
    if (typeof isInPlace !== 'boolean') throw isInPlace
    // Only assignments from here on: a call could fail for lack of stack, and leave buffers of the
    // memory of before.
    if (isInPlace) return true
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    this.#costOfWindows = 0
    try {
      if (whole !== undefined && !isUsed) binding.dropBuffer(mapping, whole.buffer, whole.id)
    } catch {
      // There is too little stack. The garbage collector finds the buffer.
    }
    return false
  }

  /** Lets the whole follow a mapping that has grown in place. */
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
    // Only assignments from here on: a call could fail for lack of stack.
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    return isReusable
  }

  /** Closes the mapping, and detaches all buffers. Returns the error, if there is one. */
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
    keepAddresses(mapping, buffers, ids)
    const refusal = binding.unmap(mapping, buffers, ids)
    // Only assignments from here on: a call could fail for lack of stack.
    this.#whole = undefined
    this.#exposure = 'internal'
    this.#window = undefined
    this.#retired = []
    return refusal
  }

  #isShared(): boolean {
    return this.#kind !== 'untried' && this.#kind !== 'external'
  }

  /** Whether all of the mapping fits into one buffer. */
  #fitsOneBuffer(length: number): boolean {
    return this.#isShared() || length + (this.#lead % BUFFER_ALIGNMENT) <= MAX_VIEW_LENGTH
  }

  /** Whether the whole serves a view of any range at least as well as a window does. */
  #prefersWhole(length: number): boolean {
    if (this.#isShared() || length <= SHORT_MAPPING) return true
    const whole = this.#whole
    if (whole !== undefined && whole.internal.length === length) return true
    return this.#costOfWindows >= length && this.#fitsOneBuffer(length)
  }

  /** Where the pages of a range begin and end. */
  #pagesOf(length: number, start: number, count: number): [from: number, to: number] {
    // An empty range at the end of the mapping is in its last page.
    const first = Math.min(start, length - 1)
    const from = Math.max(first - ((this.#lead + first) % PAGESIZE), 0)
    const stop = start + count
    const beyond = (this.#lead + stop) % PAGESIZE
    const to = beyond === 0 ? stop : Math.min(stop + PAGESIZE - beyond, length)
    // The whole pages may be too long where the range is not.
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

  /** The whole, made if there is none. */
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
   * Makes an ArrayBuffer over a range, or returns undefined on a runtime that refuses external
   * memory. From then on the whole is the only buffer.
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
      // It ends where the range ends, and may begin some bytes before it.
      return mappedBuffer(id, buffer, start, buffer.byteLength - count, count)
    } catch (error) {
      // While ArrayBuffers show the memory it cannot be relocated.
      if (this.#kind !== 'untried' || !isNoView(error) || !this.#fitsOneBuffer(length)) throw error
      this.#kind = sharedKind(undefined)
      return undefined
    }
  }

  /**
   * Whether the user has the whole, or a task works on its memory: dropping a SharedArrayBuffer
   * fills it with zeros, which the task would see.
   */
  #isUsedByOthers({ buffer }: MappedBuffer): boolean {
    return this.#exposure === 'exposed' || (this.#isShared() && isUsedByTask(buffer))
  }

  /** Enters a buffer that the user may have into the list of those that `unmap()` detaches. */
  #retire(retired: MappedBuffer): void {
    if (retired.isRetired) return
    if (this.#retired.length >= this.#pruneAt) {
      this.#retired = this.#retired.filter((other) => other.buffer.deref() !== undefined)
      // Windows made in one turn are all still there, so pruning at each addition would take
      // quadratic time.
      this.#pruneAt = Math.max(2 * this.#retired.length, LEAST_TO_PRUNE)
    }
    const { id, buffer } = retired
    // The engine gives engine-owned memory to others once the buffer is unreachable. Another thread
    // may have the buffer then. Only while this thread holds it is the memory certainly still ours.
    const isEngineOwned = this.#kind === 'relocated' || this.#kind === 'growable'
    this.#retired.push({ id, buffer: isEngineOwned ? { deref: () => buffer } : new WeakRef(buffer) })
    retired.isRetired = true
  }
}

/** Whether a range lies in a window that the user has not transferred. */
function covers({ start, internal }: MappedBuffer, from: number, count: number): boolean {
  return from >= start && from + count <= start + internal.length && internal.length !== 0
}

/** Whether the user has transferred a buffer. The mapping is still there then. */
function isDetached({ internal, length }: MappedBuffer): boolean {
  return internal.length === 0 && length !== 0
}

/** The kind of a SharedArrayBuffer on this runtime. */
function sharedKind(maxByteLength: number | undefined): Kind {
  if (!CAN_RELOCATE) return 'shared'
  return maxByteLength === undefined ? 'relocated' : 'growable'
}

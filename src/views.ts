// Views of a mapping, and the classes that they may be of.

import { isProxy } from 'node:util/types'

/** A typed array, DataView or Buffer class, as `view()` takes it. */
export interface ViewConstructor<T extends ArrayBufferView> {
  readonly prototype: T
  readonly BYTES_PER_ELEMENT?: number
}

/** A buffer over the mapping, and by what Rust knows it. */
export interface View {
  readonly id: number
  readonly buffer: ArrayBufferLike
  /** What the user gets. Nothing is asked of it: its properties may have been defined anew. */
  readonly bytes: Uint8Array
  /** The same bytes, for our own use. */
  readonly own: Buffer
  /** How many they are, whatever has become of the buffer. */
  readonly length: number
  /** The same bytes, for several at a time; made when they are wanted, because hardly anybody does. */
  words: DataView | undefined
  /** Whether it is among those that `unmap()` takes the memory from. */
  isRemembered: boolean
}

/** The views of `length` bytes from `start` of a buffer. */
export function viewOf(id: number, buffer: ArrayBufferLike, start: number, length: number): View {
  const own: Buffer = Reflect.construct(Uint8Array, [buffer, start, length], Buffer)
  return {
    id,
    buffer,
    bytes: new Uint8Array(buffer, start, length),
    own,
    length,
    words: undefined,
    isRemembered: false,
  }
}

/** Bytes in an element, by view class. A DataView has no elements: it counts bytes. */
const ELEMENT_SIZES = new Map<unknown, number>([
  [DataView, 1],
  // In Jest's jsdom it extends the Uint8Array of another realm.
  [Buffer, 1],
])
for (const name of Object.getOwnPropertyNames(globalThis)) {
  // Not a list of names: runtimes have more and more of them.
  if (!/^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/.test(name)) continue
  const type: { BYTES_PER_ELEMENT: number } = Reflect.get(globalThis, name)
  ELEMENT_SIZES.set(type, type.BYTES_PER_ELEMENT)
}

/**
 * Bytes in an element of a view class, or of one that extends it; undefined for anything else. The class is not asked: it may say what is not
 * so. Nor is a proxy, which may do anything when it is asked what it extends.
 */
export function elementSize(type: unknown): number | undefined {
  for (let base = type; typeof base === 'function' && !isProxy(base); base = Object.getPrototypeOf(base)) {
    const size = ELEMENT_SIZES.get(base)
    if (size !== undefined) return size
  }
  return undefined
}

/** Whether it can be called with `new`. That is tried, through a proxy that runs nothing of it. */
export function isConstructor<T extends ArrayBufferView>(
  type: unknown,
): type is new (
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => T {
  if (ELEMENT_SIZES.has(type)) return true
  try {
    Reflect.construct(new Proxy(type as () => void, BUILDS_NOTHING), [])
    return true
  } catch {
    return false
  }
}

const BUILDS_NOTHING: ProxyHandler<() => void> = { construct: () => ({}) }

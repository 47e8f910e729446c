// Which classes `view()` accepts, and the types of views.

import { isProxy } from 'node:util/types'

/** A typed array, DataView or Buffer class, as `view()` accepts it. */
export interface ViewConstructor<T extends ArrayBufferView> {
  readonly prototype: T
  readonly BYTES_PER_ELEMENT?: number
}

/**
 * A view of some class over a mapping. Of an ArrayBuffer it is `Float64Array<ArrayBuffer>` and so
 * on, where TypeScript (5.7 and newer) knows that: the type that `slice()` of the class returns.
 */
export type ViewOver<T extends ArrayBufferView, TBuffer extends ArrayBufferLike> = [TBuffer] extends [SharedArrayBuffer]
  ? T & { readonly buffer: TBuffer }
  : [TBuffer] extends [ArrayBuffer]
    ? T extends { slice(): infer Copy }
      ? Copy extends T
        ? Copy
        : T & Copy
      : T & { readonly buffer: TBuffer }
    : T

/** What the constructor of a view takes. The length is in elements. */
type Extent = [buffer: ArrayBufferLike, byteOffset: number, length: number]

/** Bytes in an element, by view class. A DataView has no elements, so its length is in bytes. */
const ELEMENT_SIZES = new Map<unknown, number>([
  [DataView, 1],
  // In Jest's jsdom, Buffer extends the Uint8Array of another realm.
  [Buffer, 1],
])
for (const name of Object.getOwnPropertyNames(globalThis)) {
  // This is a pattern and not a list of names, because newer runtimes have more classes.
  if (!/^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/.test(name)) continue
  const type: { BYTES_PER_ELEMENT: number } = Reflect.get(globalThis, name)
  ELEMENT_SIZES.set(type, type.BYTES_PER_ELEMENT)
}

/**
 * Bytes in an element of a view class, or of a class that extends one; undefined for anything else.
 *
 * The class's own BYTES_PER_ELEMENT is not read, because a subclass can override it. The prototype
 * of a Proxy is not followed, because that runs the user's code.
 */
export function elementSize(type: unknown): number | undefined {
  for (let base = type; typeof base === 'function' && !isProxy(base); base = Object.getPrototypeOf(base)) {
    const size = ELEMENT_SIZES.get(base)
    if (size !== undefined) return size
  }
  return undefined
}

/**
 * Whether `type` is a constructor. `new` is applied to a Proxy of it whose `construct` trap returns
 * at once, so none of its code runs.
 */
export function isConstructor<T extends ArrayBufferView>(type: unknown): type is new (...args: Extent) => T {
  if (ELEMENT_SIZES.has(type)) return true
  try {
    Reflect.construct(new Proxy(type as () => void, BUILDS_NOTHING), [])
    return true
  } catch {
    return false
  }
}

const BUILDS_NOTHING: ProxyHandler<() => void> = { construct: () => ({}) }

/** Constructs a view. */
export function construct<T extends ArrayBufferView>(type: new (...args: Extent) => T, ...args: Extent): T {
  // Buffer is no class to be constructed, and Buffer.from reads properties of the ArrayBuffer.
  if ((type as unknown) === Buffer) return Reflect.construct(Uint8Array, args, Buffer)
  return new type(...args)
}

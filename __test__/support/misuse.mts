// Calls that the types forbid.

import { type Mmap, mmap } from 'memmap'

/** `mmap(...args)`, for arguments that are wrong on purpose. */
export function mmapWith(...args: unknown[]): unknown {
  return Reflect.apply(mmap, undefined, args)
}

/** `map[method](...args)`, for arguments that are wrong on purpose. */
export function callWith(map: Mmap, method: keyof Mmap, ...args: unknown[]): unknown {
  const member: unknown = map[method]
  if (typeof member !== 'function') throw new Error(`${String(method)} is no method`)
  return Reflect.apply(member, map, args)
}

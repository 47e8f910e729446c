// What a mapping is to those who take any object: compare it, clone it, convert it.

const IDENTITY = Symbol('memmap.identity')
let mappings = 0
let markAsUncloneable: ((object: object) => void) | undefined | null = null

/**
 * Makes an object equal to itself only, and one that cannot be cloned. All that a mapping has is
 * private, so that to `assert.deepStrictEqual` two of them would be alike, and `structuredClone`
 * and `postMessage` would give an empty object.
 */
export function giveIdentity(object: object): void {
  mappings += 1
  // They compare properties that can be enumerated, also those with a symbol as their name.
  Reflect.set(object, IDENTITY, mappings)
  if (markAsUncloneable === null) markAsUncloneable = uncloneableMark()
  markAsUncloneable?.(object)
}

/**
 * Node 22.10 and newer, Bun and Deno have it. It is asked for with the first mapping, and not
 * where there is none, because the module takes 2 ms to load.
 */
function uncloneableMark(): ((object: object) => void) | undefined {
  if (Number.parseInt(process.versions.node, 10) < 22) return undefined
  const threads: { markAsUncloneable?: (object: object) => void } = require('node:worker_threads')
  return threads.markAsUncloneable
}

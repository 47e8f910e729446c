// The identity of a mapping: what comparisons and clones do with the object.

const IDENTITY = Symbol('memmap.identity')
let mappings = 0
let markAsUncloneable: ((object: object) => void) | undefined | null = null

/**
 * Makes an object equal to itself only, and impossible to clone. A mapping has private fields only.
 * So `assert.deepStrictEqual` would find any two of them equal, and `structuredClone` and
 * `postMessage` would produce an empty object.
 */
export function giveIdentity(object: object): void {
  mappings += 1
  // Comparisons read enumerable properties, including those named by a symbol.
  Reflect.set(object, IDENTITY, mappings)
  if (markAsUncloneable === null) markAsUncloneable = uncloneableMark()
  markAsUncloneable?.(object)
}

/**
 * `markAsUncloneable` of Node 22.10 and newer, Bun and Deno; otherwise undefined. It is looked up
 * with the first mapping, because the module takes 2 ms to load.
 */
function uncloneableMark(): ((object: object) => void) | undefined {
  if (Number.parseInt(process.versions.node, 10) < 22) return undefined
  const threads: { markAsUncloneable?: (object: object) => void } = require('node:worker_threads')
  return threads.markAsUncloneable
}

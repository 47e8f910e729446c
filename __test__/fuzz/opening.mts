// Files and options for mmap(), plausible or not.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { types } from 'node:util'
import fc from 'fast-check'
import { MAP_PRIVATE, MAP_SHARED, PAGESIZE } from 'memmap'
import { actingProxy, anyString, anything, lie, resizable, withLies } from './arguments.mjs'
import { act, action, constant, isTooMuch, MIB, Recipe, type World } from './world.mjs'

/** Replaces lengths that would use too much disk and memory. */
function limited(arbitrary: fc.Arbitrary<Recipe>): fc.Arbitrary<Recipe> {
  return arbitrary.map(
    ({ text, make }) =>
      new Recipe(text, (world) => {
        const value = make(world)
        return isTooMuch(value) ? MIB : value
      }),
  )
}

/** Replaces paths and descriptors, so that only files of this test are opened and created. */
function harmless(value: unknown, { fd, path }: World): unknown {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value < MIB ? fd : value
  if (typeof value === 'string') return value.startsWith(path) ? value : value.replaceAll(/[\\/:]|\.\./g, '_')
  if (!types.isUint8Array(value)) return value
  try {
    return Uint8Array.prototype.includes.call(value, 47) ? undefined : value
  } catch {
    // It is detached.
    return value
  }
}

function pathBytes(world: World): Buffer {
  return Buffer.from(world.path)
}

export const file = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      constant(-1),
      new Recipe('the path', (world) => world.path),
      new Recipe('a path that is missing', (world) => `${world.path}-missing`),
      new Recipe('a path below the file', (world) => join(world.path, 'x')),
      new Recipe('the descriptor', (world) => world.fd),
      constant(2 ** 31 - 1),
      new Recipe('the path, as a Buffer', pathBytes),
      new Recipe('the path, in a resizable ArrayBuffer', (world) => {
        const path = pathBytes(world)
        const bytes = new Uint8Array(resizable(world, path.length))
        bytes.set(path)
        return bytes
      }),
      new Recipe('the path, as a URL', (world) => pathToFileURL(world.path)),
      constant(new URL('https://example.org/file')),
      constant(new URL('file://host/file')),
      constant(new URL('file:///a%2fb')),
      constant(new URL('file:///%ff')),
      constant(new URL('file:///%00')),
      new Recipe('a FileHandle', ({ fd }) => ({ fd, stat() {} })),
      new Recipe('a closed FileHandle', () => ({ fd: -1, stat() {} })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(action, lie)
      .map(
        ([does, lie]) =>
          new Recipe(`the path, in bytes with lies (${does}; ${lie.text})`, (world) =>
            withLies(world, pathBytes(world), does, lie),
          ),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(action, lie)
      .map(
        ([does, lie]) =>
          new Recipe(`a FileHandle with lies (${does}; ${lie.text})`, (world) =>
            withLies(world, { stat() {} }, does, lie),
          ),
      ),
  },
  {
    weight: 1,
    arbitrary: action.map(
      (does) =>
        new Recipe(`a proxy of a FileHandle that does ${does}`, (world) =>
          actingProxy(world, { fd: world.fd, stat() {} }, does),
        ),
    ),
  },
  { weight: 1, arbitrary: anything.map(({ text, make }) => new Recipe(text, (world) => harmless(make(world), world))) },
)

/** Mostly what is allowed, so that there is a mapping in the end. */
function mostly(arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<Recipe> {
  return fc.oneof({ weight: 9, arbitrary: arbitrary.map(constant) }, { weight: 1, arbitrary: anything })
}

export const extent = limited(mostly(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * PAGESIZE }))))

/** What the names of shared memory that these tests create begin with. */
export const SHM_PREFIX = `hostile-${process.pid}-`

const optionValues = {
  access: mostly(fc.integer({ min: 0, max: 3 })),
  offset: extent,
  tagname: fc.oneof(anyString, anything).map(
    ({ text, make }) =>
      new Recipe(text, (world) => {
        const tag = make(world)
        return typeof tag === 'string' && tag !== '' ? `hostile-${process.pid}-${tag}` : tag
      }),
  ),
  shm: fc.oneof(anyString, fc.constantFrom('/', '.', '..', '', '/a/b').map(constant), anything).map(
    ({ text, make }) =>
      new Recipe(text, (world) => {
        const name = make(world)
        return typeof name === 'string' && !/^\/?\.{0,2}$/.test(name) ? SHM_PREFIX + name : name
      }),
  ),
  flags: mostly(fc.oneof(fc.constantFrom(MAP_SHARED, MAP_PRIVATE), fc.integer())),
  prot: mostly(fc.integer({ min: 0, max: 7 })),
  trackfd: mostly(fc.boolean()),
  create: fc.oneof(
    mostly(fc.boolean()),
    fc.record({ mode: mostly(fc.integer({ min: 0, max: 0o7777 })), exclusive: mostly(fc.boolean()) }).map(
      ({ mode, exclusive }) =>
        new Recipe(`{ mode: ${mode.text}, exclusive: ${exclusive.text} }`, (world) => ({
          mode: mode.make(world),
          exclusive: exclusive.make(world),
        })),
    ),
  ),
  writeBack: mostly(fc.boolean()),
  allowEmpty: mostly(fc.boolean()),
  sharedArrayBuffer: fc.oneof(
    mostly(fc.boolean()),
    extent.map(
      ({ text, make }) => new Recipe(`{ maxByteLength: ${text} }`, (world) => ({ maxByteLength: make(world) })),
    ),
  ),
}

// No property is read here: it may have a getter.
const STYLES = {
  plain: (values: object) => values,
  frozen: (values: object) => Object.freeze(values),
  inherited: (values: object) => Object.create(values),
  'without a prototype': (values: object) => Object.setPrototypeOf(values, null),
  'with a misspelt name': (values: object) => Object.defineProperty(values, 'acess', { value: 1, enumerable: true }),
  'with a symbol': (values: object) => Object.defineProperty(values, Symbol('hostile'), { value: 1, enumerable: true }),
  'with a property that is not enumerable': (values: object) => Object.defineProperty(values, 'hidden', { value: 1 }),
} as const

function valuesOf(names: (keyof typeof optionValues)[]): fc.Arbitrary<Record<string, Recipe>> {
  return fc.record(Object.fromEntries(names.map((name) => [name, optionValues[name]])))
}

export const options = fc
  .tuple(
    fc.subarray(Object.keys(optionValues) as (keyof typeof optionValues)[], { maxLength: 3 }).chain(valuesOf),
    fc.constantFrom(...(Object.keys(STYLES) as (keyof typeof STYLES)[])),
    fc.constantFrom('values', 'getters', 'proxy'),
    action,
  )
  .map(([recipes, style, how, does]) => {
    const entries = Object.entries(recipes)
    const text = `{ ${entries.map(([name, { text }]) => `${name}: ${text}`).join(', ')} }`
    return new Recipe(`${text} (${style}, ${how}, ${does})`, (world) => {
      const values = {}
      for (const [name, recipe] of entries) {
        const value = recipe.make(world)
        const get = (): unknown => {
          act(world, does)
          return value
        }
        const property = how === 'getters' ? { get } : { value, writable: true }
        Object.defineProperty(values, name, { ...property, enumerable: true, configurable: true })
      }
      const styled: object = STYLES[style](values)
      return how === 'proxy' ? actingProxy(world, styled, does) : styled
    })
  })

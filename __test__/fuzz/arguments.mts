// Arguments of every kind: numbers, objects that act while they are inspected, bytes that lie or
// change, and view classes.

import { runInNewContext, runInThisContext } from 'node:vm'
import fc from 'fast-check'
import { type Mmap, PAGESIZE } from 'memmap'
import { pattern } from '../support/portable.mjs'
import { TYPED_ARRAYS } from '../support/typed-arrays.mjs'
import { type Action, act, action, constant, FILE_LENGTH, judged, Recipe, type World } from './world.mjs'

// --- Values and objects

export const INTERESTING = [
  0,
  1,
  7,
  8,
  255,
  256,
  PAGESIZE - 1,
  PAGESIZE,
  PAGESIZE + 1,
  FILE_LENGTH - 1,
  FILE_LENGTH,
  FILE_LENGTH + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
  Number.MAX_VALUE,
]

export const anyNumber = fc
  .oneof(
    fc.constantFrom(...INTERESTING, ...INTERESTING.map((number) => -number)),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.5, -1.5, Number.MIN_VALUE),
    fc.integer({ min: -FILE_LENGTH, max: FILE_LENGTH }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
  )
  .map(constant)

const anyBigint = fc
  .oneof(
    fc.constantFrom(...INTERESTING.flatMap((number) => [BigInt(number), -BigInt(number)])),
    fc.constantFrom(2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 200n),
    fc.bigInt(),
  )
  .map(constant)

export const anyString = fc
  .oneof(
    fc.constantFrom('', '\0', 'a\0b', '\ud800', '\udc00\ud800', 'x'.repeat(5000), '-1', '0', '[object Object]'),
    fc.string({ unit: 'binary' }),
    fc.string(),
  )
  .map(constant)

const plainObject = fc.constantFrom(
  constant(undefined),
  constant(null),
  constant(true),
  constant(false),
  constant(Symbol('hostile')),
  constant(Symbol.iterator),
  new Recipe('() => {}', () => () => {}),
  new Recipe('class {}', () => class {}),
  new Recipe('{}', () => ({})),
  new Recipe('Object.create(null)', () => Object.create(null)),
  new Recipe('Object.freeze({})', () => Object.freeze({})),
  new Recipe('[]', () => []),
  new Recipe('[1, 2]', () => [1, 2]),
  new Recipe('{ length: 2, 0: 1, 1: 2 }', () => ({ length: 2, 0: 1, 1: 2 })),
  new Recipe('new Date(0)', () => new Date(0)),
  new Recipe('new Number(1)', () => new Number(1)),
  new Recipe('Object(1n)', () => Object(1n)),
  new Recipe('new String("s")', () => new String('s')),
  new Recipe('/s/', () => /s/),
  new Recipe('new Map()', () => new Map()),
  new Recipe('Promise.resolve()', () => Promise.resolve()),
  new Recipe('AbortSignal.abort()', () => AbortSignal.abort()),
  new Recipe('the map', (world) => world.map),
  new Recipe('another map', (world) => world.other),
  new Recipe('a closed map', (world) => world.closed),
  new Recipe('Object.create(Uint8Array.prototype)', () => Object.create(Uint8Array.prototype)),
  new Recipe('Object.create(URL.prototype)', () => Object.create(URL.prototype)),
  new Recipe('a revoked proxy', () => revoked({})),
  new Recipe('a revoked proxy of a function', () => revoked(() => {})),
)

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** A proxy whose traps all act, and then do what its target would do. */
export function actingProxy<T extends object>(world: World, target: T, does: Action): T {
  const handler: ProxyHandler<T> = {}
  for (const trap of Object.getOwnPropertyNames(Reflect)) {
    const answer: unknown = Reflect.get(Reflect, trap)
    if (typeof answer !== 'function') continue
    Reflect.set(handler, trap, (...args: unknown[]) => {
      act(world, does)
      return Reflect.apply(answer, Reflect, args)
    })
  }
  return new Proxy(target, handler)
}

const LIES = ['buffer', 'byteOffset', 'byteLength', 'length', 'BYTES_PER_ELEMENT', 'constructor', 'name', 'fd'] as const

/** Defines properties that act before they lie. */
export function withLies<T extends object>(world: World, target: T, does: Action, lie: Recipe): T {
  for (const name of LIES) {
    const isFixed = Object.getOwnPropertyDescriptor(target, name)?.configurable === false
    if (isFixed) continue
    Object.defineProperty(target, name, {
      configurable: true,
      get() {
        act(world, does)
        return lie.make(world)
      },
    })
  }
  return target
}

export const lie = fc.constantFrom(
  constant(0),
  constant(-1),
  constant(0.5),
  constant(Number.NaN),
  constant(2 ** 40),
  constant(5n),
  constant('x'),
  constant(undefined),
  constant({ [Symbol.species]: Float64Array }),
  new Recipe('new ArrayBuffer(8)', () => new ArrayBuffer(8)),
  new Recipe('the buffer of another map', (world) => world.other.buffer),
)

const actingObject = fc.oneof(
  action.map(
    (does) =>
      new Recipe(`{ valueOf() { ${does} }, ... }`, (world) => {
        const convert = (): number => {
          act(world, does)
          return 3
        }
        return { valueOf: convert, toString: convert, [Symbol.toPrimitive]: convert, toJSON: convert }
      }),
  ),
  fc
    .tuple(action, lie)
    .map(
      ([does, lie]) => new Recipe(`{ get length() { ${does}; ${lie.text} }, ... }`, (w) => withLies(w, {}, does, lie)),
    ),
  fc
    .tuple(action, lie)
    .map(
      ([does, lie]) => new Recipe(`() => {} with lies (${does}; ${lie.text})`, (w) => withLies(w, () => {}, does, lie)),
    ),
  fc
    .tuple(
      action,
      fc.constantFrom<() => object>(
        () => ({}),
        () => [],
        () => () => {},
        () => new Uint8Array(8),
        () => class {},
      ),
    )
    .map(
      ([does, target]) => new Recipe(`a proxy that does ${does} of ${target}`, (w) => actingProxy(w, target(), does)),
    ),
)

// --- Bytes of every kind

export function resizable(world: World, length: number): ArrayBuffer {
  const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [length, { maxByteLength: 2 * length }])
  new Uint8Array(buffer).set(pattern(length))
  world.resizable.push({ resize: (to) => Reflect.apply(Reflect.get(buffer, 'resize'), buffer, [to]) })
  return buffer
}

function growable(world: World, length: number): SharedArrayBuffer {
  const buffer: SharedArrayBuffer = Reflect.construct(SharedArrayBuffer, [length, { maxByteLength: 2 * length }])
  let grown = false
  world.resizable.push({
    resize() {
      if (!grown) Reflect.apply(Reflect.get(buffer, 'grow'), buffer, [2 * length])
      grown = true
    },
  })
  return buffer
}

function detached<T extends ArrayBuffer | ArrayBufferView>(data: T): T {
  const buffer = (ArrayBuffer.isView(data) ? data.buffer : data) as ArrayBuffer
  structuredClone(buffer, { transfer: [buffer] })
  return data
}

const honestBytes = fc.oneof(
  fc
    .tuple(fc.constantFrom(...TYPED_ARRAYS), fc.nat(40))
    .map(
      ([type, length]) =>
        new Recipe(`new ${type.name}(${length})`, () =>
          Reflect.construct(type, [pattern(length * type.BYTES_PER_ELEMENT).buffer]),
        ),
    ),
  fc.nat(100).map((length) => new Recipe(`pattern(${length})`, () => pattern(length))),
  fc.nat(40).map((length) => new Recipe(`new SharedArrayBuffer(${length})`, () => new SharedArrayBuffer(length))),
  fc.constantFrom(
    new Recipe('as many bytes as the file', () => pattern(FILE_LENGTH)),
    new Recipe('more bytes than the file', () => pattern(2 * FILE_LENGTH)),
    new Recipe('new ArrayBuffer(9)', () => new ArrayBuffer(9)),
    new Recipe('new DataView(.., 3)', () => new DataView(new ArrayBuffer(9), 3)),
    new Recipe('bytes of another realm', () => runInNewContext('new Uint8Array([1, 2, 3])')),
    new Recipe('an ArrayBuffer of another realm', () => runInNewContext('new ArrayBuffer(3)')),
    new Recipe('the memory of WebAssembly', () => runInNewContext('new WebAssembly.Memory({ initial: 1 }).buffer')),
  ),
)

const movingBytes = fc.constantFrom(
  new Recipe('detached bytes', () => detached(new Uint8Array(8))),
  new Recipe('a detached Float64Array', () => detached(new Float64Array(8))),
  new Recipe('a detached DataView', () => detached(new DataView(new ArrayBuffer(8)))),
  new Recipe('a detached ArrayBuffer', () => detached(new ArrayBuffer(8))),
  new Recipe('a resizable ArrayBuffer', (world) => resizable(world, 64)),
  new Recipe('bytes as long as a resizable ArrayBuffer', (world) => new Uint8Array(resizable(world, 64))),
  new Recipe('a DataView as long as a resizable ArrayBuffer', (world) => new DataView(resizable(world, 64), 8)),
  new Recipe('bytes in a resizable ArrayBuffer', (world) => new Uint8Array(resizable(world, 64), 8, 16)),
  new Recipe('a DataView of what was there of a resizable ArrayBuffer', (world) => {
    const view = new DataView(resizable(world, 64), 8, 16)
    world.resizable.at(-1)?.resize(1)
    return view
  }),
  new Recipe('bytes of what was there of a resizable ArrayBuffer', (world) => {
    const bytes = new Uint16Array(resizable(world, 64), 8, 16)
    world.resizable.at(-1)?.resize(1)
    return bytes
  }),
  new Recipe('a growable SharedArrayBuffer', (world) => growable(world, 64)),
  new Recipe('bytes as long as a growable SharedArrayBuffer', (world) => new Uint8Array(growable(world, 64), 8)),
)

function ofMap(text: string, make: (map: Mmap) => unknown): Recipe {
  // The map may be closed by now. Then the argument is undefined, which is an argument, too.
  return new Recipe(text, (world) => judged(world, () => make(world.map)))
}

const mappedBytes = fc.constantFrom(
  ofMap('map.bytes', (map) => map.bytes),
  ofMap('map.buffer', (map) => map.buffer),
  ofMap('map.view(Buffer, 5, 45)', (map) => map.view(Buffer, 5, 45)),
  ofMap('map.view(DataView, 3, 9)', (map) => map.view(DataView, 3, 9)),
  ofMap('map.view(Uint16Array, 0, 4)', (map) => map.view(Uint16Array, 0, 4)),
  new Recipe('the bytes of another map', (world) => world.other.bytes),
)

class Speciously extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    throw new Error('nobody is to ask for the species')
  }
}

const lyingBytes = fc.oneof(
  fc.constant(new Recipe('bytes with a species', () => new Speciously(16))),
  fc
    .tuple(
      action,
      lie,
      fc.constantFrom<() => object>(
        () => new Uint8Array(16),
        () => pattern(16),
        () => new Float64Array(2),
        () => new DataView(new ArrayBuffer(16)),
        () => new ArrayBuffer(16),
        () => new SharedArrayBuffer(16),
      ),
    )
    .map(
      ([does, lie, target]) =>
        new Recipe(`${target} with lies (${does}; ${lie.text})`, (w) => withLies(w, target(), does, lie)),
    ),
  fc
    .tuple(action, lie)
    .map(
      ([does, lie]) =>
        new Recipe(`map.bytes with lies (${does}; ${lie.text})`, (world) =>
          judged(world, () => withLies(world, world.map.bytes, does, lie)),
        ),
    ),
  fc
    .tuple(action, lie)
    .map(
      ([does, lie]) =>
        new Recipe(`map.buffer with lies (${does}; ${lie.text})`, (world) =>
          judged(world, () => withLies(world, world.map.buffer, does, lie)),
        ),
    ),
)

export const bytes = fc.oneof(honestBytes, movingBytes, mappedBytes, lyingBytes, anyString)

// --- View classes of every kind

/** A class that acts before and after `super()`. It may throw what the engine throws in there. */
function actingClass(world: World, does: Action): unknown {
  return class extends Uint16Array {
    constructor(buffer: ArrayBuffer, byteOffset: number, length: number) {
      act(world, does)
      try {
        super(buffer, byteOffset, length)
      } catch (error) {
        world.thrown.add(error)
        throw error
      }
      act(world, does)
    }
  }
}

export const viewClass = fc.oneof(
  fc.constantFrom<unknown[]>(...TYPED_ARRAYS, DataView, Buffer, Array, Object.getPrototypeOf(Uint8Array)).map(constant),
  fc.constantFrom(
    // No class extends Buffer, whose deprecated constructor in Node throws undocumented errors.
    // TypeScript's DataView, a generic class, cannot be extended.
    new Recipe('a class that extends DataView', () => runInThisContext('(class extends DataView {})')),
    new Recipe('() => {} that inherits from Uint8Array', () => Object.setPrototypeOf(() => {}, Uint8Array)),
    new Recipe('a function that inherits from Uint8Array', () => Object.setPrototypeOf(function f() {}, Uint8Array)),
    new Recipe('Uint8Array.bind()', () => Uint8Array.bind(undefined)),
    new Recipe('Uint8Array of another realm', () => runInNewContext('Uint8Array')),
  ),
  action.map((does) => new Recipe(`a class that does ${does}`, (world) => actingClass(world, does))),
  action.map(
    (does) => new Recipe(`a proxy of a class that does ${does}`, (world) => actingProxy(world, Uint8Array, does)),
  ),
  fc
    .tuple(action, lie)
    .map(
      ([does, lie]) =>
        new Recipe(`a class with lies (${does}; ${lie.text})`, (world) =>
          withLies(world, class extends Float64Array {}, does, lie),
        ),
    ),
)

export const anything = fc.oneof(anyNumber, anyBigint, anyString, plainObject, actingObject, bytes, viewClass)

// Everything called with everything: arguments that no type allows, objects that close the mapping while they are looked at,
// buffers that lie. What may come of it is a value or an error with a documented code, and a process that lives.
//
// HOSTILE_SEED repeats a run, HOSTILE_RUNS says how many sequences each kind of mapping gets, and with HOSTILE_TRACE=1 each call is
// written to stderr before it is made, for when the process does not live to tell.

import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { inspect, types } from 'node:util'
import { runInNewContext, runInThisContext } from 'node:vm'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  ACCESS_COPY,
  ACCESS_READ,
  ACCESS_WRITE,
  type ErrorCode,
  MAP_PRIVATE,
  MAP_SHARED,
  Mmap,
  type MmapOptions,
  mmap,
  PAGESIZE,
  PROT_READ,
  PROT_WRITE,
} from 'memmap'
import { mmapWith } from './support/misuse.mjs'
import { pattern, scratchFolder } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'
import { TYPED_ARRAYS } from './support/typed-arrays.mjs'

const test = ava.serial

const RUNS = Number(process.env.HOSTILE_RUNS ?? 150)
const TRACE = process.env.HOSTILE_TRACE === '1'

const FILE_LENGTH = 3 * PAGESIZE + 123
const MIB = 2 ** 20
// What a call may ask of disk and memory. Beyond it is only what no machine has.
const MOST = 64 * MIB
const MORE_THAN_ANY_MACHINE = 2 ** 52

// First, so that it has been said when the process does not live to tell.
test('the seed of the tests that follow', (t) => {
  t.log(`HOSTILE_SEED=${SEED} HOSTILE_RUNS=${RUNS}`)
  t.pass()
})

// --- What a call may end with

// Typed so that a code which is added to the package is missing here. What loading the package ends with, no call does, and no
// permission is asked for here.
const CODES: Record<Exclude<ErrorCode, 'ERR_MMAP_BINDING' | 'ERR_ACCESS_DENIED'>, true> = {
  ABORT_ERR: true,
  ERR_INVALID_ARG_TYPE: true,
  ERR_INVALID_ARG_VALUE: true,
  ERR_INVALID_FILE_URL_HOST: true,
  ERR_INVALID_FILE_URL_PATH: true,
  ERR_INVALID_URL_SCHEME: true,
  ERR_MMAP_CLOSED: true,
  ERR_MMAP_FAULT: true,
  ERR_MMAP_NO_VIEW: true,
  ERR_MMAP_READONLY: true,
  ERR_MMAP_UNSUPPORTED: true,
  ERR_MMAP_VIEW_TOO_LARGE: true,
  ERR_OUT_OF_RANGE: true,
}

function isDocumented(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  if (Object.hasOwn(CODES, error.code)) return true
  return (
    /^E[A-Z0-9]+$/.test(error.code) &&
    'errno' in error &&
    Number.isInteger(error.errno) &&
    'syscall' in error &&
    typeof error.syscall === 'string'
  )
}

// --- The world that a sequence of calls runs in

interface World {
  /** What is called. */
  map: Mmap
  /** Open, and of other memory. */
  other: Mmap
  closed: Mmap
  /** A file that is there for being opened. */
  path: string
  fd: number
  /** What the arguments themselves have thrown; that may come out of a call as it is. */
  thrown: Set<unknown>
  /** Of the arguments that were made so far: they may shrink at any time. */
  resizable: { resize(length: number): void }[]
  iterators: Iterator<unknown>[]
  /** That are running, or were. They come to an {@link Undocumented}, or to anything else. */
  tasks: Promise<unknown>[]
  /** What was handed out, or was an argument. */
  views: object[]
  /** To how many bytes the map was resized, if it was. */
  resizedTo: number | undefined
  /** What is mapped may have become more of the file. */
  isRemapped: boolean
  /** How deep arguments call methods while they are looked at. */
  depth: number
}

/** An argument before there is a world to make it in. */
class Recipe {
  constructor(
    readonly text: string,
    readonly make: (world: World) => unknown,
  ) {}

  [fc.toStringMethod](): string {
    return this.text
  }
}

function constant(value: unknown): Recipe {
  return new Recipe(inspect(value), () => value)
}

/** Runs `call` and says whether what it threw may be thrown. */
function judged(world: World, call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    if (!world.thrown.has(error) && !isDocumented(error)) throw new Undocumented(error)
    return undefined
  }
}

class Undocumented extends Error {
  constructor(cause: unknown) {
    super(`not a documented error: ${inspect(cause)}`, { cause })
  }
}

function invoke(world: World, map: Mmap, method: PropertyKey, args: unknown[]): unknown {
  if (isOffLimits(method, args)) return undefined
  const member: unknown = Reflect.get(map, method)
  if (typeof member !== 'function') return member
  const result: unknown = Reflect.apply(member, map, args)
  if (method === 'resize' && map === world.map) world.resizedTo = map.length
  if (method === 'remap' && map === world.map) world.isRemapped = true
  return result
}

// MADV_REMOVE cuts holes into the file, and the other two take memory away from the machine for good.
const OFF_LIMITS_ADVICE: unknown[] = [9, 100, 101]

function isOffLimits(method: PropertyKey, [first]: unknown[]): boolean {
  if (method === 'madvise') return OFF_LIMITS_ADVICE.includes(first)
  return method === 'resize' && isTooMuch(first)
}

function isTooMuch(length: unknown): boolean {
  const bytes = typeof length === 'bigint' ? Number(length) : length
  return typeof bytes === 'number' && bytes > MOST && bytes < MORE_THAN_ANY_MACHINE
}

// --- What an argument does while it is looked at

const ACTIONS = {
  nothing() {},
  throws(world: World) {
    const error = { thrown: 'by an argument' }
    world.thrown.add(error)
    throw error
  },
  close: (world: World) => invoke(world, world.map, 'close', []),
  unmap: (world: World) => invoke(world, world.map, 'unmap', []),
  shrink: (world: World) => invoke(world, world.map, 'resize', [1]),
  grow: (world: World) => invoke(world, world.map, 'resize', [5 * PAGESIZE + 1]),
  write: (world: World) => invoke(world, world.map, 'setAt', [0, 1]),
  seek: (world: World) => invoke(world, world.map, 'seek', [0, 2]),
  protect: (world: World) => invoke(world, world.map, 'protect', [PROT_READ]),
  unprotect: (world: World) => invoke(world, world.map, 'protect', [PROT_READ | PROT_WRITE]),
  view: (world: World) => invoke(world, world.map, 'bytes', []),
  growBuffer(world: World) {
    const buffer: unknown = invoke(world, world.map, 'buffer', [])
    if (!types.isSharedArrayBuffer(buffer) || !buffer.growable) return
    Reflect.apply(SharedArrayBuffer.prototype.grow, buffer, [buffer.maxByteLength])
  },
  shrinkBuffers(world: World) {
    for (const buffer of world.resizable) buffer.resize(1)
  },
}

type Action = keyof typeof ACTIONS

function act(world: World, action: Action): void {
  // An argument that is looked at by a call that it makes itself is quiet.
  if (world.depth >= 2) return
  world.depth += 1
  try {
    // What the user's own code throws here is told apart from what the call throws in the end by identity.
    if (action === 'throws') ACTIONS.throws(world)
    else judged(world, () => ACTIONS[action](world))
  } finally {
    world.depth -= 1
  }
}

const action = fc.constantFrom(...(Object.keys(ACTIONS) as Action[]))

// --- Arguments of every kind

const INTERESTING = [
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

const anyNumber = fc
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

const anyString = fc
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

/** A proxy that acts whatever is asked of it, and answers then as its target does. */
function actingProxy<T extends object>(world: World, target: T, does: Action): T {
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
function withLies<T extends object>(world: World, target: T, does: Action, lie: Recipe): T {
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

const lie = fc.constantFrom(
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

function resizable(world: World, length: number): ArrayBuffer {
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
  // The map may be closed by now: then it is nothing, which is an argument too.
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

const bytes = fc.oneof(honestBytes, movingBytes, mappedBytes, lyingBytes, anyString)

// --- View classes of every kind

/** A class that acts before and after it is constructed. What the engine throws in there is thrown by the class. */
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

const viewClass = fc.oneof(
  fc.constantFrom<unknown[]>(...TYPED_ARRAYS, DataView, Buffer, Array, Object.getPrototypeOf(Uint8Array)).map(constant),
  fc.constantFrom(
    // None that extends Buffer: what that constructs is Node's deprecated Buffer(), which throws what it likes.
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

const anything = fc.oneof(anyNumber, anyBigint, anyString, plainObject, actingObject, bytes, viewClass)

// --- Calls

/** Where a position may be, so that not every call ends at its first check. */
const position = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -60, max: 60 }).map(constant) },
  { weight: 2, arbitrary: fc.constantFrom(...INTERESTING.slice(0, 12), -1, -PAGESIZE).map(constant) },
  { weight: 1, arbitrary: fc.constant(constant(undefined)) },
  { weight: 1, arbitrary: anything },
)
const option = fc.oneof(fc.integer({ min: 0, max: 30 }).map(constant), anything)
const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 * PAGESIZE }).map(constant) },
  { weight: 1, arbitrary: fc.constantFrom(BigInt(PAGESIZE), MIB, 5000n).map(constant) },
  { weight: 1, arbitrary: anything },
)

// What a task may be told. Signals are aborted already, or while the task runs, or never.
const taskOption = fc.oneof(
  { weight: 3, arbitrary: fc.constant(constant(undefined)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      new Recipe('{ signal: AbortSignal.abort() }', () => ({ signal: AbortSignal.abort() })),
      new Recipe('{ signal: aborted at once }', () => {
        const controller = new AbortController()
        queueMicrotask(() => controller.abort())
        return { signal: controller.signal }
      }),
      new Recipe('{ signal: Object.create(AbortSignal.prototype) }', () => ({
        signal: Object.create(AbortSignal.prototype),
      })),
      new Recipe('{ signal: new EventTarget() }', () => ({ signal: new EventTarget() })),
      new Recipe('{ sginal: undefined }', () => ({ sginal: undefined })),
    ),
  },
  {
    weight: 2,
    arbitrary: action.map(
      (does) => new Recipe(`{ onProgress() { ${does} } }`, (world) => ({ onProgress: () => act(world, does) })),
    ),
  },
  {
    weight: 2,
    arbitrary: action.map(
      (does) =>
        new Recipe(`{ get signal() { ${does} }, ... }`, (world) => ({
          get signal() {
            return act(world, does)
          },
          get onProgress() {
            return act(world, does)
          },
        })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(action, lie).map(
      ([does, lie]) =>
        new Recipe(`{ signal: an AbortSignal with lies (${does}; ${lie.text}) }`, (world) => {
          const { signal } = new AbortController()
          for (const name of ['aborted', 'reason', 'addEventListener', 'removeEventListener']) {
            Object.defineProperty(signal, name, {
              get() {
                act(world, does)
                return lie.make(world)
              },
            })
          }
          return { signal }
        }),
    ),
  },
  { weight: 1, arbitrary: anything },
)
const encoding = fc.oneof(
  fc.constantFrom(undefined, 'utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64').map(constant),
  anything,
)
const chunkSize = fc.oneof(fc.integer({ min: 1, max: 2 * PAGESIZE }).map(constant), position)
const streamOption = fc.tuple(position, position, chunkSize).map(
  ([start, stop, size]) =>
    new Recipe(`{ start: ${start.text}, stop: ${stop.text}, chunkSize: ${size.text} }`, (w) => ({
      start: start.make(w),
      stop: stop.make(w),
      chunkSize: size.make(w),
    })),
)
const linesOption = fc.oneof(
  { weight: 2, arbitrary: fc.constant(constant(undefined)) },
  {
    weight: 4,
    arbitrary: fc.tuple(position, position).map(
      ([start, stop]) =>
        new Recipe(`{ start: ${start.text}, stop: ${stop.text} }`, (w) => ({
          start: start.make(w),
          stop: stop.make(w),
        })),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(position, fc.constantFrom('utf8', 'latin1', undefined), fc.boolean(), fc.boolean()).map(
      ([start, encoding, crlf, reverse]) =>
        new Recipe(`{ start: ${start.text}, encoding: ${encoding}, crlf: ${crlf}, reverse: ${reverse} }`, (w) => ({
          start: start.make(w),
          encoding,
          crlf,
          reverse,
        })),
    ),
  },
  {
    weight: 1,
    arbitrary: action.map(
      (does) =>
        new Recipe(`{ get start() { ${does} } }`, (world) => ({
          get start() {
            return act(world, does)
          },
        })),
    ),
  },
  { weight: 1, arbitrary: anything },
)
const stylizing = fc.constantFrom(
  constant(undefined),
  constant(null),
  constant({}),
  new Recipe('{ get stylize() {} }', (world) => ({
    get stylize() {
      return act(world, 'unmap')
    },
  })),
)

/** What methods take. One that is missing here gets anything. */
const PLAUSIBLE: Record<string, fc.Arbitrary<Recipe>[]> = {
  view: [viewClass, position, position],
  read: [position],
  write: [bytes],
  writeByte: [position],
  seek: [position, position],
  at: [position],
  setAt: [position, position],
  slice: [position, position, position],
  setSlice: [bytes, position, position, position],
  move: [position, position, position],
  fill: [fc.oneof(position, bytes), position, position],
  find: [bytes, position, position],
  rfind: [bytes, position, position],
  indexOf: [fc.oneof(position, bytes), position],
  lastIndexOf: [fc.oneof(position, bytes), position],
  includes: [fc.oneof(position, bytes), position],
  findAll: [bytes, position, position],
  count: [bytes, position, position],
  replaceAll: [bytes, bytes, position, position],
  lines: [linesOption],
  lineAt: [position],
  toString: [encoding, position, position],
  valueOf: [],
  arrayBuffer: [position, position],
  set: [bytes, position],
  stream: [fc.oneof(streamOption, anything)],
  findAsync: [bytes, position, position, taskOption],
  countAsync: [bytes, position, position, taskOption],
  replaceAllAsync: [bytes, bytes, position, position, taskOption],
  flush: [position, position, option],
  flushAsync: [position, position, taskOption],
  prefetch: [position, position, taskOption],
  resize: [size],
  remap: [size],
  madvise: [option, position, position],
  protect: [option],
  mlock: [position, position],
  munlock: [position, position],
  resident: [position, position],
}

/** As many bytes as the slice has. */
const fitting = fc.tuple(fc.nat(30), fc.nat(20), fc.constantFrom(1, 2, 9, -1, -3)).map(([start, count, step]) => {
  const data = new Recipe(`pattern(${count})`, () => pattern(count))
  // Going down it begins behind where it would end going up, far enough from 0 that no end is negative.
  const from = step < 0 ? start + 100 : start
  return [data, ...[from, from + count * step, step].map(constant)]
})

const END = ['close', 'unmap', Symbol.dispose]
const MEMBERS = Reflect.ownKeys(Mmap.prototype).filter((name) => name !== 'constructor')

/** A call, by what it is and with what. */
class Call {
  constructor(
    readonly member: PropertyKey,
    readonly args: Recipe[],
  ) {}

  [fc.toStringMethod](): string {
    return this.toString()
  }

  toString(): string {
    return `${String(this.member)}(${this.args.map(({ text }) => text).join(', ')})`
  }
}

function callOf(member: string | symbol): fc.Arbitrary<Call> {
  // Not `toString` of all objects.
  const parameters = typeof member === 'string' && Object.hasOwn(PLAUSIBLE, member) ? PLAUSIBLE[member] : undefined
  const wild = fc.array(anything, { maxLength: 5 })
  // Its arguments come from util.inspect, and not from the user.
  if (member === inspect.custom) return fc.tuple(anyNumber, stylizing).map((args) => new Call(member, args))
  if (parameters === undefined) return wild.map((args) => new Call(member, args))
  const mixed: fc.Arbitrary<Recipe[]> = fc.tuple(...parameters)
  const plausible = member === 'setSlice' ? fc.oneof(mixed, fitting) : mixed
  return fc
    .oneof({ weight: 6, arbitrary: plausible }, { weight: 1, arbitrary: wild })
    .map((args) => new Call(member, args))
}

const NEXT = ['next', 'return', 'throw'] as const

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 40, arbitrary: fc.oneof(...MEMBERS.filter((name) => !END.includes(name)).map(callOf)) },
  // After these the rest of the sequence has little to do.
  { weight: 1, arbitrary: fc.oneof(...END.map(callOf)) },
  // Arguments that have done something by the time that the call is made.
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<Action[]>('shrink', 'grow', 'growBuffer', 'write', 'seek', 'protect', 'unprotect', 'view')
      .map((does) => new Call('closed', [new Recipe(`after ${does}`, (world) => act(world, does))])),
  },
  // Iterators that calls before have made.
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...NEXT), anything).map(([what, arg]) => new Call(what, [arg])) },
)

function run(world: World, { member, args: recipes }: Call): void {
  const args = recipes.map((recipe) => recipe.make(world))
  const next = NEXT.find((name) => name === member)
  // What an iterator is told to throw, it throws.
  if (member === 'throw') world.thrown.add(args[0])
  const result = judged(world, () =>
    next === undefined ? invoke(world, world.map, member, args) : world.iterators.at(-1)?.[next]?.(args[0]),
  )
  world.views.push(...[...args, result].filter((value) => types.isTypedArray(value)))
  // Not waited for: what is called next meets a task that is running.
  if (types.isPromise(result)) world.tasks.push(result.then(undefined, (error: unknown) => outcome(world, error)))
  if (isIterator(result)) world.iterators.push(result)
}

function isIterator(value: unknown): value is Iterator<unknown> {
  return typeof value === 'object' && value !== null && !types.isProxy(value) && 'next' in value && 'return' in value
}

/** Nothing, or what is wrong with a rejection. */
function outcome(world: World, rejection: unknown): unknown {
  return world.thrown.has(rejection) || isDocumented(rejection) ? undefined : new Undocumented(rejection)
}

/** What holds of a mapping whatever was done to it. */
function checkMap(map: Mmap): void {
  const { closed } = map
  check(typeof closed === 'boolean', 'closed is a boolean')
  check(inspect(map).startsWith(`<memmap.Mmap closed=${closed}`), 'inspect() says whether it is closed')
  if (closed) return
  check(Number.isSafeInteger(map.length) && map.length >= 0, `a length of ${map.length}`)
  check(Number.isSafeInteger(map.tell()) && map.tell() >= 0, `a cursor at ${map.tell()}`)
  check([0, 1, 2, 3].includes(map.access), `an access of ${map.access}`)
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

// --- Kinds of mappings

interface Kind {
  open(path: string): Mmap
  /** Whether methods may change the file inside the mapping. */
  writes: boolean
  /** Where in the file the mapping lies; nothing for memory without a file. */
  range?: [from: number, to: number]
}

const ALL: [number, number] = [0, FILE_LENGTH]
let tags = 0

function ofFile(writes: boolean, options: MmapOptions, length = 0, range = ALL): Kind {
  return { open: (path) => mmap(path, length, options), writes, range }
}

function ofMemory(options: MmapOptions): Kind {
  return { open: () => mmap(-1, FILE_LENGTH, options), writes: false }
}

const KINDS: Record<string, Kind> = {
  'a file': ofFile(true, {}),
  'a file with ACCESS_WRITE': ofFile(true, { access: ACCESS_WRITE }),
  'a file with ACCESS_READ': ofFile(false, { access: ACCESS_READ }),
  'a file with ACCESS_COPY': ofFile(false, { access: ACCESS_COPY }),
  'a file with ACCESS_COPY and writeBack': ofFile(true, { access: ACCESS_COPY, writeBack: true }, 1000, [0, 1000]),
  'a file from an odd offset on': ofFile(true, { offset: PAGESIZE + 13 }, PAGESIZE, [PAGESIZE + 13, 2 * PAGESIZE + 13]),
  'no bytes of a file': ofFile(true, { offset: FILE_LENGTH, allowEmpty: true }, 0, [FILE_LENGTH, FILE_LENGTH]),
  'a file without its descriptor': ofFile(true, { trackfd: false }, PAGESIZE, [0, PAGESIZE]),
  'a file with a SharedArrayBuffer': ofFile(true, { sharedArrayBuffer: true }),
  // Windows has none that can grow.
  ...(process.platform !== 'win32' && {
    'a file with a SharedArrayBuffer that can grow': ofFile(true, {
      sharedArrayBuffer: { maxByteLength: 8 * PAGESIZE },
    }),
  }),
  'anonymous memory': ofMemory({}),
  'anonymous memory with a SharedArrayBuffer': ofMemory({ sharedArrayBuffer: true }),
  'a named region': {
    open() {
      tags += 1
      return mmap(-1, FILE_LENGTH, { tagname: `hostile-${process.pid}-${tags}` })
    },
    writes: false,
  },
}
if (process.platform !== 'win32') {
  KINDS['a file with MAP_PRIVATE'] = ofFile(false, { flags: MAP_PRIVATE })
  KINDS['private anonymous memory'] = ofMemory({ flags: MAP_PRIVATE })
}

const CONTENT = pattern(FILE_LENGTH)

/** What is to be in a file after all that was done to its mapping. */
function checkFile(path: string, { writes, range }: Kind, resizedTo: number | undefined, isRemapped: boolean): void {
  const now = readFileSync(path)
  if (range === undefined || !writes) {
    check(now.equals(CONTENT), 'the file is as it was')
    return
  }
  const [from, to] = range
  check(now.subarray(0, from).equals(CONTENT.subarray(0, from)), 'the file before the mapping is as it was')
  if (resizedTo !== undefined) {
    check(now.length === from + resizedTo, `the file ends with the mapping, at ${from + resizedTo}: ${now.length}`)
  } else {
    check(now.length === FILE_LENGTH, `the file is as long as it was: ${now.length}`)
    check(isRemapped || now.subarray(to).equals(CONTENT.subarray(to)), 'the file behind the mapping is as it was')
  }
}

/** After everything: mapping goes on to work. */
function checkOthers(path: string): void {
  writeFileSync(path, 'one two three')
  using map = mmap(path)
  map.setSlice('TWO', 4, 7)
  check(map.find('three') === 8 && map.bytes.length === 13, 'another mapping works')
  check(readFileSync(path, 'utf8') === 'one TWO three', 'another mapping writes')
}

let tests = 0

function settings(t: ExecutionContext, runs: number): fc.Parameters<unknown> {
  // Each test its own sequences.
  tests += 1
  t.timeout(60_000 + RUNS * 1000)
  return { seed: SEED + tests, numRuns: runs, includeErrorInReport: true }
}

function unmap(map: Mmap): void {
  try {
    map.unmap()
  } catch (error) {
    // Windows takes no memory from under a SharedArrayBuffer.
    if (process.platform !== 'win32' || !isDocumented(error)) throw error
  }
}

/** Runs `body` in a world of its own, and takes it down. */
async function inWorld(
  folder: string,
  open: (path: string) => Mmap,
  body: (world: World) => Promise<void>,
): Promise<void> {
  const path = join(folder, 'opened')
  writeFileSync(path, CONTENT)
  const closed = mmap(-1, 10)
  closed.close()
  const fd = openSync(path, 'r+')
  using other = mmap(-1, 100)
  const map = open(join(folder, 'mapped'))
  const views: object[] = []
  const tasks: Promise<unknown>[] = []
  try {
    await body({
      map,
      other,
      closed,
      path,
      fd,
      thrown: new Set(),
      resizable: [],
      iterators: [],
      tasks,
      views,
      resizedTo: undefined,
      isRemapped: false,
      depth: 0,
    })
  } finally {
    unmap(map)
    closeSync(fd)
  }
  for (const result of await Promise.all(tasks)) if (result instanceof Undocumented) throw result
  // Were one of them over memory that is gone, this would be the end of the process.
  for (const view of views) for (const index of [0, 1000, PAGESIZE, FILE_LENGTH - 1]) Reflect.get(view, index)
  // Views are unmapped when the event loop turns.
  await setImmediate()
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`whatever is called on ${name}, it ends with a value or a documented error`, async (t) => {
    const scratch = scratchFolder(t)
    const sequence = fc.asyncProperty(fc.array(call, { maxLength: 30, size: 'max' }), async (calls) => {
      // Each gets new files: of those before there may be views, and Windows then lets nobody write them anew.
      const folder = mkdtempSync(join(scratch, 'run-'))
      const mapped = join(folder, 'mapped')
      writeFileSync(mapped, CONTENT)
      let resizedTo: number | undefined
      let isRemapped = false
      await inWorld(folder, kind.open, async (world) => {
        for (const call of calls) {
          if (TRACE) writeSync(2, `${name}: ${call}\n`)
          run(world, call)
          checkMap(world.map)
        }
        resizedTo = world.resizedTo
        isRemapped = world.isRemapped
      })
      checkFile(mapped, kind, resizedTo, isRemapped)
      checkOthers(join(folder, 'another'))
    })
    await fc.assert(sequence, settings(t, RUNS))
    t.pass()
  })
}

// --- Opening

/** No more than what may be asked of disk and memory. */
function limited(arbitrary: fc.Arbitrary<Recipe>): fc.Arbitrary<Recipe> {
  return arbitrary.map(
    ({ text, make }) =>
      new Recipe(text, (world) => {
        const value = make(world)
        return isTooMuch(value) ? MIB : value
      }),
  )
}

/** Nothing but files of this test: whoever creates files by any name may not choose the folder. */
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

const file = fc.oneof(
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

const extent = limited(mostly(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * PAGESIZE }))))

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

const options = fc
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

test('whatever is opened, with whatever options, it ends with a mapping or a documented error', async (t) => {
  const folder = scratchFolder(t)
  const before = process.cwd()
  // What is created by a name that is no path is created here.
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  let opened = 0
  const opening = fc.asyncProperty(
    file,
    extent,
    fc.oneof({ weight: 4, arbitrary: options }, { weight: 1, arbitrary: anything }),
    fc.boolean(),
    async (...[file, length, options, construct]) => {
      if (TRACE) writeSync(2, `mmap(${file.text}, ${length.text}, ${options.text})\n`)
      const own = mkdtempSync(join(folder, 'run-'))
      await inWorld(
        own,
        () => mmap(-1, FILE_LENGTH),
        async (world) => {
          const args = [file, length, options].map(({ make }) => make(world))
          const made = judged(world, () => (construct ? Reflect.construct(Mmap, args) : mmapWith(...args)))
          if (!(made instanceof Mmap)) return
          opened += 1
          checkMap(made)
          judged(world, () => made.bytes)
          judged(world, () => made.close())
          checkMap(made)
        },
      )
      checkOthers(join(own, 'another'))
    },
  )
  await fc.assert(opening, settings(t, RUNS * 8))
  t.log(`${opened} were opened`)
  t.true(opened > 0)
})

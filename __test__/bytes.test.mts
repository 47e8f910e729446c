// Bytes in and out: what counts as bytes, views of every type, searching, iterating, printing.

import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_READ, type BytesLike, Mmap, mmap, PAGESIZE, type ViewConstructor } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { pattern, scratchFile } from './support/portable.mjs'
import { TYPED_ARRAYS } from './support/typed-arrays.mjs'

const test = ava.serial

const LENGTH = 256

/** Numbers that look random and are the same for the same seed: a linear congruential generator. */
class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
  /** Inside `[least, most]`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }
  bytes(length: number, alphabet: number): Buffer {
    const result = Buffer.alloc(length)
    for (let i = 0; i < length; i += 1) result[i] = 97 + this.below(alphabet)
    return result
  }
}

/** ArrayBuffers that can shrink, which TypeScript's es2023 does not know. */
function resizable(length: number, content: Uint8Array): { buffer: ArrayBuffer; resize(length: number): void } {
  const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [length, { maxByteLength: length }])
  new Uint8Array(buffer).set(content)
  return {
    buffer,
    resize(to) {
      Reflect.apply(Reflect.get(buffer, 'resize'), buffer, [to])
    },
  }
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

// --- Misuse: bytes

const NO_BYTES = [undefined, null, true, 5n, Symbol('s'), {}, { length: 2, 0: 1, 1: 2 }, [1, 2], () => {}, new Date(0)]

for (const value of NO_BYTES) {
  test(`${inspect(value)} is not taken for bytes`, (t) => {
    using map = mmap(-1, LENGTH)
    for (const method of [
      'write',
      'setSlice',
      'find',
      'rfind',
      'indexOf',
      'lastIndexOf',
      'includes',
      'fill',
    ] as const) {
      const error = t.throws(() => callWith(map, method, value), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_TYPE',
      })
      t.regex(error.message, /must be a string, an ArrayBuffer, a SharedArrayBuffer or a view of one\. Received/)
    }
    t.true(map.slice().equals(Buffer.alloc(LENGTH)))
  })
}

test('a number is no bytes for write, find and setSlice, as in Python', (t) => {
  using map = mmap(-1, LENGTH)
  for (const method of ['write', 'setSlice', 'find', 'rfind'] as const) {
    t.throws(() => callWith(map, method, 65), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('a number that is no byte is out of range', (t) => {
  using map = mmap(-1, LENGTH)
  for (const value of [-1, 256, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const call of [
      () => map.fill(value),
      () => map.indexOf(value),
      () => map.lastIndexOf(value),
      () => map.includes(value),
      () => map.writeByte(value),
      () => map.setAt(0, value),
    ]) {
      t.throws(call, { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }, String(value))
    }
  }
  t.is(map.at(0), 0)
  t.is(map.tell(), 0)
})

test('a detached buffer is refused', (t) => {
  using map = mmap(-1, LENGTH)
  const typed = new Uint16Array(8)
  const view = new DataView(new ArrayBuffer(8))
  const bytes = new Uint8Array(8)
  const handedOut = mmap(-1, 8)
  const mapped = handedOut.view(Buffer)
  for (const { buffer } of [typed, view, bytes]) structuredClone(buffer, { transfer: [buffer] })
  handedOut.unmap()
  for (const data of [detached(), typed, view, bytes, mapped]) {
    for (const call of [() => map.write(data), () => map.find(data), () => map.setSlice(data), () => map.fill(data)]) {
      t.throws(call, { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE', message: /detached/ })
    }
  }
  t.is(map.tell(), 0)
  t.true(map.slice().equals(Buffer.alloc(LENGTH)))
})

test('of a buffer that has shrunk what is there is written, never past it', (t) => {
  using map = mmap(-1, LENGTH)
  const { buffer, resize } = resizable(100, pattern(100))
  const fixed = new Uint8Array(buffer, 10, 50)
  const following = new Uint8Array(buffer, 10)
  const words = new Uint16Array(buffer, 10, 10)
  t.is(map.write(fixed), 50)
  t.is(map.write(following), 90)
  resize(20)
  map.seek(0)
  map.fill(0)
  const dataView = Reflect.construct(DataView, [buffer, 4, 10])
  const empty = new Uint8Array(buffer, 4, 0)
  // A view that its buffer has shrunk away under is refused; one that follows the buffer has those bytes that are left.
  const isRefused = (data: BytesLike): void => {
    const message = /^The "data" argument is a view that reaches beyond the end of its ArrayBuffer, which has shrunk$/
    t.throws(() => map.write(data), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE', message })
  }
  isRefused(fixed)
  t.is(map.write(following), 10)
  t.is(map.write(buffer), 20)
  t.true(map.slice(0, 30).equals(Buffer.concat([pattern(100).subarray(10, 20), pattern(100).subarray(0, 20)])))
  t.true(map.slice(30).equals(Buffer.alloc(LENGTH - 30)))
  resize(5)
  t.throws(() => map.write(new DataView(new ArrayBuffer(3), 4)), { any: true })
  for (const view of [fixed, following, words, dataView]) isRefused(view)
  t.is(map.write(empty), 0)
})

test('setSlice takes exactly as many bytes as the slice has', (t) => {
  using map = mmap(-1, LENGTH)
  for (const [data, start, stop, step] of [
    ['abc', 0, 2, undefined],
    ['abc', 0, 4, undefined],
    ['', 0, 1, undefined],
    ['abc', 0, 4, 2],
    ['abc', 10, 5, undefined],
  ] as const) {
    t.throws(() => map.setSlice(data, start, stop, step), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^mmap slice assignment is wrong size: "data" must be \d+ bytes long/,
    })
  }
  t.throws(() => map.setSlice('', 0, 0, 0), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^slice step cannot be zero/,
  })
  t.true(map.slice().equals(Buffer.alloc(LENGTH)))
})

test('positions are whole numbers, and nothing is converted to one', (t) => {
  using map = mmap(-1, LENGTH)
  const calls: [method: keyof Mmap, args: (value: unknown) => unknown[]][] = [
    ['seek', (value) => [value]],
    ['seek', (value) => [0, value]],
    ['at', (value) => [value]],
    ['setAt', (value) => [value, 0]],
    ['setAt', (value) => [0, value]],
    ['slice', (value) => [0, 1, value]],
    ['slice', (value) => [value]],
    ['setSlice', (value) => ['', value]],
    ['move', (value) => [value, 0, 0]],
    ['move', (value) => [0, value, 0]],
    ['move', (value) => [0, 0, value]],
    ['fill', (value) => [0, value]],
    ['find', (value) => ['a', value]],
    ['rfind', (value) => ['a', 0, value]],
    ['indexOf', (value) => ['a', value]],
    ['lastIndexOf', (value) => ['a', value]],
    ['view', (value) => [Uint8Array, value]],
    ['view', (value) => [Uint8Array, 0, value]],
    ['writeByte', (value) => [value]],
    ['read', (value) => [value]],
  ]
  for (const [method, args] of calls) {
    for (const value of ['0', true, new Date(0), [0]]) {
      t.throws(
        () => callWith(map, method, ...args(value)),
        { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' },
        `${String(method)}(${inspect(args(value))})`,
      )
    }
    for (const value of [0.5, Number.NaN]) {
      t.throws(
        () => callWith(map, method, ...args(value)),
        { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' },
        `${String(method)}(${inspect(args(value))})`,
      )
    }
  }
  t.is(map.tell(), 0)
})

test('an object that would close the mapping when it is converted is refused, unasked', (t) => {
  using map = mmap(-1, LENGTH)
  let asked = 0
  const closing = (): number => {
    asked += 1
    map.close()
    return 0
  }
  const hostile = { valueOf: closing, toString: closing, [Symbol.toPrimitive]: closing }
  for (const args of [
    ['at', hostile],
    ['setAt', hostile, 1],
    ['setAt', 0, hostile],
    ['slice', hostile],
    ['slice', 0, 1, hostile],
    ['setSlice', 'a', hostile, 1],
    ['read', hostile],
    ['find', 'a', 0, hostile],
    ['find', 'a', { start: hostile }],
    ['find', hostile],
    ['write', hostile],
    ['writeByte', hostile],
    ['move', 0, 0, hostile],
    ['seek', hostile],
    ['resize', hostile],
    ['flush', hostile],
    ['view', Uint8Array, hostile],
    ['view', hostile],
    ['madvise', hostile],
  ] as const) {
    const [method, ...rest] = args
    t.throws(() => callWith(map, method, ...rest), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }, method)
  }
  t.is(asked, 0)
  t.false(map.closed)
})

test('of bytes that lie about themselves what they show is written, and they are not asked', (t) => {
  let asked = 0
  const lie = (): never => {
    asked += 1
    throw new Error('from the getter')
  }
  const lies = { buffer: { get: lie }, byteOffset: { get: lie }, byteLength: { get: lie }, length: { get: lie } }
  const shown = pattern(16).subarray(4, 12)
  const { buffer } = pattern(16)
  for (const data of [new Uint8Array(buffer, 4, 8), new Uint16Array(buffer, 4, 4), new DataView(buffer, 4, 8)]) {
    Object.defineProperties(data, lies)
    using map = mmap(-1, LENGTH)
    t.is(map.write(data), 8)
    t.is(map.tell(), 8)
    map.setSlice(data, 8, 16)
    map.fill(data, 16, 24)
    t.true(map.slice(0, 24).equals(Buffer.concat([shown, shown, shown])))
    t.is(map.find(data, 1), 8)
    t.is(map.lastIndexOf(data), 16)
  }
  t.is(asked, 0)
})

test('bytes that lie about their length move nothing outside the mapping', (t) => {
  using map = mmap(-1, LENGTH)
  class Lying extends Uint8Array {
    override get length(): number {
      return 0
    }
  }
  t.throws(() => map.write(new Lying(LENGTH + 1).fill(7)), { code: 'ERR_OUT_OF_RANGE' })
  t.true(map.slice().equals(Buffer.alloc(LENGTH)))
  t.is(map.tell(), 0)
})

test('a view class that lies about the size of its elements has those of the class that it extends', (t) => {
  using map = mmap(-1, LENGTH)
  class Lying extends Float64Array {
    static override get BYTES_PER_ELEMENT(): 8 {
      map.close()
      return 0.5 as 8
    }
  }
  t.is(map.view(Lying).length, LENGTH / 8)
  t.false(map.closed)
})

// --- Misuse: views

test('a view of what is no view class is refused', (t) => {
  using map = mmap(-1, LENGTH)
  for (const type of [
    undefined,
    null,
    Array,
    ArrayBuffer,
    Object,
    'Uint8Array',
    {},
    Object.getPrototypeOf(Uint8Array),
    Object.setPrototypeOf(() => {}, Uint8Array),
    Uint8Array.bind(null),
    new Proxy(Uint8Array, {}),
  ]) {
    t.throws(() => callWith(map, 'view', type), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "type" argument must be a typed array class, DataView or Buffer\. Received/,
    })
  }
})

test('a view outside the mapping is refused', (t) => {
  using map = mmap(-1, LENGTH)
  for (const [type, byteOffset, length, name] of [
    [Uint8Array, -1, undefined, 'byteOffset'],
    [Uint8Array, LENGTH + 1, undefined, 'byteOffset'],
    [Uint8Array, 0, LENGTH + 1, 'length'],
    [Uint8Array, LENGTH, 1, 'length'],
    [Uint8Array, 0, -1, 'length'],
    [Float64Array, 0, LENGTH / 8 + 1, 'length'],
    [Float64Array, 8, LENGTH / 8, 'length'],
    [DataView, 1, LENGTH, 'length'],
    [Buffer, 1, LENGTH, 'length'],
    [Uint16Array, 1, 1, 'byteOffset'],
    [BigInt64Array, 4, 1, 'byteOffset'],
    [Uint8Array, 2 ** 53, undefined, 'byteOffset'],
  ] as const) {
    t.throws(() => map.view<ArrayBufferView>(type, byteOffset, length), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: new RegExp(`^view out of range: "${name}"`),
    })
  }
})

// --- Bytes of every kind

const content = Buffer.from('0123456789abcdef')

const KINDS: [what: string, data: BytesLike][] = [
  ['a string', '0123456789abcdef'],
  ['a Buffer', content],
  ['an ArrayBuffer', new Uint8Array(content).buffer],
  ['a SharedArrayBuffer', shared(content).buffer],
  ['a view of a SharedArrayBuffer', shared(content)],
  ['a DataView', new DataView(new Uint8Array(content).buffer)],
  ['a part of a DataView', new DataView(new Uint8Array(Buffer.concat([Buffer.from('__'), content])).buffer, 2)],
  ['a part of a Buffer', Buffer.concat([Buffer.from('__'), content, Buffer.from('__')]).subarray(2, 18)],
  ['a Uint8Array of another realm', runInNewContext('Uint8Array.from(bytes)', { bytes: [...content] })],
  ['an ArrayBuffer of another realm', runInNewContext('Uint8Array.from(bytes).buffer', { bytes: [...content] })],
  ['a buffer that can be resized', resizable(16, content).buffer],
  ...TYPED_ARRAYS.map((type): [string, BytesLike] => [`a ${type.name}`, new type(new Uint8Array(content).buffer)]),
]

function shared(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length))
  view.set(bytes)
  return view
}

for (const [what, data] of KINDS) {
  test(`${what} is bytes: for write, setSlice, fill and every search`, (t) => {
    using map = mmap(-1, 64)
    map.seek(3)
    t.is(map.write(data), 16)
    t.is(map.tell(), 19)
    t.is(map.slice(0, 20).toString('latin1'), '\0\0\x000123456789abcdef\0')
    t.is(map.find(data, 0), 3)
    t.is(map.rfind(data, 0), 3)
    t.is(map.indexOf(data), 3)
    t.is(map.lastIndexOf(data), 3)
    t.true(map.includes(data))
    t.is(map.find(data, 4), -1)
    map.setSlice(data, 0, 32, 2)
    t.deepEqual(map.slice(0, 32, 2), content)
    t.is(map.fill(data), map)
    t.deepEqual(map.slice(), Buffer.concat([content, content, content, content]))
  })
}

test('a string is UTF-8, and lone surrogates are the replacement character, as for Buffer.from', (t) => {
  for (const text of ['é', '€', '😀', '\ud800', 'a\udc00b', '\udc00\ud800', '\0']) {
    using map = mmap(-1, 64)
    const bytes = Buffer.from(text)
    t.is(map.write(text), bytes.length)
    t.deepEqual(map.slice(0, bytes.length), bytes)
    t.is(map.find(text, 0), 0)
  }
})

test('what is written from a SharedArrayBuffer or a Buffer is a copy', (t) => {
  using map = mmap(-1, 64)
  const data = Buffer.from('abc')
  map.write(data)
  data.fill(0)
  t.is(map.slice(0, 3).toString(), 'abc')
})

test('a view of the mapping itself can be written to it, also where they overlap', (t) => {
  for (const [from, to] of [
    [0, 1],
    [1, 0],
    [0, 100],
    [50, 0],
    [7, 7],
  ] as const) {
    const expected = pattern(LENGTH)
    expected.copyWithin(to, from, from + 100)
    using map = mmap(scratchFile(t, pattern(LENGTH)))
    map.seek(to)
    map.write(map.bytes.subarray(from, from + 100))
    t.deepEqual(map.slice(), expected)
    using other = mmap(scratchFile(t, pattern(LENGTH)))
    other.setSlice(other.bytes.subarray(from, from + 100), to, to + 100)
    t.deepEqual(other.slice(), expected)
  }
})

test('a view of the mapping itself can be written with a step, and be a needle or what fills', (t) => {
  using map = mmap(-1, 8)
  map.write('abcdefgh')
  map.setSlice(map.bytes.subarray(0, 4), 0, 8, 2)
  t.is(map.slice().toString(), 'abbdcfdh')
  map.setSlice(map.bytes, undefined, undefined, -1)
  t.is(map.slice().toString(), 'hdfcdbba')
  t.is(map.find(map.bytes.subarray(3, 5), 0), 3)
  map.fill(map.bytes.subarray(1, 3))
  t.is(map.slice().toString(), 'dfdfdfdf')
})

test('read, slice and readLine are copies', (t) => {
  using map = mmap(-1, 64)
  map.write('line\nrest')
  map.seek(0)
  const copies = [map.slice(0, 4), map.readLine(), map.read(4)]
  map.fill(0)
  t.deepEqual(
    copies.map((copy) => copy.toString()),
    ['line', 'line\n', 'rest'],
  )
  for (const copy of copies) t.true(Buffer.isBuffer(copy))
  copies[0]?.fill(1)
  t.is(map.at(0), 0)
})

test('bounds of slices may be infinite, and take any bigness', (t) => {
  using map = mmap(-1, 4)
  map.write('abcd')
  t.is(map.slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).toString(), 'abcd')
  t.is(map.slice(-(2 ** 70), 2 ** 70).toString(), 'abcd')
  t.is(map.slice(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1).toString(), 'dcba')
  t.is(map.slice(0, 4, 2 ** 70).toString(), 'a')
  t.is(map.slice(3, undefined, -(2 ** 70)).toString(), 'd')
})

test('fill repeats a pattern to the end of its range, and cuts it there', (t) => {
  for (const size of [1, 2, 3, 7, 100, 4095, 4096, 4097, 5000]) {
    const needle = pattern(size)
    using map = mmap(-1, 3 * PAGESIZE)
    t.is(map.fill(needle, 5, -3), map)
    const expected = Buffer.alloc(3 * PAGESIZE).fill(needle, 5, 3 * PAGESIZE - 3)
    t.true(map.slice().equals(expected), `a pattern of ${size}`)
  }
})

test('fill with nothing is refused, and fill of nothing does nothing', (t) => {
  using map = mmap(-1, 10)
  for (const nothing of ['', Buffer.alloc(0), new ArrayBuffer(0)]) {
    t.throws(() => map.fill(nothing), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^fill out of range/,
    })
  }
  map.fill(1, 5, 5)
  map.fill(1, 8, 2)
  map.fill('ab', 100)
  t.deepEqual([...map], Array(10).fill(0))
  map.fill(1, -2)
  t.deepEqual([...map].slice(-3), [0, 1, 1])
})

test('move is right for ranges that overlap', (t) => {
  for (let dest = 0; dest < 60; dest += 7) {
    for (let src = 0; src < 60; src += 5) {
      using map = mmap(-1, LENGTH)
      map.write(pattern(LENGTH))
      map.move(dest, src, 150)
      t.true(map.slice().equals(pattern(LENGTH).copyWithin(dest, src, src + 150)), `${src} to ${dest}`)
    }
  }
})

// --- Views

for (const type of TYPED_ARRAYS) {
  test(`a view can be a ${type.name}, of all or of a part`, (t) => {
    const path = scratchFile(t, pattern(LENGTH))
    using map = mmap(path)
    const size = type.BYTES_PER_ELEMENT
    const shown = (...range: number[]): Buffer => {
      const view = map.view<ArrayBufferView>(type, ...range)
      t.is<unknown, unknown>(view.constructor, type)
      return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
    }
    t.deepEqual(shown(), pattern(LENGTH))
    t.deepEqual(shown(size), pattern(LENGTH).subarray(size))
    t.deepEqual(shown(2 * size, 3), pattern(LENGTH).subarray(2 * size, 5 * size))
    t.is(shown(LENGTH).length, 0)
    t.is(shown(0, 0).length, 0)
    shown(size, 1).fill(1)
    t.deepEqual(map.slice(0, 3 * size), pattern(3 * size).fill(1, size, 2 * size))
  })
}

test('a view of a length that is no multiple of the element leaves the rest out', (t) => {
  using map = mmap(-1, 21)
  t.is(map.view(Float64Array).length, 2)
  t.is(map.view(Uint32Array, 4).length, 4)
  t.is(map.view(Uint16Array, 20).length, 0)
})

test('a view can be a Buffer or a DataView, anywhere', (t) => {
  using map = mmap(scratchFile(t, pattern(LENGTH)), 0, { offset: 3 })
  const buffer = map.view(Buffer, 1, 10)
  t.true(Buffer.isBuffer(buffer))
  t.true(buffer.equals(pattern(LENGTH).subarray(4, 14)))
  buffer.writeUInt8(7, 0)
  t.is(map.at(1), 7)
  const view = map.view(DataView, 5)
  t.is(view.byteLength, LENGTH - 3 - 5)
  t.is(view.getFloat64(0), pattern(LENGTH).readDoubleBE(8))
  view.setInt16(1, -2)
  t.deepEqual([map.at(6), map.at(7)], [255, 254])
})

test('a view can be of a class that extends a typed array', (t) => {
  class Samples extends Int16Array {
    loudest(): number {
      return Math.max(...this)
    }
  }
  using map = mmap(-1, 8)
  map.view(Int16Array).set([1, 9, -3, 4])
  const type: ViewConstructor<Samples> = Samples
  t.is(map.view(type).loudest(), 9)
})

test('views of one mapping share their memory', (t) => {
  using map = mmap(-1, 16)
  map.view(Float64Array)[1] = 1
  t.deepEqual([...map.view(Uint8Array, 8)], [0, 0, 0, 0, 0, 0, 240, 63])
  map.bytes[15] = 64
  t.is(map.view(DataView).getFloat64(8, true), 2 ** 16)
})

// --- Searching

test('indexOf, lastIndexOf and includes are those of Buffer', (t) => {
  const seed = 20250101
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  for (let round = 0; round < 100; round += 1) {
    const length = random.between(1, 60)
    const hay = random.bytes(length, 3)
    using map = mmap(-1, length)
    map.write(hay)
    for (let times = 0; times < 100; times += 1) {
      const needle = random.below(5) === 0 ? 97 + random.below(4) : random.bytes(random.below(5), 3)
      const start = random.below(4) === 0 ? undefined : random.between(-length - 5, length + 5)
      const message = `${hay} ${needle} ${start}`
      if (map.indexOf(needle, start) !== hay.indexOf(needle, start)) t.fail(`indexOf ${message}`)
      if (map.lastIndexOf(needle, start) !== hay.lastIndexOf(needle, start)) t.fail(`lastIndexOf ${message}`)
      if (map.includes(needle, start) !== hay.includes(needle, start)) t.fail(`includes ${message}`)
    }
  }
  using map = mmap(-1, 5)
  map.write('abcab')
  t.deepEqual([map.indexOf('ab'), map.lastIndexOf('ab'), map.includes('ca'), map.lastIndexOf('')], [0, 3, true, 5])
})

test('find and rfind are those of Buffer, within any bounds', (t) => {
  const seed = 20250102
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  for (let round = 0; round < 100; round += 1) {
    const length = random.between(1, 200)
    const hay = random.bytes(length, 2)
    using map = mmap(-1, length)
    map.write(hay)
    for (let times = 0; times < 100; times += 1) {
      const needle = random.bytes(random.between(1, 6), 2)
      const start = random.between(-length - 3, length + 3)
      const stop = random.between(-length - 3, length + 3)
      const from = start < 0 ? Math.max(start + length, 0) : Math.min(start, length)
      const within = hay.subarray(start, stop)
      const moved = (index: number): number => (index === -1 ? -1 : index + from)
      const message = `${hay} ${needle} ${start} ${stop}`
      if (map.find(needle, start, stop) !== moved(within.indexOf(needle))) t.fail(`find ${message}`)
      if (map.rfind(needle, start, stop) !== moved(within.lastIndexOf(needle))) t.fail(`rfind ${message}`)
    }
  }
  using map = mmap(-1, 5)
  map.write('abcab')
  t.deepEqual([map.find('ab', 1), map.rfind('ab', 0, 4), map.find('ab', 4), map.rfind('ab', 0, 1)], [3, 0, -1, -1])
})

test('find and rfind begin at the cursor unless they are told', (t) => {
  using map = mmap(-1, 10)
  map.write('abcabcabc')
  map.seek(1)
  t.deepEqual([map.find('abc'), map.rfind('abc'), map.indexOf('abc')], [3, 6, 0])
  map.seek(7)
  t.deepEqual([map.find('abc'), map.rfind('abc'), map.lastIndexOf('abc')], [-1, -1, 6])
  t.is(map.tell(), 7)
})

test('a needle is found wherever it lies around the 64 KiB that are searched at a time', (t) => {
  const stretch = 64 * 1024
  using map = mmap(-1, 3 * stretch)
  for (const size of [1, 2, 3, 16, 1000]) {
    const needle = Buffer.alloc(size, 1)
    for (const boundary of [stretch, 2 * stretch]) {
      for (let at = boundary - size - 1; at <= boundary + 1; at += Math.max(1, Math.floor(size / 7))) {
        map.setSlice(needle, at, at + size)
        if (map.find(needle, 0) !== at || map.rfind(needle, 0) !== at) t.fail(`${size} bytes at ${at}`)
        if (map.find(needle, at) !== at || map.find(needle, at + 1) !== -1) t.fail(`${size} bytes from ${at}`)
        if (map.rfind(needle, 0, at + size) !== at) t.fail(`${size} bytes to ${at + size}`)
        if (map.rfind(needle, 0, at + size - 1) !== -1) t.fail(`${size} bytes to ${at + size - 1}`)
        map.fill(0, at, at + size)
      }
    }
  }
  map.setSlice('xyz', stretch - 1, stretch + 2)
  t.deepEqual([map.find('xyz', 0), map.rfind('xyz', 0)], [stretch - 1, stretch - 1])
})

test('needles longer than 64 KiB are found, and those that only nearly match are not', (t) => {
  const length = 1 << 20
  const random = new Random(7)
  const hay = random.bytes(length, 2)
  using map = mmap(-1, length)
  map.write(hay)
  for (const size of [65_535, 65_536, 65_537, 100_000, 131_072, 200_001, 500_000]) {
    for (const at of [0, 1, 4095, 65_536, length - size - 1, length - size]) {
      const needle = hay.subarray(at, at + size)
      if (map.find(needle, 0) !== at || map.rfind(needle, 0) !== at) t.fail(`${size} bytes at ${at}`)
      const nearly = Buffer.from(needle)
      nearly[size - 1] = 0
      if (map.find(nearly, 0) !== -1 || map.rfind(nearly, 0) !== -1) t.fail(`nearly ${size} bytes at ${at}`)
      nearly.set(needle.subarray(-1), size - 1)
      nearly[0] = 0
      if (map.includes(nearly)) t.fail(`nearly ${size} bytes at ${at}`)
    }
  }
  t.is(map.find(hay, 0), 0)
  t.is(map.rfind(Buffer.concat([hay, Buffer.from('a')]), 0), -1)
})

test('searches in megabytes are those of Buffer', (t) => {
  const seed = 20250103
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  const length = 300_000
  const hay = random.bytes(length, 2)
  using map = mmap(scratchFile(t, hay), 0, { access: ACCESS_READ })
  for (let times = 0; times < 300; times += 1) {
    const at = random.below(length)
    const needle =
      random.below(2) === 0 ? random.bytes(random.between(10, 20), 2) : hay.subarray(at, at + random.below(2000) + 1)
    const start = random.below(length)
    const message = `${needle.length} bytes from ${start}`
    if (map.indexOf(needle, start) !== hay.indexOf(needle, start)) t.fail(`indexOf ${message}`)
    if (map.lastIndexOf(needle, start) !== hay.lastIndexOf(needle, start)) t.fail(`lastIndexOf ${message}`)
  }
  t.is(map.indexOf(hay.subarray(-1000)), length - 1000)
})

// --- Iterating, printing

test('iteration gives numbers, and is where it was for each loop', (t) => {
  using map = mmap(scratchFile(t, pattern(1000)))
  map.seek(500)
  t.deepEqual([...map], [...pattern(1000)])
  t.deepEqual(Array.from(map).length, 1000)
  const [first, second] = map
  t.deepEqual([first, second], [...pattern(2)])
  t.is(map.tell(), 500)
})

test('iteration shows what is there when it comes there, and follows a resize', (t) => {
  const path = scratchFile(t, 'abcdefghij')
  using map = mmap(path)
  const seen: number[] = []
  for (const byte of map) {
    seen.push(byte)
    if (seen.length === 2) map.setAt(2, 90)
    if (seen.length === 3) map.resize(4)
  }
  t.is(Buffer.from(seen).toString(), 'abZd')
})

test('util.inspect prints what CPython prints', (t) => {
  const map = mmap(scratchFile(t, pattern(1000)), 100, { offset: 7, access: ACCESS_COPY })
  map.seek(5)
  t.is(inspect(map), '<memmap.Mmap closed=false, access=ACCESS_COPY, length=100, pos=5, offset=7>')
  t.is(inspect({ map }), `{\n  map: ${inspect(map)}\n}`)
  t.true(inspect(map, { colors: true }).includes('access=ACCESS_COPY'))
  t.is(map[inspect.custom](), inspect(map))
  map.close()
  t.is(inspect(map), '<memmap.Mmap closed=true>')
  for (const none of [new Proxy(map, {}), Object.create(map)]) t.is(inspect(none), '<memmap.Mmap>')
})

test('an Mmap is named by Object.prototype.toString, open or closed', (t) => {
  const map = mmap(-1, 10)
  t.is(Object.prototype.toString.call(map), '[object Mmap]')
  map.close()
  t.is(Object.prototype.toString.call(map), '[object Mmap]')
  t.is(typeof inspect(Mmap.prototype), 'string')
})

test('nothing of the inside can be seen from outside', (t) => {
  using map = mmap(-1, 10)
  t.deepEqual(Object.keys(map), [])
  // By this alone `assert.deepStrictEqual` tells two mappings apart.
  t.deepEqual(Reflect.ownKeys(map).map(String), ['Symbol(memmap.identity)'])
  t.is(JSON.stringify(map), '{}')
})

test('methods of another object are refused, not run on it', (t) => {
  for (const method of ['at', 'close', 'read'] as const) {
    t.throws(() => Reflect.apply(Mmap.prototype[method], {}, [0]), { instanceOf: TypeError })
  }
})

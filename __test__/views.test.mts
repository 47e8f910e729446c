// Views: their classes, ranges and memory.

import ava from 'ava'
import { mmap, type ViewConstructor } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { pattern, scratchFile } from './support/portable.mjs'
import { TYPED_ARRAYS } from './support/typed-arrays.mjs'

const test = ava.serial

const LENGTH = 256

// --- Misuse

test('view: a type that is no view class is refused', (t) => {
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

test('view: a range outside the mapping is refused', (t) => {
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

test('view: BYTES_PER_ELEMENT is that of the class that is extended, and is not read from the type', (t) => {
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

// --- Classes

for (const type of TYPED_ARRAYS) {
  test(`view: a ${type.name} shows all of the mapping or a part`, (t) => {
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

test('view: what is left over is left out if the length is no multiple of the element', (t) => {
  using map = mmap(-1, 21)
  t.is(map.view(Float64Array).length, 2)
  t.is(map.view(Uint32Array, 4).length, 4)
  t.is(map.view(Uint16Array, 20).length, 0)
})

test('view: a Buffer or a DataView may begin anywhere', (t) => {
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

test('view: the type may be a class that extends a typed array', (t) => {
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

test('view: the views of a mapping share its memory', (t) => {
  using map = mmap(-1, 16)
  map.view(Float64Array)[1] = 1
  t.deepEqual([...map.view(Uint8Array, 8)], [0, 0, 0, 0, 0, 0, 240, 63])
  map.bytes[15] = 64
  t.is(map.view(DataView).getFloat64(8, true), 2 ** 16)
})

// --- The buffer

test('bytes, buffer, view: they share one buffer, which is made once', (t) => {
  using map = mmap(scratchFile(t, pattern(1000)))
  t.is(map.bytes, map.bytes)
  t.is<unknown, unknown>(map.buffer, map.bytes.buffer)
  t.is<unknown, unknown>(map.view(DataView).buffer, map.buffer)
  t.is<unknown, unknown>(map.view(Buffer, 5).buffer, map.buffer)
})

test('view, resize, unmap: properties defined on earlier views mislead nobody', (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  const { bytes, buffer } = map
  const other = new ArrayBuffer(8)
  Object.defineProperties(bytes, {
    buffer: { value: other },
    byteOffset: { value: 5 },
    length: { value: 0 },
    constructor: { value: { [Symbol.species]: Float64Array } },
    subarray: { value: () => new Uint8Array(8) },
  })
  Object.defineProperties(buffer, { byteLength: { value: 1 }, constructor: { value: null } })
  t.true(map.view(Buffer, 10, 100).equals(pattern(110).subarray(10)))
  t.is(map.buffer, buffer)
  map.resize(2000)
  const late = map.bytes
  Object.defineProperty(late, 'buffer', { value: other })
  map.unmap()
  t.is(other.byteLength, 8)
  // Their memory is gone, and reading them is no fault.
  t.is(bytes[0], undefined)
  t.is(late[0], undefined)
})

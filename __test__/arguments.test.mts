// What methods refuse of their arguments, before they touch anything. Those of mmap() are in
// open-arguments.test.mts, those of tasks in tasks/arguments.test.mts.

import { inspect } from 'node:util'
import ava from 'ava'
import { type Mmap, mmap } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { pattern } from './support/portable.mjs'

const test = ava.serial

const LENGTH = 256

// --- Bytes

const NO_BYTES = [undefined, null, true, 5n, Symbol('s'), {}, { length: 2, 0: 1, 1: 2 }, [1, 2], () => {}, new Date(0)]

for (const value of NO_BYTES) {
  test(`write, setSlice, fill and searches: ${inspect(value)} is refused as bytes`, (t) => {
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

test('write, find, setSlice: a number is refused as bytes, as in Python', (t) => {
  using map = mmap(-1, LENGTH)
  for (const method of ['write', 'setSlice', 'find', 'rfind'] as const) {
    t.throws(() => callWith(map, method, 65), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('fill, indexOf, writeByte, setAt: a number that is no byte is out of range', (t) => {
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

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

test('write, find, setSlice, fill: a detached buffer is refused', (t) => {
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

test('write, setSlice, fill and searches: overridden properties of the data are not read', (t) => {
  let reads = 0
  const lie = (): never => {
    reads += 1
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
  t.is(reads, 0)
})

test('write: an overridden length moves nothing outside the mapping', (t) => {
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

// --- Positions

test('all methods: positions must be whole numbers, and nothing is converted to one', (t) => {
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

test('all methods: an object whose conversion would close the mapping is refused and not converted', (t) => {
  using map = mmap(-1, LENGTH)
  let reads = 0
  const closing = (): number => {
    reads += 1
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
  t.is(reads, 0)
  t.false(map.closed)
})

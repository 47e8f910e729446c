// Bytes in and out: what counts as bytes, and what is written, copied, moved and iterated.

import { runInNewContext } from 'node:vm'
import ava from 'ava'
import { ACCESS_READ, type BytesLike, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { pattern, scratchFile } from './support/portable.mjs'
import { TYPED_ARRAYS } from './support/typed-arrays.mjs'

const test = ava.serial

const LENGTH = 256

// --- Data

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
  test(`write, setSlice, fill and searches: ${what} is accepted as bytes`, (t) => {
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

test('write, find: a string is UTF-8, and lone surrogates are replaced, as by Buffer.from', (t) => {
  for (const text of ['é', '€', '😀', '\ud800', 'a\udc00b', '\udc00\ud800', '\0']) {
    using map = mmap(-1, 64)
    const bytes = Buffer.from(text)
    t.is(map.write(text), bytes.length)
    t.deepEqual(map.slice(0, bytes.length), bytes)
    t.is(map.find(text, 0), 0)
  }
})

test('write: the data is copied', (t) => {
  using map = mmap(-1, 64)
  const data = Buffer.from('abc')
  map.write(data)
  data.fill(0)
  t.is(map.slice(0, 3).toString(), 'abc')
})

test('write: a view that its shrunken buffer no longer covers is refused, one that follows it is not', (t) => {
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
  // A view of a fixed length is refused. A view that follows its buffer has what is left.
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

test('write, setSlice: a view of the mapping itself may be the data, and may overlap', (t) => {
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

test('setSlice, find, fill: a view of the mapping itself may be the data', (t) => {
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

// --- read, slice, setSlice

test('read, slice, readLine: the result is a copy', (t) => {
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

test('slice: bounds may be infinite or of any size', (t) => {
  using map = mmap(-1, 4)
  map.write('abcd')
  t.is(map.slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).toString(), 'abcd')
  t.is(map.slice(-(2 ** 70), 2 ** 70).toString(), 'abcd')
  t.is(map.slice(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1).toString(), 'dcba')
  t.is(map.slice(0, 4, 2 ** 70).toString(), 'a')
  t.is(map.slice(3, undefined, -(2 ** 70)).toString(), 'd')
})

test('setSlice: the data must have exactly the length of the slice', (t) => {
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

// --- fill, move

test('fill: a pattern is repeated to the end of the range, and cut there', (t) => {
  for (const size of [1, 2, 3, 7, 100, 4095, 4096, 4097, 5000]) {
    const needle = pattern(size)
    using map = mmap(-1, 3 * PAGESIZE)
    t.is(map.fill(needle, 5, -3), map)
    const expected = Buffer.alloc(3 * PAGESIZE).fill(needle, 5, 3 * PAGESIZE - 3)
    t.true(map.slice().equals(expected), `a pattern of ${size}`)
  }
})

test('fill: an empty pattern is refused, and an empty range stays as it is', (t) => {
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

test('move: ranges may overlap', (t) => {
  for (let dest = 0; dest < 60; dest += 7) {
    for (let src = 0; src < 60; src += 5) {
      using map = mmap(-1, LENGTH)
      map.write(pattern(LENGTH))
      map.move(dest, src, 150)
      t.true(map.slice().equals(pattern(LENGTH).copyWithin(dest, src, src + 150)), `${src} to ${dest}`)
    }
  }
})

// --- arrayBuffer, set

test('arrayBuffer: the copy has the bytes of the range and no others', (t) => {
  const bytes = pattern(5000)
  using map = mmap(scratchFile(t, bytes))
  for (const [start, stop] of [
    [0, 10],
    [10, 4000],
    [-100, -50],
    [0, 5000],
    [9, 3],
  ] as const) {
    const copy = map.arrayBuffer(start, stop)
    t.is(Object.prototype.toString.call(copy), '[object ArrayBuffer]')
    t.deepEqual(Buffer.from(copy), Buffer.from(bytes.subarray(start, stop)))
  }
  const copy = new Uint8Array(map.arrayBuffer())
  copy.fill(0)
  t.deepEqual(map.slice(), bytes)
  map.fill(1)
  t.true(copy.every((byte) => byte === 0))
})

test('set: the data is written at a position, and the cursor stays', (t) => {
  using map = mmap(scratchFile(t, 'Hello World!'))
  map.seek(3)
  t.is(map.set('HELLO'), 5)
  t.is(map.set(Buffer.from('Earth'), 6), 5)
  t.is(map.set(new Uint16Array([0x2121]), 10), 2)
  t.is(map.set('', 12), 0)
  t.is(map.toString(), 'HELLO Eart!!')
  t.is(map.tell(), 3)
})

test('set: the data may be long and may overlap, before and after there is a view', (t) => {
  const bytes = pattern(3000)
  using map = mmap(-1, 8192)
  for (const _round of [0, 1]) {
    t.is(map.set(bytes, 100), 3000)
    t.deepEqual(map.slice(100, 3100), bytes)
    t.is(map.set(map.bytes.subarray(100, 1100), 600), 1000)
    t.deepEqual(map.slice(600, 1600), Buffer.from(bytes.subarray(0, 1000)))
  }
})

test('set: all or nothing is written, and a position outside the mapping is refused', (t) => {
  using map = mmap(scratchFile(t, 'Hello World!'))
  for (const [data, position, message] of [
    ['12345', 8, 'data out of range: "position" must be 0 to 7 for 5 bytes. Received 8'],
    ['12345', -1, 'data out of range: "position" must be 0 to 7 for 5 bytes. Received -1'],
    ['1234567890123', 0, 'data out of range: "data" must be at most 12 bytes long. Received 13 bytes'],
    ['', 13, 'data out of range: "position" must be 0 to 12 for 0 bytes. Received 13'],
  ] as const) {
    const error = t.throws(() => map.set(data, position), { instanceOf: RangeError, message })
    t.like(error, { code: 'ERR_OUT_OF_RANGE' })
  }
  t.is(map.toString(), 'Hello World!')
  t.throws(() => map.set('x', 0.5), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => callWith(map, 'set', [1, 2]), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => callWith(map, 'set', 'x', '1'), { code: 'ERR_INVALID_ARG_TYPE' })
  using readOnly = mmap(scratchFile(t, 'Hello'), 0, { access: ACCESS_READ })
  t.throws(() => readOnly.set('x'), { code: 'ERR_MMAP_READONLY' })
})

// --- Iteration

test('iteration: each loop gives all bytes as numbers, and the cursor stays', (t) => {
  using map = mmap(scratchFile(t, pattern(1000)))
  map.seek(500)
  t.deepEqual([...map], [...pattern(1000)])
  t.deepEqual(Array.from(map).length, 1000)
  const [first, second] = map
  t.deepEqual([first, second], [...pattern(2)])
  t.is(map.tell(), 500)
})

test('iteration: a byte is read when the loop comes to it, and a resize is followed', (t) => {
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

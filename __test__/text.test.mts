// Text, ArrayBuffers and writes at a position: what is made from copies.

import { constants } from 'node:buffer'
import { truncateSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_READ, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

const ENCODINGS = ['utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64'] as const

// --- toString

test('toString gives what Buffer#toString gives, of short and of long ranges, before and after there is a view', (t) => {
  const bytes = Buffer.concat([Buffer.from('héllo €uro 😀\n\0'), pattern(9000)])
  using map = mmap(scratchFile(t, bytes), 0, { access: ACCESS_READ })
  for (const round of [0, 1]) {
    for (const encoding of ENCODINGS) {
      t.is(map.toString(encoding), bytes.toString(encoding))
      for (const [start, stop] of [
        [0, 19],
        [1, 101],
        [3, 300],
        [5, 2052],
        [5, 2054],
        [7, 7],
      ] as const) {
        // Of a copy, because a Node for musl dies of utf16le from an odd address.
        const expected = Buffer.from(bytes.subarray(start, stop)).toString(encoding)
        t.is(map.toString(encoding, start, stop), expected, `${round} ${encoding} ${start}`)
      }
    }
    t.is(map.bytes.length, bytes.length)
  }
})

test('toString takes bounds as slice does', (t) => {
  using map = mmap(scratchFile(t, 'Hello World!'))
  t.is(map.toString(), 'Hello World!')
  t.is(map.toString(undefined, -6), 'World!')
  t.is(map.toString('latin1', -6, -1), 'World')
  t.is(map.toString('utf8', 6, Number.POSITIVE_INFINITY), 'World!')
  t.is(map.toString('utf8', 8, 3), '')
  map.seek(6)
  t.is(map.toString(), 'Hello World!')
  t.is(map.tell(), 6)
})

test('what is no encoding is refused with the list of those that there are', (t) => {
  using map = mmap(-1, 10)
  t.throws(() => callWith(map, 'toString', 'utf-7'), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: `The "encoding" argument must be one of 'utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64'. Received 'utf-7'`,
  })
  t.throws(() => callWith(map, 'toString', 'hasOwnProperty'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => callWith(map, 'toString', 8), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => callWith(map, 'toString', null), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => callWith(map, 'toString', 'utf8', '1'), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => map.toString('utf8', 1.5), { code: 'ERR_OUT_OF_RANGE' })
})

test('a text longer than the longest string is an error that says what to do', (t) => {
  const longest = constants.MAX_STRING_LENGTH
  const path = scratchFile(t, 1)
  // One that takes no room.
  truncateSync(path, longest + 2)
  using map = mmap(path, 0, { access: ACCESS_READ })
  for (const encoding of ['latin1', 'hex', 'utf8'] as const) {
    t.throws(() => map.toString(encoding), {
      code: 'ERR_OUT_OF_RANGE',
      message: /longest string.*lines\(\{ encoding \}\)/,
    })
  }
})

test('toString of a mapping that is closed is ERR_MMAP_CLOSED', (t) => {
  const map = mmap(-1, 10)
  map.close()
  t.throws(() => map.toString(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.arrayBuffer(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.set('x'), { code: 'ERR_MMAP_CLOSED' })
})

onUnix('copies and writes of a file that was cut off are ERR_MMAP_FAULT', 'no mapped file can be cut there', (t) => {
  const path = scratchFile(t, 2 * PAGESIZE)
  using map = mmap(path)
  for (let index = 0; index < 100; index += 1) map.at(index)
  truncateSync(path, PAGESIZE)
  t.throws(() => map.toString('utf8', PAGESIZE, PAGESIZE + 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.toString('utf8', 0, 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.arrayBuffer(0, 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.set('lost', PAGESIZE), { code: 'ERR_MMAP_FAULT' })
})

// --- arrayBuffer

test('arrayBuffer is a copy that has these bytes and no others', (t) => {
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

onLinux('an ArrayBuffer that there is no memory for is ERR_OUT_OF_RANGE', 'a file of 8 TiB that takes no room', (t) => {
  const path = scratchFile(t, 1)
  truncateSync(path, 2 ** 43)
  using map = mmap(path, 0, { access: ACCESS_READ })
  t.throws(() => map.arrayBuffer(), { code: 'ERR_OUT_OF_RANGE', message: /8796093022208 bytes/ })
  t.throws(() => map.toString(), { code: 'ERR_OUT_OF_RANGE', message: /8796093022208 bytes/ })
  t.is(map.arrayBuffer(-10).byteLength, 10)
  t.is(map.toString('latin1', -3), '\0\0\0')
})

// --- set

test('set writes at a position and leaves the cursor', (t) => {
  using map = mmap(scratchFile(t, 'Hello World!'))
  map.seek(3)
  t.is(map.set('HELLO'), 5)
  t.is(map.set(Buffer.from('Earth'), 6), 5)
  t.is(map.set(new Uint16Array([0x2121]), 10), 2)
  t.is(map.set('', 12), 0)
  t.is(map.toString(), 'HELLO Eart!!')
  t.is(map.tell(), 3)
})

test('set takes what is longer than a copy in JavaScript, and what overlaps, before and after there is a view', (t) => {
  const bytes = pattern(3000)
  using map = mmap(-1, 8192)
  for (const _round of [0, 1]) {
    t.is(map.set(bytes, 100), 3000)
    t.deepEqual(map.slice(100, 3100), bytes)
    t.is(map.set(map.bytes.subarray(100, 1100), 600), 1000)
    t.deepEqual(map.slice(600, 1600), Buffer.from(bytes.subarray(0, 1000)))
  }
})

test('set writes all or nothing, and refuses a position that is not there', (t) => {
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

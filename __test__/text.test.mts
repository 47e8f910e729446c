// Text of a mapping, and what copies of all kinds have in common.

import { constants } from 'node:buffer'
import { truncateSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_READ, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

const ENCODINGS = ['utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64'] as const

test('toString: the result is that of Buffer#toString, before and after there is a view', (t) => {
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
        // A copy is decoded, because Node for musl crashes at utf16le from an odd address.
        const expected = Buffer.from(bytes.subarray(start, stop)).toString(encoding)
        t.is(map.toString(encoding, start, stop), expected, `${round} ${encoding} ${start}`)
      }
    }
    t.is(map.bytes.length, bytes.length)
  }
})

test('toString: bounds are those of slice', (t) => {
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

test('toString: an unknown encoding is refused, and the error lists the known ones', (t) => {
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

test('toString: a text longer than the longest string is an error that says what to do', (t) => {
  const longest = constants.MAX_STRING_LENGTH
  const path = scratchFile(t, 1)
  // The file is sparse, so it takes no room.
  truncateSync(path, longest + 2)
  using map = mmap(path, 0, { access: ACCESS_READ })
  for (const encoding of ['latin1', 'hex', 'utf8'] as const) {
    t.throws(() => map.toString(encoding), {
      code: 'ERR_OUT_OF_RANGE',
      message: /longest string.*lines\(\{ encoding \}\)/,
    })
  }
})

test('toString, arrayBuffer, set: a closed mapping is ERR_MMAP_CLOSED', (t) => {
  const map = mmap(-1, 10)
  map.close()
  t.throws(() => map.toString(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.arrayBuffer(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.set('x'), { code: 'ERR_MMAP_CLOSED' })
})

onUnix('toString, arrayBuffer, set: a truncated file is ERR_MMAP_FAULT', 'no mapped file can be cut there', (t) => {
  const path = scratchFile(t, 2 * PAGESIZE)
  using map = mmap(path)
  for (let index = 0; index < 100; index += 1) map.at(index)
  truncateSync(path, PAGESIZE)
  t.throws(() => map.toString('utf8', PAGESIZE, PAGESIZE + 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.toString('utf8', 0, 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.arrayBuffer(0, 10), { code: 'ERR_MMAP_FAULT' })
  t.throws(() => map.set('lost', PAGESIZE), { code: 'ERR_MMAP_FAULT' })
})

onLinux(
  'arrayBuffer, toString: a copy that there is no memory for is ERR_OUT_OF_RANGE',
  'a file of 8 TiB that takes no room',
  (t) => {
    const path = scratchFile(t, 1)
    truncateSync(path, 2 ** 43)
    using map = mmap(path, 0, { access: ACCESS_READ })
    t.throws(() => map.arrayBuffer(), { code: 'ERR_OUT_OF_RANGE', message: /8796093022208 bytes/ })
    t.throws(() => map.toString(), { code: 'ERR_OUT_OF_RANGE', message: /8796093022208 bytes/ })
    t.is(map.arrayBuffer(-10).byteLength, 10)
    t.is(map.toString('latin1', -3), '\0\0\0')
  },
)

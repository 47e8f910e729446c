// replaceAll. What it has in common with other searches is in find.test.mts.

import { readFileSync, truncateSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_READ, mmap, PAGESIZE, PROT_READ } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux } from './support/platform.mjs'
import { scratchFile } from './support/portable.mjs'

const test = ava.serial

// --- Misuse

const TEXT = 'one two one three one'

test('replaceAll: a replacement of another length is refused, and nothing is replaced', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const [from, to, came] of [
    ['one', '', 0],
    ['one', 'on', 2],
    ['one', 'ones', 4],
    ['one', 'öne', 4],
    ['absent', 'x', 1],
    ['one', new Float64Array(1), 8],
  ] as const) {
    t.throws(() => map.replaceAll(from, to), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: new RegExp(
        `^The "to" argument must be as long as "from", ${Buffer.from(from).length} bytes\\. Received ${came} bytes`,
      ),
    })
  }
  t.is(map.slice().toString(), TEXT)
  // The length in bytes counts, which is three.
  t.is(map.replaceAll('two', 'ön'), 1)
  t.is(map.slice(0, 7).toString(), 'one ön')
})

test('replaceAll: a read-only mapping is refused, after wrong arguments and before lengths', (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path, 0, { access: ACCESS_READ })
  for (const [from, to] of [
    ['one', 'ONE'],
    ['one', 'longer'],
    ['', ''],
    ['', 'x'],
  ] as const) {
    t.throws(() => map.replaceAll(from, to), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  }
  t.throws(() => callWith(map, 'replaceAll', 'one', 1), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => map.replaceAll('one', 'ONE', 0.5), { code: 'ERR_OUT_OF_RANGE' })
  t.is(map.slice().toString(), TEXT)
  t.is(readFileSync(path, 'utf8'), TEXT)
})

test('replaceAll: it is refused after protect(PROT_READ)', (t) => {
  if (process.platform === 'win32') {
    t.log('not run on Windows: it has no protect()')
    t.pass()
    return
  }
  using map = mmap(scratchFile(t, TEXT))
  map.protect(PROT_READ)
  t.throws(() => map.replaceAll('one', 'ONE'), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  t.is(map.count('one'), 3)
})

// --- Replacing

test('replaceAll: both arguments may be views of the mapping itself', (t) => {
  using map = mmap(scratchFile(t, 'abXYab..ab'))
  t.is(map.replaceAll(map.bytes.subarray(0, 2), map.bytes.subarray(2, 4)), 3)
  t.is(map.slice().toString(), 'XYXYXY..XY')
})

test('replaceAll: what has been put in is not searched again', (t) => {
  using map = mmap(scratchFile(t, 'aaab'))
  t.is(map.replaceAll('ab', 'ba'), 1)
  t.is(map.slice().toString(), 'aaba')
  t.is(map.replaceAll('a', 'a'), 3)
})

onLinux('replaceAll: a fault says how many were replaced before it', 'only there is every fault seen', (t) => {
  const path = scratchFile(t, 'x'.repeat(4 * PAGESIZE))
  using map = mmap(path)
  truncateSync(path, 2 * PAGESIZE)
  const error = t.throws(() => map.replaceAll('x', 'y'), { code: 'ERR_MMAP_FAULT' })
  t.like(error, { replaced: readFileSync(path, 'utf8').split('y').length - 1 })
  t.like(error, { replaced: 2 * PAGESIZE })
})

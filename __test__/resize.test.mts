// resize(): files and mappings that get longer and shorter.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_READ, MAP_PRIVATE, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix, TOO_LARGE } from './support/platform.mjs'
import { mapsOf, pattern, scratchFile } from './support/portable.mjs'
import { onSmallDisk } from './support/small-disk.mjs'

const test = ava.serial

// --- Misuse

test('resize: an invalid length is refused, and nothing changes', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  for (const size of [0, -1, 0n, -1n, 2 ** 63, 2n ** 63n - 1n]) {
    t.throws(() => map.resize(size), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^new size out of range/,
    })
  }
  for (const size of [1.5, Number.NaN, 2n ** 63n]) {
    t.throws(() => map.resize(size), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  for (const size of ['5', null, undefined, {}]) {
    t.throws(() => callWith(map, 'resize', size), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "newSize" argument must be of type number or bigint\. Received /,
    })
  }
  t.is(map.length, 6)
  t.is(map.slice().toString(), 'abcdef')
  t.is(readFileSync(path, 'utf8'), 'abcdef')
})

test('resize: a mapping whose changes do not reach the file is refused', (t) => {
  const path = scratchFile(t, 'abcdef')
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(path, 0, { access })
    t.throws(() => map.resize(3), {
      instanceOf: TypeError,
      code: 'ERR_MMAP_READONLY',
      message: "mmap can't resize a readonly or copy-on-write memory map.",
    })
  }
  t.is(readFileSync(path, 'utf8'), 'abcdef')
})

onUnix('resize: MAP_PRIVATE with a file is refused, because it would truncate the file', 'it has no flags', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path, 0, { flags: MAP_PRIVATE })
  t.throws(() => map.resize(3), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  t.is(readFileSync(path, 'utf8'), 'abcdef')
})

// --- Files

for (const offset of [0, 100, PAGESIZE, PAGESIZE + 1]) {
  test(`resize: file and mapping get longer, with zeros, at an offset of ${offset}`, (t) => {
    const content = pattern(offset + 1000)
    const path = scratchFile(t, content)
    using map = mmap(path, 0, { offset })
    const before = map.bytes
    map.seek(500)
    map.resize(3 * PAGESIZE)
    t.is(map.length, 3 * PAGESIZE)
    t.is(map.size(), offset + 3 * PAGESIZE)
    t.is(statSync(path).size, offset + 3 * PAGESIZE)
    t.is(map.tell(), 500)
    t.true(map.slice(0, 1000).equals(content.subarray(offset)))
    t.true(map.slice(1000).equals(Buffer.alloc(3 * PAGESIZE - 1000)))
    map.setAt(-1, 9)
    t.is(readFileSync(path).at(-1), 9)
    t.is(map.bytes.length, 3 * PAGESIZE)
    // The earlier view keeps its length, and still shows the file.
    t.is(before.length, 1000)
    before[0] = 77
    t.is(map.at(0), 77)
    t.is(readFileSync(path)[offset], 77)
  })

  test(`resize: file and mapping get shorter, at an offset of ${offset}`, (t) => {
    const content = pattern(offset + 3 * PAGESIZE)
    const path = scratchFile(t, content)
    using map = mmap(path, 0, { offset })
    map.resize(1000)
    t.is(map.length, 1000)
    t.is(statSync(path).size, offset + 1000)
    t.true(map.slice().equals(content.subarray(offset, offset + 1000)))
    t.throws(() => map.at(1000), { code: 'ERR_OUT_OF_RANGE' })
    map.setAt(0, 5)
    t.true(readFileSync(path).equals(Buffer.concat([content.subarray(0, offset), map.slice()])))
  })

  onUnix(
    `resize: an earlier view reads zeros where the file was truncated, at an offset of ${offset}`,
    'it cuts no file with views',
    (t) => {
      const path = scratchFile(t, pattern(offset + 4 * PAGESIZE))
      using map = mmap(path, 0, { offset })
      const before = map.bytes
      map.resize(1000)
      t.is(before.length, 4 * PAGESIZE)
      t.true(Buffer.from(before.subarray(0, 1000)).equals(map.slice()))
      t.true(Buffer.from(before.subarray(1000)).equals(Buffer.alloc(4 * PAGESIZE - 1000)))
      before[4 * PAGESIZE - 1] = 1
      before[0] = 99
      t.is(map.at(0), 99)
      t.is(statSync(path).size, offset + 1000)
    },
  )
}

onUnix('resize: blocks are allocated for what is added', 'blocks are counted otherwise', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path)
  map.resize(1 << 20)
  t.true(statSync(path).blocks * 512 >= 1 << 20)
})

test('resize: a mapping of a part moves the end of the file to its own end', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path, 100, { offset: 200 })
  map.resize(300)
  t.is(map.size(), 500)
  t.true(map.slice().equals(pattern(1000).subarray(200, 500)))
})

test('resize: the same length changes nothing, and may be a bigint', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  map.resize(6n)
  t.is(map.slice().toString(), 'abcdef')
  t.is(map.size(), 6)
})

test('resize: many resizes up and down keep what was in both', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  using map = mmap(path)
  let kept = PAGESIZE
  let state = 12345
  for (let round = 0; round < 200; round += 1) {
    state = (state * 1103515245 + 12345) % 2147483648
    const size = 1 + (state % (5 * PAGESIZE))
    map.resize(size)
    kept = Math.min(kept, size)
    // Windows truncates no file of which there is a view.
    if (round % 10 === 0 && process.platform !== 'win32') t.is(map.bytes.length, size)
    t.true(map.slice(0, kept).equals(pattern(kept)))
    t.true(map.slice(kept).equals(Buffer.alloc(size - kept)))
  }
  t.is(map.size(), map.length)
})

onLinux('resize: nothing of the old mapping stays if no view was handed out', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  using map = mmap(path)
  for (const byte of map) if (byte > 255) t.fail()
  map.resize(10 * PAGESIZE)
  t.is(mapsOf(path), 1)
  map.resize(2 * PAGESIZE)
  t.is(mapsOf(path), 1)
})

test('resize: a failure leaves file and mapping as they were', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path)
  const view = map.bytes
  t.throws(() => map.resize(2 ** 52), { message: TOO_LARGE })
  t.is(map.length, 1000)
  t.is(statSync(path).size, 1000)
  t.true(map.slice().equals(pattern(1000)))
  map.setAt(0, 200)
  t.is(view[0], 200)
  t.is(readFileSync(path)[0], 200)
})

onSmallDisk('resize: a full disk is ENOSPC, and file and mapping stay as they were', (t, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, pattern(1000))
  using map = mmap(path)
  t.throws(() => map.resize(1 << 20), { code: 'ENOSPC' })
  t.is(map.length, 1000)
  t.is(statSync(path).size, 1000)
  t.true(map.slice().equals(pattern(1000)))
  map.resize(20_000)
  t.is(map.length, 20_000)
})

test('resize: with views alive there are new ones of the new size', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  const before = map.bytes
  map.resize(10)
  const after = map.bytes
  t.not(before, after)
  t.deepEqual([before.length, after.length], [6, 10])
  after[0] = 65
  t.is(before[0], 65)
  before[1] = 66
  t.is(readFileSync(path, 'latin1'), 'ABcdef\0\0\0\0')
})

// flush(). What writeBack adds to it is in write-back.test.mts.

import { readFileSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_READ, MS_ASYNC, MS_INVALIDATE, MS_SYNC, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

test('flush: a range outside the mapping is refused, also with ACCESS_READ', (t) => {
  const path = scratchFile(t, 100)
  for (const access of [ACCESS_DEFAULT, ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(path, 0, { access })
    for (const [offset, size] of [
      [-1, 1],
      [101, 0],
      [0, 101],
      [50, 51],
      [0, -2],
    ] as const) {
      t.throws(() => map.flush(offset, size), {
        instanceOf: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: /^flush values out of range/,
      })
    }
    t.throws(() => callWith(map, 'flush', '0'), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => callWith(map, 'flush', 0, null), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => callWith(map, 'flush', 0, 0, 'MS_SYNC'), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

onUnix('flush: flags that exclude each other are EINVAL', 'it has no flags', (t) => {
  using map = mmap(scratchFile(t, 100))
  t.throws(() => map.flush(0, 100, MS_SYNC | MS_ASYNC), { code: 'EINVAL' })
})

test('flush: any offset and size may be given', (t) => {
  const size = 3 * PAGESIZE + 100
  const path = scratchFile(t, size)
  using map = mmap(path)
  map.write(pattern(size))
  for (const offset of [0, 1, PAGESIZE - 1, PAGESIZE, PAGESIZE + 1, size - 1, size]) {
    t.is(map.flush(offset), undefined)
    t.is(map.flush(offset, -1), undefined)
    t.is(map.flush(offset, 0), undefined)
    t.is(map.flush(offset, size - offset), undefined)
  }
  t.is(map.flush(), undefined)
  t.true(readFileSync(path).equals(pattern(size)))
})

test('flush: any offset may be given in a mapping that has an offset of its own', (t) => {
  const path = scratchFile(t, 3 * PAGESIZE)
  using map = mmap(path, 2 * PAGESIZE, { offset: 100 })
  map.fill(1)
  for (const offset of [0, 1, PAGESIZE - 100, PAGESIZE, 2 * PAGESIZE]) t.is(map.flush(offset), undefined)
})

onUnix('flush: the flags may be MS_SYNC, MS_ASYNC and MS_INVALIDATE', 'it has no flags', (t) => {
  using map = mmap(scratchFile(t, 3 * PAGESIZE))
  map.fill(1)
  for (const flags of [MS_SYNC, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE]) {
    t.is(map.flush(0, map.length, flags), undefined)
    t.is(map.flush(PAGESIZE + 1, 10, flags), undefined)
  }
  t.is(map.at(-1), 1)
})

onLinux('flush: no page is dirty afterwards', 'it reads /proc/self/smaps', (t) => {
  const path = scratchFile(t, 64 * PAGESIZE)
  using map = mmap(path)
  map.fill(1)
  const dirty = (): number => {
    const text = readFileSync('/proc/self/smaps', 'utf8')
    const entry = text.slice(text.indexOf(path))
    return ['Shared_Dirty', 'Private_Dirty']
      .map((name) => Number(new RegExp(`${name}: +(\\d+) kB`).exec(entry)?.[1]))
      .reduce((sum, kibibytes) => sum + kibibytes)
  }
  t.true(dirty() > 0)
  map.flush()
  t.is(dirty(), 0)
})

test('flush: the descriptor is not needed', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { trackfd: false })
  map.write('ABC')
  t.is(map.flush(), undefined)
  t.is(readFileSync(path, 'utf8'), 'ABC')
})

// Pages: advice, protection, locks in memory and residency.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import ava from 'ava'
import * as memmap from 'memmap'
import {
  ACCESS_COPY,
  ACCESS_READ,
  ACCESS_WRITE,
  MADV_DONTNEED,
  MADV_NORMAL,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  mmap,
  PAGESIZE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

// --- Misuse

onUnix('madvise: unknown advice, and a range outside the mapping, are refused', 'it has no madvise', (t) => {
  using map = mmap(scratchFile(t, 2 * PAGESIZE))
  for (const start of [-1, map.length, map.length + 1]) {
    t.throws(() => map.madvise(MADV_NORMAL, start), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^madvise start out of bounds/,
    })
  }
  t.throws(() => map.madvise(MADV_NORMAL, 0, -1), { code: 'ERR_OUT_OF_RANGE', message: /^madvise length invalid/ })
  t.throws(() => map.madvise(MADV_NORMAL, PAGESIZE, Number.MAX_SAFE_INTEGER), {
    code: 'ERR_OUT_OF_RANGE',
    message: /^madvise length too large/,
  })
  t.throws(() => callWith(map, 'madvise'), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => callWith(map, 'madvise', 'MADV_NORMAL'), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => map.madvise(MADV_NORMAL, 1), { code: 'EINVAL' })
  t.throws(() => map.madvise(12345), { code: 'EINVAL' })
})

onLinux(
  'madvise: advice after which a touch would kill the process is EINVAL',
  'only it has MADV_GUARD_INSTALL',
  (t) => {
    using map = mmap(-1, 4 * PAGESIZE)
    t.throws(() => map.madvise(102), { code: 'EINVAL' })
    t.is(map.at(0), 0)
  },
)

test('mlock, munlock, resident: the range is that of slice', (t) => {
  using map = mmap(scratchFile(t, pattern(3 * PAGESIZE)))
  const totals: [number | object | undefined, number | undefined, number][] = [
    [0, PAGESIZE, 1],
    [-1, undefined, 1],
    [PAGESIZE, 2 * PAGESIZE + 1, 2],
    [1, -1, 3],
    [0, 10 * PAGESIZE, 3],
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 3],
    [4 * PAGESIZE, undefined, 0],
    [2 * PAGESIZE, PAGESIZE, 0],
    [{ start: PAGESIZE }, undefined, 2],
    [{ start: 0, stop: 1 }, undefined, 1],
    [{}, undefined, 3],
  ]
  for (const [start, stop, total] of totals) {
    t.like(callWith(map, 'resident', start, stop), { total })
    t.is(callWith(map, 'mlock', start, stop), undefined)
    t.is(callWith(map, 'munlock', start, stop), undefined)
  }
  for (const method of ['mlock', 'munlock', 'resident'] as const) {
    for (const wrong of ['0', null, true, {}]) {
      t.throws(() => callWith(map, method, 0, wrong), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const wrong of [0.5, Number.NaN]) {
      t.throws(() => callWith(map, method, wrong), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    }
    t.throws(() => callWith(map, method, { length: 5 }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'The property "options.length" is not an option of this method. Options are start, stop',
    })
  }
})

onUnix('protect: an invalid protection is refused', 'it has no protect', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  for (const prot of ['1', null, undefined, 1n]) {
    t.throws(() => callWith(map, 'protect', prot), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const prot of [0x1000, -1, 0x0100_0000]) {
    t.like(
      t.throws(() => map.protect(prot)),
      { code: 'EINVAL', syscall: 'mprotect' },
    )
  }
  t.throws(() => map.protect(1.5), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  map.write('ABC')
  t.is(map.slice().toString(), 'ABC')
})

onUnix('protect: a file that was opened for reading cannot become writable: EACCES', 'it has no protect', (t) => {
  const path = scratchFile(t, 'read only')
  using map = mmap(path, 0, { access: ACCESS_READ })
  const view = map.bytes
  t.throws(() => map.protect(PROT_READ | PROT_WRITE), { code: 'EACCES' })
  t.is(map.access, ACCESS_READ)
  t.throws(() => map.write('x'), { code: 'ERR_MMAP_READONLY' })
  view[0] = 1
  t.is(readFileSync(path, 'utf8'), 'read only')
})

onUnix('protect: a mapping with trackfd: false has no descriptor for it: EBADF', 'it has no protect', (t) => {
  using map = mmap(scratchFile(t, 'abc'), 0, { trackfd: false })
  t.throws(() => map.protect(PROT_READ), { code: 'EBADF' })
  map.write('ABC')
  t.is(map.slice().toString(), 'ABC')
})

// --- protect

onUnix(
  'protect: after PROT_READ, methods refuse to write and a stray store reaches no file',
  'it has no protect',
  (t) => {
    for (const offset of [0, 100]) {
      const path = scratchFile(t, pattern(3 * PAGESIZE))
      using map = mmap(path, 0, { offset })
      const view = map.bytes
      map.setAt(0, 1)
      t.is(map.protect(PROT_READ), undefined)
      t.is(map.access, ACCESS_READ)
      for (const write of [() => map.write('x'), () => map.setAt(0, 9), () => map.fill(9), () => map.move(0, 1, 1)]) {
        t.throws(write, { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
      }
      t.throws(() => map.resize(10), { code: 'ERR_MMAP_READONLY' })
      const before = readFileSync(path)
      t.is(before[offset], 1)
      view[PAGESIZE] = 99
      map.bytes[2 * PAGESIZE] = 99
      t.is(view[PAGESIZE], 99)
      t.true(readFileSync(path).equals(before))
    }
  },
)

onUnix('protect: after PROT_READ, the writes of others are still seen', 'it has no protect', (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  using map = mmap(path)
  using other = mmap(path)
  map.protect(PROT_READ)
  other.write('seen')
  t.is(map.slice(0, 4).toString(), 'seen')
})

onUnix(
  'protect: PROT_READ | PROT_WRITE makes writes reach the file again, also by earlier views',
  'it has no protect',
  (t) => {
    const path = scratchFile(t, pattern(2 * PAGESIZE))
    using map = mmap(path, 0, { access: ACCESS_WRITE })
    const view = map.bytes
    map.protect(PROT_READ)
    view[0] = 99
    map.protect(PROT_READ | PROT_WRITE)
    t.is(map.access, ACCESS_WRITE)
    // The stray store is gone, because it never was in the file.
    t.is<number | undefined, number | undefined>(view[0], pattern(1)[0])
    map.setAt(1, 1)
    view[2] = 2
    t.deepEqual([...readFileSync(path).subarray(0, 3)], [...pattern(1), 1, 2])
  },
)

onUnix('protect: ACCESS_COPY stays private', 'it has no protect', (t) => {
  const path = scratchFile(t, 'original')
  using map = mmap(path, 0, { access: ACCESS_COPY })
  map.write('CHANGED')
  map.protect(PROT_READ)
  t.throws(() => map.setAt(0, 1), { code: 'ERR_MMAP_READONLY' })
  t.is(map.slice().toString(), 'CHANGEDl')
  map.protect(PROT_READ | PROT_WRITE)
  t.is(map.access, ACCESS_COPY)
  map.setAt(-1, 76)
  t.is(map.slice().toString(), 'CHANGEDL')
  t.is(readFileSync(path, 'utf8'), 'original')
})

onUnix('protect: PROT_READ writes earlier changes back, and never a stray store', 'it has no protect', (t) => {
  for (const shared of [false, true]) {
    const path = scratchFile(t, 'a file of a page')
    const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true, sharedArrayBuffer: shared })
    map.write('A')
    map.protect(PROT_READ)
    t.is(readFileSync(path, 'utf8'), 'A file of a page')
    map.bytes[1] = 35
    map.flush()
    map.protect(PROT_READ | PROT_WRITE)
    t.is(map.slice().toString(), 'A file of a page', 'the file, and not the stray store')
    map.setSlice('FILE', 2, 6)
    map.flush()
    t.is(readFileSync(path, 'utf8'), 'A FILE of a page')
    map.protect(PROT_READ)
    map.bytes[1] = 35
    map.close()
    t.is(readFileSync(path, 'utf8'), 'A FILE of a page')
  }
})

onUnix('protect: memory without PROT_READ can still be read, because no view may crash', 'it has no protect', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  const view = map.bytes
  map.protect(0)
  t.deepEqual([map.access, map.at(0), view[1]], [ACCESS_READ, 97, 98])
  using other = mmap(scratchFile(t, 'abc'), 0, { prot: 0 })
  t.is(other.read().toString(), 'abc')
})

onUnix('protect: memory can be executable, and is read and written as before', 'it has no protect', (t) => {
  using map = mmap(-1, PAGESIZE, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  if (process.platform === 'darwin' && process.arch === 'arm64') {
    // Apple's processors allow no memory to be both writable and executable.
    t.throws(() => map.protect(PROT_READ | PROT_WRITE | PROT_EXEC), { code: 'EACCES' })
    return
  }
  map.protect(PROT_READ | PROT_WRITE | PROT_EXEC)
  map.fill(0x90)
  t.is(map.at(-1), 0x90)
  map.protect(PROT_READ | PROT_EXEC)
  t.throws(() => map.fill(0), { code: 'ERR_MMAP_READONLY' })
})

onLinux(
  'protect: memory without a descriptor becomes executable when it stops being written',
  'it reads /proc',
  (t) => {
    // No other mapping has this length. The executable memory of the engine comes and goes.
    const length = 1234 * PAGESIZE
    using map = mmap(-1, length, { trackfd: false })
    const permissions = (): (string | undefined)[] =>
      [...readFileSync('/proc/self/maps', 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/gm)]
        .filter(([, start, end]) => Number(`0x${end}`) - Number(`0x${start}`) === length)
        .map(([, , , permission]) => permission)
    t.deepEqual(permissions(), ['rw-s'])
    map.protect(PROT_READ | PROT_EXEC)
    t.deepEqual(permissions(), ['rwxs'])
    map.protect(PROT_READ | PROT_WRITE)
    t.deepEqual(permissions(), ['rw-s'])
  },
)

onUnix('protect: anonymous memory keeps its bytes', 'it has no protect', (t) => {
  for (const flags of [memmap.MAP_SHARED, MAP_PRIVATE]) {
    using map = mmap(-1, 2 * PAGESIZE, { flags: flags | MAP_ANONYMOUS })
    map.write('kept')
    map.protect(PROT_READ)
    t.throws(() => map.write('x'), { code: 'ERR_MMAP_READONLY' })
    t.is(map.slice(0, 4).toString(), 'kept')
    map.protect(PROT_READ | PROT_WRITE)
    map.setAt(0, 75)
    t.is(map.slice(0, 4).toString(), 'Kept')
  }
})

// --- madvise

onUnix('madvise: the range may be all, a part, or more than there is', 'it has no madvise', (t) => {
  const path = scratchFile(t, pattern(3 * PAGESIZE + 10))
  using map = mmap(path)
  for (const option of [MADV_NORMAL, memmap.MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED]) {
    t.is(map.madvise(option), undefined)
    t.is(map.madvise(option, PAGESIZE), undefined)
    t.is(map.madvise(option, PAGESIZE, 2), undefined)
    t.is(map.madvise(option, PAGESIZE, 2 ** 40), undefined)
  }
  t.true(map.slice().equals(pattern(3 * PAGESIZE + 10)))
})

onUnix('madvise: a start of 0 is on a page, whatever the offset of the mapping', 'it has no madvise', (t) => {
  using map = mmap(scratchFile(t, pattern(3 * PAGESIZE)), 0, { offset: 100 })
  t.is(map.madvise(MADV_WILLNEED), undefined)
  t.is(map.madvise(MADV_WILLNEED, PAGESIZE - 100), undefined)
  t.throws(() => map.madvise(MADV_WILLNEED, PAGESIZE), { code: 'EINVAL' })
})

onLinux('madvise: MADV_DONTNEED drops private changes, and none of a file', 'elsewhere it drops nothing', (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  using copy = mmap(path, 0, { access: ACCESS_COPY })
  copy.fill(1)
  copy.madvise(MADV_DONTNEED, PAGESIZE)
  t.deepEqual([copy.at(0), copy.at(PAGESIZE)], [1, pattern(2 * PAGESIZE).readUInt8(PAGESIZE)])
  using map = mmap(path)
  map.fill(2)
  map.madvise(MADV_DONTNEED)
  t.is(map.at(PAGESIZE), 2)
})

onLinux(
  'madvise: MADV_REMOVE frees a part of a file, and nothing before an unaligned mapping',
  'only it has MADV_REMOVE',
  (t) => {
    const { MADV_REMOVE } = memmap
    if (MADV_REMOVE === undefined) return t.fail('Linux has MADV_REMOVE')
    const path = scratchFile(t, pattern(4 * PAGESIZE))
    using map = mmap(path)
    map.madvise(MADV_REMOVE, PAGESIZE, PAGESIZE)
    const expected = pattern(4 * PAGESIZE).fill(0, PAGESIZE, 2 * PAGESIZE)
    t.true(readFileSync(path).equals(expected))
    using inside = mmap(path, 0, { offset: 2 * PAGESIZE + 100 })
    t.throws(() => inside.madvise(MADV_REMOVE), { code: 'EINVAL' })
    t.true(readFileSync(path).equals(expected))
    using short = mmap(path, 3 * PAGESIZE + 100, { offset: 0 })
    t.throws(() => short.madvise(MADV_REMOVE, 3 * PAGESIZE), { code: 'EINVAL' })
    t.true(readFileSync(path).equals(expected))
  },
)

// --- mlock, munlock, resident

test('mlock, munlock: pages may be locked and unlocked any number of times', (t) => {
  using map = mmap(scratchFile(t, pattern(3 * PAGESIZE)), 0, { offset: 10 })
  for (const range of [[], [0, 0], [1, 2], [PAGESIZE - 1, PAGESIZE + 1], [5]] as [number?, number?][]) {
    t.is(map.mlock(...range), undefined)
    t.is(map.mlock(...range), undefined)
    t.is(map.munlock(...range), undefined)
  }
  map.write('x')
  t.is(map.at(0), 120)
})

onLinux('mlock: locked pages are in memory, and the system counts them', 'it reads /proc/self/status', (t) => {
  const locked = (): number => Number(/VmLck:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const map = mmap(scratchFile(t, 8 * PAGESIZE))
  const before = locked()
  map.mlock(PAGESIZE + 1, 2 * PAGESIZE + 1)
  t.is(locked() - before, (2 * PAGESIZE) / 1024)
  map.mlock()
  t.is(locked() - before, (8 * PAGESIZE) / 1024)
  t.deepEqual(map.resident(), { resident: 8, total: 8 })
  map.munlock()
  t.is(locked(), before)
  map.mlock()
  map.close()
  t.is(locked(), before)
})

onLinux('mlock: no page of private memory is copied', 'only it can lock without', (t) => {
  const path = scratchFile(t, pattern(3 * PAGESIZE))
  const others = openSync(path, 'r+')
  t.teardown(() => closeSync(others))
  using reading = mmap(path, 0, { access: ACCESS_READ })
  reading.mlock()
  const copy = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  copy.mlock()
  t.deepEqual(copy.resident(), { resident: 3, total: 3 })
  writeSync(others, 'theirs', 2 * PAGESIZE)
  for (const map of [reading, copy]) t.is(map.slice(2 * PAGESIZE, 2 * PAGESIZE + 6).toString(), 'theirs')
  copy.setAt(0, 1)
  copy.close()
  const file = readFileSync(path)
  t.deepEqual([file[0], file.subarray(2 * PAGESIZE, 2 * PAGESIZE + 6).toString()], [1, 'theirs'])
})

test('resident: the pages under a range are counted, wherever it begins', (t) => {
  using map = mmap(scratchFile(t, pattern(4 * PAGESIZE + 1)))
  t.is(map.resident().total, 5)
  t.is(map.resident(0, 1).total, 1)
  t.is(map.resident(PAGESIZE - 1, PAGESIZE + 1).total, 2)
  t.is(map.resident(PAGESIZE, 2 * PAGESIZE).total, 1)
  t.is(map.resident(5, 5).total, 0)
  t.is(map.resident(map.length).total, 0)
  using inside = mmap(scratchFile(t, pattern(4 * PAGESIZE)), PAGESIZE, { offset: 1 })
  t.is(inside.resident().total, 2)
  t.deepEqual(Object.keys(inside.resident()).sort(), ['resident', 'total'])
})

onLinux('resident: anonymous pages count once they are touched', 'others bring in more', (t) => {
  using map = mmap(-1, 8 * PAGESIZE, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  const { MADV_NOHUGEPAGE } = memmap
  if (MADV_NOHUGEPAGE !== undefined) map.madvise(MADV_NOHUGEPAGE)
  t.deepEqual(map.resident(), { resident: 0, total: 8 })
  map.setAt(0, 1)
  map.setAt(3 * PAGESIZE, 1)
  t.deepEqual(map.resident(), { resident: 2, total: 8 })
  t.deepEqual(map.resident(PAGESIZE, 3 * PAGESIZE), { resident: 0, total: 2 })
})

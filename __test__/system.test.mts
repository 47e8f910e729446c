// The operating system half: advice, protection, locking, residency, constants, and files beyond 4 GiB.

import { constants } from 'node:buffer'
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'
import ava from 'ava'
import * as memmap from 'memmap'
import {
  ACCESS_COPY,
  ACCESS_READ,
  ACCESS_WRITE,
  ALLOCATIONGRANULARITY,
  MADV_DONTNEED,
  MADV_NORMAL,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAX_VIEW_LENGTH,
  type Mmap,
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

const GIB = 2 ** 30

// --- Misuse

onUnix('advice about what is not there is refused', 'it has no madvise', (t) => {
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

onLinux('advice after which a touch would kill the process is EINVAL', 'only it has MADV_GUARD_INSTALL', (t) => {
  using map = mmap(-1, 4 * PAGESIZE)
  t.throws(() => map.madvise(102), { code: 'EINVAL' })
  t.is(map.at(0), 0)
})

test('mlock, munlock and resident take a range as slice does', (t) => {
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

onUnix('protect refuses what is no protection', 'it has no protect', (t) => {
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

onUnix('a file that was opened for reading cannot become writable: EACCES', 'it has no protect', (t) => {
  const path = scratchFile(t, 'read only')
  using map = mmap(path, 0, { access: ACCESS_READ })
  const view = map.bytes
  t.throws(() => map.protect(PROT_READ | PROT_WRITE), { code: 'EACCES' })
  t.is(map.access, ACCESS_READ)
  t.throws(() => map.write('x'), { code: 'ERR_MMAP_READONLY' })
  view[0] = 1
  t.is(readFileSync(path, 'utf8'), 'read only')
})

onUnix('protect needs the descriptor that trackfd: false has given up', 'it has no protect', (t) => {
  using map = mmap(scratchFile(t, 'abc'), 0, { trackfd: false })
  t.throws(() => map.protect(PROT_READ), { code: 'EBADF' })
  map.write('ABC')
  t.is(map.slice().toString(), 'ABC')
})

// --- protect

onUnix(
  'after protect(PROT_READ) the methods refuse to write, and a stray store reaches no file',
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

onUnix('after protect(PROT_READ) the writes of others are still seen', 'it has no protect', (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  using map = mmap(path)
  using other = mmap(path)
  map.protect(PROT_READ)
  other.write('seen')
  t.is(map.slice(0, 4).toString(), 'seen')
})

onUnix(
  'protect back to PROT_READ | PROT_WRITE writes through again, also through views of before',
  'it has no protect',
  (t) => {
    const path = scratchFile(t, pattern(2 * PAGESIZE))
    using map = mmap(path, 0, { access: ACCESS_WRITE })
    const view = map.bytes
    map.protect(PROT_READ)
    view[0] = 99
    map.protect(PROT_READ | PROT_WRITE)
    t.is(map.access, ACCESS_WRITE)
    // The stray store is gone: it never was in the file.
    t.is<number | undefined, number | undefined>(view[0], pattern(1)[0])
    map.setAt(1, 1)
    view[2] = 2
    t.deepEqual([...readFileSync(path).subarray(0, 3)], [...pattern(1), 1, 2])
  },
)

onUnix('ACCESS_COPY stays private through protect', 'it has no protect', (t) => {
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

onUnix(
  'protect(PROT_READ) writes back what was changed before, and a stray store never gets to the file',
  'it has no protect',
  (t) => {
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
  },
)

onUnix('memory without PROT_READ can be read all the same: no view may crash', 'it has no protect', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  const view = map.bytes
  map.protect(0)
  t.deepEqual([map.access, map.at(0), view[1]], [ACCESS_READ, 97, 98])
  using other = mmap(scratchFile(t, 'abc'), 0, { prot: 0 })
  t.is(other.read().toString(), 'abc')
})

onUnix('memory can be made executable, and is read and written as before', 'it has no protect', (t) => {
  using map = mmap(-1, PAGESIZE, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  if (process.platform === 'darwin' && process.arch === 'arm64') {
    // No memory is both on Apple's processors.
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
  'memory without a file or a descriptor becomes executable when it stops being written',
  'it reads /proc',
  (t) => {
    // A length that no other mapping has: the engine's executable memory comes and goes.
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

onUnix('anonymous memory keeps its bytes through protect', 'it has no protect', (t) => {
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

// --- madvise, lock, resident

onUnix('madvise takes advice about all, or a part, or more than there is', 'it has no madvise', (t) => {
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

onUnix('a start of 0 is on a page whatever the offset of the mapping is', 'it has no madvise', (t) => {
  using map = mmap(scratchFile(t, pattern(3 * PAGESIZE)), 0, { offset: 100 })
  t.is(map.madvise(MADV_WILLNEED), undefined)
  t.is(map.madvise(MADV_WILLNEED, PAGESIZE - 100), undefined)
  t.throws(() => map.madvise(MADV_WILLNEED, PAGESIZE), { code: 'EINVAL' })
})

onLinux('MADV_DONTNEED drops private changes, and none of a file', 'elsewhere it drops nothing', (t) => {
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
  'MADV_REMOVE frees a part of a file, and nothing before an unaligned mapping',
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

test('pages can be locked in memory and let go of, as often as one likes', (t) => {
  using map = mmap(scratchFile(t, pattern(3 * PAGESIZE)), 0, { offset: 10 })
  for (const range of [[], [0, 0], [1, 2], [PAGESIZE - 1, PAGESIZE + 1], [5]] as [number?, number?][]) {
    t.is(map.mlock(...range), undefined)
    t.is(map.mlock(...range), undefined)
    t.is(map.munlock(...range), undefined)
  }
  map.write('x')
  t.is(map.at(0), 120)
})

onLinux('what is locked is in memory, and counted by the system', 'it reads /proc/self/status', (t) => {
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

onLinux('locking private memory copies no page of it', 'only it can lock without', (t) => {
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

test('resident counts the pages under a range, however it lies', (t) => {
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

onLinux('resident tells anonymous pages that were touched from those that were not', 'others bring in more', (t) => {
  using map = mmap(-1, 8 * PAGESIZE, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  const { MADV_NOHUGEPAGE } = memmap
  if (MADV_NOHUGEPAGE !== undefined) map.madvise(MADV_NOHUGEPAGE)
  t.deepEqual(map.resident(), { resident: 0, total: 8 })
  map.setAt(0, 1)
  map.setAt(3 * PAGESIZE, 1)
  t.deepEqual(map.resident(), { resident: 2, total: 8 })
  t.deepEqual(map.resident(PAGESIZE, 3 * PAGESIZE), { resident: 0, total: 2 })
})

// --- Constants

test('ACCESS_* are the numbers of CPython', (t) => {
  const { ACCESS_DEFAULT } = memmap
  t.deepEqual([ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY], [0, 1, 2, 3])
})

test('PAGESIZE and ALLOCATIONGRANULARITY are powers of two', (t) => {
  t.true(PAGESIZE >= 4096 && Number.isInteger(Math.log2(PAGESIZE)))
  t.is(ALLOCATIONGRANULARITY, process.platform === 'win32' ? 65536 : PAGESIZE)
})

test('MAX_VIEW_LENGTH is what this runtime makes at most', (t) => {
  t.is(MAX_VIEW_LENGTH, constants.MAX_LENGTH)
  t.true(MAX_VIEW_LENGTH >= 2 ** 31 - 1)
})

test('constants are exported on Linux, macOS and Windows alike, and undefined where there is none', (t) => {
  const exported: Record<string, unknown> = memmap
  const names = Object.keys(exported).filter((name) => /^(PROT|MAP|MADV|MS)_/.test(name))
  t.true(names.length >= 55)
  for (const name of names) {
    const value = exported[name]
    t.true(value === undefined || Number.isInteger(value), name)
  }
  const everywhere = ['PROT_READ', 'PROT_WRITE', 'MAP_SHARED', 'MAP_PRIVATE', 'MADV_NORMAL', 'MS_SYNC']
  for (const name of everywhere) t.is(exported[name] === undefined, process.platform === 'win32', name)
  if (process.platform !== 'darwin') t.is(exported.MAP_JIT, undefined)
  if (process.platform !== 'linux') t.is(exported.MADV_REMOVE, undefined)
})

onLinux('the constants have the values of CPython 3.13 on Linux', 'they differ', (t) => {
  const common = {
    PROT_READ: 1,
    PROT_WRITE: 2,
    PROT_EXEC: 4,
    MADV_DODUMP: 17,
    MADV_DOFORK: 11,
    MADV_DONTDUMP: 16,
    MADV_DONTFORK: 10,
    MADV_DONTNEED: 4,
    MADV_FREE: 8,
    MADV_HUGEPAGE: 14,
    MADV_HWPOISON: 100,
    MADV_MERGEABLE: 12,
    MADV_NOHUGEPAGE: 15,
    MADV_NORMAL: 0,
    MADV_RANDOM: 1,
    MADV_REMOVE: 9,
    MADV_SEQUENTIAL: 2,
    MADV_SOFT_OFFLINE: 101,
    MADV_UNMERGEABLE: 13,
    MADV_WILLNEED: 3,
    MADV_COLD: 20,
    MADV_PAGEOUT: 21,
    MADV_POPULATE_READ: 22,
    MADV_POPULATE_WRITE: 23,
    MAP_ANON: 32,
    MAP_ANONYMOUS: 32,
    MAP_DENYWRITE: 2048,
    MAP_EXECUTABLE: 4096,
    MAP_NORESERVE: 16384,
    MAP_POPULATE: 32768,
    MAP_PRIVATE: 2,
    MAP_SHARED: 1,
    MAP_STACK: 131072,
    MS_ASYNC: 1,
    MS_INVALIDATE: 2,
    MS_SYNC: 4,
  }
  const expected = process.arch === 'x64' ? { ...common, MAP_32BIT: 64 } : common
  const exported: Record<string, unknown> = memmap
  const present = Object.entries(exported).filter(([name, value]) => {
    return /^(PROT|MAP|MADV|MS)_/.test(name) && value !== undefined
  })
  t.deepEqual(Object.fromEntries(present), expected)
})

// --- Beyond 4 GiB

const LARGE = 5 * GIB + 1000

/** A sparse file of more than 5 GiB with a few bytes in it. */
function largeFile(t: Parameters<typeof scratchFile>[0]): string {
  const path = scratchFile(t, '')
  truncateSync(path, LARGE)
  const fd = openSync(path, 'r+')
  writeSync(fd, 'around two', 2 * GIB - 5)
  writeSync(fd, 'around four', 4 * GIB - 5)
  writeSync(fd, 'near the end', LARGE - 12)
  closeSync(fd)
  return path
}

function readBack(path: string, length: number, position: number): string {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, position)
  closeSync(fd)
  return bytes.toString()
}

const NOT_SPARSE = 'a file of 5 GiB is written in full there'

onUnix('a file of more than 4 GiB is mapped whole, and all methods reach all of it', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  using map = mmap(path)
  t.deepEqual([map.length, map.size()], [LARGE, LARGE])
  t.is(map.slice(2 * GIB - 5, 2 * GIB + 5).toString(), 'around two')
  t.is(map.slice(4 * GIB - 5, 4 * GIB + 6).toString(), 'around four')
  t.deepEqual([map.at(-1), map.at(LARGE - 12), map.at(4 * GIB)], [100, 110, 100])
  t.is(map.seek(-12, 2), LARGE - 12)
  t.is(map.read().toString(), 'near the end')
  t.is(map.seek(4 * GIB + 7), 4 * GIB + 7)
  t.is(map.write('written'), 7)
  t.is(map.tell(), 4 * GIB + 14)
  t.is(readBack(path, 7, 4 * GIB + 7), 'written')
  map.setAt(4 * GIB + 14, 33)
  map.seek(4 * GIB + 14)
  t.is(map.readByte(), 33)
  map.setSlice('slices', 4 * GIB + 100, 4 * GIB + 112, 2)
  t.is(map.slice(4 * GIB + 110, 4 * GIB + 99, -2).toString(), 'secils')
  map.move(4 * GIB + 200, 4 * GIB - 5, 11)
  t.is(readBack(path, 11, 4 * GIB + 200), 'around four')
  map.fill('ab', 4 * GIB + 300, 4 * GIB + 305)
  t.is(readBack(path, 6, 4 * GIB + 300), 'ababa\0')
})

onUnix('searches go across 4 GiB', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  const before = 4 * GIB - 2 ** 20
  const behind = 4 * GIB + 2 ** 20
  t.is(map.find('around', before), 4 * GIB - 5)
  t.is(map.find('four', before), 4 * GIB + 2)
  t.is(map.rfind('around', before, behind), 4 * GIB - 5)
  t.is(map.find('around', before, 4 * GIB), -1)
  t.is(map.indexOf('end', LARGE - 2 ** 20), LARGE - 3)
  t.is(map.lastIndexOf('near'), LARGE - 12)
  t.is(map.find('near', -100), LARGE - 12)
  map.seek(LARGE - 2 ** 20)
  t.is(map.readLine().length, 2 ** 20)
})

onUnix('a view of more than MAX_VIEW_LENGTH is refused, and says what to use', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  if (MAX_VIEW_LENGTH >= LARGE) {
    t.log(`not refused here: views may have ${MAX_VIEW_LENGTH} bytes`)
    t.is(map.bytes.length, LARGE)
    return
  }
  for (const call of [() => map.bytes, () => map.buffer, () => map.view(Uint8Array), () => map.view(DataView, 1)]) {
    t.throws(call, {
      instanceOf: RangeError,
      code: 'ERR_MMAP_VIEW_TOO_LARGE',
      message: /^The view needs a buffer of \d+ bytes, .*view\(type, byteOffset, length\)/,
    })
  }
  const longest = 8 * Math.floor(MAX_VIEW_LENGTH / 8)
  t.throws(() => map.view(Float64Array, 8), {
    message: new RegExp(`a buffer of ${LARGE - 8} bytes`),
  })
  t.throws(() => map.view(Uint8Array, 1, longest), { message: new RegExp(`a buffer of ${longest + 1} bytes`) })
})

onUnix('a copy longer than any Buffer is refused, and no argument is blamed', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  if (constants.MAX_LENGTH >= LARGE) {
    t.log(`not refused here: Buffers may have ${constants.MAX_LENGTH} bytes`)
    t.pass()
    return
  }
  for (const call of [() => map.read(), () => map.read(LARGE), () => map.slice(), () => map.slice(0, LARGE)]) {
    t.throws(call, {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^The copy would have \d+ bytes, and the longest Buffer .*: copy less at a time, or use view\(/,
    })
  }
  t.is(map.tell(), 0)
})

onUnix('another window does not cost a look at all that there are', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  const { deref } = WeakRef.prototype
  let looks = 0
  WeakRef.prototype.deref = function () {
    looks += 1
    return Reflect.apply(deref, this, [])
  }
  t.teardown(() => {
    WeakRef.prototype.deref = deref
  })
  const windows = Array.from({ length: 2000 }, (_, page) => map.view(DataView, page * PAGESIZE, 1))
  t.true(looks < 2 * windows.length, `${looks} looks`)
  map.unmap()
  if (MAX_VIEW_LENGTH < LARGE) t.true(windows.every(({ buffer }) => buffer.byteLength === 0))
})

onUnix('view() gives windows anywhere in a large file', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  using map = mmap(path)
  const windows = (from: number, length: number): [string, number] => {
    const window = map.view(Buffer, from, length)
    return [window.toString(), window.length]
  }
  t.deepEqual(windows(2 * GIB - 5, 10), ['around two', 10])
  t.deepEqual(windows(4 * GIB - 5, 11), ['around four', 11])
  t.deepEqual(windows(LARGE - 12, 12), ['near the end', 12])
  t.deepEqual(windows(LARGE, 0), ['', 0])
  map.view(Float64Array, 4 * GIB + 1024, 2).fill(Math.PI)
  t.is(map.view(DataView, 4 * GIB + 1025, 9).getUint8(1), map.at(4 * GIB + 1026))
  const floats = map.view(Float64Array, 4 * GIB + 1024, 2)
  t.deepEqual([...floats], [Math.PI, Math.PI])
  t.throws(() => map.view(Float64Array, 4 * GIB + 4, 1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => map.view(Uint8Array, LARGE + 1), { code: 'ERR_OUT_OF_RANGE' })
  // Windows of the same place are the same memory, and outlive the mapping.
  map.close()
  floats[0] = 1
  t.is(readBack(path, 8, 4 * GIB + 1024), Buffer.from(Float64Array.of(1).buffer).toString())
})

onUnix('a mapping that fits into a view but for where it begins is seen in parts', NOT_SPARSE, (t) => {
  if (MAX_VIEW_LENGTH > LARGE) {
    t.log(`not refused here: views may have ${MAX_VIEW_LENGTH} bytes`)
    t.pass()
    return
  }
  // The buffer would begin 5 bytes before the mapping.
  using map = mmap(largeFile(t), MAX_VIEW_LENGTH, { offset: 5 })
  t.throws(() => map.bytes, { code: 'ERR_MMAP_VIEW_TOO_LARGE' })
  t.is(map.view(Buffer, 2 * GIB - 10, 10).toString(), 'around two')
  map.fill('\n', 0, 2)
  t.deepEqual(
    [...map.lines({ stop: 2 })].map(({ length }) => length),
    [0, 0],
  )
})

onUnix('unmap() detaches the windows too', NOT_SPARSE, (t) => {
  const map = mmap(largeFile(t))
  const windows = [map.view(Uint8Array, 0, 10), map.view(Float64Array, 4 * GIB, 10), map.view(Buffer, 4 * GIB, 10)]
  map.unmap()
  t.deepEqual(
    windows.map(({ length }) => length),
    [0, 0, 0],
  )
})

onUnix('an offset beyond 4 GiB maps the rest, with all its views', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  for (const offset of [4 * GIB, 4 * GIB - 5, 4 * GIB + 1]) {
    using map: Mmap = mmap(path, 0, { offset: BigInt(offset) })
    t.deepEqual([map.length, map.offset], [LARGE - offset, offset])
    t.is(map.bytes.length, LARGE - offset)
    t.is(map.slice(4 * GIB + 2 - offset, 4 * GIB + 6 - offset).toString(), 'four')
    t.is(Buffer.from(map.bytes.subarray(-12)).toString(), 'near the end')
  }
})

onUnix('loops over single bytes of a large file read without a view', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  map.seek(4 * GIB - 5)
  const bytes: number[] = []
  for (let i = 0; i < 100_000; i += 1) bytes.push(map.readByte())
  t.is(Buffer.from(bytes.slice(0, 11)).toString(), 'around four')
  t.is(map.tell(), 4 * GIB - 5 + 100_000)
})

// The constants that the package exports.

import { constants } from 'node:buffer'
import ava from 'ava'
import * as memmap from 'memmap'
import { ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, ALLOCATIONGRANULARITY, MAX_VIEW_LENGTH, PAGESIZE } from 'memmap'
import { onLinux } from './support/platform.mjs'

const test = ava.serial

test('ACCESS_*: the values are those of CPython', (t) => {
  const { ACCESS_DEFAULT } = memmap
  t.deepEqual([ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY], [0, 1, 2, 3])
})

test('PAGESIZE, ALLOCATIONGRANULARITY: the values are powers of two', (t) => {
  t.true(PAGESIZE >= 4096 && Number.isInteger(Math.log2(PAGESIZE)))
  t.is(ALLOCATIONGRANULARITY, process.platform === 'win32' ? 65536 : PAGESIZE)
})

test('MAX_VIEW_LENGTH: the value is the longest view of this runtime', (t) => {
  t.is(MAX_VIEW_LENGTH, constants.MAX_LENGTH)
  t.true(MAX_VIEW_LENGTH >= 2 ** 31 - 1)
})

test('PROT_*, MAP_*, MADV_*, MS_*: every system exports all, undefined where it has none', (t) => {
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

onLinux('PROT_*, MAP_*, MADV_*, MS_*: the values on Linux are those of CPython 3.13', 'they differ', (t) => {
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

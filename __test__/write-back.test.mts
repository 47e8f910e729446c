// writeBack: how private changes get to the file.

import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import ava from 'ava'
import { ACCESS_COPY, mmap, PAGESIZE } from 'memmap'
import { onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'
import { onSmallDisk, succeeds } from './support/small-disk.mjs'

const test = ava.serial

test('writeBack: changes are written at flush() and at close()', (t) => {
  const path = scratchFile(t, 'original text')
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.write('FLUSHED!')
  t.is(readFileSync(path, 'utf8'), 'original text')
  map.flush()
  t.is(readFileSync(path, 'utf8'), 'FLUSHED! text')
  map.setSlice('TEXT', -4)
  t.is(readFileSync(path, 'utf8'), 'FLUSHED! text')
  map.close()
  t.is(readFileSync(path, 'utf8'), 'FLUSHED! TEXT')
})

test('writeBack: what was stored through a view is written', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.bytes.set([79, 82])
  map.close()
  t.is(readFileSync(path, 'utf8'), 'ORiginal')
})

test('writeBack: a flush of a part writes that part', (t) => {
  const path = scratchFile(t, 4 * PAGESIZE)
  using map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  for (let page = 0; page < 4; page += 1) map.setAt(page * PAGESIZE, page + 1)
  map.flush(PAGESIZE, PAGESIZE)
  const file = readFileSync(path)
  t.deepEqual([file[0], file[PAGESIZE], file[2 * PAGESIZE], file[3 * PAGESIZE]], [0, 2, 0, 0])
})

test('writeBack: unmap() writes back, too', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.write('UNMAP')
  map.unmap()
  t.is(readFileSync(path, 'utf8'), 'UNMAPnal')
})

// --- What others write

test('writeBack: unchanged pages are not written, and what others wrote there stays', (t) => {
  for (const offset of [0, 100]) {
    const path = scratchFile(t, 6 * PAGESIZE)
    const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true, offset })
    t.is(map.at(3 * PAGESIZE), 0)
    map.setAt(2 * PAGESIZE - offset, 1)
    const fd = openSync(path, 'r+')
    writeSync(fd, 'others', 0)
    writeSync(fd, 'others', 3 * PAGESIZE)
    closeSync(fd)
    map.close()
    const file = readFileSync(path)
    t.is(file.subarray(0, 6).toString(), 'others')
    t.is(file[2 * PAGESIZE], 1)
    t.is(file.subarray(3 * PAGESIZE, 3 * PAGESIZE + 6).toString(), 'others')
  }
})

test('writeBack: what another thread changes meanwhile on an untouched page is not put back', async (t) => {
  const path = scratchFile(t, 64 * PAGESIZE)
  // It is opened before anybody changes the file, because some systems do not tell which pages were
  // stored to. There the mapping is compared with the file as it was then.
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./fixtures/counter.mjs', import.meta.url), {
    workerData: { path, position: 50 * PAGESIZE, stop },
    execArgv: [],
  })
  t.teardown(() => worker.terminate())
  await new Promise((resolve) => worker.once('message', resolve))
  const enough = performance.now() + 20_000
  for (let round = 0; round < 2000 && performance.now() < enough; round += 1) {
    map.setAt(0, round & 255)
    map.flush()
  }
  const counted = new Promise((resolve) => worker.once('message', resolve))
  Atomics.store(stop, 0, 1)
  t.deepEqual(await counted, { lost: 0 })
  map.close()
})

// --- Failures

onUnix('writeBack: a file that was truncated is not made longer again', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.setAt(0, 1)
  map.setAt(PAGESIZE, 2)
  truncateSync(path, 10)
  t.throws(() => map.close(), { code: 'ERR_MMAP_FAULT' })
  const file = readFileSync(path)
  t.is(file.length, 10)
  t.is(file[0], 1)
})

for (const touched of [false, true]) {
  const title = `writeBack: what a truncation leaves is written, and what not is said, ${touched ? '' : 'un'}touched`
  onUnix(title, 'it cuts no file that is mapped', (t) => {
    for (const close of ['close', 'unmap', Symbol.dispose] as const) {
      const path = scratchFile(t, 6 * PAGESIZE)
      const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true, offset: 10 })
      const loses = (call: () => unknown): void => {
        t.like(t.throws(call, { code: 'ERR_MMAP_FAULT' }), { offset: 3 * PAGESIZE - 10, length: 3 * PAGESIZE })
      }
      map.setAt(0, 1)
      map.setAt(2 * PAGESIZE, 2)
      map.setAt(-1, 3)
      truncateSync(path, 3 * PAGESIZE)
      if (touched) loses(() => map.at(-1))
      loses(() => map.flush())
      t.deepEqual([readFileSync(path)[10], readFileSync(path)[2 * PAGESIZE + 10]], [1, 2])
      map.bytes[0] = 4
      loses(() => map[close]())
      t.true(map.closed)
      const file = readFileSync(path)
      t.deepEqual([file.length, file[10], file[2 * PAGESIZE + 10]], [3 * PAGESIZE, 4, 2])
      t.notThrows(() => map[close](), 'it is told once')
    }
  })
}

onUnix('writeBack: a file that may not be written is EACCES when it is opened', 'it has other rights', (t) => {
  const path = scratchFile(t, 'original')
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  t.throws(() => mmap(fd, 0, { access: ACCESS_COPY, writeBack: true }), { code: 'EACCES' })
  if (process.getuid?.() === 0) {
    t.log('by path not tried: root may write any file')
    return
  }
  chmodSync(path, 0o444)
  t.throws(() => mmap(path, 0, { access: ACCESS_COPY, writeBack: true }), { code: 'EACCES' })
})

onUnix(
  'writeBack: a descriptor that appends is refused, but only with this option',
  'it may write nowhere else',
  (t) => {
    const path = scratchFile(t, 'original')
    const fd = openSync(path, 'a+')
    t.teardown(() => closeSync(fd))
    const refusal = { code: 'ERR_INVALID_ARG_VALUE', message: /"writeBack".*append.*'r\+'/ }
    t.throws(() => mmap(fd, 0, { access: ACCESS_COPY, writeBack: true }), refusal)
    t.is(readFileSync(path, 'utf8'), 'original')
    mmap(fd, 0, { access: ACCESS_COPY }).close()
    using map = mmap(fd, 10, { create: true })
    map.setSlice('ending', 4)
    t.is(readFileSync(path, 'utf8'), 'origending')
  },
)

onSmallDisk('writeBack: a failure throws, and the mapping stays open with nothing lost', (t, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, Buffer.alloc(PAGESIZE, 1))
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.fill(2)
  const given = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  given.fill(3)
  // The only block of the file becomes a hole, and then no block is left to fill it.
  if (!succeeds(t, 'fallocate', '--punch-hole', '--offset', '0', '--length', String(PAGESIZE), path)) return
  const filler = join(folder, 'filler')
  const fd = openSync(filler, 'w')
  t.throws(
    () => {
      for (;;) writeSync(fd, Buffer.alloc(PAGESIZE, 3))
    },
    { code: 'ENOSPC' },
  )
  closeSync(fd)
  t.throws(() => map.flush(), { code: 'ENOSPC' })
  t.throws(() => map.close(), { code: 'ENOSPC' })
  t.false(map.closed)
  t.is(map.at(0), 2)
  t.throws(() => given.unmap(), { code: 'ENOSPC' })
  t.true(given.closed, 'unmap() lets go in any case')
  unlinkSync(filler)
  map.close()
  t.true(map.closed)
  t.true(readFileSync(path).equals(Buffer.alloc(PAGESIZE, 2)))
})

// What reaches the file and what does not.

import { closeSync, openSync, readFileSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, type Mmap, mmap, PAGESIZE } from 'memmap'
import { Peer } from './support/peer.mjs'
import { onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'
import { onSmallDisk } from './support/small-disk.mjs'

const test = ava.serial

// --- Misuse

const WRITES: [what: string, call: (map: Mmap) => unknown][] = [
  ['write', (map) => map.write('x')],
  ['write of nothing', (map) => map.write('')],
  ['writeByte', (map) => map.writeByte(1)],
  ['setAt', (map) => map.setAt(0, 1)],
  ['setSlice', (map) => map.setSlice('x', 0, 1)],
  ['setSlice of nothing', (map) => map.setSlice('', 0, 0)],
  ['setSlice with a step', (map) => map.setSlice('xy', 0, 4, 2)],
  ['move', (map) => map.move(0, 1, 1)],
  ['move of nothing', (map) => map.move(0, 0, 0)],
  ['fill', (map) => map.fill(1)],
]

for (const [what, call] of WRITES) {
  test(`access: ${what} to ACCESS_READ is refused, and the file stays as it was`, (t) => {
    const path = scratchFile(t, 'read only')
    using map = mmap(path, 0, { access: ACCESS_READ })
    t.throws(() => call(map), {
      instanceOf: TypeError,
      code: 'ERR_MMAP_READONLY',
      message: "mmap can't modify a readonly memory map.",
    })
    t.is(map.tell(), 0)
    t.is(readFileSync(path, 'utf8'), 'read only')
  })
}

test('write: data that does not fit is not written, and the cursor stays', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  map.seek(4)
  t.throws(() => map.write('XYZ'), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^data out of range: "data" must be at most 2 bytes long.* Received 3 bytes$/,
  })
  t.is(map.tell(), 4)
  t.is(readFileSync(path, 'utf8'), 'abcdef')
})

test('write: beyond the end even no bytes can be written, as in CPython', (t) => {
  using map = mmap(scratchFile(t, 100))
  map.seek(100)
  t.is(map.write(''), 0)
  map.resize(10)
  t.throws(() => map.write(''), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: 'data out of range: "position" must be at most the length, 10. Received 100',
  })
  t.is(map.tell(), 100)
})

// --- Writing through

test('write, setAt, setSlice, bytes: changes are in the file at once, for fs and other mappings', (t) => {
  for (const access of [ACCESS_DEFAULT, ACCESS_WRITE] as const) {
    const path = scratchFile(t, '..........')
    using map = mmap(path, 0, { access })
    using other = mmap(path, 0, { access: ACCESS_READ })
    map.write('ab')
    map.writeByte(99)
    map.setAt(-1, 122)
    map.setSlice('XY', 4, 8, 3)
    map.bytes[5] = 45
    t.is(readFileSync(path, 'latin1'), 'abc.X-.Y.z')
    t.is(other.read().toString(), 'abc.X-.Y.z')
  }
})

test('slice, bytes: what fs writes to the file is in the mapping at once', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  const view = map.bytes
  const fd = openSync(path, 'r+')
  writeSync(fd, 'XYZ', 1)
  closeSync(fd)
  t.is(map.slice().toString(), 'aXYZef')
  t.is(view[1], 88)
})

test('write, slice: two processes see what the other writes, both ways', async (t) => {
  const path = scratchFile(t, 100)
  const peer = await Peer.start(t)
  t.is(await peer.ask('open', 'theirs', path, 0, {}), 100)
  using map = mmap(path)
  map.write('from here')
  t.is(await peer.ask('read', 'theirs', 0, 9), 'from here')
  await peer.ask('write', 'theirs', 'from there', 50)
  t.is(map.slice(50, 60).toString(), 'from there')
})

onSmallDisk('fill: a hole that a full disk cannot fill is an error, and earlier bytes are kept', (t, folder) => {
  const path = join(folder, 'sparse')
  writeFileSync(path, '')
  truncateSync(path, 1 << 20)
  using map = mmap(path)
  const { bytes } = map
  const error = t.throws<Error & { offset?: number }>(() => map.fill(1), { code: 'ERR_MMAP_FAULT' })
  const written = error?.offset ?? 0
  t.true(written > 0 && written <= 64 << 10, `lost from ${written} on`)
  t.true(readFileSync(path).subarray(0, written).equals(Buffer.alloc(written, 1)))
  // A store through a view now goes to private memory. The file has 0 there, or 1 if the C library
  // fills from both ends, as musl's does.
  bytes[(1 << 20) - 1] = 7
  t.is(bytes[(1 << 20) - 1], 7)
  t.not(readFileSync(path).at(-1), 7)
})

// --- ACCESS_COPY and ACCESS_READ

test('access: changes with ACCESS_COPY stay in the mapping, also after flush() and close()', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY })
  map.write('CHANGED!')
  map.flush()
  t.is(map.slice().toString(), 'CHANGED!')
  t.is(readFileSync(path, 'utf8'), 'original')
  map.close()
  t.is(readFileSync(path, 'utf8'), 'original')
})

test('access: two ACCESS_COPY mappings of a file do not see each other', (t) => {
  const path = scratchFile(t, 'original')
  using one = mmap(path, 0, { access: ACCESS_COPY })
  using two = mmap(path, 0, { access: ACCESS_COPY })
  one.write('ONE')
  two.write('two')
  t.is(one.slice().toString(), 'ONEginal')
  t.is(two.slice().toString(), 'twoginal')
})

test('access: a stray store through a view of ACCESS_READ harms neither the file nor the process', (t) => {
  const path = scratchFile(t, pattern(3 * PAGESIZE))
  using map = mmap(path, 0, { access: ACCESS_READ })
  map.bytes[0] = 255
  map.view(Float64Array, PAGESIZE).fill(Math.PI)
  map.bytes.fill(7, 2 * PAGESIZE)
  t.is(map.bytes[0], 255)
  t.true(readFileSync(path).equals(pattern(3 * PAGESIZE)))
  using other = mmap(path, 0, { access: ACCESS_READ })
  t.true(other.slice().equals(pattern(3 * PAGESIZE)))
})

onUnix('fd: the descriptor of ACCESS_READ by path cannot write', 'there is none', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { access: ACCESS_READ })
  t.throws(() => writeSync(map.fd, 'x'), { code: 'EBADF' })
})

test('access: ACCESS_READ sees what another process writes, beside pages with a stray store', async (t) => {
  const path = scratchFile(t, 3 * PAGESIZE)
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', path, 0, {})
  using map = mmap(path, 0, { access: ACCESS_READ })
  t.is(map.at(2 * PAGESIZE), 0)
  map.bytes[0] = 1
  await peer.ask('write', 'theirs', 'hello', 2 * PAGESIZE)
  t.is(map.slice(2 * PAGESIZE, 2 * PAGESIZE + 5).toString(), 'hello')
  t.is(map.bytes[2 * PAGESIZE], 104)
  await peer.ask('write', 'theirs', 'again', 2 * PAGESIZE)
  t.is(map.slice(2 * PAGESIZE, 2 * PAGESIZE + 5).toString(), 'again')
})

// --- size(), trackfd, and files that others change

test('size: it follows the file, length does not', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path, 500)
  t.deepEqual([map.length, map.size()], [500, 1000])
  writeFileSync(path, 'more at the end', { flag: 'a' })
  t.deepEqual([map.length, map.size()], [500, 1015])
  t.is(map.read().length, 500)
})

onUnix('size: it tells when a file was truncated under its mapping', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path)
  truncateSync(path, 10)
  t.deepEqual([map.length, map.size()], [1000, 10])
})

test('trackfd: without the descriptor there is no fd, no size() and no resize()', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path, 0, { trackfd: false })
  t.is(map.fd, -1)
  t.throws(() => map.size(), { code: 'EBADF' })
  t.throws(() => map.resize(10), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: "mmap can't resize with trackfd=False.",
  })
  map.write('ABC')
  t.is(readFileSync(path, 'utf8'), 'ABCdef')
})

onUnix('mmap: a file can be removed while it is mapped', 'it removes no file that is mapped', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  unlinkSync(path)
  map.write('ABC')
  t.is(map.slice().toString(), 'ABCdef')
  t.is(map.size(), 6)
  map.resize(10)
  t.is(map.slice().toString(), 'ABCdef\0\0\0\0')
})

onUnix('iteration: what was truncated and comes back is zeros', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, 10)
  using map = mmap(path)
  map.fill(1)
  truncateSync(path, 5)
  truncateSync(path, 10)
  t.deepEqual([...map], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
})

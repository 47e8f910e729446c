// Files: what reaches them and what does not, how they are made, and how they get longer and shorter.

import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import ava, { type ExecutionContext } from 'ava'
import {
  ACCESS_COPY,
  ACCESS_DEFAULT,
  ACCESS_READ,
  ACCESS_WRITE,
  MAP_PRIVATE,
  type Mmap,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  mmap,
  PAGESIZE,
} from 'memmap'
import { callWith, mmapWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux, onUnix, TOO_LARGE } from './support/platform.mjs'
import { mapsOf, pattern, scratchFile, scratchFolder } from './support/portable.mjs'

const test = ava.serial

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

/** Runs a program that not every system has, or lets root run. If it fails, the test says why it goes no further. */
function succeeds(t: ExecutionContext, program: string, ...args: string[]): boolean {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return true
  t.log(`not run: ${error?.message ?? stderr.trim()}`)
  t.pass()
  return false
}

/** A test with a folder on a file system of 64 KiB. */
function onSmallDisk(title: string, body: (t: ExecutionContext, folder: string) => void): void {
  asRootOnLinux(title, 'it mounts a tmpfs', (t) => {
    const folder = join(scratchFolder(t), 'small')
    mkdirSync(folder)
    if (!succeeds(t, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)) return
    t.teardown(() => execFileSync('umount', ['-l', folder]))
    body(t, folder)
  })
}

// --- Misuse

for (const [what, call] of WRITES) {
  test(`${what} to ACCESS_READ is refused, and the file is as it was`, (t) => {
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

test('a write that does not fit writes nothing and leaves the cursor', (t) => {
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

test('a flush outside the mapping is refused, also of ACCESS_READ', (t) => {
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

test('nothing can be written beyond the end either, as in CPython', (t) => {
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

onUnix('flags of flush that exclude each other are EINVAL', 'it has no flags', (t) => {
  using map = mmap(scratchFile(t, 100))
  t.throws(() => map.flush(0, 100, MS_SYNC | MS_ASYNC), { code: 'EINVAL' })
})

test('resize refuses what is no length, and touches nothing', (t) => {
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

test('resize of a mapping whose changes do not reach the file is refused', (t) => {
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

onUnix('resize of MAP_PRIVATE with a file is refused: it would cut the real file', 'it has no flags', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path, 0, { flags: MAP_PRIVATE })
  t.throws(() => map.resize(3), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  t.is(readFileSync(path, 'utf8'), 'abcdef')
})

test('create beyond the last byte that a file can have is refused before anything is written', (t) => {
  const path = join(scratchFolder(t), 'new')
  t.throws(() => mmap(path, 4096, { create: true, offset: 2 ** 63 }), { code: 'ERR_OUT_OF_RANGE' })
  t.false(existsSync(path))
})

// --- What reaches the file

test('what is written is in the file at once, for fs and for other mappings', (t) => {
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

test('what fs writes to the file is in the mapping at once', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  const view = map.bytes
  const fd = openSync(path, 'r+')
  writeSync(fd, 'XYZ', 1)
  closeSync(fd)
  t.is(map.slice().toString(), 'aXYZef')
  t.is(view[1], 88)
})

test('changes of ACCESS_COPY stay in the mapping, also after flush() and close()', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY })
  map.write('CHANGED!')
  map.flush()
  t.is(map.slice().toString(), 'CHANGED!')
  t.is(readFileSync(path, 'utf8'), 'original')
  map.close()
  t.is(readFileSync(path, 'utf8'), 'original')
})

test('two ACCESS_COPY mappings of a file do not see each other', (t) => {
  const path = scratchFile(t, 'original')
  using one = mmap(path, 0, { access: ACCESS_COPY })
  using two = mmap(path, 0, { access: ACCESS_COPY })
  one.write('ONE')
  two.write('two')
  t.is(one.slice().toString(), 'ONEginal')
  t.is(two.slice().toString(), 'twoginal')
})

test('a stray store through a view of ACCESS_READ harms neither the file nor the process', (t) => {
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

onUnix('the descriptor of ACCESS_READ by path can write nothing', 'there is none', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { access: ACCESS_READ })
  t.throws(() => writeSync(map.fd, 'x'), { code: 'EBADF' })
})

test('what another process writes is seen by ACCESS_READ, beside pages with a stray store', async (t) => {
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

test('two processes see what the other writes to a file, both ways', async (t) => {
  const path = scratchFile(t, 100)
  const peer = await Peer.start(t)
  t.is(await peer.ask('open', 'theirs', path, 0, {}), 100)
  using map = mmap(path)
  map.write('from here')
  t.is(await peer.ask('read', 'theirs', 0, 9), 'from here')
  await peer.ask('write', 'theirs', 'from there', 50)
  t.is(map.slice(50, 60).toString(), 'from there')
})

// --- flush

test('flush takes any offset and size', (t) => {
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

test('flush takes any offset within a mapping that has an offset of its own', (t) => {
  const path = scratchFile(t, 3 * PAGESIZE)
  using map = mmap(path, 2 * PAGESIZE, { offset: 100 })
  map.fill(1)
  for (const offset of [0, 1, PAGESIZE - 100, PAGESIZE, 2 * PAGESIZE]) t.is(map.flush(offset), undefined)
})

onUnix('flush takes MS_SYNC, MS_ASYNC and MS_INVALIDATE', 'it has no flags', (t) => {
  using map = mmap(scratchFile(t, 3 * PAGESIZE))
  map.fill(1)
  for (const flags of [MS_SYNC, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE]) {
    t.is(map.flush(0, map.length, flags), undefined)
    t.is(map.flush(PAGESIZE + 1, 10, flags), undefined)
  }
  t.is(map.at(-1), 1)
})

onLinux('no page is dirty after flush()', 'it reads /proc/self/smaps', (t) => {
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

test('flush without the descriptor is allowed', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { trackfd: false })
  map.write('ABC')
  t.is(map.flush(), undefined)
  t.is(readFileSync(path, 'utf8'), 'ABC')
})

// --- create

test('create makes a file that is missing, all zeros', (t) => {
  const path = join(scratchFolder(t), 'new')
  using map = mmap(path, 10_000, { create: true })
  t.is(map.length, 10_000)
  t.true(map.slice().equals(Buffer.alloc(10_000)))
  t.is(statSync(path).size, 10_000)
  map.seek(-3, 2)
  map.write('end')
  t.is(readFileSync(path).subarray(9_997).toString(), 'end')
})

onUnix('a new file may be read by those whom the umask allows', 'it has no umask', (t) => {
  const path = join(scratchFolder(t), 'new')
  mmap(path, 10, { create: true }).close()
  writeFileSync(`${path} too`, '')
  t.is(statSync(path).mode, statSync(`${path} too`).mode)
})

onUnix('create allocates the blocks, so that a full disk is no surprise later', 'blocks are counted otherwise', (t) => {
  const path = join(scratchFolder(t), 'new')
  mmap(path, 1 << 20, { create: true }).close()
  t.true(statSync(path).blocks * 512 >= 1 << 20)
})

test('create extends a file that is shorter with zeros', (t) => {
  const path = scratchFile(t, 'short')
  using map = mmap(path, 1000, { create: true })
  t.is(map.read(5).toString(), 'short')
  t.true(map.read().equals(Buffer.alloc(995)))
  t.is(statSync(path).size, 1000)
})

test('create extends to offset + length', (t) => {
  const path = scratchFile(t, 'short')
  using map = mmap(path, 100, { create: true, offset: 5001 })
  map.write('there')
  t.is(statSync(path).size, 5101)
  t.is(readFileSync(path).subarray(5001, 5006).toString(), 'there')
  t.is(readFileSync(path).subarray(0, 6).toString(), 'short\0')
})

test('create cuts nothing off a file that is longer', (t) => {
  const path = scratchFile(t, 'a longer file')
  using map = mmap(path, 8, { create: true })
  t.is(map.read().toString(), 'a longer')
  t.is(readFileSync(path, 'utf8'), 'a longer file')
})

test('create extends the file of a descriptor too', (t) => {
  const path = scratchFile(t, 'short')
  const fd = openSync(path, 'r+')
  using map = mmap(fd, 100, { create: true })
  closeSync(fd)
  t.is(map.length, 100)
  t.is(statSync(path).size, 100)
})

test('create works for ACCESS_READ and ACCESS_COPY', (t) => {
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    const path = join(scratchFolder(t), 'new')
    using map = mmap(path, 50, { create: true, access })
    t.true(map.read().equals(Buffer.alloc(50)))
    t.is(statSync(path).size, 50)
  }
})

test('a folder that is missing is not made', (t) => {
  const path = join(scratchFolder(t), 'missing', 'new')
  t.throws(() => mmap(path, 10, { create: true }), { code: 'ENOENT' })
})

test('create takes sparse, and no option that there is not', (t) => {
  const path = join(scratchFolder(t), 'new')
  using map = mmap(path, 1 << 20, { create: { sparse: true } })
  t.is(map.length, 1 << 20)
  if (process.platform === 'linux') t.true(statSync(path).blocks <= 8)
  for (const create of [null, 1, 'yes', []]) {
    t.throws(() => mmapWith(path, 10, { create }), { code: 'ERR_INVALID_ARG_TYPE', message: /"create"/ })
  }
  t.throws(() => mmapWith(path, 10, { create: { sparse: 1 } }), { message: /"create\.sparse"/ })
  t.throws(() => mmapWith(path, 10, { create: { size: 1 } }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"options\.create\.size" is not an option of mmap\. Options are mode, exclusive, sparse/,
  })
})

test('a create that cannot be leaves no file, and an empty one where every file has a name', (t) => {
  const path = join(scratchFolder(t), 'new')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: true }), { message: TOO_LARGE })
  // Elsewhere another process may have opened it by now, and what that writes must not be lost.
  if (process.platform === 'linux') t.false(existsSync(path))
  else t.is(readFileSync(path, 'utf8'), '')
})

test('a create that cannot be leaves a file that was there as it was', (t) => {
  const path = scratchFile(t, 'short')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: true }), { message: TOO_LARGE })
  t.is(readFileSync(path, 'utf8'), 'short')
})

onSmallDisk('a full disk is ENOSPC when the file is made, and nothing is left', (t, folder) => {
  const fresh = join(folder, 'new')
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(fresh, 1 << 20, { create: true }), { code: 'ENOSPC' })
  t.is(error?.path, fresh)
  t.false(existsSync(fresh))
  const short = join(folder, 'short')
  writeFileSync(short, 'short')
  t.throws(() => mmap(short, 1 << 20, { create: true }), { code: 'ENOSPC' })
  t.is(readFileSync(short, 'utf8'), 'short')
  // What was allocated on the way is free again.
  using map = mmap(fresh, 48 << 10, { create: true })
  map.fill(1)
  t.is(map.at(-1), 1)
})

// --- writeBack

test('writeBack writes the changes at flush() and at close()', (t) => {
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

test('writeBack writes what was stored through a view', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.bytes.set([79, 82])
  map.close()
  t.is(readFileSync(path, 'utf8'), 'ORiginal')
})

test('writeBack with a flush of a part writes that part', (t) => {
  const path = scratchFile(t, 4 * PAGESIZE)
  using map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  for (let page = 0; page < 4; page += 1) map.setAt(page * PAGESIZE, page + 1)
  map.flush(PAGESIZE, PAGESIZE)
  const file = readFileSync(path)
  t.deepEqual([file[0], file[PAGESIZE], file[2 * PAGESIZE], file[3 * PAGESIZE]], [0, 2, 0, 0])
})

test('writeBack leaves pages alone that it did not change: what others wrote there stays', (t) => {
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

test('writeBack puts nothing back that another thread changes meanwhile on a page that was not touched', async (t) => {
  const path = scratchFile(t, 64 * PAGESIZE)
  // Before anybody changes it: where the system does not tell what was stored to, the file is compared with how it was then.
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

onUnix('writeBack does not make a file longer again that was cut', 'it cuts no file that is mapped', (t) => {
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
  const title = `writeBack writes what a truncation leaves and says what not, if that was ${touched ? '' : 'not '}touched`
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

test('unmap() writes back too', (t) => {
  const path = scratchFile(t, 'original')
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.write('UNMAP')
  map.unmap()
  t.is(readFileSync(path, 'utf8'), 'UNMAPnal')
})

onUnix('a file that may not be written is EACCES for writeBack when it is opened', 'it has other rights', (t) => {
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

onUnix('a descriptor that appends is refused for writeBack, and for nothing else', 'it may write nowhere else', (t) => {
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
})

onSmallDisk('a hole that a full disk cannot fill is an error, and what was written before is kept', (t, folder) => {
  const path = join(folder, 'sparse')
  writeFileSync(path, '')
  truncateSync(path, 1 << 20)
  using map = mmap(path)
  const { bytes } = map
  const error = t.throws<Error & { offset?: number }>(() => map.fill(1), { code: 'ERR_MMAP_FAULT' })
  const written = error?.offset ?? 0
  t.true(written > 0 && written <= 64 << 10, `lost from ${written} on`)
  t.true(readFileSync(path).subarray(0, written).equals(Buffer.alloc(written, 1)))
  // A store through a view goes on to private memory. (What the file has there is 0, or the 1 of a C library that fills from
  // both ends, as musl's does.)
  bytes[(1 << 20) - 1] = 7
  t.is(bytes[(1 << 20) - 1], 7)
  t.not(readFileSync(path).at(-1), 7)
})

onSmallDisk('a write-back that fails throws, and it stays open with nothing lost', (t, folder) => {
  const path = join(folder, 'file')
  writeFileSync(path, Buffer.alloc(PAGESIZE, 1))
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  map.fill(2)
  const given = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
  given.fill(3)
  // A hole in place of its only block, and then no block left to fill it with.
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

// --- resize

for (const offset of [0, 100, PAGESIZE, PAGESIZE + 1]) {
  test(`resize makes file and mapping longer, with zeros, at an offset of ${offset}`, (t) => {
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
    // The view of before has the length of before, and is still the file.
    t.is(before.length, 1000)
    before[0] = 77
    t.is(map.at(0), 77)
    t.is(readFileSync(path)[offset], 77)
  })

  test(`resize makes file and mapping shorter, at an offset of ${offset}`, (t) => {
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

  onUnix(`a view of before shows zeros where the file was cut, at ${offset}`, 'it cuts no file with views', (t) => {
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
  })
}

onUnix('blocks are allocated for what a resize adds', 'blocks are counted otherwise', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path)
  map.resize(1 << 20)
  t.true(statSync(path).blocks * 512 >= 1 << 20)
})

test('resize of a part moves the end of the file to the end of the part', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path, 100, { offset: 200 })
  map.resize(300)
  t.is(map.size(), 500)
  t.true(map.slice().equals(pattern(1000).subarray(200, 500)))
})

test('resize to the same length changes nothing, and takes a bigint', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  map.resize(6n)
  t.is(map.slice().toString(), 'abcdef')
  t.is(map.size(), 6)
})

test('many resizes up and down keep what was in both', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  using map = mmap(path)
  let kept = PAGESIZE
  let state = 12345
  for (let round = 0; round < 200; round += 1) {
    state = (state * 1103515245 + 12345) % 2147483648
    const size = 1 + (state % (5 * PAGESIZE))
    map.resize(size)
    kept = Math.min(kept, size)
    // Windows makes no file shorter of which there is a view.
    if (round % 10 === 0 && process.platform !== 'win32') t.is(map.bytes.length, size)
    t.true(map.slice(0, kept).equals(pattern(kept)))
    t.true(map.slice(kept).equals(Buffer.alloc(size - kept)))
  }
  t.is(map.size(), map.length)
})

onLinux('a resize leaves nothing of the old mapping when no view was handed out', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  using map = mmap(path)
  for (const byte of map) if (byte > 255) t.fail()
  map.resize(10 * PAGESIZE)
  t.is(mapsOf(path), 1)
  map.resize(2 * PAGESIZE)
  t.is(mapsOf(path), 1)
})

test('a resize that cannot be leaves file and mapping as they were', (t) => {
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

onSmallDisk('a resize beyond a full disk is ENOSPC and leaves all as it was', (t, folder) => {
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

// --- size, length, trackfd

test('size() follows the file, length does not', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path, 500)
  t.deepEqual([map.length, map.size()], [500, 1000])
  writeFileSync(path, 'more at the end', { flag: 'a' })
  t.deepEqual([map.length, map.size()], [500, 1015])
  t.is(map.read().length, 500)
})

onUnix('size() tells when a file was cut under its mapping', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path)
  truncateSync(path, 10)
  t.deepEqual([map.length, map.size()], [1000, 10])
})

test('trackfd: false does without the descriptor: no fd, no size(), no resize()', (t) => {
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

onUnix('a file can be removed while it is mapped', 'it removes no file that is mapped', (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  unlinkSync(path)
  map.write('ABC')
  t.is(map.slice().toString(), 'ABCdef')
  t.is(map.size(), 6)
  map.resize(10)
  t.is(map.slice().toString(), 'ABCdef\0\0\0\0')
})

onUnix('what was cut off and comes back is zeros', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, 10)
  using map = mmap(path)
  map.fill(1)
  truncateSync(path, 5)
  truncateSync(path, 10)
  t.deepEqual([...map], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
})

// Memory without a file: by name, between processes; without a name, for children that inherit it.

import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import ava, { type ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, mmap, PAGESIZE } from 'memmap'
import { callWith, mmapWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux, onUnix, TOO_LARGE } from './support/platform.mjs'
import { collectUntil, mapsOf, openDescriptors } from './support/portable.mjs'

const test = ava.serial

/** A tag that nobody else uses, also not another run of this file at the same time. */
function freshTag(): string {
  return `memmap-test-${randomUUID()}`
}

/** Where a tag of letters, digits and hyphens is. */
function pathOf(tagname: string): string {
  return `/dev/shm/memmap-${process.geteuid?.()}-${tagname}`
}

/** What is in /dev/shm of this package. Others may run these tests at the same time, so tests look for their tags in it. */
function named(part: string): string[] {
  return readdirSync('/dev/shm').filter((name) => name.includes(part))
}

/** Puts something where a tag would be, for one test. */
function squat(t: ExecutionContext, make: (path: string) => void): string {
  const tagname = freshTag()
  const path = pathOf(tagname)
  make(path)
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return tagname
}

/**
 * The length of a region for those that join it. Windows tells it in whole pages, and how many bytes were asked for only to the one who
 * made it.
 */
function lengthForOthers(length: number): number {
  return process.platform === 'win32' ? Math.ceil(length / PAGESIZE) * PAGESIZE : length
}

// --- Misuse: tags

onLinux(
  'a tag that is no string, has a NUL or a lone surrogate or is too long is refused before anything is made',
  'it lists /dev/shm',
  (t) => {
    const part = freshTag()
    const descriptors = openDescriptors()
    for (const tagname of [5, null, true, {}, [part], Buffer.from(part)]) {
      t.throws(() => mmapWith(-1, 10, { tagname }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const tagname of [`${part}\0`, `\0${part}`, '\0']) {
      t.throws(() => mmap(-1, 10, { tagname }), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_VALUE',
        message: 'The "tagname" argument must be a string without null characters',
      })
    }
    for (const tagname of [`${part}\ud800`, `\udc00${part}`, `${part}\udc00\ud800`]) {
      t.throws(() => mmap(-1, 10, { tagname }), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_VALUE',
        message: 'The "tagname" argument must be a string without lone surrogates',
      })
    }
    for (const tagname of [
      part.padEnd(256, 'x'),
      part.padEnd(100_000, 'x'),
      part + '/'.repeat(80),
      part + 'ü'.repeat(40),
    ]) {
      t.throws(() => mmap(-1, 10, { tagname }), {
        instanceOf: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: /"tagname" is too long/,
      })
    }
    t.deepEqual(named(part), [])
    t.deepEqual(openDescriptors(), descriptors)
  },
)

onLinux('a tag as long as a file name may be is taken', 'it knows the longest name', (t) => {
  const prefix = pathOf('').length - '/dev/shm/'.length
  const tagname = freshTag().padEnd(255 - prefix, 'x')
  using map = mmap(-1, 10, { tagname })
  t.true(existsSync(pathOf(tagname)))
  t.is(map.length, 10)
  t.throws(() => mmap(-1, 10, { tagname: `${tagname}x` }), { code: 'ERR_OUT_OF_RANGE' })
})

test('length 0 where there is no such region is EINVAL, and makes none', (t) => {
  const tagname = freshTag()
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, 0, { tagname }), { code: 'EINVAL' })
  t.is(error?.syscall, 'mmap')
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
})

test('more than a region has is out of range, and names both numbers', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 1000, { tagname })
  const end = lengthForOthers(1000)
  for (const [length, offset] of [
    [end + 1, 0],
    [1, end],
    [end - 499, 500],
    [2 ** 40, 0],
  ] as const) {
    t.throws(() => mmap(-1, length, { tagname, offset }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /region/,
    })
  }
  t.throws(() => mmap(-1, 0, { tagname, offset: end }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  t.is(map.length, 1000)
  t.is(map.size(), 1000)
})

onLinux('a region that cannot be made leaves no name', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  t.throws(() => mmap(-1, 2 ** 50, { tagname }), { message: TOO_LARGE })
  t.deepEqual(named(tagname), [])
})

onLinux('a named region keeps its size, but a mapping of it may get shorter', 'it has a size of its own', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 1000, { tagname })
  map.fill(1)
  t.throws(() => map.resize(1001), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE', message: /1000 bytes/ })
  map.resize(100)
  t.deepEqual([map.length, map.size()], [100, 1000])
  map.resize(1000)
  t.is(map.at(-1), 1)
})

// --- Misuse: what may already be where a region's file would be

const SQUATTERS: [what: string, make: (path: string) => void][] = [
  ['a symbolic link to a file', (path) => symlinkSync('/dev/shm/memmap-test-nowhere', path)],
  ['a symbolic link to itself', (path) => symlinkSync(path, path)],
  ['a folder', (path) => mkdirSync(path)],
  ['a FIFO', (path) => execFileSync('mkfifo', ['-m', '600', path])],
  ['a file that others may read', (path) => makeFile(path, 0o644)],
  ['a file that the group may write', (path) => makeFile(path, 0o620)],
  ['a file that may be executed', (path) => makeFile(path, 0o700)],
]

function makeFile(path: string, mode: number): void {
  writeFileSync(path, 'not a region')
  chmodSync(path, mode)
}

for (const [what, make] of SQUATTERS) {
  onLinux(`${what} in the place of a region is EACCES, and is left alone`, 'it is about /dev/shm', (t) => {
    const tagname = squat(t, make)
    for (const length of [100, 0]) {
      const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, length, { tagname }), { code: 'EACCES' })
      t.is(error?.syscall, 'open')
    }
    t.deepEqual(named(tagname), [pathOf(tagname).slice('/dev/shm/'.length)])
    t.false(existsSync('/dev/shm/memmap-test-nowhere'))
  })
}

onLinux('a file with a second name in the place of a region is EACCES', 'it is about /dev/shm', (t) => {
  const tagname = squat(t, (path) => {
    makeFile(path, 0o600)
    linkSync(path, `${path}-second`)
  })
  t.teardown(() => rmSync(`${pathOf(tagname)}-second`))
  t.throws(() => mmap(-1, 100, { tagname }), { code: 'EACCES' })
  t.is(readFileSync(pathOf(tagname), 'utf8'), 'not a region')
})

asRootOnLinux('a file of another user in the place of a region is EACCES', 'it gives a file away', (t) => {
  const tagname = squat(t, (path) => {
    makeFile(path, 0o600)
    chownSync(path, 12345, 12345)
  })
  t.throws(() => mmap(-1, 100, { tagname }), { code: 'EACCES' })
  t.is(readFileSync(pathOf(tagname), 'utf8'), 'not a region')
})

onLinux('a region is a file that only its user may read', 'it is about /dev/shm', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  t.is(statSync(pathOf(tagname)).mode & 0o7777, 0o600)
  t.is(statSync(pathOf(tagname)).size, map.length)
  // Allocated: a full /dev/shm is no fault later.
  t.true(statSync(pathOf(tagname)).blocks > 0)
})

// --- By name

test('two processes that say the same tag see what the other writes, both ways', async (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 1024, { tagname })
  t.true(map.slice().equals(Buffer.alloc(1024)))
  map.write('from here')
  const peer = await Peer.start(t)
  t.is(await peer.ask('open', 'theirs', -1, 1024, { tagname }), 1024)
  t.is(await peer.ask('read', 'theirs', 0, 9), 'from here')
  await peer.ask('write', 'theirs', 'from there', 500)
  t.is(map.slice(500, 510).toString(), 'from there')
  map.bytes[0] = 70
  t.is(await peer.ask('read', 'theirs', 0, 4), 'From')
})

test('length 0 joins all of a region, and an offset the rest', async (t) => {
  const tagname = freshTag()
  const peer = await Peer.start(t)
  const length = 3 * PAGESIZE + 5
  await peer.ask('open', 'theirs', -1, length, { tagname })
  await peer.ask('write', 'theirs', 'the end', length - 7)
  using all = mmap(-1, 0, { tagname })
  t.is(all.length, lengthForOthers(length))
  for (const offset of [1, 100, PAGESIZE, length - 7]) {
    using rest = mmap(-1, 0, { tagname, offset })
    t.is(rest.length, lengthForOthers(length) - offset)
    t.is(rest.slice(length - 7 - offset, length - offset).toString(), 'the end')
  }
  using part = mmap(-1, 3, { tagname, offset: 3 * PAGESIZE - 2 })
  part.write('THE')
  t.is(await peer.ask('read', 'theirs', -7, undefined), 'THE end')
})

test('the first to open a region with an offset makes it offset + length long', (t) => {
  const tagname = freshTag()
  using tail = mmap(-1, 100, { tagname, offset: 5000 })
  tail.write('tail')
  using all = mmap(-1, 0, { tagname })
  t.is(all.length, lengthForOthers(5100))
  t.is(all.slice(5000, 5004).toString(), 'tail')
})

test('a shorter length maps the beginning', (t) => {
  const tagname = freshTag()
  using all = mmap(-1, 1000, { tagname })
  all.write('beginning')
  using part = mmap(-1, 5, { tagname })
  t.is(part.read().toString(), 'begin')
  t.is(part.size(), lengthForOthers(1000))
})

test('two mappings of a tag in one process share it', (t) => {
  const tagname = freshTag()
  const one = mmap(-1, 100, { tagname })
  const two = mmap(-1, 100, { tagname })
  one.write('from one')
  t.is(two.read(8).toString(), 'from one')
  one.close()
  // The region stays while the other uses it.
  using three = mmap(-1, 0, { tagname })
  t.is(three.read(8).toString(), 'from one')
  two.close()
  three.seek(0)
  three.write('THREE')
  t.is(three.slice(0, 8).toString(), 'THREEone')
})

test('different tags are different memory', (t) => {
  const tagname = freshTag()
  using one = mmap(-1, 100, { tagname })
  using two = mmap(-1, 100, { tagname: `${tagname}2` })
  using upper = mmap(-1, 100, { tagname: tagname.toUpperCase() })
  one.fill(1)
  t.deepEqual([two.at(0), upper.at(0)], [0, 0])
})

test('an empty tag is no tag: memory that nobody finds', async (t) => {
  using one = mmap(-1, 100, { tagname: '' })
  using two = mmap(-1, 100, { tagname: '' })
  one.fill(1)
  t.is(two.at(0), 0)
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { tagname: '' })
  t.is(await peer.ask('read', 'theirs', 0, 3), '\0\0\0')
})

onLinux('tags of any characters stay inside /dev/shm and do not collide', 'it lists /dev/shm', (t) => {
  const part = freshTag()
  const tags = [
    `${part}/a`,
    `${part}%2Fa`,
    `${part}%a`,
    `${part}a`,
    `${part}\\a`,
    `../${part}`,
    `../../tmp/${part}`,
    `/${part}`,
    `${part} `,
    `${part}ü`,
    `${part}u\u0308`,
    `${part}\n`,
    `${part}😀`,
    `${part}.`,
    `${part}/..`,
  ]
  const maps = tags.map((tagname) => mmap(-1, 10, { tagname }))
  try {
    for (const [index, map] of maps.entries()) map.fill(index + 1)
    t.is(named(part).length, tags.length)
    t.true(named(part).every((name) => /^memmap-\d+-[\w%.-]+$/.test(name)))
    for (const [index, tagname] of tags.entries()) {
      using again = mmap(-1, 0, { tagname })
      t.is(again.at(9), index + 1, tagname)
    }
    t.deepEqual(
      ['/dev', '/tmp', '/'].filter((folder) => existsSync(`${folder}/${part}`)),
      [],
    )
  } finally {
    for (const map of maps) map.close()
  }
  t.deepEqual(named(part), [])
})

test('ACCESS_READ of a tag sees the writes of others and makes none', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  using reading = mmap(-1, 100, { tagname, access: ACCESS_READ })
  map.write('seen')
  t.is(reading.read(4).toString(), 'seen')
  t.throws(() => reading.setAt(0, 1), { code: 'ERR_MMAP_READONLY' })
  reading.bytes[0] = 1
  t.is(map.at(0), 115)
})

test('ACCESS_COPY of a tag keeps its changes to itself', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  map.write('shared')
  using copy = mmap(-1, 0, { tagname, access: ACCESS_COPY })
  copy.write('COPY')
  t.is(copy.slice(0, 6).toString(), 'COPYed')
  t.is(map.slice(0, 6).toString(), 'shared')
})

test('offsets of a region need no alignment, and views of it are aligned as the region is', (t) => {
  const tagname = freshTag()
  using all = mmap(-1, 100, { tagname })
  using part = mmap(-1, 0, { tagname, offset: 12 })
  part.view(Float64Array, 4, 1)[0] = Math.E
  t.is(all.view(Float64Array, 16, 1)[0], Math.E)
  t.throws(() => part.view(Float64Array, 0, 1), { code: 'ERR_OUT_OF_RANGE' })
})

// --- The end of a name

onLinux('nothing is left in /dev/shm after the last one has closed', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const one = mmap(-1, 100, { tagname })
  const two = mmap(-1, 100, { tagname })
  t.is(named(tagname).length, 1)
  one.close()
  t.is(named(tagname).length, 1)
  two.close()
  t.deepEqual(named(tagname), [])
})

onLinux('the name stays while another process uses it', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const map = mmap(-1, 100, { tagname })
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 0, { tagname })
  map.write('kept')
  map.close()
  t.is(named(tagname).length, 1)
  using again = mmap(-1, 0, { tagname })
  t.is(again.read(4).toString(), 'kept')
  again.close()
  await peer.ask('close', 'theirs')
  t.deepEqual(named(tagname), [])
})

onLinux('the name stays while a view of it lives', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const held: { view: Uint8Array | undefined } = { view: undefined }
  ;(() => {
    using map = mmap(-1, 100, { tagname })
    held.view = map.bytes
  })()
  t.is(named(tagname).length, 1)
  ;(() => {
    using again = mmap(-1, 0, { tagname })
    again.write('seen by the view')
  })()
  t.is(Buffer.from(held.view?.subarray(0, 4) ?? []).toString(), 'seen')
  held.view = undefined
  t.true(await collectUntil(() => named(tagname).length === 0))
})

onLinux('unmap() gives the name up at once, views or not', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const map = mmap(-1, 100, { tagname })
  const { bytes } = map
  map.unmap()
  t.is(bytes.length, 0)
  t.deepEqual(named(tagname), [])
})

onLinux('the name goes when everything that uses it is collected', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  ;(() => {
    mmap(-1, 100, { tagname }).bytes[0] = 1
    mmap(-1, 0, { tagname }).at(0)
  })()
  t.is(named(tagname).length, 1)
  t.true(await collectUntil(() => named(tagname).length === 0))
})

for (const [how, code] of [
  ['the end of the program', 0],
  ['closed with a view', 0],
  ['process.exit', 0],
  ['exit in a callback', 0],
  ['throw', 1],
  ['worker', 0],
] as const) {
  onLinux(`nothing is left in /dev/shm by a program that ends: ${how}`, 'it lists /dev/shm', (t) => {
    const tagname = freshTag()
    const script = fileURLToPath(new URL('./fixtures/tag-at-exit.mjs', import.meta.url))
    const { status, stdout } = spawnSync(process.execPath, [script, how, tagname], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    t.is(stdout, 'written!\n')
    t.is(status, code)
    t.deepEqual(named(tagname), [])
  })
}

onLinux('a worker thread that ends, or is terminated, gives its name up', 'it lists /dev/shm', async (t) => {
  for (const terminate of [false, true]) {
    const tagname = freshTag()
    const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), {
      workerData: { file: -1, length: 100, options: { tagname }, text: 'written!', close: false },
      execArgv: [],
    })
    const exited = once(worker, 'exit')
    const [answer]: unknown[] = await once(worker, 'message')
    t.deepEqual(answer, { found: '\0'.repeat(8), view: 'written!' })
    if (terminate) await worker.terminate()
    await exited
    t.deepEqual(named(tagname), [])
  }
})

test('a worker thread and this one share a tag', async (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  map.write('hello to')
  const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), {
    workerData: { file: -1, length: 0, options: { tagname }, text: 'and back', close: true },
    execArgv: [],
  })
  const exited = once(worker, 'exit')
  const [answer]: unknown[] = await once(worker, 'message')
  t.deepEqual(answer, { found: 'hello to', view: 'and back' })
  t.is(map.slice(0, 8).toString(), 'and back')
  await exited
  // The worker's end takes nothing from us.
  t.is(map.slice(0, 8).toString(), 'and back')
  using again = mmap(-1, 0, { tagname })
  t.is(again.at(0), 97)
})

onLinux('what a killed process left behind starts again from zeros', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 5000, { tagname })
  await peer.ask('write', 'theirs', 'stale', 0)
  await peer.kill()
  t.is(named(tagname).length, 1)
  t.throws(() => mmap(-1, 0, { tagname }), { code: 'EINVAL' })
  const again = mmap(-1, 100, { tagname })
  t.is(again.size(), 100)
  t.true(again.slice().equals(Buffer.alloc(100)))
  again.close()
  t.deepEqual(named(tagname), [])
})

onLinux('a leftover may become longer than it was', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { tagname })
  await peer.ask('write', 'theirs', 'stale', 0)
  await peer.kill()
  using map = mmap(-1, 10_000, { tagname })
  t.true(map.slice().equals(Buffer.alloc(10_000)))
})

test('the second to open a region resets nothing while the first holds it, even if a third was killed', async (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  map.write('precious')
  const killed = await Peer.start(t)
  await killed.ask('open', 'theirs', -1, 100, { tagname })
  await killed.kill()
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { tagname })
  t.is(await peer.ask('read', 'theirs', 0, 8), 'precious')
  t.is(map.slice(0, 8).toString(), 'precious')
})

onLinux('a name that somebody removes takes nothing from those who use it', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const map = mmap(-1, 100, { tagname })
  map.write('mine')
  rmSync(pathOf(tagname))
  const other = mmap(-1, 100, { tagname })
  t.is(other.at(0), 0)
  map.close()
  // Closing the first must not remove the name of the second.
  t.is(named(tagname).length, 1)
  other.close()
  t.deepEqual(named(tagname), [])
})

test('eight processes open and close a tag at once, and never fail or see stale bytes', async (t) => {
  t.timeout(120_000, 'eight processes take turns')
  const tagname = freshTag()
  const path = process.platform === 'linux' ? pathOf(tagname) : undefined
  const peers = await Promise.all(Array.from({ length: 8 }, () => Peer.start(t)))
  const takeTurns = () => Promise.all(peers.map((peer, mark) => peer.ask('openAndClose', tagname, path, 100, mark)))
  // How often each finds it new is chance. What else may not be, it throws.
  await takeTurns()
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
  // While somebody holds it, it is new to each of them once.
  const map = mmap(-1, 4096, { tagname })
  t.deepEqual(await takeTurns(), Array(8).fill(1))
  map.close()
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
})

// --- Without a name

test('anonymous memory is zeros, and can be written', (t) => {
  for (const options of [{}, { access: ACCESS_COPY }] as const) {
    using map = mmap(-1, 3 * PAGESIZE + 1, options)
    t.true(map.slice().equals(Buffer.alloc(3 * PAGESIZE + 1)))
    map.fill(255)
    t.is(map.bytes[3 * PAGESIZE], 255)
    t.is(map.size(), 3 * PAGESIZE + 1)
  }
})

test('anonymous memory of length 0 is EINVAL', (t) => {
  for (const length of [0, 0n, undefined]) {
    const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, length), {
      code: 'EINVAL',
      message: /^EINVAL: .*, mmap: "length" must be at least 1 for new anonymous memory$/,
    })
    t.is(error?.syscall, 'mmap')
    t.is(typeof error?.errno, 'number')
  }
})

test('more anonymous memory than there can be is ENOMEM', (t) => {
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, 2 ** 53 - 1), { code: 'ENOMEM' })
  t.is(typeof error?.errno, 'number')
})

onLinux('closing anonymous memory leaves no descriptor and no mapping', 'it reads /proc', (t) => {
  const descriptors = openDescriptors()
  const maps = mapsOf('/memfd:memmap (deleted)')
  const map = mmap(-1, 10_000)
  map.setAt(5000, 1)
  t.is(mapsOf('/memfd:memmap (deleted)'), maps + 1)
  map.close()
  t.is(mapsOf('/memfd:memmap (deleted)'), maps)
  t.deepEqual(openDescriptors(), descriptors)
})

onUnix('private anonymous memory has no descriptor', 'it has no flags', (t) => {
  using map = mmap(-1, 100, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  t.is(map.fd, -1)
  map.fill(3)
  map.resize(10_000)
  t.deepEqual([map.at(99), map.at(100), map.length], [3, 0, 10_000])
  using shared = mmap(-1, 100, { flags: MAP_SHARED | MAP_ANONYMOUS })
  t.true(shared.fd >= 0)
  using copy = mmap(-1, 100, { access: ACCESS_COPY })
  t.is(copy.fd, -1)
})

onUnix('the descriptor of anonymous memory can be read by fs, and mapped again', 'there is none', (t) => {
  using map = mmap(-1, 100)
  map.write('through the descriptor')
  const bytes = Buffer.alloc(7)
  readSync(map.fd, bytes, 0, 7, 0)
  t.is(bytes.toString(), 'through')
  using again = mmap(map.fd, 0)
  t.is(again.length, 100)
  again.write('THROUGH')
  t.is(map.slice(0, 7).toString(), 'THROUGH')
})

onUnix('a child that inherits the descriptor maps the same memory', 'it inherits no descriptors', async (t) => {
  using map = mmap(-1, 2 * PAGESIZE)
  map.write('from the parent')
  const peer = await Peer.start(t, map.fd)
  t.is(await peer.ask('open', 'theirs', 3, 0, {}), 2 * PAGESIZE)
  t.is(await peer.ask('read', 'theirs', 0, 15), 'from the parent')
  await peer.ask('write', 'theirs', 'from the child', PAGESIZE)
  t.is(map.slice(PAGESIZE, PAGESIZE + 14).toString(), 'from the child')
  map.bytes[0] = 70
  t.is(await peer.ask('read', 'theirs', 0, 4), 'From')
})

onUnix('the memory outlives the process that made it, in the child', 'it inherits no descriptors', async (t) => {
  const map = mmap(-1, 100)
  map.write('still there')
  const peer = await Peer.start(t, map.fd)
  map.close()
  await peer.ask('open', 'theirs', 3, 0, {})
  t.is(await peer.ask('read', 'theirs', 0, 11), 'still there')
})

onLinux('the child cannot cut the memory off: EPERM', 'only it can seal memory', async (t) => {
  using map = mmap(-1, PAGESIZE)
  map.fill(1)
  t.throws(() => ftruncateSync(map.fd, 0), { code: 'EPERM' })
  const peer = await Peer.start(t, map.fd)
  t.is((await peer.refusal('truncate', 3, 0)).code, 'EPERM')
  t.is(await peer.ask('fileSize', 3), PAGESIZE)
  t.is(map.at(-1), 1)
})

onLinux('shared anonymous memory gets shorter but not longer', 'CPython refuses it on Linux', (t) => {
  using map = mmap(-1, 2 * PAGESIZE)
  map.fill(1)
  t.throws(() => map.resize(3 * PAGESIZE), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: "mmap: can't expand a shared anonymous mapping on Linux",
  })
  const view = map.bytes
  map.resize(10)
  t.is(map.length, 10)
  t.throws(() => callWith(map, 'at', 10), { code: 'ERR_OUT_OF_RANGE' })
  // Another process may have mapped all of it.
  t.is(fstatSync(map.fd).size, 2 * PAGESIZE)
  view[0] = 9
  t.is(map.at(0), 9)
  t.is(view[2 * PAGESIZE - 1], 1)
})

// Memory that processes share by name: which tags are taken, and who sees what.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { Worker } from 'node:worker_threads'
import ava, { type ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, mmap, PAGESIZE } from 'memmap'
import { runAfter, runWithMounts } from './support/child.mjs'
import { mmapWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux, TOO_LARGE } from './support/platform.mjs'
import { openDescriptors, scratchFolder } from './support/portable.mjs'
import { freshTag, lengthForOthers, named, pathOf } from './support/tags.mjs'

const test = ava.serial

// --- Misuse: tags

onLinux('tagname: an invalid or too long one is refused before anything is made', 'it lists /dev/shm', (t) => {
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
})

onLinux('tagname: it may be as long as the name of a file', 'it knows the longest name', (t) => {
  const prefix = pathOf('').length - '/dev/shm/'.length
  const tagname = freshTag().padEnd(255 - prefix, 'x')
  using map = mmap(-1, 10, { tagname })
  t.true(existsSync(pathOf(tagname)))
  t.is(map.length, 10)
  t.throws(() => mmap(-1, 10, { tagname: `${tagname}x` }), { code: 'ERR_OUT_OF_RANGE' })
})

test('tagname: length 0 where there is no such region is EINVAL, and makes none', (t) => {
  const tagname = freshTag()
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, 0, { tagname }), { code: 'EINVAL' })
  t.is(error?.syscall, 'mmap')
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
})

test('tagname: more than the region has is out of range, and the error names both numbers', (t) => {
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

onLinux('tagname: a region that cannot be made leaves no name', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  t.throws(() => mmap(-1, 2 ** 50, { tagname }), { message: TOO_LARGE })
  t.deepEqual(named(tagname), [])
})

onLinux(
  'resize: a named region keeps its size, but a mapping of it may get shorter',
  'it has a size of its own',
  (t) => {
    const tagname = freshTag()
    using map = mmap(-1, 1000, { tagname })
    map.fill(1)
    t.throws(() => map.resize(1001), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE', message: /1000 bytes/ })
    map.resize(100)
    t.deepEqual([map.length, map.size()], [100, 1000])
    map.resize(1000)
    t.is(map.at(-1), 1)
  },
)

asRootOnLinux(
  'tagname: if /dev/shm cannot be examined there is an error, and no other folder is used',
  'it mounts',
  (t) => {
    const folder = scratchFolder(t)
    const before = `mount -t tmpfs tmpfs /dev; ln -s shm /dev/shm; export TMPDIR=${folder}`
    const program = `say(failureOf(() => memmap.mmap(-1, 100, { tagname: 'any' })))`
    const expected = { code: 'ELOOP', syscall: 'stat', message: 'ELOOP: too many symbolic links encountered, stat' }
    t.deepEqual(runWithMounts(t, before, program) ?? expected, expected)
    t.deepEqual(readdirSync(folder), [])
  },
)

asRootOnLinux('tagname: a region that does not fit into /dev/shm is ENOSPC, and leaves no name', 'it mounts', (t) => {
  for (const proc of ['', '; mount -t tmpfs tmpfs /proc']) {
    const before = `mount -t tmpfs -o size=64k tmpfs /dev/shm${proc}`
    const program = `
      const failure = failureOf(() => memmap.mmap(-1, 100_000, { tagname: 'any' }))
      say([failure.code, require('node:fs').readdirSync('/dev/shm')])
    `
    t.deepEqual(runWithMounts(t, before, program) ?? ['ENOSPC', []], ['ENOSPC', []])
  }
})

// --- Misuse: what may already be where a region's file would be

/** Puts something where the region of a tag would be, until the test ends. */
function squat(t: ExecutionContext, make: (path: string) => void): string {
  const tagname = freshTag()
  const path = pathOf(tagname)
  make(path)
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return tagname
}

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
  onLinux(`tagname: ${what} in the place of the region is EACCES, and is left alone`, 'it is about /dev/shm', (t) => {
    const tagname = squat(t, make)
    for (const length of [100, 0]) {
      const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, length, { tagname }), { code: 'EACCES' })
      t.is(error?.syscall, 'open')
    }
    t.deepEqual(named(tagname), [pathOf(tagname).slice('/dev/shm/'.length)])
    t.false(existsSync('/dev/shm/memmap-test-nowhere'))
  })
}

onLinux('tagname: a file with a second name in the place of the region is EACCES', 'it is about /dev/shm', (t) => {
  const tagname = squat(t, (path) => {
    makeFile(path, 0o600)
    linkSync(path, `${path}-second`)
  })
  t.teardown(() => rmSync(`${pathOf(tagname)}-second`))
  t.throws(() => mmap(-1, 100, { tagname }), { code: 'EACCES' })
  t.is(readFileSync(pathOf(tagname), 'utf8'), 'not a region')
})

asRootOnLinux('tagname: a file of another user in the place of the region is EACCES', 'it gives a file away', (t) => {
  const tagname = squat(t, (path) => {
    makeFile(path, 0o600)
    chownSync(path, 12345, 12345)
  })
  t.throws(() => mmap(-1, 100, { tagname }), { code: 'EACCES' })
  t.is(readFileSync(pathOf(tagname), 'utf8'), 'not a region')
})

onLinux('tagname: the region is a file that only its user may read', 'it is about /dev/shm', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  t.is(statSync(pathOf(tagname)).mode & 0o7777, 0o600)
  t.is(statSync(pathOf(tagname)).size, map.length)
  // Its blocks are allocated, so a full /dev/shm is no fault later.
  t.true(statSync(pathOf(tagname)).blocks > 0)
})

onLinux('tagname: a region that is made under umask 0777 can be opened again', 'it looks into /dev/shm', (t) => {
  const tagname = freshTag()
  t.teardown(() => rmSync(pathOf(tagname), { force: true }))
  const program = `
    process.umask(0o777)
    const [tagname, path] = args
    const one = memmap.mmap(-1, 100, { tagname })
    one.write('shared')
    const mode = require('node:fs').statSync(path).mode & 0o7777
    say([mode, memmap.mmap(-1, 0, { tagname }).read(6).toString()])
  `
  t.deepEqual(runAfter('', program, [tagname, pathOf(tagname)]), [0o600, 'shared'])
  t.false(existsSync(pathOf(tagname)))
})

// --- Sharing

test('tagname: two processes see what the other writes, both ways', async (t) => {
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

test('tagname: a worker thread and this one share a region', async (t) => {
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
  // The end of the worker does not take the region away.
  t.is(map.slice(0, 8).toString(), 'and back')
  using again = mmap(-1, 0, { tagname })
  t.is(again.at(0), 97)
})

test('tagname: two mappings in one process share a region', (t) => {
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

test('tagname: different tags are different memory', (t) => {
  const tagname = freshTag()
  using one = mmap(-1, 100, { tagname })
  using two = mmap(-1, 100, { tagname: `${tagname}2` })
  using upper = mmap(-1, 100, { tagname: tagname.toUpperCase() })
  one.fill(1)
  t.deepEqual([two.at(0), upper.at(0)], [0, 0])
})

test('tagname: an empty one is none, and nobody else finds the memory', async (t) => {
  using one = mmap(-1, 100, { tagname: '' })
  using two = mmap(-1, 100, { tagname: '' })
  one.fill(1)
  t.is(two.at(0), 0)
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { tagname: '' })
  t.is(await peer.ask('read', 'theirs', 0, 3), '\0\0\0')
})

onLinux('tagname: any characters stay inside /dev/shm and do not collide', 'it lists /dev/shm', (t) => {
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

// --- Length, offset and access

test('tagname: length 0 joins all of a region, and an offset the rest', async (t) => {
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

test('tagname: the first to open a region makes it offset + length long', (t) => {
  const tagname = freshTag()
  using tail = mmap(-1, 100, { tagname, offset: 5000 })
  tail.write('tail')
  using all = mmap(-1, 0, { tagname })
  t.is(all.length, lengthForOthers(5100))
  t.is(all.slice(5000, 5004).toString(), 'tail')
})

test('tagname: a shorter length maps the beginning', (t) => {
  const tagname = freshTag()
  using all = mmap(-1, 1000, { tagname })
  all.write('beginning')
  using part = mmap(-1, 5, { tagname })
  t.is(part.read().toString(), 'begin')
  t.is(part.size(), lengthForOthers(1000))
})

test('offset: one in a region needs no alignment, and views are aligned as the region is', (t) => {
  const tagname = freshTag()
  using all = mmap(-1, 100, { tagname })
  using part = mmap(-1, 0, { tagname, offset: 12 })
  part.view(Float64Array, 4, 1)[0] = Math.E
  t.is(all.view(Float64Array, 16, 1)[0], Math.E)
  t.throws(() => part.view(Float64Array, 0, 1), { code: 'ERR_OUT_OF_RANGE' })
})

test('access: ACCESS_READ of a region sees the writes of others and makes none', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  using reading = mmap(-1, 100, { tagname, access: ACCESS_READ })
  map.write('seen')
  t.is(reading.read(4).toString(), 'seen')
  t.throws(() => reading.setAt(0, 1), { code: 'ERR_MMAP_READONLY' })
  reading.bytes[0] = 1
  t.is(map.at(0), 115)
})

test('access: ACCESS_COPY of a region keeps its changes to itself', (t) => {
  const tagname = freshTag()
  using map = mmap(-1, 100, { tagname })
  map.write('shared')
  using copy = mmap(-1, 0, { tagname, access: ACCESS_COPY })
  copy.write('COPY')
  t.is(copy.slice(0, 6).toString(), 'COPYed')
  t.is(map.slice(0, 6).toString(), 'shared')
})

// Memory without a file and without a name, also for children that inherit its descriptor.

import { fstatSync, ftruncateSync, readSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_COPY, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { mapsOf, openDescriptors } from './support/portable.mjs'

const test = ava.serial

test('mmap(-1): memory is zeros, and can be written', (t) => {
  for (const options of [{}, { access: ACCESS_COPY }] as const) {
    using map = mmap(-1, 3 * PAGESIZE + 1, options)
    t.true(map.slice().equals(Buffer.alloc(3 * PAGESIZE + 1)))
    map.fill(255)
    t.is(map.bytes[3 * PAGESIZE], 255)
    t.is(map.size(), 3 * PAGESIZE + 1)
  }
})

test('mmap(-1): a length of 0 is EINVAL', (t) => {
  for (const length of [0, 0n, undefined]) {
    const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, length), {
      code: 'EINVAL',
      message: /^EINVAL: .*, mmap: "length" must be at least 1 for new anonymous memory$/,
    })
    t.is(error?.syscall, 'mmap')
    t.is(typeof error?.errno, 'number')
  }
})

test('mmap(-1): more memory than there can be is ENOMEM', (t) => {
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, 2 ** 53 - 1), { code: 'ENOMEM' })
  t.is(typeof error?.errno, 'number')
})

onLinux('close: anonymous memory leaves no descriptor and no mapping', 'it reads /proc', (t) => {
  const descriptors = openDescriptors()
  const maps = mapsOf('/memfd:memmap (deleted)')
  const map = mmap(-1, 10_000)
  map.setAt(5000, 1)
  t.is(mapsOf('/memfd:memmap (deleted)'), maps + 1)
  map.close()
  t.is(mapsOf('/memfd:memmap (deleted)'), maps)
  t.deepEqual(openDescriptors(), descriptors)
})

onUnix('flags: private anonymous memory has no descriptor', 'it has no flags', (t) => {
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

onLinux('resize: shared anonymous memory gets shorter but not longer', 'CPython refuses it on Linux', (t) => {
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

// --- The descriptor

onUnix('fd: the descriptor can be read by fs, and mapped again', 'there is none', (t) => {
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

onUnix('fd: a child that inherits the descriptor maps the same memory', 'it inherits no descriptors', async (t) => {
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

onUnix('fd: in the child, the memory outlives the process that made it', 'it inherits no descriptors', async (t) => {
  const map = mmap(-1, 100)
  map.write('still there')
  const peer = await Peer.start(t, map.fd)
  map.close()
  await peer.ask('open', 'theirs', 3, 0, {})
  t.is(await peer.ask('read', 'theirs', 0, 11), 'still there')
})

onLinux('fd: the child cannot truncate the memory: EPERM', 'only it can seal memory', async (t) => {
  using map = mmap(-1, PAGESIZE)
  map.fill(1)
  t.throws(() => ftruncateSync(map.fd, 0), { code: 'EPERM' })
  const peer = await Peer.start(t, map.fd)
  t.is((await peer.refusal('truncate', 3, 0)).code, 'EPERM')
  t.is(await peer.ask('fileSize', 3), PAGESIZE)
  t.is(map.at(-1), 1)
})

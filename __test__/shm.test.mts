// POSIX shared memory: which names are taken, who creates and removes them, and what Python and C
// programs see of the same memory.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import ava, { type ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, MAP_PRIVATE, mmap, PAGESIZE, unlinkShm } from 'memmap'
import { runWithMounts } from './support/child.mjs'
import { mmapWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux, onUnix, onWindows } from './support/platform.mjs'
import { openDescriptors, scratchFile } from './support/portable.mjs'
import { compileC, outputOf, runPython } from './support/programs.mjs'
import { lengthForOthers, named } from './support/tags.mjs'

const test = ava.serial
const HAS_FIXED_SIZE = process.platform === 'darwin'

/** A name that nobody else uses, short enough for macOS. It is removed when the test ends. */
function freshName(t: ExecutionContext): string {
  const name = `memmap-test-${randomBytes(6).toString('hex')}`
  t.teardown(() => {
    try {
      unlinkShm(name)
    } catch {
      // The test has removed it, or has not made it.
    }
  })
  return name
}

/** What a program that joins finds. */
function sizeForOthers(length: number): number {
  return HAS_FIXED_SIZE ? Math.ceil(length / PAGESIZE) * PAGESIZE : lengthForOthers(length)
}

// --- Misuse

const WRONG_NAMES: [name: unknown, code: string, message: RegExp][] = [
  [5, 'ERR_INVALID_ARG_TYPE', /must be of type string\. Received type number \(5\)/],
  [null, 'ERR_INVALID_ARG_TYPE', /must be of type string/],
  [{}, 'ERR_INVALID_ARG_TYPE', /must be of type string/],
  [Buffer.from('name'), 'ERR_INVALID_ARG_TYPE', /must be of type string/],
  ['', 'ERR_INVALID_ARG_VALUE', /at most one slash, in front/],
  ['/', 'ERR_INVALID_ARG_VALUE', /at most one slash, in front/],
  ['//name', 'ERR_INVALID_ARG_VALUE', /Received '\/\/name'/],
  ['a/b', 'ERR_INVALID_ARG_VALUE', /Received 'a\/b'/],
  ['/a/', 'ERR_INVALID_ARG_VALUE', /at most one slash/],
  ['../tmp/a', 'ERR_INVALID_ARG_VALUE', /at most one slash/],
  ['.', 'ERR_INVALID_ARG_VALUE', /not '\.' or '\.\.'/],
  ['/..', 'ERR_INVALID_ARG_VALUE', /not '\.' or '\.\.'/],
  ['a\0', 'ERR_INVALID_ARG_VALUE', /without null characters/],
  ['a\ud800', 'ERR_INVALID_ARG_VALUE', /without lone surrogates/],
]

test('shm: what is no name is refused before anything is opened', (t) => {
  const descriptors = openDescriptors()
  for (const [shm, code, message] of WRONG_NAMES) {
    const error = t.throws(() => mmapWith(-1, 100, { shm, create: true }), { code, message }, String(shm))
    t.regex(String(error?.message), /"shm"/)
  }
  t.deepEqual(openDescriptors(), descriptors)
})

test('unlinkShm: what is no name is refused, and the error calls it "name"', (t) => {
  for (const [name, code, message] of WRONG_NAMES) {
    const error = t.throws(() => Reflect.apply(unlinkShm, undefined, [name]), { code, message }, String(name))
    t.regex(String(error?.message), /"name"/)
  }
  t.throws(() => Reflect.apply(unlinkShm, undefined, []), { code: 'ERR_INVALID_ARG_TYPE' })
})

onUnix('shm, unlinkShm: a name may be as long as the system allows, and not longer', 'its limit is another', (t) => {
  const longest = process.platform === 'linux' ? 255 : process.platform === 'darwin' ? 30 : 1022
  const shm = freshName(t).padEnd(longest, 'x')
  mmap(-1, 10, { shm: `/${shm}`, create: true }).unmap()
  unlinkShm(shm)
  const tooLong = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => mmap(-1, 10, { shm: `${shm}x`, create: true }), { ...tooLong, message: /^"shm" is too long/ })
  t.throws(() => mmap(-1, 10, { shm: 'ü'.repeat(longest / 2 + 1) }), { ...tooLong, message: /^"shm" is too long/ })
  t.throws(() => unlinkShm(`${shm}x`), { ...tooLong, message: /^"name" is too long/ })
  if (process.platform === 'linux') t.deepEqual(named(shm.slice(0, 24)), [])
})

onWindows('shm: a name may be as long as the system allows, and not longer', 'its limit is another', (t) => {
  const shm = freshName(t).padEnd(260, 'x')
  t.throws(() => mmap(-1, 10, { shm: `${shm}x`, create: true }), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^"shm" is too long/,
  })
})

test('shm: options that contradict it are refused', (t) => {
  const shm = freshName(t)
  const file = scratchFile(t, 'content')
  const wrong: [file: unknown, options: object, message: RegExp][] = [
    [file, { shm }, /The option "shm" names memory: "file" must be -1/],
    [0, { shm }, /"file" must be -1/],
    [-1, { shm, tagname: 'x' }, /"shm" and "tagname" both name memory/],
    [-1, { shm, allowEmpty: true }, /"allowEmpty" is for files/],
    [-1, { shm, access: ACCESS_COPY, writeBack: true }, /"writeBack" is for a file/],
    [-1, { shm, create: true, length: 0 }, /"create" needs a "length"/],
  ]
  for (const [target, options, message] of wrong) {
    t.throws(() => mmapWith(target, undefined, options), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message,
    })
  }
  // An empty tag is no tag.
  using map = mmap(-1, 10, { shm, tagname: '', create: true })
  t.is(map.length, 10)
})

test('shm: without create a missing name is ENOENT, and the error names it', (t) => {
  const shm = freshName(t)
  for (const length of [0, 100]) {
    const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, length, { shm: `/${shm}` }), { code: 'ENOENT' })
    t.is(error?.syscall, 'shm_open')
    t.is(error?.path, shm)
    t.true(error?.message.endsWith(`, shm_open '${shm}'`), error?.message)
  }
})

onUnix('unlinkShm: a missing name is ENOENT, and the error names it', 'it does nothing', (t) => {
  const name = freshName(t)
  const error = t.throws<NodeJS.ErrnoException>(() => unlinkShm(`/${name}`), { code: 'ENOENT' })
  t.deepEqual([error?.syscall, error?.path], ['shm_unlink', name])
})

test('shm: more than there is is out of range, as for a file', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1000, { shm, create: true })
  const end = sizeForOthers(1000)
  for (const [length, offset] of [
    [end + 1, 0],
    [1, end],
    [0, end],
    [2 ** 40, 0],
  ] as const) {
    t.throws(() => mmap(-1, length, { shm, offset }), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
  t.is(map.size(), process.platform === 'win32' ? 1000 : end)
})

onLinux('shm: memory that cannot be created leaves no name', 'it lists /dev/shm', (t) => {
  const shm = freshName(t)
  t.throws(() => mmap(-1, 2 ** 50, { shm, create: true }), { message: /^(ENOSPC|EFBIG|ENOMEM): / })
  t.deepEqual(named(shm), [])
})

onLinux('shm, unlinkShm: what is no memory in the place of the name is left alone', 'it is about /dev/shm', (t) => {
  const link = freshName(t)
  symlinkSync(scratchFile(t, 'content'), `/dev/shm/${link}`)
  const folder = freshName(t)
  mkdirSync(`/dev/shm/${folder}`)
  t.teardown(() => rmSync(`/dev/shm/${folder}`, { recursive: true }))
  for (const options of [{}, { create: true }, { create: { exclusive: false } }]) {
    t.throws(() => mmap(-1, 5, { shm: link, ...options }), { code: 'ELOOP' })
    t.throws(() => mmap(-1, 5, { shm: folder, ...options }), { code: 'EISDIR' })
  }
  t.throws(() => unlinkShm(folder), { code: 'EISDIR' })
  t.true(existsSync(`/dev/shm/${folder}`))
  // As shm_unlink, this removes the link.
  unlinkShm(link)
  t.false(existsSync(`/dev/shm/${link}`))
})

// --- Creating and removing

test('shm: one of two creates it, and says so', (t) => {
  const shm = freshName(t)
  using one = mmap(-1, 3000, { shm, create: true })
  using two = mmap(-1, 100, { shm: `/${shm}`, create: true })
  using three = mmap(-1, { shm })
  t.deepEqual([one.created, two.created, three.created], [true, false, false])
  t.deepEqual([one.length, two.length, three.length], [3000, 100, sizeForOthers(3000)])
  t.true(one.slice().equals(Buffer.alloc(3000)))
  one.write('shared')
  t.is(two.read(6).toString(), 'shared')
  t.is(three.read(6).toString(), 'shared')
})

test('create.exclusive: with shm an existing name is EEXIST, and is left alone', (t) => {
  const shm = freshName(t)
  using one = mmap(-1, 100, { shm, create: { exclusive: true } })
  one.write('first')
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(-1, 200, { shm, create: { exclusive: true } }), {
    code: 'EEXIST',
  })
  t.deepEqual([error?.syscall, error?.path], ['shm_open', shm])
  t.is(one.created, true)
  using two = mmap(-1, { shm })
  t.deepEqual([two.length, two.read(5).toString()], [sizeForOthers(100), 'first'])
})

onLinux(
  'create.mode: shared memory is for its user by default, and the umask counts',
  'it looks into /dev/shm',
  (t) => {
    const before = process.umask(0o027)
    t.teardown(() => process.umask(before))
    for (const [create, mode] of [
      [true, 0o600],
      [{}, 0o600],
      [{ mode: 0o666 }, 0o640],
    ] as const) {
      const shm = freshName(t)
      using map = mmap(-1, 5000, { shm, create })
      const stat = statSync(`/dev/shm/${shm}`)
      t.deepEqual([stat.mode & 0o7777, stat.size, map.size()], [mode, 5000, 5000])
      // Its blocks are allocated, so a full /dev/shm is no fault later.
      t.true(stat.blocks > 0)
    }
    const sparse = freshName(t)
    using map = mmap(-1, 10 * PAGESIZE, { shm: sparse, create: { sparse: true } })
    t.is(map.length, 10 * PAGESIZE)
    t.true(statSync(`/dev/shm/${sparse}`).blocks * 512 < 10 * PAGESIZE)
  },
)

asRootOnLinux(
  'create: shared memory that does not fit into /dev/shm is ENOSPC, and leaves no name',
  'it mounts',
  (t) => {
    const program = `
    const failure = failureOf(() => memmap.mmap(-1, 100_000, { shm: 'any', create: true }))
    say([failure.code, require('node:fs').readdirSync('/dev/shm')])
  `
    const answer = runWithMounts(t, 'mount -t tmpfs -o size=64k tmpfs /dev/shm', program)
    t.deepEqual(answer ?? ['ENOSPC', []], ['ENOSPC', []])
  },
)

onUnix('unlinkShm: who has it mapped keeps the memory, and the name is free', 'it keeps the name', (t) => {
  const shm = freshName(t)
  using one = mmap(-1, 100, { shm, create: true })
  using two = mmap(-1, { shm })
  unlinkShm(`/${shm}`)
  t.throws(() => mmap(-1, { shm }), { code: 'ENOENT' })
  using three = mmap(-1, 100, { shm, create: true })
  one.write('old')
  t.true(three.created)
  t.deepEqual([two.read(3).toString(), three.at(0)], ['old', 0])
})

onWindows('unlinkShm: nothing happens, and the last user removes the name', 'it removes the name', (t) => {
  const shm = freshName(t)
  const one = mmap(-1, 100, { shm, create: true })
  unlinkShm(shm)
  mmap(-1, { shm }).unmap()
  // It is the section that `tagname` opens.
  const tagged = mmap(-1, 0, { tagname: shm })
  one.write('same')
  t.is(tagged.read(4).toString(), 'same')
  tagged.unmap()
  one.unmap()
  t.throws(() => mmap(-1, { shm }), { code: 'ENOENT' })
})

onUnix('close, unmap: the name and the content stay', 'the last user removes the name', (t) => {
  const shm = freshName(t)
  const one = mmap(-1, 100, { shm, create: true })
  one.write('kept')
  one.unmap()
  using two = mmap(-1, 100, { shm, create: true })
  t.deepEqual([two.created, two.read(4).toString()], [false, 'kept'])
})

onUnix('shm: a process that is killed leaves the name', 'the last user removes the name', async (t) => {
  const shm = freshName(t)
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { shm, create: true })
  await peer.ask('write', 'theirs', 'left', 0)
  await peer.kill()
  using map = mmap(-1, { shm })
  t.is(map.read(4).toString(), 'left')
})

// --- Sharing, and what else a mapping can do

test('shm: two processes see what the other writes, both ways', async (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1024, { shm, create: true })
  map.write('from here')
  const peer = await Peer.start(t)
  t.is(await peer.ask('open', 'theirs', -1, 0, { shm: `/${shm}` }), sizeForOthers(1024))
  t.is(await peer.ask('read', 'theirs', 0, 9), 'from here')
  await peer.ask('write', 'theirs', 'from there', 500)
  t.is(map.slice(500, 510).toString(), 'from there')
  map.bytes[0] = 70
  t.is(await peer.ask('read', 'theirs', 0, 4), 'From')
  t.true(map.flush() === undefined)
})

test('offset: one in shared memory needs no alignment', (t) => {
  const shm = freshName(t)
  using part = mmap(-1, 100, { shm, offset: PAGESIZE + 12, create: true })
  using all = mmap(-1, { shm })
  t.is(all.length, sizeForOthers(PAGESIZE + 112))
  part.view(Float64Array, 4, 1)[0] = Math.E
  t.is(all.view(Float64Array, PAGESIZE + 16, 1)[0], Math.E)
})

test('access: ACCESS_READ of shared memory sees the writes of others and makes none', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 100, { shm, create: true })
  using reading = mmap(-1, { shm, access: ACCESS_READ })
  map.write('seen')
  t.is(reading.read(4).toString(), 'seen')
  t.throws(() => reading.setAt(0, 1), { code: 'ERR_MMAP_READONLY' })
  reading.bytes[0] = 1
  t.is(map.at(0), 115)
})

test('access: ACCESS_COPY of shared memory keeps its changes to itself, or is refused on macOS', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 100, { shm, create: true })
  map.write('shared')
  const options = [{ access: ACCESS_COPY }, ...(MAP_PRIVATE === undefined ? [] : [{ flags: MAP_PRIVATE }])] as const
  for (const option of options) {
    if (HAS_FIXED_SIZE) {
      t.throws(() => mmap(-1, 100, { shm, ...option }), { code: 'ERR_MMAP_UNSUPPORTED' })
      continue
    }
    using copy = mmap(-1, 100, { shm, ...option })
    copy.write('COPY')
    t.deepEqual([copy.slice(0, 6).toString(), map.slice(0, 6).toString()], ['COPYed', 'shared'])
  }
})

test('sharedArrayBuffer: it works over shared memory', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 100, { shm, create: true, sharedArrayBuffer: true })
  using other = mmap(-1, 100, { shm })
  t.true(map.buffer instanceof SharedArrayBuffer)
  Atomics.add(map.view(Int32Array, 0, 1), 0, 5)
  t.is(other.at(0), 5)
})

onLinux('fd, size, resize, remap: on Linux shared memory is a file', 'its size is fixed', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1000, { shm, create: true })
  using other = mmap(-1, { shm })
  t.true(map.fd >= 0)
  map.resize(5000)
  t.deepEqual([map.length, map.size(), other.size(), other.length], [5000, 5000, 5000, 1000])
  map.setAt(4999, 7)
  t.is(other.remap(), 5000)
  t.is(other.at(4999), 7)
  map.resize(10)
  t.is(statSync(`/dev/shm/${shm}`).size, 10)
  t.throws(() => other.at(4999), { code: 'ERR_MMAP_FAULT' })
  using untracked = mmap(-1, 10, { shm, trackfd: false })
  t.is(untracked.fd, -1)
  t.throws(() => untracked.size(), { code: 'EBADF' })
  // A file's `create` makes it longer, too.
  using longer = mmap(-1, 3000, { shm, create: true })
  t.deepEqual([longer.created, longer.length, map.size()], [false, 3000, 3000])
})

onWindows('fd, size, resize, remap: on Windows its size is fixed', 'on Linux it is a file', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1000, { shm, create: true })
  t.deepEqual([map.fd, map.size()], [-1, 1000])
  t.throws(() => map.resize(1001), { code: 'ERR_OUT_OF_RANGE' })
  map.resize(10)
  t.deepEqual([map.length, map.size()], [10, 1000])
  t.throws(() => map.remap(), { code: 'ERR_INVALID_ARG_VALUE' })
})

// --- Other programs

/** Runs a Python program, unless there is none. Then the test passes. */
function python(t: ExecutionContext, program: string, args: string[], expected: string): boolean {
  const output = runPython(t, program, args)
  t.is(output ?? expected, expected)
  return output !== undefined
}

test('shm: Python creates with SharedMemory, and memmap opens', (t) => {
  const shm = freshName(t)
  const program = `
m = shared_memory.SharedMemory(args[0], create=True, size=1000, track=False)
m.buf[:6] = b'python'
print(m.name, m.size)
m.close()`
  if (process.platform === 'win32') {
    t.log('not run: on Windows the memory is gone when the Python program has ended')
    t.pass()
    return
  }
  if (!python(t, program, [shm], `${shm} ${sizeForOthers(1000)}`)) return
  using map = mmap(-1, { shm })
  t.deepEqual([map.length, map.read(6).toString(), map.created], [sizeForOthers(1000), 'python', false])
  unlinkShm(shm)
  t.throws(() => mmap(-1, { shm }), { code: 'ENOENT' })
})

test('shm: memmap creates, and Python opens with SharedMemory and track=False', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1000, { shm: `/${shm}`, create: true })
  map.write('memmap')
  const program = `
m = shared_memory.SharedMemory(args[0], track=False)
print(bytes(m.buf[:6]).decode(), m.size)
m.buf[500:506] = b'answer'
m.close()`
  if (!python(t, program, [shm], `memmap ${sizeForOthers(1000)}`)) return
  t.is(map.slice(500, 506).toString(), 'answer')
  using again = mmap(-1, { shm })
  t.is(again.read(6).toString(), 'memmap')
})

onUnix('shm: a Python program that tracks the memory removes its name when it ends', 'nobody tracks it', (t) => {
  const shm = freshName(t)
  using map = mmap(-1, 1000, { shm, create: true })
  const program = `
m = shared_memory.SharedMemory(args[0])
m.buf[:7] = b'tracked'
m.close()`
  if (!python(t, program, [shm], '')) return
  t.is(map.read(7).toString(), 'tracked')
  t.throws(() => mmap(-1, { shm }), { code: 'ENOENT' })
})

onUnix('unlinkShm: what memmap has removed, Python does not find', 'it does nothing', (t) => {
  const shm = freshName(t)
  mmap(-1, 10, { shm, create: true }).unmap()
  unlinkShm(shm)
  const program = `
try:
    shared_memory.SharedMemory(args[0], track=False)
except FileNotFoundError:
    print('missing')`
  python(t, program, [shm], 'missing')
})

const C_PROGRAM = `
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* program create|answer|unlink NAME */
int main(int argc, char **argv) {
  if (argc != 3) return 2;
  if (strcmp(argv[1], "unlink") == 0) return shm_unlink(argv[2]) == 0 ? 0 : 3;
  int creates = strcmp(argv[1], "create") == 0;
  int fd = shm_open(argv[2], creates ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
  if (fd < 0) return 4;
  if (creates && ftruncate(fd, 1000) != 0) return 5;
  struct stat status;
  if (fstat(fd, &status) != 0) return 6;
  char *bytes = mmap(NULL, 1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) return 7;
  printf("%.6s %ld\\n", bytes, (long)status.st_size);
  strcpy(creates ? bytes : bytes + 500, "from C");
  return 0;
}
`

onUnix('shm, unlinkShm: a C program has the same memory by shm_open', 'it has no shm_open', (t) => {
  const program = compileC(t, C_PROGRAM)
  if (program === undefined) {
    t.pass()
    return
  }
  const ours = freshName(t)
  using map = mmap(-1, 1000, { shm: ours, create: true })
  map.write('memmap')
  t.is(outputOf(program, ['answer', `/${ours}`]), `memmap ${sizeForOthers(1000)}`)
  t.is(map.slice(500, 506).toString(), 'from C')
  outputOf(program, ['unlink', `/${ours}`])
  t.throws(() => mmap(-1, { shm: ours }), { code: 'ENOENT' })

  const theirs = freshName(t)
  outputOf(program, ['create', `/${theirs}`])
  using other = mmap(-1, { shm: theirs })
  t.deepEqual([other.length, other.read(6).toString()], [sizeForOthers(1000), 'from C'])
})

onLinux('shm: many processes that create at the same time find one complete memory', 'it may be empty', async (t) => {
  const shm = freshName(t)
  const peers = await Promise.all(Array.from({ length: 6 }, () => Peer.start(t)))
  for (let round = 0; round < 30; round += 1) {
    const lengths = await Promise.all(peers.map((peer) => peer.ask('open', 'theirs', -1, 5000, { shm, create: true })))
    t.deepEqual(new Set(lengths), new Set([5000]))
    await peers[0]?.ask('write', 'theirs', `round ${round}`, 0)
    const found = await Promise.all(peers.map((peer) => peer.ask('read', 'theirs', 0, `round ${round}`.length)))
    t.deepEqual(new Set(found), new Set([`round ${round}`]))
    await Promise.all(peers.map((peer) => peer.ask('close', 'theirs')))
    unlinkShm(shm)
  }
})

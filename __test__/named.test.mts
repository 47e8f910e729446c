// The names of regions on systems, and in processes, that are not as usual.

import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { mmap } from 'memmap'
import { runAfter, runWithMounts } from './support/child.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux } from './support/platform.mjs'
import { scratchFolder } from './support/portable.mjs'

function freshTag(): string {
  return `memmap-test-${randomUUID()}`
}

/** Where a tag of letters, digits and hyphens is. */
function pathOf(tagname: string): string {
  return `/dev/shm/memmap-${process.geteuid?.()}-${tagname}`
}

/** Makes a region, uses it, goes to the root, and lets go of it. What was in the folder meanwhile, and is afterwards. */
const MADE_AND_LEFT = `
  const { readdirSync } = require('node:fs')
  const [folder, tagname] = args
  const list = () => readdirSync(folder).filter((name) => name.endsWith(tagname))
  const one = memmap.mmap(-1, 100, { tagname })
  one.write('shared')
  const two = memmap.mmap(-1, 0, { tagname })
  const read = two.read().toString('latin1', 0, 6)
  const during = list().length
  process.chdir('/')
  one.close()
  const still = list().length
  two.close()
  say({ read, during, still, after: list() })
`
const AS_IT_SHOULD = { read: 'shared', during: 1, still: 1, after: [] }

asRootOnLinux('without /dev/shm, names are in $TMPDIR, and go also if that is relative', 'it mounts', (t) => {
  for (const relative of [false, true]) {
    const folder = scratchFolder(t)
    mkdirSync(join(folder, 'tmp'))
    const before = `mount -t tmpfs tmpfs /dev; cd ${folder}; export TMPDIR=${relative ? 'tmp' : join(folder, 'tmp')}`
    const said = runWithMounts(t, before, MADE_AND_LEFT, [join(folder, 'tmp'), freshTag()])
    t.deepEqual(said ?? AS_IT_SHOULD, AS_IT_SHOULD)
  }
})

asRootOnLinux('without /proc, regions are made and left as with it', 'it mounts', (t) => {
  const said = runWithMounts(t, 'mount -t tmpfs tmpfs /proc', MADE_AND_LEFT, ['/dev/shm', freshTag()])
  t.deepEqual(said ?? AS_IT_SHOULD, AS_IT_SHOULD)
})

asRootOnLinux('a /dev/shm that cannot be looked at is an error, and no other folder is taken', 'it mounts', (t) => {
  const folder = scratchFolder(t)
  const before = `mount -t tmpfs tmpfs /dev; ln -s shm /dev/shm; export TMPDIR=${folder}`
  const program = `say(failureOf(() => memmap.mmap(-1, 100, { tagname: 'any' })))`
  const expected = { code: 'ELOOP', syscall: 'stat', message: 'ELOOP: too many symbolic links encountered, stat' }
  t.deepEqual(runWithMounts(t, before, program) ?? expected, expected)
  t.deepEqual(readdirSync(folder), [])
})

asRootOnLinux('a region that does not fit into /dev/shm is ENOSPC, and leaves no name', 'it mounts', (t) => {
  for (const proc of ['', '; mount -t tmpfs tmpfs /proc']) {
    const before = `mount -t tmpfs -o size=64k tmpfs /dev/shm${proc}`
    const program = `
      const failure = failureOf(() => memmap.mmap(-1, 100_000, { tagname: 'any' }))
      say([failure.code, require('node:fs').readdirSync('/dev/shm')])
    `
    t.deepEqual(runWithMounts(t, before, program) ?? ['ENOSPC', []], ['ENOSPC', []])
  }
})

onLinux('a region that is made under umask 0777 can be opened again', 'it looks into /dev/shm', (t) => {
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

onLinux(
  'the name stays while a child has the descriptor, and goes with the last one',
  'it is about /dev/shm',
  async (t) => {
    const tagname = freshTag()
    const path = pathOf(tagname)
    t.teardown(() => rmSync(path, { force: true }))
    const map = mmap(-1, 4096, { tagname })
    map.write('inherited')
    const child = await Peer.start(t, map.fd)
    await child.ask('open', 'theirs', 3, 0, {})
    map.close()
    t.true(existsSync(path), 'the child uses it')
    const again = mmap(-1, 0, { tagname })
    await child.ask('write', 'theirs', 'INHERITED', 0)
    t.is(again.read(9).toString(), 'INHERITED')
    await child.leave()
    t.true(existsSync(path), 'this process uses it')
    again.close()
    t.false(existsSync(path))
  },
)

onLinux('a process that ends removes what a child of it has used longer than it', 'it is about /dev/shm', (t) => {
  const tagname = freshTag()
  t.teardown(() => rmSync(pathOf(tagname), { force: true }))
  const program = `
    const [tagname, path] = args
    const map = memmap.mmap(-1, 100, { tagname })
    const child = require('node:child_process').spawn('cat', { stdio: ['pipe', 'pipe', 'inherit', map.fd] })
    child.stdout.once('data', () => {
      map.close()
      const during = require('node:fs').existsSync(path)
      child.once('exit', () => say(during))
      child.stdin.end()
    })
    child.stdin.write('started')
  `
  t.true(runAfter('', program, [tagname, pathOf(tagname)]))
  t.false(existsSync(pathOf(tagname)))
})

onLinux('the name stays when a process exits whose child has the descriptor', 'it looks into /dev/shm', (t) => {
  const tagname = freshTag()
  const path = pathOf(tagname)
  t.teardown(() => rmSync(path, { force: true }))
  const program = `
    const [tagname] = args
    const map = memmap.mmap(-1, 100, { tagname })
    map.write('still there')
    const stdio = ['ignore', 'ignore', 'ignore', map.fd]
    const child = require('node:child_process').spawn('sleep', ['infinity'], { stdio, detached: true })
    say(child.pid)
    process.exit(0)
  `
  const pid = Number(runAfter('', program, [tagname]))
  try {
    t.true(existsSync(path))
    using map = mmap(-1, 0, { tagname })
    t.is(map.read(11).toString(), 'still there')
  } finally {
    process.kill(pid)
  }
})

onLinux(
  'starting again takes nothing from who still has what a killed process left',
  'it is about /dev/shm',
  async (t) => {
    const tagname = freshTag()
    const peer = await Peer.start(t)
    await peer.ask('open', 'theirs', -1, 10_000, { tagname })
    await peer.ask('write', 'theirs', 'left behind', 9000)
    const without = mmap(pathOf(tagname))
    await peer.kill()
    using map = mmap(-1, 100, { tagname })
    t.true(map.slice().equals(Buffer.alloc(100)))
    t.is(without.slice(9000, 9011).toString(), 'left behind')
    without.close()
  },
)

onLinux('a process without a descriptor to spare removes the name of what it closes', 'it is about /dev/shm', (t) => {
  const tagname = freshTag()
  t.teardown(() => rmSync(pathOf(tagname), { force: true }))
  const program = `
    const { existsSync, openSync } = require('node:fs')
    const [tagname, path] = args
    const map = memmap.mmap(-1, 100, { tagname })
    const failure = failureOf(() => { for (;;) openSync('/') })
    map.close()
    say([failure.code, existsSync(path)])
  `
  t.deepEqual(runAfter('ulimit -n 60', program, [tagname, pathOf(tagname)]), ['EMFILE', false])
})

onLinux('a process that exits removes the names of what is mapped in whichever way', 'it is about /dev/shm', (t) => {
  const tagname = freshTag()
  t.teardown(() => rmSync(pathOf(tagname), { force: true }))
  const program = `
    const [tagname] = args
    const one = memmap.mmap(-1, 100, { tagname })
    one.protect(memmap.PROT_READ)
    const two = memmap.mmap(-1, 0, { tagname, sharedArrayBuffer: true })
    two.buffer
    const three = memmap.mmap(-1, 0, { tagname, access: memmap.ACCESS_READ })
    three.mlock()
    say(require('node:fs').existsSync('/dev/shm'))
    process.exit(0)
  `
  t.true(runAfter('', program, [tagname]))
  t.false(existsSync(pathOf(tagname)))
})

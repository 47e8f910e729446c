// How long the name of a region lives, also in systems and processes that are not as usual.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import ava from 'ava'
import { mmap } from 'memmap'
import { runAfter, runWithMounts } from './support/child.mjs'
import { Peer } from './support/peer.mjs'
import { asRootOnLinux, onLinux } from './support/platform.mjs'
import { collectUntil, scratchFolder } from './support/portable.mjs'
import { freshTag, named, pathOf } from './support/tags.mjs'

// --- close(), unmap() and the garbage collector

onLinux('close: the last mapping of a region removes its name', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const one = mmap(-1, 100, { tagname })
  const two = mmap(-1, 100, { tagname })
  t.is(named(tagname).length, 1)
  one.close()
  t.is(named(tagname).length, 1)
  two.close()
  t.deepEqual(named(tagname), [])
})

onLinux('close: the name stays while another process uses the region', 'it lists /dev/shm', async (t) => {
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

onLinux('close: the name stays while a view of the region lives', 'it lists /dev/shm', async (t) => {
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

onLinux('unmap: the name is removed at once, views or not', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const map = mmap(-1, 100, { tagname })
  const { bytes } = map
  map.unmap()
  t.is(bytes.length, 0)
  t.deepEqual(named(tagname), [])
})

onLinux(
  'garbage collection: the name is removed when nothing uses the region any more',
  'it lists /dev/shm',
  async (t) => {
    const tagname = freshTag()
    ;(() => {
      mmap(-1, 100, { tagname }).bytes[0] = 1
      mmap(-1, 0, { tagname }).at(0)
    })()
    t.is(named(tagname).length, 1)
    t.true(await collectUntil(() => named(tagname).length === 0))
  },
)

// --- The end of a process or a thread

for (const [how, code] of [
  ['the end of the program', 0],
  ['closed with a view', 0],
  ['process.exit', 0],
  ['exit in a callback', 0],
  ['throw', 1],
  ['worker', 0],
] as const) {
  onLinux(`tagname: a program that ends removes the name: ${how}`, 'it lists /dev/shm', (t) => {
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

onLinux('tagname: a process that exits removes the names of all kinds of mappings', 'it is about /dev/shm', (t) => {
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

onLinux('tagname: a process removes the name without a descriptor to spare', 'it is about /dev/shm', (t) => {
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

onLinux('tagname: a worker thread that ends, or is terminated, removes the name', 'it lists /dev/shm', async (t) => {
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

onLinux(
  'tagname: the name stays while a child has the descriptor, and goes with the last one',
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

onLinux(
  'tagname: a process that ends removes the name of what its child has used longer',
  'it is about /dev/shm',
  (t) => {
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
  },
)

onLinux(
  'tagname: the name stays when a process exits whose child has the descriptor',
  'it looks into /dev/shm',
  (t) => {
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
  },
)

// --- What others leave behind, and remove

onLinux('tagname: what a killed process left behind starts again from zeros', 'it lists /dev/shm', async (t) => {
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

onLinux('tagname: what a killed process left behind may become longer', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const peer = await Peer.start(t)
  await peer.ask('open', 'theirs', -1, 100, { tagname })
  await peer.ask('write', 'theirs', 'stale', 0)
  await peer.kill()
  using map = mmap(-1, 10_000, { tagname })
  t.true(map.slice().equals(Buffer.alloc(10_000)))
})

onLinux(
  'tagname: starting again takes nothing from who has mapped what a killed process left',
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

const test = ava.serial

test('tagname: the second to open a region resets nothing, even if a third was killed', async (t) => {
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

onLinux(
  'tagname: a name that somebody removes takes nothing from those who use the region',
  'it lists /dev/shm',
  (t) => {
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
  },
)

test('tagname: eight processes open and close at once, and never fail or see stale bytes', async (t) => {
  t.timeout(120_000, 'eight processes take turns')
  const tagname = freshTag()
  const path = process.platform === 'linux' ? pathOf(tagname) : undefined
  const peers = await Promise.all(Array.from({ length: 8 }, () => Peer.start(t)))
  const takeTurns = () => Promise.all(peers.map((peer, mark) => peer.ask('openAndClose', tagname, path, 100, mark)))
  // How often each finds it new is chance. It throws at anything that is wrong.
  await takeTurns()
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
  // While this process holds the region, it is new to each of them once.
  const map = mmap(-1, 4096, { tagname })
  t.deepEqual(await takeTurns(), Array(8).fill(1))
  map.close()
  if (process.platform === 'linux') t.deepEqual(named(tagname), [])
})

// --- Systems without /dev/shm or /proc

/**
 * Makes and uses a region, changes to the root, and closes it. Says what the folder had before and
 * has after that.
 */
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

asRootOnLinux(
  'tagname: without /dev/shm, names are in $TMPDIR, and are removed even if that is relative',
  'it mounts',
  (t) => {
    for (const relative of [false, true]) {
      const folder = scratchFolder(t)
      mkdirSync(join(folder, 'tmp'))
      const before = `mount -t tmpfs tmpfs /dev; cd ${folder}; export TMPDIR=${relative ? 'tmp' : join(folder, 'tmp')}`
      const said = runWithMounts(t, before, MADE_AND_LEFT, [join(folder, 'tmp'), freshTag()])
      t.deepEqual(said ?? AS_IT_SHOULD, AS_IT_SHOULD)
    }
  },
)

asRootOnLinux('tagname: without /proc, regions are made and removed in the same way', 'it mounts', (t) => {
  const said = runWithMounts(t, 'mount -t tmpfs tmpfs /proc', MADE_AND_LEFT, ['/dev/shm', freshTag()])
  t.deepEqual(said ?? AS_IT_SHOULD, AS_IT_SHOULD)
})

// Locks on ranges: arguments, the object of a lock, and what can be locked. Who excludes whom, on
// every runtime, is in every-runtime/locks.cjs, and what becomes of killed processes in
// lock-range-processes.test.mts.

import { readdirSync } from 'node:fs'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_READ, MAP_ANONYMOUS, MAP_PRIVATE, type Mmap, mmap, PAGESIZE, type RangeLock } from 'memmap'
import { runAfter, runWithMounts } from './support/child.mjs'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { descriptorsOf, scratchFile } from './support/portable.mjs'
import { freshTag } from './support/tags.mjs'

const NOW = { timeout: 0 }
const BOTH = ['lockRange', 'lockRangeSync'] as const

/** Looks once whether a range can be had. */
function isFree(map: Mmap, start?: number, stop?: number): boolean {
  const lock = map.lockRangeSync(start, stop, NOW)
  lock?.release()
  return lock !== null
}

// --- Arguments

ava('lockRange: bad arguments are refused before anything is locked', async (t) => {
  using map = mmap(scratchFile(t, 100))
  const wrong: [args: unknown[], code: string, message: RegExp][] = [
    [['0'], 'ERR_INVALID_ARG_TYPE', /"start" argument must be of type number/],
    [[0, null], 'ERR_INVALID_ARG_TYPE', /"stop" argument must be of type number/],
    [[0.5], 'ERR_OUT_OF_RANGE', /"start" must be an integer/],
    [[0, Number.NaN], 'ERR_OUT_OF_RANGE', /"stop" must be an integer/],
    [[5, 5], 'ERR_OUT_OF_RANGE', /"stop" must be greater than "start", which is 5. Received 5/],
    [[5, 4], 'ERR_OUT_OF_RANGE', /"stop" must be greater than "start", which is 5. Received 4/],
    [[-10, -20], 'ERR_OUT_OF_RANGE', /"stop" must be greater than "start", which is 90. Received -20/],
    [[Number.POSITIVE_INFINITY], 'ERR_OUT_OF_RANGE', /"start" must be at most 9007199254740991/],
    [[0, 2 ** 60], 'ERR_OUT_OF_RANGE', /"stop" must be at most 9007199254740991/],
    [[0, 1, { mode: 'Shared' }], 'ERR_INVALID_ARG_VALUE', /"mode" argument must be one of 'exclusive', 'shared'/],
    [[0, 1, { mode: 1 }], 'ERR_INVALID_ARG_TYPE', /"mode" argument must be of type string/],
    [[0, 1, { timeout: -1 }], 'ERR_OUT_OF_RANGE', /"timeout" must be >= 0. Received -1/],
    [[0, 1, { timeout: Number.NaN }], 'ERR_OUT_OF_RANGE', /"timeout" must be >= 0. Received NaN/],
    [[0, 1, { timeout: 1n }], 'ERR_INVALID_ARG_TYPE', /"timeout" argument must be of type number/],
    [[0, 1, { length: 1 }], 'ERR_INVALID_ARG_VALUE', /"options.length" is not an option of lockRange/],
    [[{ start: 0, stop: 0 }], 'ERR_OUT_OF_RANGE', /"stop" must be greater than "start", which is 0/],
    [[{ start: 0 }, 1], 'ERR_INVALID_ARG_TYPE', /"start" argument must be of type number/],
    [[0, 1, 'shared'], 'ERR_INVALID_ARG_TYPE', /"options" argument must be of type object/],
  ]
  for (const [args, code, message] of wrong) {
    t.throws(() => callWith(map, 'lockRangeSync', ...args), { code, message })
    await t.throwsAsync(async () => callWith(map, 'lockRange', ...args), { code, message })
  }
  const signal = new AbortController().signal
  t.throws(() => callWith(map, 'lockRangeSync', 0, 1, { signal }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"options.signal" is not an option of lockRangeSync/,
  })
  await t.throwsAsync(async () => callWith(map, 'lockRange', 0, 1, { signal: {} }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /"signal" argument must be an instance of AbortSignal/,
  })
  t.true(isFree(map))
  map.close()
  t.throws(() => map.lockRangeSync(), { code: 'ERR_MMAP_CLOSED' })
  await t.throwsAsync(map.lockRange(), { code: 'ERR_MMAP_CLOSED' })
})

ava('lockRange: bounds count from the end, and may lie beyond it', async (t) => {
  const path = scratchFile(t, 3 * PAGESIZE)
  using whole = mmap(path)
  using part = mmap(path, 100, { offset: PAGESIZE })
  const ranges: [args: [start?: number, stop?: number], start: number, stop: number][] = [
    [[], 0, Number.POSITIVE_INFINITY],
    [[-10], 90, Number.POSITIVE_INFINITY],
    [[-10, -5], 90, 95],
    [[-1000, 1], 0, 1],
    [[99, 2000], 99, 2000],
    [[5000, Number.POSITIVE_INFINITY], 5000, Number.POSITIVE_INFINITY],
  ]
  for (const [args, start, stop] of ranges) {
    using lock = part.lockRangeSync(...args)
    t.is(lock.start, start)
    t.is(lock.stop, stop)
    t.is(lock.mode, 'exclusive')
    // Positions in the file are those of the mapping, and its offset.
    t.true(isFree(whole, 0, PAGESIZE + start))
    t.false(isFree(whole, PAGESIZE + start, PAGESIZE + start + 1))
    if (stop === Number.POSITIVE_INFINITY) t.false(isFree(whole, 2 ** 50))
    else t.true(isFree(whole, PAGESIZE + stop))
  }
  using byOptions = await part.lockRange({ start: 1, stop: 2, mode: 'shared', timeout: 10 })
  t.deepEqual([byOptions?.start, byOptions?.stop, byOptions?.mode], [1, 2, 'shared'])
})

ava('lockRange: options are read once, in the order of the documentation', (t) => {
  using map = mmap(scratchFile(t, 100))
  const read: string[] = []
  const options = new Proxy(
    { start: 0, stop: 1, mode: 'shared', timeout: 0 },
    {
      get(target, name) {
        read.push(String(name))
        return Reflect.get(target, name)
      },
    },
  )
  ;(callWith(map, 'lockRangeSync', options) as RangeLock).release()
  t.deepEqual(read.filter((name) => name in { start: 0, stop: 0, mode: 0, timeout: 0 }).sort(), [
    'mode',
    'start',
    'stop',
    'timeout',
  ])
})

// --- The object

ava('RangeLock: release, using and a closed mapping release it, once', (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const lock = map.lockRangeSync(0, 10)
  t.false(lock.released)
  lock.release()
  t.true(lock.released)
  // Somebody else's lock stays.
  using other = map.lockRangeSync(0, 10)
  lock.release()
  lock[Symbol.dispose]()
  t.false(isFree(map, 0, 10))
  t.false(other.released)
  const inside = (() => {
    using scoped = map.lockRangeSync(20, 30)
    t.false(isFree(map, 20, 30))
    return scoped
  })()
  t.true(inside.released)
  t.true(isFree(map, 20, 30))
  const closing = mmap(path)
  const lost = closing.lockRangeSync(40, 50)
  closing.close()
  t.true(lost.released)
  t.true(isFree(map, 40, 50))
  lost.release()
})

ava('RangeLock: a member that is called on anything else says so', (t) => {
  using map = mmap(scratchFile(t, 100))
  using lock = map.lockRangeSync()
  const prototype: object = Object.getPrototypeOf(lock)
  const released = Object.getOwnPropertyDescriptor(prototype, 'released')?.get
  for (const member of [lock.release, released]) {
    t.throws(() => Reflect.apply(member ?? t.fail, {}, []), { code: 'ERR_INVALID_THIS', message: /RangeLock/ })
  }
})

ava('lockRange: a closed handle that is used again has none of the old locks', async (t) => {
  const path = scratchFile(t, 100)
  const old: RangeLock[] = []
  for (let round = 0; round < 20; round += 1) {
    const map = mmap(path)
    old.push(map.lockRangeSync(0, 10))
    map.close()
  }
  using map = mmap(path)
  using lock = map.lockRangeSync(0, 10)
  for (const one of old) {
    t.true(one.released)
    one.release()
  }
  t.false(lock.released)
  t.false(isFree(map, 0, 10))
})

// --- What can be locked

ava('lockRange: an exclusive lock needs a file that was opened for writing', async (t) => {
  const path = scratchFile(t, 100)
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(path, { access })
    t.throws(() => map.lockRangeSync(), { code: 'EACCES' })
    await t.throwsAsync(map.lockRange(0, 1), { code: 'EACCES' })
    using lock = map.lockRangeSync(0, 10, { mode: 'shared' })
    using writer = mmap(path)
    t.false(isFree(writer, 5, 6))
    t.false(lock.released)
  }
})

ava('lockRange: without a descriptor there is no file to lock', (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path, { trackfd: false })
  t.throws(() => map.lockRangeSync(), { code: 'EBADF' })
})

onUnix('lockRange: private memory has no file', 'it is about MAP_PRIVATE', (t) => {
  using map = mmap(-1, 100, { flags: MAP_PRIVATE | MAP_ANONYMOUS })
  t.throws(() => map.lockRangeSync(), { code: 'ERR_MMAP_UNSUPPORTED', message: /no file/ })
})

ava('lockRange: a named region can be locked by all who use it', async (t) => {
  const tagname = freshTag()
  using one = mmap(-1, 100, { tagname })
  using two = mmap(-1, 0, { tagname })
  const lock = one.lockRangeSync()
  t.false(isFree(two, 10, 20))
  const waiting = two.lockRange(0, 10)
  lock.release()
  ;(await waiting).release()
  t.true(isFree(one))
})

onLinux('lockRange: shared anonymous memory can be locked', 'elsewhere it has no file that opens again', (t) => {
  using one = mmap(-1, 100)
  using two = mmap(one.fd, 100)
  using lock = one.lockRangeSync(0, 10)
  t.false(isFree(two, 9, 11))
  t.true(isFree(two, 10))
  t.false(lock.released)
})

onLinux('lockRange: a locked region is left like any other', 'it lists /dev/shm', (t) => {
  const tagname = freshTag()
  const map = mmap(-1, 100, { tagname })
  map.lockRangeSync()
  t.is(readdirSync('/dev/shm').filter((name) => name.includes(tagname)).length, 1)
  map.close()
  t.deepEqual(
    readdirSync('/dev/shm').filter((name) => name.includes(tagname)),
    [],
  )
})

onLinux('lockRange: without /proc a file cannot be opened again', 'it is about /proc', (t) => {
  const path = scratchFile(t, 100)
  const program = `
    const map = memmap.mmap(args[0])
    say([failureOf(() => map.lockRangeSync()), map.at(0)])
  `
  const said = runWithMounts(t, 'mount -t tmpfs none /proc', program, [path])
  if (said === undefined) return
  const [{ code, message }, byte] = said as [{ code: string; message: string }, number]
  t.is(code, 'ERR_MMAP_UNSUPPORTED')
  t.regex(message, /cannot be opened again/)
  t.is(byte, 0)
})

onLinux(
  'lockRange: a process without descriptors to spare says EMFILE, and loses nothing',
  'it is about ulimit',
  (t) => {
    const path = scratchFile(t, 100)
    const program = `
    const { openSync } = require('node:fs')
    const map = memmap.mmap(args[0])
    const first = map.lockRangeSync(0, 1)
    failureOf(() => { for (;;) openSync('/') })
    const refused = failureOf(() => map.lockRangeSync(5, 6))
    first.release()
    say([refused.code, map.lockRangeSync(5, 6).released])
  `
    t.deepEqual(runAfter('ulimit -n 60', program, [path]), ['EMFILE', false])
  },
)

onLinux('lockRange: locks that are taken in turn use one open file', 'it reads /proc/self/fd', (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path)
  t.is(descriptorsOf(path), 1)
  for (let round = 0; round < 100; round += 1) map.lockRangeSync(round, round + 1).release()
  t.is(descriptorsOf(path), 3)
  const many = Array.from({ length: 50 }, (_, at) => map.lockRangeSync(at, at + 1))
  t.is(descriptorsOf(path), 52)
  for (const lock of many) lock.release()
  t.is(descriptorsOf(path), 6)
  map.close()
  t.is(descriptorsOf(path), 0)
})

onLinux('lockRange: 1000 requests wait with one thread, and end with nothing left', 'it lists threads', async (t) => {
  const path = scratchFile(t, 100)
  const map = mmap(path)
  using other = mmap(path)
  const lock = other.lockRangeSync()
  const threads = (): number => readdirSync('/proc/self/task').length
  const before = threads()
  const controller = new AbortController()
  const { signal } = controller
  const codes = Array.from({ length: 1000 }, async () =>
    map.lockRange(0, 10, { signal }).then(
      () => 'locked',
      ({ code }: { code: string }) => code,
    ),
  )
  t.true(threads() <= before + 1, `${threads()} threads, and ${before} before`)
  controller.abort()
  t.deepEqual(new Set(await Promise.all(codes)), new Set(['ABORT_ERR']))
  const closed = Array.from({ length: 1000 }, async () => map.lockRange(0, 10))
  map.close()
  for (const outcome of await Promise.allSettled(closed)) {
    t.is(outcome.status === 'rejected' && (outcome.reason as { code: string }).code, 'ERR_MMAP_CLOSED')
  }
  lock.release()
  // The thread that was left gets the lock and lets it go.
  ;(await other.lockRange()).release()
  t.true(descriptorsOf(path) <= 4)
})

ava('lockRange: requests get the lock in their order', async (t) => {
  const path = scratchFile(t, 100)
  using one = mmap(path)
  using two = mmap(path)
  const first = one.lockRangeSync()
  const order: number[] = []
  const requests = Array.from({ length: 20 }, async (_, at) => {
    const lock = await (at % 2 === 0 ? one : two).lockRange(0, 10)
    order.push(at)
    lock.release()
  })
  first.release()
  await Promise.all(requests)
  t.deepEqual(
    order,
    Array.from({ length: 20 }, (_, at) => at),
  )
})

ava('lockRange: a wait that is aborted as the lock comes leaves nothing locked', async (t) => {
  const path = scratchFile(t, 100)
  using one = mmap(path)
  using two = mmap(path)
  for (let round = 0; round < 200; round += 1) {
    const lock = one.lockRangeSync(0, 10)
    const controller = new AbortController()
    const request = two.lockRange(0, 10, { signal: controller.signal })
    lock.release()
    // Sometimes the lock is there by then, and sometimes not.
    if (round % 2 === 0) await new Promise(setImmediate)
    controller.abort()
    const got = await request.catch(({ code }: { code: string }) => code)
    if (typeof got === 'string') t.is(got, 'ABORT_ERR')
    else got.release()
    ;(await one.lockRange(0, 10)).release()
  }
})

for (const method of BOTH) {
  ava(`${method}: a resized mapping keeps its locks`, async (t) => {
    const path = scratchFile(t, 2 * PAGESIZE)
    using map = mmap(path)
    using other = mmap(path, PAGESIZE)
    using lock = await map[method](0, 10)
    map.resize(4 * PAGESIZE)
    t.false(lock.released)
    t.false(isFree(other, 0, 1))
    map.remap(PAGESIZE)
    t.false(isFree(other, 0, 1))
  })
}

// Waiting for words of a mapping: what is refused, who is counted, other programs, and old or
// strict systems. What must hold on every engine is in every-runtime/waits.cjs.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ACCESS_COPY, ACCESS_READ, MAP_ANON, MAP_PRIVATE, mmap, PAGESIZE, unlinkShm } from 'memmap'
import { runAfter } from './support/child.mjs'
import { callWith } from './support/misuse.mjs'
import { Peer } from './support/peer.mjs'
import { onLinux, onWindows } from './support/platform.mjs'
import { scratchFile } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'
import { libraryToPreload, start, wake } from './support/waiting.mjs'

const test = ava.serial

const WAITERS = fileURLToPath(new URL('fixtures/waiters.mjs', import.meta.url))
const CHILDREN = fileURLToPath(new URL('every-runtime/children.cjs', import.meta.url))

// --- What is refused

type Wrong = [why: string, args: unknown[], code: string, message: RegExp]

const WRONG_WORDS: Wrong[] = [
  ['a string', ['0', 0], 'ERR_INVALID_ARG_TYPE', /"position" argument must be of type number/],
  ['a fraction', [0.5, 0], 'ERR_OUT_OF_RANGE', /"position" must be an integer\. Received 0\.5/],
  ['NaN', [Number.NaN, 0], 'ERR_OUT_OF_RANGE', /"position" must be an integer\. Received NaN/],
  ['a negative position', [-4, 0], 'ERR_OUT_OF_RANGE', /"position" must be 0 to 60\. Received -4/],
  ['a position beyond the end', [64, 0], 'ERR_OUT_OF_RANGE', /"position" must be 0 to 60\. Received 64/],
  ['less than four bytes', [61, 0], 'ERR_OUT_OF_RANGE', /"position" must be 0 to 60\. Received 61/],
  ['no multiple of 4', [6, 0], 'ERR_OUT_OF_RANGE', /offset \+ position is a multiple of 4\. Received 6/],
]
const WRONG_VALUES: Wrong[] = [
  ['64 bits', [0, 0n], 'ERR_INVALID_ARG_TYPE', /"value" argument must be of type number\. Received type bigint/],
  ['no value', [0], 'ERR_INVALID_ARG_TYPE', /"value" argument must be of type number\. Received undefined/],
  ['a fraction of a value', [0, 0.5], 'ERR_OUT_OF_RANGE', /"value" must be an integer/],
  ['a value of 33 bits', [0, 2 ** 32], 'ERR_OUT_OF_RANGE', /"value" must be -2147483648 to 4294967295/],
  ['a value below 32 bits', [0, -(2 ** 31) - 1], 'ERR_OUT_OF_RANGE', /"value" must be -2147483648 to 4294967295/],
]
const WRONG_TIMEOUTS: Wrong[] = [
  ['a negative timeout', [0, 0, -1], 'ERR_OUT_OF_RANGE', /"timeout" must be >= 0\. Received -1/],
  ['a timeout of NaN', [0, 0, Number.NaN], 'ERR_OUT_OF_RANGE', /"timeout" must be >= 0\. Received NaN/],
  ['a timeout of another type', [0, 0, '5'], 'ERR_INVALID_ARG_TYPE', /"timeout" argument must be of type number/],
]

for (const [why, args, code, message] of [...WRONG_WORDS, ...WRONG_VALUES, ...WRONG_TIMEOUTS]) {
  test(`wait, waitAsync and notify: ${why} is refused`, async (t) => {
    using map = mmap(-1, 64)
    const [position, value, timeout] = args
    t.throws(() => callWith(map, 'wait', ...args), { code, message })
    const options = timeout === undefined ? undefined : { timeout }
    await t.throwsAsync(async () => callWith(map, 'waitAsync', position, value, options), { code, message })
    if (args.length === 2 && value === 0) t.throws(() => callWith(map, 'notify', position), { code, message })
  })
}

test('notify: a count that is negative, a fraction or no number is refused', (t) => {
  using map = mmap(-1, 64)
  t.throws(() => map.notify(0, -1), { code: 'ERR_OUT_OF_RANGE', message: /"count" must be >= 0\. Received -1/ })
  t.throws(() => map.notify(0, 1.5), { code: 'ERR_OUT_OF_RANGE', message: /"count" must be an integer/ })
  t.throws(() => map.notify(0, Number.NaN), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => callWith(map, 'notify', 0, '1'), { code: 'ERR_INVALID_ARG_TYPE', message: /"count" argument/ })
})

test('waitAsync: options that are wrong are refused', async (t) => {
  using map = mmap(-1, 64)
  const rejects = (options: unknown, code: string, message: RegExp) =>
    t.throwsAsync(async () => callWith(map, 'waitAsync', 0, 0, options), { code, message })
  await rejects(10, 'ERR_INVALID_ARG_TYPE', /"options" argument must be of type object/)
  await rejects(AbortSignal.abort(), 'ERR_INVALID_ARG_TYPE', /"options" argument must be of type object/)
  await rejects({ signal: {} }, 'ERR_INVALID_ARG_TYPE', /"signal" argument must be an instance of AbortSignal/)
  await rejects({ onProgress() {} }, 'ERR_INVALID_ARG_VALUE', /Options are timeout, signal/)
  await rejects({ signal: AbortSignal.abort() }, 'ABORT_ERR', /The operation was aborted/)
})

test('wait, waitAsync and notify: arguments are checked before the state', async (t) => {
  const map = mmap(-1, 64)
  map.close()
  t.throws(() => map.wait(0, 0, -1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => map.wait(1, 0), { code: 'ERR_MMAP_CLOSED' })
  await t.throwsAsync(map.waitAsync(0, 0), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.notify(0), { code: 'ERR_MMAP_CLOSED' })
})

test('wait, waitAsync and notify: a mapping of less than four bytes has no word', (t) => {
  using map = mmap(-1, 3)
  t.throws(() => map.wait(0, 0), {
    code: 'ERR_OUT_OF_RANGE',
    message: /"position" must be in a mapping of at least 4 bytes\. Received 0/,
  })
})

test('wait, waitAsync and notify: private memory is refused', async (t) => {
  const path = scratchFile(t, PAGESIZE)
  const maps = [
    mmap(path, { access: ACCESS_COPY }),
    mmap(path, { access: ACCESS_COPY, writeBack: true }),
    mmap(-1, 64, { access: ACCESS_COPY }),
  ]
  if (MAP_PRIVATE !== undefined && MAP_ANON !== undefined) {
    maps.push(mmap(path, { flags: MAP_PRIVATE }), mmap(-1, 64, { flags: MAP_PRIVATE | MAP_ANON }))
  }
  for (const map of maps) {
    const expected = { code: 'ERR_MMAP_UNSUPPORTED', message: /private memory/ }
    t.throws(() => map.wait(0, 0), expected)
    await t.throwsAsync(map.waitAsync(0, 0), expected)
    t.throws(() => map.notify(0), expected)
    map.close()
  }
})

test('wait: the position in the file counts for the alignment', (t) => {
  using map = mmap(scratchFile(t, PAGESIZE), { offset: 6 })
  t.is(map.wait(2, 0, 0), 'timed-out')
  t.is(map.wait(PAGESIZE - 10, 0, 0), 'timed-out')
  t.throws(() => map.wait(0, 0, 0), { code: 'ERR_OUT_OF_RANGE', message: /offset \+ position/ })
})

onWindows('wait: a mapping of a file needs its handle', 'others need none, or for less', (t) => {
  using map = mmap(scratchFile(t, PAGESIZE), { trackfd: false })
  for (const attempt of [() => map.wait(0, 0), () => map.notify(0)]) {
    t.throws(attempt, { code: 'ERR_MMAP_UNSUPPORTED', message: /trackfd/ })
  }
})

onLinux('wait: a mapping that only reads needs its descriptor', 'others need none, or cannot', async (t) => {
  const path = scratchFile(t, PAGESIZE)
  const fd = openSync(path, 'r')
  using reader = mmap(fd, { access: ACCESS_READ })
  using untracked = mmap(fd, { access: ACCESS_READ, trackfd: false })
  using writer = mmap(path, { trackfd: false })
  closeSync(fd)
  t.throws(() => untracked.wait(0, 0), { code: 'ERR_MMAP_UNSUPPORTED', message: /trackfd/ })
  const waiting = [reader.waitAsync(0, 0), writer.waitAsync(0, 0)]
  await wake(writer, 0, 2)
  t.deepEqual(await Promise.all(waiting), ['ok', 'ok'])
})

onLinux(
  'wait: a page that was stored to in a mapping that only reads does not matter',
  'others share pages',
  async (t) => {
    const path = scratchFile(t, PAGESIZE)
    using writer = mmap(path)
    using reader = mmap(path, { access: ACCESS_READ })
    const waiting = reader.waitAsync(8, 0)
    await wake(writer, 8, 1)
    t.is(await waiting, 'ok')
    // The view has a page of its own from now on.
    reader.bytes[100] = 1
    const again = reader.waitAsync(8, 0)
    await wake(writer, 8, 1)
    t.is(await again, 'ok')
    const other = writer.waitAsync(8, 0)
    await wake(reader, 8, 1)
    t.is(await other, 'ok')
    writer.view(Int32Array)[2] = 5
    t.is(reader.wait(8, 0), 'not-equal')
  },
)

onLinux('wait: a mapping that only reads waits without the fault handler', 'others share pages', (t) => {
  const program = `
    const reader = memmap.mmap(args[0], { access: memmap.ACCESS_READ })
    const writer = memmap.mmap(args[0])
    const waiting = reader.waitAsync(8, 0)
    const wake = () => {
      if (writer.notify(8) === 0) return setImmediate(wake)
      writer.view(Int32Array)[2] = 5
      waiting.then((result) => say([result, reader.at(8), reader.wait(8, 0)]))
    }
    wake()`
  const path = scratchFile(t, PAGESIZE)
  t.deepEqual(runAfter('export MEMMAP_NO_FAULT_HANDLER=1', program, [path]), ['ok', 5, 'not-equal'])
})

// --- Who is counted

test('notify: wakes exactly as many as it says, of 50 in ten processes', async (t) => {
  const path = scratchFile(t, PAGESIZE)
  using map = mmap(path)
  const programs = Array.from({ length: 10 }, () => start(t, process.execPath, [WAITERS, path, '8', '5']))
  await wake(map, 8, 20)
  await wake(map, 8, 30)
  const results = await Promise.all(programs.map((program) => program.rest()))
  t.deepEqual(results.flat(), Array(50).fill('ok'))
  t.is(map.notify(8), 0)
})

test('notify: a count of 0 wakes nobody', async (t) => {
  using map = mmap(-1, 64)
  const waiting = map.waitAsync(0, 0)
  t.is(map.notify(0, 0), 0)
  await wake(map, 0, 1)
  t.is(await waiting, 'ok')
})

function pass(microseconds: number): void {
  const end = performance.now() + microseconds / 1000
  while (performance.now() < end);
}

/** How many threads of this process sleep in futex_waitv. */
function sleepers(): number {
  const calls = readdirSync('/proc/self/task').map((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/syscall`, 'latin1')
    } catch {
      // The thread has ended.
      return ''
    }
  })
  return calls.filter((call) => call.startsWith('449 ')).length
}

onLinux('waitAsync: a wake-up that an aborted wait has got goes to another', 'it reads /proc', async (t) => {
  using map = mmap(-1, 64)
  const probe = map.waitAsync(0, 0)
  await wake(map, 0, 1)
  await probe
  t.log(`HOSTILE_SEED=${SEED}`)
  // Each deed ends one wait at most, so as long as a wake-up is to be handed on, one sleeps.
  const [WAITS, MOST] = [24, 12]
  const notify = fc.array(fc.constant('notify'), { maxLength: MOST })
  const abort = fc.array(fc.nat(WAITS - 1), { maxLength: MOST })
  const pause = fc.array(fc.record({ microseconds: fc.nat(50) }), { maxLength: MOST })
  const deeds = fc
    .tuple(notify, abort, pause)
    .chain((all) => fc.shuffledSubarray(all.flat(), { minLength: all.flat().length }))
  await fc.assert(
    fc.asyncProperty(deeds, async (deeds) => {
      const controllers = Array.from({ length: WAITS }, () => new AbortController())
      let [settled, ok] = [0, 0]
      const waits = controllers.map(async ({ signal }) => {
        const result = await map.waitAsync(0, 0, { signal }).catch(({ code }) => code)
        settled += 1
        if (result === 'ok') ok += 1
        else if (result !== 'ABORT_ERR') throw new Error(result)
      })
      while (sleepers() < WAITS) await setImmediate()
      let woken = 0
      for (const deed of deeds) {
        if (deed === 'notify') woken += map.notify(0, 1)
        else if (typeof deed === 'number') controllers[deed]?.abort()
        else if (typeof deed === 'object') pass(deed.microseconds)
      }
      await Promise.all(waits.filter((_, index) => controllers[index]?.signal.aborted))
      while (settled < WAITS) {
        woken += map.notify(0, 1)
        await setImmediate()
      }
      await Promise.all(waits)
      if (ok !== woken) throw new Error(`${woken} were woken, and ${ok} said so`)
    }),
    { seed: SEED, numRuns: 100 },
  )
  t.pass()
})

test('waitAsync: no listener stays at the signal', async (t) => {
  using map = mmap(-1, 64)
  const { signal } = new AbortController()
  t.is(await map.waitAsync(0, 1, { signal }), 'not-equal')
  t.is(await map.waitAsync(0, 0, { signal, timeout: 5 }), 'timed-out')
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('wait: a token goes round many processes', async (t) => {
  // Wine takes seconds to start a process.
  const members = process.platform === 'win32' ? 6 : 32
  const [path, rounds] = [scratchFile(t, PAGESIZE), 50]
  using map = mmap(path)
  const programs = Array.from({ length: members }, (_, member) =>
    start(t, process.execPath, [
      CHILDREN,
      'passes a token',
      path,
      member % 2 === 0 ? 'sync' : 'async',
      ...[members, member, rounds].map(String),
    ]),
  )
  const words = map.view(Int32Array)
  words[0] = 1
  map.notify(0)
  await Promise.all(programs.map((program) => program.rest()))
  t.deepEqual([...words.subarray(0, members)], [rounds + 1, ...Array(members - 1).fill(rounds)])
})

test('wait, notify: processes meet in memory that has a name', async (t) => {
  const name = `memmap-test-${randomBytes(6).toString('hex')}`
  for (const options of [{ tagname: `${name}-tag` }, { shm: name, create: true }]) {
    // An offset, so that positions in the mappings and in the memory differ.
    using map = mmap(-1, 8192, options)
    const peer = await Peer.start(t)
    await peer.ask('open', 'theirs', -1, 4096, { ...options, offset: 4096 })
    const waiting = peer.ask('wait', 'theirs', 8, 0)
    const mine = map.waitAsync(8, 0)
    await wake(map, 4096 + 8, 1)
    t.is(await waiting, 'ok')
    t.is(map.notify(4096 + 8), 0)
    await wake(map, 8, 1)
    t.is(await mine, 'ok')
    // A value that is stored without a notify() is seen when a thread looks around.
    const looking = peer.ask('wait', 'theirs', 8, 0)
    map.setAt(4096 + 8, 1)
    t.true(['ok', 'not-equal'].includes(String(await looking)))
  }
  unlinkShm(name)
})

// --- Other programs and namespaces

const PYTHON = `
import ctypes, mmap, os, platform, sys
path, deed = sys.argv[1:]
number = {'x86_64': 202, 'aarch64': 98}[platform.machine()]
with open(path, 'r+b') as file:
    memory = mmap.mmap(file.fileno(), 0)
word = ctypes.c_int32.from_buffer(memory, 4)
syscall = ctypes.CDLL(None, use_errno=True).syscall
FUTEX_WAIT, FUTEX_WAKE = 0, 1
if deed == 'waits':
    print('waits', flush=True)
    while word.value == 0:
        syscall(ctypes.c_long(number), ctypes.byref(word), FUTEX_WAIT, 0, None, None, 0)
    print('woken', word.value)
else:
    word.value = 7
    woken = 0
    while woken == 0:
        woken = syscall(ctypes.c_long(number), ctypes.byref(word), FUTEX_WAKE, 2**31 - 1, None, None, 0)
    print('woke', woken)
`

/** Whether there is a program. Logs the reason if not. */
function has(t: ExecutionContext, command: string, args: string[]): boolean {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) t.log(`not run here, because ${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`)
  return status === 0
}

onLinux("wait and notify: meet CPython's futex calls", 'it calls futex by its number', async (t) => {
  if (!has(t, 'python3', ['-c', 'import ctypes, mmap'])) {
    t.pass()
    return
  }
  const path = scratchFile(t, PAGESIZE)
  using map = mmap(path)
  const waiting = start(t, 'python3', ['-c', PYTHON, path, 'waits'])
  t.is(await waiting.line(), 'waits')
  map.view(Int32Array)[1] = 5
  await wake(map, 4, 0)
  map.notify(4)
  t.deepEqual(await waiting.rest(), ['woken 5'])
  map.view(Int32Array)[1] = 0
  const mine = [map.waitAsync(4, 0), mmap(path, { access: ACCESS_READ }).waitAsync(4, 0)]
  t.regex((await start(t, 'python3', ['-c', PYTHON, path, 'wakes']).rest()).join(), /^woke [12]$/)
  t.deepEqual(await Promise.all(mine), ['ok', 'ok'])
})

onLinux('wait: reaches across PID namespaces', 'it needs unshare', async (t) => {
  if (!has(t, 'unshare', ['--pid', '--fork', 'true'])) {
    t.pass()
    return
  }
  const path = scratchFile(t, PAGESIZE)
  using map = mmap(path)
  const apart = ['--pid', '--fork', process.execPath]
  const waiting = start(t, 'unshare', [...apart, WAITERS, path, '8', '3'])
  await wake(map, 8, 3)
  t.deepEqual(await waiting.rest(), ['ok', 'ok', 'ok'])
})

// --- Old and strict systems

const CLOCK_JUMPS = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <time.h>
  #include <sys/time.h>
  static long days;
  int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec += 86400 * (++days % 2 ? days : -days);
    return result;
  }
  int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
  }
`

onLinux('wait: a clock that jumps by days does not move timeouts', 'it loads a library before others', (t) => {
  const library = libraryToPreload(t, CLOCK_JUMPS)
  if (library === undefined) {
    t.pass()
    return
  }
  const program = `
    const map = memmap.mmap(-1, 64)
    const date = Date.now()
    const started = process.hrtime.bigint()
    const sync = map.wait(0, 0, 120)
    map.waitAsync(0, 0, { timeout: 120 }).then((result) => {
      const elapsed = Number(process.hrtime.bigint() - started) / 1e6
      say([sync, result, elapsed, Math.abs(Date.now() - date) > 3600_000])
    })`
  const [sync, result, elapsed, jumps] = runAfter(`export LD_PRELOAD=${library}`, program) as [
    string,
    string,
    number,
    boolean,
  ]
  t.true(jumps)
  t.deepEqual([sync, result], ['timed-out', 'timed-out'])
  t.true(elapsed >= 238 && elapsed < 60_000, `${elapsed} ms`)
})

const NO_WAITV = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <stdarg.h>
  long syscall(long number, ...) {
    long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (number == 449) { errno = EPERM; return -1; }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
`

onLinux('waitAsync: ends where futex_waitv is refused', 'only Linux has it', (t) => {
  const library = libraryToPreload(t, NO_WAITV)
  if (library === undefined) {
    t.pass()
    return
  }
  const program = `
    const run = async () => {
      const map = memmap.mmap(-1, 64)
      const controller = new AbortController()
      const wait = (options) => map.waitAsync(0, 0, options).catch(({ code }) => code)
      const aborted = wait({ signal: controller.signal })
      const other = wait()
      await new Promise(setImmediate)
      const started = performance.now()
      controller.abort()
      const results = [await aborted]
      results.push(performance.now() - started < 900)
      // It may have been woken for no reason.
      map.notify(0)
      map.setAt(0, 1)
      results.push(await other)
      map.setAt(0, 0)
      const closed = [wait(), map.waitAsync(4, 0).catch(({ code }) => code)]
      map.close()
      say([...results, ...(await Promise.all(closed))])
    }
    run()`
  t.deepEqual(runAfter(`export LD_PRELOAD=${library}`, program), [
    'ABORT_ERR',
    true,
    'ok',
    'ERR_MMAP_CLOSED',
    'ERR_MMAP_CLOSED',
  ])
})

// Tasks: what is refused and how, that they do what the methods without a promise do, how they are stopped, and what becomes of them
// when the mapping, the thread or the process ends.
//
// HOSTILE_SEED repeats a run of the properties.

import { spawn, spawnSync } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { readFileSync, truncateSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  ACCESS_COPY,
  ACCESS_READ,
  MAP_PRIVATE,
  type Mmap,
  type MmapOptions,
  mmap,
  PAGESIZE,
  PROT_READ,
  type Progress,
  type TaskOptions,
} from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { collectUntil, mapsOf, pattern, scratchFile, zeros } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

const MIB = 2 ** 20
const GIB = 2 ** 30
/** How many positions a task searches between two looks at whether to go on. */
const CHUNK = 4 * MIB

const TEXT = 'one two one three one'

// First, so that it has been said when the process does not live to tell.
test('the seed of the properties that follow', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

// --- Being in the middle

/** A file of holes, which takes a while to be read. */
function holes(t: ExecutionContext, length: number): string {
  const path = scratchFile(t, 0)
  truncateSync(path, length)
  return path
}

/** It takes a while to be searched. */
function longMemory(): Mmap {
  return zeros(4 * GIB)
}

interface Running<T> {
  promise: Promise<T>
  /** What was reported. */
  reports: Progress[]
}

/** Starts a task, and comes back when it has done a part. A machine may be too busy to look before it has ended: then there is another one. */
async function inTheMiddle<T>(start: (options: TaskOptions) => Promise<T>, signal?: AbortSignal): Promise<Running<T>> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const running = await onceInTheMiddle(start, signal)
    if (running !== undefined) return running
  }
  throw new Error('too short to be in its middle')
}

/**
 * Starts to read a file of holes ahead, and comes back when a part has been read. What is in memory already is read ahead too fast to
 * be looked at, so each attempt has a file of its own.
 */
function prefetching(t: ExecutionContext, length: number, map: (path: string) => Mmap): Promise<Running<void>> {
  return inTheMiddle((options) => map(holes(t, length)).prefetch(0, undefined, options))
}

async function onceInTheMiddle<T>(
  start: (options: TaskOptions) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<Running<T> | undefined> {
  const reports: Progress[] = []
  let report: () => void = () => {}
  const middle = new Promise<void>((resolve) => {
    report = resolve
  })
  const onProgress = (progress: Progress): void => {
    reports.push(progress)
    if (progress.done > 0 && progress.done < progress.total) report()
  }
  const promise = start({ signal, onProgress })
  const ended = promise.then(() => 'ended')
  const first = await Promise.race([middle, ended])
  // A rejection is told where it is awaited.
  ended.catch(() => {})
  return first === 'ended' ? undefined : { promise, reports }
}

interface Rejection extends Error {
  code?: unknown
  offset?: unknown
  length?: unknown
  replaced?: unknown
}

async function rejection(promise: Promise<unknown>): Promise<Rejection> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it was not rejected')
}

/**
 * Replaces a byte that is everywhere by 'b', and calls `end` when that has begun, without letting the event loop turn: it must end then, with
 * this code. How many it says were replaced.
 */
async function replacedUntil(
  t: ExecutionContext,
  map: Mmap,
  from: string,
  code: string,
  end: () => void,
): Promise<unknown> {
  const replacing = rejection(map.replaceAllAsync(from, 'b'))
  const started = performance.now()
  while (map.at(0) !== 'b'.charCodeAt(0)) {
    if (performance.now() - started > 60_000) throw new Error('nothing was replaced in a minute')
  }
  end()
  const error = await replacing
  t.is(error.code, code)
  t.not(error.replaced, 0)
  return error.replaced
}

/** What a replacement in a file says it has replaced when `end` ends it is what is in the file. */
async function endsWithAllInFile(t: ExecutionContext, options: MmapOptions, end: (map: Mmap) => void): Promise<void> {
  const path = holes(t, 64 * MIB)
  using map = mmap(path, 0, options)
  const replaced = await replacedUntil(t, map, '\0', 'ERR_MMAP_READONLY', () => end(map))
  using file = mmap(path, 0, { access: ACCESS_READ })
  t.is<unknown, unknown>(file.count('b'), replaced)
}

// --- Misuse

const TASKS: [method: keyof Mmap, args: unknown[]][] = [
  ['findAsync', ['one', 0, undefined]],
  ['countAsync', ['one', 0, undefined]],
  ['replaceAllAsync', ['one', 'ONE', 0, undefined]],
  ['flushAsync', [0, undefined]],
  ['prefetch', [0, undefined]],
]

/** Calls a method that must give a promise, whatever it is given. */
function promised(map: Mmap, method: keyof Mmap, ...args: unknown[]): Promise<unknown> {
  const result = callWith(map, method, ...args)
  if (!(result instanceof Promise)) throw new Error(`${String(method)} gave ${inspect(result)}`)
  return result
}

test('wrong arguments are rejections, and nothing is done', async (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path)
  let reports = 0
  const onProgress = (): void => {
    reports += 1
  }
  const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
  const value = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
  const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
  const options = { onProgress }
  const cases: [expected: typeof type | typeof range, method: keyof Mmap, args: unknown[]][] = []
  for (const nothing of [undefined, null, 5, 5n, true, {}, [1], Symbol('s'), () => {}, /one/]) {
    cases.push([type, 'findAsync', [nothing, 0, undefined, options]])
    cases.push([type, 'countAsync', [nothing, 0, undefined, options]])
    cases.push([type, 'replaceAllAsync', [nothing, 'one', 0, undefined, options]])
    cases.push([type, 'replaceAllAsync', ['one', nothing, 0, undefined, options]])
  }
  for (const bound of ['0', true, null, {}, Symbol('s')]) {
    cases.push([type, 'findAsync', ['one', bound, undefined, options]])
    cases.push([type, 'countAsync', ['one', 0, bound, options]])
    cases.push([type, 'replaceAllAsync', ['one', 'ONE', bound, undefined, options]])
    cases.push([type, 'flushAsync', [bound, undefined, options]])
    cases.push([type, 'flushAsync', [0, bound, options]])
    cases.push([type, 'prefetch', [bound, undefined, options]])
    cases.push([type, 'prefetch', [0, bound, options]])
  }
  for (const bound of [0.5, Number.NaN]) {
    cases.push([range, 'findAsync', ['one', bound, undefined, options]])
    cases.push([range, 'countAsync', ['one', 0, bound, options]])
    cases.push([range, 'replaceAllAsync', ['one', 'ONE', bound, undefined, options]])
    cases.push([range, 'flushAsync', [bound, undefined, options]])
    cases.push([range, 'prefetch', [0, bound, options]])
  }
  for (const [offset, size] of [
    [-1, undefined],
    [TEXT.length + 1, undefined],
    [0, TEXT.length + 1],
    [1, TEXT.length],
    [0, -2],
    [Number.POSITIVE_INFINITY, undefined],
  ]) {
    cases.push([range, 'flushAsync', [offset, size, options]])
  }
  for (const empty of ['', Buffer.alloc(0)]) {
    cases.push([value, 'countAsync', [empty, 0, undefined, options]])
    cases.push([value, 'replaceAllAsync', [empty, '', 0, undefined, options]])
    cases.push([value, 'replaceAllAsync', [empty, 'x', 0, undefined, options]])
  }
  cases.push([value, 'replaceAllAsync', ['one', 'ones', 0, undefined, options]])
  for (const [method, args] of TASKS) {
    for (const wrong of [null, 5, 'signal', [], () => {}]) cases.push([type, method, [...args, wrong]])
    for (const signal of [
      null,
      {},
      'abort',
      new AbortController(),
      { aborted: true },
      Object.create(AbortSignal.prototype),
    ]) {
      cases.push([type, method, [...args, { onProgress, signal }]])
    }
    for (const wrong of [null, {}, 'log', 5]) cases.push([type, method, [...args, { onProgress: wrong }]])
    for (const name of ['Signal', 'onprogress', 'progress', 'start']) {
      cases.push([value, method, [...args, { onProgress, [name]: undefined }]])
    }
  }
  for (const [index, [expected, method, args]] of cases.entries()) {
    await t.throwsAsync(promised(map, method, ...args), expected, `${String(method)}, case ${index}`)
  }
  await setImmediate()
  t.is(reports, 0)
  t.is(readFileSync(path, 'utf8'), TEXT)
})

test('a task takes its range among the options', async (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path)
  const reports: Progress[] = []
  const onProgress = (progress: Progress): void => {
    reports.push(progress)
  }
  t.is(TEXT.indexOf('one', 1), 8)
  t.is(await map.findAsync('one', { start: 1, onProgress }), 8)
  t.is(await map.findAsync('one', { start: 1, stop: 10, onProgress }), -1)
  t.is(await map.countAsync('one', { start: -6, onProgress }), 1)
  await map.flushAsync({ start: 2, stop: 5, onProgress })
  await map.prefetch({ stop: 7, onProgress })
  t.is(await map.replaceAllAsync('one', 'ONE', { stop: 8, onProgress }), 1)
  const totals = reports.filter(({ done, total }) => done === total).map(({ total }) => total)
  t.deepEqual(totals, [TEXT.length - 1, 9, 6, 3, 7, 8])
  t.is(readFileSync(path, 'utf8'), TEXT.replace('one', 'ONE'))
})

test('a task refuses options in two places, and a signal in place of them', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const signal = AbortSignal.abort()
  for (const [method, args] of TASKS) {
    const before = args.slice(0, -2)
    const aborted = promised(map, method, ...before, { start: 1, stop: 2, signal })
    await t.throwsAsync(aborted, { name: 'AbortError', code: 'ABORT_ERR' }, String(method))
    for (const [more, message] of [
      [[{ start: 1 }, 5], /^The "(start|offset)" argument must be of type number. Received an instance of Object$/],
      [[{ start: 1 }, undefined, {}], /^The "(start|offset)" argument must be of type number/],
      [[signal], /^The "options" argument must be of type object. Received an instance of AbortSignal$/],
      [[{ start: '1' }], /^The "start" argument must be of type number. Received type string \('1'\)$/],
      [[{ offset: 1 }], /^The property "options\.offset" is not an option of .+ start, stop, signal, onProgress$/],
    ] as const) {
      const { message: said, code } = await rejection(promised(map, method, ...before, ...more))
      t.regex(said, message, String(method))
      t.is(code, said.startsWith('The property') ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE')
    }
  }
})

test('what is wrong with options is said by name', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const message = async (options: unknown): Promise<string> =>
    (await rejection(promised(map, 'countAsync', 'one', 0, undefined, options))).message
  t.is(
    await message({ signal: 5 }),
    'The "signal" argument must be an instance of AbortSignal. Received type number (5)',
  )
  t.is(await message({ onProgress: 5 }), 'The "onProgress" argument must be of type function. Received type number (5)')
  t.regex(
    await message({ sgnal: 5 }),
    /^The property "options\.sgnal" is not an option of .+ Options are signal, onProgress$/,
  )
})

test('a mapping that is closed or read only is a rejection', async (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path, 0, { access: ACCESS_READ })
  for (const to of ['ONE', 'longer']) {
    await t.throwsAsync(map.replaceAllAsync('one', to), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  }
  t.is(await map.findAsync('two'), 4)
  t.is(await map.countAsync('one'), 3)
  t.is(await map.prefetch(), undefined)
  t.is(await map.flushAsync(), undefined)
  map.close()
  for (const [method, args] of TASKS) {
    await t.throwsAsync(promised(map, method, ...args), { instanceOf: Error, code: 'ERR_MMAP_CLOSED' })
  }
  t.is(readFileSync(path, 'utf8'), TEXT)
})

test('options are read once, and may close the mapping', async (t) => {
  const map = mmap(scratchFile(t, TEXT))
  const read: string[] = []
  const controller = new AbortController()
  const options = {
    get signal(): AbortSignal {
      read.push('signal')
      return controller.signal
    },
    get onProgress(): undefined {
      read.push('onProgress')
      return undefined
    },
  }
  t.is(await map.countAsync('one', 0, undefined, options), 3)
  t.deepEqual(read.toSorted(), ['onProgress', 'signal'])
  const closing = {
    get signal(): undefined {
      map.close()
      return undefined
    },
  }
  await t.throwsAsync(map.countAsync('one', 0, undefined, closing), { code: 'ERR_MMAP_CLOSED' })
})

test('what an option throws when it is read is the rejection', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const thrown = new Error('from the getter')
  const options = {
    get signal(): undefined {
      throw thrown
    },
  }
  t.is(await rejection(map.replaceAllAsync('one', 'ONE', 0, undefined, options)), thrown)
  t.is(map.count('one'), 3)
})

test('undefined options are those that were not given', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  t.is(await map.countAsync('one', undefined, undefined, undefined), 3)
  t.is(await map.countAsync('one', 1, undefined, { signal: undefined, onProgress: undefined }), 2)
  t.is(await map.countAsync('one', 0, 4, {}), 1)
})

// --- The same results

test('bounds and the cursor are those of the methods without a promise', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  map.seek(3)
  const infinite = Number.POSITIVE_INFINITY
  for (const [start, stop] of [
    [undefined, undefined],
    [0, undefined],
    [1, 11],
    [1, 10],
    [9, 3],
    [-3, infinite],
    [-infinite, -1],
    [infinite, undefined],
    [21, undefined],
    [30, 40],
  ]) {
    for (const needle of ['one', 'absent', '']) {
      t.is(await map.findAsync(needle, start, stop), map.find(needle, start, stop), `${needle} ${start} ${stop}`)
      if (needle === '') continue
      t.is(await map.countAsync(needle, start, stop), map.count(needle, start, stop))
      t.is(await map.replaceAllAsync(needle, needle, start, stop), map.count(needle, start, stop))
    }
  }
  t.is(map.tell(), 3)
  // The cursor counts at the time of the call.
  const found = map.findAsync('one')
  map.seek(0)
  t.is(await found, 8)
})

test('needles may be any bytes, and what becomes of them after the call does not matter', async (t) => {
  using map = mmap(scratchFile(t, '..abcdefgh..'))
  const bytes = Buffer.from('abcdefgh')
  const shared = new SharedArrayBuffer(bytes.length)
  new Uint8Array(shared).set(bytes)
  for (const needle of [
    'abcdefgh',
    new Uint8Array(bytes).buffer,
    new Float64Array(new Uint8Array(bytes).buffer),
    new DataView(new Uint8Array(bytes).buffer),
    shared,
    new Uint16Array(shared),
    map.bytes.subarray(2, 10),
  ]) {
    t.is(await map.findAsync(needle), 2)
    t.is(await map.countAsync(needle), 1)
  }
  const [from, to] = [Buffer.from(bytes), Buffer.from('ABCDEFGH')]
  const tasks = [map.findAsync(from), map.countAsync(from), map.replaceAllAsync(from, to)]
  from.fill(0)
  to.fill(0)
  structuredClone(from.buffer, {
    transfer: from.byteLength === from.buffer.byteLength ? [from.buffer as ArrayBuffer] : [],
  })
  t.is((await Promise.allSettled(tasks)).filter(({ status }) => status === 'rejected').length, 0)
  t.is(await tasks[2], 1)
  t.is(map.slice().toString(), '..ABCDEFGH..')
  new Uint8Array(shared).set(Buffer.from('ABCDEFGH'))
  t.is(await map.replaceAllAsync(shared, bytes), 1)
  t.is(map.slice().toString(), '..abcdefgh..')
})

test('views of the mapping itself can be what is replaced, and what it is replaced with', async (t) => {
  using map = mmap(scratchFile(t, 'abxxabab'))
  t.is(await map.replaceAllAsync(map.bytes.subarray(0, 2), map.bytes.subarray(2, 4)), 3)
  t.is(map.slice().toString(), 'xxxxxxxx')
  map.setSlice('abxxaxxb')
  t.is(await map.replaceAllAsync(map.bytes.subarray(2, 4), map.bytes.subarray(1, 3)), 2)
  t.is(map.slice().toString(), 'abbxabxb')
})

const SEAMS = [0, CHUNK, 2 * CHUNK]

test('what lies across the seam of two chunks is found, at every alignment', async (t) => {
  using map = mmap(-1, 2 * CHUNK + 1000)
  for (const needle of ['x', 'ab', 'abcabd', 'aaaa', pattern(100).fill(1, 99)]) {
    const bytes = Buffer.from(needle)
    for (const seam of SEAMS.slice(1)) {
      for (let place = seam - bytes.length - 1; place <= seam + 1; place += 1) {
        map.setSlice(bytes, place, place + bytes.length)
        const what = `${bytes.length} bytes at ${place}`
        t.is(await map.findAsync(bytes, 0), place, what)
        t.is(await map.countAsync(bytes), 1, what)
        t.is(await map.replaceAllAsync(bytes, Buffer.alloc(bytes.length)), 1, what)
      }
    }
  }
  t.true(map.slice().equals(Buffer.alloc(map.length)))
})

test('what repeats itself across the seam is counted as by the methods without a promise', async (t) => {
  using map = mmap(-1, CHUNK + 1000)
  for (const needle of ['aaaa', 'aba', 'aa']) {
    for (let before = 0; before <= 9; before += 1) {
      for (let behind = 0; behind <= 9; behind += 1) {
        const run = Buffer.from(
          needle
            .slice(0, -1)
            .repeat(18)
            .slice(0, before + behind),
        )
        map.fill(0, CHUNK - 20, CHUNK + 20)
        map.setSlice(run, CHUNK - before, CHUNK + behind)
        const what = `${needle} in ${run}, ${before} before the seam`
        const places = [...map.findAll(needle)]
        t.is(await map.findAsync(needle, 0), places[0] ?? -1, what)
        t.is(await map.countAsync(needle), places.length, what)
        t.is(await map.replaceAllAsync(needle, 'X'.repeat(needle.length)), places.length, what)
        for (const place of places) t.is(map.slice(place, place + needle.length).toString(), 'X'.repeat(needle.length))
        t.is(map.count('X'), places.length * needle.length)
      }
    }
  }
})

test('a mapping that is one run is replaced as by the methods without a promise', async (t) => {
  using map = mmap(-1, 2 * CHUNK + 77)
  for (const needle of ['aaa', 'aaaaaaa', 'a'.repeat(1000)]) {
    for (const start of [0, 1, 2, 5]) {
      map.fill('a')
      const count = Math.floor((map.length - start) / needle.length)
      t.is(await map.countAsync(needle, start), count)
      t.is(await map.replaceAllAsync(needle, 'b'.repeat(needle.length), start), count)
      t.is(map.count('b'), count * needle.length)
      t.is(map.indexOf('a', start), start + count * needle.length === map.length ? -1 : start + count * needle.length)
    }
  }
})

test('needles longer than a chunk are found', async (t) => {
  using map = mmap(-1, 4 * CHUNK)
  for (const length of [CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + MIB]) {
    const needle = Buffer.alloc(length, 'n')
    needle[0] = 1
    needle[length - 1] = 2
    for (const place of [0, 1, CHUNK - 1, CHUNK, CHUNK + 12_345, map.length - length]) {
      map.fill(0)
      map.setSlice(needle, place, place + length)
      const what = `${length} bytes at ${place}`
      t.is(await map.findAsync(needle, 0), place, what)
      t.is(await map.countAsync(needle), 1, what)
      t.is(await map.replaceAllAsync(needle, Buffer.alloc(length)), 1, what)
      t.is(map.indexOf(2), -1, what)
    }
  }
  t.is(await map.findAsync(Buffer.alloc(map.length + 1), 0), -1)
  t.is(await map.countAsync(Buffer.alloc(map.length)), 1)
})

test('tasks do as the methods without a promise do', async (t) => {
  using map = mmap(-1, 2 * CHUNK + 5000)
  using other = mmap(-1, map.length)
  const letters = fc.constantFrom('a', 'b').map((letter) => letter.charCodeAt(0))
  const period = fc.array(letters, { minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes))
  const needles = fc.array(letters, { minLength: 1, maxLength: 7 }).map((bytes) => Buffer.from(bytes))
  const noise = fc.array(fc.tuple(fc.constantFrom(...SEAMS), fc.integer({ min: -20, max: 20 }), letters))
  const start = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }))
  const stop = fc.oneof(fc.constant(undefined), fc.integer({ min: -2000, max: -1 }))
  // What is put in may begin or end as what is sought.
  const replacements = fc.array(letters, { minLength: 7, maxLength: 7 })
  const all = [period, needles, replacements, noise, start, stop] as const
  const property = fc.asyncProperty(...all, async (period, needle, replacement, noise, start, stop) => {
    map.fill(period)
    // Around the seams of a range that begins here.
    for (const [seam, distance, byte] of noise) map.setAt(Math.max(seam + start + distance, 0), byte)
    other.setSlice(map.bytes)
    t.is(await map.findAsync(needle, start, stop), map.find(needle, start, stop))
    t.is(await map.countAsync(needle, start, stop), map.count(needle, start, stop))
    const to = Buffer.from(replacement).subarray(0, needle.length)
    t.is(await map.replaceAllAsync(needle, to, start, stop), other.replaceAll(needle, to, start, stop))
    t.true(map.view(Buffer).equals(other.bytes))
  })
  await fc.assert(property, { seed: SEED + 1, numRuns: 30, includeErrorInReport: true })
})

// --- Progress

test('progress goes up, is said to be total once, and not too often', async (t) => {
  using map = longMemory()
  const reports: Progress[] = []
  const started = performance.now()
  await map.countAsync('needle', 5, undefined, { onProgress: (progress) => reports.push(progress) })
  const elapsed = performance.now() - started
  const total = map.length - 5
  t.true(reports.length <= elapsed / 30 + 2, `${reports.length} in ${elapsed} ms`)
  t.true(reports.length > 1)
  t.true(reports.every((report) => report.total === total && report.done >= 0 && report.done <= total))
  t.true(reports.every(({ done }, index) => done >= (reports[index - 1]?.done ?? 0)))
  t.deepEqual(
    reports.filter(({ done }) => done === total),
    [{ done: total, total }],
  )
  t.is(reports.at(-1)?.done, total)
})

test('a task that is done before anybody could look says so once', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const [method, args] of TASKS) {
    const reports: Progress[] = []
    await promised(map, method, ...args, { onProgress: (progress: Progress) => reports.push(progress) })
    // A device may take its time to flush even this: then it is said before that nothing is done.
    const parts = reports.filter(({ done }) => done !== 0)
    t.deepEqual(parts, [{ done: TEXT.length, total: TEXT.length }], String(method))
  }
  const reports: Progress[] = []
  t.is(await map.findAsync('two', 0, undefined, { onProgress: (progress) => reports.push(progress) }), 4)
  t.is(await map.countAsync('two', 5, 5, { onProgress: (progress) => reports.push(progress) }), 0)
  t.is(await map.findAsync('two', 5, 3, { onProgress: (progress) => reports.push(progress) }), -1)
  const parts = reports.filter(({ done, total }) => done !== 0 || total === 0)
  t.deepEqual(parts, [
    { done: TEXT.length, total: TEXT.length },
    { done: 0, total: 0 },
    { done: 0, total: 0 },
  ])
})

test('the end is said once also when JavaScript was busy until then', async (t) => {
  using map = mmap(-1, 64 * MIB)
  map.prefetch()
  await map.countAsync('needle')
  const reports: Progress[] = []
  const promise = map.countAsync('needle', 0, undefined, { onProgress: (progress) => reports.push(progress) })
  // As much work many times over: the other thread is done, and the time for a report has come.
  for (let round = 0; round < 30; round += 1) map.count('needle')
  await promise
  t.is(reports.filter(({ done, total }) => done === total).length, 1, inspect(reports))
})

test('what onProgress throws is the rejection, and the work stops', async (t) => {
  const path = scratchFile(t, Buffer.alloc(128 * MIB, 'a'))
  using map = mmap(path)
  for (const thrown of [new Error('from onProgress'), undefined, 'text']) {
    let calls = 0
    const promise = map.replaceAllAsync('a', 'b', 0, undefined, {
      onProgress({ done }) {
        // The first report may come before a thread has begun.
        if (done === 0) return
        calls += 1
        throw thrown
      },
    })
    const came = await promise.then(
      () => t.fail('it was not rejected'),
      (error: unknown) => error,
    )
    t.is(came, thrown)
    t.is(calls, 1)
    const replaced = map.count('b')
    t.true(replaced > 0 && replaced < map.length, `${replaced} replaced`)
    // It has stopped: what is there does not become more.
    t.is(await map.countAsync('b'), replaced)
    map.replaceAll('b', 'a')
  }
})

test('what onProgress throws at the very end is the rejection too', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const thrown = new Error('at the end')
  const onProgress = ({ done, total }: Progress): void => {
    if (done === total) throw thrown
  }
  t.is(await rejection(map.replaceAllAsync('one', 'ONE', 0, undefined, { onProgress })), thrown)
  t.is(map.count('ONE'), 3)
})

// --- Aborting

function isAbort(t: ExecutionContext, error: Rejection, reason: unknown): void {
  t.is(error.name, 'AbortError')
  t.is(error.code, 'ABORT_ERR')
  t.is(error.cause, reason)
  t.is(error.message, 'The operation was aborted')
}

test('a signal that is aborted already starts nothing', async (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path)
  const reason = { why: 'on purpose' }
  for (const signal of [AbortSignal.abort(), AbortSignal.abort(reason)]) {
    let reports = 0
    const onProgress = (): void => {
      reports += 1
    }
    for (const [method, args] of TASKS) {
      const error = await rejection(promised(map, method, ...args, { signal, onProgress }))
      isAbort(t, error, signal.reason)
      t.false('replaced' in error)
    }
    t.is(reports, 0)
  }
  await setImmediate()
  t.is(readFileSync(path, 'utf8'), TEXT)
  // What is wrong with the arguments is said first.
  const signal = AbortSignal.abort()
  await t.throwsAsync(promised(map, 'countAsync', 5, 0, undefined, { signal }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('a search that is aborted in the middle ends with an AbortError', async (t) => {
  using map = longMemory()
  for (const method of ['findAsync', 'countAsync'] as const) {
    const controller = new AbortController()
    const { promise, reports } = await inTheMiddle(
      (options) => map[method]('needle', 0, undefined, options),
      controller.signal,
    )
    const reason = new Error('enough')
    controller.abort(reason)
    const error = await rejection(promise)
    isAbort(t, error, reason)
    t.false('replaced' in error)
    t.true(reports.every(({ done, total }) => done < total))
  }
})

test('a replacement that is aborted in the middle says how many it has replaced', async (t) => {
  const path = scratchFile(t, Buffer.alloc(128 * MIB, 'a'))
  using map = mmap(path)
  const controller = new AbortController()
  const { promise } = await inTheMiddle(
    (options) => map.replaceAllAsync('a', 'b', 0, undefined, options),
    controller.signal,
  )
  controller.abort()
  const error = await rejection(promise)
  isAbort(t, error, controller.signal.reason)
  const replaced = map.count('b')
  t.is(error.replaced, replaced)
  t.true(replaced > 0 && replaced < map.length)
  t.is(map.indexOf('a'), replaced)
  t.is(map.count('a'), map.length - replaced)
})

onLinux('prefetching is aborted in the middle', 'elsewhere a file of holes may be prefetched at once', async (t) => {
  using map = mmap(holes(t, 2 * GIB), 0, { access: ACCESS_READ })
  const controller = new AbortController()
  const { promise } = await inTheMiddle((options) => map.prefetch(0, undefined, options), controller.signal)
  controller.abort()
  isAbort(t, await rejection(promise), controller.signal.reason)
  const { resident, total } = map.resident()
  t.true(resident < total)
})

test('a timeout is a reason as any other', async (t) => {
  using map = longMemory()
  const signal = AbortSignal.timeout(1)
  isAbort(t, await rejection(map.countAsync('needle', 0, undefined, { signal })), signal.reason)
})

test('a listener that stops all that come after it does not stop ours', async (t) => {
  using map = longMemory()
  const controller = new AbortController()
  const { signal } = controller
  signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
  const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), signal)
  controller.abort('heard')
  isAbort(t, await rejection(promise), 'heard')
})

test('a signal in place of the options is refused, and not ignored', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  await t.throwsAsync(promised(map, 'countAsync', 'one', 0, undefined, new AbortController().signal), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "options" argument must be of type object. Received an instance of AbortSignal',
  })
})

test('a signal that is aborted when all is done changes nothing', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const controller = new AbortController()
  const { signal } = controller
  for (const name of ['addEventListener', 'removeEventListener', 'aborted', 'reason']) {
    // Properties of its own, which are asked for nothing.
    Object.defineProperty(signal, name, { get: () => t.fail(`${name} was asked for`) })
  }
  t.is(await map.countAsync('one', 0, undefined, { signal }), 3)
  controller.abort()
  await setImmediate()
  await t.throwsAsync(map.countAsync('one', 0, undefined, { signal }), { code: 'ABORT_ERR' })
})

test('one signal stops many tasks, the waiting ones too, and Node warns of no leak', async (t) => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => {
    warnings.push(warning)
  }
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  using map = longMemory()
  const controller = new AbortController()
  const { signal } = controller
  const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), signal)
  const others = Array.from({ length: 20 }, (_, task) => map.countAsync(`needle ${task}`, 0, undefined, { signal }))
  controller.abort('all')
  for (const task of [promise, ...others]) isAbort(t, await rejection(task), 'all')
  await setImmediate()
  t.deepEqual(warnings, [])
})

test('a signal has a listener while a task runs, whatever else has ended, and can be collected then', async (t) => {
  using map = longMemory()
  using few = mmap(scratchFile(t, TEXT))
  let isCollected = false
  const registry = new FinalizationRegistry(() => {
    isCollected = true
  })
  const round = async (): Promise<void> => {
    const controller = new AbortController()
    const { signal } = controller
    const options = { signal }
    const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), signal)
    t.is(await few.countAsync('one', 0, undefined, options), 3)
    t.is(await few.findAsync('one', 0, undefined, options), 0)
    t.is(getEventListeners(signal, 'abort').length, 1)
    // Nobody has aborted it: this may be said of a signal once more.
    signal.dispatchEvent(new Event('abort'))
    isAbort(t, await rejection(promise), undefined)
    t.is(getEventListeners(signal, 'abort').length, 0)
    const second = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), signal)
    controller.abort('second')
    isAbort(t, await rejection(second.promise), 'second')
    t.is(getEventListeners(signal, 'abort').length, 0)
    registry.register(signal, undefined)
  }
  await round()
  t.true(await collectUntil(() => isCollected))
})

/** Tasks that occupy all threads, for about as long as anybody waits. */
function occupyThreads(t: ExecutionContext): Promise<number>[] {
  const long = longMemory()
  t.teardown(() => long.unmap())
  const running = Array.from({ length: 8 }, () => long.countAsync('needle'))
  // They end with the mapping, and nobody waits for them.
  for (const task of running) task.catch(() => {})
  return running
}

test('a task that waits for a thread is aborted at once, and nothing is touched', async (t) => {
  const running = occupyThreads(t)
  using map = mmap(-1, 4096)
  const waits = new AbortController()
  const promise = map.replaceAllAsync('\0', 'x', 0, undefined, { signal: waits.signal })
  const reason = new Error('not any more')
  waits.abort(reason)
  const error = await rejection(promise)
  isAbort(t, error, reason)
  t.is(error.replaced, 0)
  // All threads had something to do all the time.
  t.is(await Promise.race([...running, 'still running']), 'still running')
  t.is(map.count('\0'), 4096)
})

// --- The mapping ends first

test('a task that waits for a thread ends at once when its mapping is unmapped, and nothing is touched', async (t) => {
  const path = scratchFile(t, 'aaaa')
  const map = mmap(path)
  const running = occupyThreads(t)
  const promise = map.replaceAllAsync('a', 'b')
  map.unmap()
  const error = await rejection(promise)
  t.is(error.code, 'ERR_MMAP_CLOSED')
  t.is(error.replaced, 0)
  t.is(await Promise.race([...running, 'still running']), 'still running')
  t.is(readFileSync(path, 'utf8'), 'aaaa')
})

test('a task goes on when its mapping is closed, and is right', async (t) => {
  const map = longMemory()
  map.setSlice('needle', -6)
  const { promise, reports } = await inTheMiddle((options) => map.findAsync('needle', 0, undefined, options))
  const count = map.countAsync('needle')
  map.close()
  t.is(await promise, 4 * GIB - 6)
  t.is(await count, 1)
  t.is(reports.at(-1)?.done, reports.at(-1)?.total)
})

test('a task on a SharedArrayBuffer goes on when its mapping is closed, and is right', async (t) => {
  const map = mmap(-1, 64 * MIB, { sharedArrayBuffer: true })
  map.setSlice('needle', -6)
  const promise = map.findAsync('needle', 0)
  const count = map.countAsync('needle')
  map.close()
  t.is(await promise, 64 * MIB - 6)
  t.is(await count, 1)
})

test('a replacement goes on when its mapping is closed: all of it is in the file', async (t) => {
  const path = scratchFile(t, Buffer.alloc(64 * MIB, 'a'))
  const map = mmap(path)
  const promise = map.replaceAllAsync('a', 'b')
  map.close()
  t.is(await promise, 64 * MIB)
  t.is(readFileSync(path).indexOf('a'), -1)
})

onLinux(
  'unmap() ends running and waiting tasks, and the file is released when it returns',
  'it reads /proc/self/maps',
  async (t) => {
    const path = holes(t, GIB)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options))
    const others = Array.from({ length: 20 }, (_, task) => map.countAsync(`needle ${task}`))
    others.push(map.prefetch().then(() => 0))
    // In parts, where a scan gives advice.
    t.not(mapsOf(path), 0)
    map.unmap()
    t.is(mapsOf(path), 0)
    for (const task of [promise, ...others]) {
      await t.throwsAsync(task, { instanceOf: Error, code: 'ERR_MMAP_CLOSED', message: 'mmap closed or invalid' })
    }
  },
)

onLinux(
  'close() and then unmap() end tasks too, also on memory of before a resize',
  'it reads /proc/self/maps',
  async (t) => {
    let path = ''
    let map: Mmap = mmap(-1, 1)
    await prefetching(t, GIB, (fresh) => {
      path = fresh
      map.unmap()
      map = mmap(path)
      return map
    })
    const before = Array.from({ length: 8 }, () => map.countAsync('needle'))
    map.resize(GIB + PAGESIZE)
    const later = Array.from({ length: 8 }, () => map.countAsync('needle'))
    map.close()
    t.true(mapsOf(path) > 0)
    map.unmap()
    t.is(mapsOf(path), 0)
    // The first ones may have been done before the file had its new size.
    const first = await Promise.allSettled(before.splice(0, 4))
    for (const end of first) if (end.status === 'rejected') t.is(end.reason.code, 'ERR_MMAP_CLOSED')
    for (const task of [...before, ...later]) await t.throwsAsync(task, { code: 'ERR_MMAP_CLOSED' })
  },
)

test('the stack of a rejection says who waits', async (t) => {
  const map = longMemory()
  const whoWaits = async (options: TaskOptions): Promise<number> =>
    await map.countAsync('needle', 0, undefined, options)
  const { promise } = await inTheMiddle(whoWaits)
  map.unmap()
  t.regex(String((await rejection(promise)).stack), /^Error: mmap closed or invalid\n.* async whoWaits /s)
})

test('unmap() says how many were replaced by then', async (t) => {
  const path = scratchFile(t, Buffer.alloc(128 * MIB, 'a'))
  const map = mmap(path)
  const { promise } = await inTheMiddle((options) => map.replaceAllAsync('a', 'b', 0, undefined, options))
  map.unmap()
  // What is in the file now stays: nobody writes any more.
  const content = readFileSync(path)
  const error = await rejection(promise)
  t.is(error.code, 'ERR_MMAP_CLOSED')
  t.is(error.replaced, content.indexOf('a'))
  t.true(readFileSync(path).equals(content))
})

test('a task is about the memory that there was: resizing does not concern it', async (t) => {
  const path = holes(t, 512 * MIB)
  using map = mmap(path)
  map.setSlice('needle', -6)
  const promise = map.prefetch()
  const counted = map.countAsync('needle')
  map.resize(512 * MIB + 100)
  map.setSlice('needle', -6)
  t.is(await counted, 1)
  t.is(await map.countAsync('needle'), 2)
  await promise
})

test('a replacement ends when resize() copies the memory, and all that it has replaced is in the copy', async (t) => {
  using map = mmap(-1, 64 * MIB, MAP_PRIVATE === undefined ? {} : { flags: MAP_PRIVATE })
  const end = (): void => map.resize(64 * MIB + PAGESIZE)
  const replaced = await replacedUntil(t, map, '\0', 'ERR_MMAP_READONLY', end)
  t.is<unknown, unknown>(map.count('b'), replaced)
})

for (const end of ['close', 'unmap'] as const) {
  test(`a replacement in a file that is written back ends with ${end}(), and all that it has replaced is in the file`, async (t) => {
    const path = scratchFile(t, Buffer.alloc(64 * MIB, 'a'))
    const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
    const replaced = await replacedUntil(t, map, 'a', 'ERR_MMAP_CLOSED', () => map[end]())
    t.is<unknown, unknown>(readFileSync(path).indexOf('a'), replaced)
  })
}

for (const [kind, options] of Object.entries({
  'that is written through': {},
  'that is written back': { access: ACCESS_COPY, writeBack: true },
  'with a SharedArrayBuffer': { sharedArrayBuffer: true },
} satisfies Record<string, MmapOptions>)) {
  onUnix(
    `a replacement in a file ${kind} ends when protect() takes writing away, and all that it has replaced is in the file`,
    'it has no protect',
    (t) => endsWithAllInFile(t, options, (map) => map.protect(PROT_READ)),
  )
}

onLinux(
  'a replacement ends when protect() takes writing away after the mapping has grown in place',
  'elsewhere there may be no place',
  (t) =>
    endsWithAllInFile(t, { sharedArrayBuffer: { maxByteLength: 128 * MIB } }, (map) => {
      map.resize(64 * MIB + PAGESIZE)
      map.protect(PROT_READ)
    }),
)

onLinux(
  'a file that is shrunk in the middle ends in a number or in ERR_MMAP_FAULT',
  'others cannot shrink it',
  async (t) => {
    let map: Mmap = mmap(-1, 1)
    const { promise } = await prefetching(t, 512 * MIB, (path) => {
      map.unmap()
      map = mmap(path)
      return map
    })
    const counted = map.countAsync('\0')
    map.resize(PAGESIZE)
    for (const result of await Promise.allSettled<unknown>([promise, counted])) {
      if (result.status === 'rejected') t.like(result.reason, { code: 'ERR_MMAP_FAULT' })
    }
    t.is(map.length, PAGESIZE)
    t.is(await map.countAsync('\0'), PAGESIZE)
    map.unmap()
  },
)

onLinux(
  'a file that is truncated in the middle ends in ERR_MMAP_FAULT',
  'only there is every fault seen',
  async (t) => {
    for (const start of [
      (map: Mmap, options: TaskOptions) => map.countAsync('needle', 0, undefined, options),
      (map: Mmap, options: TaskOptions) => map.findAsync('needle', 0, undefined, options),
      (map: Mmap, options: TaskOptions) => map.prefetch(0, undefined, options),
    ]) {
      const path = holes(t, GIB)
      using map = mmap(path, 0, { access: ACCESS_READ })
      await inTheMiddle<unknown>((options) => start(map, options))
      // The file system may take its time, and the first ones may be done by then.
      const tasks = Array.from({ length: 8 }, () => start(map, {}))
      truncateSync(path, PAGESIZE)
      await Promise.allSettled(tasks)
      const error = await rejection(tasks.at(-1) as Promise<unknown>)
      t.is(error.code, 'ERR_MMAP_FAULT')
      t.is(error.offset, PAGESIZE)
      t.is(error.length, GIB - PAGESIZE)
      t.false('replaced' in error)
      t.throws(() => map.count('needle'), { code: 'ERR_MMAP_FAULT' })
    }
  },
)

onLinux(
  'a replacement in a file that is truncated says how many it had replaced',
  'only there is every fault seen',
  async (t) => {
    const path = scratchFile(t, Buffer.alloc(128 * MIB, 'a'))
    using map = mmap(path)
    const { promise } = await inTheMiddle((options) => map.replaceAllAsync('a', 'b', 0, undefined, options))
    truncateSync(path, PAGESIZE)
    const error = await rejection(promise)
    t.like(error, { code: 'ERR_MMAP_FAULT', offset: PAGESIZE, length: 128 * MIB - PAGESIZE })
    t.true(Number(error.replaced) >= PAGESIZE && Number(error.replaced) < 128 * MIB)
    t.is(readFileSync(path, 'latin1'), 'b'.repeat(PAGESIZE))
  },
)

onLinux('a Mmap that is collected in the middle does not end its tasks', 'it reads /proc/self/maps', async (t) => {
  let path = ''
  let settled = false
  const { promise } = await prefetching(t, 512 * MIB, (fresh) => {
    path = fresh
    return mmap(path, 0, { access: ACCESS_READ })
  })
  const count = mmap(path).countAsync('needle')
  const done = Promise.all([promise, count]).finally(() => {
    settled = true
  })
  while (!settled) {
    await collectUntil(() => settled)
  }
  t.deepEqual(await done, [undefined, 0])
  t.true(await collectUntil(() => mapsOf(path) === 0), 'and what they held is released then')
})

// --- SharedArrayBuffers

onLinux(
  'a task runs while the mapping is asked for its SharedArrayBuffer',
  'elsewhere there may be none',
  async (t) => {
    for (const options of [
      { sharedArrayBuffer: true },
      { sharedArrayBuffer: { maxByteLength: GIB } },
    ] satisfies MmapOptions[]) {
      let map: Mmap = mmap(-1, 1)
      const { promise } = await prefetching(t, 512 * MIB, (path) => {
        map.unmap()
        map = mmap(path, 0, options)
        map.setSlice('needle', -6)
        return map
      })
      const found = map.findAsync('needle', 0)
      t.true(map.buffer instanceof SharedArrayBuffer)
      map.bytes.set(Buffer.from('NEEDLE'), 1000)
      t.is(await map.findAsync('NEEDLE', 0), 1000)
      t.is(await found, 512 * MIB - 6)
      await promise
      map.unmap()
    }
  },
)

onLinux(
  'a mapping with a SharedArrayBuffer is closed and collected while a task runs',
  'elsewhere there may be none',
  async (t) => {
    const path = holes(t, 512 * MIB)
    let settled = false
    const start = (): Promise<unknown>[] => {
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      map.setSlice('needle', -6)
      const tasks = [map.prefetch(), map.findAsync('needle', 0), map.countAsync('needle')]
      t.is(map.bytes.length, 512 * MIB)
      map.close()
      return tasks
    }
    const done = Promise.all(start()).finally(() => {
      settled = true
    })
    while (!settled) await collectUntil(() => settled)
    t.deepEqual(await done, [undefined, 512 * MIB - 6, 1])
    t.true(await collectUntil(() => mapsOf(path) === 0))
  },
)

onLinux(
  'close() releases memory at once when tasks on it have ended and nobody has had a view',
  'it reads /proc/self/maps',
  async (t) => {
    for (const shared of [false, true]) {
      const path = scratchFile(t, TEXT)
      const map = mmap(path, 0, { sharedArrayBuffer: shared })
      t.is(await map.countAsync('one'), 3)
      t.not(mapsOf(path), 0)
      map.close()
      t.is(mapsOf(path), 0, `shared: ${shared}`)
    }
  },
)

onLinux('unmap() ends the tasks of a mapping with a SharedArrayBuffer', 'it reads /proc/self/maps', async (t) => {
  let path = ''
  let map: Mmap = mmap(-1, 1)
  const { promise } = await prefetching(t, GIB, (fresh) => {
    path = fresh
    map.unmap()
    map = mmap(path, 0, { sharedArrayBuffer: true })
    return map
  })
  const { buffer } = map
  map.unmap()
  t.is(mapsOf(path), 0)
  await t.throwsAsync(promise, { code: 'ERR_MMAP_CLOSED' })
  t.true(buffer.byteLength >= GIB)
})

onLinux('a mapping that grows in its SharedArrayBuffer while a task runs', 'elsewhere there may be none', async (t) => {
  let map: Mmap = mmap(-1, 1)
  const { promise } = await prefetching(t, 512 * MIB, (path) => {
    map.unmap()
    map = mmap(path, 0, { sharedArrayBuffer: { maxByteLength: GIB } })
    return map
  })
  const { buffer } = map
  const counted = map.countAsync('needle')
  map.resize(512 * MIB + PAGESIZE)
  map.setSlice('needle', -6)
  t.is(map.buffer, buffer)
  t.is(await counted, 0)
  await promise
  t.is(await map.countAsync('needle'), 1)
  map.unmap()
})

// --- Many

test('1,000 tasks at once all come to their end, and cost no memory afterwards', async (t) => {
  using map = mmap(scratchFile(t, pattern(MIB)))
  const expected = map.count('a')
  const round = async (): Promise<number> => {
    const tasks = Array.from({ length: 1000 }, (_, task) =>
      task % 2 === 0 ? map.countAsync('a') : map.findAsync(`absent ${task}`, 0),
    )
    const results = await Promise.all(tasks)
    t.true(results.every((result, task) => result === (task % 2 === 0 ? expected : -1)))
    let turns = 0
    await collectUntil(() => ++turns > 5)
    return process.memoryUsage().rss
  }
  await round()
  const before = await round()
  for (let rounds = 0; rounds < 4; rounds += 1) await round()
  const grown = ((await round()) - before) / MIB
  t.true(grown < 16, `RSS has grown by ${grown.toFixed(1)} MiB`)
})

test('to start a task costs as much however many there are', async (t) => {
  using map = mmap(-1, PAGESIZE)
  const start = async (count: number): Promise<number> => {
    const before = process.cpuUsage()
    const tasks = Array.from({ length: count }, () => map.countAsync('a'))
    const { user, system } = process.cpuUsage(before)
    await Promise.all(tasks)
    return user + system
  }
  await start(1000)
  const ratios: number[] = []
  // It is the time of all threads that is measured, and only sometimes that of this one alone. 64 times as much would be so each time.
  for (let attempt = 0; attempt < 5 && !ratios.some((ratio) => ratio < 20); attempt += 1) {
    const few = await start(2500)
    ratios.push((await start(20_000)) / few)
  }
  t.true((ratios.at(-1) ?? Number.NaN) < 20, `8 times as many cost ${ratios} times as much`)
})

test('what else the runtime does on other threads goes on while tasks run', async (t) => {
  using map = longMemory()
  const controller = new AbortController()
  const tasks: Promise<unknown>[] = []
  const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), controller.signal)
  // More than the runtime's pool has threads, on any machine.
  for (let task = 0; task < 64; task += 1) {
    tasks.push(map.countAsync(`needle ${task}`, 0, undefined, { signal: controller.signal }).catch(() => 'aborted'))
  }
  const { promises } = await import('node:fs')
  let settled = 0
  for (const task of [promise, ...tasks]) {
    const count = (): void => {
      settled += 1
    }
    task.then(count, count)
  }
  t.is((await promises.readFile(scratchFile(t, TEXT))).toString(), TEXT)
  t.true(settled < 32, `${settled} tasks were done before a file was read`)
  controller.abort()
  await Promise.allSettled([promise, ...tasks])
})

// --- flushAsync and prefetch

test('flushAsync writes what flush writes', async (t) => {
  const path = scratchFile(t, pattern(5 * PAGESIZE))
  const map = mmap(path, 4 * PAGESIZE, { access: ACCESS_COPY, writeBack: true, offset: 13 })
  map.fill(1)
  t.true(readFileSync(path).equals(pattern(5 * PAGESIZE)))
  await map.flushAsync(PAGESIZE, 2 * PAGESIZE)
  const part = readFileSync(path)
  t.deepEqual(part.subarray(13 + PAGESIZE, 13 + 3 * PAGESIZE), Buffer.alloc(2 * PAGESIZE, 1))
  t.deepEqual(part.subarray(0, 13), pattern(13))
  await map.flushAsync()
  t.true(
    readFileSync(path).equals(
      Buffer.concat([pattern(13), Buffer.alloc(4 * PAGESIZE, 1), pattern(5 * PAGESIZE).subarray(13 + 4 * PAGESIZE)]),
    ),
  )
  map.fill(2)
  const flushing = map.flushAsync(0, -1)
  map.close()
  await flushing
  t.is(readFileSync(path)[13], 2)
})

test('flushAsync of private memory that is not written back writes nothing', async (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(path, 0, { access })
    map.bytes.fill(1)
    t.is(await map.flushAsync(), undefined)
    t.is(await map.flushAsync(PAGESIZE, 0), undefined)
  }
  t.true(readFileSync(path).equals(pattern(PAGESIZE)))
})

test('flushAsync reports every 8 MiB, and its errors are those of flush', async (t) => {
  using map = mmap(holes(t, 200 * MIB))
  for (let at = 0; at < map.length; at += MIB) map.setAt(at, 1)
  const reports: Progress[] = []
  await map.flushAsync(0, undefined, { onProgress: (progress) => reports.push(progress) })
  t.deepEqual(reports.at(-1), { done: map.length, total: map.length })
  t.true(
    reports.every(({ done, total }) => done % (8 * MIB) === 0 || done === total),
    inspect(reports),
  )
  for (const [offset, size] of [
    [-1, 0],
    [0, map.length + 1],
    [map.length + 1, 0],
  ] as const) {
    const thrown = t.throws(() => map.flush(offset, size))
    t.is((await rejection(map.flushAsync(offset, size))).message, thrown?.message)
  }
})

/** Takes a file out of the page cache. Says why it could not. */
function dropFromCache(path: string): string | undefined {
  const args = ['if=/dev/null', `of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']
  const { status, stderr, error } = spawnSync('dd', args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr)
}

const PREFETCHED = 16 * MIB + 123

const FILE_KINDS: Record<string, MmapOptions> = {
  ACCESS_WRITE: {},
  ACCESS_READ: { access: ACCESS_READ },
  ACCESS_COPY: { access: ACCESS_COPY },
  'an offset': { offset: PAGESIZE + 5 },
  'trackfd: false': { trackfd: false },
  shared: { sharedArrayBuffer: true },
  'shared and read only': { sharedArrayBuffer: true, access: ACCESS_READ },
}

for (const [name, options] of Object.entries(FILE_KINDS)) {
  onLinux(`prefetch brings a file into memory, with ${name}`, 'elsewhere dd does not empty the cache', async (t) => {
    const path = scratchFile(t, pattern(PREFETCHED))
    const why = dropFromCache(path)
    using map = mmap(path, 0, options)
    const before = map.resident()
    if (why !== undefined || before.resident > before.total / 2) {
      t.log(`not run: the file stays in the page cache of this system (${why ?? `${before.resident} pages`})`)
      t.pass()
      return
    }
    for (const length of [Math.floor(map.length / 2), map.length]) {
      const missing = async (): Promise<number> => {
        await map.prefetch(0, length)
        const { resident, total } = map.resident(0, length)
        return total - resident
      }
      // A system that is short of memory may have taken some back by then.
      let least = await missing()
      for (let attempt = 0; attempt < 4 && least > 0; attempt += 1) least = Math.min(least, await missing())
      t.is(least, 0)
    }
    const { offset } = map
    t.true(map.view(Buffer).equals(pattern(PREFETCHED).subarray(offset)))
    // Nothing was copied for it: what others write is still seen.
    if (options.access !== ACCESS_COPY) {
      using writer = mmap(path)
      writer.setAt(offset + 1000, 77)
      t.is(map.at(1000), 77)
    }
  })
}

onUnix(
  'prefetch of memory without a file makes it resident, and changes nothing',
  'resident() counts others there',
  async (t) => {
    for (const options of [
      {},
      { flags: MAP_PRIVATE },
      { sharedArrayBuffer: true },
      { tagname: `prefetch-${process.pid}` },
    ] satisfies MmapOptions[]) {
      using map = mmap(-1, 4 * MIB, options)
      map.write(TEXT)
      await map.prefetch()
      const { resident, total } = map.resident()
      t.is(resident, total, inspect(options))
      t.is(map.slice(0, TEXT.length).toString(), TEXT)
      t.is(map.at(-1), 0)
      await map.prefetch(map.length)
      await map.prefetch(5, 5)
    }
  },
)

// --- The thread or the process ends first

/** How many tasks there are at the end. */
const LEFT = 400

for (const [how, status] of [
  ['process.exit', 7],
  ['throw', 1],
  ['worker.terminate', 0],
  ['worker.exit', 0],
] as const) {
  onUnix(`${how} with tasks running does not wait for them`, 'memory for a long task costs there', async (t) => {
    const script = fileURLToPath(new URL('./every-runtime/task-ends.cjs', import.meta.url))
    const child = spawn(process.execPath, [script, how, String(LEFT)], { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    let ends = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (ends === 0 && output.endsWith('ends\n')) ends = performance.now()
    })
    const [code, signal] = await once(child, 'exit')
    const took = performance.now() - ends
    t.deepEqual([code, signal], [status, null])
    t.not(ends, 0)
    const scan = Number.parseFloat(output)
    t.log(`one scan ${scan.toFixed(0)} ms, the end ${took.toFixed(0)} ms`)
    // A pool of four, on four processors of their own, would need twice as long for all.
    t.true(took < (LEFT * scan) / 8, `the end took ${took} ms, and one of ${LEFT} scans ${scan} ms`)
  })
}

onLinux(
  'a worker ends with tasks running on the memory of its SharedArrayBuffer, which nobody touches then',
  'elsewhere such memory costs, or is not taken back',
  async (t) => {
    const script = fileURLToPath(new URL('./every-runtime/task-ends.cjs', import.meta.url))
    const args = [script, 'worker.terminate shared', String(LEFT)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    t.deepEqual(await once(child, 'exit'), [0, null])
  },
)

// Tasks do what the methods without a promise do.
//
// HOSTILE_SEED repeats a run of the properties.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import ava from 'ava'
import fc from 'fast-check'
import { ACCESS_COPY, ACCESS_READ, MAP_PRIVATE, type MmapOptions, mmap, PAGESIZE, type Progress } from 'memmap'
import { onLinux, onUnix } from '../support/platform.mjs'
import { pattern, scratchFile } from '../support/portable.mjs'
import { SEED } from '../support/seed.mjs'
import { holes, MIB, rejection, TEXT } from '../support/tasks.mjs'

const test = ava.serial

// First, because the process may not live to print it later.
test('seed: the seed of the properties is printed first', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

// --- Searches

test('findAsync, countAsync, replaceAllAsync: bounds and the cursor are those of find and count', async (t) => {
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
  // The cursor is read at the time of the call.
  const found = map.findAsync('one')
  map.seek(0)
  t.is(await found, 8)
})

test('findAsync, countAsync, replaceAllAsync: a needle may be any bytes, and may change after the call', async (t) => {
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

test('replaceAllAsync: both arguments may be views of the mapping itself', async (t) => {
  using map = mmap(scratchFile(t, 'abxxabab'))
  t.is(await map.replaceAllAsync(map.bytes.subarray(0, 2), map.bytes.subarray(2, 4)), 3)
  t.is(map.slice().toString(), 'xxxxxxxx')
  map.setSlice('abxxaxxb')
  t.is(await map.replaceAllAsync(map.bytes.subarray(2, 4), map.bytes.subarray(1, 3)), 2)
  t.is(map.slice().toString(), 'abbxabxb')
})

/** How many positions a task searches before it checks whether to go on. */
const CHUNK = 4 * MIB

const SEAMS = [0, CHUNK, 2 * CHUNK]

test('findAsync, countAsync, replaceAllAsync: a match across the seam of two chunks is found', async (t) => {
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

test('findAsync, countAsync, replaceAllAsync: repetitions across the seam are counted as by findAll', async (t) => {
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

test('countAsync, replaceAllAsync: a run of one byte is replaced as by replaceAll', async (t) => {
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

test('findAsync, countAsync, replaceAllAsync: needles longer than a chunk are found', async (t) => {
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

test('findAsync, countAsync, replaceAllAsync: the results are those of find, count and replaceAll', async (t) => {
  using map = mmap(-1, 2 * CHUNK + 5000)
  using other = mmap(-1, map.length)
  const letters = fc.constantFrom('a', 'b').map((letter) => letter.charCodeAt(0))
  const period = fc.array(letters, { minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes))
  const needles = fc.array(letters, { minLength: 1, maxLength: 7 }).map((bytes) => Buffer.from(bytes))
  const noise = fc.array(fc.tuple(fc.constantFrom(...SEAMS), fc.integer({ min: -20, max: 20 }), letters))
  const start = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }))
  const stop = fc.oneof(fc.constant(undefined), fc.integer({ min: -2000, max: -1 }))
  // A replacement may begin or end like the needle.
  const replacements = fc.array(letters, { minLength: 7, maxLength: 7 })
  const all = [period, needles, replacements, noise, start, stop] as const
  const property = fc.asyncProperty(...all, async (period, needle, replacement, noise, start, stop) => {
    map.fill(period)
    // These lie around the seams of a range that begins at `start`.
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

// --- flushAsync

test('flushAsync: it writes what flush writes', async (t) => {
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

test('flushAsync: private memory that is not written back is not written', async (t) => {
  const path = scratchFile(t, pattern(PAGESIZE))
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(path, 0, { access })
    map.bytes.fill(1)
    t.is(await map.flushAsync(), undefined)
    t.is(await map.flushAsync(PAGESIZE, 0), undefined)
  }
  t.true(readFileSync(path).equals(pattern(PAGESIZE)))
})

test('flushAsync: progress comes every 8 MiB, and errors are those of flush', async (t) => {
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

// --- prefetch

/** Takes a file out of the page cache. Returns the reason if that fails. */
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
  onLinux(
    `prefetch: a file is brought into memory, with ${name}`,
    'elsewhere dd does not empty the cache',
    async (t) => {
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
        // A system that is short of memory may have taken some pages back by then.
        let least = await missing()
        for (let attempt = 0; attempt < 4 && least > 0; attempt += 1) least = Math.min(least, await missing())
        t.is(least, 0)
      }
      const { offset } = map
      t.true(map.view(Buffer).equals(pattern(PREFETCHED).subarray(offset)))
      // No page was copied: what others write is still seen.
      if (options.access !== ACCESS_COPY) {
        using writer = mmap(path)
        writer.setAt(offset + 1000, 77)
        t.is(map.at(1000), 77)
      }
    },
  )
}

onUnix(
  'prefetch: memory without a file becomes resident, and does not change',
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

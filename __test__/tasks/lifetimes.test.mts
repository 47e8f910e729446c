// What becomes of tasks when the mapping changes or ends, and when the thread or the process ends.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, truncateSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ava, { type ExecutionContext } from 'ava'
import {
  ACCESS_COPY,
  ACCESS_READ,
  MAP_PRIVATE,
  type Mmap,
  type MmapOptions,
  mmap,
  PAGESIZE,
  PROT_READ,
  type TaskOptions,
} from 'memmap'
import { onLinux, onUnix } from '../support/platform.mjs'
import { collectUntil, mapsOf, pattern, scratchFile } from '../support/portable.mjs'
import {
  GIB,
  holes,
  inTheMiddle,
  longMemory,
  MIB,
  occupyThreads,
  prefetching,
  rejection,
  TEXT,
} from '../support/tasks.mjs'

const test = ava.serial

// --- close()

test('close: a running task goes on, and its result is right', async (t) => {
  const map = longMemory()
  map.setSlice('needle', -6)
  const { promise, reports } = await inTheMiddle((options) => map.findAsync('needle', 0, undefined, options))
  const count = map.countAsync('needle')
  map.close()
  t.is(await promise, 4 * GIB - 6)
  t.is(await count, 1)
  t.is(reports.at(-1)?.done, reports.at(-1)?.total)
})

test('close: a task on a SharedArrayBuffer goes on, and its result is right', async (t) => {
  const map = mmap(-1, 64 * MIB, { sharedArrayBuffer: true })
  map.setSlice('needle', -6)
  const promise = map.findAsync('needle', 0)
  const count = map.countAsync('needle')
  map.close()
  t.is(await promise, 64 * MIB - 6)
  t.is(await count, 1)
})

test('close: a replacement goes on, and all of it is in the file', async (t) => {
  const path = scratchFile(t, Buffer.alloc(64 * MIB, 'a'))
  const map = mmap(path)
  const promise = map.replaceAllAsync('a', 'b')
  map.close()
  t.is(await promise, 64 * MIB)
  t.is(readFileSync(path).indexOf('a'), -1)
})

onLinux(
  'close: a mapping with a SharedArrayBuffer is closed and collected while a task runs',
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
  'close: memory is released at once when its tasks have ended and nobody has had a view',
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

onLinux(
  'garbage collection: a Mmap that is collected in the middle does not end its tasks',
  'it reads /proc/self/maps',
  async (t) => {
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
  },
)

// --- unmap()

test('unmap: a task that waits for a thread ends at once, and nothing is touched', async (t) => {
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

onLinux(
  'unmap: running and waiting tasks end, and the file is released when it returns',
  'it reads /proc/self/maps',
  async (t) => {
    const path = holes(t, GIB)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options))
    const others = Array.from({ length: 20 }, (_, task) => map.countAsync(`needle ${task}`))
    others.push(map.prefetch().then(() => 0))
    // Advice that a scan gives may divide the mapping, so there may be several.
    t.not(mapsOf(path), 0)
    map.unmap()
    t.is(mapsOf(path), 0)
    for (const task of [promise, ...others]) {
      await t.throwsAsync(task, { instanceOf: Error, code: 'ERR_MMAP_CLOSED', message: 'mmap closed or invalid' })
    }
  },
)

onLinux(
  'unmap: tasks end after close() too, also on memory of before a resize',
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
    // The first tasks may have ended before the file had its new size.
    const first = await Promise.allSettled(before.splice(0, 4))
    for (const end of first) if (end.status === 'rejected') t.is(end.reason.code, 'ERR_MMAP_CLOSED')
    for (const task of [...before, ...later]) await t.throwsAsync(task, { code: 'ERR_MMAP_CLOSED' })
  },
)

test('unmap: the stack of a rejection says who waits', async (t) => {
  const map = longMemory()
  const whoWaits = async (options: TaskOptions): Promise<number> =>
    await map.countAsync('needle', 0, undefined, options)
  const { promise } = await inTheMiddle(whoWaits)
  map.unmap()
  t.regex(String((await rejection(promise)).stack), /^Error: mmap closed or invalid\n.* async whoWaits /s)
})

test('unmap: the rejection says how many were replaced by then', async (t) => {
  const path = scratchFile(t, Buffer.alloc(128 * MIB, 'a'))
  const map = mmap(path)
  const { promise } = await inTheMiddle((options) => map.replaceAllAsync('a', 'b', 0, undefined, options))
  map.unmap()
  // The file does not change any more, because nobody writes.
  const content = readFileSync(path)
  const error = await rejection(promise)
  t.is(error.code, 'ERR_MMAP_CLOSED')
  t.is(error.replaced, content.indexOf('a'))
  t.true(readFileSync(path).equals(content))
})

onLinux('unmap: the tasks of a mapping with a SharedArrayBuffer end', 'it reads /proc/self/maps', async (t) => {
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

// --- resize(), protect() and writeBack

test('resize: a task goes on with the memory that it began with', async (t) => {
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

/**
 * Replaces a byte that is everywhere by 'b', and calls `end` when that has begun, before the event
 * loop turns. The task must then end with this code. Returns how many it says were replaced.
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

test('resize: a replacement ends when memory is copied, and all that it has replaced is in the copy', async (t) => {
  using map = mmap(-1, 64 * MIB, MAP_PRIVATE === undefined ? {} : { flags: MAP_PRIVATE })
  const end = (): void => map.resize(64 * MIB + PAGESIZE)
  const replaced = await replacedUntil(t, map, '\0', 'ERR_MMAP_READONLY', end)
  t.is<unknown, unknown>(map.count('b'), replaced)
})

onLinux(
  'resize: a mapping grows in its SharedArrayBuffer while a task runs',
  'elsewhere there may be none',
  async (t) => {
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
  },
)

onLinux(
  'resize: a file that is shrunk in the middle ends in a number or in ERR_MMAP_FAULT',
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

for (const end of ['close', 'unmap'] as const) {
  test(`writeBack: a replacement ends with ${end}(), and all that it has replaced is in the file`, async (t) => {
    const path = scratchFile(t, Buffer.alloc(64 * MIB, 'a'))
    const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true })
    const replaced = await replacedUntil(t, map, 'a', 'ERR_MMAP_CLOSED', () => map[end]())
    t.is<unknown, unknown>(readFileSync(path).indexOf('a'), replaced)
  })
}

/** When `end` ends a replacement, the file has as many as the error says were replaced. */
async function endsWithAllInFile(t: ExecutionContext, options: MmapOptions, end: (map: Mmap) => void): Promise<void> {
  const path = holes(t, 64 * MIB)
  using map = mmap(path, 0, options)
  const replaced = await replacedUntil(t, map, '\0', 'ERR_MMAP_READONLY', () => end(map))
  using file = mmap(path, 0, { access: ACCESS_READ })
  t.is<unknown, unknown>(file.count('b'), replaced)
}

for (const [kind, options] of Object.entries({
  'that is written through': {},
  'that is written back': { access: ACCESS_COPY, writeBack: true },
  'with a SharedArrayBuffer': { sharedArrayBuffer: true },
} satisfies Record<string, MmapOptions>)) {
  onUnix(
    `protect: a replacement in a file ${kind} ends, and all that it has replaced is in the file`,
    'it has no protect',
    (t) => endsWithAllInFile(t, options, (map) => map.protect(PROT_READ)),
  )
}

onLinux(
  'protect: a replacement ends also after the mapping has grown in place',
  'elsewhere there may be no place',
  (t) =>
    endsWithAllInFile(t, { sharedArrayBuffer: { maxByteLength: 128 * MIB } }, (map) => {
      map.resize(64 * MIB + PAGESIZE)
      map.protect(PROT_READ)
    }),
)

// --- Truncated files

onLinux(
  'all tasks: a file that is truncated in the middle ends in ERR_MMAP_FAULT',
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
      // The file system may be slow, so the first tasks may have ended by then.
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
  'replaceAllAsync: a file that is truncated says how many it had replaced',
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

// --- Other threads, and many tasks

onLinux('buffer: a SharedArrayBuffer can be taken while a task runs', 'elsewhere there may be none', async (t) => {
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
})

test('countAsync, findAsync: 1,000 tasks at once all end, and cost no memory afterwards', async (t) => {
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

test('countAsync: to start a task costs as much however many there are', async (t) => {
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
  // What is measured is the time of all threads, so one attempt may mislead. Several do not.
  for (let attempt = 0; attempt < 5 && !ratios.some((ratio) => ratio < 20); attempt += 1) {
    const few = await start(2500)
    ratios.push((await start(20_000)) / few)
  }
  t.true((ratios.at(-1) ?? Number.NaN) < 20, `8 times as many cost ${ratios} times as much`)
})

test('countAsync: work of the runtime on other threads goes on while tasks run', async (t) => {
  using map = longMemory()
  const controller = new AbortController()
  const tasks: Promise<unknown>[] = []
  const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), controller.signal)
  // There are more tasks than the runtime's pool has threads on any machine.
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

// --- The end of a thread or the process

/** How many tasks are left at the end. */
const LEFT = 400

for (const [how, status] of [
  ['process.exit', 7],
  ['throw', 1],
  ['worker.terminate', 0],
  ['worker.exit', 0],
] as const) {
  onUnix(`${how}: the end does not wait for running tasks`, 'memory for a long task costs there', async (t) => {
    const script = fileURLToPath(new URL('../every-runtime/task-ends.cjs', import.meta.url))
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
  'worker.terminate: running tasks do not touch the memory of its SharedArrayBuffer any more',
  'elsewhere such memory costs, or is not taken back',
  async (t) => {
    const script = fileURLToPath(new URL('../every-runtime/task-ends.cjs', import.meta.url))
    const args = [script, 'worker.terminate shared', String(LEFT)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    t.deepEqual(await once(child, 'exit'), [0, null])
  },
)

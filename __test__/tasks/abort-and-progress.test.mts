// How tasks report their progress, and how a signal stops them.

import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import ava, { type ExecutionContext } from 'ava'
import { ACCESS_READ, mmap, type Progress } from 'memmap'
import { onLinux } from '../support/platform.mjs'
import { collectUntil, scratchFile } from '../support/portable.mjs'
import {
  GIB,
  holes,
  inTheMiddle,
  longMemory,
  MIB,
  occupyThreads,
  promised,
  type Rejection,
  rejection,
  TASKS,
  TEXT,
} from '../support/tasks.mjs'

const test = ava.serial

// --- Progress

test('onProgress: done goes up, is total once, and does not come too often', async (t) => {
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

test('onProgress: a task that is done at once reports so once', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const [method, args] of TASKS) {
    const reports: Progress[] = []
    await promised(map, method, ...args, { onProgress: (progress: Progress) => reports.push(progress) })
    // A device may be slow to flush even this. Then a report that nothing is done comes before.
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

test('onProgress: done === total is reported once, even if the event loop was blocked', async (t) => {
  using map = mmap(-1, 64 * MIB)
  map.prefetch()
  await map.countAsync('needle')
  const reports: Progress[] = []
  const promise = map.countAsync('needle', 0, undefined, { onProgress: (progress) => reports.push(progress) })
  // This is the same work many times over, so the task ends and its report is due meanwhile.
  for (let round = 0; round < 30; round += 1) map.count('needle')
  await promise
  t.is(reports.filter(({ done, total }) => done === total).length, 1, inspect(reports))
})

test('onProgress: what it throws is the rejection, and the work stops', async (t) => {
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
    // It has stopped: no more are replaced.
    t.is(await map.countAsync('b'), replaced)
    map.replaceAll('b', 'a')
  }
})

test('onProgress: what it throws at the very end is the rejection, too', async (t) => {
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

test('signal: one that is aborted already starts nothing', async (t) => {
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
  // Wrong arguments are reported first.
  const signal = AbortSignal.abort()
  await t.throwsAsync(promised(map, 'countAsync', 5, 0, undefined, { signal }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('signal: a search that is aborted in the middle ends with an AbortError', async (t) => {
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

test('signal: a replacement that is aborted in the middle says how many it has replaced', async (t) => {
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

onLinux(
  'signal: prefetch is aborted in the middle',
  'elsewhere a file of holes may be prefetched at once',
  async (t) => {
    using map = mmap(holes(t, 2 * GIB), 0, { access: ACCESS_READ })
    const controller = new AbortController()
    const { promise } = await inTheMiddle((options) => map.prefetch(0, undefined, options), controller.signal)
    controller.abort()
    isAbort(t, await rejection(promise), controller.signal.reason)
    const { resident, total } = map.resident()
    t.true(resident < total)
  },
)

test('signal: a timeout is a reason as any other', async (t) => {
  using map = longMemory()
  const signal = AbortSignal.timeout(1)
  isAbort(t, await rejection(map.countAsync('needle', 0, undefined, { signal })), signal.reason)
})

test('signal: a listener that stops all after it does not stop that of the task', async (t) => {
  using map = longMemory()
  const controller = new AbortController()
  const { signal } = controller
  signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
  const { promise } = await inTheMiddle((options) => map.countAsync('needle', 0, undefined, options), signal)
  controller.abort('heard')
  isAbort(t, await rejection(promise), 'heard')
})

test('signal: an abort after the end changes nothing, and no property of the signal is read', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const controller = new AbortController()
  const { signal } = controller
  for (const name of ['addEventListener', 'removeEventListener', 'aborted', 'reason']) {
    // Own properties of the signal, none of which is read.
    Object.defineProperty(signal, name, { get: () => t.fail(`${name} was asked for`) })
  }
  t.is(await map.countAsync('one', 0, undefined, { signal }), 3)
  controller.abort()
  await setImmediate()
  await t.throwsAsync(map.countAsync('one', 0, undefined, { signal }), { code: 'ABORT_ERR' })
})

test('signal: one stops many tasks, the waiting ones too, and Node warns of no leak', async (t) => {
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

test('signal: it has a listener while a task runs, and can be collected then', async (t) => {
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
    // The event does not make the signal aborted, so it can be aborted later.
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

test('signal: a task that waits for a thread is aborted at once, and nothing is touched', async (t) => {
  const running = occupyThreads(t)
  using map = mmap(-1, 4096)
  const waits = new AbortController()
  const promise = map.replaceAllAsync('\0', 'x', 0, undefined, { signal: waits.signal })
  const reason = new Error('not any more')
  waits.abort(reason)
  const error = await rejection(promise)
  isAbort(t, error, reason)
  t.is(error.replaced, 0)
  // All threads were busy all the time.
  t.is(await Promise.race([...running, 'still running']), 'still running')
  t.is(map.count('\0'), 4096)
})

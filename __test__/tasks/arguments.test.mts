// What tasks refuse, and how they read their options.

import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import ava from 'ava'
import { ACCESS_READ, type Mmap, mmap, type Progress } from 'memmap'
import { scratchFile } from '../support/portable.mjs'
import { promised, rejection, TASKS, TEXT } from '../support/tasks.mjs'

const test = ava.serial

test('all tasks: wrong arguments are rejections, and nothing is done', async (t) => {
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
  cases.push([type, 'findAsync', [/one/, 0, undefined, options]])
  cases.push([type, 'replaceAllAsync', ['one', /one/, 0, undefined, options]])
  for (const nothing of [undefined, null, 5, 5n, true, {}, [1], Symbol('s'), () => {}]) {
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
    for (const threads of ['2', 2n, null, true, {}]) cases.push([type, method, [...args, { onProgress, threads }]])
    for (const threads of [0, -1, 17, 1e6, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      cases.push([range, method, [...args, { onProgress, threads }]])
    }
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

test('all tasks: the range may be among the options', async (t) => {
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

test('all tasks: options in two places, and a signal in place of options, are refused', async (t) => {
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
      [
        [{ offset: 1 }],
        /^The property "options\.offset" is not an option of .+ start, stop, signal, onProgress, threads$/,
      ],
    ] as const) {
      const { message: said, code } = await rejection(promised(map, method, ...before, ...more))
      t.regex(said, message, String(method))
      t.is(code, said.startsWith('The property') ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE')
    }
  }
})

test('countAsync: an error names the option that is wrong', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const message = async (options: unknown): Promise<string> =>
    (await rejection(promised(map, 'countAsync', 'one', 0, undefined, options))).message
  t.is(
    await message({ signal: 5 }),
    'The "signal" argument must be an instance of AbortSignal. Received type number (5)',
  )
  t.is(await message({ onProgress: 5 }), 'The "onProgress" argument must be of type function. Received type number (5)')
  t.is(await message({ threads: '2' }), `The "threads" argument must be of type number. Received type string ('2')`)
  for (const threads of [0, -1, 17, 1e6]) {
    t.regex(await message({ threads }), /^The argument is out of range: .*"threads" .*1 to 16\. Received -?\d+/)
  }
  t.regex(await message({ threads: Number.NaN }), /"threads".* an integer\. Received NaN$/)
  t.regex(
    await message({ sgnal: 5 }),
    /^The property "options\.sgnal" is not an option of .+ Options are signal, onProgress, threads$/,
  )
})

test('countAsync: a signal in place of options is refused, and not ignored', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  await t.throwsAsync(promised(map, 'countAsync', 'one', 0, undefined, new AbortController().signal), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "options" argument must be of type object. Received an instance of AbortSignal',
  })
})

test('all tasks: a mapping that is closed or read-only is a rejection', async (t) => {
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

test('countAsync: options are read once, and may close the mapping', async (t) => {
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
    get threads(): number {
      read.push('threads')
      return 2
    },
  }
  t.is(await map.countAsync('one', 0, undefined, options), 3)
  t.deepEqual(read.toSorted(), ['onProgress', 'signal', 'threads'])
  const closing = {
    get signal(): undefined {
      map.close()
      return undefined
    },
  }
  await t.throwsAsync(map.countAsync('one', 0, undefined, closing), { code: 'ERR_MMAP_CLOSED' })
})

test('replaceAllAsync: what the getter of an option throws is the rejection', async (t) => {
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

test('countAsync: undefined options are the same as none', async (t) => {
  using map = mmap(scratchFile(t, TEXT))
  t.is(await map.countAsync('one', undefined, undefined, undefined), 3)
  t.is(await map.countAsync('one', 1, undefined, { signal: undefined, onProgress: undefined }), 2)
  t.is(await map.countAsync('one', 0, 4, {}), 1)
})

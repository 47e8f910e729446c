// Regular expressions: search, match, matchAll, count, lines({ matching }) and replaceAll, and
// their tasks. Random patterns are compared with RegExp by every-runtime/regexp.cjs, on every
// engine.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import ava, { type ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, type Mmap, MmapMatch, mmap } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { scratchFile, zeros } from './support/portable.mjs'

const test = ava.serial

/** The number of vectors. */
const RECORDED = 297

const TEXT = '2026-11-28 ERROR [disk] full\n2026-11-29 WARN [net] slow\n'

function textMap(t: ExecutionContext, text: string | Uint8Array = TEXT): Mmap {
  const map = mmap(scratchFile(t, text))
  t.teardown(() => map.close())
  return map
}

const spans = (matches: Iterable<MmapMatch>): [number, number][] => [...matches].map(({ index, end }) => [index, end])

// --- What is found

test('match: a match has its place, its text, its bytes and its groups', (t) => {
  const map = textMap(t)
  const match = map.match(/(?<year>\d{4})-(?<month>\d\d)-\d\d (WARN|INFO)( fatal)?/)
  t.true(match instanceof MmapMatch)
  if (match === null) return
  t.deepEqual([match.index, match.end, match.length], [29, 44, 15])
  t.is(match.text, '2026-11-29 WARN')
  t.is(Buffer.from(match.bytes).toString(), '2026-11-29 WARN')
  t.deepEqual(match.span('month'), [34, 36])
  t.deepEqual(match.span(0), [29, 44])
  t.deepEqual([match.group(3), match.group(4), match.span(4)], ['WARN', undefined, undefined])
  t.deepEqual({ ...match.groups }, { year: '2026', month: '11' })
  const [all, year, month, level, fatal] = match
  t.deepEqual([all, year, month, level, fatal], ['2026-11-29 WARN', '2026', '11', 'WARN', undefined])
  t.is(map.match(/nothing/), null)
  t.is(map.match(/ERROR/)?.groups, undefined)
})

test('match: bytes and text are read when they are asked for, and the place is of the search', (t) => {
  const map = textMap(t)
  const match = map.match(/ERROR/)
  map.set('error', 11)
  t.is(match?.text, 'error')
  t.is(match?.index, 11)
})

test('search, matchAll, count: the range, and what is before and after it', (t) => {
  const map = textMap(t, 'aXbXc')
  t.is(map.search(/X/, 2), 3)
  t.is(map.search(/X/, { start: -3, stop: -1 }), 3)
  t.is(map.search(/X/, 2, 3), -1)
  t.is(map.search(/^b/, 2), -1)
  t.is(map.search(/\bb/, 2), -1)
  t.is(map.search(/b$/, 0, 3), 2)
  t.deepEqual(spans(map.matchAll(/X/, 2)), [[3, 4]])
  t.deepEqual(spans(map.matchAll(/X/, { start: 1, stop: 3 })), [[1, 2]])
  t.is(map.count(/X/), 2)
  t.is(map.count(/X/, 2), 1)
  t.is(map.count(/X/, { stop: 1 }), 0)
  t.is(map.count(/(?:)/), 6)
})

test('matchAll: the flags g and d and lastIndex have no effect, and y anchors each match', (t) => {
  const map = textMap(t, 'aabaa')
  const re = /a/g
  re.lastIndex = 3
  t.is(map.search(re), 0)
  t.is(re.lastIndex, 3)
  t.deepEqual(spans(map.matchAll(/a/dg)), spans(map.matchAll(/a/)))
  t.deepEqual(spans(map.matchAll(/a/y)), spans(map.matchAll(/a/, 0, 2)))
  t.deepEqual(spans(map.matchAll(/a/y, 3)), spans(map.matchAll(/a/, 3)))
  t.deepEqual(spans(map.matchAll(/a/y, 2)), [])
})

test('matchAll: without u the unit is a byte, and a typed character is its UTF-8', (t) => {
  const map = textMap(t, Buffer.from([0xff, 0xd8, 0xff, 0x0a, ...Buffer.from('Müller\u00a0é')]))
  t.is(map.search(/\xff\xd8\xff/), 0)
  t.is(map.search(/Müller/), 4)
  t.is(map.match(/M.{2}l/)?.index, 4)
  t.is(map.match(/M.l/u)?.index, 4)
  t.deepEqual(map.match(/[äöü]l/)?.length, 3)
  t.is(map.search(/\xe9/), -1)
  t.is(map.search(/\xe9/u), 13)
  t.is(map.search(/r\s/u), 10)
  t.is(map.search(/r\s/), -1)
  t.is(map.search(/É/i), 13)
  t.deepEqual([map.count(/(?:)/u, 4, 8), map.count(/(?:)/, 4, 8)], [4, 5])
})

test('matchAll: there is a match at each of many places, and groups can be left out', (t) => {
  const map = textMap(t, 'x1'.repeat(20_000))
  let expected = 0
  for (const match of map.matchAll(/x(\d)/)) {
    t.is(match.index, expected)
    if (match.index % 5000 === 0) t.deepEqual(match.span(1), [expected + 1, expected + 2])
    expected += 2
  }
  t.is(expected, 40_000)
  const [match] = map.matchAll(/x(\d)/, { groups: false })
  t.throws(() => match?.group(1), { code: 'ERR_OUT_OF_RANGE', message: /groups were searched for/ })
  t.is(match?.text, 'x1')
})

test('matchAll: captures of an earlier iteration are forgotten, as in JavaScript', (t) => {
  const map = textMap(t, 'ab aab')
  for (const re of [/(?:(a)|b)*/g, /(?:(a)|(b))+/g, /(?:(?:(a)|b)*c?)*/g, /(z)((a+)?(b+)?(c))*|(a)/g]) {
    const expected = [...'ab aab'.matchAll(re)].map((match) => [...match])
    t.deepEqual(
      [...map.matchAll(re)].map((match) => [...match]),
      expected,
    )
  }
})

test('matchAll: it goes on after the mapping has become longer', (t) => {
  const map = textMap(t, 'a1a2')
  const matches = map.matchAll(/a(.)/)
  t.is(matches.next().value?.group(1), '1')
  map.resize(6)
  map.set('a3', 4)
  t.deepEqual(
    [...matches].map((match) => match.group(1)),
    ['2', '3'],
  )
})

test('matchAll: it ends with an error after the mapping has been closed', (t) => {
  const map = mmap(scratchFile(t, 'aaaa'))
  const matches = map.matchAll(/a/)
  const match: MmapMatch | undefined = matches.next().value
  map.close()
  t.throws(() => matches.next(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => match?.text, { code: 'ERR_MMAP_CLOSED' })
  t.is(match?.index, 0)
})

test('search: patterns of any size are compiled or refused, and soon', (t) => {
  const map = textMap(t, 'b')
  const long = 'a'.repeat(200_000)
  t.is(map.search(new RegExp(`(?:${long})?b`)), 0)
  t.is(map.search(new RegExp(`(?:${long})b`)), -1)
  const started = performance.now()
  t.throws(() => map.search(/(?:(?:(?:^){1000}){100})*/), { code: 'ERR_MMAP_REGEXP' })
  t.true(performance.now() - started < 10_000)
})

interface Vector {
  python: string
  source: string
  flags: string
  text: string
  groups: boolean
  matches: ([number, number] | null)[][]
}

test("matchAll: it finds what CPython's re finds in an mmap, in the cases of its own tests", (t) => {
  // vectors/regexp/record.py has written them.
  const lines = readFileSync(new URL('./vectors/regexp/matches.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  t.is(lines.length, RECORDED)
  for (const line of lines) {
    const vector: Vector = JSON.parse(line)
    const text = Buffer.from(vector.text, 'hex')
    using map = mmap(-1, text.length)
    map.set(text)
    const found = [...map.matchAll(new RegExp(vector.source, vector.flags))]
    t.deepEqual(
      found.map((match) =>
        [...match].map((_, group) => match.span(group) ?? null).slice(0, vector.groups ? undefined : 1),
      ),
      vector.matches.map((groups) => (vector.groups ? groups : groups.slice(0, 1))),
      line,
    )
  }
})

// --- Groups that are asked for after the search

const allSpans = (match: MmapMatch): ([number, number] | undefined)[] => {
  const count = [...match].length
  return Array.from({ length: count }, (_, which) => match.span(which))
}

test('span: the places of groups are the same whenever they are asked for', async (t) => {
  const text = Array.from({ length: 3000 }, (_, number) => `${number} ab aab ${number % 7}ms cab${number % 3}\n`).join(
    '',
  )
  const map = textMap(t, text)
  for (const re of [
    /(\d+) (ab)/dg,
    /^(?<all>.* (?<time>\d)ms) .*$/dgm,
    /(\d)(?:(a+)|(b))+(\d)?/dg,
    /(?:(a)|b)+/dg,
    /((a+)?(b+)?( ))*(c)?/dg,
    /\b(\w)(\w*)\b|(\n)$/dg,
  ]) {
    const expected = [...text.matchAll(re)].map(({ indices }) => [...(indices ?? [])])
    const atOnce: unknown[] = []
    for (const match of map.matchAll(re)) atOnce.push(allSpans(match))
    t.deepEqual(atOnce, expected, `at once ${re}`)
    const matches = [...map.matchAll(re)]
    t.deepEqual(matches.map(allSpans), expected, `later ${re}`)
    const others = [...map.matchAll(re)].reverse()
    t.deepEqual(others.map(allSpans).reverse(), expected, `backwards ${re}`)
    const some = [...map.matchAll(re)].filter((_, number) => number % 5 < 2)
    t.deepEqual(
      some.map(allSpans),
      expected.filter((_, number) => number % 5 < 2),
      `some ${re}`,
    )
    const ofTasks: MmapMatch[] = []
    for await (const match of map.matchAllAsync(re)) ofTasks.push(match)
    t.deepEqual(ofTasks.map(allSpans), expected, `tasks ${re}`)
    const atOnceOfTasks: unknown[] = []
    for await (const match of map.matchAllAsync(re)) atOnceOfTasks.push(allSpans(match))
    t.deepEqual(atOnceOfTasks, expected, `tasks, at once ${re}`)
  }
})

test('span, group, groups, iteration: bytes that are no match any more have no groups', (t) => {
  for (const [re, text, changed] of [
    // What is beside the match, before, in and after the group.
    [/\b(b)/, 'b b', 'b_b'],
    [/(b)\b/, 'b b ', 'b b_'],
    [/-(b)/, '-b-b', '-b+b'],
    [/(b)/, 'bb', 'bx'],
    [/(b)(?:.|\n)*?;/, 'b;ba;', 'b;ba,'],
    // The end is read first.
    [/a.*(b);/, 'ab;\naxb;', 'ab;\nxxb;'],
    // A shorter match would be left.
    [/(?:(a)|b)+/, 'a bab', 'a bxb'],
    [/(a+)(?:bb|b)(c*)/, 'ab abbcc', 'ab abbcx'],
  ] as const) {
    const map = textMap(t, text)
    const last = [...map.matchAll(re)].at(-1)
    const place = [last?.index, last?.end]
    map.set(changed, 0)
    for (const ask of [(): unknown => last?.span(1), (): unknown => last?.group(1), (): unknown => [...(last ?? [])]]) {
      t.throws(ask, { code: 'ERR_MMAP_CHANGED', message: /in the loop/ }, `${re}`)
    }
    t.deepEqual([last?.index, last?.end, last?.span(0)], [...place, place])
    t.is(last?.text, changed.slice(...place))
    t.throws(() => last?.span(9), { code: 'ERR_OUT_OF_RANGE' })
    map.set(text, 0)
    t.deepEqual(last?.span(1), map.match(re, place[0])?.span(1), `${re}`)
    // From now on they are known.
    map.set(changed, 0)
    t.notThrows(() => last?.span(1))
  }
  const map = textMap(t, 'x1x2')
  const last = [...map.matchAll(/x(?<digit>\d)/)].at(-1)
  map.set('xx', 2)
  t.throws(() => last?.groups, { code: 'ERR_MMAP_CHANGED' })
})

test('span: groups are found as if the mapping still ended where the search did', (t) => {
  const map = textMap(t, 'b\nb\nb')
  const matches = [...map.matchAll(/(b)$/m)]
  map.resize(9)
  map.set('bbbb', 5)
  t.deepEqual(matches.map(allSpans).at(-1), [
    [4, 5],
    [4, 5],
  ])
  const within = [...map.matchAll(/(b)$/m, 0, 6)]
  t.deepEqual(within.at(-1)?.span(1), [5, 6])
  const cut = [...map.matchAll(/(b)/)]
  map.resize(3)
  t.deepEqual(cut[1]?.span(1), [2, 3])
  t.throws(() => cut[2]?.span(1), { code: 'ERR_MMAP_CHANGED' })
})

test('span: after close() only what was found before is known', (t) => {
  const map = mmap(scratchFile(t, 'a1a2a3a4a5'))
  const matches = [...map.matchAll(/a(\d)/)]
  t.is(matches[1]?.group(1), '2')
  map.close()
  t.deepEqual(matches[1]?.span(1), [3, 4])
  t.throws(() => matches[4]?.span(1), { code: 'ERR_MMAP_CLOSED' })
  t.deepEqual(matches[4]?.span(0), [8, 10])
})

test('matchAll, matchAllAsync: groups are found with the match while a loop asks for them', async (t) => {
  const text = 'x1'.repeat(10_000)
  /** How many matches still have groups in a loop that destroys each match before it asks. */
  const known = (asksAlways: boolean, destroyed: Mmap, match: MmapMatch): boolean => {
    destroyed.setAt(match.index, 0)
    if (!asksAlways && match.index % 1000 !== 998) return false
    try {
      return match.span(1)?.[0] === match.index + 1
    } catch (error) {
      t.like(error, { code: 'ERR_MMAP_CHANGED' })
      return false
    }
  }
  for (const [asksAlways, least, most] of [
    [true, 10_000, 10_000],
    [false, 0, 0],
  ] as const) {
    const map = textMap(t, text)
    let count = 0
    for (const match of map.matchAll(/x(\d)/)) count += Number(known(asksAlways, map, match))
    t.true(count >= least && count <= most, `${count}`)
    map.set(text, 0)
    count = 0
    for await (const match of map.matchAllAsync(/x(\d)/)) count += Number(known(asksAlways, map, match))
    t.true(count >= least && count <= most, `${count}, tasks`)
  }
})

test('matchAll: a loop that asks a few matches for all of their groups does not ask most of them', (t) => {
  const map = textMap(t, 'x123'.repeat(10_000))
  let number = 0
  let changed = 0
  for (const match of map.matchAll(/x(\d)(\d)(\d)/)) {
    number += 1
    // These are no neighbours, whose groups would be found in one call.
    if (number % 10 === 2 || number % 10 === 5) t.is([...match].length, 4)
    if (number < 100 || number % 10 !== 8) continue
    // Groups that are found with the match outlast it.
    map.setAt(match.index, 0)
    t.throws(() => match.span(1), { code: 'ERR_MMAP_CHANGED' })
    changed += 1
  }
  t.is(changed, 990)
})

test('span: one match of many that is asked for a group costs little memory', (t) => {
  const groups = 100
  const map = textMap(t, 'xz'.repeat(5000))
  const matches = [...map.matchAll(new RegExp(`x${'(y)?'.repeat(groups)}(z)`))]
  const before = process.memoryUsage().arrayBuffers
  t.deepEqual(matches[4000]?.span(groups + 1), [8001, 8002])
  const room = process.memoryUsage().arrayBuffers - before
  t.true(room < 512 * 1024, `${room} bytes`)
})

test('replaceAll, match, matchAsync: groups are found with the match', async (t) => {
  const map = textMap(t, 'x1x2x3')
  const first = map.match(/x(\d)/, 2)
  const firstOfTask = await map.matchAsync(/x(\d)/, 2)
  const replaced: MmapMatch[] = []
  map.replaceAll(/x(\d)/, (match) => {
    replaced.push(match)
    return '--'
  })
  t.is(map.toString(), '------')
  t.deepEqual(
    [...replaced, first, firstOfTask].map((match) => match?.span(1)),
    [
      [1, 2],
      [3, 4],
      [5, 6],
      [3, 4],
      [3, 4],
    ],
  )
})

test('span: a match of more than 16 MiB has no groups, also when they are asked for later', (t) => {
  const map = mmap(-1, 2 ** 24 + 8)
  t.teardown(() => map.close())
  map.set('ab')
  const [short, long] = [...map.matchAll(/(a)b|(\0)\0*/)]
  t.is(long?.length, 2 ** 24 + 6)
  t.throws(() => long?.span(1), { code: 'ERR_OUT_OF_RANGE', message: /16 MiB/ })
  t.deepEqual(short?.span(1), [0, 1])
})

// --- Lines

test('lines: matching leaves the other lines out, as views and as text', (t) => {
  const map = textMap(t)
  t.deepEqual([...map.lines({ matching: /WARN/, encoding: 'utf8' })], ['2026-11-29 WARN [net] slow'])
  t.deepEqual(
    [...map.lines({ matching: /^2026.*\]/ })].map((line) => Buffer.from(line).toString()),
    TEXT.trimEnd().split('\n'),
  )
  t.deepEqual([...map.lines({ matching: /full$/, start: -10 })], [])
  t.deepEqual([...map.lines({ matching: /slow\n2026/ })], [])
  t.throws(() => callWith(map, 'lines', { matching: 'WARN' }), { code: 'ERR_INVALID_ARG_TYPE', message: /"matching"/ })
})

test('lines: matching returns a line once, and the last lines first with reverse', (t) => {
  const lines = Array.from({ length: 30_000 }, (_, number) => `${number} ${number % 7 === 0 ? 'xx' : 'y'}`)
  const map = textMap(t, lines.join('\n'))
  const expected = lines.filter((line) => line.includes('x'))
  t.deepEqual([...map.lines({ matching: /x/, encoding: 'latin1' })], expected)
  t.deepEqual([...map.lines({ matching: /x/, encoding: 'latin1', reverse: true })], expected.reverse())
})

// --- Replacing

test('replaceAll: bytes replace matches of their length', (t) => {
  const map = textMap(t, 'a=12 b=345')
  t.is(map.replaceAll(/=\d/, '=#'), 2)
  t.is(map.toString(), 'a=#2 b=#45')
  t.is(map.replaceAll(/\d+/, '', { fill: '*' }), 2)
  t.is(map.toString(), 'a=#* b=#**')
  t.is(map.replaceAll(/[ab]=#/, 'x', 0, undefined, { fill: 46 }), 2)
  t.is(map.toString(), 'x..* x..**')
})

test('replaceAll: a function returns the replacement of each match', (t) => {
  const map = textMap(t, 'user=ann password=secret password=x')
  t.is(
    map.replaceAll(/(password=)(\S+)/, (match) => `${match.group(1)}${'*'.repeat(match.group(2)?.length ?? 0)}`),
    2,
  )
  t.is(map.toString(), 'user=ann password=****** password=*')
  t.is(
    map.replaceAll(/\w+=/, () => 'k', { fill: 61 }),
    3,
  )
  t.is(map.toString(), 'k====ann k========****** k========*')
})

test('replaceAll: a replacement that cannot fit is refused before anything is written', (t) => {
  const map = textMap(t, 'a1 b22')
  for (const [re, to, options] of [
    [/\d+/, 'x', {}],
    [/\d/, 'xy', {}],
    [/\d{1,2}/, 'xy', { fill: 0 }],
  ] as const) {
    t.throws(() => map.replaceAll(re, to, options), { code: 'ERR_INVALID_ARG_VALUE', message: /"to"/ })
  }
  t.is(map.toString(), 'a1 b22')
  t.like(
    t.throws(() => map.replaceAll(/\d+/, () => 'x'), { code: 'ERR_INVALID_ARG_VALUE', message: /2 bytes/ }),
    { replaced: 1 },
  )
  t.is(map.toString(), 'ax b22')
  const error = new Error('mine')
  t.is(
    t.throws(() =>
      map.replaceAll(/./, () => {
        throw error
      }),
    ),
    error,
  )
  t.throws(() => callWith(map, 'replaceAll', /./, () => 5), { code: 'ERR_INVALID_ARG_TYPE', message: /"to\(\)"/ })
  for (const fill of ['é', 'ab', '', 256, -1]) {
    t.regex(String(t.throws(() => map.replaceAll(/./, 'x', { fill }))?.message), /fill/)
  }
})

test('replaceAll: a mapping that may not be written to is refused, also when the function closes it', (t) => {
  const path = scratchFile(t, 'abab')
  using map = mmap(path, 0, { access: ACCESS_READ })
  t.throws(() => map.replaceAll(/a/, 'x'), { code: 'ERR_MMAP_READONLY' })
  t.throws(() => map.replaceAll(/a/, () => 'x'), { code: 'ERR_MMAP_READONLY' })
  const closing = mmap(path, 0, { access: ACCESS_COPY })
  const error = t.throws(() =>
    closing.replaceAll(/a/, () => {
      closing.close()
      return 'x'
    }),
  )
  t.like(error, { code: 'ERR_MMAP_CLOSED', replaced: 0 })
})

// --- Tasks

test('searchAsync, matchAsync, countAsync, replaceAllAsync: they do what the methods do', async (t) => {
  const map = textMap(t)
  t.is(await map.searchAsync(/WARN/), map.search(/WARN/))
  t.is(await map.searchAsync(/WARN/, 0, 20), -1)
  t.is(await map.countAsync(/\d+/, { start: 3 }), map.count(/\d+/, 3))
  t.deepEqual([...((await map.matchAsync(/\[(\w+)\]/, 30)) ?? [])], ['[net]', 'net'])
  t.is(await map.matchAsync(/\[(\d+)\]/), null)
  t.is(await map.replaceAllAsync(/\d{4}/, 'YYYY'), 2)
  t.is(await map.replaceAllAsync(/\[\w+\]/, '[', { fill: ']', stop: 40 }), 1)
  t.is(map.toString(), 'YYYY-11-28 ERROR []]]]] full\nYYYY-11-29 WARN [net] slow\n')
  await t.throwsAsync(map.replaceAllAsync(/\d+/, 'x'), { code: 'ERR_INVALID_ARG_VALUE' })
  await t.throwsAsync(map.countAsync(/(?=a)/), { code: 'ERR_MMAP_REGEXP' })
})

test('matchAllAsync: it finds all matches, also for calls that wait at the same time', async (t) => {
  const map = textMap(t, 'ab'.repeat(30_000))
  const found: number[] = []
  for await (const { index } of map.matchAllAsync(/b/)) found.push(index)
  t.deepEqual(
    found,
    Array.from({ length: 30_000 }, (_, number) => number * 2 + 1),
  )
  const matches = map.matchAllAsync(/a/, { stop: 6 })
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => matches.next()))
  t.deepEqual(
    results.map(({ value, done }) => (done ? undefined : value.index)),
    [0, 2, 4, undefined, undefined],
  )
})

test('matchAllAsync: break, an abort and unmap end it', async (t) => {
  const map = zeros(2 ** 28)
  map.set('needle')
  for await (const match of map.matchAllAsync(/needle/)) {
    t.is(match.index, 0)
    break
  }
  const controller = new AbortController()
  const matches = map.matchAllAsync(/other/, { signal: controller.signal })
  const next = matches.next()
  controller.abort('enough')
  t.like(await t.throwsAsync(next), { code: 'ABORT_ERR', cause: 'enough' })
  t.deepEqual(await matches.next(), { value: undefined, done: true })
  t.throws(() => map.matchAllAsync(/x/, { signal: controller.signal }), { code: 'ABORT_ERR' })
  const waiting = map.matchAllAsync(/other/).next()
  map.unmap()
  await t.throwsAsync(waiting, { code: 'ERR_MMAP_CLOSED' })
})

test('matchAllAsync: it goes on after the mapping has changed, and reports progress', async (t) => {
  const map = textMap(t, 'a1a2')
  const progress: number[] = []
  const matches = map.matchAllAsync(/a(.)/, { onProgress: ({ done, total }) => progress.push(done, total) })
  const found = [await matches.next()]
  map.resize(6)
  map.set('a3', 4)
  found.push(await matches.next(), await matches.next(), await matches.next())
  t.deepEqual(
    found.map(({ value, done }) => (done ? undefined : value.group(1))),
    ['1', '2', '3', undefined],
  )
  t.deepEqual(progress.slice(-2), [4, 4])
  const failing = map.matchAllAsync(/z/, {
    onProgress() {
      throw new RangeError('mine')
    },
  })
  await t.throwsAsync(failing.next(), { instanceOf: RangeError, message: 'mine' })
})

// --- Bad input

const REFUSED: [re: RegExp, position: number, message: RegExp][] = [
  [/(?<=a)b/, 0, /lookbehind \(\?<=\.\.\.\) at 0/],
  [/a(?<!a)b/, 1, /negative lookbehind/],
  [/ab(?=c)/, 2, /lookahead/],
  [/(?:a(?!c))/, 4, /negative lookahead/],
  [/(a)\1/, 3, /backreference \\1/],
  [/(?<x>a)-\k<x>/, 8, /backreference \\k/],
  [/a[^ä]/, 1, /Add the flag u/],
  [/[\x80-ä]/, 0, /Add the flag u/],
  [/[\ud800-\udbff]/, 0, /surrogate/],
  [/(?:a{1000}){1000}/, 0, /too large/],
  [/\p{L}{1000}/u, 0, /too large/],
]

test('search: what cannot be searched for is refused with its place and what to do', (t) => {
  const map = textMap(t)
  for (const [re, position, message] of REFUSED) {
    t.like(
      t.throws(() => map.search(re), { code: 'ERR_MMAP_REGEXP', message }),
      { position },
      String(re),
    )
    t.throws(() => map.matchAll(re), { code: 'ERR_MMAP_REGEXP' })
    t.throws(() => map.lines({ matching: re }), { code: 'ERR_MMAP_REGEXP' })
  }
})

/** A flag that the types of literals do not have. */
const SETS = 'v'

test('search: a class of strings is refused', (t) => {
  const map = textMap(t)
  for (const source of ['[\\q{ab}]', '\\p{RGI_Emoji}', '[\\p{RGI_Emoji}--\\q{x}]']) {
    t.throws(() => map.search(new RegExp(source, SETS)), { code: 'ERR_MMAP_REGEXP', message: /alternatives/ })
  }
  t.is(map.search(new RegExp('[\\q{x|E}]', SETS)), 11)
})

test('search: a pattern that would take exponential space or stack is refused', (t) => {
  const map = textMap(t)
  const nested = (open: string, close: string, depth: number): RegExp =>
    new RegExp(`${open.repeat(depth)}a${close.repeat(depth)}`)
  for (const re of [
    nested('(?:', ')', 500),
    nested('(', ')*', 90),
    nested('(?:', '?){1000}', 3),
    nested('(?:b?', '?){2}', 60),
    new RegExp(`(?:${'a?'.repeat(5000)})*`),
  ]) {
    t.throws(() => map.search(re), { code: 'ERR_MMAP_REGEXP' }, re.source.slice(0, 40))
  }
  t.is(map.search(nested('(?:', ')*', 40)), 0)
})

test('search, match, matchAll: what is no RegExp is refused, and a string says how to search for it', (t) => {
  const map = textMap(t)
  for (const method of ['search', 'match', 'matchAll', 'matchAllAsync'] as const) {
    for (const value of [undefined, null, 5, {}, 'a.b', Object.create(RegExp.prototype), new Proxy(/a/, {})]) {
      t.throws(() => callWith(map, method, value), { code: 'ERR_INVALID_ARG_TYPE', message: /"re"/ }, method)
    }
    t.throws(() => callWith(map, method, 'a.b'), { message: /findAll\(\).*new RegExp/ })
  }
  t.throws(() => callWith(map, 'matchAll', /a/, 0, 1, { grups: true }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => callWith(map, 'matchAll', /a/, { groups: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /"groups"/ })
  t.throws(() => callWith(map, 'search', /a/, '0'), { code: 'ERR_INVALID_ARG_TYPE', message: /"start"/ })
})

test('group, span: a group that does not exist is refused', (t) => {
  const match = textMap(t).match(/(?<level>E)(R)/)
  const wrong = (which: unknown): unknown => Reflect.apply(MmapMatch.prototype.span, match, [which])
  for (const which of [3, -1, 0.5, Number.NaN])
    t.throws(() => wrong(which), { code: 'ERR_OUT_OF_RANGE', message: /0 to 2/ })
  t.throws(() => wrong('lvl'), { code: 'ERR_INVALID_ARG_VALUE', message: /'level'/ })
  t.throws(() => wrong(undefined), { code: 'ERR_INVALID_ARG_TYPE', message: /"which"/ })
})

test('MmapMatch: it cannot be made, and its members are refused for other objects', (t) => {
  t.throws(() => Reflect.construct(MmapMatch, []), { code: 'ERR_INVALID_ARG_TYPE' })
  const other: unknown = Object.create(MmapMatch.prototype)
  for (const name of ['index', 'end', 'length', 'text', 'bytes', 'groups'] as const) {
    t.throws(() => Reflect.get(MmapMatch.prototype, name, other), { code: 'ERR_INVALID_THIS' }, name)
  }
  for (const receiver of [other, {}, 1, null, undefined]) {
    for (const method of [MmapMatch.prototype.group, MmapMatch.prototype.span]) {
      t.throws(() => Reflect.apply(method, receiver, [0]), { code: 'ERR_INVALID_THIS' })
    }
    const texts = Reflect.apply(MmapMatch.prototype[Symbol.iterator], receiver, [])
    t.throws(() => texts.next(), { code: 'ERR_INVALID_THIS' })
  }
})

// --- Other realms and redefined properties

test('search: a RegExp of another realm is one', (t) => {
  const map = textMap(t)
  t.is(map.search(runInNewContext('/w(a)rn/i')), 40)
})

test('search: what a user has redefined has no effect', (t) => {
  const map = textMap(t)
  const fail = (): never => t.fail('it was called')
  const re = /WARN/
  for (const name of [
    'source',
    'flags',
    'global',
    'exec',
    Symbol.match,
    Symbol.matchAll,
    Symbol.search,
    'constructor',
  ]) {
    Object.defineProperty(re, name, { get: fail })
  }
  t.is(map.search(re), 40)
  t.deepEqual(spans(map.matchAll(re)), [[40, 44]])
  const { exec } = RegExp.prototype
  RegExp.prototype.exec = fail
  try {
    t.is(map.search(/[^\P{Lu}R]AR/u), 40)
  } finally {
    RegExp.prototype.exec = exec
  }
})

// --- Others write meanwhile

test('matchAll: matches are in order and inside while another process writes random bytes', async (t) => {
  const path = scratchFile(t, Buffer.alloc(2 ** 20, 'ab1 '))
  const map = mmap(path, 0, { access: ACCESS_READ })
  t.teardown(() => map.close())
  const program = `
    const fs = require('node:fs')
    const fd = fs.openSync(process.argv[1], 'r+')
    process.stdout.write('go')
    for (;;) fs.writeSync(fd, require('node:crypto').randomBytes(4096), 0, 4096, Math.floor(Math.random() * 255) * 4096)
  `
  const child = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  await once(child.stdout, 'data')
  const end = Date.now() + 1000
  while (Date.now() < end) {
    for (const re of [/(\w)(\d)+ /, /\W{3}\x80(?:.|\n)*?\d/, /^.*(b)1/m]) {
      let last = 0
      for (const match of map.matchAll(re)) {
        if (match.index < last || match.end < match.index || match.end > map.length) t.fail(`${match.index}`)
        last = match.end
        const span = match.span(1 * Number(re.source.includes('(\\w)')))
        if (span !== undefined && (span[0] < match.index || span[1] > match.end)) t.fail(`${span}`)
      }
    }
    await setTimeout(0)
  }
  t.pass()
})

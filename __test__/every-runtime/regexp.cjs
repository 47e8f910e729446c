// Regular expressions beside each engine's own RegExp, which also says what classes match.

const assert = require('node:assert/strict')
const { truncateSync } = require('node:fs')
const { ACCESS_READ, mmap } = require('../../index.js')
const { compare, HAS_DUPLICATE_NAMES, HAS_MODIFIERS, HAS_SETS } = require('./random-patterns.cjs')
const { CannotBe } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

/** HOSTILE_SEED repeats a run. */
const SEED = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31)

function compareWith(kind, patterns) {
  const map = mmap(-1, 64)
  const find = (re, bytes, start) => {
    map.fill(0)
    map.set(bytes)
    const spans = (match) => {
      const groups = [...match]
      return groups.map((_, number) => match.span(number))
    }
    const found = [...map.matchAll(re, start, bytes.length)].map(spans)
    // Groups are found with the match, if the loop asks for them.
    const atOnce = []
    for (const match of map.matchAll(re, start, bytes.length)) atOnce.push(spans(match))
    assert.deepEqual(atOnce, found, `${re} HOSTILE_SEED=${SEED}`)
    return found
  }
  const { matches, differences } = compare({ seed: SEED, kind, patterns, find })
  assert.deepEqual(differences, [], `HOSTILE_SEED=${SEED}`)
  assert.ok(matches > patterns, `${matches} matches of ${patterns} patterns`)
  map.close()
}

module.exports = {
  'random patterns match bytes as RegExp matches latin1': () => compareWith('bytes', 1000),

  'random patterns with u match UTF-8 as RegExp matches text': () => compareWith('characters', 400),

  'random patterns with v match UTF-8 as RegExp matches text': () => {
    if (!HAS_SETS) throw new CannotBe('it has no flag v')
    compareWith('sets', 60)
  },

  'groups have names, of which alternatives may have the same': () => {
    const map = mmap(scratchFile('2026-11 12/2027'), 0, { access: ACCESS_READ })
    const source = HAS_DUPLICATE_NAMES
      ? '(?<year>\\d{4})-(?<month>\\d\\d)|(?<month>\\d\\d)/(?<year>\\d{4})'
      : '(?<year>\\d{4})-(?<month>\\d\\d)'
    const found = [...map.matchAll(new RegExp(source))].map((match) => ({ ...match.groups }))
    const both = [
      { year: '2026', month: '11' },
      { month: '12', year: '2027' },
    ]
    assert.deepEqual(found, HAS_DUPLICATE_NAMES ? both : both.slice(0, 1))
    map.close()
  },

  'modifiers change what is between their parentheses': () => {
    if (!HAS_MODIFIERS) throw new CannotBe('it has no modifiers')
    const map = mmap(scratchFile('aB Ab AB\nab'), 0, { access: ACCESS_READ })
    const places = (source, flags) => [...map.matchAll(new RegExp(source, flags))].map(({ index }) => index)
    assert.deepEqual(places('(?i:a)b', ''), [3, 9])
    assert.deepEqual(places('(?-i:a)b', 'i'), [0, 9])
    assert.deepEqual(places('(?m:^)a', ''), [0, 9])
    assert.deepEqual(places('B(?s:.)a', ''), [7])
    map.close()
  },

  'lines that match are those for which RegExp says so': () => {
    const lines = ['timeout', '', 'a\r', 'Timeout b', 'x timeout', 'ab\rcd', 'b', '\r', 'last timeout']
    for (const end of ['\n', '\r\n']) {
      const map = mmap(scratchFile(lines.join(end)), 0, { access: ACCESS_READ })
      for (const re of [/timeout/i, /^timeout/, /timeout$/, /^$/, /b$/m, /\s/, /[^a-z]/, /\W$/, /^.b/, /./y, /\bb$/]) {
        for (const options of [{}, { crlf: true }, { reverse: true }, { crlf: true, reverse: true }]) {
          const all = [...map.lines({ ...options, encoding: 'latin1' })]
          const expected = all.filter((line) => new RegExp(re.source, re.flags).test(line))
          const actual = [...map.lines({ ...options, encoding: 'latin1', matching: re })]
          assert.deepEqual(actual, expected, `${re} ${JSON.stringify({ ...options, end })}`)
          const views = [...map.lines({ ...options, matching: re })].map((line) => Buffer.from(line).toString('latin1'))
          assert.deepEqual(views, expected)
        }
      }
      map.close()
    }
  },

  'a search in a file that is truncated meanwhile is a fault': async () => {
    if (process.platform === 'win32') throw new CannotBe('nobody can truncate a mapped file there')
    const path = scratchFile('ab'.repeat(2 ** 20))
    const map = mmap(path, 0, { access: ACCESS_READ })
    const matches = map.matchAll(/a(b)/)
    assert.equal(matches.next().value.index, 0)
    const kept = [...map.matchAll(/a(b)/, 2 ** 20, 2 ** 20 + 8)].at(-1)
    truncateSync(path, 8192)
    // The search did not look for its groups, which are lost now.
    assert.throws(() => kept.span(1), { code: 'ERR_MMAP_FAULT' })
    assert.throws(() => kept.group(1), { code: 'ERR_MMAP_FAULT' })
    assert.deepEqual(kept.span(0), [2 ** 20 + 6, 2 ** 20 + 8])
    assert.throws(
      () => {
        for (const match of matches) assert.ok(match.index < 2 ** 21)
      },
      { code: 'ERR_MMAP_FAULT' },
    )
    assert.throws(() => map.count(/b/), { code: 'ERR_MMAP_FAULT' })
    await assert.rejects(map.searchAsync(/c/), { code: 'ERR_MMAP_FAULT' })
    map.close()
  },

  'matches are found by tasks': async () => {
    const map = mmap(scratchFile('one two '.repeat(20_000)), 0, { access: ACCESS_READ })
    let count = 0
    let progress
    for await (const match of map.matchAllAsync(/\b(t)wo/, { onProgress: (now) => (progress = now) })) {
      assert.equal(match.index, count * 8 + 4)
      assert.deepEqual(match.span(1), [match.index, match.index + 1])
      count += 1
    }
    assert.equal(count, 20_000)
    assert.deepEqual(progress, { done: 160_000, total: 160_000 })
    assert.equal(await map.countAsync(/o/), 40_000)
    assert.equal(await map.searchAsync(/e t/), 2)
    assert.equal((await map.matchAsync(/(n)e/)).group(1), 'n')
    const controller = new AbortController()
    await assert.rejects(
      async () => {
        for await (const match of map.matchAllAsync(/one/, { signal: controller.signal })) {
          if (match.index > 1000) controller.abort()
        }
      },
      { code: 'ABORT_ERR' },
    )
    map.close()
  },
}

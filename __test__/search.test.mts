// Lines.

import { readFileSync, truncateSync } from 'node:fs'
import ava from 'ava'
import fc from 'fast-check'
import { mmap, PAGESIZE } from 'memmap'
import { bounds, haystacks, settings, sliceRange } from './support/haystacks.mjs'
import { linesOf, textOf } from './support/lines.mjs'
import { callWith } from './support/misuse.mjs'
import { onLinux } from './support/platform.mjs'
import { scratchFile, transfer } from './support/portable.mjs'

const test = ava.serial

const TEXT = 'one two one three one'

test('lines: options that are no object, or unknown, are refused', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const options of [null, 5, 'start', [], () => {}, Symbol('s')]) {
    t.throws(() => callWith(map, 'lines', options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const name of ['Start', 'end', 'length', 'format', 'signal']) {
    t.throws(() => callWith(map, 'lines', { [name]: 1 }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: `The property "options.${name}" is not an option of lines. Options are start, stop, encoding, crlf, reverse`,
    })
  }
  t.deepEqual(linesOf(map, {}), [TEXT])
})

test('lines: options that close the mapping when they are read end in ERR_MMAP_CLOSED', (t) => {
  const map = mmap(scratchFile(t, TEXT))
  const options = {
    get start(): number {
      map.close()
      return 0
    },
  }
  t.throws(() => map.lines(options), { code: 'ERR_MMAP_CLOSED' })
})

test('lines: a line is what is between newlines', (t) => {
  for (const [text, expected] of [
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\nb\n', ['a', 'b']],
    ['\n', ['']],
    ['\n\n', ['', '']],
    ['\n\na', ['', '', 'a']],
    ['a\n\nb\n\n', ['a', '', 'b', '']],
    ['a\r\nb\r\n', ['a\r', 'b\r']],
    ['a\rb', ['a\rb']],
    ['\r\n', ['\r']],
    ['é\nü\n', ['é', 'ü']],
    ['a\0b\nc', ['a\0b', 'c']],
  ] as const) {
    using map = mmap(scratchFile(t, text))
    t.deepEqual(linesOf(map), [...expected], JSON.stringify(text))
  }
})

test('lines: start and stop are bounds', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\nthree\n'))
  for (const [start, stop, expected] of [
    [0, 0, []],
    [14, undefined, []],
    [5, 2, []],
    [0, 2, ['on']],
    [0, 3, ['one']],
    [0, 4, ['one']],
    [0, 5, ['one', 't']],
    [1, undefined, ['ne', 'two', 'three']],
    [3, undefined, ['', 'two', 'three']],
    [4, undefined, ['two', 'three']],
    [-6, undefined, ['three']],
    [-7, -3, ['', 'thr']],
    [-100, 3, ['one']],
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, ['one', 'two', 'three']],
    [undefined, Number.NEGATIVE_INFINITY, []],
    [Number.POSITIVE_INFINITY, undefined, []],
  ] as const) {
    const options = { ...(start !== undefined && { start }), ...(stop !== undefined && { stop }) }
    t.deepEqual(linesOf(map, options), [...expected], `${start} to ${stop}`)
  }
  t.deepEqual([...map.lines({ start: undefined, stop: undefined })].map(textOf), ['one', 'two', 'three'])
})

test('lines: a line is a view of the mapping, and a store through it is in the file', (t) => {
  const path = scratchFile(t, 'one\ntwo\nthree')
  using map = mmap(path)
  for (const line of map.lines()) {
    t.true(line instanceof Uint8Array)
    t.false(Buffer.isBuffer(line))
    line[0] = 33
  }
  t.is(readFileSync(path, 'utf8'), '!ne\n!wo\n!hree')
  const [first, second] = map.lines()
  t.is(first?.buffer, map.buffer)
  t.is(second?.buffer, map.buffer)
  map.setAt(5, 63)
  t.is(textOf(second), '!?o')
})

test('lines: an odd offset and a SharedArrayBuffer do not shift them', (t) => {
  const content = Buffer.concat([Buffer.alloc(PAGESIZE + 13), Buffer.from('one\ntwo\n')])
  const path = scratchFile(t, content)
  using part = mmap(path, 0, { offset: PAGESIZE + 13 })
  t.deepEqual(linesOf(part), ['one', 'two'])
  try {
    using shared = mmap(path, 0, { offset: PAGESIZE + 13, sharedArrayBuffer: true })
    t.deepEqual(linesOf(shared), ['one', 'two'])
    const [line] = shared.lines()
    line?.set([79])
    t.is(part.at(0), 79)
  } catch (error) {
    t.like(error, { code: 'ERR_MMAP_NO_VIEW' })
    t.log('this runtime has no SharedArrayBuffer over a mapping')
  }
})

test('lines: they are valid after close(), and empty after unmap()', (t) => {
  const map = mmap(scratchFile(t, 'one\ntwo\n'))
  const lines = [...map.lines()]
  map.close()
  t.deepEqual(lines.map(textOf), ['one', 'two'])
  map.unmap()
  t.deepEqual(
    lines.map(({ length }) => length),
    [0, 0],
  )
})

test('lines: there may be more than are found at a time', (t) => {
  for (const count of [15, 16, 17, 63, 64, 65, 79, 80, 81, 335, 336, 337, 4096, 4097, 5456, 10_000]) {
    for (const last of ['', 'last']) {
      const text = Array.from({ length: count }, (_, index) => `${index}\n`).join('') + last
      using map = mmap(scratchFile(t, text))
      const expected = text.split('\n')
      if (last === '') expected.pop()
      t.deepEqual(linesOf(map), expected)
    }
  }
})

test('lines: leaving the loop ends the iterator', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\nthree'))
  const lines = map.lines()
  t.is(lines[Symbol.iterator](), lines)
  for (const line of lines) {
    t.is(textOf(line), 'one')
    break
  }
  t.deepEqual(lines.next(), { value: undefined, done: true })
})

test('lines: the iterator goes on in the new length after a resize, and earlier lines stay', (t) => {
  const path = scratchFile(t, 'one\ntwo\nthree')
  using map = mmap(path)
  const lines = map.lines()
  const one = lines.next().value
  map.resize(16)
  map.setSlice('\nx\n', 13)
  t.is(textOf(one), 'one')
  t.deepEqual([...lines].map(textOf), ['two', 'three', 'x'])
})

test('lines: the iterator ends where memory ends after a resize', (t) => {
  // Not a file: Windows cuts none off of which there are views.
  using map = mmap(-1, 16)
  map.write('one\ntwo\nthree\nx\n')
  const [again, short] = [map.lines(), map.lines({ stop: -1 })]
  t.is(textOf(again.next().value), 'one')
  t.is(textOf(short.next().value), 'one')
  map.resize(6)
  t.deepEqual([...again].map(textOf), ['tw'])
  t.deepEqual([...short].map(textOf), ['t'])
  const behind = map.lines({ start: 5 })
  map.resize(2)
  t.deepEqual([...behind], [])
})

test('lines: a line longer than all lines before it together is whole', (t) => {
  const text = [16, 64, 256, 1024].map((count) => `${'\n'.repeat(count)}${'x'.repeat(20 * count)}`).join('')
  t.deepEqual(linesOf(mmap(scratchFile(t, text))), text.split('\n'))
})

test('lines: the iterator goes on after the buffer of earlier lines was transferred', (t) => {
  const path = scratchFile(t, 'one\n\nthree\nfour')
  using map = mmap(path)
  const lines = map.lines()
  const one = lines.next().value
  const moved = transfer(one?.buffer ?? new ArrayBuffer(0))
  t.is(one?.length, 0)
  t.deepEqual([...lines].map(textOf), ['', 'three', 'four'])
  t.is(Buffer.from(moved).toString(), 'one\n\nthree\nfour')
})

test('lines: options are read once', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\nthree'))
  const read: string[] = []
  const options = {
    get start() {
      read.push('start')
      return 4
    },
    get stop() {
      read.push('stop')
      return 7
    },
  }
  t.deepEqual(linesOf(map, options), ['two'])
  t.deepEqual(read.toSorted(), ['start', 'stop'])
})

onLinux(
  'lines: a line that was truncated reads as zeros, and the next step throws',
  'only there is every fault seen',
  (t) => {
    const path = scratchFile(t, `${'a'.repeat(3 * PAGESIZE)}\nnext\n`)
    using map = mmap(path)
    const lines = map.lines()
    const line = lines.next().value
    truncateSync(path, PAGESIZE)
    t.deepEqual([line?.[0], line?.[2 * PAGESIZE]], [97, 0])
    t.throws(() => lines.next(), { code: 'ERR_MMAP_FAULT' })
  },
)

test('lines: the result is that of split', (t) => {
  const property = fc.property(haystacks, bounds, bounds, (haystack, start, stop) => {
    // A new file each time: Windows cuts none off of which there are views.
    using map = mmap(scratchFile(t, haystack))
    const [from, to] = sliceRange(haystack.length, start, stop)
    const expected = haystack.toString('latin1', from, to).split('\n')
    if (expected.at(-1) === '') expected.pop()
    const options = { ...(start !== undefined && { start }), ...(stop !== undefined && { stop }) }
    t.deepEqual(linesOf(map, options), expected)
  })
  fc.assert(property, settings(300, 2))
})

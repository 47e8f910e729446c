// Lines: views or text, without '\r', from the last to the first, and of a position. They are
// compared with a naive split.
//
// HOSTILE_SEED repeats a run of the properties.

import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import ava from 'ava'
import fc from 'fast-check'
import { ACCESS_READ, type Mmap, mmap, PAGESIZE } from 'memmap'
import { bounds, haystacks, settings, sliceRange } from './support/haystacks.mjs'
import { linesOf, textOf } from './support/lines.mjs'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { scratchFile, transfer } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

test('seed: the seed of the properties is printed first', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

// --- Options

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
      message: `The property "options.${name}" is not an option of lines. Options are start, stop, encoding, crlf, reverse, matching`,
    })
  }
  t.deepEqual(linesOf(map, {}), [TEXT])
})

test('lines: invalid options are refused', (t) => {
  using map = mmap(-1, 10)
  t.throws(() => callWith(map, 'lines', { encoding: 'utf-7' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: `The "encoding" argument must be one of 'utf8', 'latin1'. Received 'utf-7'`,
  })
  t.throws(() => callWith(map, 'lines', { encoding: 'hex' }), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const [name, value] of [
    ['encoding', null],
    ['encoding', 8],
    ['crlf', 1],
    ['crlf', null],
    ['reverse', 'yes'],
    ['start', '1'],
  ] as const) {
    const error = t.throws(() => callWith(map, 'lines', { [name]: value }), { message: new RegExp(`"${name}"`) })
    t.like(error, { code: 'ERR_INVALID_ARG_TYPE' }, name)
  }
  t.throws(() => callWith(map, 'lines', { lines: 1 }), { code: 'ERR_INVALID_ARG_VALUE' })
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

// --- Views

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

test('lines: a line longer than all lines before it together is whole', (t) => {
  const text = [16, 64, 256, 1024].map((count) => `${'\n'.repeat(count)}${'x'.repeat(20 * count)}`).join('')
  t.deepEqual(linesOf(mmap(scratchFile(t, text))), text.split('\n'))
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
  // It is no file, because Windows truncates no file of which there are views.
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
    // Each run has a new file, because Windows truncates no file of which there are views.
    using map = mmap(scratchFile(t, haystack))
    const [from, to] = sliceRange(haystack.length, start, stop)
    const expected = haystack.toString('latin1', from, to).split('\n')
    if (expected.at(-1) === '') expected.pop()
    const options = { ...(start !== undefined && { start }), ...(stop !== undefined && { stop }) }
    t.deepEqual(linesOf(map, options), expected)
  })
  fc.assert(property, settings(300, 2))
})

// --- Every form

interface Form {
  crlf?: boolean
  reverse?: boolean
  start?: number
  stop?: number
}

/** The lines of bytes, one by one. */
function naiveLines(bytes: Buffer, { crlf = false, reverse = false, start, stop }: Form = {}): Buffer[] {
  const range = bytes.subarray(start, stop)
  const lines: Buffer[] = []
  for (let at = 0; at < range.length; ) {
    const newline = range.indexOf('\n', at)
    const end = newline === -1 ? range.length : newline
    lines.push(range.subarray(at, crlf && newline > at && range[newline - 1] === 13 ? end - 1 : end))
    at = end + 1
  }
  return reverse ? lines.reverse() : lines
}

function bytesOf(map: Mmap, form: Form = {}): Buffer[] {
  return Array.from(map.lines(form), (line) => Buffer.from(line))
}

const FORMS: Form[] = [{}, { crlf: true }, { reverse: true }, { crlf: true, reverse: true }]

function holds(
  t: { deepEqual(one: unknown, other: unknown, why?: string): boolean },
  map: Mmap,
  bytes: Buffer,
  range: Form,
) {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for (const form of FORMS.map((form) => ({ ...form, ...range }))) {
    const lines = naiveLines(bytes, form)
    const why = JSON.stringify(form)
    t.deepEqual(bytesOf(map, form), lines, why)
    t.deepEqual(
      [...map.lines({ ...form, encoding: 'utf8' })],
      lines.map((line) => decoder.decode(line)),
      why,
    )
    t.deepEqual(
      [...map.lines({ ...form, encoding: 'latin1' })],
      lines.map((line) => line.toString('latin1')),
      why,
    )
  }
}

test('lines: the result is that of a naive split, in every form and range', (t) => {
  const text = '\r\none\r\n\n\rtwo\r\r\nthree 😀\n\n\r'
  const bytes = Buffer.from(text)
  using map = mmap(scratchFile(t, bytes), 0, { access: ACCESS_READ })
  for (let start = 0; start <= bytes.length; start += 1) {
    for (let stop = start; stop <= bytes.length; stop += 1) holds(t, map, bytes, { start, stop })
  }
  holds(t, map, bytes, { start: -9, stop: -2 })
  t.deepEqual([...map.lines({ encoding: 'utf8', crlf: true })], ['', 'one', '', '\rtwo\r', 'three 😀', '', '\r'])
})

/** Says only what differs, because a whole file of lines is no message. */
function deepEqual(
  t: { true(value: boolean, why?: string): boolean },
  one: unknown,
  other: unknown,
  why?: string,
): boolean {
  const [left, right] = [one as Buffer[], other as Buffer[]]
  const different = left.findIndex(
    (line, index) => Buffer.compare(Buffer.from(line), Buffer.from(right[index] ?? '?')) !== 0,
  )
  if (left.length !== right.length || different !== -1) throw new Error(`line ${different} of ${right.length}: ${why}`)
  return t.true(true)
}

test('lines: any bytes are decoded as TextDecoder does, line by line', (t) => {
  // Parts of UTF-8, whole and cut, and bytes that it never has.
  const part = fc.constantFrom(
    '\n',
    '\r\n',
    'a',
    'é',
    '€',
    '😀',
    '\ufeff',
    '\xe2',
    '\xf0\x9f',
    '\x80',
    '\xff',
    '\xed\xa0\x80',
    '\xc0',
  )
  const chunk = fc.tuple(fc.array(part, { maxLength: 40 }), fc.constantFrom(1, 1, 1, 30, 900)).map(([parts, times]) => {
    const bytes = parts.map((text) => Buffer.from(text, text <= '\xff' ? 'latin1' : 'utf8'))
    return Buffer.concat(Array.from({ length: times }, () => Buffer.concat(bytes)))
  })
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 6 }), (chunks) => {
      const bytes = Buffer.concat(chunks)
      if (bytes.length === 0) return
      using map = mmap(-1, bytes.length)
      map.set(bytes)
      holds({ deepEqual: (one, other, why) => deepEqual(t, one, other, why) }, map, bytes, {})
    }),
    { seed: SEED, numRuns: 150 },
  )
  t.pass()
})

test('lines: a line may be longer than a batch, and a character may lie across its end', (t) => {
  for (const length of [4095, 4096, 4097, 65_535, 65_536, 65_537, 200_000]) {
    const long = '€'.repeat(Math.floor(length / 3)) + 'x'.repeat(length % 3)
    for (const text of [
      long,
      `${long}\n`,
      `a\n${long}\nb\n`,
      `${long}\r\n${long}\r\n`,
      `${'y\n'.repeat(3000)}${long}`,
    ]) {
      const bytes = Buffer.from(text)
      using map = mmap(scratchFile(t, bytes), 0, { access: ACCESS_READ })
      holds({ deepEqual: (one, other, why) => deepEqual(t, one, other, why) }, map, bytes, {})
    }
  }
  t.pass()
})

test('lines: a line of text is a copy', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\n'))
  const [one] = map.lines({ encoding: 'latin1' })
  map.fill('x')
  t.is(one, 'one')
})

test('lines: every form goes on in the new length after a resize', (t) => {
  const text = 'a\nbb\nccc\ndddd\neeeee\n'
  for (const [reverse, length, expected] of [
    [false, 9, ['a', 'bb', 'ccc']],
    [false, 7, ['a', 'bb', 'cc']],
    [false, 3, ['a', 'bb']],
    [false, 30, ['a', 'bb', 'ccc', 'dddd', 'eeeee', '\0'.repeat(10)]],
    [true, 9, ['eeeee', 'dddd', 'ccc', 'bb', 'a']],
    [true, 7, ['eeeee', 'dddd', 'cc', 'bb', 'a']],
    [true, 30, ['eeeee', 'dddd', 'ccc', 'bb', 'a']],
  ] as const) {
    // By then the methods have a view of the file.
    if (process.platform === 'win32' && length < text.length) {
      t.log(`not cut to ${length}, because Windows cuts no file that is mapped`)
      continue
    }
    for (const encoding of ['utf8', undefined] as const) {
      using map = mmap(scratchFile(t, text))
      const lines: Iterator<string | Uint8Array> =
        encoding === undefined ? map.lines({ reverse }) : map.lines({ reverse, encoding })
      const next = () => {
        const { value } = lines.next()
        return typeof value === 'string' ? value : value && Buffer.from(value).toString()
      }
      const found = [next(), next()]
      map.resize(length)
      for (let line = next(); line !== undefined; line = next()) found.push(line)
      t.deepEqual(found, [...expected], `${encoding} ${reverse} ${length}`)
    }
  }
})

test('lines: the next step throws after close(), unless the iterator has ended', (t) => {
  for (const reverse of [false, true]) {
    for (const encoding of ['utf8', undefined] as const) {
      const map = mmap(scratchFile(t, 'a\nb\nc\n'))
      const start = () => (encoding === undefined ? map.lines({ reverse }) : map.lines({ reverse, encoding }))
      const [open, ended, returned] = [start(), start(), start()]
      open.next()
      for (const _line of ended);
      returned.next()
      t.deepEqual(returned.return?.(), { value: undefined, done: true })
      map.close()
      t.throws(() => open.next(), { code: 'ERR_MMAP_CLOSED' })
      t.true(ended.next().done)
      t.true(returned.next().done)
      t.throws(start, { code: 'ERR_MMAP_CLOSED' })
    }
  }
})

onUnix('lines: the next step throws after a truncation', 'no mapped file can be cut there', (t) => {
  for (const form of [{ reverse: true }, { encoding: 'utf8' }, { encoding: 'utf8', reverse: true }] as const) {
    const path = scratchFile(t, Buffer.from('line\n'.repeat(PAGESIZE)))
    using map = mmap(path)
    const lines = map.lines(form as { encoding: 'utf8' })
    lines.next()
    truncateSync(path, PAGESIZE)
    t.throws(() => map.slice(-1), { code: 'ERR_MMAP_FAULT' })
    t.throws(() => lines.next(), { code: 'ERR_MMAP_FAULT' })
  }
})

const GIB = 2 ** 30

onLinux('lines, lineAt: they work beyond 4 GiB in every form', 'a file of 5 GiB that takes no room', (t) => {
  const path = scratchFile(t, 1)
  truncateSync(path, 5 * GIB)
  const fd = openSync(path, 'r+')
  writeSync(fd, '\none\r\ntwo €\nthree', 5 * GIB - 100)
  closeSync(fd)
  truncateSync(path, 5 * GIB - 100 + 19)
  using map = mmap(path, 0, { access: ACCESS_READ })
  const start = 5 * GIB - 200
  const zeros = '\0'.repeat(100)
  t.deepEqual([...map.lines({ encoding: 'utf8', start, crlf: true })], [zeros, 'one', 'two €', 'three'])
  t.deepEqual([...map.lines({ encoding: 'utf8', start, reverse: true })], ['three', 'two €', 'one\r', zeros])
  const backwards = map.lines({ reverse: true, crlf: true })
  t.deepEqual(
    Array.from({ length: 3 }, () => Buffer.from(backwards.next().value ?? []).toString()),
    ['three', 'two €', 'one'],
  )
  t.deepEqual(map.lineAt(5 * GIB - 98), { start: 5 * GIB - 99, stop: 5 * GIB - 95 })
  // A line of 1 GiB is no string.
  t.throws(() => map.lines({ encoding: 'latin1', stop: GIB }).next(), {
    code: 'ERR_OUT_OF_RANGE',
    message: /longest string/,
  })
})

test('lineAt: the result is the line of lines() that a position is in', (t) => {
  const text = 'one\n\ntwo €\r\n\nthree'
  for (const bytes of [Buffer.from(text), Buffer.from(`${text}\n`)]) {
    using map = mmap(scratchFile(t, bytes), 0, { access: ACCESS_READ })
    for (let position = 0; position <= bytes.length; position += 1) {
      const start = position === 0 ? 0 : bytes.lastIndexOf('\n', position - 1) + 1
      const newline = bytes.indexOf('\n', position)
      t.deepEqual(map.lineAt(position), { start, stop: newline === -1 ? bytes.length : newline }, `${position}`)
    }
    for (const position of [-1, bytes.length + 1, 0.5]) {
      t.throws(() => map.lineAt(position), { code: 'ERR_OUT_OF_RANGE' })
    }
    t.throws(() => callWith(map, 'lineAt', '1'), { code: 'ERR_INVALID_ARG_TYPE' })
    map.close()
    t.throws(() => map.lineAt(0), { code: 'ERR_MMAP_CLOSED' })
  }
})

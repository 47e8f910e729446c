// Lines as text, without '\r', from the last to the first, and of a position: held against a naive
// split.
//
// HOSTILE_SEED repeats a run of the properties.

import { closeSync, openSync, truncateSync, writeSync } from 'node:fs'
import ava from 'ava'
import fc from 'fast-check'
import { ACCESS_READ, type Mmap, mmap, PAGESIZE } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { scratchFile } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

const GIB = 2 ** 30

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

test('the seed of the properties that follow', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

test('lines are those of a naive split, in every form, of every range', (t) => {
  const text = '\r\none\r\n\n\rtwo\r\r\nthree 😀\n\n\r'
  const bytes = Buffer.from(text)
  using map = mmap(scratchFile(t, bytes), 0, { access: ACCESS_READ })
  for (let start = 0; start <= bytes.length; start += 1) {
    for (let stop = start; stop <= bytes.length; stop += 1) holds(t, map, bytes, { start, stop })
  }
  holds(t, map, bytes, { start: -9, stop: -2 })
  t.deepEqual([...map.lines({ encoding: 'utf8', crlf: true })], ['', 'one', '', '\rtwo\r', 'three 😀', '', '\r'])
})

test('any bytes are decoded as TextDecoder does, line by line', (t) => {
  // What UTF-8 is made of, whole and in parts, and what it never has.
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

/** Says only what differs: a whole file of lines is no message. */
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

test('lines longer than a batch, and characters across its end', (t) => {
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

test('a line of text is a copy', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\n'))
  const [one] = map.lines({ encoding: 'latin1' })
  map.fill('x')
  t.is(one, 'one')
})

test('a resize half way goes on in the new length', (t) => {
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
    // The methods have a view of the file by then.
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

test('a mapping that is closed half way throws at the next step, and an iterator that was ended does not', (t) => {
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

onUnix('a file that was cut off throws at the next step', 'no mapped file can be cut there', (t) => {
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

test('options of lines that cannot be are refused', (t) => {
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

onLinux('lines beyond 4 GiB', 'a file of 5 GiB that takes no room', (t) => {
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

test('lineAt is the line of lines() that a position is in', (t) => {
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

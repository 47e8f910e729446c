// Searching for every place of a needle: findAll, count, replaceAll, lines, and the indexOf family, held against naive searches.
//
// HOSTILE_SEED repeats a run of the properties.

import { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ACCESS_COPY, ACCESS_READ, type BytesLike, MAX_VIEW_LENGTH, type Mmap, mmap, PAGESIZE, PROT_READ } from 'memmap'
import { callWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { scratchFile, transfer, zeros } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

const GIB = 2 ** 30

const TEXT = 'one two one three one'

function textOf(line: Uint8Array | undefined): string | undefined {
  return line && Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()
}

function linesOf(map: Mmap, options?: { start?: number; stop?: number }): (string | undefined)[] {
  return [...map.lines(options)].map(textOf)
}

/** All places, by Buffer.indexOf. */
function naivePlaces(haystack: Buffer, needle: Uint8Array): number[] {
  const places: number[] = []
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + needle.length)) places.push(at)
  return places
}

/** `haystack` with `to` at all places. */
function naivelyReplaced(haystack: Buffer, from: Uint8Array, to: Uint8Array): Buffer {
  const result = Buffer.from(haystack)
  for (const place of naivePlaces(haystack, from)) result.set(to, place)
  return result
}

/** `[start, stop)` in `length` bytes, as Array.prototype.slice has it. */
function sliceRange(length: number, start = 0, stop = Number.POSITIVE_INFINITY): [from: number, to: number] {
  const clamp = (bound: number): number => (bound < 0 ? Math.max(length + bound, 0) : Math.min(bound, length))
  const from = clamp(start)
  return [from, Math.max(from, clamp(stop))]
}

// First, so that it has been said when the process does not live to tell.
test('half of a surrogate pair is sought as what UTF-8 has for it, also in few bytes', (t) => {
  using map = mmap(-1, 100)
  map.write('ab\ufffdcd')
  // Through a view, after some calls, and Node 24 ends the process there when it is given the string.
  for (let call = 0; call < 50; call += 1) {
    t.is(map.indexOf('\ud800'), 2)
    t.is(map.find('\udc00c', 0), 2)
    t.true(map.includes('b\ud83d'))
  }
})

test('the seed of the properties that follow', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

// --- Misuse

const SEARCHES = [
  ['findAll', (needle: unknown) => [needle]],
  ['count', (needle: unknown) => [needle]],
  ['replaceAll', (needle: unknown) => [needle, 'x']],
  ['replaceAll', (needle: unknown) => ['x', needle]],
] as const

test('what is no bytes is no needle', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const value of [undefined, null, true, 5, 5n, Symbol('s'), {}, [111], () => {}, /one/, new Date(0)]) {
    for (const [method, args] of SEARCHES) {
      t.throws(() => callWith(map, method, ...args(value)), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_TYPE',
        message: /must be a string, an ArrayBuffer, a SharedArrayBuffer or a view of one\. Received/,
      })
    }
  }
  t.is(map.slice().toString(), TEXT)
})

test('an empty needle is refused', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const nothing of ['', Buffer.alloc(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(4), 4)]) {
    for (const call of [() => map.findAll(nothing), () => map.count(nothing)]) {
      t.throws(call, {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^The "needle" argument must not be empty/,
      })
    }
    for (const to of ['', 'x']) {
      t.throws(() => map.replaceAll(nothing, to), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^The "from" argument must not be empty/,
      })
    }
  }
  t.is(map.slice().toString(), TEXT)
})

test('a needle in a detached buffer is refused', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const bytes = new Uint8Array(8)
  const words = new Uint16Array(8)
  for (const { buffer } of [bytes, words]) structuredClone(buffer, { transfer: [buffer] })
  for (const needle of [bytes, words, words.buffer]) {
    for (const call of [
      () => map.findAll(needle),
      () => map.count(needle),
      () => map.replaceAll(needle, 'abcdefgh'),
      () => map.replaceAll('abcdefgh', needle),
    ]) {
      t.throws(call, { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
    }
  }
  t.is(map.slice().toString(), TEXT)
})

test('a replacement of another length is refused, and nothing is replaced', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  for (const [from, to, came] of [
    ['one', '', 0],
    ['one', 'on', 2],
    ['one', 'ones', 4],
    ['one', 'öne', 4],
    ['absent', 'x', 1],
    ['one', new Float64Array(1), 8],
  ] as const) {
    t.throws(() => map.replaceAll(from, to), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: new RegExp(
        `^The "to" argument must be as long as "from", ${Buffer.from(from).length} bytes\\. Received ${came} bytes`,
      ),
    })
  }
  t.is(map.slice().toString(), TEXT)
  // It is bytes that count, and these are three.
  t.is(map.replaceAll('two', 'ön'), 1)
  t.is(map.slice(0, 7).toString(), 'one ön')
})

test('a mapping that is read only is refused before lengths are looked at, and after wrong arguments', (t) => {
  const path = scratchFile(t, TEXT)
  using map = mmap(path, 0, { access: ACCESS_READ })
  for (const [from, to] of [
    ['one', 'ONE'],
    ['one', 'longer'],
    ['', ''],
    ['', 'x'],
  ] as const) {
    t.throws(() => map.replaceAll(from, to), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  }
  t.throws(() => callWith(map, 'replaceAll', 'one', 1), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => map.replaceAll('one', 'ONE', 0.5), { code: 'ERR_OUT_OF_RANGE' })
  t.is(map.slice().toString(), TEXT)
  t.is(readFileSync(path, 'utf8'), TEXT)
})

test('after protect(PROT_READ) replaceAll is refused too', (t) => {
  if (process.platform === 'win32') {
    t.log('not run on Windows: it has no protect()')
    t.pass()
    return
  }
  using map = mmap(scratchFile(t, TEXT))
  map.protect(PROT_READ)
  t.throws(() => map.replaceAll('one', 'ONE'), { instanceOf: TypeError, code: 'ERR_MMAP_READONLY' })
  t.is(map.count('one'), 3)
})

test('bounds are whole numbers or infinities, and nothing is converted to one', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const calls: [method: keyof Mmap, args: (value: unknown) => unknown[]][] = [
    ['findAll', (value) => ['one', value]],
    ['findAll', (value) => ['one', 0, value]],
    ['count', (value) => ['one', value]],
    ['count', (value) => ['one', 0, value]],
    ['replaceAll', (value) => ['one', 'ONE', value]],
    ['replaceAll', (value) => ['one', 'ONE', 0, value]],
    ['lines', (value) => [{ start: value }]],
    ['lines', (value) => [{ stop: value }]],
  ]
  for (const [method, args] of calls) {
    for (const value of ['0', true, new Date(0), [0], null, Symbol('s')]) {
      t.throws(() => callWith(map, method, ...args(value)), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const value of [0.5, Number.NaN, 2n ** 63n]) {
      t.throws(() => callWith(map, method, ...args(value)), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    }
  }
  t.is(map.slice().toString(), TEXT)
})

test('options of lines are an object, with names that there are', (t) => {
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

test('a mapping that is closed throws, after arguments that are wrong', (t) => {
  const map = mmap(scratchFile(t, TEXT))
  map.close()
  for (const call of [
    () => map.findAll('one'),
    () => map.count('one'),
    () => map.replaceAll('one', 'ONE'),
    () => map.lines(),
    () => map.findAll(''),
    () => map.replaceAll('one', ''),
  ]) {
    t.throws(call, { instanceOf: Error, code: 'ERR_MMAP_CLOSED' })
  }
  t.throws(() => callWith(map, 'findAll', 5), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => callWith(map, 'lines', 5), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('options that close the mapping when they are read end in ERR_MMAP_CLOSED', (t) => {
  const map = mmap(scratchFile(t, TEXT))
  const options = {
    get start(): number {
      map.close()
      return 0
    },
  }
  t.throws(() => map.lines(options), { code: 'ERR_MMAP_CLOSED' })
})

// --- Needles of every kind

test('a needle may be any bytes, and is copied by findAll', (t) => {
  const content = Buffer.from('0123456789abcdef')
  const shared = new Uint8Array(new SharedArrayBuffer(16))
  shared.set(content)
  const float = new Float64Array(new Uint8Array(content).buffer)
  using map = mmap(scratchFile(t, Buffer.concat([content, Buffer.from('..'), content, content])))
  const view = map.bytes.subarray(18, 34)
  const needles: BytesLike[] = [
    content.toString(),
    content,
    new Uint8Array(content).buffer,
    new DataView(new Uint8Array(Buffer.concat([Buffer.from('__'), content])).buffer, 2),
    float,
    shared,
    shared.buffer,
    view,
    map.view(DataView, 34, 16),
    runInNewContext('Uint8Array.from(bytes)', { bytes: [...content] }),
  ]
  for (const needle of needles) {
    t.deepEqual([...map.findAll(needle)], [0, 18, 34])
    t.is(map.count(needle), 3)
    t.deepEqual([map.indexOf(needle, 1), map.lastIndexOf(needle, 33), map.includes(needle, 35)], [18, 18, false])
    t.is(map.replaceAll(needle, needle), 3)
  }
  const mine = Buffer.from(content)
  const places = map.findAll(mine)
  mine.fill(0)
  t.deepEqual([...places], [0, 18, 34])
})

test('bytes that lie about themselves are what they show', (t) => {
  using map = mmap(scratchFile(t, 'abcabc'))
  let asked = 0
  const lie = (): never => {
    asked += 1
    throw new Error('from the getter')
  }
  const needle = Object.defineProperties(Buffer.from('bc'), {
    length: { get: lie },
    byteLength: { get: lie },
    buffer: { get: lie },
    constructor: { get: lie },
  })
  t.deepEqual([...map.findAll(needle)], [1, 4])
  t.is(map.count(needle), 2)
  t.is(map.replaceAll(needle, 'BC'), 2)
  t.is(map.replaceAll('BC', needle), 2)
  t.is(map.slice().toString(), 'abcabc')
  t.is(asked, 0)
})

test('a view of the mapping itself can be what is replaced, and what it is replaced with', (t) => {
  using map = mmap(scratchFile(t, 'abXYab..ab'))
  t.is(map.replaceAll(map.bytes.subarray(0, 2), map.bytes.subarray(2, 4)), 3)
  t.is(map.slice().toString(), 'XYXYXY..XY')
})

test('a number is a byte for the indexOf family', (t) => {
  using map = mmap(scratchFile(t, 'abcabc'))
  t.deepEqual([map.indexOf(98), map.indexOf(98, 2), map.indexOf(0), map.indexOf(98, -1)], [1, 4, -1, -1])
  t.deepEqual([map.lastIndexOf(98), map.lastIndexOf(98, 3), map.lastIndexOf(98, 0)], [4, 1, -1])
  t.deepEqual([map.includes(99), map.includes(99, -1), map.includes(100)], [true, true, false])
  for (const value of [-1, 256, 1.5, Number.NaN]) {
    t.throws(() => map.indexOf(value), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
})

// --- findAll, count, replaceAll

test('matches do not overlap: what overlaps is found once', (t) => {
  using map = mmap(scratchFile(t, 'aaaaa'))
  t.deepEqual([...map.findAll('aa')], [0, 2])
  t.is(map.count('aa'), 2)
  t.is(map.replaceAll('aa', 'ba'), 2)
  t.is(map.slice().toString(), 'babaa')
})

test('what was put in is not searched again', (t) => {
  using map = mmap(scratchFile(t, 'aaab'))
  t.is(map.replaceAll('ab', 'ba'), 1)
  t.is(map.slice().toString(), 'aaba')
  t.is(map.replaceAll('a', 'a'), 3)
})

test('bounds are those of slice', (t) => {
  const path = scratchFile(t, TEXT)
  const content = Buffer.from(TEXT)
  const bounds = [undefined, 0, 1, 3, 8, 11, 20, 21, 22, -1, -3, -21, -22, 2 ** 40, -(2 ** 40)]
  const infinities = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const start of [...bounds, ...infinities]) {
    for (const stop of [...bounds, ...infinities]) {
      using map = mmap(path, 0, { access: ACCESS_COPY })
      const [from, to] = sliceRange(content.length, start, stop)
      const part = content.subarray(from, to)
      const expected = naivePlaces(part, Buffer.from('one')).map((place) => from + place)
      t.deepEqual([...map.findAll('one', start, stop)], expected, `${start} to ${stop}`)
      t.is(map.count('one', start, stop), expected.length)
      t.is(map.replaceAll('one', 'ONE', start, stop), expected.length)
      for (const place of expected) map.setSlice('one', place, place + 3)
      t.is(map.slice().toString(), TEXT)
    }
  }
})

test('a search takes its range as options, and its defaults are those of the arguments', (t) => {
  const text = 'one two one three one'
  using map = mmap(scratchFile(t, text))
  map.seek(1)
  t.is(map.find('one', { stop: 10 }), -1)
  t.is(map.find('one', {}), 8)
  t.is(map.find('one', { start: 0 }), 0)
  t.is(map.rfind('one', { start: 0, stop: 12 }), 8)
  t.deepEqual([...map.findAll('one', { start: 1 })], [8, 18])
  t.deepEqual([...map.findAll('one', { stop: -1 })], [0, 8])
  t.is(map.count('one', { start: -3 }), 1)
  t.is(map.arrayBuffer({ start: 4, stop: 7 }).byteLength, 3)
  t.is(map.replaceAll('one', 'ONE', { start: 1, stop: 20 }), 1)
  t.is(map.toString(), 'one two ONE three one')
  for (const method of ['find', 'rfind', 'findAll', 'count'] as const) {
    t.throws(() => callWith(map, method, 'one', { from: 1 }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'The property "options.from" is not an option of this method. Options are start, stop',
    })
    t.throws(() => callWith(map, method, 'one', { start: 1 }, 5), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'The "start" argument must be of type number. Received an instance of Object',
    })
  }
})

test('start is 0 wherever the cursor is, and the cursor stays', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  map.seek(10)
  t.deepEqual([...map.findAll('one')], [0, 8, 18])
  t.is(map.count('one'), 3)
  t.is(map.replaceAll('one', 'ONE'), 3)
  t.is([...map.lines()].length, 1)
  t.is(map.tell(), 10)
})

test('a needle that is longer than the mapping is nowhere, and one as long can be', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  t.deepEqual([...map.findAll('abcd')], [])
  t.is(map.count('abcd'), 0)
  t.is(map.replaceAll('abcd', 'dcba'), 0)
  t.deepEqual([...map.findAll('abc')], [0])
  t.is(map.replaceAll('abc', 'cba'), 1)
  t.is(map.slice().toString(), 'cba')
})

test('more places than are found at a time', (t) => {
  for (const count of [15, 16, 17, 63, 64, 65, 79, 80, 81, 255, 256, 1024, 4095, 4096, 4097, 5456, 5457, 20_000]) {
    using map = mmap(scratchFile(t, 'x.'.repeat(count)))
    const places = [...map.findAll('x')]
    t.is(places.length, count)
    t.true(places.every((place, index) => place === 2 * index))
    t.is(map.count('x.'), count)
  }
})

test('findAll is an iterator that ends, and stays at its end', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const places = map.findAll('one')
  t.is(places[Symbol.iterator](), places)
  t.deepEqual(places.next(), { value: 0, done: false })
  t.deepEqual([...places], [8, 18])
  t.deepEqual(places.next(), { value: undefined, done: true })
  const stopped = map.findAll('one')
  for (const place of stopped) if (place === 8) break
  t.deepEqual(stopped.next(), { value: undefined, done: true })
  t.deepEqual(map.findAll('one').return?.(), { value: undefined, done: true })
  // What has ended does not look at the mapping.
  map.close()
  t.true(stopped.next().done)
})

test('iterators have the helpers of the runtime, if it has any', (t) => {
  using map = mmap(scratchFile(t, 'b\na\nb'))
  const iterator: unknown = Reflect.get(globalThis, 'Iterator')
  if (typeof iterator !== 'function') {
    t.log(`not run on ${process.version}: it has no iterator helpers`)
    t.pass()
    return
  }
  for (const made of [map.findAll('b'), map.lines()]) {
    t.true(made instanceof iterator)
    const taken: unknown = Reflect.apply(Reflect.get(made, 'take'), made, [1])
    t.is([...(taken as Iterable<unknown>)].length, 1)
    // take() has closed it.
    t.true(made.next().done)
  }
})

test('an iterator goes on where its mapping has been changed by what it found', (t) => {
  using map = mmap(scratchFile(t, 'aXaXaX'.repeat(1000)))
  let found = 0
  for (const place of map.findAll('a')) {
    map.setAt(place, 98)
    found += 1
  }
  t.is(found, 3000)
  t.is(map.count('a'), 0)
  for (const place of map.findAll('bX')) {
    t.is(map.replaceAll('bX', 'cX', place, place + 2), 1)
  }
  t.is(map.count('cX'), 3000)
})

test('an iterator of a mapping that is closed half way throws at its next step, and at each', (t) => {
  for (const end of ['close', 'unmap'] as const) {
    const map = mmap(scratchFile(t, 'a\nb\na\n'))
    const [places, lines] = [map.findAll('a'), map.lines()]
    t.is(places.next().value, 0)
    t.is(textOf(lines.next().value), 'a')
    map[end]()
    for (const iterator of [places, lines, places]) {
      t.throws(() => iterator.next(), { instanceOf: Error, code: 'ERR_MMAP_CLOSED' })
    }
  }
})

test('an iterator that is not used keeps nothing back: it can be made and left', (t) => {
  const map = mmap(scratchFile(t, TEXT))
  const unused = map.findAll('one')
  const lines = map.lines()
  map.close()
  t.throws(() => unused.next(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => lines.next(), { code: 'ERR_MMAP_CLOSED' })
  t.deepEqual(lines.return?.(), { value: undefined, done: true })
  t.true(lines.next().done)
})

test('places go on in the new length after a resize', (t) => {
  for (const steps of [1, 16, 17, 100]) {
    using map = mmap(scratchFile(t, 'x.'.repeat(1000)))
    const places = map.findAll('x')
    for (let step = 0; step < steps; step += 1) t.is(places.next().value, step * 2)
    map.resize(4000)
    map.fill('x.', 2000)
    t.deepEqual(
      [...places],
      Array.from({ length: 2000 - steps }, (_, index) => 2 * (index + steps)),
    )
  }
  using map = mmap(scratchFile(t, 'x.'.repeat(1000)))
  const [all, bounded, negative] = [map.findAll('x'), map.findAll('x', 0, 500), map.findAll('x', 0, -10)]
  for (const places of [all, bounded, negative]) t.is(places.next().value, 0)
  map.resize(100)
  t.is([...all].at(-1), 98)
  t.is([...bounded].at(-1), 98)
  t.is([...negative].at(-1), 88)
  const behind = map.findAll('x', 90)
  map.resize(10)
  t.deepEqual([...behind], [])
})

// --- lines

test('lines are what is between newlines', (t) => {
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

test('start and stop of lines are bounds', (t) => {
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

test('a line is a view of the mapping: what is stored through it is in the file', (t) => {
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

test('lines of a part of a file at an odd offset, and of a SharedArrayBuffer, are where they should be', (t) => {
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

test('lines stay good after close(), and are empty after unmap()', (t) => {
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

test('more lines than are found at a time', (t) => {
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

test('leaving the loop over lines ends it', (t) => {
  using map = mmap(scratchFile(t, 'one\ntwo\nthree'))
  const lines = map.lines()
  t.is(lines[Symbol.iterator](), lines)
  for (const line of lines) {
    t.is(textOf(line), 'one')
    break
  }
  t.deepEqual(lines.next(), { value: undefined, done: true })
})

test('lines go on in the new length after a resize, and those before it stay as they were', (t) => {
  const path = scratchFile(t, 'one\ntwo\nthree')
  using map = mmap(path)
  const lines = map.lines()
  const one = lines.next().value
  map.resize(16)
  map.setSlice('\nx\n', 13)
  t.is(textOf(one), 'one')
  t.deepEqual([...lines].map(textOf), ['two', 'three', 'x'])
})

test('lines end where memory ends after a resize', (t) => {
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

test('a line that is longer than all those before it together is whole', (t) => {
  const text = [16, 64, 256, 1024].map((count) => `${'\n'.repeat(count)}${'x'.repeat(20 * count)}`).join('')
  t.deepEqual(linesOf(mmap(scratchFile(t, text))), text.split('\n'))
})

test('lines go on when the buffer of those before was transferred', (t) => {
  const path = scratchFile(t, 'one\n\nthree\nfour')
  using map = mmap(path)
  const lines = map.lines()
  const one = lines.next().value
  const moved = transfer(one?.buffer ?? new ArrayBuffer(0))
  t.is(one?.length, 0)
  t.deepEqual([...lines].map(textOf), ['', 'three', 'four'])
  t.is(Buffer.from(moved).toString(), 'one\n\nthree\nfour')
})

test('options of lines are read once', (t) => {
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

// --- Faults

onLinux(
  'a file that is truncated half way is ERR_MMAP_FAULT at the next step',
  'only there is every fault seen',
  (t) => {
    for (const make of [(map: Mmap) => map.findAll('x'), (map: Mmap) => map.lines()]) {
      const path = scratchFile(t, 'x\n'.repeat(8 * PAGESIZE))
      using map = mmap(path)
      const iterator: Iterator<unknown> = make(map)
      // Some are found and not given yet.
      for (let step = 0; step < 20; step += 1) t.false(iterator.next().done)
      truncateSync(path, PAGESIZE)
      const fault = { instanceOf: Error, code: 'ERR_MMAP_FAULT' }
      // The places of one batch may still be in what the file has.
      t.throws(() => {
        for (let step = 0; step < 8 * PAGESIZE; step += 1) iterator.next()
      }, fault)
      t.throws(() => iterator.next(), fault)
      t.throws(() => map.count('x'), fault)
      t.like(
        t.throws(() => map.replaceAll('x', 'y')),
        { code: 'ERR_MMAP_FAULT', replaced: 0 },
      )
    }
  },
)

onLinux(
  'a line that has been cut off reads as zeros, and the next step throws',
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

onLinux('replaceAll says how many it replaced before a fault', 'only there is every fault seen', (t) => {
  const path = scratchFile(t, 'x'.repeat(4 * PAGESIZE))
  using map = mmap(path)
  truncateSync(path, 2 * PAGESIZE)
  const error = t.throws(() => map.replaceAll('x', 'y'), { code: 'ERR_MMAP_FAULT' })
  t.like(error, { replaced: readFileSync(path, 'utf8').split('y').length - 1 })
  t.like(error, { replaced: 2 * PAGESIZE })
})

// --- Properties

const letters = fc.constantFrom('a', 'b', '\n').map((letter) => letter.charCodeAt(0))
const haystacks = fc.oneof(
  fc.array(letters, { minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.array(letters, { minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  // Long enough for more than a batch and more than a stretch.
  fc
    .tuple(fc.array(letters, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 20_000 }))
    .map(([bytes, times]) => Buffer.from(Array(times).fill(bytes).flat())),
)
const needles = fc.array(letters, { minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes))
const bounds = fc.option(fc.oneof(fc.integer({ min: -420, max: 420 }), fc.integer()), { nil: undefined })

function settings(runs: number, number: number): fc.Parameters<unknown> {
  return { seed: SEED + number, numRuns: runs, includeErrorInReport: true }
}

function inMapping(t: ExecutionContext, body: (map: Mmap, fill: (haystack: Buffer) => void) => void): void {
  using map = mmap(scratchFile(t, 1))
  body(map, (haystack) => {
    map.resize(haystack.length)
    map.setSlice(haystack)
  })
}

test('findAll, count and replaceAll do as loops of Buffer.indexOf do', (t) => {
  inMapping(t, (map, fill) => {
    const property = fc.property(haystacks, needles, bounds, bounds, (haystack, needle, start, stop) => {
      fill(haystack)
      const [from, to] = sliceRange(haystack.length, start, stop)
      const part = haystack.subarray(from, to)
      const places = naivePlaces(part, needle).map((place) => from + place)
      t.deepEqual([...map.findAll(needle, start, stop)], places)
      t.is(map.count(needle, start, stop), places.length)
      const upper = Buffer.from(needle).fill('A')
      t.is(map.replaceAll(needle, upper, start, stop), places.length)
      const expected = [haystack.subarray(0, from), naivelyReplaced(part, needle, upper), haystack.subarray(to)]
      t.true(map.slice().equals(Buffer.concat(expected)))
    })
    fc.assert(property, settings(400, 1))
  })
})

test('lines do as split does', (t) => {
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

test('the indexOf family does as that of Buffer', (t) => {
  const needle = fc.oneof(needles, fc.constant(Buffer.alloc(0)), letters)
  inMapping(t, (map, fill) => {
    const property = fc.property(haystacks, needle, bounds, (haystack, needle, start) => {
      fill(haystack)
      t.is(map.indexOf(needle, start), haystack.indexOf(needle, start))
      t.is(map.lastIndexOf(needle, start), haystack.lastIndexOf(needle, start))
      t.is(map.includes(needle, start), haystack.includes(needle, start))
    })
    fc.assert(property, settings(400, 3))
  })
})

// --- Beyond 4 GiB

const LARGE = 5 * GIB + 1000
const NOT_SPARSE = 'a file of 5 GiB is written in full there'

/** A sparse file of more than 5 GiB, with text in a few places. */
function largeFile(t: ExecutionContext, texts: Record<number, string>): string {
  const path = scratchFile(t, 'start')
  truncateSync(path, LARGE)
  const fd = openSync(path, 'r+')
  for (const [at, text] of Object.entries(texts)) writeSync(fd, text, Number(at))
  closeSync(fd)
  return path
}

onUnix('places and replacements lie beyond 4 GiB', NOT_SPARSE, (t) => {
  const places = [4 * GIB - 3, 4 * GIB + 7, LARGE - 6]
  const path = largeFile(t, Object.fromEntries(places.map((place) => [place, 'needle'])))
  using map = mmap(path)
  const start = 4 * GIB - 2 ** 20
  for (const [from, to] of [
    [start, 4 * GIB + 2 ** 20],
    [LARGE - 2 ** 20, LARGE],
  ] as const) {
    const inside = places.filter((place) => place >= from && place + 6 <= to)
    t.deepEqual([...map.findAll('needle', from, to)], inside)
    t.is(map.count('needle', from, to), inside.length)
    t.is(map.replaceAll('needle', 'NEEDLE', from, to), inside.length)
  }
  t.deepEqual([map.indexOf('NEEDLE', start), map.lastIndexOf('NEEDLE', -7)], [places[0], places[1]])
  const fd = openSync(path, 'r')
  for (const place of places) {
    const there = Buffer.alloc(8)
    readSync(fd, there, 0, 8, place - 1)
    t.is(there.toString().replaceAll('\0', ''), 'NEEDLE')
  }
  closeSync(fd)
})

onUnix('lines lie across 4 GiB and beyond', NOT_SPARSE, (t) => {
  const path = largeFile(t, {
    [4 * GIB - 100]: '\nbefore\nacross',
    [4 * GIB + 100]: 'the limit\nbehind\n',
    [LARGE - 10]: '\nthe end\nx',
  })
  using map = mmap(path)
  const lines = map.lines({ start: 4 * GIB - 99, stop: 4 * GIB + 117 })
  const found = [...lines].map((line) => textOf(line)?.replaceAll('\0', ''))
  t.deepEqual(found, ['before', 'acrossthe limit', 'behind'])
  t.deepEqual(linesOf(map, { start: LARGE - 9 }), ['the end', 'x'])
  for (const line of map.lines({ start: LARGE - 9 })) line.fill(46)
  t.is(map.slice(-9).toString(), '.......\n.')
})

onUnix('nothing is lost or found twice where a search goes on after 2 GiB', 'it has no MAP_PRIVATE', (t) => {
  using map = zeros(LARGE)
  const half = 2 * GIB
  map.setSlice('aaaaa', half - 3, half + 2)
  map.setSlice('aa', half + 100, half + 102)
  map.setSlice('aaa', 2 * half, 2 * half + 3)
  const places = [half - 3, half - 1, half + 100, 2 * half]
  t.deepEqual([...map.findAll('aa')], places)
  t.is(map.count('aa'), places.length)

  for (const place of [half + 9, half + 10, half + 20]) map.setAt(place, 10)
  const found = [...map.lines({ start: 10 })]
  t.deepEqual(
    found.map(({ length }) => length),
    [half - 1, 0, 9, LARGE - half - 21],
  )
  for (const line of found) line[0] = 46
  t.deepEqual(
    [10, half + 11, half + 21].map((place) => map.at(place)),
    [46, 46, 46],
  )
})

onUnix('lines of a mapping longer than any view are in as few buffers as can be', 'it has no MAP_PRIVATE', (t) => {
  using map = zeros(LARGE)
  const count = 10_000
  map.fill('x\n', 0, 2 * count)
  const lines = [...map.lines({ stop: 2 * count })]
  t.is(lines.length, count)
  t.is(new Set(lines.map(({ buffer }) => buffer)).size, 1)
})

onUnix('a line longer than any view is an error, and the iterator goes on after it', 'it has no MAP_PRIVATE', (t) => {
  if (MAX_VIEW_LENGTH >= LARGE) {
    t.log(`not run on ${process.version}: its views can have ${MAX_VIEW_LENGTH} bytes`)
    t.pass()
    return
  }
  // Not a file: reading one that is all holes takes half a minute.
  using map = zeros(LARGE)
  map.setSlice('\nthe end\nx', LARGE - 10)
  t.throws(() => map.view(Uint8Array, 1, MAX_VIEW_LENGTH), { code: 'ERR_MMAP_VIEW_TOO_LARGE' })
  const lines = map.lines({ start: 100 })
  t.throws(() => lines.next(), { instanceOf: RangeError, code: 'ERR_MMAP_VIEW_TOO_LARGE' })
  t.deepEqual([...lines].map(textOf), ['the end', 'x'])
})

// Searches: find and the indexOf family, findAll and count, compared with naive searches.
//
// HOSTILE_SEED repeats a run of the properties.

import { truncateSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ACCESS_COPY, ACCESS_READ, type BytesLike, type Mmap, mmap, PAGESIZE } from 'memmap'
import { bounds, haystacks, letters, needles, settings, sliceRange } from './support/haystacks.mjs'
import { textOf } from './support/lines.mjs'
import { callWith } from './support/misuse.mjs'
import { onLinux } from './support/platform.mjs'
import { scratchFile } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

const TEXT = 'one two one three one'

/** All places, by Buffer.indexOf. */
function naivePlaces(haystack: Buffer, needle: Uint8Array): number[] {
  const places: number[] = []
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + needle.length)) places.push(at)
  return places
}

// First, because the process may not live to print it later.
test('seed: the seed of the properties is printed first', (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  t.pass()
})

test('indexOf, find, includes: a lone surrogate is searched for as its replacement in UTF-8', (t) => {
  using map = mmap(-1, 100)
  map.write('ab\ufffdcd')
  // After some calls a view is used. With the string itself, Node 24 would end the process there.
  for (let call = 0; call < 50; call += 1) {
    t.is(map.indexOf('\ud800'), 2)
    t.is(map.find('\udc00c', 0), 2)
    t.true(map.includes('b\ud83d'))
  }
})

// --- Misuse

const SEARCHES = [
  ['findAll', (needle: unknown) => [needle]],
  ['count', (needle: unknown) => [needle]],
  ['replaceAll', (needle: unknown) => [needle, 'x']],
  ['replaceAll', (needle: unknown) => ['x', needle]],
] as const

test('findAll, count, replaceAll: a needle that is no bytes is refused', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  const values = [undefined, null, true, 5, 5n, Symbol('s'), {}, [111], () => {}, { source: 'one' }, new Date(0)]
  for (const value of values) {
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

test('findAll, count, replaceAll: an empty needle is refused', (t) => {
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

test('findAll, count, replaceAll: a needle in a detached buffer is refused', (t) => {
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

test('findAll, count, replaceAll, lines: bounds must be whole numbers or infinities', (t) => {
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

test('findAll, count, replaceAll, lines: a closed mapping throws, after wrong arguments', (t) => {
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

// --- Needles

test('findAll, count, indexOf: a needle may be bytes of any kind, and findAll copies it', (t) => {
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

test('findAll, count, replaceAll: overridden properties of a needle are not read', (t) => {
  using map = mmap(scratchFile(t, 'abcabc'))
  let reads = 0
  const lie = (): never => {
    reads += 1
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
  t.is(reads, 0)
})

test('indexOf, lastIndexOf, includes: a number is a byte', (t) => {
  using map = mmap(scratchFile(t, 'abcabc'))
  t.deepEqual([map.indexOf(98), map.indexOf(98, 2), map.indexOf(0), map.indexOf(98, -1)], [1, 4, -1, -1])
  t.deepEqual([map.lastIndexOf(98), map.lastIndexOf(98, 3), map.lastIndexOf(98, 0)], [4, 1, -1])
  t.deepEqual([map.includes(99), map.includes(99, -1), map.includes(100)], [true, true, false])
  for (const value of [-1, 256, 1.5, Number.NaN]) {
    t.throws(() => map.indexOf(value), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
  }
})

// --- find and the indexOf family

/** Numbers that look random and are the same for the same seed: a linear congruential generator. */
class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
  /** Inside `[least, most]`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }
  bytes(length: number, alphabet: number): Buffer {
    const result = Buffer.alloc(length)
    for (let i = 0; i < length; i += 1) result[i] = 97 + this.below(alphabet)
    return result
  }
}

test('indexOf, lastIndexOf, includes: the result is that of Buffer', (t) => {
  const seed = 20250101
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  for (let round = 0; round < 100; round += 1) {
    const length = random.between(1, 60)
    const hay = random.bytes(length, 3)
    using map = mmap(-1, length)
    map.write(hay)
    for (let times = 0; times < 100; times += 1) {
      const needle = random.below(5) === 0 ? 97 + random.below(4) : random.bytes(random.below(5), 3)
      const start = random.below(4) === 0 ? undefined : random.between(-length - 5, length + 5)
      const message = `${hay} ${needle} ${start}`
      if (map.indexOf(needle, start) !== hay.indexOf(needle, start)) t.fail(`indexOf ${message}`)
      if (map.lastIndexOf(needle, start) !== hay.lastIndexOf(needle, start)) t.fail(`lastIndexOf ${message}`)
      if (map.includes(needle, start) !== hay.includes(needle, start)) t.fail(`includes ${message}`)
    }
  }
  using map = mmap(-1, 5)
  map.write('abcab')
  t.deepEqual([map.indexOf('ab'), map.lastIndexOf('ab'), map.includes('ca'), map.lastIndexOf('')], [0, 3, true, 5])
})

test('find, rfind: the result is that of Buffer, within any bounds', (t) => {
  const seed = 20250102
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  for (let round = 0; round < 100; round += 1) {
    const length = random.between(1, 200)
    const hay = random.bytes(length, 2)
    using map = mmap(-1, length)
    map.write(hay)
    for (let times = 0; times < 100; times += 1) {
      const needle = random.bytes(random.between(1, 6), 2)
      const start = random.between(-length - 3, length + 3)
      const stop = random.between(-length - 3, length + 3)
      const from = start < 0 ? Math.max(start + length, 0) : Math.min(start, length)
      const within = hay.subarray(start, stop)
      const moved = (index: number): number => (index === -1 ? -1 : index + from)
      const message = `${hay} ${needle} ${start} ${stop}`
      if (map.find(needle, start, stop) !== moved(within.indexOf(needle))) t.fail(`find ${message}`)
      if (map.rfind(needle, start, stop) !== moved(within.lastIndexOf(needle))) t.fail(`rfind ${message}`)
    }
  }
  using map = mmap(-1, 5)
  map.write('abcab')
  t.deepEqual([map.find('ab', 1), map.rfind('ab', 0, 4), map.find('ab', 4), map.rfind('ab', 0, 1)], [3, 0, -1, -1])
})

test('find, rfind: start is the cursor by default', (t) => {
  using map = mmap(-1, 10)
  map.write('abcabcabc')
  map.seek(1)
  t.deepEqual([map.find('abc'), map.rfind('abc'), map.indexOf('abc')], [3, 6, 0])
  map.seek(7)
  t.deepEqual([map.find('abc'), map.rfind('abc'), map.lastIndexOf('abc')], [-1, -1, 6])
  t.is(map.tell(), 7)
})

test('find, rfind: a needle across the 64 KiB that are searched at a time is found', (t) => {
  const stretch = 64 * 1024
  using map = mmap(-1, 3 * stretch)
  for (const size of [1, 2, 3, 16, 1000]) {
    const needle = Buffer.alloc(size, 1)
    for (const boundary of [stretch, 2 * stretch]) {
      for (let at = boundary - size - 1; at <= boundary + 1; at += Math.max(1, Math.floor(size / 7))) {
        map.setSlice(needle, at, at + size)
        if (map.find(needle, 0) !== at || map.rfind(needle, 0) !== at) t.fail(`${size} bytes at ${at}`)
        if (map.find(needle, at) !== at || map.find(needle, at + 1) !== -1) t.fail(`${size} bytes from ${at}`)
        if (map.rfind(needle, 0, at + size) !== at) t.fail(`${size} bytes to ${at + size}`)
        if (map.rfind(needle, 0, at + size - 1) !== -1) t.fail(`${size} bytes to ${at + size - 1}`)
        map.fill(0, at, at + size)
      }
    }
  }
  map.setSlice('xyz', stretch - 1, stretch + 2)
  t.deepEqual([map.find('xyz', 0), map.rfind('xyz', 0)], [stretch - 1, stretch - 1])
})

test('find, rfind: needles longer than 64 KiB are found, near misses are not', (t) => {
  const length = 1 << 20
  const random = new Random(7)
  const hay = random.bytes(length, 2)
  using map = mmap(-1, length)
  map.write(hay)
  for (const size of [65_535, 65_536, 65_537, 100_000, 131_072, 200_001, 500_000]) {
    for (const at of [0, 1, 4095, 65_536, length - size - 1, length - size]) {
      const needle = hay.subarray(at, at + size)
      if (map.find(needle, 0) !== at || map.rfind(needle, 0) !== at) t.fail(`${size} bytes at ${at}`)
      const nearly = Buffer.from(needle)
      nearly[size - 1] = 0
      if (map.find(nearly, 0) !== -1 || map.rfind(nearly, 0) !== -1) t.fail(`nearly ${size} bytes at ${at}`)
      nearly.set(needle.subarray(-1), size - 1)
      nearly[0] = 0
      if (map.includes(nearly)) t.fail(`nearly ${size} bytes at ${at}`)
    }
  }
  t.is(map.find(hay, 0), 0)
  t.is(map.rfind(Buffer.concat([hay, Buffer.from('a')]), 0), -1)
})

test('indexOf, lastIndexOf: the result in a long mapping is that of Buffer', (t) => {
  const seed = 20250103
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  const length = 300_000
  const hay = random.bytes(length, 2)
  using map = mmap(scratchFile(t, hay), 0, { access: ACCESS_READ })
  for (let times = 0; times < 300; times += 1) {
    const at = random.below(length)
    const needle =
      random.below(2) === 0 ? random.bytes(random.between(10, 20), 2) : hay.subarray(at, at + random.below(2000) + 1)
    const start = random.below(length)
    const message = `${needle.length} bytes from ${start}`
    if (map.indexOf(needle, start) !== hay.indexOf(needle, start)) t.fail(`indexOf ${message}`)
    if (map.lastIndexOf(needle, start) !== hay.lastIndexOf(needle, start)) t.fail(`lastIndexOf ${message}`)
  }
  t.is(map.indexOf(hay.subarray(-1000)), length - 1000)
})

// --- findAll, count

test('findAll, count, replaceAll: matches do not overlap', (t) => {
  using map = mmap(scratchFile(t, 'aaaaa'))
  t.deepEqual([...map.findAll('aa')], [0, 2])
  t.is(map.count('aa'), 2)
  t.is(map.replaceAll('aa', 'ba'), 2)
  t.is(map.slice().toString(), 'babaa')
})

test('findAll, count, replaceAll: bounds are those of slice', (t) => {
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

test('find, findAll, count, replaceAll: the range may be given as options', (t) => {
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

test('findAll, count, replaceAll, lines: start is 0 by default, and the cursor stays', (t) => {
  using map = mmap(scratchFile(t, TEXT))
  map.seek(10)
  t.deepEqual([...map.findAll('one')], [0, 8, 18])
  t.is(map.count('one'), 3)
  t.is(map.replaceAll('one', 'ONE'), 3)
  t.is([...map.lines()].length, 1)
  t.is(map.tell(), 10)
})

test('findAll, count, replaceAll: a needle may be as long as the mapping, or longer', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  t.deepEqual([...map.findAll('abcd')], [])
  t.is(map.count('abcd'), 0)
  t.is(map.replaceAll('abcd', 'dcba'), 0)
  t.deepEqual([...map.findAll('abc')], [0])
  t.is(map.replaceAll('abc', 'cba'), 1)
  t.is(map.slice().toString(), 'cba')
})

test('findAll: there may be more places than are found at a time', (t) => {
  for (const count of [15, 16, 17, 63, 64, 65, 79, 80, 81, 255, 256, 1024, 4095, 4096, 4097, 5456, 5457, 20_000]) {
    using map = mmap(scratchFile(t, 'x.'.repeat(count)))
    const places = [...map.findAll('x')]
    t.is(places.length, count)
    t.true(places.every((place, index) => place === 2 * index))
    t.is(map.count('x.'), count)
  }
})

test('findAll: the iterator ends, and stays at its end', (t) => {
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
  // An iterator that has ended does not check the mapping.
  map.close()
  t.true(stopped.next().done)
})

test('findAll, lines: the iterators have the helpers of the runtime, if it has any', (t) => {
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

test('findAll: the iterator goes on where its mapping has been changed', (t) => {
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

test('findAll, lines: each step throws once the mapping is closed', (t) => {
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

test('findAll, lines: an unused iterator does not keep the mapping from being closed', (t) => {
  const map = mmap(scratchFile(t, TEXT))
  const unused = map.findAll('one')
  const lines = map.lines()
  map.close()
  t.throws(() => unused.next(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => lines.next(), { code: 'ERR_MMAP_CLOSED' })
  t.deepEqual(lines.return?.(), { value: undefined, done: true })
  t.true(lines.next().done)
})

test('findAll: the iterator goes on in the new length after a resize', (t) => {
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

onLinux(
  'findAll, lines, count, replaceAll: a truncated file is ERR_MMAP_FAULT at the next step',
  'only there is every fault seen',
  (t) => {
    for (const make of [(map: Mmap) => map.findAll('x'), (map: Mmap) => map.lines()]) {
      const path = scratchFile(t, 'x\n'.repeat(8 * PAGESIZE))
      using map = mmap(path)
      const iterator: Iterator<unknown> = make(map)
      // Some places have been found but not returned yet.
      for (let step = 0; step < 20; step += 1) t.false(iterator.next().done)
      truncateSync(path, PAGESIZE)
      const fault = { instanceOf: Error, code: 'ERR_MMAP_FAULT' }
      // The places of one batch may lie in what is left of the file.
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

// --- Properties

/** `haystack` with every match replaced by `to`. */
function naivelyReplaced(haystack: Buffer, from: Uint8Array, to: Uint8Array): Buffer {
  const result = Buffer.from(haystack)
  for (const place of naivePlaces(haystack, from)) result.set(to, place)
  return result
}

function inMapping(t: ExecutionContext, body: (map: Mmap, fill: (haystack: Buffer) => void) => void): void {
  using map = mmap(scratchFile(t, 1))
  body(map, (haystack) => {
    map.resize(haystack.length)
    map.setSlice(haystack)
  })
}

test('findAll, count, replaceAll: the results are those of loops of Buffer.indexOf', (t) => {
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

test('indexOf, lastIndexOf, includes: the results are those of Buffer for random bytes', (t) => {
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

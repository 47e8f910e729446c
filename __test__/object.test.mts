// What a mapping is to those who take any object. It is no Buffer, and says so instead of passing
// for something else.

import assert from 'node:assert'
import { format, inspect, types } from 'node:util'
import * as threads from 'node:worker_threads'
import ava from 'ava'
import { ACCESS_COPY, Mmap, mmap } from 'memmap'
import { membersOf } from './support/members.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

test('Buffer.from: the result is a copy of what is mapped', (t) => {
  using map = mmap(scratchFile(t, 'Hello World!'))
  // In the types of Node, String is the only object with valueOf.
  const copy = Buffer.from(map as unknown as string)
  t.is(copy.toString(), 'Hello World!')
  copy.fill(0)
  t.is(map.toString(), 'Hello World!')
  t.is(map.valueOf(), map.bytes)
  map.close()
  t.throws(() => map.valueOf(), { code: 'ERR_MMAP_CLOSED' })
})

test('String, Number: a conversion is refused, and the error says what to use', (t) => {
  const map = mmap(scratchFile(t, 'abc'))
  const loose: unknown = map
  const conversions: [hint: string, () => unknown][] = [
    ['string', () => `${loose}`],
    ['string', () => String(map)],
    ['string or number', () => (loose as number) + 1],
    ['number', () => Number(map)],
    ['string', () => new Blob([loose as string])],
    ['string', () => new TextEncoder().encode(loose as string)],
    ['string', () => new URLSearchParams('a=1').append('b', loose as string)],
  ]
  const refused = (closed: string): void => {
    for (const [hint, convert] of conversions) {
      t.throws(
        convert,
        {
          instanceOf: TypeError,
          code: 'ERR_INVALID_ARG_TYPE',
          message:
            `An Mmap cannot be converted to a ${hint}: use toString() for its text, bytes for a view of it, slice() for a copy, ` +
            'or stream() for a body',
        },
        `${convert} ${closed}`,
      )
    }
  }
  refused('open')
  map.close()
  refused('closed')
  t.is(inspect(map), '<memmap.Mmap closed=true>')
  t.is(format('%o', 'a', map), "'a' <memmap.Mmap closed=true>")
})

test('assert.deepStrictEqual: two mappings are equal only if they are the same', (t) => {
  const path = scratchFile(t, 'abc')
  using one = mmap(path)
  using other = mmap(path)
  t.notThrows(() => assert.deepStrictEqual(one, one))
  t.throws(() => assert.deepStrictEqual(one, other), { code: 'ERR_ASSERTION' })
  t.throws(() => assert.deepStrictEqual({ map: one }, { map: other }), { code: 'ERR_ASSERTION' })
  t.notThrows(() => assert.notDeepStrictEqual([one], [other]))
  t.deepEqual(Object.keys(one), [])
})

const CAN_MARK = 'markAsUncloneable' in threads

test('structuredClone, postMessage: a mapping cannot be cloned', (t) => {
  if (!CAN_MARK) {
    t.log(`not run on Node ${process.versions.node}: it has no markAsUncloneable`)
    t.pass()
    return
  }
  using map = mmap(-1, 10)
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  for (const clone of [
    () => structuredClone(map),
    () => port2.postMessage({ map }),
    () => new threads.Worker('', { eval: true, workerData: map }),
  ]) {
    t.throws(clone, { instanceOf: DOMException, name: 'DataCloneError' })
  }
})

/** Arguments for the members that check them before they look for the mapping. */
const ARGUMENTS: Record<PropertyKey, unknown[]> = {
  at: [0],
  count: ['a'],
  countAsync: ['a'],
  fill: [0],
  find: ['a'],
  findAll: ['a'],
  findAsync: ['a'],
  includes: ['a'],
  indexOf: ['a'],
  lastIndexOf: ['a'],
  lineAt: [0],
  madvise: [0],
  match: [/a/],
  matchAll: [/a/],
  matchAllAsync: [/a/],
  matchAsync: [/a/],
  move: [0, 0, 1],
  notify: [0],
  protect: [1],
  replaceAll: ['a', 'b'],
  replaceAllAsync: ['a', 'b'],
  resize: [1],
  rfind: ['a'],
  search: [/a/],
  searchAsync: [/a/],
  seek: [0],
  set: ['x'],
  setAt: [0, 0],
  setSlice: ['x'],
  view: [Uint8Array],
  wait: [0, 1, 0],
  waitAsync: [0, 1],
  write: ['x'],
  writeByte: [0],
}

/** Members that need no mapping. */
const WITHOUT_MAPPING: PropertyKey[] = [
  'constructor',
  'seekable',
  Symbol.toPrimitive,
  Symbol.toStringTag,
  inspect.custom,
]

for (const [key, { get, value = get }] of membersOf(Mmap)) {
  if (WITHOUT_MAPPING.includes(key)) continue
  test(`${String(key)}: called on something other than an Mmap, it is ERR_INVALID_THIS`, async (t) => {
    using map = mmap(scratchFile(t, 'abc'))
    const receivers: [what: string, receiver: unknown][] = [
      ['a Proxy', new Proxy(map, {})],
      ['an object that inherits', Object.create(map)],
      ['the prototype', Mmap.prototype],
      ['an object', {}],
      ['a number', 1],
      ['null', null],
      ['undefined', undefined],
    ]
    for (const [what, receiver] of receivers) {
      const use = async (): Promise<void> => {
        const result: unknown = Reflect.apply(value, receiver, ARGUMENTS[key] ?? [])
        // A generator looks for the mapping at its first step.
        if (types.isGeneratorObject(result)) result.next()
        await result
      }
      const error = await t.throwsAsync(use, { instanceOf: TypeError, code: 'ERR_INVALID_THIS' }, what)
      t.regex(error?.message ?? '', /"this" must be an Mmap.*Proxy/)
    }
    t.is(map.toString(), 'abc')
    t.is(inspect(new Proxy(map, {})), '<memmap.Mmap>')
  })
}

test('util.inspect: the text is what CPython prints', (t) => {
  const map = mmap(scratchFile(t, pattern(1000)), 100, { offset: 7, access: ACCESS_COPY })
  map.seek(5)
  t.is(inspect(map), '<memmap.Mmap closed=false, access=ACCESS_COPY, length=100, pos=5, offset=7>')
  t.is(inspect({ map }), `{\n  map: ${inspect(map)}\n}`)
  t.true(inspect(map, { colors: true }).includes('access=ACCESS_COPY'))
  t.is(map[inspect.custom](), inspect(map))
  map.close()
  t.is(inspect(map), '<memmap.Mmap closed=true>')
  for (const none of [new Proxy(map, {}), Object.create(map)]) t.is(inspect(none), '<memmap.Mmap>')
})

test('Object.prototype.toString: the name is Mmap, open or closed', (t) => {
  const map = mmap(-1, 10)
  t.is(Object.prototype.toString.call(map), '[object Mmap]')
  map.close()
  t.is(Object.prototype.toString.call(map), '[object Mmap]')
  t.is(typeof inspect(Mmap.prototype), 'string')
})

test('Object.keys: nothing of the inside can be seen from outside', (t) => {
  using map = mmap(-1, 10)
  t.deepEqual(Object.keys(map), [])
  // `assert.deepStrictEqual` can tell two mappings apart by this alone.
  t.deepEqual(Reflect.ownKeys(map).map(String), ['Symbol(memmap.identity)'])
  t.is(JSON.stringify(map), '{}')
})

test('all methods: another object as `this` is refused', (t) => {
  for (const method of ['at', 'close', 'read'] as const) {
    t.throws(() => Reflect.apply(Mmap.prototype[method], {}, [0]), { instanceOf: TypeError })
  }
})

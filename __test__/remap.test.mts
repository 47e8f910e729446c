// remap(): following a file that others write to. allowEmpty: mapping no bytes until some exist.

import { appendFileSync, closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import ava from 'ava'
import {
  ACCESS_COPY,
  ACCESS_READ,
  ACCESS_WRITE,
  MADV_WILLNEED,
  MAP_PRIVATE,
  type MmapOptions,
  mmap,
  PAGESIZE,
  PROT_READ,
  PROT_WRITE,
} from 'memmap'
import { callWith, mmapWith } from './support/misuse.mjs'
import { onUnix } from './support/platform.mjs'
import { pattern, scratchFile } from './support/portable.mjs'

const test = ava.serial

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const GROWS_IN_PLACE = process.platform !== 'win32'

/** Each kind of views, where there is one. */
const KINDS: Record<string, MmapOptions> = GROWS_IN_PLACE
  ? {
      plain: {},
      shared: { sharedArrayBuffer: true },
      'in place': { sharedArrayBuffer: { maxByteLength: 2 ** 26 } },
    }
  : { plain: {} }

for (const [kind, options] of Object.entries(KINDS)) {
  for (const access of [ACCESS_READ, ACCESS_WRITE] as const) {
    test(`remap: what others have appended is mapped, with access ${access}, ${kind}`, (t) => {
      const path = scratchFile(t, 'one\n')
      const map = mmap(path, 0, { ...options, access })
      const { bytes, buffer } = map
      map.seek(2)
      t.is(map.remap(), 4, 'nothing has changed')
      t.is(map.buffer, buffer)

      const more = pattern(3 * PAGESIZE)
      appendFileSync(path, more)
      t.is(map.remap(), 4 + more.length)
      t.is(map.length, 4 + more.length)
      t.is(map.tell(), 2)
      t.deepEqual(map.slice(4), more)
      t.deepEqual(Buffer.from(map.bytes.subarray(4)), more)
      t.is(text(bytes), 'one\n')
      t.is(map.buffer === buffer, kind === 'in place')

      t.is(map.remap(7), 7, 'a part of it')
      t.is(map.bytes.length, 7)
      t.deepEqual(readFileSync(path).length, 4 + more.length)
      t.throws(() => map.remap(map.size() + 1), {
        code: 'ERR_OUT_OF_RANGE',
        message: new RegExp(`"newLength" must be 1 to ${map.size()}, for the file has ${map.size()} bytes now`),
      })
      t.throws(() => map.remap(0), { code: 'ERR_OUT_OF_RANGE' })
      t.is(map.length, 7, 'as it was before a failure')
      map.unmap()
    })
  }
}

test('remap: what is written before and after it is in the file', (t) => {
  const path = scratchFile(t, 'one\n')
  using map = mmap(path)
  const { bytes } = map
  map.set('ONE')
  appendFileSync(path, 'two\n')
  map.remap()
  map.set('TWO', 4)
  bytes[0] = 0x6f
  map.flush()
  t.is(readFileSync(path, 'utf8'), 'oNE\nTWO\n')
})

test('remap: a mapping of a part keeps its offset', (t) => {
  const path = scratchFile(t, 'headtail')
  using map = mmap(path, 2, { access: ACCESS_READ, offset: 4 })
  t.is(map.remap(), 4)
  t.is(map.toString(), 'tail')
  t.is(map.offset, 4)
})

onUnix('remap: after a truncation the mapping is whole again', 'no file that is mapped is truncated', (t) => {
  for (const [kind, options] of Object.entries(KINDS)) {
    const path = scratchFile(t, pattern(5 * PAGESIZE))
    const map = mmap(path, 0, { ...options, access: ACCESS_READ })
    const { bytes } = map
    map.seek(4 * PAGESIZE)
    truncateSync(path, PAGESIZE + 10)
    t.throws(() => map.at(4 * PAGESIZE), { code: 'ERR_MMAP_FAULT' }, kind)
    t.is(map.remap(), PAGESIZE + 10, kind)
    t.deepEqual(map.slice(), pattern(PAGESIZE + 10))
    t.deepEqual([map.tell(), map.read().length], [4 * PAGESIZE, 0], 'the cursor is beyond the end, as after resize()')
    t.deepEqual(Buffer.from(bytes.subarray(0, PAGESIZE)), pattern(PAGESIZE))
    t.is(bytes[4 * PAGESIZE], 0)

    // The length is the same again, and what was lost is mapped, too.
    writeFileSync(path, 'x'.repeat(3 * PAGESIZE))
    t.is(map.remap(), 3 * PAGESIZE)
    truncateSync(path, 0)
    t.throws(() => map.at(2 * PAGESIZE), { code: 'ERR_MMAP_FAULT' })
    writeFileSync(path, 'y'.repeat(3 * PAGESIZE))
    t.is(map.remap(), 3 * PAGESIZE)
    t.is(map.toString('latin1', -3), 'yyy')

    truncateSync(path, 0)
    t.throws(() => map.remap(), { code: 'ERR_OUT_OF_RANGE', message: /none from "offset" 0 on/ })
    t.is(map.length, 3 * PAGESIZE)
    map.unmap()
  }
})

onUnix(
  'remap: a file that is now shorter than the offset is out of range',
  'no file that is mapped is truncated',
  (t) => {
    const path = scratchFile(t, 'headtail')
    using map = mmap(path, 0, { access: ACCESS_READ, offset: 4 })
    truncateSync(path, 3)
    for (const newLength of [undefined, 1]) {
      t.throws(() => map.remap(newLength), {
        instanceOf: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: /begins at "offset" 4, and the file has 3 bytes now/,
      })
    }
  },
)

test('remap: iterators go on in what it has added', (t) => {
  const path = scratchFile(t, 'one\ntwo\n')
  using map = mmap(path, 0, { access: ACCESS_READ })
  const iterators = [map.lines(), map.lines({ encoding: 'utf8' }), map.findAll('\n')] as const
  t.deepEqual(iterators.map((iterator) => String(iterator.next().value)).slice(1), ['one', '3'])
  appendFileSync(path, 'three\n')
  map.remap()
  t.deepEqual(Array.from(iterators[0], text), ['two', 'three'])
  t.deepEqual([...iterators[1]], ['two', 'three'])
  t.deepEqual([...iterators[2]], [7, 13])
})

test('remap: iterators and streams end where the mapping ends', async (t) => {
  const path = scratchFile(t, 'one\ntwo\nthree\n')
  using map = mmap(path, 0, { access: ACCESS_READ })
  const lines = map.lines({ encoding: 'utf8' })
  const bytes = map[Symbol.iterator]()
  const pieces = map.stream({ chunkSize: 2 }).getReader()
  lines.next()
  bytes.next()
  await pieces.read()
  map.remap(5)
  t.deepEqual([...lines], ['t'])
  t.is([...bytes].length, 4)
  const sizes: number[] = []
  for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) sizes.push(piece.value.length)
  t.is(sizes.at(-1), 1)
})

test('remap: a task goes on in what was mapped when it began', async (t) => {
  for (const [kind, options] of Object.entries(KINDS)) {
    const line = `${'a'.repeat(63)}\n`
    const path = scratchFile(t, line.repeat(200_000))
    const map = mmap(path, 0, options)
    const counted = map.countAsync('\n')
    const replaced = map.replaceAllAsync('\n', ';')
    appendFileSync(path, line)
    t.is(map.remap(), 200_001 * 64)
    t.true((await counted) <= 200_000, kind)
    t.is(await replaced, 200_000, kind)
    t.is(map.count(';'), 200_000, kind)
    map.unmap()
  }
})

test('remap: a private mapping that would lose changes is refused, and keeps them', (t) => {
  const path = scratchFile(t, 'content')
  const privateOptions: MmapOptions[] = [{ access: ACCESS_COPY }, { access: ACCESS_COPY, writeBack: true }]
  if (process.platform !== 'win32') privateOptions.push({ flags: MAP_PRIVATE }, { flags: MAP_PRIVATE, prot: PROT_READ })
  for (const options of privateOptions) {
    const map = mmap(path, 0, options)
    if (map.access !== ACCESS_READ) map.set('CONTENT')
    const before = map.toString()
    for (const newLength of [undefined, 3]) {
      t.throws(() => map.remap(newLength), {
        instanceOf: TypeError,
        code: 'ERR_MMAP_READONLY',
        message: /copy-on-write memory map/,
      })
    }
    t.is(map.toString(), before)
    map.unmap()
    writeFileSync(path, 'content')
  }
})

test('remap: memory without a file, or without its descriptor, is refused', (t) => {
  const path = scratchFile(t, 'content')
  const refused = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
  const memory = { anonymous: mmap(-1, 10), named: mmap(-1, 10, { tagname: `remap-${process.pid}` }) }
  for (const [kind, map] of Object.entries(memory)) {
    t.throws(() => map.remap(), { ...refused, message: /memory that has no file/ }, kind)
    map.close()
  }
  using untracked = mmap(path, 0, { trackfd: false })
  t.throws(() => untracked.remap(), { ...refused, message: "mmap can't remap with trackfd=False." })
})

test('remap: an invalid length is refused, before the state is checked', (t) => {
  const path = scratchFile(t, 'content')
  const map = mmap(path, 0, { access: ACCESS_READ })
  for (const wrong of ['5', null, {}, true]) {
    t.throws(() => callWith(map, 'remap', wrong), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "newLength" argument/,
    })
  }
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 62, 2n ** 64n, -(2n ** 62n), Number.POSITIVE_INFINITY]) {
    t.throws(() => map.remap(wrong), { code: 'ERR_OUT_OF_RANGE', message: /"newLength"/ }, String(wrong))
  }
  t.is(map.remap(3n), 3)
  map.close()
  t.throws(() => map.remap(), { code: 'ERR_MMAP_CLOSED' })
  t.throws(() => map.remap(-0.5), { code: 'ERR_OUT_OF_RANGE' })
})

onUnix('remap: advice, locks and protection do not prevent it', 'there is no madvise nor protect', (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  using map = mmap(path)
  map.madvise(MADV_WILLNEED ?? 0)
  map.mlock(0, PAGESIZE)
  map.protect(PROT_READ)
  appendFileSync(path, 'more')
  t.is(map.remap(), 2 * PAGESIZE + 4)
  t.throws(() => map.set('x'), { code: 'ERR_MMAP_READONLY' })
  map.munlock()
  map.protect(PROT_READ | PROT_WRITE)
  map.set('MORE', 2 * PAGESIZE)
  t.is(readFileSync(path, 'latin1').slice(-4), 'MORE')
})

test('remap: a stray store through a view of ACCESS_READ stays in that view', (t) => {
  const path = scratchFile(t, 'one\n')
  const map = mmap(path, 0, { access: ACCESS_READ })
  const { bytes } = map
  bytes[0] = 0x4f
  appendFileSync(path, 'two\n')
  map.remap()
  t.is(text(bytes), 'One\n')
  t.is(map.toString(), 'one\ntwo\n')
  t.is(readFileSync(path, 'utf8'), 'one\ntwo\n')
  map.unmap()
})

test('unmap: it reaches the views from before a remap()', (t) => {
  const path = scratchFile(t, 'one\n')
  const map = mmap(path, 0, { access: ACCESS_READ })
  const views = [map.bytes]
  appendFileSync(path, 'two\n')
  map.remap()
  views.push(map.bytes)
  map.unmap()
  t.deepEqual(
    views.map(({ length }) => length),
    [0, 0],
  )
})

test('remap: a file that grows a thousand times is followed without keeping old mappings', (t) => {
  const path = scratchFile(t, 'line\n')
  using map = mmap(path, 0, { access: ACCESS_READ })
  const fd = openSync(path, 'a')
  for (let count = 2; count <= 1000; count += 1) {
    writeFileSync(fd, 'line\n')
    t.is(map.remap(), count * 5)
    t.is(map.at(-1), 10)
  }
  closeSync(fd)
  t.is(map.count('line\n'), 1000)
})

// --- allowEmpty

for (const [kind, options] of Object.entries(KINDS)) {
  test(`allowEmpty: a mapping of no bytes has none for every method, ${kind}`, async (t) => {
    const path = scratchFile(t, '')
    const map = mmap(path, 0, { ...options, allowEmpty: true })
    t.deepEqual([map.length, map.size(), map.tell(), map.closed, map.offset], [0, 0, 0, false, 0])
    const { bytes } = map
    t.true(bytes instanceof Uint8Array)
    t.is(bytes.length, 0)
    t.is(map.bytes, bytes)
    t.is(map.view(Float64Array).length, 0)
    t.is(map.view(Buffer, 0, 0).length, 0)
    t.throws(() => map.view(Buffer, 0, 1), { code: 'ERR_OUT_OF_RANGE' })
    t.deepEqual([map.toString(), map.slice().length, map.arrayBuffer().byteLength], ['', 0, 0])
    t.deepEqual([map.read().length, map.readLine().length, map.seek(0), map.write('')], [0, 0, 0, 0])
    for (const call of [() => map.at(0), () => map.at(-1), () => map.setAt(0, 1), () => map.readByte()]) {
      t.throws(call, { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    }
    for (const call of [() => map.write('a'), () => map.set('a'), () => map.seek(1), () => map.move(0, 0, 1)]) {
      t.throws(call, { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    }
    map.setSlice('')
    map.move(0, 0, 0)
    t.is(map.set(''), 0)
    t.is(map.fill(1), map)
    t.deepEqual([map.find('a'), map.rfind('a'), map.find(''), map.rfind(''), map.indexOf(1)], [-1, -1, 0, 0, -1])
    t.deepEqual([map.count('a'), map.replaceAll('a', 'b'), map.includes('a')], [0, 0, false])
    t.deepEqual(
      [[...map], [...map.findAll('a')], [...map.lines()], [...map.lines({ reverse: true })]],
      [[], [], [], []],
    )
    t.deepEqual([...map.lines({ encoding: 'utf8' })], [])
    t.deepEqual(map.lineAt(0), { start: 0, stop: 0 })
    t.deepEqual(await Promise.all([map.findAsync('a'), map.countAsync('a'), map.replaceAllAsync('a', 'b')]), [-1, 0, 0])
    await map.prefetch()
    await map.flushAsync()
    map.flush()
    map.mlock()
    map.munlock()
    t.deepEqual(map.resident(), { resident: 0, total: 0 })
    if (process.platform !== 'win32') {
      map.madvise(MADV_WILLNEED ?? 0)
      map.protect(PROT_READ)
      t.throws(() => map.set(''), { code: 'ERR_MMAP_READONLY' })
      map.protect(PROT_READ | PROT_WRITE)
    }
    const pieces = []
    for await (const piece of map) pieces.push(piece)
    t.deepEqual(pieces, [])
    t.is(map.remap(), 0)
    map.unmap()
    t.is(statSync(path).size, 0)
  })

  test(`allowEmpty: a mapping of no bytes becomes one of some, and back, ${kind}`, (t) => {
    const path = scratchFile(t, 'head')
    const map = mmap(path, 0, { ...options, access: ACCESS_READ, offset: 4, allowEmpty: true })
    const before = map.bytes
    t.is(before.length, 0)
    const more = pattern(3 * PAGESIZE)
    appendFileSync(path, more)
    t.is(map.remap(), more.length)
    t.deepEqual(map.slice(), more)
    t.deepEqual(Buffer.from(map.bytes), more)
    t.is(map.bytes.buffer === before.buffer, kind === 'in place')
    t.is(map.remap(0), 0)
    t.is(map.bytes.length, 0)
    t.is(map.remap(5), 5)
    t.deepEqual(map.slice(), more.subarray(0, 5))
    map.unmap()
  })
}

onUnix(
  'allowEmpty: a mapping that began with no bytes survives truncation',
  'no file that is mapped is truncated',
  (t) => {
    for (const [kind, options] of Object.entries(KINDS)) {
      const path = scratchFile(t, '')
      const map = mmap(path, 0, { ...options, access: ACCESS_READ, allowEmpty: true })
      t.is(map.bytes.length, 0)
      writeFileSync(path, pattern(5 * PAGESIZE))
      map.remap()
      const { bytes } = map
      truncateSync(path, 0)
      t.is(bytes[3 * PAGESIZE], 0, kind)
      t.throws(() => map.at(0), { code: 'ERR_MMAP_FAULT' }, kind)
      t.is(map.remap(), 0)
      t.is(map.toString(), '')
      map.unmap()
    }
  },
)

test('resize: a mapping of no bytes makes the file longer, and resize(0) is allowed', (t) => {
  const path = scratchFile(t, '')
  using map = mmap(path, 0, { allowEmpty: true })
  map.resize(5)
  map.set('hello')
  t.is(readFileSync(path, 'utf8'), 'hello')
  map.resize(0)
  t.deepEqual([map.length, statSync(path).size], [0, 0])
  using other = mmap(scratchFile(t, 'abc'))
  t.throws(() => other.resize(0), { code: 'ERR_OUT_OF_RANGE' })
})

test('allowEmpty: with create it makes an empty file, or maps an existing one as it is', (t) => {
  const path = scratchFile(t, 'content')
  const options = { create: true, allowEmpty: true }
  using map = mmap(path, 0, options)
  t.is(map.toString(), 'content')
  using made = mmap(`${path}.new`, 0, options)
  t.is(made.length, 0)
  t.is(statSync(`${path}.new`).size, 0)
  made.resize(3)
  t.is(statSync(`${path}.new`).size, 3)
})

test('allowEmpty: an offset beyond the end of the file is out of range', (t) => {
  const path = scratchFile(t, 'content')
  using map = mmap(path, 0, { offset: 7, allowEmpty: true })
  t.is(map.length, 0)
  t.throws(() => mmap(path, 0, { offset: 8, allowEmpty: true }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => mmap(path, 1, { offset: 7, allowEmpty: true }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => mmap(path, 0, { offset: 7 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => mmapWith(path, 0, { allowEmpty: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /"allowEmpty"/ })
  t.throws(() => mmap(-1, 1, { allowEmpty: true }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"allowEmpty" is for files/,
  })
})

// Files and memory beyond 4 GiB.

import { constants } from 'node:buffer'
import { closeSync, openSync, readSync, truncateSync, writeSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { ACCESS_READ, MAX_VIEW_LENGTH, type Mmap, mmap, PAGESIZE } from 'memmap'
import { linesOf, textOf } from './support/lines.mjs'
import { onUnix } from './support/platform.mjs'
import { scratchFile, zeros } from './support/portable.mjs'

const GIB = 2 ** 30
const LARGE = 5 * GIB + 1000

/** A sparse file of more than 5 GiB with a few bytes in it. */
function largeFile(t: Parameters<typeof scratchFile>[0]): string {
  const path = scratchFile(t, '')
  truncateSync(path, LARGE)
  const fd = openSync(path, 'r+')
  writeSync(fd, 'around two', 2 * GIB - 5)
  writeSync(fd, 'around four', 4 * GIB - 5)
  writeSync(fd, 'near the end', LARGE - 12)
  closeSync(fd)
  return path
}

function readBack(path: string, length: number, position: number): string {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, position)
  closeSync(fd)
  return bytes.toString()
}

const NOT_SPARSE = 'a file of 5 GiB is written in full there'

// --- Access

onUnix('mmap: a file of more than 4 GiB is mapped whole, and methods reach all of it', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  using map = mmap(path)
  t.deepEqual([map.length, map.size()], [LARGE, LARGE])
  t.is(map.slice(2 * GIB - 5, 2 * GIB + 5).toString(), 'around two')
  t.is(map.slice(4 * GIB - 5, 4 * GIB + 6).toString(), 'around four')
  t.deepEqual([map.at(-1), map.at(LARGE - 12), map.at(4 * GIB)], [100, 110, 100])
  t.is(map.seek(-12, 2), LARGE - 12)
  t.is(map.read().toString(), 'near the end')
  t.is(map.seek(4 * GIB + 7), 4 * GIB + 7)
  t.is(map.write('written'), 7)
  t.is(map.tell(), 4 * GIB + 14)
  t.is(readBack(path, 7, 4 * GIB + 7), 'written')
  map.setAt(4 * GIB + 14, 33)
  map.seek(4 * GIB + 14)
  t.is(map.readByte(), 33)
  map.setSlice('slices', 4 * GIB + 100, 4 * GIB + 112, 2)
  t.is(map.slice(4 * GIB + 110, 4 * GIB + 99, -2).toString(), 'secils')
  map.move(4 * GIB + 200, 4 * GIB - 5, 11)
  t.is(readBack(path, 11, 4 * GIB + 200), 'around four')
  map.fill('ab', 4 * GIB + 300, 4 * GIB + 305)
  t.is(readBack(path, 6, 4 * GIB + 300), 'ababa\0')
})

onUnix('offset: one beyond 4 GiB maps the rest of the file, with all its views', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  for (const offset of [4 * GIB, 4 * GIB - 5, 4 * GIB + 1]) {
    using map: Mmap = mmap(path, 0, { offset: BigInt(offset) })
    t.deepEqual([map.length, map.offset], [LARGE - offset, offset])
    t.is(map.bytes.length, LARGE - offset)
    t.is(map.slice(4 * GIB + 2 - offset, 4 * GIB + 6 - offset).toString(), 'four')
    t.is(Buffer.from(map.bytes.subarray(-12)).toString(), 'near the end')
  }
})

onUnix('read, slice: a copy longer than any Buffer is refused, and no argument is blamed', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  if (constants.MAX_LENGTH >= LARGE) {
    t.log(`not refused here: Buffers may have ${constants.MAX_LENGTH} bytes`)
    t.pass()
    return
  }
  for (const call of [() => map.read(), () => map.read(LARGE), () => map.slice(), () => map.slice(0, LARGE)]) {
    t.throws(call, {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^The copy would have \d+ bytes, and the longest Buffer .*: copy less at a time, or use view\(/,
    })
  }
  t.is(map.tell(), 0)
})

onUnix('readByte: loops over a large file need no view', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  map.seek(4 * GIB - 5)
  const bytes: number[] = []
  for (let i = 0; i < 100_000; i += 1) bytes.push(map.readByte())
  t.is(Buffer.from(bytes.slice(0, 11)).toString(), 'around four')
  t.is(map.tell(), 4 * GIB - 5 + 100_000)
})

// --- Views

onUnix('bytes, buffer, view: more than MAX_VIEW_LENGTH is refused, and the error says what to use', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  if (MAX_VIEW_LENGTH >= LARGE) {
    t.log(`not refused here: views may have ${MAX_VIEW_LENGTH} bytes`)
    t.is(map.bytes.length, LARGE)
    return
  }
  for (const call of [() => map.bytes, () => map.buffer, () => map.view(Uint8Array), () => map.view(DataView, 1)]) {
    t.throws(call, {
      instanceOf: RangeError,
      code: 'ERR_MMAP_VIEW_TOO_LARGE',
      message: /^The view needs a buffer of \d+ bytes, .*view\(type, byteOffset, length\)/,
    })
  }
  const longest = 8 * Math.floor(MAX_VIEW_LENGTH / 8)
  t.throws(() => map.view(Float64Array, 8), {
    message: new RegExp(`a buffer of ${LARGE - 8} bytes`),
  })
  t.throws(() => map.view(Uint8Array, 1, longest), { message: new RegExp(`a buffer of ${longest + 1} bytes`) })
})

onUnix('view: windows may lie anywhere in a large file', NOT_SPARSE, (t) => {
  const path = largeFile(t)
  using map = mmap(path)
  const windows = (from: number, length: number): [string, number] => {
    const window = map.view(Buffer, from, length)
    return [window.toString(), window.length]
  }
  t.deepEqual(windows(2 * GIB - 5, 10), ['around two', 10])
  t.deepEqual(windows(4 * GIB - 5, 11), ['around four', 11])
  t.deepEqual(windows(LARGE - 12, 12), ['near the end', 12])
  t.deepEqual(windows(LARGE, 0), ['', 0])
  map.view(Float64Array, 4 * GIB + 1024, 2).fill(Math.PI)
  t.is(map.view(DataView, 4 * GIB + 1025, 9).getUint8(1), map.at(4 * GIB + 1026))
  const floats = map.view(Float64Array, 4 * GIB + 1024, 2)
  t.deepEqual([...floats], [Math.PI, Math.PI])
  t.throws(() => map.view(Float64Array, 4 * GIB + 4, 1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => map.view(Uint8Array, LARGE + 1), { code: 'ERR_OUT_OF_RANGE' })
  // Windows of the same place are the same memory, and outlive the mapping.
  map.close()
  floats[0] = 1
  t.is(readBack(path, 8, 4 * GIB + 1024), Buffer.from(Float64Array.of(1).buffer).toString())
})

onUnix('view: another window does not cost a look at all that there are', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  const { deref } = WeakRef.prototype
  let looks = 0
  WeakRef.prototype.deref = function () {
    looks += 1
    return Reflect.apply(deref, this, [])
  }
  t.teardown(() => {
    WeakRef.prototype.deref = deref
  })
  const windows = Array.from({ length: 2000 }, (_, page) => map.view(DataView, page * PAGESIZE, 1))
  t.true(looks < 2 * windows.length, `${looks} looks`)
  map.unmap()
  if (MAX_VIEW_LENGTH < LARGE) t.true(windows.every(({ buffer }) => buffer.byteLength === 0))
})

onUnix('view: a mapping whose buffer would have to begin before it is seen in parts', NOT_SPARSE, (t) => {
  if (MAX_VIEW_LENGTH > LARGE) {
    t.log(`not refused here: views may have ${MAX_VIEW_LENGTH} bytes`)
    t.pass()
    return
  }
  // The buffer would begin 5 bytes before the mapping.
  using map = mmap(largeFile(t), MAX_VIEW_LENGTH, { offset: 5 })
  t.throws(() => map.bytes, { code: 'ERR_MMAP_VIEW_TOO_LARGE' })
  t.is(map.view(Buffer, 2 * GIB - 10, 10).toString(), 'around two')
  map.fill('\n', 0, 2)
  t.deepEqual(
    [...map.lines({ stop: 2 })].map(({ length }) => length),
    [0, 0],
  )
})

onUnix('unmap: the windows are detached, too', NOT_SPARSE, (t) => {
  const map = mmap(largeFile(t))
  const windows = [map.view(Uint8Array, 0, 10), map.view(Float64Array, 4 * GIB, 10), map.view(Buffer, 4 * GIB, 10)]
  map.unmap()
  t.deepEqual(
    windows.map(({ length }) => length),
    [0, 0, 0],
  )
})

// --- Searches

onUnix('find, rfind, indexOf, readLine: they go across 4 GiB', NOT_SPARSE, (t) => {
  using map = mmap(largeFile(t), 0, { access: ACCESS_READ })
  const before = 4 * GIB - 2 ** 20
  const behind = 4 * GIB + 2 ** 20
  t.is(map.find('around', before), 4 * GIB - 5)
  t.is(map.find('four', before), 4 * GIB + 2)
  t.is(map.rfind('around', before, behind), 4 * GIB - 5)
  t.is(map.find('around', before, 4 * GIB), -1)
  t.is(map.indexOf('end', LARGE - 2 ** 20), LARGE - 3)
  t.is(map.lastIndexOf('near'), LARGE - 12)
  t.is(map.find('near', -100), LARGE - 12)
  map.seek(LARGE - 2 ** 20)
  t.is(map.readLine().length, 2 ** 20)
})

/** A sparse file of more than 5 GiB, with text in a few places. */
function fileWith(t: ExecutionContext, texts: Record<number, string>): string {
  const path = scratchFile(t, 'start')
  truncateSync(path, LARGE)
  const fd = openSync(path, 'r+')
  for (const [at, text] of Object.entries(texts)) writeSync(fd, text, Number(at))
  closeSync(fd)
  return path
}

onUnix('findAll, count, replaceAll: places may lie beyond 4 GiB', NOT_SPARSE, (t) => {
  const places = [4 * GIB - 3, 4 * GIB + 7, LARGE - 6]
  const path = fileWith(t, Object.fromEntries(places.map((place) => [place, 'needle'])))
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

onUnix(
  'findAll, count, lines: nothing is lost or found twice where a search goes on after 2 GiB',
  'it has no MAP_PRIVATE',
  (t) => {
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
  },
)

onUnix('lines: they may lie across 4 GiB and beyond', NOT_SPARSE, (t) => {
  const path = fileWith(t, {
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

onUnix(
  'lines: those of a mapping longer than any view are in as few buffers as possible',
  'it has no MAP_PRIVATE',
  (t) => {
    using map = zeros(LARGE)
    const count = 10_000
    map.fill('x\n', 0, 2 * count)
    const lines = [...map.lines({ stop: 2 * count })]
    t.is(lines.length, count)
    t.is(new Set(lines.map(({ buffer }) => buffer)).size, 1)
  },
)

onUnix(
  'lines: one longer than any view is an error, and the iterator goes on after it',
  'it has no MAP_PRIVATE',
  (t) => {
    if (MAX_VIEW_LENGTH >= LARGE) {
      t.log(`not run on ${process.version}: its views can have ${MAX_VIEW_LENGTH} bytes`)
      t.pass()
      return
    }
    // It is no file, because reading a sparse one takes half a minute.
    using map = zeros(LARGE)
    map.setSlice('\nthe end\nx', LARGE - 10)
    t.throws(() => map.view(Uint8Array, 1, MAX_VIEW_LENGTH), { code: 'ERR_MMAP_VIEW_TOO_LARGE' })
    const lines = map.lines({ start: 100 })
    t.throws(() => lines.next(), { instanceOf: RangeError, code: 'ERR_MMAP_VIEW_TOO_LARGE' })
    t.deepEqual([...lines].map(textOf), ['the end', 'x'])
  },
)

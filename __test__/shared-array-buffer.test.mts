// Mappings whose buffer is a SharedArrayBuffer, and runtimes that have no other kind.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, MADV_RANDOM, type Mmap, mmap, PAGESIZE } from 'memmap'
import { mmapWith } from './support/misuse.mjs'
import { onLinux, onUnix, onWindows } from './support/platform.mjs'
import { mapsOf, pattern, scratchFile, scratchFolder } from './support/portable.mjs'
import { writeRefusingNode } from './support/refusing-node.mjs'

for (const shared of [null, 1, 'true', [], () => true]) {
  test(`sharedArrayBuffer: ${String(shared)} has the wrong type`, (t) => {
    t.throws(() => mmapWith(-1, 10, { sharedArrayBuffer: shared }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
    })
  })
}

test('sharedArrayBuffer: an unknown property is named', (t) => {
  const message =
    'The property "options.sharedArrayBuffer.maxlength" is not an option of mmap. Options are maxByteLength'
  t.throws(() => mmapWith(-1, 10, { sharedArrayBuffer: { maxlength: 20 } }), { code: 'ERR_INVALID_ARG_VALUE', message })
  t.throws(() => mmapWith(-1, 10, { sharedArrayBuffer: {} }), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('sharedArrayBuffer: an earlier name of an option is refused, and the error has the new one', (t) => {
  const refusal = (name: string, meant: string): object => ({
    code: 'ERR_INVALID_ARG_VALUE',
    message: `The property "options.${name}" is not an option of mmap. It is called "${meant}"`,
  })
  t.throws(() => mmapWith(-1, 10, { shared: true }), refusal('shared', 'sharedArrayBuffer'))
  t.throws(
    () => mmapWith(-1, 10, { sharedArrayBuffer: { maxLength: 20 } }),
    refusal('sharedArrayBuffer.maxLength', 'maxByteLength'),
  )
})

function refusesMaxByteLength(t: ExecutionContext, maxByteLength: number): void {
  const path = scratchFile(t, Buffer.alloc(10))
  for (const length of [0, 10]) {
    t.throws(() => mmap(path, length, { sharedArrayBuffer: { maxByteLength } }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /"sharedArrayBuffer\.maxByteLength" must be /,
    })
  }
}

for (const maxByteLength of [-1, 1.5, Number.NaN, 2 ** 53]) {
  test(`maxByteLength: ${maxByteLength} is out of range`, (t) => refusesMaxByteLength(t, maxByteLength))
}

onUnix('maxByteLength: less than the length is out of range', 'it has no maxByteLength', (t) => {
  refusesMaxByteLength(t, 9)
})

onUnix(
  'maxByteLength: more than the runtime has room for is an error that names the option',
  'it has no maxByteLength',
  (t) => {
    using map = mmap(-1, 10, { sharedArrayBuffer: { maxByteLength: 2 ** 52 } })
    t.throws(() => map.bytes, {
      instanceOf: RangeError,
      code: 'ERR_MMAP_VIEW_TOO_LARGE',
      message:
        /^This runtime has no room for a SharedArrayBuffer of \d+ bytes: ask for a smaller "sharedArrayBuffer\.maxByteLength"$/,
    })
  },
)

for (const offset of [0, 5, 4096, 5000]) {
  test(`sharedArrayBuffer: methods and views show the same bytes, from offset ${offset}`, (t) => {
    for (const access of [ACCESS_READ, ACCESS_COPY, undefined] as const) {
      const path = scratchFile(t, Buffer.alloc(12_388, 'a'))
      using map = mmap(path, 0, { access, offset, sharedArrayBuffer: true })
      const { bytes } = map
      t.true(map.buffer instanceof SharedArrayBuffer)
      t.is(bytes.length, 12_388 - offset)
      if (access !== ACCESS_READ) map.write('hello')
      t.is(Buffer.from(bytes.subarray(0, 5)).toString(), access === ACCESS_READ ? 'aaaaa' : 'hello')
      bytes[7] = 98
      t.is(map.at(7), 98)
      t.is(readFileSync(path)[offset + 7], access === undefined ? 98 : 97)
    }
  })
}

test('sharedArrayBuffer: a worker that is sent the buffer adds to it atomically', async (t) => {
  const path = scratchFile(t, Buffer.alloc(100))
  using map = mmap(path, 0, { sharedArrayBuffer: true })
  const program = `
    const counters = new Int32Array(require('node:worker_threads').workerData, 0, 2)
    for (let i = 0; i < 100000; i += 1) Atomics.add(counters, 0, 1)`
  const workers = [0, 1].map(() => new Worker(program, { eval: true, workerData: map.buffer }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  t.is(map.view(Int32Array, 0, 2)[0], 200_000)
  t.is(readFileSync(path).readInt32LE(0), 200_000)
})

test('write, setSlice: data that another thread grows meanwhile is written as far as it was checked', async (t) => {
  using map = mmap(-1, 1 << 17)
  const program = `
    const { workerData: data } = require('node:worker_threads')
    while (data.byteLength < data.maxByteLength) data.grow(data.byteLength + 1)`
  let tooMany = 0
  for (let round = 0; round < 4; round += 1) {
    const data = new SharedArrayBuffer(8, { maxByteLength: 60_000 })
    const bytes = new Uint8Array(data)
    const worker = new Worker(program, { eval: true, workerData: data })
    const ended = once(worker, 'exit')
    await once(worker, 'online')
    while (bytes.length < data.maxByteLength) {
      map.fill(0xee)
      map.seek(0)
      const count = map.write(bytes)
      if (map.tell() !== count || map.at(count) !== 0xee) tooMany += 1
      const { length } = bytes
      try {
        map.setSlice(bytes, 0, length)
        if (map.at(length) !== 0xee) tooMany += 1
        map.setSlice(bytes, 0, length * 2, 2)
        if (map.at(length * 2) !== 0xee) tooMany += 1
      } catch (error) {
        t.like(error, { code: 'ERR_OUT_OF_RANGE' }, 'it had grown already')
      }
    }
    await ended
  }
  t.is(tooMany, 0)
})

const NO_GROWING = 'a buffer of its cannot grow in place'

onUnix('maxByteLength: the mapping grows in place, and every view stays valid', NO_GROWING, (t) => {
  const path = scratchFile(t, Buffer.alloc(5000, 'a'))
  using map = mmap(path, 0, { sharedArrayBuffer: { maxByteLength: 1_000_000 } })
  const { bytes: before, buffer } = map
  map.resize(100_000)
  t.is(map.buffer, buffer)
  t.is(before.length, 5000)
  t.is(map.bytes.length, 100_000)
  map.bytes[99_999] = 7
  before[0] = 9
  t.is(statSync(path).size, 100_000)
  t.deepEqual([readFileSync(path)[0], readFileSync(path)[99_999]], [9, 7])
  t.is(map.at(0), 9)
})

onUnix('maxByteLength: beyond it, and for less, there is a new buffer, and old views stay valid', NO_GROWING, (t) => {
  const path = scratchFile(t, Buffer.alloc(5000, 'a'))
  using map = mmap(path, 0, { sharedArrayBuffer: { maxByteLength: 10_000 } })
  const { bytes: before, buffer } = map
  map.resize(50_000)
  t.not(map.buffer, buffer)
  map.bytes[0] = 98
  t.is(before[0], 98)
  map.resize(4096)
  t.is(map.bytes.length, 4096)
  t.deepEqual([before[0], before[4095], before[4999]], [98, 97, 0])
})

onUnix(
  'resize: a SharedArrayBuffer stays that of its mapping, whatever was done to it',
  'its buffers cannot grow',
  (t) => {
    const path = scratchFile(t, pattern(1000))
    using map = mmap(path, 990, { offset: 10, sharedArrayBuffer: { maxByteLength: 4 * PAGESIZE } })
    const { buffer } = map
    if (!(buffer instanceof SharedArrayBuffer)) throw new Error('it is a SharedArrayBuffer')
    // Farther than the mapping will grow.
    buffer.grow(buffer.maxByteLength)
    Object.setPrototypeOf(buffer, null)
    Object.defineProperties(buffer, { byteLength: { value: 0 }, grow: { value: undefined } })
    map.resize(2 * PAGESIZE)
    t.is(map.buffer, buffer)
    t.is(map.bytes.length, 2 * PAGESIZE)
    t.true(Buffer.from(map.bytes.slice(0, 990)).equals(pattern(1000).subarray(10)))
    map.bytes[2 * PAGESIZE - 1] = 7
    t.is(readFileSync(path).at(-1), 7)
    t.is(map.at(-1), 7)
  },
)

onWindows('maxByteLength: it is ERR_MMAP_UNSUPPORTED', 'there its buffers can grow', (t) => {
  t.throws(() => mmap(-1, 10, { sharedArrayBuffer: { maxByteLength: 100 } }), { code: 'ERR_MMAP_UNSUPPORTED' })
})

onUnix('buffer: a truncated file reads as zeros, and the methods report it', 'it cuts no file that is mapped', (t) => {
  const path = scratchFile(t, Buffer.alloc(5 * PAGESIZE, 'a'))
  using map = mmap(path, 0, { sharedArrayBuffer: true })
  const { bytes } = map
  truncateSync(path, PAGESIZE)
  t.is(bytes[3 * PAGESIZE], 0)
  t.throws(() => map.at(0), { code: 'ERR_MMAP_FAULT' })
})

onUnix(
  'buffer: what was lost before there was a buffer is still reported afterwards',
  'it cuts no file that is mapped',
  (t) => {
    const path = scratchFile(t, Buffer.alloc(5 * PAGESIZE, 'a'))
    using map = mmap(path, 0, { sharedArrayBuffer: true })
    truncateSync(path, PAGESIZE)
    const fault = { code: 'ERR_MMAP_FAULT' }
    const saysWhatIsLost = (): void => {
      t.like(
        t.throws(() => map.at(3 * PAGESIZE), fault),
        { offset: PAGESIZE, length: 4 * PAGESIZE },
      )
    }
    saysWhatIsLost()
    try {
      t.is(map.bytes[3 * PAGESIZE], 0)
    } catch (error) {
      // Before 6.17, Linux moves no mapping of which a part was replaced by zeros.
      t.like(error, fault)
      t.log('this system moves no memory of which a part was lost')
    }
    saysWhatIsLost()
    t.throws(() => map.slice(), fault)
  },
)

onUnix('madvise, mlock: a part may be advised or locked before there is a buffer', 'it has no madvise', (t) => {
  for (const divide of [
    (map: Mmap) => map.madvise(MADV_RANDOM, 0, PAGESIZE),
    (map: Mmap) => map.mlock(PAGESIZE, 2 * PAGESIZE),
  ]) {
    const path = scratchFile(t, Buffer.alloc(5 * PAGESIZE, 'a'))
    using map = mmap(path, 0, { sharedArrayBuffer: true })
    divide(map)
    map.bytes[4 * PAGESIZE] = 98
    t.is(readFileSync(path, 'latin1').indexOf('b'), 4 * PAGESIZE)
  }
})

onWindows('unmap: it closes, and says that a SharedArrayBuffer stays mapped', 'there it reads zeros', (t) => {
  const map = mmap(scratchFile(t, Buffer.alloc(5000, 'a')), 0, { sharedArrayBuffer: true })
  const { bytes } = map
  t.throws(() => map.unmap(), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.true(map.closed)
  t.is(bytes[4999], 97)
})

onLinux('unmap: views read zeros, and the file is released', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, Buffer.alloc(5000, 'a'))
  const map = mmap(path, 0, { sharedArrayBuffer: true })
  const { bytes } = map
  t.is(mapsOf(path), 1)
  map.unmap()
  t.deepEqual([bytes[0], bytes[4999], bytes.length], [0, 0, 5000])
  t.is(mapsOf(path), 0)
})

onUnix('tagname: a region is used until unmap(), or its last view', 'no SharedArrayBuffer is unmapped there', (t) => {
  const tagname = `memmap-test-shared-${process.pid}`
  const map = mmap(-1, 100, { tagname, sharedArrayBuffer: true })
  const { bytes } = map
  bytes[0] = 7
  map.close()
  const other = mmap(-1, 100, { tagname })
  t.is(other.at(0), 7)
  other.close()
  t.is(bytes[0], 7)
  map.unmap()
  t.is(bytes[0], 0)
  using again = mmap(-1, 100, { tagname })
  t.is(again.at(0), 0)
})

onLinux(
  'close: the file is released at once when only the class itself had a view',
  'it reads /proc/self/maps',
  (t) => {
    const path = scratchFile(t, Buffer.alloc(5000, 'a'))
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    for (let i = 0; i < 100; i += 1) t.is(map.at(i), 97)
    map.close()
    t.is(mapsOf(path), 0)
  },
)

test('writeBack: what methods wrote to a shared copy is written back', (t) => {
  const path = scratchFile(t, Buffer.alloc(5000, 'a'))
  const map = mmap(path, 0, { access: ACCESS_COPY, writeBack: true, sharedArrayBuffer: true })
  for (let i = 0; i < 100; i += 1) map.setAt(i, 98)
  map.close()
  t.true(readFileSync(path).subarray(0, 100).equals(Buffer.alloc(100, 'b')))
})

// What fixtures/refused.cjs prints once it has asserted it.
const WITHOUT_EXTERNAL_MEMORY =
  process.platform === 'win32'
    ? [
        'every way to a view is ERR_MMAP_NO_VIEW, and the mapping goes on',
        'all methods work by copies',
        'single bytes need no view',
        'private changes are written back',
        'a named region is shared',
      ]
    : [
        'every access has views, and methods and views show the same bytes',
        'private anonymous memory keeps what was written before the first view',
        'single bytes need no view',
        'a truncated file is zeros and ERR_MMAP_FAULT',
        'resize and unmap work with views',
      ]

test("buffer: a Node that refuses external memory, as Electron's, has a SharedArrayBuffer instead", (t) => {
  const node = join(scratchFolder(t), process.platform === 'win32' ? 'refusing-node.exe' : 'refusing-node')
  const reason = writeRefusingNode(node)
  if (reason !== undefined) {
    t.log(`not tried: ${reason}`)
    t.pass()
    return
  }
  const program = fileURLToPath(new URL('fixtures/refused.cjs', import.meta.url))
  const printed = execFileSync(node, [program, scratchFile(t, Buffer.alloc(1))], { encoding: 'utf8' })
  t.deepEqual(printed.trim().split('\n'), WITHOUT_EXTERNAL_MEMORY)
})

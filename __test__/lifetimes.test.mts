// How long memory and descriptors live: views stay valid, and nothing stays longer than somebody
// can reach it.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync, truncateSync, unlinkSync, write } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import { MessageChannel, Worker } from 'node:worker_threads'
import { gunzipSync, gzip } from 'node:zlib'
import ava from 'ava'
import { ACCESS_READ, type Mmap, mmap, PAGESIZE } from 'memmap'
import { onLinux, onUnix } from './support/platform.mjs'
import {
  allMaps,
  collectUntil,
  descriptorsOf,
  mapsOf,
  openDescriptors,
  pattern,
  scratchFile,
  scratchFolder,
  transfer,
} from './support/portable.mjs'

const test = ava.serial

// --- Misuse

const AFTER_CLOSE: [what: string, call: (map: Mmap) => unknown][] = [
  ['length', (map) => map.length],
  ['offset', (map) => map.offset],
  ['access', (map) => map.access],
  ['fd', (map) => map.fd],
  ['bytes', (map) => map.bytes],
  ['buffer', (map) => map.buffer],
  ['view', (map) => map.view(DataView)],
  ['read', (map) => map.read()],
  ['readByte', (map) => map.readByte()],
  ['readLine', (map) => map.readLine()],
  ['write', (map) => map.write('a')],
  ['writeByte', (map) => map.writeByte(1)],
  ['seek', (map) => map.seek(0)],
  ['tell', (map) => map.tell()],
  ['at', (map) => map.at(0)],
  ['setAt', (map) => map.setAt(0, 0)],
  ['slice', (map) => map.slice()],
  ['setSlice', (map) => map.setSlice('', 0, 0)],
  ['move', (map) => map.move(0, 0, 0)],
  ['fill', (map) => map.fill(0)],
  ['iteration', (map) => [...map]],
  ['find', (map) => map.find('a')],
  ['rfind', (map) => map.rfind('a')],
  ['indexOf', (map) => map.indexOf('a')],
  ['lastIndexOf', (map) => map.lastIndexOf('a')],
  ['includes', (map) => map.includes('a')],
  ['size', (map) => map.size()],
  ['flush', (map) => map.flush()],
  ['resize', (map) => map.resize(1)],
  ['madvise', (map) => map.madvise(0)],
  ['protect', (map) => map.protect(1)],
  ['mlock', (map) => map.mlock()],
  ['munlock', (map) => map.munlock()],
  ['resident', (map) => map.resident()],
]

const NOT_ON_WINDOWS = ['madvise', 'protect']

for (const [what, call] of AFTER_CLOSE) {
  test(`close: after it, ${what} is ERR_MMAP_CLOSED`, (t) => {
    const map = mmap(scratchFile(t, 'abc'))
    if (process.platform === 'win32' && NOT_ON_WINDOWS.includes(what)) {
      t.throws(() => call(map), { code: 'ERR_MMAP_UNSUPPORTED' })
    } else {
      t.notThrows(() => call(map))
    }
    map.close()
    const error = t.throws(() => call(map), { code: 'ERR_MMAP_CLOSED', message: 'mmap closed or invalid' })
    t.is(error.name, 'Error')
  })
}

test('closed, close, unmap, seekable, inspect: they never throw', (t) => {
  const map = mmap(scratchFile(t, 'abc'))
  t.false(map.closed)
  for (let times = 0; times < 3; times += 1) {
    t.is(map.close(), undefined)
    t.is(map.unmap(), undefined)
    t.true(map.closed)
    t.true(map.seekable())
    t.is(inspect(map), '<memmap.Mmap closed=true>')
    t.is(Object.prototype.toString.call(map), '[object Mmap]')
  }
})

test('seek, write: wrong arguments are reported before the state', (t) => {
  const map = mmap(-1, 10)
  map.close()
  t.throws(() => map.seek(1.5), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => map.write(JSON.parse('5')), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('iteration: an iterator throws at the next step after close()', (t) => {
  const map = mmap(scratchFile(t, 'abc'))
  const iterator = map[Symbol.iterator]()
  t.deepEqual(iterator.next(), { done: false, value: 97 })
  map.close()
  t.throws(() => iterator.next(), { code: 'ERR_MMAP_CLOSED' })
})

test('close: closed mappings stay closed when others are opened, and the others are left alone', async (t) => {
  const path = scratchFile(t, 'one\ntwo\n')
  const closedOnes = Array.from({ length: 100 }, () => mmap(path))
  const iterators = closedOnes.map((map) => map.lines())
  for (const iterator of iterators) iterator.next()
  const tasks = closedOnes.map((map) => map.findAsync('two'))
  // Nothing was made of these that could outlive them.
  const others = Array.from({ length: 100 }, () => mmap(path))
  for (const map of [...closedOnes, ...others]) map.close()

  const texts = Array.from({ length: 200 }, (_, index) => `${String(index).padStart(3)} two`)
  const opened = texts.map((text) => {
    const map = mmap(-1, text.length)
    map.write(text)
    return map
  })
  const found = opened.map((map) => map.findAsync('two', 1))
  for (const map of [...closedOnes, ...others]) {
    t.throws(() => map.length, { code: 'ERR_MMAP_CLOSED' })
    map.unmap()
  }
  for (const iterator of iterators) t.throws(() => iterator.next(), { code: 'ERR_MMAP_CLOSED' })
  await Promise.allSettled(tasks)
  t.deepEqual(
    await Promise.all(found),
    texts.map(() => 4),
  )
  t.deepEqual(
    opened.map((map) => map.slice().toString()),
    texts,
  )
  for (const map of opened) map.close()
})

// --- Views after close()

test('close: a view taken before still shows the file', (t) => {
  const path = scratchFile(t, pattern(3 * PAGESIZE))
  const map = mmap(path)
  const { bytes } = map
  const words = map.view(Uint16Array, 2, 4)
  map.close()
  t.true(Buffer.from(bytes).equals(pattern(3 * PAGESIZE)))
  t.is(words[0], pattern(10).readUInt16LE(2))
})

test('close: a store through a view is in the file afterwards, too', (t) => {
  const path = scratchFile(t, 'abcdef')
  const map = mmap(path)
  const { bytes } = map
  map.close()
  bytes[0] = 65
  bytes.set([66, 67], 1)
  t.is(readFileSync(path, 'utf8'), 'ABCdef')
})

test('close: a view still shows what others write', (t) => {
  const path = scratchFile(t, 'abcdef')
  const closed = mmap(path)
  const { bytes } = closed
  closed.close()
  using other = mmap(path)
  other.write('XY')
  t.deepEqual([...bytes.subarray(0, 3)], [88, 89, 99])
})

test('using: a subarray may be returned out of the block', (t) => {
  const path = scratchFile(t, 'the first sixteen bytes and more')
  const head = (): Uint8Array => {
    using map = mmap(path, 0, { access: ACCESS_READ })
    return map.bytes.subarray(0, 17)
  }
  t.is(Buffer.from(head()).toString(), 'the first sixteen')
})

test('using: the mapping is closed at the end of the block, also when it throws', (t) => {
  const path = scratchFile(t, 'abc')
  const seen: Mmap[] = []
  const failing = (): void => {
    using map = mmap(path)
    seen.push(map)
    throw new Error('in the block')
  }
  t.throws(failing, { message: 'in the block' })
  t.true(seen[0]?.closed)
  const map = mmap(path)
  map[Symbol.dispose]()
  t.true(map.closed)
})

test('bytes: a view that is all that is left of a mapping survives any garbage collection', async (t) => {
  const path = scratchFile(t, pattern(2 * PAGESIZE))
  const bytes = (() => mmap(path).bytes)()
  // Other systems do not tell. There garbage is collected until collectUntil gives up.
  const isLinux = process.platform === 'linux'
  t.is(await collectUntil(() => isLinux && descriptorsOf(path) === 0), isLinux)
  t.true(Buffer.from(bytes).equals(pattern(2 * PAGESIZE)))
  bytes[0] = 99
  t.is(readFileSync(path)[0], 99)
})

test('close: zlib reads the right bytes of a mapping that is closed meanwhile', async (t) => {
  const content = pattern(4 << 20)
  const map = mmap(scratchFile(t, content))
  const compressed = promisify(gzip)(map.bytes)
  map.close()
  t.true(gunzipSync(await compressed).equals(content))
})

test('close: fs.write writes the right bytes of a mapping that is closed and collected meanwhile', async (t) => {
  const content = pattern(4 << 20)
  const path = scratchFile(t, content)
  const target = join(scratchFolder(t), 'copy')
  const fd = openSync(target, 'w')
  const writing = (() => {
    using map = mmap(path)
    return promisify(write)(fd, map.bytes)
  })()
  let done = false
  const finished = writing.finally(() => {
    done = true
  })
  await collectUntil(() => done)
  const { bytesWritten } = await finished
  closeSync(fd)
  t.is(bytesWritten, content.length)
  t.true(readFileSync(target).equals(content))
})

// --- close() lets go

onLinux('close: the descriptor is closed at once, views or not', 'it reads /proc/self/fd', (t) => {
  const path = scratchFile(t, 'abc')
  const map = mmap(path)
  const { bytes } = map
  t.is(descriptorsOf(path), 1)
  map.close()
  t.is(descriptorsOf(path), 0)
  t.is(bytes[0], 97)
})

onLinux('close: a mapping of which no view was taken is unmapped at once', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  map.read()
  map.slice(0, 10, 2)
  map.find('x')
  map.seek(0)
  map.write('abc')
  map.flush()
  t.is(mapsOf(path), 1)
  map.close()
  t.is(mapsOf(path), 0)
})

onLinux('close: a view that only methods use inside does not keep the memory', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(100_000))
  const loops: ((map: Mmap) => number)[] = [
    (map) => [...map].length,
    (map) => {
      for (let i = 0; i < map.length; i += 1) map.at(i)
      return map.length
    },
    (map) => {
      while (map.tell() < map.length) map.readByte()
      return map.tell()
    },
    (map) => {
      while (map.tell() < map.length) map.writeByte(1)
      return map.tell()
    },
    (map) => {
      for (let i = 0; i < map.length; i += 1) map.setAt(i, 1)
      return map.length
    },
  ]
  for (const loop of loops) {
    const map = mmap(path)
    t.is(loop(map), 100_000)
    map.close()
    t.is(mapsOf(path), 0)
  }
})

onLinux('close: memory is unmapped when the last view is collected', 'it reads /proc/self/maps', async (t) => {
  const path = scratchFile(t, pattern(1000))
  const held: { view: Uint8Array | undefined } = { view: undefined }
  ;(() => {
    const map = mmap(path)
    held.view = map.bytes.subarray(10, 20)
    map.close()
  })()
  await collectUntil(() => false)
  t.is(mapsOf(path), 1)
  t.is(held.view?.[0], pattern(1000)[10])
  held.view = undefined
  t.true(await collectUntil(() => mapsOf(path) === 0))
})

onLinux('garbage collection: a mapping that is forgotten and never closed is closed', 'it reads /proc', async (t) => {
  const path = scratchFile(t, pattern(1000))
  ;(() => {
    mmap(path).bytes[0] = 1
    mmap(path).write('x')
  })()
  t.true(await collectUntil(() => mapsOf(path) === 0 && descriptorsOf(path) === 0))
  t.is(readFileSync(path).length, 1000)
})

onLinux('close: opening and closing 2,000 times leaves nothing', 'it reads /proc', (t) => {
  const path = scratchFile(t, pattern(1000))
  const descriptors = openDescriptors()
  for (let times = 0; times < 2000; times += 1) {
    const map = mmap(path)
    if (map.at(times % 1000) !== pattern(1000)[times % 1000]) t.fail()
    map.close()
  }
  t.is(mapsOf(path), 0)
  t.deepEqual(openDescriptors(), descriptors)
})

onLinux('close: opening and closing 2,000 times with views leaves nothing in the end', 'it reads /proc', async (t) => {
  const path = scratchFile(t, pattern(1000))
  const before = allMaps()
  ;(() => {
    for (let times = 0; times < 2000; times += 1) {
      const map = mmap(path)
      if (map.bytes[5] !== pattern(10)[5]) t.fail()
      map.close()
    }
  })()
  t.true(await collectUntil(() => mapsOf(path) === 0))
  t.true(allMaps() < before + 100)
})

// --- unmap()

onLinux('unmap: every view gets length 0, and memory is unmapped at once', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  const views = [map.bytes, map.view(Float64Array), map.view(Buffer, 10, 10), map.bytes.subarray(1, 5)]
  const { buffer } = map
  map.unmap()
  t.deepEqual(
    views.map(({ length }) => length),
    [0, 0, 0, 0],
  )
  t.is(buffer.byteLength, 0)
  t.true(map.closed)
  t.is(mapsOf(path), 0)
  t.is(descriptorsOf(path), 0)
})

test('unmap: a mapping without views is closed', (t) => {
  const map = mmap(scratchFile(t, 'abc'))
  map.unmap()
  t.true(map.closed)
  t.throws(() => map.at(0), { code: 'ERR_MMAP_CLOSED' })
})

test('unmap: the file can be removed and truncated right afterwards', (t) => {
  const path = scratchFile(t, 'abc')
  const map = mmap(path)
  const { bytes } = map
  map.unmap()
  truncateSync(path, 1)
  unlinkSync(path)
  t.is(bytes.length, 0)
})

onLinux('unmap: it may come after close()', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  const { bytes } = map
  map.close()
  t.is(bytes.length, 1000)
  t.is(mapsOf(path), 1)
  map.unmap()
  t.is(bytes.length, 0)
  t.is(mapsOf(path), 0)
})

onLinux('unmap: it reaches the views from before a resize, too', 'it reads /proc/self/maps', (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  const before = map.bytes
  map.resize(10_000)
  const between = map.bytes
  map.resize(5000)
  const after = map.bytes
  t.deepEqual([before.length, between.length, after.length], [1000, 10_000, 5000])
  map.unmap()
  t.deepEqual([before.length, between.length, after.length], [0, 0, 0])
  t.is(mapsOf(path), 0)
})

test('unmap: copies stay as they are', (t) => {
  const map = mmap(scratchFile(t, 'abcdef'))
  const copy = map.read()
  map.unmap()
  t.is(copy.toString(), 'abcdef')
})

onLinux('unmap: memory that was transferred elsewhere survives', 'it reads /proc/self/maps', async (t) => {
  const path = scratchFile(t, pattern(1000))
  const map = mmap(path)
  const { bytes, buffer } = map
  const held: { moved: Uint8Array | undefined } = { moved: new Uint8Array(transfer(buffer)) }
  t.is(bytes.length, 0)
  map.unmap()
  t.is(mapsOf(path), 1)
  t.true(Buffer.from(held.moved ?? []).equals(pattern(1000)))
  held.moved?.fill(200)
  t.is(readFileSync(path)[0], 200)
  held.moved = undefined
  t.true(await collectUntil(() => mapsOf(path) === 0))
})

test('buffer: after a transfer the mapping has a new buffer of the same memory', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path)
  const moved = transfer(map.buffer)
  t.is(map.at(5), pattern(10).readUInt8(5))
  t.is(map.bytes.length, 1000)
  map.bytes[0] = 201
  t.is(new Uint8Array(moved)[0], 201)
})

test('structuredClone: the memory is copied or the clone is refused, and nothing is taken away', (t) => {
  const path = scratchFile(t, pattern(1000))
  using map = mmap(path)
  try {
    const buffer = map.buffer as ArrayBuffer
    const moved = structuredClone(buffer, { transfer: [buffer] })
    t.true(Buffer.from(moved).equals(pattern(1000)))
  } catch (error) {
    t.like(error, { name: 'DataCloneError' })
  }
  t.is(map.bytes.length, 1000)
  map.unmap()
  t.true(readFileSync(path).equals(pattern(1000)))
})

// --- Threads and exits

test('bytes: posting them to another thread copies them', async (t) => {
  const path = scratchFile(t, 'abcdef')
  using map = mmap(path)
  const { port1, port2 } = new MessageChannel()
  const received = once(port2, 'message')
  port1.postMessage(map.bytes)
  const [copy]: unknown[] = await received
  port1.close()
  if (!(copy instanceof Uint8Array)) return t.fail('no Uint8Array came')
  t.is(Buffer.from(copy).toString(), 'abcdef')
  copy[0] = 90
  t.is(map.at(0), 97)
  t.is(map.bytes.length, 6)
})

for (const close of [true, false]) {
  test(`Worker: a thread maps a file and ends with the mapping ${close ? 'closed' : 'open'}`, async (t) => {
    const path = scratchFile(t, 'from here and on')
    using map = mmap(path)
    const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), {
      workerData: { file: path, length: 0, options: {}, text: 'theirs !', close },
      execArgv: [],
    })
    // It is awaited from here on, because the thread ends right after its message.
    const ended = once(worker, 'exit')
    const [answer]: unknown[] = await once(worker, 'message')
    t.deepEqual(answer, { found: 'from her', view: 'theirs !' })
    const [code]: unknown[] = await ended
    t.is(code, 0)
    t.is(map.read().toString(), 'theirs !e and on')
    if (process.platform === 'linux') {
      t.is(mapsOf(path), 1)
      t.is(descriptorsOf(path), 1)
    }
  })
}

test('Worker: one that is terminated leaves the mappings of others alone', async (t) => {
  const path = scratchFile(t, 64 * PAGESIZE)
  using map = mmap(path)
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./fixtures/counter.mjs', import.meta.url), {
    workerData: { path, position: 0, stop },
    execArgv: [],
  })
  await once(worker, 'message')
  await worker.terminate()
  const count = map.view(Uint32Array)[0]
  t.not(count, 0)
  t.is<unknown, unknown>(readFileSync(path).readUInt32LE(), count)
  if (process.platform === 'linux') t.is(mapsOf(path), 1)
})

for (const [how, code] of [
  ['the end of the program', 0],
  ['process.exit', 3],
  ['throw', 1],
] as const) {
  test(`process: a program that ends by ${how} with views alive ends as it should`, (t) => {
    const path = scratchFile(t, 10_000)
    const script = fileURLToPath(new URL('./fixtures/views-at-exit.mjs', import.meta.url))
    const { status, signal } = spawnSync(process.execPath, [script, how, path], { stdio: 'ignore' })
    t.deepEqual([status, signal], [code, null])
    t.is(readFileSync(path).subarray(0, 7).toString(), 'written')
  })
}

onUnix('fd: a child process does not inherit the descriptor of a mapping', 'it has none', (t) => {
  using map = mmap(scratchFile(t, 'abc'))
  // The child may have opened something else under that number.
  const script = `try { console.log(require('fs').fstatSync(${map.fd}).ino) } catch (e) { console.log(e.code) }`
  t.not(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout, `${fstatSync(map.fd).ino}\n`)
})

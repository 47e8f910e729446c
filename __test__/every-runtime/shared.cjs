// SharedArrayBuffers over a mapping, in this thread and in others.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } = require('node:fs')
const { ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, mmap, PAGESIZE, PROT_EXEC, PROT_READ } = require('../../index.js')
const { nextMessage, startChild, startWorker } = require('./others.cjs')
const { allMaps, descriptorsOf, mapsOf, mostMaps, needsLinux, openDescriptors } = require('./process-state.cjs')
const { CannotBe, collectUntil, nextTurn, refuses, runtimeName } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const CONTENT = pattern(3 * PAGESIZE)

const text = (bytes) => Buffer.from(bytes).toString()

const GROWS_IN_PLACE = runtimeName() !== 'bun' && process.platform !== 'win32'

/**
 * Whether this runtime can make such buffers. On Windows nothing can be mapped over the addresses
 * of a buffer, so the runtime must have a function that makes one over our memory.
 */
const HAS_SHARED_BUFFERS =
  process.platform !== 'win32' ||
  (!refuses && runtimeName() !== 'deno' && Number.parseInt(process.versions.node, 10) >= 22)

/** Returns the scenarios. Where there are no such buffers, each checks the error instead. */
function needingSharedBuffers(scenarios) {
  if (HAS_SHARED_BUFFERS) return scenarios
  const cannotBe = () => {
    const map = mmap(-1, PAGESIZE, { sharedArrayBuffer: true })
    assert.throws(() => map.buffer, { code: 'ERR_MMAP_NO_VIEW' })
    map.close()
    throw new CannotBe('it takes no memory of others into a SharedArrayBuffer, and none was given: ERR_MMAP_NO_VIEW')
  }
  return Object.fromEntries(Object.keys(scenarios).map((name) => [name, cannotBe]))
}

/**
 * The results of `Response` and `Request`, `Blob`, `CompressionStream` and `crypto.subtle` for a
 * view of the text "hello".
 */
const WEB_APIS = {
  node20: ['TypeError', 'hello', 'hello', 'TypeError'],
  node24: ['104,101,108,108,111', 'hello', 'TypeError', 'TypeError'],
  bun: ['hello', 'hello', 'TypeError', 'TypeError'],
  deno: ['TypeError', 'TypeError', 'TypeError', 'TypeError'],
}

function webKind() {
  if (runtimeName() !== 'node') return runtimeName()
  return Number.parseInt(process.versions.node, 10) < 24 ? 'node20' : 'node24'
}

/** Compresses and decompresses `bytes`, and returns their text. */
async function compress(bytes) {
  const { readable, writable } = new CompressionStream('gzip')
  const writer = writable.getWriter()
  const [text] = await Promise.all([
    new Response(readable.pipeThrough(new DecompressionStream('gzip'))).text(),
    writer.write(bytes),
    writer.close(),
  ])
  return text
}

/**
 * A mapping whose buffer can grow to `maxByteLength` bytes. Throws CannotBe where that is
 * impossible.
 */
function growable(path, maxByteLength, options) {
  const open = () => mmap(path, 0, { ...options, sharedArrayBuffer: { maxByteLength } })
  if (GROWS_IN_PLACE) return open()
  assert.throws(open, { code: 'ERR_MMAP_UNSUPPORTED' })
  throw new CannotBe('its buffers cannot grow in place, and "maxByteLength" was refused: ERR_MMAP_UNSUPPORTED')
}

/** For scenarios in which the memory under a buffer of the user is unmapped. */
function needsToUnmap(map) {
  if (process.platform !== 'win32') return
  const { bytes } = map
  const before = bytes[5]
  assert.throws(() => map.unmap(), { code: 'ERR_MMAP_UNSUPPORTED' })
  assert.deepEqual([map.closed, bytes[5]], [true, before])
  throw new CannotBe('Windows maps nothing over addresses in use, and unmap() was refused: ERR_MMAP_UNSUPPORTED')
}

/** Starts a thread that can hold a buffer. Each call sends it a command. */
async function startHolder() {
  const worker = startWorker('holds a buffer')
  const call = async (...command) => {
    const answer = nextMessage(worker)
    worker.postMessage(command)
    return answer
  }
  await nextMessage(worker)
  return { call, terminate: () => worker.terminate() }
}

module.exports = needingSharedBuffers({
  'which kind of buffer there is': () => {
    const path = scratchFile(CONTENT)
    const [plain, shared] = [mmap(path), mmap(path, 0, { sharedArrayBuffer: true })]
    assert.equal(plain.buffer instanceof SharedArrayBuffer, refuses)
    assert.equal(plain.buffer instanceof ArrayBuffer, !refuses)
    assert.ok(shared.buffer instanceof SharedArrayBuffer)
    for (const map of [plain, shared]) {
      assert.equal(map.bytes.buffer, map.buffer)
      assert.ok(CONTENT.equals(map.bytes))
      map.close()
    }
  },

  'a shared buffer is the file': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    const other = mmap(path)
    const file = openSync(path, 'r+')
    const { bytes } = map
    bytes[5] = 250
    map.view(DataView).setUint32(2 * PAGESIZE, 0xdeadbeef)
    const read = Buffer.alloc(4)
    readSync(file, read, 0, 4, 2 * PAGESIZE)
    assert.equal(read.toString('hex'), 'deadbeef')
    assert.deepEqual([readFileSync(path)[5], other.at(5), other.bytes[5]], [250, 250, 250])
    writeSync(file, Buffer.from('by write'), 0, 8, PAGESIZE)
    other.setSlice('by another', PAGESIZE + 8, PAGESIZE + 18)
    assert.equal(text(bytes.subarray(PAGESIZE, PAGESIZE + 18)), 'by writeby another')
    map.setAt(-1, 251)
    assert.deepEqual([bytes.at(-1), readFileSync(path).at(-1)], [251, 251])
    map.flush()
    closeSync(file)
    other.unmap()
    map.close()
  },

  'Web APIs that are given a view of shared memory': async () => {
    const map = mmap(-1, 5, { sharedArrayBuffer: true })
    map.write('hello')
    const sent = async (body) => {
      const request = new Request('http://localhost', { method: 'POST', body, duplex: 'half' })
      const texts = [await new Response(body).text(), await request.text()]
      assert.equal(texts[0], texts[1])
      return texts[0]
    }
    assert.equal(await sent(map.slice()), 'hello')
    assert.equal(await new Response(map.stream()).text(), 'hello')

    // docs/recipes/streams.md promises this.
    const { bytes } = map
    const outcome = (promise) => promise.catch(({ name }) => name)
    const inBlob = await outcome((async () => new Blob([bytes]).text())())
    const compressed = await outcome(compress(bytes))
    const digest = await outcome(crypto.subtle.digest('SHA-256', bytes))
    assert.deepEqual([await outcome(sent(bytes)), inBlob, compressed, digest], WEB_APIS[webKind()])
    const copy = map.slice()
    assert.equal((await crypto.subtle.digest('SHA-256', copy)).byteLength, 32)
    assert.equal(await new Blob([copy]).text(), 'hello')
    assert.equal(await compress(copy), 'hello')
  },

  'a shared buffer from any offset, with any access': () => {
    for (const offset of [0, 8, 13, PAGESIZE, PAGESIZE + 1001]) {
      for (const access of [undefined, ACCESS_READ, ACCESS_COPY]) {
        const path = scratchFile(CONTENT)
        const map = mmap(path, 0, { access, offset, sharedArrayBuffer: true })
        const { bytes } = map
        assert.ok(CONTENT.subarray(offset).equals(bytes))
        assert.equal(bytes.byteOffset % 8, offset % 8)
        bytes[3] = 250
        assert.equal(map.at(3), 250)
        assert.equal(readFileSync(path)[offset + 3], access === undefined ? 250 : CONTENT[offset + 3])
        if (access === ACCESS_READ) assert.throws(() => map.setAt(4, 1), { code: 'ERR_MMAP_READONLY' })
        else map.setAt(4, 251)
        assert.equal(bytes[4], access === ACCESS_READ ? CONTENT[offset + 4] : 251)
        map.close()
        assert.equal(bytes[5], CONTENT[offset + 5])
      }
    }
  },

  'two threads take turns with Atomics': async () => {
    const ROUNDS = 2000
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    const turns = map.view(Int32Array, 0, 2)
    turns.fill(0)
    const worker = startWorker('takes turns', { turns, rounds: ROUNDS })
    await nextMessage(worker)
    for (let round = 0; round < ROUNDS; round += 1) {
      Atomics.store(turns, 0, 2 * round + 1)
      Atomics.notify(turns, 0)
      // The notification of the previous turn may wake this wait, because that turn did not wait
      // for it.
      while (Atomics.load(turns, 0) === 2 * round + 1) {
        assert.notEqual(Atomics.wait(turns, 0, 2 * round + 1, 60_000), 'timed-out')
      }
      assert.equal(Atomics.load(turns, 0), 2 * round + 2)
    }
    assert.deepEqual([map.slice(4, 8).readInt32LE(), readFileSync(path).readInt32LE(4)], [ROUNDS, ROUNDS])
    await worker.terminate()
  },

  'a shared buffer in a thread outlives its Mmap': async () => {
    const path = scratchFile(CONTENT)
    const holder = await startHolder()
    const handOver = () => {
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      const held = holder.call('hold', map.buffer)
      map.close()
      return held
    }
    await handOver()
    // The memory must stay mapped, however often garbage is collected.
    let rounds = 0
    await collectUntil(() => rounds++ === 30)
    assert.equal(await holder.call('read', 7), CONTENT[7])
    await holder.call('write', 8, 250)
    assert.equal(readFileSync(path)[8], 250)
    await holder.call('drop')
    // The other thread has to collect its own garbage.
    for (let round = 0; round < 300 && mapsOf(path) !== 0; round += 1) await holder.call('collect')
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'it goes with the last thread')
    await holder.terminate()
  },

  'a shared buffer outlives the thread that made it': async () => {
    const path = scratchFile(CONTENT)
    const held = {}
    await (async () => {
      const worker = startWorker('posts a buffer', { path })
      held.bytes = new Uint8Array(await nextMessage(worker))
      await worker.terminate()
    })()
    let rounds = 0
    await collectUntil(() => rounds++ === 30)
    assert.ok(CONTENT.equals(held.bytes))
    held.bytes[9] = 250
    assert.equal(readFileSync(path)[9], 250)
    held.bytes = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last view')
  },

  'a shared buffer goes with its last view': async () => {
    const path = scratchFile(CONTENT)
    const held = {}
    ;(() => {
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      held.bytes = map.bytes
      map.close()
      assert.equal(descriptorsOf(path), 0)
    })()
    let rounds = 0
    await collectUntil(() => rounds++ === 30)
    assert.ok(CONTENT.equals(held.bytes))
    held.bytes = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last view')
    // The file must not be mapped any more at the addresses that new buffers may get.
    const others = Array.from({ length: 100 }, () => new SharedArrayBuffer(CONTENT.length))
    for (const other of others) new Uint8Array(other).fill(1)
    assert.ok(CONTENT.equals(readFileSync(path)))
  },

  'unmap() of a shared buffer makes zeros of it': async () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    needsToUnmap(map)
    const { bytes } = map
    const words = map.view(Uint16Array, 2, 4)
    const holder = await startHolder()
    await holder.call('hold', map.buffer)
    assert.equal(await holder.call('read', 7), CONTENT[7])
    map.unmap()
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
    assert.deepEqual([bytes.length, words.length], [CONTENT.length, 4])
    assert.ok(bytes.every((byte) => byte === 0))
    assert.equal(await holder.call('read', 7), 0)
    bytes[0] = 250
    await holder.call('write', 1, 250)
    assert.ok(CONTENT.equals(readFileSync(path)))
    map.unmap()
    assert.equal(bytes[0], 250)
    await holder.terminate()

    const closed = mmap(path, 0, { sharedArrayBuffer: true })
    const after = closed.bytes
    closed.close()
    assert.equal(after[7], CONTENT[7])
    closed.unmap()
    assert.deepEqual([after[7], mapsOf(path)], [0, 0])
  },

  'unmap() reaches a shared buffer that only a thread has': async () => {
    const endings = {
      'after close()': (map) => map.close(),
      'after a resize() to another buffer': (map) => map.resize(4 * PAGESIZE),
    }
    for (const [name, end] of Object.entries(endings)) {
      const path = scratchFile(CONTENT)
      const holder = await startHolder()
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      await holder.call('hold', map.buffer)
      end(map)
      let rounds = 0
      await collectUntil(() => rounds++ === 20)
      assert.equal(await holder.call('read', 7), CONTENT[7], name)
      needsToUnmap(map)
      map.unmap()
      assert.deepEqual([await holder.call('read', 7), mapsOf(path)], [0, 0], name)
      await holder.call('write', 7, 250)
      assert.equal(readFileSync(path)[7], CONTENT[7], name)
      await holder.terminate()
    }
  },

  'a shared buffer of a named region': async () => {
    const tagname = `runtimes-shared-${process.pid}`
    const region = mmap(-1, 1024, { tagname, sharedArrayBuffer: true })
    const { bytes } = region
    bytes.set(Buffer.from('from the parent\n'))
    const child = startChild('answers in a region', [tagname, 'close'])
    assert.equal(await child.line(), 'from the parent')
    assert.equal(await child.line(), 'answered')
    assert.equal(text(bytes.subarray(512, 527)), 'from the child\n')
    child.say('end')
    assert.deepEqual(await child.ended, { code: 0, signal: null })
    region.close()
    // The mapping is closed but has a view, so the region is in use, as it is with an ArrayBuffer.
    assert.equal(text(mmap(-1, 1024, { tagname }).slice(0, 4)), 'from')
    assert.equal(text(bytes.subarray(0, 4)), 'from')
  },

  'a thread that ends leaves the named region of its shared buffer': async () => {
    needsLinux()
    for (const how of ['buffer', 'unmapped']) {
      const tagname = `runtimes-ends-${how}-${process.pid}`
      const region = () => openDescriptors().filter((target) => target.includes(`runtimes-ends-${how}-`)).length
      const worker = startWorker('shows a region and ends', { tagname, how })
      const ended = once(worker, 'exit')
      assert.equal(await nextMessage(worker), 'x')
      await ended
      assert.ok(await collectUntil(() => region() === 0), 'its descriptor is closed')
      assert.equal(mmap(-1, 10, { tagname }).at(0), 0, 'nobody used it any more')
    }
  },

  'a named region is left by unmap() of its shared buffer': () => {
    const tagname = `runtimes-left-${process.pid}`
    const region = mmap(-1, 2 * PAGESIZE, { tagname, sharedArrayBuffer: true })
    needsToUnmap(region)
    const before = region.bytes
    region.write('here')
    region.resize(PAGESIZE)
    const { bytes } = region
    assert.equal(text(bytes.subarray(0, 4)), 'here')
    region.unmap()
    assert.deepEqual([before[0], bytes[0]], [0, 0])
    // The region has no users any more, so opening it now makes a new one of zeros.
    const next = mmap(-1, PAGESIZE, { tagname })
    assert.equal(next.at(0), 0)
    next.unmap()
  },

  'a shared buffer grows in place': async () => {
    const path = scratchFile(CONTENT)
    const most = 40 * PAGESIZE
    const map = growable(path, most, { offset: 8 })
    const { buffer, bytes } = map
    const holder = await startHolder()
    await holder.call('hold', buffer)
    const before = await holder.call('length')
    for (const length of [4 * PAGESIZE, 4 * PAGESIZE + 10, most]) {
      map.resize(length)
      assert.equal(map.buffer, buffer)
      assert.equal(map.bytes.length, length)
      assert.equal(bytes.length, CONTENT.length - 8, 'a view keeps its length')
      map.bytes[length - 1] = 7
      bytes[1] += 1
      const now = readFileSync(path)
      assert.deepEqual([now.length, now.at(-1), now[9]], [8 + length, 7, bytes[1]])
      assert.equal(await holder.call('length'), before + length - bytes.length, 'a buffer in a thread grows, too')
      assert.equal(await holder.call('read', map.bytes.byteOffset + length - 1), 7)
    }
    await holder.call('write', map.bytes.byteOffset + most - 2, 8)
    assert.equal(map.at(-2), 8)
    assert.equal(map.at(1), bytes[1])
    assert.ok(CONTENT.subarray(10).equals(bytes.subarray(2)))
    map.unmap()
    assert.deepEqual([mapsOf(path), bytes[5], await holder.call('read', most)], [0, 0, 0])
    await holder.terminate()
  },

  'beyond maxByteLength there is another buffer': () => {
    const path = scratchFile(CONTENT)
    const most = 5 * PAGESIZE
    const map = growable(path, most)
    assert.throws(() => growable(path, CONTENT.length - 1), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [1, 1])
    const { buffer, bytes } = map
    map.resize(most + 1)
    assert.notEqual(map.buffer, buffer)
    assert.equal(map.bytes.length, most + 1)
    bytes[3] = 250
    assert.equal(map.at(3), 250)
    assert.throws(() => buffer.grow(buffer.maxByteLength + 1), RangeError)
    map.unmap()
    assert.deepEqual([mapsOf(path), bytes[3]], [0, 0])
  },

  'a thread reads a truncated shared buffer': async () => {
    if (process.platform === 'win32') throw new CannotBe('Windows truncates no mapped file')
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    const holder = await startHolder()
    await holder.call('hold', map.buffer)
    truncateSync(path, PAGESIZE)
    assert.equal(await holder.call('read', 2 * PAGESIZE), 0)
    assert.equal(await holder.call('read', 5), CONTENT[5])
    assert.throws(() => map.at(0), { code: 'ERR_MMAP_FAULT', offset: PAGESIZE, length: 2 * PAGESIZE })
    await holder.terminate()
  },

  'a truncated shared buffer can be stored to after protect()': () => {
    if (process.platform === 'win32') throw new CannotBe('Windows truncates no mapped file')
    for (const [access, prot] of [
      [ACCESS_COPY, PROT_READ],
      [ACCESS_READ, PROT_READ | PROT_EXEC],
      [ACCESS_WRITE, PROT_READ],
    ]) {
      const path = scratchFile(CONTENT)
      const map = mmap(path, 0, { access, sharedArrayBuffer: true })
      const { bytes } = map
      truncateSync(path, PAGESIZE)
      assert.equal(bytes[2 * PAGESIZE], 0)
      map.protect(prot)
      bytes[2 * PAGESIZE] = 1
      bytes[0] = 2
      assert.deepEqual([bytes[2 * PAGESIZE], bytes[0]], [1, 2])
      map.unmap()
      assert.deepEqual(readFileSync(path), CONTENT.subarray(0, PAGESIZE))
    }
  },

  'a file is truncated before its first shared view': async () => {
    if (process.platform === 'win32') throw new CannotBe('Windows truncates no mapped file')
    const length = 16 << 20
    const pages = Array.from({ length: length / PAGESIZE }, (_, page) => page * PAGESIZE)
    const others = []
    const playRound = () => {
      const path = scratchFile(CONTENT)
      truncateSync(path, length)
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      truncateSync(path, PAGESIZE)
      assert.throws(() => map.at(-1), { code: 'ERR_MMAP_FAULT', offset: PAGESIZE, length: length - PAGESIZE })
      try {
        const { bytes } = map
        for (const at of pages) assert.equal(bytes[at], at === 0 ? CONTENT[0] : 0)
        bytes[length - 1] = 1
        assert.equal(bytes[length - 1], 1)
      } catch (error) {
        // Before version 6.17 Linux cannot move a range that consists of several kernel mappings.
        if (error.code !== 'ERR_MMAP_FAULT') throw error
      }
      // New mappings must not get addresses that the engine believes to be those of its buffer.
      others.push(mmap(-1, length), mmap(-1, length), Buffer.alloc(length))
      map.close()
    }
    for (let round = 0; round < 5; round += 1) playRound()
    const fill = (other, value) => {
      for (const at of pages) {
        if (other instanceof Buffer) other[at] = value
        else other.setAt(at, value)
      }
    }
    for (const other of others) fill(other, 7)
    let rounds = 0
    await collectUntil(() => rounds++ === 30)
    for (const other of others) for (const at of pages) assert.equal(other.at(at), 7)
  },

  '70,000 shared buffers, the loop turns': async () => {
    const path = scratchFile(pattern(PAGESIZE))
    for (let count = 0; count < 70_000; count += 1) {
      assert.equal(sharedViewOfClosed(path)[5], CONTENT[5])
      if (count % 256 === 0) await nextTurn()
    }
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'they all go')
  },

  'more shared buffers than maps are allowed': async () => {
    if (mostMaps() > 200_000) throw new CannotBe(`vm.max_map_count is ${mostMaps()}`)
    const path = scratchFile(pattern(PAGESIZE))
    const views = []
    let refusal
    while (refusal === undefined && views.length <= mostMaps()) {
      refusal = takeViews(views, path)
      // This collects and finalizes the Mmaps, but not their views.
      await collectUntil(twice())
    }
    assert.equal(refusal?.code, 'ENOMEM')
    assert.match(refusal.message, /mappings are alive/)
    assert.ok(views.length > mostMaps() / 3, `it was refused after ${views.length}`)
    assert.ok(views.every((view) => view[5] === CONTENT[5]))
    views.length = 0
    assert.ok(await collectUntil(() => mapsOf(path) === 0), `${mapsOf(path)} of ${allMaps()} maps are left`)
    assert.ok(await collectUntil(() => isPossible(() => sharedViewOfClosed(path))), 'there is room again')
  },
})

/** Returns a view of a mapping that has been closed. */
function sharedViewOfClosed(path, shared = true) {
  const map = mmap(path, 0, { sharedArrayBuffer: shared })
  try {
    return map.bytes
  } finally {
    map.close()
  }
}

/**
 * Adds some thousand views, or returns the error. It is a function of its own, because an `await`
 * may keep values alive that were in a register before.
 */
function takeViews(views, path) {
  try {
    // Addresses to grow into take one more kernel mapping.
    const shared = !GROWS_IN_PLACE || { maxByteLength: 2 * PAGESIZE }
    for (let count = 0; count < 10_000; count += 1) views.push(sharedViewOfClosed(path, shared))
    return undefined
  } catch (error) {
    return error
  }
}

/**
 * A condition of {@link collectUntil} to collect twice, because garbage can keep other garbage
 * alive for one collection.
 */
function twice() {
  let rounds = 0
  return () => rounds++ === 2
}

function isPossible(call) {
  try {
    call()
    return true
  } catch {
    return false
  }
}

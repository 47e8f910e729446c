// Mappings of truncated files, and stores to pages that are mapped read-only.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const {
  closeSync,
  cpSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} = require('node:fs')
const { join } = require('node:path')
const { promisify } = require('node:util')
const zlib = require('node:zlib')
const { ACCESS_READ, mmap, PAGESIZE, PROT_EXEC, PROT_READ } = require('../../index.js')
const binding = require('./binding.cjs')
const { startChild } = require('./others.cjs')
const { allMaps } = require('./process-state.cjs')
const { CannotBe, collectGarbage, nextTurn, refuses, runtimeName } = require('./runtime.cjs')
const { pattern, scratchFile, scratchPath } = require('./scratch.cjs')

const CONTENT = pattern(8 * PAGESIZE)
const KEPT = 2 * PAGESIZE + 100
/** Many systems have no free memory of this length, but a view can have it. */
const LONG = 3 * 2 ** 30

// A runtime that refuses external memory refuses that of the counter, too.
const faults = refuses ? undefined : new Uint32Array(binding.faultCounter())

function assertFaults(expected) {
  if (faults !== undefined) assert.equal(faults[0], expected)
}

function needsTruncation() {
  if (process.platform === 'win32') throw new CannotBe('Windows truncates no mapped file')
}

/** A mapping, and a function that truncates its file. */
function cutOff() {
  needsTruncation()
  const path = scratchFile(CONTENT)
  const map = mmap(path)
  return { path, map, bytes: map.bytes, cut: () => truncateSync(path, KEPT) }
}

/** All methods that read or write bytes, each in the range that was cut off. */
const METHODS = [
  (map) => map.at(-1),
  (map) => map.slice(-10),
  (map) => map.slice(0, undefined, 2),
  (map) => map.read(),
  (map) => [...map],
  (map) => map.find('not there'),
  (map) => map.rfind('not there'),
  (map) => map.indexOf('not there'),
  (map) => map.includes('not there'),
  (map) => map.setAt(-1, 1),
  (map) => map.setSlice('ab', -2),
  (map) => map.fill(1),
  (map) => map.move(0, map.length - 10, 10),
  (map) => {
    map.seek(-3, 2)
    return map.write('abc')
  },
  (map) => {
    map.seek(-1, 2)
    return map.readByte()
  },
  (map) => {
    map.seek(-1, 2)
    return map.readLine()
  },
  (map) => {
    map.seek(-1, 2)
    return map.writeByte(1)
  },
]

const LOSS = { code: 'ERR_MMAP_FAULT', offset: KEPT, length: CONTENT.length - KEPT }

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Returns the sum of all bytes. Calls `atMiddle` after the first half of them. */
function sum(bytes, atMiddle) {
  const middle = bytes.length / 2
  let total = 0
  for (let index = 0; index < bytes.length; index += 1) {
    if (index === middle) atMiddle()
    total += bytes[index]
  }
  return total
}

module.exports = {
  'a view of a truncated file reads zeros': () => {
    const { map, bytes, cut } = cutOff()
    cut()
    assert.deepEqual(Buffer.from(bytes.subarray(0, KEPT)), CONTENT.subarray(0, KEPT))
    assertFaults(0)
    assert.ok(bytes.subarray(KEPT).every((byte) => byte === 0))
    assertFaults(1)
    // Methods fail also in the range that is still there.
    for (const method of [(it) => it.at(0), (it) => it.slice(0, 1), (it) => it.find('a', 0, 1), ...METHODS]) {
      assert.throws(() => method(map), LOSS, method.toString())
    }
    map.close()
    assert.equal(bytes[0], CONTENT[0])
  },

  'methods on a truncated file throw ERR_MMAP_FAULT': () => {
    for (const method of METHODS) {
      const { map, cut } = cutOff()
      cut()
      assert.throws(() => method(map), LOSS, method.toString())
      map.unmap()
    }
  },

  'a truncated file that has grown again is mapped again': () => {
    const { path, map, bytes, cut } = cutOff()
    cut()
    assert.equal(bytes.at(-1), 0)
    truncateSync(path, CONTENT.length)
    assert.throws(() => map.at(0), LOSS)
    const again = mmap(path)
    assert.equal(again.at(KEPT - 1), CONTENT[KEPT - 1])
    again.setAt(-1, 9)
    assert.equal(readFileSync(path).at(-1), 9)
  },

  'truncation in a compiled loop is one fault': () => {
    needsTruncation()
    const length = 64 << 20
    const path = scratchFile(Buffer.alloc(length, 1))
    const map = mmap(path)
    const { bytes } = map
    for (let warmUp = 0; warmUp < 3; warmUp += 1)
      assert.equal(
        sum(bytes, () => {}),
        length,
      )
    const kept = (40 << 20) + 100
    assert.equal(
      sum(bytes, () => truncateSync(path, kept)),
      kept,
    )
    assertFaults(1)
    assert.throws(() => map.at(0), { code: 'ERR_MMAP_FAULT', offset: kept, length: length - kept })
  },

  'a long file is cut off': () => {
    needsTruncation()
    const path = scratchFile(CONTENT)
    truncateSync(path, LONG)
    const map = mmap(path)
    const { bytes } = map
    assert.equal(bytes[LONG - 1], 0)
    truncateSync(path, KEPT)
    for (let at = KEPT; at < LONG; at += 2 ** 20) assert.equal(bytes[at], 0)
    assert.equal(bytes[LONG - 1], 0)
    assert.deepEqual(Buffer.from(bytes.subarray(0, KEPT)), CONTENT.subarray(0, KEPT))
    assert.throws(() => map.at(0), { code: 'ERR_MMAP_FAULT', offset: KEPT, length: LONG - KEPT })
    // The engine can still allocate memory.
    assert.equal(new Uint8Array(64 << 20).length, 64 << 20)
    collectGarbage()
    map.unmap()
  },

  'the runtime itself reads a truncated view': async () => {
    const left = Buffer.concat([CONTENT.subarray(0, KEPT), Buffer.alloc(CONTENT.length - KEPT)])
    const readers = [
      (bytes) => Buffer.from(bytes),
      async (bytes) => zlib.gunzipSync(await promisify(zlib.gzip)(bytes)),
      (bytes) => (bytes.every((byte, index) => byte === left[index]) ? left : bytes),
      (bytes) => (sha256(bytes) === sha256(left) ? left : bytes),
    ]
    for (const reader of readers) {
      const { map, bytes, cut } = cutOff()
      cut()
      assert.ok(left.equals(await reader(bytes)), reader.toString())
      assert.throws(() => map.at(0), LOSS)
    }
  },

  'fs.write of a truncated view': () => {
    const { bytes, cut } = cutOff()
    cut()
    const target = openSync(scratchPath(), 'w')
    try {
      // A system call that reads lost memory raises no signal. It fails, or writes what is left.
      assert.ok(writeSync(target, bytes, 0, bytes.length, 0) <= KEPT + PAGESIZE)
    } catch (error) {
      assert.equal(error.code, 'EFAULT')
    }
    closeSync(target)
    assert.equal(bytes.at(-1), 0)
  },

  'threads find the loss of one SharedArrayBuffer at once': async () => {
    needsTruncation()
    const path = scratchFile(CONTENT)
    for (let round = 0; round < 500; round += 1) {
      writeFileSync(path, CONTENT)
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      // The pages are in the buffer from here on.
      assert.equal(map.bytes.length, CONTENT.length)
      truncateSync(path, 0)
      const searches = [1, 2, 3, 4].map(() => map.findAsync('not there'))
      const outcomes = await Promise.allSettled(searches)
      assert.deepEqual(
        outcomes.map(({ reason }) => reason?.code),
        searches.map(() => 'ERR_MMAP_FAULT'),
      )
      map.unmap()
    }
  },

  'another process truncates in a loop': async () => {
    needsTruncation()
    const length = 64 * PAGESIZE
    const path = scratchFile(Buffer.alloc(length, 'A'))
    const child = startChild('truncates over and over', [path, length, PAGESIZE])
    await child.line()
    let survived = 0
    const enough = performance.now() + 60_000
    for (let round = 0; survived < 100 && performance.now() < enough; round += 1) {
      if (!readWhatever(path)) survived += 1
      if (round % 16 === 0) await nextTurn()
    }
    assert.equal(survived, 100, `${survived} faults were survived`)
    child.say('enough')
    assert.deepEqual(await child.ended, { code: 0, signal: null })
  },

  'a listener of SIGBUS comes and goes': async () => {
    needsTruncation()
    for (const how of ['comes', 'goes', 'came before', 'came before, goes', 'once', 'all go']) {
      // Bun emits no event for that, and removes its handler and the one over it.
      if (how === 'all go' && runtimeName() === 'bun') continue
      const path = scratchFile(CONTENT)
      const child = startChild('listens to SIGBUS', [how, path])
      assert.equal(await child.line(), '0', how)
      assert.deepEqual(await child.ended, { code: 0, signal: null }, how)
    }
  },

  'a stray store through a view of ACCESS_READ': async () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const { bytes } = map
    bytes[0] = 250
    bytes.fill(251, 1, 100)
    map.view(Float64Array)[20] = 0.5
    assert.ok(readFileSync(path).equals(CONTENT))
    assert.throws(() => map.setAt(0, 1), { code: 'ERR_MMAP_READONLY' })
    // Pages without a store still show the changes of other processes.
    const other = startChild('writes', [path, 'by another', 3 * PAGESIZE])
    assert.equal((await other.ended).code, 0)
    assert.equal(Buffer.from(bytes.subarray(3 * PAGESIZE, 3 * PAGESIZE + 10)).toString(), 'by another')
    assert.equal(map.find('by another', 0), 3 * PAGESIZE)
    // A page with a store does not.
    const third = startChild('writes', [path, 'not seen', 200])
    assert.equal((await third.ended).code, 0)
    assert.ok(readFileSync(path).includes('not seen'))
    assert.deepEqual([map.at(0), map.find('not seen', 0)], [250, -1])
    map.close()
    bytes[2 * PAGESIZE] = 252
    assert.equal(readFileSync(path)[2 * PAGESIZE], CONTENT[2 * PAGESIZE])
  },

  'stray stores to all of a long view of ACCESS_READ': () => {
    const length = 64 << 20
    const path = scratchFile(Buffer.alloc(length, 1))
    const map = mmap(path, 0, { access: ACCESS_READ })
    const before = allMaps()
    const { bytes } = map
    for (let at = 0; at < length; at += PAGESIZE) bytes[at] = 2
    for (let at = 0; at < length; at += PAGESIZE) assert.deepEqual([bytes[at], bytes[at + 1]], [2, 1])
    assert.ok(readFileSync(path).every((byte) => byte === 1))
    assert.ok(allMaps() - before < 100, `${allMaps() - before} mappings more`)
    map.close()
  },

  'the system stores to a view of ACCESS_READ': async () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const source = openSync(scratchFile('stored by the system'), 'r')
    const readInto = (bytes) => new Promise((resolve) => read(source, bytes, 0, 20, 0, resolve))
    const codes = []
    try {
      readSync(source, map.bytes, 0, 20, 0)
    } catch (error) {
      codes.push(error.code)
    }
    codes.push((await readInto(map.bytes))?.code)
    // On Windows the memory is private, so the call succeeds.
    if (process.platform !== 'win32') assert.deepEqual(codes, ['EFAULT', 'EFAULT'])
    closeSync(source)
    assert.ok(readFileSync(path).equals(CONTENT))
    map.close()
  },

  'WebAssembly traps beside stray stores': () => {
    if (typeof WebAssembly === 'undefined') throw new CannotBe('this runtime has no WebAssembly')
    const { memory, load } = new WebAssembly.Instance(new WebAssembly.Module(LOADS)).exports
    const map = mmap(scratchFile(CONTENT), 0, { access: ACCESS_READ })
    const { bytes } = map
    for (let round = 0; round < 1000; round += 1) {
      assert.throws(() => load(memory.buffer.byteLength), WebAssembly.RuntimeError)
      bytes[round] = 7
      assert.deepEqual([bytes[round], load(0)], [7, 0])
      // This makes all pages read-only again, so the next store raises a fault.
      if (process.platform !== 'win32' && round % 100 === 0) map.protect(PROT_READ | PROT_EXEC)
    }
    map.close()
  },

  'two copies of the library': () => {
    needsTruncation()
    const folder = scratchPath()
    for (const name of readdirSync(PACKAGE).filter((name) => /^(index\.js|memmap\..*\.node)$/.test(name))) {
      cpSync(join(PACKAGE, name), join(folder, name))
    }
    const copies = [mmap, require(join(folder, 'index.js')).mmap]
    const path = scratchFile(CONTENT)
    const mapInTurn = (times) => {
      for (let time = 0; time < times; time += 1) copies[time % 2](path).close()
      return process.memoryUsage().rss
    }
    const before = mapInTurn(10_000)
    // Otherwise each copy would install its handlers over those of the other, and keep the replaced
    // ones: 300 bytes each time.
    assert.ok(mapInTurn(100_000) - before < 12 << 20, 'the process grows')
    const maps = copies.map((map) => map(path))
    truncateSync(path, KEPT)
    for (const map of maps) assert.throws(() => map.at(-1), LOSS)
  },
}

/**
 * `(memory (export "memory") 1)
 * (func (export "load") (param i32) (result i32) local.get 0 i32.load)`.
 */
const LOADS = Buffer.from(
  '0061736d0100000001060160017f017f03020100050301000107110206' + '6d656d6f72790200046c6f616400000a0901070020002802000b',
  'hex',
)

const PACKAGE = join(__dirname, '../..')

/**
 * Reads a file that another process truncates and fills. Every byte must be 65, or 0 in a view.
 * Returns whether no byte was lost.
 */
function readWhatever(path) {
  let map
  try {
    map = mmap(path)
    const { bytes } = map
    for (let at = 0; at < bytes.length; at += 512) assert.ok(bytes[at] === 65 || bytes[at] === 0)
    assert.ok(map.slice(0, PAGESIZE).every((byte) => byte === 65))
    map.find('not there', 0)
    return true
  } catch (error) {
    if (error.code !== 'ERR_MMAP_FAULT') throw error
    return false
  } finally {
    map?.unmap()
  }
}

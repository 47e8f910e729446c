// Lifetimes: a view stays valid, and memory is released when nothing can reach it.

const assert = require('node:assert/strict')
const { appendFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } = require('node:fs')
const { ACCESS_READ, mmap, PAGESIZE } = require('../../index.js')
const { descriptorsOf, mapsOf, needsLinux } = require('./process-state.cjs')
const { collectGarbage, collectUntil, needsArrayBuffer, nextTurn, refuses, transfer } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const CONTENT = pattern(3 * PAGESIZE)

const isContent = (bytes) => assert.ok(CONTENT.equals(bytes), 'the bytes are those of the file')

module.exports = {
  'a view after close()': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const { bytes } = map
    const words = map.view(Uint16Array, 2, 4)
    map.close()
    isContent(bytes)
    assert.equal(words[0], CONTENT.readUInt16LE(2))
    assert.throws(() => map.at(0), { code: 'ERR_MMAP_CLOSED' })
    bytes[0] = 250
    assert.equal(readFileSync(path)[0], 250)
    writeFileSync(path, 'XY', { flag: 'r+' })
    assert.equal(Buffer.from(bytes.subarray(0, 2)).toString(), 'XY')
  },

  'a subarray returned out of a using block': async () => {
    const path = scratchFile(CONTENT)
    // This is what `using` compiles to. Not all runtimes can parse `using`.
    const head = () => {
      const map = mmap(path, 0, { access: ACCESS_READ })
      try {
        return map.bytes.subarray(0, 16)
      } finally {
        map[Symbol.dispose]()
      }
    }
    const kept = head()
    let rounds = 0
    await collectUntil(() => rounds++ === 20)
    assert.deepEqual(Buffer.from(kept), CONTENT.subarray(0, 16))
  },

  'a view after its Mmap is collected': async () => {
    const path = scratchFile(CONTENT)
    let collected = false
    const registry = new FinalizationRegistry(() => {
      collected = true
    })
    const held = {}
    ;(() => {
      const map = mmap(path)
      registry.register(map)
      held.bytes = map.bytes
    })()
    assert.ok(await collectUntil(() => collected && descriptorsOf(path) === 0), 'the Mmap and its descriptor go')
    isContent(held.bytes)
    held.bytes[0] = 250
    assert.equal(readFileSync(path)[0], 250)
    held.bytes = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last view')
  },

  'buffer.transfer()': async () => {
    needsArrayBuffer('cannot be transferred')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const { bytes } = map
    const held = { moved: new Uint8Array(transfer(map.buffer)) }
    assert.equal(bytes.length, 0)
    isContent(held.moved)
    isContent(map.bytes)
    map.setAt(5, 251)
    assert.deepEqual([held.moved[5], map.bytes[5], map.at(5)], [251, 251, 251])
    map.close()
    map.unmap()
    assert.equal(held.moved[5], 251)
    held.moved[6] = 252
    assert.equal(readFileSync(path)[6], 252)
    held.moved = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the buffer it was moved to')
  },

  'structuredClone() that transfers': async () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const held = {}
    try {
      held.moved = structuredClone(map.bytes, { transfer: [map.buffer] })
      isContent(held.moved)
    } catch (error) {
      // Most runtimes refuse to transfer external memory, and all of them refuse a
      // SharedArrayBuffer. For the latter Node 20 throws a TypeError.
      assert.ok(error.name === 'DataCloneError' || (refuses && error.name === 'TypeError'), error)
    }
    isContent(map.bytes)
    assert.equal(map.at(7), CONTENT[7])
    map.close()
    if (held.moved !== undefined) isContent(held.moved)
    held.moved = undefined
    map.unmap()
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last view')
    isContent(readFileSync(path))
  },

  'unmap() makes every view empty': () => {
    needsArrayBuffer('cannot be detached')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const before = map.bytes
    map.resize(4 * PAGESIZE)
    const views = [before, map.bytes, map.view(Float64Array), map.view(Buffer, 10, 10), map.bytes.subarray(1, 5)]
    const dataView = map.view(DataView)
    map.unmap()
    for (const view of views) assert.equal(view.length, 0)
    assert.equal(dataView.buffer.byteLength, 0)
    assert.throws(() => dataView.getUint8(0), TypeError)
    assert.equal(map.closed, true)
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
    truncateSync(path, 1)
    unlinkSync(path)
  },

  'unmap() beside windows that were collected': async () => {
    needsLinux()
    needsArrayBuffer('is always the whole')
    const path = scratchFile(pattern(64 * PAGESIZE))
    const map = mmap(path)
    const kept = map.view(Uint8Array, 0, 10)
    for (let page = 1; page < 32; page += 1) map.view(Uint8Array, page * PAGESIZE, 10)
    await nextTurn()
    collectGarbage()
    // Node finalizes in a later turn what has been collected.
    map.unmap()
    assert.ok(await collectUntil(() => mapsOf(path) === 0))
    assert.equal(kept.length, 0)
  },

  'unmap() beside a window that was transferred': async () => {
    needsLinux()
    needsArrayBuffer('is not transferred')
    const content = pattern(64 * PAGESIZE)
    const path = scratchFile(content)
    const map = mmap(path)
    const kept = map.view(Uint8Array, 0, 10)
    // Where only a reference that is set to undefined has it.
    const holder = { moved: transfer(map.view(Uint8Array, 8 * PAGESIZE, 10).buffer) }
    map.unmap()
    assert.equal(kept.length, 0)
    assert.equal(mapsOf(path), 1)
    assert.equal(new Uint8Array(holder.moved)[3], content[8 * PAGESIZE + 3])
    holder.moved = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0))
    assert.equal(kept.length, 0)
  },

  'unmap() beside views of no bytes': () => {
    needsLinux()
    needsArrayBuffer('is always the whole')
    const path = scratchFile(pattern(64 * PAGESIZE))
    const map = mmap(path)
    const views = [0, 8 * PAGESIZE, 9 * PAGESIZE, map.length].map((at) => map.view(Uint8Array, at, 0))
    map.unmap()
    assert.deepEqual(
      views.map((view) => view.length),
      [0, 0, 0, 0],
    )
    assert.equal(mapsOf(path), 0)
  },

  'unmap() after close()': () => {
    needsArrayBuffer('cannot be detached')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const { bytes } = map
    map.close()
    isContent(bytes)
    map.unmap()
    assert.equal(bytes.length, 0)
    assert.equal(mapsOf(path), 0)
    map.unmap()
  },

  'resize() with views': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const before = map.bytes
    map.resize(20 * PAGESIZE)
    isContent(before)
    const longer = map.bytes
    assert.deepEqual([before.length, longer.length], [3 * PAGESIZE, 20 * PAGESIZE])
    longer[0] = 250
    assert.equal(before[0], 250)
    // Windows cannot shorten a file that has views.
    if (process.platform === 'win32') return
    map.resize(PAGESIZE + 10)
    assert.equal(map.bytes.length, PAGESIZE + 10)
    // In earlier views the range that was cut off is zeros.
    assert.deepEqual([before[1], before[2 * PAGESIZE], longer[15 * PAGESIZE]], [CONTENT[1], 0, 0])
    assert.equal(map.at(-1), CONTENT[PAGESIZE + 9])
    map.close()
    assert.equal(longer[1], CONTENT[1])
    assert.equal(readFileSync(path).length, PAGESIZE + 10)
  },

  'remap() with views': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const before = map.bytes
    assert.equal(map.remap(), CONTENT.length)
    const more = pattern(2 * PAGESIZE)
    appendFileSync(path, more)
    assert.equal(map.remap(), 5 * PAGESIZE)
    isContent(before)
    assert.ok(more.equals(map.bytes.subarray(3 * PAGESIZE)), 'what was appended is in a new view')
    assert.equal(map.at(4 * PAGESIZE), more[PAGESIZE])
    // Windows cannot shorten a file that is mapped.
    if (process.platform !== 'win32') {
      truncateSync(path, PAGESIZE + 10)
      assert.equal(before[2 * PAGESIZE], 0)
      assert.throws(() => map.at(2 * PAGESIZE), { code: 'ERR_MMAP_FAULT' })
      assert.equal(map.remap(), PAGESIZE + 10)
      assert.equal(map.at(-1), CONTENT[PAGESIZE + 9])
    }
    assert.equal(map.remap(7), 7)
    assert.equal(map.bytes.length, 7)
    map.close()
    assert.equal(before[1], CONTENT[1])
  },

  'a mapping of no bytes': () => {
    const path = scratchFile('')
    const map = mmap(path, 0, { allowEmpty: true })
    const { bytes } = map
    assert.deepEqual([map.length, bytes.length, map.bytes === bytes, map.toString()], [0, 0, true, ''])
    assert.deepEqual([map.find('a'), map.read().length, [...map.lines()].length], [-1, 0, 0])
    writeFileSync(path, CONTENT)
    assert.equal(map.remap(), CONTENT.length)
    isContent(map.bytes)
    assert.equal(map.remap(0), 0)
    assert.equal(map.bytes.length, 0)
    map.unmap()
  },

  'close() without views unmaps at once': () => {
    needsLinux()
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    map.read()
    map.find('x')
    // So many calls make the class use an internal view, which must not keep the memory.
    for (let index = 0; index < map.length; index += 1) map.at(index)
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [1, 1])
    map.close()
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
  },

  'close() with views closes the descriptor at once': async () => {
    needsLinux()
    const path = scratchFile(CONTENT)
    const held = {}
    ;(() => {
      const map = mmap(path)
      held.bytes = map.bytes
      map.close()
    })()
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [1, 0])
    held.bytes = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last view')
  },
}

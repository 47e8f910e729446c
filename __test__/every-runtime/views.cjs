// Short views of a long mapping have short buffers, and each of these views keeps all promises
// about views.

const assert = require('node:assert/strict')
const { closeSync, openSync, read, readFileSync, truncateSync, writeFileSync } = require('node:fs')
const { promisify } = require('node:util')
const { ACCESS_READ, mmap, PAGESIZE } = require('../../index.js')
const { descriptorsOf, mapsOf } = require('./process-state.cjs')
const { CannotBe, collectUntil, needsArrayBuffer, refuses, transfer, whileCollecting } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const LENGTH = 512 * 1024 + 1000
const CONTENT = pattern(LENGTH)
const PLACES = [0, 10, 5 * PAGESIZE + 3, LENGTH / 2, LENGTH - 20]

const isContent = (view, from) =>
  assert.ok(CONTENT.subarray(from, from + view.length).equals(view), `as it is at ${from}`)

/** Views at the places, whose buffers are windows. */
function shortViews(map) {
  const views = PLACES.map((place) => map.view(Uint8Array, place, 20))
  for (const view of views) assert.ok(view.buffer.byteLength <= 2 * PAGESIZE, `${view.buffer.byteLength} bytes`)
  return views
}

module.exports = {
  'a short view of a long mapping has a short buffer': () => {
    const path = scratchFile(CONTENT)
    for (const offset of [0, 5, PAGESIZE - 8]) {
      const map = mmap(path, 0, { offset, access: ACCESS_READ })
      const view = map.view(Uint8Array, 10, 5)
      isContent(view, offset + 10)
      if (refuses) assert.equal(view.buffer, map.buffer)
      else assert.ok(view.buffer.byteLength <= PAGESIZE, `${view.buffer.byteLength} bytes`)
      // Views of the same pages have the same buffer.
      assert.equal(map.view(DataView, 8, 100).buffer, view.buffer)
      const across = map.view(Buffer, 3 * PAGESIZE - 100, 5 * PAGESIZE)
      isContent(across, offset + 3 * PAGESIZE - 100)
      const end = map.view(Uint8Array, map.length, 0)
      assert.equal(end.length, 0)
      isContent(map.view(Uint8Array, map.length - 1), LENGTH - 1)
      // A view of everything is of the whole. From then on every view uses that buffer.
      assert.equal(map.view(Uint8Array).buffer, map.buffer)
      assert.equal(map.view(Uint8Array, 3, 1).buffer, map.buffer)
      isContent(view, offset + 10)
      map.close()
    }
  },

  'elements of each size lie where they are in the file': () => {
    const path = scratchFile(CONTENT)
    const types = [Uint8Array, Int16Array, Uint32Array, Float64Array, BigInt64Array]
    for (const offset of [0, 3, 8, PAGESIZE + 4]) {
      const map = mmap(path, 0, { offset, access: ACCESS_READ })
      for (let place = 0; place < LENGTH - PAGESIZE - 2000; place += 7 * PAGESIZE + 1) {
        for (const type of types) {
          const size = type.BYTES_PER_ELEMENT
          const from = place + ((size - ((offset + place) % size)) % size)
          const view = map.view(type, from, 9)
          isContent(Buffer.from(view.buffer, view.byteOffset, view.byteLength), offset + from)
        }
      }
      map.close()
    }
  },

  'views of one place see what is stored through each other': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    // These are views of two windows, because another one is made between them, and of the whole.
    const one = map.view(Uint8Array, 100_000, 10)
    map.view(Uint8Array, 300_000, 10)
    const two = map.view(Uint8Array, 100_005, 10)
    const whole = map.bytes
    one[5] = 201
    assert.deepEqual([two[0], whole[100_005], map.at(100_005)], [201, 201, 201])
    two[1] = 202
    whole[100_007] = 203
    map.setAt(100_008, 204)
    assert.deepEqual([...one.subarray(5, 9)], [201, 202, 203, 204])
    assert.deepEqual([...readFileSync(path).subarray(100_005, 100_009)], [201, 202, 203, 204])
    map.close()
    one[9] = 205
    assert.equal(two[4], 205)
  },

  'unmap() empties the views of every window': () => {
    needsArrayBuffer('cannot be detached')
    for (const close of [false, true]) {
      const path = scratchFile(CONTENT)
      const map = mmap(path)
      const views = shortViews(map)
      map.resize(LENGTH + 10 * PAGESIZE)
      views.push(...shortViews(map), map.lines().next().value, map.bytes, map.view(Uint8Array, 3, 4))
      if (close) map.close()
      for (const [index, place] of PLACES.entries()) isContent(views[index], place)
      map.unmap()
      assert.deepEqual(
        views.map((view) => view.length + view.buffer.byteLength),
        views.map(() => 0),
      )
      assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
      truncateSync(path, 1)
    }
  },

  'close() keeps every window until its last view is collected': async () => {
    needsArrayBuffer('shows all of the mapping')
    const path = scratchFile(CONTENT)
    const held = {}
    ;(() => {
      const map = mmap(path)
      held.views = shortViews(map)
      map.close()
    })()
    assert.equal(descriptorsOf(path), 0)
    let rounds = 0
    await collectUntil(() => rounds++ === 20)
    // The checks are in functions, because variables of this one would keep the views alive.
    held.views.forEach((view, index) => {
      isContent(view, PLACES[index])
    })
    ;(() => {
      held.views[3][0] = 250
    })()
    assert.equal(readFileSync(path)[PLACES[3]], 250)
    held.views = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the last window')
  },

  'resize() with windows': () => {
    needsArrayBuffer('shows all of the mapping')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const before = shortViews(map)
    map.resize(2 * LENGTH)
    for (const [index, view] of before.entries()) isContent(view, PLACES[index])
    const after = shortViews(map)
    after[1][0] = 251
    assert.deepEqual([before[1][0], map.at(PLACES[1])], [251, 251])
    assert.deepEqual([...map.view(Uint8Array, 2 * LENGTH - 3)], [0, 0, 0])
    // Windows cannot shorten a file that has views.
    if (process.platform === 'win32') return
    map.resize(100_000)
    isContent(before[2], PLACES[2])
    // In earlier views the range that was cut off is zeros.
    assert.deepEqual([before[3][0], after[3][0], before[4][0]], [0, 0, 0])
    isContent(map.view(Uint8Array, 99_990), 99_990)
  },

  'remap() with windows': () => {
    needsArrayBuffer('shows all of the mapping')
    const path = scratchFile(CONTENT)
    const map = mmap(path, { access: ACCESS_READ })
    const before = shortViews(map)
    const last = map.view(Uint8Array, 200_000, 20)
    map.remap()
    // The mapping has not changed, so the buffers have not either.
    assert.equal(map.view(Uint8Array, 200_001, 3).buffer, last.buffer)
    writeFileSync(path, Buffer.alloc(5 * PAGESIZE, 'a'), { flag: 'a' })
    map.remap()
    for (const [index, view] of before.entries()) isContent(view, PLACES[index])
    assert.equal(Buffer.from(map.view(Uint8Array, LENGTH, 3)).toString(), 'aaa')
    const after = shortViews(map)
    map.unmap()
    assert.ok([...before, last, ...after].every(({ length }) => length === 0))
  },

  'a window of a file that is cut off': () => {
    needsArrayBuffer('shows all of the mapping')
    if (process.platform === 'win32') throw new CannotBe('a mapped file cannot be cut off')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const views = shortViews(map)
    const line = map.lines({ start: 20_000 }).next().value
    truncateSync(path, PAGESIZE)
    isContent(views[1], PLACES[1])
    for (const view of [...views.slice(2), line])
      assert.ok(
        view.every((byte) => byte === 0),
        'it reads zeros',
      )
    assert.throws(() => map.at(PLACES[3]), { code: 'ERR_MMAP_FAULT' })
    assert.equal(map.view(Uint8Array, 300_000, 1)[0], 0)
    map.unmap()
    assert.equal(views[1].length, 0)
  },

  'a window that was transferred': async () => {
    needsArrayBuffer('cannot be transferred')
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const held = { views: shortViews(map) }
    const { buffer } = map.view(Uint8Array, 200_000, 20)
    held.moved = new Uint8Array(transfer(buffer))
    assert.equal(buffer.byteLength, 0)
    held.views.push(map.view(Uint8Array, 200_000, 20))
    isContent(held.views.at(-1), 200_000)
    held.views.at(-1)[0] = 252
    const isSeen = () => held.moved[200_000 % PAGESIZE] === 252
    assert.ok(isSeen())
    map.unmap()
    assert.ok(held.views.every(({ length }) => length === 0))
    assert.ok(isSeen())
    // While the ArrayBuffer objects exist, no other mapping gets their addresses.
    held.views = undefined
    held.moved = undefined
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the buffer it was moved to')
  },

  'structuredClone() that transfers a window': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const view = map.view(Uint8Array, 200_000, 20)
    try {
      structuredClone(view, { transfer: [view.buffer] })
    } catch (error) {
      assert.ok(error.name === 'DataCloneError' || (refuses && error.name === 'TypeError'), error)
    }
    isContent(map.view(Uint8Array, 200_000, 20), 200_000)
    assert.equal(map.at(7), CONTENT[7])
    map.unmap()
    assert.ok(readFileSync(path).equals(CONTENT))
  },

  'reads into two windows end in nothing when unmap() comes': async () => {
    needsArrayBuffer('cannot be detached')
    if (process.platform === 'win32') throw new CannotBe('it gives back the addresses at once')
    const source = openSync(scratchFile(Buffer.alloc(LENGTH, 1)), 'r')
    const [path, next] = [scratchFile(CONTENT), scratchFile(CONTENT)]
    const map = mmap(path)
    const views = [map.view(Uint8Array, 0, 100_000), map.view(Uint8Array, 300_000, 100_000)]
    const reads = views.map((view) => promisify(read)(source, view, 0, view.length, 0).catch(() => {}))
    map.unmap()
    const others = Array.from({ length: 20 }, () => mmap(next, 0, { access: ACCESS_READ }))
    await whileCollecting(Promise.all(reads))
    closeSync(source)
    for (const other of others) {
      isContent(other.bytes, 0)
      other.close()
    }
  },

  '100,000 short views in one turn': () => {
    const path = scratchFile(CONTENT)
    const map = mmap(path)
    const views = []
    for (let time = 0; time < 100_000; time += 1) views.push(map.view(Uint8Array, (time * 40_009) % (LENGTH - 8), 8))
    const buffers = new Set(views.map(({ buffer }) => buffer))
    // These windows together cost as much as the whole, so later views use the whole.
    assert.ok(buffers.size <= 1 + LENGTH / (64 * 1024) + 1, `${buffers.size} buffers`)
    assert.equal(views.at(-1).buffer, map.buffer)
    for (let time = 0; time < views.length; time += 1001) isContent(views[time], (time * 40_009) % (LENGTH - 8))
    map.unmap()
    if (!refuses) assert.ok(views.every(({ length }) => length === 0))
  },

  'lines in windows': () => {
    const lines = Array.from({ length: 40_000 }, (_, index) => `${index} `.repeat(1 + ((index * 7919) % 200)))
    const path = scratchFile(`${lines.join('\n')}\n`)
    const map = mmap(path, 0, { access: ACCESS_READ })
    assert.ok(map.length > 18 * 2 ** 20, 'there are more than three windows')
    const first = map.lines().next().value
    const last = map.lines({ reverse: true }).next().value
    assert.deepEqual(
      [first, last].map((line) => Buffer.from(line).toString()),
      [lines[0], lines.at(-1)],
    )
    if (!refuses) {
      for (const { buffer } of [first, last]) assert.ok(buffer.byteLength <= 64 * 1024 + 2 * PAGESIZE)
    }
    const textsOf = (options) => Array.from(map.lines(options), (line) => Buffer.from(line).toString())
    assert.deepEqual(textsOf(), lines)
    assert.deepEqual(textsOf({ reverse: true }), lines.toReversed?.() ?? [...lines].reverse())
    map.close()
  },
}

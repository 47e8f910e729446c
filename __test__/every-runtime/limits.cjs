// Many mappings, and long ones.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { createHash, createHmac } = require('node:crypto')
const { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } = require('node:fs')
const { devNull } = require('node:os')
const { join } = require('node:path')
const { ACCESS_READ, MAX_VIEW_LENGTH, mmap, PAGESIZE } = require('../../index.js')
const { allMaps, descriptorsOf, mapsOf, mostMaps, needsLinux, openDescriptors } = require('./process-state.cjs')
const {
  CannotBe,
  LEADING_ARGUMENTS,
  collectGarbage,
  collectUntil,
  needsArrayBuffer,
  nextTurn,
  refuses,
  runtimeName,
} = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const GIB = 2 ** 30
const MIB = 2 ** 20

/** The rounds of the loop that must not leak. 1,000,000 take a few minutes. */
const CYCLES = Number(process.env.MEMMAP_TEST_CYCLES ?? 100_000)

/** Returns a view of a mapping that has been closed. */
function viewOfClosed(path) {
  const map = mmap(path)
  const { bytes } = map
  map.close()
  return bytes
}

module.exports = {
  'functions of Node, given more than 2 GiB': () => {
    if (process.platform === 'win32') throw new CannotBe('a file of 3 GiB is written in full there')
    const place = 2.5 * GIB
    const path = scratchFile('')
    const file = openSync(path, 'w+')
    truncateSync(path, 3 * GIB)
    writeSync(file, Buffer.from('needle'), 0, 6, place)
    closeSync(file)
    const map = mmap(path, 0, { access: ACCESS_READ })
    const { bytes } = map
    // docs/recipes/streams.md promises this.
    assert.equal(map.indexOf('needle'), place)
    assert.equal(map.slice(place, place + 6).toString(), 'needle')
    if (runtimeName() === 'node') {
      const tooLong = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
      assert.throws(() => createHash('md5').update(bytes), tooLong)
      assert.throws(() => createHmac('md5', 'key').update(bytes), tooLong)
      assert.throws(() => writeFileSync(devNull, bytes), tooLong)
      const isWrong = Number.parseInt(process.versions.node, 10) < 26
      assert.equal(map.view(Buffer).lastIndexOf('needle'), isWrong ? place - 4 * GIB : place)
    }
  },

  '70,000 views of closed maps, the loop turns': async () => {
    const path = scratchFile(pattern(PAGESIZE))
    const expected = pattern(PAGESIZE)[5]
    for (let count = 0; count < 70_000; count += 1) {
      assert.equal(viewOfClosed(path)[5], expected)
      if (count % 256 === 0) await nextTurn()
    }
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'they all go')
  },

  '150,000 views of closed maps, the loop never turns': async () => {
    const path = scratchFile(pattern(PAGESIZE))
    let refusal
    for (let count = 0; count < 150_000 && refusal === undefined; count += 1) {
      try {
        viewOfClosed(path)
      } catch (error) {
        refusal = error
      }
    }
    // No error occurs in an engine that runs finalizers while it allocates.
    if (refusal !== undefined) assert.equal(refusal.code, 'ENOMEM')
    await goesOn(path)
  },

  '100,000 views that are unmapped, the loop never turns': () => {
    needsArrayBuffer('only the engine unmaps, when it is collected')
    const path = scratchFile(pattern(2 * PAGESIZE))
    for (let count = 0; count < 100_000; count += 1) {
      const map = mmap(path)
      assert.equal(map.bytes[5], pattern(10)[5])
      map.unmap()
    }
    assert.equal(mapsOf(path), 0)
    assert.equal(new Uint8Array(64 * MIB).length, 64 * MIB)
  },

  'more views than maps are allowed': async () => {
    if (mostMaps() > 200_000) throw new CannotBe(`vm.max_map_count is ${mostMaps()}`)
    const path = scratchFile(pattern(PAGESIZE))
    let views = []
    assert.throws(
      () => {
        for (let count = 0; count <= mostMaps(); count += 1) views.push(viewOfClosed(path))
      },
      { code: 'ENOMEM' },
    )
    assert.ok(views.length > mostMaps() / 2, `it was refused after ${views.length}`)
    assert.equal(views[0][5], pattern(10)[5])
    views = undefined
    await goesOn(path)
  },

  'as many maps as are allowed, all cut off': () => {
    if (mostMaps() > 200_000) throw new CannotBe(`vm.max_map_count is ${mostMaps()}`)
    const path = scratchFile(pattern(2 * PAGESIZE))
    const maps = []
    assert.throws(
      () => {
        for (;;) maps.push(mmap(path, 0, { trackfd: false }))
      },
      { code: 'ENOMEM', message: /mappings are alive/ },
    )
    assert.ok(maps.length > mostMaps() / 3, `it was refused after ${maps.length}`)
    truncateSync(path, PAGESIZE)
    for (const map of maps) assert.throws(() => map.at(PAGESIZE), { code: 'ERR_MMAP_FAULT' })
    assert.equal(new Uint8Array(64 * MIB).length, 64 * MIB)
    for (const map of maps) map.unmap()
    assert.equal(mapsOf(path), 0)
  },

  'mappings that are never closed leave descriptors for more': () => {
    needsLinux()
    const command = [process.execPath, ...LEADING_ARGUMENTS[runtimeName()], join(__dirname, 'children.cjs')]
    const limited = ['-c', 'ulimit -n 256 && exec "$0" "$@"', ...command, 'never closes', scratchFile('abc'), '5000']
    const { status, stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [0, 'never refused\n'], stderr)
  },

  '10,000 maps open at once': () => {
    const count = 10_000
    const content = Buffer.alloc(count * PAGESIZE)
    for (let page = 0; page < count; page += 1) content.writeUInt32LE(page, page * PAGESIZE)
    const path = scratchFile(content)
    const maps = []
    try {
      for (let page = 0; page < count; page += 1) maps.push(mmap(path, PAGESIZE, { offset: page * PAGESIZE }))
    } catch (error) {
      if (error.code === 'EMFILE') throw new CannotBe(`only ${maps.length} descriptors are allowed (ulimit -n)`)
      throw error
    }
    maps.forEach((map, page) => {
      assert.equal(map.slice(0, 4).readUInt32LE(), page)
      assert.equal(map.view(Uint32Array)[0], page)
    })
    for (const map of maps) map.unmap()
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
  },

  [`${CYCLES.toLocaleString('en')} opens and closes leave nothing`]: async () => {
    const path = scratchFile(pattern(PAGESIZE))
    const expected = pattern(PAGESIZE)[5]
    // It is a function of its own, because a function that waits keeps its temporary values.
    const openAndClose = (cycle) => {
      const map = mmap(path)
      assert.equal(cycle % 8 === 0 ? map.bytes[5] : map.at(5), expected)
      map.close()
    }
    const cycles = async (count) => {
      for (let cycle = 0; cycle < count; cycle += 1) {
        openAndClose(cycle)
        if (cycle % 256 === 0) await nextTurn()
      }
      await collectUntil(() => mapsOf(path) === 0)
      return { rss: process.memoryUsage().rss, descriptors: openDescriptors().length }
    }
    // The engine has its final size under this load after these cycles.
    const before = await cycles(20_000)
    const after = await cycles(CYCLES)
    assert.deepEqual([mapsOf(path), descriptorsOf(path)], [0, 0])
    // A runtime may open some descriptors itself at any time, such as Deno for its caches.
    assert.ok(
      after.descriptors < before.descriptors + 20,
      `${after.descriptors - before.descriptors} descriptors are left`,
    )
    const grown = (after.rss - before.rss) / MIB
    // Deno keeps about 50 bytes of every External, even of one without a finalizer. An addon of ten
    // lines of C shows it.
    const allowed = 32 + (runtimeName() === 'deno' ? (CYCLES * 64) / MIB : 0)
    assert.ok(grown < allowed, `RSS has grown by ${grown.toFixed(1)} MiB`)
  },

  'a mapping of 5 GiB': () => {
    const path = scratchFile('start')
    truncateSync(path, 5 * GIB)
    const position = 4.5 * GIB + 1
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.from('needle'), 0, 6, position)
    const map = mmap(path)
    assert.equal(map.length, 5 * GIB)

    assert.equal(map.find('needle', 4.25 * GIB), position)
    assert.equal(map.rfind('needle'), position)
    assert.equal(map.slice(position, position + 6).toString(), 'needle')
    assert.equal(map.at(position), 'n'.charCodeAt(0))
    map.seek(position)
    assert.equal(map.read(6).toString(), 'needle')
    map.setAt(-1, 9)
    assert.equal(map.slice(5 * GIB - 2).toString('hex'), '0009')
    if (hasNoWindow(map)) {
      map.setAt(-8, 8)
    } else {
      assert.equal(Buffer.from(map.view(Uint8Array, position, 6)).toString(), 'needle')
      map.view(DataView, 5 * GIB - 8, 8).setUint8(0, 8)
    }
    const last = Buffer.alloc(8)
    readSync(file, last, 0, 8, 5 * GIB - 8)
    assert.equal(last.toString('hex'), '0800000000000009')
    closeSync(file)

    if (map.length > MAX_VIEW_LENGTH) {
      for (const whole of [() => map.bytes, () => map.buffer, () => map.view(Uint8Array)]) {
        assert.throws(whole, { name: 'RangeError', code: 'ERR_MMAP_VIEW_TOO_LARGE', message: /view\(/ })
      }
    } else {
      assert.equal(map.bytes.length, 5 * GIB)
      assert.equal(map.bytes[position], 'n'.charCodeAt(0))
    }
    map.unmap()
    assert.equal(mapsOf(path), 0)
  },

  'a mapping that is read only of 5 GiB': () => {
    const path = scratchFile('start')
    truncateSync(path, 5 * GIB)
    const map = mmap(path, 0, { access: ACCESS_READ })
    if (hasNoWindow(map)) {
      assert.deepEqual([map.at(4.5 * GIB), map.at(0)], [0, 's'.charCodeAt(0)])
      return
    }
    map.view(Uint8Array, 4.5 * GIB, PAGESIZE).fill(1)
    assert.deepEqual([map.at(4.5 * GIB), map.at(4.5 * GIB - 1)], [1, 0])
    map.unmap()
    assert.equal(mmap(path, 10, { offset: 4.5 * GIB }).at(0), 0)
  },
}

/**
 * Whether a mapping can have no views, because its SharedArrayBuffer contains all of it and would
 * be too long for the engine.
 */
function hasNoWindow(map) {
  if (!refuses || map.length <= MAX_VIEW_LENGTH) return false
  assert.throws(() => map.view(Uint8Array, 4.5 * GIB, 6), { code: 'ERR_MMAP_NO_VIEW' })
  return true
}

/**
 * Checks that after the views of `path` are collected, new mappings are possible, and the engine
 * can allocate.
 */
async function goesOn(path) {
  assert.ok(await collectUntil(() => mapsOf(path) === 0), `${mapsOf(path)} of ${allMaps()} maps are left`)
  assert.equal(viewOfClosed(path)[5], pattern(10)[5])
  assert.equal(new Uint8Array(64 * MIB).length, 64 * MIB)
  collectGarbage()
}

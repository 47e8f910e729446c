// Calls with too little stack. Such a call must do all of its work or nothing, wherever the stack
// ends.

const assert = require('node:assert/strict')
const { appendFileSync, readFileSync } = require('node:fs')
const { ACCESS_COPY, mmap, PAGESIZE, PROT_READ } = require('../../index.js')
const { descriptorsOf, mapsOf } = require('./process-state.cjs')
const { collectUntil, nextTurn } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

/** The number of frames in the stack that a call needs is smaller than this. */
const DEPTHS = 1500
// At this length a short view has a window, and not the buffer over the whole.
const LENGTH = 20 * PAGESIZE
const CONTENT = Buffer.alloc(LENGTH, 'a')

/**
 * Numbers of additional frames of another size. They shift the end of the stack within the call.
 */
const PHASES = [0, 1, 2, 3]

/**
 * Fills the stack. Then calls `call` with the next subject at each depth on the way back. Returns
 * the number of calls that returned.
 */
function callAtEveryDepth(subjects, call, phase = 0) {
  let next = 0
  let done = 0
  const descend = () => {
    try {
      descend()
    } catch {
      // The stack is full.
    }
    if (next === subjects.length) return
    const subject = subjects[next]
    next += 1
    try {
      call(subject)
      done += 1
    } catch {
      // The stack was full during the call.
    }
  }
  const enter = (left, ...rest) => (left === 0 ? descend() : enter(left - 1, ...rest))
  enter(phase, 1, 2, 3)
  return done
}

/** Whether the methods treat the mapping as open. */
function answers(map) {
  try {
    return map.size() > 0
  } catch (error) {
    assert.equal(error.code, 'ERR_MMAP_CLOSED')
    return false
  }
}

function assertWhole(map) {
  assert.equal(map.closed, !answers(map), 'closed says what the methods say')
  if (map.closed) return
  assert.equal(map.bytes.length, map.length)
  assert.deepEqual([map.at(0), map.bytes[LENGTH - 1]], [97, 97])
}

/** Opens mappings without a buffer, with an exposed one, and with an internal one. */
function openMany(path, options) {
  return Array.from({ length: DEPTHS }, (_, index) => {
    const map = mmap(path, LENGTH, options)
    if (index % 3 === 1) assert.equal(map.bytes[0], 97)
    for (let read = 0; index % 3 === 2 && read < 40; read += 1) map.at(read)
    return map
  })
}

const KINDS = {
  plain: {},
  shared: { sharedArrayBuffer: true },
  'that writes back': { access: ACCESS_COPY, writeBack: true },
}

const CALLS = {
  'close()': (map) => map.close(),
  'unmap()': (map) => map.unmap(),
  'protect()': (map) => map.protect(PROT_READ),
  bytes: (map) => map.bytes,
  'view()': (map) => map.view(Uint8Array, LENGTH - 10, 5),
  'at()': (map) => map.at(1),
}

const scenarios = {}
for (const [kind, options] of Object.entries(KINDS)) {
  scenarios[`calls without stack, of a mapping ${kind}`] = async () => {
    const path = scratchFile(CONTENT)
    for (const [name, call] of Object.entries(CALLS)) {
      for (const phase of PHASES) {
        const maps = openMany(path, options)
        const done = callAtEveryDepth(maps, call, phase)
        assert.ok(done > 0, `${name} has come to its end, higher up`)
        for (const map of maps) {
          assertWhole(map)
          map.unmap()
          assert.equal(map.closed, true)
        }
        await nextTurn()
      }
      assert.ok(await collectUntil(() => mapsOf(path) === 0 && descriptorsOf(path) === 0), `${name} leaves nothing`)
    }
    assert.ok(readFileSync(path).equals(CONTENT))
  }
}

module.exports = {
  ...scenarios,

  'resize() without stack': async () => {
    // Each mapping has a file of its own.
    for (const [phase, options] of [{}, { sharedArrayBuffer: true }, {}, { sharedArrayBuffer: true }].entries()) {
      const maps = Array.from({ length: DEPTHS / 2 }, (_, index) => {
        const map = mmap(scratchFile(CONTENT), 0, options)
        for (let read = 0; index % 2 === 1 && read < 40; read += 1) map.at(read)
        if (index % 3 === 1) assert.equal(map.bytes[0], 97)
        return map
      })
      callAtEveryDepth(maps, (map) => map.resize(2 * LENGTH), phase)
      for (const map of maps) {
        assert.equal(map.length, map.size(), 'mapping and file have the same length')
        assertWhole(map)
        map.setAt(-1, 98)
        assert.equal(map.bytes.at(-1), 98)
        map.unmap()
      }
    }
  },

  'remap() without stack': async () => {
    for (const [phase, options] of [{}, { sharedArrayBuffer: true }, {}, { sharedArrayBuffer: true }].entries()) {
      const maps = Array.from({ length: DEPTHS / 2 }, (_, index) => {
        const path = scratchFile(CONTENT)
        const map = mmap(path, 0, options)
        for (let read = 0; index % 2 === 1 && read < 40; read += 1) map.at(read)
        if (index % 3 === 1) assert.equal(map.bytes[0], 97)
        appendFileSync(path, CONTENT)
        return map
      })
      callAtEveryDepth(maps, (map) => map.remap(), phase)
      for (const map of maps) {
        map.remap()
        assert.equal(map.length, map.size(), 'mapping and file have the same length')
        assertWhole(map)
        map.setAt(-1, 98)
        assert.equal(map.bytes.at(-1), 98)
        map.unmap()
      }
    }
  },

  'mmap() without stack': async () => {
    const path = scratchFile(CONTENT)
    for (const options of Object.values(KINDS)) {
      // The handles of these mappings are reused.
      for (const map of Array.from({ length: 8 }, () => mmap(path))) map.close()
      const opened = []
      callAtEveryDepth(Array.from({ length: DEPTHS }), () => {
        const map = mmap(path, 0, options)
        opened[opened.length] = map
      })
      for (const map of opened) {
        assertWhole(map)
        map.unmap()
      }
      opened.length = 0
      assert.ok(await collectUntil(() => mapsOf(path) === 0 && descriptorsOf(path) === 0), 'nothing is left')
    }
  },
}

// Processes that share memory, and processes that end with mappings open.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { mmap, unlinkShm } = require('../../index.js')
const { startChild, startWorker } = require('./others.cjs')
const { CannotBe } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

const ENDED_WELL = { code: 0, signal: null }

/** A tag that no other run uses. */
const tagnameFor = (how) => `runtimes-${process.pid}-${how.replace(/\W/g, '-')}`

/** The files that Linux still has for a region. */
function leftOf(tagname) {
  if (!existsSync('/dev/shm')) return []
  return readdirSync('/dev/shm').filter((name) => name.includes(tagname))
}

/**
 * Shares a region with a child that ends in the way `how`. The child may be the last user of the
 * region.
 */
async function shareWithChild(how, { closeFirst }) {
  const tagname = tagnameFor(how)
  const region = mmap(-1, 1024, { tagname })
  region.write('from the parent\n')
  const child = startChild('answers in a region', [tagname, how])
  assert.equal(await child.line(), 'from the parent')
  assert.equal(await child.line(), 'answered')
  assert.equal(region.slice(512, 527).toString(), 'from the child\n')
  const { bytes } = region
  if (closeFirst) region.unmap()
  child.say('end')
  assert.deepEqual(await child.ended, ENDED_WELL)
  if (!closeFirst) {
    assert.equal(Buffer.from(bytes.subarray(512, 516)).toString(), 'from')
    region.unmap()
  }
  assert.deepEqual(leftOf(tagname), [], `${how}: nothing is left in /dev/shm`)
}

async function endWithViews(how, ending) {
  const path = scratchFile(Buffer.alloc(1 << 20))
  const child = startChild('ends with views', [path, how])
  assert.deepEqual(await child.ended, ending, how)
  assert.equal(readFileSync(path).subarray(0, 7).toString(), 'written')
}

module.exports = {
  'two processes share a named region': async () => {
    for (const how of ['close', 'process.exit', 'the end of the program']) {
      await shareWithChild(how, { closeFirst: false })
      await shareWithChild(how, { closeFirst: true })
    }
  },

  'two processes share POSIX shared memory': async () => {
    const shm = `runtimes-${process.pid}`
    const memory = mmap(-1, 1024, { shm, create: { exclusive: true } })
    memory.write('from the parent\n')
    const child = startChild('answers in shared memory', [`/${shm}`])
    assert.equal(await child.line(), 'from the parent')
    assert.deepEqual(await child.ended, ENDED_WELL)
    assert.equal(memory.slice(512, 527).toString(), 'from the child\n')
    const again = mmap(-1, { shm })
    assert.deepEqual([memory.created, again.created, again.at(0)], [true, false, 'f'.charCodeAt(0)])
    again.unmap()
    unlinkShm(shm)
    // On Windows the name stays until the memory is no longer mapped.
    memory.unmap()
    assert.throws(() => mmap(-1, { shm }), { code: 'ENOENT' })
    assert.deepEqual(leftOf(shm), [])
  },

  'a worker that ends keeps the named regions of others': async () => {
    const tagname = tagnameFor('kept')
    const region = mmap(-1, 1024, { tagname })
    region.write('kept')
    const worker = startWorker('maps a region and ends', { tagname: tagnameFor('ended') })
    await once(worker, 'exit')
    assert.deepEqual(leftOf(tagnameFor('ended')), [])
    const again = mmap(-1, 0, { tagname })
    assert.equal(again.read(4).toString(), 'kept')
    again.close()
    region.close()
  },

  'a child maps an inherited descriptor': async () => {
    if (process.platform === 'win32') throw new CannotBe('Windows has no inherited descriptors')
    const map = mmap(-1, 8192)
    map.write('from the parent\n')
    const child = startChild('maps its descriptor', [3, 8192], { descriptors: [map.fd] })
    assert.equal(await child.line(), 'from the parent')
    assert.deepEqual(await child.ended, ENDED_WELL)
    assert.equal(map.slice(1000, 1014).toString(), 'from the child')
  },

  'process.exit() with maps, views and zlib': () => endWithViews('process.exit', { code: 3, signal: null }),

  'an uncaught error with maps and views': () => endWithViews('throw', { code: 1, signal: null }),

  'the end of a program with maps and views': () => endWithViews('the end', ENDED_WELL),
}

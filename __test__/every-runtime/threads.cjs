// Threads that end in various ways while they have mappings and views.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { mmap } = require('../../index.js')
const { nextMessage, outputOf, startWorker } = require('./others.cjs')
const { mapsOf } = require('./process-state.cjs')
const { CannotBe, collectUntil, runtimeName } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const CONTENT = pattern(100_000)

module.exports = {
  'a thread is terminated with views alive': async () => {
    const path = scratchFile(CONTENT)
    const mine = mmap(path)
    const { bytes } = mine
    const playRound = async () => {
      const worker = startWorker('keeps views', { path })
      const copy = await nextMessage(worker)
      await worker.terminate()
      assert.ok(CONTENT.equals(copy))
      const again = mmap(path)
      assert.ok(CONTENT.equals(again.bytes))
      again.unmap()
    }
    // Each round is a function of its own, because variables of this one would keep views alive.
    for (let round = 0; round < 5; round += 1) await playRound()
    assert.ok(CONTENT.equals(bytes))
    mine.unmap()
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the threads')
  },

  'a thread is terminated while it stores': async () => {
    const path = scratchFile(CONTENT)
    const mine = mmap(path)
    const worker = startWorker('stores for ever', { path })
    await nextMessage(worker)
    await worker.terminate()
    const after = mine.read()
    assert.ok(after.every((byte, index) => byte === 7 || byte === CONTENT[index]))
    mine.fill(1)
    assert.ok(
      mine.read().every((byte) => byte === 1),
      'nobody stores any more',
    )
    mine.unmap()
    if (runtimeName() === 'deno') {
      // Deno runs neither cleanup hooks nor finalizers here. Everything before this line has
      // passed.
      throw new CannotBe(
        'the rest is well, but Deno runs nothing of an addon in a thread that it ends in the middle of a loop',
      )
    }
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the thread')
  },

  'a thread loads the addon first, and ends': async () => {
    // This needs another process, because the main thread of this one has loaded the addon.
    const path = scratchFile(CONTENT)
    assert.equal(await outputOf(join(__dirname, 'children.cjs'), ['first in a worker', path]), 'all three')
  },
}

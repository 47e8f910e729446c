// Threads and processes that wait for words of a mapping: who is woken, and what ends a wait.

const assert = require('node:assert/strict')
const { rmSync, truncateSync } = require('node:fs')
const { ACCESS_READ, mmap, PAGESIZE, PROT_READ } = require('../../index.js')
const { nextMessage, startChild, startScript, startWorker } = require('./others.cjs')
const { mapsOf } = require('./process-state.cjs')
const { CannotBe, collectUntil, nextTurn, runtimeName } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')
const { needsUnix, passToken, untilAsleep, waitOnce, wake } = require('./waiting.cjs')

const ENDED_WELL = { code: 0, signal: null }

/** Two pages of zeros. */
const scratchWords = () => scratchFile(Buffer.alloc(2 * PAGESIZE))

/** A child that waits for the word at a position, and is about to. */
async function startWaiter(path, how, position, access) {
  const child = startChild('waits', [path, how, position, access ?? ''])
  assert.equal(await child.line(), 'waits')
  return child
}

/** The line that a child prints before it ends. */
async function resultOf(child) {
  const result = await child.line()
  assert.deepEqual(await child.ended, ENDED_WELL)
  return result
}

/** Lets a token go round processes that wait. Returns how long one has waited at most, in ms. */
async function passAround(how, members, rounds) {
  const path = scratchWords()
  const map = mmap(path)
  const children = Array.from({ length: members }, (_, member) =>
    startChild('passes a token', [path, how, members, member, rounds]),
  )
  map.view(Int32Array)[0] = 1
  map.notify(0)
  const longest = []
  for (const child of children) longest.push(Number(await resultOf(child)))
  assert.equal(map.view(Int32Array)[0], rounds + 1)
  map.close()
  return Math.max(...longest)
}

module.exports = {
  'waits for words': async () => {
    const map = mmap(-1, 64)
    map.view(Int32Array).set([7, -1])
    for (const how of ['sync', 'async']) assert.equal(await waitOnce(map, how, 0, 6), 'not-equal')
    assert.equal(map.wait(4, 2 ** 32 - 1, 1), 'timed-out')
    assert.equal(map.wait(4, -1, 0), 'timed-out')
    assert.equal(await map.waitAsync(0, 7, { timeout: 0 }), 'timed-out')
    const started = performance.now()
    assert.equal(map.wait(0, 7, 70), 'timed-out')
    assert.ok(performance.now() - started >= 69)
    assert.equal(await map.waitAsync(0, 7, { timeout: 70 }), 'timed-out')
    assert.ok(performance.now() - started >= 138)
    assert.equal(map.notify(0), 0)
    const waiting = [0, 1, 2, 3].map(() => map.waitAsync(0, 7))
    await wake(map, 0, 3)
    await wake(map, 0, 1)
    assert.deepEqual(await Promise.all(waiting), ['ok', 'ok', 'ok', 'ok'])
    assert.equal(map.notify(0), 0)
    map.close()
  },

  'a token goes round processes that wait': async () => {
    await passAround('sync', 2, 1000)
    await passAround('sync', 8, 100)
  },

  'a token goes round event loops that wait': async () => {
    // After a lost wake-up the value would be looked at a second later.
    const longest = await passAround('async', 3, 300)
    assert.ok(longest < 900, `${longest} ms`)
  },

  'a token goes round threads and a process': async () => {
    const [path, members, rounds] = [scratchWords(), 3, 200]
    const map = mmap(path)
    const worker = startWorker('passes a token', { args: [path, 'sync', members, 1, rounds] })
    const child = startChild('passes a token', [path, 'sync', members, 2, rounds])
    const mine = passToken(path, 'async', members, 0, rounds)
    const message = nextMessage(worker)
    Atomics.add(map.view(Int32Array), 0, 1)
    map.notify(0)
    await Promise.all([mine, message, resultOf(child)])
    assert.deepEqual([...map.view(Int32Array, 0, 3)], [rounds + 1, rounds, rounds])
    map.close()
  },

  'notify counts those that it wakes': async () => {
    const path = scratchWords()
    const map = mmap(path, { access: ACCESS_READ })
    const children = await Promise.all(['sync', 'async', 'sync'].map((how) => startWaiter(path, how, 8)))
    const mine = [map.waitAsync(8, 0), map.waitAsync(8, 0)]
    await wake(map, 8, 4)
    await wake(map, 8, 1)
    assert.deepEqual(await Promise.all(children.map(resultOf)), ['ok', 'ok', 'ok'])
    assert.deepEqual(await Promise.all(mine), ['ok', 'ok'])
    assert.equal(map.notify(8), 0)
    map.close()
  },

  'a mapping that only reads waits and stays the file': async () => {
    const path = scratchWords()
    const reader = mmap(path, { access: ACCESS_READ })
    const child = await startWaiter(path, 'sync', PAGESIZE, ACCESS_READ)
    const waiting = reader.waitAsync(PAGESIZE, 0)
    const writer = mmap(path)
    await wake(writer, PAGESIZE, 2)
    assert.equal(await waiting, 'ok')
    assert.equal(await resultOf(child), 'ok')
    assert.equal(reader.notify(PAGESIZE), 0)
    writer.view(Int32Array, PAGESIZE, 1)[0] = 5
    assert.equal(reader.view(Int32Array, PAGESIZE, 1)[0], 5)
    writer.view(Int32Array, PAGESIZE, 1)[0] = 6
    assert.equal(reader.view(Int32Array, PAGESIZE, 1)[0], 6)
    assert.equal(reader.wait(PAGESIZE, 5), 'not-equal')
    reader.unmap()
    writer.unmap()
    assert.equal(mapsOf(path), 0)
  },

  'close and unmap end waits': async () => {
    for (const end of ['close', 'unmap']) {
      const path = scratchWords()
      // On Windows unmap() cannot take a SharedArrayBuffer away.
      const shared = process.platform === 'win32' ? [] : [{ sharedArrayBuffer: true }]
      for (const options of [{}, { access: ACCESS_READ }, ...shared]) {
        const map = mmap(path, options)
        const { bytes } = map
        const waiting = [0, 4, 4, PAGESIZE].map((position) => waitOnce(map, 'async', position))
        map[end]()
        assert.deepEqual(await Promise.all(waiting), Array(4).fill('ERR_MMAP_CLOSED'))
        assert.equal(bytes.length === 0 || bytes[0] === 0, true)
        map.unmap()
      }
      assert.ok(await collectUntil(() => mapsOf(path) === 0))
    }
  },

  'resize and remap end the waits for what they cut off': async () => {
    needsUnix()
    const path = scratchWords()
    const map = mmap(path)
    const [kept, cut] = [map.waitAsync(0, 0), waitOnce(map, 'async', PAGESIZE)]
    map.resize(PAGESIZE)
    assert.equal(await cut, 'ERR_MMAP_FAULT')
    map.resize(3 * PAGESIZE)
    const again = waitOnce(map, 'async', 2 * PAGESIZE)
    truncateSync(path, 2 * PAGESIZE)
    map.remap()
    assert.equal(await again, 'ERR_MMAP_FAULT')
    await wake(map, 0, 1)
    assert.equal(await kept, 'ok')
    const protectedWait = map.waitAsync(0, 0)
    map.protect(PROT_READ)
    assert.equal(await protectedWait, 'ok')
    map.unmap()
  },

  'a truncated file ends waits': async () => {
    needsUnix()
    for (const access of [undefined, ACCESS_READ]) {
      const path = scratchWords()
      const map = mmap(path, { access })
      const children = await Promise.all(['sync', 'async'].map((how) => startWaiter(path, how, PAGESIZE, access)))
      const waiting = waitOnce(map, 'async', PAGESIZE)
      const kept = map.waitAsync(0, 0)
      truncateSync(path, 8)
      assert.deepEqual(await Promise.all(children.map(resultOf)), ['ERR_MMAP_FAULT', 'ERR_MMAP_FAULT'])
      assert.equal(await waiting, 'ERR_MMAP_FAULT')
      assert.equal(await waitOnce(map, 'sync', PAGESIZE), 'ERR_MMAP_FAULT')
      assert.throws(() => map.notify(PAGESIZE), { code: 'ERR_MMAP_FAULT' })
      await wake(map, 0, 1)
      assert.equal(await kept, 'ok')
      map.unmap()
    }
  },

  'a deleted file is waited for': async () => {
    needsUnix()
    const path = scratchWords()
    const map = mmap(path)
    const child = await startWaiter(path, 'sync', 4)
    const waiting = map.waitAsync(4, 0)
    rmSync(path)
    await wake(map, 4, 2)
    assert.deepEqual([await resultOf(child), await waiting], ['ok', 'ok'])
    map.close()
  },

  'aborted waits hand on what they were woken by': async () => {
    const map = mmap(-1, 64)
    const controllers = Array.from({ length: 20 }, () => new AbortController())
    const waiting = controllers.map(({ signal }) =>
      map.waitAsync(0, 0, { signal }).catch(({ name, code }) => `${name} ${code}`),
    )
    // Half of them are aborted, and as often one is woken, which may be any that still waits.
    let woken = 0
    for (const [index, controller] of controllers.entries()) {
      if (index % 2 === 0) controller.abort()
      else woken += map.notify(0, 1)
    }
    await Promise.all(waiting.filter((_, index) => index % 2 === 0))
    let settled = 0
    for (const wait of waiting) wait.finally(() => (settled += 1))
    while (settled < 20) {
      woken += map.notify(0, 1)
      await nextTurn()
    }
    const results = await Promise.all(waiting)
    const ok = results.filter((result) => result === 'ok').length
    assert.equal(results.filter((result) => result === 'AbortError ABORT_ERR').length, 20 - ok)
    // What an aborted one hands on is lost if the others have not begun to wait. On Linux they
    // have. On macOS an abort wakes others, too.
    if (process.platform === 'linux') assert.equal(ok, woken)
    assert.ok(ok >= 10, `${ok} were woken`)
    assert.equal(map.notify(0), 0)
    await assert.rejects(map.waitAsync(0, 0, { signal: AbortSignal.abort(5) }), { code: 'ABORT_ERR', cause: 5 })
    map.close()
  },

  'a thousand waits at once': async () => {
    const map = mmap(-1, 64)
    const begin = (options) =>
      Array.from({ length: 1000 }, () =>
        waitOnce({ waitAsync: (...args) => map.waitAsync(...args, options) }, 'async', 0),
      )
    const waiting = begin()
    assert.equal(await waitOnce(map, 'async', 0), 'EAGAIN')
    // Their threads are for waits only, and not for tasks.
    assert.equal(await map.countAsync('x'), 0)
    await wake(map, 0, 1000)
    assert.deepEqual(await Promise.all(waiting), Array(1000).fill('ok'))
    const controller = new AbortController()
    const aborted = begin({ signal: controller.signal })
    controller.abort()
    const results = new Set(await Promise.all(aborted))
    if (process.platform === 'linux') assert.deepEqual([...results], ['ABORT_ERR'])
    const closed = begin()
    map.close()
    assert.deepEqual(await Promise.all(closed), Array(1000).fill('ERR_MMAP_CLOSED'))
  },

  'a thread that waits is terminated': async () => {
    const path = scratchWords()
    const map = mmap(path)
    for (const how of ['sync', 'async', 'sync after many']) {
      const worker = startWorker('waits', { path, how })
      await nextMessage(worker)
      await untilAsleep(map)
      await worker.terminate()
    }
    map.unmap()
    if (runtimeName() === 'deno') {
      throw new CannotBe('the rest is well, but Deno runs nothing of an addon in a thread that it ends')
    }
    assert.ok(await collectUntil(() => mapsOf(path) === 0), 'the memory goes with the threads')
  },

  'process.exit() while threads wait': async () => {
    for (const how of ['sync', 'async', 'sync after many', 'main']) {
      const child = startScript(require.resolve('./wait-ends.cjs'), [scratchWords(), how])
      assert.equal(await child.line(), 'exits')
      assert.deepEqual(await child.ended, { code: 7, signal: null }, how)
    }
  },

  'a pending wait keeps the process alive': async () => {
    const path = scratchWords()
    const map = mmap(path)
    const child = await startWaiter(path, 'async', 0)
    await wake(map, 0, 1)
    assert.equal(await resultOf(child), 'ok')
    map.close()
  },

  'a waiter that is killed is not counted': async () => {
    const path = scratchWords()
    const map = mmap(path)
    const [killed, kept] = await Promise.all(['sync', 'sync'].map((how) => startWaiter(path, how, 0)))
    killed.kill()
    await killed.ended
    await wake(map, 0, 1)
    assert.equal(await resultOf(kept), 'ok')
    assert.equal(map.notify(0), 0)
    map.close()
  },

  'notify wakes Atomics.wait in this process, too': async () => {
    const map = mmap(-1, 64, { sharedArrayBuffer: true })
    const worker = startWorker('waits in the engine', { words: map.view(Int32Array) })
    await nextMessage(worker)
    const answer = nextMessage(worker)
    const mine = map.waitAsync(4, 0)
    await wake(map, 4, 2)
    assert.deepEqual([await answer, await mine], ['ok', 'ok'])
    await worker.terminate()
    map.close()
  },
}

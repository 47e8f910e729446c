// Locks on ranges of a file: who excludes whom, and what becomes of locks and requests when
// something ends.

const assert = require('node:assert/strict')
const { readFileSync, statSync } = require('node:fs')
const { mmap } = require('../../index.js')
const { nextMessage, startChild, startWorker } = require('./others.cjs')
const { CannotBe, collectUntil, nextTurn, runtimeName } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

const NOW = { timeout: 0 }

/** Looks once whether a range can be had. */
function isFree(map, start, stop, mode) {
  const lock = map.lockRangeSync(start, stop, { ...NOW, mode })
  lock?.release()
  return lock !== null
}

/** The code of the error that a promise is rejected with. */
async function codeOf(promise) {
  return promise.then(
    () => 'it was not rejected',
    (error) => error.code,
  )
}

/** A process that executes the commands of lock-commands.cjs on a mapping of a file. */
async function lockProcess(path) {
  const child = startChild('executes lock commands', [path])
  assert.equal(await child.line(), 'ready')
  return {
    begin: (...command) => child.say(JSON.stringify(command)),
    ended: child.ended,
    async do(...command) {
      child.say(JSON.stringify(command))
      return child.line()
    },
  }
}

/** A thread that does the same. */
async function lockThread(path) {
  const worker = startWorker('executes lock commands', { path })
  assert.equal(await nextMessage(worker), 'ready')
  return {
    begin: (...command) => worker.postMessage(command),
    async do(...command) {
      const answer = nextMessage(worker)
      worker.postMessage(command)
      return answer
    },
    terminate: () => worker.terminate(),
  }
}

/** Waits until a process or a thread blocks in the system for a lock of a file. */
async function untilBlocked(path) {
  if (process.platform !== 'linux') {
    // Other systems do not tell. If the time is too short, the test is right all the same.
    await new Promise((resolve) => setTimeout(resolve, 100))
    return
  }
  const blocked = new RegExp(`-> OFDLCK .*:${statSync(path).ino} `)
  while (!blocked.test(readFileSync('/proc/locks', 'utf8'))) await nextTurn()
}

module.exports = {
  'locks of mappings, descriptors, threads and processes exclude each other': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const others = [mmap(path), ...(mine.fd === -1 ? [] : [mmap(mine.fd)])]
    const thread = await lockThread(path)
    const child = await lockProcess(path)
    const lock = mine.lockRangeSync(10, 20)
    for (const map of [mine, ...others]) {
      assert.ok(isFree(map, 0, 10), 'it ends where the other begins')
      assert.ok(isFree(map, 20), 'it begins where the other ends')
      for (const range of [[0, 11], [19, 21], [12, 13], [10, 20], [0, 1000], []]) {
        assert.equal(isFree(map, ...range), false)
        assert.equal(isFree(map, range[0], range[1], 'shared'), false)
      }
    }
    for (const other of [thread, child]) {
      assert.equal(await other.do('lock', 'a', 0, 10, NOW), 'locked')
      assert.equal(await other.do('release', 'a'), 'released')
      assert.equal(await other.do('lock', 'a', 19, 21, NOW), 'null')
      assert.equal(await other.do('lockSync', 'a', 0, 100, { ...NOW, mode: 'shared' }), 'null')
    }
    lock.release()
    // Shared locks exclude exclusive ones only.
    const shared = mine.lockRangeSync(0, 50, { mode: 'shared' })
    for (const other of [thread, child]) {
      assert.equal(await other.do('lockSync', 'b', 40, 60, { ...NOW, mode: 'shared' }), 'locked')
      assert.equal(await other.do('lock', 'c', 0, 1, NOW), 'null')
    }
    shared.release()
    assert.equal(isFree(mine, 40, 41), false)
    assert.equal(await thread.do('release', 'b'), 'released')
    assert.equal(await child.do('close'), 'closed')
    assert.ok(isFree(mine))
    child.begin('exit')
    await child.ended
    await thread.terminate()
  },

  'a lock that is waited for comes as soon as it is released': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const thread = await lockThread(path)
    const child = await lockProcess(path)
    for (const command of ['lock', 'lockSync']) {
      for (const other of [thread, child]) {
        const lock = mine.lockRangeSync()
        const waiting = other.do(command, 'a', 5, 6)
        await untilBlocked(path)
        lock.release()
        assert.equal(await waiting, 'locked')
        assert.equal(isFree(mine, 5, 6), false)
        const next = mine.lockRange()
        assert.equal(await other.do('release', 'a'), 'released')
        ;(await next).release()
      }
    }
    child.begin('exit')
    await child.ended
    await thread.terminate()
  },

  'a process that ends, in whatever way, leaves its locks and its requests': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const holder = await lockProcess(path)
    assert.equal(await holder.do('lock', 'a', 0, 10), 'locked')
    const next = mine.lockRange(0, 10)
    holder.begin('exit')
    assert.deepEqual(await holder.ended, { code: 0, signal: null })
    const lock = await next
    // The other process exits while it waits.
    const waiter = await lockProcess(path)
    waiter.begin('lock', 'a', 0, 10)
    await untilBlocked(path)
    waiter.begin('exit')
    assert.deepEqual(await waiter.ended, { code: 0, signal: null })
    lock.release()
    assert.ok(isFree(mine))
  },

  'a process exits while a thread of it blocks for a lock': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const lock = mine.lockRangeSync()
    const child = startChild('exits while a thread waits for a lock', [path])
    assert.equal(await child.line(), 'exiting')
    assert.deepEqual(await child.ended, { code: 7, signal: null })
    lock.release()
    assert.ok(isFree(mine))
  },

  'a thread is terminated while it blocks for a lock': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const lock = mine.lockRangeSync()
    const thread = await lockThread(path)
    thread.begin('lockSync', 'a')
    await untilBlocked(path)
    await thread.terminate()
    lock.release()
    if (runtimeName() === 'deno') {
      throw new CannotBe('the thread has ended, but Deno runs nothing of an addon there, so its request goes on')
    }
    // The system may give the lock to the request that was left, which lets it go at once.
    ;(await mine.lockRange()).release()
    assert.ok(isFree(mine))
  },

  'the locks of a thread end with it': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const mine = mmap(path)
    const thread = await lockThread(path)
    assert.equal(await thread.do('lock', 'a', 0, 10), 'locked')
    const next = mine.lockRange(0, 10, { timeout: runtimeName() === 'deno' ? 500 : 60_000 })
    await thread.terminate()
    const lock = await next
    if (runtimeName() === 'deno') throw new CannotBe('Deno runs nothing of an addon in a thread that it terminates')
    assert.equal(lock?.released, false)
  },

  'close() and unmap() release locks and end requests': async () => {
    const path = scratchFile(Buffer.alloc(100))
    for (const how of ['close', 'unmap']) {
      const [mine, other] = [mmap(path), mmap(path)]
      const held = mine.lockRangeSync(0, 10)
      const blocking = other.lockRangeSync(50, 60)
      const requests = [mine.lockRange(5, 6), mine.lockRange(5, 6), mine.lockRange(0, 60, { timeout: 60_000 })]
      const codes = Promise.all(requests.map(codeOf))
      assert.equal(held.released, false)
      mine[how]()
      assert.equal(held.released, true)
      held.release()
      assert.deepEqual(await codes, ['ERR_MMAP_CLOSED', 'ERR_MMAP_CLOSED', 'ERR_MMAP_CLOSED'])
      assert.ok(isFree(other, 0, 50))
      blocking.release()
      // The system may give the lock to the request that was left, which lets it go at once.
      ;(await other.lockRange()).release()
      other[how]()
    }
  },

  'an abort and a timeout end a request, before, while and after it waits': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const [mine, other] = [mmap(path), mmap(path)]
    const lock = mine.lockRangeSync()
    const reason = new Error('why')
    await assert.rejects(other.lockRange(0, 1, { signal: AbortSignal.abort(reason) }), (error) => {
      assert.equal(error.name, 'AbortError')
      assert.equal(error.cause, reason)
      return error.code === 'ABORT_ERR'
    })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = [other.lockRange(0, 1, { signal }), other.lockRange(0, 1, { signal })].map(codeOf)
    const kept = other.lockRange(0, 1)
    assert.equal(await other.lockRange(0, 1, { timeout: 30, signal }), null)
    const start = performance.now()
    assert.equal(other.lockRangeSync(0, 1, { timeout: 120 }), null)
    const waited = performance.now() - start
    assert.ok(waited >= 119 && waited < 5000, `it waited ${waited} ms`)
    controller.abort()
    assert.deepEqual(await Promise.all(aborted), ['ABORT_ERR', 'ABORT_ERR'])
    lock.release()
    const next = await kept
    assert.equal(next.released, false)
    assert.equal(isFree(mine, 0, 1), false)
    next.release()
    // Afterwards it has no effect.
    const late = new AbortController()
    const after = await mine.lockRange(0, 1, { signal: late.signal })
    late.abort()
    assert.equal(after.released, false)
    after.release()
  },

  'a lock ends when the mapping and the lock have been collected, and not before': async () => {
    const path = scratchFile(Buffer.alloc(100))
    const other = mmap(path)
    const kept = { map: undefined, lock: undefined }
    ;(() => {
      kept.map = mmap(path)
      kept.map.lockRangeSync(0, 10)
      const another = mmap(path)
      kept.lock = another.lockRangeSync(10, 20)
      mmap(path).lockRangeSync(20, 30)
    })()
    assert.ok(await collectUntil(() => isFree(other, 20, 30)), 'neither is in use')
    assert.equal(isFree(other, 0, 10), false)
    assert.equal(kept.map.closed, false)
    assert.equal(isFree(other, 10, 20), false)
    assert.equal(kept.lock.released, false)
    kept.map = kept.lock = undefined
    assert.ok(await collectUntil(() => isFree(other)))
  },
}

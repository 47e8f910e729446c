// The modules of docs/recipes/working-together.md in several processes, some of which are killed.
// recipe-roles.cjs has what the processes do.

const assert = require('node:assert/strict')
const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { mmap } = require('../../index.js')
const { nextMessage, startScript, startWorker } = require('./others.cjs')
const { CannotBe, nextTurn, runtimeName } = require('./runtime.cjs')
const { scratchFile, scratchFolder } = require('./scratch.cjs')

const PAGE = join(__dirname, '../../docs/recipes/working-together.md')
const ENDED_WELL = { code: 0, signal: null }

/** The URL of a module of the page. */
function recipe(name) {
  const page = readFileSync(PAGE, 'utf8').replaceAll('\r\n', '\n')
  const [, code] = page.split(`\`\`\`js\n// ${name}\n`)
  const path = join(scratchFolder(), name)
  writeFileSync(path, code.slice(0, code.indexOf('```')))
  return pathToFileURL(path).href
}

/** A file of words for one recipe, and processes that have a role in it. */
function stage(name, bytes = 4096) {
  const path = scratchFile(Buffer.alloc(bytes))
  const url = recipe(name)
  const map = mmap(path)
  const start = (role, ...args) => startScript(join(__dirname, 'recipe-roles.cjs'), [role, url, path, ...args])
  return { map, words: map.view(Int32Array), url, start }
}

/** Lets so many processes have a role, until they end. */
async function playAll(start, count, role, ...args) {
  const processes = Array.from({ length: count }, () => start(role, ...args))
  for (const { ended } of processes) assert.deepEqual(await ended, ENDED_WELL)
}

async function until(condition) {
  while (!condition()) await nextTurn()
}

/**
 * Starts processes, one after the other, and kills each when a word has grown by `step` since the
 * last one was killed.
 */
async function killEach(words, index, step, start, kills) {
  for (let kill = 0; kill < kills; kill += 1) {
    const wanted = Atomics.load(words, index) + step
    const child = start()
    await until(() => Atomics.load(words, index) >= wanted)
    child.kill()
    await child.ended
  }
}

module.exports = {
  'a recipe initialises once, though some are killed meanwhile': async () => {
    const { map, words, start } = stage('ready.mjs')
    // All of them come while nobody can.
    const lock = map.lockRangeSync(0, 4)
    const doomed = Array.from({ length: 3 }, () => start('initialises', 'dies'))
    await until(() => Atomics.load(words, 3) === 3)
    lock.release()
    for (const { ended } of doomed) await ended
    assert.equal(words[2], 3, 'each of them had begun')
    const next = map.lockRangeSync(0, 4)
    const others = Array.from({ length: 5 }, () => start('initialises', 'lives'))
    await until(() => Atomics.load(words, 3) === 8)
    next.release()
    for (const { ended } of others) assert.deepEqual(await ended, ENDED_WELL)
    assert.equal(words[1], 1)
    map.close()
  },

  'a recipe for an event lets all go on who wait for it': async () => {
    const { map, words, url, start } = stage('event.mjs')
    const { SharedEvent } = await import(url)
    const [waiters, rounds] = [3, 300]
    const processes = Array.from({ length: waiters }, () => start('waits for events', rounds))
    const events = [new SharedEvent(map, 0), new SharedEvent(map, 4)]
    // Nobody waits for a state that is over.
    const waiting = [events[0].wait(), events[0].wait()]
    events[0].set()
    events[0].reset()
    await Promise.all(waiting)
    for (let round = 0; round < rounds; round += 1) {
      const event = events[round % 2]
      // Most of these are reset before the processes look.
      while (Atomics.load(words, 2) < waiters * (round + 1)) {
        event.set()
        event.reset()
        await nextTurn()
      }
    }
    for (const { ended } of processes) assert.deepEqual(await ended, ENDED_WELL)
    assert.equal(words[2], waiters * rounds)
    map.close()
  },

  'a recipe for a semaphore lets in as many as there are places': async () => {
    const { map, words, url, start } = stage('semaphore.mjs')
    const { Semaphore } = await import(url)
    const semaphore = new Semaphore(map, 0)
    words[0] = 2
    await semaphore.acquire()
    await semaphore.acquire()
    // These are killed while they wait, or before.
    const doomed = [1, 2].map(() => start('takes places', 1))
    await until(() => Atomics.load(words, 4) === 2)
    const others = [1, 2, 3].map(() => start('takes places', 20_000))
    for (const child of doomed) {
      child.kill()
      await child.ended
    }
    semaphore.release()
    semaphore.release()
    for (const { ended } of others) assert.deepEqual(await ended, ENDED_WELL)
    const [free, inside, turns, tooMany] = words
    assert.deepEqual({ free, inside, turns, tooMany }, { free: 2, inside: 0, turns: 60_000, tooMany: 0 })
    map.close()
  },

  'a recipe for a barrier keeps all in step': async () => {
    const { map, words, start } = stage('barrier.mjs')
    await playAll(start, 4, 'keeps in step', 4, 1000)
    assert.equal(words[2], 4000)
    assert.equal(words[3], 0, 'how many were out of step')
    map.close()
  },

  'a recipe for a mutex reports each lock whose holder was killed': async () => {
    const { map, words, start } = stage('mutex.mjs')
    const others = [1, 2].map(() => start('adds to a pair'))
    await killEach(words, 3, 100, () => start('adds to a pair'), 5)
    for (let death = 0; death < 3; death += 1) await start('dies inside').ended
    // They see this when they are next.
    Atomics.store(words, 5, 1)
    for (const { ended } of others) assert.deepEqual(await ended, ENDED_WELL)
    await playAll(start, 1, 'adds to a pair')
    const [dirty, first, second, , repaired, , unnoticed] = words
    assert.deepEqual({ dirty, second, unnoticed }, { dirty: 0, second: first, unnoticed: 0 })
    assert.ok(repaired >= 3, `${repaired} were repaired`)
    map.close()
  },

  'a recipe notices the end of another process': async () => {
    const { map, words, url, start } = stage('reply.mjs')
    const { changeOrEnd } = await import(url)
    for (let round = 1; round <= 5; round += 1) {
      Atomics.store(words, 0, 0)
      const child = start('stores and waits', round)
      while (Atomics.load(words, 0) === 0) await map.waitAsync(0, 0)
      assert.equal(await changeOrEnd(map, 0, -1), 'changed')
      const ends = [1, 2].map(() => changeOrEnd(map, 0, round))
      child.kill()
      assert.deepEqual(await Promise.all(ends), ['ended', 'ended'])
      await child.ended
    }
    const lock = map.lockRangeSync(0, 4, { timeout: 0 })
    assert.notEqual(lock, null, 'it leaves no lock')
    map.close()
  },

  'a recipe for a ring loses no message, though writers and readers are killed': async () => {
    const [slots, slotSize] = [8, 64]
    const bytes = 128 + slots * slotSize
    const { map, words, start } = stage('ring.mjs', bytes + 16)
    // The counters pass the greatest number of 31 bits.
    words[0] = 2 ** 31 - 1000
    words[16] = 2 ** 31 - 1000
    const [next, end, wrong, delivered] = [0, 1, 2, 3].map((word) => bytes / 4 + word)
    words[next] = words[0]
    const ring = [slots, slotSize]
    const writer = start('writes to a ring', ...ring)
    await killEach(words, delivered, 500, () => start('reads a ring', ...ring), 4)
    writer.kill()
    await writer.ended
    const reader = start('reads a ring', ...ring)
    await killEach(words, delivered, 500, () => start('writes to a ring', ...ring), 4)
    await until(() => Atomics.load(words, 0) === Atomics.load(words, 16))
    Atomics.store(words, end, 1)
    await playAll(start, 1, 'writes to a ring', ...ring)
    assert.deepEqual(await reader.ended, ENDED_WELL)
    assert.equal(words[wrong], 0, 'how many were wrong')
    assert.equal(words[next], words[16])
    map.close()
  },

  'a recipe for a sequence lock gives whole copies, though writers are killed': async () => {
    const { map, words, url, start } = stage('sequence-lock.mjs')
    const { SequenceLock } = await import(url)
    const readers = [1, 2].map(() => start('reads copies'))
    await killEach(words, 20, 2000, () => start('writes copies'), 5)
    Atomics.store(words, 21, 1)
    // The last writer may have been killed in the middle.
    new SequenceLock(map, 0, 8).write(new Int32Array(8).fill(-1))
    for (const { ended } of readers) assert.deepEqual(await ended, ENDED_WELL)
    assert.equal(words[22], 0, 'how many were torn')
    map.close()
  },

  'a recipe wakes those who use Atomics.wait': async () => {
    if (process.platform === 'win32' && runtimeName() === 'deno')
      throw new CannotBe('Deno has no SharedArrayBuffer over a mapping on Windows')
    const path = scratchFile(Buffer.alloc(4096))
    const url = recipe('bridge.mjs')
    const { bridge } = await import(url)
    const map = mmap(path, { sharedArrayBuffer: true })
    const worker = startWorker('waits with Atomics.wait', { path, bytes: map.bytes, rounds: 1000 })
    const stop = new AbortController()
    const bridging = bridge(map, 0, stop.signal)
    const child = startScript(join(__dirname, 'recipe-roles.cjs'), ['counts for a bridge', url, path, 1000])
    assert.equal(await nextMessage(worker), 1000)
    assert.deepEqual(await child.ended, ENDED_WELL)
    stop.abort()
    await bridging
    map.close()
  },
}

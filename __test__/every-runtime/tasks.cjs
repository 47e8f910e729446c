// findAll(), lines(), and tasks on other threads.

const assert = require('node:assert/strict')
const { readFileSync, truncateSync } = require('node:fs')
const { join } = require('node:path')
const { ACCESS_READ, mmap, PAGESIZE } = require('../../index.js')
const { zeros } = require('./memory.cjs')
const { startScript } = require('./others.cjs')
const { mapsOf } = require('./process-state.cjs')
const { CannotBe, collectUntil, runtimeName, whileCollecting } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

const MIB = 2 ** 20
const CHUNK = 4 * MIB
const TASKS_LEFT = 400

/** Memory that takes a while to be searched. */
function longMemory() {
  if (process.platform === 'win32') throw new CannotBe('it has no MAP_PRIVATE, and such memory costs')
  return zeros(4 * 1024 * MIB)
}

/** A sparse file, which takes a while to be read. */
function holes(length) {
  const path = scratchFile('')
  truncateSync(path, length)
  return path
}

/** Starts a task, and returns when it has done a part of its work. */
async function inTheMiddle(start) {
  let promise
  await new Promise((resolve, reject) => {
    const onProgress = ({ done, total }) => {
      if (done > 0 && done < total) resolve()
    }
    promise = start({ onProgress })
    promise.then(() => reject(new Error('too short to be in its middle')), reject)
  })
  return promise
}

/** Runs a program that ends while tasks are running, and checks its exit code. */
async function endsAtOnce(how, code) {
  if (process.platform === 'win32') throw new CannotBe('it has no MAP_PRIVATE, and such memory costs')
  const program = startScript(join(__dirname, 'task-ends.cjs'), [how, TASKS_LEFT])
  const scan = Number(await program.line())
  assert.equal(await program.line(), 'ends')
  const began = performance.now()
  const end = await program.ended
  const took = performance.now() - began
  assert.deepEqual(end, { code, signal: null })
  // Running all tasks on four threads of four processors would take twice as long.
  assert.ok(took < (TASKS_LEFT * scan) / 8, `the end took ${took} ms, and one of ${TASKS_LEFT} scans ${scan} ms`)
}

module.exports = {
  'findAll, count and replaceAll': () => {
    const path = scratchFile('one two one three one'.repeat(1000))
    const map = mmap(path)
    const places = [...map.findAll('one')]
    assert.equal(places.length, 3000)
    assert.deepEqual(places.slice(0, 4), [0, 8, 18, 21])
    assert.equal(map.count('one'), 3000)
    assert.equal(map.replaceAll('one', 'ONE'), 3000)
    assert.equal(map.count('one'), 0)
    assert.equal(readFileSync(path, 'utf8'), 'ONE two ONE three ONE'.repeat(1000))
    const stopped = map.findAll('two')
    for (const place of stopped) if (place === 25) break
    assert.equal(stopped.next().done, true)
    assert.throws(() => map.replaceAll('two', 'three'), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    const left = map.findAll('two')
    map.unmap()
    assert.throws(() => left.next(), { code: 'ERR_MMAP_CLOSED' })
  },

  'lines are views': () => {
    const path = scratchFile(Array.from({ length: 10_000 }, (_, index) => `line ${index}\r\n`).join(''))
    const map = mmap(path)
    let count = 0
    for (const line of map.lines()) {
      assert.equal(Buffer.from(line).toString(), `line ${count}\r`)
      line[0] = 76
      count += 1
    }
    assert.equal(count, 10_000)
    assert.equal(readFileSync(path, 'utf8').slice(0, 8), 'Line 0\r\n')
    const lines = map.lines({ start: -11 })
    const last = lines.next().value
    map.close()
    assert.throws(() => lines.next(), { code: 'ERR_MMAP_CLOSED' })
    assert.equal(Buffer.from(last).toString(), 'Line 9999\r')
  },

  'tasks do as the methods without a promise': async () => {
    const path = scratchFile(Buffer.alloc(2 * CHUNK + 5000, 'aab'))
    const map = mmap(path)
    map.setSlice('needle', CHUNK - 3, CHUNK + 3)
    assert.equal(await map.findAsync('needle'), CHUNK - 3)
    assert.equal(await map.findAsync('absent'), -1)
    for (const needle of ['aab', 'aba', 'a', 'needle']) assert.equal(await map.countAsync(needle), map.count(needle))
    const count = map.count('ba')
    assert.equal(await map.replaceAllAsync('ba', 'xy'), count)
    assert.equal(map.count('xy'), count)
    const reports = []
    await map.flushAsync(0, undefined, { onProgress: (progress) => reports.push(progress) })
    assert.deepEqual(reports.at(-1), { done: map.length, total: map.length })
    await map.prefetch()
    const { resident, total } = map.resident()
    assert.equal(resident, total)
    await assert.rejects(map.countAsync(''), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    map.unmap()
    await assert.rejects(map.findAsync('a'), { code: 'ERR_MMAP_CLOSED' })
  },

  '1,000 tasks at once': async () => {
    const map = mmap(scratchFile(pattern(MIB)))
    const expected = map.count('a')
    const counts = await Promise.all(Array.from({ length: 1000 }, () => map.countAsync('a')))
    assert.ok(counts.every((count) => count === expected))
  },

  'a task that is aborted': async () => {
    const map = longMemory()
    const controller = new AbortController()
    const reason = new Error('enough')
    const expected = { name: 'AbortError', code: 'ABORT_ERR', cause: reason }
    const { signal } = controller
    const onProgress = ({ done, total }) => {
      if (done > 0 && done < total) controller.abort(reason)
    }
    const tasks = [
      map.countAsync('needle', 0, undefined, { signal, onProgress }),
      map.findAsync('needle', 0, undefined, { signal }),
    ]
    for (const { reason: error } of await Promise.allSettled(tasks)) {
      assert.deepEqual([error?.name, error?.code, error?.cause], ['AbortError', 'ABORT_ERR', reason])
    }
    await assert.rejects(map.countAsync('needle', 0, undefined, { signal: AbortSignal.abort(reason) }), expected)
    map.unmap()
  },

  'tasks that wait for a thread end at once': async () => {
    const long = longMemory()
    // A task that is started later waits for one turn of each.
    const running = Array.from({ length: 1000 }, () => long.countAsync('needle', 0, undefined, { threads: 1 }))
    const [aborted, unmapped] = [mmap(-1, PAGESIZE), mmap(-1, PAGESIZE)]
    const controller = new AbortController()
    const { signal } = controller
    const tasks = Array.from({ length: 20 }, () => aborted.replaceAllAsync('\0', 'x', 0, undefined, { signal }))
    tasks.push(unmapped.replaceAllAsync('\0', 'x'))
    controller.abort()
    unmapped.unmap()
    const ends = (await Promise.allSettled(tasks)).map(({ reason }) => `${reason?.code} ${reason?.replaced}`)
    assert.deepEqual(ends, [...Array(20).fill('ABORT_ERR 0'), 'ERR_MMAP_CLOSED 0'])
    assert.equal(await Promise.race([...running, 'running']), 'running')
    assert.equal(aborted.count('\0'), PAGESIZE)
    const stopped = Promise.allSettled(running)
    long.unmap()
    assert.ok((await stopped).every(({ reason }) => reason?.code === 'ERR_MMAP_CLOSED'))
  },

  'close() with a task running, and the map is collected': async () => {
    const start = () => {
      const map = longMemory()
      map.setSlice('needle', -6)
      const promise = map.findAsync('needle', 0)
      map.close()
      return promise
    }
    assert.equal(await whileCollecting(start()), 4 * 1024 * MIB - 6)
  },

  'unmap() with tasks running': async () => {
    const path = holes(1024 * MIB)
    const map = mmap(path, 0, { access: ACCESS_READ })
    let running
    const middle = new Promise((resolve) => {
      running = map.countAsync('needle', 0, undefined, { onProgress: resolve })
    })
    const tasks = [running, ...Array.from({ length: 20 }, () => map.findAsync('needle')), map.prefetch()]
    const settled = Promise.allSettled(tasks)
    await middle
    map.unmap()
    assert.equal(mapsOf(path), 0)
    const ends = (await settled).map(({ reason }) => reason?.code)
    assert.ok(
      ends.slice(1).every((code) => code === 'ERR_MMAP_CLOSED'),
      ends.join(),
    )
  },

  'a task on a mapping with a SharedArrayBuffer that is closed and collected': async () => {
    const path = holes(256 * MIB)
    const start = () => {
      const map = mmap(path, 0, { sharedArrayBuffer: true })
      map.setSlice('needle', -6)
      const tasks = Promise.all([map.findAsync('needle', 0), map.countAsync('needle'), map.prefetch()])
      try {
        assert.equal(map.bytes.length, 256 * MIB)
      } catch (error) {
        if (error.code !== 'ERR_MMAP_NO_VIEW') throw error
      }
      map.close()
      return tasks
    }
    assert.deepEqual(await whileCollecting(start()), [256 * MIB - 6, 1, undefined])
    // Bun and Deno may keep a buffer after it has become unreachable.
    if (runtimeName() === 'node') assert.ok(await collectUntil(() => mapsOf(path) === 0), 'it is released')
  },

  'a file that is truncated under a task': async () => {
    if (process.platform !== 'linux') throw new CannotBe('only Linux says of every fault where it was')
    const path = holes(1024 * MIB)
    const map = mmap(path)
    await inTheMiddle((options) => map.prefetch(0, undefined, options))
    const tasks = Array.from({ length: 16 }, (_, task) => (task % 2 === 0 ? map.countAsync('needle') : map.prefetch()))
    truncateSync(path, PAGESIZE)
    const ends = await Promise.allSettled(tasks)
    // The first tasks may have ended before the file is truncated.
    const codes = ends.slice(-8).map(({ reason }) => reason?.code)
    assert.deepEqual(codes, Array(8).fill('ERR_MMAP_FAULT'))
  },

  'process.exit with tasks running': () => endsAtOnce('process.exit', 7),
  'an uncaught error with tasks running': () => endsAtOnce('throw', 1),
  'worker.terminate with tasks running': () => endsAtOnce('worker.terminate', 0),
}

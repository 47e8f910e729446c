// Tasks of all kinds at once, with everything that can end them. STRESS_SEED repeats a run, and a
// failure prints it.

const assert = require('node:assert/strict')
const { statSync, truncateSync } = require('node:fs')
const { ACCESS_COPY, ACCESS_READ, mmap, PAGESIZE, PROT_READ } = require('../../index.js')
const { nextMessage, startWorker } = require('./others.cjs')
const { scratchFile } = require('./scratch.cjs')

const MIB = 2 ** 20
/** What one thread searches at a time. */
const PIECE = 4 * MIB
const LENGTH = 6 * PIECE
/** How long it goes on, in milliseconds. */
const DURATION = 2000

/** Whole numbers below a limit, from a seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** Calls `play` with a generator of random numbers. */
async function seeded(play) {
  const seed = Number(process.env.STRESS_SEED ?? Date.now() % 2 ** 31)
  try {
    await play(randomNumbers(seed))
  } catch (error) {
    error.message += ` (STRESS_SEED=${seed})`
    throw error
  }
}

/**
 * A sparse file with needles across the borders of pieces, and what is in it. `aaa` overlaps
 * itself.
 */
function content(random) {
  const path = scratchFile('')
  truncateSync(path, LENGTH)
  const map = mmap(path)
  const counts = { needle: 0, aaa: 0, from: 0 }
  let first = -1
  for (let border = PIECE; border < LENGTH; border += PIECE) {
    const [text, key] = [
      ['needle', 'needle'],
      ['a'.repeat(20), 'aaa'],
      ['fromfrom', 'from'],
    ][random(3)]
    const at = border - random(text.length + 1)
    map.setSlice(text, at, at + text.length)
    counts[key] += { needle: 1, aaa: 6, from: 2 }[key]
    if (key === 'needle' && first === -1) first = at
  }
  map.close()
  return { path, counts, first }
}

const KINDS = {
  shared: (path) => mmap(path),
  'read only': (path) => mmap(path, 0, { access: ACCESS_READ }),
  private: (path) => mmap(path, 0, { access: ACCESS_COPY }),
  'of a SharedArrayBuffer': (path) => mmap(path, 0, { sharedArrayBuffer: true }),
}

/** All kinds of tasks, and their results if nothing ends them. */
function tasks({ counts, first }, isWritable) {
  return [
    ['countAsync', ['needle'], counts.needle],
    ['countAsync', ['aaa'], counts.aaa],
    ['findAsync', ['needle'], first],
    ['findAsync', ['absent'], -1],
    ['prefetch', [], undefined],
    ['flushAsync', [], undefined],
    ...(isWritable ? [['replaceAllAsync', ['from', 'into'], undefined]] : []),
  ]
}

/** What can end tasks, and the codes with which it does. */
const ENDS = {
  nothing: [() => {}, []],
  close: [(map) => map.close(), []],
  unmap: [(map) => map.unmap(), ['ERR_MMAP_CLOSED']],
  abort: [(_map, _path, controller) => controller.abort(), ['ABORT_ERR']],
  protect: [(map) => map.protect(PROT_READ), ['ERR_MMAP_READONLY']],
  'resize to less': [(map) => map.resize(PAGESIZE), ['ERR_MMAP_FAULT', 'ERR_MMAP_READONLY']],
  truncation: [(_map, path) => truncateSync(path, PAGESIZE), ['ERR_MMAP_FAULT']],
}

function endsFor(kind) {
  return Object.keys(ENDS).filter((name) => {
    // Windows cuts no file that is mapped.
    if (name === 'truncation' || name === 'resize to less') return kind === 'shared' && process.platform !== 'win32'
    return name !== 'protect' || (kind === 'shared' && process.platform !== 'win32')
  })
}

async function round(random) {
  const file = content(random)
  const kind = Object.keys(KINDS)[random(4)]
  const how = endsFor(kind)[random(endsFor(kind).length)]
  const map = KINDS[kind](file.path)
  const controller = new AbortController()
  let choices = tasks(file, kind !== 'read only')
  const started = Array.from({ length: 1 + random(12) }, () => {
    const [method, args, expected] = choices[random(choices.length)]
    // Two of them could both count a match.
    if (method === 'replaceAllAsync') choices = choices.filter(([other]) => other !== method)
    const reports = []
    const options = { start: 0, signal: controller.signal, onProgress: ({ done }) => reports.push(done) }
    if (random(2) === 0) options.threads = 1 + random(16)
    return { method, expected, reports, promise: map[method](...args, options) }
  })
  const settled = Promise.allSettled(started.map(({ promise }) => promise))
  // The tasks are waiting, in their middle, or done.
  for (let turn = random(4); turn > 0; turn -= 1) await new Promise(setImmediate)
  const [end, codes] = ENDS[how]
  end(map, file.path, controller)
  let replaced = 0
  for (const [index, { status, value, reason }] of (await settled).entries()) {
    const { method, expected, reports } = started[index]
    const what = `${method} of a mapping that is ${kind}, and ${how}`
    assert.deepEqual(
      reports,
      reports.toSorted((a, b) => a - b),
      what,
    )
    if (status === 'rejected') {
      assert.ok(codes.includes(reason?.code), `${what}: ${reason?.stack}`)
      if (method === 'replaceAllAsync') replaced += reason.replaced
    } else if (method === 'replaceAllAsync') replaced += value
    // Bytes that were cut off may have been read before.
    else if (how !== 'resize to less' && how !== 'truncation') assert.equal(value, expected, what)
  }
  assert.ok(replaced <= file.counts.from, `${replaced} of ${file.counts.from} were replaced`)
  if (how === 'nothing') {
    // A synchronous search agrees.
    assert.equal(map.count('into'), replaced)
    assert.equal(map.count('from'), file.counts.from - replaced)
    assert.equal(map.count('needle'), file.counts.needle)
  }
  map.unmap()
}

module.exports = {
  'tasks of all kinds, and everything that ends them': () =>
    seeded(async (random) => {
      const began = performance.now()
      let rounds = 0
      while (performance.now() - began < DURATION || rounds < 10) {
        await round(random)
        rounds += 1
      }
    }),

  'threads that are terminated while they start tasks': () =>
    seeded(async (random) => {
      const { path, counts } = content(random)
      const map = mmap(path)
      for (let count = 0; count < 5; count += 1) {
        const worker = startWorker('starts tasks for ever', { path })
        assert.equal(await nextMessage(worker), 'started')
        const own = map.countAsync('needle', { threads: 1 + random(16) })
        await worker.terminate()
        assert.equal(await own, counts.needle)
      }
      assert.equal(map.count('needle'), counts.needle)
      assert.equal(statSync(path).size, LENGTH)
    }),
}

// The differences between runtimes, and the error of a scenario that cannot run on one of them.

const { setImmediate: nextTurn } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

/**
 * The arguments of each runtime before the name of a script. They expose the garbage collector, and
 * grant all permissions.
 */
const LEADING_ARGUMENTS = {
  node: ['--expose-gc'],
  bun: [],
  deno: ['run', '--allow-all', '--quiet', '--v8-flags=--expose-gc'],
}

/**
 * The environment variable by which the runner says that this runtime refuses ArrayBuffers over
 * external memory.
 */
const REFUSING = 'MEMMAP_TEST_REFUSING'

/** Whether this runtime refuses external memory. Its views are then of SharedArrayBuffers. */
const refuses = process.env[REFUSING] !== undefined

/** Thrown if this runtime or system lacks what a scenario needs. The message is the reason. */
class CannotBe extends Error {}

/** A key of {@link LEADING_ARGUMENTS}. */
function runtimeName() {
  if (process.versions.bun !== undefined) return 'bun'
  return process.versions.deno === undefined ? 'node' : 'deno'
}

/**
 * The outcome in the last line of the output of a scenario. Undefined if there is none, as after a
 * failure.
 */
function saidOutcome(stdout) {
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (last === 'ok') return { outcome: 'ok' }
  if (last.startsWith('n/a: ')) return { outcome: 'n/a', why: last.slice('n/a: '.length) }
  return undefined
}

function collectGarbage() {
  if (globalThis.Bun !== undefined) globalThis.Bun.gc(true)
  else if (globalThis.gc !== undefined) globalThis.gc()
  else throw new CannotBe('no gc() is exposed')
}

/** For scenarios that only an ArrayBuffer can pass. */
function needsArrayBuffer(what) {
  if (refuses) throw new CannotBe(`views are of a SharedArrayBuffer, which ${what}`)
}

/**
 * Collects garbage and lets finalizers run until `condition` holds. Returns whether it does in the
 * end.
 */
async function collectUntil(condition) {
  for (let round = 0; round < 300; round += 1) {
    if (condition()) return true
    collectGarbage()
    // Finalizers run in a later turn of the event loop.
    await nextTurn()
  }
  return condition()
}

/** Waits for `promise`, and collects garbage all the time until it is settled. */
async function whileCollecting(promise) {
  let settled = false
  const result = promise.finally(() => {
    settled = true
  })
  // The caller handles a rejection. Until it awaits the promise, this keeps it from being
  // unhandled.
  result.catch(() => {})
  while (!settled) {
    collectGarbage()
    await nextTurn()
  }
  return result
}

/** Calls ArrayBuffer.prototype.transfer, which Node 20 has behind a flag. */
function transfer(buffer) {
  if (buffer.transfer !== undefined) return buffer.transfer()
  if (runtimeName() !== 'node') throw new CannotBe('no ArrayBuffer.prototype.transfer')
  setFlagsFromString('--harmony-rab-gsab-transfer')
  return Reflect.apply(runInNewContext('ArrayBuffer.prototype.transfer'), buffer, [])
}

module.exports = {
  CannotBe,
  LEADING_ARGUMENTS,
  REFUSING,
  collectGarbage,
  collectUntil,
  needsArrayBuffer,
  nextTurn,
  refuses,
  runtimeName,
  saidOutcome,
  transfer,
  whileCollecting,
}

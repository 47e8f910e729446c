// What differs between the runtimes, and what a scenario says that cannot be played on one of them.

const { setImmediate: nextTurn } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

/**
 * The arguments before the name of a script, by runtime. They make the garbage collector a
 * function, and grant all permissions.
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

/** Then views are of SharedArrayBuffers. */
const refuses = process.env[REFUSING] !== undefined

/** Thrown when this runtime or system lacks what a scenario needs. The message is the reason. */
class CannotBe extends Error {}

/** A key of {@link LEADING_ARGUMENTS}. */
function runtimeName() {
  if (process.versions.bun !== undefined) return 'bun'
  return process.versions.deno === undefined ? 'node' : 'deno'
}

/**
 * The outcome that a scenario has printed last, after everything else. It is undefined if there is
 * none, as after a failure.
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

/** For scenarios that are about what only an ArrayBuffer can do. */
function needsArrayBuffer(what) {
  if (refuses) throw new CannotBe(`views are of a SharedArrayBuffer, which ${what}`)
}

/**
 * Collects garbage and lets finalizers run until `condition` holds. Returns false if it does not
 * hold in the end.
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

/** What `promise` comes to, with garbage being collected all the time until then. */
async function whileCollecting(promise) {
  let settled = false
  const result = promise.finally(() => {
    settled = true
  })
  // A rejection is told where it is awaited; until then it is not an unhandled one.
  result.catch(() => {})
  while (!settled) {
    collectGarbage()
    await nextTurn()
  }
  return result
}

/** ArrayBuffer.prototype.transfer, which Node 20 has behind a flag. */
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

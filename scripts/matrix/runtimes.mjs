// npm run test:runtimes: runs every scenario of __test__/every-runtime on every runtime, each in a
// process of its own. It prints a table and ends with "N passed, N failed".
//   --runtime node20     runs only this runtime; can be repeated
//   --scenario unmap     runs only scenarios with this in their name; can be repeated
// The runtimes named "-refusing" are copies of Node that refuse external memory in an ArrayBuffer,
// as Electron's Node does.

import { spawn as start } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, setUp, stop } from '../setup.mjs'
import { obtain, RUNTIMES, RUNTIMES_FOLDER, SUFFIX } from './obtain.mjs'
import { printResults } from './report.mjs'

const SCENARIOS = join(root, '__test__/every-runtime/scenarios.cjs')
const TIME_LIMIT = 180_000
const require = createRequire(import.meta.url)

const NODES = RUNTIMES.filter(({ kind }) => kind === 'node')
const REFUSING_NODES = NODES.map((node) => ({ ...node, name: `${node.name}-refusing`, original: node }))
const COLUMNS = [...NODES, ...REFUSING_NODES, ...RUNTIMES.filter(({ kind }) => kind !== 'node')]

const { values: options } = parseArgs({
  options: { runtime: { type: 'string', multiple: true }, scenario: { type: 'string', multiple: true } },
})

setUp()
const { names } = require(SCENARIOS)
const { LEADING_ARGUMENTS, REFUSING, saidOutcome } = require(join(root, '__test__/every-runtime/runtime.cjs'))

// Imported here, because setUp() may have to install tsx first.
const { tsImport } = await import('tsx/esm/api')
const { writeRefusingNode } = await tsImport('../../__test__/support/refusing-node.mts', import.meta.url)

const chosen = COLUMNS.filter(({ name }) => options.runtime?.includes(name) ?? true)
const scenarios = names.filter((name) => options.scenario?.some((part) => name.includes(part)) ?? true)
if (chosen.length === 0)
  stop(`No runtime has this name. The runtimes are ${COLUMNS.map(({ name }) => name).join(', ')}`)
if (scenarios.length === 0) stop(`No scenario has this in its name. The scenarios are:\n${names.join('\n')}`)

/** The process of the current scenario. */
let running
// The process has a group of its own, which a terminal's Ctrl-C does not reach.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    if (running !== undefined) endGroup(running)
    process.exit(1)
  })
}

const runtimes = chosen.map(obtainColumn).filter((runtime) => runtime !== undefined)
printResults(await runAll())

/** The runtime with its program and exact version, or undefined if it is not available here. */
function obtainColumn(runtime) {
  if (runtime.original === undefined) return obtain(runtime)
  const original = obtain(runtime.original)
  if (original === undefined) return undefined
  const program = join(RUNTIMES_FOLDER, runtime.name + SUFFIX)
  // The copy is made anew each time, because the original or the patch may have changed.
  const reason = writeRefusingNode(program, original.program)
  if (reason === undefined) return { ...runtime, program, exact: original.exact }
  console.log(`${runtime.name} could not be made: ${reason}`)
  return undefined
}

/** Runs all scenarios. Prints the table row by row, because that takes minutes. */
async function runAll() {
  const width = Math.max(...scenarios.map((name) => name.length))
  const widths = runtimes.map(({ name }) => Math.max(name.length, '00.00.0'.length))
  const row = (head, cells) =>
    console.log([head.padEnd(width), ...cells.map((cell, index) => cell.padEnd(widths[index]))].join('  ').trimEnd())
  console.log()
  row(
    '',
    runtimes.map(({ name }) => name),
  )
  row(
    '',
    runtimes.map(({ exact }) => exact),
  )
  const done = []
  for (const scenario of scenarios) {
    const cells = []
    // One at a time, because scenarios fill memory and tables of the system, and some count
    // entries.
    for (const runtime of runtimes) cells.push(await run(runtime, scenario))
    row(
      scenario,
      cells.map(({ outcome }) => outcome),
    )
    done.push(...cells)
  }
  return done
}

/** Runs one scenario on one runtime. */
async function run(runtime, scenario) {
  const scratch = mkdtempSync(join(RUNTIMES_FOLDER, 'scratch-'))
  const started = performance.now()
  const end = await output(runtime, [...LEADING_ARGUMENTS[runtime.kind], SCENARIOS, scenario], scratch)
  // A process that crashed has not removed its files.
  rmSync(scratch, { recursive: true, force: true })
  return { where: runtime.name, scenario, seconds: (performance.now() - started) / 1000, ...outcomeOf(end) }
}

function outcomeOf({ code, signal, error, timedOut, stdout, stderr }) {
  const said = code === 0 && !timedOut ? saidOutcome(stdout) : undefined
  if (said !== undefined) return said
  const how = timedOut ? `not done after ${TIME_LIMIT / 1000} s` : (error ?? `ended with ${signal ?? `code ${code}`}`)
  return { outcome: 'FAIL', why: `${how}\n${`${stdout}${stderr}`.trimEnd()}` }
}

/** Runs a runtime until it ends or the time limit is reached. */
function output({ program, original }, args, scratch) {
  const env = { ...process.env, TMPDIR: scratch, TMP: scratch, TEMP: scratch, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  delete env.NODE_OPTIONS
  delete env[REFUSING]
  if (original !== undefined) env[REFUSING] = '1'
  return new Promise((resolve) => {
    // In a group of its own, so that it can be ended together with the processes it has started.
    const child = start(program, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    })
    running = child
    const end = { stdout: '', stderr: '', timedOut: false }
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        end[name] += text
      })
    }
    const timer = setTimeout(() => {
      end.timedOut = true
      endGroup(child)
    }, TIME_LIMIT)
    const finish = (how) => {
      clearTimeout(timer)
      running = undefined
      resolve({ ...end, ...how })
    }
    child.once('error', ({ message }) => finish({ error: message }))
    child.once('close', (code, signal) => finish({ code, signal }))
  })
}

function endGroup(child) {
  if (process.platform === 'win32') child.kill()
  else process.kill(-child.pid, 'SIGKILL')
}

// npm run test:kernel: runs scenarios of __test__/every-runtime on Linux 6.1, the kernel of Debian
// 12, in a virtual machine without KVM, because some faults occur only on kernels older than this
// machine's. It uses this machine's Node, and starts a process for each scenario. The scenarios
// about memory run a second time with strict accounting (vm.overcommit_memory=2), where the system
// promises no more memory than it has. It prints a table and ends with "N passed, N failed".
//   --scenario unmap     runs only scenarios with this in their name; can be repeated
//   --list               lists the scenarios, and those that are left out
// It needs x64 Debian 12, and root to install qemu. Without them it prints the reason and ends with
// code 0. The kernel's messages of the last run are in target/kernel/console.log.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printResults } from '../matrix/report.mjs'
import { root, setUp, stop } from '../setup.mjs'
import { runGuest, stopGuest } from './kernel/guest.mjs'
import { makeInitrd } from './kernel/initrd.mjs'
import * as obtain from './kernel/obtain.mjs'
import { Unobtainable } from './platforms/obtain.mjs'

/** The columns, each a value of vm.overcommit_memory. */
const DEFAULT = { title: 'default', accounting: 0 }
const STRICT = { title: 'strict', accounting: 2 }
const COLUMNS = [DEFAULT, STRICT]

/** The files of __test__/every-runtime, the columns they run in, and the script that runs them. */
const FILES = {
  kernel: { columns: [DEFAULT], script: 'kernel.cjs' },
  accounting: { columns: [STRICT], script: 'accounting.cjs' },
  faults: { columns: COLUMNS },
  lifetimes: { columns: COLUMNS },
  shared: { columns: COLUMNS },
  limits: { columns: COLUMNS },
  threads: { columns: [DEFAULT] },
  processes: { columns: [DEFAULT] },
}

const LONG = 'it takes minutes without KVM'

/** The scenarios that do not run here, with the reason. */
const LEFT_OUT = {
  '70,000 views of closed maps, the loop turns': LONG,
  '70,000 shared buffers, the loop turns': LONG,
  '150,000 views of closed maps, the loop never turns': LONG,
  '100,000 opens and closes leave nothing': LONG,
  '10,000 maps open at once':
    'vm.max_map_count is lower here, so that scenarios that fill the table do not take minutes',
}

const SECONDS_EACH = 120
const SECONDS_IN_ALL = 1200

const { values: options } = parseArgs({
  options: { scenario: { type: 'string', multiple: true }, list: { type: 'boolean', default: false } },
})

setUp()
const require = createRequire(import.meta.url)
const runtimes = join(root, '__test__/every-runtime')
const { saidOutcome } = require(join(runtimes, 'runtime.cjs'))
const rows = Object.entries(FILES).flatMap(([file, { columns, script = 'scenarios.cjs' }]) => {
  return Object.keys(require(join(runtimes, `${file}.cjs`))).map((name) => ({ name, script, columns }))
})
const chosen = rows.filter(({ name }) => {
  return LEFT_OUT[name] === undefined && (options.scenario?.some((part) => name.includes(part)) ?? true)
})
const width = Math.max(...chosen.map(({ name }) => name.length))

if (options.list) {
  for (const { name, columns } of chosen) printRow(name, titlesOf(columns))
  printLeftOut()
  process.exit(0)
}
if (chosen.length === 0)
  stop(`No scenario has this in its name. The scenarios are:\n${rows.map(({ name }) => name).join('\n')}`)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    stopGuest()
    process.exit(1)
  })
}

const plan = chosen.flatMap(({ columns, ...one }) => columns.map((column) => ({ ...one, ...column })))
const results = []
try {
  await runAll()
  const renamed = results.map(({ name, title, ...result }) => ({ ...result, scenario: name, where: title }))
  printResults(renamed, printLeftOut)
} catch (error) {
  if (!(error instanceof Unobtainable)) throw error
  console.log(`\nThe older kernel could not be obtained: ${error.message}\n\n0 passed, 0 failed`)
}

/** Runs all scenarios. Prints the table row by row, because that takes minutes. */
async function runAll() {
  const machine = { qemu: obtain.qemu(), kernel: obtain.kernel(), initrd: makeInitrd(plan, SECONDS_EACH) }
  let waiting = plan
  let cells = {}
  try {
    for await (const end of runGuest({ ...machine, scenarios: plan.length, seconds: SECONDS_IN_ALL })) {
      if (end.kernel !== undefined) {
        console.log(`\nLinux ${end.kernel}, Node ${process.versions.node}`)
        printRow('', titlesOf(COLUMNS))
        continue
      }
      const [one, ...others] = waiting
      waiting = others
      const result = { ...one, seconds: end.seconds, ...outcomeOf(end) }
      results.push(result)
      cells[one.title] = result.outcome
      if (others[0]?.name === one.name) continue
      printRow(one.name, cells)
      cells = {}
    }
  } catch (error) {
    // The machine has ended during the first of these scenarios.
    for (const one of waiting) results.push({ ...one, seconds: 0, outcome: 'FAIL', why: `not run. ${error.message}` })
  }
}

function outcomeOf({ code, how, output, seconds }) {
  const said = code === 0 ? saidOutcome(output) : undefined
  if (said !== undefined) return said
  const ended = seconds >= SECONDS_EACH ? `not done after ${SECONDS_EACH} s` : `ended with ${how}`
  return { outcome: 'FAIL', why: `${ended}\n${output}` }
}

function titlesOf(columns) {
  return Object.fromEntries(columns.map(({ title }) => [title, title]))
}

function printRow(head, cells) {
  const texts = COLUMNS.map(({ title }) => (cells[title] ?? '–').padEnd(title.length))
  console.log([head.padEnd(width), ...texts].join('  ').trimEnd())
}

function printLeftOut() {
  const names = Object.keys(LEFT_OUT)
  if (names.length > 0) console.log('\nLeft out:')
  for (const name of names) console.log(`  ${name}: ${LEFT_OUT[name]}`)
}

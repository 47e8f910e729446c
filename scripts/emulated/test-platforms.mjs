// npm run test:platforms: tests as much of other platforms as a Linux machine can. It builds the
// binary for each platform, inspects it, and runs the tests with it: for Windows under Wine, for
// arm64 under qemu, for musl natively. Then it publishes all binaries to a registry on this
// machine, and runs the example programs with the package installed from there. It prints a line
// for each step and ends with "N passed, N failed".
//   --platform win32-x64-msvc   tests only this platform; can be repeated
//   --run 'scenarios on bun'    runs only what has this in its name; can be repeated
//   --quick                     runs what fits into CI: Windows and musl on x64, each on one
//                               runtime, and the oldest glibc
// It needs x64 Debian 12, and root to install the emulators. A step whose emulator cannot be
// obtained is reported as unavailable and does not count as passed. Everything else stays in
// target/platforms, with a log of each step.

import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildTypeScript, checkNode, installDependencies, root, stop } from '../setup.mjs'
import { build, inspect, TARGETS } from './platforms/build.mjs'
import { DIFFERENCES } from './platforms/differences.mjs'
import { LEFT_OUT, makeFolder } from './platforms/folder.mjs'
import { publish, runGuide } from './platforms/guide.mjs'
import * as obtain from './platforms/obtain.mjs'
import { natively, onMusl, run, stopRunning, underQemu, underWine } from './platforms/run.mjs'

const LOGS = join(obtain.FOLDER, 'logs')
const AVA = join(root, 'node_modules/ava/entrypoints/cli.mjs')
const require = createRequire(import.meta.url)

// These tests depend on the page size, but do not ask the kernel about pages, which has its own
// size.
const ABOUT_PAGES = ['arguments', 'bytes', 'views', 'open']

/**
 * The runs on each platform, after the binary is built and inspected: the tests of __test__ with
 * ava, the scenarios of __test__/every-runtime, or the example programs with the package from the
 * registry. Runs marked `quick` are also part of --quick.
 */
const RUNS = {
  'win32-x64-msvc': [
    { on: 'node 24', tests: true, quick: true, with: () => windows(obtain.nodeForWindows(24), 'node') },
    { on: 'node 22', tests: true, with: () => windows(obtain.nodeForWindows(22), 'node') },
    { on: 'node 24', scenarios: true, with: () => windows(obtain.nodeForWindows(24), 'node') },
    { on: 'bun', scenarios: true, with: () => windows(obtain.bunForWindows(), 'bun') },
    { on: 'deno', scenarios: true, with: () => windows(obtain.denoForWindows(), 'deno') },
    { on: 'node 24', guide: true, quick: true, with: () => windows(obtain.nodeForWindows(24), 'node', 24) },
    { on: 'node 22', guide: true, with: () => windows(obtain.nodeForWindows(22), 'node', 22) },
    { on: 'bun', guide: true, with: () => windows(obtain.bunForWindows(), 'bun') },
    { on: 'deno', guide: true, with: () => windows(obtain.denoForWindows(), 'deno') },
  ],
  'linux-x64-musl': [
    { on: 'node 24', tests: true, quick: true, with: () => musl(obtain.nodeForMusl('x64'), 'node') },
    { on: 'node 24', scenarios: true, with: () => musl(obtain.nodeForMusl('x64'), 'node') },
    { on: 'bun', scenarios: true, with: () => musl(obtain.bunForMusl(), 'bun') },
    { on: 'node 24', guide: true, quick: true, with: () => musl(obtain.nodeForMusl('x64'), 'node', 24) },
    { on: 'bun', guide: true, with: () => musl(obtain.bunForMusl(), 'bun') },
  ],
  'linux-x64-gnu': [
    { on: `node ${process.versions.node}`, tests: true, quick: true, with: native },
    { on: `node ${process.versions.node}`, guide: true, quick: true, with: native },
  ],
  'linux-arm64-gnu': [
    { on: 'node 24', tests: true, with: () => arm64(24) },
    { on: 'node 22', tests: true, with: () => arm64(22) },
    { on: 'node 24 with pages of 16 KiB', tests: ABOUT_PAGES, with: () => arm64(24, 16384) },
    { on: 'node 24 with pages of 64 KiB', tests: ABOUT_PAGES, with: () => arm64(24, 65536) },
    { on: 'node 24', scenarios: true, with: () => arm64(24) },
    { on: 'node 24', guide: true, with: () => arm64(24) },
    { on: 'node 22', guide: true, with: () => arm64(22) },
  ],
  'linux-arm64-musl': [
    { on: 'node 24', tests: true, with: arm64Musl },
    { on: 'node 24', guide: true, with: arm64Musl },
  ],
  'darwin-arm64': [],
  'darwin-x64': [],
  'win32-arm64-msvc': [],
  'freebsd-x64': [],
}

function windows(program, kind, version) {
  const way = underWine()
  return { way, program, kind, version, how: way.version }
}

function musl({ program, libraries }, kind, version) {
  return { way: onMusl(libraries), program, kind, version, how: 'musl' }
}

function native() {
  const version = Number.parseInt(process.versions.node, 10)
  return { way: natively(), program: process.execPath, kind: 'node', version, how: 'natively' }
}

function arm64(version, pageSize) {
  const how = pageSize === undefined ? 'qemu-user' : `qemu-user, pages of ${pageSize} bytes`
  return { way: underQemu({ pageSize }), program: obtain.nodeForArm64(version), kind: 'node', version, how }
}

function arm64Musl() {
  const { program, libraries } = obtain.nodeForMusl('arm64')
  return { way: underQemu({ libraries }), program, kind: 'node', version: 24, how: 'qemu-user, musl' }
}

const { values: options } = parseArgs({
  options: {
    platform: { type: 'string', multiple: true },
    run: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
  },
})
const platforms = Object.keys(RUNS).filter((name) => {
  return options.platform?.includes(name) ?? (!options.quick || RUNS[name].some(({ quick }) => quick))
})
if (platforms.length === 0) stop(`No platform has this name. The platforms are ${Object.keys(RUNS).join(', ')}`)
if (process.platform !== 'linux' || process.arch !== 'x64')
  stop('This command needs x64 Linux, because it emulates the other platforms on it.')

checkNode()
installDependencies()
buildTypeScript()
mkdirSync(LOGS, { recursive: true })
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    stopRunning()
    process.exit(1)
  })
}

const results = []
/** The known differences of emulators that occurred. */
const met = new Set()
/** The paths of the built binaries, by platform. */
const built = new Map()
for (const name of platforms) await testPlatform(name)
await testGuide()
report()

async function testPlatform(name) {
  console.log(`\n${name}`)
  const library = await step(name, 'build', async (log) => {
    return { value: await build(name, log), note: TARGETS[name].triple }
  })
  if (library === undefined) return
  built.set(name, library)
  await step(name, 'inspect the binary', () => {
    const { problems, facts } = inspect(name, library)
    if (problems.length > 0) throw new Error(problems.join('; '))
    return { note: facts }
  })
  const runs = RUNS[name].filter(isWanted)
  if (runs.length === 0) console.log('  no runs: nothing on this machine can run this binary, or no run was chosen')
  const folder = makeFolder(library)
  for (const { on, tests, scenarios, with: prepare } of runs.filter(({ guide }) => !guide)) {
    await step(name, titleOf({ on, scenarios }), async (log) => {
      const runtime = prepare()
      const counts = scenarios ? await runScenarios(runtime, folder, log) : await runTests(runtime, folder, tests, log)
      return { note: `${counts}, ${runtime.how}` }
    })
  }
}

/** All packages are in the registry, so that each package manager has to choose the right one. */
async function testGuide() {
  const wanted = [...built.keys()].flatMap((platform) => {
    return RUNS[platform].filter((one) => one.guide && isWanted(one)).map((one) => ({ platform, ...one }))
  })
  if (wanted.length === 0) return
  console.log('\nFrom the registry')
  const registry = await step('all', 'publish', async () => {
    const published = await publish([...built.values()])
    return { value: published, note: published.platforms.join(', ') }
  })
  if (registry === undefined) return
  for (const { platform, with: prepare, ...one } of wanted) {
    await step(platform, titleOf(one), async (log) => {
      const runtime = prepare()
      return { note: `${platform}, ${await runGuide(runtime, platform, registry, log)}, ${runtime.how}` }
    })
  }
  await registry.stop()
}

function isWanted(one) {
  return (one.quick || !options.quick) && (options.run?.some((part) => titleOf(one).includes(part)) ?? true)
}

function titleOf({ on, scenarios, guide }) {
  return `${guide ? 'guide' : scenarios ? 'scenarios' : 'tests'} on ${on}`
}

/** Runs one step, and adds a line to the report. */
async function step(platform, what, body) {
  const started = performance.now()
  const log = join(LOGS, `${platform}, ${what}.log`)
  const result = { platform, what }
  let value
  try {
    const done = await body(log)
    value = done.value ?? true
    Object.assign(result, { outcome: 'ok', note: done.note })
  } catch (error) {
    if (error instanceof obtain.Unobtainable) Object.assign(result, { outcome: 'unavailable', note: error.message })
    else Object.assign(result, { outcome: 'FAIL', note: `${error.message}\n    ${log}` })
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`  ${result.outcome}: ${what}: ${result.note} (${seconds} s)`)
  results.push(result)
  return result.outcome === 'ok' ? value : undefined
}

/** Runs the tests with ava, which prints TAP. */
async function runTests({ way, program, how }, folder, files, log) {
  const chosen = files === true ? [] : files.map((name) => `__test__/${name}.test.mjs`)
  const ava = () => run(way, [program, AVA, '--tap', ...chosen], { cwd: folder, seconds: 1800, log })
  let { how: ended, ok, stdout } = await ava()
  if (hasNotRunFile(stdout)) {
    console.log('  Run again: ava has not run a file, and does not say why')
    ;({ how: ended, ok, stdout } = await ava())
  }
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(stdout)?.[1] ?? Number.NaN)
  if (!(count('tests') > 0)) throw new Error(`ava did not run to its end: ${ended}`)
  // The titles of the failed tests, each with its details in TAP.
  const failures = [...stdout.matchAll(/^not ok \d+ - (.*)\n([\s\S]*?)^ {2}\.\.\.$/gm)]
  const surprising = failures.filter(([, title, text]) => !isKnown(how, title, text))
  if (surprising.length > 0) {
    throw new Error(
      `${surprising.length} of ${count('tests')} failed:\n${surprising.map(([, title]) => `    ${title}`).join('\n')}`,
    )
  }
  if (failures.length !== count('fail') || ok !== (failures.length === 0)) throw new Error(`ava ${ended}`)
  const differing = failures.length === 0 ? '' : `, ${failures.length} as the emulator is known to differ`
  const notApplying = stdout.match(/^# {3}not run on /gm)?.length ?? 0
  return `${count('pass')} passed${differing} (${notApplying} of them only print why they do not apply to this platform)`
}

/**
 * Whether the only failure is that ava has not run a whole file. That was seen once under Wine, and
 * not for the same files in the next run. It fails if it happens twice.
 */
function hasNotRunFile(stdout) {
  const failures = stdout.match(/^not ok \d+ - .*$/gm) ?? []
  return failures.length === 1 && failures[0].endsWith(' - AggregateError')
}

/** Whether this emulator is known to cause this failure. Records it for the report. */
function isKnown(how, title, text) {
  const difference = DIFFERENCES.find(
    (one) => how.startsWith(one.emulator) && isOf(one.test, title) && one.saying.test(text),
  )
  if (difference !== undefined) met.add(difference)
  return difference !== undefined
}

function isOf(test, title) {
  return test instanceof RegExp ? test.test(title) : test === title
}

/**
 * Runs the scenarios, each in a process of its own. The time limit only ends scenarios that hang.
 * It is long because under Wine a system call is a message to another process.
 */
async function runScenarios({ way, program, kind, how }, folder, log) {
  const script = join(folder, '__test__/every-runtime/scenarios.cjs')
  const { LEADING_ARGUMENTS, saidOutcome } = require(join(root, '__test__/every-runtime/runtime.cjs'))
  const runOne = (name, log) => {
    return run(way, [program, ...LEADING_ARGUMENTS[kind], script, name], { cwd: folder, seconds: 600, log })
  }
  // The runtime lists them, because this machine's Node may have no library to load.
  const list = await runOne('--names', log)
  if (!list.ok) throw new Error(`the list of scenarios failed: ${list.how}: ${list.stderr}`)
  const names = JSON.parse(list.stdout)
  const counts = { ok: 0, 'n/a': 0, differs: 0 }
  const failed = []
  for (const name of names) {
    const end = await runOne(name, `${log}.${name.replaceAll(/\W+/g, '-')}`)
    const { ok, stdout, stderr } = end
    const said = ok ? saidOutcome(stdout) : undefined
    if (said !== undefined) counts[said.outcome] += 1
    else if (isKnown(how, name, stderr)) counts.differs += 1
    else
      failed.push(
        `    ${name}: ${end.how}: ${/^.*Error.*$/im.exec(stderr)?.[0] ?? stdout.trimEnd().split('\n').at(-1)}`,
      )
  }
  if (failed.length > 0) throw new Error(`${failed.length} of ${names.length} failed:\n${failed.join('\n')}`)
  return `${counts.ok} ok, ${counts['n/a']} n/a, ${counts.differs} as the emulator is known to differ`
}

function report() {
  const of = (outcome) => results.filter((result) => result.outcome === outcome)
  console.log(`\n${LEFT_OUT} is not run here: it tests what npm packs, which is the same everywhere.`)
  for (const { emulator, test, why } of met) console.log(`${emulator} differs, ${test}: ${why}`)
  for (const outcome of ['unavailable', 'FAIL']) {
    for (const { platform, what, note } of of(outcome)) console.log(`${outcome}: ${platform}, ${what}: ${note}`)
  }
  console.log(`\n${of('ok').length} passed, ${of('FAIL').length} failed`)
  process.exitCode = of('FAIL').length === 0 && of('ok').length > 0 ? 0 : 1
}

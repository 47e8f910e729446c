// npm run bench: measures memmap and its alternatives, and prints ratios. bench/README.md explains
// how it measures.
//   --only lines      measures only rows with this in their name; can be repeated
//   --size 64         the size of the large files in MiB, 1024 by default
//   --rounds 3        the number of turns of each peer, 7 by default
//   --directory DIR   the folder for the files; by default /dev/shm if they fit, otherwise the
//                     system's folder for temporary files
//   --chart           measures nothing, and draws the charts from bench/results.json
// A run without options writes bench/results.json, docs/bench.svg and docs/bench-cores.svg. A run
// with options writes these files to target/bench.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, run, runTool, setUp, spawn, stop } from '../scripts/setup.mjs'
import { drawCores, drawPeers } from './chart.mjs'
import { makeFile } from './data.mjs'
import { endPeers, peer, whoAnswered } from './peers.mjs'
import { files, rows } from './rows.mjs'

/**
 * Files here are in memory, so that no data is written to a disk during the turns of other peers.
 */
const IN_MEMORY = '/dev/shm'
/** A peer whose turns have taken this long, with the first one, gets no more of them. */
const ENOUGH_SECONDS = 5
/** A file of which more is in memory than this is not cold. */
const COLD = 0.05
/**
 * In these units more is better. In TIMES, which gives the nanoseconds of each unit, less is
 * better.
 */
const SPEEDS = ['GB/s', 'million lines/s']
const TIMES = { ns: 1, µs: 1e3, ms: 1e6 }
const WIDTHS = [50, 24, 48, 24, 8, 20]

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    size: { type: 'string' },
    rounds: { type: 'string' },
    directory: { type: 'string' },
    chart: { type: 'boolean' },
  },
})
const size = wholeNumber('size', 1024) * 2 ** 20
const rounds = wholeNumber('rounds', 7)
const isWhole = Object.keys(options).length === 0
const chosen = rows.filter(({ name }) => options.only?.some((part) => name.includes(part)) ?? true)
if (chosen.length === 0) stop(`No row has this in its name. The rows are:\n${rows.map(({ name }) => name).join('\n')}`)

setUp()
if (options.chart) drawCharts(JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8')), 'docs')
else await measureAll()

async function measureAll() {
  run('cargo', ['build', '--locked', '--profile', 'baseline', '--package', 'bench-baseline'])
  const directory = options.directory ?? roomiest()
  const [scratch, diskScratch] = [directory, options.directory ?? tmpdir()].map((parent) => {
    const made = mkdtempSync(join(parent, 'memmap-bench-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    return made
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

  const about = {
    command: ['npm run bench', ...(isWhole ? [] : ['--', ...process.argv.slice(2)])].join(' '),
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: `${process.platform} ${process.arch}`,
    kernel: release(),
    size,
    rounds,
    files: directory === IN_MEMORY ? 'in memory' : 'on a disk',
  }
  console.log(`\n${about.processor}, ${about.cores} cores, ${about.system} ${about.kernel}, Node ${process.version}`)
  console.log(`Large files of ${size / 2 ** 20} MiB, ${about.files}; the best of ${rounds} rounds\n`)
  line('what', 'ours', 'beside', '', 'ratio', 'wanted')

  const measured = []
  for (const [file, { kind, size: length, onDisk }] of Object.entries(files(size))) {
    const ofFile = chosen.filter((row) => row.file === file)
    if (ofFile.length === 0) continue
    const path = join(onDisk ? diskScratch : scratch, file)
    makeFile(path, kind, length)
    for (const row of ofFile) {
      const result = await measure(row, path, length)
      print(result)
      measured.push(result)
    }
    // This also removes their mappings and copies.
    await endPeers()
    rmSync(path)
  }
  const { versions, missing } = whoAnswered()
  const results = {
    ...about,
    versions: [...versions, ...rustVersions()],
    missing,
    library: libraries(),
    rows: measured,
  }
  write(results)
  conclude(results)
}

/** Measures a row. Peers take turns, so that a disturbance of the machine affects all of them. */
async function measure({ ours, others, ...row }, path, length) {
  // Not every system can remove a file from memory.
  const leftOut = row.cold ? await evict(path, length).catch(({ message }) => message) : undefined
  const contenders = [ours, ...others.map((other) => ({ ...ours, below: undefined, ...other }))].map((contender) => ({
    ...contender,
    length: Math.floor(length * (contender.part ?? 1)),
    why: leftOut,
    turns: [],
  }))
  // The first turn does not count, because it opens and maps, compiles, and touches every page.
  for (const contender of contenders) await turn(contender, path, row)
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      const seconds = contender.turns.reduce((sum, time) => sum + time, 0) / 1e9
      if (round === 0 || seconds < ENOUGH_SECONDS) await turn(contender, path, row)
    }
  }
  for (const contender of contenders) contender.turns.shift()
  compareAnswers(row, contenders)
  const [first, ...rest] = contenders.map((contender) => valued(contender, row))
  return { ...row, leftOut, length, ours: first, others: rest.map((other) => beside(other, first, row)) }
}

async function turn(contender, path, { cold }) {
  if (contender.why !== undefined) return
  try {
    if (cold) await evict(path, contender.length)
    const answering = await peer(contender.peer)
    if (answering === undefined) throw new Error(whoAnswered().missing[contender.peer])
    const { nanoseconds, result } = await answering.ask(contender.operation, [
      path,
      contender.length,
      ...contender.args,
    ])
    contender.turns.push(nanoseconds)
    contender.result = result
  } catch (error) {
    contender.why = error.message
  }
}

/** Removes the file from the memory of the system. */
async function evict(path, length) {
  const [remover, observer] = [await peer('Rust'), await peer('memmap')]
  await remover.ask('evict', [path])
  const { result: share } = await observer.ask('residentShare', [path, length])
  if (share > COLD) throw new Error(`the system keeps ${Math.round(100 * share)} % of the file in memory`)
}

/**
 * Stops if peers give different answers, because their work differs then. A peer that cannot tell
 * answers with nothing.
 */
function compareAnswers({ name }, contenders) {
  const answered = contenders.filter(({ why, result }) => why === undefined && result !== '')
  for (const one of answered) {
    const other = answered.find(({ length, result }) => length === one.length && result !== one.result)
    if (other === undefined) continue
    stop(`${name}: ${one.label} answered ${one.result}, ${other.label} answered ${other.result}`)
  }
}

function valued(
  { label, bar, limit, peer, length, part, wanted, aim, below, turns, result, why },
  { unit, passes = 1, worst = false },
) {
  const contender = { label, bar, limit, peer, part, wanted, aim, below }
  if (why !== undefined) return { ...contender, why }
  const sorted = turns.toSorted((one, other) => one - other)
  const value = (nanoseconds) => {
    if (unit === 'GB/s') return (passes * length) / nanoseconds
    if (unit === 'million lines/s') return (1e3 * Number(result)) / nanoseconds
    return nanoseconds / TIMES[unit]
  }
  const [best, median, last] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map(value).map(rounded)
  const counted = worst ? last : best
  return { ...contender, value: counted, median, ...(below && { outcome: counted < below ? 'reached' : 'missed' }) }
}

function beside(other, ours, { unit, speedup }) {
  if (other.value === undefined || ours.value === undefined) {
    return { ...other, ...(other.wanted && { outcome: 'not measured' }) }
  }
  const ratio = rounded(speedup ? other.value / ours.value : ours.value / other.value)
  if (other.wanted === undefined) return { ...other, ratio }
  const reached = comparesSpeeds({ unit, speedup }) ? ratio >= other.wanted : ratio <= other.wanted
  return { ...other, ratio, outcome: reached ? 'reached' : 'missed' }
}

function comparesSpeeds({ unit, speedup = false }) {
  return speedup || SPEEDS.includes(unit)
}

function rounded(value) {
  return Number(value.toPrecision(4))
}

function print({ name, unit, speedup, leftOut, ours, others }) {
  if (leftOut !== undefined) {
    line(name, 'not measured', leftOut)
    return
  }
  const number = ({ value, part }) =>
    `${Number(value.toPrecision(3))} ${unit}${part === undefined ? '' : `, 1/${1 / part}`}`
  const sign = comparesSpeeds({ unit, speedup }) ? '>=' : '<='
  const mine = ours.why === undefined ? number(ours) : 'failed'
  if (ours.why !== undefined) line(name, mine, ours.why)
  else if (ours.below !== undefined) line(name, mine, '', '', '', `< ${ours.below} ${unit}`, ours.outcome)
  else if (others.length === 0) line(name, mine)
  for (const [index, { label, why, ratio, wanted, aim, outcome = '', ...other }] of others.entries()) {
    const isFirst = index === 0 && ours.why === undefined && ours.below === undefined
    const target = wanted === undefined ? '' : `${sign} ${wanted}x${aim ? `, aim ${aim}x` : ''}`
    const theirs = why === undefined ? number(other) : 'not measured'
    const compared = ratio === undefined ? '' : `${Number(ratio.toPrecision(3))}x`
    line(isFirst ? name : '', isFirst ? mine : '', label, theirs, compared, target, outcome)
    // For a peer that is left out, the reason has been printed already.
    if (why !== undefined && !(other.peer in whoAnswered().missing)) line('', '', `  ${why}`)
  }
}

function line(...cells) {
  console.log(
    cells
      .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
      .join(' ')
      .trimEnd(),
  )
}

function write(results) {
  const folder = isWhole ? 'bench' : 'target/bench'
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, folder, 'results.json'), JSON.stringify(results, null, 2))
  console.log(`\nWritten: ${folder}/results.json`)
  if (isWhole) runTool('biome', ['format', '--write', 'bench/results.json'])
  drawCharts(results, isWhole ? 'docs' : folder)
}

function drawCharts(results, folder) {
  for (const [draw, name] of [
    [drawPeers, 'bench.svg'],
    [drawCores, 'bench-cores.svg'],
  ]) {
    if (draw(results, join(root, folder, name))) console.log(`Written: ${folder}/${name}`)
  }
}

function conclude({ rows: measured, missing, library }) {
  const all = measured.flatMap(({ ours, others }) => [ours, ...others])
  const count = (outcome) => all.filter((each) => each.outcome === outcome).length
  const failed = measured.filter(({ ours, leftOut }) => ours.why !== undefined && leftOut === undefined)
  for (const [name, why] of Object.entries(missing)) console.log(`Left out: ${name}: ${why}`)
  for (const [name, bytes] of Object.entries(library)) console.log(`${name}: ${(bytes / 1000).toFixed()} KB`)
  console.log(`\n${count('reached')} reached, ${count('missed')} missed, ${count('not measured')} not measured`)
  if (failed.length > 0) stop(`Failed: ${failed.map(({ name, ours }) => `${name} (${ours.why})`).join('; ')}`)
}

/**
 * The folder in memory if it has room for twice the largest file, otherwise the one for temporary
 * files.
 */
function roomiest() {
  if (!existsSync(IN_MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(IN_MEMORY)
  return bavail * bsize > 2 * size ? IN_MEMORY : tmpdir()
}

function rustVersions() {
  const compiler = /[\d.]+/.exec(spawn('rustc', ['--version']).stdout)?.[0]
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8')
  const crates = ['memchr', 'memmap2', 'regex'].map(
    (name) => `${name} ${new RegExp(`"${name}"\nversion = "(.*)"`).exec(lock)?.[1]}`,
  )
  return [`Rust ${compiler}`, ...crates]
}

function libraries() {
  const names = readdirSync(root).filter((name) => name.endsWith('.node'))
  return Object.fromEntries(names.map((name) => [name, statSync(join(root, name)).size]))
}

function wholeNumber(name, otherwise) {
  const value = Number(options[name] ?? otherwise)
  if (!Number.isInteger(value) || value < 1) stop(`--${name} must be a whole number, and is ${options[name]}`)
  return value
}

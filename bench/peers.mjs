// Starts peers, each in a process of its own, and sends them requests. peers/answer.mjs describes
// the protocol.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { install, obtain, RUNTIMES, SUFFIX } from '../scripts/matrix/obtain.mjs'
import { root, spawn as runToEnd } from '../scripts/setup.mjs'

const FOLDER = join(root, 'target/bench')

const PROGRAMS = {
  memmap: () => node('memmap.mjs'),
  fs: () => node('fs.mjs'),
  'mm.view(Buffer)': () => node('buffer.mjs', 'mm.view(Buffer)'),
  readFileSync: () => node('buffer.mjs', 'readFileSync'),
  '@riaskov/mmap-io': () => node('buffer.mjs', '@riaskov/mmap-io', installed('@riaskov/mmap-io')),
  '@cloudpss/mmap': () => node('buffer.mjs', '@cloudpss/mmap', installed('@cloudpss/mmap')),
  'Bun.mmap': () => [bun(), script('buffer.mjs'), 'Bun.mmap'],
  CPython: () => [process.env.PYTHON ?? 'python3', script('cpython.py')],
  Rust: () => [join(root, 'target/baseline/bench-baseline')],
  ...Object.fromEntries(
    ['fs-native-extensions', 'proper-lockfile'].map((name) => [
      name,
      () => node('lock-package.mjs', name, installed(name)),
    ]),
  ),
  rg: () => node('program.mjs', ripgrep()),
  ...Object.fromEntries(
    ['grep', 'wc', 'awk', 'sed', 'sha256sum'].map((name) => [name, () => node('program.mjs', name)]),
  ),
}

const RIPGREP = 'ripgrep@15.2.0'

const running = new Map()
const versions = new Set()
const missing = {}

/**
 * The peer, which is started first if necessary. Undefined, with a message once, if it is not
 * available.
 */
export async function peer(name) {
  if (name in missing) return undefined
  if (!running.has(name)) {
    try {
      const started = start(PROGRAMS[name]())
      running.set(name, started)
      const { result: version } = await started.ask('version', [])
      if (version !== '') versions.add(version)
    } catch (error) {
      running.delete(name)
      missing[name] = error.message
      console.log(`${name} is left out: ${error.message}`)
    }
  }
  return running.get(name)
}

/** The versions of the peers that answered, and why others are missing. */
export function whoAnswered() {
  return { versions: [...versions], missing }
}

/** Ends all peers, and with them their mappings and copies. */
export async function endPeers() {
  const ended = [...running.values()].map((peer) => peer.end())
  running.clear()
  await Promise.all(ended)
}

function start([program, ...args]) {
  const child = spawn(program, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const end = new Promise((resolve) => {
    child.once('error', ({ code }) => resolve(`its program did not start: ${code}`))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`))
  })
  // Writing to a process that has ended fails here. ask() detects the end and reports it.
  child.stdin.on('error', () => {})
  return {
    async ask(operation, args) {
      child.stdin.write(`${[operation, ...args].join('\t')}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(await end)
      const [nanoseconds, result] = value.split('\t')
      if (nanoseconds === 'error') throw new Error(result)
      return { nanoseconds: Number(nanoseconds), result }
    },
    async end() {
      child.kill()
      await end
    },
  }
}

function node(name, ...args) {
  return [process.execPath, script(name), ...args]
}

function script(name) {
  return join(root, 'bench/peers', name)
}

/** Installs a package that memmap does not depend on, for this Node. Returns its folder. */
function installed(name) {
  const folder = join(FOLDER, `node${process.versions.modules}`, name)
  if (!existsSync(join(folder, 'node_modules', name))) {
    // A script builds or fetches its library, and newer versions of npm require permission for
    // scripts.
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ allowScripts: { [name]: true } }))
    const problem = install(folder, name)
    if (problem !== undefined) throw new Error(problem)
  }
  return folder
}

function bun() {
  const found = obtain(RUNTIMES.find(({ name }) => name === 'bun'))
  if (found === undefined) throw new Error('Bun is not available for this machine')
  return found.program
}

/** The one that is installed, or one that cargo builds, which takes a minute the first time. */
function ripgrep() {
  if (runToEnd('rg', ['--version']).status === 0) return 'rg'
  const folder = join(FOLDER, 'ripgrep')
  const program = join(folder, 'bin', `rg${SUFFIX}`)
  if (existsSync(program)) return program
  console.log(`Building ${RIPGREP} in ${folder}`)
  const built = runToEnd('cargo', ['install', '--locked', '--root', folder, RIPGREP])
  if (built.status !== 0) throw new Error('cargo did not build it')
  return program
}

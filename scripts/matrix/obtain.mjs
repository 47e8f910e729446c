// Obtains the runtimes that memmap is tested on, and other packages that it does not depend on.
// They come from the npm registry and stay in target/. To update one, delete its folder.

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, spawn } from '../setup.mjs'

export const RUNTIMES_FOLDER = join(root, 'target/runtimes')

export const ELECTRON = '45.4.1'

/** These packages contain only the program, so no install script has to run. */
export const RUNTIMES = [
  ...[20, 22, 24, 26].map((version) => ({ name: `node${version}`, kind: 'node', package: nodePackage(), version })),
  { name: 'bun', kind: 'bun', package: bunPackage(), version: 1 },
  { name: 'deno', kind: 'deno', package: denoPackage(), version: 2 },
]
/** The end of a program's file name, without which Windows does not find the program. */
export const SUFFIX = process.platform === 'win32' ? '.exe' : ''
const PROGRAMS = { node: 'bin/node', bun: 'bin/bun', deno: 'deno' }

function nodePackage() {
  return `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
}

export function bunPackage(libc) {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return `@oven/bun-${system}-${process.arch === 'arm64' ? 'aarch64' : process.arch}${libc === 'musl' ? '-musl' : ''}`
}

function denoPackage() {
  return `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`
}

/** The runtime with its program and exact version, or undefined if it is not available here. */
export function obtain(runtime) {
  const home = join(RUNTIMES_FOLDER, runtime.name)
  const program = join(home, 'node_modules', runtime.package, PROGRAMS[runtime.kind] + SUFFIX)
  if (!existsSync(program)) {
    const problem = install(home, `${runtime.package}@${runtime.version}`, ['--ignore-scripts'])
    if (problem !== undefined) return unavailable(runtime, problem)
  }
  const { status, stdout, error } = spawn(program, ['--version'])
  if (status !== 0) return unavailable(runtime, error?.message ?? 'its program does not run on this machine')
  return { ...runtime, program, exact: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? '' }
}

/** Installs packages into a folder of their own. Returns the reason if that failed. */
export function install(home, specifiers, args = []) {
  const all = [specifiers].flat()
  console.log(`Getting ${all.join(', ')} from the npm registry`)
  mkdirSync(home, { recursive: true })
  // prettier-ignore
  const { status, stderr } = spawn('npm', [
    'install',
    '--prefix',
    home,
    '--no-save',
    '--no-audit',
    '--no-fund',
    ...args,
    ...all,
  ])
  if (status === 0) return undefined
  // The first message of npm that is not a code, without the address of the registry.
  const said = /npm error (?!code)(?<reason>.+)/.exec(stderr)?.groups?.reason ?? 'npm failed'
  return said.replace(/ - GET \S+/, '')
}

function unavailable({ name }, why) {
  console.log(`${name} could not be obtained: ${why}`)
  return undefined
}

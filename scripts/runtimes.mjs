// The runtimes we are tried on, and other packages that are no dependency of ours. They come from the npm registry and stay in target/;
// without their folder the newest are fetched again.

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, spawn } from './setup.mjs'

export const RUNTIMES_FOLDER = join(root, 'target/runtimes')

export const ELECTRON = '45.4.1'

/** Packages that are nothing but the program, so that none of their scripts must run. */
export const RUNTIMES = [
  ...[20, 22, 24, 26].map((version) => ({ name: `node${version}`, kind: 'node', package: nodePackage(), version })),
  { name: 'bun', kind: 'bun', package: bunPackage(), version: 1 },
  { name: 'deno', kind: 'deno', package: denoPackage(), version: 2 },
]
/** What the name of a program ends in: without it Windows does not find one. */
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

/** The runtime with its program and exact version, or undefined when it cannot be had here. */
export function obtain(runtime) {
  const home = join(RUNTIMES_FOLDER, runtime.name)
  const program = join(home, 'node_modules', runtime.package, PROGRAMS[runtime.kind] + SUFFIX)
  if (!existsSync(program)) {
    const problem = install(home, `${runtime.package}@${runtime.version}`, ['--ignore-scripts'])
    if (problem !== undefined) return cannotBeHad(runtime, problem)
  }
  const { status, stdout, error } = spawn(program, ['--version'])
  if (status !== 0) return cannotBeHad(runtime, error?.message ?? 'its program does not run on this machine')
  return { ...runtime, program, exact: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? '' }
}

/** Installs a package into a folder of its own. What it returns is why it could not. */
export function install(home, specifier, args = []) {
  console.log(`Getting ${specifier} from the npm registry`)
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
    specifier,
  ])
  if (status === 0) return undefined
  // What npm says first beside a code, without the address of the registry.
  const said = /npm error (?!code)(?<reason>.+)/.exec(stderr)?.groups?.reason ?? 'npm failed'
  return said.replace(/ - GET \S+/, '')
}

function cannotBeHad({ name }, why) {
  console.log(`${name} could not be had: ${why}`)
  return undefined
}

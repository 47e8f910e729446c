// Prepares the repository for every command: it checks the versions of Node and Cargo, installs the
// dev dependencies, and builds the native library and index.js. It only does what is missing or
// stale, and prints each step. It imports no package, because none may be installed yet.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const NODE = [20, 19]
const RUST = [1, 88]

/** Runs a command in the repository, with its output on ours. Ends the process if it fails. */
export function run(command, args, options = {}) {
  console.log(`$ ${[command, ...args].join(' ')}`)
  const started = performance.now()
  const result = spawn(command, args, { stdio: 'inherit', ...options })
  if (result.status !== 0) stop(`${command} ${args[0]} failed${result.error ? `: ${result.error.message}` : ''}`)
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Runs a command in the repository and returns how it ended and what it printed. */
export function spawn(command, args, options = {}) {
  // On Windows npm and npx are scripts, so only a shell can start them.
  const shell = process.platform === 'win32' && /^(npm|npx)$/.test(command)
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', shell, ...options })
}

/** Runs an installed dev dependency. */
export function runTool(name, args, options) {
  run('npx', ['--no-install', name, ...args], options)
}

/** Ends the process with this message. */
export function stop(sentence) {
  console.error(`\n${sentence}`)
  process.exit(1)
}

/**
 * MEMMAP_PREBUILT=1: the built files in the repository are tested as they are, and Rust is not
 * needed. CI builds once and tests the result on many machines.
 */
export const PREBUILT = process.env.MEMMAP_PREBUILT === '1'

export function setUp() {
  checkNode()
  if (PREBUILT) {
    if (nativeLibrary() === undefined) stop('MEMMAP_PREBUILT is set, but the repository has no memmap.*.node')
    installDependencies()
    return
  }
  checkRust()
  installDependencies()
  buildNative()
  buildTypeScript()
}

/** The name of the native library in the repository, or undefined if there is none. */
export function nativeLibrary() {
  return readdirSync(root).find((name) => /^memmap\..*\.node$/.test(name))
}

export function checkNode() {
  const found = process.versions.node.split('.').map(Number)
  if (isOlder(found, NODE)) {
    stop(
      `Working on memmap needs Node ${NODE.join('.')} or newer, but this is ${process.version}: install one from https://nodejs.org`,
    )
  }
}

export function checkRust() {
  const found = spawn('cargo', ['--version'])
  if (found.status !== 0) stop('Building memmap needs Rust, but there is no cargo: install it from https://rustup.rs')
  const version = /(\d+)\.(\d+)/.exec(found.stdout)?.slice(1).map(Number) ?? [0, 0]
  if (isOlder(version, RUST)) {
    stop(
      `Building memmap needs Rust ${RUST.join('.')} or newer, but this is ${found.stdout.trim()}: run "rustup update"`,
    )
  }
}

function isOlder([major, minor], [wantedMajor, wantedMinor]) {
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

export function installDependencies() {
  // npm writes this copy of the lock file at the end of each installation.
  const installed = join(root, 'node_modules/.package-lock.json')
  if (isNewerThanAll(installed, ['package.json', 'package-lock.json'])) return
  console.log('Installing dev dependencies: they are missing or older than package-lock.json')
  // `npm ci` would refuse a lock file that lacks optional packages of other platforms, and a mirror
  // of the registry may lack those. This uses the versions and hashes of the lock file too, and
  // does not write to it. No dependency needs its install script, and the environment of a release
  // contains tokens, so scripts do not run.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'])
}

export function buildNative({ force = false } = {}) {
  const library = nativeLibrary()
  const sources = ['Cargo.toml', 'Cargo.lock', 'crates']
  const upToDate =
    library !== undefined && isNewerThanAll(join(root, library), sources) && existsSync(join(root, 'binding.d.ts'))
  if (upToDate && !force) return
  console.log('Building the native library: it is missing or older than crates/')
  // prettier-ignore
  runTool('napi', [
    'build',
    '--platform',
    '--release',
    '--manifest-path',
    'crates/memmap-node/Cargo.toml',
    '--output-dir',
    '.',
    '--no-js',
    '--dts',
    'binding.d.ts',
    '--',
    '--locked',
  ])
}

export function buildTypeScript({ force = false } = {}) {
  if (!force && isNewerThanAll(join(root, 'index.js'), ['src', 'tsdown.config.ts'])) return
  console.log('Building index.js and index.d.ts: they are older than src/')
  runTool('tsdown', ['--log-level', 'warn'])
}

function isNewerThanAll(target, sources) {
  return existsSync(target) && sources.every((source) => newest(join(root, source)) <= statSync(target).mtimeMs)
}

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** The content of `package.json`. */
export function packageJson() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

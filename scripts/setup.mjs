// What every command needs first: Node and Cargo of the right age, the dev dependencies, the native library and index.js. Installs
// and builds only what is missing or stale, and says so. It has no dependency itself, because nothing is installed yet.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const NODE = [20, 19]
const RUST = [1, 88]

/** Runs a command in the repository with our output; stops everything when it fails. */
export function run(command, args, options = {}) {
  console.log(`$ ${[command, ...args].join(' ')}`)
  const started = performance.now()
  const result = spawn(command, args, { stdio: 'inherit', ...options })
  if (result.status !== 0) stop(`${command} ${args[0]} failed${result.error ? `: ${result.error.message}` : ''}`)
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

export function spawn(command, args, options = {}) {
  // npm and npx are scripts on Windows, which only a shell can start.
  const shell = process.platform === 'win32' && /^(npm|npx)$/.test(command)
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', shell, ...options })
}

/** Runs an installed dev dependency. */
export function runTool(name, args, options) {
  run('npx', ['--no-install', name, ...args], options)
}

export function stop(sentence) {
  console.error(`\n${sentence}`)
  process.exit(1)
}

/** MEMMAP_PREBUILT=1: what is built lies there already and is to be tested as it is, where there may be no Rust. CI builds once. */
export const PREBUILT = process.env.MEMMAP_PREBUILT === '1'

export function setUp() {
  checkNode()
  if (PREBUILT) {
    if (nativeLibrary() === undefined) stop('MEMMAP_PREBUILT is set, and there is no memmap.*.node')
    installDependencies()
    return
  }
  checkRust()
  installDependencies()
  buildNative()
  buildTypeScript()
}

/** The name of the library that lies in the repository, if there is one. */
export function nativeLibrary() {
  return readdirSync(root).find((name) => /^memmap\..*\.node$/.test(name))
}

export function checkNode() {
  const found = process.versions.node.split('.').map(Number)
  if (isOlder(found, NODE)) {
    stop(
      `Working on memmap needs Node ${NODE.join('.')} or newer, and this is ${process.version}: get one from https://nodejs.org`,
    )
  }
}

export function checkRust() {
  const found = spawn('cargo', ['--version'])
  if (found.status !== 0) stop('Building memmap needs Rust, and there is no cargo: get it from https://rustup.rs')
  const version = /(\d+)\.(\d+)/.exec(found.stdout)?.slice(1).map(Number) ?? [0, 0]
  if (isOlder(version, RUST)) {
    stop(
      `Building memmap needs Rust ${RUST.join('.')} or newer, and this is ${found.stdout.trim()}: run "rustup update"`,
    )
  }
}

function isOlder([major, minor], [wantedMajor, wantedMinor]) {
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

export function installDependencies() {
  // npm writes its own copy of the lock file when it has installed.
  const installed = join(root, 'node_modules/.package-lock.json')
  if (isNewerThanAll(installed, ['package.json', 'package-lock.json'])) return
  console.log('Installing dev dependencies: they are missing or older than package-lock.json')
  // Not `npm ci`: it refuses a lock file without the optional packages of all other platforms, which a mirror of the registry
  // may lack. This takes the versions and hashes of the lock file too, and writes none. None of them needs its script, and a release
  // has tokens in its environment.
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

/** What of `package.json` other scripts need. */
export function packageJson() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

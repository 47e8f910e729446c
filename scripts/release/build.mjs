// npm run build:release -- --target TRIPLE: builds the native library for a release, in
// target/artifacts. TRIPLE is one of napi.targets in package.json. For Linux, zig links it, so that
// it needs glibc 2.17 and not this machine's. macOS and Windows need their own linker.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNode, checkRust, installDependencies, packageJson, root, run, runTool, spawn, stop } from '../setup.mjs'
import { examine, GLIBC, rustFlags, zigIn } from './binaries.mjs'
import { libraryName } from './stage.mjs'

const ARTIFACTS = 'target/artifacts'

const { values: options } = parseArgs({ options: { target: { type: 'string' } } })
const targets = packageJson().napi.targets
if (!targets.includes(options.target)) stop(`--target must be one of ${targets.join(', ')}`)

checkNode()
checkRust()
installDependencies()
const installed = spawn('rustup', ['target', 'list', '--installed']).stdout?.split(/\s+/) ?? []
if (!installed.includes(options.target)) run('rustup', ['target', 'add', options.target])
build(options.target)
await check(options.target)

function build(target) {
  const onLinux = target.includes('-linux-')
  const env = { ...process.env }
  if (onLinux) env.PATH = `${zigIn(join(root, 'target/tools'), run)}:${env.PATH}`
  // Microsoft's C runtime is linked statically, because a fresh Windows does not have it.
  const runtime = target.endsWith('-msvc') ? '-C target-feature=+crt-static' : undefined
  env.RUSTFLAGS = rustFlags(env.RUSTFLAGS, runtime)
  // prettier-ignore
  const args = [
    'build',
    '--platform',
    '--release',
    '--manifest-path',
    'crates/memmap-node/Cargo.toml',
    '--output-dir',
    ARTIFACTS,
    '--no-js',
    '--target',
    target.endsWith('-linux-gnu') ? `${target}.${GLIBC}` : target,
    ...(onLinux ? ['--cross-compile'] : []),
    '--',
    '--locked',
  ]
  runTool('napi', args, { env })
}

/** Ends the process if the library would not run on all systems that it is released for. */
async function check(target) {
  // Imported here, because installDependencies() may have to install it first.
  const { parseTriple } = await import('@napi-rs/cli')
  const name = libraryName(parseTriple(target).platformArchABI)
  const { problems, facts } = examine(join(root, ARTIFACTS, name))
  if (problems.length > 0) stop(`${name}: ${problems.join('; ')}`)
  console.log(`${name}: ${facts.join(', ')}`)
}

// npm run build:release -- --target TRIPLE: the native library as it is released, for one of napi.targets in package.json, in target/artifacts.
// On Linux zig links it, so that it asks for glibc 2.17 and not for this machine's. For the other systems their own linker is needed.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNode, checkRust, installDependencies, packageJson, root, run, runTool, spawn, stop } from '../setup.mjs'
import { libraryName } from '../stage.mjs'
import { examine, GLIBC, rustFlags, zigIn } from './binaries.mjs'

const ARTIFACTS = 'target/artifacts'

const { values: options } = parseArgs({ options: { target: { type: 'string' } } })
const targets = packageJson().napi.targets
if (!targets.includes(options.target)) stop(`--target is one of ${targets.join(', ')}`)

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
  // Microsoft's C runtime, which Windows comes without, is linked in.
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

/** Whether what was built runs where it is said to run. */
async function check(target) {
  // Not at the top: it may just have been installed.
  const { parseTriple } = await import('@napi-rs/cli')
  const name = libraryName(parseTriple(target).platformArchABI)
  const { wrong, said } = examine(join(root, ARTIFACTS, name))
  if (wrong.length > 0) stop(`${name}: ${wrong.join('; ')}`)
  console.log(`${name}: ${said.join(', ')}`)
}

// npm run build:release -- --target TRIPLE: the native library as it is released, for one of napi.targets in package.json, in target/artifacts.
// On Linux zig links it, so that it asks for glibc 2.17 and not for this machine's. For the other systems their own linker is needed.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNode, checkRust, installDependencies, packageJson, root, run, runTool, spawn, stop } from './setup.mjs'

const GLIBC = [2, 17]
const ZIG = ['ziglang==0.15.2', 'cargo-zigbuild==0.24.0']
const TOOLS = join(root, 'target/tools')
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
if (options.target.endsWith('-linux-gnu')) checkGlibc()

function build(target) {
  const onLinux = target.includes('-linux-')
  const env = { ...process.env }
  if (onLinux) env.PATH = `${zig()}:${env.PATH}`
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
    target.endsWith('-linux-gnu') ? `${target}.${GLIBC.join('.')}` : target,
    ...(onLinux ? ['--cross-compile'] : []),
    '--',
    '--locked',
  ]
  runTool('napi', args, { env })
}

/** The folder of zig and cargo-zigbuild, which come from PyPI. */
function zig() {
  const programs = join(TOOLS, 'bin')
  if (!existsSync(join(programs, 'cargo-zigbuild'))) {
    run('python3', ['-m', 'venv', TOOLS])
    run(join(programs, 'pip'), ['install', '--quiet', ...ZIG])
  }
  return programs
}

/** Whether what was built runs where it is said to run. */
function checkGlibc() {
  for (const name of readdirSync(join(root, ARTIFACTS)).filter((name) => name.endsWith('-gnu.node'))) {
    const asked = [...readFileSync(join(root, ARTIFACTS, name), 'latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)]
    const newest = asked
      .map(([, major, minor]) => [Number(major), Number(minor)])
      .sort(compare)
      .at(-1)
    if (newest === undefined || compare(newest, GLIBC) > 0) stop(`${name} asks for glibc ${newest?.join('.')}`)
    console.log(`${name} asks for glibc ${newest.join('.')}`)
  }
}

function compare([major, minor], [otherMajor, otherMinor]) {
  return major - otherMajor || minor - otherMinor
}

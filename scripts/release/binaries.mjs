// The rules for every released library, and the linker for Linux. Each script that builds a library
// uses this file.

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The oldest glibc that the libraries for it run on. */
export const GLIBC = '2.17'
const MAX_BYTES = 1_137_000
const ZIG = ['ziglang==0.15.2', 'cargo-zigbuild==0.24.0']

/**
 * Installs zig and cargo-zigbuild from PyPI into a folder. zig links for every platform and for
 * that glibc, and cargo-zigbuild makes cargo use it. Returns the folder of the programs.
 * @param run runs a command, or throws
 */
export function zigIn(folder, run) {
  const programs = join(folder, 'bin')
  if (!existsSync(join(programs, 'cargo-zigbuild'))) {
    console.log('Getting zig and cargo-zigbuild')
    run('python3', ['-m', 'venv', folder])
    run(join(programs, 'pip'), ['install', '--quiet', ...ZIG])
  }
  return programs
}

/**
 * RUSTFLAGS with these flags. The message of a panic then names no folder of the building machine.
 */
export function rustFlags(...flags) {
  const sources = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src')
  // cargo splits RUSTFLAGS at spaces.
  if (!sources.includes(' ')) flags.push(`--remap-path-prefix=${sources}=registry`)
  return flags.filter((flag) => flag !== undefined).join(' ')
}

/** Inspects a library. Returns its problems, and facts for the report. */
export function examine(library) {
  const content = readFileSync(library, 'latin1')
  const problems = []
  const facts = [`${content.length.toLocaleString('en-US')} bytes`]
  if (content.length > MAX_BYTES) problems.push(`it has ${content.length} bytes, but at most ${MAX_BYTES} are allowed`)
  if (library.endsWith('-gnu.node')) {
    const versions = [...content.matchAll(/GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version]) => version)
    const newest = versions.sort(compareVersions).at(-1)
    facts.push(`glibc ${newest}`)
    if (newest === undefined || compareVersions(newest, GLIBC) > 0)
      problems.push(`it needs glibc ${newest}, but must run on ${GLIBC}`)
  }
  if (/vcruntime140/i.test(content)) problems.push('it needs VCRUNTIME140.dll, which a fresh Windows does not have')
  return { problems, facts }
}

function compareVersions(one, other) {
  return one.localeCompare(other, 'en', { numeric: true })
}

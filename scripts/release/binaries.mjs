// What every library that is released has to be, and with what it is linked on Linux, whichever script builds it.

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The oldest glibc that the libraries for it run on. */
export const GLIBC = '2.17'
const MOST_BYTES = 760_000
const ZIG = ['ziglang==0.15.2', 'cargo-zigbuild==0.24.0']

/**
 * Installs zig, which links for every platform and for that glibc, and what has cargo use it, from PyPI into a folder. Returns where
 * the programs are.
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

/** RUSTFLAGS with these, and such that what a panic says does not name folders of the machine that built it. */
export function rustFlags(...flags) {
  const sources = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src')
  // A space would begin another flag.
  if (!sources.includes(' ')) flags.push(`--remap-path-prefix=${sources}=registry`)
  return flags.filter((flag) => flag !== undefined).join(' ')
}

/** What is wrong with a library, and what is worth saying of it. */
export function examine(library) {
  const content = readFileSync(library, 'latin1')
  const wrong = []
  const said = [`${content.length.toLocaleString('en-US')} bytes`]
  if (content.length > MOST_BYTES) wrong.push(`it has ${content.length} bytes, and is to have ${MOST_BYTES} at most`)
  if (library.endsWith('-gnu.node')) {
    const asked = [...content.matchAll(/GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version]) => version)
    const newest = asked.sort(compareVersions).at(-1)
    said.push(`glibc ${newest}`)
    if (newest === undefined || compareVersions(newest, GLIBC) > 0)
      wrong.push(`it needs glibc ${newest}, and is to run on ${GLIBC}`)
  }
  if (/vcruntime140/i.test(content)) wrong.push('it needs VCRUNTIME140.dll, which a fresh Windows has not')
  return { wrong, said }
}

function compareVersions(one, other) {
  return one.localeCompare(other, 'en', { numeric: true })
}

// Programs of other platforms, run on this machine: each to its end or to the end of its time, and its output to files.

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as obtain from './obtain.mjs'

/**
 * A way to run programs: `wrap` makes of a command what this machine can start. With `namespace` it is started in a user namespace of
 * its own, for what needs settings of the kernel that no one else is to have.
 */
const NATIVE = { wrap: (command) => command, env: {} }

/** Programs that were made for this system. */
export function natively() {
  return NATIVE
}

/** Programs for Windows. Their input and output must be files: Node ends at once on Wine's view of a pipe. */
export function underWine() {
  const { program, env, version, end, temporary } = obtain.wine()
  return { wrap: (command) => [program, ...command], env, version: `Wine ${version}`, end, temporary }
}

/**
 * Programs for arm64 Linux, and what they start in turn.
 *
 * @param libraries set for musl: where its programs find theirs
 */
export function underQemu({ libraries, pageSize } = {}) {
  obtain.qemu()
  return {
    wrap: (command) => inShell([BINFMT, ...(libraries === undefined ? [] : [asOnMusl('aarch64')])], command),
    env: {
      ...(pageSize === undefined ? {} : { QEMU_PAGESIZE: String(pageSize) }),
      ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }),
    },
    namespace: true,
  }
}

/** Programs for musl on x64. */
export function onMusl(libraries) {
  return {
    wrap: (command) => ['unshare', '--mount', ...inShell([asOnMusl('x86_64')], command)],
    env: { LD_LIBRARY_PATH: libraries },
  }
}

// Linux 6.7 has them for each user namespace apart.
const BINFMT =
  'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && ' +
  'cat /usr/lib/binfmt.d/qemu-aarch64.conf > /proc/sys/fs/binfmt_misc/register'

/** The generated loader, as much else, looks into ldd to find out which C library there is. This is musl's, as in Alpine. */
function asOnMusl(machine) {
  const ldd = join(obtain.FOLDER, `ldd-${machine}`)
  mkdirSync(obtain.FOLDER, { recursive: true })
  writeFileSync(ldd, `#!/bin/sh\nexec /lib/ld-musl-${machine}.so.1 --list "$@"\n`, { mode: 0o755 })
  return `mount --bind ${ldd} /usr/bin/ldd`
}

function inShell(steps, command) {
  return ['sh', '-c', `set -e; ${steps.join('; ')}; exec "$@"`, 'sh', ...command]
}

let running
/** Ends what runs, for when we are ended ourselves. */
export function stopRunning() {
  if (running === undefined) return
  const { child, way } = running
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
  way.end?.()
}

/** Runs a command and says how it ended and what it printed, which is left in `log` and in `log` with .err behind it. */
export async function run(way, command, { cwd, seconds, log }) {
  const scratch = mkdtempSync(join(tmpdir(), 'memmap-platforms-'))
  const files = [openSync(log, 'w'), openSync(`${log}.err`, 'w')]
  const env = { ...process.env, ...way.env, TMPDIR: scratch, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  // Of the tests' own ava, and what a developer may have set for this machine's Node.
  for (const name of ['NODE_OPTIONS', 'CI', 'FORCE_COLOR']) delete env[name]
  const [program, ...args] = way.namespace ? inNamespace(way.wrap(command)) : way.wrap(command)
  try {
    return await toItsEnd(program, args, { cwd, env, files, way }, seconds, log)
  } finally {
    for (const file of files) closeSync(file)
    // Also what a process that crashed could not remove.
    for (const folder of [scratch, ...(way.temporary?.() ?? [])]) rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits for its users, and starts again as their root. */
function inNamespace(command) {
  return [
    'unshare',
    '--user',
    '--mount',
    'sh',
    '-c',
    'echo ready >&3; read _ <&3; exec 3>&-; exec "$@"',
    'sh',
    ...command,
  ]
}

function toItsEnd(program, args, { cwd, env, files, way }, seconds, log) {
  return new Promise((resolve) => {
    const stdio = ['ignore', ...files, ...(way.namespace ? ['pipe'] : [])]
    // With a group of its own, which can be ended with all that it has started.
    const child = spawn(program, args, { cwd, env, stdio, detached: true })
    running = { child, way }
    if (way.namespace) child.stdio[3].once('data', () => giveUsers(child))
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      stopRunning()
    }, seconds * 1000)
    const end = (how) => {
      clearTimeout(timer)
      running = undefined
      const [stdout, stderr] = [log, `${log}.err`].map((file) => readFileSync(file, 'utf8').replaceAll('\r', ''))
      resolve({ ...how, how: timedOut ? `not done after ${seconds} s` : how.how, stdout, stderr })
    }
    child.once('error', (error) => end({ ok: false, how: error.message }))
    child.once('exit', (code, signal) =>
      end({ ok: code === 0 && !timedOut, how: `ended with ${signal ?? `code ${code}`}` }),
    )
  })
}

/** All users of this machine are there under their own numbers; what only one user may map is root alone. */
function giveUsers(child) {
  const count = process.getuid?.() === 0 ? 65536 : 1
  if (count === 1) writeFileSync(`/proc/${child.pid}/setgroups`, 'deny')
  writeFileSync(`/proc/${child.pid}/uid_map`, `0 ${process.getuid?.()} ${count}`)
  writeFileSync(`/proc/${child.pid}/gid_map`, `0 ${process.getgid?.()} ${count}`)
  child.stdio[3].end('\n')
}

// Runs programs of other platforms on this machine, each until it ends or its time limit is
// reached. Their output goes to files.

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as obtain from './obtain.mjs'

/**
 * A way to run programs. `wrap` turns a command into one that this machine can start. With
 * `namespace` it starts in a user namespace of its own, so that settings of the kernel apply to
 * this program only.
 */
const NATIVE = { wrap: (command) => command, env: {} }

/** For programs of this machine. */
export function natively() {
  return NATIVE
}

/**
 * For programs of Windows. Input and output must be files, because Node ends at once with a pipe of
 * Wine.
 */
export function underWine() {
  const { program, env, version, end, temporary } = obtain.wine()
  return { wrap: (command) => [program, ...command], env, version: `Wine ${version}`, end, temporary }
}

/**
 * For programs of arm64 Linux, and the programs that they start.
 *
 * @param libraries only for musl: the folders of the program's libraries
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

/** For programs with musl on x64. */
export function onMusl(libraries) {
  return {
    wrap: (command) => ['unshare', '--mount', ...inShell([asOnMusl('x86_64')], command)],
    env: { LD_LIBRARY_PATH: libraries },
  }
}

// Since Linux 6.7 each user namespace has its own binary formats.
const BINFMT =
  'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && ' +
  'cat /usr/lib/binfmt.d/qemu-aarch64.conf > /proc/sys/fs/binfmt_misc/register'

/**
 * Replaces ldd by one that uses musl, as in Alpine. memmap's loader reads ldd to recognize the C
 * library, as others do.
 */
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
/** Ends the running program. For signals that end this process, and for time limits. */
export function stopRunning() {
  if (running === undefined) return
  const { child, way } = running
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The program has ended by itself in the meantime.
  }
  way.end?.()
}

/**
 * Runs a command. Returns how it ended and its output, which stays in the files `log` and
 * `log`.err.
 */
export async function run(way, command, { cwd, seconds, log }) {
  const scratch = mkdtempSync(join(tmpdir(), 'memmap-platforms-'))
  const files = [openSync(log, 'w'), openSync(`${log}.err`, 'w')]
  const env = { ...process.env, ...way.env, TMPDIR: scratch, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  // These are for this machine's Node, or change the output of ava.
  for (const name of ['NODE_OPTIONS', 'CI', 'FORCE_COLOR']) delete env[name]
  const [program, ...args] = way.namespace ? inNamespace(way.wrap(command)) : way.wrap(command)
  try {
    return await toItsEnd(program, args, { cwd, env, files, way }, seconds, log)
  } finally {
    for (const file of files) closeSync(file)
    // A process that crashed has not removed its files.
    for (const folder of [scratch, ...(way.temporary?.() ?? [])]) rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Waits until giveUsers() has mapped the users, and then runs the command as root of the namespace.
 */
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
    // In a group of its own, so that it can be ended together with the processes it has started.
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
      resolve({ ...how, how: timedOut ? `had not ended after ${seconds} s` : how.how, stdout, stderr })
    }
    child.once('error', (error) => end({ ok: false, how: error.message }))
    child.once('exit', (code, signal) =>
      end({ ok: code === 0 && !timedOut, how: `ended with ${signal ?? `code ${code}`}` }),
    )
  })
}

/** Maps all users of this machine to their own numbers. An unprivileged user can map root only. */
function giveUsers(child) {
  const count = process.getuid?.() === 0 ? 65536 : 1
  if (count === 1) writeFileSync(`/proc/${child.pid}/setgroups`, 'deny')
  writeFileSync(`/proc/${child.pid}/uid_map`, `0 ${process.getuid?.()} ${count}`)
  writeFileSync(`/proc/${child.pid}/gid_map`, `0 ${process.getgid?.()} ${count}`)
  child.stdio[3].end('\n')
}

// A virtual machine without KVM, which plays scenarios one after the other and turns itself off.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { FOLDER } from './obtain.mjs'

/** Where the kernel's own messages go. */
const CONSOLE = join(FOLDER, 'console.log')

/** What begins a line of init.sh itself. */
const MARK = '\x1e'

// With memory for tmpfs, which gives a page also to a hole that is read through a mapping.
const MACHINE = ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '4096']

let running

/** Ends the machine that runs, for when we are ended ourselves. */
export function stopGuest() {
  running?.kill('SIGKILL')
}

/**
 * Boots the machine. Yields the version of the kernel first, then for each scenario its exit code,
 * what it printed and how many seconds it took. Throws when the machine ends too early.
 */
export async function* play({ qemu, kernel, initrd, scenarios, seconds }) {
  // prettier-ignore
  const guest = [
    ...MACHINE,
    '-kernel',
    kernel,
    '-initrd',
    initrd,
    '-append',
    'console=ttyS0 panic=-1 quiet',
    '-nodefaults',
    '-no-reboot',
    '-display',
    'none',
    '-serial',
    `file:${CONSOLE}`,
    '-serial',
    'stdio',
  ]
  // It ends with us, however we end.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', qemu, ...guest], { stdio: ['ignore', 'pipe', 'pipe'] })
  running = child
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  let failure
  child.once('error', (error) => {
    failure = error.message
  })
  const timer = setTimeout(() => {
    failure = `it was not done after ${seconds} s`
    stopGuest()
  }, seconds * 1000)
  let played = 0
  let lines = []
  let begun
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith(MARK)) {
        lines.push(line)
        continue
      }
      const [event, value] = line.slice(MARK.length).split(' ')
      if (event === 'kernel') yield { kernel: value }
      if (event === 'end') {
        played += 1
        yield { ...endOf(Number(value)), output: lines.join('\n').trim(), seconds: (performance.now() - begun) / 1000 }
      }
      lines = []
      begun = performance.now()
    }
  } finally {
    clearTimeout(timer)
    stopGuest()
  }
  if (played === scenarios) return
  const said = [
    failure,
    errors,
    lines.join('\n'),
    readFileSync(CONSOLE, 'utf8').trim().split('\n').slice(-20).join('\n'),
  ]
  throw new Error(`The machine has ended: ${said.filter((text) => text).join('\n')}`)
}

/** What the shell says of a signal is 128 and its number. */
function endOf(code) {
  const signal = Object.keys(constants.signals).find((name) => constants.signals[name] === code - 128)
  return { code, how: signal === undefined ? `code ${code}` : signal }
}

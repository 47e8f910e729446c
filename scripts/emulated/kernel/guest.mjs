// A virtual machine without KVM, which runs scenarios one after the other and turns itself off.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { FOLDER } from './obtain.mjs'

/** The file for the kernel's messages. */
const CONSOLE = join(FOLDER, 'console.log')

/** The first character of the lines that init.sh prints itself. */
const MARK = '\x1e'

// It has enough memory for tmpfs, which allocates a page even for a hole that a mapping reads.
const MACHINE = ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '4096']

let running

/** Ends the virtual machine. For signals that end this process. */
export function stopGuest() {
  running?.kill('SIGKILL')
}

/**
 * Boots the machine. Yields the version of the kernel first, then for each scenario its exit code,
 * its output and its duration in seconds. Throws if the machine ends before the last scenario.
 */
export async function* runGuest({ qemu, kernel, initrd, scenarios, seconds }) {
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
  // The kernel ends the machine when this process ends, for whatever reason.
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
    failure = `it had not ended after ${seconds} s`
    stopGuest()
  }, seconds * 1000)
  let ended = 0
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
        ended += 1
        yield { ...endOf(Number(value)), output: lines.join('\n').trim(), seconds: (performance.now() - begun) / 1000 }
      }
      lines = []
      begun = performance.now()
    }
  } finally {
    clearTimeout(timer)
    stopGuest()
  }
  if (ended === scenarios) return
  const said = [
    failure,
    errors,
    lines.join('\n'),
    readFileSync(CONSOLE, 'utf8').trim().split('\n').slice(-20).join('\n'),
  ]
  throw new Error(`The machine has ended too early: ${said.filter((text) => text).join('\n')}`)
}

/** A shell reports a signal as exit code 128 plus its number. */
function endOf(code) {
  const signal = Object.keys(constants.signals).find((name) => constants.signals[name] === code - 128)
  return { code, how: signal === undefined ? `code ${code}` : signal }
}

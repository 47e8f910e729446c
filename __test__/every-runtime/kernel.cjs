// Scenarios that fail only on certain kernels: `node --expose-gc kernel.cjs NAME` runs one of them.
// Only Node runs them, in the guest of scripts/emulated/test-kernel.mjs. There the scratch files
// are on tmpfs, and the user is root.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { statSync } = require('node:fs')
const { join } = require('node:path')
const { play } = require('./play.cjs')
const { needsLinux } = require('./process-state.cjs')
const { CannotBe } = require('./runtime.cjs')
const { scratchFolder, scratchPath } = require('./scratch.cjs')

const MIB = 2 ** 20

const PACKAGE = JSON.stringify(join(__dirname, '../../index.js'))

/** Runs a program, which must succeed, and returns its output. */
function outputOfProgram(command, args) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  assert.equal(error?.code ?? signal ?? status, 0, stderr)
  return stdout
}

const scenarios = {
  'the package without /proc': () => {
    needsLinux()
    if (process.getuid() !== 0) throw new CannotBe('only root unmounts /proc')
    const program = `
      const map = require(${PACKAGE}).mmap(-1, 10)
      map.write('hello')
      console.log(map.slice(0, 5).toString(), require('node:fs').existsSync('/proc/self'))`
    // This runs in a mount namespace of its own, so that other processes keep /proc.
    const command = ['--mount', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh', process.execPath, '-e', program]
    assert.equal(outputOfProgram('unshare', command), 'hello false\n')
  },

  'create on tmpfs under a profiler': () => {
    const path = scratchPath()
    const program = `require(${PACKAGE}).mmap(${JSON.stringify(path)}, ${64 * MIB}, { create: true }).close()`
    // The profiler interrupts system calls by a signal each millisecond.
    outputOfProgram(process.execPath, ['--cpu-prof', '--cpu-prof-dir', scratchFolder(), '-e', program])
    assert.equal(statSync(path).size, 64 * MIB)
  },
}

if (require.main === module) play(scenarios, process.argv[2])

module.exports = scenarios

// The command `memmap`, which must also work where Bun or Deno runs it.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { outputOf, startScript } = require('./others.cjs')
const { LEADING_ARGUMENTS, runtimeName } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

const COMMAND = join(__dirname, '../../cli.js')

module.exports = {
  'memmap grep: it prints the lines that match': async () => {
    const path = scratchFile('one 1\ntwo 2\none 3\n')
    assert.equal(await outputOf(COMMAND, ['grep', '^o.*\\d', path]), 'one 1\none 3')
    assert.equal(await outputOf(COMMAND, ['grep', '-no', '[23]', path]), '2:2\n3:3')
    const { code } = await startScript(COMMAND, ['grep', 'three', path]).ended
    assert.equal(code, 1)
  },

  'memmap replace: it replaces in the file, and says how often': async () => {
    const path = scratchFile('one two one')
    assert.equal(await outputOf(COMMAND, ['replace', 'one', 'ONE', path]), `2 replaced in ${path}`)
    assert.equal(readFileSync(path, 'utf8'), 'ONE two ONE')
    const { code } = await startScript(COMMAND, ['replace', 'one', 'two', path]).ended
    assert.equal(code, 1)
  },

  'memmap hexdump: it prints rows, and ends when its reader does': async () => {
    const path = scratchFile(Buffer.alloc(4 * 1024 * 1024, 'Hello!\n\0'))
    const [first] = (await outputOf(COMMAND, ['hexdump', '-n', '32', path])).split('\n')
    assert.equal(first, '00000000  48 65 6c 6c 6f 21 0a 00  48 65 6c 6c 6f 21 0a 00  |Hello!..Hello!..|')

    const args = [...LEADING_ARGUMENTS[runtimeName()], COMMAND, 'hexdump', '-v', path]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    assert.deepEqual(await ended, [0, null])
  },

  'memmap resident: it counts pages': async () => {
    const path = scratchFile(Buffer.alloc(100_000, 1))
    const { length, resident, total } = JSON.parse(await outputOf(COMMAND, ['resident', '--json', '--load', path]))
    assert.equal(length, 100_000)
    assert.ok(total > 0)
    assert.equal(resident, total)
  },
}

// Peers that are programs of the system: `program.mjs PROGRAM`. The time includes starting it. In
// the locale C, text is bytes for them, which is faster.

import { spawnSync } from 'node:child_process'
import { answer, timed } from './answer.mjs'

const [program] = process.argv.slice(2)
const FAILED_FROM = 2

function run(...args) {
  const options = { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: Number.POSITIVE_INFINITY }
  const { error, status, stdout, stderr } = spawnSync(program, args, options)
  if (error !== undefined) throw error
  // grep and rg end with 1 if nothing was found.
  if (status >= FAILED_FROM) throw new Error(`${program} failed: ${stderr}`)
  return stdout
}

/** Times the program, and makes the answer out of its output after that. */
function asked(args, toResult) {
  const { nanoseconds, result } = timed(() => run(...args))
  return { nanoseconds, result: toResult(result.toString('latin1')) }
}

await answer({
  version() {
    const { error, status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    if (error !== undefined) throw new Error(`there is no program ${program}`)
    // Not all programs know this option.
    return { nanoseconds: 0, result: status === 0 ? stdout.split('\n')[0] : '' }
  },

  /** The result is the first word that it printed: a count, or a hash. */
  run: (path, _length, ...args) => asked([...args, path], (text) => text.trim().split(' ')[0]),

  /** The result is what it printed, in the order of the lines. */
  table: (path, _length, ...args) => asked([...args, path], (text) => lines(text).sort().join(', ')),

  /** The result is the number of lines and of their characters. */
  lines: (path, _length, ...args) =>
    asked([...args, path], (text) => `${lines(text).length} ${lines(text).join('').length}`),

  /** Only sed is asked for this. It does not tell how many there were. */
  replaceThereAndBack(path, _length, one, other) {
    const replace = (from, to) => run('-i', `s/${from}/${to}/g`, path)
    const { nanoseconds } = timed(() => {
      replace(one, other)
      replace(other, one)
    })
    return { nanoseconds, result: '' }
  },
})

function lines(text) {
  return text.replace(/\n$/, '').split('\n')
}

// Checks the width of comments, which no formatter wraps.

import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { root, spawn, stop } from '../setup.mjs'

const WIDTH = 100
const FOLDERS = ['src', 'crates', '__test__', 'scripts', 'bench', 'examples']

const SLASHES = /^\s*(\/\/|\/\*|\*[ /])/
const HASH = /^\s*#/
/** What begins a line of a comment, by the extension of the file. */
const BEGINNINGS = {
  '.ts': SLASHES,
  '.mts': SLASHES,
  '.mjs': SLASHES,
  '.cjs': SLASHES,
  '.rs': SLASHES,
  '.py': HASH,
  '.sh': HASH,
}

/** Ends the process with a list of all lines that are too long. */
export function checkComments() {
  console.log('comments')
  const problems = sources().flatMap((name) => {
    const lines = readFileSync(join(root, name), 'utf8').split('\n')
    return lines.flatMap((line, index) => {
      if (line.length <= WIDTH || !BEGINNINGS[extname(name)].test(line)) return []
      return [`${name}:${index + 1}: ${line.length} characters, but a comment has at most ${WIDTH}`]
    })
  })
  if (problems.length > 0) stop(problems.join('\n'))
}

function sources() {
  const names = spawn('git', ['ls-files', '-z', ...FOLDERS]).stdout.split('\0')
  return names.filter((name) => extname(name) in BEGINNINGS)
}

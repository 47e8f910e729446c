// memmap grep PATTERN FILE...

import { parseArgs } from 'node:util'
import { ACCESS_READ, type Mmap, mmap } from 'memmap'
import { UsageError } from './arguments.js'
import { colours, type Output, paint, RED } from './output.js'

export const GREP_HELP = `Usage: memmap grep [OPTION]... PATTERN FILE...

Prints the lines that PATTERN matches, a regular expression of JavaScript. It is searched for in
linear time, so look-around and references to groups are refused.

  -i, --ignore-case    ignores case
  -F, --fixed-strings  PATTERN is text
  -c, --count          prints how many lines match
  -n, --line-number    prints the numbers of lines, from 1
  -o, --only-matching  prints the matches, each on a line
      --color WHEN     always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json           prints an object for each line
  -h, --help           prints this

Exit code: 0 if a line matches, 1 if none does, 2 for an error.
`

interface Request {
  re: RegExp
  count: boolean
  numbers: boolean
  only: boolean
  json: boolean
  inColour: boolean
  /** Whether the name of the file is before each line. */
  named: boolean
}

export async function grep(args: string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'ignore-case': { type: 'boolean', short: 'i', default: false },
      'fixed-strings': { type: 'boolean', short: 'F', default: false },
      count: { type: 'boolean', short: 'c', default: false },
      'line-number': { type: 'boolean', short: 'n', default: false },
      'only-matching': { type: 'boolean', short: 'o', default: false },
      color: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  })
  const [pattern, ...files] = positionals
  if (pattern === undefined) throw new UsageError('PATTERN is missing')
  if (files.length === 0) throw new UsageError('FILE is missing')
  const request: Request = {
    re: regExp(values['fixed-strings'] ? escaped(pattern) : pattern, values['ignore-case']),
    count: values.count,
    numbers: values['line-number'],
    only: values['only-matching'],
    json: values.json,
    inColour: colours(values.color),
    named: files.length > 1,
  }
  let found = 0
  let failed = false
  for (const file of files) {
    try {
      found += await inFile(file, request, output)
    } catch (error) {
      // A file that cannot be read does not keep the others from being searched, as in grep.
      if (output.isClosed || (error as { code?: string }).code === 'ERR_MMAP_REGEXP') throw error
      process.stderr.write(`memmap: ${error instanceof Error ? error.message : String(error)}\n`)
      failed = true
    }
  }
  if (failed) return 2
  return found > 0 ? 0 : 1
}

/** Characters are those of UTF-8, unless PATTERN has an escape that the flag `u` refuses. */
function regExp(pattern: string, ignoreCase: boolean): RegExp {
  const flags = ignoreCase ? 'im' : 'm'
  try {
    return new RegExp(pattern, `${flags}u`)
  } catch {
    // The error of this one is for the user.
  }
  try {
    return new RegExp(pattern, flags)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** How many lines match. */
async function inFile(file: string, request: Request, output: Output): Promise<number> {
  const mm = mmap(file, { access: ACCESS_READ, allowEmpty: true })
  try {
    const { count, numbers, only, json, inColour, named } = request
    const prefix = named ? `${file}:` : ''
    if (count) {
      const lines = countLines(mm, request.re)
      await output.write(json ? `${JSON.stringify({ file, count: lines })}\n` : `${prefix}${lines}\n`)
      return lines
    }
    if (numbers || only || json || inColour) return await placedLines(mm, file, request, output)
    let lines = 0
    for (const line of mm.lines({ matching: request.re })) {
      lines += 1
      if (named) await output.write(prefix)
      // A copy, because the file is closed before the output is taken.
      await output.write(Buffer.from(line))
      await output.write('\n')
    }
    return lines
  } finally {
    // The views of the lines are not used any more.
    mm.unmap()
  }
}

function countLines(mm: Mmap, re: RegExp): number {
  let lines = 0
  for (const _ of mm.lines({ matching: re })) lines += 1
  return lines
}

interface Line {
  /** From 1. */
  number: number
  start: number
  stop: number
  /** Where the matches begin and end; some may be empty. */
  matches: [start: number, end: number][]
}

/** Prints lines with what is asked for about their places. */
async function placedLines(mm: Mmap, file: string, request: Request, output: Output): Promise<number> {
  const { re, numbers, only, json, inColour, named } = request
  let lines = 0
  for (const { number, start, stop, matches: all } of matchingLines(mm, re)) {
    lines += 1
    const matches = all.filter(([from, to]) => to > from)
    if (json) {
      const text = mm.toString('utf8', start, stop)
      await output.write(`${JSON.stringify({ file, line: number, offset: start, text, matches })}\n`)
      continue
    }
    const prefix = `${named ? `${file}:` : ''}${numbers ? `${number}:` : ''}`
    if (only) {
      for (const [from, to] of matches) {
        await output.write(prefix)
        await write(from, to, inColour)
        await output.write('\n')
      }
      continue
    }
    await output.write(prefix)
    let at = start
    for (const [from, to] of matches) {
      await write(at, from, false)
      await write(from, to, inColour)
      at = to
    }
    await write(at, stop, false)
    await output.write('\n')
  }
  return lines

  async function write(from: number, to: number, red: boolean): Promise<void> {
    const bytes = mm.slice(from, to)
    await output.write(red ? paint(RED, bytes) : bytes)
  }
}

/** The lines that match, and the matches in them. A match is within one line. */
function* matchingLines(mm: Mmap, re: RegExp): Generator<Line> {
  const numbers = new LineNumbers(mm)
  /** Where the next line begins that was not looked at yet. */
  let next = 0
  search: while (next < mm.length) {
    let line: Line | undefined
    for (const { index, end } of mm.matchAll(re, { start: next, groups: false })) {
      // There is no line behind the last line end.
      if (index === mm.length) break
      if (line === undefined || index > line.stop) {
        if (line !== undefined) yield line
        line = { number: numbers.at(index), ...mm.lineAt(index), matches: [] }
        next = line.stop + 1
      }
      if (end <= line.stop) {
        line.matches.push([index, end])
        continue
      }
      // It has matched a line end, so the next match may be within what it has matched.
      line.matches = matchesIn(mm, re, line)
      if (line.matches.length > 0) yield line
      continue search
    }
    if (line !== undefined) yield line
    return
  }
}

/** Counts lines up to positions that grow. */
class LineNumbers {
  readonly #mm: Mmap
  #position = 0
  #number = 1

  constructor(mm: Mmap) {
    this.#mm = mm
  }

  /** The number of the line that a position is in. */
  at(position: number): number {
    this.#number += this.#mm.count('\n', this.#position, position)
    this.#position = position
    return this.#number
  }
}

function matchesIn(mm: Mmap, re: RegExp, { start, stop }: Line): Line['matches'] {
  return Array.from(mm.matchAll(re, { start, stop, groups: false }), ({ index, end }) => [index, end])
}

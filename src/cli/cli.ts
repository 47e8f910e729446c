#!/usr/bin/env node
// `npx memmap`: a command for one's own files. It uses what the package exports, as any other
// program does, and is not loaded by require('memmap').

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './arguments.js'
import { GREP_HELP, grep } from './grep.js'
import { HEXDUMP_HELP, hexdump } from './hexdump.js'
import { Output } from './output.js'
import { REPLACE_HELP, replace } from './replace.js'
import { RESIDENT_HELP, resident } from './resident.js'

/** Exit codes are those of grep. */
export const FOUND = 0
export const NOT_FOUND = 1
export const FAILED = 2

interface Command {
  help: string
  run: (args: string[], output: Output) => Promise<number>
}

const COMMANDS = new Map<string, Command>([
  ['grep', { help: GREP_HELP, run: grep }],
  ['replace', { help: REPLACE_HELP, run: replace }],
  ['resident', { help: RESIDENT_HELP, run: resident }],
  ['hexdump', { help: HEXDUMP_HELP, run: hexdump }],
])

const HELP = `Usage: memmap COMMAND [OPTION]... FILE

Commands:
  grep PATTERN FILE...   prints the lines that a regular expression matches
  replace OLD NEW FILE   replaces bytes in place; OLD and NEW have the same length
  resident FILE          shows which parts of a file are in memory
  hexdump FILE           prints bytes as "hexdump -C" does

memmap COMMAND --help has the options.
Exit code: 0 if something was found or done, 1 if nothing was found, 2 for an error.
`

async function main(args: string[]): Promise<number> {
  const output = new Output()
  const [name, ...rest] = args
  try {
    const code = await dispatch(name, rest, output)
    await output.flush()
    return code
  } catch (error) {
    // Whoever read our output has enough. That is no error, as `memmap hexdump FILE | head` shows.
    if (output.isClosed) return FOUND
    process.stderr.write(`memmap: ${error instanceof Error ? error.message : String(error)}\n`)
    if (isUsageError(error)) {
      const known = name !== undefined && COMMANDS.has(name)
      process.stderr.write(`Try "memmap ${known ? `${name} ` : ''}--help".\n`)
    }
    return FAILED
  }
}

async function dispatch(name: string | undefined, rest: string[], output: Output): Promise<number> {
  if (name === '--version' || name === '-V') {
    await output.write(`${version()}\n`)
    return FOUND
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' && rest[0] !== undefined ? commandOf(rest[0]).help : HELP
    if (name === undefined) throw new UsageError('no command is given')
    await output.write(about)
    return FOUND
  }
  const command = commandOf(name)
  if (asksForHelp(rest)) {
    await output.write(command.help)
    return FOUND
  }
  return command.run(rest, output)
}

function commandOf(name: string): Command {
  const command = COMMANDS.get(name)
  if (command === undefined) throw new UsageError(`there is no command "${name}"`)
  return command
}

/** What follows `--` are no options. */
function asksForHelp(args: string[]): boolean {
  const end = args.indexOf('--')
  const options = end === -1 ? args : args.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

function isUsageError(error: unknown): boolean {
  // parseArgs() of Node throws errors with such codes.
  return error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')
}

function version(): string {
  return JSON.parse(readFileSync(join(__dirname, 'package.json'), 'utf8')).version
}

main(process.argv.slice(2)).then((code) => {
  // Not process.exit(), which would cut off what a pipe has not taken yet.
  process.exitCode = code
})

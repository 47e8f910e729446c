// Programs in other languages that the tests share memory with, where this machine has what runs
// them. A test logs why it cannot run.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { scratchFolder } from './portable.mjs'

/** Where `python3.13` is one of pyenv's, it is that version. */
const ENVIRONMENT = { ...process.env, PYENV_VERSION: process.env.PYENV_VERSION ?? '3.13' }

/**
 * Runs a Python program of 3.13 or newer, which has `shared_memory` and `args`, and returns what it
 * prints. Undefined if there is none.
 */
export function runPython(t: ExecutionContext, program: string, args: string[]): string | undefined {
  const python = pythonCommand()
  if (python === undefined) {
    t.log('not run: there is no Python 3.13 or newer')
    return undefined
  }
  const start = 'import sys\nfrom multiprocessing import shared_memory\nargs = sys.argv[1:]\n'
  return outputOf(python, ['-c', `${start}${program}`, ...args])
}

let python: { command: string | undefined } | undefined

function pythonCommand(): string | undefined {
  python ??= {
    command: [process.env.PYTHON ?? 'python3.13', 'python3', 'python'].find((command) => {
      const check = 'import sys; sys.exit(sys.implementation.name != "cpython" or sys.version_info < (3, 13))'
      return spawnSync(command, ['-c', check], { env: ENVIRONMENT }).status === 0
    }),
  }
  return python.command
}

/** Compiles a C program, and returns its path. Undefined if there is no compiler. */
export function compileC(t: ExecutionContext, source: string): string | undefined {
  const folder = scratchFolder(t)
  const program = join(folder, 'program')
  writeFileSync(join(folder, 'program.c'), source)
  // Older C libraries have shm_open in a library of its own.
  const libraries = process.platform === 'linux' ? ['-lrt'] : []
  const { error, status, stderr } = spawnSync('cc', ['-o', program, join(folder, 'program.c'), ...libraries])
  if (error !== undefined) {
    t.log('not run: there is no C compiler')
    return undefined
  }
  if (status !== 0) throw new Error(`cc: ${stderr}`)
  return program
}

export function outputOf(command: string, args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: ENVIRONMENT })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout.trim()
}

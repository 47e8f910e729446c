// Small programs in a Node of their own, which a shell starts under other circumstances.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const PACKAGE = fileURLToPath(new URL('../../index.js', import.meta.url))

/**
 * Runs a program and returns what it prints, as JSON. The program has the package as `memmap`, and
 * `args`.
 *
 * @param before what the shell does first
 * @param shell what starts the shell
 */
export function runAfter(before: string, program: string, args: string[] = [], shell: string[] = []): unknown {
  const start = [...shell, 'sh', '-c', `${before}\nexec "$0" "$@"`, process.execPath, '-e', HEAD + program, PACKAGE]
  const [command = 'sh', ...rest] = [...start, ...args]
  const { status, signal, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the program ended with ${status ?? signal}: ${stderr}`)
  return JSON.parse(stdout)
}

const HEAD = `
  const [, file, ...args] = process.argv
  const memmap = require(file)
  const say = (value) => console.log(JSON.stringify(value))
  const failureOf = (call) => {
    try {
      call()
    } catch ({ code, syscall, message }) {
      return { code, syscall, message }
    }
    return 'it did not fail'
  }
`

/**
 * Like {@link runAfter}, in a namespace where `before` may mount file systems that only the program
 * sees. Where that is not allowed, logs the reason and returns `undefined`.
 */
export function runWithMounts(t: ExecutionContext, before: string, program: string, args: string[] = []): unknown {
  const shell = ['unshare', '--mount']
  const { status, stderr, error } = spawnSync('unshare', ['--mount', 'true'], { encoding: 'utf8' })
  if (status === 0) return runAfter(before, program, args, shell)
  t.log(`not run here, because unshare --mount failed: ${error?.message ?? stderr}`)
  return undefined
}

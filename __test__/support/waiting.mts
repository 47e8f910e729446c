// Programs that wait for words of a file, and what wakes them.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Mmap } from 'memmap'
import { scratchFolder } from './portable.mjs'

interface Waiting {
  wake(map: Mmap, position: number, count: number): Promise<void>
}

const require = createRequire(import.meta.url)

export const { wake }: Waiting = require('../every-runtime/waiting.cjs')

/** A program, its lines one by one, and all lines when it has ended well. */
export interface Program {
  line(): Promise<string | undefined>
  rest(): Promise<string[]>
}

/** Starts a program, which is killed if it has not ended with the test. */
export function start(t: ExecutionContext, command: string, args: string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string | undefined> => (await lines.next()).value
  return {
    line,
    async rest() {
      const all: string[] = []
      for (let next = await line(); next !== undefined; next = await line()) all.push(next)
      const [code, signal] = await ended
      if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${all.join('\n')}`)
      return all
    },
  }
}

/** Compiles a library in C that is loaded before others. Undefined, with a log, if it cannot be. */
export function libraryToPreload(t: ExecutionContext, source: string): string | undefined {
  const folder = scratchFolder(t)
  const [code, library] = [join(folder, 'before.c'), join(folder, 'before.so')]
  writeFileSync(code, source)
  const { status, stderr, error } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, code, '-ldl'], {
    encoding: 'utf8',
  })
  if (status === 0) return library
  t.log(`not run here, because there is no C compiler: ${error?.message ?? stderr}`)
  return undefined
}

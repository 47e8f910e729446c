// The programs in examples/: what they print, and how the example tail follows a file.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { scratchFile, scratchFolder } from '../support/portable.mjs'

interface Example {
  name: string
  title: string
  args: string[]
  verify(output: string): void
}

const run = promisify(execFile)
const { EXAMPLES } = createRequire(import.meta.url)('./examples.cjs') as { EXAMPLES: Example[] }

for (const { name, title, args, verify } of EXAMPLES) {
  test(`${name}: it ${title}`, async (t) => {
    const { stdout } = await run(process.execPath, [...process.execArgv, pathOf(name), ...args])
    t.notThrows(() => verify(stdout))
  })
}

/** TypeScript where this file is run with tsx, and JavaScript on platforms without tsx. */
function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}${extname(import.meta.url)}`, import.meta.url))
}

/** Starts the example tail, whose output can be read line by line. */
function startTail(t: ExecutionContext, path: string, count: number) {
  const child = spawn(process.execPath, [...process.execArgv, pathOf('tail'), path, String(count)])
  t.teardown(() => child.kill())
  const linesOf = (stream: Readable) => {
    const lines = createInterface({ input: stream })[Symbol.asyncIterator]()
    return async (): Promise<string | undefined> => {
      const { value, done } = await lines.next()
      return done ? undefined : value
    }
  }
  return { child, line: linesOf(child.stdout), note: linesOf(child.stderr) }
}

test('tail: it follows a file that grows, is truncated, is rotated and is replaced', async (t) => {
  const path = scratchFile(t, Array.from({ length: 5000 }, (_, index) => `line ${index + 1}\n`).join(''))
  const { child, line, note } = startTail(t, path, 2)
  t.deepEqual([await line(), await line()], ['line 4999', 'line 5000'])

  appendFileSync(path, 'half of ')
  appendFileSync(path, 'a line\r\nand another\n')
  t.deepEqual([await line(), await line()], ['half of a line', 'and another'])
  appendFileSync(path, Array.from({ length: 5000 }, (_, index) => `more ${index}\n`).join(''))
  for (let index = 0; index < 5000; index += 1) t.is(await line(), `more ${index}`)

  // Windows truncates no file that is mapped.
  if (process.platform !== 'win32') {
    truncateSync(path, 0)
    t.regex((await note()) ?? '', /truncated/)
    appendFileSync(path, 'after the truncation\n')
    t.is(await line(), 'after the truncation')
    // This follows at once, as from a logger that copies and truncates.
    writeFileSync(path, 'anew\n')
    t.is(await line(), 'anew')
    t.regex((await note()) ?? '', /truncated/)
  }

  renameSync(path, `${path}.1`)
  appendFileSync(`${path}.1`, 'late\n')
  t.is(await line(), 'late')
  appendFileSync(`${path}.1`, 'the rest')
  writeFileSync(path, 'the new file\n')
  t.deepEqual([await line(), await line()], ['the rest', 'the new file'])
  t.regex((await note()) ?? '', /another file/)

  // Windows removes no file that is mapped.
  if (process.platform === 'win32') renameSync(path, `${path}.2`)
  else rmSync(path)
  writeFileSync(`${path}.new`, 'in its place\n')
  renameSync(`${path}.new`, path)
  t.is(await line(), 'in its place')

  const exit = once(child, 'exit')
  child.kill('SIGINT')
  const [code] = await exit
  if (process.platform !== 'win32') t.is(code, 0)
})

test('tail: it waits for a file that is not there yet', async (t) => {
  const path = join(scratchFolder(t), 'file')
  const { line, note } = startTail(t, path, 10)
  t.regex((await note()) ?? '', /no such file yet/)
  writeFileSync(path, '')
  appendFileSync(path, 'the first line\n')
  t.is(await line(), 'the first line')
})

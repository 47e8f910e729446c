import { execFile } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)

async function example(name: string, ...args: string[]): Promise<string> {
  // As this file itself is run: TypeScript with tsx, or, on platforms that have none, as JavaScript.
  const path = fileURLToPath(new URL(`../examples/${name}${extname(import.meta.url)}`, import.meta.url))
  const { stdout } = await run(process.execPath, [...process.execArgv, path, ...args])
  return stdout
}

test('read-write reads and writes a file through its mapping', async (t) => {
  const output = await example('read-write')
  t.regex(output, /the first line: "Hello World!\\n"/)
  t.regex(output, /the file now begins with "HELLO Earth!"/)
  t.regex(output, /resized to 12 bytes, and the file with it: 12/)
})

test('find-and-replace replaces every occurrence in a real text', async (t) => {
  const [, copies, replaced] =
    /: (\d+) copies of \d+ bytes\nreplaced (\d+) of "function"/.exec(await example('find-and-replace', '16')) ?? []
  t.is(copies, '2')
  t.true(Number(replaced) > 10_000, `replaced ${replaced}`)
})

test('share-by-name has two processes see what the other writes', async (t) => {
  const output = await example('share-by-name')
  const [parent, child, back] = [...output.matchAll(/^process (\d+) (.*)$/gm)].map(([, pid, text]) => ({ pid, text }))
  t.is(parent?.text, 'wrote "Hello from the parent"')
  t.is(child?.text, 'read  "Hello from the parent"')
  t.is(back?.text, 'reads "Hello from the child"')
  t.is(back?.pid, parent?.pid)
  t.not(child?.pid, parent?.pid)
})

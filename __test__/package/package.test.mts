// The package as npm packs it, in a project that has nothing else.

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'memmap-package-'))
test.after.always(() => rmSync(project, { recursive: true }))

/** npm is a script on Windows, which only a shell can start. */
function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' })
}

function node(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' }).trim()
}

test.before(() => {
  const [packed] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', project)) as { filename: string }[]
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  npm(project, 'install', '--offline', '--no-audit', '--no-fund', `./${packed?.filename}`)
  // Each platform has a package for its binary. Here the binary that has just been built is used.
  for (const name of readdirSync(root).filter((name) => name.endsWith('.node'))) {
    copyFileSync(join(root, name), join(project, 'node_modules/memmap', name))
  }
})

test('npm pack: the tarball has what is needed and nothing else', (t) => {
  const listed = readdirSync(join(project, 'node_modules/memmap')).filter((name) => !name.endsWith('.node'))
  t.deepEqual(listed.sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'cli.js',
    'index.d.ts',
    'index.js',
    'package.json',
  ])
})

test('bin: npx finds the command', (t) => {
  writeFileSync(join(project, 'a.txt'), 'one')
  const options = { cwd: project, encoding: 'utf8' as const, shell: process.platform === 'win32' }
  const printed = execFileSync('npx', ['--no-install', 'memmap', 'replace', 'one', 'ONE', 'a.txt'], options)
  t.is(printed, '1 replaced in a.txt\n')
})

test('require: it does not load the command', (t) => {
  const script = "require('memmap'); console.log(Object.keys(require.cache).some((path) => path.endsWith('cli.js')))"
  t.is(node('--eval', script), 'false')
})

test('require: it gives the names', (t) => {
  const script = "const { mmap, PAGESIZE } = require('memmap'); console.log(mmap(-1, PAGESIZE).length === PAGESIZE)"
  t.is(node('--eval', script), 'true')
})

test('import: it gives the names', (t) => {
  const script =
    "import memmap, { mmap, Mmap } from 'memmap'; console.log(mmap(-1, 5) instanceof Mmap, memmap.mmap === mmap)"
  t.is(node('--input-type=module', '--eval', script), 'true true')
})

test('peerDependencies: the types of Node are optional, and not installed with the package', (t) => {
  const modules = join(project, 'node_modules')
  const manifest = JSON.parse(readFileSync(join(modules, 'memmap/package.json'), 'utf8')) as Record<string, object>
  t.deepEqual(manifest.peerDependencies, { '@types/node': '>=20' })
  t.deepEqual(manifest.peerDependenciesMeta, { '@types/node': { optional: true } })
  t.false(existsSync(join(modules, '@types')))
})

test('tsc --strict: the types are accepted, as CommonJS and as an ES module', (t) => {
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'), 'junction')
  symlinkSync(join(root, 'node_modules/undici-types'), join(project, 'node_modules/undici-types'), 'junction')
  const program = [
    "import { mmap, type Mmap, ACCESS_READ } from 'memmap'",
    'const mm: Mmap = mmap(-1, 10, { access: ACCESS_READ })',
    'export const doubles: Float64Array = mm.view(Float64Array)',
    'export const text: string = mm.read(5).toString()',
  ].join('\n')
  writeFileSync(join(project, 'program.cts'), program)
  writeFileSync(join(project, 'program.mts'), program)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ]
  t.notThrows(() => node(tsc, ...options, '--types', 'node', 'program.cts', 'program.mts'))
})

test('native library: no error has a status of napi-rs as its code', (t) => {
  const folder = join(root, 'crates/memmap-node/src')
  for (const name of readdirSync(folder)) {
    const source = readFileSync(join(folder, name), 'utf8')
    // An error of napi-rs has a status. Only error.rs makes one, which says that an exception is
    // pending. Errors that napi-rs makes itself are not passed on.
    if (name !== 'error.rs') t.notRegex(source, /napi::Error::|Status::/, name)
    t.notRegex(source, /\benv\.\w+\([^()]*\)\?/, name)
    const made = source.match(/napi::Error::new\([^)]*\)/g) ?? []
    t.true(
      made.every((call) => call.includes('Status::PendingException')),
      `${name}: ${made}`,
    )
  }
})

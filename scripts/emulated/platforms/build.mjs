// Builds the release binary for each platform on x64 Linux, and inspects it.

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { examine, GLIBC, rustFlags } from '../../release/binaries.mjs'
import { root, spawn } from '../../setup.mjs'
import * as obtain from './obtain.mjs'
import { natively, run } from './run.mjs'

/** The libraries that a binary for macOS may need. The first one is its own name. */
const NEEDED_ON_APPLES = /^(@rpath\/memmap\.node|\/usr\/lib\/lib(System\.B|iconv\.2|charset\.1)\.dylib)$/

/**
 * The targets, under the platform names of the loader. For `foreign` ones the standard library is
 * built too, because Debian only has this machine's. `needs` matches the libraries that a binary
 * may load.
 */
export const TARGETS = {
  'linux-x64-gnu': {
    triple: `x86_64-unknown-linux-gnu.${GLIBC}`,
    kind: /^ELF 64-bit LSB shared object, x86-64/,
    needs: /^(libc|libm|libdl|libpthread|ld-linux-x86-64)\.so/,
  },
  'linux-arm64-gnu': {
    triple: `aarch64-unknown-linux-gnu.${GLIBC}`,
    foreign: true,
    kind: /^ELF 64-bit LSB shared object, ARM aarch64/,
    needs: /^(libc|libm|libdl|libpthread|ld-linux-aarch64)\.so/,
  },
  'linux-x64-musl': {
    triple: 'x86_64-unknown-linux-musl',
    foreign: true,
    // By default a musl target links statically, and the result cannot be loaded as a library.
    flags: '-C target-feature=-crt-static',
    kind: /^ELF 64-bit LSB shared object, x86-64/,
    needs: /^libc\.so$/,
  },
  'linux-arm64-musl': {
    triple: 'aarch64-unknown-linux-musl',
    foreign: true,
    flags: '-C target-feature=-crt-static',
    kind: /^ELF 64-bit LSB shared object, ARM aarch64/,
    needs: /^libc\.so$/,
  },
  // It has the name of the released binary, although Microsoft's linker links that one.
  'win32-x64-msvc': {
    triple: 'x86_64-pc-windows-gnu',
    foreign: true,
    linker: 'mingw',
    kind: /^PE32\+ executable \(DLL\).*x86-64/,
    needs: /^(KERNEL32|ntdll|msvcrt|bcryptprimitives|api-ms-win-.*)\.dll$/i,
  },
  'win32-arm64-msvc': {
    triple: 'aarch64-pc-windows-gnullvm',
    foreign: true,
    kind: /^PE32\+ executable \(DLL\).*Aarch64/,
    needs: /^(KERNEL32|ntdll|bcryptprimitives|api-ms-win-.*)\.dll$/i,
  },
  'darwin-x64': {
    triple: 'x86_64-apple-darwin',
    foreign: true,
    kind: /^Mach-O 64-bit x86_64 dynamically linked shared library/,
    needs: NEEDED_ON_APPLES,
  },
  'darwin-arm64': {
    triple: 'aarch64-apple-darwin',
    foreign: true,
    kind: /^Mach-O 64-bit arm64 dynamically linked shared library/,
    needs: NEEDED_ON_APPLES,
  },
  'freebsd-x64': {
    triple: 'x86_64-unknown-freebsd',
    foreign: true,
    // zig writes the ELF identification that most systems use.
    kind: /^ELF 64-bit LSB shared object, x86-64, version 1 \((FreeBSD|SYSV)\)/,
    needs: /^(libc\.so\.7|libthr\.so\.3)$/,
  },
}

/** Builds the binary and returns its path. */
export async function build(name, log) {
  const { triple, foreign, flags, linker } = TARGETS[name]
  const target = triple.replace(/\.\d.*/, '')
  obtain.rust()
  const path = ['/usr/bin', process.env.PATH]
  if (linker === 'mingw') obtain.mingw()
  else path.unshift(obtain.zig())
  if (name.startsWith('darwin-')) path.unshift(obtain.stripper())
  const folder = join(obtain.FOLDER, 'cross')
  const env = {
    PATH: path.join(':'),
    // These select Debian's Rust instead of rustup's.
    RUSTUP_TOOLCHAIN: undefined,
    CARGO: undefined,
    RUSTC: undefined,
    LIBNODE_PATH: obtain.libnodeStub(),
    ZIG_GLOBAL_CACHE_DIR: join(obtain.FOLDER, 'zig-cache'),
    CARGO_ZIGBUILD_CACHE_DIR: join(obtain.FOLDER, 'zigbuild-cache'),
    // This enables -Zbuild-std in the stable compiler.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: rustFlags(flags),
  }
  const args = [linker === 'mingw' ? 'build' : 'zigbuild', '--locked', '--release', '--package', 'memmap-node']
  if (foreign) args.push('-Zbuild-std=std,panic_abort')
  args.push('--target', linker === 'mingw' ? target : triple, '--target-dir', folder)
  const { ok, how, stderr } = await run({ ...natively(), env }, ['cargo', ...args], { cwd: root, seconds: 3600, log })
  if (!ok) throw new Error(`cargo ${how}: ${/^error.*$/m.exec(stderr)?.[0] ?? ''}`)

  const built = { win32: 'memmap_node.dll', darwin: 'libmemmap_node.dylib' }[name.split('-')[0]] ?? 'libmemmap_node.so'
  const library = join(obtain.FOLDER, 'binaries', `memmap.${name}.node`)
  mkdirSync(join(obtain.FOLDER, 'binaries'), { recursive: true })
  copyFileSync(join(folder, target, 'release', built), library)
  return library
}

/** Inspects a binary. Returns its problems, and facts for the report. */
export function inspect(name, library) {
  const { kind, needs } = TARGETS[name]
  const { problems, facts } = examine(library)
  const file = output('file', ['--brief', library])
  if (!kind.test(file)) problems.push(`it has another format: ${file}`)
  if (!readFileSync(library).includes('napi_register_module_v1'))
    problems.push('it does not export the entry point of Node-API')

  const needed = neededBy(library)
  if (needed.length === 0) problems.push('no needed library was found, which is impossible')
  const surprising = needed.filter((one) => !needs.test(one))
  if (surprising.length > 0) problems.push(`it needs ${surprising.join(', ')}`)
  return { problems, facts: facts.join(', ') }
}

function neededBy(library) {
  obtain.llvm()
  const list = /^NeededLibraries \[\n([^\]]*)\]/m.exec(output('llvm-readobj', ['--needed-libs', library]))?.[1] ?? ''
  return [...list.matchAll(/^\s*(\S.*)$/gm)].map(([, name]) => name)
}

function output(command, args) {
  const { status, stdout, error } = spawn(command, args)
  if (status !== 0) throw new Error(`${command} failed${error === undefined ? '' : `: ${error.message}`}`)
  return stdout.trim()
}

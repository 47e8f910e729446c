// Finds the native library and loads it. The library is in the package for this system, or in the
// folder of index.js.
//
// The argument of each `require` is a literal, because bundlers follow nothing else. Each `require`
// is inside a `try`, because bundlers accept a missing module only there.

import { closeSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'

export type Binding = typeof import('../binding.js')

/**
 * The targets of `napi.targets` in package.json, by the names that napi-rs gives their packages.
 */
export const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
]

/** A failed attempt to load the library. */
export interface Attempt {
  /** The package or file. */
  what: string
  error: unknown
}

/**
 * The platforms whose libraries may fit this process. There are two if its C library is unknown. If
 * it is known, the library for the other one is not tried. A layer such as gcompat could load that,
 * and two C libraries can crash a process.
 */
export function fittingPlatforms(): string[] {
  // The trailing `-` is compared too, because `arm64` begins with `arm`.
  const fitting = PLATFORMS.filter((name) => `${name}-`.startsWith(`${process.platform}-${process.arch}-`))
  const libc = process.platform === 'linux' ? cLibrary() : undefined
  return libc === undefined ? fitting : fitting.filter((name) => name.endsWith(libc))
}

/** Returns the first library that can be loaded. Adds the failures to `attempts`. */
export function loadLibrary(platforms: readonly string[], attempts: Attempt[]): Binding | undefined {
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (override) {
    const path = resolve(override)
    return attempt(requireFrom(path), path, attempts)
  }
  // In a single executable application `require` finds only built-in modules. The library is then
  // in the folder of the program.
  const besideProgram = isSingleExecutable() ? requireFrom(process.execPath) : undefined
  for (const platform of platforms) {
    const binding =
      besideProgram === undefined
        ? (requirePackage(platform, attempts) ?? requireFile(platform, attempts))
        : (attempt(besideProgram, packageName(platform), attempts) ??
          attempt(besideProgram, fileName(platform), attempts))
    if (binding !== undefined) return binding
  }
  return undefined
}

/** Whether this is a single executable application. Node 20.16 and newer can tell. */
function isSingleExecutable(): boolean {
  const sea: Partial<typeof import('node:sea')> | undefined = process.getBuiltinModule?.('node:sea')
  return sea?.isSea?.() === true
}

export const packageName = (platform: string): string => `@memmap/binding-${platform}`
const fileName = (platform: string): string => `./memmap.${platform}.node`

/** The `require` function of a file, which need not exist. */
function requireFrom(path: string): NodeJS.Require {
  // Loading this module takes time and is rarely needed, so it is not imported at the top.
  const { createRequire }: typeof import('node:module') = require('node:module')
  return createRequire(path)
}

function attempt(require: NodeJS.Require, what: string, attempts: Attempt[]): Binding | undefined {
  try {
    return require(what)
  } catch (error) {
    attempts.push({ what, error })
    return undefined
  }
}

function requirePackage(platform: string, attempts: Attempt[]): Binding | undefined {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('@memmap/binding-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('@memmap/binding-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('@memmap/binding-linux-x64-musl')
      case 'linux-arm64-musl':
        return require('@memmap/binding-linux-arm64-musl')
      case 'darwin-x64':
        return require('@memmap/binding-darwin-x64')
      case 'darwin-arm64':
        return require('@memmap/binding-darwin-arm64')
      case 'win32-x64-msvc':
        return require('@memmap/binding-win32-x64-msvc')
      case 'win32-arm64-msvc':
        return require('@memmap/binding-win32-arm64-msvc')
    }
  } catch (error) {
    attempts.push({ what: packageName(platform), error })
  }
  return undefined
}

function requireFile(platform: string, attempts: Attempt[]): Binding | undefined {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('./memmap.linux-x64-gnu.node')
      case 'linux-arm64-gnu':
        return require('./memmap.linux-arm64-gnu.node')
      case 'linux-x64-musl':
        return require('./memmap.linux-x64-musl.node')
      case 'linux-arm64-musl':
        return require('./memmap.linux-arm64-musl.node')
      case 'darwin-x64':
        return require('./memmap.darwin-x64.node')
      case 'darwin-arm64':
        return require('./memmap.darwin-arm64.node')
      case 'win32-x64-msvc':
        return require('./memmap.win32-x64-msvc.node')
      case 'win32-arm64-msvc':
        return require('./memmap.win32-arm64-msvc.node')
    }
  } catch (error) {
    attempts.push({ what: fileName(platform), error })
  }
  return undefined
}

const ELF = 0x7f454c46
const BITS_64_LITTLE_ENDIAN = 0x0201
const PT_INTERP = 3
/**
 * Bytes to read of a program. They nearly always contain the header, the table of segments and the
 * name of the dynamic linker.
 */
const MOST_BYTES = 4096

/**
 * The C library of this process, or undefined if it is unknown. The ELF file of the program names
 * the dynamic linker, and that identifies the library.
 *
 * Other files of the system, such as /usr/bin/ldd, may belong to another C library. A process
 * report contains the name too, but takes milliseconds and, in Deno, a permission.
 */
function cLibrary(): '-gnu' | '-musl' | undefined {
  const linker = dynamicLinker()
  if (linker?.includes('ld-musl')) return '-musl'
  return linker?.includes('ld-linux') ? '-gnu' : undefined
}

function dynamicLinker(): string | undefined {
  try {
    const file = openSync(process.execPath, 'r')
    try {
      return dynamicLinkerOf(file)
    } finally {
      closeSync(file)
    }
  } catch {
    // The permission model refuses to read the program, or it is not an ELF file.
    return undefined
  }
}

function dynamicLinkerOf(file: number): string | undefined {
  // A DataView is used, because the methods of Buffer are compiled at their first call. That takes
  // longer than all of this function.
  const head = readAt(file, 0, MOST_BYTES)
  if (head.getUint32(0) !== ELF || head.getUint16(4) !== BITS_64_LITTLE_ENDIAN) return undefined
  const part = (offset: number, length: number): DataView =>
    offset + length <= head.byteLength ? new DataView(head.buffer, offset, length) : readAt(file, offset, length)
  const size = head.getUint16(54, true)
  const segments = part(Number(head.getBigUint64(32, true)), size * head.getUint16(56, true))
  for (let at = 0; at < segments.byteLength; at += size) {
    if (segments.getUint32(at, true) !== PT_INTERP) continue
    const name = part(Number(segments.getBigUint64(at + 8, true)), Number(segments.getBigUint64(at + 32, true)))
    return String.fromCharCode(...new Uint8Array(name.buffer, name.byteOffset, name.byteLength))
  }
  // Only a dynamic linker itself names none. It is the program of the process if it was started
  // with the program as its argument.
  return process.execPath
}

function readAt(file: number, position: number, length: number): DataView {
  const bytes = new Uint8Array(Math.min(length, MOST_BYTES))
  return new DataView(bytes.buffer, 0, readSync(file, bytes, 0, bytes.length, position))
}

// Finds the native library and loads it: that of the package for this system, or the file beside
// us.
//
// Each `require` has a literal, because bundlers follow nothing else, and each stands in a `try`,
// because bundlers forgive only there that something is missing.

import { closeSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'

export type Binding = typeof import('../binding.js')

/** What `napi.targets` of package.json says, in napi-rs' names of its packages. */
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

/** What was to be loaded, and why it could not be. */
export interface Attempt {
  what: string
  error: unknown
}

/**
 * The platforms whose libraries may be for this process. They are two where its C library is not
 * known. Where it is known, the library for the other one is not tried, because a layer such as
 * gcompat may load it, and a process can crash of two C libraries.
 */
export function fittingPlatforms(): string[] {
  // Whole parts, because `arm64` begins with `arm`.
  const fitting = PLATFORMS.filter((name) => `${name}-`.startsWith(`${process.platform}-${process.arch}-`))
  const libc = process.platform === 'linux' ? cLibrary() : undefined
  return libc === undefined ? fitting : fitting.filter((name) => name.endsWith(libc))
}

/** The first library that can be loaded. What cannot be is added to `attempts`. */
export function loadLibrary(platforms: readonly string[], attempts: Attempt[]): Binding | undefined {
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (override) {
    const path = resolve(override)
    return attempt(requireFrom(path), path, attempts)
  }
  // The `require` of a single executable application knows only built-in modules. Other files are
  // beside the program there.
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

/** Node 20.16 and newer say it. */
function isSingleExecutable(): boolean {
  const sea: Partial<typeof import('node:sea')> | undefined = process.getBuiltinModule?.('node:sea')
  return sea?.isSea?.() === true
}

export const packageName = (platform: string): string => `@memmap/binding-${platform}`
const fileName = (platform: string): string => `./memmap.${platform}.node`

/** The `require` of a file, which need not be there. */
function requireFrom(path: string): NodeJS.Require {
  // Not at the top, because it takes time, and hardly anybody needs it.
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
 * Of a program. The header, the table of segments and the name of the dynamic linker are nearly
 * always in the first so many.
 */
const MOST_BYTES = 4096

/**
 * The C library of this process, by the dynamic linker that the ELF file of its program names. What
 * else lies on the system may belong to another C library, such as /usr/bin/ldd. A process report
 * says it too, and takes milliseconds and, in Deno, a permission.
 *
 * Undefined where the file names neither or cannot be read.
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
    // The permission model does not let it be read, or it is no such file.
    return undefined
  }
}

function dynamicLinkerOf(file: number): string | undefined {
  // Not a Buffer, whose methods are compiled when they are first called: that takes longer than all
  // of this.
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
  // A dynamic linker names none. It is the program where somebody starts it with the program as its
  // argument.
  return process.execPath
}

function readAt(file: number, position: number, length: number): DataView {
  const bytes = new Uint8Array(Math.min(length, MOST_BYTES))
  return new DataView(bytes.buffer, 0, readSync(file, bytes, 0, bytes.length, position))
}

// The native library, or an error that says what to do. All other modules import the library from
// here, so this module is loaded first.

import { isNativeError } from 'node:util/types'
import type { ExternalObject, Handle as NativeHandle, Outcome } from '../binding.js'
import { codeOf, noBinding } from './errors.js'
import { type Attempt, type Binding, fittingPlatforms, loadLibrary, PLATFORMS, packageName } from './loader.js'

export type * from '../binding.js'

/** A mapping, as native functions take it. */
export type Handle = ExternalObject<NativeHandle>

/**
 * As in `engines` of package.json. Bun, Deno and Electron report the version of a compatible Node.
 */
const OLDEST_NODE = 20

const OPTIONAL =
  'Was it installed without optional dependencies (--omit=optional, --no-optional)? Install with them: npm install --include=optional'
const COPIED =
  'Was node_modules copied from another system, or the lock file written there? Remove both, and run npm install on this one.'
const BUNDLED =
  'Is the program bundled or packed? Leave memmap out (external: memmap), and keep node_modules/memmap and node_modules/@memmap beside it, not in an archive.'
const GLIBC = 'Is glibc older than 2.17, or is it not there? "ldd --version" says which one this system has.'

function load(): Binding {
  // This check comes first, because the following code may need what an older Node lacks.
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw noBinding(`memmap needs Node ${OLDEST_NODE} or newer, and this is ${process.version}`)
  }
  const attempts: Attempt[] = []
  const platforms = fittingPlatforms()
  try {
    const loaded = loadLibrary(platforms, attempts)
    if (loaded !== undefined) return loaded
  } catch (error) {
    // Deno may refuse to read the environment. Its message says how to permit that.
    throw noBinding(`memmap cannot be loaded: ${messageOf(error)}`, error)
  }
  const errors = attempts.map(({ error }) => error)
  const cause =
    errors.length > 1 ? new AggregateError(errors, 'None of the files and packages could be loaded') : errors[0]
  throw noBinding(explanation(platforms, attempts), cause)
}

/** The message of the error, after all attempts have failed. */
function explanation(platforms: string[], attempts: Attempt[]): string {
  // This comes before other failures, because with it no library at all can be loaded.
  const disabled = attempts.find(({ error }) => codeOf(error) === 'ERR_DLOPEN_DISABLED')
  if (disabled !== undefined) {
    return `memmap is an addon, and this process may load none: start it without --no-addons, and with --allow-addons where there is --permission. ${disabled.what}: ${messageOf(disabled.error)}`
  }
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (override) {
    return `NAPI_RS_NATIVE_LIBRARY_PATH is ${override}, and that is not the native library of memmap: ${messageOf(attempts[0]?.error)}`
  }
  const system = `${process.platform} ${process.arch}`
  const [platform] = platforms
  if (platform === undefined) {
    return `memmap has no native library for ${system}. It has one for ${PLATFORMS.join(', ')}. On other systems build it from a clone of the repository.`
  }
  const packages = platforms.map(packageName).join(' or ')
  const libc =
    platforms.length > 1
      ? ''
      : platform.endsWith('-gnu')
        ? ' with glibc'
        : platform.endsWith('-musl')
          ? ' with musl'
          : ''
  const expected = `memmap needs the package ${packages} on this system, which is ${system}${libc}`
  const tried = `Tried: ${attempts.map(({ what }) => what).join(', ')}.`
  const refused = attempts.find(({ error }) => !isMissing(error))
  if (refused === undefined) return list(`${expected}, and it is not installed`, [OPTIONAL, COPIED, BUNDLED, tried])
  const questions = platforms.some((name) => name.endsWith('-gnu')) ? [GLIBC, COPIED, tried] : [COPIED, tried]
  return list(`${expected}, and it cannot be loaded: ${messageOf(refused.error)}`, questions)
}

/**
 * Whether an error says that a package or file does not exist. All runtimes and Yarn's Plug'n'Play
 * use this code.
 */
function isMissing(error: unknown): boolean {
  return codeOf(error) === 'MODULE_NOT_FOUND'
}

function messageOf(error: unknown): string {
  return isNativeError(error) ? error.message : String(error)
}

function list(sentence: string, questions: string[]): string {
  return [`${sentence}.`, ...questions].join('\n  - ')
}

const binding = load()
export default binding

/**
 * Returns the value that native code has returned, or throws the error. Native code does not throw,
 * because `node --abort-on-uncaught-exception` would treat such an error as uncaught.
 */
export function checked<T>(outcome: Outcome<T>): T {
  // Most functions return a number, a boolean or undefined. For those the runtime is not called.
  if (typeof outcome === 'object' && isNativeError(outcome)) throw outcome
  return outcome as T
}

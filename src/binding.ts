// The native library, or an error that says what to do. All other modules have it from here, so this one is loaded first.

import { isNativeError } from 'node:util/types'
import { noBinding } from './errors.js'

export type * from '../binding.js'

/** What `engines` of package.json says. Bun, Deno and Electron say which Node they are like. */
const OLDEST_NODE = 20

/** What `napi.targets` of package.json says, in napi-rs' names of its packages. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
]

const OPTIONAL =
  'Was it installed without optional dependencies (--omit=optional, --no-optional)? Install with them: npm install --include=optional'
const COPIED =
  'Was node_modules copied from another system, or the lock file written there? Remove both, and run npm install on this one.'
const BUNDLED =
  'Is the program bundled or packed? Leave memmap out (external: memmap), and keep node_modules/memmap and node_modules/@memmap beside it, not in an archive.'
const GLIBC = 'Is glibc older than 2.17, or is it not there? "ldd --version" says which one this system has.'

/** Of a package or file that is not there: Node, Bun and Deno, then Yarn's Plug'n'Play. The loader keeps only messages of errors, no codes. */
const MISSING =
  /^Cannot find (module|package|native binding)|tried to access .*, but it isn't declared|package missing from disk|didn't get installed|^Qualified path resolution failed/

function load(): typeof import('../binding.js') {
  // First of all, before something is missed that an older one lacks.
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw noBinding(`memmap needs Node ${OLDEST_NODE} or newer, and this is ${process.version}`)
  }
  try {
    // Not an import, because nothing can catch what those throw.
    return require('../binding.js')
  } catch (error) {
    throw noBinding(explanation(error), error)
  }
}

/** What is wrong, after the loader has tried everything. */
function explanation(error: unknown): string {
  const messages = messagesOf(error)
  // Deno did not let the loader read the environment, and says how it is allowed.
  if (error instanceof Error && error.name === 'NotCapable') return `memmap cannot be loaded: ${error.message}`
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (override) {
    return `NAPI_RS_NATIVE_LIBRARY_PATH is ${override}, and that is not the native library of memmap: ${messages.at(-1)}`
  }
  const system = `${process.platform} ${process.arch}`
  // Whole parts, because `arm64` begins with `arm`.
  const possible = PLATFORMS.filter((name) => `${name}-`.startsWith(`${process.platform}-${process.arch}-`))
  // Two on Linux. Which libc there is, the loader has decided.
  const platform =
    possible.find((name) => messages.some((message) => message.includes(`memmap.${name}.node`))) ?? possible[0]
  if (platform === undefined) {
    return `memmap has no native library for ${system}. It has one for ${PLATFORMS.join(', ')}. On other systems build it from a clone of the repository.`
  }
  const libc = platform.endsWith('-gnu') ? ' with glibc' : platform.endsWith('-musl') ? ' with musl' : ''
  const expected = `memmap needs the package @memmap/binding-${platform} on this system, which is ${system}${libc}`
  const refusal = messages.find((message) => !MISSING.test(message))
  // Node was told so (--no-addons), and says it in a whole sentence.
  if (refusal?.includes('loading addons is disabled')) return `${expected}, and it cannot be loaded: ${refusal}`
  return refusal === undefined
    ? list(`${expected}, and it is not installed`, [OPTIONAL, COPIED, BUNDLED])
    : list(`${expected}, and it cannot be loaded: ${refusal}`, libc === ' with glibc' ? [GLIBC, COPIED] : [COPIED])
}

/** Of an error and its causes: the loader's is followed by one for each file and package that it tried. */
function messagesOf(error: unknown): string[] {
  return isNativeError(error) ? [error.message, ...messagesOf(error.cause)] : []
}

function list(sentence: string, questions: string[]): string {
  return [`${sentence}.`, ...questions].join('\n  - ')
}

const binding = load()
export default binding

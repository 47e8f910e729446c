// POSIX shared memory: what its names may be, and how they are removed.

import { nameArgument } from './arguments.js'
import binding, { checked } from './binding.js'
import { withPath, wrongValue } from './errors.js'
import { refuseDenied } from './permission.js'

/**
 * Removes a name of POSIX shared memory, as `shm_unlink` does. Who has mapped the memory keeps it,
 * and the next {@link mmap} of that name finds nothing. On Windows this does nothing, because the
 * system removes a name when nobody uses the memory.
 * @param name as {@link MmapOptions.shm}
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE and ERR_OUT_OF_RANGE (longer than the system
 *   allows) for what is no name, ERR_ACCESS_DENIED (`node --permission`, on Linux), and those of
 *   the operating system: ENOENT, EACCES, ...
 * @example
 * ```js
 * const mm = mmap(-1, 4096, { shm: `/example-${process.pid}`, create: true })
 * unlinkShm(`/example-${process.pid}`)
 * console.log(mm.at(0)) // 0
 * ```
 */
export function unlinkShm(name: string): void {
  const bare = shmName(name, 'name')
  refuseDeniedShm(bare, true)
  try {
    checked(binding.unlinkShm(bare))
  } catch (error) {
    throw withPath(error, bare)
  }
}

/** The name without its slash. `argument` is how errors call it. */
export function shmName(value: unknown, argument: string): string {
  const text = nameArgument(value, argument)
  // POSIX writes "/name", and Python writes "name" for the same memory.
  const name = text.startsWith('/') ? text.slice(1) : text
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw wrongValue(
      `The "${argument}" argument must be a name with at most one slash, in front, and not '.' or '..'. Received '${text.slice(0, 25)}'`,
    )
  }
  return name
}

/** On Linux shared memory is a file, so Node's permission model applies to it. */
export function refuseDeniedShm(name: string, writes: boolean): void {
  if (process.platform === 'linux') refuseDenied(`/dev/shm/${name}`, writes)
}

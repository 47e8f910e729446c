// Node's permission model (--permission). Addons that it lets be loaded could open what it does not
// let `fs` open, so it is asked.

import { resolve } from 'node:path'
import { accessDenied } from './errors.js'

/**
 * Throws as `fs` does, unless the process may read the file and, where `writes`, write or create
 * it.
 */
export function refuseDenied(path: string, writes: boolean): void {
  // Without the model there is no such object, though its type is not optional.
  const permission: typeof process.permission | undefined = process.permission
  if (permission === undefined) return
  const full = resolve(path)
  if (!permission.has('fs.read', full)) throw accessDenied('FileSystemRead', '--allow-fs-read', path)
  if (writes && !permission.has('fs.write', full)) throw accessDenied('FileSystemWrite', '--allow-fs-write', path)
}

// Node's permission model (--permission). It does not restrict addons that it allows, so we check
// it before we open a file.

import { resolve } from 'node:path'
import { accessDenied } from './errors.js'

/**
 * Throws the same error as `fs` if the process may not read the file. If `writes`, the process must
 * also be allowed to write or create it.
 */
export function refuseDenied(path: string, writes: boolean): void {
  // Without the permission model this is undefined, although its type is not optional.
  const permission: typeof process.permission | undefined = process.permission
  if (permission === undefined) return
  const full = resolve(path)
  if (!permission.has('fs.read', full)) throw accessDenied('FileSystemRead', '--allow-fs-read', path)
  if (writes && !permission.has('fs.write', full)) throw accessDenied('FileSystemWrite', '--allow-fs-write', path)
}

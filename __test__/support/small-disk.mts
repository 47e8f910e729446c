// Tests on a file system that is soon full.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { asRootOnLinux } from './platform.mjs'
import { scratchFolder } from './portable.mjs'

/**
 * Runs a program that some systems lack, or that only root may run. If it fails, the test passes
 * and logs the reason.
 */
export function succeeds(t: ExecutionContext, program: string, ...args: string[]): boolean {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return true
  t.log(`not run: ${error?.message ?? stderr.trim()}`)
  t.pass()
  return false
}

/** A test with a folder on a file system of 64 KiB. */
export function onSmallDisk(title: string, body: (t: ExecutionContext, folder: string) => void): void {
  asRootOnLinux(title, 'it mounts a tmpfs', (t) => {
    const folder = join(scratchFolder(t), 'small')
    mkdirSync(folder)
    if (!succeeds(t, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)) return
    t.teardown(() => execFileSync('umount', ['-l', folder]))
    body(t, folder)
  })
}

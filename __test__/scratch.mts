// Files and folders that last as long as the test that asked for them.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

export function scratchFolder(t: ExecutionContext): string {
  // The real path, as /proc/self/maps and errors have it.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-test-')))
  t.teardown(() => {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      // Windows removes no file that is mapped, and it is until its last view has been collected.
      if (process.platform !== 'win32') throw error
    }
  })
  return folder
}

/** A file with these bytes, or with so many zeros. */
export function scratchFile(t: ExecutionContext, content: string | Uint8Array | number): string {
  const path = join(scratchFolder(t), 'file')
  writeFileSync(path, typeof content === 'number' ? new Uint8Array(content) : content)
  return path
}

export const { pattern }: { pattern(length: number): Buffer } = createRequire(import.meta.url)('./runtimes/scratch.cjs')

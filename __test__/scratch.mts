// Files and folders that last as long as the test that asked for them.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
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

/** Bytes of which no two neighbouring pages, and no two neighbours, are the same. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 29 + 5) & 255
  return bytes
}

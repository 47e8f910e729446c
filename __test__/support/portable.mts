// Helpers that also exist for the scenarios of ../every-runtime. Those are CommonJS without types,
// because every runtime has to load them. Most functions here are theirs, with types.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ExecutionContext } from 'ava'
import type { Mmap, MmapOptions } from 'memmap'

interface Memory {
  zeros(length: number, options?: MmapOptions): Mmap
}

interface ProcessState {
  allMaps(): number
  descriptorsOf(path: string): number
  mapsOf(path: string): number
  openDescriptors(): string[]
}

interface Runtime {
  collectUntil(condition: () => boolean): Promise<boolean>
  transfer(buffer: ArrayBufferLike): ArrayBuffer
}

interface Scratch {
  pattern(length: number): Buffer
}

// The scenarios are started with --expose-gc, but ava is not.
setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc')

const require = createRequire(import.meta.url)

export const { zeros }: Memory = require('../every-runtime/memory.cjs')
export const { allMaps, descriptorsOf, mapsOf, openDescriptors }: ProcessState =
  require('../every-runtime/process-state.cjs')
export const { collectUntil, transfer }: Runtime = require('../every-runtime/runtime.cjs')
export const { pattern }: Scratch = require('../every-runtime/scratch.cjs')

/** A folder that is removed when the test has ended. */
export function scratchFolder(t: ExecutionContext, parent: string = tmpdir()): string {
  // The real path, because /proc/self/maps and errors contain that one.
  const folder = realpathSync(mkdtempSync(join(parent, 'memmap-test-')))
  t.teardown(() => {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      // Windows does not remove a mapped file, and a file stays mapped until its last view has been
      // collected. The folder stays behind then.
      if (process.platform !== 'win32') throw error
    }
  })
  return folder
}

/** A file in a folder of its own, with these bytes or with this number of zeros. */
export function scratchFile(t: ExecutionContext, content: string | Uint8Array | number): string {
  const path = join(scratchFolder(t), 'file')
  writeFileSync(path, typeof content === 'number' ? new Uint8Array(content) : content)
  return path
}

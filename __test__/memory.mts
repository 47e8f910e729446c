// Memory that costs none until it is written to: see runtimes/memory.cjs.

import { createRequire } from 'node:module'
import type { Mmap, MmapOptions } from 'memmap'

interface Memory {
  zeros(length: number, options?: MmapOptions): Mmap
}

const memory: Memory = createRequire(import.meta.url)('./runtimes/memory.cjs')

export const { zeros } = memory

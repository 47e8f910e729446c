// What mm.lines() gives, as text.

import type { Mmap } from 'memmap'

export function textOf(line: Uint8Array | undefined): string | undefined {
  return line && Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()
}

export function linesOf(map: Mmap, options?: { start?: number; stop?: number }): (string | undefined)[] {
  return [...map.lines(options)].map(textOf)
}

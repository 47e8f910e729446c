// What Linux says of this process: what it has open, and what it has mapped.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What each open descriptor is, by its number. */
export function openDescriptors(): Map<number, string> {
  const open = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      open.set(Number(name), readlinkSync(`/proc/self/fd/${name}`))
    } catch {
      // The one by which the folder itself was read.
    }
  }
  return open
}

/** How many descriptors lead to `path`. */
export function descriptorsOf(path: string): number {
  return [...openDescriptors().values()].filter((target) => target === path).length
}

/** How many stretches of memory are mapped from `path`; a file without a name has `/memfd:memmap (deleted)`. */
export function mapsOf(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` ${path}`)).length
}

/** How many stretches of memory are mapped at all. */
export function allMaps(): number {
  return readFileSync('/proc/self/maps', 'utf8').split('\n').length
}

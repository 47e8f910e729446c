// Tags of named regions, and where regions are on Linux.

import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { PAGESIZE } from 'memmap'

/** A tag that nobody else uses, not even another run of the same test at the same time. */
export function freshTag(): string {
  return `memmap-test-${randomUUID()}`
}

/** The path of a region whose tag has letters, digits and hyphens only. */
export function pathOf(tagname: string): string {
  return `/dev/shm/memmap-${process.geteuid?.()}-${tagname}`
}

/** The names in /dev/shm that contain `part`. Others may run these tests at the same time. */
export function named(part: string): string[] {
  return readdirSync('/dev/shm').filter((name) => name.includes(part))
}

/**
 * The length of a region for those that join it. Windows tells them whole pages, and only the one
 * who made the region knows its exact length.
 */
export function lengthForOthers(length: number): number {
  return process.platform === 'win32' ? Math.ceil(length / PAGESIZE) * PAGESIZE : length
}

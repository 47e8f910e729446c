// The rows: what is measured, against which alternatives, and which ratio is wanted. They are
// grouped in rows/ by subject.
//
// `wanted` is the least ratio of speeds, or for units of time the greatest ratio of times. Each
// contender of `others` may have one. In a row with `speedup` times are compared as speeds, so that
// `wanted` is how many times as fast the work must be. `below` is a limit for memmap's own number.
// `part` is the share of the file that a slow peer works on. Its speed is scaled by length, so that
// it can be compared. Before each turn of a row that is `cold`, the file is removed from the memory
// of the system.
//
// A row with `chart` is a group of bars in the chart, with this title. It shows memmap and the
// contenders that have a `bar`, which is their name there. A `limit` is drawn hatched.

import { calls } from './rows/calls.mjs'
import { growth, growthFiles } from './rows/growth.mjs'
import { jobs } from './rows/jobs.mjs'
import { lines } from './rows/lines.mjs'
import { regexp } from './rows/regexp.mjs'
import { search } from './rows/search.mjs'
import { together } from './rows/together.mjs'

const MIB = 2 ** 20

/**
 * The files by name, in the order in which they are made. `size` is in bytes. Files that are not on
 * a disk are in memory, if there is room.
 */
export function files(size) {
  return {
    log: { kind: 'log', size },
    binary: { kind: 'binary', size },
    'all a': { kind: 'all a', size: size / 4 },
    'all ab': { kind: 'all ab', size: size / 4 },
    dense: { kind: 'dense', size: size / 16 },
    '16 MiB': { kind: 'binary', size: 16 * MIB },
    'log of 128 MiB': { kind: 'log', size: Math.min(size, 128 * MIB) },
    'service log of 32 MiB': { kind: 'service log', size: Math.min(size, 32 * MIB) },
    'service log of 128 MiB': { kind: 'service log', size: Math.min(size, 128 * MIB) },
    '100 KB': { kind: 'log', size: 100_000 },
    '100 bytes': { kind: 'log', size: 100 },
    'empty.cjs': { kind: 'log', size: 0 },
    shared: { kind: 'sparse', size: 2 * MIB },
    sparse: { kind: 'sparse', size: 8192 * MIB },
    'sparse 1 GiB': { kind: 'sparse', size: 1024 * MIB },
    'log on disk': { kind: 'log', size: size / 4, onDisk: true },
    'binary on disk': { kind: 'binary', size: size / 4, onDisk: true },
    ...growthFiles,
  }
}

export const rows = [...search, ...jobs, ...lines, ...regexp, ...calls, ...together, ...growth]

// How cost grows: with the length of the file, the number of cores, and the number of mappings.

import { availableParallelism, totalmem } from 'node:os'
import { WORD } from '../data.mjs'
import { ABSENT, hex, RUST } from './contenders.mjs'

const MIB = 2 ** 20
const MAPPINGS = [1, 100, 10_000]
const MOST_THREADS = 16

/** In MiB. A file that does not fit into memory would measure the disk. */
const LENGTHS = [64, 1024, 16_384].filter((length) => length * MIB < 0.75 * totalmem())

/** 1, 2, 4 and so on, and the number of cores that this process may use. */
const cores = Math.min(availableParallelism(), MOST_THREADS)
const CORES = [1, 2, 4, 8].filter((count) => count < cores).concat(cores)

/**
 * Work that is done on several threads. The synchronous methods get help from other threads too, so
 * that the same task on one thread is what it is compared with. `onTwo` is how many times as fast
 * two threads must be. The chart has a group of bars for each, so that there are at most four.
 */
const SERIES = [
  { series: 'count', operation: 'countOnThreads', label: 'mm.countAsync', args: [hex(ABSENT)] },
  {
    series: 'count in a fresh mapping',
    operation: 'countOnThreadsOfFresh',
    label: 'mm.countAsync',
    args: [hex(ABSENT)],
    onTwo: 1.8,
  },
  {
    series: 'count from path to answer',
    operation: 'openCountOnThreadsClose',
    label: 'mmap + countAsync + close',
    args: [hex(ABSENT)],
  },
  {
    series: 'replace one in 4 KiB',
    operation: 'replaceOnThreadsThereAndBack',
    label: 'mm.replaceAllAsync',
    args: [hex(WORD), hex(WORD.toUpperCase())],
    onTwo: 1.6,
  },
]

/** These do not depend on the size of the other files. */
export const growthFiles = Object.fromEntries(
  LENGTHS.map((length) => [`sparse ${length} MiB`, { kind: 'sparse', size: length * MIB, onDisk: true }]),
)

export const growth = [
  ...LENGTHS.map((length) => ({
    name: `length: count in ${length} MiB, sparse`,
    file: `sparse ${length} MiB`,
    unit: 'GB/s',
    ours: { label: 'mmap + count + close', peer: 'memmap', operation: 'openCountClose', args: [hex('\n')] },
    others: [
      { ...RUST, label: 'Rust: memchr on memmap2' },
      // This would take half a minute for 16 GiB.
      ...(length > 1024 ? [] : [{ label: 'fs.createReadStream + indexOf', peer: 'fs', operation: 'streamCount' }]),
    ],
  })),
  ...SERIES.flatMap(({ series, operation, label, args, onTwo }) =>
    CORES.map((count) => ({
      name: `cores: ${series}, on ${count}`,
      cores: { series, count },
      speedup: true,
      file: 'log',
      unit: 'ms',
      ours: { label: `${label}, on ${count} threads`, peer: 'memmap', operation, args: [...args, count] },
      others:
        count === 1
          ? []
          : [{ label: 'the same on 1', peer: 'memmap', args: [...args, 1], wanted: count === 2 ? onTwo : undefined }],
    })),
  ),
  ...MAPPINGS.map((count) => ({
    name: `mappings: open, read, close beside ${count}`,
    file: '100 KB',
    unit: 'µs',
    ours: {
      label: 'mmap + read + close',
      peer: 'memmap',
      operation: 'openReadCloseBeside',
      args: [5000, count],
    },
    others: [{ ...RUST, label: 'the bare system calls, from Rust' }],
  })),
]

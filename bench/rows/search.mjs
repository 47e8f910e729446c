// Searching and replacing in memory that is mapped already, and that has been touched before.

import { DENSE_WORD, WORD } from '../data.mjs'
import { ABSENT, ABSENT_64, ABSENT_BINARY, CPYTHON, FREQUENT, hex, INDEX_OF, RUST } from './contenders.mjs'

const BUN = { label: 'Bun.mmap + Buffer.indexOf', peer: 'Bun.mmap' }
const MMAP_IO = { label: '@riaskov/mmap-io + Buffer.indexOf', peer: '@riaskov/mmap-io' }
const CLOUDPSS = { label: '@cloudpss/mmap + Buffer.indexOf', peer: '@cloudpss/mmap' }

export const search = [
  {
    name: 'find a word that is not there',
    file: 'log',
    unit: 'GB/s',
    ours: find(ABSENT),
    others: [
      { ...RUST, wanted: 0.9 },
      { ...INDEX_OF, wanted: 3 },
      { label: 'Buffer.indexOf on what readFileSync has read', peer: 'readFileSync' },
      { ...CPYTHON, wanted: 1 },
      BUN,
      MMAP_IO,
      CLOUDPSS,
    ],
  },
  {
    name: 'find in binary data',
    file: 'binary',
    unit: 'GB/s',
    ours: find(ABSENT_BINARY),
    others: [
      { ...RUST, wanted: 0.9 },
      { ...INDEX_OF, wanted: 3 },
      { ...CPYTHON, wanted: 1 },
    ],
  },
  ...[
    ['find 1 byte', 'log', '\0'],
    ['find 2 bytes', 'log', 'qz'],
    ['find 64 bytes', 'log', ABSENT_64],
    ['find frequent bytes', 'log', FREQUENT],
    ['find aaaaaaaab', 'all a', 'aaaaaaaab'],
    ['find abababac', 'all ab', 'abababac'],
  ].map(([name, file, needle]) => ({
    name,
    file,
    unit: 'GB/s',
    ours: find(needle),
    others: [{ ...INDEX_OF, wanted: 1 }, RUST],
  })),
  {
    name: 'rfind',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mm.rfind', peer: 'memmap', operation: 'rfind', args: [hex(ABSENT)] },
    others: [RUST, { ...INDEX_OF, label: 'Buffer.lastIndexOf on the same mapped bytes' }, CPYTHON],
  },
  {
    name: 'findAll, one in 4 KiB',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mm.findAll', peer: 'memmap', operation: 'findAll', args: [hex(WORD)] },
    others: [RUST, INDEX_OF, CPYTHON],
  },
  {
    name: 'count line ends',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mm.count', peer: 'memmap', operation: 'count', args: [hex('\n')] },
    others: [
      { label: 'Rust: memchr on memmap2', peer: 'Rust' },
      { label: 'a loop over the same mapped bytes', peer: 'mm.view(Buffer)', operation: 'countByte', wanted: 10 },
      { ...INDEX_OF, label: 'a loop of Buffer.indexOf on the same mapped bytes', operation: 'countByIndexOf' },
    ],
  },
  {
    name: 'replaceAll, one in 4 KiB',
    file: 'log',
    unit: 'GB/s',
    passes: 2,
    ours: replace(WORD),
    others: [
      { label: 'Rust: the same loop on memmap2', peer: 'Rust', wanted: 0.9 },
      { label: 'CPython: find + slice assignment', peer: 'CPython', wanted: 4 },
      { label: 'indexOf + set on the same mapped bytes', peer: 'mm.view(Buffer)' },
      { label: 'Bun.mmap + indexOf + set', peer: 'Bun.mmap' },
      { label: '@riaskov/mmap-io + indexOf + set', peer: '@riaskov/mmap-io' },
      { label: 'CPython: byte by byte', peer: 'CPython', ...byteByByte() },
      { label: 'memmap: byte by byte', peer: 'memmap', ...byteByByte() },
    ],
  },
  {
    name: 'replaceAll, one in 16 bytes',
    file: 'dense',
    unit: 'GB/s',
    passes: 2,
    ours: replace(DENSE_WORD),
    others: [
      { label: 'Rust: the same loop on memmap2', peer: 'Rust' },
      { label: 'CPython: find + slice assignment', peer: 'CPython', wanted: 20 },
      { label: 'indexOf + set on the same mapped bytes', peer: 'mm.view(Buffer)' },
    ],
  },
  {
    name: 'findAsync',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mm.findAsync', peer: 'memmap', operation: 'findAsync', args: [hex(ABSENT)] },
    others: [{ label: 'mm.find', peer: 'memmap', operation: 'find', wanted: 0.9 }],
  },
  {
    name: 'delay of a 5 ms timer',
    file: 'log',
    unit: 'ms',
    // The worst round counts, because the limit must hold in every round.
    worst: true,
    ours: {
      label: 'during mm.findAsync',
      peer: 'memmap',
      operation: 'delayDuringFindAsync',
      args: [hex(ABSENT)],
      below: 15,
    },
    others: [
      { label: 'during nothing', peer: 'memmap', operation: 'delayDuringNothing' },
      { label: 'during mm.find', peer: 'memmap', operation: 'delayDuringFind' },
    ],
  },
]

function find(needle) {
  return { label: 'mm.find', peer: 'memmap', operation: 'find', args: [hex(needle)] }
}

/** Replaces and then restores, so that every round finds the same file. */
function replace(word) {
  const args = [hex(word), hex(word.toUpperCase())]
  return { label: 'mm.replaceAll', peer: 'memmap', operation: 'replaceThereAndBack', args }
}

/** A loop over every position. */
function byteByByte() {
  return { operation: 'byteByByteThereAndBack', part: 1 / 256, wanted: 500 }
}

// The rows: what is measured, against which alternatives, and which ratio is wanted.
//
// `wanted` is the least ratio of speeds, or for units of time the greatest ratio of times. `below`
// is a limit for memmap's own number. `part` is the share of the file that a slow peer works on.
// Its speed is scaled by length, so that it can be compared.

import { join } from 'node:path'
import { root } from '../scripts/setup.mjs'
import { DENSE_WORD, WORD } from './data.mjs'

const MIB = 2 ** 20

// The data contains none of these.
const ABSENT = 'OutOfRange'
const ABSENT_64 = 'DEBUG [worker-3] POST /api/v2/orders/100 200 12ms gateway closed'
// These bytes are frequent in most text, above all the space.
const FREQUENT = ' e t a'
const ABSENT_BINARY = Buffer.from('7f454c46020101f3a55e', 'hex')

const INDEX_OF = { label: 'Buffer.indexOf on the same mapped bytes', peer: 'mm.view(Buffer)' }
const RUST = { label: 'Rust: memmem on memmap2', peer: 'Rust' }
const CPYTHON = { label: "CPython's mmap", peer: 'CPython' }
const BUN = { label: 'Bun.mmap + Buffer.indexOf', peer: 'Bun.mmap' }
const MMAP_IO = { label: '@riaskov/mmap-io + Buffer.indexOf', peer: '@riaskov/mmap-io' }
const CLOUDPSS = { label: '@cloudpss/mmap + Buffer.indexOf', peer: '@cloudpss/mmap' }

/** The files by name, in the order in which they are made. `size` is in bytes. */
export function files(size) {
  return {
    log: { kind: 'log', size },
    binary: { kind: 'binary', size },
    'all a': { kind: 'all a', size: size / 4 },
    'all ab': { kind: 'all ab', size: size / 4 },
    dense: { kind: 'dense', size: size / 16 },
    '16 MiB': { kind: 'binary', size: 16 * MIB },
    'log of 128 MiB': { kind: 'log', size: Math.min(size, 128 * MIB) },
    '100 KB': { kind: 'log', size: 100_000 },
    '100 bytes': { kind: 'log', size: 100 },
    'empty.cjs': { kind: 'log', size: 0 },
    sparse: { kind: 'sparse', size: 8192 * MIB },
    'sparse 1 GiB': { kind: 'sparse', size: 1024 * MIB },
  }
}

export const rows = [
  {
    name: 'find a word that is not there',
    chart: true,
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
    name: 'find from path to answer',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mmap + find + close', peer: 'memmap', operation: 'openFindClose', args: [hex(ABSENT)] },
    others: [
      RUST,
      { label: 'fs.readFileSync + indexOf', peer: 'fs', operation: 'readFileIndexOf' },
      { label: 'fs.createReadStream + indexOf', peer: 'fs', operation: 'streamIndexOf' },
      CPYTHON,
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
    chart: true,
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mm.count', peer: 'memmap', operation: 'count', args: [hex('\n')] },
    others: [
      { label: 'Rust: memchr on memmap2', peer: 'Rust' },
      { label: 'a loop over the same mapped bytes', peer: 'mm.view(Buffer)', operation: 'countByte', wanted: 10 },
      { label: 'a loop over Bun.mmap', peer: 'Bun.mmap', operation: 'countByte' },
      { label: 'fs.createReadStream + indexOf', peer: 'fs', operation: 'streamCountByte' },
    ],
  },
  {
    name: 'lines',
    chart: true,
    file: 'log',
    unit: 'million lines/s',
    ours: { label: 'mm.lines', peer: 'memmap', operation: 'lines', args: [] },
    others: [
      { label: 'Rust: memchr on memmap2', peer: 'Rust' },
      { label: "CPython's iter(m.readline, b'')", peer: 'CPython', wanted: 2, aim: 3 },
      { label: 'node:readline', peer: 'fs', operation: 'readline', wanted: 6 },
      { label: 'indexOf + subarray on the same mapped bytes', peer: 'mm.view(Buffer)' },
      { label: 'Bun.mmap + indexOf + subarray', peer: 'Bun.mmap' },
    ],
  },
  {
    name: 'lines as text',
    file: 'log',
    unit: 'million lines/s',
    ours: { label: "mm.lines({ encoding: 'utf8' })", peer: 'memmap', operation: 'textLines', args: [] },
    others: [
      { label: 'node:readline', peer: 'fs', operation: 'readline', wanted: 2 },
      { label: "mm.lines(), each line's copy decoded", peer: 'memmap', operation: 'linesDecoded' },
    ],
  },
  {
    // One string may not have more than 512 MiB.
    name: 'lines as text, in 128 MiB',
    file: 'log of 128 MiB',
    unit: 'million lines/s',
    ours: { label: "mm.lines({ encoding: 'utf8' })", peer: 'memmap', operation: 'textLines', args: [] },
    others: [{ label: "readFileSync + toString + split('\\n')", peer: 'fs', operation: 'readFileSplit', wanted: 1 }],
  },
  {
    name: 'replaceAll, one in 4 KiB',
    chart: true,
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
  ...['Buffer', 'string'].map((type) => ({
    name: `one find in 100 bytes, the needle a ${type}`,
    file: '100 bytes',
    unit: 'ns',
    ours: { label: 'mm.find', peer: 'memmap', operation: 'findOnce', args: [hex(ABSENT), type] },
    others: [{ label: 'Buffer.indexOf', peer: 'readFileSync', wanted: 2 }],
  })),
  {
    name: 'the text of 100 bytes',
    file: '100 KB',
    unit: 'ns',
    ours: { label: 'mm.toString', peer: 'memmap', operation: 'text', args: [100] },
    others: [{ label: 'Buffer#toString on the same mapped bytes', peer: 'mm.view(Buffer)', wanted: 1.5 }],
  },
  {
    name: 'write 100 bytes',
    file: '100 KB',
    unit: 'ns',
    ours: { label: 'mm.set', peer: 'memmap', operation: 'set', args: [100] },
    others: [{ label: 'Buffer#set on the same mapped bytes', peer: 'mm.view(Buffer)', wanted: 1.5 }],
  },
  {
    name: 'open, read 8 bytes, close',
    file: '100 KB',
    unit: 'µs',
    ours: { label: 'mmap + read + close', peer: 'memmap', operation: 'openReadClose', args: [20_000] },
    others: [
      { label: 'the bare system calls, from Rust', peer: 'Rust' },
      { label: 'CPython: os.open + mmap + read + close', peer: 'CPython' },
      { label: 'fs.openSync + readSync + closeSync', peer: 'fs' },
    ],
  },
  {
    name: 'a loop over the bytes',
    file: '16 MiB',
    unit: 'GB/s',
    ours: { label: 'mm.bytes', peer: 'memmap', operation: 'sum', args: [] },
    others: [{ label: 'what readFileSync has read', peer: 'readFileSync' }],
  },
  {
    name: 'loading the package',
    file: 'empty.cjs',
    unit: 'ms',
    ours: { label: "require('memmap')", peer: 'fs', operation: 'require', args: [join(root, 'index.js')] },
    others: [{ label: 'require of an empty module', peer: 'fs', args: [] }],
  },
  {
    name: '8 GiB, sparse: open, last byte, close',
    file: 'sparse',
    unit: 'ms',
    ours: { label: 'mmap + at(-1) + close', peer: 'memmap', operation: 'openLastByteClose', args: [] },
    others: [],
  },
  {
    name: '1 GiB, sparse: open, 100 bytes, close; 100x',
    file: 'sparse 1 GiB',
    unit: 'ms',
    ours: { label: 'mmap + view + close', peer: 'memmap', operation: 'openViewClose', args: [100] },
    others: [
      { label: 'mmap + slice + close', peer: 'memmap', operation: 'openSliceClose', wanted: 2 },
      { label: 'mmap + lines + close', peer: 'memmap', operation: 'openLineClose' },
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

function hex(bytes) {
  return Buffer.from(bytes).toString('hex')
}

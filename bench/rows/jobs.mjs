// Whole jobs, from path to answer, beside what somebody would write without memmap. Opening and
// closing count. JavaScript and Python run already, and the other programs are started each time.

import { WORD } from '../data.mjs'
import { ABSENT, CPYTHON, hex, program, RUST } from './contenders.mjs'

const COUNTED = { peer: 'memmap', operation: 'openCountClose', label: 'mmap + count + close' }
const STREAM = { label: 'fs.createReadStream + indexOf', peer: 'fs', bar: 'Node: stream' }
const READ_FILE = { label: 'fs.readFileSync + indexOf', peer: 'fs' }

const STATUS = ' ([0-9]{3}) [0-9]+ms'
const AWK = '{ n[$6]++ } END { for (code in n) print code, n[code] }'

export const jobs = [
  {
    name: 'job: find a word that is not there',
    chart: 'Open a file and search all of it',
    file: 'log',
    unit: 'GB/s',
    ours: { label: 'mmap + find + close', peer: 'memmap', operation: 'openFindClose', args: [hex(ABSENT)] },
    others: [{ ...STREAM, operation: 'streamIndexOf' }, { ...READ_FILE, operation: 'readFileIndexOf' }, CPYTHON, RUST],
  },
  {
    name: 'job: count the lines',
    chart: 'Open a file and count its lines',
    file: 'log',
    unit: 'GB/s',
    ours: { ...COUNTED, args: [hex('\n')] },
    others: [
      { ...STREAM, operation: 'streamCount' },
      { label: "CPython: open + read(1 MiB) + count(b'\\n')", peer: 'CPython', operation: 'readCount' },
      { ...program('wc', '-l'), bar: 'wc -l' },
      program('rg', '-c', ''),
      program('grep', '-c', ''),
      { ...RUST, label: 'Rust: memchr on memmap2' },
    ],
  },
  {
    // No line has the word twice, so lines and matches are as many.
    name: 'job: count a word, one in 4 KiB',
    file: 'log',
    unit: 'GB/s',
    ours: { ...COUNTED, args: [hex(WORD)] },
    others: [
      { ...STREAM, operation: 'streamCount' },
      { ...CPYTHON, label: "CPython's mmap, a loop of find" },
      program('rg', '--count-matches', WORD),
      program('rg', '-c', WORD),
      program('grep', '-c', WORD),
      RUST,
    ],
  },
  {
    name: 'job: all lines with a word, as text',
    chart: 'All lines with a word, as strings',
    file: 'log',
    unit: 'GB/s',
    ours: {
      label: 'mmap + findAll + lineAt + toString + close',
      peer: 'memmap',
      operation: 'linesWith',
      args: [hex(WORD)],
    },
    others: [
      { label: 'node:readline + includes', peer: 'fs', bar: 'Node: readline' },
      { ...CPYTHON, label: "CPython's mmap: find, rfind and find of '\\n'" },
      { ...program('rg', WORD), operation: 'lines', bar: 'rg' },
      { ...program('grep', WORD), operation: 'lines' },
    ],
  },
  {
    name: 'job: count the status codes, in 128 MiB',
    file: 'log of 128 MiB',
    unit: 'GB/s',
    ours: {
      label: 'mmap + matchAll + close',
      peer: 'memmap',
      operation: 'statusCodes',
      args: [hex(STATUS)],
    },
    others: [
      { label: 'node:readline + RegExp', peer: 'fs', operation: 'readlineStatusCodes' },
      { label: 'fs.readFileSync + toString + matchAll', peer: 'fs', operation: 'readFileStatusCodes' },
      { ...CPYTHON, label: "CPython's mmap + re.finditer" },
      { label: "awk '{ n[$6]++ }'", peer: 'awk', operation: 'table', args: [AWK] },
    ],
  },
  {
    name: 'job: replace in place, one in 4 KiB, in 128 MiB',
    chart: 'Replace a word in a file of 128 MiB, in place',
    file: 'log of 128 MiB',
    unit: 'GB/s',
    passes: 2,
    ours: {
      label: 'mmap + replaceAll + close',
      peer: 'memmap',
      operation: 'openReplaceThereAndBack',
      args: [hex(WORD), hex(WORD.toUpperCase())],
    },
    others: [
      { label: 'readFileSync + replaceAll + writeFileSync', peer: 'fs', bar: 'Node: read, write' },
      { ...CPYTHON, label: "CPython's mmap, find + slice assignment" },
      { label: 'sed -i', peer: 'sed', operation: 'replaceThereAndBack', args: [WORD, WORD.toUpperCase()] },
      { ...RUST, label: 'Rust: find and copy on memmap2' },
    ],
  },
  {
    name: '200,000 random reads of 8 bytes, one of them',
    file: 'binary',
    unit: 'ns',
    ours: { label: 'mm.view(DataView)', peer: 'memmap', operation: 'randomReads', args: [200_000, 'DataView'] },
    others: [
      { label: 'mm.slice', peer: 'memmap', args: [200_000, 'slice'] },
      { label: 'fs.readSync', peer: 'fs', args: [200_000] },
      { ...CPYTHON, label: "CPython's mmap + struct.unpack_from", args: [200_000] },
      { ...RUST, label: 'Rust: a read of memmap2', args: [200_000] },
    ],
  },
  {
    // The hash function takes most of the time.
    name: 'job: SHA-256, of 128 MiB',
    file: 'log of 128 MiB',
    unit: 'GB/s',
    ours: { label: 'mmap + createHash + close', peer: 'memmap', operation: 'hash', args: [] },
    others: [
      { label: 'fs.createReadStream + createHash', peer: 'fs', operation: 'streamHash' },
      { label: 'fs.readFileSync + createHash', peer: 'fs', operation: 'readFileHash' },
      { label: 'CPython: hashlib.file_digest', peer: 'CPython' },
      { label: 'sha256sum', peer: 'sha256sum', operation: 'run' },
    ],
  },
  {
    name: 'serve 2,000 ranges of 64 KiB over HTTP, one of them',
    file: 'log',
    unit: 'µs',
    ours: { label: 'response.end(mm.slice(start, stop))', peer: 'memmap', operation: 'serve', args: ['slice'] },
    others: [
      { label: 'response.end(mm.view(Buffer, start, length))', peer: 'memmap', args: ['view'] },
      { label: 'fs.createReadStream + pipe', peer: 'fs', args: ['createReadStream'] },
      { label: 'FileHandle.read', peer: 'fs', args: ['FileHandle'] },
    ],
  },
  {
    name: 'job: count the lines, cold',
    file: 'log on disk',
    cold: true,
    unit: 'GB/s',
    ours: { ...COUNTED, args: [hex('\n')] },
    others: [
      { ...STREAM, operation: 'streamCount' },
      { label: "CPython: open + read(1 MiB) + count(b'\\n')", peer: 'CPython', operation: 'readCount' },
      program('wc', '-l'),
      program('rg', '-c', ''),
      { ...RUST, label: 'Rust: memchr on memmap2' },
    ],
  },
  {
    name: '2,000 random reads of 8 bytes, cold, one of them',
    file: 'binary on disk',
    cold: true,
    unit: 'µs',
    ours: { label: 'mmap + DataView + unmap', peer: 'memmap', operation: 'openRandomReads', args: [2000] },
    others: [
      { label: 'fs.openSync + readSync + closeSync', peer: 'fs', operation: 'randomReads' },
      { ...CPYTHON, label: "CPython's mmap + struct.unpack_from" },
    ],
  },
]

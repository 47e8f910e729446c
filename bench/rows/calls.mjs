// Calls that take nanoseconds or microseconds, and opening and closing.

import { join } from 'node:path'
import { root } from '../../scripts/setup.mjs'
import { ABSENT, hex } from './contenders.mjs'

export const calls = [
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

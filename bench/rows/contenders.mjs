// What several groups of rows use: needles, and contenders by name.

// The data contains none of these.
export const ABSENT = 'OutOfRange'
export const ABSENT_64 = 'DEBUG [worker-3] POST /api/v2/orders/100 200 12ms gateway closed'
export const ABSENT_BINARY = Buffer.from('7f454c46020101f3a55e', 'hex')
// These bytes are frequent in most text, above all the space.
export const FREQUENT = ' e t a'

export const INDEX_OF = { label: 'Buffer.indexOf on the same mapped bytes', peer: 'mm.view(Buffer)' }
export const RUST = { label: 'Rust: memmem on memmap2', peer: 'Rust', bar: 'Rust', limit: true }
export const CPYTHON = { label: "CPython's mmap", peer: 'CPython', bar: 'CPython: mmap' }

/** A program that reads the file itself. Its time includes starting it. */
export function program(name, ...args) {
  return { label: [name, ...args].join(' '), peer: name, operation: 'run', args }
}

export function hex(bytes) {
  return Buffer.from(bytes).toString('hex')
}

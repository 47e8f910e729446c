// Find and replace in a file without loading it: the guide's loop of find and slice assignment.
//
// The text is the TypeScript compiler's own, over and over until there are as many MiB as asked for:
//   node --import=tsx examples/find-and-replace.mts 256
//
// A Python programmer writes:                          Here:
//   while (at := mm.find(old)) != -1:                    let at = mm.find(old, 0)
//     mm[at:at + len(old)] = new                         mm.setSlice(replacement, at, at + old.length)

import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCESS_READ, mmap } from 'memmap'

const MIB = 1024 * 1024
const wanted = Number(process.argv[2] ?? 256) * MIB
const [old, replacement] = [Buffer.from('function'), Buffer.from('FUNCTION')]

const directory = mkdtempSync(join(tmpdir(), 'memmap-'))
const path = join(directory, 'large.txt')
try {
  const text = readFileSync(createRequire(import.meta.url).resolve('typescript/lib/typescript.js'))
  const file = openSync(path, 'w')
  let copies = 0
  for (let size = 0; size < wanted; size += writeSync(file, text)) copies += 1
  closeSync(file)
  console.log(`${path}: ${copies} copies of ${text.length} bytes`)

  using mm = mmap(path)
  const started = performance.now()
  let replaced = 0
  for (let at = mm.find(old, 0); at !== -1; at = mm.find(old, at + old.length)) {
    mm.setSlice(replacement, at, at + old.length)
    replaced += 1
  }
  const seconds = (performance.now() - started) / 1000
  console.log(`replaced ${replaced} of "${old}" in ${(mm.length / MIB).toFixed()} MiB in ${seconds.toFixed(2)} s`)
  mm.flush()

  using check = mmap(path, 0, { access: ACCESS_READ })
  const perCopy = text.toString('latin1').split(old.toString()).length - 1
  assert.equal(replaced, copies * perCopy)
  assert.equal(check.find(old), -1)
  assert.ok(check.find(replacement) >= 0)
} finally {
  rmSync(directory, { recursive: true })
}

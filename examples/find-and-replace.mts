// Finds and replaces in a file without loading it. A terminal shows a progress bar, and Ctrl-C
// stops it.
//
// The file repeats the TypeScript compiler's source until it has this many MiB:
//   node --import=tsx examples/find-and-replace.mts 4096
//
// A Python programmer writes:                          Here:
//   while (at := mm.find(old)) != -1:                    mm.replaceAll(old, replacement)
//     mm[at:at + len(old)] = new                         await mm.replaceAllAsync(old, replacement)

import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCESS_READ, mmap, type Progress } from 'memmap'

const MIB = 1024 * 1024
const wanted = Number(process.argv[2] ?? 256) * MIB
const [old, replacement] = ['function', 'FUNCTION']

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
  const stop = new AbortController()
  const interrupted = () => stop.abort(new Error('Ctrl-C'))
  process.once('SIGINT', interrupted)
  const replaced = await mm.replaceAllAsync(old, replacement, 0, mm.length, {
    signal: stop.signal,
    onProgress: drawBar,
  })
  process.off('SIGINT', interrupted)
  const seconds = (performance.now() - started) / 1000
  console.log(`replaced ${replaced} of "${old}" in ${(mm.length / MIB).toFixed()} MiB in ${seconds.toFixed(2)} s`)
  await mm.flushAsync()

  using check = mmap(path, { access: ACCESS_READ })
  const perCopy = text.toString('latin1').split(old).length - 1
  assert.equal(replaced, copies * perCopy)
  assert.equal(check.count(old), 0)
  assert.ok(check.count(replacement) >= replaced)
} finally {
  rmSync(directory, { recursive: true })
}

function drawBar({ done, total }: Progress): void {
  if (!process.stdout.isTTY) return
  const cells = Math.floor((done / total) * 40)
  process.stdout.write(`\r[${'#'.repeat(cells).padEnd(40)}] ${Math.floor((done / total) * 100)} %`)
  if (done === total) process.stdout.write('\n')
}

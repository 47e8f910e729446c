// node bench/basics.mjs: what a mapping costs beside what a user would pick instead. Ratios of one run; peers take turns, and
// each number is the best of its rounds, which is the one that other work on the machine has disturbed least.

import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run, setUp } from '../scripts/setup.mjs'

setUp()
run('cargo', ['build', '--locked', '--release', '--package', 'bench-system-calls'])

const { mmap, ACCESS_READ } = createRequire(import.meta.url)('../index.js')
const directory = mkdtempSync(join(tmpdir(), 'memmap-bench-'))
const ROUNDS = 9

try {
  console.log(`\n${cpus()[0]?.model}, ${process.platform} ${process.arch}, Node ${process.version}\n`)
  perByte()
  openReadClose()
  load()
  largeSparseFile()
} finally {
  rmSync(directory, { recursive: true })
}

function perByte() {
  const length = 1 << 24
  const path = join(directory, 'bytes')
  writeFileSync(path, Buffer.alloc(length, 1))
  using(mmap(path, 0, { access: ACCESS_READ }), (mm) => {
    const plain = new Uint8Array(length).fill(1)
    const { bytes } = mm
    const [mapped, normal] = takeTurns(
      () => timed(() => sum(bytes)),
      () => timed(() => sum(plain)),
    )
    report('a loop over mm.bytes', mapped / length, 'a loop over a Uint8Array', normal / length, 'ns a byte')
  })
}

function sum(bytes) {
  let total = 0
  for (let i = 0; i < bytes.length; i += 1) total += bytes[i]
  return total
}

function openReadClose() {
  const count = 20_000
  const path = join(directory, 'small')
  writeFileSync(path, Buffer.alloc(100_000, 'x'))
  const [ours, bare, python, fs] = takeTurns(
    () => repeated(count, () => openReadCloseMmap(path)),
    () => Number(execFileSync(join(root, 'target/release/bench-system-calls'), [path, String(count)])),
    () => pythonTime(path, count),
    () => repeated(count, () => openReadCloseFs(path)),
  )
  report('mmap + read(8) + close', ours, 'its bare system calls, from Rust', bare, 'ns')
  if (python === undefined) console.log("no python3 here to compare with CPython's mmap")
  else report('mmap + read(8) + close', ours, "CPython's os.open + mmap + read(8) + close", python, 'ns')
  report('mmap + read(8) + close', ours, 'fs.openSync + readSync(8) + closeSync', fs, 'ns')
}

function openReadCloseMmap(path) {
  const mm = mmap(path, 0, { access: ACCESS_READ })
  const bytes = mm.read(8)
  mm.close()
  return bytes
}

function openReadCloseFs(path) {
  const fd = openSync(path)
  const bytes = Buffer.allocUnsafe(8)
  readSync(fd, bytes, 0, 8, 0)
  closeSync(fd)
  return bytes
}

function pythonTime(path, count) {
  const program = `
import mmap, os, sys, time
path, count = sys.argv[1], int(sys.argv[2])
started = time.perf_counter_ns()
for _ in range(count):
    fd = os.open(path, os.O_RDONLY)
    m = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    os.close(fd)
    m.read(8)
    m.close()
print((time.perf_counter_ns() - started) // count)`
  const { status, stdout } = spawnSync(process.env.PYTHON ?? 'python3', ['-c', program, path, String(count)])
  return status === 0 ? Number(stdout) : undefined
}

function load() {
  const empty = join(directory, 'empty.cjs')
  writeFileSync(empty, '')
  const requireTime = (path) => {
    const program = `const t = performance.now(); require(${JSON.stringify(path)}); console.log(performance.now() - t)`
    return Number(execFileSync(process.execPath, ['--eval', program]))
  }
  const [ours, nothing] = takeTurns(
    () => requireTime(join(root, 'index.js')),
    () => requireTime(empty),
  )
  report("require('memmap')", ours, 'require of an empty module', nothing, 'ms')
  for (const name of readdirSync(root).filter((name) => name.endsWith('.node'))) {
    console.log(`${name}: ${(statSync(join(root, name)).size / 1000).toFixed()} KB`)
  }
}

function largeSparseFile() {
  const path = join(directory, 'sparse')
  const fd = openSync(path, 'w')
  ftruncateSync(fd, 8 * 2 ** 30)
  closeSync(fd)
  const [time] = takeTurns(() =>
    timed(() => {
      const mm = mmap(path, 0, { access: ACCESS_READ })
      const last = mm.at(-1)
      mm.close()
      return last
    }),
  )
  console.log(`a sparse file of 8 GiB mapped, its last byte read, closed: ${(time / 1e6).toFixed(3)} ms`)
}

/** The best of each peer's rounds. */
function takeTurns(...peers) {
  const best = peers.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, peer] of peers.entries()) best[index] = Math.min(best[index], peer() ?? Number.NaN)
  }
  return best.map((time) => (Number.isFinite(time) ? time : undefined))
}

function timed(call) {
  const started = process.hrtime.bigint()
  call()
  return Number(process.hrtime.bigint() - started)
}

function repeated(count, call) {
  return (
    timed(() => {
      for (let i = 0; i < count; i += 1) call()
    }) / count
  )
}

function report(what, time, than, other, unit) {
  console.log(
    `${what}: ${time.toPrecision(3)} ${unit}, ${(time / other).toFixed(2)}x of ${than} (${other.toPrecision(3)} ${unit})`,
  )
}

function using(mm, call) {
  try {
    call(mm)
  } finally {
    mm.close()
  }
}

// Does the package do what CPython's mmap does? The tests replay what CPython 3.13 did, operation
// by operation. They compare results, errors, cursors and the content of files. vectors/record.py
// writes the vectors. Its first lines describe their format, and list the known differences, which
// are not recorded.

import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import test from 'ava'
import * as memmap from 'memmap'
import { Mmap, mmap, PAGESIZE } from 'memmap'

type Json = null | boolean | number | string | Json[] | JsonObject
interface JsonObject {
  [key: string]: Json
}

type Operation = [name: string, args: Json[], outcome: Json]

interface Sequence {
  name: string
  platform?: string
  page?: number
  mode?: keyof typeof OPEN_FLAGS
  file?: JsonObject
  ops: Operation[]
}

/** An error as this package throws it. Without `message`, any message will do. */
interface Failure {
  kind: string
  code: unknown
  message?: string | undefined
}

type Outcome = { value: Json } | { failure: Failure }

const VECTORS = new URL('./vectors/', import.meta.url)
/** The number that README gives. */
const RECORDED = 52_809
/** How many of them depend neither on the system nor on the size of pages. */
const REPLAYED_ANYWHERE = 38_669
const MOST_MISMATCHES_SHOWN = 20
const INLINE_BYTES = 64

const OPEN_FLAGS = { r: 'r', 'r+': 'r+', w: constants.O_WRONLY } as const

/** Python's name of an operation -> the method that does the same with the same arguments. */
const METHODS = {
  read: 'read',
  read_byte: 'readByte',
  readline: 'readLine',
  write: 'write',
  write_byte: 'writeByte',
  seek: 'seek',
  seekable: 'seekable',
  tell: 'tell',
  getitem: 'at',
  setitem: 'setAt',
  move: 'move',
  find: 'find',
  rfind: 'rfind',
  size: 'size',
  flush: 'flush',
  resize: 'resize',
  madvise: 'madvise',
  close: 'close',
} as const satisfies Record<string, keyof Mmap>

/** Operations whose sizes may be bigints; positions everywhere else are numbers. */
const TAKES_BIGINT = new Set(['mmap', 'resize'])

/**
 * CPython's messages that become neither ERR_OUT_OF_RANGE (as ValueError) nor
 * ERR_INVALID_ARG_TYPE (as TypeError).
 */
const OTHER_FAILURES: ReadonlyMap<string, { kind: string; code: string }> = new Map([
  ['mmap closed or invalid', { kind: 'Error', code: 'ERR_MMAP_CLOSED' }],
  ["mmap can't specify both access and flags, prot.", { kind: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }],
  ["mmap can't resize with trackfd=False.", { kind: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }],
  ["mmap can't modify a readonly memory map.", { kind: 'TypeError', code: 'ERR_MMAP_READONLY' }],
  ["mmap can't resize a readonly or copy-on-write memory map.", { kind: 'TypeError', code: 'ERR_MMAP_READONLY' }],
])

/** What a sequence works on: its file, its descriptors and its map. */
class Stage {
  readonly #path: string
  readonly #hasFile: boolean
  #fd: number | undefined
  #map: Mmap | undefined

  constructor(folder: string, sequence: Sequence) {
    this.#path = join(folder, 'file')
    this.#hasFile = sequence.file !== undefined
    if (sequence.file !== undefined) {
      writeFileSync(this.#path, content(sequence.file))
      this.#fd = openSync(this.#path, OPEN_FLAGS[sequence.mode ?? 'r+'])
    }
  }

  perform(name: string, recorded: Json[]): unknown {
    const args = recorded.map((value) => this.#decode(value, TAKES_BIGINT.has(name)))
    switch (name) {
      case 'mmap':
        return this.#open(args)
      case 'closefd':
        return this.#closeDescriptor()
      case 'file':
        return readFileSync(this.#path)
      case 'filewrite':
        return this.#writeFile(args)
      default:
        return apply(this.#opened(), name, args)
    }
  }

  finish(): void {
    this.#map?.close()
    this.#closeDescriptor()
    if (this.#hasFile) unlinkSync(this.#path)
  }

  #open(args: unknown[]): undefined {
    this.#map?.close()
    this.#map = undefined
    // Reflect.apply, here and below, because wrong types are passed on purpose.
    const map: unknown = Reflect.apply(mmap, undefined, args)
    if (!(map instanceof Mmap)) throw new Error('mmap() returned something that is no Mmap')
    this.#map = map
  }

  #opened(): Mmap {
    if (this.#map === undefined) throw new Error('the vector uses a map before it makes one')
    return this.#map
  }

  #closeDescriptor(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #writeFile([position, data]: unknown[]): void {
    if (typeof position !== 'number' || !(data instanceof Uint8Array)) throw new Error('bad filewrite in the vector')
    const fd = openSync(this.#path, 'r+')
    try {
      writeSync(fd, data, 0, data.length, position)
    } finally {
      closeSync(fd)
    }
  }

  #decode(value: Json, bigints: boolean): unknown {
    if (typeof value === 'string') return Buffer.from(value, 'hex')
    if (Array.isArray(value)) return value.map((item) => this.#decode(item, bigints))
    if (value === null || typeof value !== 'object') return value
    if ('hex' in value || 'bytes' in value || 'text' in value) return content(value)
    if ('str' in value) return value.str
    if ('int' in value) return bigints ? BigInt(String(value.int)) : Number(value.int)
    if ('name' in value) return constant(String(value.name))
    if ('fd' in value) return this.#fd
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#decode(item, bigints)]))
  }
}

function apply(map: Mmap, name: string, args: unknown[]): unknown {
  switch (name) {
    case 'len':
      return map.length
    case 'closed':
      return map.closed
    case 'iter':
      return Buffer.from([...map])
    case 'state':
      if (map.closed) return { closed: true }
      return { length: map.length, pos: map.tell(), offset: map.offset, access: map.access }
    case 'getslice':
      return Reflect.apply(map.slice, map, args.map(missingIfNull))
    case 'setslice': {
      const [start, stop, step, data] = args
      return Reflect.apply(map.setSlice, map, [data, ...[start, stop, step].map(missingIfNull)])
    }
    default:
      if (!isMethod(name)) throw new Error(`the vector has an operation that this test does not know: ${name}`)
      return Reflect.apply(map[METHODS[name]], map, args)
  }
}

function isMethod(name: string): name is keyof typeof METHODS {
  return Object.hasOwn(METHODS, name)
}

function missingIfNull(part: unknown): unknown {
  return part === null ? undefined : part
}

function constant(names: string): number {
  const exported: Record<string, unknown> = memmap
  return names.split('|').reduce((sum, name) => {
    const value = exported[name]
    if (typeof value !== 'number') throw new Error(`memmap does not export the number ${name}`)
    return sum | value
  }, 0)
}

/** The bytes that a vector spells out or gives the formula of. */
function content(described: JsonObject): Buffer {
  const { hex, bytes, text } = described
  if (typeof hex === 'string') return Buffer.from(hex, 'hex')
  const formula = bytes ?? text
  if (!Array.isArray(formula)) throw new Error(`unknown content in the vector: ${JSON.stringify(described)}`)
  const [seed, length] = formula.map(Number)
  if (seed === undefined || length === undefined) throw new Error('a formula needs a seed and a length')
  return bytes === undefined ? textContent(seed, length) : bytesContent(seed, length)
}

function bytesContent(seed: number, length: number): Buffer {
  const result = Buffer.alloc(length)
  for (let i = 0; i < length; i++) result[i] = (i * 7 + (i >> 8) * 13 + seed) & 255
  return result
}

function textContent(seed: number, length: number): Buffer {
  const alphabet = 'aab cde\n'
  const result = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (state * 75 + 74) % 65537
    result[i] = alphabet.charCodeAt(state % alphabet.length)
  }
  return result
}

// --- outcomes

function expectedOutcome(recorded: Json): Outcome {
  if (recorded === null || typeof recorded !== 'object' || Array.isArray(recorded) || !('raises' in recorded)) {
    return { value: recorded }
  }
  const { raises, message, errno } = recorded
  if (raises === 'OSError') return { failure: { kind: 'Error', code: errno } }
  const text = typeof message === 'string' ? message : undefined
  const other = text === undefined ? undefined : OTHER_FAILURES.get(text)
  if (other !== undefined) return { failure: { ...other, message: text } }
  if (raises === 'TypeError') return { failure: { kind: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' } }
  return { failure: { kind: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: text } }
}

function actualOutcome(stage: Stage, name: string, args: Json[]): Outcome {
  try {
    return { value: encodeResult(stage.perform(name, args)) }
  } catch (error) {
    return { failure: describe(error) }
  }
}

function describe(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: typeof error, code: undefined, message: String(error) }
  const kind = [TypeError, RangeError].find((type) => error instanceof type)?.name ?? 'Error'
  return { kind, code: 'code' in error ? error.code : undefined, message: error.message }
}

/** A result as the vectors have it: see encode_result() in the recorder. */
function encodeResult(result: unknown): Json {
  if (result === undefined) return null
  if (typeof result === 'number' || typeof result === 'boolean') return result
  if (result instanceof Uint8Array) {
    if (result.length <= INLINE_BYTES) return Buffer.from(result).toString('hex')
    return { length: result.length, sha1: createHash('sha1').update(result).digest('hex') }
  }
  if (isState(result)) return result
  return { unexpected: `${typeof result} ${String(result)}` }
}

/** Only `state` makes plain objects, and only of numbers and booleans. */
function isState(result: unknown): result is JsonObject {
  return typeof result === 'object' && result !== null && Object.getPrototypeOf(result) === Object.prototype
}

function agree(expected: Outcome, actual: Outcome): boolean {
  if ('value' in expected || 'value' in actual) return show(expected) === show(actual)
  const { kind, code, message } = expected.failure
  if (kind !== actual.failure.kind || code !== actual.failure.code) return false
  // Our messages begin with CPython's and may go on with what was passed and what is allowed.
  return message === undefined || (actual.failure.message ?? '').startsWith(message)
}

function show(outcome: Outcome): string {
  if ('value' in outcome) return JSON.stringify(outcome.value)
  const { kind, code, message } = outcome.failure
  return `${kind} ${String(code)}${message === undefined ? '' : `: ${message}`}`
}

// --- replaying

interface Replayed {
  operations: number
  mismatch?: string
}

/** Stops at the first mismatch: what follows would start from another state. */
function replay(folder: string, sequence: Sequence, place: string): Replayed {
  const stage = new Stage(folder, sequence)
  let operations = 0
  try {
    for (const [name, args, recorded] of sequence.ops) {
      const expected = expectedOutcome(recorded)
      const actual = actualOutcome(stage, name, args)
      if (!agree(expected, actual)) {
        const call = `${name}(${args.map((value) => JSON.stringify(value)).join(', ')})`
        return { operations, mismatch: mismatchText(place, sequence.name, operations, call, expected, actual) }
      }
      operations++
    }
  } finally {
    stage.finish()
  }
  return { operations }
}

function mismatchText(
  place: string,
  sequence: string,
  index: number,
  call: string,
  expected: Outcome,
  actual: Outcome,
): string {
  return [
    `${place}, operation ${index}: ${call}   (${sequence})`,
    `  expected ${show(expected)}`,
    `  actual   ${show(actual)}`,
  ].join('\n')
}

/** Why a sequence cannot be replayed here; undefined if it can. */
function reasonToSkip({ platform, page }: Sequence): string | undefined {
  if (platform !== undefined && platform !== process.platform) {
    return `recorded on ${platform}, this is ${process.platform}`
  }
  if (page !== undefined && page !== PAGESIZE) {
    return `recorded with pages of ${page} bytes, here they have ${PAGESIZE}`
  }
  return undefined
}

function readSequences(file: string): Sequence[] {
  const lines = readFileSync(new URL(file, VECTORS), 'ascii').trimEnd().split('\n')
  // The recorder is the only author of these files; a malformed one fails in replay().
  return lines.map((line) => JSON.parse(line) as Sequence)
}

const folder = mkdtempSync(join(tmpdir(), 'memmap-vectors-'))
let replayedInAll = 0
let skippedInAll = 0

test.after.always('remove the temporary files', () => {
  rmSync(folder, { recursive: true, force: true })
})

for (const file of readdirSync(VECTORS)
  .filter((name) => name.endsWith('.jsonl'))
  .sort()) {
  test.serial(`${file}: every operation ends as in CPython`, (t) => {
    t.timeout(120_000, 'flush() goes to the device, which may be slow')
    const mismatches: string[] = []
    const skipped = new Map<string, number>()
    const sequences = readSequences(file)
    for (const [index, sequence] of sequences.entries()) {
      const reason = reasonToSkip(sequence)
      if (reason !== undefined) {
        skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
        skippedInAll += sequence.ops.length
        continue
      }
      const { operations, mismatch } = replay(folder, sequence, `${file}:${index + 1}`)
      replayedInAll += operations
      if (mismatch !== undefined) mismatches.push(mismatch)
    }
    for (const [reason, count] of skipped) t.log(`skipped ${count} sequences: ${reason}`)
    if (mismatches.length === 0) {
      t.pass()
    } else {
      const shown = mismatches.slice(0, MOST_MISMATCHES_SHOWN).join('\n\n')
      t.fail(`${mismatches.length} of ${sequences.length} sequences differ from CPython:\n\n${shown}\n`)
    }
  })
}

// Last, because it counts what the tests above did.
test.serial('all files: the vectors were replayed, and not skipped over', (t) => {
  t.log(`replayed ${replayedInAll} operations, skipped ${skippedInAll}`)
  t.is(replayedInAll + skippedInAll, RECORDED)
  if (process.platform === 'linux' && PAGESIZE === 4096) t.is(skippedInAll, 0)
  t.true(replayedInAll >= REPLAYED_ANYWHERE, `only ${replayedInAll} operations were replayed`)
})

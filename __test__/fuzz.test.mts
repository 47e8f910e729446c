// Every method called with every kind of argument: values that no type allows, objects that close
// the mapping while they are inspected, buffers that lie. Each call must end with a value or an
// error with a documented code, and the process must survive.
//
// HOSTILE_SEED repeats a run. HOSTILE_RUNS is the number of sequences for each kind of mapping.
// With HOSTILE_TRACE=1 each call is written to stderr before it is made, in case the process does
// not survive it.

import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import ava, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  ACCESS_COPY,
  ACCESS_READ,
  ACCESS_WRITE,
  MAP_PRIVATE,
  Mmap,
  type MmapOptions,
  mmap,
  PAGESIZE,
  unlinkShm,
} from 'memmap'
import { anything } from './fuzz/arguments.mjs'
import { call, run } from './fuzz/calls.mjs'
import { extent, file, options, SHM_PREFIX } from './fuzz/opening.mjs'
import { CONTENT, FILE_LENGTH, inWorld, judged } from './fuzz/world.mjs'
import { mmapWith } from './support/misuse.mjs'
import { scratchFolder } from './support/portable.mjs'
import { SEED } from './support/seed.mjs'

const test = ava.serial

const RUNS = Number(process.env.HOSTILE_RUNS ?? 150)
const TRACE = process.env.HOSTILE_TRACE === '1'

// First, because the process may not live to print it later.
test('seed: the seed of the tests is printed first', (t) => {
  t.log(`HOSTILE_SEED=${SEED} HOSTILE_RUNS=${RUNS}`)
  t.pass()
})

/** Checks what holds for a mapping whatever was done to it. */
function checkMap(map: Mmap): void {
  const { closed } = map
  check(typeof closed === 'boolean', 'closed is a boolean')
  check(inspect(map).startsWith(`<memmap.Mmap closed=${closed}`), 'inspect() says whether it is closed')
  if (closed) return
  check(Number.isSafeInteger(map.length) && map.length >= 0, `a length of ${map.length}`)
  check(Number.isSafeInteger(map.tell()) && map.tell() >= 0, `a cursor at ${map.tell()}`)
  check([0, 1, 2, 3].includes(map.access), `an access of ${map.access}`)
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

// --- Kinds of mappings

interface Kind {
  open(path: string): Mmap
  /** Whether methods may change the mapped part of the file. */
  writes: boolean
  /** Where in the file the mapping lies; nothing for memory without a file. */
  range?: [from: number, to: number]
}

const ALL: [number, number] = [0, FILE_LENGTH]
let tags = 0

function ofFile(writes: boolean, options: MmapOptions, length = 0, range = ALL): Kind {
  return { open: (path) => mmap(path, length, options), writes, range }
}

function ofMemory(options: MmapOptions): Kind {
  return { open: () => mmap(-1, FILE_LENGTH, options), writes: false }
}

const KINDS: Record<string, Kind> = {
  'a file': ofFile(true, {}),
  'a file with ACCESS_WRITE': ofFile(true, { access: ACCESS_WRITE }),
  'a file with ACCESS_READ': ofFile(false, { access: ACCESS_READ }),
  'a file with ACCESS_COPY': ofFile(false, { access: ACCESS_COPY }),
  'a file with ACCESS_COPY and writeBack': ofFile(true, { access: ACCESS_COPY, writeBack: true }, 1000, [0, 1000]),
  'a file from an odd offset on': ofFile(true, { offset: PAGESIZE + 13 }, PAGESIZE, [PAGESIZE + 13, 2 * PAGESIZE + 13]),
  'no bytes of a file': ofFile(true, { offset: FILE_LENGTH, allowEmpty: true }, 0, [FILE_LENGTH, FILE_LENGTH]),
  'a file without its descriptor': ofFile(true, { trackfd: false }, PAGESIZE, [0, PAGESIZE]),
  'a file with a SharedArrayBuffer': ofFile(true, { sharedArrayBuffer: true }),
  // On Windows no SharedArrayBuffer over a mapping can grow.
  ...(process.platform !== 'win32' && {
    'a file with a SharedArrayBuffer that can grow': ofFile(true, {
      sharedArrayBuffer: { maxByteLength: 8 * PAGESIZE },
    }),
  }),
  'anonymous memory': ofMemory({}),
  'anonymous memory with a SharedArrayBuffer': ofMemory({ sharedArrayBuffer: true }),
  'a named region': {
    open() {
      tags += 1
      return mmap(-1, FILE_LENGTH, { tagname: `hostile-${process.pid}-${tags}` })
    },
    writes: false,
  },
  'POSIX shared memory': {
    open() {
      tags += 1
      const shm = `${SHM_PREFIX}${tags}`
      const map = mmap(-1, FILE_LENGTH, { shm, create: true })
      unlinkShm(shm)
      return map
    },
    writes: false,
  },
}

if (process.platform !== 'win32') {
  KINDS['a file with MAP_PRIVATE'] = ofFile(false, { flags: MAP_PRIVATE })
  KINDS['private anonymous memory'] = ofMemory({ flags: MAP_PRIVATE })
}

/** Checks the content of a file after all that was done to its mapping. */
function checkFile(path: string, { writes, range }: Kind, resizedTo: number | undefined, isRemapped: boolean): void {
  const now = readFileSync(path)
  if (range === undefined || !writes) {
    check(now.equals(CONTENT), 'the file is as it was')
    return
  }
  const [from, to] = range
  check(now.subarray(0, from).equals(CONTENT.subarray(0, from)), 'the file before the mapping is as it was')
  if (resizedTo !== undefined) {
    check(now.length === from + resizedTo, `the file ends with the mapping, at ${from + resizedTo}: ${now.length}`)
  } else {
    check(now.length === FILE_LENGTH, `the file is as long as it was: ${now.length}`)
    check(isRemapped || now.subarray(to).equals(CONTENT.subarray(to)), 'the file behind the mapping is as it was')
  }
}

/** Checks that mapping still works after everything. */
function checkOthers(path: string): void {
  writeFileSync(path, 'one two three')
  using map = mmap(path)
  map.setSlice('TWO', 4, 7)
  check(map.find('three') === 8 && map.bytes.length === 13, 'another mapping works')
  check(readFileSync(path, 'utf8') === 'one TWO three', 'another mapping writes')
}

let tests = 0

function settings(t: ExecutionContext, runs: number): fc.Parameters<unknown> {
  // Each test has its own sequences.
  tests += 1
  t.timeout(60_000 + RUNS * 1000)
  return { seed: SEED + tests, numRuns: runs, includeErrorInReport: true }
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`all methods: on ${name}, every call ends with a value or a documented error`, async (t) => {
    const scratch = scratchFolder(t)
    const sequence = fc.asyncProperty(fc.array(call, { maxLength: 30, size: 'max' }), async (calls) => {
      // Each sequence has new files, because Windows lets nobody truncate a file that has views.
      const folder = mkdtempSync(join(scratch, 'run-'))
      const mapped = join(folder, 'mapped')
      writeFileSync(mapped, CONTENT)
      let resizedTo: number | undefined
      let isRemapped = false
      await inWorld(folder, kind.open, async (world) => {
        for (const call of calls) {
          if (TRACE) writeSync(2, `${name}: ${call}\n`)
          run(world, call)
          checkMap(world.map)
        }
        resizedTo = world.resizedTo
        isRemapped = world.isRemapped
      })
      checkFile(mapped, kind, resizedTo, isRemapped)
      checkOthers(join(folder, 'another'))
    })
    await fc.assert(sequence, settings(t, RUNS))
    t.pass()
  })
}

test('mmap: with any arguments, every call ends with a mapping or a documented error', async (t) => {
  const folder = scratchFolder(t)
  const before = process.cwd()
  // Files whose name is no absolute path are created here.
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  let opened = 0
  const opening = fc.asyncProperty(
    file,
    extent,
    fc.oneof({ weight: 4, arbitrary: options }, { weight: 1, arbitrary: anything }),
    fc.boolean(),
    async (...[file, length, options, construct]) => {
      if (TRACE) writeSync(2, `mmap(${file.text}, ${length.text}, ${options.text})\n`)
      const own = mkdtempSync(join(folder, 'run-'))
      await inWorld(
        own,
        () => mmap(-1, FILE_LENGTH),
        async (world) => {
          const args = [file, length, options].map(({ make }) => make(world))
          const made = judged(world, () => (construct ? Reflect.construct(Mmap, args) : mmapWith(...args)))
          if (!(made instanceof Mmap)) return
          opened += 1
          checkMap(made)
          judged(world, () => made.bytes)
          judged(world, () => made.close())
          checkMap(made)
        },
      )
      checkOthers(join(own, 'another'))
    },
  )
  await fc.assert(opening, settings(t, RUNS * 8))
  t.log(`${opened} were opened`)
  t.true(opened > 0)
})

test('unlinkShm: with any arguments, every call ends with undefined or a documented error', async (t) => {
  const folder = scratchFolder(t)
  const unlinking = fc.asyncProperty(fc.array(anything, { maxLength: 2 }), async (recipes) => {
    const own = mkdtempSync(join(folder, 'run-'))
    await inWorld(
      own,
      () => mmap(-1, FILE_LENGTH),
      async (world) => {
        const args = recipes
          .map(({ make }) => make(world))
          .map((arg) => (typeof arg === 'string' ? SHM_PREFIX + arg : arg))
        const result = judged(world, () => Reflect.apply(unlinkShm, undefined, args))
        check(result === undefined, 'nothing is returned')
        checkMap(world.map)
      },
    )
  })
  await fc.assert(unlinking, settings(t, RUNS * 4))
  t.pass()
})

test.after.always('shm: names that were created are removed', (t) => {
  const names = existsSync('/dev/shm') ? readdirSync('/dev/shm').filter((name) => name.startsWith(SHM_PREFIX)) : []
  for (const name of names) unlinkShm(name)
  t.pass()
})

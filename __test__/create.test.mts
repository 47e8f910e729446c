// create: the files that it makes and extends, its options, and who has created what is mapped.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { ACCESS_COPY, ACCESS_READ, mmap } from 'memmap'
import { runAfter } from './support/child.mjs'
import { mmapWith } from './support/misuse.mjs'
import { onUnix, onWindows, TOO_LARGE } from './support/platform.mjs'
import { scratchFile, scratchFolder } from './support/portable.mjs'
import { onSmallDisk } from './support/small-disk.mjs'

const test = ava.serial

const EEXIST = { code: 'EEXIST', message: /^EEXIST: file already exists, open '/ }

// --- Options, and `created`

test('create.exclusive: a missing file is created, and an existing one is refused', (t) => {
  const path = join(scratchFolder(t), 'file')
  const create = { exclusive: true }
  using map = mmap(path, 100, { create })
  t.true(map.created)
  map.set('mine')
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(path, 200, { create }), EEXIST)
  t.deepEqual([error.path, error.syscall], [path, 'open'])
  t.is(statSync(path).size, 100)
  t.is(readFileSync(path, 'utf8').slice(0, 4), 'mine')
})

test('create.exclusive: a folder and a link are refused, also a link that leads nowhere', (t) => {
  const folder = scratchFolder(t)
  const create = { exclusive: true }
  mkdirSync(join(folder, 'folder'))
  t.throws(() => mmap(join(folder, 'folder'), 10, { create }), EEXIST)
  if (process.platform === 'win32') return
  symlinkSync('missing', join(folder, 'link'))
  t.throws(() => mmap(join(folder, 'link'), 10, { create }), EEXIST)
  t.false(existsSync(join(folder, 'missing')))
  // Without `exclusive`, the file that the link names is created.
  using map = mmap(join(folder, 'link'), 10, { create: true })
  t.true(map.created)
  t.is(statSync(join(folder, 'missing')).size, 10)
  t.true(lstatSync(join(folder, 'link')).isSymbolicLink())
})

test('create.exclusive: nothing is left behind when the file cannot be made', (t) => {
  const path = join(scratchFolder(t), 'file')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: { exclusive: true } }), { message: TOO_LARGE })
  if (process.platform === 'linux') t.deepEqual(readdirSync(dirname(path)), [])
  t.throws(() => mmap(`${path}-folder/file`, 10, { create: { exclusive: true } }), { code: 'ENOENT' })
})

test('created: it says whether this call has created the file', async (t) => {
  const path = scratchFile(t, 'content')
  const fresh = `${path}.new`
  using existing = mmap(path, 10, { create: true })
  using made = mmap(fresh, 10, { create: { sparse: true } })
  using again = mmap(fresh, 20, { create: true })
  using read = mmap(path, 0, { access: ACCESS_READ })
  t.deepEqual([existing.created, made.created, again.created, read.created], [false, true, false, false])
  const fd = openSync(`${path}.fd`, 'w+')
  using ofDescriptor = mmap(fd, 10, { create: true })
  closeSync(fd)
  const handle = await openFile(`${path}.handle`, 'w+')
  using ofHandle = mmap(handle, 10, { create: true })
  await handle.close()
  t.deepEqual([ofDescriptor.created, ofHandle.created], [false, false])
  using untracked = mmap(`${path}.untracked`, 10, { create: true, trackfd: false })
  t.true(untracked.created)
  made.close()
  t.throws(() => made.created, { code: 'ERR_MMAP_CLOSED' })
})

test('created: it says whether this call has created the region', (t) => {
  const tagname = `created-${process.pid}`
  const first = mmap(-1, 100, { tagname })
  const second = mmap(-1, 100, { tagname })
  t.deepEqual([first.created, second.created], [true, false])
  first.unmap()
  second.unmap()
  const third = mmap(-1, 100, { tagname })
  t.true(third.created)
  third.unmap()
  using anonymous = mmap(-1, 100)
  t.true(anonymous.created)
})

const PROCESSES = 16
const PACKAGE = fileURLToPath(new URL('../index.js', import.meta.url))
const RACER = `
  const { mmap } = require(process.argv[1])
  const [kind, path, rounds] = process.argv.slice(2)
  const said = []
  process.stdin.once('data', () => {
    for (let round = 0; round < Number(rounds); round += 1) {
      try {
        const options = kind === 'tagname' ? { tagname: path + round } : { create: kind === 'exclusive' ? { exclusive: true } : true }
        const map = mmap(kind === 'tagname' ? -1 : path + round, 5000, options)
        said.push(map.created)
        // A region is there as long as somebody uses it.
        globalThis['kept' + round] = map
      } catch (error) {
        said.push(error.code)
      }
    }
    console.log(JSON.stringify(said))
  })
  process.stdin.once('end', () => process.exit())
  console.log('ready')
`

/** What each of many processes says of each round, all of which begin at the same time. */
async function race(kind: string, path: string, rounds: number): Promise<unknown[][]> {
  const racers = Array.from({ length: PROCESSES }, () => {
    const child = spawn(process.execPath, ['-e', RACER, PACKAGE, kind, path, String(rounds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      child.emit('output')
    })
    const line = async (number: number): Promise<string> => {
      while (output.split('\n').length <= number + 1) await once(child, 'output')
      return output.split('\n')[number] ?? ''
    }
    return { child, line }
  })
  await Promise.all(racers.map(({ line }) => line(0)))
  for (const { child } of racers) child.stdin.write('go')
  const said = await Promise.all(racers.map(async ({ line }) => JSON.parse(await line(1)) as unknown[]))
  const exits = racers.map(({ child }) => once(child, 'exit'))
  for (const { child } of racers) child.stdin.end()
  await Promise.all(exits)
  return said
}

for (const kind of ['file', 'exclusive', 'tagname']) {
  test(`created: of many processes one has created it: ${kind}`, async (t) => {
    const rounds = 30
    const path = kind === 'tagname' ? `race-${process.pid}-` : join(scratchFolder(t), 'file-')
    const said = await race(kind, path, rounds)
    const others = kind === 'exclusive' ? 'EEXIST' : false
    for (let round = 0; round < rounds; round += 1) {
      const answers = said.map((answers) => answers[round])
      t.is(answers.filter((answer) => answer === true).length, 1, `round ${round}: ${answers}`)
      t.is(answers.filter((answer) => answer === others).length, PROCESSES - 1, `round ${round}: ${answers}`)
    }
  })
}

onUnix('create.mode: a new file gets these permissions, less the umask', 'there are no permissions', (t) => {
  const folder = scratchFolder(t)
  const modes = [undefined, 0o600, 0o777, 0o640, 0o444, 0o4755, 0]
  for (const umask of ['022', '077', '000']) {
    const expected = modes.map((mode) => ((mode ?? 0o666) & ~Number.parseInt(umask, 8)).toString(8))
    const own = join(folder, umask)
    mkdirSync(own)
    const program = `
      const { statSync } = require('node:fs')
      const modes = JSON.parse(args[1])
      say(modes.map((mode, index) => {
        const path = args[0] + '/' + index
        const map = memmap.mmap(path, 10, { create: mode === null ? {} : { mode } })
        map.set('written')
        map.close()
        return (statSync(path).mode & 0o7777).toString(8)
      }))`
    t.deepEqual(runAfter(`umask ${umask}`, program, [own, JSON.stringify(modes)]), expected, umask)
  }
})

onUnix('create.mode: an existing file is not changed', 'there are no permissions', (t) => {
  const path = scratchFile(t, 'content')
  chmodSync(path, 0o600)
  using map = mmap(path, 10, { create: { mode: 0o644 } })
  t.false(map.created)
  t.is(statSync(path).mode & 0o777, 0o600)
})

onWindows('create.mode: a new file is read-only without the right to write', 'there are permissions', (t) => {
  const path = join(scratchFolder(t), 'file')
  const map = mmap(path, 10, { create: { mode: 0o444 } })
  map.set('written')
  map.close()
  t.is(readFileSync(path, 'utf8').slice(0, 7), 'written')
  t.is(statSync(path).mode & 0o222, 0)
  chmodSync(path, 0o666)
})

test('create: wrong options are refused, and nothing is made', (t) => {
  const path = join(scratchFolder(t), 'file')
  const type = 'ERR_INVALID_ARG_TYPE'
  const range = 'ERR_OUT_OF_RANGE'
  const value = 'ERR_INVALID_ARG_VALUE'
  const wrong: [create: object, code: string, message: RegExp][] = [
    [{ mode: '600' }, type, /^The "create\.mode" argument must be of type number/],
    [{ mode: null }, type, /"create\.mode"/],
    [{ mode: 0o600n }, type, /"create\.mode"/],
    [{ mode: -1 }, range, /"create\.mode" must be 0 to 4095/],
    [{ mode: 0o10000 }, range, /"create\.mode" must be 0 to 4095/],
    [{ mode: 1.5 }, range, /"create\.mode"/],
    [{ exclusive: 1 }, type, /^The "create\.exclusive" argument must be of type boolean/],
    [{ exclusiv: true }, value, /"options\.create\.exclusiv".*mode, exclusive, sparse/],
  ]
  for (const [create, code, message] of wrong) {
    t.throws(() => mmapWith(path, 10, { create }), { code, message })
  }
  t.throws(() => mmap(0, 10, { create: { exclusive: true } }), {
    code: value,
    message: /"create\.exclusive".*descriptor/,
  })
  t.throws(() => mmap(path, 0, { create: { exclusive: true } }), { code: value, message: /"create" needs a "length"/ })
  t.false(existsSync(path))
})

// --- Making and extending

test('create: an end beyond that of any file is refused before anything is written', (t) => {
  const path = join(scratchFolder(t), 'new')
  t.throws(() => mmap(path, 4096, { create: true, offset: 2 ** 63 }), { code: 'ERR_OUT_OF_RANGE' })
  t.false(existsSync(path))
})

test('create: a missing file is made, all zeros', (t) => {
  const path = join(scratchFolder(t), 'new')
  using map = mmap(path, 10_000, { create: true })
  t.is(map.length, 10_000)
  t.true(map.slice().equals(Buffer.alloc(10_000)))
  t.is(statSync(path).size, 10_000)
  map.seek(-3, 2)
  map.write('end')
  t.is(readFileSync(path).subarray(9_997).toString(), 'end')
})

onUnix('create: a new file may be read by those whom the umask allows', 'it has no umask', (t) => {
  const path = join(scratchFolder(t), 'new')
  mmap(path, 10, { create: true }).close()
  writeFileSync(`${path} too`, '')
  t.is(statSync(path).mode, statSync(`${path} too`).mode)
})

onUnix(
  'create: blocks are allocated, so that a full disk is no surprise later',
  'blocks are counted otherwise',
  (t) => {
    const path = join(scratchFolder(t), 'new')
    mmap(path, 1 << 20, { create: true }).close()
    t.true(statSync(path).blocks * 512 >= 1 << 20)
  },
)

test('create: a shorter file is extended with zeros', (t) => {
  const path = scratchFile(t, 'short')
  using map = mmap(path, 1000, { create: true })
  t.is(map.read(5).toString(), 'short')
  t.true(map.read().equals(Buffer.alloc(995)))
  t.is(statSync(path).size, 1000)
})

test('create: a file is extended to offset + length', (t) => {
  const path = scratchFile(t, 'short')
  using map = mmap(path, 100, { create: true, offset: 5001 })
  map.write('there')
  t.is(statSync(path).size, 5101)
  t.is(readFileSync(path).subarray(5001, 5006).toString(), 'there')
  t.is(readFileSync(path).subarray(0, 6).toString(), 'short\0')
})

test('create: a longer file is not truncated', (t) => {
  const path = scratchFile(t, 'a longer file')
  using map = mmap(path, 8, { create: true })
  t.is(map.read().toString(), 'a longer')
  t.is(readFileSync(path, 'utf8'), 'a longer file')
})

test('create: the file of a descriptor is extended, too', (t) => {
  const path = scratchFile(t, 'short')
  const fd = openSync(path, 'r+')
  using map = mmap(fd, 100, { create: true })
  closeSync(fd)
  t.is(map.length, 100)
  t.is(statSync(path).size, 100)
})

test('create: it works with ACCESS_READ and ACCESS_COPY', (t) => {
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    const path = join(scratchFolder(t), 'new')
    using map = mmap(path, 50, { create: true, access })
    t.true(map.read().equals(Buffer.alloc(50)))
    t.is(statSync(path).size, 50)
  }
})

test('create: a missing folder is not made', (t) => {
  const path = join(scratchFolder(t), 'missing', 'new')
  t.throws(() => mmap(path, 10, { create: true }), { code: 'ENOENT' })
})

test('create: sparse is an option, and an unknown option is refused', (t) => {
  const path = join(scratchFolder(t), 'new')
  using map = mmap(path, 1 << 20, { create: { sparse: true } })
  t.is(map.length, 1 << 20)
  if (process.platform === 'linux') t.true(statSync(path).blocks <= 8)
  for (const create of [null, 1, 'yes', []]) {
    t.throws(() => mmapWith(path, 10, { create }), { code: 'ERR_INVALID_ARG_TYPE', message: /"create"/ })
  }
  t.throws(() => mmapWith(path, 10, { create: { sparse: 1 } }), { message: /"create\.sparse"/ })
  t.throws(() => mmapWith(path, 10, { create: { size: 1 } }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"options\.create\.size" is not an option of mmap\. Options are mode, exclusive, sparse/,
  })
})

test('create: a file that cannot be extended is removed again, or empty where all files have names', (t) => {
  const path = join(scratchFolder(t), 'new')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: true }), { message: TOO_LARGE })
  // Elsewhere another process may have opened the file, and what that writes must not be lost.
  if (process.platform === 'linux') t.false(existsSync(path))
  else t.is(readFileSync(path, 'utf8'), '')
})

test('create: an existing file that cannot be extended stays as it was', (t) => {
  const path = scratchFile(t, 'short')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: true }), { message: TOO_LARGE })
  t.is(readFileSync(path, 'utf8'), 'short')
})

onSmallDisk('create: a full disk is ENOSPC, and nothing is left', (t, folder) => {
  const fresh = join(folder, 'new')
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(fresh, 1 << 20, { create: true }), { code: 'ENOSPC' })
  t.is(error?.path, fresh)
  t.false(existsSync(fresh))
  const short = join(folder, 'short')
  writeFileSync(short, 'short')
  t.throws(() => mmap(short, 1 << 20, { create: true }), { code: 'ENOSPC' })
  t.is(readFileSync(short, 'utf8'), 'short')
  // What was allocated before the failure is free again.
  using map = mmap(fresh, 48 << 10, { create: true })
  map.fill(1)
  t.is(map.at(-1), 1)
})

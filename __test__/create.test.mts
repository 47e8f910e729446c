// create: { mode, exclusive }, and who has created what is mapped.

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
} from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { ACCESS_READ, mmap } from 'memmap'
import { runAfter } from './support/child.mjs'
import { mmapWith } from './support/misuse.mjs'
import { onUnix, onWindows, TOO_LARGE } from './support/platform.mjs'
import { scratchFile, scratchFolder } from './support/portable.mjs'

const test = ava.serial

const EEXIST = { code: 'EEXIST', message: /^EEXIST: file already exists, open '/ }

test('exclusive creates a file that is not there, and nothing else', (t) => {
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

test('exclusive refuses a folder and a link, also one that leads nowhere', (t) => {
  const folder = scratchFolder(t)
  const create = { exclusive: true }
  mkdirSync(join(folder, 'folder'))
  t.throws(() => mmap(join(folder, 'folder'), 10, { create }), EEXIST)
  if (process.platform === 'win32') return
  symlinkSync('missing', join(folder, 'link'))
  t.throws(() => mmap(join(folder, 'link'), 10, { create }), EEXIST)
  t.false(existsSync(join(folder, 'missing')))
  // Without it the file is created that the link names.
  using map = mmap(join(folder, 'link'), 10, { create: true })
  t.true(map.created)
  t.is(statSync(join(folder, 'missing')).size, 10)
  t.true(lstatSync(join(folder, 'link')).isSymbolicLink())
})

test('exclusive leaves nothing behind when the file cannot be made', (t) => {
  const path = join(scratchFolder(t), 'file')
  t.throws(() => mmap(path, 2 ** 53 - 1, { create: { exclusive: true } }), { message: TOO_LARGE })
  if (process.platform === 'linux') t.deepEqual(readdirSync(dirname(path)), [])
  t.throws(() => mmap(`${path}-folder/file`, 10, { create: { exclusive: true } }), { code: 'ENOENT' })
})

test('created says whether this call has created the file', async (t) => {
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

test('created says whether this call has created the region', (t) => {
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
  test(`of many processes one has created it: ${kind}`, async (t) => {
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

onUnix('mode gives a new file its permissions, less the umask', 'there are no permissions', (t) => {
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

onUnix('mode changes no file that is there', 'there are no permissions', (t) => {
  const path = scratchFile(t, 'content')
  chmodSync(path, 0o600)
  using map = mmap(path, 10, { create: { mode: 0o644 } })
  t.false(map.created)
  t.is(statSync(path).mode & 0o777, 0o600)
})

onWindows('mode without the right to write makes a new file read-only', 'there are permissions', (t) => {
  const path = join(scratchFolder(t), 'file')
  const map = mmap(path, 10, { create: { mode: 0o444 } })
  map.set('written')
  map.close()
  t.is(readFileSync(path, 'utf8').slice(0, 7), 'written')
  t.is(statSync(path).mode & 0o222, 0)
  chmodSync(path, 0o666)
})

test('wrong options of create are refused, and nothing is made', (t) => {
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

// The command `memmap`: what it prints, what it changes, and its exit codes.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { mmap, PAGESIZE } from 'memmap'
import { onLinux } from './support/platform.mjs'
import { scratchFolder } from './support/portable.mjs'

const TMPFS = 0x01021994
const COMMAND = fileURLToPath(new URL('../cli.js', import.meta.url))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function run(cwd: string, args: string[], env: NodeJS.ProcessEnv = {}): Ended {
  const options = { cwd, env: { ...process.env, ...env }, encoding: 'utf8' as const }
  const { status: code, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], options)
  return { code, stdout, stderr }
}

function start(cwd: string, args: string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
}

// --- grep

const LOG = 'INFO started\nERROR café full\nINFO x\nerror again error\nlast'

function grep(
  t: ExecutionContext,
  args: string[],
  content: string | Buffer = LOG,
): [code: number | null, stdout: string] {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.log'), content)
  const { code, stdout } = run(folder, ['grep', ...args, 'a.log'])
  return [code, stdout]
}

test('grep: it prints the lines that match', (t) => {
  t.deepEqual(grep(t, ['INFO']), [0, 'INFO started\nINFO x\n'])
  t.deepEqual(grep(t, ['^last$']), [0, 'last\n'])
  t.deepEqual(grep(t, ['caf. f']), [0, 'ERROR café full\n'])
  t.deepEqual(grep(t, ['missing']), [1, ''])
  t.deepEqual(grep(t, ['x'], ''), [1, ''])
})

test('grep: bytes that are no UTF-8 stay what they are', (t) => {
  const folder = scratchFolder(t)
  const bytes = Buffer.from('a\xff\xfe b\n', 'latin1')
  writeFileSync(join(folder, 'a.bin'), bytes)
  const { stdout } = spawnSync(process.execPath, [COMMAND, 'grep', '-n', 'b', 'a.bin'], { cwd: folder })
  t.deepEqual(stdout, Buffer.concat([Buffer.from('1:'), bytes]))
})

test('grep: -i, -F, -c, -n and -o do what they do in grep', (t) => {
  t.deepEqual(grep(t, ['-i', 'ERROR']), [0, 'ERROR café full\nerror again error\n'])
  t.deepEqual(grep(t, ['-F', 'f.ll']), [1, ''])
  t.deepEqual(grep(t, ['-c', 'INFO']), [0, '2\n'])
  t.deepEqual(grep(t, ['-c', 'missing']), [1, '0\n'])
  t.deepEqual(grep(t, ['-n', 'error']), [0, '4:error again error\n'])
  t.deepEqual(grep(t, ['-no', 'err..']), [0, '4:error\n4:error\n'])
})

test('grep: a match is within a line', (t) => {
  t.deepEqual(grep(t, ['-n', '[a-z\\s]{3,}'], 'ab\nc\nabc\nde f\n'), [0, '3:abc\n4:de f\n'])
  t.deepEqual(grep(t, ['-c', 'x*']), [0, '5\n'])
  t.deepEqual(grep(t, ['-n', '^$'], 'a\n\nb\n'), [0, '2:\n'])
})

test('grep: --json prints an object for each line, --color always paints the matches', (t) => {
  const [, text] = grep(t, ['--json', 'r+o'])
  const place = {
    file: 'a.log',
    line: 4,
    offset: 37,
    text: 'error again error',
    matches: [
      [38, 41],
      [50, 53],
    ],
  }
  t.deepEqual(JSON.parse(text), place)
  t.deepEqual(JSON.parse(grep(t, ['--json', '-c', 'INFO'])[1]), { file: 'a.log', count: 2 })
  t.is(grep(t, ['--color', 'always', 'x'])[1], 'INFO \x1b[31mx\x1b[0m\n')
})

test('grep: several files have their names, and one that is missing is exit code 2', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.log'), 'one\n')
  writeFileSync(join(folder, 'b.log'), 'one two\n')
  t.is(run(folder, ['grep', 'one', 'a.log', 'b.log']).stdout, 'a.log:one\nb.log:one two\n')
  t.is(run(folder, ['grep', '-c', 'two', 'a.log', 'b.log']).stdout, 'a.log:0\nb.log:1\n')
  const { code, stdout, stderr } = run(folder, ['grep', 'one', 'missing.log', 'b.log'])
  t.deepEqual([code, stdout], [2, 'b.log:one two\n'])
  t.is(stderr, "memmap: ENOENT: no such file or directory, open 'missing.log'\n")
})

test('grep: a pattern that cannot be searched for is exit code 2', (t) => {
  t.deepEqual(grep(t, ['(']), [2, ''])
  t.deepEqual(grep(t, ['(?=a)']), [2, ''])
})

test('grep: it finds the lines that grep finds', (t) => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `${(i * 7919) % 10_007} ${'ab'.repeat(i % 7)} line ${i}`)
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.log'), lines.join('\n'))
  if (spawnSync('grep', ['--version']).error !== undefined) {
    t.log('not compared, because there is no grep here')
    t.pass()
    return
  }
  const options = { cwd: folder, encoding: 'utf8' as const, maxBuffer: 2 ** 24 }
  for (const args of [['-n', '77'], ['-c', '^1.*9$'], ['-o', '(ab)+'], ['abab line 1']]) {
    const ours = spawnSync(process.execPath, [COMMAND, 'grep', ...args, 'a.log'], options)
    t.is(ours.stdout, spawnSync('grep', ['-E', ...args, 'a.log'], options).stdout)
  }
})

// --- replace

test('replace: it replaces in the file, and says how often', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.txt')
  writeFileSync(path, 'one two one')
  t.deepEqual(run(folder, ['replace', 'one', 'ONE', 'a.txt']), { code: 0, stdout: '2 replaced in a.txt\n', stderr: '' })
  t.is(readFileSync(path, 'utf8'), 'ONE two ONE')
})

test('replace: nothing found is exit code 1', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.txt'), 'one')
  const { code, stdout } = run(folder, ['replace', 'two', 'TWO', 'a.txt'])
  t.deepEqual([code, stdout], [1, '0 replaced in a.txt\n'])
})

test('replace: an empty file has no match', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.txt'), '')
  t.is(run(folder, ['replace', 'two', 'TWO', 'a.txt']).code, 1)
})

test('replace: --dry-run changes nothing', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.txt')
  writeFileSync(path, 'one two one')
  const { code, stdout } = run(folder, ['replace', '--dry-run', 'one', 'ONE', 'a.txt'])
  t.deepEqual([code, stdout], [0, '2 found in a.txt; nothing was changed\n'])
  t.is(readFileSync(path, 'utf8'), 'one two one')
})

test('replace: --start and --stop limit it, --json prints an object', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.txt')
  writeFileSync(path, 'a'.repeat(3000))
  const { stdout } = run(folder, ['replace', '--json', '--start', '1k', '--stop', '0x500', 'a', 'b', 'a.txt'])
  t.deepEqual(JSON.parse(stdout), { file: 'a.txt', count: 256, dryRun: false, stopped: false })
  t.is(readFileSync(path, 'utf8'), 'a'.repeat(1024) + 'b'.repeat(256) + 'a'.repeat(3000 - 1280))
})

test('replace: --hex takes bytes', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.bin')
  writeFileSync(path, Buffer.of(0, 1, 2, 255, 1))
  t.is(run(folder, ['replace', '--hex', '00 01', 'ff00', 'a.bin']).code, 0)
  t.deepEqual([...readFileSync(path)], [255, 0, 2, 255, 1])
})

test('replace: mistakes are exit code 2, and change nothing', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.txt')
  writeFileSync(path, 'one')
  const messageOf = (...args: string[]) => {
    const { code, stdout, stderr } = run(folder, ['replace', ...args])
    t.deepEqual([code, stdout], [2, ''])
    return stderr.split('\n')
  }
  const hint = 'Try "memmap replace --help".'
  t.deepEqual(messageOf('one', 'four', 'a.txt'), [
    'memmap: OLD and NEW have 3 and 4 bytes: they must have the same length',
    hint,
    '',
  ])
  t.deepEqual(messageOf('one', 'two'), ['memmap: FILE is missing', hint, ''])
  t.deepEqual(messageOf('', '', 'a.txt'), ['memmap: OLD is empty', hint, ''])
  t.deepEqual(messageOf('one', 'two', 'a.txt', 'b.txt'), ['memmap: "b.txt" is one argument too many', hint, ''])
  t.regex(messageOf('-x', 'g0', '00', 'a.txt')[0] ?? '', /^memmap: OLD is hexadecimal digits/)
  t.regex(messageOf('--start', 'x', 'one', 'two', 'a.txt')[0] ?? '', /^memmap: --start is a number of bytes/)
  t.regex(messageOf('--frob', 'one', 'two', 'a.txt')[0] ?? '', /^memmap: Unknown option '--frob'/)
  t.deepEqual(messageOf('one', 'two', 'missing.txt'), [
    "memmap: ENOENT: no such file or directory, open 'missing.txt'",
    '',
  ])
  t.is(readFileSync(path, 'utf8'), 'one')
})

test('replace: arguments behind -- are no options', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, '-a'), '--help')
  t.is(run(folder, ['replace', '--', '--help', '--HELP', '-a']).stdout, '1 replaced in -a\n')
})

onLinux('replace: Ctrl-C stops it, with exit code 130', 'it looks into /proc', async (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'large.bin')
  writeFileSync(path, '')
  truncateSync(path, 64 * 1024 ** 3)
  const child = start(folder, ['replace', 'needle', 'NEEDLE', 'large.bin'])
  const ended = once(child, 'exit')
  const maps = () => (child.exitCode === null ? readFileSync(`/proc/${child.pid}/maps`, 'utf8') : path)
  while (!maps().includes(path)) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGINT')
  const [output] = (await Promise.all([child.stdout === null ? '' : textOf(child.stdout), ended])) as [string, unknown]
  t.deepEqual(await ended, [130, null])
  t.is(output, 'stopped: 0 replaced in large.bin so far\n')
})

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

// --- hexdump

test('hexdump: it prints position, bytes and text', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), `${'\0'.repeat(48)}Hello, é!\n`)
  const expected = [
    '00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|',
    '*',
    '00000030  48 65 6c 6c 6f 2c 20 c3  a9 21 0a                 |Hello, ..!.|',
    '0000003b',
    '',
  ]
  t.deepEqual(run(folder, ['hexdump', 'a.bin']).stdout.split('\n'), expected)
})

test('hexdump: it prints what the tool of this name prints', (t) => {
  const folder = scratchFolder(t)
  const bytes = Buffer.alloc(200_003)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = i % 7000 < 900 ? 0 : (i * 31) >> 3
  writeFileSync(join(folder, 'a.bin'), bytes)
  const tool = spawnSync('hexdump', ['-C', 'a.bin'], { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 24 })
  if (tool.error !== undefined) {
    t.log('not compared, because there is no hexdump here')
    t.pass()
    return
  }
  const options = { cwd: folder, encoding: 'utf8' as const, maxBuffer: 2 ** 24 }
  t.is(spawnSync(process.execPath, [COMMAND, 'hexdump', 'a.bin'], options).stdout, tool.stdout)
})

test('hexdump: --skip and --length choose a part, -v prints all rows', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), Buffer.alloc(4096, 'ab'))
  const { stdout } = run(folder, ['hexdump', '-v', '--skip', '1k', '-n', '0x20', 'a.bin'])
  t.deepEqual(stdout.split('\n'), [
    '00000400  61 62 61 62 61 62 61 62  61 62 61 62 61 62 61 62  |abababababababab|',
    '00000410  61 62 61 62 61 62 61 62  61 62 61 62 61 62 61 62  |abababababababab|',
    '00000420',
    '',
  ])
  t.is(run(folder, ['hexdump', '--skip', '5k', 'a.bin']).stdout, '')
})

test('hexdump: --json prints an object for each row', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), 'abcdefghijklmnop"q')
  const rows = run(folder, ['hexdump', '--json', 'a.bin']).stdout.trim().split('\n')
  t.deepEqual(
    rows.map((row) => JSON.parse(row)),
    [
      { offset: 0, hex: '61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70', text: 'abcdefghijklmnop' },
      { offset: 16, hex: '22 71', text: '"q' },
    ],
  )
})

test('hexdump: colours only on a terminal, or when they are asked for', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), 'a\0')
  const has = (...args: string[]) => run(folder, ['hexdump', ...args, 'a.bin']).stdout.includes('\x1b[2m00')
  t.deepEqual([has(), has('--color', 'always'), has('--color=never')], [false, true, false])
  t.is(run(folder, ['hexdump', '--color', 'blue', 'a.bin']).code, 2)
})

test('hexdump: a reader that ends early is no error', async (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), Buffer.alloc(4 * 1024 * 1024, 'some text'))
  const child = start(folder, ['hexdump', '-v', 'a.bin'])
  const ended = once(child, 'exit')
  if (child.stdout === null || child.stderr === null) throw new Error('The child has no pipes')
  const errors = textOf(child.stderr)
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.deepEqual([await ended, await errors], [[0, null], ''])
})

// --- resident

test('resident: it counts and draws the pages in memory', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'a.bin')
  writeFileSync(path, Buffer.alloc(3 * PAGESIZE))
  const mm = mmap(path)
  mm.fill(1)
  const { code, stdout } = run(folder, ['resident', '--load', 'a.bin'])
  mm.close()
  const [first = '', , picture = '', ...rest] = stdout.split('\n')
  t.is(code, 0)
  t.regex(first, /^a\.bin: 3 of 3 pages in memory \(100 %\), \d+ KiB$/)
  t.is(picture.trim(), '0 bytes ███')
  t.deepEqual(rest, [''])
})

test('resident: --json has the ranges', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), Buffer.alloc(2 * PAGESIZE + 1))
  const { stdout } = run(folder, ['resident', '--json', '--load', 'a.bin'])
  const length = 2 * PAGESIZE + 1
  const all = { file: 'a.bin', length, pageSize: PAGESIZE, resident: 3, total: 3, ranges: [[0, length]] }
  t.deepEqual(JSON.parse(stdout), all)
})

test('resident: an empty file has no pages', (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'a.bin'), '')
  t.is(run(folder, ['resident', 'a.bin']).stdout, 'a.bin: 0 of 0 pages in memory (0 %), 0 bytes\n')
})

/** The system does not evict pages that another processor has just written, and lists up to 31. */
const TOTAL = 2048

onLinux('resident: --evict removes it from memory', 'it needs MADV_PAGEOUT', (t) => {
  const folder = scratchFolder(t)
  if (statfsSync(folder).type === TMPFS) {
    t.log('not run, because files of tmpfs are always in memory')
    t.pass()
    return
  }
  const path = join(folder, 'a.bin')
  writeFileSync(path, Buffer.alloc(TOTAL * PAGESIZE, 1))
  const { code, stdout, stderr } = run(folder, ['resident', '--json', '--evict', 'a.bin'])
  t.deepEqual([code, stderr], [0, ''])
  const { resident, total } = JSON.parse(stdout)
  t.is(total, TOTAL)
  t.true(resident < TOTAL, `${resident} of ${TOTAL} pages are still in memory`)
  t.true(readFileSync(path).every((byte) => byte === 1))
})

// --- the command itself

test('--help: each command has one, and it is no error', (t) => {
  const folder = scratchFolder(t)
  for (const args of [['--help'], ['help'], ['replace', '--help'], ['help', 'hexdump'], ['resident', '-h']]) {
    const { code, stdout, stderr } = run(folder, args)
    t.deepEqual([code, stderr], [0, ''])
    t.regex(stdout, /^Usage: memmap /)
    t.true(stdout.split('\n').every((line) => line.length <= 100))
  }
})

test('--version: it is that of the package', (t) => {
  const manifest = readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8')
  t.is(run('.', ['--version']).stdout, `${JSON.parse(manifest).version}\n`)
})

test('commands: none, or an unknown one, is exit code 2', (t) => {
  t.deepEqual(run('.', []), {
    code: 2,
    stdout: '',
    stderr: 'memmap: no command is given\nTry "memmap --help".\n',
  })
  t.is(run('.', ['frob']).stderr, 'memmap: there is no command "frob"\nTry "memmap --help".\n')
})

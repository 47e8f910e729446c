// Locks on ranges between processes that are stopped and killed, and with programs in other
// languages. A hundred killed processes are in crates/memmap-core/tests/lock_kills.rs.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { type Mmap, mmap } from 'memmap'
import { asRootOnLinux, onLinux, onUnix } from './support/platform.mjs'
import { scratchFile } from './support/portable.mjs'
import { Python, withPython } from './support/python.mjs'
import { SEED } from './support/seed.mjs'
import { freshTag, pathOf } from './support/tags.mjs'

const SCRIPT = fileURLToPath(new URL('./fixtures/locking.mjs', import.meta.url))
const NOW = { timeout: 0 }

/** A process of fixtures/locking.mjs. */
class Locking {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(command: string[]) {
    const [program = '', ...args] = command
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.child.stdout === null) throw new Error('it has no output')
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  static async start(t: ExecutionContext, args: string[], before: string[] = []): Promise<Locking> {
    const locking = new Locking([...before, process.execPath, SCRIPT, ...args])
    t.teardown(() => locking.child.kill('SIGKILL'))
    t.is(await locking.line(), 'ready')
    return locking
  }

  async line(): Promise<string | undefined> {
    const { value }: { value?: string } = await this.#lines.next()
    return value
  }

  say(...command: unknown[]): void {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`)
  }

  async do(...command: unknown[]): Promise<string | undefined> {
    this.say(...command)
    return this.line()
  }

  /** Kills it, and returns the lines that it has printed. */
  async kill(): Promise<string[]> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
    const lines: string[] = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line)
    return lines
  }
}

function isFree(map: Mmap, start?: number, stop?: number, mode?: 'shared'): boolean {
  const lock = map.lockRangeSync(start, stop, { ...NOW, mode })
  lock?.release()
  return lock !== null
}

onUnix('lockRange: the lock of a killed process goes to who waits', 'it sends signals', async (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const holder = await Locking.start(t, ['executes', path])
  t.is(await holder.do('lock', 'a', 0, 10), 'locked')
  const waiter = await Locking.start(t, ['executes', path])
  waiter.say('lock', 'a', 0, 10)
  const next = map.lockRange(0, 10, { timeout: 60_000 })
  await waiter.kill()
  await holder.kill()
  t.is((await next)?.released, false)
})

onUnix('lockRange: a stopped process keeps its lock', 'it sends signals', async (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const holder = await Locking.start(t, ['executes', path])
  t.is(await holder.do('lock', 'a', 0, 10), 'locked')
  holder.child.kill('SIGSTOP')
  t.is(await map.lockRange(0, 10, { timeout: 300 }), null)
  t.is(map.lockRangeSync(9, 10, { timeout: 100 }), null)
  holder.child.kill('SIGCONT')
  const next = map.lockRange(0, 10)
  t.is(await holder.do('release', 'a'), 'released')
  ;(await next).release()
})

onLinux('lockRange: requests that end in all ways, in processes that are killed', 'it reads /proc', async (t) => {
  t.log(`HOSTILE_SEED=${SEED}`)
  let random = SEED
  const below = (limit: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    return Math.floor((random / 2 ** 32) * limit)
  }
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const words = map.view(Int32Array, 0, 2)
  const start = (): Promise<Locking> => Locking.start(t, ['locks over and over', path, String(below(2 ** 31))])
  const running = await Promise.all(Array.from({ length: 8 }, start))
  const complaints: string[] = []
  for (let round = 0; round < 12; round += 1) {
    const sections = Atomics.load(words, 1)
    while (Atomics.load(words, 1) < sections + below(200)) await new Promise(setImmediate)
    const inside = Atomics.load(words, 0)
    const met = below(2) === 0 ? running.findIndex(({ child }) => child.pid === inside) : -1
    const [victim] = running.splice(met === -1 ? below(running.length) : met, 1)
    complaints.push(...((await victim?.kill()) ?? []))
    running.push(await start())
  }
  // Nobody is stuck.
  ;(await map.lockRange()).release()
  for (const locking of running) complaints.push(...(await locking.kill()))
  t.deepEqual(complaints.slice(0, 3), [])
  t.true(isFree(map))
})

onLinux('lockRange: a region whose locking user was killed is made anew', 'it lists /dev/shm', async (t) => {
  const tagname = freshTag()
  const program = `
    import { mmap } from 'memmap'
    const map = mmap(-1, 100, { tagname: ${JSON.stringify(tagname)} })
    map.write('old')
    map.lockRangeSync()
    console.log('ready')
    setInterval(() => {}, 1000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const mine = mmap(-1, 0, { tagname })
  t.is(mine.lockRangeSync(0, 1, NOW), null)
  t.is(mine.read(3).toString(), 'old')
  mine.close()
  t.true(existsSync(pathOf(tagname)))
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  using again = mmap(-1, 100, { tagname })
  t.true(again.created)
  t.is(again.read(3).toString(), '\0\0\0')
  t.true(isFree(again))
})

// --- Programs in other languages, and containers

const LOCKF = `
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR)
kinds = { 'exclusive': fcntl.LOCK_EX, 'shared': fcntl.LOCK_SH, 'none': fcntl.LOCK_UN }
print('ready')
for line in sys.stdin:
    kind, wait, start, length = line.split()
    try:
        fcntl.lockf(fd, kinds[kind] | (0 if wait == 'wait' or kind == 'none' else fcntl.LOCK_NB), int(length), int(start))
        print('done')
    except OSError as error:
        print(type(error).__name__)
`

withPython("lockRange: it excludes Python's lockf, and the other way round", async (t) => {
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const python = new Python(t, LOCKF, [path])
  t.is(await python.line(), 'ready')
  const ask = async (line: string): Promise<string | undefined> => {
    python.say(line)
    return python.line()
  }
  const lock = map.lockRangeSync(10, 20)
  t.is(await ask('exclusive now 5 5'), 'done')
  t.is(await ask('none now 0 0'), 'done')
  t.is(await ask('exclusive now 19 1'), 'BlockingIOError')
  t.is(await ask('shared now 0 0'), 'BlockingIOError')
  python.say('exclusive wait 15 1')
  lock.release()
  t.is(await python.line(), 'done')
  t.is(map.lockRangeSync(0, 16, NOW), null)
  t.true(isFree(map, 16))
  t.is(await ask('none now 0 0'), 'done')
  // Without a length it locks all that the file can have.
  t.is(await ask('shared now 0 0'), 'done')
  t.false(isFree(map, 2 ** 40))
  t.true(isFree(map, 0, 10, 'shared'))
  const waiting = map.lockRange(0, 10)
  t.is(await ask('none now 0 0'), 'done')
  ;(await waiting).release()
})

asRootOnLinux('lockRange: processes of two containers exclude each other', 'unshare needs root', async (t) => {
  const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
  const { status, stderr } = spawnSync('unshare', [...container.slice(1), 'true'], { encoding: 'utf8' })
  if (status !== 0) {
    t.log(`not run here, because unshare failed: ${stderr}`)
    t.pass()
    return
  }
  const path = scratchFile(t, 100)
  using map = mmap(path)
  const one = await Locking.start(t, ['executes', path], container)
  const two = await Locking.start(t, ['executes', path], container)
  t.is(await one.do('lock', 'a', 0, 10), 'locked')
  t.is(await two.do('lock', 'a', 5, 6, NOW), 'null')
  t.is(map.lockRangeSync(0, 1, NOW), null)
  two.say('lock', 'a', 5, 6)
  t.is(await one.do('release', 'a'), 'released')
  t.is(await two.line(), 'locked')
  // Each is process 1 in its container, or near it. Nothing depends on that.
  const next = map.lockRange(5, 6)
  await two.kill()
  ;(await next).release()
  t.true(isFree(map))
})

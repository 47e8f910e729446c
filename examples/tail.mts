// Follows a log: prints its last lines, and then each line as it is written, also when the log is
// truncated or rotated. Ctrl-C stops it.
//
//   node --import=tsx examples/tail.mts /var/log/syslog 20
//
// Without a path it makes a log of its own and follows that.
//
// A Python programmer writes:                Here:
//   mm = mmap.mmap(f.fileno(), 0, ...)         mm = mmap(path, 0, { allowEmpty: true, ... })
//   ...a new mmap.mmap for each growth         mm.remap()
//   iter(mm.readline, b'')                     mm.lines({ encoding: 'utf8' })

import {
  appendFileSync,
  closeSync,
  type FSWatcher,
  fstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unwatchFile,
  watch,
  watchFile,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ACCESS_READ, type Mmap, mmap } from 'memmap'

async function tail(path: string, count: number): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  for await (const line of follow(path, count, stop.signal)) console.log(line)
}

/** The last lines of a file, and then all lines that are written to the file with this path. */
async function* follow(path: string, count: number, signal: AbortSignal): AsyncGenerator<string> {
  const changes = new Changes(path, signal)
  let log = open(path)
  try {
    if (log === undefined) console.error(`${path}: there is no such file yet`)
    else yield* lastLines(log, count)
    while (await changes.next()) {
      for (log ??= open(path); log !== undefined; log = open(path)) {
        const isReplaced = isOther(path, log)
        yield* newLines(log, isReplaced)
        if (!isReplaced) break
        console.error(`${path}: there is another file now`)
        log.mm.unmap()
      }
    }
  } finally {
    changes.close()
    log?.mm.unmap()
  }
}

interface Log {
  mm: Mmap
  /** The device and inode identify the file, because another one may get its path later. */
  device: bigint
  inode: bigint
  /** The end of the last line that was yielded. */
  position: number
}

/** Opens the file that has this path now, if there is one. */
function open(path: string): Log | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    // During a rotation no file has this path for a moment.
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return { mm: mmap(fd, 0, { access: ACCESS_READ, allowEmpty: true }), device: dev, inode: ino, position: 0 }
  } finally {
    // The mapping has a descriptor of its own, so that no other file gets this inode.
    closeSync(fd)
  }
}

/** Whether another file has the path now. Until then a renamed file is followed. */
function isOther(path: string, { device, inode }: Log): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  return now !== undefined && (now.ino !== inode || now.dev !== device)
}

function lastLines(log: Log, count: number): string[] {
  // A line is complete when its '\n' has been written.
  log.position = log.mm.rfind('\n') + 1
  const lines: string[] = []
  for (const line of log.mm.lines({ encoding: 'utf8', crlf: true, reverse: true, stop: log.position })) {
    if (lines.length === count) break
    lines.push(line)
  }
  return lines.reverse()
}

/** The new lines. At the end of a file that gets no more, also a line without '\n'. */
function* newLines(log: Log, isAll: boolean): Generator<string> {
  const { mm } = log
  try {
    const length = mm.remap()
    if (length < log.position) {
      // A truncated file that is longer again looks like one that has only grown.
      console.error('the file was truncated')
      log.position = 0
    }
    const start = log.position
    const stop = isAll ? length : mm.rfind('\n', start) + 1
    if (stop <= start) return
    log.position = stop
    yield* mm.lines({ encoding: 'utf8', crlf: true, start, stop })
  } catch (error) {
    // The file has just been truncated. That is a change too, which the next remap() detects.
    if (codeOf(error) !== 'ERR_MMAP_FAULT') throw error
  }
}

/** Reports possible changes of the file. Changes while nobody waits are not missed. */
class Changes {
  #mayHaveChanged = true
  #wake: (() => void) | undefined
  readonly #path: string
  readonly #signal: AbortSignal
  readonly #watcher: FSWatcher
  readonly #changed = (): void => {
    this.#mayHaveChanged = true
    this.#wake?.()
  }

  constructor(path: string, signal: AbortSignal) {
    this.#path = path
    this.#signal = signal
    // This watches the folder, because the watcher of a file follows it when it is renamed.
    this.#watcher = watch(dirname(path), this.#changed)
    // Network file systems report no changes, so the file is also polled.
    watchFile(path, { interval: 1000 }, this.#changed)
    signal.addEventListener('abort', this.#changed)
  }

  /** Waits for a change. Returns false when the signal has been aborted. */
  async next(): Promise<boolean> {
    if (!this.#mayHaveChanged) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#mayHaveChanged = false
    return !this.#signal.aborted
  }

  close(): void {
    this.#watcher.close()
    unwatchFile(this.#path, this.#changed)
    this.#signal.removeEventListener('abort', this.#changed)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/** Follows a log, and makes the next change to it when the line before has arrived. */
async function demonstrate(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-'))
  const path = join(folder, 'app.log')
  const stop = new AbortController()
  const steps = new Map([
    ['line 100', () => appendFileSync(path, 'a line that was appended\n')],
    ['a line that was appended', truncate],
    ['a line after the truncation', rotate],
    ['a line of the new file', () => stop.abort()],
  ])
  function truncate(): void {
    // Windows does not truncate a mapped file.
    const flag = process.platform === 'win32' ? 'a' : 'w'
    writeFileSync(path, 'a line after the truncation\n', { flag })
  }
  function rotate(): void {
    renameSync(path, `${path}.1`)
    appendFileSync(`${path}.1`, 'the last line of the old file')
    writeFileSync(path, 'a line of the new file\n')
  }
  try {
    writeFileSync(path, Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join(''))
    for await (const line of follow(path, 3, stop.signal)) {
      console.log(line)
      steps.get(line)?.()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [, , path, count = '10'] = process.argv
if (path === undefined) await demonstrate()
else await tail(path, Number(count))

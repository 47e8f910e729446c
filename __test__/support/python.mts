// CPython, for what programs in other languages see.

import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import ava, { type ExecutionContext } from 'ava'

const run = promisify(execFile)

const version = await run('python3', ['--version']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
)

/** A program that exchanges lines with the test. */
export class Python {
  readonly #child
  readonly #lines

  constructor(t: ExecutionContext, program: string, args: string[]) {
    this.#child = spawn('python3', ['-u', '-c', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => this.#child.kill('SIGKILL'))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** The next line that it prints. */
  async line(): Promise<string | undefined> {
    const { value }: { value?: string } = await this.#lines.next()
    return value
  }

  say(text: string): void {
    this.#child.stdin.write(`${text}\n`)
  }
}

/** A test that needs a `python3` on Linux or macOS. */
export function withPython(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  ava.serial(title, async (t) => {
    if (version !== undefined && process.platform !== 'win32') return body(t)
    t.log(`not run on ${process.platform}: there is no python3 with fcntl here`)
    t.pass()
  })
}

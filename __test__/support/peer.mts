// A second process to share memory with. See ../fixtures/peer.mjs for what it can do.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const SCRIPT = fileURLToPath(new URL('../fixtures/peer.mjs', import.meta.url))

export interface Refusal {
  name: string
  code?: string
  message: string
}

interface Answer {
  value?: unknown
  error?: Refusal
}

export class Peer {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown[]>

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#exited = once(process, 'exit')
  }

  /** @param fd a descriptor of ours that is to be its descriptor 3 */
  static async start(t: ExecutionContext, fd?: number): Promise<Peer> {
    const child = fork(SCRIPT, [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', fd ?? 'ignore', 'ipc'],
    })
    const peer = new Peer(child)
    // It is not killed, because then the names of its regions would stay.
    t.teardown(() => peer.leave())
    await once(child, 'message')
    return peer
  }

  /** @throws what the deed threw there */
  async ask(deed: string, ...args: unknown[]): Promise<unknown> {
    const { value, error } = await this.#answer(deed, args)
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code })
    return value
  }

  /** For a deed that must fail. */
  async refusal(deed: string, ...args: unknown[]): Promise<Refusal> {
    const { error } = await this.#answer(deed, args)
    if (error === undefined) throw new Error(`${deed} did not fail`)
    return error
  }

  async #answer(deed: string, args: unknown[]): Promise<Answer> {
    const answered = once(this.#process, 'message')
    const gone = this.#exited.then(([code, signal]) => {
      throw new Error(`the other process ended with ${code ?? signal}`)
    })
    this.#process.send({ deed, args })
    const [answer]: Answer[] = await Promise.race([answered, gone])
    return answer ?? {}
  }

  /** Disconnects, so that the process ends by itself. Returns its exit code. */
  async leave(): Promise<unknown> {
    if (this.#process.connected) this.#process.disconnect()
    const [code] = await this.#exited
    return code
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }
}

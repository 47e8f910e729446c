// Several processes update the accounts in one file, each under a lock on the bytes of the account.
// Some are killed in the middle of an update. The system releases their locks, and whoever locks
// the account next finds out, and goes back to the state of before that update.
//
// So many are killed:
//   node --import=tsx examples/record-store.mts 100

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Mmap, mmap } from 'memmap'

const PROCESSES = 4
const ACCOUNTS = 16
const ACCOUNT_SIZE = 64
/** The first 64 bytes are words: updates of all accounts, repairs, and whether all should stop. */
const [UPDATES, REPAIRS, STOP] = [0, 1, 2]
const SIZE = (1 + ACCOUNTS) * ACCOUNT_SIZE

/** The words of an account: the process that is changing it, or 0; four fields; a copy of these. */
const [CHANGING, FIELDS, COPY] = [0, 1, 5]
const [COUNT, DEPOSITS, WITHDRAWALS, BALANCE] = [FIELDS, FIELDS + 1, FIELDS + 2, FIELDS + 3]

if (process.send === undefined) await parent(Number(process.argv[2] ?? 10))
else await child(process.argv[2] ?? '')

/** Calls `work` with the words of an account, when nobody else has it. */
async function withAccount<T>(store: Mmap, account: number, work: (words: Int32Array) => T): Promise<Awaited<T>> {
  const start = (1 + account) * ACCOUNT_SIZE
  using _lock = await store.lockRange(start, start + ACCOUNT_SIZE)
  const words = store.view(Int32Array, start, ACCOUNT_SIZE / 4)
  const killed = Atomics.load(words, CHANGING)
  if (killed !== 0) {
    const found = fieldsOf(words)
    // If this process is killed here, the next one does it again.
    words.copyWithin(FIELDS, COPY, COPY + 4)
    Atomics.store(words, CHANGING, 0)
    Atomics.add(store.view(Int32Array, 0, 3), REPAIRS, 1)
    console.log(`account ${account}: process ${killed} left ${found}`)
    console.log(`  process ${process.pid} restored ${fieldsOf(words)}`)
  }
  assert.equal(words[BALANCE], (words[DEPOSITS] ?? 0) - (words[WITHDRAWALS] ?? 0))
  return await work(words)
}

function fieldsOf(words: Int32Array): string {
  return `deposits ${words[DEPOSITS]}, withdrawals ${words[WITHDRAWALS]}, balance ${words[BALANCE]}`
}

/** Updates an account. A process may be killed at any line. */
async function transfer(words: Int32Array, field: number, amount: number): Promise<void> {
  words.copyWithin(COPY, FIELDS, FIELDS + 4)
  Atomics.store(words, CHANGING, process.pid)
  words[field] = (words[field] ?? 0) + amount
  // Here the fields do not agree. The wait is for those who are to be killed here.
  await delay(1)
  words[BALANCE] = (words[BALANCE] ?? 0) + (field === DEPOSITS ? amount : -amount)
  words[COUNT] = (words[COUNT] ?? 0) + 1
  Atomics.store(words, CHANGING, 0)
}

async function child(path: string): Promise<void> {
  process.once('disconnect', () => process.exit())
  const store = mmap(path)
  const words = store.view(Int32Array, 0, 3)
  while (Atomics.load(words, STOP) === 0) {
    const account = Math.floor(Math.random() * ACCOUNTS)
    const field = Math.random() < 0.5 ? DEPOSITS : WITHDRAWALS
    await withAccount(store, account, (fields) => transfer(fields, field, 1 + Math.floor(Math.random() * 100)))
    Atomics.add(words, UPDATES, 1)
    store.notify(4 * UPDATES)
  }
  store.unmap()
  process.disconnect()
}

async function parent(kills: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'memmap-'))
  const path = join(directory, 'accounts.bin')
  const store = mmap(path, SIZE, { create: true })
  try {
    const words = store.view(Int32Array, 0, 3)
    const start = () => fork(fileURLToPath(import.meta.url), [path], { execArgv: process.execArgv })
    const running: ChildProcess[] = Array.from({ length: PROCESSES }, start)

    for (let kill = 0; kill < kills; kill += 1) {
      const wanted = Atomics.load(words, UPDATES) + 50
      for (let updates = 0; updates < wanted; updates = Atomics.load(words, UPDATES)) {
        await store.waitAsync(4 * UPDATES, updates)
      }
      const victim = running.shift()
      victim?.kill('SIGKILL')
      if (victim !== undefined) await once(victim, 'exit')
      running.push(start())
    }
    Atomics.store(words, STOP, 1)
    for (const worker of running) {
      if (worker.exitCode === null) await once(worker, 'exit')
      assert.equal(worker.exitCode, 0)
    }

    let counted = 0
    for (let account = 0; account < ACCOUNTS; account += 1) {
      await withAccount(store, account, (fields) => {
        counted += fields[COUNT] ?? 0
      })
    }
    // Who was killed behind an update has not counted it.
    const updates = Atomics.load(words, UPDATES)
    assert.ok(counted >= updates && counted <= updates + kills, `${counted} in the accounts, ${updates} counted`)
    console.log(`${counted} updates; ${kills} processes were killed, ${words[REPAIRS]} accounts were repaired`)
    console.log(`all ${ACCOUNTS} accounts are right`)
  } finally {
    store.unmap()
    rmSync(directory, { recursive: true })
  }
}

// memmap and process.send: two processes that work together.

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { measure } from 'mitata'
import { perTime, timed, timedAsync } from './answer.mjs'

const LOCKERS = 4
const LOCKER = fileURLToPath(new URL('locker.mjs', import.meta.url))
const PARTNER = fileURLToPath(new URL('partner.mjs', import.meta.url))

/** Where the words and the payload are in the mapping. Words are in cache lines of their own. */
export const TURN_AT = 0
export const READY_AT = 64
const PAYLOAD_AT = 4096
/** Where processes count that contend for a lock. */
const NUMBER_AT = 16

const { mmap } = createRequire(import.meta.url)('../../index.js')

export const together = {
  /** Both processes block. */
  async pingPongWait(path, _length, times, payload) {
    const { mm, words, write, read, end } = await started('wait', path, payload)
    const all = timed(() => {
      for (let turn = 1; turn < 2 * times; turn += 2) {
        write()
        Atomics.store(words, TURN_AT / 4, turn)
        mm.notify(TURN_AT)
        while (Atomics.load(words, TURN_AT / 4) === turn) mm.wait(TURN_AT, turn)
        read()
      }
    })
    await end()
    return perTime({ ...all, result: payload }, times)
  },

  async pingPongWaitAsync(path, _length, times, payload) {
    const { mm, words, write, read, end } = await started('waitAsync', path, payload)
    const all = await timedAsync(async () => {
      for (let turn = 1; turn < 2 * times; turn += 2) {
        write()
        Atomics.store(words, TURN_AT / 4, turn)
        mm.notify(TURN_AT)
        while (Atomics.load(words, TURN_AT / 4) === turn) await mm.waitAsync(TURN_AT, turn)
        read()
      }
    })
    await end()
    return perTime({ ...all, result: payload }, times)
  },

  async pingPongSend(_path, _length, times, payload) {
    const child = fork(PARTNER, ['process.send'], { serialization: 'advanced', execArgv: [] })
    await once(child, 'message')
    const message = payload === '0' ? 1 : Buffer.alloc(Number(payload), 'x')
    const all = await timedAsync(
      () =>
        new Promise((resolve) => {
          let left = Number(times)
          child.on('message', () => {
            left -= 1
            if (left === 0) resolve()
            else child.send(message)
          })
          child.send(message)
        }),
    )
    child.kill()
    return perTime({ ...all, result: payload }, times)
  },

  async lockAndRelease(path, _length) {
    const mm = mmap(path)
    const { p50 } = await measure(() => mm.lockRangeSync(0, 8).release())
    mm.close()
    return { nanoseconds: p50, result: '' }
  },

  contend: (path, _length, times) => contend('lockRange', path, times),

  async notifyNobody(path) {
    const mm = mmap(path)
    const { p50 } = await measure(() => mm.notify(TURN_AT))
    mm.close()
    return { nanoseconds: p50, result: 0 }
  },

  /** From the call that wakes them until all promises are resolved. */
  async wakeAll(path, _length, count) {
    const mm = mmap(path)
    mm.view(Int32Array, 0, 1)[0] = 0
    const pending = Array.from({ length: Number(count) }, () => mm.waitAsync(TURN_AT, 0))
    // A thread that is asleep is counted, and those that are not yet asleep read the new value.
    const { nanoseconds, result } = await timedAsync(() => {
      mm.view(Int32Array, 0, 1)[0] = 1
      mm.notify(TURN_AT)
      return Promise.all(pending)
    })
    mm.close()
    return { nanoseconds, result: result.length }
  },
}

/** Processes that contend for a lock, from when they all run until the last has ended. */
export async function contend(how, path, times, folder = '') {
  const fd = openSync(path, 'r+')
  writeSync(fd, new Uint32Array(1), 0, 4, NUMBER_AT)
  const children = Array.from({ length: LOCKERS }, () =>
    spawn(process.execPath, [LOCKER, how, path, times, folder], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
  const ended = children.map((child) => once(child, 'exit'))
  const all = await timedAsync(async () => {
    for (const { stdin } of children) stdin.write('go')
    await Promise.all(ended)
  })
  const number = new Uint32Array(1)
  readSync(fd, number, 0, 4, NUMBER_AT)
  closeSync(fd)
  return perTime({ ...all, result: number[0] / LOCKERS }, LOCKERS * times)
}

async function started(how, path, payload) {
  const mm = mmap(path)
  const words = mm.view(Int32Array, 0, 32)
  words.fill(0)
  const child = spawn(process.execPath, [PARTNER, how, path, payload], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  while (Atomics.load(words, READY_AT / 4) === 0) await mm.waitAsync(READY_AT, 0)
  const end = async () => {
    child.kill()
    await ended
    mm.close()
  }
  return { mm, words, ...payloads(mm, Number(payload)), end }
}

/**
 * `write` puts a message into the mapping, and `read` reads it there: whoever gets it need not copy
 * it.
 */
export function payloads(mm, length) {
  if (length === 0) return { write: () => {}, read: () => {} }
  const message = Buffer.alloc(length, 'x')
  const received = mm.view(Uint8Array, PAYLOAD_AT, length)
  return {
    write: () => mm.set(message, PAYLOAD_AT),
    read() {
      if (received[0] + received[length - 1] !== 2 * message[0]) throw new Error('the message is incomplete')
    },
  }
}

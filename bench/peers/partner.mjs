// The other process of a ping-pong: `partner.mjs HOW [PATH LENGTH]`. It answers each message with
// one of the same length, until its parent ends it.

import { createRequire } from 'node:module'
import { payloads, READY_AT, TURN_AT } from './together.mjs'

const [how, path, length] = process.argv.slice(2)

if (how === 'process.send') {
  process.on('message', (message) => process.send(message))
  process.send('ready')
} else {
  const { mmap } = createRequire(import.meta.url)('../../index.js')
  const mm = mmap(path)
  const words = mm.view(Int32Array, 0, 32)
  const { write, read } = payloads(mm, Number(length))
  Atomics.store(words, READY_AT / 4, 1)
  mm.notify(READY_AT)
  for (let turn = 1; ; turn += 2) {
    while (Atomics.load(words, TURN_AT / 4) < turn) {
      if (how === 'wait') mm.wait(TURN_AT, turn - 1)
      else await mm.waitAsync(TURN_AT, turn - 1)
    }
    read()
    write()
    Atomics.store(words, TURN_AT / 4, turn + 1)
    mm.notify(TURN_AT)
  }
}

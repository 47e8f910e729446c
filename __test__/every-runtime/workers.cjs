// The programs of threads in the scenarios.

const { parentPort, workerData } = require('node:worker_threads')
const { mmap } = require('../../index.js')
const { lockCommands } = require('./lock-commands.cjs')
const { collectGarbage } = require('./runtime.cjs')
const { passToken } = require('./waiting.cjs')

const programs = {
  /** Maps a file, writes, reads, closes, and ends. */
  'maps and ends': ({ path, text }) => {
    const map = mmap(path)
    map.write(text)
    const { bytes } = map
    map.close()
    parentPort.postMessage(Buffer.from(bytes.subarray(0, text.length)).toString())
  },

  /** Maps a named region, and ends. */
  'maps a region and ends': ({ tagname }) => {
    mmap(-1, 10, { tagname }).write('x')
  },

  /** Passes a token on. */
  'passes a token': async ({ args }) => parentPort.postMessage(await passToken(...args)),

  /** Waits for a word, until it is terminated. */
  waits: ({ path, how }) => {
    const map = mmap(path)
    // Engines compile what has run so often in another way.
    if (how === 'sync after many') for (let count = 0; count < 100_000; count += 1) map.wait(0, 1)
    parentPort.postMessage('waits')
    if (how === 'async') map.waitAsync(0, 0).catch(() => {})
    else map.wait(0, 0)
  },

  /** Waits as `Atomics.wait` does. */
  'waits in the engine': ({ words }) => {
    parentPort.postMessage('waits')
    parentPort.postMessage(Atomics.wait(words, 1, 0))
  },

  /** Makes a buffer of a named region, closes or unmaps the mapping, and ends. */
  'shows a region and ends': ({ tagname, how }) => {
    const map = mmap(-1, 10, { tagname, sharedArrayBuffer: how === 'buffer' })
    globalThis.kept = map.bytes
    map.write('x')
    parentPort.postMessage(Buffer.from(globalThis.kept.subarray(0, 1)).toString())
    if (how === 'unmapped') map.unmap()
    else map.close()
  },

  /**
   * Posts the bytes of a mapping. Keeps an open mapping and views of a closed one until it is
   * terminated.
   */
  'keeps views': ({ path }) => {
    const [open, closed] = [mmap(path), mmap(path)]
    globalThis.kept = [open, open.bytes, closed.bytes, closed.view(DataView)]
    closed.close()
    parentPort.on('message', () => {})
    parentPort.postMessage(closed.closed && open.bytes)
  },

  /** Stores through a view in an endless loop, so its event loop never turns. */
  'stores for ever': ({ path }) => {
    const { bytes } = mmap(path)
    parentPort.postMessage('storing')
    for (let count = 0; ; count += 1) bytes[count % bytes.length] = 7
  },

  /** Posts the buffer of a mapping, and runs until it is terminated. */
  'posts a buffer': ({ path }) => {
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    parentPort.on('message', () => {})
    parentPort.postMessage(map.buffer)
  },

  /** Holds a buffer, and executes the commands that it is sent. */
  'holds a buffer': () => {
    let buffer
    const commands = {
      hold(posted) {
        buffer = posted
      },
      drop() {
        buffer = undefined
      },
      collect: collectGarbage,
      length: () => buffer.byteLength,
      read: (at) => new Uint8Array(buffer)[at],
      write(at, value) {
        new Uint8Array(buffer)[at] = value
      },
    }
    parentPort.on('message', ([name, ...args]) => parentPort.postMessage(commands[name](...args)))
    parentPort.postMessage('ready')
  },

  /**
   * Replaces each odd number in `turns[0]` by the next one, and counts these turns in `turns[1]`.
   */
  'takes turns': ({ turns, rounds }) => {
    parentPort.on('message', () => {})
    parentPort.postMessage('ready')
    for (let round = 0; round < rounds; round += 1) {
      while (Atomics.load(turns, 0) !== 2 * round + 1) Atomics.wait(turns, 0, 2 * round)
      turns[1] += 1
      Atomics.store(turns, 0, 2 * round + 2)
      Atomics.notify(turns, 0)
    }
  },

  /** Executes lock commands on a mapping of a file. */
  'executes lock commands': ({ path }) => {
    const execute = lockCommands(path)
    parentPort.on('message', async (command) => parentPort.postMessage(await execute(command)))
    parentPort.postMessage('ready')
  },

  /** Blocks until it has a lock of all of a file. */
  'blocks for a lock': ({ path }) => {
    const map = mmap(path)
    parentPort.postMessage('blocking')
    map.lockRangeSync()
  },

  /** Starts tasks on memory that the engine owns, and searches it, until it is terminated. */
  'starts tasks for ever': ({ path }) => {
    const map = mmap(path, 0, { sharedArrayBuffer: true })
    const start = () => {
      for (const method of ['countAsync', 'findAsync']) {
        map[method]('absent').catch(() => {})
        map[method]('absent', { threads: 1 }).catch(() => {})
      }
      map.count('absent')
      map.prefetch().then(start, () => {})
    }
    start()
    parentPort.postMessage('started')
  },

  /** Answers each number in the first word with the same in the second one. Posts the last one. */
  'waits with Atomics.wait': ({ bytes, rounds, path }) => {
    const map = mmap(path)
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, 2)
    for (let number = 1; number <= rounds; number += 1) {
      for (let old = number - 1; Atomics.load(words, 0) === old; ) Atomics.wait(words, 0, old)
      Atomics.store(words, 1, number)
      map.notify(4)
    }
    parentPort.postMessage(rounds)
  },

  /** Posts the sum of the bytes that it is sent. */
  'adds up': () => {
    parentPort.once('message', (bytes) => {
      parentPort.postMessage(bytes.reduce((sum, byte) => sum + byte, 0))
    })
    parentPort.postMessage('ready')
  },
}

programs[workerData.program](workerData)

// The programs of other processes in the scenarios: children.cjs NAME ARGUMENT...

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { closeSync, openSync, truncateSync, writeSync } = require('node:fs')
const { createInterface } = require('node:readline')
const zlib = require('node:zlib')

// The package is loaded on demand, because in one of the programs a worker must load it first.
const memmap = () => require('../../index.js')

/**
 * Waits for a line on the standard input, or for its end. Then closes the input, which would
 * otherwise keep the process running.
 */
async function toldToGoOn() {
  const input = createInterface({ input: process.stdin })
  await Promise.race([once(input, 'line'), once(input, 'close')])
  input.close()
  process.stdin.destroy()
}

const programs = {
  /** Loads the addon in a thread that ends, then in the main thread, then in another thread. */
  async 'first in a worker'(path) {
    const { nextMessage, startWorker } = require('./others.cjs')
    const { collectGarbage, nextTurn } = require('./runtime.cjs')
    const runWorker = async (text) => {
      const worker = startWorker('maps and ends', { path, text })
      const ended = once(worker, 'exit')
      assert.equal(await nextMessage(worker), text)
      await ended
      // The finalizers of the thread must still find the library at its addresses.
      collectGarbage()
      await nextTurn()
    }
    await runWorker('first')
    await runWorker('again')
    const map = memmap().mmap(path)
    assert.equal(map.slice(0, 5).toString(), 'again')
    await runWorker('third')
    assert.equal(Buffer.from(map.bytes.subarray(0, 5)).toString(), 'third')
    console.log('all three')
  },

  /**
   * Fills a file with one-byte and then two-byte characters in turn, until the parent says to end.
   */
  async 'rewrites over and over'(path) {
    const map = memmap().mmap(path)
    let done = false
    toldToGoOn().then(() => {
      done = true
    })
    console.log('rewriting')
    while (!done) {
      for (let round = 0; round < 100; round += 1) {
        map.fill('a')
        map.fill('é')
      }
      await new Promise(setImmediate)
    }
    map.close()
  },

  /** Truncates a file and fills it again, until the parent says to end. */
  async 'truncates over and over'(path, length, kept) {
    const content = Buffer.alloc(Number(length), 'A')
    const file = openSync(path, 'r+')
    let done = false
    toldToGoOn().then(() => {
      done = true
    })
    console.log('truncating')
    while (!done) {
      for (let round = 0; round < 20; round += 1) {
        truncateSync(path, Number(kept))
        writeSync(file, content, 0, content.length, 0)
      }
      await new Promise(setImmediate)
    }
    closeSync(file)
  },

  /** Writes to a file with `fs`. */
  async writes(path, text, position) {
    const file = openSync(path, 'r+')
    // The text is passed as a Buffer, because Deno ignores the position of a string.
    const bytes = Buffer.from(text)
    writeSync(file, bytes, 0, bytes.length, Number(position))
    closeSync(file)
  },

  /** Ends with mappings open and views alive, and zlib reading one of them. */
  async 'ends with views'(path, how) {
    const { mmap } = memmap()
    const [open, closed] = [mmap(path), mmap(path)]
    globalThis.kept = [open.bytes, closed.bytes, open.view(Uint16Array)]
    closed.close()
    open.write('written')
    if (how === 'process.exit') {
      zlib.gzip(open.bytes, () => {})
      process.exit(3)
    }
    if (how === 'throw') throw new Error('on purpose')
  },

  /** Writes an answer to a named region, and ends in the way that the argument says. */
  async 'answers in a region'(tagname, how) {
    const region = memmap().mmap(-1, 1024, { tagname })
    globalThis.kept = region.bytes
    console.log(region.readLine().toString().trim())
    region.seek(512)
    region.write('from the child\n')
    console.log('answered')
    await toldToGoOn()
    if (how === 'close') region.close()
    if (how === 'process.exit') process.exit(0)
  },

  /** Writes an answer to POSIX shared memory, and ends with it mapped. */
  async 'answers in shared memory'(shm) {
    const memory = memmap().mmap(-1, { shm })
    globalThis.kept = memory.bytes
    memory.seek(512)
    memory.write('from the child\n')
    console.log(memory.lineAt(0).stop === 15 ? memory.slice(0, 15).toString() : 'another line')
  },

  /**
   * Adds and removes listeners of SIGBUS, before or after it maps a file. Then prints a byte of a
   * page that was cut off.
   */
  async 'listens to SIGBUS'(how, path) {
    const watchers = () => process.listenerCount('newListener') + process.listenerCount('removeListener')
    const before = watchers()
    const { mmap, PAGESIZE } = memmap()
    const listener = () => {}
    mmap(-1, 10).close()
    assert.equal(watchers(), before, 'there is nothing to watch before a file is mapped')
    if (how.startsWith('came before')) process.on('SIGBUS', listener)
    const { bytes } = mmap(path)
    if (how === 'comes' || how === 'goes' || how === 'all go') process.on('SIGBUS', listener)
    if (how === 'once') process.once('SIGBUS', listener)
    if (how.endsWith('goes') || how === 'once') process.off('SIGBUS', listener)
    if (how === 'all go') process.removeAllListeners('SIGBUS')
    truncateSync(path, 100)
    console.log(bytes[2 * PAGESIZE])
  },

  /** Maps a file repeatedly and never closes it. The event loop turns in between. */
  async 'never closes'(path, times) {
    const { mmap } = memmap()
    for (let count = 0; count < Number(times); count += 1) {
      assert.equal(mmap(path).bytes[0], 'a'.charCodeAt(0))
      if (count % 10 === 0) await new Promise(setImmediate)
    }
    console.log('never refused')
  },

  /** Passes a token on. Prints how long it has waited at most, in ms. */
  async 'passes a token'(path, how, ...numbers) {
    const { passToken } = require('./waiting.cjs')
    console.log(await passToken(path, how, ...numbers.map(Number)))
  },

  /** Prints "waits", waits once for a word that is 0, and prints the result or the code. */
  async waits(path, how, position, access) {
    const { waitOnce } = require('./waiting.cjs')
    const map = memmap().mmap(path, access === '' ? {} : { access: Number(access) })
    console.log('waits')
    console.log(await waitOnce(map, how, Number(position)))
  },

  /** Executes lock commands on a mapping of a file, one from each line of its input. */
  async 'executes lock commands'(path) {
    const { lockCommands } = require('./lock-commands.cjs')
    const execute = lockCommands(path)
    const input = createInterface({ input: process.stdin })
    input.on('line', async (line) => console.log(await execute(JSON.parse(line))))
    console.log('ready')
  },

  /** Exits while a thread blocks for a lock, and a request of this thread waits for it. */
  async 'exits while a thread waits for a lock'(path) {
    const { nextMessage, startWorker } = require('./others.cjs')
    const worker = startWorker('blocks for a lock', { path })
    await nextMessage(worker)
    memmap().mmap(path).lockRange()
    // The thread needs a moment from its message to the lock.
    await new Promise((resolve) => setTimeout(resolve, 100))
    console.log('exiting')
    process.exit(7)
  },

  /** Maps a descriptor that it has inherited. */
  async 'maps its descriptor'(descriptor, length) {
    const map = memmap().mmap(Number(descriptor), Number(length))
    console.log(map.readLine().toString().trim())
    map.seek(1000)
    map.write('from the child')
  },
}

const [name, ...args] = process.argv.slice(2)
programs[name](...args)

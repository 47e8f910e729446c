// What threads do in the scenarios, each under a name.

const { parentPort, workerData } = require('node:worker_threads')
const { mmap } = require('../../index.js')

const programs = {
  /** Maps, writes and reads, closes, and ends. */
  'maps and ends': ({ path, text }) => {
    const map = mmap(path)
    map.write(text)
    const { bytes } = map
    map.close()
    parentPort.postMessage(Buffer.from(bytes.subarray(0, text.length)).toString())
  },

  /** Maps, posts the bytes, and stays with open mappings and views of closed ones until somebody ends it. */
  'keeps views': ({ path }) => {
    const [open, closed] = [mmap(path), mmap(path)]
    globalThis.kept = [open, open.bytes, closed.bytes, closed.view(DataView)]
    closed.close()
    parentPort.on('message', () => {})
    parentPort.postMessage(closed.closed && open.bytes)
  },

  /** Stores through a view for ever, and never lets its event loop turn. */
  'stores for ever': ({ path }) => {
    const { bytes } = mmap(path)
    parentPort.postMessage('storing')
    for (let count = 0; ; count += 1) bytes[count % bytes.length] = 7
  },

  /** Says what the bytes that it is posted add up to. */
  'adds up': () => {
    parentPort.once('message', (bytes) => {
      parentPort.postMessage(bytes.reduce((sum, byte) => sum + byte, 0))
    })
    parentPort.postMessage('ready')
  },
}

programs[workerData.program](workerData)

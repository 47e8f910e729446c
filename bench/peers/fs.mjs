// Peers of Node itself: readFileSync, streams, node:readline and descriptors. It also measures how
// long loading a module takes.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync, readFileSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { answer, bytesOf, timed, timedAsync } from './answer.mjs'

await answer({
  version: () => ({ nanoseconds: 0, result: `Node ${process.versions.node}` }),

  readFileIndexOf(path, length, needle) {
    const wanted = bytesOf(needle)
    return timed(() => readFileSync(path).subarray(0, Number(length)).indexOf(wanted))
  },

  streamIndexOf(path, length, needle) {
    const wanted = bytesOf(needle)
    return timedAsync(async () => {
      let [position, rest] = [0, Buffer.alloc(0)]
      for await (const chunk of createReadStream(path, { end: Number(length) - 1 })) {
        // The needle may begin in one chunk and end in the next.
        const bytes = Buffer.concat([rest, chunk])
        const found = bytes.indexOf(wanted)
        if (found !== -1) return position + found
        rest = bytes.subarray(Math.max(bytes.length - wanted.length + 1, 0))
        position += bytes.length - rest.length
      }
      return -1
    })
  },

  streamCountByte(path, length, needle) {
    const [wanted] = bytesOf(needle)
    return timedAsync(async () => {
      let count = 0
      for await (const chunk of createReadStream(path, { end: Number(length) - 1 })) {
        for (let at = chunk.indexOf(wanted); at !== -1; at = chunk.indexOf(wanted, at + 1)) count += 1
      }
      return count
    })
  },

  // Node's documentation recommends `on('line')` instead of `for await` if speed matters.
  readline(path, length) {
    return timedAsync(async () => {
      let count = 0
      const lines = createInterface({ input: createReadStream(path, { end: Number(length) - 1 }), crlfDelay: Infinity })
      lines.on('line', () => {
        count += 1
      })
      await once(lines, 'close')
      return count
    })
  },

  readFileSplit(path, length) {
    return timed(() => {
      const lines = readFileSync(path).subarray(0, Number(length)).toString().split('\n')
      return lines.at(-1) === '' ? lines.length - 1 : lines.length
    })
  },

  openReadClose(path, _length, times) {
    const { nanoseconds, result } = timed(() => {
      let first
      for (let i = 0; i < Number(times); i += 1) {
        const fd = openSync(path)
        first = Buffer.allocUnsafe(8)
        readSync(fd, first, 0, 8, 0)
        closeSync(fd)
      }
      return first.toString('hex')
    })
    return { nanoseconds: nanoseconds / Number(times), result }
  },

  require(path, _length, module = path) {
    const program = `const t = performance.now(); require(${JSON.stringify(module)}); console.log(performance.now() - t)`
    const milliseconds = Number(execFileSync(process.execPath, ['--eval', program]))
    return { nanoseconds: milliseconds * 1e6, result: '' }
  },
})

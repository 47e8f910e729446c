// Whole jobs as Node's documentation does them: with readFileSync, streams, node:readline, and
// descriptors.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { bytesOf, kept, perTime, readAtRandom, tableOf, timed, timedAsync } from './answer.mjs'
import { serve } from './serve.mjs'

const PART = 4 * 2 ** 20

export const jobs = {
  readFileIndexOf(path, length, needle) {
    const wanted = bytesOf(needle)
    return timed(() => readFileSync(path).subarray(0, Number(length)).indexOf(wanted))
  },

  streamIndexOf(path, length, needle) {
    const wanted = bytesOf(needle)
    return timedAsync(async () => {
      for await (const [position, bytes] of overlapping(path, length, wanted)) {
        const found = bytes.indexOf(wanted)
        if (found !== -1) return position + found
      }
      return -1
    })
  },

  streamCount(path, length, needle) {
    const wanted = bytesOf(needle)
    return timedAsync(async () => {
      let count = 0
      for await (const [, bytes] of overlapping(path, length, wanted)) {
        for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length)) count += 1
      }
      return count
    })
  },

  linesWith(path, length, word) {
    const wanted = bytesOf(word).toString()
    const found = []
    return timedAsync(async () => {
      await eachLine(path, length, (line) => {
        if (line.includes(wanted)) found.push(line)
      })
      return `${found.length} ${found.join('').length}`
    })
  },

  readlineStatusCodes(path, length, pattern) {
    const status = new RegExp(bytesOf(pattern).toString())
    return timedAsync(async () => {
      const counts = new Map()
      await eachLine(path, length, (line) => count(counts, status.exec(line)))
      return tableOf(counts)
    })
  },

  readFileStatusCodes(path, length, pattern) {
    const status = new RegExp(bytesOf(pattern).toString(), 'g')
    return timed(() => {
      const counts = new Map()
      const text = readFileSync(path).latin1Slice(0, Number(length))
      for (const match of text.matchAll(status)) count(counts, match)
      return tableOf(counts)
    })
  },

  matches(path, length, source, flags) {
    const parts = textParts(path, length)
    const pattern = new RegExp(bytesOf(source), `${flags}g`)
    return timed(() => {
      let count = 0
      for (const part of parts) for (const _match of part.matchAll(pattern)) count += 1
      return count
    })
  },

  matchesWithGroup(path, length, source, flags) {
    const parts = textParts(path, length)
    const pattern = new RegExp(bytesOf(source), `${flags}g`)
    return timed(() => {
      let [count, characters] = [0, 0]
      for (const part of parts) {
        for (const match of part.matchAll(pattern)) {
          count += 1
          characters += match[1].length
        }
      }
      return `${count} ${characters}`
    })
  },

  openReplaceThereAndBack(path, _length, one, other) {
    const replace = (from, to) => writeFileSync(path, readFileSync(path, 'latin1').replaceAll(from, to), 'latin1')
    const [from, to] = [bytesOf(one).toString(), bytesOf(other).toString()]
    return timed(() => {
      replace(from, to)
      replace(to, from)
      // These calls do not tell how many there were.
      return ''
    })
  },

  randomReads(path, length, times) {
    const number = Buffer.alloc(8)
    const all = timed(() => {
      const fd = openSync(path)
      const sum = readAtRandom(length, times, (position) => {
        readSync(fd, number, 0, 8, position)
        return number.readDoubleLE(0)
      })
      closeSync(fd)
      return sum
    })
    return perTime(all, times)
  },

  streamHash(path, length) {
    return timedAsync(async () => {
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(path, { end: Number(length) - 1 })) hash.update(chunk)
      return hash.digest('hex')
    })
  },

  readFileHash: (path) => timed(() => createHash('sha256').update(readFileSync(path)).digest('hex')),

  async serve(path, length, how) {
    const file = await open(path)
    const answers = {
      createReadStream: (response, start, stop) => createReadStream(path, { start, end: stop - 1 }).pipe(response),
      async FileHandle(response, start, stop) {
        const { buffer } = await file.read(Buffer.allocUnsafe(stop - start), 0, stop - start, start)
        response.end(buffer)
      },
    }
    try {
      return await serve(Number(length), answers[how])
    } finally {
      await file.close()
    }
  },
}

/** Text of about 4 MiB each, which ends where a line ends. */
const textParts = kept((path, length) => {
  const bytes = readFileSync(path).subarray(0, length)
  const parts = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.lastIndexOf('\n', start + PART) + 1
    const stop = end > start && start + PART < bytes.length ? end : bytes.length
    parts.push(bytes.latin1Slice(start, stop))
    start = stop
  }
  return parts
})

function count(counts, match) {
  if (match !== null) counts.set(match[1], (counts.get(match[1]) ?? 0) + 1)
}

/** Node's documentation recommends `on('line')` instead of `for await` if speed matters. */
export async function eachLine(path, length, call) {
  const lines = createInterface({ input: createReadStream(path, { end: Number(length) - 1 }), crlfDelay: Infinity })
  lines.on('line', call)
  await once(lines, 'close')
}

/**
 * The chunks with their positions. A chunk of a longer needle begins with the end of the one
 * before, because the needle may begin in one chunk and end in the next.
 */
async function* overlapping(path, length, needle) {
  let [position, rest] = [0, Buffer.alloc(0)]
  for await (const chunk of createReadStream(path, { end: Number(length) - 1 })) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    yield [position, bytes]
    rest = bytes.subarray(Math.max(bytes.length - needle.length + 1, 0))
    position += bytes.length - rest.length
  }
}

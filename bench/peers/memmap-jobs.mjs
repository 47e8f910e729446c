// memmap itself: whole jobs from path to answer, and how cost grows.

import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { bytesOf, kept, perTime, readAtRandom, tableOf, timed, timedAsync } from './answer.mjs'
import { serve } from './serve.mjs'

const { mmap, ACCESS_READ } = createRequire(import.meta.url)('../../index.js')
export const readOnly = kept((path, length) => mmap(path, length, { access: ACCESS_READ }))
export const writable = kept((path, length) => mmap(path, length))

/** The mappings that others are opened beside. */
const held = []

export const jobs = {
  openFindClose(path, length, needle) {
    const wanted = bytesOf(needle)
    return timed(() => opened(path, length, (mm) => mm.find(wanted)))
  },

  openCountClose(path, length, needle) {
    const wanted = bytesOf(needle)
    return timed(() => opened(path, length, (mm) => mm.count(wanted)))
  },

  openTextLinesClose(path, length) {
    const count = (mm) => {
      let lines = 0
      for (const _line of mm.lines({ encoding: 'utf8' })) lines += 1
      return lines
    }
    return timed(() => opened(path, length, count))
  },

  linesWith(path, length, word) {
    const wanted = bytesOf(word)
    const collect = (mm) => {
      const found = []
      let end = 0
      for (const position of mm.findAll(wanted)) {
        // The line may have the word twice.
        if (position < end) continue
        const { start, stop } = mm.lineAt(position)
        found.push(mm.toString('utf8', start, stop))
        end = stop
      }
      return found
    }
    const { nanoseconds, result } = timed(() => opened(path, length, collect))
    return { nanoseconds, result: `${result.length} ${result.join('').length}` }
  },

  statusCodes(path, length, pattern) {
    const status = new RegExp(bytesOf(pattern))
    const count = (mm) => {
      const counts = new Map()
      for (const match of mm.matchAll(status)) {
        const code = match.group(1)
        counts.set(code, (counts.get(code) ?? 0) + 1)
      }
      return tableOf(counts)
    }
    return timed(() => opened(path, length, count))
  },

  matches(path, length, source, flags) {
    const [mm, pattern] = [readOnly(path, length), new RegExp(bytesOf(source), flags)]
    return timed(() => {
      let count = 0
      for (const _match of mm.matchAll(pattern)) count += 1
      return count
    })
  },

  matchesWithGroup(path, length, source, flags) {
    const [mm, pattern] = [readOnly(path, length), new RegExp(bytesOf(source), flags)]
    return timed(() => {
      let [count, characters] = [0, 0]
      for (const match of mm.matchAll(pattern)) {
        count += 1
        characters += match.group(1).length
      }
      return `${count} ${characters}`
    })
  },

  openCountMatchesClose(path, length, source, flags) {
    const pattern = new RegExp(bytesOf(source), flags)
    return timed(() => opened(path, length, (mm) => mm.count(pattern)))
  },

  openReplaceThereAndBack(path, length, one, other) {
    const [from, to] = [bytesOf(one), bytesOf(other)]
    return timed(
      () =>
        opened(path, length, (mm) => mm.replaceAll(from, to), {}) +
        opened(path, length, (mm) => mm.replaceAll(to, from), {}),
    )
  },

  randomReads(path, length, times, how) {
    const mm = readOnly(path, length)
    const view = mm.view(DataView)
    const read = {
      DataView: (position) => view.getFloat64(position, true),
      slice: (position) => mm.slice(position, position + 8).readDoubleLE(0),
    }[how]
    return perTime(
      timed(() => readAtRandom(length, times, read)),
      times,
    )
  },

  openRandomReads(path, length, times) {
    const all = timed(() => {
      const mm = mmap(path, Number(length), { access: ACCESS_READ })
      const view = mm.view(DataView)
      const sum = readAtRandom(length, times, (position) => view.getFloat64(position, true))
      // Pages that a view still shows would stay in memory.
      mm.unmap()
      return sum
    })
    return perTime(all, times)
  },

  hash(path, length) {
    return timed(() => opened(path, length, (mm) => createHash('sha256').update(mm.bytes).digest('hex')))
  },

  serve(path, length, how) {
    const mm = readOnly(path, length)
    const answers = {
      slice: (response, start, stop) => response.end(mm.slice(start, stop)),
      view: (response, start, stop) => response.end(mm.view(Buffer, start, stop - start)),
    }
    return serve(Number(length), answers[how])
  },

  /** How much of the file is in memory, from 0 to 1. */
  residentShare(path, length) {
    const { resident, total } = opened(path, length, (mm) => mm.resident())
    return { nanoseconds: 0, result: resident / total }
  },

  countOnThreads(path, length, needle, threads) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timedAsync(() => mm.countAsync(wanted, { threads: Number(threads) }))
  },

  /** The time is that of the task alone, and the first thread that reads a page pays for it. */
  async countOnThreadsOfFresh(path, length, needle, threads) {
    const wanted = bytesOf(needle)
    const mm = mmap(path, Number(length), { access: ACCESS_READ })
    const answer = await timedAsync(() => mm.countAsync(wanted, { threads: Number(threads) }))
    mm.close()
    return answer
  },

  openCountOnThreadsClose(path, length, needle, threads) {
    const wanted = bytesOf(needle)
    return timedAsync(async () => {
      const mm = mmap(path, Number(length), { access: ACCESS_READ })
      const found = await mm.countAsync(wanted, { threads: Number(threads) })
      mm.close()
      return found
    })
  },

  replaceOnThreadsThereAndBack(path, length, one, other, threads) {
    const [mm, from, to] = [writable(path, length), bytesOf(one), bytesOf(other)]
    const replace = (old, fresh) => mm.replaceAllAsync(old, fresh, { threads: Number(threads) })
    return timedAsync(async () => (await replace(from, to)) + (await replace(to, from)))
  },

  openReadCloseBeside(path, length, times, count) {
    while (held.length > Number(count)) held.pop().close()
    while (held.length < Number(count)) held.push(mmap(path, Number(length), { access: ACCESS_READ }))
    return jobs.openReadClose(path, length, times)
  },

  openReadClose(path, length, times) {
    const all = timed(() => {
      let first
      for (let i = 0; i < Number(times); i += 1) first = opened(path, length, (mm) => mm.read(8))
      return first.toString('hex')
    })
    return perTime(all, times)
  },
}

function opened(path, length, use, options = { access: ACCESS_READ }) {
  const mm = mmap(path, Number(length), options)
  const result = use(mm)
  mm.close()
  return result
}

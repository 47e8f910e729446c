// memmap itself, which the peers are compared with.

import { createRequire } from 'node:module'
import { measure } from 'mitata'
import { answer, bytesOf, sum, timed, timedAsync } from './answer.mjs'
import { jobs, readOnly, writable } from './memmap-jobs.mjs'
import { together } from './together.mjs'

const require = createRequire(import.meta.url)
const { mmap, ACCESS_READ } = require('../../index.js')
const { version } = require('../../package.json')

const INTERVAL = 5
const IDLE_TICKS = 40

await answer({
  version: () => ({ nanoseconds: 0, result: `memmap ${version}` }),

  ...jobs,
  ...together,

  find(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timed(() => mm.find(wanted, 0))
  },

  rfind(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timed(() => mm.rfind(wanted, 0))
  },

  findAll(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timed(() => {
      let [count, last] = [0, -1]
      for (const position of mm.findAll(wanted, 0)) {
        count += 1
        last = position
      }
      return `${count} ${last}`
    })
  },

  count(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timed(() => mm.count(wanted, 0))
  },

  lines(path, length) {
    const mm = readOnly(path, length)
    return timed(() => {
      let count = 0
      for (const _line of mm.lines({ start: 0 })) count += 1
      return count
    })
  },

  replaceThereAndBack(path, length, one, other) {
    const [mm, from, to] = [writable(path, length), bytesOf(one), bytesOf(other)]
    return timed(() => mm.replaceAll(from, to, 0) + mm.replaceAll(to, from, 0))
  },

  byteByByteThereAndBack(path, length, one, other) {
    const mm = writable(path, length)
    const replace = (from, to) => {
      let count = 0
      for (let i = 0; i < mm.length; i += 1) {
        if (mm.slice(i, i + from.length).equals(from)) {
          mm.setSlice(to, i, i + from.length)
          count += 1
        }
      }
      return count
    }
    const [from, to] = [bytesOf(one), bytesOf(other)]
    return timed(() => replace(from, to) + replace(to, from))
  },

  findAsync(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return timedAsync(() => mm.findAsync(wanted, 0))
  },

  delayDuringFindAsync(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return worstDelay(() => mm.findAsync(wanted, 0))
  },

  delayDuringFind(path, length, needle) {
    const [mm, wanted] = [readOnly(path, length), bytesOf(needle)]
    return worstDelay(() => mm.find(wanted, 0))
  },

  delayDuringNothing: () => worstDelay((tick) => tick(IDLE_TICKS).then(() => -1)),

  async findOnce(path, length, needle, type) {
    const mm = readOnly(path, length)
    const wanted = type === 'string' ? bytesOf(needle).toString() : bytesOf(needle)
    const { p50 } = await measure(() => mm.find(wanted, 0))
    return { nanoseconds: p50, result: mm.find(wanted, 0) }
  },

  async text(path, length, count) {
    const mm = readOnly(path, length)
    const { p50 } = await measure(() => mm.toString('utf8', 0, Number(count)))
    return { nanoseconds: p50, result: mm.toString('hex', 0, Number(count)) }
  },

  async set(path, length, count) {
    const [mm, data] = [writable(path, length), readOnly(path, length).slice(0, Number(count))]
    const { p50 } = await measure(() => mm.set(data, 0))
    return { nanoseconds: p50, result: mm.set(data, 0) }
  },

  sum(path, length) {
    const { bytes } = readOnly(path, length)
    return timed(() => sum(bytes))
  },

  openLastByteClose(path, length) {
    return timed(() => {
      const mm = mmap(path, Number(length), { access: ACCESS_READ })
      const last = mm.at(-1)
      mm.close()
      return last
    })
  },

  openViewClose: (path, _length, count) => openOften(path, (mm) => mm.view(Uint8Array, 0, Number(count)).length),

  openSliceClose: (path, _length, count) => openOften(path, (mm) => mm.slice(0, Number(count)).length),

  openLineClose(path, _length, count) {
    const stop = Number(count)
    return openOften(path, (mm) => mm.lines({ stop }).next().value.length)
  },
})

/** Opens 100 times beside a million objects, which every full garbage collection has to mark. */
function openOften(path, use) {
  const heap = Array.from({ length: 1e6 }, (_, index) => ({ index }))
  return timed(() => {
    let total = 0
    for (let times = 0; times < 100; times += 1) {
      const mm = mmap(path, { access: ACCESS_READ })
      total += use(mm)
      mm.close()
    }
    return total + heap.length
  })
}

/** The longest delay of a timer's tick while `start` runs. */
async function worstDelay(start) {
  let worst = 0
  let waiting = []
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - INTERVAL)
    last = now
    waiting = waiting.filter(({ resolve, ticks }) => ticks > 1 || resolve())
    for (const entry of waiting) entry.ticks -= 1
  }, INTERVAL)
  const tick = (ticks) => new Promise((resolve) => waiting.push({ resolve, ticks }))
  try {
    await tick(2)
    worst = 0
    const result = await start(tick)
    // The tick after a delay shows it.
    await tick(1)
    return { nanoseconds: worst * 1e6, result }
  } finally {
    clearInterval(timer)
  }
}

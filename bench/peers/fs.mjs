// Peers of Node itself: readFileSync, streams, node:readline and descriptors. It also measures how
// long loading a module takes.

import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { answer, perTime, timed, timedAsync } from './answer.mjs'
import { eachLine, jobs } from './fs-jobs.mjs'
import { together } from './together.mjs'

await answer({
  version: () => ({ nanoseconds: 0, result: `Node ${process.versions.node}` }),

  ...jobs,
  pingPongSend: together.pingPongSend,

  readline(path, length) {
    return timedAsync(async () => {
      let count = 0
      await eachLine(path, length, () => {
        count += 1
      })
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
    const all = timed(() => {
      let first
      for (let i = 0; i < Number(times); i += 1) {
        const fd = openSync(path)
        first = Buffer.allocUnsafe(8)
        readSync(fd, first, 0, 8, 0)
        closeSync(fd)
      }
      return first.toString('hex')
    })
    return perTime(all, times)
  },

  require(path, _length, module = path) {
    const program = `const t = performance.now(); require(${JSON.stringify(module)}); console.log(performance.now() - t)`
    const milliseconds = Number(execFileSync(process.execPath, ['--eval', program]))
    return { nanoseconds: milliseconds * 1e6, result: '' }
  },
})

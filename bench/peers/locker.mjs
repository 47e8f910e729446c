// One of the processes that contend for a lock: `locker.mjs HOW PATH TIMES [FOLDER]`. Under the
// lock it adds 1 to a number in the file, which shows whether the lock excludes others.

import { openSync, readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [how, path, times, folder] = process.argv.slice(2)
const fd = openSync(path, 'r+')
const number = new Uint32Array(1)

const LOCKS = {
  lockRange() {
    const { mmap } = createRequire(import.meta.url)('../../index.js')
    const mm = mmap(path)
    return async () => {
      const lock = await mm.lockRange(0, 8)
      return () => lock.release()
    }
  },

  'fs-native-extensions'() {
    const { waitForLock, unlock } = createRequire(join(folder, 'package.json'))(how)
    return async () => {
      await waitForLock(fd, 0, 8)
      return () => unlock(fd, 0, 8)
    }
  },

  'proper-lockfile'() {
    const { lock } = createRequire(join(folder, 'package.json'))(how)
    return () => lock(path, { retries: { retries: 100_000, factor: 1, minTimeout: 1, maxTimeout: 1 } })
  },
}

const lock = LOCKS[how]()
console.log('ready')
process.stdin.once('data', async () => {
  for (let i = 0; i < Number(times); i += 1) {
    const release = await lock()
    readSync(fd, number, 0, 4, 16)
    number[0] += 1
    writeSync(fd, number, 0, 4, 16)
    await release()
  }
  process.exit()
})

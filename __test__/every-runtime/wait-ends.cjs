// A program that ends while threads wait: wait-ends.cjs PATH HOW. It prints "exits" just before.

const { writeSync } = require('node:fs')
const { mmap } = require('../../index.js')
const { nextMessage, startWorker } = require('./others.cjs')
const { untilAsleep } = require('./waiting.cjs')

async function main([path, how]) {
  const map = mmap(path)
  if (how === 'main') map.waitAsync(0, 0)
  else await nextMessage(startWorker('waits', { path, how }))
  await untilAsleep(map)
  writeSync(1, 'exits\n')
  process.exit(7)
}

main(process.argv.slice(2))

// A program that ends with tasks running and more of them waiting: task-ends.cjs HOW TASKS. Says how many milliseconds one of them takes,
// and "ends" when it does.

const { writeSync } = require('node:fs')
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads')
const { MAP_PRIVATE, mmap } = require('../../index.js')

/** Starts the tasks, on memory that is all zeros and costs none, and calls `then` when one of them has done a part. */
function startTasks(map, count, then) {
  let begun = false
  const onProgress = ({ done, total }) => {
    if (begun || done === 0 || done === total) return
    begun = true
    // Not from here: what onProgress throws is its task's.
    setImmediate(then)
  }
  for (let task = 0; task < count; task += 1) {
    // The thread ends before they do.
    map.countAsync('needle', 0, undefined, { onProgress }).catch(() => {})
  }
}

const ends = {
  'process.exit'() {
    process.exit(7)
  },
  throw() {
    throw new Error('on purpose')
  },
}

async function main(how, count) {
  const map = mmap(-1, 4 * 2 ** 30, { flags: MAP_PRIVATE })
  // Once for the page tables.
  await map.countAsync('needle')
  const started = performance.now()
  await map.countAsync('needle')
  writeSync(1, `${performance.now() - started}\n`)
  if (how !== 'worker.terminate') {
    startTasks(map, count, () => {
      writeSync(1, 'ends\n')
      ends[how]()
    })
    return
  }
  const worker = new Worker(__filename, { workerData: { count } })
  worker.once('message', async () => {
    writeSync(1, 'ends\n')
    await worker.terminate()
  })
}

if (isMainThread) main(process.argv[2], Number(process.argv[3]))
else {
  const map = mmap(-1, 4 * 2 ** 30, { flags: MAP_PRIVATE })
  startTasks(map, workerData.count, () => parentPort.postMessage('running'))
}

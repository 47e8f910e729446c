// A program that ends while tasks are running and waiting: task-ends.cjs HOW TASKS. It prints how
// many milliseconds a task takes, and "ends" just before it ends.

const { writeSync } = require('node:fs')
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads')
const { zeros } = require('./memory.cjs')

/** Memory that takes a while to be searched. */
function longMemory(shared) {
  return zeros(4 * 2 ** 30, { sharedArrayBuffer: shared })
}

/** Starts the tasks, and calls `then` when one of them has done a part of its work. */
function startTasks(map, count, then) {
  let begun = false
  const onProgress = ({ done, total }) => {
    if (begun || done === 0 || done === total) return
    begun = true
    // This is called later, because an error in onProgress would reject its task.
    setImmediate(then)
  }
  for (let task = 0; task < count; task += 1) {
    // The thread ends before the tasks do.
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
  'worker.terminate': (_map, worker) => worker.terminate(),
  async 'worker.terminate shared'(map, worker) {
    await worker.terminate()
    // The engine has unmapped the worker's memory. A task that still read it would end the process.
    await map.countAsync('needle')
  },
  // The worker calls this.
  'worker.exit': () => process.exit(),
}

function end(how, map, worker) {
  writeSync(1, 'ends\n')
  return ends[how](map, worker)
}

async function main(how, count) {
  const map = longMemory(false)
  // The first scan makes the page tables.
  await map.countAsync('needle')
  const started = performance.now()
  await map.countAsync('needle')
  writeSync(1, `${performance.now() - started}\n`)
  if (how.startsWith('worker')) {
    const worker = new Worker(__filename, { workerData: { how, count } })
    worker.once('message', () => end(how, map, worker))
  } else {
    startTasks(map, count, () => end(how))
  }
}

if (isMainThread) main(process.argv[2], Number(process.argv[3]))
else {
  const { how, count } = workerData
  const map = longMemory(how === 'worker.terminate shared')
  startTasks(map, count, () => (how === 'worker.exit' ? end(how) : parentPort.postMessage('running')))
}

// Starts other processes and threads of the same runtime, and exchanges messages with them.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { Worker } = require('node:worker_threads')
const { LEADING_ARGUMENTS, runtimeName } = require('./runtime.cjs')

/**
 * Starts a script. `line()` returns its lines one by one, and undefined at the end. `ended` is a
 * promise of its exit code and signal.
 */
function startScript(script, args = [], { cwd, descriptors = [] } = {}) {
  const command = [...LEADING_ARGUMENTS[runtimeName()], script, ...args.map(String)]
  const child = spawn(process.execPath, command, { cwd, stdio: ['pipe', 'pipe', 'inherit', ...descriptors] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    ended: once(child, 'exit').then(([code, signal]) => ({ code, signal })),
    line: async () => (await lines.next()).value,
    kill: () => child.kill('SIGKILL'),
    say: (text) => child.stdin.write(`${text}\n`),
  }
}

/** Starts a program of children.cjs. */
function startChild(program, args, options) {
  return startScript(join(__dirname, 'children.cjs'), [program, ...args], options)
}

/** The output of a script, which must succeed. */
async function outputOf(script, args, options) {
  const process = startScript(script, args, options)
  const lines = []
  for (let line = await process.line(); line !== undefined; line = await process.line()) lines.push(line)
  const { code, signal } = await process.ended
  if (code !== 0) throw new Error(`${script} ended with ${signal ?? code}: ${lines.join('\n')}`)
  return lines.join('\n')
}

/** Starts a program of workers.cjs in a thread. */
function startWorker(program, workerData = {}) {
  return new Worker(join(__dirname, 'workers.cjs'), { workerData: { program, ...workerData } })
}

/** The next message of a thread. Rejects with the error of the thread. */
async function nextMessage(worker) {
  const [message] = await once(worker, 'message')
  return message
}

module.exports = { nextMessage, outputOf, startChild, startScript, startWorker }

// Starts `next start` or a standalone server, with the arguments of this program, and prints what
// it answers to GET of two paths.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
probe.close()

const server = spawn(process.execPath, process.argv.slice(2), {
  env: { ...process.env, PORT: port, HOSTNAME: '127.0.0.1' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
process.once('exit', () => server.kill())
const ended = once(server, 'exit').then(([status]) => {
  throw new Error(`The server ended with ${status}`)
})
const answer = async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
async function isUp() {
  for (;;) {
    try {
      return await answer('/')
    } catch {
      // Nobody listens there yet.
      await setTimeout(50)
    }
  }
}
await Promise.race([isUp(), ended])
console.log(`answers: ${JSON.stringify([await answer('/copy'), await answer('/log')])}`)
process.exit()

// A registry on this machine, which knows what is published there and nothing else.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { publish } from '../release/stage.mjs'
import { root } from '../setup.mjs'
import { cleanEnvironment, output, registryEnvironment } from './projects.mjs'
import { tool } from './tools.mjs'

/**
 * Starts one that keeps its files in `work`, and publishes there what was staged in `home`. Returns
 * its address, and how it is stopped.
 */
export async function startRegistry(work, home) {
  const port = await freePort()
  const config = join(work, 'verdaccio.json')
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(work, 'registry'),
      auth: { htpasswd: { file: join(work, 'htpasswd') } },
      max_body_size: '200mb',
      // No uplinks: what was not published here is not there.
      uplinks: {},
      packages: { '**': { access: '$all', publish: '$anonymous' } },
      log: { type: 'file', path: join(work, 'verdaccio.log'), level: 'http' },
    }),
  )
  const server = fork(tool('verdaccio/bin/verdaccio'), ['--config', config, '--listen', `127.0.0.1:${port}`], {
    env: cleanEnvironment(work),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--no-warnings'],
  })
  const [message] = await Promise.race([once(server, 'message'), once(server, 'exit')])
  if (!message?.verdaccio_started) throw new Error('Verdaccio did not start')
  // Also when something ends this process halfway.
  process.once('exit', () => server.kill())
  const url = `http://127.0.0.1:${port}/`
  publishEverything(home, url, work)
  const stop = async () => {
    server.kill()
    await once(server, 'exit')
  }
  return { url, stop }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function publishEverything(home, url, work) {
  const env = registryEnvironment(work, url)
  // npm wants one, and Verdaccio takes any.
  writeFileSync(env.npm_config_userconfig, `${url.replace('http:', '')}:_authToken=anonymous`)
  console.log('\nPublishing')
  publish(home, env)
  // For the programs in TypeScript. These are the versions that the repository has.
  for (const name of ['typescript', '@types/node', 'undici-types']) {
    output('npm', ['publish', '--ignore-scripts', '--access', 'public'], { cwd: join(root, 'node_modules', name), env })
  }
}

// npm run test:electron: the app of __test__/electron, which maps a file in each kind of process that Electron has. Ends with "N passed,
// N failed". Electron comes from the npm registry, its program from GitHub, and both stay in target/electron. Where there is no screen on Linux, xvfb-run
// gives one.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ELECTRON, install } from '../runtimes.mjs'
import { root, setUp, spawn, stop } from '../setup.mjs'

const FOLDER = join(root, 'target/electron')

setUp()
const electron = obtain()
const app = [electron, join(root, '__test__/electron/main.cjs')]
// Chromium's own sandbox refuses root, and there is none for it in containers and on CI.
if (process.platform === 'linux') app.push('--no-sandbox')
const screen = process.platform === 'linux' && !process.env.DISPLAY ? ['xvfb-run', '--auto-servernum'] : []
const [command, ...args] = [...screen, ...app]
const { status, signal, error } = spawn(command, args, { stdio: 'inherit', timeout: 120_000 })
if (status !== 0) stop(`Electron ended with ${error?.message ?? signal ?? status}`)

function obtain() {
  const home = join(FOLDER, ELECTRON)
  const installed = join(home, 'node_modules/electron')
  if (!existsSync(join(installed, 'path.txt'))) {
    const problem = install(home, `electron@${ELECTRON}`, ['--ignore-scripts'])
    if (problem !== undefined) stop(`Electron could not be had: ${problem}`)
    const { status, stderr } = spawn(process.execPath, [join(installed, 'install.js')])
    if (status !== 0) stop(`Electron's program could not be had: ${stderr}`)
  }
  // Its module is the path of the program.
  return createRequire(import.meta.url)(installed)
}

// npm run test:electron: runs the app in __test__/electron, which maps a file in each kind of
// process of Electron. It ends with "N passed, N failed". Electron comes from the npm registry and
// its program from GitHub; both stay in target/electron. On Linux without a screen, xvfb-run
// provides one.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root, setUp, spawn, stop } from '../setup.mjs'
import { ELECTRON, install } from './obtain.mjs'

const FOLDER = join(root, 'target/electron')

setUp()
const electron = obtain()
const app = [electron, join(root, '__test__/electron/main.cjs')]
// Chromium refuses to run its sandbox as root, and containers and CI do not allow one.
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
    if (problem !== undefined) stop(`Electron could not be obtained: ${problem}`)
    const { status, stderr } = spawn(process.execPath, [join(installed, 'install.js')])
    if (status !== 0) stop(`Electron's program could not be obtained: ${stderr}`)
  }
  // The module exports the path of the program.
  return createRequire(import.meta.url)(installed)
}

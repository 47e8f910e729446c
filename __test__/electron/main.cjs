// An app without a visible window that maps a file in each kind of process of Electron.
// scripts/matrix/electron.mjs runs it.

const { once } = require('node:events')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const { app, BrowserWindow, ipcMain, utilityProcess } = require('electron')
const { report } = require('./mapping.cjs')

/**
 * Electron refuses ArrayBuffers over external memory. On Windows a mapping cannot be relocated into
 * a SharedArrayBuffer either.
 */
const EXPECTED = process.platform === 'win32' ? 'ERR_MMAP_NO_VIEW' : 'SharedArrayBuffer'

const PLACES = {
  'the main process': async () => report(),

  'a worker': async () => {
    const worker = new Worker(join(__dirname, 'worker.cjs'))
    const [result] = await once(worker, 'message')
    return result
  },

  'a utility process': async () => {
    const child = utilityProcess.fork(join(__dirname, 'utility.cjs'))
    return Promise.race([
      once(child, 'message').then(([result]) => result),
      once(child, 'exit').then(([code]) => ({ error: `it ended with ${code}` })),
    ])
  },

  'a preload script': async () => {
    const webPreferences = { preload: join(__dirname, 'preload.cjs'), sandbox: false }
    const window = new BrowserWindow({ show: false, webPreferences })
    const results = Promise.race([
      once(ipcMain, 'report').then(([, result]) => result),
      once(window.webContents, 'render-process-gone').then(([, { reason }]) => ({ error: `it ended: ${reason}` })),
      once(window.webContents, 'preload-error').then(([, , error]) => ({ error: error.stack })),
    ])
    await window.loadFile(join(__dirname, 'page.html'))
    return results
  },
}

async function main() {
  await app.whenReady()
  console.log(`Electron ${process.versions.electron}, Node ${process.versions.node}`)
  let failed = 0
  for (const [place, play] of Object.entries(PLACES)) {
    const { buffer, error } = await play()
    const problem = error ?? (buffer === EXPECTED ? undefined : `its buffer is ${buffer}, not ${EXPECTED}`)
    if (problem !== undefined) failed += 1
    console.log(problem === undefined ? `  ok    ${place}: ${buffer}` : `  FAIL  ${place}: ${problem}`)
  }
  console.log(`\n${Object.keys(PLACES).length - failed} passed, ${failed} failed`)
  app.exit(failed === 0 ? 0 : 1)
}

// The window is closed before the app is done.
app.on('window-all-closed', () => {})
main().catch((error) => {
  console.error(error)
  app.exit(1)
})

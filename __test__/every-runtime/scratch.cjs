// Files for a scenario, in a folder that is removed when the process ends. If the process crashes,
// the folder is removed with that of the runner.

const { mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

let folder
let files = 0

function scratchFolder() {
  if (folder === undefined) {
    // As the system has it, so that it can be looked for in /proc/self/maps.
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-runtimes-')))
    process.once('exit', removeScratch)
  }
  return folder
}

function removeScratch() {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    // Windows removes no file that is mapped, and it is until its last view has been collected.
    if (process.platform !== 'win32') throw error
  }
}

/** A path for a file that is not there yet. */
function scratchPath() {
  files += 1
  return join(scratchFolder(), `file-${files}`)
}

function scratchFile(content) {
  const path = scratchPath()
  writeFileSync(path, content)
  return path
}

/** Bytes of which no two neighbouring pages, and no two neighbours, are the same. */
function pattern(length) {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 29 + 5) & 255
  return bytes
}

module.exports = { pattern, scratchFile, scratchFolder, scratchPath }

// Files for a scenario, in a folder that is removed when the process ends. After a crash the runner
// removes it.

const { mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

let folder
let files = 0

function scratchFolder() {
  if (folder === undefined) {
    // The real path is needed, because /proc/self/maps contains that one.
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-runtimes-')))
    process.once('exit', removeScratch)
  }
  return folder
}

function removeScratch() {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    // Windows cannot remove a mapped file, and a file stays mapped until its last view is
    // collected.
    if (process.platform !== 'win32') throw error
  }
}

/** A path of a file that does not exist yet. */
function scratchPath() {
  files += 1
  return join(scratchFolder(), `file-${files}`)
}

function scratchFile(content) {
  const path = scratchPath()
  writeFileSync(path, content)
  return path
}

/** Bytes of which no two neighbours are equal, and no two neighbouring pages. */
function pattern(length) {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 29 + 5) & 255
  return bytes
}

module.exports = { pattern, scratchFile, scratchFolder, scratchPath }

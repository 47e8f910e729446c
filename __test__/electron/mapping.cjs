// The test in each process of the app. It maps a file, reads and writes it with methods and through
// a view, and finds both changes in the file.

const assert = require('node:assert/strict')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { mmap } = require('../../index.js')

/** Returns the class of the buffer of the mapping. */
function useMapping() {
  const folder = mkdtempSync(join(tmpdir(), 'memmap-electron-'))
  const path = join(folder, 'file')
  try {
    writeFileSync(path, 'hello world')
    const mm = mmap(path)
    assert.equal(mm.find('world'), 6)
    mm.setSlice('HELLO', 0, 5)
    const buffer = writeThroughView(mm)
    mm.flush()
    mm.unmap()
    mm.close()
    assert.equal(readFileSync(path, 'utf8'), 'HELLO World')
    return buffer
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Writes the seventh byte. Uses a method if there is no view. */
function writeThroughView(mm) {
  try {
    mm.bytes[6] = 'W'.charCodeAt()
    return Object.prototype.toString.call(mm.buffer).slice('[object '.length, -1)
  } catch (error) {
    if (error.code !== 'ERR_MMAP_NO_VIEW') throw error
    mm.setAt(6, 'W'.charCodeAt())
    return error.code
  }
}

/** The result of `useMapping`, or its error, as an object that can be sent to another process. */
function report() {
  try {
    return { buffer: useMapping() }
  } catch (error) {
    return { error: error.stack }
  }
}

module.exports = { report }

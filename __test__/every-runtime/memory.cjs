// Memory that takes no RAM until it is written to.

const { MAP_NORESERVE, MAP_PRIVATE, mmap } = require('../../index.js')

/**
 * Zeros. The system reserves no memory for them, except on Windows, where that cannot be requested.
 */
function zeros(length, options) {
  const flags = MAP_PRIVATE === undefined ? {} : { flags: MAP_PRIVATE | (MAP_NORESERVE ?? 0) }
  return mmap(-1, length, { ...flags, ...options })
}

module.exports = { zeros }

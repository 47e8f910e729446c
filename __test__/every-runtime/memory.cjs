// Memory that costs none until it is written to.

const { MAP_NORESERVE, MAP_PRIVATE, mmap } = require('../../index.js')

/** Zeros, of which no system sets anything aside where it can be told so. (Windows cannot.) */
function zeros(length, options) {
  const flags = MAP_PRIVATE === undefined ? {} : { flags: MAP_PRIVATE | (MAP_NORESERVE ?? 0) }
  return mmap(-1, length, { ...flags, ...options })
}

module.exports = { zeros }

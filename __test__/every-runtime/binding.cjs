// The native library itself, without the TypeScript wrapper.

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '../..')

/** Loads the first library that fits this process. */
function load() {
  const errors = []
  for (const name of readdirSync(root).filter((name) => /^memmap\..*\.node$/.test(name))) {
    try {
      return require(join(root, name))
    } catch (error) {
      errors.push(error)
    }
  }
  throw new AggregateError(errors, 'There is no native library for this process')
}

module.exports = load()

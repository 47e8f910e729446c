// The native library by itself, without what JavaScript makes of it.

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '../..')

/** Of several, the first that this process can load. */
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

// Runs one scenario, and prints "ok" or "n/a: why". A failure is an uncaught error.

const { CannotBe } = require('./runtime.cjs')

async function play(scenarios, name) {
  if (!Object.hasOwn(scenarios, name)) throw new Error(`There is no scenario ${JSON.stringify(name)}`)
  try {
    await scenarios[name]()
    console.log('ok')
  } catch (error) {
    if (!(error instanceof CannotBe)) throw error
    console.log(`n/a: ${error.message}`)
  }
}

module.exports = { play }

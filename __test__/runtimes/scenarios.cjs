// What must hold on every runtime: `node --expose-gc scenarios.cjs NAME` plays one scenario and says "ok", or "n/a: why". Of a
// failure it says what an uncaught error says. With --names it says what there is to play. scripts/test-runtimes.mjs plays all of them everywhere.

const { CannotBe } = require('./runtime.cjs')

const scenarios = {
  ...require('./guide.cjs'),
  ...require('./lifetimes.cjs'),
  ...require('./background.cjs'),
  ...require('./threads.cjs'),
  ...require('./shared.cjs'),
  ...require('./processes.cjs'),
  ...require('./faults.cjs'),
  ...require('./limits.cjs'),
  ...require('./tasks.cjs'),
}

async function play(name) {
  if (!Object.hasOwn(scenarios, name)) throw new Error(`There is no scenario ${JSON.stringify(name)}`)
  try {
    await scenarios[name]()
    console.log('ok')
  } catch (error) {
    if (!(error instanceof CannotBe)) throw error
    console.log(`n/a: ${error.message}`)
  }
}

const names = Object.keys(scenarios)
if (require.main === module) {
  const [, , name] = process.argv
  if (name === '--names') console.log(JSON.stringify(names))
  else play(name)
}

module.exports = { names }

// Scenarios that must pass on every runtime. `node --expose-gc scenarios.cjs NAME` runs one of
// them, and prints "ok" or "n/a: why". A failure is an uncaught error. With --names it prints the
// names. scripts/matrix/runtimes.mjs runs all scenarios on all runtimes.

const { play } = require('./play.cjs')

const scenarios = {
  ...require('./guide.cjs'),
  ...require('./lifetimes.cjs'),
  ...require('./views.cjs'),
  ...require('./background.cjs'),
  ...require('./threads.cjs'),
  ...require('./shared.cjs'),
  ...require('./processes.cjs'),
  ...require('./locks.cjs'),
  ...require('./faults.cjs'),
  ...require('./limits.cjs'),
  ...require('./stack.cjs'),
  ...require('./tasks.cjs'),
  ...require('./stress.cjs'),
  ...require('./copies.cjs'),
  ...require('./waits.cjs'),
  ...require('./recipes.cjs'),
  ...require('./command.cjs'),
  ...require('./regexp.cjs'),
}

const names = Object.keys(scenarios)
if (require.main === module) {
  const [, , name] = process.argv
  if (name === '--names') console.log(JSON.stringify(names))
  else play(scenarios, name)
}

module.exports = { names }

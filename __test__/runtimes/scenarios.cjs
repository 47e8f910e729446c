// What must hold on every runtime: `node --expose-gc scenarios.cjs NAME` plays one scenario and says "ok", or "n/a: why". Of a
// failure it says what an uncaught error says. scripts/test-runtimes.mjs plays all of them everywhere.

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

/** What `play` has said, at the end of all that was printed; undefined if it said nothing, as of a failure. */
function saidOutcome(stdout) {
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (last === 'ok') return { outcome: 'ok' }
  if (last.startsWith('n/a: ')) return { outcome: 'n/a', why: last.slice('n/a: '.length) }
  return undefined
}

if (require.main === module) play(process.argv[2])

module.exports = { names: Object.keys(scenarios), saidOutcome }

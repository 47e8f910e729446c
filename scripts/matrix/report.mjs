// Text for the reports of commands that run scenarios.

/** Keeps the first and last lines, because an engine that aborts prints long tables in between. */
function shortened(text) {
  const lines = text.split('\n')
  if (lines.length <= 30) return text
  return [...lines.slice(0, 20), `... ${lines.length - 28} lines ...`, ...lines.slice(-8)].join('\n')
}

/**
 * Prints what did not pass, what took longest, and "N passed, N failed", and sets the exit code. A
 * result has the `scenario`, `where` it was run, its `outcome`, the reason `why`, and `seconds`.
 * `leftOut` prints what was not run.
 */
export function printResults(results, leftOut = () => {}) {
  const impossible = results.filter(({ outcome }) => outcome === 'n/a')
  const failures = results.filter(({ outcome }) => outcome === 'FAIL')
  const passed = results.length - impossible.length - failures.length

  if (impossible.length > 0) console.log('\nn/a:')
  for (const { where, scenario, why } of impossible) console.log(`  ${scenario}, ${where}: ${why}`)
  leftOut()
  for (const { where, scenario, why } of failures) console.log(`\nFAIL: ${scenario}, ${where}: ${shortened(why)}`)

  console.log('\nSlowest:')
  const slowest = results.toSorted((one, other) => other.seconds - one.seconds).slice(0, 5)
  for (const { where, scenario, seconds } of slowest) {
    console.log(`  ${seconds.toFixed(1)} s  ${scenario}, ${where}`)
  }
  console.log(`${(performance.now() / 1000).toFixed(0)} s in all`)

  console.log(`\n${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1
}

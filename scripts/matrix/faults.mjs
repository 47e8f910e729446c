// npm run test:faults ['WORDS']: makes each system call of the core fail once, in each operation.
// With words, only operations whose names contain them run. It prints a table of the failures that
// did harm, and ends with "N passed, N failed".

import { checkNode, checkRust, run, spawn } from '../setup.mjs'

checkNode()
checkRust()

const counts = { passed: 0, failed: 0 }
const tests = ['test', '--locked', '--package', 'memmap-core', '--test', 'injection']
run('cargo', [...tests, '--no-run'])
const { status, stdout } = spawn('cargo', [...tests, '--', '--nocapture'], {
  env: { ...process.env, MEMMAP_INJECTION: process.argv.slice(2).join(' ') },
  // The table already contains what the test runner prints about a failure.
  stdio: ['ignore', 'pipe', 'ignore'],
  maxBuffer: Number.POSITIVE_INFINITY,
})
for (const line of stdout.split('\n')) {
  const { passed, failed } = /: (?<passed>\d+) injections passed, (?<failed>\d+) failed$/.exec(line)?.groups ?? {}
  counts.passed += Number(passed ?? 0)
  counts.failed += Number(failed ?? 0)
  if (passed !== undefined || /^(FAILED|Skipped:) /.test(line)) console.log(line)
}
// Any other problem, such as a crash, counts as one failure.
if (status !== 0) counts.failed = Math.max(counts.failed, 1)
console.log(`\n${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 ? 0 : 1

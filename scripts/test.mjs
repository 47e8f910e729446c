// npm test: runs cargo test, tsc and ava, which also runs the examples. Arguments go to ava. It
// ends with "N passed, N failed".

import { PREBUILT, runTool, setUp, spawn } from './setup.mjs'

setUp()

const counts = { passed: 0, failed: 0 }

if (PREBUILT) {
  console.log('\nRust: not tested, because MEMMAP_PREBUILT says that the library is built')
} else {
  console.log('\nRust: cargo test')
  count(spawn('cargo', ['test', '--locked', '--package', 'memmap-core'], { stdio: ['ignore', 'pipe', 'inherit'] }), [
    /(?<passed>\d+) passed; (?<failed>\d+) failed/g,
  ])
}

console.log('\nTypes: tsc')
runTool('tsc', [])

console.log('\nJavaScript: ava')
count(
  spawn('npx', ['--no-install', 'ava', '--no-color', ...process.argv.slice(2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
  [
    /^\s*(?<passed>\d+) tests? passed/gm,
    /^\s*(?<failed>\d+) (?:tests? failed|uncaught exceptions?|unhandled rejections?)/gm,
  ],
)

console.log(`\n${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1

function count({ status, stdout }, patterns) {
  process.stdout.write(stdout)
  let failed = 0
  for (const pattern of patterns) {
    for (const { groups } of stdout.matchAll(pattern)) {
      counts.passed += Number(groups.passed ?? 0)
      failed += Number(groups.failed ?? 0)
    }
  }
  // Any other problem, such as a crash, counts as one failure.
  counts.failed += status === 0 ? failed : Math.max(failed, 1)
}

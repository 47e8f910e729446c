// npm run test:memory: runs the core's tests under AddressSanitizer, which reports each access
// outside of allocated memory.

import { existsSync, readdirSync } from 'node:fs'
import { join, parse } from 'node:path'
import { root, run, setUp, spawn } from '../setup.mjs'

setUp()
const host = /^host: (.*)$/m.exec(spawn('rustc', ['--version', '--verbose']).stdout)?.[1] ?? ''
if (host === 'x86_64-unknown-linux-gnu' || host === 'aarch64-unknown-linux-gnu') {
  // loom switches between stacks of its own, which the sanitizer takes for errors.
  const folder = join(root, 'crates/memmap-core/tests')
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith('.rs') || existsSync(join(folder, file, 'main.rs')))
    .map((file) => parse(file).name)
    .filter((name) => !name.startsWith('loom'))
  const which = ['--lib', ...tests.flatMap((name) => ['--test', name])]
  // With a named target the flag does not apply to build scripts, which could not run with it.
  const target = ['--target', host, '--target-dir', 'target/sanitized']
  run('cargo', ['test', '--locked', '--package', 'memmap-core', ...target, ...which], {
    env: {
      ...process.env,
      // The sanitizer is an unstable feature, but the stable compiler contains it.
      RUSTC_BOOTSTRAP: '1',
      RUSTFLAGS: '-Zsanitizer=address',
      // memmap handles SIGBUS itself, and leaks the previous handler on purpose.
      ASAN_OPTIONS: 'handle_sigbus=0:detect_leaks=0',
    },
  })
} else {
  console.log(`Skipped: the compiler for ${host} has no AddressSanitizer that can be used here.`)
}

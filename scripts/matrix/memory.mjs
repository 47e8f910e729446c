// npm run test:memory: the core's tests under AddressSanitizer, which sees what reads or writes outside of what it may.

import { run, setUp, spawn } from '../setup.mjs'

setUp()
const host = /^host: (.*)$/m.exec(spawn('rustc', ['--version', '--verbose']).stdout)?.[1] ?? ''
if (host === 'x86_64-unknown-linux-gnu' || host === 'aarch64-unknown-linux-gnu') {
  // A target that is named keeps the flag away from build scripts, which could not run with it.
  run('cargo', ['test', '--locked', '--package', 'memmap-core', '--target', host, '--target-dir', 'target/sanitized'], {
    env: {
      ...process.env,
      // The sanitizer is not stable, but comes with the stable compiler.
      RUSTC_BOOTSTRAP: '1',
      RUSTFLAGS: '-Zsanitizer=address',
      // SIGBUS is ours, and the handler of before is leaked on purpose.
      ASAN_OPTIONS: 'handle_sigbus=0:detect_leaks=0',
    },
  })
} else {
  console.log(`Skipped: the compiler for ${host} comes without AddressSanitizer as it is used here.`)
}

// What differs between systems, and tests that only some of them can run. On the others a test logs
// why it was not run.

import ava, { type ExecutionContext } from 'ava'

/** How file systems refuse petabytes. */
export const TOO_LARGE = /^(EFBIG|ENOSPC|ENOMEM): /

type Body = (t: ExecutionContext) => void | Promise<void>

/** @param why what the test needs of Linux */
export function onLinux(title: string, why: string, body: Body): void {
  on(process.platform === 'linux', title, why, body)
}

/** @param why what Windows does otherwise */
export function onUnix(title: string, why: string, body: Body): void {
  on(process.platform !== 'win32', title, why, body)
}

/** @param why what other systems do otherwise */
export function onWindows(title: string, why: string, body: Body): void {
  on(process.platform === 'win32', title, why, body)
}

/** @param why what only root may do */
export function asRootOnLinux(title: string, why: string, body: Body): void {
  on(process.platform === 'linux' && process.getuid?.() === 0, title, why, body)
}

function on(here: boolean, title: string, why: string, body: Body): void {
  if (here) {
    ava.serial(title, body)
    return
  }
  ava.serial(title, (t) => {
    t.log(`not run on ${process.platform} as user ${process.getuid?.() ?? '(none)'}: ${why}`)
    t.pass()
  })
}

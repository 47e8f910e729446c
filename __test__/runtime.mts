// What tests ask of the engine: see runtimes/runtime.cjs.

import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

interface Runtime {
  collectUntil(condition: () => boolean): Promise<boolean>
  transfer(buffer: ArrayBufferLike): ArrayBuffer
}

// The scenarios are started with it, and ava is not.
setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc')

const runtime: Runtime = createRequire(import.meta.url)('./runtimes/runtime.cjs')

export const { collectUntil, transfer } = runtime

// Garbage collection when a test wants it, and not when the engine does.

import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/**
 * Collects garbage and lets finalizers run, until `condition` holds.
 *
 * @returns whether it came to hold
 */
export async function collectUntil(condition: () => boolean): Promise<boolean> {
  for (let round = 0; round < 200; round += 1) {
    if (condition()) return true
    collect()
    // Finalizers run in a later turn of the event loop.
    await setImmediate()
  }
  return condition()
}

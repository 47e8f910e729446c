// Opening a mapping: handles that are used again, recovery when there are too many mappings, and
// Bun's exit.

import { setImmediate } from 'node:timers'
import type { request } from './arguments.js'
import binding, { type Handle } from './binding.js'
import { isShortage, withLengthHint, withPath } from './errors.js'

/**
 * The handles of this thread. `Mmap` changes this by assignments alone when it closes, because a
 * call could fail there for lack of stack, and leave a mapping that is half closed.
 */
export const handles = {
  /**
   * Handles of closed mappings, to be used again, because the engine takes long to make and to
   * collect one. Only the first `spareCount` places hold one.
   */
  spare: [] as (Handle | undefined)[],
  spareCount: 0,
  mostSpare: 64,
  /** Mappings that are open, and those collected since {@link countDescriptors} counted last. */
  unclosed: 0,
}

/** A handle without a mapping. */
export function closedHandle(): Handle {
  if (handles.spareCount === 0) return binding.newHandle()
  handles.spareCount -= 1
  const handle = handles.spare[handles.spareCount] as Handle
  // Only its mapping may refer to it, or it would never be collected.
  handles.spare[handles.spareCount] = undefined
  return handle
}

/** Opens the mapping of a handle, and returns its length. */
export function open(handle: Handle, options: ReturnType<typeof request>): number {
  const {
    file,
    tagname,
    length,
    offset,
    access,
    flags,
    prot,
    trackfd,
    create,
    mode,
    exclusive,
    writeBack,
    allowEmpty,
  } = options
  const mapped = binding.open(
    handle,
    file,
    tagname,
    length,
    offset,
    access,
    flags,
    prot,
    trackfd,
    create,
    mode,
    exclusive,
    writeBack,
    allowEmpty,
  )
  if (typeof mapped !== 'number') {
    handles.spare[handles.spareCount] = handle
    handles.spareCount += 1
    if (isShortage(mapped)) collectGarbageSoon()
    throw file === -1 && length === 0 ? withLengthHint(mapped) : withPath(mapped, options.path)
  }
  handles.unclosed += 1
  if (handles.unclosed >= nextCount) countDescriptors()
  return mapped
}

/** How many unclosed mappings there have to be before they are counted again. */
let nextCount = 0
/**
 * When mappings have this share of the descriptors that the process may have, garbage is collected.
 * They are counted again when this share of the remaining ones has been used.
 */
const SHARE = 1 / 4
const LEAST_UNTIL_NEXT_COUNT = 16

/**
 * Lets the engine collect mappings that were never closed before the process runs out of
 * descriptors. To the engine they are small objects, so it is in no hurry.
 */
function countDescriptors(): void {
  const allowed = binding.descriptorsAllowed()
  handles.unclosed = binding.openMappings()
  nextCount = handles.unclosed + Math.max((allowed - handles.unclosed) * SHARE, LEAST_UNTIL_NEXT_COUNT)
  if (handles.unclosed >= allowed * SHARE) collectGarbageSoon()
}

let isCollectionDue = false

/**
 * Provokes a garbage collection. The process may have run out of mappings that only unreachable
 * views keep alive. To the engine those views are small, so it does not collect them by itself.
 *
 * It happens in a later turn of the event loop: until then the engine keeps every object that a
 * WeakRef was made for.
 */
export function collectGarbageSoon(): void {
  if (isCollectionDue) return
  setImmediate(collect)
  isCollectionDue = true
}

function collect(): void {
  isCollectionDue = false
  const { Bun }: { Bun?: { gc(now: boolean): void } } = globalThis as object
  if (Bun !== undefined) {
    Bun.gc(true)
    return
  }
  try {
    // Some GiB of ArrayBuffers, of which no page is ever touched. With fewer, V8 collects only
    // young objects, or begins a collection that it ends when it pleases. (`new` without a use
    // of its result would be dropped by the bundler.)
    for (let count = 0; count < 4; count += 1) Reflect.construct(ArrayBuffer, [2 ** 30])
  } catch {
    // The engine has found no room for it, after it has collected everything.
  }
}

let leavesAtExit = false

/**
 * Lets Bun release named regions at exit. Bun's exit does not run the C library's exit handlers, in
 * which native code does it elsewhere.
 */
export function leaveNamedRegionsAtExit(): void {
  if (leavesAtExit || process.versions.bun === undefined) return
  leavesAtExit = true
  // 'exit' is also emitted when a worker ends, but then the process goes on. A worker's regions are
  // released by its environment's cleanup hook.
  const { isMainThread }: typeof import('node:worker_threads') = require('node:worker_threads')
  if (!isMainThread) return
  process.once('exit', binding.leaveNamedRegions)
}

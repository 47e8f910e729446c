// Opening a mapping: reuse of handles, garbage collection when there are too many mappings, and
// cleanup at Bun's exit.

import { setImmediate } from 'node:timers'
import binding, { type Handle } from './binding.js'
import { isShortage, withLengthHint, withPath } from './errors.js'
import type { MmapRequest } from './options/mmap.js'

/**
 * The handles of this thread. When `Mmap` closes, it changes this object by assignments alone. A
 * call could fail for lack of stack, and the mapping would then be half closed.
 */
export const handles = {
  /**
   * Handles of closed mappings, for reuse, because the engine takes long to make and to collect
   * one. Only the first `spareCount` elements are handles.
   */
  spare: [] as (Handle | undefined)[],
  spareCount: 0,
  mostSpare: 64,
  /** Open mappings, and those collected since {@link countDescriptors} was last called. */
  unclosed: 0,
}

/** Returns a handle without a mapping. */
export function closedHandle(): Handle {
  if (handles.spareCount === 0) return binding.newHandle()
  handles.spareCount -= 1
  const handle = handles.spare[handles.spareCount] as Handle
  // Otherwise this list would keep the handle from being collected with its mapping.
  handles.spare[handles.spareCount] = undefined
  return handle
}

/** Maps memory for a handle, and returns its length in bytes. */
export function open(handle: Handle, request: MmapRequest): number {
  const mapped = binding.open(
    handle,
    request.file,
    request.tagname,
    request.shm,
    request.length,
    request.offset,
    request.access,
    request.flags,
    request.prot,
    request.trackfd,
    request.create,
    request.mode,
    request.exclusive,
    request.writeBack,
    request.allowEmpty,
  )
  if (typeof mapped !== 'number') {
    handles.spare[handles.spareCount] = handle
    handles.spareCount += 1
    if (isShortage(mapped)) collectGarbageSoon()
    throw request.path === undefined && request.file === -1 && request.length === 0
      ? withLengthHint(mapped)
      : withPath(mapped, request.path)
  }
  handles.unclosed += 1
  if (handles.unclosed >= nextCount) countDescriptors()
  return mapped
}

/** The number of unclosed mappings at which they are counted again. */
let nextCount = 0
/**
 * A share of the descriptors that the process may have. When mappings use this share, garbage is
 * collected. They are counted again when they have used this share of the remaining descriptors.
 */
const SHARE = 1 / 4
const LEAST_UNTIL_NEXT_COUNT = 16

/**
 * Lets the engine collect mappings that were never closed before the process runs out of
 * descriptors. To the engine they are small objects, so it does not collect them soon.
 */
function countDescriptors(): void {
  const allowed = binding.descriptorsAllowed()
  handles.unclosed = binding.openMappings()
  nextCount = handles.unclosed + Math.max((allowed - handles.unclosed) * SHARE, LEAST_UNTIL_NEXT_COUNT)
  if (handles.unclosed >= allowed * SHARE) collectGarbageSoon()
}

let isCollectionDue = false

/**
 * Triggers a garbage collection. Unreachable views may keep so many mappings alive that the process
 * can have no more. To the engine those views are small, so it does not collect them by itself.
 *
 * The collection happens in a later turn of the event loop, because until then the engine keeps
 * every object that a WeakRef was made for.
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
    // This allocates 4 GiB of ArrayBuffers, of which no page is ever touched. For less, V8 collects
    // only young objects, or begins a collection that it finishes later. The bundler would drop a
    // `new` whose result is not used.
    for (let count = 0; count < 4; count += 1) Reflect.construct(ArrayBuffer, [2 ** 30])
  } catch {
    // The engine has no memory for it. It has collected all garbage before it fails.
  }
}

let leavesAtExit = false

/**
 * Releases named regions when Bun exits. On other runtimes an exit handler of the C library does
 * that, but Bun's exit does not run those.
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

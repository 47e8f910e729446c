// Keeps our fault handler first, whatever listeners the user adds for its signals.

import binding from './binding.js'

/** The signals of a touch of a page that does not exist, or may not be stored to. */
const SIGNALS = ['SIGBUS', 'SIGSEGV'] as const
type FaultSignal = (typeof SIGNALS)[number]

/**
 * Bun and Deno emit `newListener` before they install a handler, and they install one only for the
 * first listener of a signal. Node emits it after it has installed its handler.
 */
const EMITS_BEFORE_INSTALLING = process.versions.bun !== undefined || process.versions.deno !== undefined

let isWatching = false

/**
 * Installs our fault handler again whenever a listener of its signals is added or removed. The
 * runtime installs a handler over ours with the first listener. With the last one it removes that
 * handler, and ours with it.
 *
 * It is called for each mapping of a file. Only the main thread has listeners of signals.
 */
export function keepFaultHandler(): void {
  if (isWatching) return
  isWatching = true
  const { isMainThread }: typeof import('node:worker_threads') = require('node:worker_threads')
  // One vm context per process does this. Jest makes many of them, and Node warns about more than
  // ten listeners.
  if (!isMainThread || !binding.installFaultHandler() || !binding.isFirstToWatchSignals()) return
  const onNewListener = EMITS_BEFORE_INSTALLING ? addFirstListener : reinstall
  process.on('newListener', onNewListener)
  process.on('removeListener', reinstall)
  for (const signal of SIGNALS) if (process.listenerCount(signal) !== 0) onNewListener(signal)
}

function isFaultSignal(signal: unknown): signal is FaultSignal {
  return SIGNALS.some((faultSignal) => faultSignal === signal)
}

function reinstall(signal: unknown): void {
  if (isFaultSignal(signal)) binding.installFaultHandler()
}

/**
 * Whether the listener that is being added is {@link doNothing}, which also emits `newListener`.
 */
let isAddingOurs = false

/**
 * Adds a listener that does nothing before that of the user, so that the runtime installs its
 * handler now. Then ours is installed over it.
 *
 * On Bun the listener stays. With the last listener Bun removes its handler, and emits no event
 * after that.
 */
function addFirstListener(signal: unknown): void {
  if (!isFaultSignal(signal) || isAddingOurs || process.listeners(signal).includes(doNothing)) return
  isAddingOurs = true
  try {
    process.on(signal, doNothing)
    if (process.versions.bun === undefined) process.off(signal, doNothing)
  } catch {
    // Deno refuses every listener of SIGSEGV.
  }
  isAddingOurs = false
  binding.installFaultHandler()
}

function doNothing(): void {}

// The handler of faults stays the one that is asked first, whoever listens to its signals.

import binding from './binding.js'

/** What a touch of a page raises that is not there, or may not be stored to. */
const SIGNALS = ['SIGBUS', 'SIGSEGV'] as const
type Signal = (typeof SIGNALS)[number]

let isWatched = false

/**
 * Puts our handler back when listeners of its signals come and go: with the first one the runtime installs a handler over ours, and with the last
 * one it takes that away, and ours with it. Called for each mapping of a file. Only the main thread has such listeners.
 */
export function keepFaultHandler(): void {
  if (isWatched) return
  isWatched = true
  const { isMainThread }: typeof import('node:worker_threads') = require('node:worker_threads')
  // Not in each vm context, of which a process of Jest's has many: Node warns of more than ten listeners.
  if (!isMainThread || !binding.installFaultHandler() || !binding.isFirstToWatchSignals()) return
  const came = SAYS_SO_BEFORE ? putOverAll : putBack
  process.on('newListener', came)
  process.on('removeListener', putBack)
  for (const signal of SIGNALS) if (process.listenerCount(signal) !== 0) came(signal)
}

function isOurs(signal: unknown): signal is Signal {
  return SIGNALS.some((ours) => ours === signal)
}

function putBack(signal: unknown): void {
  if (isOurs(signal)) binding.installFaultHandler()
}

/** Bun and Deno say that a listener will come, and then install a handler: only for the first one. Node has done it by then. */
const SAYS_SO_BEFORE = process.versions.bun !== undefined || process.versions.deno !== undefined

/** A listener that does nothing comes first. On Bun it stays, for with the last one that takes its handler away, and says nothing of it. */
function putOverAll(signal: unknown): void {
  if (!isOurs(signal) || isComing || process.listeners(signal).includes(doNothing)) return
  // Of this it says so, too.
  isComing = true
  try {
    process.on(signal, doNothing)
    if (process.versions.bun === undefined) process.off(signal, doNothing)
  } catch {
    // Deno allows none for SIGSEGV, to nobody.
  }
  isComing = false
  binding.installFaultHandler()
}

let isComing = false

function doNothing(): void {}

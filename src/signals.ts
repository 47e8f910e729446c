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
export function watchSignals(): void {
  if (isWatched) return
  isWatched = true
  const { isMainThread }: typeof import('node:worker_threads') = require('node:worker_threads')
  // Not in each vm context, of which a process of Jest's has many: Node warns of more than ten listeners.
  if (!isMainThread || !binding.installFaultHandler() || !binding.isFirstToWatchSignals()) return
  const came = process.versions.bun === undefined ? putBack : stay
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

/** Bun says that a listener will come, before it installs its handler, and says nothing when one goes. With a listener of our own it does neither. */
function stay(signal: unknown): void {
  if (!isOurs(signal) || isStaying || process.listeners(signal).includes(doNothing)) return
  // Of this it says so, too.
  isStaying = true
  process.on(signal, doNothing)
  isStaying = false
  binding.installFaultHandler()
}

let isStaying = false

function doNothing(): void {}

// What threads and processes do that wait for words of a mapping, and how others wake them.

const assert = require('node:assert/strict')
const { mmap } = require('../../index.js')
const { CannotBe, nextTurn } = require('./runtime.cjs')

/** Waits for another value of a word of Int32Array, and returns it. */
const waiters = {
  sync(map, words, index, value) {
    while (Atomics.load(words, index) === value) map.wait(4 * index, value)
    return Atomics.load(words, index)
  },
  async async(map, words, index, value) {
    while (Atomics.load(words, index) === value) await map.waitAsync(4 * index, value)
    return Atomics.load(words, index)
  },
}

/**
 * Passes a token on to the next of `members`, `rounds` times. Each member has a word, in which it
 * counts the tokens that it has got. Returns how long it has waited at most, in ms.
 */
async function passToken(path, how, members, member, rounds) {
  const map = mmap(path)
  const words = map.view(Int32Array)
  const next = (member + 1) % members
  let longest = 0
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now()
    await waiters[how](map, words, member, round)
    if (round > 0) longest = Math.max(longest, performance.now() - started)
    Atomics.add(words, next, 1)
    map.notify(4 * next, 1)
  }
  map.close()
  return longest
}

/** Waits once. Returns the result, or the code of the error. */
async function waitOnce(map, how, position, value = 0) {
  try {
    return how === 'sync' ? map.wait(position, value) : await map.waitAsync(position, value)
  } catch (error) {
    return error.code
  }
}

/** Wakes so many. Some of them may not have begun to wait. */
async function wake(map, position, count) {
  for (let woken = 0; woken < count; woken += map.notify(position, count - woken)) await nextTurn()
}

/** Waits until a thread that is about to wait has slept for more than one slice of its time. */
async function untilAsleep(map) {
  assert.equal(await map.waitAsync(60, 0, { timeout: 120 }), 'timed-out')
}

/** For scenarios that cut or delete a file while it is mapped, or protect its memory. */
function needsUnix() {
  if (process.platform === 'win32')
    throw new CannotBe('Windows does not cut and delete what is mapped, and has no protect()')
}

module.exports = { needsUnix, passToken, untilAsleep, waitOnce, wake }

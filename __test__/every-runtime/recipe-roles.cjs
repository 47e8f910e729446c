// What the processes of recipes.cjs do: recipe-roles.cjs ROLE MODULE FILE ARGUMENT...
// Each has the words of the file, of which recipes.cjs says what they are.

const { setImmediate: nextTurn } = require('node:timers/promises')
const { mmap } = require('../../index.js')

const [, , role, url, path, ...args] = process.argv
const map = mmap(path)
const words = map.view(Int32Array)

const roles = {
  async initialises({ initialiseOnce }, fate) {
    Atomics.add(words, 3, 1)
    await initialiseOnce(map, 0, async () => {
      Atomics.add(words, 2, 1)
      await nextTurn()
      if (fate === 'dies') process.kill(process.pid, 'SIGKILL')
      Atomics.add(words, 1, 1)
    })
    if (Atomics.load(words, 1) !== 1) throw new Error('It is not initialised')
  },

  async 'waits for events'({ SharedEvent }, rounds) {
    const events = [new SharedEvent(map, 0), new SharedEvent(map, 4)]
    for (let round = 0; round < Number(rounds); round += 1) {
      await events[round % 2].wait()
      Atomics.add(words, 2, 1)
      map.notify(8)
      // All of them must have gone on, or the next event would be that of another round.
      const all = 3 * (round + 1)
      for (let passed = Atomics.load(words, 2); passed < all; passed = Atomics.load(words, 2)) {
        await map.waitAsync(8, passed)
      }
    }
  },

  async 'takes places'({ Semaphore }, turns) {
    const semaphore = new Semaphore(map, 0)
    Atomics.add(words, 4, 1)
    for (let turn = 0; turn < Number(turns); turn += 1) {
      await semaphore.acquire()
      if (Atomics.add(words, 1, 1) + 1 > 2) Atomics.add(words, 3, 1)
      if (turn % 50 === 0) await nextTurn()
      Atomics.sub(words, 1, 1)
      Atomics.add(words, 2, 1)
      semaphore.release()
    }
  },

  async 'keeps in step'({ Barrier }, parties, rounds) {
    const barrier = new Barrier(map, 0, Number(parties))
    for (let round = 1; round <= Number(rounds) / 2; round += 1) {
      Atomics.add(words, 2, 2)
      await barrier.wait()
      if (Atomics.load(words, 2) !== 2 * round * Number(parties)) Atomics.add(words, 3, 1)
      await barrier.wait()
    }
  },

  /** Until it is told to stop. Words 1 and 2 are the pair, which are the same unless abandoned. */
  async 'adds to a pair'({ exclusively }) {
    for (let stopped = false; !stopped; ) {
      await exclusively(map, 0, async (abandoned) => {
        if (words[1] !== words[2]) {
          if (abandoned) words[4] += 1
          else words[6] += 1
          words[2] = words[1]
        }
        words[1] += 1
        await nextTurn()
        words[2] += 1
        Atomics.add(words, 3, 1)
        // It looks when it has done its work, so the last process repairs what it finds, too.
        stopped = Atomics.load(words, 5) === 1
      })
    }
  },

  async 'dies inside'({ exclusively }) {
    await exclusively(map, 0, (abandoned) => {
      if (abandoned && words[1] !== words[2]) words[4] += 1
      words[2] = words[1]
      words[1] += 1
      Atomics.add(words, 3, 1)
      process.kill(process.pid, 'SIGKILL')
    })
  },

  async 'stores and waits'(_, value) {
    map.lockRangeSync(0, 4)
    Atomics.store(words, 0, Number(value))
    map.notify(0)
    await map.waitAsync(0, Number(value))
  },

  /** A message is its number, again and again. The last one is empty. */
  async 'writes to a ring'({ Ring }, slots, slotSize) {
    const ring = new Ring(map, Number(slots), Number(slotSize))
    const end = (128 + slots * slotSize) / 4 + 1
    while (Atomics.load(words, end) === 0) {
      const number = Atomics.load(words, 0)
      await ring.write(Buffer.from(new Int32Array(1 + (number & 7)).fill(number).buffer))
    }
    await ring.write(new Uint8Array(0))
  },

  /** A message may come again after a reader was killed, and must not be left out. */
  async 'reads a ring'({ Ring }, slots, slotSize) {
    const next = (128 + slots * slotSize) / 4
    for await (const message of new Ring(map, Number(slots), Number(slotSize))) {
      if (message.length === 0) {
        map.close()
        process.exit()
      }
      const numbers = new Int32Array(new Uint8Array(message).buffer)
      const [number] = numbers
      const expected = Atomics.load(words, next)
      const isExpected = number === expected || number === ((expected - 1) | 0)
      const isWhole = numbers.length === 1 + (number & 7) && numbers.every((each) => each === number)
      if (!isExpected || !isWhole) Atomics.add(words, next + 2, 1)
      Atomics.store(words, next, number + 1)
      Atomics.add(words, next + 3, 1)
    }
  },

  /** All words of a copy are the same, and word 20 counts the copies. */
  async 'writes copies'({ SequenceLock }) {
    const numbers = new SequenceLock(map, 0, 8)
    const values = new Int32Array(8)
    for (;;) {
      numbers.write(values.fill(Atomics.add(words, 20, 1)))
      if (values[0] % 1000 === 0) await nextTurn()
    }
  },

  async 'reads copies'({ SequenceLock }) {
    const numbers = new SequenceLock(map, 0, 8)
    while (Atomics.load(words, 21) === 0) {
      const copy = await numbers.read()
      if (copy.some((number) => number !== copy[0])) Atomics.add(words, 22, 1)
      // Where copies come without waiting, the runtime would never do anything else.
      await nextTurn()
    }
  },

  /** Stores the next number when the other side has answered with the last one. */
  async 'counts for a bridge'(_, rounds) {
    for (let number = 1; number <= Number(rounds); number += 1) {
      Atomics.store(words, 0, number)
      map.notify(0)
      for (let answer = number - 1; answer < number; answer = Atomics.load(words, 1)) await map.waitAsync(4, answer)
    }
  },
}

// prettier-ignore
import(url).then((module) => roles[role](module, ...args)).then(() => map.close())

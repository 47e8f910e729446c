// Locks by commands, for other processes and threads: each has one mapping, and the locks that it
// has got through it by their names.

const { mmap } = require('../../index.js')

/** Returns a function that executes a command and returns what became of it, as text. */
function lockCommands(file, options) {
  const map = mmap(file, options)
  const locks = new Map()
  const keep = (name, lock) => {
    if (lock === null) return 'null'
    locks.set(name, lock)
    return 'locked'
  }
  const commands = {
    lock: async (name, ...args) => keep(name, await map.lockRange(...args)),
    lockSync: (name, ...args) => keep(name, map.lockRangeSync(...args)),
    release: (name) => {
      locks.get(name).release()
      return 'released'
    },
    close: () => {
      map.close()
      return 'closed'
    },
    exit: () => process.exit(0),
  }
  return async ([command, ...args]) => {
    try {
      return await commands[command](...args)
    } catch (error) {
      return error.code ?? String(error)
    }
  }
}

module.exports = { lockCommands }

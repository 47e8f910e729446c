// Scenarios for strict accounting (vm.overcommit_memory=2), where the system promises no more
// memory than it has. `node --expose-gc accounting.cjs NAME` runs one of them. It uses up nearly
// all of that memory, so scripts/emulated/test-kernel.mjs runs it in a guest.

const assert = require('node:assert/strict')
const { readFileSync, truncateSync } = require('node:fs')
const { mmap, PAGESIZE, PROT_READ } = require('../../index.js')
const { zeros } = require('./memory.cjs')
const { play } = require('./play.cjs')
const { needsLinux } = require('./process-state.cjs')
const { CannotBe, collectUntil } = require('./runtime.cjs')
const { scratchFile } = require('./scratch.cjs')

const MIB = 2 ** 20

/** The length of a mapping whose replacement by private memory the system refuses. */
const LENGTH = 512 * MIB

/** Bytes left for the engine. The kernel reserves up to 128 MiB of them for other processes. */
const LEFT = 256 * MIB

function needsStrictAccounting() {
  needsLinux()
  const accounting = readFileSync('/proc/sys/vm/overcommit_memory', 'utf8').trim()
  if (accounting !== '2')
    throw new CannotBe(`the system promises more memory than it has: vm.overcommit_memory is ${accounting}`)
}

/** Bytes that the system can still promise. */
function unpromised() {
  const meminfo = readFileSync('/proc/meminfo', 'utf8')
  const bytes = (name) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1]) * 1024
  return bytes('CommitLimit') - bytes('Committed_AS')
}

/** Uses up nearly all memory that may be promised. Private memory counts when it is mapped. */
function useUp() {
  const rest = zeros(unpromised() - LEFT)
  assert.throws(() => zeros(LENGTH), { code: 'ENOMEM' })
  return rest
}

/**
 * Positions of some bytes of a mapping: one per MiB, and the last one. A detached view has none.
 */
function* places(length) {
  for (let at = 0; at < length; at += MIB) yield at
  if (length > 0) yield length - 1
}

/** Checks a view of a file in which only the first byte is not 0. */
function assertZerosOrFile(bytes) {
  for (const at of places(bytes.length)) {
    assert.ok(bytes[at] === 0 || (at === 0 && bytes[at] === 1), `byte ${at} is ${bytes[at]}`)
  }
}

/**
 * Calls an operation that may need as much additional memory as the mapping has. The system may
 * refuse that memory, and the views must stay valid in any case.
 */
async function playUsedUp(operation) {
  needsStrictAccounting()
  for (const shared of [true, false]) await operateUsedUp(operation, shared)
  // The following mappings must not get addresses that an earlier buffer unmaps later.
  const others = [zeros(LENGTH / 4), zeros(LENGTH / 4)]
  for (const other of others) for (const at of places(LENGTH / 4)) other.setAt(at, 7)
  let rounds = 0
  await collectUntil(() => rounds++ === 20)
  for (const other of others) for (const at of places(LENGTH / 4)) assert.equal(other.at(at), 7)
}

async function operateUsedUp(operation, shared) {
  const path = scratchFile(Buffer.of(1))
  truncateSync(path, LENGTH)
  const map = mmap(path, 0, { sharedArrayBuffer: shared })
  const { bytes } = map
  assertZerosOrFile(bytes)
  const rest = useUp()
  try {
    operation(map)
  } catch (error) {
    if (error.code !== 'ENOMEM') throw error
  }
  assertZerosOrFile(bytes)
  rest.unmap()
  assertZerosOrFile(bytes)
  map.unmap()
  assertZerosOrFile(bytes)
}

const scenarios = {
  'protect() with the memory used up leaves no hole': () => playUsedUp((map) => map.protect(PROT_READ)),

  'unmap() with the memory used up leaves no hole': () => playUsedUp((map) => map.unmap()),

  'resize() to less with the memory used up leaves no hole': () => playUsedUp((map) => map.resize(PAGESIZE)),
}

if (require.main === module) play(scenarios, process.argv[2])

module.exports = scenarios

// Makes the files that are searched, which are the same in every run. A file repeats a block that
// is too long for branch predictors to learn.

import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'

const BLOCK = 16 * 2 ** 20
const PAGE = 4096

/** The log contains this once in every 4 KiB. */
export const WORD = 'deprecated'
/** The dense text contains this once in every 16 bytes. */
export const DENSE_WORD = 'old_name'

const BLOCKS = {
  log,
  'service log': serviceLog,
  binary,
  dense: () => repeated(`${DENSE_WORD} = 1234;`),
  'all a': () => repeated('a'),
  'all ab': () => repeated('ab'),
}

/** Files of these kinds end with the end of a line. */
const LOGS = ['log', 'service log']

export function makeFile(path, kind, size) {
  const fd = openSync(path, 'wx')
  if (kind === 'sparse') ftruncateSync(fd, size)
  else {
    const block = BLOCKS[kind]()
    for (let written = 0; written < size; ) written += writeSync(fd, block, 0, Math.min(BLOCK, size - written))
  }
  // The last block may be cut off inside a line.
  if (LOGS.includes(kind) && size > 0) writeSync(fd, '\n', size - 1)
  // What has not been written to the disk yet cannot be removed from memory.
  fsyncSync(fd)
  closeSync(fd)
}

/** A log of a web service, with lines of 60 to 200 bytes. */
function log() {
  const random = generator(1)
  const pick = (list) => list[Math.floor(random() * list.length)]
  const number = (most) => Math.floor(random() * most)
  const block = Buffer.allocUnsafe(BLOCK)
  let [length, pages, time] = [0, 0, Date.UTC(2026, 0, 1)]
  while (true) {
    time += number(50)
    const head = `${new Date(time).toISOString()} ${pick(LEVELS)} [worker-${number(16)}] `
    const request = `${pick(METHODS)} /api/v2/${pick(THINGS)}/${number(1e6)} ${pick(STATUS)} ${number(9000)}ms`
    let line = `${head}${request}`
    // The first line that begins in a page contains the word.
    if (length >= pages * PAGE) {
      line += ` ${WORD}`
      pages += 1
    }
    const wanted = 60 + number(140)
    while (line.length < wanted - 12) line += ` ${pick(WORDS)}`
    if (length + line.length >= BLOCK) break
    length += block.write(`${line}\n`, length, 'latin1')
  }
  // The last line becomes longer, so that no line of the block is cut off.
  block.fill('.', length - 1)
  block[BLOCK - 1] = 10
  return block
}

/**
 * A log for regular expressions, with lines of about 101 bytes. Each begins with a date and ends
 * with `took N ms`. RARE tells how many lines have what else the patterns look for.
 */
function serviceLog() {
  const random = generator(3)
  const number = (most) => Math.floor(random() * most)
  const pick = (list) => list[number(list.length)]
  const block = Buffer.allocUnsafe(BLOCK)
  let [length, time] = [0, Date.UTC(2026, 0, 1)]
  while (length < BLOCK) {
    time += number(50)
    const level = number(ERRORS) === 0 ? 'ERROR' : pick(SERVICE_LEVELS)
    const head = `${new Date(time).toISOString()} ${level} [${pick(MODULES)}]`
    const end = ` took ${number(900)} ms\n`
    let message = RARE.map(([lines, make]) => (number(lines) === 0 ? ` ${make(number, pick)}` : '')).join('')
    const wanted = 60 + number(78)
    while (head.length + message.length + end.length < wanted) {
      message = number(2) === 0 ? `${message} ${pick(MESSAGE)}` : ` ${pick(MESSAGE)}${message}`
    }
    // The last line of the block becomes longer, so that it is not cut off.
    const left = BLOCK - length - head.length - message.length - end.length
    const line = `${head}${message}${left < LONGEST_LINE ? ' ok'.repeat(left / 3).padEnd(left) : ''}${end}`
    length += block.write(line, length, 'latin1')
  }
  return block
}

/** One line in as many has the level ERROR. */
const ERRORS = 100
const SERVICE_LEVELS = ['INFO', 'INFO', 'INFO', 'DEBUG', 'WARN']
const MODULES = ['http', 'cache', 'queue', 'store', 'auth', 'mailer', 'index_writer']
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
/** Longer than every line of the service log but the last one. */
const LONGEST_LINE = 300
/** One line in as many has this in its message. */
const RARE = [
  [40, () => 'connection refused'],
  [400, (_, pick) => pick(['ECONNRESET', 'ETIMEDOUT', 'EPIPE'])],
  [40, (number) => `10.${number(256)}.${number(256)}.${number(256)}`],
  [40, (number, pick) => `${pick(PEOPLE)}.${number(100)}@${pick(['mail', 'my-shop'])}.example.com`],
  [400, () => 'foo'],
  [400, (_, pick) => pick(['timeout', 'Timeout', 'TIMEOUT'])],
  [550, (number, pick) => `${letters(4, pick)}${100 + number(900)}${letters(1, pick)}`],
]
const PEOPLE = ['ada', 'grace', 'edsger', 'barbara']
/** None of these is found by a pattern that looks for something rare. */
const MESSAGE = (
  'for from with not was user order item page retry cache miss queue shard lock read write close open ' +
  'client server agent upstream request response connection session replica primary commit flush index table bytes ' +
  'sent after before again answered finished started received waiting'
).split(' ')

function letters(count, pick) {
  return Array.from({ length: count }, () => pick(LETTERS)).join('')
}

const LEVELS = ['INFO ', 'INFO ', 'INFO ', 'DEBUG', 'WARN ', 'ERROR']
const METHODS = ['GET', 'GET', 'POST', 'PUT', 'DELETE']
const THINGS = ['orders', 'users', 'sessions', 'invoices', 'search']
const STATUS = ['200', '200', '201', '304', '404', '500']
const WORDS =
  'cache miss hit retry user session token upstream latency bytes queue shard primary replica commit flush timeout client agent'.split(
    ' ',
  )

/** Records of 32 bytes: a counter, a few flags, a measurement, and pseudo-random bytes. */
function binary() {
  const random = generator(2)
  const block = Buffer.allocUnsafe(BLOCK)
  for (let at = 0; at < BLOCK; at += 32) {
    block.writeUInt32LE(at / 32, at)
    block.writeUInt32LE(random() < 0.5 ? 0 : 1 << (random() * 8), at + 4)
    block.writeDoubleLE(20 + random(), at + 8)
    for (let word = 16; word < 32; word += 4) block.writeUInt32LE(random() * 2 ** 32, at + word)
  }
  return block
}

function repeated(text) {
  return Buffer.alloc(BLOCK, text)
}

/** Marsaglia's xorshift: numbers from 0 up to 1. */
function generator(seed) {
  let state = seed * 0x9e3779b9
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

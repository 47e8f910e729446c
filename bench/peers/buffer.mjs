// Peers that work on a Buffer: `buffer.mjs SOURCE [FOLDER]`. SOURCE makes the Buffer, and FOLDER is
// the one in which SOURCE is installed. Bun runs this file for Bun.mmap, and Node for the others.

import { openSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { do_not_optimize, measure } from 'mitata'
import { answer, bytesOf, kept, sum, timed } from './answer.mjs'

const require = createRequire(import.meta.url)
const [name, folder] = process.argv.slice(2)

const SOURCES = {
  // A Buffer over the memory that memmap's methods work on.
  'mm.view(Buffer)'() {
    const { mmap } = require('../../index.js')
    const { version } = require('../../package.json')
    return [`memmap ${version}`, (path, length) => mmap(path, length).view(Buffer)]
  },

  readFileSync: () => [`Node ${process.versions.node}`, (path, length) => readFileSync(path).subarray(0, length)],

  'Bun.mmap'() {
    const open = (path, length) => {
      const { buffer, byteOffset } = Bun.mmap(path)
      return Buffer.from(buffer, byteOffset, length)
    }
    return [`Bun ${Bun.version}`, open]
  },

  async '@riaskov/mmap-io'() {
    const [version, { default: mmap }] = await installed()
    const open = (path, length) =>
      mmap.map(length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, openSync(path, 'r+'))
    return [version, open]
  },

  async '@cloudpss/mmap'() {
    const [version, { mmap }] = await installed()
    return [version, (path, length) => mmap(path).subarray(0, length)]
  },
}

/** The name and version of the package that SOURCE names, and its exports. */
async function installed() {
  const { resolve } = createRequire(join(folder, 'package.json'))
  const { version } = require(resolve(`${name}/package.json`))
  const exports = await import(pathToFileURL(resolve(name)))
  return [`${name} ${version}`, exports]
}

let buffer

await answer({
  async version() {
    const [version, open] = await SOURCES[name]()
    buffer = kept(open)
    return { nanoseconds: 0, result: version }
  },

  async text(path, length, count) {
    const bytes = buffer(path, length)
    const { p50 } = await measure(() => bytes.toString('utf8', 0, Number(count)))
    return { nanoseconds: p50, result: bytes.toString('hex', 0, Number(count)) }
  },

  async set(path, length, count) {
    const bytes = buffer(path, length)
    const data = Buffer.from(bytes.subarray(0, Number(count)))
    const { p50 } = await measure(() => bytes.set(data, 0))
    return { nanoseconds: p50, result: data.length }
  },

  find(path, length, needle) {
    const [bytes, wanted] = [buffer(path, length), bytesOf(needle)]
    return timed(() => bytes.indexOf(wanted))
  },

  rfind(path, length, needle) {
    const [bytes, wanted] = [buffer(path, length), bytesOf(needle)]
    return timed(() => bytes.lastIndexOf(wanted))
  },

  findAll(path, length, needle) {
    const [bytes, wanted] = [buffer(path, length), bytesOf(needle)]
    return timed(() => {
      let [count, last] = [0, -1]
      for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length)) {
        count += 1
        last = at
      }
      return `${count} ${last}`
    })
  },

  countByte(path, length, needle) {
    const [bytes, [wanted]] = [buffer(path, length), bytesOf(needle)]
    return timed(() => countByte(bytes, wanted))
  },

  countByIndexOf(path, length, needle) {
    const [bytes, wanted] = [buffer(path, length), bytesOf(needle)]
    return timed(() => {
      let count = 0
      for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length)) count += 1
      return count
    })
  },

  lines(path, length) {
    const bytes = buffer(path, length)
    return timed(() => {
      let [count, start] = [0, 0]
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        do_not_optimize(bytes.subarray(start, end))
        start = end + 1
        count += 1
      }
      return count + (start < bytes.length ? 1 : 0)
    })
  },

  replaceThereAndBack(path, length, one, other) {
    const bytes = buffer(path, length)
    const replace = (from, to) => {
      let count = 0
      for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + from.length)) {
        bytes.set(to, at)
        count += 1
      }
      return count
    }
    const [from, to] = [bytesOf(one), bytesOf(other)]
    return timed(() => replace(from, to) + replace(to, from))
  },

  async findOnce(path, length, needle, type) {
    const bytes = buffer(path, length)
    const wanted = type === 'string' ? bytesOf(needle).toString() : bytesOf(needle)
    const { p50 } = await measure(() => bytes.indexOf(wanted))
    return { nanoseconds: p50, result: bytes.indexOf(wanted) }
  },

  sum(path, length) {
    const bytes = buffer(path, length)
    return timed(() => sum(bytes))
  },
})

function countByte(bytes, wanted) {
  let count = 0
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] === wanted) count += 1
  return count
}

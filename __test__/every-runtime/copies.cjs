// Text and streams of a mapping. Each engine decodes and reads them in its own way.

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { createWriteStream, readFileSync } = require('node:fs')
const { ACCESS_READ, mmap } = require('../../index.js')
const { startChild } = require('./others.cjs')
const { CannotBe } = require('./runtime.cjs')
const { pattern, scratchFile } = require('./scratch.cjs')

module.exports = {
  'text is what Buffer and TextDecoder make of a copy': () => {
    const bytes = Buffer.concat([Buffer.from('héllo €uro 😀\n\0'), pattern(5000), Buffer.from([0xf0, 0x9f])])
    const map = mmap(scratchFile(bytes), 0, { access: ACCESS_READ })
    for (let round = 0; round < 30; round += 1) {
      for (const [start, stop] of [
        [0, 19],
        [1, 101],
        [3, 1300],
        [0, bytes.length],
      ]) {
        for (const encoding of ['utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64']) {
          assert.equal(map.toString(encoding, start, stop), bytes.toString(encoding, start, stop), encoding)
        }
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
        assert.equal(map.toString('utf8', start, stop), decoder.decode(bytes.subarray(start, stop)))
      }
    }
    assert.deepEqual(Buffer.from(map.arrayBuffer(10, 20)), Buffer.from(bytes.subarray(10, 20)))
    map.close()
  },

  'streams are bodies, Node streams and asynchronous iterables': async () => {
    const bytes = pattern(150_000)
    const path = scratchFile(bytes)
    const map = mmap(path, 0, { access: ACCESS_READ })
    assert.deepEqual(Buffer.from(await new Response(map.stream()).arrayBuffer()), bytes)
    assert.deepEqual(Buffer.concat(await Readable.fromWeb(map.stream()).toArray()), bytes)
    const pieces = []
    for await (const piece of map) pieces.push(piece)
    assert.deepEqual(
      pieces.map((piece) => [Buffer.isBuffer(piece), piece.length]),
      [
        [true, 65_536],
        [true, 65_536],
        [true, 18_928],
      ],
    )
    await pipeline(map, createWriteStream(`${path}.copy`))
    assert.deepEqual(readFileSync(`${path}.copy`), bytes)
    const reader = map.stream({ chunkSize: 10 }).getReader()
    assert.equal((await reader.read()).value.byteLength, 10)
    map.close()
    await assert.rejects(reader.read(), { code: 'ERR_MMAP_CLOSED' })
  },

  'a mapping is no string, is equal to itself only, and cannot be cloned': () => {
    const map = mmap(scratchFile('Hello'))
    const other = mmap(scratchFile('Hello'))
    assert.equal(Buffer.from(map).toString(), 'Hello')
    for (const convert of [() => `${map}`, () => String(map), () => new Blob([map]), () => map + 1]) {
      assert.throws(convert, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.deepStrictEqual(map, map)
    assert.notDeepStrictEqual(map, other)
    map.close()
    other.close()
    if (require('node:worker_threads').markAsUncloneable === undefined)
      throw new CannotBe('it has no markAsUncloneable')
    assert.throws(() => structuredClone(map), { name: 'DataCloneError' })
  },

  'lines as text are what TextDecoder makes of a copy of each': () => {
    const parts = ['é€😀', '\n', '\r\n', 'abc'.repeat(2000)].map((text) => Buffer.from(text))
    parts.push(
      Buffer.from([0xf0, 0x9f]),
      Buffer.from([0xff]),
      Buffer.from([0xe2, 0x82]),
      Buffer.from('\n'),
      Buffer.from('\ufeff'),
    )
    let random = 1
    const pieces = Array.from({ length: 400 }, () => {
      random = (random * 48_271) % 2_147_483_647
      return parts[random % parts.length]
    })
    const map = mmap(scratchFile(Buffer.concat(pieces)), 0, { access: ACCESS_READ })
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (const form of [{}, { crlf: true }, { reverse: true }, { crlf: true, reverse: true }]) {
      const copies = Array.from(map.lines(form), (line) => Buffer.from(line))
      assert.ok(copies.length > 50)
      assert.deepEqual(
        [...map.lines({ ...form, encoding: 'utf8' })],
        copies.map((line) => decoder.decode(line)),
      )
      assert.deepEqual(
        [...map.lines({ ...form, encoding: 'latin1' })],
        copies.map((line) => line.toString('latin1')),
      )
    }
    map.close()
  },

  'methods called on a Proxy of an Mmap': () => {
    const map = mmap(scratchFile('bytes'))
    const proxy = new Proxy(map, {})
    const wrong = { name: 'TypeError', code: 'ERR_INVALID_THIS' }
    assert.throws(() => proxy.length, wrong)
    assert.throws(() => proxy.read(), wrong)
    assert.throws(() => proxy.close(), wrong)
    assert.throws(() => Object.create(map).at(0), wrong)
    assert.throws(() => map.slice.call({}), wrong)
    assert.equal(map.toString(), 'bytes')
    map.close()
  },

  // Most engines crash here if a Buffer or a TextDecoder reads the mapping itself.
  'text survives another process that rewrites the file': async () => {
    const path = scratchFile(Buffer.alloc(8000, 'a'))
    const child = startChild('rewrites over and over', [path])
    assert.equal(await child.line(), 'rewriting')
    const map = mmap(path, 0, { access: ACCESS_READ })
    const seen = new Set()
    for (let round = 0; round < 20_000; round += 1) {
      for (const text of [map.toString(), map.toString('utf8', 0, 200), ...map.lines({ encoding: 'utf8' })]) {
        seen.add(text[0])
      }
    }
    assert.ok(seen.has('a') || seen.has('é'))
    map.close()
    child.say('end')
    assert.deepEqual(await child.ended, { code: 0, signal: null })
  },
}

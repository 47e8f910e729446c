// close() while something that runs in another thread still reads the view.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { closeSync, createWriteStream, openSync, promises, readFileSync, write } = require('node:fs')
const { promisify } = require('node:util')
const { MessageChannel } = require('node:worker_threads')
const zlib = require('node:zlib')
const { mmap } = require('../../index.js')
const { nextMessage, startWorker } = require('./others.cjs')
const { refuses, whileCollecting } = require('./runtime.cjs')
const { pattern, scratchFile, scratchPath } = require('./scratch.cjs')

const CONTENT = pattern(2 << 20)

/** What `start` makes of the bytes of a mapping that is closed as soon as it has been started, and then collected. */
async function ofClosed(start, content = CONTENT) {
  const path = scratchFile(content)
  const started = (() => {
    const map = mmap(path)
    try {
      return start(map.bytes)
    } finally {
      map.close()
    }
  })()
  return whileCollecting(started)
}

module.exports = {
  'close() during gzip': async () => {
    const compressed = await ofClosed(promisify(zlib.gzip))
    assert.ok(zlib.gunzipSync(compressed).equals(CONTENT))
  },

  'close() during brotliCompress': async () => {
    const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 }
    const compressed = await ofClosed((bytes) => promisify(zlib.brotliCompress)(bytes, { params }))
    assert.ok(zlib.brotliDecompressSync(compressed).equals(CONTENT))
  },

  'close() during pbkdf2, scrypt and digest': async () => {
    const salt = Buffer.from('salt')
    const password = CONTENT.subarray(0, 100_000)
    const pbkdf2 = promisify(crypto.pbkdf2)
    const derived = await ofClosed((bytes) => pbkdf2(bytes, salt, 20_000, 32, 'sha256'), password)
    assert.ok(derived.equals(crypto.pbkdf2Sync(password, salt, 20_000, 32, 'sha256')))
    const scrypted = await ofClosed((bytes) => promisify(crypto.scrypt)(bytes, salt, 32), password)
    assert.ok(scrypted.equals(crypto.scryptSync(password, salt, 32)))
    const digest = ofClosed((bytes) => crypto.webcrypto.subtle.digest('SHA-256', bytes))
    // WebCrypto's specification refuses views of a SharedArrayBuffer.
    if (refuses) await assert.rejects(digest, TypeError)
    else assert.ok(Buffer.from(await digest).equals(crypto.createHash('sha256').update(CONTENT).digest()))
  },

  'close() during fs.write': async () => {
    const target = scratchPath()
    const descriptor = openSync(target, 'w')
    const result = await ofClosed((bytes) => promisify(write)(descriptor, bytes, 0, bytes.length, 0))
    closeSync(descriptor)
    assert.equal(result.bytesWritten, CONTENT.length)
    assert.ok(readFileSync(target).equals(CONTENT))
  },

  'close() during fs.promises.writeFile': async () => {
    const target = scratchPath()
    await ofClosed((bytes) => promises.writeFile(target, bytes))
    assert.ok(readFileSync(target).equals(CONTENT))
  },

  'close() during a write stream': async () => {
    const target = scratchPath()
    await ofClosed(
      (bytes) =>
        new Promise((resolve, reject) => {
          createWriteStream(target).once('error', reject).end(bytes, resolve)
        }),
    )
    assert.ok(readFileSync(target).equals(CONTENT))
  },

  'close() during postMessage': async () => {
    const { port1, port2 } = new MessageChannel()
    const received = nextMessage(port2)
    await ofClosed(async (bytes) => port1.postMessage(bytes))
    const copy = await received
    port1.close()
    assert.ok(CONTENT.equals(copy))
  },

  'close() during postMessage to a thread': async () => {
    const worker = startWorker('adds up')
    await nextMessage(worker)
    const answer = nextMessage(worker)
    await ofClosed(async (bytes) => worker.postMessage(bytes))
    assert.equal(
      await answer,
      CONTENT.reduce((sum, byte) => sum + byte, 0),
    )
  },
}

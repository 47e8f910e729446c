// close() and unmap() while an operation in another thread uses the view.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const {
  closeSync,
  createWriteStream,
  openSync,
  promises,
  read,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  write,
  writeSync,
} = require('node:fs')
const { promisify } = require('node:util')
const { MessageChannel } = require('node:worker_threads')
const zlib = require('node:zlib')
const { mmap } = require('../../index.js')
const { nextMessage, startWorker } = require('./others.cjs')
const { mapsOf, needsLinux } = require('./process-state.cjs')
const {
  CannotBe,
  collectUntil,
  needsArrayBuffer,
  nextTurn,
  refuses,
  runtimeName,
  whileCollecting,
} = require('./runtime.cjs')
const { pattern, scratchFile, scratchPath } = require('./scratch.cjs')

const CONTENT = pattern(2 << 20)

/**
 * The result of `start`, an operation on the bytes of a mapping. The mapping is closed as soon as
 * the operation has begun, and then collected.
 */
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

/**
 * A pipe with two descriptors. Both are for reading and writing, so that opening one does not wait
 * for the other. Two are needed because Deno does one thing at a time with a descriptor.
 */
function openPipe() {
  const path = scratchPath()
  const { status, error } = spawnSync('mkfifo', [path])
  if (status !== 0) throw new CannotBe(`there is no mkfifo (${error?.message ?? status})`)
  return { path, here: openSync(path, 'r+'), there: openSync(path, 'r+') }
}

/**
 * Waits until a thread of this process is in a system call on a descriptor of `path`. It compares
 * paths, because the number that a runtime calls a descriptor may be another one.
 */
async function untilInSystemCall(path) {
  needsLinux()
  for (;;) {
    for (const thread of readdirSync('/proc/self/task')) {
      try {
        const [, descriptor] = readFileSync(`/proc/self/task/${thread}/syscall`, 'latin1').split(' ')
        if (readlinkSync(`/proc/self/fd/${Number(descriptor)}`) === path) return
      } catch (error) {
        // The thread has ended, or is not in a call on a descriptor.
        if (!['ENOENT', 'ESRCH', 'EINVAL'].includes(error.code))
          throw new CannotBe(`nobody says what threads do: ${error.message}`)
      }
    }
    await nextTurn()
  }
}

/**
 * Unmaps a mapping while `start` uses its view. Then maps as many bytes of another file, which get
 * the same addresses if those are free.
 */
async function unmapDuring(pipe, length, start) {
  const path = scratchFile(Buffer.alloc(length, 'c'))
  const other = scratchFile(Buffer.alloc(length, 'o'))
  const map = mmap(path)
  // Whether the operation then fails depends on the runtime.
  const outcome = start(map.bytes).catch((error) => error)
  await untilInSystemCall(pipe.path)
  map.unmap()
  assert.equal(mapsOf(path), 0, 'the file is released at once')
  return { path, other, outcome, otherMap: mmap(other) }
}

module.exports = {
  'unmap() during fs.read': async () => {
    const pipe = openPipe()
    const { path, other, outcome, otherMap } = await unmapDuring(pipe, 100_000, (bytes) =>
      promisify(read)(pipe.here, bytes, 0, 100, null),
    )
    writeSync(pipe.there, Buffer.alloc(100, 'X'))
    await outcome
    assert.ok(Buffer.alloc(100_000, 'o').equals(otherMap.read()), 'what was read is not in another mapping')
    otherMap.unmap()
    assert.ok(readFileSync(other).equals(Buffer.alloc(100_000, 'o')))
    assert.ok(readFileSync(path).equals(Buffer.alloc(100_000, 'c')))
    closeSync(pipe.here)
    closeSync(pipe.there)
  },

  'unmap() during fs.write': async () => {
    if (runtimeName() === 'deno') throw new CannotBe('its fs.write keeps JavaScript waiting until all is written')
    const pipe = openPipe()
    // This is more than a pipe can hold, so the write waits in the middle.
    const length = 1 << 20
    const { outcome, otherMap } = await unmapDuring(pipe, length, (bytes) =>
      promisify(write)(pipe.here, bytes, 0, length, null),
    )
    const piece = Buffer.alloc(1 << 16)
    for (let received = 0; received < length; ) {
      const { bytesRead: count } = await promisify(read)(pipe.there, piece, 0, piece.length, null)
      assert.match(piece.toString('latin1', 0, count), /^c*\0*$/, 'nothing of another mapping was written')
      received += count
    }
    assert.equal((await outcome).bytesWritten, length)
    otherMap.unmap()
    closeSync(pipe.here)
    closeSync(pipe.there)
  },

  'addresses of unmap() go with the ArrayBuffer': async () => {
    needsLinux()
    needsArrayBuffer('keeps its addresses as long as it is there')
    const GIB = 2 ** 30
    const path = scratchFile('')
    truncateSync(path, GIB)
    const addressed = () => Number(/^VmSize:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
    const before = addressed()
    const take = (count) => {
      for (let index = 0; index < count; index += 1) {
        const map = mmap(path)
        assert.equal(map.bytes[index], 0)
        map.unmap()
      }
    }
    take(64)
    assert.equal(mapsOf(path), 0)
    assert.ok(await collectUntil(() => addressed() < before + 8 * GIB), `${(addressed() - before) / GIB} GiB are left`)
  },

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

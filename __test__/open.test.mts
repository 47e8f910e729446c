// mmap(): every kind of file, and what a failure leaves behind.

import { constants as bufferConstants } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import ava from 'ava'
import * as memmap from 'memmap'
import {
  ACCESS_COPY,
  ACCESS_DEFAULT,
  ACCESS_READ,
  ACCESS_WRITE,
  ALLOCATIONGRANULARITY,
  MAP_PRIVATE,
  MAP_SHARED,
  Mmap,
  mmap,
  PAGESIZE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from 'memmap'
import { mmapWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { openDescriptors, pattern, scratchFile, scratchFolder } from './support/portable.mjs'

const test = ava.serial

// --- Files that cannot be mapped

/** What fs says of a call that fails. */
function failureOf(call: () => unknown): NodeJS.ErrnoException {
  try {
    call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('the call did not fail')
}

function shapeOf({ code, errno, syscall, path }: NodeJS.ErrnoException): object {
  return { code, errno, syscall, path }
}

test('mmap: a missing file is ENOENT, in the words of fs', (t) => {
  const path = join(scratchFolder(t), 'missing')
  const theirs = failureOf(() => openSync(path, 'r+'))
  for (const access of [ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY] as const) {
    const ours = failureOf(() => mmap(path, 0, { access }))
    t.is(ours.code, 'ENOENT')
    t.deepEqual(shapeOf(ours), shapeOf(theirs))
    t.is(ours.message, theirs.message)
    t.true(ours.stack?.startsWith(`Error: ${ours.message}`))
  }
})

test('mmap: an error has the path as fs has it, whatever the path was given as', (t) => {
  const path = join(scratchFolder(t), 'missing ü')
  const { message } = failureOf(() => openSync(path, 'r+'))
  for (const file of [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)]) {
    const error = failureOf(() => mmap(file))
    t.is(error.path, path)
    t.is(error.message, message)
  }
})

test('mmap: a path as long as a string can be is refused as any that is too long', (t) => {
  const longest = 'a'.repeat(bufferConstants.MAX_STRING_LENGTH)
  const error = t.throws(() => mmap(longest), { message: /a\.\.\.'$/ }) as NodeJS.ErrnoException
  t.is(error.path, longest)
  t.not(error.code, undefined)
})

test('mmap: the errors of a path name the file', (t) => {
  const path = scratchFile(t, 'abc')
  const calls = {
    empty: () => mmap(scratchFile(t, '')),
    offset: () => mmap(path, 0, { offset: 4 }),
    length: () => mmap(Buffer.from(path), 4),
    maxByteLength: () => mmap(pathToFileURL(path), 0, { access: ACCESS_COPY, sharedArrayBuffer: { maxByteLength: 1 } }),
  }
  for (const [name, call] of Object.entries(calls)) {
    if (name === 'maxByteLength' && process.platform === 'win32') continue
    const error = t.throws(call, { code: 'ERR_OUT_OF_RANGE' }, name) as Error & { path?: string }
    t.true(error.path !== undefined && error.message.includes(`'${error.path}'`), name)
  }
})

test('mmap: a path through a file is ENOTDIR, in the words of fs', (t) => {
  const path = join(scratchFile(t, 100), 'below')
  const ours = failureOf(() => mmap(path))
  const theirs = failureOf(() => openSync(path, 'r+'))
  t.deepEqual(shapeOf(ours), shapeOf(theirs))
  t.is(ours.message, theirs.message)
})

onUnix('mmap: a folder is EISDIR with the path', 'it opens no folder', (t) => {
  const path = scratchFolder(t)
  const writing = failureOf(() => mmap(path))
  t.deepEqual(shapeOf(writing), shapeOf(failureOf(() => openSync(path, 'r+'))))
  t.is(writing.code, 'EISDIR')
  const reading = failureOf(() => mmap(path, 0, { access: ACCESS_READ }))
  t.deepEqual([reading.code, reading.syscall, reading.path], ['EISDIR', 'mmap', path])
})

onUnix('mmap: a FIFO does not block the open, and is ENODEV', 'it has no FIFOs in folders', (t) => {
  const path = join(scratchFolder(t), 'fifo')
  execFileSync('mkfifo', [path])
  t.is(failureOf(() => mmap(path, 10, { access: ACCESS_READ })).code, 'ENODEV')
})

test('mmap: a descriptor that is not open is EBADF', (t) => {
  for (const file of [-2, -(2 ** 31), 1_000_000]) {
    const error = failureOf(() => mmap(file, 10))
    t.is(error.code, 'EBADF')
    t.is(typeof error.syscall, 'string')
    t.false('path' in error)
  }
})

test('mmap: a FileHandle that is closed is EBADF, and not anonymous memory', async (t) => {
  const handle = await open(scratchFile(t, 100), 'r+')
  await handle.close()
  t.is(handle.fd, -1)
  t.is(failureOf(() => mmap(handle, 10)).code, 'EBADF')
})

test('mmap: a descriptor for reading gives no mapping that writes: EACCES', (t) => {
  const path = scratchFile(t, 100)
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  for (const access of [ACCESS_DEFAULT, ACCESS_WRITE] as const) {
    t.is(failureOf(() => mmap(fd, 0, { access })).code, 'EACCES')
  }
  const error = failureOf(() => mmap(fd, 0, { access: ACCESS_COPY, writeBack: true }))
  t.is(error.code, 'EACCES')
  for (const [length, access] of [
    [500, ACCESS_DEFAULT],
    [100, ACCESS_READ],
  ] as const) {
    const { code, syscall } = failureOf(() => mmap(fd, length, { access, create: true }))
    t.deepEqual([code, syscall], ['EACCES', 'open'])
  }
})

test('mmap: a descriptor for reading is enough for ACCESS_READ and ACCESS_COPY', (t) => {
  const path = scratchFile(t, 'read me')
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(fd, 0, { access })
    t.is(map.read().toString(), 'read me')
  }
})

onUnix(
  'mmap: a descriptor for writing only is EACCES, because mapped memory can be read',
  'it lets nothing be opened so',
  (t) => {
    const fd = openSync(scratchFile(t, 100), constants.O_WRONLY)
    t.teardown(() => closeSync(fd))
    for (const access of [ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY] as const) {
      t.is(failureOf(() => mmap(fd, 0, { access })).code, 'EACCES')
    }
  },
)

onLinux('mmap: every refusal has a code, and leaves nothing open', 'it counts in /proc/self/fd', (t) => {
  const path = scratchFile(t, 100)
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  const before = openDescriptors()
  const refused: [file: unknown, length?: unknown, options?: unknown][] = [
    [path, 101],
    [path, 0, { offset: 100 }],
    [path, -1],
    [path, 0, { access: 4 }],
    [path, 0, { misspelt: 1 }],
    [path, 0, { flags: 0 }],
    [path, 0, { flags: MAP_SHARED, prot: 0x4000 }],
    [fd, 0],
    [fd, 101, { access: ACCESS_READ }],
    [fd, 50, { create: true }],
    [-1, 0],
    [-1, 2 ** 53 - 1],
    [-1, 0, { tagname: 'memmap-test-open' }],
  ]
  for (const args of refused) {
    const { code } = failureOf(() => mmapWith(...args))
    t.regex(code ?? 'none', /^(ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)|E[A-Z]+)$/, inspect(args))
  }
  t.deepEqual(openDescriptors(), before)
})

// --- Every kind of file

test('file: a string, a Buffer, a Uint8Array and a URL may name the same file', (t) => {
  const path = join(scratchFolder(t), 'a name with % and ü')
  writeFileSync(path, 'the same file')
  for (const file of [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)]) {
    using map = mmap(file, 0, { access: ACCESS_READ })
    t.is(map.read().toString(), 'the same file')
  }
})

onLinux('file: a Buffer may be a path that is no UTF-8', 'its file systems take any bytes for a name', (t) => {
  const path = Buffer.concat([Buffer.from(`${scratchFolder(t)}/`), Buffer.from([0xff, 0xfe, 0x80])])
  writeFileSync(path, 'not UTF-8')
  using map = mmap(path)
  t.is(map.read().toString(), 'not UTF-8')
})

onUnix('file: a symbolic link is followed', 'making one needs a privilege', (t) => {
  const path = scratchFile(t, 'behind the link')
  const link = join(scratchFolder(t), 'link')
  symlinkSync(path, link)
  using map = mmap(link)
  map.write('BEHIND')
  t.is(readFileSync(path, 'utf8'), 'BEHIND the link')
})

test('file: a descriptor may be closed once it is mapped, and its position stays', (t) => {
  const path = scratchFile(t, 'abcdef')
  const fd = openSync(path, 'r+')
  const two = Buffer.alloc(2)
  readSync(fd, two)
  const map = mmap(fd, 0)
  readSync(fd, two)
  t.is(two.toString(), 'cd')
  closeSync(fd)
  map.write('ABC')
  t.is(map.size(), 6)
  t.is(map.slice().toString(), 'ABCdef')
  map.close()
  t.is(readFileSync(path, 'utf8'), 'ABCdef')
})

test('file: a FileHandle may be closed once it is mapped, and is usable until then', async (t) => {
  const path = scratchFile(t, 'abcdef')
  const handle = await open(path, 'r+')
  const map = mmap(handle, 0)
  await handle.write('Z', 5)
  await handle.close()
  t.is(map.slice().toString(), 'abcdeZ')
  map.write('A')
  map.close()
  t.is(readFileSync(path, 'utf8'), 'AbcdeZ')
})

onUnix('fd: the descriptor of the mapping is another than the one that was passed', 'there is none', (t) => {
  const path = scratchFile(t, 'abcdef')
  const fd = openSync(path, 'r+')
  t.teardown(() => closeSync(fd))
  using map = mmap(fd)
  t.true(map.fd >= 0)
  t.not(map.fd, fd)
  const bytes = Buffer.alloc(6)
  readSync(map.fd, bytes, 0, 6, 0)
  t.is(bytes.toString(), 'abcdef')
})

// --- Length, access, and subclasses

test('length: it is all the rest by default, and may be a bigint like the offset', (t) => {
  const path = scratchFile(t, pattern(1000))
  for (const [length, offset, expected] of [
    [undefined, undefined, 1000],
    [0, 0, 1000],
    [0n, 1n, 999],
    [0, 999, 1],
    [10, 990, 10],
    [10n, 990n, 10],
  ] as const) {
    using map = mmap(path, length, { offset })
    t.is(map.length, expected)
    t.is(map.offset, Number(offset ?? 0))
    t.deepEqual(map.slice(), pattern(1000).subarray(map.offset, map.offset + expected))
  }
})

onUnix('flags, prot: they give the access that CPython records', 'it has no flags and prot', (t) => {
  const path = scratchFile(t, 100)
  for (const [options, access] of [
    [{ flags: MAP_SHARED }, ACCESS_DEFAULT],
    [{ flags: MAP_PRIVATE }, ACCESS_DEFAULT],
    [{ prot: PROT_READ | PROT_WRITE }, ACCESS_DEFAULT],
    [{ prot: PROT_READ }, ACCESS_READ],
    [{ prot: PROT_WRITE }, ACCESS_WRITE],
    [{ prot: PROT_EXEC }, ACCESS_READ],
    [{ prot: 0 }, ACCESS_READ],
    [{ access: ACCESS_DEFAULT, prot: PROT_READ }, ACCESS_READ],
  ] as const) {
    using map = mmap(path, 0, options)
    t.is(map.access, access, inspect(options))
  }
})

test('new Mmap: the result is that of mmap()', (t) => {
  const path = scratchFile(t, 'abc')
  using map = new Mmap(path, 2, { access: ACCESS_READ })
  using same = mmap(path, 2, { access: ACCESS_READ })
  t.is(map.read().toString(), same.read().toString())
  t.true(same instanceof Mmap)
  t.is(Object.getPrototypeOf(map), Object.getPrototypeOf(same))
})

test('new Mmap: a subclass is an Mmap, too', (t) => {
  class Log extends Mmap {
    constructor(path: string) {
      super(path, 0, { access: ACCESS_READ })
    }
    get firstLine(): string {
      return this.readLine().toString()
    }
  }
  using log = new Log(scratchFile(t, 'one\ntwo\n'))
  t.is(log.firstLine, 'one\n')
})

// --- Offsets

test('offset: any one reads the right bytes and writes to the right place', (t) => {
  const size = 3 * ALLOCATIONGRANULARITY
  const offsets = [0, 1, 7, 8, 511, 4095, 4096, 4097, 65535, 65536, 65537, PAGESIZE - 1, PAGESIZE, PAGESIZE + 3]
  for (const offset of new Set([...offsets, ALLOCATIONGRANULARITY + 1, 2 * ALLOCATIONGRANULARITY - 1, size - 2])) {
    if (offset > size - 2) continue
    const content = pattern(size)
    const path = scratchFile(t, content)
    using map = mmap(path, 0, { offset })
    t.is(map.length, size - offset)
    t.true(map.slice().equals(content.subarray(offset)), `reading from ${offset}`)
    t.is(map.at(0), content.readUInt8(offset))
    t.is(map.at(-1), content.readUInt8(size - 1))
    t.is(map.bytes[1], content[offset + 1])
    map.setAt(0, 1)
    map.bytes[1] = 2
    content.set([1, 2], offset)
    t.true(readFileSync(path).equals(content), `writing at ${offset}`)
  }
})

test('bytes: they begin in their buffer where the alignment in the file puts them', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE * 2))
  for (const offset of [0, 1, 4, 7, 8, 9, PAGESIZE - 1, PAGESIZE, PAGESIZE + 12]) {
    using map = mmap(path, 16, { offset })
    t.is(map.bytes.byteOffset, offset % 8)
    t.is(map.bytes.length, 16)
    t.is(map.bytes.buffer, map.buffer)
    t.is(map.buffer.byteLength, (offset % 8) + 16)
  }
})

test('view: a Float64Array lies where offset + byteOffset is a multiple of 8, and nowhere else', (t) => {
  const path = scratchFile(t, pattern(256))
  using map = mmap(path, 0, { offset: 12 })
  const floats = map.view(Float64Array, 4, 2)
  t.is(floats[0], pattern(256).readDoubleLE(16))
  t.is(floats[1], pattern(256).readDoubleLE(24))
  for (const byteOffset of [0, 1, 8]) {
    t.throws(() => map.view(Float64Array, byteOffset, 1), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /offset \+ byteOffset is a multiple of 8/,
    })
  }
  t.is(map.view(DataView).getFloat64(1, true), pattern(256).readDoubleLE(13))
})

test('offset: anonymous memory begins at its first byte, also for the alignment of views', (t) => {
  using map = mmap(-1, 64, { offset: 3 })
  t.deepEqual([map.length, map.offset, map.bytes.byteOffset], [64, 3, 0])
  map.setAt(8, 1)
  t.is(map.view(BigUint64Array, 8, 1)[0], 1n)
  t.throws(() => map.view(BigUint64Array, 5, 1), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
})

// --- The package

test('import, require: both give the same names and the same class', (t) => {
  const required: Record<string, unknown> = createRequire(import.meta.url)('memmap')
  const imported: Record<string, unknown> = memmap
  const names = Object.keys(imported).filter((name) => name !== 'default' && name !== 'module.exports')
  t.deepEqual(names.sort(), Object.keys(required).sort())
  for (const name of names) t.is(imported[name], required[name], name)
  t.is(required.Mmap, Mmap)
  t.true(names.includes('mmap') && names.includes('ACCESS_READ') && names.includes('PAGESIZE'))
})

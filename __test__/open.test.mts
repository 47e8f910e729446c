// mmap(): every kind of file, every argument, and what a failure leaves behind.

import { constants as bufferConstants } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  Mmap,
  type MmapOptions,
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

// --- Misuse: lengths and offsets

const WRONG_EXTENTS: [value: unknown, kind: typeof TypeError | typeof RangeError, rest: string][] = [
  [Number.NaN, RangeError, 'The argument is out of range: "NAME" must be an integer. Received NaN'],
  [1.5, RangeError, 'The argument is out of range: "NAME" must be an integer. Received 1.5'],
  [Number.POSITIVE_INFINITY, RangeError, 'The argument is out of range: "NAME" must be an integer. Received Infinity'],
  [-1, RangeError, 'memory mapped NAME must be positive: "NAME" must be >= 0. Received -1'],
  [-1n, RangeError, 'memory mapped NAME must be positive: "NAME" must be >= 0. Received -1n'],
  [
    2 ** 53,
    RangeError,
    'The argument is out of range: "NAME" must be 0 to 9007199254740991. Received 9007199254740992',
  ],
  [1n << 70n, RangeError, 'The argument is out of range: "NAME" must be < 2 ** 63. Received 1180591620717411303424n'],
  ['5', TypeError, 'The "NAME" argument must be of type number or bigint. Received type string (\'5\')'],
  [null, TypeError, 'The "NAME" argument must be of type number or bigint. Received null'],
  [true, TypeError, 'The "NAME" argument must be of type number or bigint. Received type boolean (true)'],
  [[5], TypeError, 'The "NAME" argument must be of type number or bigint. Received an instance of Array'],
]

for (const name of ['length', 'offset']) {
  for (const [value, kind, text] of WRONG_EXTENTS) {
    test(`a ${name} of ${inspect(value)} is refused, and the error says that it is the ${name}`, (t) => {
      const path = scratchFile(t, 100)
      t.throws(() => (name === 'length' ? mmapWith(path, value) : mmapWith(path, 1, { offset: value })), {
        instanceOf: kind,
        code: kind === TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE',
        message: text.replaceAll('NAME', name),
      })
    })
  }
}

test('an offset that is no number exactly is refused, and not rounded', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 1, { offset: 2n ** 53n + 1n }), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message:
      'The argument is out of range: "offset" must be a bigint that is equal to a number, as all are up to 2 ** 53. ' +
      'Received 9007199254740993n',
  })
  t.throws(() => mmap(path, 1, { offset: 2n ** 53n }), { code: 'ERR_OUT_OF_RANGE', message: /^mmap length is greater/ })
})

test('a length that no address space has is out of range, not an error of the runtime', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 2n ** 63n - 1n), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is greater than file size/,
  })
})

test('a length that goes beyond the end of the file is refused, and says what would extend it', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 101), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is greater than file size.*100 bytes.*create: true/,
  })
  t.throws(() => mmap(path, 51, { offset: 50 }), { code: 'ERR_OUT_OF_RANGE', message: /^mmap length is greater than/ })
  t.is(statSync(path).size, 100)
})

test('an offset at or beyond the end of the file is refused', (t) => {
  const path = scratchFile(t, 100)
  for (const offset of [100, 101, 2 ** 53 - 1]) {
    t.throws(() => mmap(path, 0, { offset }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^mmap offset is greater than file size/,
    })
  }
})

test('an empty file with length 0 is refused', (t) => {
  const path = scratchFile(t, '')
  t.throws(() => mmap(path), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: `cannot mmap an empty file (\`allowEmpty: true\` maps it): '${path}'`,
  })
})

test('a path as long as a string can be is refused as any that is too long', (t) => {
  const longest = 'a'.repeat(bufferConstants.MAX_STRING_LENGTH)
  const error = t.throws(() => mmap(longest), { message: /a\.\.\.'$/ }) as NodeJS.ErrnoException
  t.is(error.path, longest)
  t.not(error.code, undefined)
})

test('what opening by a path refuses names the file', (t) => {
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

// --- Misuse: options

const WRONG_OPTIONS: [options: unknown, message: string][] = [
  [null, 'The "options" argument must be of type object. Received null'],
  [5, 'The "options" argument must be of type object. Received type number (5)'],
  ['r', 'The "options" argument must be of type object. Received type string (\'r\')'],
  [() => {}, 'The "options" argument must be of type object. Received a function'],
  [new Map([['access', 1]]), 'The "options" argument must be of type object. Received an instance of Map'],
  [new Set(['access']), 'The "options" argument must be of type object. Received an instance of Set'],
  [new Date(0), 'The "options" argument must be of type object. Received an instance of Date'],
  [Promise.resolve({}), 'The "options" argument must be of type object. Received an instance of Promise'],
  [{ access: '1' }, 'The "access" argument must be of type number. Received type string (\'1\')'],
  [{ access: 1n }, 'The "access" argument must be of type number. Received type bigint (1n)'],
  [{ access: null }, 'The "access" argument must be of type number. Received null'],
  [{ flags: '1' }, 'The "flags" argument must be of type number. Received type string (\'1\')'],
  [{ flags: [1] }, 'The "flags" argument must be of type number. Received an instance of Array'],
  [{ prot: true }, 'The "prot" argument must be of type number. Received type boolean (true)'],
  [{ prot: null }, 'The "prot" argument must be of type number. Received null'],
  [{ trackfd: 1 }, 'The "trackfd" argument must be of type boolean. Received type number (1)'],
  [{ trackfd: null }, 'The "trackfd" argument must be of type boolean. Received null'],
  [
    { create: 'yes' },
    'The "create" argument must be of type boolean, or an object with mode, exclusive, sparse. Received type string (\'yes\')',
  ],
  [{ allowEmpty: 0 }, 'The "allowEmpty" argument must be of type boolean. Received type number (0)'],
  [{ writeBack: 0 }, 'The "writeBack" argument must be of type boolean. Received type number (0)'],
  [{ tagname: 5 }, 'The "tagname" argument must be of type string. Received type number (5)'],
  [{ tagname: null }, 'The "tagname" argument must be of type string. Received null'],
  [{ tagname: Buffer.from('t') }, 'The "tagname" argument must be of type string. Received an instance of Buffer'],
]

for (const [options, message] of WRONG_OPTIONS) {
  test(`options ${inspect(options)} are of the wrong type`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE', message })
  })
}

for (const misspelt of ['acces', 'Access', 'tagName', 'trackFd', 'writeback', 'size', 'Shared']) {
  test(`the option "${misspelt}", which there is not, is named`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, { [misspelt]: undefined }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message:
        `The property "options.${misspelt}" is not an option of mmap. ` +
        'Options are length, access, offset, tagname, flags, prot, trackfd, create, writeBack, allowEmpty, sharedArrayBuffer',
    })
  })
}

test('mmap(file, options): the length is an option, and the argument may be left out', (t) => {
  const path = scratchFile(t, 'abcdefghij')
  const read = (map: Mmap): string => {
    const text = map.toString()
    map.close()
    return text
  }
  t.is(read(mmap(path, {})), 'abcdefghij')
  t.is(read(mmap(path, { access: ACCESS_READ, offset: 2 })), 'cdefghij')
  t.is(read(mmap(path, { length: 3, offset: 2n })), 'cde')
  t.is(read(mmap(path, { length: 4n })), 'abcd')
  t.is(read(mmap(path, undefined, { length: 5 })), 'abcde')
  t.is(read(mmap(path, 5, { length: undefined })), 'abcde')
  t.is(read(mmap(-1, { length: 2 })), '\0\0')
  t.is(read(new Mmap(path, { length: 6 })), 'abcdef')
})

test('a length that is given twice is refused, and so are options in two places', (t) => {
  const path = scratchFile(t, 'abcdefghij')
  const twice = /^The length must be given once, as the "length" argument or as the option of that name$/
  t.throws(() => mmapWith(path, 5, { length: 5 }), { code: 'ERR_INVALID_ARG_VALUE', message: twice })
  t.throws(() => mmapWith(path, {}, {}), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "length" argument must be of type number or bigint. Received an instance of Object',
  })
  t.throws(() => mmapWith(path, null), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "length" argument/ })
  t.throws(() => mmapWith(path, { length: '5' }), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "length" argument/ })
  t.throws(() => mmapWith(path, { length: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => mmapWith(path, AbortSignal.abort()), { code: 'ERR_INVALID_ARG_TYPE' })
})

for (const access of [4, -1, 255]) {
  test(`access ${access} is refused`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, { access }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^mmap invalid access parameter\./,
    })
  })
}

test('numbers that no C int holds are refused for access, flags and prot', (t) => {
  const path = scratchFile(t, 100)
  for (const name of ['access', 'flags', 'prot']) {
    for (const value of [0.5, Number.NaN, 2 ** 31, -(2 ** 31) - 1]) {
      t.throws(() => mmapWith(path, 1, { [name]: value }), {
        instanceOf: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: new RegExp(`"${name}" must be`),
      })
    }
  }
})

const CONTRADICTIONS: [what: string, file: 'file' | 'none', length: number, options: MmapOptions, message: RegExp][] = [
  ['a tagname with a file', 'file', 1, { tagname: 'memmap-test-open' }, /"tagname" names anonymous memory/],
  ['create without a length', 'file', 0, { create: true }, /"create" needs a "length"/],
  ['create with anonymous memory', 'none', 1, { create: true }, /"create" is for files/],
  [
    'writeBack with the default access',
    'file',
    0,
    { writeBack: true },
    /"writeBack" is for a file with access ACCESS_COPY/,
  ],
  ['writeBack with ACCESS_READ', 'file', 0, { writeBack: true, access: ACCESS_READ }, /"writeBack" is for/],
  ['writeBack with ACCESS_WRITE', 'file', 0, { writeBack: true, access: ACCESS_WRITE }, /"writeBack" is for/],
  ['writeBack with anonymous memory', 'none', 1, { writeBack: true, access: ACCESS_COPY }, /"writeBack" is for a file/],
  [
    'writeBack without a descriptor to write by',
    'file',
    0,
    { writeBack: true, access: ACCESS_COPY, trackfd: false },
    /"writeBack".*"trackfd"/,
  ],
]

for (const [what, file, length, options, message] of CONTRADICTIONS) {
  test(`${what} is a contradiction`, (t) => {
    const target = file === 'file' ? scratchFile(t, 100) : -1
    t.throws(() => mmap(target, length, options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE', message })
  })
}

onUnix('MAP_ANONYMOUS with a file is a contradiction', 'it has no MAP_ANONYMOUS', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 0, { flags: MAP_SHARED | MAP_ANONYMOUS }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /MAP_ANONYMOUS is for memory without a file/,
  })
})

onUnix('MAP_FIXED is refused: it would map over memory in use', 'it has no MAP_FIXED', (t) => {
  const path = scratchFile(t, 100)
  const MAP_FIXED = 0x10
  for (const file of [path, -1]) {
    t.throws(() => mmap(file, 100, { flags: MAP_SHARED | MAP_FIXED }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: /MAP_FIXED/,
    })
  }
})

onUnix('access and flags or prot exclude each other', 'it has no flags and prot', (t) => {
  const path = scratchFile(t, 100)
  const contradictions: MmapOptions[] = [
    { access: ACCESS_READ, flags: MAP_PRIVATE },
    { access: ACCESS_WRITE, prot: PROT_READ },
    { access: ACCESS_COPY, flags: MAP_PRIVATE, prot: PROT_READ | PROT_WRITE },
  ]
  for (const options of contradictions) {
    t.throws(() => mmap(path, 0, options), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: "mmap can't specify both access and flags, prot.",
    })
  }
  // As in CPython, naming the defaults says nothing.
  const map = mmap(path, 0, { access: ACCESS_READ, flags: MAP_SHARED, prot: PROT_READ | PROT_WRITE })
  t.is(map.access, ACCESS_READ)
  map.close()
})

onUnix('a tagname with MAP_PRIVATE is a contradiction', 'it has no flags', (t) => {
  t.throws(() => mmap(-1, 10, { tagname: 'memmap-test-open', flags: MAP_PRIVATE }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"tagname" is for sharing/,
  })
})

// --- Misuse: the file

for (const file of [undefined, null, true, 5n, {}, { fd: 3 }, [], () => {}, Symbol('path'), new ArrayBuffer(2)]) {
  test(`a file that is ${inspect(file)} is of the wrong type`, (t) => {
    t.throws(() => mmapWith(file, 10), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "file" argument must be a path, a file: URL, a descriptor, a FileHandle, or -1\. Received /,
    })
  })
}

test('another mapping, open or closed, is of the wrong type', (t) => {
  const other = mmap(scratchFile(t, 100))
  const expected = {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message: /^The "file" argument must be a path, .+ Received an instance of Mmap$/,
  }
  t.throws(() => mmapWith(other), expected)
  other.close()
  t.throws(() => mmapWith(other), expected)
})

for (const file of [1.5, Number.NaN, 2 ** 31]) {
  test(`a descriptor of ${file} is out of range`, (t) => {
    t.throws(() => mmap(file, 10), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^The argument is out of range: "file" must be/,
    })
  })
}

test('a path with a null byte is refused, as a string, a Buffer and a URL', (t) => {
  const path = scratchFile(t, 100)
  for (const file of [`${path}\0.txt`, Buffer.from(`${path}\0.txt`), new URL(`${pathToFileURL(path)}%00.txt`)]) {
    t.throws(() => mmap(file), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: /null bytes/,
    })
  }
})

test('a URL that is not of a file is refused', (t) => {
  t.throws(() => mmap(new URL('https://example.org/file')), { instanceOf: TypeError, code: 'ERR_INVALID_URL_SCHEME' })
})

test('a URL with escapes that are no UTF-8 is refused, and so is what only has the prototype of a URL', (t) => {
  t.throws(() => mmap(new URL('file:///%ff')), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => mmapWith(Object.create(URL.prototype)), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
})

test('a proxy that has been revoked is refused like any other object', (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const args of [[proxy], [-1, proxy], [-1, 10, proxy], [-1, 10, { offset: proxy }]]) {
    t.throws(() => mmapWith(...args), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('a path is the bytes that an array shows, whatever its properties say', (t) => {
  const path = scratchFile(t, 'the file')
  const lies = { includes: { value: () => false }, buffer: { value: new ArrayBuffer(8) }, length: { value: 1 } }
  using map = mmap(Object.defineProperties(new Uint8Array(Buffer.from(path)), lies))
  t.is(map.read().toString(), 'the file')
  const withNull = Object.defineProperties(new Uint8Array(Buffer.from(`${path}\0`)), lies)
  t.throws(() => mmap(withNull), { code: 'ERR_INVALID_ARG_VALUE', message: /null bytes/ })
})

test('a file that is missing is ENOENT, in the words of fs', (t) => {
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

test('an error has the path as fs has it, whatever the path was given as', (t) => {
  const path = join(scratchFolder(t), 'missing ü')
  const { message } = failureOf(() => openSync(path, 'r+'))
  for (const file of [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)]) {
    const error = failureOf(() => mmap(file))
    t.is(error.path, path)
    t.is(error.message, message)
  }
})

test('a path through a file is ENOTDIR, in the words of fs', (t) => {
  const path = join(scratchFile(t, 100), 'below')
  const ours = failureOf(() => mmap(path))
  const theirs = failureOf(() => openSync(path, 'r+'))
  t.deepEqual(shapeOf(ours), shapeOf(theirs))
  t.is(ours.message, theirs.message)
})

onUnix('a folder is EISDIR with the path', 'it opens no folder', (t) => {
  const path = scratchFolder(t)
  const writing = failureOf(() => mmap(path))
  t.deepEqual(shapeOf(writing), shapeOf(failureOf(() => openSync(path, 'r+'))))
  t.is(writing.code, 'EISDIR')
  const reading = failureOf(() => mmap(path, 0, { access: ACCESS_READ }))
  t.deepEqual([reading.code, reading.syscall, reading.path], ['EISDIR', 'mmap', path])
})

onUnix('a FIFO does not block the open, and is ENODEV', 'it has no FIFOs in folders', (t) => {
  const path = join(scratchFolder(t), 'fifo')
  execFileSync('mkfifo', [path])
  t.is(failureOf(() => mmap(path, 10, { access: ACCESS_READ })).code, 'ENODEV')
})

test('descriptors that are not open are EBADF', (t) => {
  for (const file of [-2, -(2 ** 31), 1_000_000]) {
    const error = failureOf(() => mmap(file, 10))
    t.is(error.code, 'EBADF')
    t.is(typeof error.syscall, 'string')
    t.false('path' in error)
  }
})

test('a FileHandle that is closed is EBADF, and not anonymous memory', async (t) => {
  const handle = await open(scratchFile(t, 100), 'r+')
  await handle.close()
  t.is(handle.fd, -1)
  t.is(failureOf(() => mmap(handle, 10)).code, 'EBADF')
})

test('a descriptor for reading gives no mapping that writes: EACCES', (t) => {
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

test('a length that no file can have is refused by its name', (t) => {
  const path = scratchFile(t, 'short')
  const asked: MmapOptions = { create: true, offset: 2n ** 62n }
  t.throws(() => mmap(path, 2n ** 62n, asked), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is too large: .*"length"/,
  })
  t.is(readFileSync(path, 'utf8'), 'short')
})

test('a descriptor for reading is enough for ACCESS_READ and ACCESS_COPY', (t) => {
  const path = scratchFile(t, 'read me')
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
    using map = mmap(fd, 0, { access })
    t.is(map.read().toString(), 'read me')
  }
})

onUnix(
  'a descriptor for writing only is EACCES, for mapped memory can be read',
  'it lets nothing be opened so',
  (t) => {
    const fd = openSync(scratchFile(t, 100), constants.O_WRONLY)
    t.teardown(() => closeSync(fd))
    for (const access of [ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY] as const) {
      t.is(failureOf(() => mmap(fd, 0, { access })).code, 'EACCES')
    }
  },
)

// --- What a failure leaves behind, and when options are read

onLinux('every refusal has a code, and leaves nothing open', 'it counts in /proc/self/fd', (t) => {
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

test('each option is read once', (t) => {
  const path = scratchFile(t, pattern(100))
  const read: string[] = []
  const values = {
    access: ACCESS_COPY,
    offset: 10,
    tagname: undefined,
    flags: undefined,
    prot: undefined,
    trackfd: true,
    create: false,
    writeBack: true,
    allowEmpty: false,
  }
  const options: MmapOptions = {}
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(options, name, {
      enumerable: true,
      get() {
        read.push(name)
        return value
      },
    })
  }
  const map = mmap(path, 20, options)
  t.deepEqual(read.sort(), Object.keys(values).sort())
  t.deepEqual([map.access, map.offset, map.length], [ACCESS_COPY, 10, 20])
  map.close()
})

test('options may be inherited, as from an object of defaults', (t) => {
  const path = scratchFile(t, 100)
  const defaults: MmapOptions = { access: ACCESS_READ }
  const options: MmapOptions = Object.create(defaults)
  using map = mmap(path, 0, options)
  t.is(map.access, ACCESS_READ)
})

onLinux('a getter that throws is passed on, before anything is opened', 'it counts in /proc/self/fd', (t) => {
  const folder = scratchFolder(t)
  const path = join(folder, 'never made')
  const before = openDescriptors()
  const options: MmapOptions = {
    create: true,
    get writeBack(): boolean {
      throw new Error('from the getter')
    },
  }
  t.throws(() => mmap(path, 100, options), { message: 'from the getter' })
  const handle = {
    stat() {},
    get fd(): number {
      throw new Error('from the handle')
    },
  }
  t.throws(() => mmapWith(handle, 100), { message: 'from the handle' })
  t.false(existsSync(path))
  t.deepEqual(openDescriptors(), before)
})

test('nothing of an argument is called to convert it', (t) => {
  const path = scratchFile(t, 100)
  const called: string[] = []
  const hostile = {
    valueOf: () => called.push('valueOf'),
    toString: () => called.push('toString'),
    [Symbol.toPrimitive]: () => called.push('toPrimitive'),
  }
  for (const args of [
    [hostile, 10],
    [path, { length: hostile }],
    [path, 10, { offset: hostile }],
    [path, 10, { access: hostile }],
    [path, 10, { flags: hostile }],
    [path, 10, { prot: hostile }],
    [path, 10, { create: { sparse: hostile } }],
    [path, 10, { create: { mode: hostile } }],
    [path, 10, { create: { exclusive: hostile } }],
    [-1, 10, { tagname: hostile }],
  ]) {
    t.throws(() => mmapWith(...args), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
  // What it has is no option.
  t.throws(() => mmapWith(path, hostile), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => mmapWith(path, 10, { create: hostile }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual(called, [])
})

test('an argument that cannot even be named is refused like any other', (t) => {
  const unnamed = Object.defineProperty(() => {}, 'name', { value: Symbol('no string') })
  const hostile = new Proxy(() => {}, {
    get() {
      throw new Error('from the proxy')
    },
  })
  for (const length of [unnamed, hostile]) {
    t.throws(() => mmapWith(-1, length), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

// --- Every kind of file

test('a path, as a string or a Buffer or any Uint8Array, and a URL, name the same file', (t) => {
  const path = join(scratchFolder(t), 'a name with % and ü')
  writeFileSync(path, 'the same file')
  for (const file of [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)]) {
    using map = mmap(file, 0, { access: ACCESS_READ })
    t.is(map.read().toString(), 'the same file')
  }
})

onLinux('a Buffer can be a path that is no UTF-8', 'its file systems take any bytes for a name', (t) => {
  const path = Buffer.concat([Buffer.from(`${scratchFolder(t)}/`), Buffer.from([0xff, 0xfe, 0x80])])
  writeFileSync(path, 'not UTF-8')
  using map = mmap(path)
  t.is(map.read().toString(), 'not UTF-8')
})

onUnix('a symbolic link is followed', 'making one needs a privilege', (t) => {
  const path = scratchFile(t, 'behind the link')
  const link = join(scratchFolder(t), 'link')
  symlinkSync(path, link)
  using map = mmap(link)
  map.write('BEHIND')
  t.is(readFileSync(path, 'utf8'), 'BEHIND the link')
})

test('a descriptor may be closed once it is mapped, and its position is not moved', (t) => {
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

test('a FileHandle may be closed once it is mapped, and is still usable until then', async (t) => {
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

onUnix('the descriptor of the mapping is another than the one that was given', 'there is none', (t) => {
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

test('the length is all the rest by default, and may be a bigint like the offset', (t) => {
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

test('what somebody has put into the prototype of all objects is no option', (t) => {
  const path = join(scratchFolder(t), 'missing')
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'create'))
  Object.defineProperty(Object.prototype, 'create', { value: true, configurable: true })
  t.throws(() => mmap(path, 10), { code: 'ENOENT' })
})

test('undefined is the same as nothing, for every option that all systems have', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, undefined, {
    access: undefined,
    offset: undefined,
    tagname: undefined,
    trackfd: undefined,
    create: undefined,
    writeBack: undefined,
    allowEmpty: undefined,
  })
  map.write('A')
  t.deepEqual([map.access, map.length, map.offset], [ACCESS_DEFAULT, 3, 0])
  t.is(readFileSync(path, 'utf8'), 'Abc')
})

onUnix(
  'undefined flags and prot are the same as none',
  'MAP_PRIVATE is undefined there, and must not be taken for none',
  (t) => {
    const path = scratchFile(t, 'abc')
    using map = mmap(path, undefined, { flags: undefined, prot: undefined })
    map.write('A')
    t.deepEqual([map.access, map.length], [ACCESS_DEFAULT, 3])
    t.is(readFileSync(path, 'utf8'), 'Abc')
  },
)

test('an empty tagname is none, also with a file', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { tagname: '' })
  t.is(map.read().toString(), 'abc')
})

test('new Mmap(...) and mmap(...) are the same', (t) => {
  const path = scratchFile(t, 'abc')
  using map = new Mmap(path, 2, { access: ACCESS_READ })
  using same = mmap(path, 2, { access: ACCESS_READ })
  t.is(map.read().toString(), same.read().toString())
  t.true(same instanceof Mmap)
  t.is(Object.getPrototypeOf(map), Object.getPrototypeOf(same))
})

test('a subclass is an Mmap too', (t) => {
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

onUnix('flags and prot give the access that CPython records', 'it has no flags and prot', (t) => {
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

// --- Offsets

test('any offset reads the right bytes and writes to the right place', (t) => {
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

test('bytes begin in their buffer where their alignment in the file puts them', (t) => {
  const path = scratchFile(t, pattern(PAGESIZE * 2))
  for (const offset of [0, 1, 4, 7, 8, 9, PAGESIZE - 1, PAGESIZE, PAGESIZE + 12]) {
    using map = mmap(path, 16, { offset })
    t.is(map.bytes.byteOffset, offset % 8)
    t.is(map.bytes.length, 16)
    t.is(map.bytes.buffer, map.buffer)
    t.is(map.buffer.byteLength, (offset % 8) + 16)
  }
})

test('a Float64Array lies where offset + byteOffset is a multiple of 8, and nowhere else', (t) => {
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

test('anonymous memory begins at its first byte whatever the offset, also for the alignment of views', (t) => {
  using map = mmap(-1, 64, { offset: 3 })
  t.deepEqual([map.length, map.offset, map.bytes.byteOffset], [64, 3, 0])
  map.setAt(8, 1)
  t.is(map.view(BigUint64Array, 8, 1)[0], 1n)
  t.throws(() => map.view(BigUint64Array, 5, 1), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
})

// --- The package

test('ES modules and CommonJS get the same names and the same class', (t) => {
  const required: Record<string, unknown> = createRequire(import.meta.url)('memmap')
  const imported: Record<string, unknown> = memmap
  const names = Object.keys(imported).filter((name) => name !== 'default' && name !== 'module.exports')
  t.deepEqual(names.sort(), Object.keys(required).sort())
  for (const name of names) t.is(imported[name], required[name], name)
  t.is(required.Mmap, Mmap)
  t.true(names.includes('mmap') && names.includes('ACCESS_READ') && names.includes('PAGESIZE'))
})

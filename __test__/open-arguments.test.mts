// What mmap() refuses of its arguments, and how it reads them.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import ava from 'ava'
import {
  ACCESS_COPY,
  ACCESS_DEFAULT,
  ACCESS_READ,
  ACCESS_WRITE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  Mmap,
  type MmapOptions,
  mmap,
  PROT_READ,
  PROT_WRITE,
} from 'memmap'
import { mmapWith } from './support/misuse.mjs'
import { onLinux, onUnix } from './support/platform.mjs'
import { openDescriptors, pattern, scratchFile, scratchFolder } from './support/portable.mjs'

const test = ava.serial

// --- Lengths and offsets

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
    test(`${name}: ${inspect(value)} is refused, and the error says that it is the ${name}`, (t) => {
      const path = scratchFile(t, 100)
      t.throws(() => (name === 'length' ? mmapWith(path, value) : mmapWith(path, 1, { offset: value })), {
        instanceOf: kind,
        code: kind === TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE',
        message: text.replaceAll('NAME', name),
      })
    })
  }
}

test('offset: a bigint that equals no number is refused, and not rounded', (t) => {
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

test('length: one that no address space has is out of range', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 2n ** 63n - 1n), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is greater than file size/,
  })
})

test('length: one beyond the end of the file is refused, and the error says what would extend it', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 101), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is greater than file size.*100 bytes.*create: true/,
  })
  t.throws(() => mmap(path, 51, { offset: 50 }), { code: 'ERR_OUT_OF_RANGE', message: /^mmap length is greater than/ })
  t.is(statSync(path).size, 100)
})

test('length: one that no file can have is refused by its name', (t) => {
  const path = scratchFile(t, 'short')
  const create: MmapOptions = { create: true, offset: 2n ** 62n }
  t.throws(() => mmap(path, 2n ** 62n, create), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: /^mmap length is too large: .*"length"/,
  })
  t.is(readFileSync(path, 'utf8'), 'short')
})

test('offset: one at or beyond the end of the file is refused', (t) => {
  const path = scratchFile(t, 100)
  for (const offset of [100, 101, 2 ** 53 - 1]) {
    t.throws(() => mmap(path, 0, { offset }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^mmap offset is greater than file size/,
    })
  }
})

test('length: 0 of an empty file is refused', (t) => {
  const path = scratchFile(t, '')
  t.throws(() => mmap(path), {
    instanceOf: RangeError,
    code: 'ERR_OUT_OF_RANGE',
    message: `cannot mmap an empty file (\`allowEmpty: true\` maps it): '${path}'`,
  })
})

test('length: it may be an option, and the argument may be left out', (t) => {
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

test('length: one in two places is refused, and so are options in two places', (t) => {
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

test('length: an argument that cannot even be named is refused like any other', (t) => {
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

// --- Options

const WRONG_OPTIONS: [options: unknown, message: string][] = [
  [null, 'The "options" argument must be of type object. Received null'],
  [5, 'The "options" argument must be of type object. Received type number (5)'],
  ['r', 'The "options" argument must be of type object. Received type string (\'r\')'],
  [() => {}, 'The "options" argument must be of type object. Received a function'],
  [new Map([['access', 1]]), 'The "options" argument must be of type object. Received an instance of Map'],
  [new Set(['access']), 'The "options" argument must be of type object. Received an instance of Set'],
  [new Date(0), 'The "options" argument must be of type object. Received an instance of Date'],
  [new ArrayBuffer(3), 'The "options" argument must be of type object. Received an instance of ArrayBuffer'],
  [new DataView(new ArrayBuffer(1)), 'The "options" argument must be of type object. Received an instance of DataView'],
  [new URL('file:///'), 'The "options" argument must be of type object. Received an instance of URL'],
  [
    Object.defineProperty(new Error('e'), 'stack', { value: 'Error: e' }),
    'The "options" argument must be of type object. Received an instance of Error',
  ],
  [/one/, 'The "options" argument must be of type object. Received an instance of RegExp'],
  [Object(1), 'The "options" argument must be of type object. Received an instance of Number'],
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
  test(`options: ${inspect(options)} has the wrong type`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE', message })
  })
}

for (const misspelt of ['acces', 'Access', 'tagName', 'trackFd', 'writeback', 'size', 'Shared']) {
  test(`options: the unknown name "${misspelt}" is refused and named`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, { [misspelt]: undefined }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message:
        `The property "options.${misspelt}" is not an option of mmap. ` +
        'Options are length, access, offset, tagname, shm, flags, prot, trackfd, create, writeBack, allowEmpty, sharedArrayBuffer',
    })
  })
}

for (const access of [4, -1, 255]) {
  test(`access: ${access} is refused`, (t) => {
    const path = scratchFile(t, 100)
    t.throws(() => mmapWith(path, 1, { access }), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^mmap invalid access parameter\./,
    })
  })
}

test('access, flags, prot: numbers that no C int holds are refused', (t) => {
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

test('options: each is read once', (t) => {
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

test('options: they may be inherited, as from an object of defaults', (t) => {
  const path = scratchFile(t, 100)
  const defaults: MmapOptions = { access: ACCESS_READ }
  const options: MmapOptions = Object.create(defaults)
  using map = mmap(path, 0, options)
  t.is(map.access, ACCESS_READ)
})

onLinux('options: what a getter throws is passed on, before anything is opened', 'it counts in /proc/self/fd', (t) => {
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

test('options: what is in the prototype of all objects is no option', (t) => {
  const path = join(scratchFolder(t), 'missing')
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'create'))
  Object.defineProperty(Object.prototype, 'create', { value: true, configurable: true })
  t.throws(() => mmap(path, 10), { code: 'ENOENT' })
})

test('options: undefined is the same as none, for those that all systems have', (t) => {
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
  'flags, prot: undefined is the same as none',
  'MAP_PRIVATE is undefined there, and must not be taken for none',
  (t) => {
    const path = scratchFile(t, 'abc')
    using map = mmap(path, undefined, { flags: undefined, prot: undefined })
    map.write('A')
    t.deepEqual([map.access, map.length], [ACCESS_DEFAULT, 3])
    t.is(readFileSync(path, 'utf8'), 'Abc')
  },
)

test('tagname: an empty one is none, also with a file', (t) => {
  const path = scratchFile(t, 'abc')
  using map = mmap(path, 0, { tagname: '' })
  t.is(map.read().toString(), 'abc')
})

// --- Contradictions

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
  test(`options: ${what} is a contradiction`, (t) => {
    const target = file === 'file' ? scratchFile(t, 100) : -1
    t.throws(() => mmap(target, length, options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE', message })
  })
}

onUnix('flags: MAP_ANONYMOUS with a file is a contradiction', 'it has no MAP_ANONYMOUS', (t) => {
  const path = scratchFile(t, 100)
  t.throws(() => mmap(path, 0, { flags: MAP_SHARED | MAP_ANONYMOUS }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /MAP_ANONYMOUS is for memory without a file/,
  })
})

onUnix('flags: MAP_FIXED is refused, because it would map over memory in use', 'it has no MAP_FIXED', (t) => {
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

onUnix('access: flags or prot beside it are a contradiction', 'it has no flags and prot', (t) => {
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
  // As in CPython, passing the defaults is no contradiction.
  const map = mmap(path, 0, { access: ACCESS_READ, flags: MAP_SHARED, prot: PROT_READ | PROT_WRITE })
  t.is(map.access, ACCESS_READ)
  map.close()
})

onUnix('tagname: MAP_PRIVATE beside it is a contradiction', 'it has no flags', (t) => {
  t.throws(() => mmap(-1, 10, { tagname: 'memmap-test-open', flags: MAP_PRIVATE }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"tagname" is for sharing/,
  })
})

// --- The file

for (const file of [undefined, null, true, 5n, {}, { fd: 3 }, [], () => {}, Symbol('path'), new ArrayBuffer(2)]) {
  test(`file: ${inspect(file)} has the wrong type`, (t) => {
    t.throws(() => mmapWith(file, 10), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "file" argument must be a path, a file: URL, a descriptor, a FileHandle, or -1\. Received /,
    })
  })
}

test('file: another mapping, open or closed, has the wrong type', (t) => {
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
  test(`file: a descriptor of ${file} is out of range`, (t) => {
    t.throws(() => mmap(file, 10), {
      instanceOf: RangeError,
      code: 'ERR_OUT_OF_RANGE',
      message: /^The argument is out of range: "file" must be/,
    })
  })
}

test('file: a null byte is refused in a string, a Buffer and a URL', (t) => {
  const path = scratchFile(t, 100)
  for (const file of [`${path}\0.txt`, Buffer.from(`${path}\0.txt`), new URL(`${pathToFileURL(path)}%00.txt`)]) {
    t.throws(() => mmap(file), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: /null bytes/,
    })
  }
})

test('file: a URL of another scheme is refused', (t) => {
  t.throws(() => mmap(new URL('https://example.org/file')), { instanceOf: TypeError, code: 'ERR_INVALID_URL_SCHEME' })
})

test('file: a URL whose escapes are no UTF-8, or with nothing but the prototype, is refused', (t) => {
  t.throws(() => mmap(new URL('file:///%ff')), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => mmapWith(Object.create(URL.prototype)), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
})

test('file, length, options: a revoked proxy is refused like any other object', (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const args of [[proxy], [-1, proxy], [-1, 10, proxy], [-1, 10, { offset: proxy }]]) {
    t.throws(() => mmapWith(...args), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('file: the path is the bytes of an array, whatever its properties say', (t) => {
  const path = scratchFile(t, 'the file')
  const lies = { includes: { value: () => false }, buffer: { value: new ArrayBuffer(8) }, length: { value: 1 } }
  using map = mmap(Object.defineProperties(new Uint8Array(Buffer.from(path)), lies))
  t.is(map.read().toString(), 'the file')
  const withNull = Object.defineProperties(new Uint8Array(Buffer.from(`${path}\0`)), lies)
  t.throws(() => mmap(withNull), { code: 'ERR_INVALID_ARG_VALUE', message: /null bytes/ })
})

test('file, length, options: nothing of an argument is called to convert it', (t) => {
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
  // The properties of this object are no options.
  t.throws(() => mmapWith(path, hostile), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => mmapWith(path, 10, { create: hostile }), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual(called, [])
})

// The package in a vm context, in which Jest runs everything. Its JavaScript is of that realm, but
// the errors of the native library are of the main one.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import ava from 'ava'
import type * as Memmap from 'memmap'
import { onUnix } from '../support/platform.mjs'
import { scratchFile } from '../support/portable.mjs'

const test = ava.serial
const require = createRequire(import.meta.url)

// The globals that Jest gives to its contexts. With jsdom, ArrayBuffer and Uint8Array, which Buffer
// extends, are not among them.
const JSDOM = { AbortSignal, Buffer, EventTarget, URL, clearInterval, process }
const NODE = { ...JSDOM, ArrayBuffer, Uint8Array }

/** Loads the package in a context of its own. */
function load(
  globals: object,
  binding: object = require('../every-runtime/binding.cjs'),
  modules: Record<string, object> = {},
): typeof Memmap {
  const exports = {}
  const file = require.resolve('../../index.js')
  const run = runInContext(`(function (exports, require) {${readFileSync(file, 'utf8')}\n})`, createContext(globals), {
    filename: file,
  })
  run(exports, (id: string) => (id.endsWith('.node') ? binding : (modules[id] ?? require(id))))
  return exports as typeof Memmap
}

test('mmap: an error of the operating system has the path in another realm, too', (t) => {
  const { mmap } = load({ ...NODE })
  t.throws(() => mmap('/nope'), {
    code: 'ENOENT',
    message: "ENOENT: no such file or directory, open '/nope'",
  })
  t.like(
    t.throws(() => mmap('/nope')),
    { path: '/nope' },
  )
})

test('signal: a task that is aborted in another realm ends with an AbortError', async (t) => {
  const { mmap } = load({ ...NODE })
  const map = mmap(-1, 2 ** 29)
  const controller = new AbortController()
  const promise = map.countAsync('needle', 0, undefined, { signal: controller.signal })
  controller.abort('enough')
  t.like(await t.throwsAsync(promise), { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' })
  map.unmap()
})

onUnix(
  'buffer: another realm has a SharedArrayBuffer, too, if the runtime refuses external memory',
  'it has no views then',
  (t) => {
    const refuse = (): Error => Object.assign(new Error('refused'), { code: 'ERR_MMAP_NO_VIEW' })
    const { mmap } = load({ ...NODE }, { ...require('../every-runtime/binding.cjs'), buffer: refuse })
    const map = mmap(-1, 5)
    map.write('bytes')
    t.is(Object.prototype.toString.call(map.buffer), '[object SharedArrayBuffer]')
    t.is(Buffer.from(map.bytes).toString(), 'bytes')
  },
)

test('view: the result is a Buffer, even if that extends the Uint8Array of another realm', (t) => {
  for (const globals of [NODE, JSDOM]) {
    const { mmap } = load({ ...globals })
    const view = mmap(-1, 5).view(Buffer)
    t.true(Buffer.isBuffer(view))
    t.is(view.length, 5)
  }
})

test('Symbol.dispose: the method has the symbol of Node where another realm has none', (t) => {
  const { Mmap, mmap } = load({ ...NODE })
  t.false('undefined' in Mmap.prototype)
  t.is(typeof Symbol.dispose, 'symbol')
  const map = mmap(-1, 5)
  map[Symbol.dispose]()
  t.true(map.closed)
})

/** Node 24 and newer give `Symbol.dispose` to every realm. */
const realmsHaveDispose = runInContext('Symbol.dispose', createContext({})) !== undefined
const whereRealmsHaveNone = realmsHaveDispose ? test.skip : test
if (realmsHaveDispose) console.log('Realms without Symbol.dispose: not run, since this Node gives it to every realm')

whereRealmsHaveNone(
  'Symbol.dispose: the method also has the symbol that compilers use, where a realm has none',
  (t) => {
    const { mmap } = load({ ...NODE })
    const map = mmap(-1, 5)
    Reflect.get(map, Symbol.for('Symbol.dispose')).call(map)
    t.true(map.closed)
  },
)

whereRealmsHaveNone('Symbol.dispose: the method has only the symbol of compilers where Node has none', (t) => {
  // Before 20.5 Node has no such function.
  const events = { ...require('node:events'), addAbortListener: undefined }
  const { Mmap } = load({ ...NODE }, undefined, { 'node:events': events })
  t.false('undefined' in Mmap.prototype)
  t.deepEqual(
    Object.getOwnPropertySymbols(Mmap.prototype)
      .map(String)
      .filter((name) => name.includes('dispose')),
    ['Symbol(Symbol.dispose)'],
  )
})

/**
 * A signal of a class that is not the runtime's, as in jsdom, happy-dom and polyfills. It records
 * which of its properties are read.
 */
class ForeignSignal {
  readonly read: string[] = []
  readonly listeners = new Set<() => void>()
  #aborted = false

  get aborted(): boolean {
    this.read.push('aborted')
    return this.#aborted
  }

  get reason(): unknown {
    return 'enough'
  }

  get addEventListener() {
    this.read.push('addEventListener')
    return (type: string, listener: () => void): void => {
      if (type === 'abort') this.listeners.add(listener)
    }
  }

  get removeEventListener() {
    this.read.push('removeEventListener')
    return (_type: string, listener: () => void): boolean => this.listeners.delete(listener)
  }

  abort(): void {
    this.#aborted = true
    for (const listener of this.listeners) listener()
  }
}

const asSignal = (signal: object): AbortSignal => signal as AbortSignal

test('signal: one of another class stops a task, and each property of it is read once', async (t) => {
  // In this realm, in one with the class of signals but another one of events, and in one that has
  // neither.
  const { AbortSignal: _signal, EventTarget: _target, ...without } = NODE
  const realms = [{ ...NODE }, { ...NODE, EventTarget: class {} }, without]
  for (const { mmap } of [require('../../index.js') as typeof Memmap, ...realms.map((globals) => load(globals))]) {
    const map = mmap(-1, 2 ** 29)
    const signal = new ForeignSignal()
    const promise = map.countAsync('needle', 0, undefined, { signal: asSignal(signal) })
    t.deepEqual(signal.read.toSorted(), ['aborted', 'addEventListener', 'removeEventListener'])
    t.is(signal.listeners.size, 1)
    signal.abort()
    t.like(await t.throwsAsync(promise), { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' })
    t.is(signal.listeners.size, 0)
    const again = map.countAsync('needle', 0, undefined, { signal: asSignal(signal) })
    t.like(await t.throwsAsync(again), { code: 'ABORT_ERR', cause: 'enough' })
    await t.throwsAsync(map.countAsync('needle', 0, undefined, asSignal(signal) as object), {
      code: 'ERR_INVALID_ARG_TYPE',
    })
    // The runtime's own signals are foreign there, where the realm has another class or none.
    const controller = new AbortController()
    const third = map.countAsync('needle', 0, undefined, { signal: controller.signal })
    controller.abort('enough')
    t.like(await t.throwsAsync(third), { code: 'ABORT_ERR', cause: 'enough' })
    map.unmap()
  }
})

test('signal: what its addEventListener throws ends the task, and no timer is left', async (t) => {
  const { mmap } = require('../../index.js') as typeof Memmap
  const map = mmap(-1, 2 ** 29)
  const thrown = new Error('no listeners')
  const signal = {
    aborted: false,
    addEventListener() {
      throw thrown
    },
    removeEventListener() {},
  }
  let reports = 0
  const onProgress = (): void => {
    reports += 1
  }
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  t.is(await t.throwsAsync(map.countAsync('needle', 0, undefined, { signal: asSignal(signal), onProgress })), thrown)
  t.is(timers(), before)
  t.is(reports, 0)
  map.unmap()
})

test('signal: an object that is no signal is refused before a task starts', async (t) => {
  const { mmap } = require('../../index.js') as typeof Memmap
  const map = mmap(-1, 5)
  const listens = { addEventListener() {}, removeEventListener() {} }
  const throwing = {
    ...listens,
    get aborted(): boolean {
      throw new Error('not to be asked')
    },
  }
  for (const signal of [{ aborted: false }, listens, { ...listens, aborted: 1 }, throwing]) {
    await t.throwsAsync(map.countAsync('needle', 0, undefined, { signal: asSignal(signal) }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "signal" argument must be an instance of AbortSignal/,
    })
  }
})

test('mmap: a file: URL of another class is accepted, and each property of it is read once', (t) => {
  const path = scratchFile(t, 'content')
  const { href } = pathToFileURL(path)
  const { URL: _url, ...without } = NODE
  for (const globals of [{ ...NODE }, { ...NODE, URL: class {} }, without]) {
    const { mmap } = load(globals)
    const read: string[] = []
    const url = new Proxy(
      { href, protocol: 'file:' },
      {
        get(target, name) {
          read.push(String(name))
          return Reflect.get(target, name)
        },
      },
    )
    t.is(
      mmap(url as URL)
        .slice(0, 4)
        .toString(),
      'cont',
    )
    t.deepEqual(read.toSorted(), ['auth', 'href', 'path', 'protocol'])
    t.is(mmap(new URL(href)).slice(0, 4).toString(), 'cont')
  }
})

test('mmap: a URL of another class that is no path is refused with a code', (t) => {
  const root = process.platform === 'win32' ? 'file:///C:/' : 'file:///'
  const cases = {
    'http://example.com/a': 'ERR_INVALID_URL_SCHEME',
    [`${root}a%00b`]: 'ERR_INVALID_ARG_VALUE',
    [`${root}%ff`]: 'ERR_INVALID_ARG_VALUE',
    'no URL': 'ERR_INVALID_ARG_VALUE',
  }
  for (const { mmap } of [require('../../index.js') as typeof Memmap, load({ ...NODE })]) {
    for (const [href, code] of Object.entries(cases)) {
      t.throws(() => mmap({ href, protocol: 'x:' } as URL), { code }, href)
    }
    // The result of url.parse, which fs refuses, too.
    const parsed = { href: 'file:///a', protocol: 'file:', auth: null, path: '/a' }
    t.throws(() => mmap(parsed as unknown as URL), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('toString, lines, stream: they work in another realm, too', async (t) => {
  for (const globals of [NODE, JSDOM]) {
    const { mmap } = load({ ...globals })
    const map = mmap(-1, 3 * 2 ** 20)
    map.set('héllo\nworld')
    t.is(map.toString('utf8', 0, 12), 'héllo\nworld')
    t.is(map.lines({ encoding: 'utf8' }).next().value, 'héllo')
    let length = 0
    for await (const piece of map) length += piece.length
    t.is(length, 3 * 2 ** 20)
    t.is((await new Response(map.stream()).arrayBuffer()).byteLength, 3 * 2 ** 20)
    map.close()
  }
})

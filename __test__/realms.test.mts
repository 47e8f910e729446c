// The package in a vm context, as Jest runs everything: its JavaScript is of that realm, the native library's errors are of the main one.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createContext, runInContext } from 'node:vm'
import ava from 'ava'
import type * as Memmap from 'memmap'
import { onUnix } from './platform.mjs'

const test = ava.serial
const require = createRequire(import.meta.url)

// What Jest gives to its contexts. With jsdom these are not among them: JavaScript's own classes of bytes, which Buffer extends.
const JSDOM = { AbortSignal, Buffer, EventTarget, URL, clearInterval, process }
const NODE = { ...JSDOM, ArrayBuffer, Uint8Array }

/** Loads the package in a context of its own. */
function load(
  globals: object,
  binding: object = require('./runtimes/binding.cjs'),
  modules: Record<string, object> = {},
): typeof Memmap {
  const exports = {}
  const file = require.resolve('../index.js')
  const run = runInContext(`(function (exports, require) {${readFileSync(file, 'utf8')}\n})`, createContext(globals), {
    filename: file,
  })
  run(exports, (id: string) => (id.endsWith('.node') ? binding : (modules[id] ?? require(id))))
  return exports as typeof Memmap
}

test('an error of the operating system has the path in another realm, too', (t) => {
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

test('a task that is aborted in another realm says so as fs does', async (t) => {
  const { mmap } = load({ ...NODE })
  const map = mmap(-1, 2 ** 29)
  const controller = new AbortController()
  const promise = map.countAsync('needle', 0, undefined, { signal: controller.signal })
  controller.abort('enough')
  t.like(await t.throwsAsync(promise), { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' })
  map.unmap()
})

onUnix('where the runtime refuses, another realm has a SharedArrayBuffer, too', 'it has no views then', (t) => {
  const refuse = (): never => {
    throw Object.assign(new Error('refused'), { code: 'ERR_MMAP_NO_VIEW' })
  }
  const { mmap } = load({ ...NODE }, { ...require('./runtimes/binding.cjs'), buffer: refuse })
  const map = mmap(-1, 5)
  map.write('bytes')
  t.is(Object.prototype.toString.call(map.buffer), '[object SharedArrayBuffer]')
  t.is(Buffer.from(map.bytes).toString(), 'bytes')
})

test('a view is a Buffer, also where that extends the Uint8Array of another realm', (t) => {
  for (const globals of [NODE, JSDOM]) {
    const { mmap } = load({ ...globals })
    const view = mmap(-1, 5).view(Buffer)
    t.true(Buffer.isBuffer(view))
    t.is(view.length, 5)
  }
})

test('the method for `using` has the symbol that Node has, where another realm has none', (t) => {
  const { Mmap, mmap } = load({ ...NODE })
  t.false('undefined' in Mmap.prototype)
  t.is(typeof Symbol.dispose, 'symbol')
  const map = mmap(-1, 5)
  map[Symbol.dispose]()
  t.true(map.closed)
})

test('there is no method for `using` where there is no symbol', (t) => {
  const context = createContext({})
  if (runInContext('Symbol.dispose', context) !== undefined) {
    t.log(`not run: Node ${process.versions.node} gives the symbol to every realm`)
    t.pass()
    return
  }
  // Before 20.5 Node has no such function.
  const events = { ...require('node:events'), addAbortListener: undefined }
  const { Mmap } = load({ ...NODE }, undefined, { 'node:events': events })
  t.false('undefined' in Mmap.prototype)
  t.deepEqual(
    Object.getOwnPropertySymbols(Mmap.prototype)
      .map(String)
      .filter((name) => name.includes('dispose')),
    [],
  )
})

// Node's permission model: mmap does nothing that `fs` may not do.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { scratchFolder } from './support/portable.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const FLAG = Number.parseInt(process.versions.node, 10) < 22 ? '--experimental-permission' : '--permission'

/**
 * Prints how each attempt ends, in a process that may read one folder, and read and write another.
 */
const SCRIPT = `
const fs = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const memmap = require(process.argv[2])
const { mmap } = memmap
const folder = process.argv[3]
const attempt = (run) => {
  try {
    run()
    return 'done'
  } catch ({ code, name, permission, resource }) {
    return { code, name, permission, resource }
  }
}
const results = {}
process.chdir(join(folder, 'read'))
for (const place of ['none', 'read', 'both']) {
  const path = join(folder, place, 'file')
  const made = (name) => join(folder, place, name)
  results[place] = {
    fsRead: attempt(() => fs.openSync(path, 'r')),
    fsWrite: attempt(() => fs.openSync(path, 'r+')),
    read: attempt(() => mmap(path, 0, { access: memmap.ACCESS_READ })),
    copy: attempt(() => mmap(path, 0, { access: memmap.ACCESS_COPY })),
    write: attempt(() => mmap(path)),
    writeBack: attempt(() => mmap(path, 0, { access: memmap.ACCESS_COPY, writeBack: true })),
    create: attempt(() => mmap(made('made'), 5, { create: true })),
    bytes: attempt(() => mmap(Buffer.from(path), 0, { access: memmap.ACCESS_READ })),
    url: attempt(() => mmap(pathToFileURL(path), 0, { access: memmap.ACCESS_READ })),
    relative: attempt(() => mmap('../' + place + '/file', 0, { access: memmap.ACCESS_READ })),
    ...(memmap.MAP_PRIVATE === undefined ? {} : {
      private: attempt(() => mmap(path, 0, { flags: memmap.MAP_PRIVATE })),
      shared: attempt(() => mmap(path, 0, { flags: memmap.MAP_SHARED })),
      sharedRead: attempt(() => mmap(path, 0, { prot: memmap.PROT_READ })),
    }),
  }
}
results.anonymous = attempt(() => mmap(-1, 5))
results.shm = attempt(() => mmap(-1, { shm: 'memmap-test-none', access: memmap.ACCESS_READ }))
results.unlinkShm = attempt(() => memmap.unlinkShm('memmap-test-none'))
results.descriptor = attempt(() => mmap(fs.openSync(join(folder, 'read/file')), 0, { access: memmap.ACCESS_READ }))
console.log(JSON.stringify(results))`

type Outcome = 'done' | { code: string; name: string; permission: string; resource: string }
type Outcomes = Record<string, Outcome>

test('mmap: under --permission it reads, writes and creates only what fs may', (t) => {
  const folder = scratchFolder(t)
  for (const place of ['none', 'read', 'both']) {
    mkdirSync(join(folder, place))
    writeFileSync(join(folder, place, 'file'), 'content')
  }
  writeFileSync(join(folder, 'script.cjs'), SCRIPT)
  const reads = [join(root, '*'), join(folder, 'script.cjs'), join(folder, 'read/*'), join(folder, 'both/*')]
  const flags = [FLAG, '--allow-addons', `--allow-fs-write=${join(folder, 'both/*')}`]
  for (const path of reads) flags.push(`--allow-fs-read=${path}`)
  const output = execFileSync(process.execPath, [...flags, join(folder, 'script.cjs'), root, folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const results = JSON.parse(output) as Record<'none' | 'read' | 'both', Outcomes> & Outcomes
  const onlyRead = ['read', 'copy', 'bytes', 'url', 'relative', 'private', 'sharedRead']
  const place = (name: string) => join(folder, name, 'file')

  t.is(results.anonymous, 'done')
  t.is(results.descriptor, 'done')
  if (process.platform === 'linux') {
    // There it is a file.
    for (const outcome of [results.shm, results.unlinkShm]) {
      t.deepEqual(outcome, { ...(results.none.fsRead as object), resource: '/dev/shm/memmap-test-none' } as Outcome)
    }
  }
  for (const [name, outcome] of Object.entries(results.both)) t.is(outcome, 'done', name)
  const { fsRead, fsWrite, ...ours } = results.none
  for (const [name, outcome] of Object.entries(ours)) {
    const resource =
      name === 'create' ? join(folder, 'none/made') : name === 'relative' ? '../none/file' : place('none')
    t.deepEqual(outcome, { ...(fsRead as object), resource } as Outcome, name)
  }
  for (const [name, outcome] of Object.entries(results.read)) {
    if (name === 'fsRead' || name === 'fsWrite') continue
    const resource = name === 'create' ? join(folder, 'read/made') : place('read')
    const expected = onlyRead.includes(name) ? 'done' : ({ ...(results.read.fsWrite as object), resource } as Outcome)
    t.deepEqual(outcome, expected, name)
  }
  t.like(fsRead, { code: 'ERR_ACCESS_DENIED', permission: 'FileSystemRead' })
  t.like(fsWrite, { code: 'ERR_ACCESS_DENIED' })
  t.false(existsSync(join(folder, 'none/made')))
  t.false(existsSync(join(folder, 'read/made')))
  t.true(existsSync(join(folder, 'both/made')))
})

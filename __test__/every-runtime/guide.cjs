// The first steps of a program: the package by its name, its constants, and the flows of the guide.

const assert = require('node:assert/strict')
const { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const memmap = require('../../index.js')
const { outputOf } = require('./others.cjs')
const { scratchFile, scratchFolder } = require('./scratch.cjs')

const { ACCESS_READ, mmap } = memmap
const root = join(__dirname, '../..')

/**
 * Makes a project in whose node_modules `install` puts the package, and loads it by its name from
 * both kinds of modules.
 */
async function useByName(install) {
  const folder = scratchFolder()
  mkdirSync(join(folder, 'node_modules'))
  install(join(folder, 'node_modules/memmap'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: { memmap: '*' } }))
  const required = join(folder, 'required.cjs')
  const imported = join(folder, 'imported.mjs')
  writeFileSync(required, `const { ACCESS_COPY, Mmap, mmap, PAGESIZE } = require('memmap')\n${USE}`)
  writeFileSync(imported, `import { ACCESS_COPY, Mmap, mmap, PAGESIZE } from 'memmap'\n${USE}`)
  for (const script of [required, imported]) {
    assert.equal(await outputOf(script, [], { cwd: folder }), 'hello true 3')
  }
}

/** Installs as `npm install` of the published package does. */
function copyPackage(target) {
  mkdirSync(target)
  const library = readdirSync(root).find((name) => name.endsWith('.node'))
  for (const name of ['package.json', 'index.js', library]) copyFileSync(join(root, name), join(target, name))
}

/** Installs as `npm install` of a folder, `npm link` and workspaces do. */
const linkPackage = (target) => symlinkSync(root, target, 'junction')

const USE = `const map = mmap(-1, 10)
map.write('hello')
console.log(map.slice(0, 5).toString(), new Mmap(-1, PAGESIZE).length === PAGESIZE, ACCESS_COPY)`

module.exports = {
  'the package by its name': () => useByName(copyPackage),

  'the package by its name, through a link': () => useByName(linkPackage),

  constants: () => {
    const { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_WRITE, ALLOCATIONGRANULARITY, MAX_VIEW_LENGTH, PAGESIZE } = memmap
    assert.deepEqual([ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY], [0, 1, 2, 3])
    assert.ok(Number.isInteger(Math.log2(PAGESIZE)) && PAGESIZE >= 4096)
    assert.equal(ALLOCATIONGRANULARITY % PAGESIZE, 0)
    assert.ok(Number.isSafeInteger(MAX_VIEW_LENGTH) && MAX_VIEW_LENGTH >= 2 ** 32)
    if (process.platform === 'win32') return
    assert.deepEqual([memmap.PROT_READ, memmap.PROT_WRITE, memmap.MAP_SHARED, memmap.MAP_PRIVATE], [1, 2, 1, 2])
    const map = mmap(-1, PAGESIZE, { flags: memmap.MAP_PRIVATE, prot: memmap.PROT_READ | memmap.PROT_WRITE })
    map.madvise(memmap.MADV_WILLNEED)
    map.close()
  },

  'read and write a file': () => {
    const path = scratchFile('Hello World!\nThis is a memory-mapped file.\n')
    const map = mmap(path)
    assert.equal(map.readLine().toString(), 'Hello World!\n')
    assert.equal(map.slice(0, 5).toString(), 'Hello')
    assert.deepEqual([map.find('memory'), map.rfind('\n')], [23, 42])
    // This uses another mapping, because Windows cannot shorten a file that has a view.
    const viewed = mmap(path)
    assert.equal(viewed.bytes.at(-1), 10)
    viewed.unmap()
    map.setSlice('Earth', 6, 11)
    map.seek(0)
    map.write('HELLO')
    map.flush()
    map.resize(12)
    assert.equal(map.size(), 12)
    map.close()
    assert.equal(readFileSync(path, 'utf8'), 'HELLO Earth!')
  },

  'find and replace': () => {
    const line = 'a function calls another function\n'
    const path = scratchFile(line.repeat(20_000))
    const map = mmap(path)
    let replaced = 0
    for (let at = map.find('function', 0); at !== -1; at = map.find('function', at + 8)) {
      map.setSlice('FUNCTION', at, at + 8)
      replaced += 1
    }
    map.flush()
    map.close()
    assert.equal(replaced, 40_000)
    assert.equal(readFileSync(path, 'latin1'), line.replaceAll('function', 'FUNCTION').repeat(20_000))
  },
}

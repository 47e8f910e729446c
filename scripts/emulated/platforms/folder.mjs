// Makes a folder in which a runtime of another platform can run the tests. It contains the package,
// the binary for that platform, and the tests and examples. Those are plain JavaScript, because tsx
// contains a program for this platform only. ava is found in the node_modules above the folder.

import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, extname, join } from 'node:path'
import { packageJson, root } from '../../setup.mjs'
import { FOLDER } from './obtain.mjs'

const WITH_TYPES = '.mts'

/**
 * This file is not run on other platforms, because it tests what npm packs, with this machine's
 * npm.
 */
export const LEFT_OUT = join('package', 'package.test.mts')

/** Makes the folder for `library` anew and returns its path. */
export function makeFolder(library) {
  const folder = join(FOLDER, 'stages', basename(library, '.node'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of ['cli.js', 'index.js']) copyFileSync(join(root, name), join(folder, name))
  copyFileSync(library, join(folder, basename(library)))
  // The tests run what they show.
  copyFileSync(join(root, 'README.md'), join(folder, 'README.md'))
  cpSync(join(root, 'docs'), join(folder, 'docs'), { recursive: true })
  const ava = { files: ['__test__/**/*.test.mjs'], workerThreads: false, timeout: '10m' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...packageJson(), ava }))
  for (const name of ['__test__', 'examples']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => extname(path) !== WITH_TYPES })
    transpile(join(root, name), join(folder, name))
  }
  return folder
}

function transpile(from, to) {
  const typescript = createRequire(import.meta.url)('typescript')
  const compilerOptions = { target: 'es2022', module: 'esnext' }
  for (const name of readdirSync(from, { recursive: true })) {
    if (extname(name) !== WITH_TYPES || name === LEFT_OUT) continue
    const { outputText } = typescript.transpileModule(readFileSync(join(from, name), 'utf8'), { compilerOptions })
    writeFileSync(join(to, name.replace(WITH_TYPES, '.mjs')), outputText)
  }
}

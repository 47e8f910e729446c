// Makes the archive of the guest's files, which the guest keeps in memory: this machine's Node and
// the libraries it needs, the package, and the scenarios.

import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeLibrary, root } from '../../setup.mjs'
import { obtain } from '../platforms/obtain.mjs'
import { busybox, FOLDER } from './obtain.mjs'

const FILES = join(FOLDER, 'files')
const INIT = fileURLToPath(new URL('init.sh', import.meta.url))

/**
 * Makes the archive anew and returns its path.
 * @param plan for each scenario the value of vm.overcommit_memory, its script and its name
 * @param secondsAllowed the time limit of each scenario
 */
export function makeInitrd(plan, secondsAllowed) {
  rmSync(FILES, { recursive: true, force: true })
  for (const name of ['bin', 'usr/bin', 'proc', 'sys', 'dev', 'tmp', 'memmap'])
    mkdirSync(join(FILES, name), { recursive: true })

  const shell = busybox()
  add(shell, 'bin/busybox')
  chmodSync(join(FILES, 'bin/busybox'), 0o755)
  symlinkSync('busybox', join(FILES, 'bin/sh'))
  add(process.execPath, 'usr/bin/node')

  const library = nativeLibrary()
  for (const name of ['package.json', 'index.js', library]) add(join(root, name), `memmap/${name}`)
  cpSync(join(root, '__test__/every-runtime'), join(FILES, 'memmap/__test__/every-runtime'), { recursive: true })
  for (const path of librariesOf([process.execPath, join(root, library)])) add(path, path)

  add(INIT, 'init')
  chmodSync(join(FILES, 'init'), 0o755)
  writeFileSync(join(FILES, 'settings'), `SECONDS_ALLOWED=${secondsAllowed}\n`)
  writeFileSync(
    join(FILES, 'plan'),
    plan.map(({ accounting, script, name }) => `${accounting}\t${script}\t${name}\n`).join(''),
  )

  const archive = join(FOLDER, 'initrd')
  obtain('sh', ['-c', 'find . | "$0" cpio -o -H newc > "$1"', shell, archive], { cwd: FILES })
  rmSync(FILES, { recursive: true })
  return archive
}

function add(from, to) {
  const target = join(FILES, to)
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(from, target)
}

/** The shared libraries that programs need, and the loader of those. */
function librariesOf(programs) {
  const paths = programs.flatMap((program) => {
    const lines = obtain('ldd', [program]).split('\n')
    return lines.map((line) => /(?:=> |^\s+)(?<path>\/\S+) \(/.exec(line)?.groups?.path)
  })
  return new Set(paths.filter((path) => path !== undefined))
}

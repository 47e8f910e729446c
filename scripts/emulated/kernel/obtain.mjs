// Obtains the parts of the guest: qemu as a package of the system, and in target/kernel the kernel
// of Debian 12 and a small shell. It fetches only missing ones, and throws Unobtainable if it
// cannot.

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, spawn } from '../../setup.mjs'
import { obtain, once, packages, refreshLists, Unobtainable } from '../platforms/obtain.mjs'

export const FOLDER = join(root, 'target/kernel')

/** This package depends on Debian's newest kernel for virtual machines. */
const NEWEST_KERNEL = 'linux-image-cloud-amd64'
const VERSION = '6.1'

/** The emulator of a whole machine. */
export function qemu() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Unobtainable('this is not x64 Linux')
  packages('qemu-system-x86')
  return 'qemu-system-x86_64'
}

export function kernel() {
  return fromPackage('kernel', `Linux ${VERSION}`, () => {
    const { stdout } = spawn('apt-cache', ['depends', NEWEST_KERNEL])
    const name = /Depends: (linux-image-\S+)/.exec(stdout ?? '')?.[1] ?? ''
    if (name.startsWith(`linux-image-${VERSION}.`)) return { name, folder: 'boot', file: 'vmlinuz-' }
    throw new Unobtainable(`Linux ${VERSION}: ${NEWEST_KERNEL} is ${name === '' ? 'missing' : name}`)
  })
}

export function busybox() {
  return fromPackage('busybox', 'busybox', () => ({ name: 'busybox-static', folder: 'bin', file: 'busybox' }))
}

/** Extracts one file of a package of Debian, without installing the package. */
function fromPackage(result, what, find) {
  return once(join(FOLDER, result), what, () => {
    // Only root can refresh the lists. Other users use them as they are.
    if (process.getuid?.() === 0) refreshLists()
    const { name, folder, file } = find()
    const unpacked = join(FOLDER, 'unpacked')
    rmSync(unpacked, { recursive: true, force: true })
    mkdirSync(unpacked, { recursive: true })
    obtain('apt-get', ['download', '-qq', name], { cwd: unpacked })
    const deb = readdirSync(unpacked).find((one) => one.endsWith('.deb')) ?? ''
    obtain('dpkg', ['-x', join(unpacked, deb), unpacked])
    const from = join(unpacked, folder)
    const found = existsSync(from) ? readdirSync(from).find((one) => one.startsWith(file)) : undefined
    if (found === undefined) throw new Unobtainable(`${what}: ${name} does not contain ${folder}/${file}`)
    copyFileSync(join(from, found), join(FOLDER, result))
    rmSync(unpacked, { recursive: true })
  })
}

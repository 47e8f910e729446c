// What Linux says that this process has open, and has mapped. On other systems the functions return
// nothing, because these do not say it.

const { readdirSync, readFileSync, readlinkSync } = require('node:fs')
const { CannotBe } = require('./runtime.cjs')

const onLinux = process.platform === 'linux'

/** For scenarios that are about nothing else. */
function needsLinux() {
  if (!onLinux) throw new CannotBe('it reads /proc, which only Linux has')
}

function mapLines() {
  return onLinux ? readFileSync('/proc/self/maps', 'utf8').split('\n') : []
}

/**
 * How many regions of memory are mapped from `path`. The path of a file without a name is
 * `/memfd:memmap (deleted)`.
 */
function mapsOf(path) {
  return mapLines().filter((line) => line.endsWith(` ${path}`)).length
}

/** How many stretches of memory are mapped at all. */
function allMaps() {
  return mapLines().length
}

/** What the open descriptors are. */
function openDescriptors() {
  if (!onLinux) return []
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      // The one by which the folder itself was read.
      return []
    }
  })
}

/** How many descriptors lead to `path`. */
function descriptorsOf(path) {
  return openDescriptors().filter((target) => target === path).length
}

/** How many mappings the system allows a process. */
function mostMaps() {
  needsLinux()
  return Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'))
}

module.exports = { allMaps, descriptorsOf, mapsOf, mostMaps, needsLinux, openDescriptors }

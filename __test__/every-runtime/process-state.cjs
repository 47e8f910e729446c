// The open descriptors and the mappings of this process, according to Linux. On other systems the
// lists are empty, and the numbers 0.

const { readdirSync, readFileSync, readlinkSync } = require('node:fs')
const { CannotBe } = require('./runtime.cjs')

const onLinux = process.platform === 'linux'

/** For scenarios that cannot check anything else. */
function needsLinux() {
  if (!onLinux) throw new CannotBe('it reads /proc, which only Linux has')
}

function mapLines() {
  return onLinux ? readFileSync('/proc/self/maps', 'utf8').split('\n') : []
}

/**
 * The number of kernel mappings of `path`. The path of a file without a name is `/memfd:memmap
 * (deleted)`.
 */
function mapsOf(path) {
  return mapLines().filter((line) => line.endsWith(` ${path}`)).length
}

/** The number of all kernel mappings. */
function allMaps() {
  return mapLines().length
}

/** The targets of the open descriptors. */
function openDescriptors() {
  if (!onLinux) return []
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      // This is the descriptor that the folder itself was read with.
      return []
    }
  })
}

/** The number of open descriptors of `path`. */
function descriptorsOf(path) {
  return openDescriptors().filter((target) => target === path).length
}

/** The greatest number of kernel mappings that a process can have. */
function mostMaps() {
  needsLinux()
  return Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'))
}

module.exports = { allMaps, descriptorsOf, mapsOf, mostMaps, needsLinux, openDescriptors }

// CPython's constants. The values of the operating system's constants come from native code when
// the package is loaded.

import { constants as bufferConstants } from 'node:buffer'
import binding from './binding.js'

/** Access as in `flags` and `prot`. Without those, read and write through to the file. */
export const ACCESS_DEFAULT = 0
/** Methods only read. A store through a view changes private memory and never the file. */
export const ACCESS_READ = 1
/** Read and write through to the file. */
export const ACCESS_WRITE = 2
/** Read and write. Changes stay in this mapping. */
export const ACCESS_COPY = 3

/** Bytes in a page of memory. */
export const PAGESIZE: number = binding.pageSize()
/** Bytes. The operating system maps at multiples of this offset, but `mmap` accepts any offset. */
export const ALLOCATIONGRANULARITY: number = binding.allocationGranularity()
/**
 * Bytes in the longest single view on this runtime. It is 4 GiB on Node 20 and Bun. Mappings may be
 * longer.
 */
export const MAX_VIEW_LENGTH: number = bufferConstants.MAX_LENGTH

const system: Readonly<Record<string, number | undefined>> = binding.constants()

/**
 * A constant that every Unix has. Its type is number, as that of such constants of Node, although
 * it is undefined on Windows.
 */
function posix(name: string): number {
  return system[name] as number
}

// --- Constants of every Unix. Each says that it is undefined on Windows, because its type does
// not.

/** Pages may be read. Undefined on Windows. */
export const PROT_READ: number = posix('PROT_READ')
/** Pages may be written. Undefined on Windows. */
export const PROT_WRITE: number = posix('PROT_WRITE')
/** Pages may be executed. Undefined on Windows. */
export const PROT_EXEC: number = posix('PROT_EXEC')
/** Changes go to the file. Undefined on Windows. */
export const MAP_SHARED: number = posix('MAP_SHARED')
/** Changes stay in the mapping. Undefined on Windows. */
export const MAP_PRIVATE: number = posix('MAP_PRIVATE')
/** Memory without a file. Undefined on Windows. */
export const MAP_ANON: number = posix('MAP_ANON')
/** Memory without a file. Undefined on Windows. */
export const MAP_ANONYMOUS: number = posix('MAP_ANONYMOUS')
/** No special use is expected. Undefined on Windows. */
export const MADV_NORMAL: number = posix('MADV_NORMAL')
/** Reads are expected in random order, so the system reads ahead little. Undefined on Windows. */
export const MADV_RANDOM: number = posix('MADV_RANDOM')
/** Reads are expected in order, so the system reads ahead much. Undefined on Windows. */
export const MADV_SEQUENTIAL: number = posix('MADV_SEQUENTIAL')
/** The range will be needed soon. Undefined on Windows. */
export const MADV_WILLNEED: number = posix('MADV_WILLNEED')
/**
 * The range will not be needed soon. On Linux private changes in it are lost. Undefined on Windows.
 */
export const MADV_DONTNEED: number = posix('MADV_DONTNEED')
/** Wait until the changes are written. Undefined on Windows. */
export const MS_SYNC: number = posix('MS_SYNC')
/** Do not wait until the changes are written. Undefined on Windows. */
export const MS_ASYNC: number = posix('MS_ASYNC')
/** Update other mappings of the file with its contents. Undefined on Windows. */
export const MS_INVALIDATE: number = posix('MS_INVALIDATE')

// --- Constants of some systems. They are undefined on others.

/** Linux. */
export const MAP_DENYWRITE: number | undefined = system.MAP_DENYWRITE
/** Linux. */
export const MAP_EXECUTABLE: number | undefined = system.MAP_EXECUTABLE
/** Linux, macOS: reserve no swap space. */
export const MAP_NORESERVE: number | undefined = system.MAP_NORESERVE
/** Linux: bring the pages in now. */
export const MAP_POPULATE: number | undefined = system.MAP_POPULATE
/** Linux, FreeBSD. */
export const MAP_STACK: number | undefined = system.MAP_STACK
/** Linux on x86, FreeBSD: an address below 2 GiB. */
export const MAP_32BIT: number | undefined = system.MAP_32BIT
/** FreeBSD. */
export const MAP_ALIGNED_SUPER: number | undefined = system.MAP_ALIGNED_SUPER
/** OpenBSD, for which there is no build yet: undefined everywhere. */
export const MAP_CONCEAL: number | undefined = system.MAP_CONCEAL
/** macOS, FreeBSD. */
export const MAP_HASSEMAPHORE: number | undefined = system.MAP_HASSEMAPHORE
/** macOS. */
export const MAP_JIT: number | undefined = system.MAP_JIT
/** macOS. */
export const MAP_NOCACHE: number | undefined = system.MAP_NOCACHE
/** macOS. */
export const MAP_NOEXTEND: number | undefined = system.MAP_NOEXTEND
/** macOS. */
export const MAP_RESILIENT_CODESIGN: number | undefined = system.MAP_RESILIENT_CODESIGN
/** macOS. */
export const MAP_RESILIENT_MEDIA: number | undefined = system.MAP_RESILIENT_MEDIA
/** macOS. */
export const MAP_TPRO: number | undefined = system.MAP_TPRO
/** macOS. */
export const MAP_TRANSLATED_ALLOW_EXECUTE: number | undefined = system.MAP_TRANSLATED_ALLOW_EXECUTE
/** macOS. */
export const MAP_UNIX03: number | undefined = system.MAP_UNIX03
/** Linux, macOS, FreeBSD: the pages' contents may be dropped. */
export const MADV_FREE: number | undefined = system.MADV_FREE
/** Linux: free the range and its part of the file. */
export const MADV_REMOVE: number | undefined = system.MADV_REMOVE
/** Linux. */
export const MADV_DONTFORK: number | undefined = system.MADV_DONTFORK
/** Linux. */
export const MADV_DOFORK: number | undefined = system.MADV_DOFORK
/** Linux, as root: treat the pages as broken memory. Touching them afterwards is fatal. */
export const MADV_HWPOISON: number | undefined = system.MADV_HWPOISON
/** Linux: pages with the same contents may be merged. */
export const MADV_MERGEABLE: number | undefined = system.MADV_MERGEABLE
/** Linux. */
export const MADV_UNMERGEABLE: number | undefined = system.MADV_UNMERGEABLE
/** Linux, as root. */
export const MADV_SOFT_OFFLINE: number | undefined = system.MADV_SOFT_OFFLINE
/** Linux: use huge pages. */
export const MADV_HUGEPAGE: number | undefined = system.MADV_HUGEPAGE
/** Linux. */
export const MADV_NOHUGEPAGE: number | undefined = system.MADV_NOHUGEPAGE
/** Linux: leave the range out of core dumps. */
export const MADV_DONTDUMP: number | undefined = system.MADV_DONTDUMP
/** Linux. */
export const MADV_DODUMP: number | undefined = system.MADV_DODUMP
/** Linux 5.4: the range may be reclaimed first. */
export const MADV_COLD: number | undefined = system.MADV_COLD
/** Linux 5.4: reclaim the range now. */
export const MADV_PAGEOUT: number | undefined = system.MADV_PAGEOUT
/** Linux 5.14: bring the pages in for reading. */
export const MADV_POPULATE_READ: number | undefined = system.MADV_POPULATE_READ
/** Linux 5.14: bring the pages in for writing. */
export const MADV_POPULATE_WRITE: number | undefined = system.MADV_POPULATE_WRITE
/** FreeBSD. */
export const MADV_NOSYNC: number | undefined = system.MADV_NOSYNC
/** FreeBSD. */
export const MADV_AUTOSYNC: number | undefined = system.MADV_AUTOSYNC
/** FreeBSD. */
export const MADV_NOCORE: number | undefined = system.MADV_NOCORE
/** FreeBSD. */
export const MADV_CORE: number | undefined = system.MADV_CORE
/** FreeBSD. */
export const MADV_PROTECT: number | undefined = system.MADV_PROTECT
/** macOS. */
export const MADV_FREE_REUSABLE: number | undefined = system.MADV_FREE_REUSABLE
/** macOS. */
export const MADV_FREE_REUSE: number | undefined = system.MADV_FREE_REUSE

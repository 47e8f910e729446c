// mmap(): opens a mapping. Its overloads tell from the options which views the mapping has.

import { Mmap } from './mmap/mmap.js'
import type { FileLike, MmapOptions, PlainMmapOptions, SharedMmapOptions } from './options/mmap.js'
import type { NotText } from './options/objects.js'

/**
 * Maps a file into memory, or memory without a file, as CPython's `mmap.mmap` does. A file is
 * mapped for reading and writing unless {@link MmapOptions.access} says otherwise: a file that may
 * only be read needs `{ access: ACCESS_READ }`.
 * @param file a path, a `file:` URL, a descriptor or a FileHandle, which may be closed afterwards;
 *   -1 for anonymous memory
 * @param length in bytes; 0, the default, is all the rest of the file from `offset` on, or all of a
 *   named region that exists. New anonymous memory needs at least 1 (EINVAL). It may be left out:
 *   `mmap(path, options)`
 * @param options see {@link MmapOptions}
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE (an empty file with length
 *   0, a part that the file does not have), ERR_MMAP_UNSUPPORTED, ERR_ACCESS_DENIED
 *   (`node --permission`), Node's errors of a URL that is no path (ERR_INVALID_URL_SCHEME,
 *   ERR_INVALID_FILE_URL_HOST, ERR_INVALID_FILE_URL_PATH), and those of the operating system:
 *   ENOENT, EACCES, EBADF, EISDIR, ENODEV, ENOMEM, ENOSPC, ...
 * @example
 * ```js
 * const mm = mmap('hello.txt') // the whole file, to read and to write
 * const part = mmap('hello.txt', 5, { offset: 6, access: ACCESS_READ })
 * const made = mmap('new.bin', 4096, { create: true })
 * const memory = mmap(-1, 4096)
 * console.log(mm.length, part.toString(), made.size(), memory.at(0)) // 24 World 4096 0
 * ```
 */
export function mmap(
  file: FileLike | -1,
  length: number | bigint | undefined,
  options: SharedMmapOptions,
): Mmap<SharedArrayBuffer>
export function mmap(file: FileLike | -1, options: NotText<SharedMmapOptions>): Mmap<SharedArrayBuffer>
export function mmap(file: FileLike | -1, length?: number | bigint, options?: PlainMmapOptions): Mmap<ArrayBuffer>
export function mmap(file: FileLike | -1, options: NotText<PlainMmapOptions>): Mmap<ArrayBuffer>
export function mmap(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions): Mmap
export function mmap(file: FileLike | -1, length?: number | bigint | MmapOptions, options?: MmapOptions): Mmap {
  return new Mmap(file, length, options)
}

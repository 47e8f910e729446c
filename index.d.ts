import { FileHandle } from "node:fs/promises";
import { inspect } from "node:util";

//#region src/arguments.d.ts
/** Bytes: a string stands for its UTF-8, any view for the bytes it shows. */
type BytesLike = string | ArrayBufferLike | ArrayBufferView;
//#endregion
//#region src/constants.d.ts
/** Access as in `flags` and `prot`. Without those, read and write through to the file. */
declare const ACCESS_DEFAULT = 0;
/** Methods only read. A store through a view changes private memory and never the file. */
declare const ACCESS_READ = 1;
/** Read and write through to the file. */
declare const ACCESS_WRITE = 2;
/** Read and write. Changes stay in this mapping. */
declare const ACCESS_COPY = 3;
/** Bytes in a page of memory. */
declare const PAGESIZE: number;
/** Bytes. The operating system maps at multiples of this offset, but `mmap` accepts any offset. */
declare const ALLOCATIONGRANULARITY: number;
/**
 * Bytes in the longest single view on this runtime. It is 4 GiB on Node 20 and Bun. Mappings may be
 * longer.
 */
declare const MAX_VIEW_LENGTH: number;
/** Pages may be read. Undefined on Windows. */
declare const PROT_READ: number;
/** Pages may be written. Undefined on Windows. */
declare const PROT_WRITE: number;
/** Pages may be executed. Undefined on Windows. */
declare const PROT_EXEC: number;
/** Changes go to the file. Undefined on Windows. */
declare const MAP_SHARED: number;
/** Changes stay in the mapping. Undefined on Windows. */
declare const MAP_PRIVATE: number;
/** Memory without a file. Undefined on Windows. */
declare const MAP_ANON: number;
/** Memory without a file. Undefined on Windows. */
declare const MAP_ANONYMOUS: number;
/** No special use is expected. Undefined on Windows. */
declare const MADV_NORMAL: number;
/** Reads are expected in random order, so the system reads ahead little. Undefined on Windows. */
declare const MADV_RANDOM: number;
/** Reads are expected in order, so the system reads ahead much. Undefined on Windows. */
declare const MADV_SEQUENTIAL: number;
/** The range will be needed soon. Undefined on Windows. */
declare const MADV_WILLNEED: number;
/**
 * The range will not be needed soon. On Linux private changes in it are lost. Undefined on Windows.
 */
declare const MADV_DONTNEED: number;
/** Wait until the changes are written. Undefined on Windows. */
declare const MS_SYNC: number;
/** Do not wait until the changes are written. Undefined on Windows. */
declare const MS_ASYNC: number;
/** Update other mappings of the file with its contents. Undefined on Windows. */
declare const MS_INVALIDATE: number;
/** Linux. */
declare const MAP_DENYWRITE: number | undefined;
/** Linux. */
declare const MAP_EXECUTABLE: number | undefined;
/** Linux, macOS: reserve no swap space. */
declare const MAP_NORESERVE: number | undefined;
/** Linux: bring the pages in now. */
declare const MAP_POPULATE: number | undefined;
/** Linux, FreeBSD. */
declare const MAP_STACK: number | undefined;
/** Linux on x86, FreeBSD: an address below 2 GiB. */
declare const MAP_32BIT: number | undefined;
/** FreeBSD. */
declare const MAP_ALIGNED_SUPER: number | undefined;
/** OpenBSD, for which there is no build yet: undefined everywhere. */
declare const MAP_CONCEAL: number | undefined;
/** macOS, FreeBSD. */
declare const MAP_HASSEMAPHORE: number | undefined;
/** macOS. */
declare const MAP_JIT: number | undefined;
/** macOS. */
declare const MAP_NOCACHE: number | undefined;
/** macOS. */
declare const MAP_NOEXTEND: number | undefined;
/** macOS. */
declare const MAP_RESILIENT_CODESIGN: number | undefined;
/** macOS. */
declare const MAP_RESILIENT_MEDIA: number | undefined;
/** macOS. */
declare const MAP_TPRO: number | undefined;
/** macOS. */
declare const MAP_TRANSLATED_ALLOW_EXECUTE: number | undefined;
/** macOS. */
declare const MAP_UNIX03: number | undefined;
/** Linux, macOS, FreeBSD: the pages' contents may be dropped. */
declare const MADV_FREE: number | undefined;
/** Linux: free the range and its part of the file. */
declare const MADV_REMOVE: number | undefined;
/** Linux. */
declare const MADV_DONTFORK: number | undefined;
/** Linux. */
declare const MADV_DOFORK: number | undefined;
/** Linux, as root: treat the pages as broken memory. Touching them afterwards is fatal. */
declare const MADV_HWPOISON: number | undefined;
/** Linux: pages with the same contents may be merged. */
declare const MADV_MERGEABLE: number | undefined;
/** Linux. */
declare const MADV_UNMERGEABLE: number | undefined;
/** Linux, as root. */
declare const MADV_SOFT_OFFLINE: number | undefined;
/** Linux: use huge pages. */
declare const MADV_HUGEPAGE: number | undefined;
/** Linux. */
declare const MADV_NOHUGEPAGE: number | undefined;
/** Linux: leave the range out of core dumps. */
declare const MADV_DONTDUMP: number | undefined;
/** Linux. */
declare const MADV_DODUMP: number | undefined;
/** Linux 5.4: the range may be reclaimed first. */
declare const MADV_COLD: number | undefined;
/** Linux 5.4: reclaim the range now. */
declare const MADV_PAGEOUT: number | undefined;
/** Linux 5.14: bring the pages in for reading. */
declare const MADV_POPULATE_READ: number | undefined;
/** Linux 5.14: bring the pages in for writing. */
declare const MADV_POPULATE_WRITE: number | undefined;
/** FreeBSD. */
declare const MADV_NOSYNC: number | undefined;
/** FreeBSD. */
declare const MADV_AUTOSYNC: number | undefined;
/** FreeBSD. */
declare const MADV_NOCORE: number | undefined;
/** FreeBSD. */
declare const MADV_CORE: number | undefined;
/** FreeBSD. */
declare const MADV_PROTECT: number | undefined;
/** macOS. */
declare const MADV_FREE_REUSABLE: number | undefined;
/** macOS. */
declare const MADV_FREE_REUSE: number | undefined;
//#endregion
//#region src/errors.d.ts
/**
 * The `code` of every error that memmap itself decides on, and of Node's errors about a `file:`
 * URL. Errors of the operating system have Node's shape instead: their `code` is `'ENOENT'`,
 * `'EACCES'` and so on, and they also have `errno`, `syscall` and, for a file opened by its path,
 * `path`.
 */
type ErrorCode = 'ABORT_ERR' | 'ERR_ACCESS_DENIED' | 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_INVALID_FILE_URL_HOST' | 'ERR_INVALID_FILE_URL_PATH' | 'ERR_INVALID_THIS' | 'ERR_INVALID_URL_SCHEME' | 'ERR_MMAP_BINDING' | 'ERR_MMAP_CHANGED' | 'ERR_MMAP_CLOSED' | 'ERR_MMAP_FAULT' | 'ERR_MMAP_NO_VIEW' | 'ERR_MMAP_READONLY' | 'ERR_MMAP_REGEXP' | 'ERR_MMAP_UNSUPPORTED' | 'ERR_MMAP_VIEW_TOO_LARGE' | 'ERR_OUT_OF_RANGE';
/**
 * The errors that memmap throws and rejects promises with, except those of the operating system,
 * which are `NodeJS.ErrnoException`.
 */
interface MmapError extends Error {
  code: ErrorCode;
  /** ERR_MMAP_FAULT only: the position of the first byte of the mapping that was lost. */
  offset?: number;
  /** ERR_MMAP_FAULT only: the number of bytes from there to the end of the mapping. */
  length?: number;
  /** Opening a file by its path, or `shm` by its name, only: what the user passed. */
  path?: string;
  /** ERR_MMAP_REGEXP only: where the construct is in the `source` of the RegExp. */
  position?: number;
  /** `replaceAll` and `replaceAllAsync` only: the number of replacements before the error. */
  replaced?: number;
  /** ERR_ACCESS_DENIED only: `'FileSystemRead'` or `'FileSystemWrite'`. */
  permission?: string;
  /** ERR_ACCESS_DENIED only: the path. */
  resource?: string;
}
//#endregion
//#region src/options/methods.d.ts
/** Options of `lines()`. Other names are refused. */
interface LinesOptions {
  /** Where the first line begins. Default 0; negative ones count from the end. */
  start?: number | undefined;
  /** Where the last line ends at the latest. Default is the end. */
  stop?: number | undefined;
  /** Default false. A `'\r'` before the `'\n'` is no part of the line. */
  crlf?: boolean | undefined;
  /** Default false. From the last line to the first. */
  reverse?: boolean | undefined;
  /**
   * Only the lines for which `matching.test(line)` is true, as grep prints them: `^` and `$` are
   * where the line begins and ends. Flags and syntax are those of {@link Mmap.matchAll}.
   */
  matching?: RegExp | undefined;
  /** See {@link TextLinesOptions}. */
  encoding?: undefined;
}
/** Options of `lines()` that make it return text. */
interface TextLinesOptions extends Omit<LinesOptions, 'encoding'> {
  /** Lines are strings, made from copies. */
  encoding: 'utf8' | 'latin1';
}
/** Options of `stream()`. Other names are refused. */
interface StreamOptions {
  /** Where the first piece begins. Default 0; negative ones count from the end. */
  start?: number | undefined;
  /** Where the last piece ends at the latest. Default is the end. */
  stop?: number | undefined;
  /** How long a piece is, in bytes, but for the last one: 1 to 1,048,576, by default 65,536. */
  chunkSize?: number | undefined;
}
/** A range, in bytes. Other names are refused. */
interface RangeOptions {
  /** Where the range begins. Negative ones count from the end. */
  start?: number | undefined;
  /** Where the range ends: the first byte that is not in it. Default is the end. */
  stop?: number | undefined;
}
/** How far a task is. */
interface Progress {
  /** Bytes done. */
  done: number;
  /** Bytes to do: those of the range. */
  total: number;
}
/** Options of the methods that return promises. Each is read once. Other names are refused. */
interface TaskOptions {
  /**
   * Stops the task within a few MiB. The promise is then rejected with an AbortError as in `fs`:
   * `code` is `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already
   * starts nothing.
   */
  signal?: AbortSignal | undefined;
  /**
   * Is called at most about 30 times a second while the task runs, and once when it has succeeded,
   * with `done` equal to `total`. If it throws, the task stops, and the promise is rejected with
   * what it threw.
   */
  onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * The most threads that work on it at once, 1 to 16. Default are the processors that the process
   * may use, up to 16: affinity and the quota of a container count. If the system gives fewer
   * threads, the task goes on with those. `flushAsync` and `matchAllAsync` use one in any case.
   */
  threads?: number | undefined;
}
/** A range, and the options of the method that works on it. Other names are refused. */
interface RangeTaskOptions extends RangeOptions, TaskOptions {}
/** Options of `waitAsync`. Other names are refused. */
interface WaitOptions {
  /** In milliseconds, by a clock that nobody can set. Default Infinity. */
  timeout?: number | undefined;
  /**
   * Ends the wait. The promise is then rejected with an AbortError as in `fs`: `code` is
   * `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already starts nothing.
   */
  signal?: AbortSignal | undefined;
}
/** Options of the methods that return matches. Other names are refused. */
interface MatchOptions {
  /**
   * Default true. With false no groups are looked for, and none can be asked for, which takes less
   * time and memory.
   */
  groups?: boolean | undefined;
}
/** A range, and whether groups are found. Other names are refused. */
interface RangeMatchOptions extends RangeOptions, MatchOptions {}
/** Options of a search for matches as tasks. Other names are refused. */
interface MatchTaskOptions extends MatchOptions, TaskOptions {}
/** A range, and the options of a search for matches as tasks. Other names are refused. */
interface RangeMatchTaskOptions extends RangeOptions, MatchTaskOptions {}
/** Options of the methods that replace what a RegExp matches. Other names are refused. */
interface ReplaceOptions {
  /**
   * A byte, as a number from 0 to 255 or as a character of ASCII. It fills the rest of a match that
   * is longer than its replacement. Without it both must have the same length.
   */
  fill?: number | string | undefined;
}
/** A range, and how to replace. Other names are refused. */
interface RangeReplaceOptions extends RangeOptions, ReplaceOptions {}
/** Options of a task that replaces. Other names are refused. */
interface ReplaceTaskOptions extends ReplaceOptions, TaskOptions {}
/** A range, and the options of a task that replaces. Other names are refused. */
interface RangeReplaceTaskOptions extends RangeOptions, ReplaceTaskOptions {}
//#endregion
//#region src/options/mmap.d.ts
/** A path, a `file:` URL, a descriptor, or an open `fs.promises.FileHandle`. */
type FileLike = number | string | Uint8Array | URL | FileHandle;
/** Options of {@link mmap}. Each is read once. Other names are refused. */
interface MmapOptions {
  /** In bytes, in place of the argument of that name: `mmap(path, { length, access })`. */
  length?: number | bigint | undefined;
  /**
   * What the methods may do, and where changes go: `ACCESS_READ`, `ACCESS_WRITE` (to the file) or
   * `ACCESS_COPY` (to private memory of this mapping). `ACCESS_DEFAULT`, 0, means what `flags` and
   * `prot` say, and without them the same as `ACCESS_WRITE`. A path is opened for reading only,
   * where that is enough.
   */
  access?: 0 | 1 | 2 | 3 | undefined;
  /**
   * Where in the file the mapping begins, in bytes. Default 0. It need not be a multiple of a page.
   */
  offset?: number | bigint | undefined;
  /**
   * A name for anonymous memory (`file` is -1), by which other processes find it. On Unix these are
   * processes of the same user. On Windows it is the name of the section object, as in CPython,
   * with the prefixes `Local\` and `Global\`. An empty string is no name.
   *
   * The first process creates the region, all zeros, with `offset + length` bytes, and it keeps
   * that size: a longer `length` is ERR_OUT_OF_RANGE, and `length` 0 maps all of a region that
   * exists. The region is gone when all processes have closed it and no view of it is left
   * (`unmap()` leaves none).
   *
   * On Linux it is in `/dev/shm`, which has 64 MiB by default in a container: more is ENOSPC. On
   * macOS and other Unix it is in the temporary directory, so processes with another `TMPDIR` do
   * not find it.
   */
  tagname?: string | undefined;
  /**
   * A name of POSIX shared memory (`file` is -1), as `shm_open` and Python's `SharedMemory` have
   * it: `'name'` and `'/name'` are the same. Without `create` it must exist (ENOENT), and `length`
   * 0 maps all of it. It exists until somebody calls {@link unlinkShm}, or until the system starts
   * again: memmap never removes a name by itself. Not together with `tagname`, `writeBack` and
   * `allowEmpty`.
   *
   * On Linux it is the file of that name in `/dev/shm`, and `resize()` and `remap()` do what they
   * do for files. On macOS the name has at most 30 bytes. The memory has whole pages there, and
   * keeps the size that it was created with (`resize()` is EINVAL). ACCESS_COPY is
   * ERR_MMAP_UNSUPPORTED there. On Windows it is a section of that name, as with `tagname`, which
   * is gone when nobody uses it.
   */
  shm?: string | undefined;
  /**
   * `MAP_*`, default `MAP_SHARED`. Not together with `access`. On Windows `MAP_*` are undefined,
   * and this option without `access` is ERR_MMAP_UNSUPPORTED even if it is undefined. Programs for
   * every system use `access`.
   */
  flags?: number | undefined;
  /**
   * `PROT_*`, default `PROT_READ | PROT_WRITE`. Not together with `access`, and not on Windows, as
   * `flags`.
   */
  prot?: number | undefined;
  /**
   * Default true: the mapping keeps a descriptor of its own. With false it keeps none, and does not
   * duplicate the descriptor that is passed, because closing a duplicate would release every POSIX
   * lock that the process has on the file. Then `fd` is -1, `size()` throws EBADF, `resize()` and
   * `remap()` throw ERR_INVALID_ARG_VALUE, and `protect()` throws EBADF where it has to map the
   * file again. Outside Linux, `flush()` does not reach the device. Not together with `writeBack`.
   */
  trackfd?: boolean | undefined;
  /**
   * Default false. Creates the file when it is missing, and extends it to `offset + length`;
   * `created` says whether this call has created it. `length` must be given, unless `allowEmpty`
   * is: then a missing file is created empty, and an existing one is mapped as it is.
   *
   * Blocks are allocated for the part that is mapped, also for holes in a longer file, so a full
   * disk is ENOSPC here and no fault later. Where the file system cannot allocate, holes stay. An
   * error leaves the bytes and the size of the file as they were, and what others append meanwhile.
   * On Linux a new file appears when it is complete. On other systems, and on file systems that
   * have no files without a name, an empty one may stay after an error.
   *
   * For `shm` it is the same. Where shared memory is no file, its size cannot change any more, and
   * it stays after an error.
   */
  create?: boolean | CreateOptions | undefined;
  /**
   * Default false. With `ACCESS_COPY`: `flush()` and `close()` write the pages that were changed to
   * the file. A mapping that is never closed writes nothing. A descriptor must be open for writing,
   * and not for appending (`'r+'`, not `'a+'`).
   */
  writeBack?: boolean | undefined;
  /**
   * Default false. Where the file has no byte at `offset` yet, `length` 0 makes a mapping of length
   * 0 instead of ERR_OUT_OF_RANGE. `remap()` makes it longer when the file has grown, and
   * `resize()` makes both longer. Either may make it empty again. Not for memory without a file.
   */
  allowEmpty?: boolean | undefined;
  /**
   * Default false. Views are of a SharedArrayBuffer: post it to workers, use `Atomics` on it. With
   * `maxByteLength` (bytes, at least the mapping's length) `resize()` grows the mapping in place up
   * to that, and every view stays valid with the length that it has: take `bytes` again for more.
   * Do not call `buffer.grow()`, because what it adds is not in the file.
   *
   * Everywhere but on Bun and Windows the memory is relocated into the buffer. The Mmap then keeps
   * its buffers, also after `close()`, until `unmap()` or until it is collected. So `unmap()`
   * reaches them in every thread, and a closed Mmap that is still referred to keeps the memory.
   *
   * Bun and Windows need a function of the runtime. Where that is missing, a request for a view is
   * ERR_MMAP_NO_VIEW. `maxByteLength` is ERR_MMAP_UNSUPPORTED on both.
   */
  sharedArrayBuffer?: boolean | {
    maxByteLength: number | bigint;
  } | undefined;
}
/** Options of `create`. Other names are refused. */
interface CreateOptions {
  /**
   * Permissions of what is created, 0 to 0o7777, by default 0o666 for a file and 0o600 for `shm`.
   * The process's umask takes away from them, as in `fs`, but not for `shm` on macOS. On Windows a
   * file without 0o200 is created read-only, and the other bits do not count.
   */
  mode?: number | undefined;
  /**
   * Default false. The file must not exist yet, as with the flag `'wx'` of `fs`: else it is EEXIST,
   * also for a symbolic link that leads nowhere. Of all processes that try, one succeeds. Not for a
   * descriptor.
   */
  exclusive?: boolean | undefined;
  /**
   * Default false. Nothing is allocated: new bytes are a hole, which takes blocks when it is
   * written to, and a full disk is a fault then (ERR_MMAP_FAULT). On Windows the file gets its
   * blocks all the same, unless it is sparse already.
   */
  sparse?: boolean | undefined;
}
/** Options for views of a SharedArrayBuffer. */
interface SharedMmapOptions extends MmapOptions {
  /** See {@link MmapOptions}. */
  sharedArrayBuffer: true | {
    maxByteLength: number | bigint;
  };
}
/**
 * Options for views of an ArrayBuffer, where the runtime allows one over a file (Electron does
 * not).
 */
interface PlainMmapOptions extends MmapOptions {
  /** See {@link MmapOptions}. */
  sharedArrayBuffer?: false | undefined;
}
//#endregion
//#region src/text.d.ts
/** Encodings of text. They mean the same as in Buffer. */
type TextEncoding = 'utf8' | 'latin1' | 'ascii' | 'utf16le' | 'hex' | 'base64';
//#endregion
//#region src/mapping.d.ts
/**
 * A Buffer with memory of its own: `Buffer<ArrayBuffer>` where `@types/node` and TypeScript (5.7
 * and newer) know that, else `Buffer`.
 */
type BufferCopy = ReturnType<BufferConstructor['allocUnsafe']>;
/** Pages in memory of all pages in a range. */
interface Residency {
  /** Pages that are in memory. */
  resident: number;
  /** Pages in the range. */
  total: number;
}
//#endregion
//#region src/sharing/range-lock.d.ts
/** Who is kept out: all others, or only those who want the range exclusively. */
type LockMode = 'exclusive' | 'shared';
/** Options of `lockRangeSync`. Each is read once. Other names are refused. */
interface LockOptions {
  /**
   * `'exclusive'` keeps out all others, and needs a file that was opened for writing. `'shared'`
   * keeps out those who want the range exclusively. Default is `'exclusive'`.
   */
  mode?: LockMode | undefined;
  /**
   * How many milliseconds to wait, by a clock that nobody sets; 0 to look once. The result is null
   * if others have the range for so long. Default is Infinity.
   */
  timeout?: number | undefined;
}
/** Options of `lockRange`. Each is read once. Other names are refused. */
interface AsyncLockOptions extends LockOptions {
  /**
   * Ends the request. The promise is then rejected with an AbortError as in `fs`: `code` is
   * `'ABORT_ERR'`, `cause` is the signal's reason. It has no effect on a lock that one has.
   */
  signal?: AbortSignal | undefined;
}
/** {@link LockOptions}, and the range. */
interface RangeLockOptions extends RangeOptions, LockOptions {}
/** {@link AsyncLockOptions}, and the range. */
interface AsyncRangeLockOptions extends RangeOptions, AsyncLockOptions {}
/**
 * A lock on bytes of a file, from `lockRange` or `lockRangeSync`. It ends with {@link release},
 * with `close()` or `unmap()` of the Mmap, with the thread, and with the process, also when that is
 * killed; and when both the Mmap and this object have been collected.
 */
declare class RangeLock implements Disposable {
  #private;
  /** The first byte, as a position in the mapping. */
  readonly start: number;
  /** The first byte behind it; Infinity if it reaches to the end of the file. */
  readonly stop: number;
  /** Who is kept out. */
  readonly mode: LockMode;
  private constructor();
  /** Whether others can have the range: it was released, or its Mmap is closed. */
  get released(): boolean;
  /** Lets others have the range. Again, it does nothing. Never throws. */
  release(): void;
  /** {@link release}, for `using`. */
  [Symbol.dispose](): void;
}
//#endregion
//#region src/sharing/waits.d.ts
/**
 * `'ok'`: woken, or for no reason, so look at the value again. `'not-equal'`: the word had another
 * value from the start. `'timed-out'`: the timeout is over.
 */
type WaitResult = 'ok' | 'not-equal' | 'timed-out';
//#endregion
//#region src/regexp/match.d.ts
/**
 * A match of a regular expression: where it is, in bytes from the start of the mapping, and what
 * its groups are. The places are those of the search. The text and the bytes are read when they are
 * asked for, so a change after the search is seen in them. {@link Mmap.match} and
 * {@link Mmap.matchAll} make matches.
 *
 * The groups of a match of {@link Mmap.matchAll} and {@link Mmap.matchAllAsync} are found with the
 * match if the loop asks for the groups of most matches. Otherwise they are found when a group is
 * first asked for, of this match or of one shortly before it, in the bytes as they are then.
 */
declare class MmapMatch implements Iterable<string | undefined> {
  #private;
  private constructor();
  /** Where it begins, in bytes from the start of the mapping. */
  get index(): number;
  /** Where it ends: the first byte that is not in it. */
  get end(): number;
  /** Its length in bytes. */
  get length(): number;
  /**
   * Its text, decoded from a copy as UTF-8.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT, ERR_OUT_OF_RANGE for a text longer than a string can
   *   be
   */
  get text(): string;
  /**
   * Its bytes as a view, as {@link Mmap.bytes} is, or as a copy where the runtime has no views.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE
   */
  get bytes(): Uint8Array;
  /**
   * The text of a group, decoded from a copy as UTF-8; undefined if the group has matched nothing.
   * @param which its number or its name; 0 is the whole match
   * @throws as {@link span} and {@link text}: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
   *   ERR_OUT_OF_RANGE, ERR_MMAP_CHANGED, ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  group(which: number | string): string | undefined;
  /**
   * Where a group begins and ends, in bytes from the start of the mapping; undefined if the group
   * has matched nothing.
   * @param which its number or its name; 0 is the whole match
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number that no group has, and where the
   *   match is longer than 16 MiB, ERR_INVALID_ARG_VALUE for a name that no group has. Where the
   *   groups are found only now, also ERR_MMAP_CHANGED if the bytes are no match any more,
   *   ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  span(which: number | string): [start: number, end: number] | undefined;
  /**
   * The text of each group with a name, or undefined if no group has a name, as in JavaScript.
   * @throws ERR_OUT_OF_RANGE where the match is longer than 16 MiB, and a text longer than a string
   *   can be, ERR_MMAP_CHANGED as {@link span}, ERR_MMAP_CLOSED, ERR_MMAP_FAULT
   */
  get groups(): {
    [name: string]: string | undefined;
  } | undefined;
  /**
   * The text of the match and then of each group, as the elements of JavaScript's match are:
   * `const [all, year, month] = match`.
   * @throws as {@link groups}
   */
  [Symbol.iterator](): Generator<string | undefined, undefined, undefined>;
  /** Where it is. Never throws. */
  [inspect.custom](): string;
  get [Symbol.toStringTag](): string;
}
//#endregion
//#region src/views/view-types.d.ts
/** A typed array, DataView or Buffer class, as `view()` accepts it. */
interface ViewConstructor<T extends ArrayBufferView> {
  readonly prototype: T;
  readonly BYTES_PER_ELEMENT?: number;
}
/**
 * A view of some class over a mapping. Of an ArrayBuffer it is `Float64Array<ArrayBuffer>` and so
 * on, where TypeScript (5.7 and newer) knows that: the type that `slice()` of the class returns.
 */
type ViewOver<T extends ArrayBufferView, TBuffer extends ArrayBufferLike> = [TBuffer] extends [SharedArrayBuffer] ? T & {
  readonly buffer: TBuffer;
} : [TBuffer] extends [ArrayBuffer] ? T extends {
  slice(): infer Copy;
} ? Copy extends T ? Copy : T & Copy : T & {
  readonly buffer: TBuffer;
} : T;
//#endregion
//#region src/options/objects.d.ts
/** Options, but no string or array: those have a `length`, too. */
type NotText<Options> = Options & {
  readonly [Symbol.iterator]?: never;
};
//#endregion
//#region src/mmap/state.d.ts
/** The state of a mapping, and what a mapping is to code that takes any object. */
declare class MmapState {
  #private;
  /** The same as {@link mmap}. */
  constructor(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions);
  /**
   * Bytes mapped. That is not the file's size, which is {@link size}.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.length) // 24
   * ```
   */
  get length(): number;
  /**
   * Where in the file the mapping begins, in bytes.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt', 5, { offset: 6 })
   * console.log(mm.offset, mm.toString()) // 6 World
   * ```
   */
  get offset(): number;
  /**
   * `ACCESS_*`. With `flags` and `prot` it is what CPython records: `ACCESS_DEFAULT` for read and
   * write, `ACCESS_WRITE` for write alone, else `ACCESS_READ`.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt', { access: ACCESS_READ })
   * console.log(mm.access === ACCESS_READ) // true
   * ```
   */
  get access(): 0 | 1 | 2 | 3;
  /**
   * Whether opening has created the file (with `create`) or the region (with `tagname`). Of all
   * that open one, in all processes, it is true for one, which can initialise the bytes. It is true
   * of other anonymous memory, and false with a descriptor.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * if (mm.created) mm.set('version 1')
   * console.log(mm.toString('utf8', 0, 9)) // version 1
   * ```
   */
  get created(): boolean;
  /**
   * Whether it is closed.
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.close()
   * console.log(mm.closed) // true
   * ```
   */
  get closed(): boolean;
  /**
   * The descriptor: a duplicate of the file's that belongs to the mapping, or for shared anonymous
   * memory one that a child process can inherit and map. Do not close it. -1 where there is none:
   * `trackfd: false`, Windows, anonymous memory that is private or has a flag such as MAP_STACK.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * // A child with the stdio [0, 1, 2, mm.fd] has the same memory: mmap(3, 4096). (Unix)
   * const mm = mmap(-1, 4096)
   * console.log(typeof mm.fd) // number
   * ```
   */
  get fd(): number;
  /**
   * The fields of CPython's repr. Never throws.
   * @category Conversions
   */
  [inspect.custom](_depth?: number, options?: {
    stylize?: (text: string, style: 'special') => string;
  }): string;
  /**
   * Throws: a mapping is no string and no number. So code that would take `"[object Mmap]"` for its
   * content does not (`new Blob([mm])`, `${mm}`, `'' + mm`), and the error says what to pass.
   * @throws ERR_INVALID_ARG_TYPE, always
   * @category Conversions
   */
  [Symbol.toPrimitive](hint: string): never;
  /** @category Conversions */
  get [Symbol.toStringTag](): string;
}
//#endregion
//#region src/mmap/memory.d.ts
/** Views, copies, and the methods of a bytearray. */
declare class MmapMemory<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapState implements Iterable<number> {
  /**
   * The mapping itself, as a Uint8Array. Nothing is copied, and what is stored is in the file (with
   * `ACCESS_READ` and `ACCESS_COPY`: in private memory). It never goes bad: it can be used after
   * `close()`, and the memory is unmapped when the last view is collected.
   * To the engine it is a buffer as long as the mapping, which counts as so much memory and causes
   * a garbage collection when it is long. A part costs less: `mm.view(Uint8Array, a, n)`.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE beyond MAX_VIEW_LENGTH, ERR_MMAP_NO_VIEW where
   *   the runtime allows none
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.bytes[0] = 74 // it is in the file
   * console.log(mm.bytes.length, mm.toString('utf8', 0, 5)) // 24 Jello
   * ```
   */
  get bytes(): ViewOver<Uint8Array, TBuffer>;
  /**
   * The buffer that `bytes` is a view of, which costs what `bytes` costs. It may begin before the
   * mapping: up to 7 bytes, when `offset` is not a multiple of 8, and a SharedArrayBuffer up to a
   * page. So count from `bytes.byteOffset`, or use {@link view}.
   * @throws as {@link bytes}
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const numbers = new Int32Array(mm.buffer, mm.bytes.byteOffset, 6)
   * console.log(numbers.length) // 6
   * ```
   */
  get buffer(): TBuffer;
  /**
   * A Buffer over the same memory, with the arguments and errors of the other kinds of view.
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.view(Buffer, 6, 5).toString()) // World
   * ```
   */
  view(type: BufferConstructor, byteOffset?: number, length?: number): ViewOver<Buffer, TBuffer>;
  /**
   * A view of another kind, of the same memory: `mm.view(Float64Array, 16, 100)`,
   * `mm.view(DataView)`, `mm.view(Buffer)`. It is also how to see a part of a mapping that is
   * longer than MAX_VIEW_LENGTH (not with `sharedArrayBuffer`: that is ERR_MMAP_VIEW_TOO_LARGE).
   * A view of a part of a long mapping has a buffer of its own over the pages of that part, so it
   * costs what it shows. Count from its `byteOffset`: views of the same pages may share a buffer,
   * and after many, all new ones are of {@link buffer}. A SharedArrayBuffer is always the whole.
   * @param type a typed array class, `DataView` or `Buffer`
   * @param byteOffset in bytes, default 0; plus `offset` it must be a multiple of the element's
   *   size
   * @param length in elements, default as many as there are
   * @throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, and as {@link bytes}
   * @category Views, which copy nothing
   * @example
   * ```js
   * const mm = mmap('numbers.bin', 800, { create: true })
   * const some = mm.view(Float64Array, 80, 10) // the tenth to the nineteenth
   * some[0] = 1.5
   * console.log(mm.view(DataView).getFloat64(80, true)) // 1.5
   * ```
   */
  view<T extends ArrayBufferView>(type: ViewConstructor<T>, byteOffset?: number, length?: number): ViewOver<T, TBuffer>;
  /**
   * The text of `[start, stop)`. It is made from a copy, so it is safe while other processes write.
   * Code that takes a view as text is not: another process that writes meanwhile can crash
   * `TextDecoder`, `JSON.parse` and others. It is decoded as `Buffer#toString` does: invalid UTF-8
   * becomes U+FFFD, and a byte order mark stays.
   * @param encoding `'utf8'` by default
   * @param start default 0, not the cursor; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for another encoding,
   *   ERR_OUT_OF_RANGE for a text longer than a string can be
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.toString('utf8', 6, 11)) // World
   * ```
   */
  toString(encoding?: TextEncoding, start?: number, stop?: number): string;
  /**
   * A copy of `[start, stop)` as an ArrayBuffer of exactly these bytes: post it, transfer it, pass
   * it to code that wants an ArrayBuffer. (`slice().buffer` may be Node's pool, with other bytes in
   * it.) `start` is 0 by default, `stop` the length.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.arrayBuffer(6, 11).byteLength) // 5
   * ```
   */
  arrayBuffer(start?: number | RangeOptions, stop?: number): ArrayBuffer;
  /**
   * A web stream of `[start, stop)` in pieces, each a copy with an ArrayBuffer of its own: for
   * `new Response(mm.stream())`, `fetch`, `Readable.fromWeb` and everything else that reads a file
   * piece by piece. A piece is copied when the reader asks for it, and none ahead.
   * A change of the mapping meanwhile may be in a piece or not. After a `resize()` the stream goes
   * on in the new length. It fails if the mapping is closed before the last piece has been read.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an unknown option,
   *   ERR_OUT_OF_RANGE for another `chunkSize`; the stream fails with ERR_MMAP_CLOSED and
   *   ERR_MMAP_FAULT
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await new Response(mm.stream({ start: 6, stop: 11 })).text()) // World
   * ```
   */
  stream(options?: StreamOptions): ReadableStream<Uint8Array>;
  /**
   * All of the mapping in pieces of 64 KiB, each a copy, for `for await (const piece of mm)`,
   * `pipeline(mm, ...)` and `fs.promises.writeFile(path, mm)`. It is as {@link stream}. (Without
   * `await` there is a number for each byte.)
   * @throws ERR_MMAP_CLOSED and, from `next()`, the errors that a stream fails with
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let length = 0
   * for await (const piece of mm) length += piece.length
   * console.log(length) // 24
   * ```
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
  /**
   * {@link bytes}, so that `Buffer.from(mm)` is a copy of the mapping.
   * @throws as {@link bytes}
   * @category Conversions
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(Buffer.from(mm).length) // 24
   * ```
   */
  valueOf(): ViewOver<Uint8Array, TBuffer>;
  /**
   * The byte at `index`, from 0 to 255. A negative index counts from the end: -1 is the last byte.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.at(0), mm.at(-1)) // 72 10
   * ```
   */
  at(index: number): number;
  /**
   * Sets the byte at `index`. A negative index counts from the end.
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.setAt(0, 74)
   * console.log(mm.toString('utf8', 0, 5)) // Jello
   * ```
   */
  setAt(index: number, value: number): void;
  /**
   * Python's `m[start:stop:step]`, a copy: the bytes from `start` up to but not including `stop`,
   * every `step`th of them. A negative `step` goes backwards.
   * @param start default 0; the last byte with a negative `step`
   * @param stop default the length; before the first byte with a negative `step`
   * @param step default 1
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE for a step of 0, ERR_INVALID_ARG_TYPE
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.slice(6, 11).toString()) // World
   * console.log(mm.slice(-5, -1).toString()) // you!
   * ```
   */
  slice(start?: number, stop?: number, step?: number): BufferCopy;
  /**
   * Python's `m[start:stop:step] = data`: all of it, or nothing. Bounds and defaults are those of
   * {@link slice}.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE unless `data` is exactly as long
   *   as the slice, ERR_INVALID_ARG_TYPE
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.setSlice('Earth', 6, 11)
   * console.log(mm.toString('utf8', 0, 12)) // Hello Earth!
   * ```
   */
  setSlice(data: BytesLike, start?: number, stop?: number, step?: number): void;
  /**
   * Writes all of `data` at `position`, or nothing, as a typed array's `set` does. The cursor stays
   * where it is. A negative position is refused, because -1 is the last byte to {@link at} and the
   * cursor to `fs`. Returns how many bytes.
   * @param position in bytes, default 0
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.set('Earth', 6)) // 5
   * console.log(mm.toString('utf8', 0, 12)) // Hello Earth!
   * ```
   */
  set(data: BytesLike, position?: number): number;
  /**
   * Copies `count` bytes from `src` to `dest` within the mapping; the two may overlap.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.move(6, 0, 5)
   * console.log(mm.toString('utf8', 0, 12)) // Hello Hello!
   * ```
   */
  move(dest: number, src: number, count: number): void;
  /**
   * Fills `[start, stop)` with a byte, or with `value` over and over.
   * @param value 0 to 255, or bytes, at least one
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.fill('ab', 0, 5)
   * console.log(mm.toString('utf8', 0, 12)) // ababa World!
   * ```
   */
  fill(value: number | BytesLike, start?: number, stop?: number): this;
  /**
   * The bytes, as numbers, each read at its step.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT from `next()`
   * @category Copies and text
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let lines = 0
   * for (const byte of mm) if (byte === 10) lines += 1
   * console.log(lines) // 2
   * ```
   */
  [Symbol.iterator](): Generator<number, undefined, undefined>;
}
//#endregion
//#region src/mmap/cursor.d.ts
/** The methods of a file. */
declare class MmapCursor<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapMemory<TBuffer> {
  /**
   * Copies at most `n` bytes from the cursor, and moves it on. At the end the Buffer is empty.
   * @param n bytes; to the end when it is missing, null or negative
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.read(5).toString(), mm.tell()) // Hello 5
   * ```
   */
  read(n?: number | null): BufferCopy;
  /**
   * Reads the byte at the cursor and moves on.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE when the cursor is at the end
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.readByte(), mm.readByte()) // 72 101
   * ```
   */
  readByte(): number;
  /**
   * Copies from the cursor through the next `'\n'`, or to the end, and moves on. At the end it is
   * empty.
   * @throws ERR_MMAP_CLOSED
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.readLine()
   * console.log(mm.readLine().toString().trim()) // Hello you!
   * ```
   */
  readLine(): BufferCopy;
  /**
   * Writes all of `data` at the cursor and moves it on, or nothing. Returns how many bytes.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit,
   *   ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.seek(6)
   * console.log(mm.write('Earth'), mm.tell()) // 5 11
   * ```
   */
  write(data: BytesLike): number;
  /**
   * Writes a byte at the cursor and moves on.
   * @param value 0 to 255
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when the cursor is at the end or
   *   for another value, ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.writeByte(74)
   * console.log(mm.toString('utf8', 0, 5)) // Jello
   * ```
   */
  writeByte(value: number): void;
  /**
   * Moves the cursor to `position` from the start (`whence` 0), the cursor (1) or the end (2).
   * Returns where it is.
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE outside `[0, length]` or for another `whence`,
   *   ERR_INVALID_ARG_TYPE
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.seek(6), mm.seek(-5, 2)) // 6 19
   * console.log(mm.read(4).toString()) // you!
   * ```
   */
  seek(position: number, whence?: 0 | 1 | 2): number;
  /**
   * Always true, also when closed.
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.seekable()) // true
   * ```
   */
  seekable(): true;
  /**
   * The cursor. It may be beyond the end after a `resize()`.
   * @throws ERR_MMAP_CLOSED
   * @category Read and write at a cursor
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.readLine()
   * console.log(mm.tell()) // 13
   * ```
   */
  tell(): number;
}
//#endregion
//#region src/mmap/search.d.ts
/** Searches, and the tasks that search. */
declare class MmapSearch<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapCursor<TBuffer> {
  /**
   * The first place of `needle` in `[start, stop)`, or -1. An empty needle is at `start`.
   * @param start default is the cursor, as in Python; see {@link indexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.find('Hello'), mm.find('Hello', 1)) // 0 13
   * mm.seek(5)
   * console.log(mm.find('Hello')) // 13
   * ```
   */
  find(needle: BytesLike, start?: number | RangeOptions, stop?: number): number;
  /**
   * The last place of `needle` in `[start, stop)`, or -1. An empty needle is at `stop`.
   * @param start default is the cursor, as in Python; see {@link lastIndexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.rfind('Hello'), mm.rfind('Hello', 0, 13)) // 13 0
   * ```
   */
  rfind(needle: BytesLike, start?: number | RangeOptions, stop?: number): number;
  /**
   * The first place of `needle` from `start` on, or -1, as Buffer's: `start` is 0 by default and
   * counts from the end when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.indexOf('World'), mm.indexOf(10), mm.indexOf('x')) // 6 12 -1
   * ```
   */
  indexOf(needle: number | BytesLike, start?: number): number;
  /**
   * The last place of `needle` at or before `start`, or -1, as Buffer's: `start` is the end by
   * default and counts from it when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.lastIndexOf('Hello'), mm.lastIndexOf('Hello', 12)) // 13 0
   * ```
   */
  lastIndexOf(needle: number | BytesLike, start?: number): number;
  /**
   * Whether {@link indexOf} finds it.
   * @throws as {@link indexOf}
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.includes('World'), mm.includes('Moon')) // true false
   * ```
   */
  includes(needle: number | BytesLike, start?: number): boolean;
  /**
   * The places of `needle` in `[start, stop)`, from the first to the last. Matches do not overlap:
   * in `'aaaa'`, `'aa'` is at 0 and 2. `start` is 0 by default, not the cursor. They are found a
   * few thousand at a time, so no number of them costs memory. A change of the mapping during the
   * iteration may be found or not. After a `resize()` it goes on in the new length.
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an empty needle, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log([...mm.findAll('Hello')].join()) // 0,13
   * ```
   */
  findAll(needle: BytesLike, start?: number | RangeOptions, stop?: number): IterableIterator<number>;
  /**
   * How often `needle`, or what a RegExp matches, is in `[start, stop)`, without overlaps. `start`
   * is by default 0, not the cursor.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty needle,
   *   ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.count('\n'), mm.count('l', 0, 13)) // 2 3
   * ```
   */
  count(needle: BytesLike | RegExp, start?: number | RangeOptions, stop?: number): number;
  /**
   * Writes `to` in place of each `from` in `[start, stop)`. Both must have the same length; matches
   * do not overlap. `start` is 0 by default, not the cursor. Returns how many matches there were.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
   *   empty `from` or another length, ERR_MMAP_FAULT with `replaced`, how many were replaced before
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.replaceAll('Hello', 'HELLO')) // 2
   * ```
   */
  replaceAll(from: BytesLike, to: BytesLike, start?: number | RangeOptions, stop?: number): number;
  /**
   * Writes `to`, or what it returns for a match, in place of each match of a RegExp. It must be as
   * long as the match, or with `fill` at most as long. If `to` is not a function and the pattern
   * has matches of other lengths, it is refused before anything is written. What a function returns
   * is checked for each match. Matches are searched for some thousand at a time, and before they
   * are replaced.
   * @param to bytes, or a function of the match, which is called before the match is replaced
   * @param start default 0, or all options; `stop` is the length by default
   * @returns the number of matches
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_MMAP_REGEXP, ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for another length, ERR_OUT_OF_RANGE for another `fill`,
   *   ERR_MMAP_FAULT; each with `replaced`, if it comes after the first replacement
   */
  replaceAll(from: RegExp, to: BytesLike | ((match: MmapMatch) => BytesLike), start?: number | RangeReplaceOptions, stop?: number, options?: ReplaceOptions): number;
  /**
   * The lines of a range as text, from copies, so it is safe while other processes write. A line
   * ends before its `'\n'` or at the end of the range; after a `'\n'` at the end there is no empty
   * line. Invalid UTF-8 becomes U+FFFD, as in `TextDecoder`, and a byte order mark stays.
   * Some hundred lines are copied and decoded at a time, and cut out of that text: engines keep the
   * whole of it, up to 64 KiB, as long as one line is kept.
   * @param options `encoding`, and those that `lines()` has without it
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option or another encoding, ERR_MMAP_REGEXP,
   *   ERR_MMAP_FAULT, ERR_OUT_OF_RANGE for a line longer than a string can be
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for (const line of mm.lines({ encoding: 'utf8' })) {
   *   if (line.endsWith('you!')) console.log(line) // Hello you!
   * }
   * ```
   */
  lines(options: TextLinesOptions): IterableIterator<string>;
  /**
   * The lines of a range, as Uint8Arrays over the mapping: nothing is copied, except where the
   * runtime has no views. A line ends before its `'\n'` (a `'\r'` stays, unless `crlf` is true) or
   * at the end of the range; after a `'\n'` at the end there is no empty line. A line is a view, as
   * {@link bytes} is: what is stored to it is stored in the mapping, and as long as one is kept,
   * all of the mapping stays in memory. Copy a line that is kept, decoded or parsed, with
   * `Buffer.from(line)`: another process that writes to the file meanwhile can crash `TextDecoder`.
   * For text, use `encoding`. Line ends are found a few thousand at a time; see {@link findAll}.
   * @param options `start` and `stop`, all of the mapping by default; `crlf`; `reverse`; `matching`
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option, ERR_MMAP_REGEXP, ERR_MMAP_FAULT,
   *   ERR_MMAP_VIEW_TOO_LARGE for a line longer than MAX_VIEW_LENGTH
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let longest = 0
   * for (const line of mm.lines()) longest = Math.max(longest, line.length)
   * console.log(longest) // 12
   * ```
   */
  lines(options?: LinesOptions): IterableIterator<Uint8Array>;
  /**
   * Where the line begins and ends that a position is in, without its `'\n'`: `mm.toString('utf8',
   * start, stop)` is its text. A `'\n'` is in the line that it ends. At the end of the mapping it
   * is the last line, which is empty after a `'\n'`.
   * @param position from 0 to the length; a negative one is refused, as by {@link set}
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { start, stop } = mm.lineAt(mm.indexOf('you'))
   * console.log(mm.toString('utf8', start, stop)) // Hello you!
   * ```
   */
  lineAt(position: number): {
    start: number;
    stop: number;
  };
  /**
   * {@link find}, as a task. `close()` leaves the task its memory; `unmap()` stops the task.
   * @param start default is the cursor, at the time of the call
   * @returns a promise, rejected with the errors of `find`, with ABORT_ERR, and with
   *   ERR_MMAP_CLOSED after `unmap()`
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.findAsync('you', { signal: AbortSignal.timeout(60_000) })) // 19
   * ```
   */
  findAsync(needle: BytesLike, start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<number>;
  /**
   * {@link count}, as a task.
   * @returns a promise, rejected with the errors of `count`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.countAsync('Hello')) // 2
   * ```
   */
  countAsync(needle: BytesLike | RegExp, start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<number>;
  /**
   * {@link replaceAll}, as a task.
   * @returns a promise, rejected with the errors of `replaceAll`, and as that of {@link findAsync}.
   *   Every error after the start, except one that `onProgress` throws, has `replaced`: how many
   *   were replaced by then. A task that was aborted leaves the rest as it was. ERR_MMAP_READONLY
   *   also when `protect()` forbids writing meanwhile, or `resize()` copies private anonymous
   *   memory
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const onProgress = ({ done, total }) => console.error(`${done} of ${total} bytes`)
   * console.log(await mm.replaceAllAsync('Hello', 'HELLO', { onProgress })) // 2
   * ```
   */
  replaceAllAsync(from: BytesLike, to: BytesLike, start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<number>;
  /** The same for what a RegExp matches. The replacement is never a function. */
  replaceAllAsync(from: RegExp, to: BytesLike, start?: number | RangeReplaceTaskOptions, stop?: number, options?: ReplaceTaskOptions): Promise<number>;
}
//#endregion
//#region src/mmap/regexp.d.ts
/** Searches for what a RegExp matches. `docs/regular-expressions.md` says which RegExps. */
declare class MmapRegExp<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapSearch<TBuffer> {
  /**
   * Where the first match of a RegExp begins in `[start, stop)`, or -1. Flags and bounds are those
   * of {@link matchAll}.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.search(/w[a-z]+/i)) // 6
   * ```
   */
  search(re: RegExp, start?: number | RangeOptions, stop?: number): number;
  /**
   * The first match of a RegExp in `[start, stop)` with its groups, or null. Flags and bounds are
   * those of {@link matchAll}.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const match = mm.match(/Hello (?<who>\w+)/)
   * console.log(match.index, match.group('who')) // 0 World
   * ```
   */
  match(re: RegExp, start?: number | RangeOptions, stop?: number): MmapMatch | null;
  /**
   * The matches of a RegExp in `[start, stop)`, from the first to the last, without overlaps: what
   * `String.prototype.matchAll` finds, in bytes and in linear time. Without the flags `u` and `v`
   * the unit is a byte (`.` is one, `\xff` is one), and with them a character of UTF-8. The flags
   * `g` and `d` are ignored, and `lastIndex` is neither read nor written. With `y` a match begins
   * where the one before ends, and the first at `start`. `^` and `\b` see the bytes before
   * `start`. `stop` is as if the mapping ended there. Matches are found a few thousand at a time;
   * see {@link findAll} for changes of the mapping meanwhile. Their groups are found with them
   * while the loop asks for the groups of most matches, and otherwise when a group is first asked
   * for, see {@link MmapMatch}.
   * @param re a RegExp; look-around and references to groups are refused
   * @param start default 0, not the cursor; or all options. `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for (const { index, text } of mm.matchAll(/y\w+/g)) console.log(index, text) // 19 you
   * ```
   */
  matchAll(re: RegExp, start?: number | RangeMatchOptions, stop?: number, options?: MatchOptions): IterableIterator<MmapMatch>;
  /**
   * {@link search}, as a task.
   * @returns a promise, rejected with the errors of `search`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.searchAsync(/w[a-z]+/i)) // 6
   * ```
   */
  searchAsync(re: RegExp, start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<number>;
  /**
   * {@link match}, as a task.
   * @returns a promise, rejected with the errors of `match`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const match = await mm.matchAsync(/W\w+/)
   * console.log(match.text) // World
   * ```
   */
  matchAsync(re: RegExp, start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<MmapMatch | null>;
  /**
   * {@link matchAll}, for `for await`: each batch of matches is found by a task. The next batch is
   * searched for while the loop works on this one, and none after it, so a slow loop costs no
   * memory. The iteration ends with `break`, by the signal, and by `unmap()`.
   * `onProgress` is called while a batch is searched for, and once when there are no more matches.
   * @returns an iterator, whose steps are rejected with the errors of `matchAll`, and as the
   *   promise of {@link findAsync}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MMAP_REGEXP,
   *   ABORT_ERR
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for await (const m of mm.matchAllAsync(/y\w+/)) console.log(m.index, m.text) // 19 you
   * ```
   */
  matchAllAsync(re: RegExp, start?: number | RangeMatchTaskOptions, stop?: number, options?: MatchTaskOptions): AsyncIterableIterator<MmapMatch>;
}
//#endregion
//#region src/mmap/sharing.d.ts
/** Waiting for others, and locks. */
declare class MmapSharing<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapRegExp<TBuffer> {
  /**
   * Blocks this thread while four bytes have the value of `value`, until {@link notify} is called
   * for the same bytes of the file or region, by any thread of any process that maps them. As
   * `Atomics.wait`, but between processes: `Atomics.notify` does not wake it.
   * The system compares and sleeps in one step. So store the new value first, with `Atomics.store`
   * or otherwise, and then call `notify()`: no change is missed. A `notify()` without a new value
   * can be missed, because the thread looks around every 50 ms.
   * `worker.terminate()` and `process.exit()` end it within these 50 ms. Linux: futex. macOS:
   * os_sync_wait_on_address, or ulock below 14.4. FreeBSD: umtx. Windows: a table beside the
   * file or region, and events. It needs no view.
   * @param position in bytes; in the file it must be a multiple of 4
   * @param value a 32-bit integer in the byte order of the machine, as an Int32Array has it; or, up
   *   to 2 ** 32 - 1, as a Uint32Array has it
   * @param timeout in milliseconds, by a clock that nobody can set; default Infinity
   * @returns `'ok'` also for no reason: look at the value again, in a loop
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_MMAP_FAULT within 50 ms
   *   after the file has been cut off before the bytes, ERR_MMAP_UNSUPPORTED for private memory
   *   (ACCESS_COPY, MAP_PRIVATE), for a mapping that only reads with `trackfd: false` (Linux) or on
   *   FreeBSD, and on Windows for `trackfd: false` and for file systems that do not number their
   *   files; EACCES on Windows where only another user may wait there; ENOMEM
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * console.log(mm.wait(0, 1), mm.wait(0, 0, 5)) // not-equal timed-out
   * ```
   */
  wait(position: number, value: number, timeout?: number): WaitResult;
  /**
   * {@link wait}, as a promise. It waits on a thread of its own, of which there are up to 1000 in a
   * process, and does not delay tasks or the runtime's own. It keeps the process alive, as a
   * pending operation of `fs` does. The thread looks around every second.
   * @param options `timeout` as in `wait`, and `signal`. An abort hands on a wake-up that came at
   *   the same moment, so that another one gets it
   * @returns a promise, rejected with the errors of `wait`, with ERR_MMAP_CLOSED also after
   *   `close()` and `unmap()`, with ERR_MMAP_FAULT within a second, or at once where `resize()` or
   *   `remap()` cuts the bytes off, with ABORT_ERR, and with EAGAIN where there is no thread.
   *   `protect()` ends it with `'ok'`
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * console.log(await mm.waitAsync(0, 0, { timeout: 5 })) // timed-out
   * ```
   */
  waitAsync(position: number, value: number, options?: WaitOptions): Promise<WaitResult>;
  /**
   * Wakes those who wait for four bytes of the file or region: first by {@link wait} and
   * {@link waitAsync} in all processes, then, if the buffer is a SharedArrayBuffer, by
   * `Atomics.wait` in this one. Programs in other languages wait and notify by the system's own
   * calls (Linux: a futex without FUTEX_PRIVATE_FLAG).
   * @param position as in `wait`
   * @param count how many at most; default Infinity
   * @returns how many. macOS tells only whether it was any, if `count` is not given, and FreeBSD
   *   tells nothing: 0
   * @throws as {@link wait}
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * Atomics.store(mm.view(Int32Array), 0, 1) // the new value first
   * console.log(mm.notify(0)) // 0
   * ```
   */
  notify(position: number, count?: number): number;
  /**
   * Locks bytes of the file, or of the named region, against all who lock them: other processes,
   * other threads, other Mmaps, and this one. It waits until nobody else has a part of the range.
   * The system releases the lock of a process that ends or is killed.
   *
   * It is advisory: it hinders nobody who does not ask for a lock, and no byte from being read or
   * written. Two who lock two ranges in different orders wait for each other for ever: keep one
   * order, or give a `timeout`. Requests of one process for the same range and mode get it in their
   * order. On Linux and macOS it also excludes fcntl locks of other programs (Python's
   * `fcntl.lockf`, Java's `FileChannel.lock`). On Windows it is a lock on the positions 2 ** 62
   * behind the bytes, because Windows would refuse all reading and writing of what is locked.
   * @param start in bytes, default 0; or all options. A negative one counts from the end, and the
   *   range may lie beyond it
   * @param stop the first byte that is not locked. Without it, the lock reaches to the end of the
   *   file, however long that becomes
   * @returns a promise of the lock, or of null after a `timeout`. It keeps the process alive while
   *   it waits
   * @throws (by rejection) ERR_MMAP_CLOSED, also when it is closed meanwhile; ABORT_ERR;
   *   ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; ERR_OUT_OF_RANGE for a range without bytes and a
   *   negative `timeout`; EACCES for an exclusive lock of a file that was opened for reading
   *   (`ACCESS_READ`, `ACCESS_COPY`); EBADF with `trackfd: false`; EMFILE, because each lock has an
   *   open file of its own; EAGAIN for more than 1000 ranges that are waited for; ENOLCK;
   *   ERR_MMAP_UNSUPPORTED on FreeBSD, for memory that has no file, and for a file that cannot be
   *   opened again
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const lock = await mm.lockRange(0, 5)
   * console.log(lock.start, lock.stop, lock.mode) // 0 5 exclusive
   * lock.release()
   * ```
   */
  lockRange(options: AsyncRangeLockOptions & {
    timeout: number;
  }): Promise<RangeLock | null>;
  lockRange(start: number | undefined, stop: number | undefined, options: AsyncLockOptions & {
    timeout: number;
  }): Promise<RangeLock | null>;
  lockRange(start?: number | (AsyncRangeLockOptions & {
    timeout?: undefined;
  }), stop?: number, options?: AsyncLockOptions & {
    timeout?: undefined;
  }): Promise<RangeLock>;
  lockRange(start?: number | AsyncRangeLockOptions, stop?: number, options?: AsyncLockOptions): Promise<RangeLock | null>;
  /**
   * {@link lockRange}, which blocks this thread while it waits. It ends within 50 ms when the
   * worker is terminated. A thread that waits for a lock of its own waits for ever: give a
   * `timeout` where that can be.
   * @returns the lock, or null after a `timeout`
   * @throws as {@link lockRange}
   * @category Wait for others, and keep them out
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const lock = mm.lockRangeSync(0, 5, { timeout: 1000 })
   * console.log(lock === null) // false
   * lock.release()
   * ```
   */
  lockRangeSync(options: RangeLockOptions & {
    timeout: number;
  }): RangeLock | null;
  lockRangeSync(start: number | undefined, stop: number | undefined, options: LockOptions & {
    timeout: number;
  }): RangeLock | null;
  lockRangeSync(start?: number | (RangeLockOptions & {
    timeout?: undefined;
  }), stop?: number, options?: LockOptions & {
    timeout?: undefined;
  }): RangeLock;
  lockRangeSync(start?: number | RangeLockOptions, stop?: number, options?: LockOptions): RangeLock | null;
}
//#endregion
//#region src/mmap/mmap.d.ts
/**
 * A file as memory, or memory shared between processes: CPython's `mmap.mmap`.
 *
 * It is a file (`read`, `write`, `seek`, `readLine`, ... at a cursor), a bytearray (`at`, `slice`,
 * `setSlice`, `find`, ...) and memory (`bytes`, `buffer`, `view()`, which copy nothing). Positions
 * and lengths are in bytes. Bounds of a range `[start, stop)` are Python's: negative ones count
 * from the end, and bounds outside the mapping are moved to its nearest end. Arguments are checked
 * first, then the state, before anything is touched. Every error has a `code` ({@link ErrorCode},
 * or the operating system's).
 *
 * Every method but `close`, `unmap` and `seekable` throws `ERR_MMAP_CLOSED` once it is closed.
 * Every one that reads, searches, writes or flushes bytes throws `ERR_MMAP_FAULT`, with `offset`
 * and `length` of the lost bytes, once the file has been truncated under the mapping, or a full
 * disk could not fill a hole in it. A fraction in place of a whole number is `ERR_OUT_OF_RANGE`,
 * and so is a copy that is longer than a Buffer can be or than there is memory for. A detached
 * ArrayBuffer is `ERR_INVALID_ARG_VALUE`, and so is an unknown option.
 *
 * An Mmap is not itself a Buffer or a typed array: where one is wanted, pass {@link bytes}, which
 * copies nothing, or {@link slice}, a copy. (`mm[0]` is undefined.) It cannot be cloned. A Proxy of
 * one is of no use, because private properties belong to the object itself: its methods throw
 * `ERR_INVALID_THIS`. Vue makes none; elsewhere mark the Mmap as raw, or keep it apart.
 */
declare class Mmap<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapSharing<TBuffer> implements Disposable {
  /**
   * Bytes in the file, which may differ from `length` and may change. Of anonymous memory:
   * `length`.
   * @throws ERR_MMAP_CLOSED, EBADF with `trackfd: false`
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt', 5)
   * console.log(mm.length, mm.size()) // 5 24
   * ```
   */
  size(): number;
  /**
   * Writes changes to the device, and returns when they are there. With `ACCESS_READ` there is
   * nothing to write, nor with `ACCESS_COPY` without `writeBack`. Linux: msync, which is a data
   * fsync of the range. macOS: msync and F_FULLFSYNC. Other Unix: msync and fdatasync. Windows:
   * FlushViewOfFile and FlushFileBuffers. With `trackfd: false` only the first of two.
   * @param offset in bytes, default 0; any, it is rounded to pages inside
   * @param size in bytes; to the end when it is missing or -1
   * @param flags `MS_SYNC` by default; with `MS_ASYNC` it returns at once and nothing is promised.
   *   Ignored on Windows, and with `writeBack`
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EIO, ENOSPC, EINVAL for flags
   *   that exclude each other, ERR_MMAP_FAULT; with `writeBack` it is also thrown, after the rest
   *   has been written, when the file has lost a part that was not touched
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.set('Earth', 6) // other processes see it now
   * mm.flush() // and now it survives a crash of the machine
   * console.log(mm.toString('utf8', 6, 11)) // Earth
   * ```
   */
  flush(offset?: number, size?: number, flags?: number): void;
  /**
   * {@link flush}, as a task. The device is asked to finish after every 8 MiB, which is when
   * progress is reported and a signal is looked at.
   * @param offset in bytes, default 0; or all options, with the range as `start` and `stop`
   * @param size in bytes; to the end when it is missing or -1
   * @returns a promise, rejected with the errors of `flush`, and as that of {@link findAsync}
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.set('Earth', 6)
   * await mm.flushAsync()
   * console.log(mm.toString('utf8', 6, 11)) // Earth
   * ```
   */
  flushAsync(offset?: number | RangeTaskOptions, size?: number, options?: TaskOptions): Promise<void>;
  /**
   * Makes the mapping longer or shorter, and sets the size of the file to `offset + newSize`. **If
   * the file was longer than that, the rest of it is cut off, also when the mapping becomes
   * longer.** New bytes of the file are zeros, with blocks allocated. The cursor stays. Views taken
   * before go on showing what they showed, and zeros where the file is cut off; new ones see the
   * new size. The memory is mapped anew: {@link madvise} and {@link mlock} must be called again.
   *
   * A failure leaves mapping and file as they were. Shared anonymous memory cannot grow on Linux,
   * and a named region nowhere beyond the size that it was created with. Windows cannot shorten a
   * file while a view of it is alive: EBUSY.
   * @param newSize in bytes, at least 1
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY for ACCESS_READ, ACCESS_COPY and MAP_PRIVATE with a
   *   file, ERR_INVALID_ARG_VALUE with `trackfd: false`, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE,
   *   ENOSPC, ENOMEM, EFBIG, EBUSY on Windows
   * @category The file and the device
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.resize(30)
   * mm.set('More!\n', 24)
   * console.log(mm.length, mm.count('\n')) // 30 3
   * ```
   */
  resize(newSize: number | bigint): void;
  /**
   * Maps what the file has now, from `offset` to its end, or `newLength` bytes of it: to follow a
   * file that others write to. It is the file that was opened, also when its path leads to another
   * one by now. The file is never changed. Where nothing has changed, nothing is done. The cursor
   * stays, and may be beyond the end then. Iterators and streams go on in the new length. Views
   * taken before go on showing what they showed, and zeros where the file has lost a part; new ones
   * see the new length. With `maxByteLength` the mapping grows in place. A running task goes on in
   * what was mapped when it began. After ERR_MMAP_FAULT the mapping is whole again.
   *
   * The memory is mapped anew: {@link madvise} and {@link mlock} must be called again. With
   * `ACCESS_READ`, what was stored through a view stays in that view, and is gone where the mapping
   * has grown in place. A private mapping is refused: its changes would be lost. A failure changes
   * nothing.
   * @param newLength in bytes, at least 1, or 0 with `allowEmpty`; by default all that the file has
   * @returns the new length
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for memory that has no
   *   file and with `trackfd: false`, ERR_MMAP_READONLY for ACCESS_COPY and MAP_PRIVATE,
   *   ERR_OUT_OF_RANGE for more than the file has, and where it has no byte at `offset` (unless
   *   `allowEmpty` is given and it ends there), ENOMEM
   * @category The file and the device
   * @example
   * ```js
   * import { appendFileSync } from 'node:fs'
   *
   * const mm = mmap('hello.txt', { access: ACCESS_READ })
   * appendFileSync('hello.txt', 'More!\n')
   * console.log(mm.length, mm.remap()) // 24 30
   * ```
   */
  remap(newLength?: number | bigint): number;
  /**
   * Tells the operating system how a range will be used: `MADV_*`. The part of the range beyond the
   * end is left out. `resize()` ends the advice, and so does a `protect()` that takes `PROT_WRITE`
   * away or gives it back.
   * @param start in bytes, default 0; otherwise on a page
   * @param length in bytes, default to the end
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EINVAL, ERR_MMAP_UNSUPPORTED
   *   on Windows
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * if (MADV_RANDOM !== undefined) mm.madvise(MADV_RANDOM) // undefined on Windows
   * console.log(mm.at(5)) // 32
   * ```
   */
  madvise(option: number, start?: number, length?: number): void;
  /**
   * Changes what may be done with the mapping. Without `PROT_WRITE` the methods refuse to write,
   * and what is stored through a view from then on is private memory, as with `ACCESS_READ`: no
   * store can crash. Views can always be read. (Views and tasks from before a `resize()` are of
   * earlier memory, which stays as it is.)
   * With `writeBack`, earlier changes are written first. Later stores never are: they are gone when
   * writing is allowed again. Where `PROT_WRITE` is taken away or given back, the memory may be
   * mapped anew: {@link madvise} and {@link mlock} must be called again.
   * @param prot `PROT_READ`, with `PROT_WRITE`, `PROT_EXEC` or both
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, EACCES for writing to a file that was opened for
   *   reading and, on Apple's processors, for PROT_WRITE with PROT_EXEC, EBADF with
   *   `trackfd: false`, EINVAL, ERR_MMAP_UNSUPPORTED on Windows; with `writeBack` as {@link flush}
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * if (PROT_READ !== undefined) mm.protect(PROT_READ) // undefined on Windows
   * console.log(mm.at(5)) // 32
   * ```
   */
  protect(prot: number): void;
  /**
   * Keeps the pages under a range in RAM. (It locks no file.) A `resize()` ends that, and so does a
   * `protect()` that takes `PROT_WRITE` away or gives it back.
   * @param start default 0; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ENOMEM or EPERM beyond what the system allows
   *   (`ulimit -l`; on Windows the working set of the process, which is made larger if it can be),
   *   ENOSYS for private memory on Linux before 4.4, ERR_MMAP_FAULT where the file has been cut off
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.mlock()
   * console.log(mm.resident().resident) // 1
   * mm.munlock()
   * ```
   */
  mlock(start?: number | RangeOptions, stop?: number): void;
  /**
   * Undoes {@link mlock}, however often that was called; on macOS, one call of it. Arguments and
   * errors are the same.
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.mlock(0, 5)
   * mm.munlock(0, 5)
   * console.log(mm.at(5)) // 32
   * ```
   */
  munlock(start?: number | RangeOptions, stop?: number): void;
  /**
   * How many pages of a range are in memory: in the page cache (Unix) or in the process's working
   * set (Windows).
   * @param start default 0; `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE; EPERM of a file that the process neither owns
   *   nor may write, of which Linux does not tell (it says "all")
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.find('World')) // 6
   * const { resident, total } = mm.resident()
   * console.log(resident, total) // 1 1
   * ```
   */
  resident(start?: number | RangeOptions, stop?: number): Residency;
  /**
   * Reads a range into memory ahead of its use, as a task. Nothing is copied. Linux:
   * MADV_POPULATE_READ (5.14 and newer). Other Unix: MADV_WILLNEED and a touch of every page.
   * Windows: PrefetchVirtualMemory, after which {@link resident} still counts only the pages that
   * the process has touched.
   * @param start default 0; or all options. `stop` is the length by default
   * @returns a promise, rejected as that of {@link findAsync}, and with ERR_MMAP_FAULT
   * @category Memory and the system
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * await mm.prefetch(0, 5)
   * console.log(mm.toString('latin1', 0, 5)) // Hello
   * ```
   */
  prefetch(start?: number | RangeTaskOptions, stop?: number, options?: TaskOptions): Promise<void>;
  /**
   * Closes: the methods throw from now on, and the descriptor is closed. The memory is unmapped at
   * once if no view was ever made for the user, else when the last view is collected. Views stay
   * good. Closing again does nothing. Changes of a shared mapping are in the file without any
   * `flush()`; that is about the device. With `writeBack` private changes are written first.
   * @throws with `writeBack` only: ENOSPC, EIO and other errors of writing, after which it is still
   *   open, with nothing lost; ERR_MMAP_FAULT when the file has become shorter than the mapping, so
   *   that changes beyond its end may be lost: the part before has been written, and it is closed
   * @category Open and close
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { bytes } = mm
   * mm.close()
   * console.log(mm.closed, bytes[0]) // true 72
   * ```
   */
  close(): void;
  /**
   * Closes, and releases the file now, which Windows requires before it is deleted, renamed or
   * truncated. Every view has length 0 afterwards (one of a SharedArrayBuffer keeps its length, and
   * reads zeros). It can also be called after `close()`.
   * Do not call it while something asynchronous still uses a view: Node's own zlib ends the process
   * when the buffer under it is detached, what `fs.read` still stores is lost, and what `fs.write`
   * still takes is zeros. Memory that `ArrayBuffer.prototype.transfer()` has moved to another
   * ArrayBuffer stays mapped until that one is collected. So does memory under a view that has been
   * collected in this turn of the event loop, until the engine has finalized it in a later one.
   * @throws as {@link close}, but it is closed in any case, and changes that could not be written
   *   are lost; ENOMEM where there is no memory for zeros in place of the file, which stays mapped
   *   until its views are collected, or `unmap()` is called again; ERR_MMAP_UNSUPPORTED on Windows
   *   for a SharedArrayBuffer that the user has
   * @category Open and close
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { bytes } = mm
   * mm.unmap()
   * console.log(mm.closed, bytes.length) // true 0
   * ```
   */
  unmap(): void;
  /**
   * {@link close}, for `using`.
   * @category Open and close
   */
  [Symbol.dispose](): void;
}
//#endregion
//#region src/factory.d.ts
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
declare function mmap(file: FileLike | -1, length: number | bigint | undefined, options: SharedMmapOptions): Mmap<SharedArrayBuffer>;
declare function mmap(file: FileLike | -1, options: NotText<SharedMmapOptions>): Mmap<SharedArrayBuffer>;
declare function mmap(file: FileLike | -1, length?: number | bigint, options?: PlainMmapOptions): Mmap<ArrayBuffer>;
declare function mmap(file: FileLike | -1, options: NotText<PlainMmapOptions>): Mmap<ArrayBuffer>;
declare function mmap(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions): Mmap;
//#endregion
//#region src/shm.d.ts
/**
 * Removes a name of POSIX shared memory, as `shm_unlink` does. Who has mapped the memory keeps it,
 * and the next {@link mmap} of that name finds nothing. On Windows this does nothing, because the
 * system removes a name when nobody uses the memory.
 * @param name as {@link MmapOptions.shm}
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE and ERR_OUT_OF_RANGE (longer than the system
 *   allows) for what is no name, ERR_ACCESS_DENIED (`node --permission`, on Linux), and those of
 *   the operating system: ENOENT, EACCES, ...
 * @example
 * ```js
 * const mm = mmap(-1, 4096, { shm: `/example-${process.pid}`, create: true })
 * unlinkShm(`/example-${process.pid}`)
 * console.log(mm.at(0)) // 0
 * ```
 */
declare function unlinkShm(name: string): void;
//#endregion
export { ACCESS_COPY, ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ALLOCATIONGRANULARITY, type AsyncLockOptions, type AsyncRangeLockOptions, type BufferCopy, type BytesLike, type CreateOptions, type ErrorCode, type FileLike, type LinesOptions, type LockMode, type LockOptions, MADV_AUTOSYNC, MADV_COLD, MADV_CORE, MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP, MADV_DONTFORK, MADV_DONTNEED, MADV_FREE, MADV_FREE_REUSABLE, MADV_FREE_REUSE, MADV_HUGEPAGE, MADV_HWPOISON, MADV_MERGEABLE, MADV_NOCORE, MADV_NOHUGEPAGE, MADV_NORMAL, MADV_NOSYNC, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_PROTECT, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_SOFT_OFFLINE, MADV_UNMERGEABLE, MADV_WILLNEED, MAP_32BIT, MAP_ALIGNED_SUPER, MAP_ANON, MAP_ANONYMOUS, MAP_CONCEAL, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_HASSEMAPHORE, MAP_JIT, MAP_NOCACHE, MAP_NOEXTEND, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE, MAP_RESILIENT_CODESIGN, MAP_RESILIENT_MEDIA, MAP_SHARED, MAP_STACK, MAP_TPRO, MAP_TRANSLATED_ALLOW_EXECUTE, MAP_UNIX03, MAX_VIEW_LENGTH, MS_ASYNC, MS_INVALIDATE, MS_SYNC, type MatchOptions, type MatchTaskOptions, Mmap, type MmapError, MmapMatch, type MmapOptions, PAGESIZE, PROT_EXEC, PROT_READ, PROT_WRITE, type PlainMmapOptions, type Progress, type RangeLock, type RangeLockOptions, type RangeMatchOptions, type RangeMatchTaskOptions, type RangeOptions, type RangeReplaceOptions, type RangeReplaceTaskOptions, type RangeTaskOptions, type ReplaceOptions, type ReplaceTaskOptions, type Residency, type SharedMmapOptions, type StreamOptions, type TaskOptions, type TextEncoding, type TextLinesOptions, type ViewConstructor, type ViewOver, type WaitOptions, type WaitResult, mmap, unlinkShm };
// The exports of the package.

export type { BytesLike } from './arguments.js'
export * from './constants.js'
export type { ErrorCode, MmapError } from './errors.js'
export { mmap } from './factory.js'
export type { BufferCopy, Residency } from './mapping.js'
export { Mmap } from './mmap/mmap.js'
export type {
  LinesOptions,
  MatchOptions,
  MatchTaskOptions,
  Progress,
  RangeMatchOptions,
  RangeMatchTaskOptions,
  RangeOptions,
  RangeReplaceOptions,
  RangeReplaceTaskOptions,
  RangeTaskOptions,
  ReplaceOptions,
  ReplaceTaskOptions,
  StreamOptions,
  TaskOptions,
  TextLinesOptions,
  WaitOptions,
} from './options/methods.js'
export type { CreateOptions, FileLike, MmapOptions, PlainMmapOptions, SharedMmapOptions } from './options/mmap.js'
export { MmapMatch } from './regexp/match.js'
export type {
  AsyncLockOptions,
  AsyncRangeLockOptions,
  LockMode,
  LockOptions,
  RangeLock,
  RangeLockOptions,
} from './sharing/range-lock.js'
export type { WaitResult } from './sharing/waits.js'
export { unlinkShm } from './shm.js'
export type { TextEncoding } from './text.js'
export type { ViewConstructor, ViewOver } from './views/view-types.js'

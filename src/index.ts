// The exports of the package.

export type { BytesLike } from './arguments.js'
export * from './constants.js'
export type { ErrorCode, MmapError } from './errors.js'
export { mmap } from './factory.js'
export type { BufferCopy, Residency } from './mapping.js'
export { Mmap } from './mmap/mmap.js'
export type {
  CreateOptions,
  FileLike,
  LinesOptions,
  MatchOptions,
  MatchTaskOptions,
  MmapOptions,
  PlainMmapOptions,
  Progress,
  RangeMatchOptions,
  RangeMatchTaskOptions,
  RangeOptions,
  RangeReplaceOptions,
  RangeReplaceTaskOptions,
  RangeTaskOptions,
  ReplaceOptions,
  ReplaceTaskOptions,
  SharedMmapOptions,
  StreamOptions,
  TaskOptions,
  TextLinesOptions,
  WaitOptions,
} from './options.js'
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

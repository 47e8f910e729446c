// The types as a program sees them. Nothing here is run: tsc says whether it compiles, and whether
// each line that is marked as an error is one.

import type { FileHandle } from 'node:fs/promises'
import {
  ACCESS_COPY,
  ACCESS_DEFAULT,
  ACCESS_READ,
  ACCESS_WRITE,
  type BytesLike,
  type ErrorCode,
  type FileLike,
  type LinesOptions,
  type LockMode,
  type LockOptions,
  MADV_HUGEPAGE,
  MADV_WILLNEED,
  MAP_SHARED,
  MAX_VIEW_LENGTH,
  Mmap,
  type MmapError,
  MmapMatch,
  type MmapOptions,
  mmap,
  PAGESIZE,
  PROT_READ,
  type Progress,
  type RangeLock,
  type Residency,
  type TaskOptions,
  unlinkShm,
  type ViewConstructor,
  type WaitOptions,
  type WaitResult,
} from 'memmap'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Fails to compile unless the type of the value is just `Expected`. */
declare function hasType<Expected>(): <const Actual>(
  value: Actual,
  ...same: Same<Actual, Expected> extends true ? [] : [never]
) => void

declare const handle: FileHandle
declare const map: Mmap

// --- Opening

hasType<Mmap<ArrayBuffer>>()(mmap('path'))
hasType<Mmap<ArrayBuffer>>()(mmap('path', { length: 5, sharedArrayBuffer: false }))
hasType<Mmap<SharedArrayBuffer>>()(mmap('path', { sharedArrayBuffer: true }))
hasType<Mmap<SharedArrayBuffer>>()(mmap('path', 0, { sharedArrayBuffer: { maxByteLength: 5 } }))
hasType<Mmap>()(mmap('path', 0, {} as MmapOptions))
hasType<Mmap>()(new Mmap('path'))
mmap(3, 10)
mmap(-1, 10n)
mmap(Buffer.from('path'), 0)
mmap(new Uint8Array(1))
mmap(new URL('file:///path'))
mmap(handle)
mmap('path', undefined, {})
mmap('path', 0, { access: ACCESS_READ, offset: 10n })
mmap('path', 0, { access: ACCESS_COPY, writeBack: true })
mmap('path', 10, { create: true, trackfd: false })
mmap('path', 10, { create: { mode: 0o600, exclusive: true, sparse: false } })
mmap('path', 10, { create: { mode: undefined } })
mmap('path', 0, { allowEmpty: true })
mmap(-1, 10, { tagname: 'tag' })
mmap(-1, { shm: 'name' })
mmap(-1, 10, { shm: 'name', create: { mode: 0o600, exclusive: true } })
hasType<void>()(unlinkShm('name'))
mmap('path', 0, { flags: MAP_SHARED, prot: PROT_READ })
mmap('path', 0, { access: undefined, offset: undefined, tagname: undefined, flags: undefined, create: undefined })
const kept: MmapOptions = { access: ACCESS_WRITE }
mmap('path', 0, kept)
const file: FileLike = handle
mmap(file)

// @ts-expect-error a file is needed
mmap()
// @ts-expect-error no file
mmap(null)
// @ts-expect-error no file
mmap({ fd: 3 })
// @ts-expect-error a bigint is no descriptor
mmap(3n)
// @ts-expect-error no length
mmap('path', '5')
// @ts-expect-error null is not undefined
mmap('path', null)
// @ts-expect-error options, not access
mmap('path', 0, ACCESS_READ)
// @ts-expect-error null is not undefined
mmap('path', 0, null)
// @ts-expect-error there are four accesses
mmap('path', 0, { access: 4 })
// @ts-expect-error no number
mmap('path', 0, { access: 'r' })
// @ts-expect-error misspelt
mmap('path', 0, { acces: ACCESS_READ })
// @ts-expect-error misspelt
mmap('path', 0, { tagName: 'tag' })
// @ts-expect-error no string
mmap(-1, 10, { tagname: 5 })
// @ts-expect-error no string
mmap(-1, 10, { shm: Buffer.from('name') })
// @ts-expect-error no string
unlinkShm(5)
// @ts-expect-error no boolean
mmap('path', 0, { trackfd: 1 })
// @ts-expect-error no boolean
mmap('path', 10, { create: 'yes' })
// @ts-expect-error a mode is a number
mmap('path', 10, { create: { mode: '600' } })
// @ts-expect-error flags are a number
mmap('path', 0, { flags: ['MAP_SHARED'] })
// @ts-expect-error one argument too many
mmap('path', 0, {}, 0)

// --- State

hasType<number>()(map.length)
hasType<number>()(map.offset)
hasType<0 | 1 | 2 | 3>()(map.access)
hasType<boolean>()(map.closed)
hasType<number>()(map.fd)

// @ts-expect-error it is read-only
map.length = 5
// @ts-expect-error it is read-only
map.closed = true
// @ts-expect-error a mapping has no index signature: that is bytes[0] or at(0)
map[0]

// --- Zero-copy

hasType<Uint8Array>()(map.bytes)
hasType<ArrayBuffer | SharedArrayBuffer>()(map.buffer)
hasType<DataView>()(map.view(DataView))
hasType<Buffer>()(map.view(Buffer, 0, 10))
// @ts-expect-error a view of a Buffer is no number
hasType<number>()(map.view(Buffer))
const floats: Float64Array = map.view(Float64Array, 16, 100)
const bigints: BigInt64Array = map.view(BigInt64Array)
hasType<number | undefined>()(floats[0])
hasType<bigint | undefined>()(bigints[0])
class Samples extends Int16Array {
  readonly rate: number = 44_100
}
const samples: ViewConstructor<Samples> = Samples
hasType<number>()(map.view(samples).rate)

// @ts-expect-error a class is needed
map.view()
// @ts-expect-error no view class
map.view(Array)
// @ts-expect-error no view class
map.view(ArrayBuffer)
// @ts-expect-error the class, not its name
map.view('Uint8Array')
// @ts-expect-error positions of views are numbers
map.view(Uint8Array, 0n)
// @ts-expect-error a view of floats is no view of bytes
hasType<Uint8Array>()(map.view(Float64Array))

// --- A cursor

hasType<Buffer<ArrayBuffer>>()(map.read())
map.read(10)
map.read(null)
hasType<number>()(map.readByte())
hasType<Buffer<ArrayBuffer>>()(map.readLine())
hasType<number>()(map.write('text'))
hasType<void>()(map.writeByte(1))
hasType<number>()(map.seek(0))
map.seek(-1, 2)
hasType<number>()(map.tell())
hasType<true>()(map.seekable())

// @ts-expect-error no number
map.read('10')
// @ts-expect-error bytes are needed
map.write()
// @ts-expect-error a number is no bytes
map.write(65)
// @ts-expect-error an array is no bytes
map.write([65])
// @ts-expect-error bytes are needed
map.write(null)
// @ts-expect-error no number
map.writeByte('A')
// @ts-expect-error there are three
map.seek(0, 3)
// @ts-expect-error a position is needed
map.seek()

// --- Bytes of every kind

for (const data of [
  '',
  new ArrayBuffer(1),
  new SharedArrayBuffer(1),
  new DataView(new ArrayBuffer(1)),
  Buffer.alloc(1),
]) {
  const bytes: BytesLike = data
  map.write(bytes)
  map.setSlice(bytes)
  map.find(bytes)
}
map.write(new Float32Array(1))
map.write(new BigInt64Array(1))
map.write(map.bytes)

// --- Positions

hasType<number>()(map.at(-1))
hasType<void>()(map.setAt(0, 255))
hasType<Buffer<ArrayBuffer>>()(map.slice())
map.slice(1, -1, 2)
map.slice(undefined, undefined, -1)
hasType<void>()(map.setSlice('ab', 0, 4, 2))
hasType<void>()(map.move(0, 1, 2))
hasType<Mmap>()(map.fill(0))
map.fill('ab', 1, 2).fill(0)
for (const byte of map) hasType<number>()(byte)
const all = [...map]
hasType<number[]>()(all)

// @ts-expect-error an index is needed
map.at()
// @ts-expect-error a bigint is no index
map.at(1n)
// @ts-expect-error a value is needed
map.setAt(0)
// @ts-expect-error null is not undefined
map.slice(null)
// @ts-expect-error the data comes first
map.setSlice(0, 4, 'abcd')
// @ts-expect-error three numbers
map.move(0, 1)

// --- Searching

hasType<number>()(map.find('a', 0, 10))
hasType<number>()(map.rfind(Buffer.from('a')))
hasType<number>()(map.indexOf(65))
hasType<number>()(map.lastIndexOf('a', -1))
hasType<boolean>()(map.includes('a'))

hasType<IterableIterator<number>>()(map.findAll('a', 0, 10))
hasType<number>()(map.count(new Float64Array(1)))
hasType<number>()(map.replaceAll('a', Buffer.from('b'), -10))
hasType<IterableIterator<Uint8Array>>()(map.lines())
hasType<IterableIterator<string>>()(map.lines({ encoding: 'utf8', crlf: true, reverse: true }))
hasType<{ start: number; stop: number }>()(map.lineAt(0))

hasType<number>()(map.search(/a/, 0, 10))
hasType<MmapMatch | null>()(map.match(/a/, { start: 1 }))
hasType<IterableIterator<MmapMatch>>()(map.matchAll(/a/, { start: 1, stop: 2, groups: false }))
hasType<AsyncIterableIterator<MmapMatch>>()(map.matchAllAsync(/a/, 0, 10, { groups: true, onProgress() {} }))
hasType<Promise<MmapMatch | null>>()(map.matchAsync(/a/))
hasType<Promise<number>>()(map.searchAsync(/a/, { signal: AbortSignal.timeout(1) }))
hasType<number>()(map.count(/a/))
hasType<IterableIterator<string>>()(map.lines({ matching: /a/, encoding: 'utf8' }))
hasType<number>()(map.replaceAll(/a/, (match) => match.text, { fill: ' ' }))
hasType<Promise<number>>()(map.replaceAllAsync(/a/, 'b', 0, 10, { fill: 0 }))
for (const match of map.matchAll(/(?<n>a)/)) {
  hasType<string | undefined>()(match.group('n'))
  hasType<[start: number, end: number] | undefined>()(match.span(0))
  const [whole] = match
  hasType<string | undefined>()(whole)
}
// @ts-expect-error a string is no pattern
map.search('a')
// @ts-expect-error only bytes replace on another thread
map.replaceAllAsync(/a/, () => 'b')
// @ts-expect-error a needle is replaced as it is
map.replaceAll('a', () => 'b')
// @ts-expect-error a match is made by a search
new MmapMatch()
hasType<ReadableStream<Uint8Array>>()(map.stream({ start: 1, stop: 2, chunkSize: 3 }))
hasType<AsyncIterableIterator<Buffer>>()(map[Symbol.asyncIterator]())
hasType<ArrayBuffer>()(map.arrayBuffer())
hasType<string>()(map.toString('latin1', 1, 2))
new Blob([map.arrayBuffer()])
new Response(map.stream())
for (const line of map.lines({ start: 1, stop: undefined })) hasType<Uint8Array>()(line)
const places = [...map.findAll('a')]
hasType<number[]>()(places)
const bounds: LinesOptions = { start: -10 }
map.lines(bounds)

// @ts-expect-error a needle is needed
map.findAll()
// @ts-expect-error a number is a byte for indexOf, not for count
map.count(65)
// @ts-expect-error what to put there is needed
map.replaceAll('a')
// @ts-expect-error options, not bounds
map.lines(0, 10)
// @ts-expect-error misspelt
map.lines({ end: 10 })
// @ts-expect-error there is no such encoding
map.lines({ encoding: 'utf-7' })
// @ts-expect-error lines have two encodings
map.lines({ encoding: 'hex' })
// @ts-expect-error there is no such encoding
map.toString('utf-7')
// @ts-expect-error a number is a byte for indexOf, not for find
map.find(65)
// @ts-expect-error no needle
map.indexOf(/a/)

// --- Tasks

hasType<Promise<number>>()(map.findAsync('a'))
hasType<Promise<number>>()(map.countAsync('a', 0, 10))
hasType<Promise<number>>()(map.replaceAllAsync('a', 'b', 0, undefined, {}))
hasType<Promise<void>>()(map.flushAsync())
hasType<Promise<void>>()(map.prefetch(0, 10, { signal: undefined, onProgress: undefined }))
const task: TaskOptions = {
  signal: AbortSignal.timeout(1000),
  onProgress: ({ done, total }) => {
    hasType<number>()(done)
    hasType<number>()(total)
  },
}
map.countAsync('a', 0, undefined, task)
const report = (progress: Progress): number => progress.done / progress.total
map.flushAsync(0, undefined, { onProgress: report })

// @ts-expect-error a controller is no signal
map.countAsync('a', 0, undefined, { signal: new AbortController() })
// @ts-expect-error no function
map.prefetch(0, 10, { onProgress: 'log' })
// @ts-expect-error misspelt
map.findAsync('a', 0, undefined, { sginal: AbortSignal.abort() })
map.findAsync('a', {})
map.findAsync('a', { start: 1, stop: 2, signal: undefined, onProgress: report })
// @ts-expect-error a search has no signal
map.find('a', { start: 1, signal: undefined })
// @ts-expect-error flags are for flush alone
map.flushAsync(0, 10, 4)

// --- Waiting

hasType<WaitResult>()(map.wait(0, 0))
hasType<'ok' | 'not-equal' | 'timed-out'>()(map.wait(0, 2 ** 32 - 1, 10))
hasType<Promise<WaitResult>>()(map.waitAsync(0, 0))
const waiting: WaitOptions = { timeout: 10, signal: AbortSignal.timeout(1000) }
map.waitAsync(0, 0, waiting)
map.waitAsync(0, 0, { timeout: undefined, signal: undefined })
hasType<number>()(map.notify(0))
hasType<number>()(map.notify(0, 1))

// @ts-expect-error 64 bits
map.wait(0, 0n)
// @ts-expect-error a blocked thread gets no signal
map.wait(0, 0, { signal: AbortSignal.abort() })
// @ts-expect-error the timeout is an option
map.waitAsync(0, 0, 10)
// @ts-expect-error it has no progress
map.waitAsync(0, 0, { onProgress: report })

// --- The system

hasType<number>()(map.size())
hasType<boolean>()(map.created)
hasType<void>()(map.flush())
map.flush(0, 10, 4)
hasType<void>()(map.resize(10n))
hasType<number>()(map.remap())
hasType<number>()(map.remap(10n))
hasType<void>()(map.madvise(MADV_WILLNEED, 0, PAGESIZE))
hasType<void>()(map.protect(PROT_READ))
hasType<void>()(map.mlock())
hasType<void>()(map.munlock(0, 10))
hasType<Residency>()(map.resident())
hasType<number>()(map.resident(0, 10).total)
hasType<0>()(ACCESS_DEFAULT)
hasType<1>()(ACCESS_READ)
hasType<2>()(ACCESS_WRITE)
hasType<3>()(ACCESS_COPY)
hasType<number>()(MAX_VIEW_LENGTH)
hasType<number | undefined>()(MADV_HUGEPAGE)

// @ts-expect-error only some systems have it: look first
map.madvise(MADV_HUGEPAGE)
// @ts-expect-error a size is needed
map.resize()
// @ts-expect-error an option is needed
map.madvise()

// --- Locks

hasType<Promise<RangeLock>>()(map.lockRange())
hasType<Promise<RangeLock>>()(map.lockRange(0, 10, { mode: 'shared', signal: AbortSignal.timeout(1) }))
hasType<Promise<RangeLock>>()(map.lockRange({ start: -10, mode: 'exclusive' }))
hasType<Promise<RangeLock | null>>()(map.lockRange(0, 10, { timeout: 0 }))
hasType<Promise<RangeLock | null>>()(map.lockRange({ stop: 5, timeout: 10, signal: undefined }))
hasType<RangeLock>()(map.lockRangeSync())
hasType<RangeLock>()(map.lockRangeSync(0, undefined, { mode: 'shared' }))
hasType<RangeLock | null>()(map.lockRangeSync(undefined, undefined, { timeout: 0 }))
hasType<RangeLock | null>()(map.lockRangeSync({ timeout: 0 }))
const lock: RangeLock & Disposable = map.lockRangeSync()
hasType<number>()(lock.start)
hasType<number>()(lock.stop)
hasType<LockMode>()(lock.mode)
hasType<boolean>()(lock.released)
hasType<void>()(lock.release())
const lockOptions: LockOptions = { mode: 'shared' }
hasType<RangeLock>()(map.lockRangeSync(0, 1, { mode: 'shared' as LockMode }))
hasType<RangeLock | null>()(map.lockRangeSync(0, 1, lockOptions))
hasType<Promise<RangeLock | null>>()(map.lockRange(0, 1, lockOptions))

// @ts-expect-error there is no such mode
map.lockRange(0, 10, { mode: 'write' })
// @ts-expect-error a signal cannot come while the thread is blocked
map.lockRangeSync(0, 10, { signal: AbortSignal.abort() })
// @ts-expect-error it may be null after a timeout
map.lockRangeSync(0, 10, { timeout: 0 }).release()
// @ts-expect-error locks come from lockRange
new RangeLock()
// @ts-expect-error only release() does that
lock.released = true

// --- The end

hasType<void>()(map.close())
hasType<void>()(map.unmap())
{
  using _short = mmap('path')
}
const disposable: Disposable = map
const iterable: Iterable<number> = map
disposable[Symbol.dispose]()
iterable[Symbol.iterator]()

// --- Errors

try {
  map.at(0)
} catch (error) {
  if (error instanceof Error && 'code' in error) {
    const expected: ErrorCode = 'ERR_MMAP_CLOSED'
    error.code === expected
  }
}
declare const thrown: MmapError
hasType<ErrorCode>()(thrown.code)
hasType<number | undefined>()(thrown.replaced)
thrown satisfies Error
// @ts-expect-error there is no such code
const unknown: ErrorCode = 'ERR_MMAP_BROKEN'
unknown satisfies string

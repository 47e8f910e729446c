// What programs do with the types. `npm run check` compiles it with old and new versions of
// TypeScript and of @types/node.

import { inspect } from 'node:util'
import {
  ACCESS_READ,
  type BufferCopy,
  type BytesLike,
  type ErrorCode,
  type FileLike,
  Mmap,
  type MmapError,
  type MmapMatch,
  type MmapOptions,
  mmap,
  type TaskOptions,
  unlinkShm,
} from 'memmap'

const options: MmapOptions = { access: ACCESS_READ, offset: undefined, sharedArrayBuffer: { maxByteLength: 10n } }
const files: FileLike[] = ['path', new URL('file:///path'), 3, Buffer.from('path')]
const needles: BytesLike[] = ['text', new Uint8Array(1), new ArrayBuffer(1), new SharedArrayBuffer(1), Buffer.from('')]

export async function use(controller: AbortController): Promise<unknown[]> {
  const mm: Mmap = mmap(files[0] ?? -1, 16n, options)
  // A copy has its own memory, which is what a Blob wants.
  const copies: BufferCopy[] = [mm.slice(), mm.read(), mm.readLine()]
  const blob = new Blob([mm.slice(), mm.read(4)])
  const tasks: TaskOptions = { signal: controller.signal, onProgress: ({ done, total }) => done / total, threads: 2 }
  const places = needles.map((needle) => mm.findAsync(needle, 0, undefined, tasks))
  const doubles: Float64Array = mm.view(Float64Array)
  const node: Buffer = mm.view(Buffer, 0, 4)
  const bytes: Uint8Array = mm.bytes
  const buffer: ArrayBuffer | SharedArrayBuffer = mm.buffer
  const matches: MmapMatch[] = [...mm.matchAll(/a(?<rest>.*)/, { groups: true })]
  for await (const { index, groups } of mm.matchAllAsync(/b/)) console.log(index, groups?.rest)
  const lines: string[] = [...mm.lines()].map((line) => new TextDecoder().decode(Buffer.from(line)))
  const disposable: Disposable = mm
  const described: string = mm[inspect.custom](2, {}) + inspect(mm)
  // What is over an ArrayBuffer is what Blob and fetch take; TypeScript before 5.7 takes anything.
  const own: Mmap<ArrayBuffer> = mmap('path', { length: 4, access: ACCESS_READ })
  const ownBuffer: ArrayBuffer = own.buffer
  const ownBytes: ReturnType<Uint8Array['slice']> = own.bytes
  const body: Blob = new Blob([
    own.bytes,
    own.view(Float64Array),
    own.view(DataView),
    own.view(Buffer),
    mmap('path').bytes,
  ])
  const shared: Mmap<SharedArrayBuffer> = mmap(-1, 5, { sharedArrayBuffer: true })
  const sharedBuffer: SharedArrayBuffer = mmap(-1, { length: 5, sharedArrayBuffer: { maxByteLength: 9 } }).buffer
  const words: Int32Array & { readonly buffer: SharedArrayBuffer } = shared.view(Int32Array)
  const named: Mmap<ArrayBuffer> = mmap(-1, 5, { shm: 'name', create: true })
  const remove: (name: string) => void = unlinkShm
  const either: Mmap[] = [own, shared, mm]
  const found: number = mm.find('a', { start: 1 }) + (await mm.countAsync('a', { stop: 5, signal: controller.signal }))
  return [
    matches,
    ownBuffer,
    ownBytes,
    body,
    sharedBuffer,
    words,
    named,
    remove,
    either,
    found,
    blob,
    copies,
    places,
    doubles,
    node,
    bytes,
    buffer,
    lines,
    disposable,
    described,
    [...mm],
    new Mmap(-1, 5),
  ]
}

export function codeOf(error: MmapError): ErrorCode {
  return error.code
}

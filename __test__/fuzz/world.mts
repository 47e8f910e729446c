// The world in which a sequence of calls runs, what its arguments may do meanwhile, and how a call
// may end.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { inspect, types } from 'node:util'
import fc from 'fast-check'
import { type ErrorCode, type Mmap, mmap, PAGESIZE, PROT_READ, PROT_WRITE } from 'memmap'
import { pattern } from '../support/portable.mjs'

export const FILE_LENGTH = 3 * PAGESIZE + 123
export const MIB = 2 ** 20

// A call may use this much disk and memory, or ask for more than any machine has.
const MOST = 64 * MIB
const MORE_THAN_ANY_MACHINE = 2 ** 52

// --- What a call may end with

/**
 * The codes that a call may end with. A code that is added to the package is a type error here. The
 * exceptions come from loading the package, from permissions, which these tests do not restrict,
 * and from calls on something other than an Mmap.
 */
const CODES: Record<Exclude<ErrorCode, 'ERR_MMAP_BINDING' | 'ERR_ACCESS_DENIED' | 'ERR_INVALID_THIS'>, true> = {
  ABORT_ERR: true,
  ERR_INVALID_ARG_TYPE: true,
  ERR_INVALID_ARG_VALUE: true,
  ERR_INVALID_FILE_URL_HOST: true,
  ERR_INVALID_FILE_URL_PATH: true,
  ERR_INVALID_URL_SCHEME: true,
  ERR_MMAP_CHANGED: true,
  ERR_MMAP_CLOSED: true,
  ERR_MMAP_FAULT: true,
  ERR_MMAP_NO_VIEW: true,
  ERR_MMAP_READONLY: true,
  ERR_MMAP_REGEXP: true,
  ERR_MMAP_UNSUPPORTED: true,
  ERR_MMAP_VIEW_TOO_LARGE: true,
  ERR_OUT_OF_RANGE: true,
}

function isDocumented(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  if (Object.hasOwn(CODES, error.code)) return true
  return (
    /^E[A-Z0-9]+$/.test(error.code) &&
    'errno' in error &&
    Number.isInteger(error.errno) &&
    'syscall' in error &&
    typeof error.syscall === 'string'
  )
}

// --- The world that a sequence of calls runs in

export interface World {
  /** What is called. */
  map: Mmap
  /** An open mapping of other memory. */
  other: Mmap
  closed: Mmap
  /** A file to open. */
  path: string
  fd: number
  /** What the arguments themselves have thrown, which a call may throw unchanged. */
  thrown: Set<unknown>
  /** Buffers of the arguments so far, which may shrink at any time. */
  resizable: { resize(length: number): void }[]
  iterators: Iterator<unknown>[]
  /** Running or ended. Each resolves to an {@link Undocumented}, or to anything else. */
  tasks: Promise<unknown>[]
  /** Views that were handed out, or were arguments. */
  views: object[]
  /** The length in bytes to which the map was resized, if it was. */
  resizedTo: number | undefined
  /** What is mapped may have become more of the file. */
  isRemapped: boolean
  /** How deep arguments call methods while they are inspected. */
  depth: number
}

/** An argument, to be made when there is a world for it. */
export class Recipe {
  constructor(
    readonly text: string,
    readonly make: (world: World) => unknown,
  ) {}

  [fc.toStringMethod](): string {
    return this.text
  }
}

export function constant(value: unknown): Recipe {
  return new Recipe(inspect(value), () => value)
}

/** Runs `call`. Throws {@link Undocumented} if `call` throws what it may not throw. */
export function judged(world: World, call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    if (!world.thrown.has(error) && !isDocumented(error)) throw new Undocumented(error)
    return undefined
  }
}

class Undocumented extends Error {
  constructor(cause: unknown) {
    super(`not a documented error: ${inspect(cause)}`, { cause })
  }
}

export function invoke(world: World, map: Mmap, method: PropertyKey, args: unknown[]): unknown {
  if (isOffLimits(method, args)) return undefined
  const member: unknown = Reflect.get(map, method)
  if (typeof member !== 'function') return member
  const result: unknown = Reflect.apply(member, map, method === 'wait' ? withEnd(args) : args)
  if (method === 'resize' && map === world.map) world.resizedTo = map.length
  if (method === 'remap' && map === world.map) world.isRemapped = true
  return result
}

/** The arguments of `wait` with a short timeout in the place of a long one, or of none. */
function withEnd([position, value, timeout, ...more]: unknown[]): unknown[] {
  const isLong = timeout === undefined || (typeof timeout === 'number' && timeout > 3)
  return [position, value, isLong ? 3 : timeout, ...more]
}

// MADV_REMOVE makes holes in the file, and the other two disable memory of the machine.
const OFF_LIMITS_ADVICE: unknown[] = [9, 100, 101]

function isOffLimits(method: PropertyKey, [first]: unknown[]): boolean {
  if (method === 'madvise') return OFF_LIMITS_ADVICE.includes(first)
  return method === 'resize' && isTooMuch(first)
}

export function isTooMuch(length: unknown): boolean {
  const bytes = typeof length === 'bigint' ? Number(length) : length
  return typeof bytes === 'number' && bytes > MOST && bytes < MORE_THAN_ANY_MACHINE
}

// --- What an argument does while it is inspected

const ACTIONS = {
  nothing() {},
  throws(world: World) {
    const error = { thrown: 'by an argument' }
    world.thrown.add(error)
    throw error
  },
  close: (world: World) => invoke(world, world.map, 'close', []),
  unmap: (world: World) => invoke(world, world.map, 'unmap', []),
  shrink: (world: World) => invoke(world, world.map, 'resize', [1]),
  grow: (world: World) => invoke(world, world.map, 'resize', [5 * PAGESIZE + 1]),
  write: (world: World) => invoke(world, world.map, 'setAt', [0, 1]),
  seek: (world: World) => invoke(world, world.map, 'seek', [0, 2]),
  protect: (world: World) => invoke(world, world.map, 'protect', [PROT_READ]),
  unprotect: (world: World) => invoke(world, world.map, 'protect', [PROT_READ | PROT_WRITE]),
  view: (world: World) => invoke(world, world.map, 'bytes', []),
  growBuffer(world: World) {
    const buffer: unknown = invoke(world, world.map, 'buffer', [])
    if (!types.isSharedArrayBuffer(buffer) || !buffer.growable) return
    Reflect.apply(SharedArrayBuffer.prototype.grow, buffer, [buffer.maxByteLength])
  },
  shrinkBuffers(world: World) {
    for (const buffer of world.resizable) buffer.resize(1)
  },
}

export type Action = keyof typeof ACTIONS

export function act(world: World, action: Action): void {
  // An argument does nothing when a call that it makes itself inspects it.
  if (world.depth >= 2) return
  world.depth += 1
  try {
    // What the user's own code throws is recognised by its identity when the call throws it.
    if (action === 'throws') ACTIONS.throws(world)
    else judged(world, () => ACTIONS[action](world))
  } finally {
    world.depth -= 1
  }
}

export const action = fc.constantFrom(...(Object.keys(ACTIONS) as Action[]))

/** Undefined, or an error that says what is wrong with a rejection. */
export function outcome(world: World, rejection: unknown): unknown {
  return world.thrown.has(rejection) || isDocumented(rejection) ? undefined : new Undocumented(rejection)
}

export const CONTENT = pattern(FILE_LENGTH)

function unmap(map: Mmap): void {
  try {
    map.unmap()
  } catch (error) {
    // Windows does not unmap the memory of a SharedArrayBuffer.
    if (process.platform !== 'win32' || !isDocumented(error)) throw error
  }
}

/** Runs `body` in a world of its own, and takes it down. */
export async function inWorld(
  folder: string,
  open: (path: string) => Mmap,
  body: (world: World) => Promise<void>,
): Promise<void> {
  const path = join(folder, 'opened')
  writeFileSync(path, CONTENT)
  const closed = mmap(-1, 10)
  closed.close()
  const fd = openSync(path, 'r+')
  using other = mmap(-1, 100)
  const map = open(join(folder, 'mapped'))
  const views: object[] = []
  const tasks: Promise<unknown>[] = []
  try {
    await body({
      map,
      other,
      closed,
      path,
      fd,
      thrown: new Set(),
      resizable: [],
      iterators: [],
      tasks,
      views,
      resizedTo: undefined,
      isRemapped: false,
      depth: 0,
    })
  } finally {
    unmap(map)
    closeSync(fd)
  }
  for (const result of await Promise.all(tasks)) if (result instanceof Undocumented) throw result
  // If the memory of one of them were gone, the process would end here.
  for (const view of views) for (const index of [0, 1000, PAGESIZE, FILE_LENGTH - 1]) Reflect.get(view, index)
  // Views are unmapped when the event loop turns.
  await setImmediate()
}

// Calls of methods, with arguments that are plausible or not. A new method needs an entry in
// PLAUSIBLE.

import { inspect, types } from 'node:util'
import fc from 'fast-check'
import { Mmap, MmapMatch, PAGESIZE } from 'memmap'
import { membersOf } from '../support/members.mjs'
import { pattern } from '../support/portable.mjs'
import { anyNumber, anything, bytes, INTERESTING, lie, viewClass } from './arguments.mjs'
import { type Action, act, action, constant, invoke, judged, MIB, outcome, Recipe, type World } from './world.mjs'

/** Where a position may be, so that not every call ends at its first check. */
const position = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -60, max: 60 }).map(constant) },
  { weight: 2, arbitrary: fc.constantFrom(...INTERESTING.slice(0, 12), -1, -PAGESIZE).map(constant) },
  { weight: 1, arbitrary: fc.constant(constant(undefined)) },
  { weight: 1, arbitrary: anything },
)

const option = fc.oneof(fc.integer({ min: 0, max: 30 }).map(constant), anything)

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 * PAGESIZE }).map(constant) },
  { weight: 1, arbitrary: fc.constantFrom(BigInt(PAGESIZE), MIB, 5000n).map(constant) },
  { weight: 1, arbitrary: anything },
)

// Options of tasks. Signals are aborted already, or while the task runs, or never.
const taskOption = fc.oneof(
  { weight: 3, arbitrary: fc.constant(constant(undefined)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      new Recipe('{ signal: AbortSignal.abort() }', () => ({ signal: AbortSignal.abort() })),
      new Recipe('{ signal: aborted at once }', () => {
        const controller = new AbortController()
        queueMicrotask(() => controller.abort())
        return { signal: controller.signal }
      }),
      new Recipe('{ signal: Object.create(AbortSignal.prototype) }', () => ({
        signal: Object.create(AbortSignal.prototype),
      })),
      new Recipe('{ signal: new EventTarget() }', () => ({ signal: new EventTarget() })),
      new Recipe('{ sginal: undefined }', () => ({ sginal: undefined })),
    ),
  },
  {
    weight: 2,
    arbitrary: option.map(
      ({ text, make }) => new Recipe(`{ threads: ${text} }`, (world) => ({ threads: make(world) })),
    ),
  },
  {
    weight: 2,
    arbitrary: action.map(
      (does) => new Recipe(`{ onProgress() { ${does} } }`, (world) => ({ onProgress: () => act(world, does) })),
    ),
  },
  {
    weight: 2,
    arbitrary: action.map(
      (does) =>
        new Recipe(`{ get signal() { ${does} }, ... }`, (world) => ({
          get signal() {
            return act(world, does)
          },
          get onProgress() {
            return act(world, does)
          },
        })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(action, lie).map(
      ([does, lie]) =>
        new Recipe(`{ signal: an AbortSignal with lies (${does}; ${lie.text}) }`, (world) => {
          const { signal } = new AbortController()
          for (const name of ['aborted', 'reason', 'addEventListener', 'removeEventListener']) {
            Object.defineProperty(signal, name, {
              get() {
                act(world, does)
                return lie.make(world)
              },
            })
          }
          return { signal }
        }),
    ),
  },
  { weight: 1, arbitrary: anything },
)

const wordPosition = fc.oneof(
  { weight: 2, arbitrary: fc.nat(20).map((word) => constant(4 * word)) },
  { weight: 1, arbitrary: position },
)
const timeout = fc.oneof(fc.integer({ min: 0, max: 3 }).map(constant), position)
const waitOption = fc.oneof(
  {
    weight: 2,
    arbitrary: timeout.map(({ text, make }) => new Recipe(`{ timeout: ${text} }`, (w) => ({ timeout: make(w) }))),
  },
  { weight: 1, arbitrary: taskOption },
)

const encoding = fc.oneof(
  fc.constantFrom(undefined, 'utf8', 'latin1', 'ascii', 'utf16le', 'hex', 'base64').map(constant),
  anything,
)
const chunkSize = fc.oneof(fc.integer({ min: 1, max: 2 * PAGESIZE }).map(constant), position)

const streamOption = fc.tuple(position, position, chunkSize).map(
  ([start, stop, size]) =>
    new Recipe(`{ start: ${start.text}, stop: ${stop.text}, chunkSize: ${size.text} }`, (w) => ({
      start: start.make(w),
      stop: stop.make(w),
      chunkSize: size.make(w),
    })),
)

// Regular expressions. Some cannot be searched for, and some have properties that lie and act.
const PATTERNS = [/a/, /\w+?/g, /(?<n>.)|(\d)*/s, /^.*$/m, /\p{L}\xff?/u, /()/y, /\x80|[\x41-\xf0]{2,9}/s]
const REFUSED_PATTERNS = [/(?=a)/, /(?<!a)/, /(a)\1/, /[^ä]/, /(?:a{1000}){1000}/, /(?:(?:(?:a?){99}){99})*/]
const regExp = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PATTERNS).map(constant) },
  { weight: 1, arbitrary: fc.constantFrom(...REFUSED_PATTERNS).map(constant) },
  {
    weight: 1,
    arbitrary: action.map(
      (does) =>
        new Recipe(`a RegExp whose properties ${does}`, (world) => {
          const get = () => act(world, does)
          const names = ['source', 'flags', 'exec', 'global', 'constructor', Symbol.match, Symbol.matchAll]
          const re = /\d+/
          for (const name of names) Object.defineProperty(re, name, { get })
          return re
        }),
    ),
  },
  { weight: 1, arbitrary: anything },
)

const linesOption = fc.oneof(
  { weight: 2, arbitrary: fc.constant(constant(undefined)) },
  {
    weight: 4,
    arbitrary: fc.tuple(position, position).map(
      ([start, stop]) =>
        new Recipe(`{ start: ${start.text}, stop: ${stop.text} }`, (w) => ({
          start: start.make(w),
          stop: stop.make(w),
        })),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(position, fc.constantFrom('utf8', 'latin1', undefined), fc.boolean(), fc.boolean()).map(
      ([start, encoding, crlf, reverse]) =>
        new Recipe(`{ start: ${start.text}, encoding: ${encoding}, crlf: ${crlf}, reverse: ${reverse} }`, (w) => ({
          start: start.make(w),
          encoding,
          crlf,
          reverse,
        })),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(regExp, position, fc.constantFrom('utf8', undefined), fc.boolean(), fc.boolean()).map(
      ([matching, start, encoding, crlf, reverse]) =>
        new Recipe(`{ matching: ${matching.text}, start: ${start.text}, ... }`, (w) => ({
          matching: matching.make(w),
          start: start.make(w),
          encoding,
          crlf,
          reverse,
        })),
    ),
  },
  {
    weight: 1,
    arbitrary: action.map(
      (does) =>
        new Recipe(`{ get start() { ${does} } }`, (world) => ({
          get start() {
            return act(world, does)
          },
        })),
    ),
  },
  { weight: 1, arbitrary: anything },
)

// A thread that waits for a lock of its own waits for ever. So the blocking method always has a
// timeout.
const lockTimeout = fc.constantFrom(0, 0, 0.5, 2)
const lockMode = fc.constantFrom('exclusive', 'shared', undefined)

const syncLockOption = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(lockMode, lockTimeout)
      .map(([mode, timeout]) => new Recipe(`{ mode: '${mode}', timeout: ${timeout} }`, () => ({ mode, timeout }))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(action, lie).map(
      ([does, lie]) =>
        new Recipe(`{ get mode() { ${does}; ${lie.text} }, timeout: 0 }`, (world) => ({
          get mode() {
            act(world, does)
            return lie.make(world)
          },
          timeout: 0,
        })),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom({ timeout: -1 }, { timeout: Number.NaN }, 'shared', 1).map(constant) },
)

const stylizing = fc.constantFrom(
  constant(undefined),
  constant(null),
  constant({}),
  new Recipe('{ get stylize() {} }', (world) => ({
    get stylize() {
      return act(world, 'unmap')
    },
  })),
)

const matchOption = fc.oneof(
  fc.constantFrom(constant(undefined), constant({ groups: false }), constant({ groups: 1 }), constant({ grups: true })),
  taskOption,
)
const replaceOption = fc.oneof(
  fc.constantFrom(constant({ fill: 32 }), constant({ fill: '*' }), constant({ fill: 'é' }), constant({ fill: 256 })),
  taskOption,
)
const MOST_CALLS = 100
const replacement = fc.oneof(
  bytes,
  action.map(
    (does) =>
      new Recipe(`(match) => { ${does}; return match.bytes }`, (world) => {
        let calls = 0
        return (match: MmapMatch) => {
          calls += 1
          // A pattern may match at each byte of many MiB.
          if (calls > MOST_CALLS) {
            const enough = new Error('It has been called often enough')
            world.thrown.add(enough)
            throw enough
          }
          act(world, does)
          return match.bytes
        }
      }),
  ),
)

/** The arguments that methods take. A method that is missing here gets any arguments. */
const PLAUSIBLE: Record<string, fc.Arbitrary<Recipe>[]> = {
  view: [viewClass, position, position],
  read: [position],
  write: [bytes],
  writeByte: [position],
  seek: [position, position],
  at: [position],
  setAt: [position, position],
  slice: [position, position, position],
  setSlice: [bytes, position, position, position],
  move: [position, position, position],
  fill: [fc.oneof(position, bytes), position, position],
  find: [bytes, position, position],
  rfind: [bytes, position, position],
  indexOf: [fc.oneof(position, bytes), position],
  lastIndexOf: [fc.oneof(position, bytes), position],
  includes: [fc.oneof(position, bytes), position],
  findAll: [bytes, position, position],
  count: [fc.oneof(bytes, regExp), position, position],
  replaceAll: [fc.oneof(bytes, regExp), fc.oneof(bytes, replacement), position, position, replaceOption],
  search: [regExp, position, position],
  match: [regExp, position, position],
  matchAll: [regExp, position, position, matchOption],
  lines: [linesOption],
  lineAt: [position],
  toString: [encoding, position, position],
  valueOf: [],
  arrayBuffer: [position, position],
  set: [bytes, position],
  stream: [fc.oneof(streamOption, anything)],
  findAsync: [bytes, position, position, taskOption],
  countAsync: [fc.oneof(bytes, regExp), position, position, taskOption],
  replaceAllAsync: [fc.oneof(bytes, regExp), bytes, position, position, replaceOption],
  searchAsync: [regExp, position, position, taskOption],
  matchAsync: [regExp, position, position, taskOption],
  matchAllAsync: [regExp, position, position, matchOption],
  flush: [position, position, option],
  flushAsync: [position, position, taskOption],
  prefetch: [position, position, taskOption],
  resize: [size],
  remap: [size],
  madvise: [option, position, position],
  protect: [option],
  mlock: [position, position],
  munlock: [position, position],
  resident: [position, position],
  wait: [wordPosition, position, timeout],
  waitAsync: [wordPosition, position, waitOption],
  notify: [wordPosition, position],
  lockRange: [position, position, fc.oneof(syncLockOption, taskOption)],
  lockRangeSync: [position, position, syncLockOption],
}

/** Arguments of setSlice whose data is as long as the slice. */
const fitting = fc.tuple(fc.nat(30), fc.nat(20), fc.constantFrom(1, 2, 9, -1, -3)).map(([start, count, step]) => {
  const data = new Recipe(`pattern(${count})`, () => pattern(count))
  // A descending slice begins high enough that its end is not negative.
  const from = step < 0 ? start + 100 : start
  return [data, ...[from, from + count * step, step].map(constant)]
})

const END = ['close', 'unmap', Symbol.dispose]
const MEMBERS = [...membersOf(Mmap).keys()].filter((name) => name !== 'constructor')

/** A call of a member of Mmap, or of an iterator, with arguments. */
class Call {
  constructor(
    readonly member: PropertyKey,
    readonly args: Recipe[],
  ) {}

  [fc.toStringMethod](): string {
    return this.toString()
  }

  toString(): string {
    return `${String(this.member)}(${this.args.map(({ text }) => text).join(', ')})`
  }
}

function callOf(member: string | symbol): fc.Arbitrary<Call> {
  // PLAUSIBLE also inherits `toString` from all objects.
  const parameters = typeof member === 'string' && Object.hasOwn(PLAUSIBLE, member) ? PLAUSIBLE[member] : undefined
  const wild = fc.array(anything, { maxLength: 5 })
  // Its arguments come from util.inspect, and not from the user.
  if (member === inspect.custom) return fc.tuple(anyNumber, stylizing).map((args) => new Call(member, args))
  if (parameters === undefined) return wild.map((args) => new Call(member, args))
  const mixed: fc.Arbitrary<Recipe[]> = fc.tuple(...parameters)
  if (member === 'lockRangeSync') return mixed.map((args) => new Call(member, args))
  const plausible = member === 'setSlice' ? fc.oneof(mixed, fitting) : mixed
  return fc
    .oneof({ weight: 6, arbitrary: plausible }, { weight: 1, arbitrary: wild })
    .map((args) => new Call(member, args))
}

const NEXT = ['next', 'return', 'throw'] as const

export const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 40, arbitrary: fc.oneof(...MEMBERS.filter((name) => !END.includes(name)).map(callOf)) },
  // After these the rest of the sequence has little to do.
  { weight: 1, arbitrary: fc.oneof(...END.map(callOf)) },
  // Arguments that act before the call is made.
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<Action[]>('shrink', 'grow', 'growBuffer', 'write', 'seek', 'protect', 'unprotect', 'view')
      .map((does) => new Call('closed', [new Recipe(`after ${does}`, (world) => act(world, does))])),
  },
  // Iterators that earlier calls have returned.
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...NEXT), anything).map(([what, arg]) => new Call(what, [arg])) },
)

export function run(world: World, { member, args: recipes }: Call): void {
  const args = recipes.map((recipe) => recipe.make(world))
  const next = NEXT.find((name) => name === member)
  // An iterator throws what it is told to throw.
  if (member === 'throw') world.thrown.add(args[0])
  const result = judged(world, () =>
    next === undefined ? invoke(world, world.map, member, args) : world.iterators.at(-1)?.[next]?.(args[0]),
  )
  world.views.push(...[...args, result].filter((value) => types.isTypedArray(value)))
  // Tasks are not awaited, so that the next calls meet a running task.
  if (types.isPromise(result)) world.tasks.push(result.then(undefined, (error: unknown) => outcome(world, error)))
  if (isIterator(result)) world.iterators.push(result)
  if (isMatch(result)) readMatch(world, result)
  const value: unknown = typeof result === 'object' && result !== null && 'value' in result ? result.value : undefined
  if (isMatch(value)) readMatch(world, value)
}

/** The value may be an argument: a Proxy, which throws when it is asked for its class. */
function isMatch(value: unknown): value is MmapMatch {
  return !types.isProxy(value) && value instanceof MmapMatch
}

/** Asks a match for everything that it has. */
function readMatch(world: World, match: MmapMatch): void {
  for (const which of [0, 1, 2, -1, 0.5, 'n', 'other', undefined, world.map]) {
    for (const name of ['group', 'span'] as const) judged(world, () => Reflect.apply(match[name], match, [which]))
  }
  for (const name of ['index', 'end', 'length', 'text', 'bytes', 'groups'] as const) judged(world, () => match[name])
  judged(world, () => [...match])
  inspect(match)
}

function isIterator(value: unknown): value is Iterator<unknown> {
  return typeof value === 'object' && value !== null && !types.isProxy(value) && 'next' in value && 'return' in value
}

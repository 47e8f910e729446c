// A pattern as a tree, which says exactly what JavaScript's RegExp matches.

import type { CodeRange } from './code-points.js'

/** What a place must be like. The numbers are those of the program that Rust reads. */
export const Look = {
  Start: 0,
  End: 1,
  /** At the start, or after a `'\n'`. */
  LineStart: 2,
  /** At the end, or before a `'\n'`. */
  LineEnd: 3,
  /** The same with `'\r'`, and not between `'\r'` and `'\n'`. */
  AnyLineStart: 4,
  AnyLineEnd: 5,
  WordBoundary: 6,
  NoWordBoundary: 7,
} as const

/**
 * `nullable` says whether it can match without a byte. `size` is how many numbers it has in the
 * program.
 */
export type Node = { readonly nullable: boolean; readonly size: number } & (
  | { readonly kind: 'empty' }
  | { readonly kind: 'look'; readonly look: number }
  | { readonly kind: 'literal'; readonly bytes: readonly number[] }
  | { readonly kind: 'bytes' | 'characters'; readonly ranges: readonly CodeRange[] }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly part: Node }
  | { readonly kind: 'repetition'; readonly times: Times; readonly part: Node }
)

/** How often something is repeated. */
export interface Times {
  readonly least: number
  /** `UNLIMITED` for any number. */
  readonly most: number
  readonly greedy: boolean
}

export const UNLIMITED = 0xffffffff

export const EMPTY: Node = { kind: 'empty', nullable: true, size: 1 }

export function look(kind: number): Node {
  return { kind: 'look', look: kind, nullable: true, size: 2 }
}

export function literal(bytes: readonly number[]): Node {
  return { kind: 'literal', bytes, nullable: false, size: 2 + bytes.length }
}

export function set(kind: 'bytes' | 'characters', ranges: readonly CodeRange[]): Node {
  return { kind, ranges, nullable: false, size: 2 + 2 * ranges.length }
}

/** Something that never matches. */
export const NEVER: Node = set('bytes', [])

export function group(index: number, part: Node): Node {
  return { kind: 'group', index, part, nullable: part.nullable, size: 2 + part.size }
}

/** One after the other. Neighbouring literals become one. */
export function sequence(parts: readonly Node[]): Node {
  const joined: Node[] = []
  let bytes: number[] = []
  for (const part of parts.flatMap((one) => (one.kind === 'sequence' ? one.parts : one.kind === 'empty' ? [] : one))) {
    if (part.kind === 'literal') {
      // A literal has more bytes than a call may have arguments.
      for (const byte of part.bytes) bytes.push(byte)
    } else {
      if (bytes.length > 0) joined.push(literal(bytes))
      bytes = []
      joined.push(part)
    }
  }
  if (bytes.length > 0) joined.push(literal(bytes))
  const [first = EMPTY] = joined
  if (joined.length < 2) return first
  return { kind: 'sequence', parts: joined, nullable: joined.every((part) => part.nullable), size: sizeOf(joined) }
}

/** One of several. The earlier ones are preferred. */
export function choice(parts: readonly Node[]): Node {
  const [first = NEVER] = parts
  if (parts.length < 2) return first
  return { kind: 'choice', parts, nullable: parts.some((part) => part.nullable), size: sizeOf(parts) }
}

function sizeOf(parts: readonly Node[]): number {
  return parts.reduce((sum, part) => sum + part.size, 2)
}

function repeated(part: Node, times: Times): Node {
  return { kind: 'repetition', part, times, nullable: times.least === 0, size: 4 + part.size }
}

/** The number of ways to match that a part may have, where they must be listed. */
const MOST_WAYS = 100
/** The number of parts of a sequence whose ways are listed, which takes the square of the time. */
const MOST_PARTS = 200
/** How often something that can match nothing may be written out. */
const MOST_COPIES = 1000
/** The largest program, in numbers. */
export const LARGEST = 2 ** 20

/**
 * A repetition, or undefined if it is too complicated. JavaScript ends a repetition at an iteration
 * that matches nothing, and takes that iteration back, except for the least number of iterations.
 * Automata do not know this rule. So the least number is written out, and what follows it is a
 * repetition of those ways to match the part that have at least a byte.
 */
export function repetition(part: Node, times: Times): Node | undefined {
  const { least, most, greedy } = times
  if (most === 0) return EMPTY
  if (!part.nullable) return repeated(part, times)
  if (least > MOST_COPIES || least * part.size > LARGEST) return undefined
  const first = Array<Node>(least).fill(part)
  if (most === least) return sequence(first)
  const consuming = waysOf(part)?.flatMap((way) => (way.isEmpty ? [] : way.node))
  if (consuming === undefined) return undefined
  if (consuming.length === 0) return sequence(first)
  const more = most === UNLIMITED ? UNLIMITED : most - least
  return sequence([...first, repeated(choice(consuming), { least: 0, most: more, greedy })])
}

/** A way to match: always without a byte, or always with at least one. */
interface Way {
  readonly isEmpty: boolean
  readonly node: Node
}

/** All ways to match, in the order of preference; undefined if there are too many. */
function waysOf(node: Node): Way[] | undefined {
  switch (node.kind) {
    case 'empty':
    case 'look':
      return [{ isEmpty: true, node }]
    case 'literal':
    case 'bytes':
    case 'characters':
      return [{ isEmpty: false, node }]
    case 'group':
      return waysOf(node.part)?.map((way) => ({ isEmpty: way.isEmpty, node: group(node.index, way.node) }))
    case 'choice': {
      const ways: Way[] = []
      for (const part of node.parts) {
        const some = waysOf(part)
        if (some === undefined || ways.length + some.length > MOST_WAYS) return undefined
        ways.push(...some)
      }
      return ways
    }
    case 'sequence':
      return waysOfSequence(node.parts)
    case 'repetition':
      return waysOfRepetition(node.part, node.times, node)
  }
}

function waysOfSequence(parts: readonly Node[]): Way[] | undefined {
  if (parts.length > MOST_PARTS) return undefined
  let ways: Way[] = [{ isEmpty: true, node: EMPTY }]
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const first = waysOf(parts[index] as Node)
    if (first === undefined) return undefined
    const rest = parts.slice(index + 1)
    const later = ways
    ways = first.flatMap((way) =>
      way.isEmpty
        ? later.map((next) => ({ isEmpty: next.isEmpty, node: sequence([way.node, next.node]) }))
        : [{ isEmpty: false, node: sequence([way.node, ...rest]) }],
    )
    if (ways.length > MOST_WAYS) return undefined
  }
  return ways
}

function waysOfRepetition(part: Node, times: Times, node: Node): Way[] {
  // What can match nothing is repeated only as the ways that do not, see `repetition`.
  if (times.least > 0) return [{ isEmpty: false, node }]
  const some: Way = { isEmpty: false, node: times.most === 1 ? part : repeated(part, { ...times, least: 1 }) }
  const none: Way = { isEmpty: true, node: EMPTY }
  return times.greedy ? [some, none] : [none, some]
}

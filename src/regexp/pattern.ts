// A RegExp of the user as a pattern that native code searches for.

import { isNativeError, isRegExp } from 'node:util/types'
import binding, { type ExternalObject, type Pattern as NativePattern } from '../binding.js'
import { refusedPattern, wrongType } from '../errors.js'
import { matches, remember } from './code-points.js'
import { type Purpose, parse } from './parser.js'
import { programOf } from './program.js'
import { Look, look, sequence } from './tree.js'

/** A compiled pattern. */
export interface Pattern {
  readonly native: ExternalObject<NativePattern>
  /** The number of groups that the user has written, and with our own. */
  readonly groups: number
  readonly allGroups: number
  /** The numbers of the groups with a name. Several alternatives may have the same name. */
  readonly names: ReadonlyMap<string, readonly number[]>
  /** By the number of a group: our own groups that it is in, see {@link Parsed.iterations}. */
  readonly iterations: readonly (readonly number[])[]
  /** Whether each match begins where the one before it ends. */
  readonly sticky: boolean
  /** Whether it matches an empty text. It is false where nobody asks for it. */
  readonly matchesEmpty: boolean
}

// The properties of a RegExp are the user's. These are of when memmap was loaded.
const NativeRegExp = RegExp
const { compile } = RegExp.prototype
const sourceOf = prototypeGetter('source')
const flagsOf = prototypeGetter('flags')

function prototypeGetter(name: 'source' | 'flags'): (this: RegExp) => string {
  return Object.getOwnPropertyDescriptor(RegExp.prototype, name)?.get as (this: RegExp) => string
}

/** The last patterns, by purpose, flags and source. */
const patterns = new Map<string, Pattern>()
const MOST_PATTERNS = 64

/** The pattern of a RegExp that a user has passed. */
export function patternArgument(re: unknown, name: string = 're', purpose: Purpose = 'search'): Pattern {
  if (!isRegExp(re)) throw notRegExp(re, name)
  // `compile` alone reads the internal source and flags. All else reads properties of the RegExp.
  const copy = Reflect.apply(compile, new NativeRegExp(''), [re])
  const source = Reflect.apply(sourceOf, copy, [])
  const flags = Reflect.apply(flagsOf, copy, [])
  const key = `${purpose}/${flags}/${source}`
  const known = patterns.get(key)
  if (known !== undefined) return known
  const pattern = compiled(source, flags, purpose)
  remember(patterns, key, pattern, MOST_PATTERNS)
  return pattern
}

function notRegExp(re: unknown, name: string): TypeError {
  const error = wrongType(name, 'an instance of RegExp', re)
  if (typeof re === 'string') {
    error.message += '. For a fixed string use findAll(), find() or count(), for a pattern new RegExp(string)'
  }
  return error
}

/** `g` and `d` are ignored, because they say how a RegExp is used, and not what it matches. */
const KNOWN_FLAGS = 'dgimsuvy'

function compiled(source: string, flags: string, purpose: Purpose): Pattern {
  for (const flag of flags) {
    if (!KNOWN_FLAGS.includes(flag)) throw refusedPattern(source, flags, `memmap does not know its flag "${flag}"`)
  }
  const { tree, ...groups } = parse(source, flags, purpose)
  const isSticky = flags.includes('y')
  const inLines = purpose !== 'search'
  // A RegExp with `y` is tested at the start of each line.
  const program = programOf(isSticky && inLines ? sequence([look(Look.LineStart), tree]) : tree)
  if (typeof program === 'string') throw refusedPattern(source, flags, program)
  const isUnicode = flags.includes('u') || flags.includes('v')
  const sticky = isSticky && !inLines
  const native = binding.compilePattern(program, inLines ? 0 : groups.allGroups, isUnicode, sticky, inLines)
  if (isNativeError(native)) throw refusedPattern(source, flags, native.message)
  const matchesEmpty = purpose === 'lines' && matches(source, flags, '')
  return { ...groups, native, sticky, matchesEmpty }
}

// The source of a RegExp, which the engine has accepted, as a tree. What is not known here is
// refused, so a pattern means what it means to JavaScript, or it is an error.
//
// Without the flags `u` and `v` the unit is a byte, as it is a UTF-16 unit in JavaScript: `.` and
// `[^x]` match one, and `\xNN` is one. A character beyond ASCII is its UTF-8. With `u` or `v` the
// unit is a code point in UTF-8.

import { notSearchable } from '../errors.js'
import {
  beyondAscii,
  type CodeRange,
  complement,
  DIGITS,
  inAscii,
  intersection,
  isAscii,
  isPattern,
  isSurrogate,
  LAST_CODE_POINT,
  matchedBy,
  sorted,
  WORD,
  withAllCases,
  withAsciiCases,
} from './code-points.js'
import {
  choice,
  group,
  Look,
  literal,
  look,
  NEVER,
  type Node,
  repetition,
  sequence,
  set,
  type Times,
  UNLIMITED,
} from './tree.js'

/** What a pattern is for. */
export type Purpose =
  | 'search'
  /** Lines without their `'\n'`: `^` and `$` are where a line begins and ends. */
  | 'lines'
  /** The same, where a `'\r'` before the `'\n'` may not be in the line. It matches too many. */
  | 'crlf lines'

/** What `(?ims-ims:...)` changes. */
interface Modes {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
}

/** A pattern as a tree, and its groups. */
export interface Parsed {
  readonly tree: Node
  /** The number of groups that the user has written. */
  readonly groups: number
  /** That number, and groups of our own after them, which tell where an iteration begins. */
  readonly allGroups: number
  /** The numbers of the groups with a name. Several alternatives may have the same name. */
  readonly names: ReadonlyMap<string, readonly number[]>
  /** By the number of a group: our own groups that it is in. */
  readonly iterations: readonly (readonly number[])[]
}

/** The bytes that `\s` matches. A0 is none: it is in the middle of characters of UTF-8. */
const SPACES: readonly CodeRange[] = [
  [9, 13],
  [32, 32],
]
const NEWLINE: readonly CodeRange[] = [[10, 10]]
const DASH: CodeRange = [45, 45]
const NO_MODES: Modes = { ignoreCase: false, multiline: false, dotAll: false }
const DEEPEST = 100
const LAST_BYTE = 0xff
const SYNTAX_CHARACTERS = '^$\\.*+?()[]{}|/'

const LOOKAROUND = 'cannot be searched in linear time. Search for more, and test the text of each match'

export function parse(source: string, flags: string, purpose: Purpose): Parsed {
  return new Parser(source, flags, purpose).parse()
}

/** A character, or a byte that is written as a number. */
interface Unit {
  readonly code: number
  readonly isByte: boolean
}

class Parser {
  readonly #source: string
  readonly #flags: string
  readonly #purpose: Purpose
  readonly #unicode: boolean
  readonly #sets: boolean
  #at = 0
  #depth = 0
  #groups = 0
  readonly #groupsInSource: number
  #allGroups: number
  /** Whether `\k` is a reference. */
  #hasNames = false
  readonly #names = new Map<string, number[]>()
  readonly #iterations: number[][] = [[]]

  constructor(source: string, flags: string, purpose: Purpose) {
    this.#source = source
    this.#flags = flags
    this.#purpose = purpose
    this.#sets = flags.includes('v')
    this.#unicode = this.#sets || flags.includes('u')
    this.#groupsInSource = this.#countGroups()
    this.#allGroups = this.#groupsInSource
  }

  parse(): Parsed {
    const modes: Modes = {
      ignoreCase: this.#flags.includes('i'),
      multiline: this.#flags.includes('m'),
      dotAll: this.#flags.includes('s'),
    }
    const tree = this.#choice(modes)
    if (this.#at < this.#source.length || this.#groups !== this.#groupsInSource) throw this.#unknown(this.#at)
    return {
      tree,
      groups: this.#groups,
      allGroups: this.#allGroups,
      names: this.#names,
      iterations: this.#iterations,
    }
  }

  #refusal(construct: string, at: number, reason: string): Error {
    return notSearchable(this.#source, this.#flags, construct, at, reason)
  }

  #unknown(at: number): Error {
    const reason = 'is not known to this version of memmap'
    return this.#refusal(`syntax ${this.#source.slice(at, at + 8) || 'at its end'}`, at, reason)
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  #eat(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  /** The number of groups, which decides what `\1` is. */
  #countGroups(): number {
    const source = this.#source
    let count = 0
    for (let at = 0; at < source.length; at += 1) {
      if (source[at] === '\\') at += 1
      else if (source[at] === '[') at = this.#classEnd(at) - 1
      else if (source[at] === '(') {
        const isNamed = source.startsWith('?<', at + 1) && source[at + 3] !== '=' && source[at + 3] !== '!'
        if (isNamed) this.#hasNames = true
        if (isNamed || source[at + 1] !== '?') count += 1
      }
    }
    return count
  }

  /** Where a class ends that begins at `start`. */
  #classEnd(start: number): number {
    let depth = 0
    for (let at = start; at < this.#source.length; at += 1) {
      const unit = this.#source[at]
      if (unit === '\\') at += 1
      else if (unit === '[' && (this.#sets || depth === 0)) depth += 1
      else if (unit === ']' && --depth === 0) return at + 1
    }
    throw this.#unknown(start)
  }

  // --- Structure

  #choice(modes: Modes): Node {
    const parts = [this.#sequence(modes)]
    while (this.#eat('|')) parts.push(this.#sequence(modes))
    return choice(parts)
  }

  #sequence(modes: Modes): Node {
    const parts: Node[] = []
    while (this.#at < this.#source.length && !this.#peek('|') && !this.#peek(')')) parts.push(this.#term(modes))
    return sequence(parts)
  }

  #term(modes: Modes): Node {
    const { multiline } = modes
    if (this.#eat('^')) return look(this.#startLook(multiline))
    if (this.#eat('$')) return this.#end(multiline)
    if (this.#eat('\\b')) return look(Look.WordBoundary)
    if (this.#eat('\\B')) return look(Look.NoWordBoundary)
    const start = this.#at
    const groupsBefore = this.#groups
    const atom = this.#atom(modes)
    const times = this.#quantifier()
    if (times === undefined) return atom
    const repeated = repetition(this.#iteration(atom, times, groupsBefore), times)
    if (repeated !== undefined) return repeated
    throw this.#refusal('repetition', start, 'is of a part that can match nothing in too many ways. Simplify it')
  }

  #startLook(multiline: boolean): number {
    if (multiline) return Look.AnyLineStart
    return this.#purpose === 'search' ? Look.Start : Look.LineStart
  }

  #end(multiline: boolean): Node {
    // Before '\n' and before '\r', also between the two, unlike AnyLineEnd.
    if (multiline || this.#purpose === 'crlf lines') return choice([look(Look.LineEnd), look(Look.AnyLineEnd)])
    return look(this.#purpose === 'search' ? Look.End : Look.LineEnd)
  }

  /**
   * What is repeated. If it has groups, it gets a group of our own: JavaScript forgets what groups
   * matched in earlier iterations, and that group tells where the last one begins.
   */
  #iteration(atom: Node, { most }: Times, groupsBefore: number): Node {
    if (most < 2 || this.#groups === groupsBefore) return atom
    this.#allGroups += 1
    for (let index = groupsBefore + 1; index <= this.#groups; index += 1) {
      this.#iterations[index]?.push(this.#allGroups)
    }
    return group(this.#allGroups, atom)
  }

  #quantifier(): Times | undefined {
    let times: [least: number, most: number] | undefined
    if (this.#eat('*')) times = [0, UNLIMITED]
    else if (this.#eat('+')) times = [1, UNLIMITED]
    else if (this.#eat('?')) times = [0, 1]
    else if (this.#peek('{')) times = this.#braces()
    if (times === undefined) return undefined
    return { least: times[0], most: times[1], greedy: !this.#eat('?') }
  }

  /** `{n}`, `{n,}` or `{n,m}`. Without `u` any other brace is a character. */
  #braces(): [least: number, most: number] | undefined {
    const start = this.#at
    this.#at += 1
    const least = this.#number()
    const isRange = this.#eat(',')
    const most = isRange ? (this.#number() ?? UNLIMITED) : least
    if (least !== undefined && most !== undefined && this.#eat('}')) return [least, most]
    this.#at = start
    return undefined
  }

  #number(): number | undefined {
    const start = this.#at
    while (isDigit(this.#source[this.#at])) this.#at += 1
    return start === this.#at ? undefined : Math.min(Number(this.#source.slice(start, this.#at)), UNLIMITED - 1)
  }

  #atom(modes: Modes): Node {
    switch (this.#source[this.#at]) {
      case '(':
        return this.#group(modes)
      case '.':
        this.#at += 1
        return this.#dot(modes)
      case '[':
        return this.#class(modes)
      case '\\':
        return this.#escape(modes)
      case '*':
      case '+':
      case '?':
        throw this.#unknown(this.#at)
      case '{':
      case '}':
      case ']':
        if (this.#unicode) throw this.#unknown(this.#at)
    }
    return this.#unitNode(this.#unit(false), modes)
  }

  #group(modes: Modes): Node {
    const start = this.#at
    this.#at += 1
    if (!this.#eat('?')) return this.#captured(undefined, start, modes)
    if (this.#eat(':')) return this.#inParentheses(start, modes)
    if (this.#peek('=')) throw this.#refusal('lookahead (?=...)', start, LOOKAROUND)
    if (this.#peek('!')) throw this.#refusal('negative lookahead (?!...)', start, LOOKAROUND)
    if (this.#peek('<=')) throw this.#refusal('lookbehind (?<=...)', start, LOOKAROUND)
    if (this.#peek('<!')) throw this.#refusal('negative lookbehind (?<!...)', start, LOOKAROUND)
    if (this.#eat('<')) return this.#captured(this.#name(start), start, modes)
    return this.#inParentheses(start, this.#modified(start, modes))
  }

  #captured(name: string | undefined, start: number, modes: Modes): Node {
    this.#groups += 1
    const index = this.#groups
    this.#iterations[index] = []
    if (name !== undefined) this.#names.set(name, [...(this.#names.get(name) ?? []), index])
    return group(index, this.#inParentheses(start, modes))
  }

  #inParentheses(start: number, modes: Modes): Node {
    this.#depth += 1
    if (this.#depth > DEEPEST) throw this.#refusal('group', start, `is nested in more than ${DEEPEST} others`)
    const node = this.#choice(modes)
    this.#depth -= 1
    if (!this.#eat(')')) throw this.#unknown(this.#at)
    return node
  }

  #name(start: number): string {
    let name = ''
    while (!this.#eat('>')) {
      if (this.#at >= this.#source.length) throw this.#unknown(start)
      const isEscape = this.#eat('\\u')
      const code = isEscape ? this.#codeUnits(true) : this.#source.codePointAt(this.#at)
      if (code === undefined) throw this.#unknown(start)
      if (!isEscape) this.#at += code > 0xffff ? 2 : 1
      name += String.fromCodePoint(code)
    }
    return name
  }

  /** `ims-ims:`, after `(?`. */
  #modified(start: number, modes: Modes): Modes {
    const changed = { ...modes }
    let value = true
    for (;;) {
      if (this.#eat(':')) return changed
      else if (value && this.#eat('-')) value = false
      else if (this.#eat('i')) changed.ignoreCase = value
      else if (this.#eat('m')) changed.multiline = value
      else if (this.#eat('s')) changed.dotAll = value
      else throw this.#unknown(start)
    }
  }

  // --- Characters and bytes

  #bytes(ranges: readonly CodeRange[]): Node {
    return set(
      'bytes',
      this.#purpose === 'search' ? sorted(ranges) : intersection(ranges, complement(NEWLINE, LAST_BYTE)),
    )
  }

  #characters(ranges: readonly CodeRange[]): Node {
    if (isAscii(ranges)) return this.#bytes(ranges)
    const without: CodeRange[] = [[0xd800, 0xdfff]]
    if (this.#purpose !== 'search') without.push(...NEWLINE)
    return set('characters', intersection(ranges, complement(without, LAST_CODE_POINT)))
  }

  #dot({ dotAll }: Modes): Node {
    const lineEnds: CodeRange[] = [...NEWLINE, [13, 13]]
    if (!this.#unicode) return this.#bytes(complement(dotAll ? [] : lineEnds, LAST_BYTE))
    return this.#characters(complement(dotAll ? [] : [...lineEnds, [0x2028, 0x2029]], LAST_CODE_POINT))
  }

  #unitNode({ code, isByte }: Unit, { ignoreCase }: Modes): Node {
    // In UTF-8 there is no half of a surrogate pair.
    if (isSurrogate(code)) return NEVER
    const isSingle = isByte || (!this.#unicode && code < 128)
    const one: CodeRange[] = [[code, code]]
    const all = !ignoreCase ? one : !isSingle ? withAllCases(one) : code < 128 ? withAsciiCases(one) : one
    if (all.length > 1) return this.#characters(all)
    if (code === 10 && this.#purpose !== 'search') return NEVER
    return literal(isSingle ? [code] : [...Buffer.from(String.fromCodePoint(code))])
  }

  #escape(modes: Modes): Node {
    const start = this.#at
    const letter = this.#source[start + 1] ?? ''
    const ranges = this.#classEscape(modes)
    if (ranges !== undefined) return this.#unicode ? this.#characters(ranges) : this.#bytes(ranges)
    const remedy = 'cannot be searched in linear time. Write what it stands for, or test the text of each match'
    if (letter === 'k' && (this.#unicode || this.#hasNames))
      throw this.#refusal('backreference \\k<...>', start, remedy)
    if (isDigit(letter) && letter !== '0') {
      this.#at += 1
      const number = this.#number() ?? 0
      this.#at = start
      if (this.#unicode || number <= this.#groupsInSource)
        throw this.#refusal(`backreference \\${number}`, start, remedy)
    }
    return this.#unitNode(this.#unit(false), modes)
  }

  /** What `\d`, `\p{...}` and so on match, or undefined if there is another escape. */
  #classEscape({ ignoreCase }: Modes): CodeRange[] | undefined {
    const start = this.#at
    const letter = this.#source[start + 1] ?? ''
    const top = this.#unicode ? LAST_CODE_POINT : LAST_BYTE
    const isProperty = this.#unicode && (letter === 'p' || letter === 'P')
    if (!isProperty && !(letter !== '' && 'dDsSwW'.includes(letter))) return undefined
    this.#at += 2
    if (isProperty) return this.#property(start, ignoreCase)
    const lower = letter.toLowerCase()
    let ranges = lower === 'd' ? DIGITS : lower === 'w' ? WORD : SPACES
    if (lower === 'w' && this.#unicode && ignoreCase) ranges = withAllCases(WORD)
    if (lower === 's' && this.#unicode) ranges = matchedBy('\\s', 'u')
    return letter === lower ? [...ranges] : complement(ranges, top)
  }

  #property(start: number, ignoreCase: boolean): CodeRange[] {
    const end = this.#source.indexOf('}', start) + 1
    if (end === 0 || !this.#peek('{')) throw this.#unknown(start)
    this.#at = end
    const source = this.#source.slice(start, end)
    if (this.#sets) return this.#askSet(source, start, ignoreCase)
    // The engine is asked for \p, because \P is the rest.
    const ranges = matchedBy(`\\p${source.slice(2)}`, 'u')
    const all = source[1] === 'P' ? complement(ranges, LAST_CODE_POINT) : ranges
    return ignoreCase ? withAllCases(all) : all
  }

  /** What a class matches with the flag `v`. */
  #askSet(source: string, start: number, ignoreCase: boolean): CodeRange[] {
    // JavaScript has no complement of a set in which there are strings.
    if (!isPattern(`[^${source}]`, 'v')) {
      const construct = source.includes('\\q{') ? '\\q{...} of several characters' : 'property of strings'
      throw this.#refusal(construct, start, 'is not supported. Write its strings as alternatives: (?:a|b)')
    }
    return matchedBy(source, ignoreCase ? 'iv' : 'v')
  }

  /** A character or an escape of one. */
  #unit(inClass: boolean): Unit {
    if (!this.#eat('\\')) return { code: this.#codePoint(), isByte: false }
    const start = this.#at - 1
    const letter = this.#source[this.#at] ?? ''
    const control = 'tnvfr'.indexOf(letter)
    if (letter !== '' && control !== -1) return this.#taken(1, [9, 10, 11, 12, 13][control] as number)
    if (inClass && letter === 'b') return this.#taken(1, 8)
    if (letter === 'c') {
      const code = this.#source.charCodeAt(this.#at + 1)
      const isLetter = (code | 32) >= 97 && (code | 32) <= 122
      const isMore = inClass && !this.#unicode && (isDigit(this.#source[this.#at + 1]) || code === 95)
      if (isLetter || isMore) return this.#taken(2, code & 31)
      if (this.#unicode) throw this.#unknown(start)
      // It is a backslash, and the c is the next character.
      return { code: 92, isByte: false }
    }
    if (letter === 'x') {
      const code = this.#hexadecimal(this.#at + 1, 2)
      if (code !== undefined) return { ...this.#taken(3, code), isByte: !this.#unicode }
    }
    if (letter === 'u') {
      this.#at += 1
      const code = this.#codeUnits(this.#unicode)
      if (code !== undefined) return { code, isByte: false }
      this.#at -= 1
    }
    if (this.#unicode) {
      if (letter === '0' && !isDigit(this.#source[this.#at + 1])) return this.#taken(1, 0)
      // Any other letter may get a meaning. Between brackets, v has more characters of its own.
      const allowed = inClass ? `${SYNTAX_CHARACTERS}-${this.#sets ? '&!#%,:;<=>@`~' : ''}` : SYNTAX_CHARACTERS
      if (letter === '' || !allowed.includes(letter)) throw this.#unknown(start)
    } else if (letter >= '0' && letter <= '7') {
      return this.#octal()
    }
    return { code: this.#codePoint(), isByte: false }
  }

  #taken(count: number, code: number): Unit {
    this.#at += count
    return { code, isByte: false }
  }

  #codePoint(): number {
    const code = this.#source.codePointAt(this.#at)
    if (code === undefined) throw this.#unknown(this.#at)
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  /** A number of `digits` hexadecimal digits, if they are there. */
  #hexadecimal(at: number, digits: number): number | undefined {
    const text = this.#source.slice(at, at + digits)
    if (text.length !== digits) return undefined
    for (const digit of text) if (!'0123456789abcdefABCDEF'.includes(digit)) return undefined
    return Number.parseInt(text, 16)
  }

  /** What follows `\u`: four digits, a surrogate pair, or with `braces` a number in braces. */
  #codeUnits(braces: boolean): number | undefined {
    if (braces && this.#peek('{')) {
      const end = this.#source.indexOf('}', this.#at)
      const code = end === -1 ? undefined : this.#hexadecimal(this.#at + 1, end - this.#at - 1)
      this.#at = end + 1
      return code
    }
    const code = this.#hexadecimal(this.#at, 4)
    if (code === undefined) return undefined
    this.#at += 4
    if (code < 0xd800 || code > 0xdbff || !this.#peek('\\u')) return code
    const low = this.#hexadecimal(this.#at + 2, 4) ?? 0
    if (low < 0xdc00 || low > 0xdfff) return code
    this.#at += 6
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
  }

  /** A legacy octal escape: at most 377. */
  #octal(): Unit {
    const start = this.#at
    let code = 0
    while (this.#at < start + 3) {
      const digit = this.#source[this.#at] ?? ''
      if (digit < '0' || digit > '7' || code * 8 + Number(digit) > LAST_BYTE) break
      code = code * 8 + Number(digit)
      this.#at += 1
    }
    return { code, isByte: true }
  }

  // --- Classes

  #class(modes: Modes): Node {
    const start = this.#at
    const end = this.#classEnd(start)
    this.#at += 1
    const isNegated = this.#eat('^')
    const node = this.#unicode
      ? this.#characterClass(start, end, isNegated, modes)
      : this.#byteClass(start, end, isNegated, modes)
    this.#at = end
    return node
  }

  #characterClass(start: number, end: number, isNegated: boolean, modes: Modes): Node {
    const ranges: CodeRange[] = []
    while (this.#at < end - 1) {
      const source = this.#source
      // Only the engine knows what the operators of v do, and what of case they ignore.
      const isOperator = source[this.#at] === '[' || this.#peek('&&') || this.#peek('--')
      const isEscapeOfSet = this.#peek('\\') && 'pPDSWq'.includes(source[this.#at + 1] ?? '')
      if (this.#sets && (isOperator || isEscapeOfSet)) {
        return this.#characters(this.#askSet(source.slice(start, end), start, modes.ignoreCase))
      }
      const escaped = this.#peek('\\') ? this.#classEscape(modes) : undefined
      if (escaped !== undefined) {
        ranges.push(...escaped)
        continue
      }
      const first = this.#unit(true).code
      // A '-' after the last is a character, and so is any after \d.
      const isRange = this.#peek('-') && this.#at + 1 < end - 1 && !(this.#sets && this.#peek('--'))
      if (isRange) this.#at += 1
      ranges.push([first, isRange ? this.#unit(true).code : first])
    }
    const all = modes.ignoreCase ? withAllCases(ranges) : ranges
    return this.#characters(isNegated ? complement(all, LAST_CODE_POINT) : all)
  }

  #byteClassMember(): Unit | CodeRange[] {
    return (this.#peek('\\') ? this.#classEscape(NO_MODES) : undefined) ?? this.#unit(true)
  }

  /** Bytes, and characters beyond ASCII that stand for their UTF-8. */
  #byteClass(start: number, end: number, isNegated: boolean, { ignoreCase }: Modes): Node {
    let bytes: CodeRange[] = []
    let characters: CodeRange[] = []
    const add = (first: Unit, last: Unit): void => {
      if (isSurrogate(first.code) || isSurrogate(last.code)) {
        throw this.#refusal('half of a surrogate pair in a class', start, 'is no character. Add the flag u')
      }
      const range: CodeRange = [first.code, last.code]
      const [isFirstHigh, isLastHigh] = [first, last].map(({ code, isByte }) => isByte && code > 127)
      if (last.code < 128 || (isLastHigh && (isFirstHigh || first.code < 128))) bytes.push(range)
      else if (isFirstHigh || isLastHigh) {
        const reason = 'has a byte at one end and a character at the other. Add the flag u for characters'
        throw this.#refusal('range of a class', start, reason)
      } else characters.push(range)
    }
    while (this.#at < end - 1) {
      const first = this.#byteClassMember()
      if (!this.#peek('-') || this.#at + 1 >= end - 1) {
        if (isUnit(first)) add(first, first)
        else bytes.push(...first)
        continue
      }
      this.#at += 1
      const last = this.#byteClassMember()
      if (isUnit(first) && isUnit(last)) {
        add(first, last)
        continue
      }
      // [\d-a] is the digits, a '-' and an a.
      bytes.push(DASH)
      for (const member of [first, last]) {
        if (isUnit(member)) add(member, member)
        else bytes.push(...member)
      }
    }
    if (ignoreCase) {
      characters = withAllCases(characters)
      bytes = withAsciiCases(bytes)
    }
    bytes.push(...inAscii(characters))
    const others = beyondAscii(characters)
    if (others.length === 0) return this.#bytes(isNegated ? complement(bytes, LAST_BYTE) : bytes)
    if (isNegated) {
      const reason = 'has a character beyond ASCII: is any other byte or any other character meant?'
      throw this.#refusal('negated class', start, `${reason} Add the flag u for characters, or write bytes as \\xNN`)
    }
    if (isAscii(bytes)) return this.#characters([...bytes, ...others])
    return choice([this.#characters(others), this.#bytes(bytes)])
  }
}

function isUnit(member: Unit | CodeRange[]): member is Unit {
  return !Array.isArray(member)
}

function isDigit(text: string | undefined): boolean {
  return text !== undefined && text !== '' && text >= '0' && text <= '9'
}

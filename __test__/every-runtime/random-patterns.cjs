// Random patterns and texts, and what JavaScript's own RegExp finds in them.
//
// Not generated is what memmap does in another way, see docs/regular-expressions.md: `^` with `m`
// between '\r' and '\n', U+2028 and U+2029 as ends of lines, the word boundaries at U+017F and
// U+212A, the byte A0 as a space, and the case of bytes from 80 on.

const supports = (source, flags) => {
  try {
    new RegExp(source, flags)
    return true
  } catch {
    return false
  }
}

const ANYTHING = '[^]'
/** With the flag v, Node 20 repeats `[^]` wrongly. */
const HAS_ANYTHING_IN_SETS = supports(ANYTHING, 'v') && new RegExp(`^${ANYTHING}+$`, 'v').test('aa')
const HAS_SETS = supports('[a--b]', 'v')
const HAS_MODIFIERS = supports('(?i:a)', '')
/** With i among them, V8 ignores case beyond the parentheses: Node 26 finds 'SS' with [k-s]{2}. */
const MODIFIERS = [
  's',
  'm',
  '-s',
  '-m',
  's-m',
  ...(process.versions.bun === undefined ? [] : ['i', 'ims', '-i', 'i-s']),
]
const HAS_DUPLICATE_NAMES = supports('(?<n>a)|(?<n>b)', '')

/** The same numbers for the same seed. */
function randomNumbers(seed) {
  let state = seed >>> 0
  const next = () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit) => Math.floor(next() * limit)
  return {
    below,
    oneOf: (list) => list[below(list.length)],
    chance: (probability) => next() < probability,
  }
}

const LETTERS = [...'aAbBkKsS019_ -\n\r\t']
const BEYOND_ASCII = [...'äÄßẞéſKµμσςΣ€ǅʼ😀𐐀𐐨日Ωω\u0345\u1fbe']
const HIGH_BYTES = ['\x80', '\x91', '\xa9', '\xff']

class Generator {
  constructor(random, kind) {
    this.random = random
    this.kind = kind
  }

  pattern() {
    const { random } = this
    this.names = 0
    this.repeats = 0
    this.mostRepeats = 0
    this.flags = ['i', 'm', 's'].filter(() => random.chance(0.3)).join('')
    if (this.kind === 'characters') this.flags += 'u'
    if (this.kind === 'sets') this.flags += 'v'
    if (random.chance(0.1)) this.flags += 'y'
    const source = this.choice(3)
    return { source, flags: this.flags }
  }

  choice(depth) {
    const parts = [this.sequence(depth)]
    while (parts.length < 4 && this.random.chance(0.25)) parts.push(this.sequence(depth))
    return parts.join('|')
  }

  sequence(depth) {
    let text = ''
    const count = this.random.below(4)
    for (let part = 0; part < count; part += 1) text += this.term(depth)
    return text
  }

  term(depth) {
    const { random } = this
    if (random.chance(0.12)) return random.oneOf(['^', '$', '\\b', '\\B'])
    if (!random.chance(0.4)) return this.atom(depth)
    // RegExp takes exponential time for repetitions of repetitions.
    const quantifier = this.repeats < 2 ? this.quantifier() : '?'
    if (!quantifier.startsWith('?')) this.repeats += 1
    this.mostRepeats = Math.max(this.mostRepeats, this.repeats)
    const atom = this.atom(depth)
    if (!quantifier.startsWith('?')) this.repeats -= 1
    return atom + quantifier
  }

  quantifier() {
    const { random } = this
    const least = random.below(3)
    const most = least + random.below(3)
    return (
      random.oneOf(['*', '+', '?', `{${least}}`, `{${least},}`, `{${least},${most}}`]) + (random.chance(0.3) ? '?' : '')
    )
  }

  atom(depth) {
    const { random } = this
    if (depth > 0 && random.chance(0.35)) return this.group(depth - 1)
    switch (random.below(5)) {
      case 0:
        return this.class()
      case 1:
        return this.escape()
      case 2:
        return '.'
      default:
        return this.character()
    }
  }

  group(depth) {
    const { random } = this
    const kinds = ['(?:', '(', '(']
    if (this.names < 3) kinds.push('(?<')
    if (HAS_MODIFIERS) kinds.push('(?')
    const kind = random.oneOf(kinds)
    if (kind === '(?<') {
      this.names += 1
      return `(?<n${this.names}>${this.choice(depth)})`
    }
    if (kind === '(?') {
      const modifiers = random.oneOf(MODIFIERS)
      return `(?${modifiers}:${this.choice(depth)})`
    }
    return `${kind}${this.choice(depth)})`
  }

  character() {
    const { random } = this
    if (this.kind === 'bytes') {
      if (random.chance(0.15)) return escapedByte(random.oneOf(HIGH_BYTES))
      if (random.chance(0.05))
        return random.oneOf([']', '{', '}', '{1', '\\c', '\\k', '\\u00', '\\xg', '\\8', '\\-', '\\_'])
    } else if (random.chance(0.4)) {
      const character = random.oneOf(BEYOND_ASCII)
      return random.chance(0.3) ? `\\u{${character.codePointAt(0).toString(16)}}` : character
    }
    return escaped(random.oneOf(LETTERS))
  }

  escape() {
    const { random } = this
    const escapes = [
      '\\d',
      '\\D',
      '\\w',
      '\\W',
      '\\s',
      '\\S',
      '\\n',
      '\\r',
      '\\t',
      '\\x41',
      '\\u0061',
      '\\cJ',
      '\\0',
      '\\.',
    ]
    if (this.kind === 'bytes') escapes.push('\\101', '\\60', '\\a', '\\u{2}', '\\ud83d')
    else
      escapes.push(
        '\\p{L}',
        '\\P{L}',
        '\\p{Lu}',
        '\\P{Lu}',
        '\\p{ASCII}',
        '\\P{ASCII}',
        '\\p{Script=Greek}',
        '\\u{e4}',
        '\\ud83d\\ude00',
      )
    const chosen = random.oneOf(escapes)
    // A digit after it would be a part of it.
    return chosen === '\\0' || chosen === '\\60' ? `(?:${chosen})` : chosen
  }

  class() {
    const { random } = this
    if (random.chance(0.05)) return this.kind !== 'sets' || HAS_ANYTHING_IN_SETS ? random.oneOf(['[]', '[^]']) : '[]'
    const isNegated = random.chance(0.3)
    if (this.kind === 'sets' && random.chance(0.5)) return `[${isNegated ? '^' : ''}${this.setOperation(2)}]`
    let members = ''
    const count = 1 + random.below(4)
    for (let member = 0; member < count; member += 1) members += this.member()
    if (this.kind !== 'sets' && random.chance(0.1)) members += '-'
    return `[${isNegated ? '^' : ''}${members}]`
  }

  setOperation(depth) {
    const { random } = this
    const operand = () => {
      if (depth > 0 && random.chance(0.4)) return `[${random.chance(0.3) ? '^' : ''}${this.setOperation(depth - 1)}]`
      if (random.chance(0.3))
        return random.oneOf(['\\p{L}', '\\P{Lu}', '\\w', '\\W', '\\d', '\\p{ASCII}', '\\q{a}', '\\q{ä|b}'])
      return this.member()
    }
    const operator = random.oneOf(['', '--', '&&'])
    if (operator === '') return `${operand()}${operand()}`
    // Operands of an operator are single characters or sets, and no ranges.
    return [0, 0, ...(random.chance(0.3) ? [0] : [])].map(() => `[${operand()}]`).join(operator)
  }

  member() {
    const { random } = this
    const roll = random.below(10)
    if (roll < 2) return random.oneOf(['a-f', 'A-Z', '0-5', 'k-s', '_-b', '!-~'])
    if (roll < 4) {
      const escapes = ['\\d', '\\w', '\\s', '\\D', '\\W', '\\S', '\\b', '\\n', '\\cA', '\\x30']
      if (this.kind === 'bytes') escapes.push('\\d-a', '\\w-\\s', '\\c1', '\\c', '\\60', '\\-', 'a-\\d')
      else escapes.push('\\p{L}', '\\P{L}', '\\p{Ll}')
      return random.oneOf(escapes)
    }
    if (this.kind === 'bytes') {
      if (roll < 6) return random.oneOf(['\\x80-\\xff', '\\x80', '\\x80-\\x9f', '\\0-\\xff', '\\xff'])
    } else if (roll < 8) {
      const ranges = ['ä-ü', 'Α-Ω', 'α-ω', '\\u{80}-\\u{7ff}', '😀-😎', '\\u{10400}-\\u{10427}', 'a-€']
      return random.chance(0.4) ? random.oneOf(ranges) : random.oneOf(BEYOND_ASCII)
    }
    return classEscaped(random.oneOf(LETTERS))
  }

  text({ source, flags }) {
    const { random } = this
    const letters = [...LETTERS]
    if (this.kind === 'bytes') letters.push(...HIGH_BYTES)
    else letters.push(...BEYOND_ASCII)
    const noAstral = source.includes('\\B')
    const noSpecialCase = /\\b/i.test(source) && (flags.includes('i') || source.includes('(?i'))
    const allowed = letters.filter(
      (letter) => !(noAstral && letter.length > 1) && !(noSpecialCase && (letter === 'ſ' || letter === 'K')),
    )
    let text = ''
    const count = random.below(this.mostRepeats > 1 ? 9 : 15)
    // Few different letters make many matches.
    const few = [random.oneOf(allowed), random.oneOf(allowed), random.oneOf(allowed)]
    for (let index = 0; index < count; index += 1)
      text += random.chance(0.7) ? random.oneOf(few) : random.oneOf(allowed)
    return source.includes('^') ? text.replaceAll(/\r\n+/g, '\r') : text
  }
}

function escapedByte(byte) {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
}

function escaped(letter) {
  return { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[letter] ?? letter
}

function classEscaped(letter) {
  return letter === '-' ? '\\-' : escaped(letter)
}

/** Where a RegExp matches, by JavaScript: the places of the match and of its groups, in bytes. */
function expectedMatches({ source, flags }, text, isBytes, start) {
  const re = new RegExp(source, `dg${flags}`)
  const offsets = [0]
  if (!isBytes) for (let at = 0; at < text.length; at += 1) offsets[at + 1] = Buffer.byteLength(text.slice(0, at + 1))
  const byteOf = (place) => (isBytes ? place : offsets[place])
  re.lastIndex = start
  const found = []
  for (let match = re.exec(text); match !== null; match = re.exec(text)) {
    found.push(match.indices.map((span) => (span === undefined ? undefined : span.map(byteOf))))
    if (match[0] === '') re.lastIndex += isBytes || text.codePointAt(re.lastIndex) <= 0xffff ? 1 : 2
  }
  return found
}

/**
 * An empty group that was matched where the last iteration begins may be of the iteration before,
 * which JavaScript forgets and memmap cannot tell.
 */
function forgetEmptyGroups(expected, actual) {
  if (!Array.isArray(actual) || actual.length !== expected.length) return
  for (const [number, groups] of expected.entries()) {
    for (const [index, span] of (actual[number] ?? []).entries()) {
      if (span !== undefined && span[0] === span[1] && groups[index] === undefined) actual[number][index] = undefined
    }
  }
}

/**
 * Compares `find(re, bytes, start)`, which returns the places of all matches and their groups, with
 * JavaScript. `kind` is 'bytes', 'characters' (flag u) or 'sets' (flag v).
 */
function compare({ seed, kind, patterns, find }) {
  const random = randomNumbers(seed)
  const generator = new Generator(random, kind)
  const isBytes = kind === 'bytes'
  const result = { patterns: 0, matches: 0, differences: [] }
  while (result.patterns < patterns) {
    const pattern = generator.pattern()
    // With eight groups, \8 is a reference to one.
    const hasReference = pattern.source.includes('\\8') && pattern.source.split('(').length > 8
    if (hasReference || !supports(pattern.source, pattern.flags)) continue
    result.patterns += 1
    const re = new RegExp(pattern.source, pattern.flags)
    for (let round = 0; round < 6; round += 1) {
      const text = generator.text(pattern)
      const places = isBytes ? text.length : 0
      const start = random.chance(0.2) ? random.below(places + 1) : 0
      const expected = expectedMatches(pattern, text, isBytes, start)
      const bytes = Buffer.from(text, isBytes ? 'latin1' : 'utf8')
      let actual
      try {
        actual = find(re, bytes, start)
      } catch (error) {
        actual = String(error)
      }
      result.matches += expected.length
      forgetEmptyGroups(expected, actual)
      const [wanted, got] = [expected, actual].map((value) => JSON.stringify(value))
      if (wanted !== got) {
        result.differences.push(`${re} in ${JSON.stringify(text)} from ${start}: RegExp ${wanted}, memmap ${got}`)
        break
      }
    }
  }
  return result
}

module.exports = { compare, HAS_DUPLICATE_NAMES, HAS_MODIFIERS, HAS_SETS }

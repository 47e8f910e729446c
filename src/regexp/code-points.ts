// Sets of code points, as sorted ranges. What is not in ASCII, the engine is asked for, so that the
// Unicode version is the runtime's and there are no tables.

/** The first and the last code point of a range. */
export type CodeRange = readonly [first: number, last: number]

export const LAST_CODE_POINT = 0x10ffff
export const DIGITS: readonly CodeRange[] = [[48, 57]]
export const WORD: readonly CodeRange[] = [...DIGITS, [65, 90], [95, 95], [97, 122]]

export function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}

/** The same set with its ranges in order and apart from each other. */
export function sorted(ranges: readonly CodeRange[]): CodeRange[] {
  const merged: [number, number][] = []
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** All from 0 to `top` that is not in the set. */
export function complement(ranges: readonly CodeRange[], top: number): CodeRange[] {
  const others: CodeRange[] = []
  let next = 0
  for (const [first, last] of sorted(ranges)) {
    if (first > next) others.push([next, first - 1])
    next = last + 1
  }
  if (next <= top) others.push([next, top])
  return others
}

/** What is in both of two sets. */
export function intersection(a: readonly CodeRange[], b: readonly CodeRange[]): CodeRange[] {
  return sorted(
    a.flatMap(([first, last]) =>
      b.flatMap(([from, to]): CodeRange[] => {
        const [start, end] = [Math.max(first, from), Math.min(last, to)]
        return start <= end ? [[start, end]] : []
      }),
    ),
  )
}

// --- What the engine knows

// A program may replace these, and the searches of memmap must not depend on that.
const NativeRegExp = RegExp
const nativeExec = RegExp.prototype.exec

/** Where the next match begins and ends, in UTF-16 units. It moves `lastIndex`. */
function nextMatch(re: RegExp, text: string): CodeRange | undefined {
  const match = Reflect.apply(nativeExec, re, [text])
  return match === null ? undefined : [match.index, re.lastIndex]
}

/** Whether JavaScript finds a pattern in a text. */
export function matches(source: string, flags: string, text: string): boolean {
  return nextMatch(new NativeRegExp(source, flags), text) !== undefined
}

/** Whether this engine accepts a pattern. */
export function isPattern(source: string, flags: string): boolean {
  try {
    new NativeRegExp(source, flags)
    return true
  } catch {
    // It is a SyntaxError, because the arguments are strings.
    return false
  }
}

/** A string of all code points but the surrogates. It is made again after a garbage collection. */
let everything: WeakRef<{ text: string }> | undefined
/** The number of code points before U+10000, each of which is one UTF-16 unit there. */
const SINGLE_UNITS = 0xf800

function allCodePoints(): string {
  const kept = everything?.deref()
  if (kept !== undefined) return kept.text
  const units = new Uint16Array(SINGLE_UNITS + 0x200000)
  let at = 0
  for (let code = 0; code < 0x10000; code += 1) {
    if (!isSurrogate(code)) units[at++] = code
  }
  for (let high = 0xd800; high < 0xdc00; high += 1) {
    for (let low = 0xdc00; low < 0xe000; low += 1) {
      units[at++] = high
      units[at++] = low
    }
  }
  const made = { text: Buffer.from(units.buffer).toString('utf16le') }
  everything = new WeakRef(made)
  return made.text
}

/** The code point at a place of {@link allCodePoints}. */
function codePointOf(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < SINGLE_UNITS ? unit + 0x800 : 0x10000 + (unit - SINGLE_UNITS) / 2
}

/** The last answers, by flags and class. */
const answers = new Map<string, CodeRange[]>()
const MOST_ANSWERS = 64

/** The code points that a class matches. `flags` have `u` or `v`. */
export function matchedBy(source: string, flags: string): CodeRange[] {
  const key = `${flags}${source}`
  const known = answers.get(key)
  if (known !== undefined) return known
  const re = new NativeRegExp(`(?:${source})+`, `${flags}g`)
  const text = allCodePoints()
  const ranges: CodeRange[] = []
  for (let match = nextMatch(re, text); match !== undefined; match = nextMatch(re, text)) {
    const [start, end] = match
    ranges.push([codePointOf(start), codePointOf(end - (end > SINGLE_UNITS ? 2 : 1))])
  }
  remember(answers, key, ranges, MOST_ANSWERS)
  return ranges
}

/** Adds to a cache, and removes what has been in it for the longest time. */
export function remember<V>(cache: Map<string, V>, key: string, value: V, most: number): void {
  const oldest = cache.keys().next()
  if (cache.size >= most && !oldest.done) cache.delete(oldest.value)
  cache.set(key, value)
}

// --- Upper and lower case

/** A string of all characters that equal another one when case is ignored. */
let cased: string | undefined

const UPPER: readonly CodeRange[] = [[65, 90]]
const LOWER: readonly CodeRange[] = [[97, 122]]
const ASCII: readonly CodeRange[] = [[0, 127]]
const BEYOND_ASCII: readonly CodeRange[] = [[128, LAST_CODE_POINT]]

/** The set with the other case of its ASCII letters. */
export function withAsciiCases(ranges: readonly CodeRange[]): CodeRange[] {
  const lowered = intersection(ranges, UPPER).map(([first, last]): CodeRange => [first + 32, last + 32])
  const raised = intersection(ranges, LOWER).map(([first, last]): CodeRange => [first - 32, last - 32])
  return sorted([...ranges, ...lowered, ...raised])
}

/** The set with all characters that equal one of it with the flags `iu`. */
export function withAllCases(ranges: readonly CodeRange[]): CodeRange[] {
  const all = withAsciiCases(ranges)
  // The long s and the sign of kelvin.
  if (intersection(all, [[115, 115]]).length > 0) all.push([0x17f, 0x17f])
  if (intersection(all, [[107, 107]]).length > 0) all.push([0x212a, 0x212a])
  if (intersection(ranges, BEYOND_ASCII).length > 0) all.push(...otherCases(ranges))
  return sorted(all)
}

function otherCases(ranges: readonly CodeRange[]): CodeRange[] {
  cased ??= matchedBy('[\\p{CWCF}\\p{CWL}\\p{CWU}\\p{CWT}]', 'u')
    .map(([first, last]) => String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, add) => first + add)))
    .join('')
  const members = ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`)
  const re = new NativeRegExp(`[${members.join('')}]`, 'giu')
  const found: CodeRange[] = []
  for (let match = nextMatch(re, cased); match !== undefined; match = nextMatch(re, cased)) {
    const code = cased.codePointAt(match[0]) as number
    found.push([code, code])
  }
  return found
}

/** Whether all of a set is in ASCII. */
export function isAscii(ranges: readonly CodeRange[]): boolean {
  return ranges.every(([, last]) => last < 128)
}

export function beyondAscii(ranges: readonly CodeRange[]): CodeRange[] {
  return intersection(ranges, BEYOND_ASCII)
}

export function inAscii(ranges: readonly CodeRange[]): CodeRange[] {
  return intersection(ranges, ASCII)
}

// The part of class Mmap that searches, counts and replaces, at once or as tasks.

import { isRegExp } from 'node:util/types'
import {
  type BytesLike,
  byteLengthOf,
  bytesArgument,
  needleArgument,
  optionalBound,
  wholeNumber,
} from '../arguments.js'
import binding, { checked } from '../binding.js'
import {
  type LinesOptions,
  linesOptions,
  type RangeOptions,
  type RangeReplaceOptions,
  type RangeReplaceTaskOptions,
  type RangeTaskOptions,
  type ReplaceOptions,
  type ReplaceTaskOptions,
  rangeArguments,
  replaceArguments,
  replaceTaskArguments,
  type TaskOptions,
  type TextLinesOptions,
  taskArguments,
} from '../options/methods.js'
import { clamp, lastStop, rangeFromCursor, refuseOutside } from '../ranges.js'
import type { MmapMatch } from '../regexp/match.js'
import { MatchingLines } from '../regexp/matching-lines.js'
import { patternArgument } from '../regexp/pattern.js'
import { refuseUnfit, replaceEach } from '../regexp/replace.js'
import { Lines, LinesBackwards } from '../search/lines.js'
import { Matches } from '../search/matches.js'
import { cachedNeedleBytes, needleOf, refuseEmpty, refuseUnequal } from '../search/needles.js'
import { TextLines } from '../search/text-lines.js'
import { MmapCursor } from './cursor.js'
import { live, liveRange, mappingOf, writable } from './state.js'

/** Searches, and the tasks that search. */
export class MmapSearch<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapCursor<TBuffer> {
  /**
   * The first place of `needle` in `[start, stop)`, or -1. An empty needle is at `start`.
   * @param start default is the cursor, as in Python; see {@link indexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.find('Hello'), mm.find('Hello', 1)) // 0 13
   * mm.seek(5)
   * console.log(mm.find('Hello')) // 13
   * ```
   */
  find(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = cachedNeedleBytes(needle)
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, mapping.position, mapping.length)
    return to < from ? -1 : mapping.find(bytes, from, to)
  }

  /**
   * The last place of `needle` in `[start, stop)`, or -1. An empty needle is at `stop`.
   * @param start default is the cursor, as in Python; see {@link lastIndexOf}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.rfind('Hello'), mm.rfind('Hello', 0, 13)) // 13 0
   * ```
   */
  rfind(needle: BytesLike, start?: number | RangeOptions, stop?: number): number {
    const bytes = bytesArgument(needle, 'needle')
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, mapping.position, mapping.length)
    return to < from ? -1 : mapping.rfind(bytes, from, to)
  }

  /**
   * The first place of `needle` from `start` on, or -1, as Buffer's: `start` is 0 by default and
   * counts from the end when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.indexOf('World'), mm.indexOf(10), mm.indexOf('x')) // 6 12 -1
   * ```
   */
  indexOf(needle: number | BytesLike, start?: number): number {
    const bytes = needleOf(needle)
    const from = optionalBound(start, 'start') ?? 0
    const mapping = live(this)
    return mapping.find(bytes, clamp(from, mapping.length), mapping.length)
  }

  /**
   * The last place of `needle` at or before `start`, or -1, as Buffer's: `start` is the end by
   * default and counts from it when negative; a number is a byte.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.lastIndexOf('Hello'), mm.lastIndexOf('Hello', 12)) // 13 0
   * ```
   */
  lastIndexOf(needle: number | BytesLike, start?: number): number {
    const bytes = needleArgument(needle, 'needle')
    const bound = optionalBound(start, 'start') ?? Number.POSITIVE_INFINITY
    const mapping = live(this)
    const last = lastStop(bound, byteLengthOf(bytes), mapping.length)
    return last === undefined ? -1 : mapping.rfind(bytes, 0, last)
  }

  /**
   * Whether {@link indexOf} finds it.
   * @throws as {@link indexOf}
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.includes('World'), mm.includes('Moon')) // true false
   * ```
   */
  includes(needle: number | BytesLike, start?: number): boolean {
    mappingOf(this)
    return this.indexOf(needle, start) !== -1
  }

  /**
   * The places of `needle` in `[start, stop)`, from the first to the last. Matches do not overlap:
   * in `'aaaa'`, `'aa'` is at 0 and 2. `start` is 0 by default, not the cursor. They are found a
   * few thousand at a time, so no number of them costs memory. A change of the mapping during the
   * iteration may be found or not. After a `resize()` it goes on in the new length.
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an empty needle, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log([...mm.findAll('Hello')].join()) // 0,13
   * ```
   */
  findAll(needle: BytesLike, start?: number | RangeOptions, stop?: number): IterableIterator<number> {
    const bytes = bytesArgument(needle, 'needle')
    const range = rangeArguments(start, stop)
    const mapping = live(this)
    refuseEmpty(bytes, 'needle')
    const from = clamp(range.start ?? 0, mapping.length)
    const to = range.stop ?? Number.POSITIVE_INFINITY
    // The needle is copied, because the caller may write to it between two steps.
    return new Matches(mapping.iterationSource(), new Uint8Array(bytes), from, to)
  }

  /**
   * How often `needle`, or what a RegExp matches, is in `[start, stop)`, without overlaps. `start`
   * is by default 0, not the cursor.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty needle,
   *   ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.count('\n'), mm.count('l', 0, 13)) // 2 3
   * ```
   */
  count(needle: BytesLike | RegExp, start?: number | RangeOptions, stop?: number): number {
    if (isRegExp(needle)) {
      const { native } = patternArgument(needle, 'needle')
      const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
      return checked(binding.countMatches(mapping.handle, native, from, to))
    }
    const bytes = bytesArgument(needle, 'needle')
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    refuseEmpty(bytes, 'needle')
    return checked(binding.count(mapping.handle, bytes, from, to))
  }

  /**
   * Writes `to` in place of each `from` in `[start, stop)`. Both must have the same length; matches
   * do not overlap. `start` is 0 by default, not the cursor. Returns how many matches there were.
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
   *   empty `from` or another length, ERR_MMAP_FAULT with `replaced`, how many were replaced before
   * @category Write
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.replaceAll('Hello', 'HELLO')) // 2
   * ```
   */
  replaceAll(from: BytesLike, to: BytesLike, start?: number | RangeOptions, stop?: number): number
  /**
   * Writes `to`, or what it returns for a match, in place of each match of a RegExp. It must be as
   * long as the match, or with `fill` at most as long. If `to` is not a function and the pattern
   * has matches of other lengths, it is refused before anything is written. What a function returns
   * is checked for each match. Matches are searched for some thousand at a time, and before they
   * are replaced.
   * @param to bytes, or a function of the match, which is called before the match is replaced
   * @param start default 0, or all options; `stop` is the length by default
   * @returns the number of matches
   * @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_MMAP_REGEXP, ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for another length, ERR_OUT_OF_RANGE for another `fill`,
   *   ERR_MMAP_FAULT; each with `replaced`, if it comes after the first replacement
   */
  replaceAll(
    from: RegExp,
    to: BytesLike | ((match: MmapMatch) => BytesLike),
    start?: number | RangeReplaceOptions,
    stop?: number,
    options?: ReplaceOptions,
  ): number
  replaceAll(
    from: BytesLike | RegExp,
    to: BytesLike | ((match: MmapMatch) => BytesLike),
    start?: number | RangeReplaceOptions,
    stop?: number,
    options?: ReplaceOptions,
  ): number {
    if (isRegExp(from)) {
      const pattern = patternArgument(from, 'from')
      const replacement = typeof to === 'function' ? to : bytesArgument(to, 'to')
      const [range, fill] = replaceArguments(start, stop, options)
      const [mapping, first, last] = liveRange(this, range)
      writable(this)
      if (typeof replacement === 'function') {
        const request = { pattern, hasGroups: true, start: first, stop: last }
        return replaceEach(mapping, request, { to: replacement, fill, check: () => writable(this) })
      }
      refuseUnfit(pattern, replacement, fill)
      return checked(binding.replaceMatches(mapping.handle, pattern.native, replacement, fill, first, last))
    }
    const old = bytesArgument(from, 'from')
    const replacement = bytesArgument(to, 'to')
    const [mapping, first, last] = liveRange(this, rangeArguments(start, stop))
    writable(this)
    refuseUnequal(old, replacement)
    return checked(binding.replaceAll(mapping.handle, old, replacement, first, last))
  }

  /**
   * The lines of a range as text, from copies, so it is safe while other processes write. A line
   * ends before its `'\n'` or at the end of the range; after a `'\n'` at the end there is no empty
   * line. Invalid UTF-8 becomes U+FFFD, as in `TextDecoder`, and a byte order mark stays.
   * Some hundred lines are copied and decoded at a time, and cut out of that text: engines keep the
   * whole of it, up to 64 KiB, as long as one line is kept.
   * @param options `encoding`, and those that `lines()` has without it
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option or another encoding, ERR_MMAP_REGEXP,
   *   ERR_MMAP_FAULT, ERR_OUT_OF_RANGE for a line longer than a string can be
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for (const line of mm.lines({ encoding: 'utf8' })) {
   *   if (line.endsWith('you!')) console.log(line) // Hello you!
   * }
   * ```
   */
  lines(options: TextLinesOptions): IterableIterator<string>
  /**
   * The lines of a range, as Uint8Arrays over the mapping: nothing is copied, except where the
   * runtime has no views. A line ends before its `'\n'` (a `'\r'` stays, unless `crlf` is true) or
   * at the end of the range; after a `'\n'` at the end there is no empty line. A line is a view, as
   * {@link bytes} is: what is stored to it is stored in the mapping, and as long as one is kept,
   * all of the mapping stays in memory. Copy a line that is kept, decoded or parsed, with
   * `Buffer.from(line)`: another process that writes to the file meanwhile can crash `TextDecoder`.
   * For text, use `encoding`. Line ends are found a few thousand at a time; see {@link findAll}.
   * @param options `start` and `stop`, all of the mapping by default; `crlf`; `reverse`; `matching`
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option, ERR_MMAP_REGEXP, ERR_MMAP_FAULT,
   *   ERR_MMAP_VIEW_TOO_LARGE for a line longer than MAX_VIEW_LENGTH
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * let longest = 0
   * for (const line of mm.lines()) longest = Math.max(longest, line.length)
   * console.log(longest) // 12
   * ```
   */
  lines(options?: LinesOptions): IterableIterator<Uint8Array>
  lines(options?: LinesOptions | TextLinesOptions): IterableIterator<Uint8Array> | IterableIterator<string> {
    const { start, stop, encoding, crlf, reverse, matching } = linesOptions(options)
    if (matching !== undefined) {
      const pattern = patternArgument(matching, 'matching', crlf ? 'crlf lines' : 'lines')
      const exact = crlf ? patternArgument(matching, 'matching', 'lines') : undefined
      const mapping = live(this)
      const from = clamp(start, mapping.length)
      const request = { pattern, exact, start: from, stop, encoding, reverse }
      if (encoding !== undefined) return new MatchingLines<string>(mapping, request)
      return new MatchingLines<Uint8Array>(mapping, request)
    }
    const mapping = live(this)
    const source = mapping.iterationSource()
    const from = clamp(start, mapping.length)
    if (encoding !== undefined) return new TextLines(source, from, stop, { encoding, crlf, reverse })
    return reverse ? new LinesBackwards(source, from, stop, crlf) : new Lines(source, from, stop, crlf)
  }

  /**
   * Where the line begins and ends that a position is in, without its `'\n'`: `mm.toString('utf8',
   * start, stop)` is its text. A `'\n'` is in the line that it ends. At the end of the mapping it
   * is the last line, which is empty after a `'\n'`.
   * @param position from 0 to the length; a negative one is refused, as by {@link set}
   * @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const { start, stop } = mm.lineAt(mm.indexOf('you'))
   * console.log(mm.toString('utf8', start, stop)) // Hello you!
   * ```
   */
  lineAt(position: number): { start: number; stop: number } {
    const at = wholeNumber(position, 'position')
    const mapping = live(this)
    refuseOutside(at, mapping.length)
    return mapping.lineAt(at)
  }

  // --- The same as tasks: each works on other threads, and JavaScript goes on meanwhile

  /**
   * {@link find}, as a task. `close()` leaves the task its memory; `unmap()` stops the task.
   * @param start default is the cursor, at the time of the call
   * @returns a promise, rejected with the errors of `find`, with ABORT_ERR, and with
   *   ERR_MMAP_CLOSED after `unmap()`
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.findAsync('you', { signal: AbortSignal.timeout(60_000) })) // 19
   * ```
   */
  async findAsync(
    needle: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const mapping = live(this)
    const [from, to] = rangeFromCursor(range, mapping.position, mapping.length)
    if (to < from) {
      checked.onProgress?.({ done: 0, total: 0 })
      return -1
    }
    return mapping.runTask(checked, to - from, (task) => binding.startFind(task, bytes, from, to))
  }

  /**
   * {@link count}, as a task.
   * @returns a promise, rejected with the errors of `count`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.countAsync('Hello')) // 2
   * ```
   */
  async countAsync(
    needle: BytesLike | RegExp,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    if (isRegExp(needle)) {
      const { native } = patternArgument(needle, 'needle')
      const [range, checked] = taskArguments(start, stop, options)
      const [mapping, from, to] = liveRange(this, range)
      return mapping.runTask(checked, to - from, (task) => binding.startCountMatches(task, native, from, to))
    }
    const bytes = bytesArgument(needle, 'needle')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, from, to] = liveRange(this, range)
    refuseEmpty(bytes, 'needle')
    return mapping.runTask(checked, to - from, (task) => binding.startCount(task, bytes, from, to))
  }

  /**
   * {@link replaceAll}, as a task.
   * @returns a promise, rejected with the errors of `replaceAll`, and as that of {@link findAsync}.
   *   Every error after the start, except one that `onProgress` throws, has `replaced`: how many
   *   were replaced by then. A task that was aborted leaves the rest as it was. ERR_MMAP_READONLY
   *   also when `protect()` forbids writing meanwhile, or `resize()` copies private anonymous
   *   memory
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const onProgress = ({ done, total }) => console.error(`${done} of ${total} bytes`)
   * console.log(await mm.replaceAllAsync('Hello', 'HELLO', { onProgress })) // 2
   * ```
   */
  replaceAllAsync(
    from: BytesLike,
    to: BytesLike,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number>
  /** The same for what a RegExp matches. The replacement is never a function. */
  replaceAllAsync(
    from: RegExp,
    to: BytesLike,
    start?: number | RangeReplaceTaskOptions,
    stop?: number,
    options?: ReplaceTaskOptions,
  ): Promise<number>
  async replaceAllAsync(
    from: BytesLike | RegExp,
    to: BytesLike,
    start?: number | RangeReplaceTaskOptions,
    stop?: number,
    options?: ReplaceTaskOptions,
  ): Promise<number> {
    if (isRegExp(from)) {
      const pattern = patternArgument(from, 'from')
      const replacement = bytesArgument(to, 'to')
      const [range, fill, checked] = replaceTaskArguments(start, stop, options)
      const [mapping, first, last] = liveRange(this, range)
      writable(this)
      refuseUnfit(pattern, replacement, fill)
      return mapping.runTask(checked, last - first, (task) =>
        binding.startReplaceMatches(task, pattern.native, replacement, fill, first, last),
      )
    }
    const old = bytesArgument(from, 'from')
    const replacement = bytesArgument(to, 'to')
    const [range, checked] = taskArguments(start, stop, options)
    const [mapping, first, last] = liveRange(this, range)
    writable(this)
    refuseUnequal(old, replacement)
    return mapping.runTask(checked, last - first, (task) =>
      binding.startReplaceAll(task, old, replacement, first, last),
    )
  }
}

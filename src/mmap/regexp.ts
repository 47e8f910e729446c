// The part of class Mmap that searches for what a RegExp matches, at once or as tasks.

import binding, { checked } from '../binding.js'
import {
  type CheckedTaskOptions,
  type MatchOptions,
  type MatchTaskOptions,
  matchArguments,
  matchTaskArguments,
  type RangeMatchOptions,
  type RangeMatchTaskOptions,
  type RangeOptions,
  type RangeTaskOptions,
  rangeArguments,
  type TaskOptions,
  taskArguments,
} from '../options/methods.js'
import { clamp, type Range } from '../ranges.js'
import { FoundMatches, type MmapMatch, newMatch, PLACE } from '../regexp/match.js'
import { PatternMatches, PatternMatchesAsync } from '../regexp/matches.js'
import { type Pattern, patternArgument } from '../regexp/pattern.js'
import { MmapSearch } from './search.js'
import { live, liveRange } from './state.js'

/** Searches for what a RegExp matches. `docs/regular-expressions.md` says which RegExps. */
export class MmapRegExp<TBuffer extends ArrayBufferLike = ArrayBufferLike> extends MmapSearch<TBuffer> {
  /**
   * Where the first match of a RegExp begins in `[start, stop)`, or -1. Flags and bounds are those
   * of {@link matchAll}.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.search(/w[a-z]+/i)) // 6
   * ```
   */
  search(re: RegExp, start?: number | RangeOptions, stop?: number): number {
    const { native } = patternArgument(re)
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    const row = new Float64Array(2)
    return checked(binding.firstMatch(mapping.handle, native, row, from, to)) ? (row[0] as number) : -1
  }

  /**
   * The first match of a RegExp in `[start, stop)` with its groups, or null. Flags and bounds are
   * those of {@link matchAll}.
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const match = mm.match(/Hello (?<who>\w+)/)
   * console.log(match.index, match.group('who')) // 0 World
   * ```
   */
  match(re: RegExp, start?: number | RangeOptions, stop?: number): MmapMatch | null {
    const pattern = patternArgument(re)
    const [mapping, from, to] = liveRange(this, rangeArguments(start, stop))
    const row = rowOf(pattern)
    const isFound = checked(binding.firstMatch(mapping.handle, pattern.native, row, from, to))
    return isFound ? newMatch(new FoundMatches(mapping, pattern, row, row.length, to), 0) : null
  }

  /**
   * The matches of a RegExp in `[start, stop)`, from the first to the last, without overlaps: what
   * `String.prototype.matchAll` finds, in bytes and in linear time. Without the flags `u` and `v`
   * the unit is a byte (`.` is one, `\xff` is one), and with them a character of UTF-8. The flags
   * `g` and `d` are ignored, and `lastIndex` is neither read nor written. With `y` a match begins
   * where the one before ends, and the first at `start`. `^` and `\b` see the bytes before
   * `start`. `stop` is as if the mapping ended there. Matches are found a few thousand at a time;
   * see {@link findAll} for changes of the mapping meanwhile. Their groups are found with them
   * while the loop asks for the groups of most matches, and otherwise when a group is first asked
   * for, see {@link MmapMatch}.
   * @param re a RegExp; look-around and references to groups are refused
   * @param start default 0, not the cursor; or all options. `stop` is the length by default
   * @throws ERR_MMAP_CLOSED, also at the next step after it has been closed; ERR_INVALID_ARG_TYPE,
   *   ERR_INVALID_ARG_VALUE for an unknown option, ERR_MMAP_REGEXP, ERR_MMAP_FAULT
   * @category Search
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for (const { index, text } of mm.matchAll(/y\w+/g)) console.log(index, text) // 19 you
   * ```
   */
  matchAll(
    re: RegExp,
    start?: number | RangeMatchOptions,
    stop?: number,
    options?: MatchOptions,
  ): IterableIterator<MmapMatch> {
    const pattern = patternArgument(re)
    const [range, hasGroups] = matchArguments(start, stop, options)
    const mapping = live(this)
    return new PatternMatches(mapping, { pattern, hasGroups, ...iterationRange(range, mapping.length) })
  }

  // --- The same as tasks

  /**
   * {@link search}, as a task.
   * @returns a promise, rejected with the errors of `search`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(await mm.searchAsync(/w[a-z]+/i)) // 6
   * ```
   */
  async searchAsync(
    re: RegExp,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<number> {
    const pattern = patternArgument(re)
    const [range, checked] = taskArguments(start, stop, options)
    const row = await firstMatch(this, { pattern, row: new Float64Array(2), range, options: checked })
    return row === undefined ? -1 : (row[0] as number)
  }

  /**
   * {@link match}, as a task.
   * @returns a promise, rejected with the errors of `match`, and as that of {@link findAsync}
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * const match = await mm.matchAsync(/W\w+/)
   * console.log(match.text) // World
   * ```
   */
  async matchAsync(
    re: RegExp,
    start?: number | RangeTaskOptions,
    stop?: number,
    options?: TaskOptions,
  ): Promise<MmapMatch | null> {
    const pattern = patternArgument(re)
    const [range, checked] = taskArguments(start, stop, options)
    const mapping = live(this)
    const row = await firstMatch(this, { pattern, row: rowOf(pattern), range, options: checked })
    // Its groups are in the row.
    return row === undefined ? null : newMatch(new FoundMatches(mapping, pattern, row, row.length, mapping.length), 0)
  }

  /**
   * {@link matchAll}, for `for await`: each batch of matches is found by a task. The next batch is
   * searched for while the loop works on this one, and none after it, so a slow loop costs no
   * memory. The iteration ends with `break`, by the signal, and by `unmap()`.
   * `onProgress` is called while a batch is searched for, and once when there are no more matches.
   * @returns an iterator, whose steps are rejected with the errors of `matchAll`, and as the
   *   promise of {@link findAsync}
   * @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MMAP_REGEXP,
   *   ABORT_ERR
   * @category Search on another thread
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * for await (const m of mm.matchAllAsync(/y\w+/)) console.log(m.index, m.text) // 19 you
   * ```
   */
  matchAllAsync(
    re: RegExp,
    start?: number | RangeMatchTaskOptions,
    stop?: number,
    options?: MatchTaskOptions,
  ): AsyncIterableIterator<MmapMatch> {
    const pattern = patternArgument(re)
    const [range, hasGroups, task] = matchTaskArguments(start, stop, options)
    const [mapping, from, to] = liveRange(this, range)
    const request = { pattern, hasGroups, task, ...iterationRange(range, mapping.length) }
    return new PatternMatchesAsync(mapping, request, to - from)
  }
}

function rowOf({ allGroups }: Pattern): Float64Array {
  return new Float64Array((allGroups + 1) * 2)
}

/** A range whose end is, without `stop`, where the mapping ends at that time. */
function iterationRange({ start, stop }: Range, length: number): { start: number; stop: number } {
  return { start: clamp(start ?? 0, length), stop: stop ?? Number.POSITIVE_INFINITY }
}

/** What is searched for by a task. */
interface FirstMatchRequest {
  pattern: Pattern
  /** Has room for the groups if they are wanted. */
  row: Float64Array
  range: Range
  options: CheckedTaskOptions
}

/** The row of the first match, which a task finds. */
async function firstMatch(mm: MmapRegExp, request: FirstMatchRequest): Promise<Float64Array | undefined> {
  const { pattern, row, range, options } = request
  const [mapping, from, to] = liveRange(mm, range)
  const search = checked(binding.newPatternSearch(pattern.native, from, to))
  const found = await mapping.runTask(options, to - from, (task) =>
    binding.startNextMatches(task, search, 1, row.length > PLACE),
  )
  // 1, or -2 if no match follows.
  if (found !== 1 && found !== -2) return undefined
  checked(binding.takeMatches(search, row))
  return row
}

// The options of methods: their types, and what is read from them. Each property is read once,
// before anything is started.

import { type Signal, signalOf } from '../abort-signal.js'
import { booleanArgument, byteArgument, integer, oneOf, optionalBound, timeoutArgument } from '../arguments.js'
import { aborted, wrongType, wrongValue } from '../errors.js'
import type { Range } from '../ranges.js'
import { isOptions, optionsArgument } from './objects.js'

/** Options of `lines()`. Other names are refused. */
export interface LinesOptions {
  /** Where the first line begins. Default 0; negative ones count from the end. */
  start?: number | undefined
  /** Where the last line ends at the latest. Default is the end. */
  stop?: number | undefined
  /** Default false. A `'\r'` before the `'\n'` is no part of the line. */
  crlf?: boolean | undefined
  /** Default false. From the last line to the first. */
  reverse?: boolean | undefined
  /**
   * Only the lines for which `matching.test(line)` is true, as grep prints them: `^` and `$` are
   * where the line begins and ends. Flags and syntax are those of {@link Mmap.matchAll}.
   */
  matching?: RegExp | undefined
  /** See {@link TextLinesOptions}. */
  encoding?: undefined
}

/** Options of `lines()` that make it return text. */
export interface TextLinesOptions extends Omit<LinesOptions, 'encoding'> {
  /** Lines are strings, made from copies. */
  encoding: 'utf8' | 'latin1'
}

/** Options of `stream()`. Other names are refused. */
export interface StreamOptions {
  /** Where the first piece begins. Default 0; negative ones count from the end. */
  start?: number | undefined
  /** Where the last piece ends at the latest. Default is the end. */
  stop?: number | undefined
  /** How long a piece is, in bytes, but for the last one: 1 to 1,048,576, by default 65,536. */
  chunkSize?: number | undefined
}

/** A range, in bytes. Other names are refused. */
export interface RangeOptions {
  /** Where the range begins. Negative ones count from the end. */
  start?: number | undefined
  /** Where the range ends: the first byte that is not in it. Default is the end. */
  stop?: number | undefined
}

/** How far a task is. */
export interface Progress {
  /** Bytes done. */
  done: number
  /** Bytes to do: those of the range. */
  total: number
}

/** Options of the methods that return promises. Each is read once. Other names are refused. */
export interface TaskOptions {
  /**
   * Stops the task within a few MiB. The promise is then rejected with an AbortError as in `fs`:
   * `code` is `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already
   * starts nothing.
   */
  signal?: AbortSignal | undefined
  /**
   * Is called at most about 30 times a second while the task runs, and once when it has succeeded,
   * with `done` equal to `total`. If it throws, the task stops, and the promise is rejected with
   * what it threw.
   */
  onProgress?: ((progress: Progress) => void) | undefined
  /**
   * The most threads that work on it at once, 1 to 16. Default are the processors that the process
   * may use, up to 16: affinity and the quota of a container count. If the system gives fewer
   * threads, the task goes on with those. `flushAsync` and `matchAllAsync` use one in any case.
   */
  threads?: number | undefined
}

/** A range, and the options of the method that works on it. Other names are refused. */
export interface RangeTaskOptions extends RangeOptions, TaskOptions {}

/** Options of `waitAsync`. Other names are refused. */
export interface WaitOptions {
  /** In milliseconds, by a clock that nobody can set. Default Infinity. */
  timeout?: number | undefined
  /**
   * Ends the wait. The promise is then rejected with an AbortError as in `fs`: `code` is
   * `'ABORT_ERR'`, `cause` is the signal's reason. A signal that is aborted already starts nothing.
   */
  signal?: AbortSignal | undefined
}

/** Options of the methods that return matches. Other names are refused. */
export interface MatchOptions {
  /**
   * Default true. With false no groups are looked for, and none can be asked for, which takes less
   * time and memory.
   */
  groups?: boolean | undefined
}

/** A range, and whether groups are found. Other names are refused. */
export interface RangeMatchOptions extends RangeOptions, MatchOptions {}

/** Options of a search for matches as tasks. Other names are refused. */
export interface MatchTaskOptions extends MatchOptions, TaskOptions {}

/** A range, and the options of a search for matches as tasks. Other names are refused. */
export interface RangeMatchTaskOptions extends RangeOptions, MatchTaskOptions {}

/** Options of the methods that replace what a RegExp matches. Other names are refused. */
export interface ReplaceOptions {
  /**
   * A byte, as a number from 0 to 255 or as a character of ASCII. It fills the rest of a match that
   * is longer than its replacement. Without it both must have the same length.
   */
  fill?: number | string | undefined
}

/** A range, and how to replace. Other names are refused. */
export interface RangeReplaceOptions extends RangeOptions, ReplaceOptions {}

/** Options of a task that replaces. Other names are refused. */
export interface ReplaceTaskOptions extends ReplaceOptions, TaskOptions {}

/** A range, and the options of a task that replaces. Other names are refused. */
export interface RangeReplaceTaskOptions extends RangeOptions, ReplaceTaskOptions {}

/** The options of a wait, checked. */
export interface CheckedWaitOptions {
  timeout: number
  signal: Signal | undefined
}

/** The options of a task, checked. */
export interface CheckedTaskOptions {
  signal: Signal | undefined
  onProgress: TaskOptions['onProgress']
  /** 0 for the default. */
  threads: number
}

const LINES_OPTION_NAMES = ['start', 'stop', 'encoding', 'crlf', 'reverse', 'matching']
const LINES_ENCODINGS = ['utf8', 'latin1'] as const

/** The options of `lines`, checked. */
interface LinesRequest {
  start: number
  stop: number
  crlf: boolean
  reverse: boolean
  /** Undefined for bytes. */
  encoding: 'utf8' | 'latin1' | undefined
  /** Not checked. Undefined for all lines. */
  matching: unknown
}

export function linesOptions(options: unknown): LinesRequest {
  const { start, stop, encoding, crlf, reverse, matching }: { [name in keyof LinesRequest]?: unknown } =
    optionsArgument(options, LINES_OPTION_NAMES, 'lines')
  return {
    ...iterationBounds(start, stop),
    crlf: booleanArgument(crlf, 'crlf', false),
    reverse: booleanArgument(reverse, 'reverse', false),
    encoding: encoding === undefined ? undefined : oneOf(encoding, 'encoding', LINES_ENCODINGS),
    matching,
  }
}

/** The bounds of an iteration. Without `stop` it ends where the mapping ends at that time. */
function iterationBounds(start: unknown, stop: unknown): { start: number; stop: number } {
  return { start: optionalBound(start, 'start') ?? 0, stop: optionalBound(stop, 'stop') ?? Number.POSITIVE_INFINITY }
}

const STREAM_OPTION_NAMES = ['start', 'stop', 'chunkSize']
const DEFAULT_PIECE = 64 * 1024
/** The longest piece that is copied at once, so that a slow reader does not cost much memory. */
export const LONGEST_PIECE = 1024 * 1024

export function streamOptions(options: unknown): { start: number; stop: number; chunkSize: number } {
  const { start, stop, chunkSize }: StreamOptions = optionsArgument(options, STREAM_OPTION_NAMES, 'stream')
  if (chunkSize !== undefined && typeof chunkSize !== 'number') {
    throw wrongType('chunkSize', 'of type number', chunkSize)
  }
  return {
    ...iterationBounds(start, stop),
    chunkSize: chunkSize === undefined ? DEFAULT_PIECE : integer(chunkSize, 'chunkSize', 1, LONGEST_PIECE),
  }
}

const RANGE_OPTION_NAMES = ['start', 'stop']
const TASK_OPTION_NAMES = ['signal', 'onProgress', 'threads']
const MOST_THREADS = 16
const RANGE_TASK_OPTION_NAMES = [...RANGE_OPTION_NAMES, ...TASK_OPTION_NAMES]

/** Checks `(start, stop)` or `({ start, stop })`. */
export function rangeArguments(start: unknown, stop: unknown): Range {
  if (typeof start !== 'object' || !isOptions(start, stop)) return range(start, stop)
  const options: RangeOptions = optionsArgument(start, RANGE_OPTION_NAMES, 'this method')
  return range(options.start, options.stop)
}

export function range(start: unknown, stop: unknown): Range {
  return { start: optionalBound(start, 'start'), stop: optionalBound(stop, 'stop') }
}

/**
 * Checks `(start, stop, { signal, ... })` or `({ start, stop, signal, ... })`. Throws when the
 * signal is aborted already.
 */
export function taskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, options: CheckedTaskOptions] {
  if (isOptions(start, stop, options)) {
    const all: RangeTaskOptions = optionsArgument(start, RANGE_TASK_OPTION_NAMES, 'this method')
    const { start: from, stop: to } = all
    return [range(from, to), checkTaskOptions(all)]
  }
  return [range(start, stop), taskOptions(options)]
}

const MATCH_OPTION_NAMES = ['groups']
const MATCH_TASK_OPTION_NAMES = [...MATCH_OPTION_NAMES, ...TASK_OPTION_NAMES]
const REPLACE_OPTION_NAMES = ['fill']
const REPLACE_TASK_OPTION_NAMES = [...REPLACE_OPTION_NAMES, ...TASK_OPTION_NAMES]

/** Checks `(start, stop, { groups })` or `({ start, stop, groups })`. */
export function matchArguments(start: unknown, stop: unknown, options: unknown): [range: Range, hasGroups: boolean] {
  const { bounds, groups } = withRange(start, stop, options, MATCH_OPTION_NAMES)
  return [bounds, booleanArgument(groups, 'groups', true)]
}

/** The same with `signal` and `onProgress`. Throws when the signal is aborted already. */
export function matchTaskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, hasGroups: boolean, options: CheckedTaskOptions] {
  const { bounds, groups, ...task } = withRange(start, stop, options, MATCH_TASK_OPTION_NAMES)
  return [bounds, booleanArgument(groups, 'groups', true), checkTaskOptions(task)]
}

/** Checks `(start, stop, { fill })` or `({ start, stop, fill })`. `fill` is a byte, or -1. */
export function replaceArguments(start: unknown, stop: unknown, options: unknown): [range: Range, fill: number] {
  const { bounds, fill } = withRange(start, stop, options, REPLACE_OPTION_NAMES)
  return [bounds, fillArgument(fill)]
}

/** The same with `signal` and `onProgress`. Throws when the signal is aborted already. */
export function replaceTaskArguments(
  start: unknown,
  stop: unknown,
  options: unknown,
): [range: Range, fill: number, options: CheckedTaskOptions] {
  const { bounds, fill, ...task } = withRange(start, stop, options, REPLACE_TASK_OPTION_NAMES)
  return [bounds, fillArgument(fill), checkTaskOptions(task)]
}

function fillArgument(fill: unknown): number {
  if (fill === undefined) return -1
  if (typeof fill === 'number') return byteArgument(fill, 'fill')
  if (typeof fill !== 'string') throw wrongType('fill', 'of type number or string', fill)
  const code = fill.charCodeAt(0)
  if (fill.length === 1 && code < 128) return code
  throw wrongValue(`The "fill" argument must be one character of ASCII. Received '${fill.slice(0, 25)}'`)
}

/** A range as two arguments before the options, or as two of the options. */
function withRange(
  start: unknown,
  stop: unknown,
  options: unknown,
  names: readonly string[],
): MatchTaskOptions & ReplaceOptions & { bounds: Range } {
  const isInOptions = isOptions(start, stop, options)
  const passed: RangeMatchTaskOptions & ReplaceOptions = isInOptions
    ? optionsArgument(start, [...RANGE_OPTION_NAMES, ...names], 'this method')
    : optionsArgument(options, names, 'this method')
  const { groups, fill, signal, onProgress } = passed
  const bounds = isInOptions ? range(passed.start, passed.stop) : range(start, stop)
  return { bounds, groups, fill, signal, onProgress }
}

/** Checks the options of a task. Throws when the signal is aborted already. */
export function taskOptions(options: unknown): CheckedTaskOptions {
  return checkTaskOptions(optionsArgument(options, TASK_OPTION_NAMES, 'this method'))
}

function checkTaskOptions({ signal: passed, onProgress, threads }: TaskOptions): CheckedTaskOptions {
  const signal = signalOption(passed)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType('onProgress', 'of type function', onProgress)
  }
  const most = threadsOption(threads)
  refuseAborted(signal)
  return { signal, onProgress, threads: most }
}

function threadsOption(threads: unknown): number {
  if (threads === undefined) return 0
  if (typeof threads !== 'number') throw wrongType('threads', 'of type number', threads)
  return integer(threads, 'threads', 1, MOST_THREADS)
}

const WAIT_OPTION_NAMES = ['timeout', 'signal']

/** Checks the options of a wait. Throws when the signal is aborted already. */
export function waitOptions(options: unknown): CheckedWaitOptions {
  const { timeout, signal: passed }: WaitOptions = optionsArgument(options, WAIT_OPTION_NAMES, 'this method')
  const checked = { timeout: timeoutArgument(timeout, 'timeout'), signal: signalOption(passed) }
  refuseAborted(checked.signal)
  return checked
}

export function signalOption(passed: unknown): Signal | undefined {
  const signal = passed === undefined ? undefined : signalOf(passed)
  if (passed !== undefined && signal === undefined) throw wrongType('signal', 'an instance of AbortSignal', passed)
  return signal
}

export function refuseAborted(signal: Signal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason())
}

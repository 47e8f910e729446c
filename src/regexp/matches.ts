// The matches of a pattern, one after the other: at once, or found by tasks.

import { performance } from 'node:perf_hooks'
import type { Signal } from '../abort-signal.js'
import binding, { checked, type ExternalObject, type PatternSearch } from '../binding.js'
import { aborted, isAborted } from '../errors.js'
import type { Mapping } from '../mapping.js'
import type { CheckedTaskOptions } from '../options/methods.js'
import { clamp } from '../ranges.js'
import { DONE, type IterationSource, inheritHelpers, NONE } from '../search/iteration.js'
import type { StartTask } from '../tasks.js'
import { FoundMatches, type MmapMatch, newMatch, PLACE, widthOf } from './match.js'
import type { Pattern } from './pattern.js'

/**
 * The number of matches that a call finds. The first match is returned as soon as it is found, and
 * later batches are longer, unless they take so long that the caller would wait.
 */
const FIRST_BATCH = 1
const BATCH_GROWTH = 4
const LARGEST_BATCH = 4096
/** In milliseconds. */
const LONGEST_WAIT = 20
/** Of many numbers each, there are fewer, because a match that is kept keeps its batch. */
const MOST_NUMBERS = 8192
/**
 * The groups of a batch are found with it if at least this part of the matches of the batch before
 * was asked for groups. To find the groups of one match later takes about twice as long.
 */
const OFTEN = 0.5

/** What is searched for, and where. */
export interface MatchRequest {
  pattern: Pattern
  hasGroups: boolean
  /** All groups are found with their match. */
  isEager?: boolean
  start: number
  /** Infinity: the end that the mapping has at that time. */
  stop: number
}

/** Finds matches in batches. It goes on after the mapping has changed. */
export class BatchedMatches {
  /** A batch without matches. */
  readonly none: FoundMatches
  readonly #mapping: Mapping
  readonly #request: MatchRequest
  readonly #groups: Pattern | undefined
  /** Where the search ends. */
  #stop = 0
  #isEager: boolean
  #search: ExternalObject<PatternSearch> | undefined
  /** The number of matches that the next batch has room for. */
  #room = FIRST_BATCH

  constructor(mapping: Mapping, request: MatchRequest) {
    const { pattern, hasGroups } = request
    this.#mapping = mapping
    this.#request = request
    this.#groups = hasGroups ? pattern : undefined
    this.#isEager = hasGroups
    this.none = new FoundMatches(mapping, undefined, new Float64Array(0), PLACE, 0)
  }

  /** Whether the groups of the next batch are to be found with it. */
  get isEager(): boolean {
    return this.#isEager
  }

  /** Begins to search from here on, in the length that the mapping has. */
  restart(from: number): void {
    const { pattern, stop } = this.#request
    const end = clamp(stop, this.#mapping.length)
    const start = Math.min(from, end)
    this.#stop = end
    this.#search = checked(binding.newPatternSearch(pattern.native, start, end))
  }

  get search(): ExternalObject<PatternSearch> | undefined {
    return this.#search
  }

  /** The next batch, before its matches are found. */
  nextBatch(): FoundMatches {
    const width = this.#isEager ? widthOf(this.#groups) : PLACE
    const room = Math.min(this.#room, Math.max(1, Math.floor(MOST_NUMBERS / width)))
    return new FoundMatches(this.#mapping, this.#groups, new Float64Array(room * width), width, this.#stop)
  }

  /** Learns from a batch, of which so many matches have been returned, what the user asks for. */
  learn({ asked }: FoundMatches, returned: number): void {
    const { hasGroups, isEager } = this.#request
    if (returned > 0 && isEager !== true) this.#isEager = hasGroups && asked >= returned * OFTEN
  }

  /** Chooses the length of the next batch, after one that began at `started`. */
  adapt(started: number): void {
    const took = performance.now() - started
    const room = took <= LONGEST_WAIT ? this.#room * BATCH_GROWTH : Math.floor((this.#room * LONGEST_WAIT) / took)
    this.#room = Math.max(1, Math.min(room, LARGEST_BATCH))
  }
}

/** A batch, of which a native function has returned the number of matches. */
function filled(batch: FoundMatches, result: number): FoundMatches {
  batch.isLast = result < 0
  batch.count = result < 0 ? NONE - result : result
  return batch
}

/** Where the next match may begin after a match. */
function afterMatch({ rows }: FoundMatches, at: number): number {
  const [start, end] = [rows[at] as number, rows[at + 1] as number]
  return end > start ? end : end + 1
}

/** The places of matches, found some thousand at a time. */
export class MatchPlaces {
  /** The batch of the match that `next` has returned. */
  batch: FoundMatches
  readonly #source: IterationSource
  readonly #matches: BatchedMatches
  #returned = 0
  /** Where to go on after the mapping has changed. */
  #next: number
  #ended = false
  /** The generation of the mapping and the number of faults when this batch was found. */
  #generation = NONE
  #faults: number | undefined

  constructor(mapping: Mapping, request: MatchRequest) {
    this.#source = mapping.iterationSource()
    this.#matches = new BatchedMatches(mapping, request)
    this.batch = this.#matches.none
    this.#next = request.start
  }

  /** Where in the rows of its batch the next match is, or NONE. */
  next(): number {
    const { state } = this.#source
    const isKnown =
      this.#returned < this.batch.count && state.generation === this.#generation && state.faults[0] === this.#faults
    if (!isKnown && !this.#findMore()) return NONE
    this.#returned += 1
    return (this.#returned - 1) * this.batch.width
  }

  end(): void {
    this.#ended = true
    this.#setBatch(this.#matches.none)
  }

  #setBatch(batch: FoundMatches): void {
    this.batch = batch
    this.#returned = 0
  }

  #findMore(): boolean {
    if (this.#ended) return false
    this.#source.check()
    const { generation, faults } = this.#source.state
    this.#faults = faults[0]
    const hasChanged = generation !== this.#generation
    if (!hasChanged && this.#returned < this.batch.count) return true
    if (this.#returned > 0) this.#next = afterMatch(this.batch, (this.#returned - 1) * this.batch.width)
    this.#matches.learn(this.batch, this.#returned)
    if (hasChanged) this.#matches.restart(this.#next)
    else if (this.batch.isLast) return false
    // After an error the next step searches again from the last match on, as those of `findAll` do.
    this.#generation = NONE
    this.#setBatch(this.#matches.none)
    const { search, isEager } = this.#matches
    if (search === undefined) return false
    const batch = this.#matches.nextBatch()
    const started = performance.now()
    const found = binding.nextMatches(this.#source.handle(), search, batch.rows, isEager)
    this.#setBatch(filled(batch, checked(found)))
    this.#generation = generation
    this.#matches.adapt(started)
    return this.batch.count > 0
  }
}

/** The matches, one after the other. */
export class PatternMatches implements IterableIterator<MmapMatch> {
  readonly #places: MatchPlaces

  constructor(mapping: Mapping, request: MatchRequest) {
    this.#places = new MatchPlaces(mapping, request)
  }

  next(): IteratorResult<MmapMatch, undefined> {
    const places = this.#places
    const at = places.next()
    if (at === NONE) return this.return()
    return { value: newMatch(places.batch, at), done: false }
  }

  return(): IteratorResult<MmapMatch, undefined> {
    this.#places.end()
    return DONE
  }

  [Symbol.iterator](): this {
    return this
  }
}

/** The options of an iteration that finds its matches by tasks. */
export interface MatchTaskRequest extends MatchRequest {
  task: CheckedTaskOptions
}

/** A task that finds a batch. */
interface Search {
  batch: Promise<FoundMatches>
  /** Set when the task has begun. */
  stop: () => void
}

/**
 * The matches, each batch of which a task finds. The task for a batch begins when the first match
 * of the batch before is taken, so at most two batches are in memory. Whether it finds groups
 * depends on the last batch that the loop has finished.
 */
export class PatternMatchesAsync implements AsyncIterableIterator<MmapMatch> {
  readonly #mapping: Mapping
  readonly #source: IterationSource
  readonly #matches: BatchedMatches
  readonly #signal: Signal | undefined
  readonly #onProgress: CheckedTaskOptions['onProgress']
  #stopListening: (() => void) | undefined
  #isAborted = false
  #batch: FoundMatches
  #returned = 0
  /** The task that finds the next batch. */
  #upcoming: Search | undefined
  /** Where to go on after the mapping has changed. */
  #next: number
  /** Bytes to search, for progress. */
  readonly #total: number
  #ended = false
  #generation = NONE

  constructor(mapping: Mapping, request: MatchTaskRequest, total: number) {
    this.#mapping = mapping
    this.#source = mapping.iterationSource()
    this.#matches = new BatchedMatches(mapping, request)
    this.#batch = this.#matches.none
    this.#signal = request.task.signal
    this.#onProgress = request.task.onProgress
    this.#next = request.start
    this.#total = total
    this.#stopListening = this.#signal?.onAbort(() => {
      this.#isAborted = true
      this.#upcoming?.stop()
    })
  }

  next(): Promise<IteratorResult<MmapMatch, undefined>> {
    const isKnown = this.#returned < this.#batch.count && this.#source.state.generation === this.#generation
    return isKnown && !this.#isAborted ? Promise.resolve(this.#take()) : this.#wait()
  }

  async return(): Promise<IteratorResult<MmapMatch, undefined>> {
    const running = this.#upcoming
    this.#end()
    running?.stop()
    // The memory is free when the task has ended, whatever its outcome.
    await running?.batch.catch(() => undefined)
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next match, when it is known. Several calls may wait at once. */
  async #wait(): Promise<IteratorResult<MmapMatch, undefined>> {
    for (;;) {
      if (this.#ended) return DONE
      const search = this.#attempt(() => this.#follow())
      if (search === undefined) return this.#ended ? DONE : this.#take()
      let batch: FoundMatches | undefined
      try {
        batch = await search.batch
      } catch (error) {
        // Only one of the calls that wait is told. To the others it is the end.
        if (this.#upcoming !== search) continue
        this.#end()
        throw this.#isAborted && isAborted(error) ? aborted(this.#signal?.reason()) : error
      }
      if (this.#upcoming !== search) continue
      this.#upcoming = undefined
      this.#replace(batch)
      if (batch.count === 0) this.#attempt(() => this.#finish())
    }
  }

  /** Runs a step, which ends the iteration if it throws. */
  #attempt<T>(step: () => T): T {
    try {
      return step()
    } catch (error) {
      this.#end()
      throw error
    }
  }

  /** The task to wait for, or undefined if a match is known or none follows. */
  #follow(): Search | undefined {
    if (this.#isAborted) throw aborted(this.#signal?.reason())
    this.#source.check()
    const { generation } = this.#source.state
    if (generation !== this.#generation) {
      this.#upcoming?.stop()
      this.#upcoming = undefined
      this.#replace(this.#matches.none)
      this.#matches.restart(this.#next)
      this.#generation = generation
    }
    if (this.#returned < this.#batch.count) return undefined
    if (this.#batch.isLast) {
      this.#finish()
      return undefined
    }
    this.#upcoming ??= this.#begin()
    return this.#upcoming
  }

  #take(): IteratorResult<MmapMatch, undefined> {
    this.#returned += 1
    const value = newMatch(this.#batch, (this.#returned - 1) * this.#batch.width)
    if (this.#returned === 1 && !this.#batch.isLast) this.#upcoming ??= this.#begin()
    return { value, done: false }
  }

  #begin(): Search {
    const matches = this.#matches
    const { isEager } = matches
    const batch = matches.nextBatch()
    const room = batch.rows.length / batch.width
    const started = performance.now()
    const search: Search = { batch: Promise.resolve(batch), stop: () => {} }
    const find = async (): Promise<FoundMatches> => {
      const { search: native } = matches
      if (native === undefined) return filled(batch, NONE)
      const options = { signal: undefined, onProgress: this.#onProgress, threads: 1 }
      const start: StartTask = (task) => {
        search.stop = () => binding.stopTask(task)
        return binding.startNextMatches(task, native, room, isEager)
      }
      const result = await this.#mapping.runTask(options, this.#total, start, true)
      checked(binding.takeMatches(native, batch.rows))
      matches.adapt(started)
      return filled(batch, result)
    }
    search.batch = find()
    // It is waited for when the next match is asked for, which may be never.
    search.batch.catch(() => undefined)
    return search
  }

  #replace(batch: FoundMatches): void {
    if (this.#returned > 0) this.#next = afterMatch(this.#batch, (this.#returned - 1) * this.#batch.width)
    this.#matches.learn(this.#batch, this.#returned)
    this.#batch = batch
    this.#returned = 0
  }

  #finish(): void {
    this.#end()
    this.#onProgress?.({ done: this.#total, total: this.#total })
  }

  #end(): void {
    this.#ended = true
    this.#upcoming = undefined
    this.#batch = this.#matches.none
    this.#returned = 0
    this.#stopListening?.()
    this.#stopListening = undefined
  }
}

inheritHelpers(PatternMatches)

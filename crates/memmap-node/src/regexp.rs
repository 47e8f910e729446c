//! Finding, counting and replacing what a regular expression matches.
//!
//! A match is a row of numbers: its start, its end, and the start and the end of each group if
//! groups are wanted. They count from the start of the mapping. A group without a place has -1
//! twice; -2 twice says that the match is too long to look for its groups. These are doubles,
//! because a match may be longer than an integer of 32 bits can say.

use crate::error::Outcome;
use crate::handle::{Handle, index, range};
use crate::task::{Started, counting, promise, replacing};
use crate::typed_array::{Float64Positions, Uint8Argument, Uint32Argument};
use memmap_core::mapping::Retained;
use memmap_core::search::{Group, Pattern, PatternOptions, PatternSearch, Progress, Search, Searcher};
use memmap_core::task::{self, Piece, Work};
use memmap_core::{Error, Region, Replacement, Result, Task};
use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a thread searches for the next matches before other tasks get their turn.
const TURN: usize = 1024 * 1024;

/// What a row has for its first group if its groups have not been looked for.
const LATER: f64 = -3.0;

/// Bytes of the matches after the first whose groups a call looks for. To find those of long
/// matches takes longer than a call.
const LATE_BYTES: usize = 4096;

/// A search that finds the matches in batches.
pub struct Batches {
    search: PatternSearch,
    /// The rows of the last batch that a task has found.
    rows: Vec<f64>,
    /// No match follows them.
    is_over: bool,
}

/// Work that finds the next matches, and keeps their rows.
struct NextMatches {
    batches: Arc<Mutex<Batches>>,
    /// The number of matches that are wanted.
    room: usize,
    /// Their groups are wanted, too.
    is_eager: bool,
}

impl NextMatches {
    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for NextMatches {
    fn turn(&self) -> usize {
        TURN
    }

    fn divides(&self) -> bool {
        // Matches are found in their order.
        false
    }

    fn scans(&self) -> bool {
        // It ends when it has found enough.
        false
    }

    fn cut(&self, _: &Retained, _: &Range<usize>, _: usize) -> Result<Option<usize>> {
        Ok(None)
    }

    fn is_settled_before(&self, _: usize) -> bool {
        false
    }

    fn begin(self: Arc<Self>, _: Range<usize>) -> Box<dyn Piece> {
        let mut batches = self.batches();
        batches.rows.clear();
        batches.is_over = false;
        batches.search.set_groups(self.is_eager);
        drop(batches);
        Box::new(NextMatchesPiece { work: self, position: 0 })
    }
}

struct NextMatchesPiece {
    work: Arc<NextMatches>,
    /// How far the search is in its range. 0 at first, because the earlier batches are done.
    position: usize,
}

impl Piece for NextMatchesPiece {
    fn advance(&mut self, memory: &Retained) -> Result<Progress> {
        let mut batches = self.work.batches();
        let Batches { search, rows, is_over } = &mut *batches;
        let width = width(search.groups());
        let (left, chunk) = (self.work.room - rows.len() / width, search.chunk());
        let found = find(memory.region(), search, chunk, left, &mut |_, pair| rows.extend(pair))?;
        *is_over = found < 0.0;
        self.position = search.position() - search.range().start;
        let is_done = *is_over || rows.len() / width == self.work.room;
        Ok(if is_done { Progress::Done } else { Progress::Paused })
    }

    fn position(&self) -> usize {
        self.position
    }
}

/// Compiles a pattern, which `program` describes (see `program.rs` of the core). It has `groups`
/// groups. With `unicode`, empty matches are at code points only. With `sticky`, each match begins
/// where the last one ended. With `lines`, not matches are found, but lines with a match, without
/// the newline at their end. Nothing of the pattern may match a newline then.
#[napi(ts_return_type = "Outcome<ExternalObject<Pattern>>")]
pub fn compile_pattern(
    #[napi(ts_arg_type = "Uint32Array")] program: Uint32Argument,
    groups: u32,
    unicode: bool,
    sticky: bool,
    lines: bool,
) -> Outcome<External<Arc<Pattern>>> {
    let options = PatternOptions { groups: groups as usize, unicode, sticky, lines, ..PatternOptions::default() };
    Pattern::compile(&program.0, options).map(External::new).into()
}

/// The least length of a match in bytes. It is `Infinity` if nothing can match.
#[napi]
pub fn shortest_match(#[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>) -> f64 {
    pattern.lengths().map_or(f64::INFINITY, |(least, _)| least as f64)
}

/// The greatest length of a match in bytes. It is `Infinity` if there is none, and 0 if nothing can
/// match.
#[napi]
pub fn longest_match(#[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>) -> f64 {
    pattern.lengths().map_or(0.0, |(_, most)| most.map_or(f64::INFINITY, |most| most as f64))
}

/// A search in `[start, stop)`. It keeps where it is from one batch to the next.
#[napi(ts_return_type = "Outcome<ExternalObject<PatternSearch>>")]
pub fn new_pattern_search(
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    start: f64,
    stop: f64,
) -> Outcome<External<Arc<Mutex<Batches>>>> {
    let search = range(start, stop).map(|range| PatternSearch::new(pattern, range, false));
    search
        .map(|search| External::new(Arc::new(Mutex::new(Batches { search, rows: Vec::new(), is_over: false }))))
        .into()
}

/// Finds the next matches, as many as `rows` has room for. It returns their number, or -1 less that
/// number if no match follows. A match is a row of numbers: its start, its end, and with `isEager`
/// those of its groups. A group has -1 twice if it has matched nothing, and -2 twice if the match
/// is too long to look for its groups.
#[napi]
pub fn next_matches(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ExternalObject<PatternSearch>")] search: &External<Arc<Mutex<Batches>>>,
    #[napi(ts_arg_type = "Float64Array")] rows: Float64Positions,
    is_eager: bool,
) -> Outcome<f64> {
    let found = handle.with(|mapping| {
        let mut batches = search.try_lock().map_err(|_| Error::Contradiction("a task is using this search"))?;
        let search = &mut batches.search;
        search.set_groups(is_eager);
        let room = rows.length() / width(search.groups());
        find(mapping.region(), search, usize::MAX, room, &mut |index, pair| rows.set_pair(index, pair))
    });
    found.into()
}

/// Like {@link nextMatches}, for at most `room` matches. {@link takeMatches} returns them.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_next_matches(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "ExternalObject<PatternSearch>")] search: &External<Arc<Mutex<Batches>>>,
    room: u32,
    is_eager: bool,
) -> Outcome<Unknown<'static>> {
    let work = Arc::new(NextMatches { batches: Arc::clone(search), room: room as usize, is_eager });
    let started = Started::new(Arc::clone(&work) as Arc<_>, move |result| {
        let mut batches = work.batches();
        if result.is_err() {
            batches.rows.clear();
        }
        let count = (batches.rows.len() / width(batches.search.groups())) as f64;
        result.map(|()| if batches.is_over { -1.0 - count } else { count }).into()
    });
    promise(env, task, 0.0, 0.0, Ok(started))
}

/// Copies the matches that a task has found to `rows`, which has room for them.
#[napi]
pub fn take_matches(
    #[napi(ts_arg_type = "ExternalObject<PatternSearch>")] search: &External<Arc<Mutex<Batches>>>,
    #[napi(ts_arg_type = "Float64Array")] rows: Float64Positions,
) -> Outcome<()> {
    let taken = search.try_lock().map_err(|_| Error::Contradiction("a task is using this search"));
    let copied = taken.map(|mut batches| {
        for (index, number) in batches.rows.drain(..).enumerate() {
            rows.set(index, number);
        }
    });
    copied.into()
}

/// Finds the first match in `[start, stop)`, and returns whether there is one. Its groups are found
/// if `row` has room for them.
#[napi]
pub fn first_match(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    #[napi(ts_arg_type = "Float64Array")] row: Float64Positions,
    start: f64,
    stop: f64,
) -> Outcome<bool> {
    let found = handle.with(|mapping| {
        let mut search = PatternSearch::new(pattern, range(start, stop)?, row.length() > 2);
        find(mapping.region(), &mut search, usize::MAX, 1, &mut |index, pair| row.set_pair(index, pair))
    });
    // One match is 1, or -2 if no other follows.
    found.map(|count| count == 1.0 || count == -2.0).into()
}

/// Looks for the groups of a match, whose row is at `at`, and which a search up to `stop` has
/// found. It sets the numbers of the groups, unless the bytes are no match any more. Then it
/// returns false. It does the same for some of the next rows, of which there are `more`, and which
/// it leaves as they are if they have groups, or are no matches any more.
#[napi]
pub fn match_groups(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    #[napi(ts_arg_type = "Float64Array")] rows: Float64Positions,
    at: u32,
    more: u32,
    stop: f64,
) -> Outcome<bool> {
    let found = handle.with(|mapping| {
        let (first, stop) = (at as usize, index(stop)?);
        let find = |at: usize, place: Range<usize>| {
            let set = |groups: &[Group]| put_groups(groups, at + 2, &mut |index, pair| rows.set_pair(index, pair));
            mapping.region().groups(pattern, place, stop, set)
        };
        let place = |at: usize| range(rows.get(at)?, rows.get(at + 1)?);
        let is_match = find(first, place(first)?)?;
        let mut left = LATE_BYTES;
        for at in (first..).step_by(width(pattern.groups())).skip(1).take(more as usize) {
            let place = place(at)?;
            if place.len() > left {
                break;
            }
            left -= place.len();
            if rows.get(at + 2)? == LATER {
                find(at, place)?;
            }
        }
        Ok(is_match)
    });
    found.into()
}

/// How many matches are in `[start, stop)`.
#[napi]
pub fn count_matches(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    let counted = handle.with(|mapping| task::count(mapping, &**pattern, range(start, stop)?));
    counted.map(|count| count as f64).into()
}

/// How many matches are in `[start, stop)`.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_count_matches(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, Ok(counting(Arc::clone(pattern))))
}

/// Replaces each match in `[start, stop)` by `to`, and returns how many. The rest of a match that
/// is longer is filled with the byte `fill`, or with -1 no match may be longer. None may be
/// shorter. An error has the number of those replaced before it in `replaced`.
#[napi]
pub fn replace_matches(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    #[napi(ts_arg_type = "Uint8Array")] to: Uint8Argument,
    fill: i32,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    let mut replaced = 0;
    let result = handle.with(|mapping| {
        let to = replacement(&to, fill)?;
        task::replace(mapping, &**pattern, to, range(start, stop)?, &mut replaced)
    });
    Outcome::of_replacing(result, replaced)
}

/// Like {@link replaceMatches}.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_replace_matches(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "ExternalObject<Pattern>")] pattern: &External<Arc<Pattern>>,
    #[napi(ts_arg_type = "Uint8Array")] to: Uint8Argument,
    fill: i32,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    let work = replacement(&to, fill).and_then(|to| replacing(Arc::clone(pattern), to));
    promise(env, task, start, stop, work)
}

fn replacement(to: &Uint8Argument, fill: i32) -> Result<Replacement> {
    Ok(Replacement { bytes: to.raw().to_vec()?, fill: u8::try_from(fill).ok() })
}

/// How many numbers a match with so many groups has.
fn width(groups: usize) -> usize {
    (groups + 1) * 2
}

/// Searches about `budget` bytes for at most `room` matches, and calls `put` with pairs of numbers
/// of their rows, and the index of the first of each pair. It returns the number of matches, or -1
/// less that number if no match follows.
fn find(
    region: &Region,
    search: &mut PatternSearch,
    budget: usize,
    room: usize,
    put: &mut impl FnMut(usize, [f64; 2]),
) -> Result<f64> {
    if room == 0 {
        return Ok(0.0);
    }
    let (mut count, mut index) = (0, 0);
    let progress = region.advance(search, budget, &mut |found| {
        put(index, [found.start as f64, found.end as f64]);
        put_groups(found.groups, index + 2, put);
        index += width(found.groups.len());
        count += 1;
        count < room
    })?;
    let count = count as f64;
    Ok(if progress == Progress::Done { -1.0 - count } else { count })
}

/// Calls `put` with the numbers of groups, the first of which is at `index`.
fn put_groups(groups: &[Group], index: usize, put: &mut impl FnMut(usize, [f64; 2])) {
    for (index, group) in (index..).step_by(2).zip(groups) {
        let pair = match *group {
            Group::Unmatched => [-1.0; 2],
            Group::Unknown => [-2.0; 2],
            Group::At { start, end } => [start as f64, end as f64],
        };
        put(index, pair);
    }
}

//! A search for the matches of a pattern, which can be paused at any byte.
//!
//! * `attempts`: searching by trying one place after the other.

mod attempts;

use super::groups::Found;
use super::steps::{Automaton, Exit, Walk, byte};
use super::{Cache, Lines, Pattern, gave_up};
use crate::error::Result;
use crate::search::literal::LiteralSearch;
use crate::search::prefilter::Candidate;
use crate::search::scan;
use crate::search::{Group, Match, Progress, Search, Searcher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes that a task searches before others may stop it.
const SEARCHED: usize = 64 * 1024;

/// What a byte costs for which the automaton may need a new state, in bytes for which it has one.
/// The slowest automata get a new state for each byte, and do 0.6 MB in a second. `unmap()` waits
/// for all threads of a task, which may be many more than there are processors.
const COST_OF_STATE: usize = 32;

/// How often a match is looked for again because its bytes have changed during the search.
const MOST_RETRIES: usize = 3;

/// Candidates of a prefilter after which its use is judged.
const JUDGED: usize = 1024;

/// Bytes that a prefilter must skip for each candidate. Otherwise the automaton alone is faster.
const WORTHWHILE: usize = 16;

/// A search for the matches of a pattern.
#[derive(Debug)]
pub struct PatternSearch {
    pattern: Arc<Pattern>,
    /// Matches have their groups.
    groups: bool,
    range: Range<usize>,
    /// Where the next match may begin.
    next: usize,
    /// Where the next line begins, if lines are found.
    next_line: usize,
    /// The last byte of the last match, as it was before the receiver of the match could replace
    /// it, and the end of that match.
    kept: Option<(usize, u8)>,
    phase: Phase,
    /// How far the search has been.
    furthest: usize,
    retries: usize,
    /// What the prefilter has done since it was judged. `None` if there is none, or if it was slow.
    filter: Option<FilterUse>,
    /// The bytes that attempts have saved, or wasted if it is negative. `None` if there are no
    /// attempts, or if they were slow.
    saved: Option<isize>,
    /// Only the number of matches is wanted.
    counts: bool,
    /// The search for a pattern that is nothing but some bytes.
    literal: Option<LiteralSearch>,
    /// Kept while the search is paused. Between two batches of matches it needs none, and an
    /// iterator that nobody continues would keep it until it is collected.
    cache: Option<Box<Cache>>,
}

/// What a prefilter has done.
#[derive(Debug, Clone, Copy, Default)]
struct FilterUse {
    candidates: usize,
    skipped: usize,
    /// The last place that it has found. The automaton must have been there before it scans again.
    found: usize,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// No match has begun.
    Seek,
    /// The end of a match is looked for.
    Forward(Walk),
    /// A match may begin at one of the places from `at` to `last`, which have not been tried yet.
    Try { at: usize, last: usize },
    /// The end of a match that begins at `start` is looked for. If there is none, it may still
    /// begin up to `last`.
    Attempt { walk: Walk, start: usize, last: usize },
    /// The start of the match that ends at `end` is looked for.
    Backward { walk: Walk, end: usize },
    /// The start of the line with the match that ends at `end` is looked for, before `at`.
    LineStart { at: usize, end: usize },
    /// The end of the line that begins at `start` is looked for, from `at` on. `None` if it begins
    /// before the range, where it cannot be found.
    Line { start: Option<usize>, at: usize },
    /// There are no more matches.
    Over,
}

impl PatternSearch {
    /// A search in `range`, whose matches have their groups if `groups` is true. `^` and `\b` see
    /// the bytes before the range, but none after it.
    pub fn new(pattern: &Arc<Pattern>, range: Range<usize>, groups: bool) -> PatternSearch {
        PatternSearch {
            pattern: Arc::clone(pattern),
            groups,
            next: range.start,
            next_line: range.start,
            kept: None,
            phase: Phase::Seek,
            furthest: range.start,
            retries: 0,
            filter: pattern.prefilter.as_ref().map(|_| FilterUse::default()),
            saved: pattern.starts.map(|_| pattern.saved.load(Ordering::Relaxed)),
            counts: false,
            literal: pattern.literal.as_ref().map(|finder| finder.search(range.clone())),
            range,
            cache: None,
        }
    }

    /// Whether the next matches have their groups.
    pub fn set_groups(&mut self, groups: bool) {
        self.groups = groups;
    }

    /// The number of groups that the next matches have.
    pub fn groups(&self) -> usize {
        if self.groups { self.pattern.groups() } else { 0 }
    }

    unsafe fn run(
        &mut self,
        memory: *const u8,
        budget: usize,
        hit: &mut dyn FnMut(&Match<'_>) -> bool,
    ) -> Result<Progress> {
        let mut cache = match (self.cache.take(), self.phase) {
            (Some(cache), _) => cache,
            (None, Phase::Seek | Phase::Over) => self.pattern.take_cache(),
            // The states of the walk were in a cache that was lost by an error.
            (None, _) => return Err(gave_up()),
        };
        let mut run = Run { search: self, cache: &mut cache, memory, left: budget.max(1) };
        // SAFETY: the caller's promise.
        let progress = unsafe { run.until_paused(hit) };
        match progress {
            Ok(Progress::Paused) => self.cache = Some(cache),
            Ok(_) => self.pattern.keep_cache(Some(cache)),
            Err(_) => self.pattern.keep_cache(None),
        }
        progress
    }
}

impl Drop for PatternSearch {
    fn drop(&mut self) {
        attempts::remember(&self.pattern, self.saved);
        if let Some(cache) = self.cache.take() {
            self.pattern.keep_cache(Some(cache));
        }
    }
}

impl Search for PatternSearch {
    fn chunk(&self) -> usize {
        self.literal.as_ref().map_or(SEARCHED, Search::chunk)
    }

    fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn reach(&self, budget: usize) -> Range<usize> {
        if let Some(literal) = &self.literal {
            return literal.reach(budget);
        }
        // `^` and `\b` see the byte before.
        self.range.start.saturating_sub(1)..self.range.end
    }

    fn position(&self) -> usize {
        self.literal.as_ref().map_or(self.furthest, Search::position)
    }

    unsafe fn advance(
        &mut self,
        memory: *const u8,
        budget: usize,
        hit: &mut impl FnMut(&Match<'_>) -> bool,
    ) -> Result<Progress> {
        match &mut self.literal {
            // SAFETY: the caller's promise.
            Some(literal) => unsafe { literal.advance(memory, budget, hit) },
            // SAFETY: the caller's promise.
            None => unsafe { self.run(memory, budget, hit) },
        }
    }

    unsafe fn count(&mut self, memory: *const u8, budget: usize, count: &mut usize) -> Result<Progress> {
        if let Some(literal) = &mut self.literal {
            // SAFETY: the caller's promise.
            return unsafe { literal.count(memory, budget, count) };
        }
        self.counts = true;
        let mut add = |_: &Match<'_>| {
            *count += 1;
            true
        };
        // SAFETY: the caller's promise.
        unsafe { self.run(memory, budget, &mut add) }
    }
}

/// A search while it runs.
struct Run<'a> {
    search: &'a mut PatternSearch,
    cache: &'a mut Cache,
    memory: *const u8,
    /// The bytes that are left of the budget.
    left: usize,
}

impl Run<'_> {
    /// # Safety
    ///
    /// The bytes of the range, and the one before it, must be readable.
    unsafe fn until_paused(&mut self, hit: &mut dyn FnMut(&Match<'_>) -> bool) -> Result<Progress> {
        loop {
            if self.left == 0 {
                return Ok(Progress::Paused);
            }
            let found = match self.search.phase {
                Phase::Over => {
                    self.search.furthest = self.search.range.end;
                    return Ok(Progress::Done);
                }
                // SAFETY: the caller's promise.
                Phase::Seek => unsafe { self.seek() },
                // SAFETY: the caller's promise.
                Phase::Forward(walk) => unsafe { self.forward(walk) },
                // SAFETY: the caller's promise.
                Phase::Try { at, last } => unsafe { self.attempts(at, last) },
                // SAFETY: the caller's promise.
                Phase::Attempt { walk, start, last } => unsafe { self.continue_attempt(walk, start, last) },
                // SAFETY: the caller's promise.
                Phase::Backward { walk, end } => unsafe { self.backward(walk, end) },
                // SAFETY: the caller's promise.
                Phase::LineStart { at, end } => Ok(unsafe { self.line_start(at, end) }),
                // SAFETY: the caller's promise.
                Phase::Line { start, at } => Ok(unsafe { self.line(start, at) }),
            }?;
            if let Some(found) = found
                // SAFETY: the caller's promise.
                && !unsafe { self.deliver(found, hit) }
            {
                return Ok(Progress::Full);
            }
        }
    }

    /// Where the budget ends.
    fn limit(&self, at: usize) -> usize {
        at.saturating_add(self.left).min(self.search.range.end)
    }

    /// Counts bytes that have been read, at least one.
    fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes.max(1));
    }

    /// How many slow steps an automaton may do.
    fn slow_steps(&self) -> usize {
        self.left.div_ceil(COST_OF_STATE)
    }

    /// Counts the steps of a walk over some bytes, which may have been slow.
    fn spend_steps(&mut self, bytes: usize, slow_steps_left: usize) {
        let slow = self.slow_steps() - slow_steps_left;
        self.spend(bytes.saturating_add(slow.saturating_mul(COST_OF_STATE)));
    }

    /// The forward automaton, which stops where no match has begun if that is wanted.
    fn forward_automaton(&mut self, stops: bool) -> Result<Automaton<'_>> {
        let (pattern, memory) = (&self.search.pattern, self.memory);
        let slow_steps = self.slow_steps();
        if stops || pattern.prefilter.is_none() {
            return Ok(Automaton { dfa: &pattern.forward, cache: &mut self.cache.forward, memory, slow_steps });
        }
        let dfa = pattern.unfiltered()?;
        let cache = self.cache.forward_unfiltered.get_or_insert_with(|| dfa.create_cache());
        Ok(Automaton { dfa, cache, memory, slow_steps })
    }

    fn backward_automaton(&mut self) -> Automaton<'_> {
        Automaton {
            dfa: &self.search.pattern.backward,
            slow_steps: self.slow_steps(),
            cache: &mut self.cache.backward,
            memory: self.memory,
        }
    }

    /// The byte before a position, for `^` and `\b`.
    ///
    /// # Safety
    ///
    /// It must be readable, if there is one.
    unsafe fn before(&self, at: usize) -> Option<u8> {
        match self.search.kept {
            Some((end, byte)) if end == at => Some(byte),
            _ if at == 0 || self.search.pattern.options.lines && at == self.search.range.start => None,
            // SAFETY: the caller's promise.
            _ => Some(unsafe { byte(self.memory, at - 1) }),
        }
    }

    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn seek(&mut self) -> Result<Option<Range<usize>>> {
        let (at, stop) = (self.search.next, self.search.range.end);
        if at > stop {
            self.search.phase = Phase::Over;
            return Ok(None);
        }
        let mut last = stop;
        if self.search.filter.is_some() {
            // SAFETY: the caller's promise.
            match unsafe { self.candidate(at) } {
                Some(place) if self.search.pattern.finds_matches() => {
                    // SAFETY: the caller's promise.
                    return Ok(unsafe { self.ended(place.start, place.end) });
                }
                Some(place) => {
                    self.search.next = place.start;
                    last = self.search.filter.map_or(stop, |filter| filter.found);
                }
                None => return Ok(None),
            }
        }
        if self.search.saved.is_some() {
            // SAFETY: the caller's promise.
            return unsafe { self.attempts(self.search.next, last) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.start(self.search.next) }.map(|()| None)
    }

    /// Starts the automaton.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn start(&mut self, at: usize) -> Result<()> {
        // SAFETY: the position is in the range.
        let before = unsafe { self.before(at) };
        if self.search.pattern.is_anchored && before.is_some() {
            self.search.phase = Phase::Over;
            return Ok(());
        }
        let sticky = self.search.pattern.options.sticky;
        let walk = self.forward_automaton(self.search.filter.is_some())?.start(at, before, sticky)?;
        self.search.phase = Phase::Forward(walk);
        Ok(())
    }

    /// Where a match may begin, from `at` on, and the end of what the prefilter has found. If there
    /// is no such place within the budget, the next match is looked for later.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn candidate(&mut self, at: usize) -> Option<Range<usize>> {
        let (limit, stop) = (self.limit(at), self.search.range.end);
        let pattern = &self.search.pattern;
        let (Some(prefilter), Some(filter)) = (&pattern.prefilter, &mut self.search.filter) else {
            return Some(at..at);
        };
        // SAFETY: the positions are in the range.
        let candidate = unsafe { prefilter.find(self.memory, at, limit, stop) };
        let (start, scanned) = match candidate {
            Candidate::At { start, found, length } => {
                filter.found = found;
                (Some(start..found + length), found)
            }
            Candidate::NotBefore(next) => {
                self.search.next = next;
                self.search.phase = if next < stop { Phase::Seek } else { Phase::Over };
                (None, next)
            }
        };
        filter.candidates += 1;
        filter.skipped += scanned - at;
        if filter.candidates == JUDGED {
            let is_slow = filter.skipped < JUDGED * WORTHWHILE && !prefilter.is_forced;
            (filter.candidates, filter.skipped) = (0, 0);
            if is_slow {
                self.search.filter = None;
            }
        }
        self.spend(scanned - at);
        self.search.furthest = self.search.furthest.max(scanned);
        start
    }

    /// Continues where the automaton is as if it had just been started.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn at_start(&mut self, walk: Walk) -> Result<()> {
        self.search.phase = Phase::Forward(walk);
        if self.left == 0 || self.search.filter.is_none_or(|filter| walk.at <= filter.found) {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        match unsafe { self.candidate(walk.at) } {
            // A match that has begun before may continue here.
            Some(Range { start, .. }) if start == walk.at => {}
            Some(Range { start, .. }) => {
                self.search.next = start;
                // SAFETY: the caller's promise.
                return unsafe { self.start(start) };
            }
            None => return Ok(()),
        }
        // The automaton for searches without a prefilter starts in the same state.
        // SAFETY: the caller's promise.
        if self.search.filter.is_none() { unsafe { self.start(walk.at) } } else { Ok(()) }
    }

    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn forward(&mut self, mut walk: Walk) -> Result<Option<Range<usize>>> {
        let (from, limit, stop) = (walk.at, self.limit(walk.at), self.search.range.end);
        let is_line = self.search.pattern.lines.is_some();
        let mut automaton = self.forward_automaton(self.search.filter.is_some())?;
        // SAFETY: the limit is in the range. The walk is of this search, whose cache nobody else
        // uses.
        let exit = unsafe { automaton.forward(&mut walk, limit, is_line) }?;
        if matches!(exit, Exit::Limit) && walk.at == stop && automaton.last(walk.state)?.is_match() {
            walk.found = Some(stop);
        }
        let slow_steps = automaton.slow_steps;
        self.spend_steps(walk.at - from, slow_steps);
        self.search.furthest = self.search.furthest.max(walk.at);
        match exit {
            // SAFETY: the caller's promise.
            Exit::Start => return unsafe { self.at_start(walk) }.map(|()| None),
            Exit::Limit if walk.at < stop => {
                self.search.phase = Phase::Forward(walk);
                return Ok(None);
            }
            Exit::Limit | Exit::Over => {}
        }
        let Some(end) = walk.found else {
            self.search.phase = Phase::Over;
            return Ok(None);
        };
        let (pattern, next) = (&self.search.pattern, self.search.next);
        if pattern.options.sticky || is_line {
            // SAFETY: the caller's promise.
            return Ok(unsafe { self.ended(next, end) });
        }
        if let Some(length) = pattern.length() {
            // The end was found in one pass over the bytes, so it is not too early.
            return Ok(Some(end.saturating_sub(length)..end));
        }
        if self.search.counts && !pattern.has_empty_matches() {
            return Ok(Some(next..end));
        }
        if pattern.line_ends.is_some() {
            // SAFETY: the caller's promise.
            return Ok(unsafe { self.line_start(end, end) });
        }
        // SAFETY: the byte is in the range.
        let after = (end < stop).then(|| unsafe { byte(self.memory, end) });
        let walk = self.backward_automaton().start(end, after, true)?;
        self.search.phase = Phase::Backward { walk, end };
        Ok(None)
    }

    /// What is found with a match whose start and end are known, or whose line is wanted.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn ended(&mut self, start: usize, end: usize) -> Option<Range<usize>> {
        if self.search.pattern.lines.is_none() {
            return Some(start..end);
        }
        // SAFETY: the caller's promise.
        unsafe { self.line_start(end, end) }
    }

    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn backward(&mut self, mut walk: Walk, end: usize) -> Result<Option<Range<usize>>> {
        let next = self.search.next;
        let (from, limit) = (walk.at, walk.at.saturating_sub(self.left).max(next));
        let mut automaton = self.backward_automaton();
        // SAFETY: the limit is in the range. The walk is of this search, whose cache nobody else
        // uses.
        let is_over = unsafe { automaton.backward(&mut walk, limit) }?;
        let slow_steps = automaton.slow_steps;
        self.spend_steps(from - walk.at, slow_steps);
        if !is_over && walk.at > next {
            self.search.phase = Phase::Backward { walk, end };
            return Ok(None);
        }
        if !is_over {
            // SAFETY: the position is in the range.
            let before = unsafe { self.before(next) };
            walk.found = self.backward_automaton().finish(walk, before)?;
        }
        match walk.found {
            Some(start) => Ok(Some(start..end)),
            None => {
                if !self.tries_again() {
                    self.search.next = end.max(next + 1);
                    self.search.retries = 0;
                }
                Ok(None)
            }
        }
    }

    /// Goes back to where the last match ended, because bytes have changed since they were read.
    fn tries_again(&mut self) -> bool {
        self.search.phase = Phase::Seek;
        self.search.retries += 1;
        self.search.retries <= MOST_RETRIES
    }

    /// Finds the start of the line with the match that ends at `end`, which is before `at`. If
    /// lines are not wanted, the match begins there.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn line_start(&mut self, at: usize, end: usize) -> Option<Range<usize>> {
        let (pattern, stop) = (&self.search.pattern, self.search.range.end);
        let (ends, first) = match pattern.lines {
            Some(lines) => (lines.ends(), self.search.next_line),
            None => (pattern.line_ends.unwrap_or_default(), self.search.next),
        };
        let limit = at.saturating_sub(self.left).max(first);
        // SAFETY: the positions are in the range.
        let found = unsafe { scan::last_of(self.memory, limit..at, ends) };
        self.spend(at - found.unwrap_or(limit));
        if found.is_none() && limit > first {
            self.search.phase = Phase::LineStart { at: limit, end };
            return None;
        }
        let Some(lines) = self.search.pattern.lines else {
            return Some(found.map_or(first, |last| last + 1)..end);
        };
        let is_start = match lines {
            Lines::With => true,
            // SAFETY: the position is in the range.
            Lines::Whole(ends) => unsafe { self.before(first) }.is_none_or(|before| ends.contains(&before)),
        };
        let start = found.map(|last| last + 1).or(Some(first).filter(|_| is_start));
        // After the last line end there is no line.
        self.search.phase = if start == Some(stop) { Phase::Over } else { Phase::Line { start, at: end } };
        None
    }

    /// Finds the end of a line.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    unsafe fn line(&mut self, start: Option<usize>, at: usize) -> Option<Range<usize>> {
        let (limit, stop) = (self.limit(at), self.search.range.end);
        let ends = self.search.pattern.lines.map_or(&[][..], Lines::ends);
        // SAFETY: the positions are in the range.
        let found = unsafe { scan::first_of(self.memory, at..limit, ends) };
        let end = found.unwrap_or(limit);
        self.spend(end - at);
        self.search.furthest = self.search.furthest.max(end);
        if found.is_none() && end < stop {
            self.search.phase = Phase::Line { start, at: end };
            return None;
        }
        if start.is_none() {
            (self.search.next, self.search.next_line) = (end, end);
            self.search.phase = Phase::Seek;
        }
        start.map(|start| start..end)
    }

    /// Passes a match on, unless its bytes have changed. It returns whether the receiver wants
    /// more.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    #[inline]
    unsafe fn deliver(&mut self, found: Range<usize>, hit: &mut dyn FnMut(&Match<'_>) -> bool) -> bool {
        let Range { start, end } = found;
        let stop = self.search.range.end;
        // SAFETY: the position is in the range.
        let before = unsafe { self.before(start) };
        let has_groups = self.search.groups && !self.search.counts;
        if has_groups && let (Some(finder), Some(cache)) = (&self.search.pattern.groups, &mut self.cache.groups) {
            // SAFETY: the byte is in the range.
            let after = (end < stop).then(|| unsafe { byte(self.memory, end) });
            // SAFETY: the match is in the range.
            let found = unsafe { finder.find(cache, self.memory, start..end, [before, after]) };
            match found {
                Found::Groups => {}
                Found::TooLong => cache.groups.fill(Group::Unknown),
                Found::Changed => cache.groups.fill(Group::Unmatched),
            }
            let cost = finder.cost(end - start);
            self.spend(cost);
            if found == Found::Changed && self.tries_again() {
                return true;
            }
        }
        self.search.retries = 0;
        self.search.phase = Phase::Seek;
        let is_continuation = |at: usize| {
            // SAFETY: the byte is in the range.
            at < stop && unsafe { byte(self.memory, at) } & 0xc0 == 0x80
        };
        let is_inside_character =
            start == end && self.search.pattern.options.unicode && start > 0 && is_continuation(start);
        if self.search.pattern.options.lines {
            self.search.next = end + 1;
            self.search.next_line = end + 1;
        } else if start == end {
            self.search.next = end + 1;
            // The next code point is at most four bytes away.
            for _ in 0..3 {
                if self.search.pattern.options.unicode && is_continuation(self.search.next) {
                    self.search.next += 1;
                }
            }
        } else {
            (self.search.next, self.search.next_line) = (end, end);
            // SAFETY: the match is in the range, and not empty.
            self.search.kept = Some((end, unsafe { byte(self.memory, end - 1) }));
        }
        if is_inside_character {
            return true;
        }
        let groups = self.cache.groups.as_ref().filter(|_| has_groups).map_or(&[][..], |cache| &cache.groups);
        hit(&Match { start, end, groups })
    }
}

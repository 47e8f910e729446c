//! Searching by trying one place after the other.
//!
//! If the bytes are known with which a match can begin, the automaton is started at each of them,
//! anchored. Then the start of a match is known, and the match is not read backwards. An attempt
//! that fails has read bytes which are read again, so a search counts what attempts save and waste.

use super::{Phase, Run};
use crate::error::Result;
use crate::search::regex::Pattern;
use crate::search::regex::steps::{Exit, Walk, byte};
use std::ops::Range;
use std::sync::atomic::Ordering;

/// How many bytes are skipped in the time in which an automaton steps over one.
const SKIPPED_AT_ONCE: usize = 4;

/// The longest attempt at a match of which no end has been found yet, in bytes.
const LONGEST_ATTEMPT: usize = 16 * 1024;

/// How many more bytes attempts may read than a search without them, before they are given up, or
/// fewer, which counts for later.
const MOST_WASTED: isize = 16 * 1024;

/// How many of these bytes a search may waste at least, after one that has given attempts up.
const LEAST_WASTED: isize = 256;

/// What came of looking for a match at one place.
enum Attempt {
    Matched(Range<usize>),
    Failed,
    /// The phase says how it goes on.
    Unfinished,
}

impl Attempt {
    fn found(self) -> Option<Range<usize>> {
        match self {
            Attempt::Matched(place) => Some(place),
            Attempt::Failed | Attempt::Unfinished => None,
        }
    }
}

/// Keeps what the attempts of a search have saved for the next search of its pattern.
pub(super) fn remember(pattern: &Pattern, saved: Option<isize>) {
    let least = LEAST_WASTED - MOST_WASTED;
    pattern.saved.store(saved.map_or(least, |saved| saved.max(least)), Ordering::Relaxed);
}

impl Run<'_> {
    /// Tries to match at the places from `at` to `last`, one after the other.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    #[inline]
    pub(super) unsafe fn attempts(&mut self, mut at: usize, last: usize) -> Result<Option<Range<usize>>> {
        // SAFETY: the caller's promise.
        while let Some(start) = unsafe { self.next_start(at, last) } {
            // SAFETY: the position is in the range.
            let before = unsafe { self.before(start) };
            let walk = self.forward_automaton(false)?.start(start, before, true)?;
            // SAFETY: the caller's promise.
            let attempt = unsafe { self.attempt(walk, start, last) }?;
            if !matches!(attempt, Attempt::Failed) {
                return Ok(attempt.found());
            }
            at = start + 1;
            if self.left == 0 {
                self.search.next = at;
                self.search.phase = Phase::Try { at, last };
                break;
            }
        }
        Ok(None)
    }

    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    pub(super) unsafe fn continue_attempt(
        &mut self,
        walk: Walk,
        start: usize,
        last: usize,
    ) -> Result<Option<Range<usize>>> {
        // SAFETY: the caller's promise.
        match unsafe { self.attempt(walk, start, last) }? {
            // SAFETY: the caller's promise.
            Attempt::Failed => unsafe { self.attempts(start + 1, last) },
            attempt => Ok(attempt.found()),
        }
    }

    /// The first place from `at` to `last` where a match can begin. If there is none within the
    /// budget, the next match is looked for later.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    #[inline]
    unsafe fn next_start(&mut self, at: usize, last: usize) -> Option<usize> {
        let stop = self.search.range.end;
        // Each call goes on by a byte at least, also if the prefilter has spent the budget.
        let limit = self.limit(at).max(at + 1).min(last.saturating_add(1)).min(stop);
        let mut start = at;
        if let Some(starts) = &self.search.pattern.starts {
            // SAFETY: the byte is before the limit, which is in the range.
            while start < limit && !starts.has(unsafe { byte(self.memory, start) }) {
                start += 1;
            }
        }
        self.left = self.left.saturating_sub((start - at) / SKIPPED_AT_ONCE);
        self.search.next = start;
        self.search.furthest = self.search.furthest.max(start);
        if self.search.saved.is_some() && start < limit {
            return Some(start);
        }
        self.search.phase = if start >= stop {
            Phase::Over
        } else if start > last || self.search.saved.is_none() {
            Phase::Seek
        } else {
            // The prefilter may have spent the budget. If it looked from here again, it would spend
            // the next one, too.
            Phase::Try { at: start, last }
        };
        None
    }

    /// Looks for the end of a match that begins at `start`.
    ///
    /// # Safety
    ///
    /// As for [`Run::until_paused`].
    #[inline]
    unsafe fn attempt(&mut self, mut walk: Walk, start: usize, last: usize) -> Result<Attempt> {
        let (from, stop) = (walk.at, self.search.range.end);
        let longest = if walk.found.is_some() { stop } else { start.saturating_add(LONGEST_ATTEMPT) };
        let limit = self.limit(from).min(longest);
        let mut automaton = self.forward_automaton(false)?;
        // SAFETY: the limit is in the range. The walk is of this search, whose cache nobody else
        // uses.
        let exit = unsafe { automaton.forward(&mut walk, limit, false) }?;
        let is_dead = matches!(exit, Exit::Over);
        if !is_dead && walk.at == stop && automaton.last(walk.state)?.is_match() {
            walk.found = Some(stop);
        }
        let slow_steps = automaton.slow_steps;
        self.spend_steps(walk.at - from, slow_steps);
        self.search.furthest = self.search.furthest.max(walk.at);
        let length = walk.at - start;
        if is_dead || walk.at == stop {
            self.judge_attempt(walk.found, start, length);
            return Ok(walk.found.map_or(Attempt::Failed, |end| Attempt::Matched(start..end)));
        }
        if walk.found.is_some() || length < LONGEST_ATTEMPT {
            self.search.phase = Phase::Attempt { walk, start, last };
        } else {
            self.search.saved = None;
            // SAFETY: the caller's promise.
            unsafe { self.start(start) }?;
        }
        Ok(Attempt::Unfinished)
    }

    /// Compares an attempt that has read `length` bytes with a search that does not know where a
    /// match begins. That reads the bytes of a match also backwards, and other bytes once.
    #[inline]
    fn judge_attempt(&mut self, found: Option<usize>, start: usize, length: usize) {
        let is_read_backwards = !self.search.counts && self.search.pattern.length().is_none();
        let saved = match found {
            Some(end) if is_read_backwards => (end - start) as isize,
            Some(_) => 0,
            None => 1 - length as isize,
        };
        let sum = self.search.saved.map(|sum| sum.saturating_add(saved).min(MOST_WASTED));
        self.search.saved = sum.filter(|&sum| sum > -MOST_WASTED);
    }
}

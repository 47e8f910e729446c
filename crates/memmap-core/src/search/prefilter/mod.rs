//! Finding where a match may begin, much faster than an automaton could.
//!
//! * `sequence`: which bytes every match has.
//! * `byte_set`: sets of bytes, and how frequent they are.
//! * `scanner`: the loop that looks for those bytes.
//!
//! Every match of `\d{4}-\d\d` has a digit, and four bytes later a `-`. Those are rarer than
//! digits, and can be compared at 64 positions at a time. If the rare bytes are in the middle of a
//! match, as the `@` of an e-mail address is, the match cannot begin before the last byte that does
//! not occur in front of them.

mod byte_set;
mod scanner;
mod sequence;

pub use byte_set::ByteSet;
use regex_syntax::hir::Hir;
use scanner::Scanner;
use sequence::{Required, cheapest, whole};
pub use sequence::{bytes_of, set_of, starts_of};
use std::ops::Range;

use super::scan;

/// The greatest cost of a prefilter, in bytes that the automaton steps over for each byte of the
/// haystack.
const MOST_COST: f64 = 0.5;

/// What it costs to stop at a candidate, in bytes that the automaton steps over meanwhile.
const COST_OF_CANDIDATE: f64 = 16.0;

/// How frequent the bytes must be that cannot be in front of what is found, as `\n` is. Others
/// would be too far away.
const RAREST_END: f64 = 0.01;

/// Which prefilter a pattern gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefilterChoice {
    /// The one that is probably the fastest, or none. A search turns it off if it is slow.
    Fastest,
    /// None.
    Off,
    /// For tests: one that finds what matches begin with, however often that occurs.
    Start,
    /// For tests: one that finds what matches have in them, however often that occurs.
    Inside,
}

/// Finds where a match may begin.
#[derive(Debug)]
pub struct Prefilter {
    scanner: Scanner,
    /// The only bytes that a match has before what the scanner finds.
    before: ByteSet,
    /// Only `\n` is not among them, or hardly more.
    is_before_nearly_all: bool,
    /// It is used however slow it is.
    pub is_forced: bool,
    /// What it finds are the matches, and all of them.
    pub finds_matches: bool,
}

/// Where a match may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// At `start` at the earliest, and what was found is at `found`.
    At {
        /// The earliest start of the match.
        start: usize,
        /// Where the automaton must have been before the scan can continue.
        found: usize,
        /// The length of what was found there.
        length: usize,
    },
    /// Nowhere before this position.
    NotBefore(usize),
}

impl Prefilter {
    /// A prefilter for a pattern.
    pub fn new(hir: &Hir, choice: PrefilterChoice) -> Option<Prefilter> {
        let cost = |required: &Required| {
            let often = Scanner::frequency_of(&required.sequences)?;
            let ends = required.before.others().frequency();
            if ends < RAREST_END {
                return None;
            }
            let cost = often * (COST_OF_CANDIDATE + 1.0 / ends);
            let is_at_start = required.before == ByteSet::default();
            match choice {
                PrefilterChoice::Fastest => Some(cost).filter(|&cost| cost < MOST_COST),
                PrefilterChoice::Off => None,
                PrefilterChoice::Start => Some(cost).filter(|_| is_at_start),
                PrefilterChoice::Inside => Some(cost).filter(|_| !is_at_start),
            }
        };
        if choice == PrefilterChoice::Off {
            return None;
        }
        let whole = whole(hir).filter(|whole| cost(whole).is_some());
        let finds_matches = whole.is_some();
        let Required { sequences, before } = whole.or_else(|| cheapest(hir, &cost))?;
        Some(Prefilter {
            finds_matches,
            scanner: Scanner::new(sequences)?,
            before,
            is_before_nearly_all: before.others().frequency() < 2.0 * RAREST_END && !before.has(b'\n'),
            is_forced: choice != PrefilterChoice::Fastest,
        })
    }

    /// The first place from `from` on, and before `limit`, where a match may begin.
    ///
    /// # Safety
    ///
    /// The bytes from `from` to `stop` must be readable.
    pub unsafe fn find(&self, memory: *const u8, from: usize, limit: usize, stop: usize) -> Candidate {
        // SAFETY: the caller's promise.
        if let Some((found, length)) = unsafe { self.scanner.find(memory, from..limit, stop) } {
            // SAFETY: the caller's promise.
            let start = unsafe { self.start_before(memory, from..found) };
            return Candidate::At { start, found, length };
        }
        if limit >= stop {
            return Candidate::NotBefore(stop);
        }
        // What is found later may belong to a match that begins before the limit.
        // SAFETY: the caller's promise.
        match unsafe { self.start_before(memory, from..limit) } {
            start if start > from || start == limit => Candidate::NotBefore(start),
            start => Candidate::At { start, found: limit, length: 0 },
        }
    }

    /// Where the bytes begin that may be before what was found at the end of the range.
    ///
    /// # Safety
    ///
    /// The range must be readable.
    unsafe fn start_before(&self, memory: *const u8, range: Range<usize>) -> usize {
        let Range { start, end } = range;
        if self.is_before_nearly_all {
            // SAFETY: the caller's promise.
            return unsafe { scan::last(memory, start..end, b'\n') }.map_or(start, |last| last + 1);
        }
        let mut first = end;
        while first > start {
            // SAFETY: the byte is in the range. The read is volatile, because others may write to
            // the byte.
            let byte = unsafe { memory.wrapping_add(first - 1).read_volatile() };
            if !self.before.has(byte) {
                break;
            }
            first -= 1;
        }
        first
    }
}

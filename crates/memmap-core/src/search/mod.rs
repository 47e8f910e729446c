//! Finding bytes in mapped memory.
//!
//! * `literal`: [`Finder`] finds one needle, a sequence of bytes.
//! * `regex`: [`Pattern`] finds what a regular expression matches.
//! * `prefilter`: where a match of a pattern may begin, by bytes that each match has.
//! * `scan`: the loops over mapped memory, which find the positions where a match is possible.
//!
//! A [`Finder`] and a [`Pattern`] are both a [`Searcher`]: each makes a [`Search`] of a range,
//! which can be paused and continued. What counts or replaces matches needs to know no more.

mod literal;
mod prefilter;
mod regex;
mod scan;

pub use literal::{Finder, LiteralSearch};
pub use prefilter::PrefilterChoice;
pub use regex::{Pattern, PatternOptions, PatternSearch};

use crate::error::Result;
use std::ops::Range;

/// What matches are looked for with.
pub trait Searcher: Clone + Send + Sync + 'static {
    /// A search of one range.
    type Search: Search + Send + 'static;

    /// A search of `range`, which is counted from the start of the memory.
    fn search(&self, range: Range<usize>) -> Self::Search;

    /// The least length of a match, and the greatest if there is one. `None` if nothing can match.
    fn lengths(&self) -> Option<(usize, Option<usize>)>;

    /// The number of bytes that a thread searches before other tasks get their turn.
    fn turn(&self) -> usize;

    /// Whether a range can be cut in pieces for several threads.
    fn divides(&self) -> bool;

    /// Where `left` can be cut, at `wanted` or not far behind it, so that a search of each part
    /// finds what one search of `left` finds. `None` if that is not known.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// The bytes of `left`, counted from `memory`, must stay readable during the call. Others may
    /// write to them.
    unsafe fn cut(&self, memory: *const u8, left: &Range<usize>, wanted: usize) -> Result<Option<usize>>;
}

/// A search that can be paused. It finds matches in ascending order and without overlaps.
pub trait Search {
    /// The number of bytes that a task searches before others may stop it.
    fn chunk(&self) -> usize;

    /// The range that is searched.
    fn range(&self) -> Range<usize>;

    /// The bytes that may be read by an advance of `budget` bytes.
    fn reach(&self, budget: usize) -> Range<usize>;

    /// How far the search is. It never decreases.
    fn position(&self) -> usize;

    /// Searches about `budget` bytes, and calls `hit` with each match, until `hit` returns false.
    /// `hit` may write to the match.
    ///
    /// # Errors
    ///
    /// ENOMEM, and ERR_MMAP_REGEXP if the engine of patterns gives up.
    ///
    /// # Safety
    ///
    /// The bytes of [`Search::reach`], counted from `memory`, must stay readable during the call.
    /// Others may write to them.
    unsafe fn advance(
        &mut self,
        memory: *const u8,
        budget: usize,
        hit: &mut impl FnMut(&Match<'_>) -> bool,
    ) -> Result<Progress>;

    /// Like [`Search::advance`], but adds the number of matches to `count`. A search is either
    /// advanced or counted, not both.
    ///
    /// # Errors
    ///
    /// As for [`Search::advance`].
    ///
    /// # Safety
    ///
    /// As for [`Search::advance`].
    unsafe fn count(&mut self, memory: *const u8, budget: usize, count: &mut usize) -> Result<Progress> {
        let mut add = |_: &Match<'_>| {
            *count += 1;
            true
        };
        // SAFETY: the caller's promise.
        unsafe { self.advance(memory, budget, &mut add) }
    }
}

/// Why an advance has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No match follows.
    Done,
    /// The budget is spent.
    Paused,
    /// The receiver of the matches wants no more for now.
    Full,
}

/// Where a match is, counted from the start of the memory.
#[derive(Debug, Clone, Copy)]
pub struct Match<'a> {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
    /// Its groups, from the first. There are none unless the search was asked for them.
    pub groups: &'a [Group],
}

/// Where a group of a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The match has nothing for this group.
    Unmatched,
    /// The match is too long to look for its groups.
    Unknown,
    /// The bytes of the group.
    At {
        /// Its first byte.
        start: usize,
        /// The byte after its last one.
        end: usize,
    },
}

//! What a task does, in pieces that threads share.

use crate::error::Result;
use crate::mapping::Retained;
use crate::region::Replacement;
use crate::search::{Finder, Progress, Search, Searcher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes to read ahead in one chunk.
const PREFETCHED: usize = 8 * 1024 * 1024;
/// Bytes to flush in one chunk. Each chunk costs a device flush: 512 MiB took 1.5 times as long as
/// in chunks of 64 MiB. But `unmap()` waits for the current chunk, on a device that may be slow.
const FLUSHED: usize = 8 * 1024 * 1024;

/// The least number of bytes whose pages are dropped in one chunk. For each GiB, Linux takes some
/// 40 ms to remove pages of 4 KiB from a page table.
const DROPPED: usize = 32 * 1024 * 1024;

/// The most chunks in which the pages of a range are dropped. A chunk costs some microseconds also
/// where a file is sparse and no page is in memory, and a range may have a TiB.
const MOST_DROPS: usize = 256;

/// What a task does with a range. Threads share it, so results are in atomics.
pub trait Work: Send + Sync {
    /// The number of bytes that a thread does before other tasks get their turn. A piece has about
    /// as many.
    fn turn(&self) -> usize;

    /// Whether several threads can share the range.
    fn divides(&self) -> bool;

    /// Whether it reads its range from the start to the end.
    fn scans(&self) -> bool;

    /// Where a piece may end that begins at the start of `left`: at `wanted` or not far behind it.
    /// `None` if it cannot end there. `left` is the rest of the range, of which no thread has
    /// touched a byte.
    ///
    /// # Errors
    ///
    /// Those of the work.
    fn cut(&self, memory: &Retained, left: &Range<usize>, wanted: usize) -> Result<Option<usize>>;

    /// Whether what begins at `start` is of no interest any more.
    fn is_settled_before(&self, start: usize) -> bool;

    /// Begins a piece.
    fn begin(self: Arc<Self>, range: Range<usize>) -> Box<dyn Piece>;
}

/// A part of the work, for one thread at a time.
pub trait Piece: Send {
    /// Does one chunk. Other threads may stop the task between two chunks.
    ///
    /// # Errors
    ///
    /// Those of the work.
    fn advance(&mut self, memory: &Retained) -> Result<Progress>;

    /// How far the piece is. It never decreases, and at the end it is the end of the piece.
    fn position(&self) -> usize;
}

/// Work that searches.
pub struct Searching<S> {
    searcher: S,
    kind: Kind,
    /// The number of matches, or the position of the first one so far.
    number: AtomicUsize,
    turn: usize,
}

enum Kind {
    Find,
    Count,
    Replace(Replacement),
}

impl Searching<Finder> {
    /// Finds the first match. An empty needle is found at the start of the range.
    pub fn find(finder: Finder) -> Searching<Finder> {
        Searching::new(finder, Kind::Find, usize::MAX)
    }

    /// Where the first match begins.
    pub fn found(&self) -> Option<usize> {
        Some(self.number()).filter(|&position| position != usize::MAX)
    }
}

impl<S: Searcher> Searching<S> {
    /// Counts matches.
    pub fn count(searcher: S) -> Searching<S> {
        Searching::new(searcher, Kind::Count, 0)
    }

    /// Replaces matches.
    ///
    /// # Errors
    ///
    /// Those of [`Replacement::check`].
    pub fn replace(searcher: S, to: Replacement) -> Result<Searching<S>> {
        to.check(&searcher)?;
        Ok(Searching::new(searcher, Kind::Replace(to), 0))
    }

    fn new(searcher: S, kind: Kind, number: usize) -> Searching<S> {
        Searching { turn: searcher.turn(), searcher, kind, number: AtomicUsize::new(number) }
    }

    /// The same with pieces of another length, for tests.
    #[doc(hidden)]
    pub fn in_pieces_of(self, length: usize) -> Searching<S> {
        Searching { turn: length, ..self }
    }

    /// How many matches have been counted or replaced so far.
    pub fn number(&self) -> usize {
        self.number.load(Ordering::Acquire)
    }
}

impl<S: Searcher> Work for Searching<S> {
    fn turn(&self) -> usize {
        self.turn
    }

    fn divides(&self) -> bool {
        self.searcher.divides()
    }

    fn scans(&self) -> bool {
        true
    }

    fn cut(&self, memory: &Retained, left: &Range<usize>, wanted: usize) -> Result<Option<usize>> {
        memory.region().cut(&self.searcher, left, wanted)
    }

    fn is_settled_before(&self, start: usize) -> bool {
        matches!(self.kind, Kind::Find) && self.number() < start
    }

    fn begin(self: Arc<Self>, range: Range<usize>) -> Box<dyn Piece> {
        if matches!((&self.kind, self.searcher.lengths()), (Kind::Find, Some((0, Some(0))))) {
            self.number.fetch_min(range.start, Ordering::AcqRel);
        }
        let search = self.searcher.search(range);
        Box::new(SearchPiece { work: self, search, is_done: false })
    }
}

struct SearchPiece<S: Searcher> {
    work: Arc<Searching<S>>,
    search: S::Search,
    is_done: bool,
}

impl<S: Searcher> Piece for SearchPiece<S> {
    fn advance(&mut self, memory: &Retained) -> Result<Progress> {
        let (work, search, region) = (&self.work, &mut self.search, memory.region());
        let (chunk, mut number) = (search.chunk(), 0);
        let result = match &work.kind {
            Kind::Find if work.is_settled_before(search.position()) => Ok(Progress::Done),
            Kind::Find => region.advance(search, chunk, &mut |first| {
                work.number.fetch_min(first.start, Ordering::AcqRel);
                false
            }),
            Kind::Count => region.count_on(search, chunk, &mut number),
            Kind::Replace(to) => region.replace_on(search, to, chunk, &mut number),
        };
        if !matches!(work.kind, Kind::Find) {
            work.number.fetch_add(number, Ordering::AcqRel);
        }
        let progress = result?;
        self.is_done = progress != Progress::Paused;
        Ok(progress)
    }

    fn position(&self) -> usize {
        let end = self.search.range().end;
        if self.is_done { end } else { self.search.position().min(end) }
    }
}

/// Work on the pages of a range.
pub struct Paging {
    kind: PagingKind,
    /// Bytes of a chunk.
    chunk: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PagingKind {
    Flush,
    Prefetch,
    Drop,
}

impl Paging {
    /// Makes changes durable, as [`crate::Mapping::flush`].
    pub fn flush() -> Paging {
        Paging { kind: PagingKind::Flush, chunk: FLUSHED }
    }

    /// Brings pages into memory, as [`crate::Region::prefetch`].
    pub fn prefetch() -> Paging {
        Paging { kind: PagingKind::Prefetch, chunk: PREFETCHED }
    }

    /// Removes the pages of a range of `length` bytes from the page table, before a mapping is
    /// closed that nobody else uses.
    pub(super) fn drop_pages(length: usize) -> Paging {
        Paging { kind: PagingKind::Drop, chunk: DROPPED.max(length.div_ceil(MOST_DROPS)) }
    }
}

impl Work for Paging {
    fn turn(&self) -> usize {
        self.chunk
    }

    fn divides(&self) -> bool {
        // Each flush waits for the device.
        self.kind != PagingKind::Flush
    }

    fn scans(&self) -> bool {
        false
    }

    fn cut(&self, _: &Retained, _: &Range<usize>, wanted: usize) -> Result<Option<usize>> {
        Ok(Some(wanted))
    }

    fn is_settled_before(&self, _: usize) -> bool {
        false
    }

    fn begin(self: Arc<Self>, range: Range<usize>) -> Box<dyn Piece> {
        Box::new(PagingPiece { work: self, left: range })
    }
}

struct PagingPiece {
    work: Arc<Paging>,
    left: Range<usize>,
}

impl Piece for PagingPiece {
    fn advance(&mut self, memory: &Retained) -> Result<Progress> {
        let Range { start, end } = self.left;
        let length = end.saturating_sub(start).min(self.work.turn());
        match self.work.kind {
            PagingKind::Flush => memory.flush(start, length, None)?,
            PagingKind::Prefetch => memory.region().prefetch(start, length)?,
            // What cannot be dropped is dropped when the memory is unmapped.
            PagingKind::Drop => {
                memory.region().drop_pages(start, length);
            }
        }
        self.left.start += length;
        Ok(if self.left.is_empty() { Progress::Done } else { Progress::Paused })
    }

    fn position(&self) -> usize {
        self.left.start
    }
}

#[cfg(test)]
mod tests {
    use super::{DROPPED, MOST_DROPS, Paging, Work};

    #[test]
    fn pages_of_a_long_range_are_dropped_in_few_chunks() {
        let chunks = |length: usize| length.div_ceil(Paging::drop_pages(length).turn());
        assert_eq!(chunks(DROPPED), 1);
        assert_eq!(chunks(32 * DROPPED), 32);
        assert_eq!(chunks(isize::MAX as usize), MOST_DROPS);
    }
}

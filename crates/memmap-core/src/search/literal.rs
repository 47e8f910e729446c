//! Finding one needle, a sequence of bytes, in mapped memory.
//!
//! memchr's searchers take slices, and a slice over memory that others write to would be undefined
//! behaviour. So the loops that read mapped memory are our own, over raw pointers. `scan` finds the
//! positions where two rare bytes of the needle match, and the whole needle is compared here. If
//! too many comparisons fail, as with `aaaaab` in a file of `a`, some megabytes are copied, one
//! stretch at a time, to private memory. There memchr's memmem searches, whose time is linear for
//! every needle.
//!
//! A match is a match of the bytes as they were when they were compared.

use super::scan::{self, Probe, Probes};
use super::{Match, Progress, Search, Searcher};
use crate::error::Result;
use crate::sys;
use memchr::arch::all::packedpair::Pair;
use memchr::memmem;

use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// Bytes to copy at a time, at least. A stretch of this size stays in the cache, and the overlap of
/// two stretches (the needle less one byte) costs little.
const STRETCH: usize = 64 * 1024;

/// Positions to search by copying before comparing in place is tried again.
const LINEAR: usize = 4 * 1024 * 1024;

/// Positions that a task searches in one chunk. A chunk takes less than a millisecond.
const SEARCHED: usize = 4 * 1024 * 1024;

/// A turn has at least as many times the length of the needle. At each end of a piece, two lengths
/// are searched again.
const NEEDLES_IN_TURN: usize = 8;

/// How often a cut is moved behind a match that it would cut in two. Only a needle that can overlap
/// itself needs more than one attempt.
const MOST_MOVES: usize = 16;

/// Finds one needle.
#[derive(Debug, Clone)]
pub struct Finder {
    needle: Arc<[u8]>,
    /// `None` for an empty needle.
    probes: Option<Probes>,
}

impl Finder {
    /// A finder for this needle.
    pub fn new(needle: Vec<u8>) -> Finder {
        let probe = |index: u8| {
            let at = usize::from(index);
            needle.get(at).map(|&byte| Probe { byte, at })
        };
        let probes = match Pair::new(&needle) {
            Some(pair) => {
                probe(pair.index1()).zip(probe(pair.index2())).map(|(first, second)| Probes::Two(first, second))
            }
            None => probe(0).map(Probes::One),
        };
        Finder { needle: needle.into(), probes }
    }

    /// The bytes to find.
    pub fn needle(&self) -> &[u8] {
        &self.needle
    }

    /// The position of the first match in `length` bytes from `haystack`. An empty needle matches
    /// at 0.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// The bytes must stay readable during the call. Others may write to them.
    pub unsafe fn find(&self, haystack: *const u8, length: usize) -> Result<Option<usize>> {
        if self.needle.is_empty() {
            return Ok(Some(0));
        }
        let mut found = None;
        let mut keep = |position| {
            found = Some(position);
            false
        };
        // SAFETY: the caller's promise.
        unsafe { self.matches(haystack, length, &mut keep) }?;
        Ok(found)
    }

    /// Calls `put(number, position)` for the matches, in ascending order and without overlaps,
    /// until there are `room` of them. It returns the number of matches. An empty needle has none.
    ///
    /// `put` may be called repeatedly with the same number: the last call wins. Calls with numbers
    /// from the returned one on (and less than `room`) must be ignored.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// As for [`Finder::find`].
    pub unsafe fn list(
        &self,
        haystack: *const u8,
        length: usize,
        room: usize,
        mut put: impl FnMut(usize, usize),
    ) -> Result<usize> {
        if let &[byte] = &*self.needle {
            // SAFETY: the caller's promise.
            return Ok(unsafe { scan::list(haystack, length, byte, room, put) });
        }
        if room == 0 {
            return Ok(0);
        }
        let mut count = 0;
        let mut add = |place| {
            put(count, place);
            count += 1;
            count < room
        };
        // SAFETY: the caller's promise.
        unsafe { self.matches(haystack, length, &mut add) }?;
        Ok(count)
    }

    /// Calls `hit` with the position of each match, in ascending order and without overlaps, until
    /// `hit` returns false. `hit` may write to the match. An empty needle has no matches.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// As for [`Finder::find`].
    pub unsafe fn matches(&self, haystack: *const u8, length: usize, hit: &mut dyn FnMut(usize) -> bool) -> Result<()> {
        let (Some(probes), Some(last)) = (self.probes, length.checked_sub(self.needle.len())) else {
            return Ok(());
        };
        if self.needle.len() == 1 {
            let candidate = |position: usize| if hit(position) { position + 1 } else { usize::MAX };
            // SAFETY: the byte is inside the haystack at all positions.
            unsafe { scan::up(haystack, 0..length, probes, candidate) };
            return Ok(());
        }
        let mut from = 0;
        while from <= last {
            let mut wasted = Wasted::new(self.needle.len());
            let mut next = usize::MAX;
            let candidate = |position: usize| {
                // SAFETY: `position` is at most `last`, so the whole needle is inside the haystack.
                if unsafe { self.is_at(haystack.wrapping_add(position)) } {
                    return if hit(position) { position + self.needle.len() } else { usize::MAX };
                }
                if wasted.is_too_much(position - from) {
                    next = position + 1;
                    return usize::MAX;
                }
                position + 1
            };
            // SAFETY: the probes lie in the needle, which is inside the haystack at all these
            // positions.
            unsafe { scan::up(haystack, from..last + 1, probes, candidate) };
            if next > last {
                return Ok(());
            }
            let end = next.saturating_add(LINEAR).min(last + 1);
            // SAFETY: the caller's promise.
            from = unsafe { self.matches_by_copying(haystack, next..end, hit) }?;
        }
        Ok(())
    }

    /// The position of the last match in `length` bytes from `haystack`. An empty needle matches at
    /// `length`.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// As for [`Finder::find`].
    pub unsafe fn rfind(&self, haystack: *const u8, length: usize) -> Result<Option<usize>> {
        let Some(last) = length.checked_sub(self.needle.len()) else {
            return Ok(None);
        };
        let Some(probes) = self.probes else {
            return Ok(Some(length));
        };
        let mut end = last + 1;
        while end > 0 {
            let mut wasted = Wasted::new(self.needle.len());
            let mut found = None;
            let mut next = 0;
            let candidate = |position: usize| {
                // SAFETY: `position` is at most `last`, so the whole needle is inside the haystack.
                if unsafe { self.is_at(haystack.wrapping_add(position)) } {
                    found = Some(position);
                    return true;
                }
                if wasted.is_too_much(end - position) {
                    next = position;
                    return true;
                }
                false
            };
            // SAFETY: the probes lie in the needle, which is inside the haystack at all these
            // positions.
            unsafe { scan::down(haystack, 0..end, probes, candidate) };
            if found.is_some() || next == 0 {
                return Ok(found);
            }
            let start = next.saturating_sub(LINEAR);
            // SAFETY: the caller's promise.
            let found = unsafe { self.last_by_copying(haystack, start..next) }?;
            if found.is_some() {
                return Ok(found);
            }
            end = start;
        }
        Ok(None)
    }

    /// Whether the bytes from `at` on are the needle.
    ///
    /// # Safety
    ///
    /// As many bytes as the needle has must be readable.
    #[inline(always)]
    unsafe fn is_at(&self, at: *const u8) -> bool {
        let (words, rest) = self.needle.as_chunks::<8>();
        let words_match = words.iter().enumerate().all(|(index, word)| {
            let there = at.wrapping_add(index * 8).cast::<u64>();
            // SAFETY: these eight bytes lie within the length of the needle.
            let there = unsafe { there.read_unaligned() };
            there == u64::from_ne_bytes(*word)
        });
        let rest_at = at.wrapping_add(words.len() * 8);
        words_match
            && rest.iter().enumerate().all(|(index, byte)| {
                // SAFETY: the byte lies within the length of the needle. The read is volatile,
                // because others may write to the byte.
                let there = unsafe { rest_at.wrapping_add(index).read_volatile() };
                there == *byte
            })
    }

    /// Like [`Finder::matches`], for matches that begin at `positions`. It returns the position
    /// from which to continue.
    ///
    /// # Safety
    ///
    /// The needle must lie in readable memory at all positions.
    unsafe fn matches_by_copying(
        &self,
        haystack: *const u8,
        positions: Range<usize>,
        hit: &mut dyn FnMut(usize) -> bool,
    ) -> Result<usize> {
        let finder = memmem::Finder::new(&self.needle);
        let overlap = self.needle.len() - 1;
        let mut copy = Stretch::new(positions.len() + overlap, self.needle.len())?;
        let mut at = positions.start;
        while at < positions.end {
            let count = copy.capacity().min(positions.end - at + overlap);
            // SAFETY: the last of these bytes ends a needle that begins at the last position.
            let bytes = unsafe { copy.of(haystack, at, count) };
            let mut next = at + count - overlap;
            for index in finder.find_iter(bytes) {
                if !hit(at + index) {
                    return Ok(usize::MAX);
                }
                next = next.max(at + index + self.needle.len());
            }
            at = next;
        }
        Ok(at)
    }

    /// The position of the last match that begins at one of `positions`.
    ///
    /// # Safety
    ///
    /// As for [`Finder::matches_by_copying`].
    unsafe fn last_by_copying(&self, haystack: *const u8, positions: Range<usize>) -> Result<Option<usize>> {
        let finder = memmem::FinderRev::new(&self.needle);
        let overlap = self.needle.len() - 1;
        let mut copy = Stretch::new(positions.len() + overlap, self.needle.len())?;
        let mut end = positions.end;
        while end > positions.start {
            let count = copy.capacity().min(end - positions.start + overlap);
            let start = end + overlap - count;
            // SAFETY: the last of these bytes ends a needle that begins at the last position.
            let bytes = unsafe { copy.of(haystack, start, count) };
            if let Some(index) = finder.rfind(bytes) {
                return Ok(Some(start + index));
            }
            end = start;
        }
        Ok(None)
    }
}

impl Searcher for Finder {
    type Search = LiteralSearch;

    fn search(&self, range: Range<usize>) -> LiteralSearch {
        LiteralSearch { finder: self.clone(), position: range.start, range }
    }

    fn lengths(&self) -> Option<(usize, Option<usize>)> {
        Some((self.needle.len(), Some(self.needle.len())))
    }

    fn turn(&self) -> usize {
        SEARCHED.max(self.needle.len().saturating_mul(NEEDLES_IN_TURN))
    }

    fn divides(&self) -> bool {
        true
    }

    /// A cut is right if no needle begins before it and ends behind it. Then the search of the
    /// first part finds all matches that begin before the cut, and one search of both parts would
    /// go on at the cut, too.
    unsafe fn cut(&self, memory: *const u8, left: &Range<usize>, wanted: usize) -> Result<Option<usize>> {
        let mut cut = wanted;
        for _ in 0..MOST_MOVES {
            let overlap = self.needle.len().saturating_sub(1);
            let start = cut.saturating_sub(overlap).max(left.start);
            let end = cut.saturating_add(overlap).min(left.end);
            if end - start < self.needle.len() {
                return Ok(Some(cut));
            }
            // SAFETY: the bytes are in the range.
            match unsafe { self.rfind(memory.wrapping_add(start), end - start) }? {
                Some(index) => cut = start + index + self.needle.len(),
                None => return Ok(Some(cut)),
            }
        }
        Ok(None)
    }
}

/// A search for one needle. An empty needle has no matches.
#[derive(Debug)]
pub struct LiteralSearch {
    finder: Finder,
    range: Range<usize>,
    /// Where the next match may begin.
    position: usize,
}

impl LiteralSearch {
    /// The positions that `budget` allows to search.
    fn positions(&self, budget: usize) -> Range<usize> {
        self.position..self.position.saturating_add(budget).min(self.range.end)
    }

    fn progress(&self) -> Progress {
        if self.position < self.range.end { Progress::Paused } else { Progress::Done }
    }
}

impl Search for LiteralSearch {
    /// At least the length of the needle, because an advance reads that far beyond its last
    /// position.
    fn chunk(&self) -> usize {
        SEARCHED.max(self.finder.needle.len())
    }

    fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn reach(&self, budget: usize) -> Range<usize> {
        let Range { start, end } = self.positions(budget);
        start..end.saturating_add(self.finder.needle.len().saturating_sub(1)).min(self.range.end)
    }

    fn position(&self) -> usize {
        self.position
    }

    unsafe fn advance(
        &mut self,
        memory: *const u8,
        budget: usize,
        hit: &mut impl FnMut(&Match<'_>) -> bool,
    ) -> Result<Progress> {
        let Range { start, end } = self.reach(budget);
        let length = self.finder.needle.len();
        let (mut last, mut is_full) = (start, false);
        let mut put = |index: usize| {
            let place = start + index;
            last = place + length;
            is_full = !hit(&Match { start: place, end: last, groups: &[] });
            !is_full
        };
        // SAFETY: the caller promises the bytes from `start` to `end`.
        unsafe { self.finder.matches(memory.wrapping_add(start), end - start, &mut put) }?;
        if is_full {
            self.position = last;
            return Ok(Progress::Full);
        }
        self.position = self.positions(budget).end.max(last);
        Ok(self.progress())
    }

    unsafe fn count(&mut self, memory: *const u8, budget: usize, count: &mut usize) -> Result<Progress> {
        let Range { start, end } = self.reach(budget);
        let from = memory.wrapping_add(start);
        let mut next = self.positions(budget).end;
        if let &[byte] = &*self.finder.needle {
            // SAFETY: the caller promises the bytes from `start` to `end`.
            *count += unsafe { scan::count(from, end - start, byte) };
        } else {
            let length = self.finder.needle.len();
            let mut last = None;
            let mut add = |index| {
                *count += 1;
                last = Some(index);
                true
            };
            // SAFETY: the caller promises the bytes from `start` to `end`.
            unsafe { self.finder.matches(from, end - start, &mut add) }?;
            if let Some(index) = last {
                next = next.max(start + index + length);
            }
        }
        self.position = next;
        Ok(self.progress())
    }
}

/// The cost of candidates that were not matches.
struct Wasted {
    each: usize,
    spent: usize,
}

impl Wasted {
    /// The cost that is always allowed. The unit is one short comparison.
    const ALLOWANCE: usize = 1024;
    /// Bytes of the haystack that allow one more unit. A failed comparison costs as much as
    /// scanning some 40 bytes. Copying and memmem are several times slower than scanning.
    const BYTES_PER_UNIT: usize = 8;
    /// Bytes of a needle that are compared at the cost of one unit.
    const BYTES_COMPARED_PER_UNIT: usize = 64;

    fn new(needle: usize) -> Wasted {
        Wasted { each: 1 + needle / Wasted::BYTES_COMPARED_PER_UNIT, spent: 0 }
    }

    /// Counts one more failed candidate, after `scanned` bytes. It returns whether the cost exceeds
    /// what is allowed.
    fn is_too_much(&mut self, scanned: usize) -> bool {
        self.spent += self.each;
        self.spent > Wasted::ALLOWANCE + scanned / Wasted::BYTES_PER_UNIT
    }
}

/// Private memory into which a stretch of the haystack is copied.
struct Stretch(Vec<u8>);

impl Stretch {
    fn new(haystack: usize, needle: usize) -> Result<Stretch> {
        // With room for two needles, each step advances by more than a needle, however long it is.
        let length = STRETCH.max(needle.saturating_mul(2)).min(haystack);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| sys::no_memory("malloc"))?;
        Ok(Stretch(bytes))
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Copies `count` bytes, at most the capacity.
    ///
    /// # Safety
    ///
    /// `count` bytes from `haystack + start` must be readable.
    unsafe fn of(&mut self, haystack: *const u8, start: usize, count: usize) -> &[u8] {
        let count = count.min(self.0.capacity());
        // SAFETY: the caller promises that this is inside the haystack.
        let from = unsafe { haystack.add(start) };
        // SAFETY: the caller promises `count` readable bytes, which fit into the vector. Nobody
        // else uses the vector.
        unsafe { ptr::copy_nonoverlapping(from, self.0.as_mut_ptr(), count) };
        // SAFETY: `count` bytes have just been initialised, and are no more than the capacity.
        unsafe { self.0.set_len(count) };
        &self.0
    }
}

//! Searching and replacing in a region, and reading it ahead.

use super::Region;
use crate::error::{Error, Result};
use crate::search::{Finder, Group, Match, Pattern, Progress, Search, Searcher};
use crate::sys;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;

/// Scans at least this long are announced to the system. The call costs as much as reading a few
/// KiB.
const WORTH_ADVICE: usize = 4 * 1024 * 1024;

/// The budget of a search that nobody can stop.
const WHOLE: usize = usize::MAX;

/// What replaces matches.
#[derive(Debug)]
pub struct Replacement {
    /// The bytes that are written to the start of a match.
    pub bytes: Vec<u8>,
    /// What the rest of a match is filled with.
    pub fill: Option<u8>,
}

impl Replacement {
    /// Checks that the replacement fits each match.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE: a match could be shorter than the bytes, or it could be longer, and there
    /// is nothing to fill the rest with.
    pub fn check(&self, searcher: &impl Searcher) -> Result<()> {
        match searcher.lengths() {
            Some((least, most))
                if self.bytes.len() > least || self.fill.is_none() && most != Some(self.bytes.len()) =>
            {
                Err(Error::OutOfRange)
            }
            _ => Ok(()),
        }
    }
}

impl Region {
    /// The position of the first match of the needle in `range`. An empty needle matches at its
    /// start.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn find(&self, finder: &Finder, range: Range<usize>) -> Result<Option<usize>> {
        // The first match is often near, as the end of a line is. Advice would cost more than
        // finding it.
        self.find_from(finder, range, WORTH_ADVICE)
    }

    /// Like [`Region::find`], but the scan of the first `near` positions is not announced to the
    /// system.
    pub(crate) fn find_from(&self, finder: &Finder, range: Range<usize>, near: usize) -> Result<Option<usize>> {
        let (_, length) = self.bytes_of(&range)?;
        let Range { start, end: stop } = range;
        let needle = finder.needle().len();
        if needle > length {
            return Ok(None);
        }
        let search = |from: usize, to: usize| {
            // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
            let found = unsafe { finder.find(self.start().wrapping_add(from), to - from) }?;
            Ok(found.map(|index| from + index))
        };
        let seam = start + length.min(near);
        // A match that begins before the seam may end after it.
        let end = stop.min(seam + needle.saturating_sub(1));
        let found = self.checked(|| search(start, end))??;
        if found.is_some() || end == stop {
            return Ok(found);
        }
        self.with_read_ahead(seam, stop - seam, || search(seam, stop))?
    }

    /// The position of the last match of the needle in `range`. An empty needle matches at its end.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn rfind(&self, finder: &Finder, range: Range<usize>) -> Result<Option<usize>> {
        let (at, length) = self.bytes_of(&range)?;
        // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.rfind(at, length) };
        let found = self.checked(search)??;
        Ok(found.map(|index| range.start + index))
    }

    /// Like [`Finder::list`], for the matches in `range`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn list(
        &self,
        finder: &Finder,
        range: Range<usize>,
        room: usize,
        mut put: impl FnMut(usize, usize),
    ) -> Result<usize> {
        let (at, length) = self.bytes_of(&range)?;
        let start = range.start;
        // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.list(at, length, room, |number, index| put(number, start + index)) };
        self.with_read_ahead(start, length, search)?
    }

    /// Like [`Search::advance`]. If bytes are lost, the matches found meanwhile are wrong.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and those of [`Search::advance`].
    pub fn advance(
        &self,
        search: &mut impl Search,
        budget: usize,
        hit: &mut impl FnMut(&Match<'_>) -> bool,
    ) -> Result<Progress> {
        // SAFETY: `within` found the bytes inside the mapping, which lives as long as `self`.
        self.within(search.reach(budget), budget, || unsafe { search.advance(self.start(), budget, hit) })
    }

    /// Passes the groups of the match at `place` on, which a search up to `stop` has found before.
    /// It returns false if the bytes have changed, so that they are no match any more. Then, and
    /// after an error, nothing is passed on.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE for an end before the start, ERR_MMAP_FAULT.
    pub fn groups(
        &self,
        pattern: &Pattern,
        place: Range<usize>,
        stop: usize,
        pass: impl FnOnce(&[Group]),
    ) -> Result<bool> {
        let stop = stop.min(self.len());
        if place.end > stop {
            return Ok(false);
        }
        self.bytes_of(&place)?;
        let Some(mut cache) = pattern.take_group_cache() else {
            return Ok(true);
        };
        // SAFETY: `bytes_of` found the match inside the mapping, which lives as long as `self`, and
        // `stop` is not behind its end.
        let find = || unsafe { pattern.find_groups(&mut cache, self.start(), place, stop) };
        let is_match = self.checked(find)?;
        if is_match {
            pass(&cache.groups);
        }
        pattern.keep_group_cache(cache);
        Ok(is_match)
    }

    /// The number of matches in `range`, without overlaps. An empty needle has none.
    ///
    /// # Errors
    ///
    /// As for [`Region::advance`].
    pub fn count(&self, searcher: &impl Searcher, range: Range<usize>) -> Result<usize> {
        let mut search = searcher.search(range);
        let mut count = 0;
        while self.count_on(&mut search, WHOLE, &mut count)? == Progress::Paused {}
        Ok(count)
    }

    /// Like [`Search::count`].
    ///
    /// # Errors
    ///
    /// As for [`Region::advance`].
    pub(crate) fn count_on(&self, search: &mut impl Search, budget: usize, count: &mut usize) -> Result<Progress> {
        // SAFETY: `within` found the bytes inside the mapping, which lives as long as `self`.
        self.within(search.reach(budget), budget, || unsafe { search.count(self.start(), budget, count) })
    }

    /// Replaces each match in `range`. Matches do not overlap, and an empty needle has none. The
    /// number of replaced matches is added to `replaced`, also on failure.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE (see [`Replacement::check`]), ERR_MMAP_READONLY and ERR_MMAP_CLOSED, with
    /// nothing changed; ERR_MMAP_FAULT; ENOMEM.
    pub fn replace(
        &self,
        searcher: &impl Searcher,
        to: &Replacement,
        range: Range<usize>,
        replaced: &mut usize,
    ) -> Result<()> {
        to.check(searcher)?;
        let mut search = searcher.search(range);
        while self.replace_on(&mut search, to, WHOLE, replaced)? == Progress::Paused {}
        Ok(())
    }

    /// Advances a search and replaces what it finds.
    ///
    /// # Errors
    ///
    /// As for [`Region::replace`].
    pub(crate) fn replace_on(
        &self,
        search: &mut impl Search,
        to: &Replacement,
        budget: usize,
        replaced: &mut usize,
    ) -> Result<Progress> {
        let gate = self.write_gate.enter();
        gate.check()?;
        self.advance(search, budget, &mut |found| {
            let target = self.start().wrapping_add(found.start);
            let length = found.end - found.start;
            let count = to.bytes.len().min(length);
            // SAFETY: the match lies inside the mapping, and is at least this long. The mapping is
            // writable, or the fault handler makes it so. The replacement is private memory and
            // overlaps nothing of the mapping.
            unsafe { ptr::copy_nonoverlapping(to.bytes.as_ptr(), target, count) };
            if let Some(byte) = to.fill {
                // SAFETY: this is the rest of the match.
                unsafe { target.wrapping_add(count).write_bytes(byte, length - count) };
            }
            *replaced += 1;
            true
        })
    }

    /// Like [`Searcher::cut`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub(crate) fn cut(&self, searcher: &impl Searcher, left: &Range<usize>, wanted: usize) -> Result<Option<usize>> {
        self.bytes_of(left)?;
        // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
        let cut = || unsafe { searcher.cut(self.start(), left, wanted) };
        self.checked(cut)?
    }

    /// Brings a range into memory, as far as the system allows, so that touching it later does not
    /// wait.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT.
    pub fn prefetch(&self, offset: usize, length: usize) -> Result<()> {
        let first = self.range(offset, length)?;
        self.checked(|| {
            // Without the fault handler, touching a page that the file has lost would end the
            // process. Reading ahead is not worth that risk.
            if !self.memory.prefetch(offset, length) && self.fault_entry.is_some() {
                for at in (0..length).step_by(sys::page_size()).chain(length.checked_sub(1)) {
                    // SAFETY: the byte is inside the range that was checked above. The read is
                    // volatile, because its result is not used.
                    unsafe { first.wrapping_add(at).read_volatile() };
                }
            }
        })
    }

    /// Advances a search that reads the bytes of `reach`. It announces that, unless the search is a
    /// part of a task, which has announced its whole range.
    fn within(
        &self,
        reach: Range<usize>,
        budget: usize,
        advance: impl FnOnce() -> Result<Progress>,
    ) -> Result<Progress> {
        self.bytes_of(&reach)?;
        if budget == WHOLE { self.with_read_ahead(reach.start, reach.len(), advance)? } else { self.checked(advance)? }
    }

    /// Runs `scan`, which reads the range from its start to its end, and announces that.
    fn with_read_ahead<T>(&self, start: usize, length: usize, scan: impl FnOnce() -> T) -> Result<T> {
        let is_announced = self.announce_scan(start, length);
        let result = self.checked(scan);
        if is_announced {
            self.end_announced_scan();
        }
        result
    }

    /// Tells the system that the range will be read from its start to its end, and returns whether
    /// it did. It does not for a short range, nor if the caller has given advice about the order.
    /// Two threads that announce parts of a range would wait for each other and for page faults: a
    /// first scan of a mapping took them 8 % longer. So a task announces its whole range.
    pub(crate) fn announce_scan(&self, start: usize, length: usize) -> bool {
        if length < WORTH_ADVICE || self.range(start, length).is_err() || self.order_advised.load(Ordering::Relaxed) {
            return false;
        }
        self.announced.fetch_add(1, Ordering::Relaxed);
        self.memory.advise_order(start, length, true);
        true
    }

    /// Takes the advice back when the last announced scan has ended: another one may read the same
    /// pages.
    pub(crate) fn end_announced_scan(&self) {
        let is_last = self.announced.fetch_sub(1, Ordering::Relaxed) == 1;
        // Another thread may have given advice during the scan, and that must stay.
        if is_last && !self.order_advised.load(Ordering::Relaxed) {
            self.memory.advise_order(0, self.len(), false);
        }
    }

    /// The address and the length of `range`.
    fn bytes_of(&self, range: &Range<usize>) -> Result<(*mut u8, usize)> {
        let length = range.end.checked_sub(range.start).ok_or(Error::OutOfRange)?;
        Ok((self.range(range.start, length)?, length))
    }
}

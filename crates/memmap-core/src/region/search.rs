//! Searching and replacing in a region, and reading it ahead.

use super::Region;
use crate::error::{Error, Result};
use crate::search::Finder;
use crate::sys;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;

/// Scans at least this long are announced to the system. The call costs as much as reading a few
/// KiB.
const WORTH_ADVICE: usize = 4 * 1024 * 1024;

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

    /// Calls `hit` with the position of each match of the needle in `range`, in ascending order and
    /// without overlaps, until `hit` returns false. An empty needle has no matches.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn matches(&self, finder: &Finder, range: Range<usize>, mut hit: impl FnMut(usize) -> bool) -> Result<()> {
        let (at, length) = self.bytes_of(&range)?;
        let start = range.start;
        // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.matches(at, length, &mut |index| hit(start + index)) };
        self.with_read_ahead(start, length, search)?
    }

    /// The number of matches of the needle in `range`, without overlaps. An empty needle has none.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn count(&self, finder: &Finder, range: Range<usize>) -> Result<usize> {
        let (at, length) = self.bytes_of(&range)?;
        // SAFETY: `bytes_of` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.count(at, length) };
        self.with_read_ahead(range.start, length, search)?
    }

    /// Replaces each match of the needle in `range` by `to`, which must be as long as the needle,
    /// and returns the position of the last match.
    ///
    /// Matches do not overlap, and an empty needle has none. The number of replaced matches is
    /// added to `replaced`, also on failure.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_READONLY and ERR_MMAP_CLOSED, with nothing changed;
    /// ERR_MMAP_FAULT; ENOMEM.
    pub fn replace(
        &self,
        finder: &Finder,
        to: &[u8],
        range: Range<usize>,
        replaced: &mut usize,
    ) -> Result<Option<usize>> {
        if to.len() != finder.needle().len() {
            return Err(Error::OutOfRange);
        }
        let gate = self.write_gate.enter();
        gate.check()?;
        let mut last = None;
        self.matches(finder, range, |position| {
            let target = self.start().wrapping_add(position);
            // SAFETY: `to` is as long as the match, which lies inside the mapping. The mapping is
            // writable, or the fault handler makes it so. `to` is private memory and overlaps
            // nothing of the mapping.
            unsafe { ptr::copy_nonoverlapping(to.as_ptr(), target, to.len()) };
            *replaced += 1;
            last = Some(position);
            true
        })?;
        Ok(last)
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

    /// Runs `scan`, which reads the range from its start to its end, and announces that to the
    /// system. It does not if the caller has given advice about the order.
    fn with_read_ahead<T>(&self, start: usize, length: usize, scan: impl FnOnce() -> T) -> Result<T> {
        let advises = length >= WORTH_ADVICE && !self.order_advised.load(Ordering::Relaxed);
        if advises {
            self.memory.advise_order(start, length, true);
        }
        let result = self.checked(scan);
        // Another thread may have given advice during the scan, and that must stay.
        if advises && !self.order_advised.load(Ordering::Relaxed) {
            self.memory.advise_order(start, length, false);
        }
        result
    }

    /// The address and the length of `range`.
    fn bytes_of(&self, range: &Range<usize>) -> Result<(*mut u8, usize)> {
        let length = range.end.checked_sub(range.start).ok_or(Error::OutOfRange)?;
        Ok((self.range(range.start, length)?, length))
    }
}

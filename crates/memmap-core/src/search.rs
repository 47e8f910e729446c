//! Finding bytes in mapped memory.
//!
//! memchr's searchers take slices, and a slice over memory that others write to would be undefined behaviour. So a stretch at a
//! time is copied to memory of our own and searched there: small enough to stay in the cache, long enough that its overlap
//! (a needle less one byte) does not count. A match is a match of the bytes as they were when they were copied.

use crate::error::Result;
use crate::sys;
use memchr::memmem;
use std::ptr;

/// Bytes searched at a time, at least.
const STRETCH: usize = 64 * 1024;

/// The first place of `needle` in `length` bytes from `haystack`. An empty needle is at 0.
///
/// # Errors
///
/// ENOMEM.
///
/// # Safety
///
/// `length` bytes from `haystack` must stay readable for the length of the call. Others may write to them.
pub unsafe fn find(haystack: *const u8, length: usize, needle: &[u8]) -> Result<Option<usize>> {
    let finder = memmem::Finder::new(needle);
    let mut copy = Stretch::new(length, needle.len())?;
    let mut start = 0;
    loop {
        let count = copy.capacity().min(length - start);
        // SAFETY: `start + count` is at most `length`, which the caller promises is readable.
        let bytes = unsafe { copy.of(haystack, start, count) };
        if let Some(index) = finder.find(bytes) {
            return Ok(Some(start + index));
        }
        if start + count == length {
            return Ok(None);
        }
        start += count - (needle.len() - 1);
    }
}

/// The last place of `needle` in `length` bytes from `haystack`. An empty needle is at `length`.
///
/// # Safety
///
/// As for [`find`].
pub unsafe fn rfind(haystack: *const u8, length: usize, needle: &[u8]) -> Result<Option<usize>> {
    let finder = memmem::FinderRev::new(needle);
    let mut copy = Stretch::new(length, needle.len())?;
    let mut stop = length;
    loop {
        let count = copy.capacity().min(stop);
        let start = stop - count;
        // SAFETY: `start + count` is `stop`, at most `length`, which the caller promises is readable.
        let bytes = unsafe { copy.of(haystack, start, count) };
        if let Some(index) = finder.rfind(bytes) {
            return Ok(Some(start + index));
        }
        if start == 0 {
            return Ok(None);
        }
        stop = start + (needle.len() - 1);
    }
}

/// Memory of our own to copy a stretch into.
struct Stretch(Vec<u8>);

impl Stretch {
    fn new(haystack: usize, needle: usize) -> Result<Stretch> {
        // With room for two needles each step goes on by more than a needle, however long it is.
        let length = STRETCH.max(needle.saturating_mul(2)).min(haystack);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| sys::no_memory("malloc"))?;
        Ok(Stretch(bytes))
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Copies `count` bytes, which must be no more than the capacity.
    ///
    /// # Safety
    ///
    /// `count` bytes from `haystack + start` must be readable.
    unsafe fn of(&mut self, haystack: *const u8, start: usize, count: usize) -> &[u8] {
        let count = count.min(self.0.capacity());
        // SAFETY: the caller promises that this is inside the haystack.
        let from = unsafe { haystack.add(start) };
        // SAFETY: `count` bytes are readable (the caller) and fit (the line above); the vector is ours alone.
        unsafe { ptr::copy_nonoverlapping(from, self.0.as_mut_ptr(), count) };
        // SAFETY: `count` bytes have just been initialised and are no more than the capacity.
        unsafe { self.0.set_len(count) };
        &self.0
    }
}

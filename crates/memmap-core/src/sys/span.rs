//! Ranges of memory in whole pages.

use std::ptr::NonNull;

/// How many pages of a range are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residency {
    /// Pages that are in memory.
    pub resident: usize,
    /// Pages in the range.
    pub total: usize,
}

/// Addresses that an engine has reserved for memory.
#[derive(Debug, Clone, Copy)]
pub struct Reservation {
    /// Where the memory will begin.
    pub address: NonNull<u8>,
    /// Bytes from the start of that page.
    pub capacity: usize,
}

/// A part of a mapping in whole pages, for calls of the operating system.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSpan {
    pub(super) address: *mut u8,
    pub(super) length: usize,
}

impl PageSpan {
    /// The pages of `page` bytes that contain `[start, start + length)`.
    pub(super) fn of_pages(start: *mut u8, length: usize, page: usize) -> PageSpan {
        let lead = start.addr() % page;
        PageSpan { address: start.wrapping_sub(lead), length: length + lead }
    }

    /// The number of pages of `page` bytes.
    pub(super) fn pages(self, page: usize) -> usize {
        self.length.div_ceil(page)
    }
}

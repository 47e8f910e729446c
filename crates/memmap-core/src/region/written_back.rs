//! The record of private changes that have been written into the file.

use crate::error::Result;
use crate::sys;
use std::collections::BTreeMap;
use std::ops::Range;

/// What has been written back.
#[derive(Debug, Default)]
pub(crate) struct WrittenBack {
    /// The pages as last written, by their start in the region. The first and the last may be parts
    /// of pages.
    pages: BTreeMap<usize, Vec<u8>>,
    /// The number of writes, each counted before it is made.
    pub(crate) writes: u64,
    /// The number of those writes that the device has.
    pub(crate) synced: u64,
}

/// A page that may have changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'bytes> {
    /// Its start in the region.
    pub(crate) start: usize,
    /// Its position in the file.
    pub(crate) file_offset: u64,
    /// Its bytes in the memory.
    pub(crate) new: &'bytes [u8],
    /// Its bytes in the file.
    pub(crate) old: &'bytes [u8],
}

impl WrittenBack {
    /// Forgets the pages, because they are no longer private.
    pub(crate) fn forget_pages(&mut self) {
        self.pages.clear();
    }

    /// Writes the changed bytes of the `wanted` part of a page.
    pub(crate) fn write_page(&mut self, file: &sys::File, page: Page, wanted: Range<usize>) -> Result<()> {
        /// Changes are written in pieces, so that nothing else is overwritten. Without a limit
        /// there could be a call for every few bytes.
        const MOST_PIECES: usize = 64;
        let Page { start, file_offset, new, old } = page;
        let before = self.pages.get(&start);
        // Allocate the record before writing, because bytes that are not recorded would be written
        // again.
        let mut remembered = Vec::new();
        remembered.try_reserve_exact(new.len()).map_err(|_| sys::no_memory("malloc"))?;
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for (index, (&new, &old)) in new.iter().zip(old).enumerate() {
            let before = before.and_then(|before| before.get(index).copied()).unwrap_or(old);
            let is_wanted = wanted.contains(&index);
            remembered.push(if is_wanted { new } else { before });
            if !is_wanted || new == before || new == old {
                continue;
            }
            let full = pieces.len() == MOST_PIECES;
            match pieces.last_mut() {
                Some(piece) if piece.end == index || full => piece.end = index + 1,
                _ => pieces.push(index..index + 1),
            }
        }
        if !pieces.is_empty() {
            self.writes += 1;
        }
        for piece in pieces {
            file.write_at(new.get(piece.clone()).unwrap_or_default(), file_offset + piece.start as u64)?;
        }
        self.pages.insert(start, remembered);
        Ok(())
    }
}

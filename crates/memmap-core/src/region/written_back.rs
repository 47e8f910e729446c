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

impl WrittenBack {
    /// Forgets the pages, because they are no longer private.
    pub(crate) fn forget_pages(&mut self) {
        self.pages.clear();
    }

    /// Writes the changed bytes of a page: `new` is the page, `old` is the page in the file, and
    /// `wanted` is the part to write.
    pub(crate) fn write_page(
        &mut self,
        file: &sys::File,
        key: usize,
        file_at: u64,
        wanted: Range<usize>,
        new: &[u8],
        old: &[u8],
    ) -> Result<()> {
        /// Changes are written in pieces, so that nothing else is overwritten. Without a limit
        /// there could be a call for every few bytes.
        const MOST_PIECES: usize = 64;
        let before = self.pages.get(&key);
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
            file.write_at(new.get(piece.clone()).unwrap_or_default(), file_at + piece.start as u64)?;
        }
        self.pages.insert(key, remembered);
        Ok(())
    }
}

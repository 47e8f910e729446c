//! What has been written of private changes into the file.

use crate::error::Result;
use crate::sys;
use std::collections::BTreeMap;
use std::ops::Range;

/// What has been written of private changes.
#[derive(Debug, Default)]
pub(crate) struct WrittenBack {
    /// The pages as they were written last, by where they begin in the region. (The first and the
    /// last may be parts of pages.)
    pages: BTreeMap<usize, Vec<u8>>,
    /// How often something was written, counted before it is.
    pub(crate) writes: u64,
    /// How many of those writes the device has.
    pub(crate) synced: u64,
}

impl WrittenBack {
    /// Forgets the pages, because they are not private any more.
    pub(crate) fn forget_pages(&mut self) {
        self.pages.clear();
    }

    /// Writes the bytes of a page that were changed: `new` is the page, `old` is what the file has
    /// there, `wanted` is the part of it to be written.
    pub(crate) fn write_page(
        &mut self,
        file: &sys::File,
        key: usize,
        file_at: u64,
        wanted: Range<usize>,
        new: &[u8],
        old: &[u8],
    ) -> Result<()> {
        /// In pieces, so that nothing else is written. With more of them it would be one call for
        /// every few bytes.
        const MOST_PIECES: usize = 64;
        let before = self.pages.get(&key);
        // Before anything is written: what could not be remembered would be written again.
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

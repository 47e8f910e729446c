//! Making changes durable. What that needs is apart from the mapping, because a flush may go on when the mapping is closed.

use crate::error::{Error, Result};
use crate::region::{RawBytes, Region};
use crate::sys::{self, Memory};
use crate::writing::State;
use std::sync::Arc;

/// Brings changes of a region into its file, and to the device.
#[derive(Debug, Clone)]
pub struct Flusher {
    /// The memory.
    pub(crate) region: Arc<Region>,
    /// The file, where a descriptor of it was kept.
    pub(crate) file: Option<Arc<sys::File>>,
    /// At which byte of the file the region begins.
    pub(crate) offset: u64,
    /// What is stored is the file's, and not private, or was.
    pub(crate) writes_through: bool,
    /// Private changes are written into the file.
    pub(crate) write_back: bool,
    /// The file as it was mapped: a page that differs from this was stored to; see [`crate::Mapping`].
    pub(crate) original: Option<Arc<Region>>,
}

impl Flusher {
    /// See [`crate::Mapping::flush`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and what msync, fsync and pwrite say.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        self.region.range(offset, length)?;
        let writing = self.region.writing().state();
        if self.write_back {
            // After that, what was stored before has been written already, and what was stored later is not meant for the file.
            return if *writing == State::Kept { self.write_changed_pages(offset, length) } else { Ok(()) };
        }
        // What was written to lost pages is lost, and msync says nothing of it.
        self.region.intact()?;
        if !self.writes_through {
            return Ok(());
        }
        self.region.memory().flush(offset, length, flags)?;
        // Pages that are private by now have nothing to do with what was stored before.
        if Memory::FLUSH_REACHES_DEVICE && *writing == State::Kept || Memory::flush_is_asynchronous(flags) {
            return Ok(());
        }
        drop(writing);
        self.file.as_ref().map_or(Ok(()), |file| file.sync_data())
    }

    /// Writes the pages that were stored to to the file, so that what others wrote elsewhere in it stays.
    ///
    /// Where the system does not tell which pages those are, they are the ones that differ from the original, or from the file. Then a page which
    /// nobody stored to can be taken for one that was, if another process changes it just when the original is mapped, or in just this moment.
    ///
    /// Intact pages are written in any case; then it fails with the rest, all beyond the end of the file. Whether that had been changed
    /// nobody can say, for the system drops private pages together with the file's.
    pub(crate) fn write_changed_pages(&self, offset: usize, length: usize) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let page = sys::page_size();
        // What was cut off is not to come back as zeros.
        let file_end = usize::try_from(file.status()?.size.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let end = offset + length;
        let mut intact = end.min(file_end).min(self.region.intact_length());
        let mut at = offset;
        let mut wrote = false;
        while at < intact {
            let file_at = self.offset + at as u64;
            // To the next page of the file first, whole pages from then on.
            let to_page = page - (file_at % page as u64) as usize;
            let count = if to_page == page { page * 64 } else { to_page }.min(intact - at);
            let turn = self.region.writing_back();
            let copied = self.region.memory().copied_pages(at, count);
            let mut theirs = vec![0u8; count];
            let mut ours = vec![0u8; count];
            let there = file.read_at(&mut theirs, file_at)?;
            copy_out(&self.region, at, &mut ours)?;
            let mut original = None;
            if let Some(region) = &self.original {
                copy_out(region, at, original.insert(vec![0u8; count]))?;
            }
            // The file may have been cut meanwhile.
            let file_end = if there < count { at + there } else { end };
            intact = intact.min(file_end).min(self.region.intact_length());
            ours.truncate(intact.saturating_sub(at));
            let mut piece_at = file_at;
            for (index, (new, old)) in ours.chunks(page).zip(theirs.chunks(page)).enumerate() {
                let is_copied = match (&copied, &original) {
                    (Some(copied), _) => copied.get(index) == Some(&true),
                    (None, Some(original)) => original.chunks(page).nth(index) != Some(new),
                    (None, None) => true,
                };
                if is_copied && new != old {
                    file.write_at(new, piece_at)?;
                    wrote = true;
                }
                piece_at += new.len() as u64;
            }
            drop(turn);
            at += count;
        }
        if wrote {
            file.sync_data()?;
        }
        if intact < end {
            return Err(Error::Fault { offset: intact, length: self.region.len() - intact });
        }
        self.region.intact()
    }
}

fn copy_out(region: &Region, offset: usize, bytes: &mut [u8]) -> Result<()> {
    // SAFETY: they are the caller's own, as long as they say.
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), bytes.len()) };
    region.read_lost(offset, target)
}

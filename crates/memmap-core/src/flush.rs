//! Making changes durable. What that needs is apart from the mapping, because a flush may go on when the mapping is closed.

use crate::error::{Error, Result};
use crate::region::{Gate, RawBytes, Region};
use crate::sys::{self, Memory};
use std::sync::Arc;

/// Brings changes of a region into its file, and to the device.
#[derive(Debug, Clone)]
pub struct Retained {
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
    pub(crate) baseline: Option<Arc<Region>>,
}

impl Retained {
    /// See [`crate::Mapping::flush`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and what msync, fsync and pwrite say.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        self.region.range(offset, length)?;
        let gate = self.region.write_gate().enter();
        if self.write_back {
            // After that, what was stored before has been written already, and what was stored later is not meant for the file.
            return if *gate == Gate::Open { self.write_changed_pages(offset, length) } else { Ok(()) };
        }
        // What was written to lost pages is lost, and msync says nothing of it.
        self.region.intact()?;
        if !self.writes_through {
            return Ok(());
        }
        self.region.memory().flush(offset, length, flags)?;
        // Pages that are private by now have nothing to do with what was stored before.
        if Memory::FLUSH_REACHES_DEVICE && *gate == Gate::Open || Memory::flush_is_asynchronous(flags) {
            return Ok(());
        }
        drop(gate);
        self.file.as_ref().map_or(Ok(()), |file| file.sync_data())
    }

    /// Writes the bytes that were stored to the file, so that what others wrote elsewhere in it
    /// stays.
    ///
    /// A page that was stored to once is private for ever. So what was written of it is remembered,
    /// and later only the bytes that have changed since then are written: the others may have been
    /// changed in the file by somebody else. The first time, they are the bytes that differ from
    /// the file.
    ///
    /// Where the system does not tell which pages were stored to, they are the ones that differ
    /// from the baseline, or from the file. Then a page which nobody stored to can be taken for one
    /// that was, if another process changes it just when the baseline is mapped, or in just this
    /// moment.
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
        let flushed = offset..offset + length;
        // Whole pages: what is remembered of them is found again by where they begin.
        let lead = (self.offset % page as u64) as usize;
        let offset = ((offset + lead) / page * page).saturating_sub(lead);
        let end = ((flushed.end + lead).next_multiple_of(page) - lead).min(self.region.len());
        let mut intact = end.min(file_end).min(self.region.intact_length());
        let mut at = offset;
        while at < intact {
            let file_at = self.offset + at as u64;
            // To the next page of the file first, whole pages from then on.
            let to_page = page - (file_at % page as u64) as usize;
            let count = if to_page == page { page * 64 } else { to_page }.min(intact - at);
            let mut written = self.region.written_back();
            let copied = self.region.memory().copied_pages(at, count);
            let mut theirs = vec![0u8; count];
            let mut ours = vec![0u8; count];
            let there = file.read_at(&mut theirs, file_at)?;
            copy_out(&self.region, at, &mut ours)?;
            let mut baseline = None;
            if let Some(region) = &self.baseline {
                copy_out(region, at, baseline.insert(vec![0u8; count]))?;
            }
            // The file may have been cut meanwhile.
            let file_end = if there < count { at + there } else { end };
            intact = intact.min(file_end).min(self.region.intact_length());
            ours.truncate(intact.saturating_sub(at));
            let mut page_at = at;
            for (index, (new, old)) in ours.chunks(page).zip(theirs.chunks(page)).enumerate() {
                let is_copied = match (&copied, &baseline) {
                    (Some(copied), _) => copied.get(index) == Some(&true),
                    (None, Some(baseline)) => baseline.chunks(page).nth(index) != Some(new),
                    (None, None) => true,
                };
                if is_copied {
                    let wanted = flushed.start.saturating_sub(page_at)..flushed.end.saturating_sub(page_at);
                    written.write_page(file, page_at, self.offset + page_at as u64, wanted, new, old)?;
                }
                page_at += new.len();
            }
            drop(written);
            at += count;
        }
        self.sync_written(file)?;
        if intact < flushed.end {
            return Err(Error::Fault { offset: intact, length: self.region.len() - intact });
        }
        self.region.intact()
    }

    /// Waits for the device, if it may not have everything that was written by any thread: also
    /// what a sync that failed was to bring there, or what another thread is waiting for.
    fn sync_written(&self, file: &sys::File) -> Result<()> {
        let written = self.region.written_back().writes;
        if self.region.written_back().synced >= written {
            return Ok(());
        }
        file.sync_data()?;
        let mut state = self.region.written_back();
        state.synced = state.synced.max(written);
        Ok(())
    }
}

fn copy_out(region: &Region, offset: usize, bytes: &mut [u8]) -> Result<()> {
    // SAFETY: they are the caller's own, as long as they say.
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), bytes.len()) };
    region.read_lost(offset, target)
}

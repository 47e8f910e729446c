//! Making changes durable. What this needs is separate from the mapping, because a flush may
//! continue after the mapping is closed.

use super::Mapping;
use crate::error::{Error, Result};
use crate::region::{Gate, Page, RawBytes, Region};
use crate::source::Source;
use crate::sys::{self, Memory};
use std::sync::Arc;

/// What a flush needs, retained after the mapping is closed.
#[derive(Debug, Clone)]
pub struct Retained {
    /// The memory.
    pub(crate) region: Arc<Region>,
    /// The file, if its descriptor was kept.
    pub(crate) file: Option<Arc<sys::File>>,
    /// The position in the file at which the region begins.
    pub(crate) offset: u64,
    /// Stores reach the file, or did so before `protect`.
    pub(crate) writes_through: bool,
    /// Private changes are written into the file.
    pub(crate) write_back: bool,
    /// A private copy of the file from the time of mapping, to which nobody stores. Pages that
    /// differ from it were stored to. See [`crate::Mapping`].
    pub(crate) baseline: Option<Arc<Region>>,
}

impl Mapping {
    /// Makes the changes in a range durable. For a mapping whose changes stay private it does
    /// nothing, unless the mapping writes back.
    ///
    /// `flags` are those of msync(2), MS_SYNC by default. With MS_ASYNC it does not wait. The range
    /// may begin and end anywhere.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and those of msync, fsync and pwrite.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        self.retain().flush(offset, length, flags)
    }

    /// Writes private changes into the file if the mapping writes back. Call it before closing. It
    /// also stops tasks that store, because nobody would write their further changes.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::flush`]. With ERR_MMAP_FAULT, intact pages have been written, and the
    /// others are lost whether the mapping is closed or not. With other errors nothing is lost if
    /// the mapping stays open.
    pub fn write_back(&self) -> Result<()> {
        let retained = self.retain();
        if !retained.write_back {
            return Ok(());
        }
        let mut gate = self.region.write_gate().lock();
        let result = retained.write_changed_pages(0, self.region.len());
        if let Ok(()) | Err(Error::Fault { .. }) = result {
            *gate = Gate::Closed;
        }
        result
    }

    /// Returns what a flush needs, even after the mapping is closed.
    pub fn retain(&self) -> Retained {
        Retained {
            region: Arc::clone(&self.region),
            file: match &self.source {
                Source::File(file) => file.clone(),
                // The memory of the others has no device.
                Source::Anonymous(_) | Source::Named(_) => None,
            },
            offset: self.offset,
            writes_through: self.plan.writes_through() || self.wrote_through,
            // What is stored while the methods refuse to write must not reach the file.
            write_back: self.write_back && self.plan.writable(),
            baseline: self.baseline.clone(),
        }
    }
}

impl Retained {
    /// The memory.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Like [`Mapping::flush`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and those of msync, fsync and pwrite.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        self.region.range(offset, length)?;
        let gate = self.region.write_gate().enter();
        if self.write_back {
            // If the gate is not open, `protect` or `close` has already written all earlier stores;
            // later ones are private.
            return if *gate == Gate::Open { self.write_changed_pages(offset, length) } else { Ok(()) };
        }
        // What was written to lost pages is lost, but msync does not report that.
        self.region.intact()?;
        if !self.writes_through {
            return Ok(());
        }
        self.region.memory().flush(offset, length, flags)?;
        // If the gate is detached, the pages are private now and msync has not flushed the earlier
        // stores.
        if Memory::FLUSH_REACHES_DEVICE && *gate == Gate::Open || Memory::flush_is_asynchronous(flags) {
            return Ok(());
        }
        drop(gate);
        self.file.as_ref().map_or(Ok(()), |file| file.sync_data())
    }

    /// Writes the stored bytes into the file, without overwriting what others wrote elsewhere in
    /// it.
    ///
    /// A page that was stored to stays private for ever. So the pages that were written are
    /// remembered. A later call writes only the bytes that have changed since, because others may
    /// have changed the rest in the file. The first time, the bytes to write are those that differ
    /// from the file.
    ///
    /// Where the system does not tell which pages were stored to, they are the ones that differ
    /// from the baseline, or from the file. Such a page may have been changed only by another
    /// process, if that happened while the baseline was mapped or during this call. It is then
    /// taken for one that was stored to.
    ///
    /// Intact pages are written in any case. If others are lost, the call then fails with the range
    /// beyond the end of the file. Nobody can say whether that range had been changed, because the
    /// system drops private pages together with the file's.
    pub(crate) fn write_changed_pages(&self, offset: usize, length: usize) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let page = sys::page_size();
        // Stop at the file's current end: writing past it would extend a truncated file again.
        let file_end = usize::try_from(file.status()?.size.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let flushed = offset..offset + length;
        // Write whole pages, because the record of written pages is found by their start.
        let lead = (self.offset % page as u64) as usize;
        let offset = ((offset + lead) / page * page).saturating_sub(lead);
        let end = ((flushed.end + lead).next_multiple_of(page) - lead).min(self.region.len());
        let mut intact = end.min(file_end).min(self.region.intact_length());
        let mut at = offset;
        while at < intact {
            let file_at = self.offset + at as u64;
            // First to the next page of the file, then whole pages.
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
            // The file may have been truncated since its size was read.
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
                    let file_offset = self.offset + page_at as u64;
                    written.write_page(file, Page { start: page_at, file_offset, new, old }, wanted)?;
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

    /// Waits for the device, unless it has all writes of all threads. That includes writes whose
    /// sync failed, and writes for which another thread is waiting.
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
    // SAFETY: the slice is writable memory of the caller and outlives this call.
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), bytes.len()) };
    region.read_lost(offset, target)
}

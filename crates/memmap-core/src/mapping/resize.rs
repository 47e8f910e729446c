//! Changing the length of a mapping, with its file (`resize`) or without (`remap`).

use super::Mapping;
use super::open::{identity, memory_of, named_region};
use crate::access::Access;
use crate::error::{Error, Result};
use crate::extent::{self, Status};
use crate::region::{Gate, RawBytes, Region};
use crate::source::Source;
use crate::sys::{self, Memory, Named};
use std::sync::Arc;

impl Mapping {
    /// Changes the length of the mapping and of its file. Both then end at `offset + new_length`.
    ///
    /// The memory is mapped anew. Holders of the old Region see the part of the file that they had,
    /// and zeros beyond the new end. The new length is mapped before the file changes, so a failure
    /// leaves both unchanged. (Windows does not truncate a mapped file. There the old memory is
    /// unmapped first, and shrinking is refused while the memory is in use.)
    ///
    /// Private anonymous memory is copied. A named region cannot exceed its size, and shared
    /// anonymous memory cannot grow on Linux.
    ///
    /// # Errors
    ///
    /// In this order: ERR_INVALID_ARG_VALUE without a descriptor; ERR_MMAP_READONLY if changes do
    /// not reach the file; ERR_OUT_OF_RANGE for 0, for too much, or for memory that cannot grow;
    /// then ENOSPC, ENOMEM and others of the system.
    pub fn resize(&mut self, new_length: u64) -> Result<()> {
        if !self.tracked {
            return Err(Error::ResizeUntracked);
        }
        // CPython allows this for a file with MAP_PRIVATE, and then truncates or extends a file
        // that the mapping no longer shows.
        let private_file = self.plan.private && !matches!(self.source, Source::Anonymous(_));
        if private_file || matches!(self.plan.access, Access::Read | Access::Copy) {
            return Err(Error::ResizePrivate);
        }
        let length = extent::addressable(new_length).map_err(|_| Error::ResizeOutOfRange)?;
        // File sizes are signed.
        let end = self.offset.checked_add(new_length).filter(|&end| i64::try_from(end).is_ok());
        let Some(end) = end.filter(|_| length != 0 || self.allow_empty) else {
            return Err(Error::ResizeOutOfRange);
        };
        match &self.source {
            Source::File(Some(file)) => {
                let before = file.status()?;
                if !before.regular {
                    // The size of a device is fixed, and "extending" one would overwrite its
                    // contents.
                    return Err(sys::not_resizable());
                }
                if end < before.size && !sys::CAN_TRUNCATE_WHILE_MAPPED {
                    return self.unmap_and_truncate(length, end);
                }
                let region = self.resize_file(file, &before, length, end)?;
                self.replace_region(region);
                self.map_zeros_over_earlier(length);
            }
            // Files that are `tracked` have a descriptor.
            Source::File(None) => return Err(Error::ResizeUntracked),
            Source::Anonymous(file) => self.replace_region(self.resize_anonymous(file.as_ref(), length)?),
            Source::Named(named) => self.replace_region(self.resize_named(named, length, end)?),
        }
        Ok(())
    }

    /// Maps what the file has now from `offset` on, or `new_length` bytes of it. The file is not
    /// changed.
    ///
    /// The memory is mapped anew, unless it has that length already and is intact. Holders of the
    /// old Region see what they saw before. A failure leaves the mapping unchanged.
    ///
    /// # Errors
    ///
    /// In this order: ERR_INVALID_ARG_VALUE without a file or its descriptor; ERR_MMAP_READONLY for
    /// a private mapping, whose changes would be lost; ERR_OUT_OF_RANGE for more than the file has,
    /// and for 0 unless that is allowed; then those of the system.
    pub fn remap(&mut self, new_length: Option<u64>) -> Result<()> {
        if !matches!(self.source, Source::File(_)) {
            return Err(Error::RemapWithoutFile);
        }
        let Source::File(Some(file)) = &self.source else {
            return Err(Error::RemapUntracked);
        };
        if self.plan.private {
            return Err(Error::RemapPrivate);
        }
        let status = file.status()?;
        let length = extent::extent_of_remap(status, self.offset, new_length, self.allow_empty)?;
        if length == self.region.len() && self.region.intact().is_ok() {
            return Ok(());
        }
        let region = self.region_of_file(file, &status, length, || Ok(()))?;
        self.replace_region(region);
        Ok(())
    }

    /// Maps zeros over the part of earlier regions that the file no longer has, so that their views
    /// do not fault there.
    fn map_zeros_over_earlier(&self, kept: usize) {
        for region in self.earlier_regions.iter() {
            if region.memory().is_engine_owned() {
                // The engine may have unmapped the memory. If it has not, the fault handler handles
                // faults in its views.
                continue;
            }
            // An error, which is a lack of memory, is ignored: the file has been truncated already,
            // and that cannot be undone.
            let _ = region.map_zeros_from(kept);
        }
    }

    /// Maps the new length before it changes the size of the file. A mapping may extend beyond the
    /// end of its file, so nothing has to be undone.
    fn resize_file(&self, file: &sys::File, before: &Status, length: usize, end: u64) -> Result<Region> {
        let change_size = || {
            if end > before.size {
                file.allocate(before.size..end)
            } else if end < before.size {
                file.set_size(end)
            } else {
                Ok(())
            }
        };
        self.region_of_file(file, before, length, change_size)
    }

    /// Maps another length of the file, in place if there is room. `change_size` gives the file its
    /// size, and is called after all that can fail without a trace.
    fn region_of_file(
        &self,
        file: &sys::File,
        status: &Status,
        length: usize,
        mut change_size: impl FnMut() -> Result<()>,
    ) -> Result<Region> {
        if !sys::CAN_MAP_BEYOND_END {
            change_size()?;
        }
        let growth =
            if length == 0 { None } else { self.region.memory().grown(file, self.offset, length, &self.plan)? };
        let memory = match growth {
            Some(growth) => self.region.record_loss(growth.finish(file, change_size))?,
            None => {
                let memory = memory_of(file, status, self.offset, length, &self.plan)?;
                if sys::CAN_MAP_BEYOND_END {
                    change_size()?;
                }
                memory
            }
        };
        Ok(self.region.resized(memory, self.offset, identity(file, status)))
    }

    fn resize_anonymous(&self, file: Option<&sys::File>, length: usize) -> Result<Region> {
        let grows = length > self.region.len();
        if grows && !self.plan.private && !sys::CAN_GROW_SHARED_ANONYMOUS {
            return Err(Error::ResizeSharedAnonymous);
        }
        if let Some(file) = file {
            if grows {
                file.allocate(0..length as u64)?;
            }
            // Only the mapping becomes shorter and not its file, because another process may have
            // mapped all of that.
            return Ok(Region::of_memory(Memory::of_file(file, 0, length, &self.plan)?));
        }
        let (memory, _) = Memory::anonymous(length, &self.plan, self.tracked)?;
        let region = Region::of_memory(memory);
        let kept = length.min(self.region.len());
        // SAFETY: the new region is mapped and writable for at least `kept` bytes, and outlives the
        // call.
        let target = unsafe { RawBytes::new(region.start(), kept) };
        let mut gate = self.region.write_gate().lock();
        self.region.read(0, target)?;
        *gate = Gate::Detached;
        Ok(region)
    }

    fn resize_named(&self, named: &Named, length: usize, end: u64) -> Result<Region> {
        let existing = named.size()?;
        if end > existing {
            return Err(Error::ResizeNamed { existing });
        }
        let memory = named.map_again(self.offset, length, &self.plan)?;
        named_region(memory, named.clone(), self.offset)
    }

    /// Shrinks a file on a system that does not truncate mapped files.
    fn unmap_and_truncate(&mut self, length: usize, end: u64) -> Result<()> {
        let Source::File(Some(file)) = &self.source else {
            return Err(Error::ResizeUntracked);
        };
        if Arc::strong_count(&self.region) > 1 {
            // Views hold the memory. If they show the part to be removed, the system refuses, with
            // its own error.
            file.set_size(end)?;
            let memory = memory_of(file, &file.status()?, self.offset, length, &self.plan)?;
            self.replace_region(Region::of_file(memory, None, self.offset, None));
            return Ok(());
        }
        let old_length = self.region.len();
        self.region = Arc::new(Region::of_memory(Memory::empty()?));
        let result = file.set_size(end);
        let length = if result.is_ok() { length } else { old_length };
        let memory = memory_of(file, &file.status()?, self.offset, length, &self.plan)?;
        self.region = Arc::new(Region::of_file(memory, None, self.offset, None));
        result
    }
}

//! Another length, with the file or without it.

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
    /// Changes the length of the mapping, and of its file with it: `offset + new_length` is the end of both.
    ///
    /// The memory is mapped anew. Whoever holds the old Region sees the part of the file that it had, and zeros beyond the new
    /// end. The new length is mapped first, and the file changes then: a failure leaves both as
    /// they were. (Windows truncates no file that is mapped: there the old memory goes first, and
    /// while somebody holds it, shrinking is refused.) Private anonymous memory is copied; a named
    /// region cannot exceed its size, and shared anonymous memory cannot grow on Linux.
    ///
    /// # Errors
    ///
    /// In this order: ERR_INVALID_ARG_VALUE without a descriptor, ERR_MMAP_READONLY when changes do not reach the file,
    /// ERR_OUT_OF_RANGE for nothing, too much, or memory that cannot grow; then ENOSPC, ENOMEM and what else the system says.
    pub fn resize(&mut self, new_length: u64) -> Result<()> {
        if !self.tracked {
            return Err(Error::ResizeUntracked);
        }
        // CPython lets MAP_PRIVATE with a file through, and cuts or extends a file that the mapping is no part of any more.
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
                    // The size of a device is its own, and to "extend" one would overwrite what is
                    // on it.
                    return Err(sys::not_resizable());
                }
                if end < before.size && !sys::CAN_TRUNCATE_WHILE_MAPPED {
                    return self.unmap_and_truncate(length, end);
                }
                let region = self.resize_file(file, &before, length, end)?;
                self.replace_region(region);
                self.map_zeros_over_earlier(length);
            }
            // `tracked` files have a descriptor.
            Source::File(None) => return Err(Error::ResizeUntracked),
            Source::Anonymous(file) => self.replace_region(self.resize_anonymous(file.as_ref(), length)?),
            Source::Named(named) => self.replace_region(self.resize_named(named, length, end)?),
        }
        Ok(())
    }

    /// Maps what the file has now from `offset` on, or `new_length` bytes of it. The file stays as it is.
    ///
    /// The memory is mapped anew, unless it is what is wanted already. Whoever holds the old Region
    /// sees what it showed before. A failure leaves the mapping as it was.
    ///
    /// # Errors
    ///
    /// In this order: ERR_INVALID_ARG_VALUE without a file or a descriptor of it, ERR_MMAP_READONLY
    /// for a private mapping, whose changes would be lost, ERR_OUT_OF_RANGE for nothing, unless
    /// that is allowed, and for more than the file has; then what the system says.
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

    /// Views of earlier regions must not run into the new end of the file.
    fn map_zeros_over_earlier(&self, kept: usize) {
        for region in self.earlier_regions.iter() {
            if region.memory().is_engine_owned() {
                // The engine may have unmapped it by now. If it has not, views of it are answered by the fault handler.
                continue;
            }
            // Where this fails, for lack of memory, the file is cut off all the same and nothing can be undone.
            let _ = region.map_zeros_from(kept);
        }
    }

    /// Maps first and changes the file then: a mapping may reach beyond the end of its file, and
    /// nothing has to be undone.
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

    /// Maps another length of the file, in place where there is room. `change_size` gives the file
    /// its size, when all that can fail without a trace is done.
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
            // Made shorter, it is the mapping that is, and not its file: another process may have mapped all of that.
            return Ok(Region::of_memory(Memory::of_file(file, 0, length, &self.plan)?));
        }
        let (memory, _) = Memory::anonymous(length, &self.plan, self.tracked)?;
        let region = Region::of_memory(memory);
        let kept = length.min(self.region.len());
        // SAFETY: the new region is mapped and writable for at least `kept` bytes, and lives through the call.
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

    /// Shrinks a file on a system that truncates none that is mapped.
    fn unmap_and_truncate(&mut self, length: usize, end: u64) -> Result<()> {
        let Source::File(Some(file)) = &self.source else {
            return Err(Error::ResizeUntracked);
        };
        if Arc::strong_count(&self.region) > 1 {
            // Views hold the memory. Where they lie in what is to go, the system says no, in its own words.
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

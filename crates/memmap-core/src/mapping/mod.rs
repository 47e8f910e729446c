//! An open mapping: the memory, what it was mapped from, and what may be done with it.

mod flush;
mod open;
mod resize;

pub use flush::Retained;
pub use open::{Create, Request};

use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::region::{Gate, Region};
use crate::source::Source;
use crate::sys::{self, Residency};
use crate::weak_list::WeakList;
use open::{memory_of, present_identity};
use std::ptr::NonNull;
use std::sync::Arc;

/// A mapping until it is closed. Dropping it closes the descriptor at once; the memory stays for as long as somebody holds its
/// [`Region`].
#[derive(Debug)]
pub struct Mapping {
    region: Arc<Region>,
    /// Regions from before each resize, as long as somebody holds them.
    earlier_regions: WeakList<Region>,
    source: Source,
    offset: u64,
    /// What the mapping was opened for. `protect` changes `plan` and may come back to this.
    opened_plan: Plan,
    plan: Plan,
    tracked: bool,
    /// Whether the system says which pages of the file are in memory, where no descriptor is left
    /// to ask.
    tells_residency: bool,
    write_back: bool,
    allow_empty: bool,
    /// Opening it has made the file, the region or the memory.
    created: bool,
    /// Where private pages are a snapshot of the file: a second one that nobody stores to, to compare with when writing back.
    baseline: Option<Arc<Region>>,
    /// It wrote through at some time before a `protect`.
    wrote_through: bool,
}

impl Mapping {
    /// The memory.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// Whether opening it has made the file, the named region or the memory. Of all that open one
    /// file or region, also in other processes, one has made it.
    pub fn created(&self) -> bool {
        self.created
    }

    /// What the methods may do.
    pub fn access(&self) -> Access {
        self.plan.access
    }

    /// The descriptor that is kept, -1 if none is.
    pub fn descriptor(&self) -> i32 {
        self.source.inheritable().filter(|_| self.tracked).map_or(-1, sys::File::descriptor)
    }

    /// Bytes in the file or region, which is not the length of the mapping.
    ///
    /// # Errors
    ///
    /// EBADF when no descriptor was kept, and what fstat(2) says.
    pub fn size(&self) -> Result<u64> {
        match &self.source {
            _ if !self.tracked => Err(sys::no_descriptor("fstat")),
            Source::Anonymous(_) => Ok(self.region.len() as u64),
            Source::Named(named) => named.size(),
            Source::File(Some(file)) => Ok(file.status()?.size),
            Source::File(None) => Err(sys::no_descriptor("fstat")),
        }
    }

    /// Moves the memory to addresses that an engine has reserved for a SharedArrayBuffer, `capacity` bytes from the start of a page. The mapping
    /// begins `lead` bytes after that start then. From then on the engine unmaps it.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_NO_VIEW when the addresses are not what is needed, or while somebody holds the memory where it is;
    /// ERR_MMAP_FAULT where zeros in place of what was lost keep the pages from moving in one step (Linux before 6.17); what mremap(2)
    /// and mmap(2) say. The memory is then where it was.
    ///
    /// # Safety
    ///
    /// The addresses must be reserved for this and unused, and stay reserved until the mapping is closed and no task runs on it.
    pub unsafe fn relocate(&mut self, address: *mut u8, lead: usize, capacity: usize) -> Result<()> {
        let page = sys::page_size();
        let needed = (lead + self.region.len()).next_multiple_of(page);
        // No bytes begin anywhere.
        let fits = (self.region.is_empty() || lead == self.region.start().addr() % page)
            && address.addr().is_multiple_of(page);
        if !fits || capacity.next_multiple_of(page) < needed {
            return Err(Error::NoView("the engine gave other addresses than it was asked for".to_owned()));
        }
        let Some(address) = NonNull::new(address.wrapping_add(lead)) else {
            return Err(Error::NoView("the engine gave no address".to_owned()));
        };
        let (offset, file_offset, plan) = (self.offset, self.file_offset(), self.plan);
        let file = self.source.file();
        // Before the memory moves: nothing may fail after that, for the caller would give the addresses back.
        let identity = present_identity(file)?;
        let Some(region) = Arc::get_mut(&mut self.region) else {
            return Err(Error::NoView("its memory is in use where it is".to_owned()));
        };
        // SAFETY: the caller's promise, with what has been checked above; nobody else holds the Region.
        let moved = unsafe { region.relocate(address, capacity, file.map(|file| (file, file_offset)), offset, &plan) };
        if moved.is_ok() {
            region.set_file(identity);
        } else {
            region.intact()?;
        }
        moved
    }

    /// Changes what may be done with the mapping: `prot` is PROT_READ, with PROT_WRITE, PROT_EXEC or both.
    ///
    /// Without PROT_WRITE the methods refuse to write, and what is stored through a view from then on stays private memory, as for
    /// `ACCESS_READ`; no store can crash. The memory stays readable in any case. What is to be written back is written first, and what is stored
    /// until writing is allowed again is gone then, where the memory is mapped anew. Memory from before a `resize` stays as it is.
    ///
    /// # Errors
    ///
    /// EACCES for writing to a file that was opened for reading, EBADF when no descriptor was kept, EINVAL for other bits,
    /// ERR_MMAP_UNSUPPORTED on Windows; those of [`Mapping::write_back`].
    pub fn protect(&mut self, prot: i32) -> Result<()> {
        let requested = sys::plan_from_prot(prot, "mprotect")?;
        let access = match (requested.writable(), self.opened_plan.writable()) {
            (true, true) => self.opened_plan.access,
            _ => requested.access,
        };
        let plan =
            Plan { access, shared: false, executable: requested.executable, populate: false, ..self.opened_plan };
        let writes_back_again = self.write_back && plan.writable() && !self.plan.writable();
        // A task must not go on storing in pages that have nothing to do with the file any more, nor once all is written back.
        let mut gate = self.region.write_gate().lock();
        let retained = self.retain();
        if !plan.writable() && retained.write_back {
            retained.write_changed_pages(0, self.region.len())?;
        }
        if self.region.is_empty() {
            // What is mapped next is mapped by the new plan. That must not fail then.
            if plan.writes_through() && !self.source.file().is_some_and(|file| file.is_writable().unwrap_or(false)) {
                return Err(sys::not_writable("mprotect"));
            }
        } else if plan.writes_through() != self.plan.writes_through() || writes_back_again {
            match (self.source.file(), &self.source) {
                (Some(file), _) => {
                    let baseline = if writes_back_again { self.snapshot(&plan)? } else { None };
                    self.region.record_loss(self.region.memory().remap(file, self.file_offset(), &plan))?;
                    self.region.written_back().forget_pages();
                    self.baseline = baseline;
                }
                // Nobody else can see this memory.
                (None, Source::Anonymous(_)) => self.region.memory().set_protection(&plan)?,
                (None, _) => return Err(sys::no_descriptor("mprotect")),
            }
        } else if plan.executable != self.plan.executable || plan.writable() != self.plan.writable() {
            self.region.memory().set_protection(&plan)?;
        }
        *gate = if plan.writable() { Gate::Open } else { Gate::Detached };
        self.wrote_through |= self.plan.writes_through();
        drop(gate);
        self.plan = plan;
        Ok(())
    }

    /// madvise(2) for a part of the mapping that begins at 0 or on a page.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, EINVAL, ERR_MMAP_UNSUPPORTED on Windows.
    pub fn advise(&self, option: i32, start: usize, length: usize) -> Result<()> {
        self.region.advise(option, start, length)
    }

    /// Keeps the pages under a range in RAM.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ENOMEM, EPERM, EAGAIN, ERR_MMAP_FAULT.
    pub fn lock(&self, start: usize, length: usize) -> Result<()> {
        self.region.range(start, length)?;
        let locked = self.region.memory().lock(start, length, !self.plan.writes_through() && self.plan.writable());
        let may_be_cut = !matches!(self.source, Source::Anonymous(_)) && self.region.intact().is_ok();
        if locked.is_err() && may_be_cut && sys::install_fault_handler() {
            // The system says ENOMEM, too, of a page that the file does not have any more. To touch
            // the last page tells the two apart.
            self.region.read_byte((start + length).saturating_sub(1))?;
        }
        locked
    }

    /// Undoes [`Mapping::lock`]; the operating system does not count locks, but for macOS, which does.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ENOMEM.
    pub fn unlock(&self, start: usize, length: usize) -> Result<()> {
        self.region.range(start, length)?;
        self.region.memory().unlock(start, length)
    }

    /// How many of the pages under a range are in memory.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, EAGAIN, and EPERM where the system does not say it of the file.
    pub fn resident(&self, start: usize, length: usize) -> Result<Residency> {
        self.region.range(start, length)?;
        let tells = match &self.source {
            Source::File(Some(file)) => file.tells_residency(),
            _ => self.tells_residency,
        };
        if !tells {
            return Err(sys::residency_unknown());
        }
        self.region.memory().resident(start, length)
    }

    /// The file as it is now, for [`Mapping::baseline`], if one is needed. It must be the older one of the two: what others change in between
    /// is then in the file already, and not written again.
    fn snapshot(&self, plan: &Plan) -> Result<Option<Arc<Region>>> {
        match &self.source {
            Source::File(Some(file)) if sys::PRIVATE_IS_SNAPSHOT && self.write_back => {
                let memory = memory_of(file, &file.status()?, self.offset, self.region.len(), plan)?;
                let region = Region::of_file(memory, None, self.offset, present_identity(Some(file))?);
                Ok(Some(Arc::new(region)))
            }
            _ => Ok(None),
        }
    }

    fn replace_region(&mut self, region: Region) {
        let before = std::mem::replace(&mut self.region, Arc::new(region));
        self.earlier_regions.add(&before);
    }

    /// Where in [`Source::file`] the mapping begins: the offset means nothing for anonymous memory.
    fn file_offset(&self) -> u64 {
        if matches!(self.source, Source::Anonymous(_)) { 0 } else { self.offset }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // The descriptor is about to be closed, and its number may mean another file soon.
        for region in self.earlier_regions.iter().chain([Arc::clone(&self.region)]).chain(self.baseline.clone()) {
            if !matches!(self.source, Source::Named(_)) {
                region.set_file(None);
            }
        }
    }
}

//! An open mapping: the memory, what it was mapped from, and what may be done with it.

mod flush;
mod locks;
mod open;
mod resize;

pub use flush::Retained;
pub use open::{Create, Request};

use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::range_lock::RangeLocks;
use crate::region::{Gate, Region};
use crate::source::Source;
use crate::sys::{self, Reservation, Residency, Waiters};
use crate::wait::Word;
use crate::weak_list::WeakList;
use open::{memory_of, present_identity};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// A mapping until it is closed. Dropping it closes the descriptor at once. The memory stays mapped
/// as long as its [`Region`] is in use.
#[derive(Debug)]
pub struct Mapping {
    region: Arc<Region>,
    /// Regions from before each resize that are still in use.
    earlier_regions: WeakList<Region>,
    source: Source,
    offset: u64,
    /// The plan with which the mapping was opened. `protect` changes `plan` and may restore it from
    /// here.
    opened_plan: Plan,
    plan: Plan,
    tracked: bool,
    /// Whether the system tells which pages of the file are in memory. It is used if no descriptor
    /// was kept.
    tells_residency: bool,
    write_back: bool,
    allow_empty: bool,
    /// Whether opening the mapping has created the file, the named region or the memory.
    created: bool,
    /// Where private pages are a snapshot of the file: a second snapshot, to which nobody stores.
    /// Write-back compares pages with it.
    baseline: Option<Arc<Region>>,
    /// The mapping wrote through at some time before a `protect`.
    wrote_through: bool,
    waiters: Waiters,
    /// Locks on ranges, once there was one.
    range_locks: OnceLock<Arc<RangeLocks>>,
}

impl Mapping {
    /// The memory.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// Whether opening the mapping has created the file, the named region or the memory. Of all
    /// mappings that open one file or region, in all processes, one has created it.
    pub fn created(&self) -> bool {
        self.created
    }

    /// What the methods may do.
    pub fn access(&self) -> Access {
        self.plan.access
    }

    /// The descriptor that was kept, -1 if none was.
    pub fn descriptor(&self) -> i32 {
        self.source.inheritable().filter(|_| self.tracked).map_or(-1, sys::File::descriptor)
    }

    /// Bytes in the file or region. The mapping may have another length.
    ///
    /// # Errors
    ///
    /// EBADF if no descriptor was kept, and those of fstat(2).
    pub fn size(&self) -> Result<u64> {
        match &self.source {
            _ if !self.tracked => Err(sys::no_descriptor("fstat")),
            Source::Anonymous(_) => Ok(self.region.len() as u64),
            Source::Named(named) => named.size(),
            Source::File(Some(file)) => Ok(file.status()?.size),
            Source::File(None) => Err(sys::no_descriptor("fstat")),
        }
    }

    /// Relocates the memory to addresses that an engine has reserved for a SharedArrayBuffer,
    /// `capacity` bytes from the start of a page. The mapping then begins `lead` bytes after that
    /// start, and the engine unmaps it.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_NO_VIEW if the addresses are not suitable, or while the memory is in use at its old
    /// addresses. ERR_MMAP_FAULT if zeros in place of lost pages prevent moving all pages in one
    /// step (Linux before 6.17). Those of mremap(2) and mmap(2). The memory is then at its old
    /// addresses.
    ///
    /// # Safety
    ///
    /// The addresses must be unused and reserved for this. They must stay reserved until the
    /// mapping is closed and no task uses it.
    pub unsafe fn relocate(&mut self, address: *mut u8, lead: usize, capacity: usize) -> Result<()> {
        let page = sys::page_size();
        let needed = (lead + self.region.len()).next_multiple_of(page);
        // Without bytes, the memory has no lead.
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
        // The identity is read before the memory moves, because nothing may fail after that: the
        // caller would give the addresses back.
        let identity = present_identity(file)?;
        let Some(region) = Arc::get_mut(&mut self.region) else {
            return Err(Error::NoView("its memory is in use where it is".to_owned()));
        };
        // SAFETY: the caller promises the addresses, whose position and size were checked above.
        // Nobody else holds the Region.
        let moved = unsafe {
            region.relocate(Reservation { address, capacity }, file.map(|file| (file, file_offset)), offset, &plan)
        };
        if moved.is_ok() {
            region.set_file(identity);
        } else {
            region.intact()?;
        }
        moved
    }

    /// Changes what may be done with the mapping. `prot` is PROT_READ, with PROT_WRITE, PROT_EXEC
    /// or both.
    ///
    /// Without PROT_WRITE the methods refuse to write. What is then stored through a view stays in
    /// private memory, as with `ACCESS_READ`, and no store can crash. The memory stays readable in
    /// any case.
    ///
    /// Changes that have to be written back are written first. If the memory is mapped anew, what
    /// is stored until writing is allowed again is lost. Memory from before a `resize` is not
    /// changed.
    ///
    /// # Errors
    ///
    /// EACCES for writing to a file that was opened for reading only. EBADF if no descriptor was
    /// kept. EINVAL for other bits. ERR_MMAP_UNSUPPORTED on Windows. Those of
    /// [`Mapping::write_back`].
    pub fn protect(&mut self, prot: i32) -> Result<()> {
        let requested = sys::plan_from_prot(prot, "mprotect")?;
        let access = match (requested.writable(), self.opened_plan.writable()) {
            (true, true) => self.opened_plan.access,
            _ => requested.access,
        };
        let plan =
            Plan { access, shared: false, executable: requested.executable, populate: false, ..self.opened_plan };
        let writes_back_again = self.write_back && plan.writable() && !self.plan.writable();
        // Lock the gate, because a task must not store to pages that no longer reach the file, nor
        // after all changes have been written back.
        let mut gate = self.region.write_gate().lock();
        let retained = self.retain();
        if !plan.writable() && retained.write_back {
            retained.write_changed_pages(0, self.region.len())?;
        }
        if self.region.is_empty() {
            // Later memory will be mapped with the new plan, and that must not fail for lack of
            // rights.
            if plan.writes_through() && !self.source.file().is_some_and(|file| file.is_writable().unwrap_or(false)) {
                return Err(sys::not_writable("mprotect"));
            }
        } else if plan.writes_through() != self.plan.writes_through() || writes_back_again {
            match (self.source.file(), &self.source) {
                (Some(file), _) => {
                    let baseline = if writes_back_again { self.snapshot(&plan)? } else { None };
                    self.region.record_loss(self.region.memory().replace_pages(file, self.file_offset(), &plan))?;
                    self.region.written_back().forget_pages();
                    self.baseline = baseline;
                }
                // Nobody else can see this memory.
                (None, Source::Anonymous(_)) => {
                    self.region.memory().set_protection(self.region.intact_length(), &plan)?
                }
                (None, _) => return Err(sys::no_descriptor("mprotect")),
            }
        } else if plan.executable != self.plan.executable || plan.writable() != self.plan.writable() {
            self.region.memory().set_protection(self.region.intact_length(), &plan)?;
        }
        *gate = if plan.writable() { Gate::Open } else { Gate::Detached };
        self.wrote_through |= self.plan.writes_through();
        drop(gate);
        self.plan = plan;
        Ok(())
    }

    /// Calls madvise(2) for a part of the mapping that begins at 0 or on a page.
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
            // The system reports ENOMEM also for a page that the file no longer has. Touching the
            // last page distinguishes the two.
            self.region.read_byte((start + length).saturating_sub(1))?;
        }
        locked
    }

    /// Undoes [`Mapping::lock`]. Of all systems, only macOS counts how often a page was locked.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ENOMEM.
    pub fn unlock(&self, start: usize, length: usize) -> Result<()> {
        self.region.range(start, length)?;
        self.region.memory().unlock(start, length)
    }

    /// Counts the pages under a range that are in memory.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, EAGAIN, and EPERM if the system does not tell it for the file.
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

    /// The word at a position, for which threads of any process can wait.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE for a position that is outside, or no multiple of 4 in the file.
    /// ERR_MMAP_UNSUPPORTED for private memory, and on systems that cannot do it. Those of mmap(2).
    pub fn word(&self, position: usize) -> Result<Word> {
        let address = self.region.range(position, Word::LENGTH)?;
        if !address.addr().is_multiple_of(Word::LENGTH) {
            return Err(Error::OutOfRange);
        }
        let spot = self.waiters.spot(&self.source, &self.plan, self.file_offset() + position as u64, address)?;
        Ok(Word::new(Arc::clone(&self.region), position, spot))
    }

    /// Maps the current file as a second region, if a baseline is needed. Map the baseline before
    /// the user's copy. If another process changes a page in between, the user's copy equals the
    /// file and is not written. The other way round, old bytes would overwrite the change.
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

    /// The position in [`Source::file`] at which the mapping begins. For anonymous memory the
    /// offset has no meaning.
    fn file_offset(&self) -> u64 {
        if matches!(self.source, Source::Anonymous(_)) { 0 } else { self.offset }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Some(locks) = self.range_locks.get() {
            locks.close();
        }
        // The descriptor is about to be closed, and its number may soon mean another file.
        for region in self.earlier_regions.iter().chain([Arc::clone(&self.region)]).chain(self.baseline.clone()) {
            if !matches!(self.source, Source::Named(_)) {
                region.set_file(None);
            }
        }
    }
}

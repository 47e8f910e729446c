//! An open mapping: the memory, what it was mapped from, and what may be done with it.

use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::extent::{self, Status};
use crate::fault_registry::FileIdentity;
use crate::flush::Retained;
use crate::region::{Gate, RawBytes, Region};
use crate::source::{Source, Target};
use crate::sys::{self, Memory, Named, NewFile, Residency};
use crate::weak_list::WeakList;
use std::ffi::OsStr;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// How to open a mapping.
#[derive(Debug)]
pub struct Request {
    /// What to map.
    pub target: Target,
    /// From which byte of it, aligned or not.
    pub offset: u64,
    /// How many bytes; 0 is all the rest of a regular file or of a named region that exists.
    pub length: u64,
    /// What for.
    pub plan: Plan,
    /// Keep a descriptor, for `size`, `resize` and children that inherit it.
    pub track: bool,
    /// Whether to create the file when it is missing, and to extend it to `offset + length`.
    pub create: Create,
    /// How to create it.
    pub new_file: NewFile,
    /// `flush` and `write_back` bring private changes into the file.
    pub write_back: bool,
    /// A file that has no byte at `offset` yet is mapped as no bytes, where `length` is 0.
    pub allow_empty: bool,
}

/// What is done about a part of a file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Nothing: it is an error.
    Never,
    /// It is made, with blocks on the device for all that is mapped.
    Allocated,
    /// It is made, as a hole where the file system has such.
    Sparse,
}

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
    /// Opens and maps.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE for an empty file and for parts that a file or region does not have, and what the operating system
    /// says. See [`sys::File::allocate`] and [`sys::Creation`] for what is left then of a file that
    /// `create` makes or extends.
    pub fn open(request: Request) -> Result<Mapping> {
        let Request { target, offset, length, plan, track, create, new_file, write_back, allow_empty } = request;
        let wanted = Wanted { offset, length, create, new_file, write_back, allow_empty };
        let mut created = false;
        let mut tells_residency = true;
        let (region, source) = match target {
            Target::Path(path) => {
                let (file, region, is_new) = map_path(&path, &wanted, &plan)?;
                created = is_new;
                tells_residency = track || file.tells_residency();
                (region, Source::File(track.then(|| Arc::new(file))))
            }
            Target::Descriptor(descriptor) if track => {
                let file = sys::File::duplicate(descriptor)?;
                let region = map_file(&file, &wanted, &plan)?;
                (region, Source::File(Some(Arc::new(file))))
            }
            Target::Descriptor(descriptor) => {
                // Not a duplicate: to close one would take the POSIX locks away that the process
                // has on the file.
                let file = sys::File::borrow(descriptor)?;
                tells_residency = file.tells_residency();
                (map_file(&file, &wanted, &plan)?, Source::File(None))
            }
            Target::Anonymous => {
                created = true;
                let length = extent::addressable(length).map_err(|_| sys::no_memory("mmap"))?;
                let (memory, file) = Memory::anonymous(length, &plan, track)?;
                (Region::of_memory(memory), Source::Anonymous(file.filter(|_| track)))
            }
            Target::Named(tag) => {
                let (memory, named, is_new) = Named::open(&tag, offset, extent::addressable(length)?, &plan)?;
                created = is_new;
                (named_region(memory, named.clone(), offset)?, Source::Named(named))
            }
        };
        let region = Arc::new(region);
        if let Source::File(None) = source {
            // The descriptor that the region was mapped from is closed by now.
            region.set_file(None);
        }
        let mut mapping = Mapping {
            region,
            earlier_regions: WeakList::new(),
            source,
            offset,
            opened_plan: plan,
            plan,
            tracked: track,
            tells_residency,
            write_back,
            allow_empty,
            created,
            baseline: None,
            wrote_through: false,
        };
        if let Some(region) = mapping.snapshot(&plan)? {
            mapping.baseline = Some(std::mem::replace(&mut mapping.region, region));
        }
        Ok(mapping)
    }

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

    /// Makes the changes in a range durable. Nothing happens for a mapping whose changes stay private, unless it writes back.
    ///
    /// `flags` are those of msync(2), MS_SYNC if none; with MS_ASYNC it does not wait. The range may begin and end anywhere.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, and what msync, fsync and pwrite say.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        self.retain().flush(offset, length, flags)
    }

    /// What closing must do first: bring private changes into the file, if that was asked for. A task that is storing ends then, because nobody
    /// would bring the rest there.
    ///
    /// # Errors
    ///
    /// As [`Mapping::flush`]. With ERR_MMAP_FAULT what is intact has been written, and the rest is lost whether it is closed or not. With
    /// others nothing is lost, if the mapping stays open.
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

    /// What flushes, also when the mapping is closed meanwhile.
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
            // What is stored while the methods refuse to write is not meant for the file.
            write_back: self.write_back && self.plan.writable(),
            baseline: self.baseline.clone(),
        }
    }

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

    /// Where in [`Source::file`] the mapping begins: the offset means nothing for anonymous memory.
    fn file_offset(&self) -> u64 {
        if matches!(self.source, Source::Anonymous(_)) { 0 } else { self.offset }
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

/// Which part of a file is wanted, and what may be done to the file for it. See [`Request`].
struct Wanted {
    offset: u64,
    length: u64,
    create: Create,
    new_file: NewFile,
    write_back: bool,
    allow_empty: bool,
}

/// Opens and maps a file, or makes one. A new file is complete before anybody can see it, where the
/// system can do that. Says whether it has made it.
fn map_path(path: &OsStr, wanted: &Wanted, plan: &Plan) -> Result<(sys::File, Region, bool)> {
    if wanted.create == Create::Never {
        let file = sys::File::open(path, plan.writes_through() || wanted.write_back)?;
        let region = map_file(&file, wanted, plan)?;
        return Ok((file, region, false));
    }
    let mut nameless = true;
    loop {
        let creation = sys::Creation::begin(path, nameless, wanted.new_file)?;
        let region = map_file(&creation.file, wanted, plan)?;
        match creation.finish() {
            sys::Finished::Named => return Ok((creation.file, region, creation.created)),
            sys::Finished::Taken if wanted.new_file.exclusive => return Err(sys::file_exists()),
            // Now there is a file to open.
            sys::Finished::Taken => {}
            sys::Finished::Refused => nameless = false,
        }
    }
}

/// Maps a file, and makes sure that the part to map is there.
fn map_file(file: &sys::File, wanted: &Wanted, plan: &Plan) -> Result<Region> {
    let &Wanted { offset, length, create, write_back, allow_empty, .. } = wanted;
    let mut status = file.status()?;
    let create = if status.regular { create } else { Create::Never };
    if (write_back || create != Create::Never) && !file.is_writable()? {
        return Err(sys::not_writable("open"));
    }
    if write_back && file.is_appending()? {
        return Err(Error::Contradiction(
            "The option \"writeBack\" needs a descriptor that does not append: open the file with 'r+' instead of 'a+'",
        ));
    }
    if write_back && file.is_direct()? {
        return Err(Error::Contradiction(
            "The option \"writeBack\" needs a descriptor that writes through the system's cache: open the file without O_DIRECT",
        ));
    }
    let mut to_make = None;
    // All the rest of a file is what is there.
    if create != Create::Never && length != 0 {
        let range = extent::extent_to_create(offset, length)?;
        status.size = status.size.max(range.end);
        to_make = Some(range);
    }
    let make = |range: Range<u64>| match create {
        Create::Sparse => file.extend(range.end),
        Create::Never | Create::Allocated => file.allocate(range),
    };
    let length = extent::extent(status, offset, length, allow_empty)?;
    let memory = match to_make {
        None => memory_of(file, &status, offset, length, plan)?,
        Some(range) if sys::CAN_MAP_BEYOND_END => {
            // What can fail without a trace comes first.
            let memory = Memory::of_file(file, offset, length, plan)?;
            make(range)?;
            if plan.populate {
                // There was nothing to bring in when it was mapped.
                memory.populate(plan);
            }
            memory
        }
        Some(range) => {
            make(range)?;
            Memory::of_file(file, offset, length, plan)?
        }
    };
    Ok(Region::of_file(memory, None, offset, identity(file, &status)))
}

/// Maps a part of a file, which may be no bytes where the file says that it has no more.
fn memory_of(file: &sys::File, status: &Status, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
    if length == 0 && status.sized { Memory::empty() } else { Memory::of_file(file, offset, length, plan) }
}

/// The file of a named region stays open as long as the region is mapped.
fn named_region(memory: Memory, named: Named, offset: u64) -> Result<Region> {
    let identity = present_identity(named.file())?;
    Ok(Region::of_file(memory, Some(named), offset, identity))
}

/// By what the fault handler recognises the file, if it has a size that it can ask for. That of a device says nothing.
fn identity(file: &sys::File, status: &Status) -> Option<FileIdentity> {
    let identity = FileIdentity { descriptor: file.descriptor(), device: status.device, inode: status.inode };
    status.regular.then_some(identity)
}

fn present_identity(file: Option<&sys::File>) -> Result<Option<FileIdentity>> {
    match file {
        Some(file) => Ok(identity(file, &file.status()?)),
        None => Ok(None),
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

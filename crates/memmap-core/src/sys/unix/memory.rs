//! Mapped pages: mapping, unmapping, relocating, growing, and changing their protection.

use super::errno::{errno_of, failed};
use super::file::File;
use super::mapping_limit::MappingQuota;
use super::page::{lead_of, page_size};
use super::plan::{NORESERVE, PRIVATE_IS_SNAPSHOT, anonymous_flags_for, flags_for, page_size_of_flags, protection_for};
use super::replace::{self, FileMapping, Fresh, Zeros};
use super::shm::anonymous_file;
use super::unmappable::{map_failed, nothing_to_map};
use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::fault_registry::StoredTo;
use crate::sys::span::{PageSpan, Reservation};
use memmap2::{MmapOptions, MmapRaw};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether anonymous memory that has a descriptor can grow. CPython refuses that on Linux, and so
/// do we.
pub const CAN_GROW_SHARED_ANONYMOUS: bool = cfg!(not(any(target_os = "linux", target_os = "android")));

/// Whether a file may be truncated while it is mapped.
pub const CAN_TRUNCATE_WHILE_MAPPED: bool = true;

/// Whether a mapping may extend beyond the end of its file.
pub const CAN_MAP_BEYOND_END: bool = true;

/// Mapped bytes, which may begin at any offset of a file. The pages that contain them are unmapped
/// on drop.
#[derive(Debug)]
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
    /// Bytes in a page of this memory. Huge pages are larger than the system's pages.
    page: usize,
    /// Whether the memory has no file, not even a memory file.
    anonymous: bool,
    stored_to: StoredTo,
    /// Whether advice for a part of the memory, or a lock, may have divided it into several kernel
    /// mappings.
    is_divided: AtomicBool,
    owner: Owner,
    quota: MappingQuota,
}

/// Who unmaps the pages.
#[derive(Debug)]
enum Owner {
    /// memmap2 unmaps the pages on drop.
    Memmap2(#[expect(dead_code, reason = "it is there to be dropped")] MmapRaw),
    /// `Memory` unmaps the pages on drop, because memmap2's options did not suffice to map them.
    Memory,
    /// The engine unmaps the pages, which were relocated to addresses that it had reserved.
    Engine {
        /// Reserved bytes from the start of the first page.
        capacity: usize,
        /// The rest of the reservation is a kernel mapping of its own.
        _counted: Option<MappingQuota>,
    },
}

// SAFETY: Memory is an address range and belongs to no thread. munmap, msync and madvise may be
// called from any thread.
unsafe impl Send for Memory {}
// SAFETY: its methods take `&self` and return raw pointers only. All code that reads and writes
// through them says why that is sound (see the documentation of the crate).
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `length` bytes of `file` from any `offset`.
    ///
    /// A mapping whose methods only read is private and has read-only pages, so that the system
    /// reserves no memory for it. JavaScript has no read-only ArrayBuffer. If a stray store hits
    /// such a page, the fault handler makes the page writable. Without a handler, the pages are
    /// writable from the start.
    ///
    /// Pages that nobody stored to show the file. If private pages would not do that
    /// ([`PRIVATE_IS_SNAPSHOT`]), the pages are the file's own until they are stored to.
    ///
    /// # Errors
    ///
    /// Those of mmap(2): EACCES, EINVAL (length 0), ENODEV, ENOMEM.
    pub fn of_file(file: &File, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        if length == 0 {
            return Err(nothing_to_map(file));
        }
        let page = file.page_size();
        let quota = MappingQuota::of_file(offset, length)?;
        let only_reads = protection_for(plan, false) == ProtFlags::READ;
        let memory = if plan.executable || plan.other_flags != 0 || only_reads || page != page_size() {
            Memory::map(quota, length, page, Some((file, offset)), plan)?
        } else {
            let mut options = MmapOptions::new();
            options.offset(offset).len(length);
            if plan.populate && plan.writable() {
                options.populate();
            }
            let owner = if plan.writes_through() {
                options.map_raw(file.raw())
            } else {
                if !plan.writable() {
                    options.no_reserve_swap();
                }
                // SAFETY: the call is unsafe because the file may change under a slice, and MmapRaw
                // returns no slice.
                unsafe { options.map_copy(file.raw()) }.map(MmapRaw::from)
            };
            let owner = owner.map_err(|error| map_failed(errno_of(&error), Some(file), length, plan))?;
            Memory::of(quota, false, owner)?
        };
        if plan.populate && !plan.writable() {
            memory.populate(plan);
        }
        Ok(memory)
    }

    /// Maps zeros without a file. With `track`, memory that is not private gets a descriptor, with
    /// which another process can map it.
    ///
    /// # Errors
    ///
    /// EINVAL (length 0), ENOMEM, EMFILE.
    pub fn anonymous(length: usize, plan: &Plan, track: bool) -> Result<(Memory, Option<File>)> {
        if length == 0 {
            return Err(failed("mmap")(Errno::INVAL));
        }
        // For memory that has a descriptor, flags such as MAP_HUGETLB have another meaning, or
        // none.
        let plain = plan.other_flags & !NORESERVE == 0;
        if track
            && !plan.private
            && plain
            && let Some(file) = anonymous_file(length)?
        {
            let memory = Memory::of_file(&file, 0, length, plan)?;
            return Ok((memory, Some(file)));
        }
        let quota = MappingQuota::new(1)?;
        let memory = if plan.private && plan.other_flags == 0 && !plan.executable && !plan.populate {
            let owner = MmapOptions::new().len(length).map_anon();
            let owner = owner.map_err(|error| map_failed(errno_of(&error), None, length, plan))?;
            Memory::of(quota, true, owner.into())?
        } else {
            Memory::map(quota, length, page_size_of_flags(plan.other_flags), None, plan)?
        };
        Ok((memory, None))
    }

    /// Memory of no bytes. Its address is that of a page where nothing else is mapped.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn empty() -> Result<Memory> {
        let (mut memory, _) = Memory::anonymous(1, &Plan::from_access(Access::Copy), false)?;
        memory.length = 0;
        Ok(memory)
    }

    fn of(quota: MappingQuota, anonymous: bool, owner: MmapRaw) -> Result<Memory> {
        Ok(Memory {
            // memmap2 never returns a null pointer. If it did, nothing would be mapped.
            start: NonNull::new(owner.as_mut_ptr()).ok_or_else(|| failed("mmap")(Errno::NOMEM))?,
            length: owner.len(),
            page: page_size(),
            anonymous,
            stored_to: StoredTo::Writable,
            is_divided: AtomicBool::new(false),
            owner: Owner::Memmap2(owner),
            quota,
        })
    }

    /// Maps what memmap2's options cannot express: `lead + length` bytes, of which the last
    /// `length` are this memory.
    fn map(quota: MappingQuota, length: usize, page: usize, file: Option<(&File, u64)>, plan: &Plan) -> Result<Memory> {
        let flags = if file.is_some() { flags_for(plan) } else { anonymous_flags_for(plan) };
        let protection = protection_for(plan, file.is_none());
        let lead = file.map_or(0, |(_, offset)| lead_of(offset, page));
        let whole = length.checked_add(lead).ok_or(Error::LengthTooLarge)?;
        let null = std::ptr::null_mut();
        let base = match file {
            // SAFETY: without MAP_FIXED, which plan_from_flags refuses, a new mapping touches no
            // memory that is in use.
            Some((file, offset)) => unsafe {
                rustix::mm::mmap(null, whole, protection, flags, file, offset - lead as u64)
            },
            // SAFETY: without MAP_FIXED, which plan_from_flags refuses, a new mapping touches no
            // memory that is in use.
            None => unsafe { rustix::mm::mmap_anonymous(null, whole, protection, flags) },
        }
        .map_err(|errno| map_failed(errno, file.map(|(file, _)| file), whole, plan))?;
        Ok(Memory {
            start: NonNull::new(base.cast::<u8>().wrapping_add(lead)).ok_or_else(|| failed("mmap")(Errno::NOMEM))?,
            length,
            page,
            anonymous: file.is_none(),
            stored_to: if flags.contains(MapFlags::SHARED)
                && !PRIVATE_IS_SNAPSHOT
                && !protection.contains(ProtFlags::WRITE)
            {
                StoredTo::Copied
            } else {
                StoredTo::Writable
            },
            is_divided: AtomicBool::new(false),
            owner: Owner::Memory,
            quota,
        })
    }

    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Bytes in a page of this memory.
    pub fn page_size(&self) -> usize {
        self.page
    }

    /// How the fault handler treats a store to a read-only page of this memory.
    pub(crate) fn stored_to(&self) -> StoredTo {
        self.stored_to
    }

    /// The whole pages that contain a range.
    pub(super) fn span(&self, offset: usize, length: usize) -> PageSpan {
        PageSpan::of_pages(self.at(offset), length, self.page)
    }

    /// Maps private zeros over all whole pages after `[0, kept)`. Views of these pages stay
    /// readable when the file is truncated there.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn map_zeros_from(&self, kept: usize) -> Result<()> {
        self.map_zeros_over(self.at(kept).addr().next_multiple_of(self.page), self.zeros())
    }

    /// Maps private zeros over all pages. Unless the memory is engine-owned, it then no longer
    /// counts as a kernel mapping, because the system joins such zeros with adjacent ones.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn map_zeros(&self) -> Result<()> {
        self.map_zeros_over(self.span(0, self.length).address.addr(), self.zeros())?;
        if !self.is_engine_owned() {
            self.quota.release();
        }
        Ok(())
    }

    /// The kind of zeros that can be in the place of this memory.
    fn zeros(&self) -> Zeros {
        if self.is_engine_owned() { Zeros::Writable } else { Zeros::OfOurs }
    }

    fn map_zeros_over(&self, first: usize, zeros: Zeros) -> Result<()> {
        let end = self.at(self.length).addr().next_multiple_of(self.page);
        if first >= end {
            return Ok(());
        }
        // SAFETY: the range is whole pages of ours. They stay mapped and readable, and holders of
        // pointers rely on nothing else.
        unsafe { replace::by_zeros(self.start().with_addr(first), end - first, self.page, zeros) }
            .map_err(failed("mmap"))
    }

    /// Relocates the pages to addresses that an engine has reserved, and unmaps the old ones. All
    /// contents stay, and private pages stay private. From then on the engine unmaps the pages.
    ///
    /// `file` and `offset` are what was mapped, because systems that cannot move pages map it
    /// again. The first `intact` bytes of it are not lost.
    ///
    /// # Errors
    ///
    /// ENOMEM, and EBADF where pages cannot be moved and there is no file to map again. The pages
    /// are then at their old addresses.
    ///
    /// # Safety
    ///
    /// `reserved.address` must be as far into its page as the memory is now. `reserved.capacity`
    /// bytes from the start of that page must be enough for this memory, unused, and reserved as
    /// long as this Memory is in use. Nobody may hold a pointer to the old addresses.
    pub unsafe fn relocate(
        &mut self,
        reserved: Reservation,
        file: Option<(&File, u64)>,
        plan: &Plan,
        intact: usize,
    ) -> Result<()> {
        if self.page != page_size() {
            return Err(Error::NoView("its pages are larger than the engine's".to_owned()));
        }
        let Reservation { address, capacity } = reserved;
        let old = self.span(0, self.length);
        let new = PageSpan::of_pages(address.as_ptr(), self.length, self.page);
        let owner = engine_owner(capacity, new.pages(page_size()))?;
        if self.length == 0 {
            self.owner = owner;
            self.start = address;
            return Ok(());
        }
        let is_whole = intact == self.length;
        if (!is_whole || self.is_divided.load(Ordering::Relaxed)) && !replace::moves_several_mappings() {
            return Err(failed("mremap")(Errno::FAULT));
        }
        if !is_whole {
            // In engine-owned memory the handler can make no zeros writable.
            self.map_zeros_over(self.at(intact).addr().next_multiple_of(self.page), Zeros::Writable)?;
        }
        // SAFETY: the caller promises both ranges.
        unsafe { move_pages(old, new, file, plan) }?;
        let owner = std::mem::replace(&mut self.owner, owner);
        // Do not run the old owner's Drop, because its pages have moved.
        std::mem::forget(owner);
        self.start = address;
        Ok(())
    }

    /// Whether the engine unmaps the pages.
    pub fn is_engine_owned(&self) -> bool {
        matches!(self.owner, Owner::Engine { .. })
    }

    /// Prepares growing the memory in place, with more of its file, if it was relocated and its
    /// reservation has room. Nothing changes until the growth is finished.
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    pub fn grown(&self, file: &File, offset: u64, length: usize, plan: &Plan) -> Result<Option<Growth>> {
        let Owner::Engine { capacity, .. } = self.owner else {
            return Ok(None);
        };
        let lead = lead_of(offset, self.page);
        // Huge pages of a file are larger than the page of memory without bytes.
        if length < self.length
            || file.page_size() != self.page
            || lead.checked_add(length).is_none_or(|whole| whole > capacity)
        {
            return Ok(None);
        }
        let quota = MappingQuota::of_file(offset, length)?;
        let owner = engine_owner(capacity, (lead + length).div_ceil(self.page))?;
        let memory = Memory {
            start: self.start,
            length,
            page: self.page,
            anonymous: self.anonymous,
            stored_to: self.stored_to,
            is_divided: AtomicBool::new(false),
            owner,
            quota,
        };
        let fresh = Fresh::of_file(memory.file_mapping(offset, plan), file)?;
        Ok(Some(Growth { memory, fresh, length_before: self.length }))
    }

    /// Maps the file again at the same address, with stores that reach the file or with private
    /// ones.
    ///
    /// # Errors
    ///
    /// EACCES if the descriptor does not allow it, ENOMEM. ERR_MMAP_FAULT if the old pages are lost
    /// (see `replace.rs`). The caller must then record the loss.
    pub fn replace_pages(&self, file: &File, offset: u64, plan: &Plan) -> Result<()> {
        let fresh = Fresh::of_file(self.file_mapping(offset, plan), file)?;
        // SAFETY: only our own pages are replaced, by readable ones of the file at its old offset.
        // The owner's address and length stay true.
        unsafe { fresh.replace(self.span(0, self.length), file) }.map_err(not_replaced("mprotect", self.length))
    }

    /// Makes the pages of the first `intact` bytes writable and executable as the plan says. Zeros
    /// in place of lost pages stay as they are.
    ///
    /// # Errors
    ///
    /// EACCES if the system does not allow it.
    pub fn set_protection(&self, intact: usize, plan: &Plan) -> Result<()> {
        if intact == 0 {
            return Ok(());
        }
        let span = self.span(0, intact);
        let flags = MprotectFlags::from_bits_retain(protection_for(plan, self.anonymous).bits());
        // SAFETY: the span is our pages. They stay readable, and the fault handler handles stores
        // to those that become read-only.
        unsafe { rustix::mm::mprotect(span.address.cast(), span.length, flags) }.map_err(failed("mprotect"))
    }

    /// How to map the part of a file from `offset` on in the place of this memory.
    fn file_mapping(&self, offset: u64, plan: &Plan) -> FileMapping {
        let lead = lead_of(offset, self.page);
        FileMapping {
            offset: offset - lead as u64,
            length: (self.length + lead).next_multiple_of(self.page),
            flags: flags_for(plan),
            protection: protection_for(plan, self.anonymous),
        }
    }

    /// Records that the system may divide the pages into several kernel mappings from now on.
    pub(super) fn mark_divided(&self) {
        self.is_divided.store(true, Ordering::Relaxed);
    }

    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        self.start().wrapping_add(offset)
    }
}

/// Pages that will replace engine-owned memory to make it longer.
#[derive(Debug)]
pub struct Growth {
    memory: Memory,
    fresh: Fresh,
    length_before: usize,
}

impl Growth {
    /// Puts the longer mapping of `file` in place and then calls `change_size`, which gives the
    /// file its size. If that fails, the memory keeps its old end. What is beyond the end becomes
    /// zeros again and belongs to nobody.
    ///
    /// # Errors
    ///
    /// Those of mremap(2) and `change_size`. The memory is then unchanged, except for
    /// ERR_MMAP_FAULT as in [`Memory::replace_pages`].
    pub fn finish(self, file: &File, change_size: impl FnOnce() -> Result<()>) -> Result<Memory> {
        let Growth { memory, fresh, length_before } = self;
        // SAFETY: the pages are our own, or belong to the engine's reservation for this
        // (`relocate`), where at most JavaScript has grown its buffer too early. Our own are
        // replaced by pages with the same part of the file. A private mapping is never grown
        // (`resize` refuses it), so no private page is lost.
        unsafe { fresh.replace(memory.span(0, memory.length), file) }.map_err(not_replaced("mmap", length_before))?;
        if let Err(error) = change_size() {
            let end = memory.at(memory.length).addr().next_multiple_of(memory.page);
            let first = memory.at(length_before).addr().next_multiple_of(memory.page);
            if first < end {
                // SAFETY: these pages belong to the engine's reservation. A second error is
                // ignored, because the first one matters more. Pages of the file that then stay
                // there are beyond the end of all buffers.
                let _ = unsafe {
                    replace::by_zeros(memory.start().with_addr(first), end - first, memory.page, Zeros::Writable)
                };
            }
            return Err(error);
        }
        Ok(memory)
    }
}

/// The error if `length` bytes of memory were not replaced.
fn not_replaced(syscall: &'static str, length: usize) -> impl Fn(replace::Failed) -> Error {
    move |replace::Failed { errno, lost }| {
        if lost { Error::Fault { offset: 0, length } } else { failed(syscall)(errno) }
    }
}

/// The owner of `pages` pages in an engine's reservation of `capacity` bytes.
fn engine_owner(capacity: usize, pages: usize) -> Result<Owner> {
    let rest = capacity > pages * page_size();
    Ok(Owner::Engine { capacity, _counted: rest.then(|| MappingQuota::new(1)).transpose()? })
}

/// Moves pages in one step.
///
/// # Safety
///
/// Both ranges are whole pages of equal length. The old ones are mapped and nobody points to them.
/// The new ones are unused and reserved for this.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn move_pages(old: PageSpan, new: PageSpan, _file: Option<(&File, u64)>, _plan: &Plan) -> Result<()> {
    use rustix::mm::MremapFlags;
    let (from, to): (*mut std::ffi::c_void, _) = (old.address.cast(), new.address.cast());
    let length = old.pages(page_size()) * page_size();
    // SAFETY: the caller's promise.
    let moved = unsafe { rustix::mm::mremap_fixed(from, length, length, MremapFlags::MAYMOVE, to) };
    moved.map(drop).map_err(|errno| {
        // SAFETY: the caller owns the new addresses, and nobody else may map anything there.
        unsafe { replace::fill_hole(to, length) };
        failed("mremap")(errno)
    })
}

/// Maps the file again and copies private pages, because these systems cannot move pages.
///
/// # Safety
///
/// Both ranges are whole pages of equal length. The old ones are mapped and nobody points to them.
/// The new ones are unused and reserved for this.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn move_pages(old: PageSpan, new: PageSpan, file: Option<(&File, u64)>, plan: &Plan) -> Result<()> {
    let flags = flags_for(plan) | MapFlags::FIXED;
    let (from, to) = (old.address, new.address.cast());
    match file {
        Some((file, offset)) => {
            let offset = offset - lead_of(offset, page_size()) as u64;
            // SAFETY: the caller promises the new range.
            unsafe { rustix::mm::mmap(to, new.length, protection_for(plan, false), flags, file, offset) }
        }
        // SAFETY: the caller promises the new range.
        None if plan.private => unsafe {
            rustix::mm::mmap_anonymous(to, new.length, protection_for(plan, true), flags)
        },
        None => return Err(super::errno::no_descriptor("mmap")),
    }
    .map_err(failed("mmap"))?;
    if plan.private {
        // SAFETY: both ranges are mapped, have one length, and do not overlap. If the file has been
        // truncated meanwhile, the fault handler, which knows both ranges, maps zeros.
        unsafe { std::ptr::copy_nonoverlapping(from, new.address, new.length) };
    }
    // SAFETY: nobody uses the old pages any more. An error could only mean that they are not
    // mapped.
    let _ = unsafe { rustix::mm::munmap(from.cast(), old.length) };
    Ok(())
}

impl Drop for Memory {
    fn drop(&mut self) {
        if matches!(self.owner, Owner::Memory) {
            let span = self.span(0, self.length);
            // SAFETY: Memory::map has mapped these pages, and nobody else unmaps them. All holders
            // of pointers to them hold the Memory, too. An error cannot be reported.
            let _ = unsafe { rustix::mm::munmap(span.address.cast(), span.length) };
        }
    }
}

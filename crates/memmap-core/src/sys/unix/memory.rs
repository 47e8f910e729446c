//! Mapped pages.

use super::errno::{errno_of, failed};
use super::file::File;
use super::mapping_limit::MappingQuota;
use super::page_size;
use super::plan::{
    NORESERVE, PRIVATE_IS_SNAPSHOT, anonymous_flags_for, flags_for, lead_of, page_size_of_flags, protection_for,
};
use super::replace::{self, FileMapping, Fresh, Zeros};
use super::shm::anonymous_file;
use super::unmappable::{map_failed, nothing_to_map};
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::StoredTo;
use crate::sys::PageSpan;
use memmap2::{MmapOptions, MmapRaw};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether anonymous memory that has a descriptor can become longer. CPython refuses it on Linux, and so do we.
pub const CAN_GROW_SHARED_ANONYMOUS: bool = cfg!(not(any(target_os = "linux", target_os = "android")));

/// Whether a file may get shorter while it is mapped.
pub const CAN_TRUNCATE_WHILE_MAPPED: bool = true;

/// Whether a mapping may reach beyond the end of its file.
pub const CAN_MAP_BEYOND_END: bool = true;

/// Bytes that are mapped from any offset of a file. The pages they lie in are unmapped on drop.
#[derive(Debug)]
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
    /// Bytes in a page of this memory: more than the system's where it is made of huge pages.
    page: usize,
    /// It has no file, also none that is memory (memfd).
    anonymous: bool,
    stored_to: StoredTo,
    /// Advice for a part of it, or a lock, may have made several mappings of it.
    is_divided: AtomicBool,
    owner: Owner,
    quota: MappingQuota,
}

/// Who unmaps the pages.
#[derive(Debug)]
enum Owner {
    /// memmap2, on drop.
    Memmap2(#[expect(dead_code, reason = "it is there to be dropped")] MmapRaw),
    /// `Memory`'s own drop, where memmap2's options could not say what was wanted.
    Memory,
    /// Whoever reserved the addresses that they were moved to.
    Engine {
        /// Bytes that are reserved, from the start of the first page.
        capacity: usize,
        /// The rest of the reservation is a mapping of its own.
        _counted: Option<MappingQuota>,
    },
}

// SAFETY: Memory is an address range and nothing that belongs to a thread; munmap, msync and madvise may be called from any.
unsafe impl Send for Memory {}
// SAFETY: as for Send. Its methods take `&self` and give out raw pointers only; whatever reads and writes through them says why that
// is sound (see the crate's documentation).
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `length` bytes of `file` from `offset`, which may be any.
    ///
    /// A mapping whose methods only read is private, and its pages can only be read, so that the
    /// system sets no memory aside for it. JavaScript has no read-only ArrayBuffer: when a stray
    /// store runs into such a page, the fault handler makes it writable. Where there is no handler,
    /// the pages are writable from the start. Pages that nobody stored to show the file. Where
    /// private pages would not do that ([`PRIVATE_IS_SNAPSHOT`]) they are the file's own until they
    /// are stored to.
    ///
    /// # Errors
    ///
    /// What mmap(2) says: EACCES, EINVAL (length 0), ENODEV, ENOMEM.
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
                // SAFETY: "unsafe" there is that the file may change under a slice; MmapRaw gives no slice.
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

    /// Memory with no file, all zeros, and with `track` the descriptor by which another process can
    /// map it, if it is not private.
    ///
    /// # Errors
    ///
    /// EINVAL (length 0), ENOMEM, EMFILE.
    pub fn anonymous(length: usize, plan: &Plan, track: bool) -> Result<(Memory, Option<File>)> {
        if length == 0 {
            return Err(failed("mmap")(Errno::INVAL));
        }
        // Flags such as MAP_HUGETLB mean something else, or nothing, for memory that has a descriptor.
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

    fn of(quota: MappingQuota, anonymous: bool, owner: MmapRaw) -> Result<Memory> {
        Ok(Memory {
            // memmap2 never gives a null pointer; if it did there would be nothing mapped to speak of.
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

    /// Maps what memmap2 has no options for: `lead + length` bytes, of which the last `length` are ours.
    fn map(quota: MappingQuota, length: usize, page: usize, file: Option<(&File, u64)>, plan: &Plan) -> Result<Memory> {
        let flags = if file.is_some() { flags_for(plan) } else { anonymous_flags_for(plan) };
        let protection = protection_for(plan, file.is_none());
        let lead = file.map_or(0, |(_, offset)| lead_of(offset, page));
        let whole = length.checked_add(lead).ok_or(Error::LengthTooLarge)?;
        let null = std::ptr::null_mut();
        let base = match file {
            // SAFETY: without MAP_FIXED (plan_from_flags refuses it) a new mapping touches no memory that is in use.
            Some((file, offset)) => unsafe {
                rustix::mm::mmap(null, whole, protection, flags, file, offset - lead as u64)
            },
            // SAFETY: as above.
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

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// How many bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Bytes in a page of this memory.
    pub fn page_size(&self) -> usize {
        self.page
    }

    /// What the fault handler does with a page that can only be read when somebody stores to it.
    pub(crate) fn stored_to(&self) -> StoredTo {
        self.stored_to
    }

    /// The whole pages under a range.
    pub(super) fn span(&self, offset: usize, length: usize) -> PageSpan {
        PageSpan::of_pages(self.at(offset), length, self.page)
    }

    /// Puts private zeros in place of all whole pages after `[0, kept)`. Views of them stay readable when the file is cut
    /// there.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn map_zeros_from(&self, kept: usize) -> Result<()> {
        self.map_zeros_over(self.at(kept).addr().next_multiple_of(self.page))
    }

    /// Puts private zeros in place of all pages. They are not quota as a mapping any more, unless
    /// an engine unmaps them: the system makes one mapping of such zeros with what lies beside
    /// them, and whoever blanks memory keeps nothing but its addresses.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn map_zeros(&self) -> Result<()> {
        self.map_zeros_over(self.span(0, self.length).address.addr())?;
        if !self.is_engine_owned() {
            self.quota.release();
        }
        Ok(())
    }

    fn map_zeros_over(&self, first: usize) -> Result<()> {
        let end = self.at(self.length).addr().next_multiple_of(self.page);
        if first >= end {
            return Ok(());
        }
        let zeros = if self.is_engine_owned() { Zeros::Writable } else { Zeros::OfOurs };
        // SAFETY: the range is whole pages of ours. They stay mapped and readable, which is all
        // that holders of pointers rely on.
        unsafe { replace::by_zeros(self.start().with_addr(first), end - first, self.page, zeros) }
            .map_err(failed("mmap"))
    }

    /// Moves the pages to addresses that somebody else has reserved, and unmaps the old ones. Contents stay, stores that were
    /// private stay private. From then on it is not ours to unmap them.
    ///
    /// `file` and `offset` are what was mapped, for systems that cannot move pages but must map
    /// them again. `is_whole`: none of it has been lost.
    ///
    /// # Errors
    ///
    /// ENOMEM, and EBADF where pages cannot be moved and there is no file to map again. The pages are then where they were.
    ///
    /// # Safety
    ///
    /// `address` must lie as far into its page as the memory does now. The pages from there on, `capacity` bytes and at
    /// least as many as this memory has, must be the caller's, unused, and stay reserved for as long as this Memory is used. Nobody
    /// may hold a pointer to where the memory is now.
    pub unsafe fn relocate(
        &mut self,
        address: NonNull<u8>,
        capacity: usize,
        file: Option<(&File, u64)>,
        plan: &Plan,
        is_whole: bool,
    ) -> Result<()> {
        if self.page != page_size() {
            return Err(Error::NoView("its pages are larger than the engine's".to_owned()));
        }
        let old = self.span(0, self.length);
        let new = PageSpan::of_pages(address.as_ptr(), self.length, self.page);
        let owner = engine_owner(capacity, new.pages())?;
        if (!is_whole || self.is_divided.load(Ordering::Relaxed)) && !replace::moves_several_mappings() {
            return Err(failed("mremap")(Errno::FAULT));
        }
        // SAFETY: the caller's promise about both ranges.
        unsafe { move_pages(old, new, file, plan) }?;
        let owner = std::mem::replace(&mut self.owner, owner);
        // Nothing is mapped any more where it thinks.
        std::mem::forget(owner);
        self.start = address;
        Ok(())
    }

    /// Whether somebody else unmaps the pages.
    pub fn is_engine_owned(&self) -> bool {
        matches!(self.owner, Owner::Engine { .. })
    }

    /// The same memory with more of its file at its end, in place, if it was moved to where there
    /// is room for that. Nothing has changed until the growth is finished.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub fn grown(&self, file: &File, offset: u64, length: usize, plan: &Plan) -> Result<Option<Growth>> {
        let Owner::Engine { capacity, .. } = self.owner else {
            return Ok(None);
        };
        let lead = lead_of(offset, self.page);
        if length < self.length || lead.checked_add(length).is_none_or(|whole| whole > capacity) {
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

    /// Changes between a mapping whose stores reach the file and one whose stores are private, at the same address.
    ///
    /// # Errors
    ///
    /// EACCES when the descriptor may not do it, ENOMEM. ERR_MMAP_FAULT if the old pages are gone
    /// all the same (see `replace.rs`), which nobody has been told yet.
    pub fn remap(&self, file: &File, offset: u64, plan: &Plan) -> Result<()> {
        let fresh = Fresh::of_file(self.file_mapping(offset, plan), file)?;
        // SAFETY: exactly our own pages are replaced, by readable ones of the same file and offset.
        // The owner's idea of address and length stays true.
        unsafe { fresh.replace(self.span(0, self.length), file) }.map_err(not_replaced("mprotect", self.length))
    }

    /// Makes the pages executable, or writable, or not, as the plan says.
    ///
    /// # Errors
    ///
    /// EACCES where the system does not allow that.
    pub fn set_protection(&self, plan: &Plan) -> Result<()> {
        let span = self.span(0, self.length);
        let flags = MprotectFlags::from_bits_retain(protection_for(plan, self.anonymous).bits());
        // SAFETY: the span is our pages; they stay readable, and the fault handler answers stores
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

    /// Notes that the system may keep the pages as several mappings from now on.
    pub(super) fn mark_divided(&self) {
        self.is_divided.store(true, Ordering::Relaxed);
    }

    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        self.start().wrapping_add(offset)
    }
}

/// A mapping in place of one that was moved to an engine's addresses, before it is there.
#[derive(Debug)]
pub struct Growth {
    memory: Memory,
    fresh: Fresh,
    length_before: usize,
}

impl Growth {
    /// Puts the longer mapping of `file` in place, and then has `change_size` give the file its
    /// size. If that fails, the memory ends where it did before: what is beyond belongs to nobody,
    /// and is zeros again.
    ///
    /// # Errors
    ///
    /// What mremap(2) and `change_size` say. The memory is then as it was, but for ERR_MMAP_FAULT,
    /// as of [`Memory::remap`].
    pub fn finish(self, file: &File, change_size: impl FnOnce() -> Result<()>) -> Result<Memory> {
        let Growth { memory, fresh, length_before } = self;
        // SAFETY: the pages are our own, or the engine's reservation for this (`relocate`), where
        // JavaScript has at most grown its buffer too early. Our own are replaced by the same pages
        // of the same file; what was private in them nobody resizes.
        unsafe { fresh.replace(memory.span(0, memory.length), file) }.map_err(not_replaced("mmap", length_before))?;
        if let Err(error) = change_size() {
            let end = memory.at(memory.length).addr().next_multiple_of(memory.page);
            let first = memory.at(length_before).addr().next_multiple_of(memory.page);
            if first < end {
                // SAFETY: as above. The error that is worth telling is the first one; pages of the
                // file that stay there are beyond what anybody was given.
                let _ = unsafe {
                    replace::by_zeros(memory.start().with_addr(first), end - first, memory.page, Zeros::Writable)
                };
            }
            return Err(error);
        }
        Ok(memory)
    }
}

/// The error of pages that have not been replaced, and were `length` bytes of memory.
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
/// Both ranges are whole pages, as many; the old ones are mapped and nobody points to them, the new ones are unused and reserved for
/// this.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn move_pages(old: PageSpan, new: PageSpan, _file: Option<(&File, u64)>, _plan: &Plan) -> Result<()> {
    use rustix::mm::MremapFlags;
    let (from, to): (*mut std::ffi::c_void, _) = (old.address.cast(), new.address.cast());
    let length = old.pages() * page_size();
    // SAFETY: the caller's promise.
    let moved = unsafe { rustix::mm::mremap_fixed(from, length, length, MremapFlags::MAYMOVE, to) };
    moved.map(drop).map_err(|errno| {
        // SAFETY: the new addresses are the caller's, and must not become anybody else's.
        unsafe { replace::fill_hole(to, length) };
        failed("mremap")(errno)
    })
}

/// Maps the file again, and copies what is private. Other systems cannot move pages.
///
/// # Safety
///
/// Both ranges are whole pages, as many; the old ones are mapped and nobody points to them, the new ones are unused and reserved for
/// this.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn move_pages(old: PageSpan, new: PageSpan, file: Option<(&File, u64)>, plan: &Plan) -> Result<()> {
    let flags = flags_for(plan) | MapFlags::FIXED;
    let (from, to) = (old.address, new.address.cast());
    match file {
        Some((file, offset)) => {
            let offset = offset - lead_of(offset, page_size()) as u64;
            // SAFETY: the caller's promise about the new range.
            unsafe { rustix::mm::mmap(to, new.length, protection_for(plan, false), flags, file, offset) }
        }
        // SAFETY: as above.
        None if plan.private => unsafe {
            rustix::mm::mmap_anonymous(to, new.length, protection_for(plan, true), flags)
        },
        None => return Err(super::no_descriptor("mmap")),
    }
    .map_err(failed("mmap"))?;
    if plan.private {
        // SAFETY: both ranges are mapped, as long, and do not overlap. Where the file has been cut off by now, the fault handler, which knows of
        // both, puts zeros.
        unsafe { std::ptr::copy_nonoverlapping(from, new.address, new.length) };
    }
    // SAFETY: the old pages are nobody's any more. An error could only mean that they are not mapped.
    let _ = unsafe { rustix::mm::munmap(from.cast(), old.length) };
    Ok(())
}

impl Drop for Memory {
    fn drop(&mut self) {
        if matches!(self.owner, Owner::Memory) {
            let span = self.span(0, self.length);
            // SAFETY: these are the pages that Memory::map mapped, and nobody else unmaps them. Whatever holds a pointer into them holds
            // the Memory too. There is nobody to tell of an error.
            let _ = unsafe { rustix::mm::munmap(span.address.cast(), span.length) };
        }
    }
}

//! Replacing pages that are in use by new pages.
//!
//! mmap with MAP_FIXED is no exchange that either happens or does not. POSIX allows a call that
//! fails to have unmapped the range, and Linux before 6.12 does so. A view would then have a hole,
//! into which anybody's next mapping may fall. So on Linux the new pages are first mapped
//! elsewhere, where all likely failures are harmless. mremap then moves them over the old ones,
//! which is one step for all other threads.
//!
//! That mremap fails too is all but impossible. It checks the arguments and the number of mappings
//! before it unmaps anything, and the pages that it moves are one mapping. It could only fail if
//! the kernel had no memory even for its own few bytes. If that leaves a hole, zeros fill it at
//! once.
//!
//! Other systems cannot move pages, so they use MAP_FIXED. XNU keeps the old mapping until the new
//! one is entered, and restores it on failure (`zap_old_map` in vm_map_enter). FreeBSD checks its
//! limits before it removes anything (vm_mmap_object), and can then fail only for lack of kernel
//! memory.

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::errno::failed_for;
use super::file::File;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::limits::Wanted;
use super::plan::{NORESERVE, READ_WRITE};
use crate::error::Result;
use crate::sys::span::PageSpan;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::ffi::c_void;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::sync::OnceLock;

/// Why pages were not replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    pub(super) errno: Errno,
    /// Whether the old pages are gone, with zeros in their place. Otherwise they are unchanged.
    pub(super) lost: bool,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Failed {
        Failed { errno, lost: false }
    }
}

/// How the zeros that replace pages can be accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zeros {
    /// Zeros in memory that we unmap. They are read-only, because the system reserves no memory for
    /// read-only pages. The fault handler makes a page writable when a thread stores to it.
    OfOurs,
    /// Zeros in engine-owned memory. They are writable from the start, because the handler could
    /// not tell them from other pages.
    Writable,
}

/// Replaces `length` bytes of pages by private zeros. It does so at once if the system has room for
/// that, otherwise in pieces.
///
/// # Errors
///
/// ENOMEM. Some of the pages may then be zeros. The others are unchanged.
///
/// # Safety
///
/// The range is whole pages of `page` bytes, which the caller may replace.
pub(super) unsafe fn by_zeros(first: *mut u8, length: usize, page: usize, zeros: Zeros) -> rustix::io::Result<()> {
    let protection = zeros.protection();
    let flags = MapFlags::PRIVATE | MapFlags::from_bits_retain(NORESERVE as _);
    let mut done = 0;
    let mut piece = length;
    while done < length {
        let count = piece.min(length - done);
        let target = PageSpan { address: first.wrapping_add(done), length: count };
        let map = |address, more| {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            if zeros == Zeros::Writable
                && super::limits::count_private_memory()
                && let Ok(pages) = map_memory_file(count)
            {
                return Ok(pages);
            }
            // SAFETY: the address is the system's choice or, with MAP_FIXED, in the caller's pages.
            unsafe { rustix::mm::mmap_anonymous(address, count, protection, flags | more) }
        };
        // SAFETY: the caller's promise.
        match unsafe { map_over(target, map) } {
            // Zeros that filled a hole are as good.
            Ok(()) | Err(Failed { lost: true, .. }) => done += count,
            // Having the pages twice for a moment may exceed a limit on addresses.
            Err(_) if count > page => piece = (count / 2).next_multiple_of(page),
            Err(failed) => return Err(failed.errno),
        }
    }
    Ok(())
}

/// Maps zeros of a private memory file. The system charges a page of it only when it is touched.
/// But reading such a page takes memory, too, so private zeros are better where they are not
/// charged as a whole.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn map_memory_file(length: usize) -> rustix::io::Result<*mut c_void> {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    let size = length as u64;
    if !super::file::allows_size(size) {
        return Err(Errno::FBIG);
    }
    let file = memfd_create(c"memmap", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, size)?;
    // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
    unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, READ_WRITE, MapFlags::SHARED, &file, 0) }
}

/// Replaces a page by a writable private copy.
///
/// # Errors
///
/// ENOMEM.
///
/// # Safety
///
/// `page` is a readable page of `page_size` bytes, which the caller may replace.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) unsafe fn by_copy(page: *mut u8, page_size: usize) -> std::result::Result<(), Failed> {
    let target = PageSpan { address: page, length: page_size };
    let map = |address, more| {
        // SAFETY: the address is the system's choice.
        let copy = unsafe { rustix::mm::mmap_anonymous(address, page_size, READ_WRITE, MapFlags::PRIVATE | more) }?;
        // SAFETY: both are whole pages: the caller's, and one that has just been mapped.
        unsafe { std::ptr::copy_nonoverlapping(page.cast_const(), copy.cast(), page_size) };
        Ok(copy)
    };
    // SAFETY: the caller's promise.
    unsafe { map_over(target, map) }
}

impl Zeros {
    pub(super) fn protection(self) -> ProtFlags {
        // Apple's systems reserve no memory for writable pages either.
        let only_reads = self == Zeros::OfOurs && !cfg!(target_vendor = "apple");
        if only_reads && super::plan::is_fault_handler_enabled() { ProtFlags::READ } else { READ_WRITE }
    }
}

/// A part of a file, and how to map it in the place of memory that shows it.
#[derive(Debug)]
pub(super) struct FileMapping {
    /// The position in the file, on a page.
    pub(super) offset: u64,
    /// The length in bytes, in whole pages of the memory.
    pub(super) length: usize,
    pub(super) flags: MapFlags,
    pub(super) protection: ProtFlags,
}

/// Pages of a file that will replace others.
#[derive(Debug)]
pub(super) struct Fresh {
    /// The new pages, which are mapped elsewhere until then.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pages: Pages,
    /// How to map the pages, on systems that map them in place.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    mapping: FileMapping,
}

/// Mapped pages. They are unmapped on drop, unless they have been moved.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Debug)]
struct Pages {
    address: *mut c_void,
    length: usize,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Fresh {
    /// Maps the part of the file elsewhere.
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    pub(super) fn of_file(mapping: FileMapping, file: &File) -> Result<Fresh> {
        let FileMapping { offset, length, flags, protection } = mapping;
        let null = std::ptr::null_mut();
        // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
        let address = unsafe { rustix::mm::mmap(null, length, protection, flags, file, offset) }
            .map_err(failed_for("mmap", Wanted { bytes: length, private: flags.contains(MapFlags::PRIVATE) }))?;
        Ok(Fresh { pages: Pages { address, length } })
    }

    /// Moves the pages over those of `target`. `file` is that of [`Fresh::of_file`].
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// `target` has as many whole pages, which the caller may replace.
    pub(super) unsafe fn replace(self, target: PageSpan, _file: &File) -> std::result::Result<(), Failed> {
        // SAFETY: the caller's promise.
        unsafe { move_over(self.pages, target.address.cast()) }
    }
}

/// Maps pages and moves them over those of `target`.
///
/// # Safety
///
/// `target` is whole pages, which the caller may replace.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn map_over(
    target: PageSpan,
    map: impl Fn(*mut c_void, MapFlags) -> rustix::io::Result<*mut c_void>,
) -> std::result::Result<(), Failed> {
    let address = map(std::ptr::null_mut(), MapFlags::empty())?;
    // SAFETY: the caller's promise.
    unsafe { move_over(Pages { address, length: target.length }, target.address.cast()) }
}

/// # Safety
///
/// The caller may replace as many pages from `target` on.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn move_over(pages: Pages, target: *mut c_void) -> std::result::Result<(), Failed> {
    use rustix::mm::MremapFlags;
    let (address, length) = (pages.address, pages.length);
    // SAFETY: the pages are ours and nobody points to them. The caller promises the target.
    let moved = unsafe { rustix::mm::mremap_fixed(address, length, length, MremapFlags::MAYMOVE, target) };
    match moved {
        Ok(_) => {
            std::mem::forget(pages);
            Ok(())
        }
        Err(errno) => {
            // SAFETY: the caller's promise.
            let lost = unsafe { fill_hole(target, length) };
            Err(Failed { errno, lost })
        }
    }
}

/// Whether mremap moves the pages of several kernel mappings in one call, as Linux does from 6.17
/// on. An older Linux refuses it only after it has unmapped what was at the new addresses.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn moves_several_mappings() -> bool {
    static MOVES: OnceLock<bool> = OnceLock::new();
    *MOVES.get_or_init(|| {
        let system = rustix::system::uname();
        let release = system.release().to_string_lossy();
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(6), Some(17))
    })
}

/// Other systems map the file again, so the number of mappings does not matter.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn moves_several_mappings() -> bool {
    true
}

/// Maps zeros into the hole that a failed mremap has left, and returns whether there was one. It
/// replaces nothing that is mapped. (Linux before 4.17 does not know MAP_FIXED_NOREPLACE and maps
/// elsewhere.)
///
/// # Safety
///
/// The caller owns the pages.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) unsafe fn fill_hole(target: *mut c_void, length: usize) -> bool {
    let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE | MapFlags::from_bits_retain(NORESERVE as _);
    // If there is no memory for writable zeros, read-only ones need none.
    [READ_WRITE, ProtFlags::READ].into_iter().any(|protection| {
        // SAFETY: the call replaces nothing.
        let filled = unsafe { rustix::mm::mmap_anonymous(target, length, protection, flags) };
        if let Ok(address) = filled
            && address != target
        {
            // SAFETY: the pages have just been mapped, and nobody points to them. An error could
            // only mean that they are not mapped.
            let _ = unsafe { rustix::mm::munmap(address, length) };
        }
        filled == Ok(target)
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the pages are ours, and nobody points to them. An error cannot be reported.
        let _ = unsafe { rustix::mm::munmap(self.address, self.length) };
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Fresh {
    /// Keeps the part of the file to map, which happens in place.
    ///
    /// # Errors
    ///
    /// None.
    pub(super) fn of_file(mapping: FileMapping, _file: &File) -> Result<Fresh> {
        Ok(Fresh { mapping })
    }

    /// Maps the pages over those of `target`. `file` is that of [`Fresh::of_file`].
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    ///
    /// # Safety
    ///
    /// `target` has as many whole pages, which the caller may replace.
    pub(super) unsafe fn replace(self, target: PageSpan, file: &File) -> std::result::Result<(), Failed> {
        let FileMapping { offset, length, flags, protection } = self.mapping;
        let address = target.address.cast();
        // SAFETY: the caller's promise.
        unsafe { rustix::mm::mmap(address, length, protection, flags | MapFlags::FIXED, file, offset) }?;
        Ok(())
    }
}

/// Maps pages over those of `target`.
///
/// # Safety
///
/// `target` is whole pages, which the caller may replace.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn map_over(
    target: PageSpan,
    map: impl Fn(*mut c_void, MapFlags) -> rustix::io::Result<*mut c_void>,
) -> std::result::Result<(), Failed> {
    map(target.address.cast(), MapFlags::FIXED)?;
    Ok(())
}

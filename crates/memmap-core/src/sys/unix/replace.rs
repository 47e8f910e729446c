//! New pages in the place of pages that are in use.
//!
//! mmap with MAP_FIXED is no exchange that either happens or does not: POSIX allows one that fails
//! to have unmapped the range, and Linux before 6.12 does that. Then a view is a hole, which the
//! next mapping of anybody may fall into. So on Linux the new pages are mapped elsewhere first,
//! where all that can fail fails without harm, and are then moved over the old ones by mremap. That
//! is one step for every other thread.
//!
//! That mremap fails too is all but impossible: it checks the arguments and the number of mappings
//! before it unmaps anything, and the pages that move are one mapping. What is left is that the
//! kernel has not even memory for its own few bytes. Then the hole, if there is one, is filled with
//! zeros at once.
//!
//! Other systems cannot move pages, so MAP_FIXED it is. XNU keeps what it takes away until the new
//! mapping is entered, and puts it back if that fails (`zap_old_map` in vm_map_enter). FreeBSD
//! checks its limits before it removes anything (vm_mmap_object), and the rest fails for want of
//! kernel memory only.

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::errno::failed_for;
use super::file::File;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::limits::Wanted;
use super::plan::{NORESERVE, READ_WRITE};
use crate::error::Result;
use crate::sys::PageSpan;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::ffi::c_void;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::sync::OnceLock;

/// Why pages have not been replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    pub(super) errno: Errno,
    /// The old pages are gone all the same, and zeros are in their place. Otherwise they are as
    /// they were.
    pub(super) lost: bool,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Failed {
        Failed { errno, lost: false }
    }
}

/// What may be done with zeros that are put in place of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zeros {
    /// They are in memory that we unmap. The system sets no memory aside for pages that can only be
    /// read, however many they are, and the fault handler makes those writable that are stored to.
    OfOurs,
    /// They are writable from the start: in memory that an engine unmaps, the handler could not
    /// tell them from other pages.
    Writable,
}

/// Puts private zeros in place of `length` bytes of pages, all at once if the system has room for
/// that, else in pieces.
///
/// # Errors
///
/// ENOMEM. A part of the pages may be zeros then; the others are as they were.
///
/// # Safety
///
/// They are whole pages, `page` bytes each, which the caller may replace.
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
            // SAFETY: at an address of the system's choice, or with MAP_FIXED in the caller's
            // pages.
            unsafe { rustix::mm::mmap_anonymous(address, count, protection, flags | more) }
        };
        // SAFETY: the caller's promise.
        match unsafe { map_over(target, map) } {
            // What filled a hole is zeros too.
            Ok(()) | Err(Failed { lost: true, .. }) => done += count,
            // To have the pages twice for a moment may be too much for a limit on addresses.
            Err(_) if count > page => piece = (count / 2).next_multiple_of(page),
            Err(failed) => return Err(failed.errno),
        }
    }
    Ok(())
}

/// Maps zeros of a file that is memory and that nobody else has. The system counts a page of it
/// when it is touched, also by a read, which then takes memory: private zeros are better where they
/// are not quota as a whole.
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

/// Puts a private copy, which can be written to, in the place of a page.
///
/// # Errors
///
/// ENOMEM.
///
/// # Safety
///
/// It is a whole page that can be read, `page_size` bytes, which the caller may replace.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) unsafe fn by_copy(page: *mut u8, page_size: usize) -> std::result::Result<(), Failed> {
    let target = PageSpan { address: page, length: page_size };
    let map = |address, more| {
        // SAFETY: at an address of the system's choice.
        let copy = unsafe { rustix::mm::mmap_anonymous(address, page_size, READ_WRITE, MapFlags::PRIVATE | more) }?;
        // SAFETY: both are a page, the caller's and one that was mapped just now.
        unsafe { std::ptr::copy_nonoverlapping(page.cast_const(), copy.cast(), page_size) };
        Ok(copy)
    };
    // SAFETY: the caller's promise.
    unsafe { map_over(target, map) }
}

impl Zeros {
    pub(super) fn protection(self) -> ProtFlags {
        // Apple's systems set no memory aside for pages that can be written to either.
        let only_reads = self == Zeros::OfOurs && !cfg!(target_vendor = "apple");
        if only_reads && super::plan::is_fault_handler_enabled() { ProtFlags::READ } else { READ_WRITE }
    }
}

/// A part of a file, and how to map it in the place of memory that shows it.
#[derive(Debug)]
pub(super) struct FileMapping {
    /// From which byte of the file, on a page.
    pub(super) offset: u64,
    /// Bytes from there: whole pages of the memory.
    pub(super) length: usize,
    pub(super) flags: MapFlags,
    pub(super) protection: ProtFlags,
}

/// Pages of a file that are to replace others.
#[derive(Debug)]
pub(super) struct Fresh {
    /// Where they are until then; not unmapped by the one that made the memory.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pages: Pages,
    /// How to map them, where they are mapped in place.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    mapping: FileMapping,
}

/// Unmapped when dropped, unless they have been moved.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Debug)]
struct Pages {
    address: *mut c_void,
    length: usize,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Fresh {
    /// Maps the part of the file that `memory` shows, elsewhere.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(super) fn of_file(mapping: FileMapping, file: &File) -> Result<Fresh> {
        let FileMapping { offset, length, flags, protection } = mapping;
        let null = std::ptr::null_mut();
        // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
        let address = unsafe { rustix::mm::mmap(null, length, protection, flags, file, offset) }
            .map_err(failed_for("mmap", Wanted { bytes: length, private: flags.contains(MapFlags::PRIVATE) }))?;
        Ok(Fresh { pages: Pages { address, length } })
    }

    /// Puts them in place. `file` is that of [`Fresh::of_file`].
    ///
    /// # Errors
    ///
    /// ENOMEM.
    ///
    /// # Safety
    ///
    /// `target` is whole pages, as many, which the caller may replace.
    pub(super) unsafe fn replace(self, target: PageSpan, _file: &File) -> std::result::Result<(), Failed> {
        // SAFETY: the caller's promise.
        unsafe { move_over(self.pages, target.address.cast()) }
    }
}

/// Maps pages and puts them in the place of others.
///
/// # Safety
///
/// `target` is whole pages that the caller may replace.
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
/// As many pages from `target` on are the caller's to replace.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn move_over(pages: Pages, target: *mut c_void) -> std::result::Result<(), Failed> {
    use rustix::mm::MremapFlags;
    let (address, length) = (pages.address, pages.length);
    // SAFETY: the pages are ours and nobody points to them; for the target, the caller's promise.
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

/// Whether the system moves pages of several mappings in one call, as Linux does from 6.17 on. An
/// older one says that it does not when it has already unmapped what was at the new addresses.
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

/// Other systems map the file again.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn moves_several_mappings() -> bool {
    true
}

/// Maps zeros where a failed mremap has left a hole, and says whether there was one. What is mapped
/// stays. (Linux before 4.17 does not know MAP_FIXED_NOREPLACE and maps elsewhere.)
///
/// # Safety
///
/// The pages are the caller's.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) unsafe fn fill_hole(target: *mut c_void, length: usize) -> bool {
    let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE | MapFlags::from_bits_retain(NORESERVE as _);
    // For zeros that can only be read no memory has to be set aside.
    [READ_WRITE, ProtFlags::READ].into_iter().any(|protection| {
        // SAFETY: nothing is replaced.
        let filled = unsafe { rustix::mm::mmap_anonymous(target, length, protection, flags) };
        if let Ok(address) = filled
            && address != target
        {
            // SAFETY: it was mapped just now, and nobody points to it. An error could only mean
            // that it is not mapped.
            let _ = unsafe { rustix::mm::munmap(address, length) };
        }
        filled == Ok(target)
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: they are ours, and nobody points to them. There is nobody to tell of an error.
        let _ = unsafe { rustix::mm::munmap(self.address, self.length) };
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Fresh {
    /// The part of the file that `memory` shows. It is mapped in place.
    ///
    /// # Errors
    ///
    /// None.
    pub(super) fn of_file(mapping: FileMapping, _file: &File) -> Result<Fresh> {
        Ok(Fresh { mapping })
    }

    /// Puts them in place. `file` is that of [`Fresh::of_file`].
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    ///
    /// # Safety
    ///
    /// `target` is whole pages, as many, which the caller may replace.
    pub(super) unsafe fn replace(self, target: PageSpan, file: &File) -> std::result::Result<(), Failed> {
        let FileMapping { offset, length, flags, protection } = self.mapping;
        let address = target.address.cast();
        // SAFETY: the caller's promise.
        unsafe { rustix::mm::mmap(address, length, protection, flags | MapFlags::FIXED, file, offset) }?;
        Ok(())
    }
}

/// Maps pages over others.
///
/// # Safety
///
/// `target` is whole pages that the caller may replace.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn map_over(
    target: PageSpan,
    map: impl Fn(*mut c_void, MapFlags) -> rustix::io::Result<*mut c_void>,
) -> std::result::Result<(), Failed> {
    map(target.address.cast(), MapFlags::FIXED)?;
    Ok(())
}

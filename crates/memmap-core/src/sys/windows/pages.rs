//! Operations on pages that are mapped: flushing, locking, counting those in memory, and reading
//! ahead.

use super::error::{io_failed, number_of};
use super::memory::Memory;
use super::page::page_size;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::sys::span::{PageSpan, Residency};
use std::io;
use std::time::Duration;
use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED, ERROR_WORKING_SET_QUOTA};
use windows_sys::Win32::System::Memory::{
    FlushViewOfFile, PrefetchVirtualMemory, VirtualLock, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize, SetProcessWorkingSetSize};

impl Memory {
    /// Writes changed pages under `[offset, offset + length)` to the file and waits until the
    /// device has them. Windows has no flags for this.
    ///
    /// # Errors
    ///
    /// EIO, ENOSPC, EBUSY if others keep writing the pages.
    pub fn flush(&self, offset: usize, length: usize, _flags: Option<i32>) -> Result<()> {
        if length == 0 {
            // For FlushViewOfFile, a length of 0 means the whole view.
            return Ok(());
        }
        // If the system is just writing these pages on its own, the call fails with
        // ERROR_LOCK_VIOLATION. So it is repeated after a wait, as in .NET's
        // MemoryMappedViewAccessor.
        const WAITS: [u64; 10] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];
        for wait in WAITS {
            match self.flush_once(offset, length) {
                Err(error) if number_of(&error) == Some(ERROR_LOCK_VIOLATION) => {
                    std::thread::sleep(Duration::from_millis(wait));
                }
                result => return result.map_err(io_failed("msync")),
            }
        }
        self.flush_once(offset, length).map_err(io_failed("msync"))
    }

    /// memmap2 calls FlushViewOfFile and then FlushFileBuffers. It has a handle of its own, so this
    /// works even if no descriptor was kept.
    pub const FLUSH_REACHES_DEVICE: bool = true;

    /// Whether `flags` tell [`Memory::flush`] not to wait. Windows has no such flags.
    pub fn flush_is_asynchronous(_flags: Option<i32>) -> bool {
        false
    }

    /// Windows has no madvise.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn advise(&self, _option: i32, _start: usize, _length: usize) -> Result<()> {
        Err(Error::Unsupported("madvise is not available on Windows"))
    }

    /// Keeps the pages under the range in RAM.
    ///
    /// A process may lock about as much as its minimum working set, which is 200 KiB by default. If
    /// that is the obstacle, the minimum is raised by the length of the range.
    ///
    /// # Errors
    ///
    /// ENOMEM for more than the system allows.
    pub fn lock(&self, offset: usize, length: usize, _private: bool) -> Result<()> {
        if length == 0 {
            // For VirtualLock, a length of 0 is an error.
            return Ok(());
        }
        let span = PageSpan::of_pages(self.at(offset), length, page_size());
        let Err(error) = lock_pages(span) else {
            return Ok(());
        };
        let result = if number_of(&error) == Some(ERROR_WORKING_SET_QUOTA) && raise_working_set(span.length) {
            lock_pages(span)
        } else {
            Err(error)
        };
        result.map_err(io_failed("mlock"))
    }

    /// Undoes [`Memory::lock`]. Pages that are not locked are left alone.
    ///
    /// # Errors
    ///
    /// Those of VirtualUnlock.
    pub fn unlock(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let span = PageSpan::of_pages(self.at(offset), length, page_size());
        match unlock_pages(span) {
            // VirtualUnlock unlocks nothing if any of the pages is not locked.
            Err(error) if number_of(&error) == Some(ERROR_NOT_LOCKED) => {}
            result => return result.map_err(io_failed("munlock")),
        }
        for index in 0..span.pages(page_size()) {
            let address = span.address.wrapping_add(index * page_size());
            match unlock_pages(PageSpan { address, length: 1 }) {
                Err(error) if number_of(&error) != Some(ERROR_NOT_LOCKED) => return Err(io_failed("munlock")(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts the pages under the range in this process's working set, which it can read without a
    /// call of the system. More may be in the system's cache, but Windows does not tell.
    ///
    /// # Errors
    ///
    /// Those of QueryWorkingSetEx.
    pub fn resident(&self, offset: usize, length: usize) -> Result<Residency> {
        let span = PageSpan::of_pages(self.at(offset), length, page_size());
        if length == 0 {
            return Ok(Residency { resident: 0, total: 0 });
        }
        let mut resident = 0;
        each_page(span, |page| resident += usize::from(page & VALID != 0)).map_err(io_failed("mincore"))?;
        Ok(Residency { resident, total: span.pages(page_size()) })
    }

    /// Which pages under the range have been stored to, and so are private to this process. For a
    /// page in the working set, the system tells whether it can be shared. (The remarks of
    /// VirtualQuery describe this method.)
    ///
    /// A page that leaves the working set between the two steps counts as stored to.
    pub fn copied_pages(&self, offset: usize, length: usize) -> Option<Vec<bool>> {
        let span = PageSpan::of_pages(self.at(offset), length, page_size());
        for index in 0..span.pages(page_size()) {
            // SAFETY: the page is mapped and readable, and its contents do not matter. Reading it
            // brings it into the working set.
            unsafe { span.address.wrapping_add(index * page_size()).read_volatile() };
        }
        let mut copied = Vec::with_capacity(span.pages(page_size()));
        each_page(span, |page| copied.push(page & (VALID | SHARED) != VALID | SHARED)).ok()?;
        Some(copied)
    }

    /// Does nothing, because Windows has no flags that ask for populating.
    pub fn populate(&self, _plan: &Plan) {}

    /// Does nothing, because Windows takes no advice about mapped memory.
    pub fn advise_order(&self, _offset: usize, _length: usize, _sequential: bool) {}

    /// Always false, because Windows has no advice.
    pub fn is_about_order(_option: i32) -> bool {
        false
    }

    /// Always false, because Windows removes the pages of a view only when it unmaps the view.
    pub fn drop_pages(&self, _offset: usize, _length: usize) -> bool {
        false
    }

    /// Reads all pages under the range in at once, and returns whether that succeeded.
    pub fn prefetch(&self, offset: usize, length: usize) -> bool {
        let range = WIN32_MEMORY_RANGE_ENTRY { VirtualAddress: self.at(offset).cast(), NumberOfBytes: length };
        // SAFETY: the call returns a constant that means this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: the range is inside our pages, and reading them in changes no contents.
        unsafe { PrefetchVirtualMemory(process, 1, &range, 0) != 0 }
    }

    fn flush_once(&self, offset: usize, length: usize) -> io::Result<()> {
        if let Some(owner) = self.owner() {
            return owner.flush_range(offset, length);
        }
        // SAFETY: the caller has checked that the range is inside our view, and flushing changes no
        // memory.
        succeeded(unsafe { FlushViewOfFile(self.at(offset).cast(), length) })
    }
}

// Bits of PSAPI_WORKING_SET_EX_BLOCK, which QueryWorkingSetEx returns for each page.
const VALID: usize = 1;
const SHARED: usize = 1 << 15;

/// Calls `see` with the attributes of each page of a span, in order.
fn each_page(span: PageSpan, mut see: impl FnMut(usize)) -> io::Result<()> {
    // An entry has 16 bytes, so one call with a mebibyte covers 256 MiB.
    const PAGES_AT_A_TIME: usize = 1 << 16;
    let total = span.pages(page_size());
    let mut pages = Vec::with_capacity(total.min(PAGES_AT_A_TIME));
    let mut done = 0;
    while done < total {
        let count = (total - done).min(PAGES_AT_A_TIME);
        pages.clear();
        pages.extend((done..done + count).map(|index| PSAPI_WORKING_SET_EX_INFORMATION {
            VirtualAddress: span.address.wrapping_add(index * page_size()).cast(),
            ..Default::default()
        }));
        let size = size_of_val(pages.as_slice()) as u32;
        // SAFETY: the call returns a constant that means this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: `pages` is readable and writable for `size` bytes, and any address is allowed.
        succeeded(unsafe { K32QueryWorkingSetEx(process, pages.as_mut_ptr().cast(), size) })?;
        for page in &pages {
            // SAFETY: every variant of the union is a usize, and all its bits are initialised.
            see(unsafe { page.VirtualAttributes.Flags });
        }
        done += count;
    }
    Ok(())
}

fn lock_pages(span: PageSpan) -> io::Result<()> {
    // SAFETY: the span is inside our mapped pages, and locking changes no contents.
    succeeded(unsafe { VirtualLock(span.address.cast(), span.length) })
}

fn unlock_pages(span: PageSpan) -> io::Result<()> {
    // SAFETY: the span is inside our mapped pages, and unlocking changes no contents.
    succeeded(unsafe { VirtualUnlock(span.address.cast(), span.length) })
}

/// Raises the working set that this process may have, and returns whether that succeeded.
fn raise_working_set(bytes: usize) -> bool {
    // The additional pages are those at both ends and what the system adds.
    let bytes = bytes.saturating_add(16 * page_size());
    let (mut minimum, mut maximum) = (0, 0);
    // SAFETY: the call returns a constant that means this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: both numbers are writable.
    if unsafe { GetProcessWorkingSetSize(process, &mut minimum, &mut maximum) } == 0 {
        return false;
    }
    let (minimum, maximum) = (minimum.saturating_add(bytes), maximum.saturating_add(bytes));
    // SAFETY: the call accepts any numbers, and memory safety does not depend on these limits.
    unsafe { SetProcessWorkingSetSize(process, minimum, maximum) != 0 }
}

/// The result of a Windows function that returns a BOOL. It must be called directly after that
/// function.
fn succeeded(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

//! What is asked of the system about mapped pages: to flush, lock, count, or read them ahead.

use super::error::{io_failed, number_of};
use super::memory::Memory;
use super::page_size;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::sys::{PageSpan, Residency};
use std::io;
use std::time::Duration;
use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED, ERROR_WORKING_SET_QUOTA};
use windows_sys::Win32::System::Memory::{
    FlushViewOfFile, PrefetchVirtualMemory, VirtualLock, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize, SetProcessWorkingSetSize};

impl Memory {
    /// Writes changed pages under `[offset, offset + length)` to the file and waits until the device has them. The system
    /// knows no flags for it.
    ///
    /// # Errors
    ///
    /// EIO, ENOSPC, EBUSY when others keep writing the same pages.
    pub fn flush(&self, offset: usize, length: usize, _flags: Option<i32>) -> Result<()> {
        if length == 0 {
            // To FlushViewOfFile this would mean everything.
            return Ok(());
        }
        // The system may be writing these pages just now on its own account, and then says ERROR_LOCK_VIOLATION. (.NET's
        // MemoryMappedViewAccessor waits and tries again too.)
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

    /// memmap2 calls FlushViewOfFile and then FlushFileBuffers, through a handle of its own; so also where no descriptor
    /// was kept.
    pub const FLUSH_REACHES_DEVICE: bool = true;

    /// Whether `flags` of [`Memory::flush`] ask not to wait. There are none that could.
    pub fn flush_is_asynchronous(_flags: Option<i32>) -> bool {
        false
    }

    /// There is no madvise on Windows.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn advise(&self, _option: i32, _start: usize, _length: usize) -> Result<()> {
        Err(Error::Unsupported("madvise is not available on Windows"))
    }

    /// Keeps the pages under the range in RAM.
    ///
    /// A process may lock about as much as its minimum working set, which is small (200 KiB) unless somebody raises it.
    /// Where that is what stands in the way, it is raised by what is asked for.
    ///
    /// # Errors
    ///
    /// ENOMEM beyond what the system allows.
    pub fn lock(&self, offset: usize, length: usize, _private: bool) -> Result<()> {
        if length == 0 {
            // To VirtualLock this is an error.
            return Ok(());
        }
        let span = PageSpan::around(self.at(offset), length);
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

    /// Undoes [`Memory::lock`]. Pages that are not locked stay so.
    ///
    /// # Errors
    ///
    /// What VirtualUnlock says.
    pub fn unlock(&self, offset: usize, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let span = PageSpan::around(self.at(offset), length);
        match unlock_pages(span) {
            // It unlocks all or, where one of them is not locked, none.
            Err(error) if number_of(&error) == Some(ERROR_NOT_LOCKED) => {}
            result => return result.map_err(io_failed("munlock")),
        }
        for index in 0..span.pages() {
            let address = span.address.wrapping_add(index * page_size());
            match unlock_pages(PageSpan { address, length: 1 }) {
                Err(error) if number_of(&error) != Some(ERROR_NOT_LOCKED) => return Err(io_failed("munlock")(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// How many of the pages under the range are in this process's working set: those that it can read without asking the
    /// system. Others may be in the system's cache; Windows does not tell.
    ///
    /// # Errors
    ///
    /// What QueryWorkingSetEx says.
    pub fn resident(&self, offset: usize, length: usize) -> Result<Residency> {
        let span = PageSpan::around(self.at(offset), length);
        if length == 0 {
            return Ok(Residency { resident: 0, total: 0 });
        }
        let mut resident = 0;
        each_page(span, |page| resident += usize::from(page & VALID != 0)).map_err(io_failed("mincore"))?;
        Ok(Residency { resident, total: span.pages() })
    }

    /// Which of the pages under the range have been stored to, and so are this process's own: of a page in the working set
    /// the system says whether it can be shared with others. (That this is how to find out is in the remarks of VirtualQuery.)
    ///
    /// A page that leaves the working set in just the wrong moment counts as stored to.
    pub fn copied_pages(&self, offset: usize, length: usize) -> Option<Vec<bool>> {
        let span = PageSpan::around(self.at(offset), length);
        for index in 0..span.pages() {
            // Brings the page into the working set.
            // SAFETY: the page is mapped and readable; what is in it does not matter.
            unsafe { span.address.wrapping_add(index * page_size()).read_volatile() };
        }
        let mut copied = Vec::with_capacity(span.pages());
        each_page(span, |page| copied.push(page & (VALID | SHARED) != VALID | SHARED)).ok()?;
        Some(copied)
    }

    /// Nothing is brought in ahead: there are no flags that could ask for it.
    pub fn populate(&self, _plan: &Plan) {}

    /// Windows takes no advice about mapped memory.
    pub fn advise_order(&self, _offset: usize, _length: usize, _sequential: bool) {}

    /// There is none.
    pub fn is_about_order(_option: i32) -> bool {
        false
    }

    /// Reads the pages under the range in, all together. Whether that worked.
    pub fn prefetch(&self, offset: usize, length: usize) -> bool {
        let range = WIN32_MEMORY_RANGE_ENTRY { VirtualAddress: self.at(offset).cast(), NumberOfBytes: length };
        // SAFETY: it gives a constant that stands for this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: one range, inside our pages; reading them in changes no contents.
        unsafe { PrefetchVirtualMemory(process, 1, &range, 0) != 0 }
    }

    fn flush_once(&self, offset: usize, length: usize) -> io::Result<()> {
        if let Some(owner) = self.owner() {
            return owner.flush_range(offset, length);
        }
        // SAFETY: the range is inside our view, which the caller has checked, and flushing changes no memory.
        succeeded(unsafe { FlushViewOfFile(self.at(offset).cast(), length) })
    }
}

// What QueryWorkingSetEx says of a page, as bits of PSAPI_WORKING_SET_EX_BLOCK.
const VALID: usize = 1;
const SHARED: usize = 1 << 15;

/// What QueryWorkingSetEx says of each page of a span, in order.
fn each_page(span: PageSpan, mut see: impl FnMut(usize)) -> io::Result<()> {
    // 16 bytes a page: a mebibyte at a time says it of 256 MiB.
    const PAGES_AT_A_TIME: usize = 1 << 16;
    let total = span.pages();
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
        // SAFETY: it gives a constant that stands for this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: `pages` is readable and writable for `size` bytes, and any address may be asked about.
        succeeded(unsafe { K32QueryWorkingSetEx(process, pages.as_mut_ptr().cast(), size) })?;
        for page in &pages {
            // SAFETY: every variant of the union is a usize, and all bits of it are initialised.
            see(unsafe { page.VirtualAttributes.Flags });
        }
        done += count;
    }
    Ok(())
}

fn lock_pages(span: PageSpan) -> io::Result<()> {
    // SAFETY: the span is inside mapped pages of ours; locking changes no contents.
    succeeded(unsafe { VirtualLock(span.address.cast(), span.length) })
}

fn unlock_pages(span: PageSpan) -> io::Result<()> {
    // SAFETY: the span is inside mapped pages of ours; unlocking changes no contents.
    succeeded(unsafe { VirtualUnlock(span.address.cast(), span.length) })
}

/// Raises the working set that the system grants this process; whether it did.
fn raise_working_set(bytes: usize) -> bool {
    // Pages at both ends that are there only in part, and what the system adds of its own.
    let bytes = bytes.saturating_add(16 * page_size());
    let (mut minimum, mut maximum) = (0, 0);
    // SAFETY: it gives a constant that stands for this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: both are writable.
    if unsafe { GetProcessWorkingSetSize(process, &mut minimum, &mut maximum) } == 0 {
        return false;
    }
    let (minimum, maximum) = (minimum.saturating_add(bytes), maximum.saturating_add(bytes));
    // SAFETY: it takes any two numbers, and neither limit is one that this process's memory safety rests on.
    unsafe { SetProcessWorkingSetSize(process, minimum, maximum) != 0 }
}

/// What a function of Windows that returns a BOOL says, just after the call.
fn succeeded(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

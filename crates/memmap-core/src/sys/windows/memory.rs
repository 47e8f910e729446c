//! Mapped pages.

use super::error::{EACCES, EINVAL, EISDIR, ENODEV, ENOMEM, failed, io_failed, number_of};
use super::file::File;
use super::{allocation_granularity, page_size};
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::StoredTo;
use crate::sys::{PageSpan, Residency};
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr::NonNull;
use std::time::Duration;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED, ERROR_WORKING_SET_QUOTA,
};
use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, FlushViewOfFile, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PrefetchVirtualMemory, UnmapViewOfFile, VirtualLock, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize, SetProcessWorkingSetSize};

/// Whether anonymous memory that has a descriptor can become longer. Here none has one, and nobody else can have mapped it.
pub const CAN_GROW_SHARED_ANONYMOUS: bool = true;

/// Whether a file may get shorter while it is mapped. Windows refuses it: ERROR_USER_MAPPED_FILE.
pub const CAN_TRUNCATE_WHILE_MAPPED: bool = false;

/// Whether a mapping may reach beyond the end of its file. Windows makes the file longer, or
/// refuses it.
pub const CAN_MAP_BEYOND_END: bool = false;

/// Whether private pages are those of the moment of mapping. Here those that nobody stored to show the file.
pub const PRIVATE_IS_SNAPSHOT: bool = false;

/// Bytes that are mapped from any offset of a file. The pages they lie in are unmapped on drop.
#[derive(Debug)]
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
    /// memmap2's owner of the pages, or none where its options could not say what was wanted and `drop` unmaps.
    owner: Option<MmapRaw>,
}

/// A mapping in place of one that was moved to an engine's addresses. There is none on Windows.
#[derive(Debug)]
pub enum Growth {}

impl Growth {
    /// Never called.
    ///
    /// # Errors
    ///
    /// None.
    pub fn finish(self, _file: &File, _change_size: impl FnOnce() -> Result<()>) -> Result<Memory> {
        match self {}
    }
}

// SAFETY: Memory is an address range and nothing that belongs to a thread; the calls that unmap, flush and lock it may be
// made from any.
unsafe impl Send for Memory {}
// SAFETY: as for Send. Its methods take `&self` and give out raw pointers only; whatever reads and writes through them says why
// that is sound (see the crate's documentation).
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `length` bytes of `file` from `offset`, which may be any. The file is not extended.
    ///
    /// A mapping whose methods only read is copy-on-write all the same: JavaScript has no read-only ArrayBuffer, and a
    /// stray store through a view must hit a private page and not an access violation. Pages that nobody stored to show the
    /// file. Windows counts all bytes of such a mapping against its commit limit, stored to or not.
    ///
    /// # Errors
    ///
    /// EACCES for a file that was not opened for what is wanted, EINVAL (length 0), ENODEV for what is no regular file,
    /// ENOMEM.
    pub fn of_file(file: &File, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        if length == 0 {
            return Err(unmappable(file).unwrap_or_else(|| failed("mmap", EINVAL)));
        }
        let mut options = MmapOptions::new();
        // memmap2 would otherwise try out whether the file may be executed.
        options.offset(offset).len(length).no_probe_handle();
        let owner = if plan.writes_through() {
            options.map_raw(file.raw())
        } else {
            // SAFETY: "unsafe" there is that the file may change under a slice; MmapRaw gives no slice.
            unsafe { options.map_copy(file.raw()) }.map(MmapRaw::from)
        };
        Memory::of(owner.map_err(map_failed(file))?)
    }

    /// Memory with no file, all zeros. There never is a descriptor by which another process could map it.
    ///
    /// # Errors
    ///
    /// EINVAL (length 0), ENOMEM.
    pub fn anonymous(length: usize, _plan: &Plan, _track: bool) -> Result<(Memory, Option<File>)> {
        if length == 0 {
            return Err(failed("mmap", EINVAL));
        }
        // Private or shared is one and the same to a system whose processes do not fork.
        let owner = MmapOptions::new().len(length).map_anon();
        let memory = Memory::of(owner.map_err(io_failed("mmap"))?.into())?;
        Ok((memory, None))
    }

    /// Maps a part of a section that has no file, `length` bytes from `offset`, which may be any. The part must exist.
    pub(super) fn of_section(section: BorrowedHandle, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        if length == 0 {
            return Err(failed("mmap", EINVAL));
        }
        // Less than the granularity, so it fits.
        let lead = (offset % allocation_granularity() as u64) as usize;
        let whole = length.checked_add(lead).ok_or(Error::LengthTooLarge)?;
        let access = if plan.writes_through() { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_COPY };
        let [low, high] = halves(offset - lead as u64);
        // SAFETY: the section is open. A view at an address of the system's choice touches no memory that is in use.
        let view = unsafe { MapViewOfFile(section.as_raw_handle(), access, high, low, whole) };
        // Before anything else: the system says why in a place that the next call overwrites.
        let error = io::Error::last_os_error();
        let start = NonNull::new(view.Value.cast::<u8>());
        let start = start.ok_or_else(|| match number_of(&error) {
            Some(ERROR_ACCESS_DENIED) => failed("mmap", EACCES),
            _ => io_failed("mmap")(error),
        })?;
        // SAFETY: `lead` is less than `whole`, the length of the view.
        Ok(Memory { start: unsafe { start.add(lead) }, length, owner: None })
    }

    fn of(owner: MmapRaw) -> Result<Memory> {
        Ok(Memory {
            // memmap2 never gives a null pointer; if it did there would be nothing mapped to speak of.
            start: NonNull::new(owner.as_mut_ptr()).ok_or_else(|| failed("mmap", ENOMEM))?,
            length: owner.len(),
            owner: Some(owner),
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

    /// Nothing to do: it is asked for so that views of what is cut off a file stay readable, and Windows does not cut a
    /// file that is mapped.
    ///
    /// # Errors
    ///
    /// None.
    pub fn map_zeros_from(&self, _kept: usize) -> Result<()> {
        Ok(())
    }

    /// Nothing can be moved to addresses that somebody else has reserved on Windows.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    ///
    /// # Safety
    ///
    /// None is needed: nothing is done.
    pub unsafe fn relocate(
        &mut self,
        _address: NonNull<u8>,
        _capacity: usize,
        _file: Option<(&File, u64)>,
        _plan: &Plan,
        _is_whole: bool,
    ) -> Result<()> {
        Err(Error::Unsupported("a mapping cannot be moved on Windows"))
    }

    /// Whether somebody else unmaps the pages.
    pub fn is_engine_owned(&self) -> bool {
        false
    }

    /// Nothing was moved to where there is room, so nothing grows in place.
    ///
    /// # Errors
    ///
    /// None.
    pub fn grown(&self, _file: &File, _offset: u64, _length: usize, _plan: &Plan) -> Result<Option<Growth>> {
        Ok(None)
    }

    /// Bytes in a page of this memory.
    pub fn page_size(&self) -> usize {
        page_size()
    }

    /// Nobody asks: see `install_fault_handler`.
    pub(crate) fn stored_to(&self) -> StoredTo {
        StoredTo::Writable
    }

    /// Nothing is brought in ahead: there are no flags that could ask for it.
    pub fn populate(&self, _plan: &Plan) {}

    /// Nothing can be put in place of mapped pages on Windows.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn map_zeros(&self) -> Result<()> {
        Err(Error::Unsupported("a SharedArrayBuffer cannot be unmapped on Windows"))
    }

    /// Nothing can be mapped over memory in use on Windows.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn remap(&self, _file: &File, _offset: u64, _plan: &Plan) -> Result<()> {
        Err(PROTECT_UNSUPPORTED)
    }

    /// The handle that a file is mapped by has no right to execute it.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn set_protection(&self, _plan: &Plan) -> Result<()> {
        Err(PROTECT_UNSUPPORTED)
    }

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

    fn at(&self, offset: usize) -> *mut u8 {
        self.start().wrapping_add(offset)
    }

    fn flush_once(&self, offset: usize, length: usize) -> io::Result<()> {
        if let Some(owner) = &self.owner {
            return owner.flush_range(offset, length);
        }
        // SAFETY: the range is inside our view, which the caller has checked, and flushing changes no memory.
        succeeded(unsafe { FlushViewOfFile(self.at(offset).cast(), length) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.owner.is_none() {
            // Views begin at a multiple of the granularity, and the lead is less than that.
            let lead = self.start().addr() % allocation_granularity();
            let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.start().wrapping_sub(lead).cast() };
            // SAFETY: this is the view that Memory::of_section mapped, and nobody else unmaps it. Whatever holds a pointer into it
            // holds the Memory too. An error could only mean that it is not mapped, and there is nobody to tell.
            unsafe { UnmapViewOfFile(view) };
        }
    }
}

const PROTECT_UNSUPPORTED: Error =
    Error::Unsupported("protect is not available on Windows: a mapping keeps the access it was opened with");

/// `prot` alone is what `protect` takes.
pub fn plan_from_prot(_prot: i32, _syscall: &'static str) -> Result<Plan> {
    Err(PROTECT_UNSUPPORTED)
}

/// There are no flags of mmap(2) on Windows; see [`Plan::from_flags`].
pub fn plan_from_flags(_flags: i32, _prot: i32) -> Result<Plan> {
    Err(Error::Unsupported("\"flags\" and \"prot\" are not available on Windows: use \"access\""))
}

/// The low and the high half of an offset or a size, as Windows takes them.
pub(super) fn halves(number: u64) -> [u32; 2] {
    // Each is what fits.
    [number as u32, (number >> 32) as u32]
}

/// Why a file could not be mapped, in the words of mmap(2) where Windows' say less.
fn map_failed(file: &File) -> impl Fn(io::Error) -> Error {
    move |error| {
        if let Some(error) = unmappable(file) {
            return error;
        }
        match number_of(&error) {
            // Not libuv's EPERM: writing through a descriptor that may only read is EACCES on every other system.
            Some(ERROR_ACCESS_DENIED) => failed("mmap", EACCES),
            _ => io_failed("mmap")(error),
        }
    }
}

/// Why a file cannot be mapped in any length. Directories, consoles, pipes and sockets each give
/// another error, ERROR_BAD_EXE_FORMAT among them.
fn unmappable(file: &File) -> Option<Error> {
    let is_other = file.status().is_ok_and(|status| !status.regular);
    is_other.then(|| failed("mmap", if file.is_directory() { EISDIR } else { ENODEV }))
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

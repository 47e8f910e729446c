//! Mapped pages: mapping and unmapping. Windows cannot relocate or replace them.

use super::error::{EACCES, EINVAL, EISDIR, ENODEV, ENOMEM, failed, io_failed, number_of};
use super::file::File;
use super::page::{allocation_granularity, halves, page_size};
use super::plan::PROTECT_UNSUPPORTED;
use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::fault_registry::StoredTo;
use crate::sys::span::Reservation;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr::NonNull;
use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, UnmapViewOfFile,
};

/// Whether anonymous memory that has a descriptor can grow. On Windows none has a descriptor, so
/// nobody else can have mapped it.
pub const CAN_GROW_SHARED_ANONYMOUS: bool = true;

/// Whether a file may be truncated while it is mapped. Windows refuses that
/// (ERROR_USER_MAPPED_FILE).
pub const CAN_TRUNCATE_WHILE_MAPPED: bool = false;

/// Whether a mapping may extend beyond the end of its file. Windows makes the file longer, or
/// refuses the mapping.
pub const CAN_MAP_BEYOND_END: bool = false;

/// Mapped bytes, which may begin at any offset of a file. The pages that contain them are unmapped
/// on drop.
#[derive(Debug)]
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
    /// memmap2's owner of the pages. `None` if memmap2's options did not suffice, so that `drop`
    /// unmaps the pages.
    owner: Option<MmapRaw>,
}

/// Pages that will replace engine-owned memory to make it longer. Windows has no such memory.
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

// SAFETY: Memory is an address range and belongs to no thread. The calls that unmap, flush and lock
// it may be made from any thread.
unsafe impl Send for Memory {}
// SAFETY: its methods take `&self` and return raw pointers only. All code that reads and writes
// through them says why that is sound (see the documentation of the crate).
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps `length` bytes of `file` from any `offset`. The file is not extended.
    ///
    /// A mapping whose methods only read is copy-on-write. JavaScript has no read-only ArrayBuffer,
    /// so a stray store through a view must hit a private page and not cause an access violation.
    /// Pages that nobody stored to show the file. Windows charges all bytes of such a mapping
    /// against its commit limit, even those that nobody stored to.
    ///
    /// # Errors
    ///
    /// EACCES if the file was opened without the necessary rights, EINVAL (length 0), ENODEV for
    /// anything but a regular file, ENOMEM.
    pub fn of_file(file: &File, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        if length == 0 {
            return Err(unmappable(file).unwrap_or_else(|| failed("mmap", EINVAL)));
        }
        let mut options = MmapOptions::new();
        // Without this, memmap2 would try whether the file may be executed.
        options.offset(offset).len(length).no_probe_handle();
        let owner = if plan.writes_through() {
            options.map_raw(file.raw())
        } else {
            // SAFETY: the call is unsafe because the file may change under a slice, and MmapRaw
            // returns no slice.
            unsafe { options.map_copy(file.raw()) }.map(MmapRaw::from)
        };
        Memory::of(owner.map_err(map_failed(file))?)
    }

    /// Maps zeros without a file. There is never a descriptor with which another process could map
    /// them.
    ///
    /// # Errors
    ///
    /// EINVAL (length 0), ENOMEM.
    pub fn anonymous(length: usize, _plan: &Plan, _track: bool) -> Result<(Memory, Option<File>)> {
        if length == 0 {
            return Err(failed("mmap", EINVAL));
        }
        // Private and shared memory are the same to a system whose processes do not fork.
        let owner = MmapOptions::new().len(length).map_anon();
        let memory = Memory::of(owner.map_err(io_failed("mmap"))?.into())?;
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

    /// Maps `length` bytes from any `offset` of a section that has no file. These bytes must exist.
    pub(super) fn of_section(section: BorrowedHandle, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        if length == 0 {
            return Err(failed("mmap", EINVAL));
        }
        // The result is less than the granularity, so it fits.
        let lead = (offset % allocation_granularity() as u64) as usize;
        let whole = length.checked_add(lead).ok_or(Error::LengthTooLarge)?;
        let access = if plan.writes_through() { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_COPY };
        let [low, high] = halves(offset - lead as u64);
        // SAFETY: the section is open. A view at an address of the system's choice touches no
        // memory that is in use.
        let view = unsafe { MapViewOfFile(section.as_raw_handle(), access, high, low, whole) };
        // The error must be read first, because the next call overwrites it.
        let error = io::Error::last_os_error();
        let start = NonNull::new(view.Value.cast::<u8>());
        let start = start.ok_or_else(|| match number_of(&error) {
            Some(ERROR_ACCESS_DENIED) => failed("mmap", EACCES),
            _ => io_failed("mmap")(error),
        })?;
        // SAFETY: `lead` is less than `whole`, which is the length of the view.
        Ok(Memory { start: unsafe { start.add(lead) }, length, owner: None })
    }

    fn of(owner: MmapRaw) -> Result<Memory> {
        Ok(Memory {
            // memmap2 never returns a null pointer. If it did, nothing would be mapped.
            start: NonNull::new(owner.as_mut_ptr()).ok_or_else(|| failed("mmap", ENOMEM))?,
            length: owner.len(),
            owner: Some(owner),
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

    /// Does nothing. On other systems this keeps views of a truncated part readable, but Windows
    /// does not truncate a mapped file.
    ///
    /// # Errors
    ///
    /// None.
    pub fn map_zeros_from(&self, _kept: usize) -> Result<()> {
        Ok(())
    }

    /// Always an error, because Windows cannot move pages to addresses that an engine has reserved.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    ///
    /// # Safety
    ///
    /// None, because nothing is done.
    pub unsafe fn relocate(
        &mut self,
        _reserved: Reservation,
        _file: Option<(&File, u64)>,
        _plan: &Plan,
        _intact: usize,
    ) -> Result<()> {
        Err(Error::Unsupported("a mapping cannot be moved on Windows"))
    }

    /// Whether the engine unmaps the pages.
    pub fn is_engine_owned(&self) -> bool {
        false
    }

    /// Always `None`, because Windows has no relocated memory, which alone can grow in place.
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

    /// Not used, because Windows has no fault handler (see `install_fault_handler`).
    pub(crate) fn stored_to(&self) -> StoredTo {
        StoredTo::Writable
    }

    /// Always an error, because Windows cannot replace mapped pages.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn map_zeros(&self) -> Result<()> {
        Err(Error::Unsupported("a SharedArrayBuffer cannot be unmapped on Windows"))
    }

    /// Always an error, because Windows cannot map over memory in use.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn replace_pages(&self, _file: &File, _offset: u64, _plan: &Plan) -> Result<()> {
        Err(PROTECT_UNSUPPORTED)
    }

    /// Always an error, because the handle with which a file is mapped has no right to execute it.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub fn set_protection(&self, _intact: usize, _plan: &Plan) -> Result<()> {
        Err(PROTECT_UNSUPPORTED)
    }

    /// memmap2's owner of the pages, if it unmaps them.
    pub(super) fn owner(&self) -> Option<&MmapRaw> {
        self.owner.as_ref()
    }

    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        self.start().wrapping_add(offset)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.owner.is_none() {
            // Views begin at a multiple of the granularity, and the lead is less than that.
            let lead = self.start().addr() % allocation_granularity();
            let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.start().wrapping_sub(lead).cast() };
            // SAFETY: Memory::of_section has mapped this view, and nobody else unmaps it. All
            // holders of pointers to it hold the Memory, too. An error could only mean that it is
            // not mapped, and cannot be reported.
            unsafe { UnmapViewOfFile(view) };
        }
    }
}

/// The error of mapping a file, in the terms of mmap(2) where Windows' error tells less.
fn map_failed(file: &File) -> impl Fn(io::Error) -> Error {
    move |error| {
        if let Some(error) = unmappable(file) {
            return error;
        }
        match number_of(&error) {
            // libuv's EPERM is not used, because writing through a read-only descriptor is EACCES
            // on all other systems.
            Some(ERROR_ACCESS_DENIED) => failed("mmap", EACCES),
            _ => io_failed("mmap")(error),
        }
    }
}

/// Why a file cannot be mapped at any length. Windows has different errors for directories,
/// consoles, pipes and sockets, one of them ERROR_BAD_EXE_FORMAT.
fn unmappable(file: &File) -> Option<Error> {
    let is_other = file.status().is_ok_and(|status| !status.regular);
    is_other.then(|| failed("mmap", if file.is_directory() { EISDIR } else { ENODEV }))
}

//! Mapped pages.

use super::error::{EACCES, EINVAL, EISDIR, ENODEV, ENOMEM, failed, io_failed, number_of};
use super::file::File;
use super::plan::PROTECT_UNSUPPORTED;
use super::{allocation_granularity, halves, page_size};
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::StoredTo;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr::NonNull;
use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, UnmapViewOfFile,
};

/// Whether anonymous memory that has a descriptor can become longer. Here none has one, and nobody else can have mapped it.
pub const CAN_GROW_SHARED_ANONYMOUS: bool = true;

/// Whether a file may get shorter while it is mapped. Windows refuses it: ERROR_USER_MAPPED_FILE.
pub const CAN_TRUNCATE_WHILE_MAPPED: bool = false;

/// Whether a mapping may reach beyond the end of its file. Windows makes the file longer, or
/// refuses it.
pub const CAN_MAP_BEYOND_END: bool = false;

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
            // SAFETY: this is the view that Memory::of_section mapped, and nobody else unmaps it. Whatever holds a pointer into it
            // holds the Memory too. An error could only mean that it is not mapped, and there is nobody to tell.
            unsafe { UnmapViewOfFile(view) };
        }
    }
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

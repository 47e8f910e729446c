//! Memory that processes share by name: a section of the paging file.
//!
//! The name is the unchanged tag, like CPython's, so that a Python process finds the region. A name
//! is valid in one session: that of a logged-in user, or that of the services. A tag that begins
//! with `Global\` is valid in all of them, but creating such a region needs a privilege that
//! services and administrators have. `Local\` has no effect.
//!
//! The system removes the name and the region when the last handle is closed, even if its process
//! is killed.

use super::error::{EACCES, EINVAL, failed, io_failed, last_error, number_of};
use super::file::File;
use super::lock_file::LockFile;
use super::memory::Memory;
use super::page::halves;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::extent;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Arc;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEMORY_BASIC_INFORMATION, MapViewOfFile,
    OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile, VirtualQuery,
};

/// The longest name of a section, in UTF-16 units: MAX_PATH.
const NAME_MAX: usize = 260;

/// This process's use of a named region. Dropping its last clone leaves the region.
#[derive(Debug, Clone)]
pub struct Named(Arc<Section>);

#[derive(Debug)]
struct Section {
    handle: OwnedHandle,
    size: u64,
    tag: Box<str>,
}

impl Named {
    /// Maps `length` bytes from `offset` of the region with this tag. If nobody uses the region, it
    /// is created with `offset + length` zeros. A length of 0 means all of an existing region. It
    /// also returns whether the region was created.
    ///
    /// For an existing region the system reports the size in whole pages. So for all but its
    /// creator, that is its size.
    ///
    /// # Errors
    ///
    /// EACCES if the name belongs to anything but a region of this user, or needs a privilege.
    /// EINVAL for a length of 0 if there is no region. ERR_OUT_OF_RANGE for more than the region
    /// has, and for a tag that is too long. ENOMEM.
    pub fn open(tag: &str, offset: u64, length: usize, plan: &Plan) -> Result<(Memory, Named, bool)> {
        Named::open_as(tag, "tagname", offset, length, plan)
    }

    /// Like [`Named::open`], where the caller's argument is called `argument`.
    pub(super) fn open_as(
        tag: &str,
        argument: &'static str,
        offset: u64,
        length: usize,
        plan: &Plan,
    ) -> Result<(Memory, Named, bool)> {
        let name = name_of(tag, argument)?;
        let end = extent::end_of(offset, length as u64)?;
        // Opening is tried first, because creating reserves memory for the whole region before it
        // finds an existing one.
        let (handle, created) = match open_section(&name)? {
            Some(handle) => (handle, false),
            None if length == 0 => return Err(failed("mmap", EINVAL)),
            None => create_section(&name, end)?,
        };
        let size = if created { end } else { size_of_section(&handle)? };
        Named::of(handle, tag, size, offset, length, plan).map(|(memory, named)| (memory, named, created))
    }

    /// Like [`Named::open`] for the option `shm`, but `None` if there is no region.
    pub(super) fn join(name: &str, offset: u64, length: usize, plan: &Plan) -> Result<Option<(Memory, Named, bool)>> {
        let Some(handle) = open_section(&name_of(name, "shm")?)? else { return Ok(None) };
        let size = size_of_section(&handle)?;
        Named::of(handle, name, size, offset, length, plan).map(|(memory, named)| Some((memory, named, false)))
    }

    /// Like [`Named::open`] for the option `shm`, but `None` if there is a region.
    pub(super) fn create(name: &str, offset: u64, length: usize, plan: &Plan) -> Result<Option<(Memory, Named, bool)>> {
        let wide = name_of(name, "shm")?;
        let end = extent::end_of(offset, length as u64)?;
        if open_section(&wide)?.is_some() {
            return Ok(None);
        }
        let (handle, true) = create_section(&wide, end)? else { return Ok(None) };
        Named::of(handle, name, end, offset, length, plan).map(|(memory, named)| Some((memory, named, true)))
    }

    fn of(
        handle: OwnedHandle,
        tag: &str,
        size: u64,
        offset: u64,
        length: usize,
        plan: &Plan,
    ) -> Result<(Memory, Named)> {
        let named = Named(Arc::new(Section { handle, size, tag: tag.into() }));
        let memory = named.map(offset, length, size, plan)?;
        Ok((memory, named))
    }

    /// Always `None`, because the region is no file.
    pub fn file(&self) -> Option<&File> {
        None
    }

    /// Always `None`, because the region is no file.
    pub fn inheritable(&self) -> Option<&File> {
        None
    }

    /// A number that stands for the name, which may be longer than that of another object, and may
    /// have a prefix. It is FNV-1a in 128 bits.
    pub(super) fn hash(&self) -> u128 {
        const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        // `Local\` has no effect.
        let name = self.0.tag.strip_prefix("Local\\").unwrap_or(&self.0.tag);
        name.bytes().fold(START, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
    }

    /// Opens the file that has the locks on ranges of the region, because the region is no file.
    ///
    /// # Errors
    ///
    /// Those of CreateFile.
    pub fn lock_file(&self) -> Result<LockFile> {
        LockFile::of_name(self.hash())
    }

    /// Bytes in the whole region.
    ///
    /// # Errors
    ///
    /// None.
    pub fn size(&self) -> Result<u64> {
        Ok(self.0.size)
    }

    /// Maps another part of the region.
    ///
    /// # Errors
    ///
    /// EACCES, ENOMEM.
    pub fn map_again(&self, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        Memory::of_section(self.0.handle.as_handle(), offset, length, plan)
    }

    fn map(&self, offset: u64, length: usize, existing: u64, plan: &Plan) -> Result<Memory> {
        self.map_again(offset, extent::extent_of_region(existing, offset, length)?, plan)
    }
}

/// Does nothing, because the system leaves all regions when the process ends.
pub extern "C" fn leave_named_regions() {}

/// The tag as a UTF-16 string with a NUL at its end.
fn name_of(tag: &str, argument: &'static str) -> Result<Vec<u16>> {
    // Windows would use only the part before a NUL, and would take an empty name for none. Either
    // would mean another region.
    if tag.is_empty() || tag.contains('\0') {
        return Err(failed("open", EINVAL));
    }
    let mut name: Vec<u16> = tag.encode_utf16().collect();
    if name.len() > NAME_MAX {
        return Err(Error::NameTooLong { argument, limit: NAME_MAX, actual: name.len() });
    }
    name.push(0);
    Ok(name)
}

/// Creates the region, or opens the one that somebody else has just created, whatever its size. It
/// returns whether it has created one.
fn create_section(name: &[u16], size: u64) -> Result<(OwnedHandle, bool)> {
    let [low, high] = halves(size);
    // SAFETY: with INVALID_HANDLE_VALUE the memory comes from the paging file. A null pointer means
    // default security attributes, so the handle is not inherited. `name` ends with a NUL.
    let handle =
        unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, ptr::null(), PAGE_READWRITE, high, low, name.as_ptr()) };
    // The error must be read first, because it tells whether the region existed and the next call
    // overwrites it.
    let said = io::Error::last_os_error();
    if handle.is_null() {
        return Err(section_failed(said));
    }
    let created = number_of(&said) != Some(ERROR_ALREADY_EXISTS);
    // SAFETY: the handle is new, belongs to nobody else, and is closed with CloseHandle.
    Ok((unsafe { OwnedHandle::from_raw_handle(handle) }, created))
}

/// Opens the region, if there is one.
fn open_section(name: &[u16]) -> Result<Option<OwnedHandle>> {
    // SAFETY: `name` ends with a NUL.
    let handle = unsafe { OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, 0, name.as_ptr()) };
    if handle.is_null() {
        let error = io::Error::last_os_error();
        return if number_of(&error) == Some(ERROR_FILE_NOT_FOUND) { Ok(None) } else { Err(section_failed(error)) };
    }
    // SAFETY: the handle is new, belongs to nobody else, and is closed with CloseHandle.
    Ok(Some(unsafe { OwnedHandle::from_raw_handle(handle) }))
}

fn section_failed(error: io::Error) -> Error {
    match number_of(&error) {
        // The name belongs to an event, a mutex or the like, the region is another user's, or the
        // privilege for `Global\` is missing.
        Some(ERROR_INVALID_HANDLE | ERROR_ACCESS_DENIED) => failed("open", EACCES),
        _ => io_failed("mmap")(error),
    }
}

/// The number of readable and writable bytes at the start of a section, in whole pages.
///
/// Another program may have created the section with SEC_RESERVE, so that its pages must be
/// committed before they can be touched. Pages that are not committed do not count.
fn size_of_section(section: &OwnedHandle) -> Result<u64> {
    // SAFETY: the section is open, and length 0 means all of it. A view at an address of the
    // system's choice touches no memory that is in use.
    let view = unsafe { MapViewOfFile(section.as_raw_handle(), FILE_MAP_READ, 0, 0, 0) };
    if view.Value.is_null() {
        return Err(last_error("mmap"));
    }
    let mut info = MEMORY_BASIC_INFORMATION::default();
    let size = size_of_val(&info);
    // SAFETY: `info` is writable for `size` bytes, and any address is allowed.
    let written = unsafe { VirtualQuery(view.Value, &mut info, size) };
    let error = io::Error::last_os_error();
    // SAFETY: the view has just been mapped, and nobody else knows its address.
    unsafe { UnmapViewOfFile(view) };
    if written == 0 {
        return Err(io_failed("mmap")(error));
    }
    Ok(if info.State == MEM_COMMIT { info.RegionSize as u64 } else { 0 })
}

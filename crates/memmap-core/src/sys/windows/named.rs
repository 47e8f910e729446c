//! Memory that processes share by name: a section of the paging file.
//!
//! The name is the tag as it is, which is what CPython does, so that a Python process finds the same region. It means one
//! thing in each session (of a user who is logged in, of the services); a tag that begins with `Global\` means the same in
//! all of them, for which creating the region needs a privilege that services and administrators have. `Local\` is the same
//! as nothing.
//!
//! The system removes the name, and what was in the region, when the last handle is closed, also that of a process that is
//! killed.

use super::error::{EACCES, EINVAL, failed, io_failed, last_error, number_of};
use super::file::File;
use super::halves;
use super::memory::Memory;
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

/// The use of a named region. Dropping the last clone of it leaves the region.
#[derive(Debug, Clone)]
pub struct Named(Arc<Section>);

#[derive(Debug)]
struct Section {
    handle: OwnedHandle,
    size: u64,
}

impl Named {
    /// Maps `length` bytes from `offset` of the region with this tag, which is created, all zeros and `offset + length`
    /// long, if nobody uses it. A length of 0 means all of a region that exists.
    ///
    /// Of a region that exists the system tells the size in whole pages only: that is its size for all but its
    /// creator.
    ///
    /// # Errors
    ///
    /// EACCES when the name is taken by something that is not a region of this user or needs a privilege, EINVAL for length
    /// 0 where there is no region, ERR_OUT_OF_RANGE for more than the region has and for a tag that is too long, ENOMEM.
    pub fn open(tag: &str, offset: u64, length: usize, plan: &Plan) -> Result<(Memory, Named)> {
        let name = name_of(tag)?;
        let end = extent::end_of(offset, length as u64)?;
        // Creating sets memory aside for all of the region before it finds that there is one, so it is not tried first.
        let (handle, created) = match open_section(&name)? {
            Some(handle) => (handle, false),
            None if length == 0 => return Err(failed("mmap", EINVAL)),
            None => create_section(&name, end)?,
        };
        let size = if created { end } else { size_of_section(&handle)? };
        let named = Named(Arc::new(Section { handle, size }));
        let memory = named.map(offset, length, size, plan)?;
        Ok((memory, named))
    }

    /// The region is no file.
    pub fn file(&self) -> Option<&File> {
        None
    }

    /// The region is no file.
    pub fn inheritable(&self) -> Option<&File> {
        None
    }

    /// Bytes in the whole region.
    ///
    /// # Errors
    ///
    /// None.
    pub fn size(&self) -> Result<u64> {
        Ok(self.0.size)
    }

    /// Another mapping of the same region.
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

/// Leaves all regions: nothing to do, for the system does that when the process ends.
pub extern "C" fn leave_named_regions() {}

/// A tag as Windows takes it, with a NUL at its end.
fn name_of(tag: &str) -> Result<Vec<u16>> {
    // Windows would take the part before a NUL, and an empty name for none: each would be another region than what was meant.
    if tag.is_empty() || tag.contains('\0') {
        return Err(failed("open", EINVAL));
    }
    let mut name: Vec<u16> = tag.encode_utf16().collect();
    if name.len() > NAME_MAX {
        return Err(Error::TagTooLong { limit: NAME_MAX, actual: name.len() });
    }
    name.push(0);
    Ok(name)
}

/// Creates the region, or opens the one that somebody else has just created, whatever its size; says which.
fn create_section(name: &[u16], size: u64) -> Result<(OwnedHandle, bool)> {
    let [low, high] = halves(size);
    // SAFETY: with INVALID_HANDLE_VALUE it takes its memory from the paging file. A null pointer for the security
    // attributes is the default, not inherited; `name` ends with a NUL.
    let handle =
        unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, ptr::null(), PAGE_READWRITE, high, low, name.as_ptr()) };
    // Before anything else: the system says in a place that the next call overwrites whether the region existed.
    let said = io::Error::last_os_error();
    if handle.is_null() {
        return Err(section_failed(said));
    }
    let created = number_of(&said) != Some(ERROR_ALREADY_EXISTS);
    // SAFETY: the handle is new and nobody else's, and is closed with CloseHandle.
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
    // SAFETY: the handle is new and nobody else's, and is closed with CloseHandle.
    Ok(Some(unsafe { OwnedHandle::from_raw_handle(handle) }))
}

fn section_failed(error: io::Error) -> Error {
    match number_of(&error) {
        // The name is that of an event, a mutex or the like; or the region is another user's; or `Global\` is not for us.
        Some(ERROR_INVALID_HANDLE | ERROR_ACCESS_DENIED) => failed("open", EACCES),
        _ => io_failed("mmap")(error),
    }
}

/// How many bytes of a section are there to be read and written, from its start: whole pages.
///
/// Another program may have created the section so that its pages must be committed one by one before they can be touched
/// (SEC_RESERVE). Those that are not count as if they were not there.
fn size_of_section(section: &OwnedHandle) -> Result<u64> {
    // SAFETY: the section is open; length 0 is all of it. A view at an address of the system's choice touches no memory in
    // use.
    let view = unsafe { MapViewOfFile(section.as_raw_handle(), FILE_MAP_READ, 0, 0, 0) };
    if view.Value.is_null() {
        return Err(last_error("mmap"));
    }
    let mut info = MEMORY_BASIC_INFORMATION::default();
    let size = size_of_val(&info);
    // SAFETY: `info` is writable for `size` bytes, and any address may be asked about.
    let written = unsafe { VirtualQuery(view.Value, &mut info, size) };
    let error = io::Error::last_os_error();
    // SAFETY: the view has just been mapped, and nobody else knows of it.
    unsafe { UnmapViewOfFile(view) };
    if written == 0 {
        return Err(io_failed("mmap")(error));
    }
    Ok(if info.State == MEM_COMMIT { info.RegionSize as u64 } else { 0 })
}

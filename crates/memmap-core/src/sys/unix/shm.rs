//! Memory that has no file but a descriptor, by which another process can map it.

use super::errno::failed;
use super::file::File;
use crate::error::Result;

/// Memory in the shape of a file, `length` zeros long; nothing where a limit on the size of files
/// forbids it, which has nothing to do with memory.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn anonymous_file(length: usize) -> Result<Option<File>> {
    use rustix::fs::{MemfdFlags, SealFlags};
    has_memory_for(length)?;
    let size = length as u64;
    if !super::file::allows_size(size) {
        return Ok(None);
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("memmap", flags).map_err(failed("memfd_create"))?;
    let file = File::from_fd(fd);
    file.set_size(size)?;
    // A child that has the descriptor must not be able to cut off the memory under us.
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).map_err(failed("fcntl"))?;
    Ok(Some(file))
}

/// A file may be as large as it likes, also one that is memory. So memory as such is asked for
/// first: the system refuses what is more than it can ever give.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn has_memory_for(length: usize) -> Result<()> {
    use super::errno::failed_for;
    use super::limits::Wanted;
    use super::plan::READ_WRITE;
    use rustix::mm::MapFlags;
    let null = std::ptr::null_mut();
    // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
    let address = unsafe { rustix::mm::mmap_anonymous(null, length, READ_WRITE, MapFlags::SHARED) };
    let address = address.map_err(failed_for("mmap", Wanted { bytes: length, private: false }))?;
    // SAFETY: it was mapped just now, and nobody points to it.
    unsafe { rustix::mm::munmap(address, length) }.map_err(failed("munmap"))
}

/// Memory in the shape of a file, `length` zeros long: a file without a name.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn anonymous_file(length: usize) -> Result<Option<File>> {
    let file = super::named::unlinked_file()?;
    file.allocate(0..length as u64).map_err(|error| match error {
        // It is memory that was asked for, and it is of no interest that a disk had to have room
        // for it.
        crate::error::Error::System(crate::error::SystemError { code: "ENOSPC" | "EFBIG", .. }) => {
            failed("mmap")(rustix::io::Errno::NOMEM)
        }
        error => error,
    })?;
    Ok(Some(file))
}

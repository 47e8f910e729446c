//! Why a file cannot be mapped. Systems report EINVAL, ENODEV or EACCES where `fs` has clearer
//! errors.

use super::errno::{failed, failed_because, failed_for};
use super::file::File;
use super::limits::Wanted;
use super::page::page_size;
use super::plan::protection_for;
use crate::access::Plan;
use crate::error::Error;
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// The error of mapping `length` bytes, of a file if there is one.
pub(super) fn map_failed(errno: Errno, file: Option<&File>, length: usize, plan: &Plan) -> Error {
    if let Some(file) = file {
        if let Some(errno) = unmappable(file) {
            return failed("mmap")(errno);
        }
        // FUSE reports ENODEV for every shared mapping of a file that it reads and writes without a
        // cache. Older versions of 9p do so, too, and newer ones report EINVAL for writable shared
        // mappings.
        let refuses_sharing = matches!(errno, Errno::NODEV | Errno::INVAL) && plan.writes_through();
        if refuses_sharing && plan.other_flags == 0 && can_be_mapped(file) {
            return failed_because(
                errno,
                "mmap",
                "the file system has no mappings that write to this file, but private ones: { access: ACCESS_READ } works",
            );
        }
    }
    // The system reserves no memory for read-only pages.
    let private = !plan.writes_through() && protection_for(plan, file.is_none()).contains(ProtFlags::WRITE);
    failed_for("mmap", Wanted { bytes: length, private })(errno)
}

/// Why a file cannot be mapped at any length. The system itself reports EINVAL or ENODEV.
fn unmappable(file: &File) -> Option<Errno> {
    match FileType::from_raw_mode(rustix::fs::fstat(file).ok()?.st_mode) {
        FileType::Directory => Some(Errno::ISDIR),
        FileType::RegularFile | FileType::BlockDevice | FileType::CharacterDevice => None,
        // A pipe, a socket, or a descriptor from epoll_create(2).
        _ => Some(Errno::NODEV),
    }
}

/// The error of mapping 0 bytes.
pub(super) fn nothing_to_map(file: &File) -> Error {
    // A terminal is a device, like others that can be mapped. Only trying tells them apart.
    let errno = unmappable(file).unwrap_or(if can_be_mapped(file) { Errno::INVAL } else { Errno::NODEV });
    failed("mmap")(errno)
}

/// Whether a file can be mapped privately. Nobody touches the mapping.
fn can_be_mapped(file: &File) -> bool {
    let null = std::ptr::null_mut();
    // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
    match unsafe { rustix::mm::mmap(null, page_size(), ProtFlags::READ, MapFlags::PRIVATE, file, 0) } {
        // SAFETY: the page has just been mapped, and nobody else has its address.
        Ok(page) => unsafe { rustix::mm::munmap(page, page_size()) }.is_ok(),
        Err(_) => false,
    }
}

//! Memory that has no file but a descriptor, by which another process can map it.

use super::errno::{failed, io_failed};
use super::file::File;
use crate::error::Result;
use rustix::fs::{FileType, Mode};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// The permissions of every file that we make in a directory of others.
pub(super) const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

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
    let file = unlinked_file()?;
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

/// An absolute path: the process may go to another directory before it removes what it has made.
pub(super) fn directory() -> Result<PathBuf> {
    let shm = Path::new("/dev/shm");
    match rustix::fs::stat(shm) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Ok(shm.to_owned()),
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => {
            std::path::absolute(std::env::temp_dir()).map_err(io_failed("getcwd"))
        }
        // Other processes may be able to look at it: in another directory this one would not meet
        // them.
        Err(errno) => Err(failed("stat")(errno)),
    }
}

/// A file without a name, for anonymous memory where the system has no memfd.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn unlinked_file() -> Result<File> {
    use super::file::retry;
    use rustix::fs::OFlags;
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory()?.join(format!("memmap-anonymous-{}-{count}", std::process::id()));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match retry(|| rustix::fs::open(&path, flags, PRIVATE)) {
            // Left behind by a process with our number that was killed between its open and its unlink.
            Err(Errno::EXIST) => {}
            Ok(fd) => {
                rustix::fs::unlink(&path).map_err(failed("unlink"))?;
                return Ok(File::from_fd(fd));
            }
            Err(errno) => return Err(failed("open")(errno)),
        }
    }
}

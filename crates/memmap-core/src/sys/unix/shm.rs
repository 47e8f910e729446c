//! Memory that processes share through a descriptor, and the directory for shared memory with a
//! name.

use super::errno::{failed, io_failed};
use super::file::File;
use crate::error::Result;
use rustix::fs::{FileType, Mode};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// The permissions of files in a directory that other users share.
pub(super) const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A memory file of `length` zeros. `None` if the limit on the size of files forbids it, because
/// that limit is not about memory.
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
    // A child process that has the descriptor must not be able to truncate the memory.
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).map_err(failed("fcntl"))?;
    Ok(Some(file))
}

/// Checks that the system could provide so much memory. Memory files may have any size, but for
/// mapped memory the system refuses more than it can ever provide.
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
    // SAFETY: the pages have just been mapped, and nobody points to them.
    unsafe { rustix::mm::munmap(address, length) }.map_err(failed("munmap"))
}

/// A file of `length` zeros without a name, on systems without memory files.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn anonymous_file(length: usize) -> Result<Option<File>> {
    let file = unlinked_file()?;
    file.allocate(0..length as u64).map_err(|error| match error {
        // The caller wanted memory, so the error must not be about a disk that is full.
        crate::error::Error::System(crate::error::SystemError { code: "ENOSPC" | "EFBIG", .. }) => {
            failed("mmap")(rustix::io::Errno::NOMEM)
        }
        error => error,
    })?;
    Ok(Some(file))
}

/// The directory for shared memory. The path is absolute, because the process may change its
/// directory before it removes its names.
pub(super) fn directory() -> Result<PathBuf> {
    let shm = Path::new("/dev/shm");
    match rustix::fs::stat(shm) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Ok(shm.to_owned()),
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => {
            std::path::absolute(std::env::temp_dir()).map_err(io_failed("getcwd"))
        }
        // Other processes may be able to access /dev/shm, and this one would not meet them in
        // another directory.
        Err(errno) => Err(failed("stat")(errno)),
    }
}

/// A file without a name, for anonymous memory on systems without memfd.
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
            // A process with our number left it behind when it was killed between its open and its
            // unlink.
            Err(Errno::EXIST) => {}
            Ok(fd) => {
                rustix::fs::unlink(&path).map_err(failed("unlink"))?;
                return Ok(File::from_fd(fd));
            }
            Err(errno) => return Err(failed("open")(errno)),
        }
    }
}

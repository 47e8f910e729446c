//! POSIX shared memory: what shm_open(3) opens by its name. Nobody but [`unlink_shm`] removes a
//! name.
//!
//! On Linux it is a file in `/dev/shm`, and it is opened as one. So it can be created without a
//! name, and nobody finds it before it has its size. On other systems it is an object of the
//! kernel. There it has a name from the start, and a size when it has been mapped.

use super::create::Creation;
use super::errno::failed;
use super::file::retry;
use crate::error::{Error, Result};
use crate::sys::shm_object::{ShmObject, ShmRequest};
use rustix::io::Errno;

#[cfg(any(target_os = "linux", target_os = "android"))]
use by_path as by_name;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use by_shm_open as by_name;

/// The longest name, in bytes, without the slash before it. The limits are those of file systems
/// on Linux, PSHMNAMLEN of XNU, and MAXPATHLEN of FreeBSD.
const NAME_MAX: usize = if cfg!(any(target_os = "linux", target_os = "android")) {
    255
} else if cfg!(target_vendor = "apple") {
    30
} else {
    1022
};

/// Opens shared memory. If it is missing and may be created, it gets `offset + length` bytes. On
/// Linux it may have no name and no size yet, as after [`Creation::begin`].
///
/// # Errors
///
/// ERR_OUT_OF_RANGE for a name that is too long, EINVAL for one that the system cannot have,
/// ERR_MMAP_UNSUPPORTED on macOS for private changes, and those of shm_open(3).
pub fn open_shm(request: &ShmRequest, nameless: bool) -> Result<ShmObject> {
    check_name(request.name, "shm", "shm_open")?;
    if cfg!(target_vendor = "apple") && request.plan.private {
        return Err(Error::Unsupported(
            "macOS maps POSIX shared memory only so that changes are shared: \"access\" may not be ACCESS_COPY, \
             nor \"flags\" MAP_PRIVATE",
        ));
    }
    let creation = match request.create {
        Some(new) => by_name::begin(request, nameless, new)?,
        None => {
            let write = request.plan.writes_through();
            by_name::open(request.name, write).map(Creation::of_existing).map_err(failed("shm_open"))?
        }
    };
    Ok(ShmObject::File(creation))
}

/// Removes a name. Who has mapped the memory keeps it.
///
/// # Errors
///
/// ERR_OUT_OF_RANGE for a name that is too long, EINVAL for one that the system cannot have, and
/// those of shm_unlink(3).
pub fn unlink_shm(name: &str) -> Result<()> {
    check_name(name, "name", "shm_unlink")?;
    retry(|| by_name::unlink(name)).map_err(failed("shm_unlink"))
}

fn check_name(name: &str, argument: &'static str, syscall: &'static str) -> Result<()> {
    // In /dev/shm these would mean something outside of it, or the directory itself.
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(failed(syscall)(Errno::INVAL));
    }
    if name.len() > NAME_MAX {
        return Err(Error::NameTooLong { argument, limit: NAME_MAX, actual: name.len() });
    }
    Ok(())
}

/// Linux, where the C libraries open a file in `/dev/shm`, too.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod by_path {
    use crate::error::Result;
    use crate::sys::new_file::NewFile;
    use crate::sys::shm_object::ShmRequest;
    use crate::sys::unix::create::Creation;
    use crate::sys::unix::file;
    use rustix::fs::OFlags;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};

    pub(super) fn open(name: &str, write: bool) -> rustix::io::Result<OwnedFd> {
        file::open(path_of(name).as_os_str(), write, OFlags::NOFOLLOW)
    }

    pub(super) fn begin(request: &ShmRequest, nameless: bool, new: NewFile) -> Result<Creation> {
        Creation::begin_with(path_of(request.name).as_os_str(), nameless, new, OFlags::NOFOLLOW)
    }

    pub(super) fn unlink(name: &str) -> rustix::io::Result<()> {
        rustix::fs::unlink(path_of(name))
    }

    fn path_of(name: &str) -> PathBuf {
        Path::new("/dev/shm").join(name)
    }
}

/// The systems where shared memory is no file.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod by_shm_open {
    use crate::error::Result;
    use crate::extent;
    use crate::sys::new_file::NewFile;
    use crate::sys::shm_object::ShmRequest;
    use crate::sys::unix::create::{ATTEMPTS, Creation, file_exists};
    use crate::sys::unix::errno::failed;
    use crate::sys::unix::file::retry;
    use rustix::fs::Mode;
    use rustix::io::Errno;
    use rustix::shm::{self, OFlags};
    use std::os::fd::OwnedFd;

    pub(super) fn open(name: &str, write: bool) -> rustix::io::Result<OwnedFd> {
        open_with_mode(name, if write { OFlags::RDWR } else { OFlags::RDONLY }, 0)
    }

    pub(super) fn begin(request: &ShmRequest, _nameless: bool, new: NewFile) -> Result<Creation> {
        // A length that no object can have is refused before there is one.
        let end = extent::end_of(request.offset, request.length as u64)?;
        for _ in 0..ATTEMPTS {
            if !new.exclusive {
                match open(request.name, true) {
                    Err(Errno::NOENT) => {}
                    result => return sized(Creation::of_existing(result.map_err(failed("shm_open"))?), end),
                }
            }
            match open_with_mode(request.name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, new.mode) {
                Err(Errno::EXIST) if !new.exclusive => {}
                result => return sized(Creation::of_new(result.map_err(failed("shm_open"))?, None), end),
            }
        }
        Err(file_exists())
    }

    pub(super) fn unlink(name: &str) -> rustix::io::Result<()> {
        shm::unlink(format!("/{name}"))
    }

    fn open_with_mode(name: &str, flags: OFlags, mode: u32) -> rustix::io::Result<OwnedFd> {
        // These are at most 12 bits, which all systems have.
        retry(|| shm::open(format!("/{name}"), flags, Mode::from_raw_mode(mode as _)))
    }

    /// Gives the object its size, because these systems do not map it beyond its end. macOS allows
    /// that once in its life. So if another process was faster, its size stays.
    fn sized(creation: Creation, end: u64) -> Result<Creation> {
        #[cfg(target_vendor = "apple")]
        if creation.file.status()?.size == 0
            && let Err(error) = creation.file.set_size(end)
            && creation.file.status()?.size == 0
        {
            return Err(error);
        }
        // This call never makes it shorter, whoever else calls it at the same time.
        #[cfg(not(target_vendor = "apple"))]
        creation.file.allocate(0..end)?;
        Ok(creation)
    }
}

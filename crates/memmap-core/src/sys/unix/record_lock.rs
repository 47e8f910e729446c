//! Locks of an open file on a range of the file (fcntl, F_OFD_SETLK).
//!
//! Such a lock belongs to the open file, and not to the process. So it excludes other threads, too,
//! and lasts until the last descriptor of that open file is closed, in whatever process.

use rustix::io::Errno;
use std::ops::Range;
use std::os::fd::AsFd;

/// What an open file may have on a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Shared,
    Exclusive,
    None,
}

/// Sets the lock of an open file on a range. `wait` waits for conflicting locks of others.
///
/// EAGAIN without `wait` if there is one. EBADF for an exclusive lock of a file that was not opened
/// for writing. EINVAL if the system has no such locks.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn set_lock(file: impl AsFd, range: &Range<u64>, lock: Lock, wait: bool) -> rustix::io::Result<()> {
    use std::os::fd::AsRawFd;
    let kind = match lock {
        Lock::Shared => libc::F_RDLCK,
        Lock::Exclusive => libc::F_WRLCK,
        Lock::None => libc::F_UNLCK,
    };
    let position = |number: u64| libc::off_t::try_from(number).map_err(|_| Errno::OVERFLOW);
    // SAFETY: all zeros is a valid structure, and the call requires `l_pid` to be 0.
    let mut request: libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = kind as _;
    request.l_whence = libc::SEEK_SET as _;
    request.l_start = position(range.start)?;
    // A length of 0 would mean everything that a file can have.
    request.l_len = position(range.end - range.start)?;
    let command = if wait { libc::F_OFD_SETLKW } else { libc::F_OFD_SETLK };
    super::file::retry(|| {
        // SAFETY: the descriptor is open, and `request` is valid during the call.
        let result = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, &raw mut request) };
        if result == -1 {
            return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
        }
        Ok(())
    })
}

/// These systems have locks of a process, which closing any descriptor of the file releases, and
/// locks of an open file on all of the file. Neither is a lock on a range.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn set_lock(_file: impl AsFd, _range: &Range<u64>, _lock: Lock, _wait: bool) -> rustix::io::Result<()> {
    Err(Errno::INVAL)
}

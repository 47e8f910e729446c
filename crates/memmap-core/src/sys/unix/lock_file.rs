//! Open files for locks on ranges.

use super::errno::failed;
use super::file::File;
use super::record_lock::{Lock, set_lock};
use crate::error::{Error, Result};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::OsString;
use std::ops::Range;

/// An open file of our own that can have one lock. Closing it releases the lock, unless a child
/// process has it, too.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    writable: bool,
}

impl LockFile {
    /// Opens a file once more, for writing if `file` was opened so.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the system has no such locks, or no path by which to open the file. Those
    /// of open(2).
    pub fn of(file: &File) -> Result<LockFile> {
        let writable = file.is_writable()?;
        let opened = super::file::open(&path_of(file)?, writable, OFlags::empty()).map(File::from_fd);
        match opened {
            Ok(opened) if is_same(file, &opened)? => Ok(LockFile { file: opened, writable }),
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Err(NOT_OPENED),
            Err(errno) => Err(failed("open")(errno)),
        }
    }

    /// Opens the same file once more.
    ///
    /// # Errors
    ///
    /// As [`LockFile::of`].
    pub fn open_again(&self) -> Result<LockFile> {
        LockFile::of(&self.file)
    }

    /// Numbers that distinguish the file from all others that are open.
    ///
    /// # Errors
    ///
    /// Those of fstat(2).
    pub fn identity(&self) -> Result<[u64; 3]> {
        let status = self.file.status()?;
        Ok([status.device, status.inode, 0])
    }

    /// Whether it can have exclusive locks.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Locks a range, unless others have locked a part of it. Returns whether it has.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn try_lock(&self, range: &Range<u64>, exclusive: bool) -> Result<bool> {
        match set_lock(&self.file, range, wanted(exclusive), false) {
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            result => result.map(|()| true).map_err(not_locked),
        }
    }

    /// Waits until it has locked a range.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn lock(&self, range: &Range<u64>, exclusive: bool) -> Result<()> {
        set_lock(&self.file, range, wanted(exclusive), true).map_err(not_locked)
    }

    /// Unlocks a range.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn unlock(&self, range: &Range<u64>) -> Result<()> {
        set_lock(&self.file, range, Lock::None, false).map_err(failed("fcntl"))
    }
}

fn wanted(exclusive: bool) -> Lock {
    if exclusive { Lock::Exclusive } else { Lock::Shared }
}

/// A system without these locks does not know the command.
fn not_locked(errno: rustix::io::Errno) -> Error {
    if errno == Errno::INVAL { NO_LOCKS } else { failed("fcntl")(errno) }
}

const NO_LOCKS: Error = Error::Unsupported("this system has no locks of open files on ranges (F_OFD_SETLK)");

const NOT_OPENED: Error = Error::Unsupported(
    "a lock needs an open file of its own, and this file cannot be opened again: it has no path (any more)",
);

/// A path by which the system opens the file that a descriptor means, also if it has no name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn path_of(file: &File) -> Result<OsString> {
    Ok(format!("/proc/self/fd/{}", file.raw()).into())
}

/// The path of the file, which it may have lost since it was opened.
#[cfg(target_vendor = "apple")]
fn path_of(file: &File) -> Result<OsString> {
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::getpath(file).map_err(|_| NOT_OPENED)?;
    Ok(OsString::from_vec(path.into_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn path_of(_file: &File) -> Result<OsString> {
    Err(NO_LOCKS)
}

/// Whether both are the same file. The path may mean another one by now.
fn is_same(file: &File, other: &File) -> Result<bool> {
    let (one, other) = (file.status()?, other.status()?);
    Ok((one.device, one.inode) == (other.device, other.inode))
}

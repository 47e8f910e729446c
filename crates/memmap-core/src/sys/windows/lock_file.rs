//! Open files for locks on ranges.
//!
//! On Windows nobody else can read or write what is locked, not even this process through another
//! handle. So the locks are on other positions than the bytes that they stand for, behind all that
//! a file can have. They hinder only those who lock the same way.

use super::error::{io_failed, last_error, number_of};
use super::file::{File, numbers_of};
use super::page::halves;
use crate::error::Result;
use std::fs::OpenOptions;
use std::ops::Range;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::atomic::{AtomicU64, Ordering};
use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
    LockFileEx, ReOpenFile, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// How far behind the bytes their locks are. Range locks end at `range_lock::END`, and the system
/// takes positions below 2^63.
const DISTANCE: u64 = 1 << 62;

/// An open file of our own that can have one lock. Closing it releases the lock.
#[derive(Debug)]
pub struct LockFile {
    handle: OwnedHandle,
    writable: bool,
}

impl LockFile {
    /// Opens a file once more, for writing if `file` was opened so.
    ///
    /// # Errors
    ///
    /// EBUSY if somebody has opened the file without sharing it, and those of ReOpenFile.
    pub fn of(file: &File) -> Result<LockFile> {
        LockFile::reopen(file.raw(), file.is_writable()?)
    }

    /// Opens a file in the user's temporary folder, for locks on what is no file. `number` stands
    /// for its name. The file has no bytes, and stays.
    ///
    /// # Errors
    ///
    /// Those of CreateFile.
    pub(super) fn of_name(number: u128) -> Result<LockFile> {
        let path = std::env::temp_dir().join(format!("memmap-lock-{number:032x}"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Ok(LockFile { handle: file.map_err(io_failed("open"))?.into(), writable: true })
    }

    /// Opens the same file once more.
    ///
    /// # Errors
    ///
    /// As [`LockFile::of`].
    pub fn open_again(&self) -> Result<LockFile> {
        LockFile::reopen(self.handle.as_raw_handle(), self.writable)
    }

    /// Numbers that distinguish the file from all others that are open. A file system that has none
    /// gets new ones at each call, so that its files are never taken for one file.
    ///
    /// # Errors
    ///
    /// None.
    pub fn identity(&self) -> Result<[u64; 3]> {
        static UNKNOWN: AtomicU64 = AtomicU64::new(0);
        Ok(match numbers_of(&self.handle) {
            Some((volume, number)) => [volume, number as u64, (number >> 64) as u64],
            None => [UNKNOWN.fetch_add(1, Ordering::Relaxed), u64::MAX, u64::MAX],
        })
    }

    /// Whether it can have exclusive locks.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Locks a range, unless others have locked a part of it. Returns whether it has.
    ///
    /// # Errors
    ///
    /// Those of LockFileEx.
    pub fn try_lock(&self, range: &Range<u64>, exclusive: bool) -> Result<bool> {
        match self.set(range, exclusive, LOCKFILE_FAIL_IMMEDIATELY) {
            Ok(()) => Ok(true),
            Err(error) => match number_of(&error) {
                Some(ERROR_LOCK_VIOLATION) => Ok(false),
                _ => Err(io_failed("fcntl")(error)),
            },
        }
    }

    /// Waits until it has locked a range.
    ///
    /// # Errors
    ///
    /// Those of LockFileEx.
    pub fn lock(&self, range: &Range<u64>, exclusive: bool) -> Result<()> {
        self.set(range, exclusive, 0).map_err(io_failed("fcntl"))
    }

    /// Unlocks a range that it has locked.
    ///
    /// # Errors
    ///
    /// Those of UnlockFileEx.
    pub fn unlock(&self, range: &Range<u64>) -> Result<()> {
        let [low, high] = halves(range.end - range.start);
        let mut position = position_of(range);
        // SAFETY: the handle is open, and `position` is valid during the call, which does not
        // return before it is done, because the handle was not opened for overlapped calls.
        let result = unsafe { UnlockFileEx(self.handle.as_raw_handle(), 0, low, high, &mut position) };
        if result == 0 { Err(last_error("fcntl")) } else { Ok(()) }
    }

    fn set(&self, range: &Range<u64>, exclusive: bool, flags: u32) -> std::io::Result<()> {
        let flags = if exclusive { flags | LOCKFILE_EXCLUSIVE_LOCK } else { flags };
        let [low, high] = halves(range.end - range.start);
        let mut position = position_of(range);
        // SAFETY: the handle is open, and `position` is valid during the call, which does not
        // return before it is done, because the handle was not opened for overlapped calls.
        let result = unsafe { LockFileEx(self.handle.as_raw_handle(), flags, 0, low, high, &mut position) };
        if result == 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    }

    fn reopen(handle: std::os::windows::io::RawHandle, writable: bool) -> Result<LockFile> {
        let access = if writable { GENERIC_READ | GENERIC_WRITE } else { GENERIC_READ };
        let sharing = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        // SAFETY: the handle is open.
        let opened = unsafe { ReOpenFile(handle, access, sharing, 0) };
        if opened == INVALID_HANDLE_VALUE {
            return Err(last_error("open"));
        }
        // SAFETY: the handle is new, belongs to nobody else, and is closed with CloseHandle.
        let handle = unsafe { OwnedHandle::from_raw_handle(opened) };
        Ok(LockFile { handle, writable })
    }
}

/// Where a lock begins, as the calls want it.
fn position_of(range: &Range<u64>) -> OVERLAPPED {
    let mut position = OVERLAPPED::default();
    let [low, high] = halves(range.start + DISTANCE);
    position.Anonymous.Anonymous.Offset = low;
    position.Anonymous.Anonymous.OffsetHigh = high;
    position
}

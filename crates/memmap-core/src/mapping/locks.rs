//! Locks on ranges of the file or named region.

use super::Mapping;
use crate::error::{Error, Result};
use crate::range_lock::{END, RangeLocks, Wanted};
use crate::source::Source;
use crate::sys;
use std::sync::Arc;

impl Mapping {
    /// The locks of this mapping, which are released with it.
    ///
    /// # Errors
    ///
    /// `Closed` if [`Mapping::wanted_lock`] was never called: then a number is that of a lock of
    /// another mapping.
    pub fn range_locks(&self) -> Result<&Arc<RangeLocks>> {
        self.range_locks.get().ok_or(Error::Closed)
    }

    /// What to lock for the bytes from `start` to `stop` of the mapping, which may lie behind its
    /// end. Without `stop` that is everything that the file can ever have from `start` on.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE for no bytes. EACCES for an exclusive lock of a file that was opened for
    /// reading only. EBADF if no descriptor was kept. `Unsupported` if the file cannot be opened
    /// once more. Those of open(2).
    pub fn wanted_lock(&self, start: u64, stop: Option<u64>, exclusive: bool) -> Result<Wanted> {
        let offset = self.file_offset();
        let position = |index: u64| index.checked_add(offset).filter(|&position| position <= END);
        let range = position(start).zip(stop.map_or(Some(END), position)).map(|(start, stop)| start..stop);
        let range = range.filter(|range| !range.is_empty()).ok_or(Error::OutOfRange)?;
        if self.range_locks.get().is_none() {
            let locks = RangeLocks::of(self.open_lock_file()?)?;
            self.range_locks.get_or_init(|| locks);
        }
        let wanted = self.range_locks()?.wanted(range, exclusive);
        if exclusive && !wanted.identity.writable {
            return Err(sys::not_writable("fcntl"));
        }
        Ok(wanted)
    }

    fn open_lock_file(&self) -> Result<sys::LockFile> {
        match &self.source {
            _ if !self.tracked => Err(sys::no_descriptor("fcntl")),
            Source::Named(named) => named.lock_file(),
            source => sys::LockFile::of(source.file().ok_or(NO_FILE)?),
        }
    }
}

const NO_FILE: Error = Error::Unsupported("this memory has no file, so that nobody else could lock a range of it");

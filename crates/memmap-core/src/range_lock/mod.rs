//! Locks on ranges of a file, against everybody who locks them.
//!
//! The system has the locks: it excludes other processes, other threads and other mappings by the
//! same rule, and releases the locks of a process that is killed. This module has what the system
//! lacks: requests that can be aborted, that time out, and that block no thread of JavaScript.

mod queue;

use crate::error::{Error, Result};
use crate::sys;
use crate::wait::WaitPool;
use queue::{Identity, LockFile, Owner, Queues};
pub use queue::{Settled, Wanted};
use std::ops::Range;
use std::sync::{self, Arc, LazyLock};

/// The locks of one mapping, and its requests for locks.
pub type RangeLocks = Owner<sys::LockFile>;

/// The end of all ranges. Greater positions are for memmap's own locks (see `sys::LockFile`). A
/// lock on everything that a file can have ends here, and does not conflict with those.
pub const END: u64 = 1 << 62;

static QUEUES: LazyLock<Arc<Queues<sys::LockFile>>> = LazyLock::new(|| Queues::new(WaitPool::run));

impl RangeLocks {
    /// The locks on a file that was opened for this.
    ///
    /// # Errors
    ///
    /// Those of fstat(2).
    pub(crate) fn of(origin: sys::LockFile) -> Result<Arc<RangeLocks>> {
        let identity = Identity { file: origin.identity()?, writable: origin.is_writable() };
        Ok(Owner::new(&QUEUES, identity, origin))
    }
}

impl LockFile for sys::LockFile {
    fn reopen(&self) -> Result<sys::LockFile> {
        self.open_again()
    }

    fn try_lock(&self, range: &Range<u64>, exclusive: bool) -> Result<bool> {
        sys::LockFile::try_lock(self, range, exclusive)
    }

    fn lock(&self, range: &Range<u64>, exclusive: bool) -> Result<()> {
        sys::LockFile::lock(self, range, exclusive)
    }

    fn unlock(&self, range: &Range<u64>) -> bool {
        sys::LockFile::unlock(self, range).is_ok()
    }
}

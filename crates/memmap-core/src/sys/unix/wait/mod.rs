//! Words of memory at which threads of several processes sleep and wake one another.
//!
//! The kernel finds the sleepers by what is mapped, not by the address: by the file and the
//! position in it. So a word must be in shared pages. In a private page that may be written, Linux
//! takes the process's own copy for the word, and makes one if there is none: others would not wake
//! the sleeper, and the mapping would not show any more what they write. The pages of our read-only
//! mappings are private, and may be written once a thread has stored to them, or without the fault
//! handler.

#[cfg(target_vendor = "apple")]
#[path = "apple.rs"]
mod kernel;
#[cfg(target_os = "freebsd")]
#[path = "freebsd.rs"]
mod kernel;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod kernel;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
#[path = "none.rs"]
mod kernel;

use super::errno::failed;
use super::file::File;
use super::mapping_limit::MappingQuota;
use super::page::lead_of;
use super::plan::PRIVATE_IS_SNAPSHOT;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::source::Source;
use crate::sys::Slept;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a mapping keeps for its words.
#[derive(Debug, Default)]
pub struct Waiters {
    /// The page that was used last, of those that are mapped for words in private pages.
    page: Mutex<Option<Arc<SharedPage>>>,
}

/// The address of a word, at which the kernel finds all sleepers.
#[derive(Debug, Clone)]
pub struct Spot {
    address: *const u32,
    /// The page of the word, unless it is in the pages of the mapping.
    _page: Option<Arc<SharedPage>>,
}

// SAFETY: a Spot is an address and belongs to no thread. Only the kernel reads the word, or this
// process by a volatile read.
unsafe impl Send for Spot {}
// SAFETY: as above.
unsafe impl Sync for Spot {}

impl Waiters {
    /// The spot of the word at `position` in what `source` maps. `word` is its address in the
    /// mapping, whose pages are as `plan` says.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED for private memory, and for pages that cannot be mapped as shared ones.
    /// Those of mmap(2).
    pub(crate) fn spot(&self, source: &Source, plan: &Plan, position: u64, word: *mut u8) -> Result<Spot> {
        if plan.private {
            return Err(Error::WaitPrivate);
        }
        // Without a file, the pages are shared also where they can only be read.
        let is_shared = plan.writes_through() || PRIVATE_IS_SNAPSHOT || matches!(source, Source::Anonymous(None));
        if is_shared {
            return Ok(Spot { address: word.cast_const().cast(), _page: None });
        }
        let Some(file) = source.file().filter(|_| kernel::READS_READ_ONLY_PAGES) else {
            return Err(Error::Unsupported(
                "wait and notify need a mapping that can write here, or with `trackfd: true` a system other than FreeBSD",
            ));
        };
        let page_size = file.page_size();
        let lead = lead_of(position, page_size);
        let mut last = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let page = match &*last {
            Some(page) if page.offset == position - lead as u64 => Arc::clone(page),
            _ => Arc::clone(last.insert(Arc::new(SharedPage::of_file(file, position - lead as u64, page_size)?))),
        };
        let address = page.start.as_ptr().wrapping_add(lead);
        Ok(Spot { address: address.cast_const().cast(), _page: Some(page) })
    }
}

impl Spot {
    /// Sleeps at most so long, if the word has this value, until it is woken or `stop` is not 0.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED where the system has no such call, and errors of the system that nobody
    /// expects.
    pub fn sleep(&self, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
        kernel::sleep(self.address, value, at_most, stop)
    }

    /// Wakes up to `count` sleepers, and returns how many. `None` means that the system cannot find
    /// the word.
    ///
    /// # Errors
    ///
    /// As for [`Spot::sleep`].
    pub fn wake(&self, count: u32) -> Result<Option<u32>> {
        match kernel::wake(self.address, count) {
            Ok(count) => Ok(Some(count)),
            Err(Errno::FAULT) => Ok(None),
            Err(Errno::NOSYS) => Err(NO_WAIT),
            Err(errno) => Err(failed(kernel::WAKE)(errno)),
        }
    }

    /// Wakes the thread that sleeps here with this `stop`, which is no longer 0. Returns false if
    /// that thread may be about to sleep, so that the call has to be repeated until it has ended.
    pub fn interrupt(&self, stop: &AtomicU32) -> bool {
        kernel::interrupt(self.address, stop)
    }
}

/// The error where the system has no such calls.
const NO_WAIT: Error = Error::Unsupported("this system has no calls to wait for memory that processes share");

/// What a failed sleep means. `None` means to try again.
fn slept(errno: Errno) -> Result<Option<Slept>> {
    match errno {
        Errno::TIMEDOUT => Ok(Some(Slept::TimedOut)),
        Errno::AGAIN => Ok(Some(Slept::Unequal)),
        Errno::FAULT => Ok(Some(Slept::Unreadable)),
        Errno::INTR => Ok(None),
        Errno::NOSYS => Err(NO_WAIT),
        errno => Err(failed(kernel::WAIT)(errno)),
    }
}

/// A page of a file in shared memory that is only for the kernel to look at. Nothing else reads it,
/// so it needs no entry in the fault registry.
#[derive(Debug)]
struct SharedPage {
    start: NonNull<u8>,
    length: usize,
    /// The position in the file.
    offset: u64,
    _quota: MappingQuota,
}

// SAFETY: a SharedPage is an address range, which nobody reads or writes.
unsafe impl Send for SharedPage {}
// SAFETY: as above.
unsafe impl Sync for SharedPage {}

impl SharedPage {
    fn of_file(file: &File, offset: u64, length: usize) -> Result<SharedPage> {
        let quota = MappingQuota::new(1)?;
        // SAFETY: without MAP_FIXED a new mapping touches no memory that is in use.
        let start =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, offset) };
        let start = start.map_err(failed("mmap"))?;
        let start = NonNull::new(start.cast()).ok_or_else(|| failed("mmap")(Errno::NOMEM))?;
        Ok(SharedPage { start, length, offset, _quota: quota })
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the page is ours, and all that have its address hold it. An error cannot be
        // reported.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

//! Words of memory at which threads of several processes sleep and wake one another. Windows has no
//! call for it that works between processes.

use crate::access::Plan;
use crate::error::{Error, Result};
use crate::source::Source;
use crate::sys::Slept;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// What a mapping keeps for its words.
#[derive(Debug, Default)]
pub struct Waiters;

/// A word, at which all sleepers are found.
#[derive(Debug, Clone)]
pub struct Spot;

impl Waiters {
    /// The spot of the word at `position` in what `source` maps. `word` is its address in the
    /// mapping, whose pages are as `plan` says.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED.
    pub(crate) fn spot(&self, _source: &Source, plan: &Plan, _position: u64, _word: *mut u8) -> Result<Spot> {
        if plan.private {
            return Err(Error::WaitPrivate);
        }
        Err(Error::Unsupported("Windows has no calls to wait for memory that processes share"))
    }
}

impl Spot {
    /// Sleeps at most so long, if the word has this value, until it is woken or `stop` is not 0.
    ///
    /// # Errors
    ///
    /// Errors of the system that nobody expects.
    pub fn sleep(&self, _value: u32, _at_most: Duration, _stop: Option<&AtomicU32>) -> Result<Slept> {
        Ok(Slept::TimedOut)
    }

    /// Wakes up to `count` sleepers, and returns how many. `None` means that the system cannot find
    /// the word.
    ///
    /// # Errors
    ///
    /// As for [`Spot::sleep`].
    pub fn wake(&self, _count: u32) -> Result<Option<u32>> {
        Ok(Some(0))
    }

    /// Wakes the thread that sleeps here with this `stop`, which is no longer 0. Returns false if
    /// that thread may be about to sleep, so that the call has to be repeated until it has ended.
    pub fn interrupt(&self, _stop: &AtomicU32) -> bool {
        true
    }
}

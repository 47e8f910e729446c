//! Words of memory at which threads of several processes sleep and wake one another. Windows has
//! no call for it that works between processes: WaitOnAddress and keyed events find the threads of
//! one process only. So those who sleep are in a table, which all processes share that map the same
//! file or region, and are woken by an event.
//!
//! The table is a section whose name is made of the file's identity, or of the region's name. It is
//! found in one session, that of a logged-in user or that of the services. A thread that sleeps
//! looks at its word every 100 ms. So it notices a new value also if it was stored in another
//! session, or if the table is full.

use super::bell::{self, Bell, locked};
use super::file::{File, numbers_of};
use super::memory::Memory;
use super::named::Named;
use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use crate::source::Source;
use crate::sys::Slept;
use crate::sys::wait_table::Table;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How many can wait for words of one file or region: as many as fit into 48 KiB.
const SLOTS: usize = 2047;
/// How long a thread sleeps at most until it looks at the word.
const PIECE: Duration = Duration::from_millis(100);
/// The same without a slot, so that nobody can wake it.
const PIECE_WITHOUT_SLOT: Duration = Duration::from_millis(20);

/// What a mapping keeps for its words.
#[derive(Debug, Default)]
pub struct Waiters {
    /// The table of the file, region or memory, from the first use on.
    table: Mutex<Option<Arc<SharedTable>>>,
}

/// A word, and the table of those who sleep there.
#[derive(Debug, Clone)]
pub struct Spot {
    word: *const u32,
    /// The position in the file, region or memory.
    position: u64,
    table: Arc<SharedTable>,
}

// SAFETY: a Spot is an address and belongs to no thread. The word is read by a volatile read only.
unsafe impl Send for Spot {}
// SAFETY: as above.
unsafe impl Sync for Spot {}

/// A table in memory of its own.
#[derive(Debug)]
struct SharedTable {
    memory: Memory,
    /// Keeps the section and its name. `None` if no other process can map the memory.
    _section: Option<Named>,
}

/// What sleeps with a `stop`, and its bell, for [`Spot::interrupt`]. The address of a `stop`
/// distinguishes it from all others that are in use.
static SLEEPERS: Mutex<Vec<(usize, Arc<Bell>)>> = Mutex::new(Vec::new());

impl Waiters {
    /// The spot of the word at `position` in what `source` maps. `word` is its address in the
    /// mapping, whose pages are as `plan` says.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_UNSUPPORTED for private memory, for a file whose descriptor was not kept, and for
    /// file systems that do not number their files. EACCES if another user's process has made the
    /// table. ENOMEM.
    pub(crate) fn spot(&self, source: &Source, plan: &Plan, position: u64, word: *mut u8) -> Result<Spot> {
        if plan.private {
            return Err(Error::WaitPrivate);
        }
        let mut known = locked(&self.table);
        let table = match &*known {
            Some(table) => Arc::clone(table),
            None => Arc::clone(known.insert(Arc::new(SharedTable::of(source)?))),
        };
        Ok(Spot { word: word.cast_const().cast(), position, table })
    }
}

impl Spot {
    /// Sleeps at most so long, if the word has this value, until it is woken or `stop` is not 0. It
    /// may also return earlier as if the time were over, when the word has another value.
    ///
    /// # Errors
    ///
    /// Those of CreateEvent.
    pub fn sleep(&self, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
        if let Some(slept) = self.look(value, stop) {
            return Ok(slept);
        }
        let start = Instant::now();
        let bell = Arc::new(Bell::take()?);
        let _interruptible = stop.map(|stop| Interruptible::new(stop, &bell));
        let place = self.table.get().enter(self.position, bell.sleeper(), bell::ring);
        let piece = if place.is_some() { PIECE } else { PIECE_WITHOUT_SLOT };
        let mut is_first = true;
        let slept = loop {
            match self.look(value, stop) {
                // The word had this value when the thread began to wait, and it was not woken.
                Some(Slept::Unequal) if !is_first => break Slept::TimedOut,
                Some(slept) => break slept,
                None => is_first = false,
            }
            let left = at_most.saturating_sub(start.elapsed());
            if left.is_zero() {
                break Slept::TimedOut;
            }
            bell.wait(left.min(piece));
            if place.as_ref().is_some_and(|place| place.is_woken()) {
                break Slept::Woken;
            }
        };
        Ok(if place.is_some_and(|place| place.leave()) { Slept::Woken } else { slept })
    }

    /// Wakes up to `count` sleepers, and returns how many. It is never `None`, because Windows does
    /// not truncate a mapped file.
    ///
    /// # Errors
    ///
    /// None.
    pub fn wake(&self, count: u32) -> Result<Option<u32>> {
        Ok(Some(self.table.get().wake(self.position, count, bell::ring)))
    }

    /// Wakes the thread that sleeps here with this `stop`, which is no longer 0. It always returns
    /// true: a thread that is not in the list yet looks at `stop` when it is.
    pub fn interrupt(&self, stop: &AtomicU32) -> bool {
        let address = std::ptr::from_ref(stop).addr();
        for (_, bell) in locked(&SLEEPERS).iter().filter(|(sleeper, _)| *sleeper == address) {
            bell.ring();
        }
        true
    }

    /// Whether the thread is not to sleep.
    fn look(&self, value: u32, stop: Option<&AtomicU32>) -> Option<Slept> {
        if stop.is_some_and(|stop| stop.load(Ordering::Acquire) != 0) {
            return Some(Slept::Stopped);
        }
        // SAFETY: the word is in the mapping, which the caller keeps. The read is volatile, because
        // others write the word.
        let now = unsafe { self.word.read_volatile() };
        (now != value).then_some(Slept::Unequal)
    }
}

/// An entry in the list of those who sleep.
struct Interruptible(usize);

impl Interruptible {
    fn new(stop: &AtomicU32, bell: &Arc<Bell>) -> Interruptible {
        let address = std::ptr::from_ref(stop).addr();
        locked(&SLEEPERS).push((address, Arc::clone(bell)));
        Interruptible(address)
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        let mut sleepers = locked(&SLEEPERS);
        if let Some(index) = sleepers.iter().position(|(address, _)| *address == self.0) {
            sleepers.swap_remove(index);
        }
    }
}

impl SharedTable {
    fn of(source: &Source) -> Result<SharedTable> {
        let (length, plan) = (size_of::<Table<SLOTS>>(), Plan::from_access(Access::Default));
        let what = match source {
            Source::File(Some(file)) => name_of_file(file)?,
            Source::File(None) => {
                return Err(Error::Unsupported(
                    "wait and notify need the descriptor on Windows: `trackfd` must be true",
                ));
            }
            Source::Named(named) => format!("region-{:032x}", named.hash()),
            Source::Anonymous(_) => {
                let (memory, _) = Memory::anonymous(length, &plan, false)?;
                return Ok(SharedTable { memory, _section: None });
            }
        };
        // The number stands for the layout of the table.
        let (memory, section, _) = Named::open(&format!("Local\\memmap-wait-1-{what}"), 0, length, &plan)?;
        Ok(SharedTable { memory, _section: Some(section) })
    }

    fn get(&self) -> &Table<SLOTS> {
        // SAFETY: the memory is mapped as long as `self` lives, writable, as long as a table, and
        // begins at a page. It consists of atomic integers, for which any bytes are valid, and is
        // no memory of the user. Other processes change it only by atomic operations; one that does
        // otherwise changes integers, of which none is trusted.
        unsafe { &*self.memory.start().cast_const().cast::<Table<SLOTS>>() }
    }
}

/// The numbers of the volume and of the file on it, which are the same for all who have opened the
/// file.
fn name_of_file(file: &File) -> Result<String> {
    let Some((volume, number)) = numbers_of(file) else {
        return Err(Error::Unsupported("wait and notify need a file system that numbers its files"));
    };
    Ok(format!("file-{volume:016x}-{number:032x}"))
}

//! Long work on a mapping in another thread. It is done in chunks, so that it can be stopped and
//! its progress can be reported.

mod pool;

pub use pool::ThreadPool;

use crate::error::{Error, Result};
use crate::mapping::{Mapping, Retained};
use crate::search::Finder;
use crate::weak_list::WeakList;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Positions to search in one chunk. A chunk takes less than a millisecond.
const SEARCHED: usize = 4 * 1024 * 1024;
/// Bytes to read ahead in one chunk.
const PREFETCHED: usize = 8 * 1024 * 1024;
/// Bytes to flush in one chunk. Each chunk costs a device flush: 512 MiB took 1.5 times as long as
/// in chunks of 64 MiB. But `unmap()` waits for the current chunk, on a device that may be slow.
const FLUSHED: usize = 8 * 1024 * 1024;

/// What the working thread shares with the threads that start, stop and watch it.
///
/// It keeps the memory mapped, even after the mapping is closed, until it is dropped or released.
pub struct Task {
    /// The lock is held during each chunk.
    memory: Mutex<Option<Retained>>,
    state: AtomicU8,
    done: AtomicUsize,
    /// The job, until a thread has begun it.
    job: Mutex<Option<Job>>,
}

type Job = Box<dyn FnOnce(&Task) + Send>;

const WANTED: u8 = 0;
const ABORTED: u8 = 1;
const RELEASED: u8 = 2;

impl Task {
    /// A task for the memory that the mapping has now.
    pub fn new(mapping: &Mapping) -> Task {
        Task {
            memory: Mutex::new(Some(mapping.retain())),
            state: AtomicU8::new(WANTED),
            done: AtomicUsize::new(0),
            job: Mutex::new(None),
        }
    }

    /// Runs the job in a pool thread. If the task is stopped or released before a pool thread has
    /// begun the job, the stopping thread runs it. Every step then fails at once, so this only
    /// rejects the promise.
    pub fn start(self: &Arc<Task>, pool: &ThreadPool, job: impl FnOnce(&Task) + Send + 'static) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(job));
        let task = Arc::clone(self);
        pool.submit(move || task.run_job());
    }

    fn run_job(&self) {
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(job) = job {
            job(self);
        }
    }

    /// Asks the job to stop before its next chunk.
    pub fn stop(&self) {
        self.state.fetch_max(ABORTED, Ordering::AcqRel);
        self.run_job();
    }

    /// Stops the job, waits until it no longer touches the memory, and drops the memory.
    pub fn release(&self) {
        // Set the state before waiting for the lock, because the working thread takes it again at
        // once.
        self.state.fetch_max(RELEASED, Ordering::AcqRel);
        self.run_job();
        // Drop the memory while holding the lock. Otherwise, of two threads that release the task,
        // one could return while the other is still dropping the memory.
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Like [`Task::release`], for many tasks. It stops all of them first, because pool threads
    /// would otherwise begin later ones while this waits for the first.
    pub fn release_all(tasks: &WeakList<Task>) {
        let tasks: Vec<_> = tasks.iter().collect();
        for task in &tasks {
            task.state.fetch_max(RELEASED, Ordering::AcqRel);
        }
        for task in tasks {
            task.release();
        }
    }

    /// The number of bytes that are done.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Like [`crate::Region::find`].
    ///
    /// # Errors
    ///
    /// ABORT_ERR after [`Task::stop`], ERR_MMAP_CLOSED after [`Task::release`], and those of
    /// [`crate::Region::find`]. The other methods have these errors, too.
    pub fn find(&self, finder: &Finder, range: Range<usize>) -> Result<Option<usize>> {
        let mut found = None;
        if finder.needle().is_empty() {
            return Ok(Some(range.start));
        }
        self.in_chunks(range.clone(), searched(finder), |memory, chunk| {
            let end = with_overlap(finder, &chunk, &range);
            found = memory.region.find_from(finder, chunk.start..end, 0)?;
            Ok(if found.is_some() { range.end } else { chunk.end })
        })?;
        Ok(found)
    }

    /// Like [`crate::Region::count`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn count(&self, finder: &Finder, range: Range<usize>) -> Result<usize> {
        let mut count = 0;
        let needle = finder.needle().len();
        self.in_chunks(range.clone(), searched(finder), |memory, chunk| {
            if needle == 1 {
                let end = chunk.end;
                count += memory.region.count(finder, chunk)?;
                return Ok(end);
            }
            let mut next = chunk.end;
            memory.region.matches(finder, chunk.start..with_overlap(finder, &chunk, &range), |place| {
                count += 1;
                next = next.max(place + needle);
                true
            })?;
            Ok(next)
        })?;
        Ok(count)
    }

    /// Like [`crate::Region::replace`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn replace(&self, finder: &Finder, to: &[u8], range: Range<usize>, replaced: &mut usize) -> Result<()> {
        self.in_chunks(range.clone(), searched(finder), |memory, chunk| {
            let end = with_overlap(finder, &chunk, &range);
            let last = memory.region.replace(finder, to, chunk.start..end, replaced)?;
            Ok(last.map_or(chunk.end, |place| chunk.end.max(place + to.len())))
        })
    }

    /// Like [`Mapping::flush`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn flush(&self, range: Range<usize>) -> Result<()> {
        self.in_chunks(range, FLUSHED, |memory, chunk| {
            memory.flush(chunk.start, chunk.len(), None)?;
            Ok(chunk.end)
        })
    }

    /// Like [`crate::Region::prefetch`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn prefetch(&self, range: Range<usize>) -> Result<()> {
        self.in_chunks(range, PREFETCHED, |memory, chunk| {
            memory.region.prefetch(chunk.start, chunk.len())?;
            Ok(chunk.end)
        })
    }

    /// Calls `work` with one chunk after the other. `work` returns where the next chunk begins.
    fn in_chunks(
        &self,
        range: Range<usize>,
        length: usize,
        mut work: impl FnMut(&Retained, Range<usize>) -> Result<usize>,
    ) -> Result<()> {
        let mut at = range.start;
        while at < range.end {
            let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let memory = match (self.state.load(Ordering::Acquire), memory.as_ref()) {
                (WANTED, Some(memory)) => memory,
                (ABORTED, _) => return Err(Error::Aborted),
                _ => return Err(Error::Closed),
            };
            let end = at.saturating_add(length).min(range.end);
            at = work(memory, at..end)?;
            self.done.store(at.min(range.end) - range.start, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Positions to search in one chunk. It is at least the length of the needle, because the search
/// reads that far beyond the last position.
fn searched(finder: &Finder) -> usize {
    SEARCHED.max(finder.needle().len())
}

/// The furthest end of a match that begins in `chunk`.
fn with_overlap(finder: &Finder, chunk: &Range<usize>, range: &Range<usize>) -> usize {
    chunk.end.saturating_add(finder.needle().len().saturating_sub(1)).min(range.end)
}

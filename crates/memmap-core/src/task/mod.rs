//! Long work on a mapping, on another thread: a chunk at a time, so that it can be stopped and tells how far it is.

mod pool;

pub use pool::ThreadPool;

use crate::error::{Error, Result};
use crate::flush::Retained;
use crate::mapping::Mapping;
use crate::search::Finder;
use crate::weak_list::WeakList;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many positions are searched between two looks at whether to go on: less than a millisecond's.
const SEARCHED: usize = 4 * 1024 * 1024;
/// How many bytes are read ahead.
const PREFETCHED: usize = 8 * 1024 * 1024;
/// How many bytes are flushed. Each time the device is asked to finish, which costs (512 MiB took half as long again as in pieces of 64 MiB); but
/// `unmap()` waits for a piece, on a device that may be slow.
const FLUSHED: usize = 8 * 1024 * 1024;

/// What is shared by the thread that does the work and the threads that start, stop and watch it.
///
/// It keeps the memory, whatever becomes of the mapping, until it is dropped or told to let go.
pub struct Task {
    /// The lock is held while a chunk is worked on.
    memory: Mutex<Option<Retained>>,
    state: AtomicU8,
    done: AtomicUsize,
    /// What is to be done, until a thread begins with it.
    job: Mutex<Option<Job>>,
}

type Job = Box<dyn FnOnce(&Task) + Send>;

const WANTED: u8 = 0;
const ABORTED: u8 = 1;
const RELEASED: u8 = 2;

impl Task {
    /// For work on the memory that the mapping has now.
    pub fn new(mapping: &Mapping) -> Task {
        Task {
            memory: Mutex::new(Some(mapping.retain())),
            state: AtomicU8::new(WANTED),
            done: AtomicUsize::new(0),
            job: Mutex::new(None),
        }
    }

    /// Has a thread do the job. If the task is stopped or released before a thread is free, the job runs at once in the thread that does
    /// that: each of its steps only fails by then, and the promise need not wait for a free thread to be rejected.
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

    /// Asks the work to stop at its next chunk.
    pub fn stop(&self) {
        self.state.fetch_max(ABORTED, Ordering::AcqRel);
        self.run_job();
    }

    /// Stops the work, waits until it no longer touches the memory, and lets go of it.
    pub fn release(&self) {
        // Before the lock: the thread that works would take it again at once.
        self.state.fetch_max(RELEASED, Ordering::AcqRel);
        self.run_job();
        // Under the lock: if the work ends at this very moment and two threads release it, the second must not return while the first still drops it.
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// [`Task::release`], for many. All are stopped first: otherwise threads would begin with the later ones while this waits for the first.
    pub fn release_all(tasks: &WeakList<Task>) {
        let tasks: Vec<_> = tasks.iter().collect();
        for task in &tasks {
            task.state.fetch_max(RELEASED, Ordering::AcqRel);
        }
        for task in tasks {
            task.release();
        }
    }

    /// How many bytes are done.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// As [`crate::Region::find`].
    ///
    /// # Errors
    ///
    /// ABORT_ERR, ERR_MMAP_CLOSED when it had to let go, and those of [`crate::Region::find`]. So it is for the others, too.
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

    /// As [`crate::Region::count`].
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

    /// As [`crate::Region::replace`].
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

    /// As [`Mapping::flush`].
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

    /// As [`crate::Region::prefetch`].
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

    /// Gives `work` a chunk after the other. It says where the next one begins.
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

/// How many positions are searched at a time: no fewer than the needle has bytes, which are looked at beyond the last one.
fn searched(finder: &Finder) -> usize {
    SEARCHED.max(finder.needle().len())
}

/// Up to where a match that begins in `chunk` may reach.
fn with_overlap(finder: &Finder, chunk: &Range<usize>, range: &Range<usize>) -> usize {
    chunk.end.saturating_add(finder.needle().len().saturating_sub(1)).min(range.end)
}

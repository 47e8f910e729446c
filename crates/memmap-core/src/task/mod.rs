//! Long work on a mapping in another thread. It is done in chunks, so that it can be stopped and
//! its progress can be reported.

mod pool;

pub use pool::ThreadPool;

use crate::error::{Error, Result};
use crate::mapping::{Mapping, Retained};
use crate::region::Replacement;
use crate::search::{Finder, Match, Progress, Search, Searcher};
use crate::weak_list::WeakList;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
        if finder.needle().is_empty() {
            return Ok(Some(range.start));
        }
        let mut found = None;
        self.search(&mut finder.search(range.clone()), |first| {
            found = Some(first.start);
            false
        })?;
        // What comes after the first match is not searched.
        self.done.store(range.len(), Ordering::Relaxed);
        Ok(found)
    }

    /// Searches until the end, or until `hit` returns false. If it fails, the matches so far are
    /// wrong.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Region::advance`]. See also [`Task::find`].
    pub fn search(&self, search: &mut impl Search, mut hit: impl FnMut(&Match<'_>) -> bool) -> Result<Progress> {
        self.advance(search, |memory, search| memory.region.advance(search, search.chunk(), &mut hit))
    }

    /// Like [`crate::Region::count`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn count(&self, searcher: &impl Searcher, range: Range<usize>) -> Result<usize> {
        let mut count = 0;
        self.advance(&mut searcher.search(range), |memory, search| {
            memory.region.count_on(search, search.chunk(), &mut count)
        })?;
        Ok(count)
    }

    /// Like [`crate::Region::replace`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn replace(
        &self,
        searcher: &impl Searcher,
        to: &Replacement,
        range: Range<usize>,
        replaced: &mut usize,
    ) -> Result<()> {
        to.check(searcher)?;
        self.advance(&mut searcher.search(range), |memory, search| {
            memory.region.replace_on(search, to, search.chunk(), replaced)
        })?;
        Ok(())
    }

    /// Like [`Mapping::flush`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn flush(&self, range: Range<usize>) -> Result<()> {
        self.in_chunks(range, FLUSHED, |memory, chunk| memory.flush(chunk.start, chunk.len(), None))
    }

    /// Like [`crate::Region::prefetch`].
    ///
    /// # Errors
    ///
    /// See [`Task::find`].
    pub fn prefetch(&self, range: Range<usize>) -> Result<()> {
        self.in_chunks(range, PREFETCHED, |memory, chunk| memory.region.prefetch(chunk.start, chunk.len()))
    }

    /// Advances a search by one chunk after the other.
    fn advance<S: Search>(
        &self,
        search: &mut S,
        mut advance: impl FnMut(&Retained, &mut S) -> Result<Progress>,
    ) -> Result<Progress> {
        let Range { start, end } = search.range();
        loop {
            let progress = self.chunk(|memory| advance(memory, search))?;
            let done = if progress == Progress::Done { end } else { search.position().min(end) };
            self.done.store(done - start, Ordering::Relaxed);
            if progress != Progress::Paused {
                return Ok(progress);
            }
        }
    }

    /// Calls `work` with one chunk after the other.
    fn in_chunks(
        &self,
        range: Range<usize>,
        length: usize,
        mut work: impl FnMut(&Retained, Range<usize>) -> Result<()>,
    ) -> Result<()> {
        let mut at = range.start;
        while at < range.end {
            let end = at.saturating_add(length).min(range.end);
            self.chunk(|memory| work(memory, at..end))?;
            at = end;
            self.done.store(at - range.start, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Calls `work` with the memory, which stays until `work` returns.
    fn chunk<T>(&self, work: impl FnOnce(&Retained) -> Result<T>) -> Result<T> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.state.load(Ordering::Acquire), memory.as_ref()) {
            (WANTED, Some(memory)) => work(memory),
            (ABORTED, _) => Err(Error::Aborted),
            _ => Err(Error::Closed),
        }
    }
}

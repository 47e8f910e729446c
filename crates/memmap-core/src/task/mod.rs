//! Long work on a mapping in other threads.
//!
//! * `work`: what a task does, and the pieces that threads share.
//! * `pool`: the threads, which serve all tasks in turns.
//! * `helped`: work of the calling thread, in which threads of the pool help.
//!
//! A thread claims one piece of the range after the other, in ascending order, and does it in
//! chunks, so that the task can be stopped and its progress can be reported.

mod helped;
mod pool;
mod work;

pub use helped::{close, count, find, replace};
pub use pool::default_threads;
pub use work::{Paging, Piece, Searching, Work};

use pool::ThreadPool;

use crate::error::{Error, Result};
use crate::mapping::{Mapping, Retained};
use crate::search::Progress;
use crate::weak_list::WeakList;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

/// What the working threads share with the threads that start, stop and watch them.
///
/// It keeps the memory mapped, even after the mapping is closed, until it is dropped or released.
pub struct Task {
    /// Locked for reading during each chunk.
    memory: RwLock<Option<Retained>>,
    state: AtomicU8,
    done: AtomicUsize,
    /// The most threads that work on it at once.
    threads: usize,
    /// From the start to the end of the work.
    job: Mutex<Option<Arc<Job>>>,
}

/// The work of a task, and who does what of it.
struct Job {
    work: Arc<dyn Work>,
    length: usize,
    /// The system was told that the range will be read in its order.
    is_announced: AtomicBool,
    /// What nobody has claimed. Locked while a thread looks where its piece may end, so threads
    /// that start or stop tasks do not lock it.
    unclaimed: Mutex<Option<Range<usize>>>,
    turns: Mutex<Turns>,
    /// Signalled after each turn.
    turn_ended: Condvar,
}

/// The turns of all threads.
struct Turns {
    /// Threads that have a turn now.
    running: usize,
    /// Pieces whose thread has ended its turn before the piece was done.
    paused: VecDeque<Box<dyn Piece>>,
    /// The whole range has been claimed.
    is_claimed: bool,
    /// The first error.
    result: Result<()>,
    finish: Option<Finish>,
}

type Finish = Box<dyn FnOnce(&Task, Result<()>) + Send>;

const WANTED: u8 = 0;
const ABORTED: u8 = 1;
const RELEASED: u8 = 2;

impl Task {
    /// A task for the memory that the mapping has now. At most `threads` threads work on it at
    /// once.
    pub fn new(mapping: &Mapping, threads: usize) -> Task {
        Task {
            memory: RwLock::new(Some(mapping.retain())),
            state: AtomicU8::new(WANTED),
            done: AtomicUsize::new(0),
            threads,
            job: Mutex::new(None),
        }
    }

    /// Starts the work in threads of the pool. When it has ended, the last of them calls `finish`.
    /// If the task is stopped or released while no thread works on it, the stopping thread does.
    ///
    /// # Errors
    ///
    /// EAGAIN when no thread exists and the system cannot start one. `finish` is then called when
    /// the task is stopped or released.
    pub fn start(
        self: &Arc<Task>,
        work: Arc<dyn Work>,
        range: Range<usize>,
        finish: impl FnOnce(&Task, Result<()>) + Send + 'static,
    ) -> Result<()> {
        let threads = self.useful_threads(&*work, &range);
        self.set_job(work, range, Some(Box::new(finish)));
        ThreadPool::submit(self, threads)
    }

    /// Does the work in the calling thread. Threads of the pool help if they are free.
    ///
    /// # Errors
    ///
    /// ABORT_ERR after [`Task::stop`], ERR_MMAP_CLOSED after [`Task::release`], and those of the
    /// work.
    pub fn run(self: &Arc<Task>, work: Arc<dyn Work>, range: Range<usize>) -> Result<()> {
        let threads = self.useful_threads(&*work, &range);
        let job = self.set_job(work, range, None);
        // This thread does all that no other thread begins. So the work ends even if the pool has
        // no threads, as in a forked process.
        if threads > 1 {
            ThreadPool::lend(self, threads - 1);
        }
        loop {
            while self.turn() {}
            let waits = |turns: &mut Turns| turns.running > 0 && turns.paused.is_empty();
            let turns = job.turn_ended.wait_while(job.lock_turns(), waits).unwrap_or_else(PoisonError::into_inner);
            if turns.running == 0 && turns.is_over() {
                break;
            }
        }
        if threads > 1 {
            ThreadPool::withdraw(self);
        }
        *self.lock_job() = None;
        let turns = job.lock_turns();
        turns.result.clone()
    }

    fn set_job(&self, work: Arc<dyn Work>, range: Range<usize>, finish: Option<Finish>) -> Arc<Job> {
        let turns = Turns { running: 0, paused: VecDeque::new(), is_claimed: false, result: Ok(()), finish };
        let job = Arc::new(Job {
            is_announced: AtomicBool::new(work.scans() && self.announce(&range)),
            work,
            length: range.len(),
            unclaimed: Mutex::new(Some(range)),
            turns: Mutex::new(turns),
            turn_ended: Condvar::new(),
        });
        *self.lock_job() = Some(Arc::clone(&job));
        job
    }

    /// Tells the system that the range will be read in its order, and returns whether it did.
    fn announce(&self, range: &Range<usize>) -> bool {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.as_ref().is_some_and(|memory| memory.region().announce_scan(range.start, range.len()))
    }

    /// Tells the system that this is over. Released memory is about to be unmapped, and no advice
    /// matters there.
    fn end_announced(&self, job: &Job) {
        if !job.is_announced.swap(false, Ordering::Relaxed) {
            return;
        }
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(memory) = memory.as_ref() {
            memory.region().end_announced_scan();
        }
    }

    /// The number of threads for which there are pieces.
    fn useful_threads(&self, work: &dyn Work, range: &Range<usize>) -> usize {
        if work.divides() { range.len().div_ceil(work.turn()).clamp(1, self.threads.max(1)) } else { 1 }
    }

    fn lock_job(&self) -> MutexGuard<'_, Option<Arc<Job>>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a piece, or a part of one. It returns whether there may be more for this thread.
    pub(crate) fn turn(&self) -> bool {
        let Some(job) = self.lock_job().clone() else {
            return false;
        };
        let mut turns = job.lock_turns();
        if turns.is_over() {
            return false;
        }
        turns.running += 1;
        let paused = turns.paused.pop_front();
        drop(turns);
        let result = self.do_piece(&job, paused);
        let mut turns = job.lock_turns();
        turns.running -= 1;
        match result {
            Ok(None) => {}
            Ok(Some(piece)) => turns.paused.push_back(piece),
            Err(error) => turns.result = turns.result.clone().and(Err(error)),
        }
        let is_over = turns.is_over();
        self.finish(&job, turns);
        job.turn_ended.notify_all();
        !is_over
    }

    /// Works on a piece that was paused, or on a new one, and returns it if it is not done.
    fn do_piece(&self, job: &Job, paused: Option<Box<dyn Piece>>) -> Result<Option<Box<dyn Piece>>> {
        let mut piece = match paused {
            Some(piece) => piece,
            None => match self.claim(job)? {
                Some(piece) => piece,
                None => return Ok(None),
            },
        };
        let start = piece.position();
        loop {
            let before = piece.position();
            let progress = self.chunk(|memory| piece.advance(memory))?;
            let position = piece.position();
            self.done.fetch_add(position - before, Ordering::Relaxed);
            if progress != Progress::Paused {
                return Ok(None);
            }
            if position - start >= job.work.turn() {
                return Ok(Some(piece));
            }
        }
    }

    /// Claims the next piece.
    fn claim(&self, job: &Job) -> Result<Option<Box<dyn Piece>>> {
        let mut unclaimed = job.unclaimed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Range { start, end }) = unclaimed.take() else {
            return Ok(None);
        };
        let is_settled = job.work.is_settled_before(start);
        let cut = if is_settled { end } else { self.end_of_piece(job, start..end)? };
        if cut < end {
            *unclaimed = Some(cut..end);
        } else {
            job.lock_turns().is_claimed = true;
        }
        Ok((!is_settled).then(|| Arc::clone(&job.work).begin(start..cut)))
    }

    fn end_of_piece(&self, job: &Job, left: Range<usize>) -> Result<usize> {
        let Range { start, end } = left;
        let mut length = job.work.turn();
        while self.threads > 1 && job.work.divides() && length < end.saturating_sub(start) {
            if let Some(cut) = self.chunk(|memory| job.work.cut(memory, &left, start + length))? {
                return Ok(cut);
            }
            // If a long part of the range cannot be cut, it takes few attempts to leave it behind.
            length = length.saturating_mul(2);
        }
        Ok(end)
    }

    /// Calls `work` with the memory, which stays until `work` returns.
    fn chunk<T>(&self, work: impl FnOnce(&Retained) -> Result<T>) -> Result<T> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        match (self.state.load(Ordering::Acquire), memory.as_ref()) {
            (WANTED, Some(memory)) => work(memory),
            (ABORTED, _) => Err(Error::Aborted),
            _ => Err(Error::Closed),
        }
    }

    /// Ends the work if nothing is left and no thread works on it.
    fn finish(&self, job: &Job, mut turns: MutexGuard<'_, Turns>) {
        if turns.running > 0 || !turns.is_over() {
            return;
        }
        if turns.result.is_ok() {
            // What comes after the first match is not searched.
            self.done.fetch_max(job.length, Ordering::Relaxed);
        }
        let (finish, result) = (turns.finish.take(), turns.result.clone());
        drop(turns);
        self.end_announced(job);
        if let Some(finish) = finish {
            *self.lock_job() = None;
            finish(self, result);
        }
    }

    /// Sets the state, and ends the work if no thread works on it.
    fn set_state(&self, state: u8, error: Error) {
        self.state.fetch_max(state, Ordering::AcqRel);
        let job = self.lock_job().clone();
        if let Some(job) = job {
            let mut turns = job.lock_turns();
            if turns.running == 0 {
                turns.result = turns.result.clone().and(Err(error));
                self.finish(&job, turns);
            }
        }
    }

    /// Asks the threads to stop before their next chunks.
    pub fn stop(&self) {
        self.set_state(ABORTED, Error::Aborted);
    }

    /// Stops the work, waits until no thread touches the memory any more, and drops the memory.
    pub fn release(&self) {
        // Set the state before waiting for the lock, because working threads take it again at once.
        self.set_state(RELEASED, Error::Closed);
        // Drop the memory while holding the lock. Otherwise, of two threads that release the task,
        // one could return while the other is still dropping the memory.
        *self.memory.write().unwrap_or_else(PoisonError::into_inner) = None;
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
}

impl Job {
    fn lock_turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    /// Whether there is nothing to begin or to continue. Running threads may still pause a piece.
    fn is_over(&self) -> bool {
        self.result.is_err() || self.is_claimed && self.paused.is_empty()
    }
}

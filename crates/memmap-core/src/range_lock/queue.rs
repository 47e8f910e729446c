//! The requests and the locks of mappings, and the threads that wait in the system.
//!
//! # States of a request
//!
//! A request is an entry of its [`Owner`]. Each change happens under the owner's mutex:
//!
//! * `Waiting` becomes `Held` when a thread has got the lock for it, `Failed` when the system
//!   refuses the lock, and is removed when it is aborted, has timed out, or the owner is closed.
//! * `Held` is removed by `release` or when the owner is closed.
//!
//! So a request that has ended can never get a lock, and a lock that somebody got is never lost.
//!
//! # Queues
//!
//! Requests of this process for the same bytes of one file, in the same mode, are in one queue. One
//! thread serves it, which blocks in the system for the first request only. So other processes have
//! their turn between two of ours, and a thousand requests need one thread.
//!
//! No thread can be called back from the system without a signal, and a library must not install
//! handlers for signals. So the thread of a request that has ended goes on waiting. When it gets
//! the lock, it gives it to the next request of the queue, or releases it if there is none.
//!
//! `tests/loom.rs` compiles this file with the types of `loom`, and tries all orders of steps.

use super::sync::{Condvar, Mutex, MutexGuard};
use super::{Error, Result};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// An open file of our own that can have one lock. All locks of one open file are one owner's to
/// the system, so each lock has an open file of its own.
pub trait LockFile: Sized + Send + Sync + 'static {
    /// Opens the same file once more.
    ///
    /// # Errors
    ///
    /// Those of the operating system, `Unsupported`.
    fn reopen(&self) -> Result<Self>;

    /// Locks a range, unless others have locked a part of it. Returns whether it has.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn try_lock(&self, range: &Range<u64>, exclusive: bool) -> Result<bool>;

    /// Waits until it has locked a range.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn lock(&self, range: &Range<u64>, exclusive: bool) -> Result<()>;

    /// Unlocks a range that it has locked. Returns whether the file has no lock now.
    fn unlock(&self, range: &Range<u64>) -> bool;
}

/// What tells one file from another, and whether it was opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Numbers of the file.
    pub file: [u64; 3],
    /// Whether an open file of it can have exclusive locks.
    pub writable: bool,
}

/// Which lock is wanted. Requests that want the same are in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The file.
    pub identity: Identity,
    /// Positions in the file.
    pub range: Range<u64>,
    /// Whether it keeps out all others.
    pub exclusive: bool,
}

/// What becomes of a request: true for a lock, false if it has timed out.
pub type Settled = Box<dyn FnOnce(Result<bool>) + Send>;

/// The work of a thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// Open files without a lock that an owner keeps for its next locks. To open one takes three times
/// as long as to lock and unlock it.
const MOST_IDLE: usize = 4;

/// Numbers of requests are never used again.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The locks and requests of one mapping.
pub struct Owner<F: LockFile> {
    queues: Arc<Queues<F>>,
    identity: Identity,
    /// The file that others are opened from. It has no lock.
    origin: F,
    state: Mutex<State<F>>,
    /// Signalled when a request without a function to call has been settled.
    settled: Condvar,
}

struct State<F> {
    is_closed: bool,
    entries: Vec<(u64, Entry<F>)>,
    /// At most [`MOST_IDLE`].
    idle: Vec<F>,
}

enum Entry<F> {
    Waiting(Option<Settled>),
    Held(F, Range<u64>),
    Failed(Error),
}

impl<F: LockFile> Owner<F> {
    /// An owner without locks. `origin` is opened for this.
    pub fn new(queues: &Arc<Queues<F>>, identity: Identity, origin: F) -> Arc<Owner<F>> {
        let state = State { is_closed: false, entries: Vec::new(), idle: Vec::new() };
        Arc::new(Owner {
            queues: Arc::clone(queues),
            identity,
            origin,
            state: Mutex::new(state),
            settled: Condvar::new(),
        })
    }

    /// The lock as others in this process may want it, too.
    pub fn wanted(&self, range: Range<u64>, exclusive: bool) -> Wanted {
        Wanted { identity: self.identity, range, exclusive }
    }

    /// Locks without waiting, and returns the number of the lock. `None` if others have locked a
    /// part of the range, or if requests of this process already wait for the same.
    ///
    /// With `looks_once` waiting requests do not count.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn try_lock(&self, wanted: &Wanted, looks_once: bool) -> Result<Option<u64>> {
        if !looks_once && self.queues.has_requests(wanted) {
            return Ok(None);
        }
        let file = self.file()?;
        if !file.try_lock(&wanted.range, wanted.exclusive)? {
            self.keep(file);
            return Ok(None);
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.lock_state().entries.push((number, Entry::Held(file, wanted.range.clone())));
        Ok(Some(number))
    }

    /// Begins a request, and returns its number, which becomes that of the lock.
    ///
    /// # Errors
    ///
    /// EAGAIN if no thread can wait.
    pub fn request(self: &Arc<Self>, wanted: &Wanted) -> Result<u64> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.lock_state().entries.push((number, Entry::Waiting(None)));
        let queued = self.queues.add(wanted, Request { owner: Arc::clone(self), number });
        if queued.is_err() {
            self.take(number);
        }
        queued.map(|()| number)
    }

    /// Calls a function when the request has been settled, or at once if it has been.
    pub fn on_settled(&self, number: u64, settled: Settled) {
        let mut state = self.lock_state();
        let outcome = match state.entry(number) {
            Some(Entry::Waiting(waiting)) => {
                *waiting = Some(settled);
                return;
            }
            Some(Entry::Held(..)) => Ok(true),
            _ => Err(state.failure_of(number)),
        };
        drop(state);
        settled(outcome);
    }

    /// Waits for at most `slice` for the request to be settled. Returns whether there is a lock.
    ///
    /// # Errors
    ///
    /// Those of the operating system, and `Closed`.
    pub fn wait(&self, number: u64, slice: Duration) -> Result<bool> {
        let end = Instant::now() + slice;
        let mut state = self.lock_state();
        loop {
            match state.entry(number) {
                Some(Entry::Waiting(_)) => {}
                Some(Entry::Held(..)) => return Ok(true),
                _ => return Err(state.failure_of(number)),
            }
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(false);
            }
            state = self.settled.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends a request that still waits. Returns false if it does not.
    pub fn end(&self, number: u64, outcome: Result<bool>) -> bool {
        let Some(settled) = self.lock_state().take_waiting(number) else {
            return false;
        };
        self.queues.remove(self, Some(number));
        if let Some(settled) = settled {
            settled(outcome);
        }
        true
    }

    /// Releases a lock. Without one it does nothing.
    pub fn release(&self, number: u64) {
        if let Some(Entry::Held(file, range)) = self.take(number)
            && file.unlock(&range)
        {
            self.keep(file);
        }
    }

    /// Ends all requests with `Closed`, and releases all locks.
    pub fn close(&self) {
        let mut state = self.lock_state();
        state.is_closed = true;
        let entries = std::mem::take(&mut state.entries);
        let idle = std::mem::take(&mut state.idle);
        self.settled.notify_all();
        drop(state);
        drop(idle);
        self.queues.remove(self, None);
        for (_, entry) in entries {
            match entry {
                Entry::Waiting(Some(settled)) => settled(Err(Error::Closed)),
                // A child process may have the open file, too, and would keep its lock.
                Entry::Held(file, range) => drop(file.unlock(&range)),
                Entry::Waiting(None) | Entry::Failed(_) => {}
            }
        }
    }

    /// Gives a lock to a request that still waits, or gives it back.
    fn grant(&self, number: u64, file: F, range: &Range<u64>) -> Option<F> {
        let mut state = self.lock_state();
        let Some(entry @ Entry::Waiting(_)) = state.entry(number) else {
            return Some(file);
        };
        let waiting = std::mem::replace(entry, Entry::Held(file, range.clone()));
        self.settled.notify_all();
        drop(state);
        if let Entry::Waiting(Some(settled)) = waiting {
            settled(Ok(true));
        }
        None
    }

    /// Says that the system has refused the lock.
    fn fail(&self, number: u64, error: Error) {
        let mut state = self.lock_state();
        match state.entry(number) {
            Some(entry @ Entry::Waiting(None)) => {
                *entry = Entry::Failed(error);
                self.settled.notify_all();
            }
            Some(Entry::Waiting(Some(_))) => {
                let settled = state.take_waiting(number).flatten();
                drop(state);
                if let Some(settled) = settled {
                    settled(Err(error));
                }
            }
            _ => {}
        }
    }

    /// An open file without a lock.
    fn file(&self) -> Result<F> {
        let idle = self.lock_state().idle.pop();
        idle.map_or_else(|| self.origin.reopen(), Ok)
    }

    /// Keeps an open file without a lock, or closes it.
    fn keep(&self, file: F) {
        let mut state = self.lock_state();
        if !state.is_closed && state.idle.len() < MOST_IDLE {
            state.idle.push(file);
        }
    }

    fn take(&self, number: u64) -> Option<Entry<F>> {
        self.lock_state().take(number)
    }

    fn lock_state(&self) -> MutexGuard<'_, State<F>> {
        // Nothing under the mutex can panic in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> State<F> {
    fn entry(&mut self, number: u64) -> Option<&mut Entry<F>> {
        self.entries.iter_mut().find(|entry| entry.0 == number).map(|entry| &mut entry.1)
    }

    fn take(&mut self, number: u64) -> Option<Entry<F>> {
        let index = self.entries.iter().position(|entry| entry.0 == number)?;
        Some(self.entries.swap_remove(index).1)
    }

    fn take_waiting(&mut self, number: u64) -> Option<Option<Settled>> {
        if !matches!(self.entry(number), Some(Entry::Waiting(_))) {
            return None;
        }
        match self.take(number) {
            Some(Entry::Waiting(settled)) => Some(settled),
            _ => None,
        }
    }

    /// The error of a request that neither waits nor has a lock.
    fn failure_of(&mut self, number: u64) -> Error {
        match self.take(number) {
            Some(Entry::Failed(error)) => error,
            _ => Error::Closed,
        }
    }
}

impl<F: LockFile> fmt::Debug for Owner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// All queues of the process.
pub struct Queues<F: LockFile> {
    queues: Mutex<Vec<Queue<F>>>,
    /// Runs a job in a thread that may block.
    spawn: fn(Job) -> Result<()>,
}

/// Requests for one lock, of which the first is in the system. As long as it exists, a thread
/// serves it.
struct Queue<F: LockFile> {
    wanted: Wanted,
    requests: VecDeque<Request<F>>,
}

struct Request<F: LockFile> {
    owner: Arc<Owner<F>>,
    number: u64,
}

impl<F: LockFile> Queues<F> {
    /// No queues. `spawn` runs a job in a thread that may block.
    pub fn new(spawn: fn(Job) -> Result<()>) -> Arc<Queues<F>> {
        Arc::new(Queues { queues: Mutex::new(Vec::new()), spawn })
    }

    fn has_requests(&self, wanted: &Wanted) -> bool {
        self.lock().iter().any(|queue| queue.wanted == *wanted && !queue.requests.is_empty())
    }

    fn add(self: &Arc<Self>, wanted: &Wanted, request: Request<F>) -> Result<()> {
        let mut queues = self.lock();
        if let Some(queue) = queues.iter_mut().find(|queue| queue.wanted == *wanted) {
            queue.requests.push_back(request);
            return Ok(());
        }
        let (all, served) = (Arc::clone(self), wanted.clone());
        (self.spawn)(Box::new(move || all.serve(&served)))?;
        queues.push(Queue { wanted: wanted.clone(), requests: VecDeque::from([request]) });
        Ok(())
    }

    /// Removes the request with this number, or all of an owner. The queue stays, because its
    /// thread is in the system.
    fn remove(&self, owner: &Owner<F>, number: Option<u64>) {
        let is_removed = |request: &Request<F>| {
            std::ptr::eq(&*request.owner, owner) && number.is_none_or(|number| number == request.number)
        };
        for queue in self.lock().iter_mut() {
            queue.requests.retain(|request| !is_removed(request));
        }
    }

    /// Waits in the system for one request after the other, until there is none.
    fn serve(&self, wanted: &Wanted) {
        while let Some(owner) = self.first_owner(wanted) {
            let file = owner.file();
            // The mapping may be closed while this thread waits.
            drop(owner);
            match file.and_then(|file| file.lock(&wanted.range, wanted.exclusive).map(|()| file)) {
                Ok(file) => self.hand_over(file, wanted),
                Err(error) => {
                    if let Some(Request { owner, number }) = self.pop(wanted) {
                        owner.fail(number, error);
                    }
                }
            }
        }
    }

    /// Gives a lock to the first request that still waits. Without one it unlocks the file.
    fn hand_over(&self, mut file: F, wanted: &Wanted) {
        while let Some(Request { owner, number }) = self.pop(wanted) {
            match owner.grant(number, file, &wanted.range) {
                Some(back) => file = back,
                None => return,
            }
        }
        file.unlock(&wanted.range);
    }

    /// The owner of the first request. Without a request it removes the queue.
    fn first_owner(&self, wanted: &Wanted) -> Option<Arc<Owner<F>>> {
        let mut queues = self.lock();
        let index = queues.iter().position(|queue| queue.wanted == *wanted)?;
        let first = queues.get(index).and_then(|queue| queue.requests.front());
        if let Some(first) = first {
            return Some(Arc::clone(&first.owner));
        }
        queues.swap_remove(index);
        None
    }

    fn pop(&self, wanted: &Wanted) -> Option<Request<F>> {
        self.lock().iter_mut().find(|queue| queue.wanted == *wanted)?.requests.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Queue<F>>> {
        // Nothing under the mutex can panic in the middle of a change.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

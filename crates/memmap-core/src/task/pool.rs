//! A pool of a few threads for all tasks.
//!
//! The pool is separate from the host's for two reasons. Node's pool has four threads, and other
//! uses of it, such as reading a file, would wait behind our tasks. And before Node ends a worker
//! or the process, it waits for all queued jobs of its pool. Only then does it run the hooks with
//! which we stop ours.
//!
//! The queue has tasks, not pieces. A thread takes the first task, puts it at the end again if more
//! threads may work on it, and has one turn of it. So tasks share the threads fairly, and a short
//! task waits for no more than a turn of each other one.

use super::Task;
use crate::error::Result;
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// The most threads that may work on one task.
const MOST_THREADS: usize = 16;

/// The pool has at least as many threads, if the system gives them. Several are needed because some
/// may be waiting for a device. libuv's pool has as many.
const LEAST_THREADS: usize = 4;

/// How often a thread that must not wait for the queue tries to lock it.
const ATTEMPTS: usize = 100;

/// The threads, and the queue from which they take tasks.
pub(super) struct ThreadPool {
    queue: Mutex<Queue>,
    /// Signalled for each new task.
    task_ready: Condvar,
}

struct Queue {
    entries: VecDeque<Entry>,
    threads: usize,
    /// Threads that wait for a task.
    idle: usize,
}

/// A task that threads may join.
struct Entry {
    task: Arc<Task>,
    /// How many of them.
    free: usize,
}

static POOL: ThreadPool = ThreadPool {
    queue: Mutex::new(Queue { entries: VecDeque::new(), threads: 0, idle: 0 }),
    task_ready: Condvar::new(),
};

/// The number of threads for a task: the processors that this process may use. Affinity and the
/// quota of a control group count.
pub fn default_threads() -> usize {
    // The quota is read from files.
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS)))
}

impl ThreadPool {
    /// Lets up to `threads` threads work on a task.
    ///
    /// # Errors
    ///
    /// EAGAIN when no thread exists and the system cannot start one.
    pub(super) fn submit(task: &Arc<Task>, threads: usize) -> Result<()> {
        let mut queue = POOL.lock();
        POOL.put(&mut queue, Entry { task: Arc::clone(task), free: threads })
    }

    /// Like [`ThreadPool::submit`], for help that the caller can do without. It never waits for the
    /// lock, because in a forked process the lock may be that of a thread which does not exist.
    pub(super) fn lend(task: &Arc<Task>, threads: usize) {
        if let Some(mut queue) = POOL.try_lock() {
            // Without threads the caller does all of the work.
            let _ = POOL.put(&mut queue, Entry { task: Arc::clone(task), free: threads });
        }
    }

    /// Removes a task from the queue, if that is possible without waiting.
    pub(super) fn withdraw(task: &Arc<Task>) {
        if let Some(mut queue) = POOL.try_lock() {
            queue.entries.retain(|entry| !Arc::ptr_eq(&entry.task, task));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Queue>> {
        (0..ATTEMPTS).find_map(|_| {
            let queue = self.queue.try_lock().ok();
            if queue.is_none() {
                thread::yield_now();
            }
            queue
        })
    }

    /// Adds an entry, and wakes or starts a thread for it.
    fn put(&'static self, queue: &mut Queue, entry: Entry) -> Result<()> {
        // A task on which more threads may work than there are processors needs more of them.
        let most = entry.task.threads.max(LEAST_THREADS);
        if queue.idle <= queue.entries.len() && queue.threads < most {
            match thread::Builder::new().name("memmap".to_owned()).spawn(|| self.work()) {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => return Err(sys::no_thread(&error)),
                // The existing threads do the work.
                Err(_) => {}
            }
        }
        queue.entries.push_back(entry);
        if queue.idle > 0 {
            self.task_ready.notify_one();
        }
        Ok(())
    }

    fn work(&'static self) {
        let mut queue = self.lock();
        loop {
            let Some(Entry { task, free }) = queue.entries.pop_front() else {
                queue.idle += 1;
                queue = self.task_ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
                continue;
            };
            if free > 1 {
                // This thread exists, so there is no error.
                let _ = self.put(&mut queue, Entry { task: Arc::clone(&task), free: free - 1 });
            }
            drop(queue);
            let has_more = task.turn();
            queue = self.lock();
            let index = queue.entries.iter().position(|entry| Arc::ptr_eq(&entry.task, &task));
            match index.and_then(|index| queue.entries.get_mut(index).map(|entry| (index, entry))) {
                Some((_, entry)) if has_more => entry.free += 1,
                Some((index, _)) => drop(queue.entries.remove(index)),
                None if has_more => queue.entries.push_back(Entry { task, free: 1 }),
                None => {}
            }
        }
    }
}

//! Threads for tasks: a few, however many tasks there are, which do one after the other.
//!
//! Not those of the host's pool. It has four, too, and everything else that waits for one of those, such as reading a file, would wait for the
//! tasks before it. And a host may wait for its pool to be done with all that is queued before it ends a thread or the process, and before it
//! tells anybody that it does: Node is one.

use crate::error::Result;
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// As many as libuv has: some may wait for a device.
const MOST: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that there are.
///
/// A channel of the standard library would do the same, and made the library 19 KB larger.
pub struct Threads {
    jobs: Mutex<VecDeque<Job>>,
    /// There is one more.
    more: Condvar,
    started: Mutex<usize>,
}

static THREADS: Threads = Threads { jobs: Mutex::new(VecDeque::new()), more: Condvar::new(), started: Mutex::new(0) };

impl Threads {
    /// The threads, of which there is at least one then.
    ///
    /// # Errors
    ///
    /// EAGAIN when there is none and the system gives none.
    pub fn get() -> Result<&'static Threads> {
        let mut started = THREADS.started.lock().unwrap_or_else(PoisonError::into_inner);
        if *started < MOST {
            match thread::Builder::new().name("memmap".to_owned()).spawn(|| THREADS.work()) {
                Ok(_) => *started += 1,
                Err(error) if *started == 0 => return Err(sys::no_thread(&error)),
                // Those that there are will do it.
                Err(_) => {}
            }
        }
        Ok(&THREADS)
    }

    /// Does the job on one of the threads, after those that came before.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(Box::new(job));
        self.more.notify_one();
    }

    fn work(&self) {
        loop {
            if let Some(job) = self.next() {
                job();
            }
        }
    }

    /// Waits for the next job.
    fn next(&self) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs = self.more.wait_while(jobs, |jobs| jobs.is_empty()).unwrap_or_else(PoisonError::into_inner);
        jobs.pop_front()
    }
}

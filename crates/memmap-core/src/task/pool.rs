//! ThreadPool for tasks: a few, however many tasks there are. Each runs one task after the other.
//!
//! They are not those of the host's pool. Node's has four threads too, and everything else that needs one, such as reading a file, would wait
//! behind our tasks. And Node waits until its pool has done all that is queued before it ends a worker or the process, and before it runs the
//! hooks by which we would stop our tasks.

use crate::error::Result;
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// As many as libuv has: some may be waiting for a device.
const MAX_THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The threads, and the queue that they take jobs from.
///
/// A channel of the standard library would do the same, and made the library 19 KB larger.
pub struct ThreadPool {
    jobs: Mutex<VecDeque<Job>>,
    /// Signalled for each new job.
    job_ready: Condvar,
    started: Mutex<usize>,
}

static POOL: ThreadPool =
    ThreadPool { jobs: Mutex::new(VecDeque::new()), job_ready: Condvar::new(), started: Mutex::new(0) };

impl ThreadPool {
    /// The threads. One more is started at each call until there are four.
    ///
    /// # Errors
    ///
    /// EAGAIN when there is none and the system gives none.
    pub fn get() -> Result<&'static ThreadPool> {
        let mut started = POOL.started.lock().unwrap_or_else(PoisonError::into_inner);
        if *started < MAX_THREADS {
            match thread::Builder::new().name("memmap".to_owned()).spawn(|| POOL.work()) {
                Ok(_) => *started += 1,
                Err(error) if *started == 0 => return Err(sys::no_thread(&error)),
                // The threads that exist will do the work.
                Err(_) => {}
            }
        }
        Ok(&POOL)
    }

    /// Does the job on one of the threads, after those that came before.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(Box::new(job));
        self.job_ready.notify_one();
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
        let mut jobs = self.job_ready.wait_while(jobs, |jobs| jobs.is_empty()).unwrap_or_else(PoisonError::into_inner);
        jobs.pop_front()
    }
}

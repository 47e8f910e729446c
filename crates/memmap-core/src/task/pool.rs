//! A pool of a few threads for all tasks. Each thread runs one job after the other.
//!
//! The pool is separate from the host's for two reasons. Node's pool has four threads too, and
//! other uses of it, such as reading a file, would wait behind our jobs. And before Node ends a
//! worker or the process, it waits for all queued jobs of its pool. Only then does it run the hooks
//! with which we stop ours.

use crate::error::Result;
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// libuv's pool has as many. Several are needed because some may be waiting for a device.
const MAX_THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The threads, and the queue from which they take jobs.
///
/// A channel of the standard library could replace the queue, but made the library 19 KB larger.
pub struct ThreadPool {
    jobs: Mutex<VecDeque<Job>>,
    /// Signalled for each new job.
    job_ready: Condvar,
    started: Mutex<usize>,
}

static POOL: ThreadPool =
    ThreadPool { jobs: Mutex::new(VecDeque::new()), job_ready: Condvar::new(), started: Mutex::new(0) };

impl ThreadPool {
    /// The pool. Each call starts one more thread until there are four.
    ///
    /// # Errors
    ///
    /// EAGAIN when no thread exists and the system cannot start one.
    pub fn get() -> Result<&'static ThreadPool> {
        let mut started = POOL.started.lock().unwrap_or_else(PoisonError::into_inner);
        if *started < MAX_THREADS {
            match thread::Builder::new().name("memmap".to_owned()).spawn(|| POOL.work()) {
                Ok(_) => *started += 1,
                Err(error) if *started == 0 => return Err(sys::no_thread(&error)),
                // The existing threads will run the jobs.
                Err(_) => {}
            }
        }
        Ok(&POOL)
    }

    /// Runs the job in one of the threads, after all jobs that were submitted earlier.
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

//! Threads for tasks: a few, however many tasks there are, which do one after the other.
//!
//! Not those of the host's pool. It has four, too, and everything else that waits for one of those, such as reading a file, would wait for the
//! tasks before it. And a host may wait for its pool to be done with all that is queued before it ends a thread or the process, and before it
//! tells anybody that it does: Node is one.

use crate::error::Result;
use crate::sys;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;

/// As many as libuv has: some may wait for a device.
const MOST: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that there are.
#[derive(Debug)]
pub struct Threads {
    queue: Sender<Job>,
    /// The other end of the queue. Who holds the lock waits for the next job.
    jobs: Mutex<Receiver<Job>>,
    started: Mutex<usize>,
}

static THREADS: LazyLock<Threads> = LazyLock::new(|| {
    let (queue, jobs) = mpsc::channel();
    Threads { queue, jobs: Mutex::new(jobs), started: Mutex::new(0) }
});

impl Threads {
    /// The threads, of which there is at least one then.
    ///
    /// # Errors
    ///
    /// EAGAIN when there is none and the system gives none.
    pub fn get() -> Result<&'static Threads> {
        let threads = &*THREADS;
        let mut started = threads.started.lock().unwrap_or_else(PoisonError::into_inner);
        if *started < MOST {
            match thread::Builder::new().name("memmap".to_owned()).spawn(|| threads.work()) {
                Ok(_) => *started += 1,
                Err(error) if *started == 0 => return Err(sys::no_thread(&error)),
                // Those that there are will do it.
                Err(_) => {}
            }
        }
        Ok(threads)
    }

    /// Does the job on one of the threads, after those that came before.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The other end is never dropped.
        let _ = self.queue.send(Box::new(job));
    }

    fn work(&self) {
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match job {
                Ok(job) => job(),
                Err(_) => return,
            }
        }
    }
}

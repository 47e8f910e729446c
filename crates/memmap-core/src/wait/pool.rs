//! Threads that block in the system, one for each job.
//!
//! They are separate from those of tasks, because a few blocked jobs would stop all tasks. No job
//! waits for another one: it gets an idle thread, or a new one.

use crate::error::Result;
use crate::sys;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A process that needs more should wait for several things with one thread of its own.
const MAX_THREADS: usize = 1000;

/// How long a thread waits for the next job before it ends.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// Bytes of stack. Jobs need little, and the standard library's 2 MiB for each of 1000 threads
/// would exceed the limits of some containers.
const STACK_SIZE: usize = 128 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// The threads.
pub struct WaitPool {
    state: Mutex<State>,
    /// Signalled for each new job.
    job_ready: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    /// Threads that exist.
    threads: usize,
    /// Threads that wait for a job, or are about to.
    idle: usize,
    /// Idle threads that are reserved, for a job in `jobs` or for a [`Place`].
    reserved: usize,
}

static POOL: WaitPool = WaitPool {
    state: Mutex::new(State { jobs: VecDeque::new(), threads: 0, idle: 0, reserved: 0 }),
    job_ready: Condvar::new(),
};

/// A thread that is reserved for one job. Dropping it gives the thread back.
#[must_use]
pub struct Place(());

impl WaitPool {
    /// Reserves a thread, so that the job that follows cannot fail to run.
    ///
    /// # Errors
    ///
    /// EAGAIN when 1000 threads are in use, or when the system starts no thread.
    pub fn reserve() -> Result<Place> {
        let mut state = POOL.lock();
        if state.idle == state.reserved {
            if state.threads == MAX_THREADS {
                return Err(sys::no_thread(&std::io::ErrorKind::WouldBlock.into()));
            }
            let thread = thread::Builder::new().name("memmap-wait".to_owned()).stack_size(STACK_SIZE);
            thread.spawn(|| POOL.work()).map_err(|error| sys::no_thread(&error))?;
            state.threads += 1;
            state.idle += 1;
        }
        state.reserved += 1;
        Ok(Place(()))
    }

    /// Runs a job at once, in a thread of its own.
    ///
    /// # Errors
    ///
    /// As [`WaitPool::reserve`]. The job is then dropped.
    pub fn run(job: impl FnOnce() + Send + 'static) -> Result<()> {
        WaitPool::reserve()?.run(job);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            job();
            self.lock().idle += 1;
        }
    }

    /// Waits for the next job. `None` means that the thread ends.
    fn next(&self) -> Option<Job> {
        let state = self.lock();
        let wait = self.job_ready.wait_timeout_while(state, MAX_IDLE, |state| state.jobs.is_empty());
        let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        // Without this loop a thread could end after its time although a place was given for it.
        while state.jobs.is_empty() && state.idle == state.reserved {
            state = self.job_ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let job = state.jobs.pop_front();
        state.idle -= 1;
        match job {
            Some(_) => state.reserved -= 1,
            None => state.threads -= 1,
        }
        job
    }
}

impl Place {
    /// Runs the job in the thread.
    pub fn run(self, job: impl FnOnce() + Send + 'static) {
        POOL.lock().jobs.push_back(Box::new(job));
        POOL.job_ready.notify_one();
        std::mem::forget(self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        POOL.lock().reserved -= 1;
        // A thread that has waited for this place only may end.
        POOL.job_ready.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use std::sync::mpsc::channel;

    /// One test, because the pool is one for the process.
    #[test]
    fn each_of_a_thousand_blocked_jobs_has_a_thread_and_one_more_is_refused() {
        let (release, blocked) = channel::<()>();
        let blocked = std::sync::Arc::new(Mutex::new(blocked));
        let (report, reports) = channel();
        for _ in 0..MAX_THREADS {
            let (blocked, report) = (blocked.clone(), report.clone());
            WaitPool::run(move || {
                report.send("began").unwrap();
                let next = blocked.lock().unwrap().recv();
                report.send(if next.is_ok() { "released" } else { "cut off" }).unwrap();
            })
            .unwrap();
        }
        for _ in 0..MAX_THREADS {
            assert_eq!(reports.recv().unwrap(), "began");
        }
        assert_eq!(WaitPool::run(|| ()).unwrap_err().code(), "EAGAIN");
        release.send(()).unwrap();
        assert_eq!(reports.recv().unwrap(), "released");
        // The thread is idle soon after its job has ended.
        let place = loop {
            if let Ok(place) = WaitPool::reserve() {
                break place;
            }
            thread::yield_now();
        };
        assert!(WaitPool::reserve().is_err());
        drop(place);
        WaitPool::reserve().unwrap().run(move || report.send("again").unwrap());
        assert_eq!(reports.recv().unwrap(), "again");
        drop(release);
        for _ in 1..MAX_THREADS {
            assert_eq!(reports.recv().unwrap(), "cut off");
        }
    }
}

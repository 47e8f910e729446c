//! The states of requests for locks, in every order of the steps of several threads: `loom` runs
//! each test again for each order. The code is the library's own, compiled with loom's types.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails may panic")]

use loom::sync;
use memmap_core::{Error, Result};
use queue::{Identity, Job, LockFile, Owner, Queues, Wanted};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sync::{Condvar, Mutex};

#[allow(dead_code, reason = "not every function of the file is used here")]
#[path = "../src/range_lock/queue.rs"]
mod queue;

/// A file in the system, which has exclusive locks on one range.
#[derive(Default)]
struct System {
    /// The number of the open file that has the lock.
    holder: Mutex<Option<usize>>,
    released: Condvar,
}

struct OpenFile {
    system: Arc<System>,
    number: usize,
}

impl OpenFile {
    fn of(system: &Arc<System>) -> OpenFile {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        OpenFile { system: Arc::clone(system), number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl LockFile for OpenFile {
    fn reopen(&self) -> Result<OpenFile> {
        Ok(OpenFile::of(&self.system))
    }

    fn try_lock(&self, _range: &Range<u64>, _exclusive: bool) -> Result<bool> {
        let mut holder = self.system.holder.lock().unwrap();
        assert_ne!(*holder, Some(self.number), "an open file is used for a second lock");
        let is_free = holder.is_none();
        if is_free {
            *holder = Some(self.number);
        }
        Ok(is_free)
    }

    fn lock(&self, _range: &Range<u64>, _exclusive: bool) -> Result<()> {
        let mut holder = self.system.holder.lock().unwrap();
        while holder.is_some() {
            assert_ne!(*holder, Some(self.number), "an open file is used for a second lock");
            holder = self.system.released.wait(holder).unwrap();
        }
        *holder = Some(self.number);
        Ok(())
    }

    fn unlock(&self, _range: &Range<u64>) -> bool {
        let mut holder = self.system.holder.lock().unwrap();
        assert_eq!(*holder, Some(self.number), "what has no lock is unlocked");
        *holder = None;
        self.system.released.notify_all();
        true
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let holder = self.system.holder.lock().unwrap();
        assert_ne!(*holder, Some(self.number), "an open file is closed with its lock");
    }
}

fn spawn(job: Job) -> Result<()> {
    loom::thread::spawn(job);
    Ok(())
}

struct World {
    system: Arc<System>,
    queues: Arc<Queues<OpenFile>>,
}

impl World {
    fn new() -> World {
        World { system: Arc::default(), queues: Queues::new(spawn) }
    }

    fn owner(&self) -> Arc<Owner<OpenFile>> {
        let identity = Identity { file: [0; 3], writable: true };
        Owner::new(&self.queues, identity, OpenFile::of(&self.system))
    }

    /// Another process, which has the lock.
    fn other(&self) -> OpenFile {
        let other = OpenFile::of(&self.system);
        assert!(other.try_lock(&RANGE, true).unwrap());
        other
    }
}

const RANGE: Range<u64> = 0..1;

fn wanted(owner: &Owner<OpenFile>) -> Wanted {
    owner.wanted(RANGE, true)
}

/// Loom's clock stands still, so this ends when the request has been settled.
fn wait(owner: &Owner<OpenFile>, number: u64) -> Result<bool> {
    owner.wait(number, Duration::from_secs(1_000_000))
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    // More switches of the thread than that multiply the time, and have found nothing else.
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn requests_for_one_range_get_the_lock_one_after_the_other() {
    check(|| {
        let world = World::new();
        let other = world.other();
        let (one, two) = (world.owner(), world.owner());
        let (first, second) = (one.request(&wanted(&one)).unwrap(), two.request(&wanted(&two)).unwrap());
        other.unlock(&RANGE);
        assert!(wait(&one, first).unwrap());
        assert!(two.try_lock(&wanted(&two), true).unwrap().is_none());
        one.release(first);
        assert!(wait(&two, second).unwrap());
        two.release(second);
    });
}

#[test]
fn a_request_that_is_ended_while_the_lock_comes_either_has_it_or_leaves_it_to_others() {
    check(|| {
        let world = World::new();
        let other = world.other();
        let owner = world.owner();
        let number = owner.request(&wanted(&owner)).unwrap();
        let released = loom::thread::spawn(move || assert!(other.unlock(&RANGE)));
        if !owner.end(number, Ok(false)) {
            assert!(wait(&owner, number).unwrap());
            owner.release(number);
        }
        released.join().unwrap();
        // The thread of the request releases the lock if it comes later.
        let next = owner.request(&wanted(&owner)).unwrap();
        assert!(wait(&owner, next).unwrap());
        owner.release(next);
    });
}

#[test]
fn the_lock_of_an_ended_request_goes_to_the_next_one() {
    check(|| {
        let world = World::new();
        let other = world.other();
        let (one, two) = (world.owner(), world.owner());
        let first = one.request(&wanted(&one)).unwrap();
        let second = two.request(&wanted(&two)).unwrap();
        let ending = loom::thread::spawn(move || {
            if !one.end(first, Err(Error::Aborted)) {
                one.release(first);
            }
        });
        other.unlock(&RANGE);
        assert!(wait(&two, second).unwrap());
        two.release(second);
        ending.join().unwrap();
    });
}

#[test]
fn closing_ends_requests_and_releases_locks_that_come_at_the_same_moment() {
    check(|| {
        let world = World::new();
        let other = world.other();
        let (one, two) = (world.owner(), world.owner());
        let number = one.request(&wanted(&one)).unwrap();
        let outcome = Arc::new(Mutex::new(None));
        let settled = Arc::clone(&outcome);
        one.on_settled(number, Box::new(move |result| *settled.lock().unwrap() = Some(result)));
        let closing = loom::thread::spawn(move || one.close());
        other.unlock(&RANGE);
        let next = two.request(&wanted(&two)).unwrap();
        assert!(wait(&two, next).unwrap());
        closing.join().unwrap();
        let outcome = outcome.lock().unwrap().take();
        assert!(matches!(outcome, Some(Ok(true) | Err(Error::Closed))), "{outcome:?}");
        two.release(next);
    });
}

#[test]
fn a_function_that_is_added_late_is_called_too() {
    check(|| {
        let world = World::new();
        let other = world.other();
        let owner = world.owner();
        let number = owner.request(&wanted(&owner)).unwrap();
        other.unlock(&RANGE);
        let called = Arc::new((Mutex::new(false), Condvar::new()));
        let calling = Arc::clone(&called);
        owner.on_settled(
            number,
            Box::new(move |result| {
                assert!(result.unwrap());
                *calling.0.lock().unwrap() = true;
                calling.1.notify_one();
            }),
        );
        let mut is_called = called.0.lock().unwrap();
        while !*is_called {
            is_called = called.1.wait(is_called).unwrap();
        }
        drop(is_called);
        owner.release(number);
    });
}

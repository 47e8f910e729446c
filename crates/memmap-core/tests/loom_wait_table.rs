//! The table of those who wait for words, in every order of the steps of several threads: `loom`
//! runs each test again for each order. The code is the library's own, compiled with loom's types.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails may panic")]

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{self, Arc, Condvar, Mutex};
use loom::thread;
use wait_table::{Sleeper, Table};

#[path = "../src/sys/wait_table.rs"]
mod wait_table;

const POSITION: u64 = 8;

/// An event of the system that lets one thread go on, and remembers that it is to.
#[derive(Default)]
struct Bell {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.is_rung.lock().unwrap() = true;
        self.rung.notify_one();
    }

    fn wait(&self) {
        let mut is_rung = self.is_rung.lock().unwrap();
        while !*is_rung {
            is_rung = self.rung.wait(is_rung).unwrap();
        }
        *is_rung = false;
    }
}

/// Two waiters' bells, one word, and the table. A process of number 0 is alive.
struct World<const SLOTS: usize> {
    table: Table<SLOTS>,
    word: AtomicU32,
    bells: [Bell; 2],
}

impl<const SLOTS: usize> World<SLOTS> {
    fn new() -> Arc<World<SLOTS>> {
        Arc::new(World { table: Table::empty(), word: AtomicU32::new(0), bells: Default::default() })
    }

    fn ring(&self, sleeper: Sleeper) -> bool {
        if sleeper.process == 0 {
            self.bells.get(sleeper.bell as usize).unwrap().ring();
        }
        sleeper.process == 0
    }

    fn wake(&self, position: u64, count: u32) -> u32 {
        self.table.wake(position, count, |sleeper| self.ring(sleeper))
    }

    /// Waits while the word is 0, without an end. Returns whether somebody has woken it.
    fn wait(&self, bell: u32) -> bool {
        let Some(place) = self.table.enter(POSITION, sleeper(bell), |sleeper| self.ring(sleeper)) else {
            // Without a slot one looks at the word again and again.
            return false;
        };
        if self.word.load(Ordering::Relaxed) != 0 {
            return place.leave();
        }
        while !place.is_woken() {
            self.bells.get(bell as usize).unwrap().wait();
        }
        assert!(place.leave());
        true
    }
}

fn sleeper(bell: u32) -> Sleeper {
    Sleeper { process: 0, bell }
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    check_with(3, model);
}

/// More switches of the thread than `switches` multiply the time.
fn check_with(switches: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(switches);
    builder.check(model);
}

#[test]
fn whoever_waits_sees_the_new_value_or_is_woken() {
    check(|| {
        let world = World::<2>::new();
        let waiting = Arc::clone(&world);
        let waiter = thread::spawn(move || waiting.wait(0));
        world.word.store(1, Ordering::Relaxed);
        let woken = world.wake(POSITION, u32::MAX);
        // Loom reports a deadlock if nobody wakes it.
        assert_eq!(u32::from(waiter.join().unwrap()), woken);
        assert!(world.table.is_empty());
    });
}

#[test]
fn each_wake_up_is_for_another_one() {
    check_with(2, || {
        let world = World::<2>::new();
        let waiters = [0, 1].map(|bell| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.wait(bell))
        });
        world.word.store(1, Ordering::Relaxed);
        let counted = world.wake(POSITION, 1) + world.wake(POSITION, 1);
        let woken = waiters.map(|waiter| u32::from(waiter.join().unwrap()));
        assert_eq!(woken.iter().sum::<u32>(), counted);
        assert!(world.table.is_empty());
    });
}

#[test]
fn two_who_wake_do_not_count_one_waiter_twice() {
    check(|| {
        let world = World::<2>::new();
        let place = world.table.enter(POSITION, sleeper(0), |_| true).unwrap();
        let other = Arc::clone(&world);
        let waking = thread::spawn(move || other.wake(POSITION, 1));
        let counted = world.wake(POSITION, 1);
        assert_eq!(counted + waking.join().unwrap(), 1);
        assert!(place.leave());
    });
}

#[test]
fn one_who_gives_up_knows_whether_it_was_counted() {
    check(|| {
        let world = World::<2>::new();
        let waiting = Arc::clone(&world);
        let waiter = thread::spawn(move || waiting.table.enter(POSITION, sleeper(0), |_| true).unwrap().leave());
        let counted = world.wake(POSITION, 1);
        assert_eq!(u32::from(waiter.join().unwrap()), counted);
        assert!(world.table.is_empty());
    });
}

#[test]
fn nobody_is_taken_for_one_who_had_the_slot_before() {
    check(|| {
        let world = World::<1>::new();
        let waiting = Arc::clone(&world);
        let waiter = thread::spawn(move || {
            let first = waiting.table.enter(POSITION, sleeper(0), |_| true).unwrap().leave();
            let second = waiting.table.enter(POSITION + 4, sleeper(1), |_| true).unwrap().leave();
            assert!(!second);
            first
        });
        let counted = world.wake(POSITION, 1);
        assert_eq!(u32::from(waiter.join().unwrap()), counted);
        assert!(world.table.is_empty());
    });
}

#[test]
fn the_slot_of_a_dead_process_is_freed_once() {
    check(|| {
        let world = World::<1>::new();
        let dead = Sleeper { process: 1, bell: 0 };
        let _ = world.table.enter(POSITION, dead, |_| true).unwrap();
        let waiting = Arc::clone(&world);
        // The table is full, so this frees the slot, unless the other thread has.
        let waiter = thread::spawn(move || waiting.wait(0));
        world.word.store(1, Ordering::Relaxed);
        let counted = world.wake(POSITION, u32::MAX);
        // If both find out at the same moment that it is dead, it counts as one who has left.
        assert!(u32::from(waiter.join().unwrap()) <= counted);
        assert!(world.table.is_empty());
    });
}

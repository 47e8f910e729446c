//! The table of those who wait for words, with the threads of this machine. `loom_wait_table.rs`
//! tries all orders of steps of few threads; here are many.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails may panic")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{self, Condvar, Mutex};
use std::thread;
use wait_table::{Sleeper, Table};

#[path = "../src/sys/wait_table.rs"]
mod wait_table;

const SLOTS: usize = 64;

/// An event of the system that lets one thread go on, and remembers that it is to.
#[derive(Default)]
struct Bell {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn wait(&self) {
        let mut is_rung = self.rung.wait_while(self.is_rung.lock().unwrap(), |is_rung| !*is_rung).unwrap();
        *is_rung = false;
    }
}

struct World {
    table: Table<SLOTS>,
    bells: Vec<Bell>,
}

impl World {
    fn new(bells: usize) -> World {
        World { table: Table::empty(), bells: (0..bells).map(|_| Bell::default()).collect() }
    }

    /// Bells that do not exist are those of dead processes.
    fn ring(&self, sleeper: Sleeper) -> bool {
        let Some(bell) = self.bells.get(sleeper.bell as usize) else { return false };
        *bell.is_rung.lock().unwrap() = true;
        bell.rung.notify_one();
        true
    }

    fn wake(&self, position: u64, count: u32) -> u32 {
        self.table.wake(position, count, |sleeper| self.ring(sleeper))
    }

    /// Waits without an end while the word has this value.
    fn wait(&self, bell: u32, position: u64, word: &AtomicU32, value: u32) {
        let sleeper = Sleeper { process: 1, bell };
        let place = self.table.enter(position, sleeper, |sleeper| self.ring(sleeper)).unwrap();
        while word.load(Ordering::Relaxed) == value && !place.is_woken() {
            self.bells.get(bell as usize).unwrap().wait();
        }
        place.leave();
    }
}

#[test]
fn a_token_goes_around_without_a_lost_wake_up() {
    for threads in [2, 8, 32] {
        let world = World::new(threads as usize);
        // Whose turn it is. All wait for the same word.
        let token = AtomicU32::new(0);
        let hops = 30_000 / threads * threads;
        thread::scope(|scope| {
            for number in 0..threads {
                let (world, token) = (&world, &token);
                scope.spawn(move || {
                    loop {
                        let hop = token.load(Ordering::Acquire);
                        if hop >= hops {
                            break;
                        }
                        if hop % threads != number {
                            world.wait(number, 8, token, hop);
                            continue;
                        }
                        token.store(hop + 1, Ordering::Release);
                        world.wake(8, u32::MAX);
                    }
                });
            }
        });
        assert_eq!(token.load(Ordering::Relaxed), hops);
        assert!(world.table.is_empty());
    }
}

#[test]
fn counts_are_exact_also_with_dead_processes() {
    let world = World::new(50);
    let places = (0..50).map(|bell| {
        // Every fifth one is dead.
        let bell = if bell % 5 == 0 { 1000 + bell } else { bell };
        world.table.enter(u64::from(bell % 2) * 4, Sleeper { process: 1, bell }, |_| true).unwrap()
    });
    let places: Vec<_> = places.collect();
    assert_eq!(world.wake(8, u32::MAX), 0);
    assert_eq!(world.wake(0, 15), 15);
    assert_eq!(world.wake(0, u32::MAX), 5);
    assert_eq!(world.wake(0, 1), 0);
    assert_eq!(world.wake(4, u32::MAX), 20);
    let left = places.into_iter().map(|place| u32::from(place.leave())).sum::<u32>();
    // The dead do not leave, but whoever asks for them finds their slots free.
    assert_eq!(left, 50);
    assert!(world.table.is_empty());
}

#[test]
fn each_one_has_its_turn() {
    let world = World::new(8);
    let enter = |bell| world.table.enter(0, Sleeper { process: 1, bell }, |_| true).unwrap();
    let mut places = (0..8).map(|bell| Some(enter(bell))).collect::<Vec<_>>();
    let mut woken = [0; 8];
    for _ in 0..80 {
        assert_eq!(world.wake(0, 1), 1);
        for (bell, place) in places.iter_mut().enumerate() {
            if let Some(mine) = place.take_if(|place| place.is_woken()) {
                assert!(mine.leave());
                woken[bell] += 1;
                *place = Some(enter(bell as u32));
            }
        }
    }
    assert_eq!(woken, [10; 8]);
}

#[test]
fn a_full_table_has_room_when_somebody_has_died() {
    let world = World::new(SLOTS);
    let enter = |bell| world.table.enter(0, Sleeper { process: 1, bell }, |sleeper| world.ring(sleeper));
    let mut places = (0..SLOTS as u32).map(|bell| enter(bell).unwrap()).collect::<Vec<_>>();
    assert!(enter(0).is_none());
    let _ = places.pop().unwrap().leave();
    let dead = enter(1000).unwrap();
    let place = enter(0).unwrap();
    assert!(dead.leave());
    assert!(!place.leave());
    for place in places {
        assert!(!place.leave());
    }
    assert!(world.table.is_empty());
}

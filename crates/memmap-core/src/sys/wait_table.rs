//! A table of those who wait for words of a file or region, in memory that their processes share.
//! It is for systems whose kernel has no such table.
//!
//! A thread that wants to wait claims a slot, writes into it for what it waits, and looks at the
//! word again. If the word is as it was, the thread waits for its bell, an event of the system.
//! Whoever has stored to the word looks for such slots, marks them as woken, and rings the bells.
//! The two fences order "I wait" against "is it still so": of the two threads, at least one sees
//! what the other has done.
//!
//! Nothing here is a lock, so a process that is killed leaves nothing locked. Its bells are gone
//! with it, and whoever cannot ring one frees its slot. The table says only who is to be woken: a
//! full or damaged one delays a thread until it looks at the word again, and loses no change.
//!
//! `tests/loom_wait_table.rs` compiles this file with the types of `loom`, and tries all orders of
//! steps.

use super::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// The table. Memory of zeros is an empty one.
#[derive(Debug)]
#[repr(C)]
pub struct Table<const SLOTS: usize> {
    /// How many slots are taken. A process that is killed at the wrong moment leaves it too high,
    /// and never too low.
    taken: AtomicU32,
    /// All slots from this one on have never been taken.
    used: AtomicU32,
    /// Where the next search begins, so that each one who waits has its turn.
    next: AtomicU32,
    slots: [Slot; SLOTS],
}

#[derive(Debug)]
#[repr(C)]
struct Slot {
    /// A phase, and how often the slot has been claimed. With that number, nobody takes one who
    /// waits for another that had the slot before.
    state: AtomicU32,
    bell: AtomicU32,
    process: AtomicU64,
    position: AtomicU64,
}

const PHASE: u32 = 3;
const FREE: u32 = 0;
/// Somebody is writing into it.
const CLAIMED: u32 = 1;
const WAITING: u32 = 2;
const WOKEN: u32 = 3;
const ONE_CLAIM: u32 = 4;

/// Whom to wake: the bell of this number, of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sleeper {
    /// It distinguishes the process from all that run or have run.
    pub process: u64,
    /// The number of the bell in the process.
    pub bell: u32,
}

/// A slot of one who waits. It must be left.
#[derive(Debug)]
#[must_use]
pub struct Place<'table, const SLOTS: usize> {
    table: &'table Table<SLOTS>,
    slot: &'table Slot,
    /// While nobody has woken it.
    waiting: u32,
}

impl<const SLOTS: usize> Table<SLOTS> {
    /// A table that nobody shares.
    #[cfg(test)]
    pub fn empty() -> Table<SLOTS> {
        let (taken, used, next) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        Table { taken, used, next, slots: std::array::from_fn(|_| Slot::empty()) }
    }

    /// Whether no slot is taken.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.taken.load(Ordering::Relaxed) == 0
            && self.slots.iter().all(|slot| slot.state.load(Ordering::Relaxed) & PHASE == FREE)
    }

    /// Takes a slot for one who waits for the word at a position. The caller then looks at the word
    /// again. `None` if all slots are taken.
    ///
    /// `ring` rings a bell, and returns false if there is none any more.
    pub fn enter(&self, position: u64, sleeper: Sleeper, ring: impl Fn(Sleeper) -> bool) -> Option<Place<'_, SLOTS>> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let claim = self.claim().or_else(|| {
            self.free_slots_of_the_dead(ring);
            self.claim()
        });
        let Some((slot, claimed)) = claim else {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        slot.process.store(sleeper.process, Ordering::Relaxed);
        slot.bell.store(sleeper.bell, Ordering::Relaxed);
        slot.position.store(position, Ordering::Relaxed);
        let waiting = claimed & !PHASE | WAITING;
        // Release, because whoever reads this must read what was stored before.
        slot.state.store(waiting, Ordering::Release);
        // Before the caller looks at the word.
        fence(Ordering::SeqCst);
        Some(Place { table: self, slot, waiting })
    }

    /// Wakes up to `count` of those who wait for the word at a position, and returns how many. The
    /// caller has stored to the word before. `ring` is as for [`Table::enter`].
    pub fn wake(&self, position: u64, count: u32, ring: impl Fn(Sleeper) -> bool) -> u32 {
        // After the caller has stored to the word.
        fence(Ordering::SeqCst);
        if self.taken.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let used = (self.used.load(Ordering::Relaxed) as usize).min(SLOTS);
        let first = (self.next.load(Ordering::Relaxed) as usize).min(used);
        let mut woken = 0;
        for index in (first..used).chain(0..first) {
            if woken == count {
                break;
            }
            let Some(slot) = self.slots.get(index) else { break };
            let state = slot.state.load(Ordering::Acquire);
            if state & PHASE != WAITING || slot.position.load(Ordering::Relaxed) != position {
                continue;
            }
            let sleeper = slot.sleeper();
            let marked = state & !PHASE | WOKEN;
            if slot.state.compare_exchange(state, marked, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            self.next.store(index as u32 + 1, Ordering::Relaxed);
            // If it has left the slot before us, it counts, although its bell may be gone by now.
            if ring(sleeper) || !self.free(slot, marked) {
                woken += 1;
            }
        }
        woken
    }

    /// A slot, and its state.
    fn claim(&self) -> Option<(&Slot, u32)> {
        for (index, slot) in self.slots.iter().enumerate() {
            let state = slot.state.load(Ordering::Relaxed);
            if state & PHASE != FREE {
                continue;
            }
            let claimed = state.wrapping_add(ONE_CLAIM) | CLAIMED;
            if slot.state.compare_exchange(state, claimed, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                self.used.fetch_max(index as u32 + 1, Ordering::Relaxed);
                return Some((slot, claimed));
            }
        }
        None
    }

    /// The bell of a slot that is only claimed may not be written yet. So such a slot stays.
    fn free_slots_of_the_dead(&self, ring: impl Fn(Sleeper) -> bool) {
        for slot in &self.slots {
            let state = slot.state.load(Ordering::Acquire);
            if matches!(state & PHASE, WAITING | WOKEN) && !ring(slot.sleeper()) {
                self.free(slot, state);
            }
        }
    }

    /// Frees a slot that has this state. Returns false if it has another one by now.
    fn free(&self, slot: &Slot, state: u32) -> bool {
        let free = state & !PHASE | FREE;
        let is_freed = slot.state.compare_exchange(state, free, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if is_freed {
            self.taken.fetch_sub(1, Ordering::Relaxed);
        }
        is_freed
    }
}

impl Slot {
    #[cfg(test)]
    fn empty() -> Slot {
        let (process, position) = (AtomicU64::new(0), AtomicU64::new(0));
        Slot { state: AtomicU32::new(0), bell: AtomicU32::new(0), process, position }
    }

    fn sleeper(&self) -> Sleeper {
        Sleeper { process: self.process.load(Ordering::Relaxed), bell: self.bell.load(Ordering::Relaxed) }
    }
}

impl<const SLOTS: usize> Place<'_, SLOTS> {
    /// Whether somebody has woken it.
    pub fn is_woken(&self) -> bool {
        self.slot.state.load(Ordering::Acquire) != self.waiting
    }

    /// Gives up the slot. Returns whether somebody has woken it before.
    pub fn leave(self) -> bool {
        if self.table.free(self.slot, self.waiting) {
            return false;
        }
        self.table.free(self.slot, self.waiting & !PHASE | WOKEN);
        true
    }
}

//! Whether what other threads store in a mapping gets to where it is meant to be.

use crate::error::{Error, Result};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What becomes of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is kept, or gets to the file.
    Kept,
    /// `protect` has made the pages private, or `resize` has copied them: nobody would ever see it.
    Ended,
    /// The mapping has been closed, and has written back what there was.
    Closed,
}

/// A state that changes while no other thread is in the middle of storing.
#[derive(Debug)]
pub(crate) struct Writing {
    state: RwLock<State>,
    /// A thread that changes the state holds this until it has, and readers pass through it: otherwise a task, which takes the lock again at once
    /// for each of its chunks, could keep that thread waiting until its end.
    turnstile: Mutex<()>,
}

impl Writing {
    pub(crate) fn new() -> Writing {
        Writing { state: RwLock::new(State::Kept), turnstile: Mutex::new(()) }
    }

    /// The state, which does not change while somebody holds this.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        drop(self.turnstile.lock().unwrap_or_else(PoisonError::into_inner));
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, when those who hold it now have let go, and before anybody else gets it.
    pub(crate) fn change(&self) -> RwLockWriteGuard<'_, State> {
        let _first = self.turnstile.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// # Errors
    ///
    /// ERR_MMAP_READONLY, ERR_MMAP_CLOSED.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            State::Kept => Ok(()),
            State::Ended => Err(Error::WritingEnded),
            State::Closed => Err(Error::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_task_that_takes_the_lock_again_at_once_lets_a_change_go_first() {
        let writing = &Writing::new();
        let chunk = writing.state();
        thread::scope(|threads| {
            threads.spawn(|| *writing.change() = State::Ended);
            while writing.turnstile.try_lock().is_ok() {
                thread::yield_now();
            }
            drop(chunk);
            assert_eq!(*writing.state(), State::Ended);
        });
    }
}

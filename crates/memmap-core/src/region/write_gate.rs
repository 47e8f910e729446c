//! Whether what other threads store in a mapping gets to where it is meant to be.

use crate::error::{Error, Result};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What becomes of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It is kept, or gets to the file.
    Open,
    /// `protect` has made the pages private, or `resize` has copied them: nobody would ever see it.
    Detached,
    /// The mapping has been closed, and has written back what there was.
    Closed,
}

/// A state that changes while no other thread is in the middle of storing.
#[derive(Debug)]
pub(crate) struct WriteGate {
    state: RwLock<Gate>,
    /// A thread that changes the state holds this until it has, and readers pass through it: otherwise a task, which takes the lock again at once
    /// for each of its chunks, could keep that thread waiting until its end.
    turnstile: Mutex<()>,
}

impl WriteGate {
    pub(crate) fn new() -> WriteGate {
        WriteGate { state: RwLock::new(Gate::Open), turnstile: Mutex::new(()) }
    }

    /// The state, which does not change while somebody holds this.
    pub(crate) fn enter(&self) -> RwLockReadGuard<'_, Gate> {
        drop(self.turnstile.lock().unwrap_or_else(PoisonError::into_inner));
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, when those who hold it now have let go, and before anybody else gets it.
    pub(crate) fn lock(&self) -> RwLockWriteGuard<'_, Gate> {
        let _first = self.turnstile.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// # Errors
    ///
    /// ERR_MMAP_READONLY, ERR_MMAP_CLOSED.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Gate::Open => Ok(()),
            Gate::Detached => Err(Error::WriteDetached),
            Gate::Closed => Err(Error::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_that_enters_again_at_once_lets_a_waiting_lock_go_first() {
        let gate = &WriteGate::new();
        let chunk = gate.enter();
        thread::scope(|threads| {
            threads.spawn(|| *gate.lock() = Gate::Detached);
            while gate.turnstile.try_lock().is_ok() {
                thread::yield_now();
            }
            drop(chunk);
            assert_eq!(*gate.enter(), Gate::Detached);
        });
    }
}

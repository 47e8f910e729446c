//! A gate that background writers enter for each chunk, so that `protect`, `resize` and `close` can
//! stop them before their stores would be lost.

use crate::error::{Error, Result};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What happens to what is stored through the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Stores reach the file, or stay in the memory.
    Open,
    /// Nobody would see a store any more: `protect` has made the pages private, or `resize` has
    /// copied them.
    Detached,
    /// The mapping has been closed, and its changes have been written back.
    Closed,
}

/// A gate whose state changes only while no thread is inside.
#[derive(Debug)]
pub(crate) struct WriteGate {
    state: RwLock<Gate>,
    /// The thread that changes the state holds this until it has the write lock, and threads that
    /// enter pass through it. Otherwise a task, which enters again at once for each chunk, could
    /// keep that thread waiting until its end.
    turnstile: Mutex<()>,
}

impl WriteGate {
    pub(crate) fn new() -> WriteGate {
        WriteGate { state: RwLock::new(Gate::Open), turnstile: Mutex::new(()) }
    }

    /// Enters the gate. The state does not change until the guard is dropped.
    pub(crate) fn enter(&self) -> RwLockReadGuard<'_, Gate> {
        drop(self.turnstile.lock().unwrap_or_else(PoisonError::into_inner));
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the gate to change its state, once all threads inside have left it and before others
    /// enter.
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

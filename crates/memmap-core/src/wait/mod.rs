//! Waiting for others: the threads that do it.

mod pool;

pub use pool::{Place, WaitPool};

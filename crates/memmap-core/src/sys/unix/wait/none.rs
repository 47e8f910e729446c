//! Systems without a call to sleep at a word of shared memory.

use super::{NO_WAIT, Slept};
use crate::error::Result;
use rustix::io::Errno;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

pub(super) const WAIT: &str = "wait";
pub(super) const WAKE: &str = "wake";

/// Whether the kernel looks at words in pages that can only be read.
pub(super) const READS_READ_ONLY_PAGES: bool = false;

pub(super) fn sleep(_: *const u32, _: u32, _: Duration, _: Option<&AtomicU32>) -> Result<Slept> {
    Err(NO_WAIT)
}

pub(super) fn wake(_: *const u32, _: u32) -> rustix::io::Result<u32> {
    Err(Errno::NOSYS)
}

pub(super) fn interrupt(_: *const u32, _: &AtomicU32) -> bool {
    true
}

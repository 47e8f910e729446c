//! FreeBSD: `_umtx_op`, whose operations find the sleepers at a word in shared memory by the memory
//! object.

use super::{Slept, slept};
use crate::error::Result;
use crate::sys::unix::errno::errno_of;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) const WAIT: &str = "_umtx_op";
pub(super) const WAKE: &str = "_umtx_op";

/// Whether the kernel looks at words in pages that can only be read. FreeBSD looks the word up as
/// one to be written (`umtx_key_get`).
pub(super) const READS_READ_ONLY_PAGES: bool = false;

pub(super) fn sleep(address: *const u32, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
    if stop.is_some_and(|stop| stop.load(Ordering::Acquire) != 0) {
        return Ok(Slept::Stopped);
    }
    // The kernel reports another value in the same way as a wake-up.
    // SAFETY: the word is in our pages, and if they are lost the fault handler maps zeros there.
    if unsafe { address.read_volatile() } != value {
        return Ok(Slept::Unequal);
    }
    let mut time = libc::_umtx_time {
        _timeout: libc::timespec {
            tv_sec: libc::time_t::try_from(at_most.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        },
        // A duration, and not a deadline.
        _flags: 0,
        _clockid: libc::CLOCK_MONOTONIC.cast_unsigned(),
    };
    let word = address.cast_mut().cast::<c_void>();
    // The call takes the size of the structure in the place of an address.
    let size = ptr::without_provenance_mut(size_of::<libc::_umtx_time>());
    // SAFETY: the kernel checks the address itself, and reads a structure of this size.
    let result =
        unsafe { libc::_umtx_op(word, libc::UMTX_OP_WAIT_UINT, value.into(), size, ptr::from_mut(&mut time).cast()) };
    if result == 0 {
        return Ok(Slept::Woken);
    }
    // The caller looks at the time again, so an interruption may shorten the sleep.
    Ok(slept(errno_of(&std::io::Error::last_os_error()))?.unwrap_or(Slept::TimedOut))
}

/// The kernel does not tell how many it has woken.
pub(super) fn wake(address: *const u32, count: u32) -> rustix::io::Result<u32> {
    let count = count.min(i32::MAX.cast_unsigned());
    let word = address.cast_mut().cast::<c_void>();
    // SAFETY: the kernel checks the address itself, and changes nothing there.
    let result = unsafe { libc::_umtx_op(word, libc::UMTX_OP_WAKE, count.into(), ptr::null_mut(), ptr::null_mut()) };
    if result == 0 { Ok(0) } else { Err(errno_of(&std::io::Error::last_os_error())) }
}

pub(super) fn interrupt(address: *const u32, _stop: &AtomicU32) -> bool {
    // An error means that nobody sleeps there.
    let _ = wake(address, u32::MAX);
    false
}

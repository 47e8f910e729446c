//! Linux: futexes that processes share.

use super::{Slept, slept};
use crate::error::Result;
use rustix::io::Errno;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

pub(super) const WAIT: &str = "futex";
pub(super) const WAKE: &str = "futex";

/// Whether the kernel looks at words in pages that can only be read.
pub(super) const READS_READ_ONLY_PAGES: bool = true;

/// The number of futex_waitv on all processors. The C libraries of older systems have no name for
/// it.
const SYS_FUTEX_WAITV: libc::c_long = 449;

/// Whether there is futex_waitv: from Linux 5.16 on, unless a sandbox refuses it.
static HAS_WAITV: AtomicBool = AtomicBool::new(true);

/// A word for futex_waitv.
#[repr(C)]
struct Waiter {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// A word of 32 bits.
const SIZE_U32: u32 = 2;

/// A sleep that may be stopped is one at two words, of which the other is `stop`. Nobody else is
/// woken when it is stopped, and the kernel tells which word it was. Where there is no futex_waitv,
/// all that sleep at the word are woken.
pub(super) fn sleep(address: *const u32, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
    let deadline = deadline(at_most);
    loop {
        let result = match stop {
            Some(stop) if stop.load(Ordering::Acquire) != 0 => return Ok(Slept::Stopped),
            Some(stop) if HAS_WAITV.load(Ordering::Relaxed) => wait_for_two(stop, address, value, &deadline),
            _ => wait(address, value, &deadline).map(|()| Slept::Woken),
        };
        let errno = match result {
            Ok(slept) => return Ok(slept),
            Err(Errno::NOSYS | Errno::PERM) if HAS_WAITV.swap(false, Ordering::Relaxed) => continue,
            Err(errno) => errno,
        };
        match slept(errno)? {
            // The kernel does not tell which word has another value.
            Some(Slept::Unequal) if stop.is_some_and(|stop| stop.load(Ordering::Acquire) != 0) => {
                return Ok(Slept::Stopped);
            }
            Some(slept) => return Ok(slept),
            None => {}
        }
    }
}

pub(super) fn wake(address: *const u32, count: u32) -> rustix::io::Result<u32> {
    if count == 0 {
        // The kernel would wake one.
        return Ok(0);
    }
    futex_wake(address, libc::FUTEX_WAKE, count)
}

pub(super) fn interrupt(address: *const u32, stop: &AtomicU32) -> bool {
    let is_certain = HAS_WAITV.load(Ordering::Relaxed);
    let (address, operation) = if is_certain {
        (stop.as_ptr().cast_const(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG)
    } else {
        (address, libc::FUTEX_WAKE)
    };
    // An error means that nobody sleeps there.
    let _ = futex_wake(address, operation, u32::MAX);
    is_certain
}

/// The time at which a sleep ends, by the clock that nobody can set.
fn deadline(at_most: Duration) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable. This clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    let nanoseconds = now.tv_nsec + libc::c_long::from(at_most.subsec_nanos().cast_signed());
    libc::timespec {
        tv_sec: now.tv_sec.saturating_add_unsigned(at_most.as_secs()) + nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}

fn wait(address: *const u32, value: u32, deadline: &libc::timespec) -> rustix::io::Result<()> {
    // SAFETY: the kernel checks the address itself, and reads a timespec. FUTEX_WAIT_BITSET is
    // FUTEX_WAIT with a deadline instead of a duration.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            address,
            libc::FUTEX_WAIT_BITSET,
            value,
            ptr::from_ref(deadline),
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    check(result).map(drop)
}

/// Waits until `stop` is not 0, or the word has been woken.
fn wait_for_two(
    stop: &AtomicU32,
    address: *const u32,
    value: u32,
    deadline: &libc::timespec,
) -> rustix::io::Result<Slept> {
    let private = libc::FUTEX_PRIVATE_FLAG.cast_unsigned();
    let stop = Waiter { value: 0, address: stop.as_ptr().addr() as u64, flags: SIZE_U32 | private, reserved: 0 };
    let word = Waiter { value: value.into(), address: address.addr() as u64, flags: SIZE_U32, reserved: 0 };
    // If both have been woken, the kernel returns the last one. So no wake-up of the word is taken
    // for a stop.
    let waiters = [stop, word];
    // SAFETY: the kernel checks the addresses of the words itself, and reads two structures and a
    // timespec, which on 64-bit systems is what it expects.
    let result = unsafe {
        libc::syscall(
            SYS_FUTEX_WAITV,
            waiters.as_ptr(),
            waiters.len(),
            0,
            ptr::from_ref(deadline),
            libc::CLOCK_MONOTONIC,
        )
    };
    check(result).map(|index| if index == 0 { Slept::Stopped } else { Slept::Woken })
}

fn futex_wake(address: *const u32, operation: i32, count: u32) -> rustix::io::Result<u32> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    // SAFETY: the kernel checks the address itself, and changes nothing there.
    check(unsafe { libc::syscall(libc::SYS_futex, address, operation, count) })
}

fn check(result: libc::c_long) -> rustix::io::Result<u32> {
    u32::try_from(result).map_err(|_| {
        let error = std::io::Error::last_os_error();
        super::super::errno::errno_of(&error)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_secs(60);

    /// Stops a sleep, by the way that `HAS_WAITV` stands for.
    fn stops() {
        let (word, stop) = (&AtomicU32::new(7), &AtomicU32::new(0));
        let address = || word.as_ptr().cast_const();
        assert_eq!(sleep(address(), 8, LONG, Some(stop)).unwrap(), Slept::Unequal);
        assert_eq!(sleep(address(), 7, Duration::ZERO, Some(stop)).unwrap(), Slept::TimedOut);
        thread::scope(|threads| {
            let sleeper = threads.spawn(move || {
                loop {
                    match sleep(word.as_ptr(), 7, LONG, Some(stop)).unwrap() {
                        // Where all are woken, it may be for another's sake.
                        Slept::Woken => {}
                        slept => return slept,
                    }
                }
            });
            stop.store(1, Ordering::Release);
            while !interrupt(address(), stop) && !sleeper.is_finished() {
                thread::yield_now();
            }
            assert_eq!(sleeper.join().unwrap(), Slept::Stopped);
        });
        assert_eq!(sleep(address(), 7, LONG, Some(stop)).unwrap(), Slept::Stopped);
    }

    #[test]
    fn a_sleep_is_stopped_with_futex_waitv_and_without() {
        stops();
        HAS_WAITV.store(false, Ordering::Relaxed);
        stops();
        HAS_WAITV.store(true, Ordering::Relaxed);
    }

    #[test]
    fn a_word_that_is_not_mapped_cannot_be_read() {
        let nowhere = ptr::without_provenance(8);
        assert_eq!(sleep(nowhere, 0, LONG, None).unwrap(), Slept::Unreadable);
        assert_eq!(wake(nowhere, 1), Err(Errno::FAULT));
        assert_eq!(wake(nowhere, 0), Ok(0));
    }
}

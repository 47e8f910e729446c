//! Apple's systems: `os_sync_wait_on_address` from macOS 14.4 on, and below it what it is made of,
//! `__ulock_wait`, which macOS has had since 10.15 (XNU 6153).
//!
//! Both are looked up when they are needed, because linking to the former would need 14.4. The key
//! of a word is the memory object and the position in it (`bsd/kern/sys_ulock.c` of XNU).

use super::{Slept, slept};
use crate::error::Result;
use crate::sys::unix::errno::errno_of;
use crate::sys::unix::library::host_symbol;
use rustix::io::Errno;
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) const WAIT: &str = "ulock_wait";
pub(super) const WAKE: &str = "ulock_wake";

/// Whether the kernel looks at words in pages that can only be read.
pub(super) const READS_READ_ONLY_PAGES: bool = true;

type SyncWait = unsafe extern "C" fn(*const c_void, u64, usize, u32, u32, u64) -> c_int;
type SyncWake = unsafe extern "C" fn(*const c_void, usize, u32) -> c_int;
type UlockWait = unsafe extern "C" fn(u32, *const c_void, u64, u32) -> c_int;
type UlockWake = unsafe extern "C" fn(u32, *const c_void, u64) -> c_int;

/// OS_SYNC_WAIT_ON_ADDRESS_SHARED and OS_SYNC_WAKE_BY_ADDRESS_SHARED.
const SYNC_SHARED: u32 = 1;
/// OS_CLOCK_MACH_ABSOLUTE_TIME.
const SYNC_CLOCK: u32 = 32;
/// UL_COMPARE_AND_WAIT_SHARED.
const ULOCK_SHARED: u32 = 3;
/// ULF_WAKE_ALL.
const ULOCK_ALL: u32 = 0x100;

/// The calls that this system has.
#[derive(Clone, Copy)]
enum Calls {
    Sync { wait: SyncWait, wake_any: SyncWake, wake_all: SyncWake },
    Ulock { wait: UlockWait, wake: UlockWake },
}

fn calls() -> rustix::io::Result<Calls> {
    static CALLS: OnceLock<Option<Calls>> = OnceLock::new();
    CALLS.get_or_init(|| sync_calls().or_else(ulock_calls)).ok_or(Errno::NOSYS)
}

fn sync_calls() -> Option<Calls> {
    let wait = symbol(c"os_sync_wait_on_address_with_timeout")?;
    let wake_any = symbol(c"os_sync_wake_by_address_any")?;
    let wake_all = symbol(c"os_sync_wake_by_address_all")?;
    // SAFETY: <os/os_sync_wait_on_address.h> has this signature for the name.
    let wait = unsafe { std::mem::transmute::<*const c_void, SyncWait>(wait) };
    // SAFETY: as above.
    let wake_any = unsafe { std::mem::transmute::<*const c_void, SyncWake>(wake_any) };
    // SAFETY: as above.
    let wake_all = unsafe { std::mem::transmute::<*const c_void, SyncWake>(wake_all) };
    Some(Calls::Sync { wait, wake_any, wake_all })
}

fn ulock_calls() -> Option<Calls> {
    let (wait, wake) = (symbol(c"__ulock_wait")?, symbol(c"__ulock_wake")?);
    // SAFETY: `bsd/sys/ulock.h` of XNU has this signature for the name.
    let wait = unsafe { std::mem::transmute::<*const c_void, UlockWait>(wait) };
    // SAFETY: as above.
    let wake = unsafe { std::mem::transmute::<*const c_void, UlockWake>(wake) };
    Some(Calls::Ulock { wait, wake })
}

fn symbol(name: &CStr) -> Option<*const c_void> {
    Some(host_symbol(name)).filter(|symbol| !symbol.is_null())
}

pub(super) fn sleep(address: *const u32, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
    if stop.is_some_and(|stop| stop.load(Ordering::Acquire) != 0) {
        return Ok(Slept::Stopped);
    }
    // The kernel reports another value in the same way as a wake-up.
    // SAFETY: the word is in our pages, and if they are lost the fault handler maps zeros there.
    if unsafe { address.read_volatile() } != value {
        return Ok(Slept::Unequal);
    }
    if at_most.is_zero() {
        // To the kernel 0 means for ever.
        return Ok(Slept::TimedOut);
    }
    // The caller looks at the time again, so an interruption may shorten the sleep.
    match calls().and_then(|calls| wait(calls, address, value, at_most)) {
        Ok(()) => Ok(Slept::Woken),
        Err(errno) => Ok(slept(errno)?.unwrap_or(Slept::TimedOut)),
    }
}

fn wait(calls: Calls, address: *const u32, value: u32, at_most: Duration) -> rustix::io::Result<()> {
    let (value, address) = (u64::from(value), address.cast());
    match calls {
        Calls::Sync { wait, .. } => {
            let nanoseconds = u64::try_from(at_most.as_nanos()).unwrap_or(u64::MAX);
            // SAFETY: the kernel checks the address itself, which is a word of 4 bytes.
            check(unsafe { wait(address, value, 4, SYNC_SHARED, SYNC_CLOCK, nanoseconds) })
        }
        Calls::Ulock { wait, .. } => {
            let microseconds = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX).max(1);
            // SAFETY: as above.
            check(unsafe { wait(ULOCK_SHARED, address, value, microseconds) })
        }
    }
}

/// The kernel wakes one or all, and does not count. So one after the other is woken, until nobody
/// is left. A count that means "all" is one call, and 1 is returned if there was anybody.
pub(super) fn wake(address: *const u32, count: u32) -> rustix::io::Result<u32> {
    let calls = calls()?;
    if count == u32::MAX {
        return wake_once(calls, address, true).map(u32::from);
    }
    let mut woken = 0;
    while woken < count && wake_once(calls, address, false)? {
        woken += 1;
    }
    Ok(woken)
}

/// Wakes one sleeper, or all. Returns false if there is none.
fn wake_once(calls: Calls, address: *const u32, all: bool) -> rustix::io::Result<bool> {
    let address = address.cast();
    let result = match calls {
        Calls::Sync { wake_any, wake_all, .. } => {
            let wake = if all { wake_all } else { wake_any };
            // SAFETY: the kernel checks the address itself, which is a word of 4 bytes.
            check(unsafe { wake(address, 4, SYNC_SHARED) })
        }
        Calls::Ulock { wake, .. } => {
            let operation = if all { ULOCK_SHARED | ULOCK_ALL } else { ULOCK_SHARED };
            // SAFETY: as above.
            check(unsafe { wake(operation, address, 0) })
        }
    };
    match result {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

pub(super) fn interrupt(address: *const u32, _stop: &AtomicU32) -> bool {
    // An error means that nobody sleeps there.
    let _ = wake(address, u32::MAX);
    false
}

/// The calls return how many others sleep there, or -1.
fn check(result: c_int) -> rustix::io::Result<()> {
    if result >= 0 { Ok(()) } else { Err(errno_of(&std::io::Error::last_os_error())) }
}

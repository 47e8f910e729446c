//! Bells: events of the system, each with a name by which other processes ring it. A thread that
//! waits has one to itself.

use super::error::last_error;
use crate::error::Result;
use crate::sys::wait_table::Sleeper;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, FILETIME};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, GetCurrentProcess, GetCurrentProcessId, GetProcessTimes, OpenEventW, SetEvent,
    WaitForSingleObject,
};

/// An event that lets one thread go on, and remembers that it is to. It may have been rung for one
/// who had it before.
#[derive(Debug)]
struct Event {
    /// It is in the name.
    number: u32,
    handle: OwnedHandle,
}

/// A bell of this process, in use by one thread. Its event is kept for the next one, and never
/// closed: the system does that at the end of the process, and the name is gone.
#[derive(Debug)]
pub(super) struct Bell(Option<Event>);

/// Events that nobody uses.
static UNUSED: Mutex<Vec<Event>> = Mutex::new(Vec::new());

impl Bell {
    /// A bell for the thread that calls it.
    ///
    /// # Errors
    ///
    /// Those of CreateEvent.
    pub(super) fn take() -> Result<Bell> {
        // The lock is released before an event is created.
        let unused = locked(&UNUSED).pop();
        match unused {
            Some(event) => Ok(Bell(Some(event))),
            None => Event::new().map(|event| Bell(Some(event))),
        }
    }

    /// How others find the bell.
    pub(super) fn sleeper(&self) -> Sleeper {
        Sleeper { process: process(), bell: self.0.as_ref().map_or(0, |event| event.number) }
    }

    /// Waits until the bell is rung, at most so long.
    pub(super) fn wait(&self, at_most: Duration) {
        let Some(event) = &self.0 else { return };
        // A shorter time than a millisecond must not become 0, because the caller would spin.
        let milliseconds = at_most.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u32::MAX - 1);
        // SAFETY: the event is open. The caller looks why the call has returned.
        unsafe { WaitForSingleObject(event.handle.as_raw_handle(), milliseconds) };
    }

    /// Rings the bell of this process itself.
    pub(super) fn ring(&self) {
        let Some(event) = &self.0 else { return };
        // SAFETY: the event is open.
        unsafe { SetEvent(event.handle.as_raw_handle()) };
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        locked(&UNUSED).extend(self.0.take());
    }
}

impl Event {
    fn new() -> Result<Event> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = name_of(Sleeper { process: process(), bell: number });
        // SAFETY: a null pointer means default security attributes, so the handle is not
        // inherited, and a child does not keep the name. `name` ends with a NUL. The event resets
        // itself and is not set.
        let handle = unsafe { CreateEventW(ptr::null(), 0, 0, name.as_ptr()) };
        if handle.is_null() {
            return Err(last_error("CreateEvent"));
        }
        // SAFETY: the handle is new, and belongs to nobody else.
        Ok(Event { number, handle: unsafe { OwnedHandle::from_raw_handle(handle) } })
    }
}

/// Rings a bell of any process. Returns false if there is none, because its process has ended.
pub(super) fn ring(sleeper: Sleeper) -> bool {
    let name = name_of(sleeper);
    // SAFETY: `name` ends with a NUL.
    let handle = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    if handle.is_null() {
        // It is there if we only may not ring it. Who has it looks around by itself.
        return io::Error::last_os_error().raw_os_error().map(i32::cast_unsigned) != Some(ERROR_FILE_NOT_FOUND);
    }
    // SAFETY: the handle is new, and belongs to nobody else.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    // SAFETY: the event is open.
    unsafe { SetEvent(handle.as_raw_handle()) };
    true
}

fn name_of(Sleeper { process, bell }: Sleeper) -> Vec<u16> {
    format!("Local\\memmap-bell-{process:016x}-{bell}\0").encode_utf16().collect()
}

/// A number that no other process has or has had: that of the system, which uses it again, and a
/// part of the time at which the process started.
fn process() -> u64 {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    *PROCESS.get_or_init(|| {
        let [mut created, mut exited, mut kernel, mut user] = [FILETIME::default(); 4];
        // SAFETY: this call cannot fail.
        let own = unsafe { GetCurrentProcess() };
        // SAFETY: all four are writable. If it fails, the time is 0 for the whole life.
        unsafe { GetProcessTimes(own, &mut created, &mut exited, &mut kernel, &mut user) };
        // SAFETY: this call cannot fail.
        let number = unsafe { GetCurrentProcessId() };
        u64::from(number) << 32 | u64::from(created.dwLowDateTime)
    })
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under the locks can panic in the middle of a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

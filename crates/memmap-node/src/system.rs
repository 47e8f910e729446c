//! Constants and page sizes.

use crate::error::Outcome;
use crate::{buffer, environment};
use memmap_core::{fault_registry, sys};
use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// The constants of the operating system that CPython exports too: PROT_*, MAP_*, MADV_*, MS_*.
#[napi]
pub fn constants() -> HashMap<&'static str, i32> {
    sys::constants::constants().collect()
}

/// Bytes in a page.
#[napi]
pub fn page_size() -> f64 {
    sys::page_size() as f64
}

/// What the operating system wants file offsets to be multiples of, in bytes.
#[napi]
pub fn allocation_granularity() -> f64 {
    sys::allocation_granularity() as f64
}

/// How many descriptors this process may have open, or infinitely many.
#[napi]
pub fn descriptors_allowed() -> f64 {
    sys::descriptors_allowed().map_or(f64::INFINITY, |allowed| allowed as f64)
}

/// How many mappings are open in this process: neither closed nor collected.
#[napi]
pub fn open_mappings() -> f64 {
    environment::open_mappings() as f64
}

/// Makes sure that signals come to the fault handler first. Returns false where there is none.
#[napi]
pub fn install_fault_handler() -> bool {
    sys::install_fault_handler()
}

/// Returns true for the first call in this process, because the process has one fault handler
/// however often TypeScript's half is loaded.
#[napi]
pub fn is_first_to_watch_signals() -> bool {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    !WATCHED.swap(true, Ordering::Relaxed)
}

/// Four bytes that count the faults handled in this process. While they stay the same, no mapping
/// has lost bytes.
#[napi(ts_return_type = "Outcome<ArrayBuffer>")]
pub fn fault_counter(env: Env) -> Outcome<Unknown<'static>> {
    buffer::over_static(env, &fault_registry::FAULTS_HANDLED).into()
}

/// Gives up the names of all named regions. Bun needs the call, because its exit does not run that
/// of the C library.
#[napi]
pub fn leave_named_regions() {
    sys::leave_named_regions();
}

/// Removes the name of POSIX shared memory. It does nothing on Windows.
#[napi]
pub fn unlink_shm(name: String) -> Outcome<()> {
    sys::unlink_shm(&name).into()
}

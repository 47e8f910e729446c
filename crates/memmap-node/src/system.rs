//! Constants and page sizes.

use crate::{buffer, environment, error};
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

/// Makes sure that the fault handler is the one that is asked first. Says whether there is one.
#[napi]
pub fn install_fault_handler() -> bool {
    sys::install_fault_handler()
}

/// True the first time that it is called in this process: the handler is one, however often
/// TypeScript's half is loaded.
#[napi]
pub fn is_first_to_watch_signals() -> bool {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    !WATCHED.swap(true, Ordering::Relaxed)
}

/// Four bytes that count the faults answered in this process: while they stay the same, nothing has been lost anywhere.
#[napi(ts_return_type = "ArrayBuffer")]
pub fn fault_counter(env: Env) -> napi::Result<Unknown<'static>> {
    buffer::over_static(env, &fault_registry::FAULTS_HANDLED).map_err(|error| error::throw(env, &error))
}

/// Gives up the names of all named regions. For runtimes whose exit does not run the C library's.
#[napi]
pub fn leave_named_regions() {
    sys::leave_named_regions();
}

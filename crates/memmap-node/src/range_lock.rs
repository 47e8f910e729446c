//! Locks on ranges of a file, by their numbers.
//!
//! A request has the number that its lock will have. TypeScript notes it before it does anything
//! that could fail, so that no lock is lost.

use crate::error::Outcome;
use crate::handle::{Handle, file_size};
use crate::promise::new_promise;
use crate::wait::call;
use memmap_core::range_lock::Wanted;
use memmap_core::{Error, Mapping, Result};
use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use std::time::{Duration, Instant};

/// Locks `[start, stop)` without waiting, and returns the number of the lock; 0 if others have
/// locked a part of it. An infinite `stop` is the end, however long the file becomes. Requests of
/// this process that wait for the same lock come first, unless it `looks_once`.
#[napi]
pub fn try_lock_range(
    handle: &External<Handle>,
    start: f64,
    stop: f64,
    exclusive: bool,
    looks_once: bool,
) -> Outcome<f64> {
    let number = handle.with(|mapping| {
        let wanted = wanted(mapping, start, stop, exclusive)?;
        Ok(mapping.range_locks()?.try_lock(&wanted, looks_once)?.unwrap_or(0) as f64)
    });
    number.into()
}

/// Begins to wait for a lock, and returns its number.
#[napi]
pub fn request_range_lock(handle: &External<Handle>, start: f64, stop: f64, exclusive: bool) -> Outcome<f64> {
    let number = handle.with(|mapping| {
        let wanted = wanted(mapping, start, stop, exclusive)?;
        Ok(mapping.range_locks()?.request(&wanted)? as f64)
    });
    number.into()
}

/// A promise of whether the lock is there: false if the request was ended by a timeout.
#[napi(ts_return_type = "Outcome<Promise<Outcome<boolean>>>")]
pub fn range_lock_promise(env: Env, handle: &External<Handle>, number: f64) -> Outcome<Unknown<'static>> {
    let promise = handle.with(|mapping| {
        let locks = mapping.range_locks()?;
        let (promise, resolve) = new_promise(env)?;
        locks.on_settled(number as u64, Box::new(move |settled| resolve(settled.into())));
        Ok(promise)
    });
    promise.into()
}

/// Blocks the thread until the lock is there, for at most so many milliseconds. Returns whether it
/// is; otherwise the request has ended. It calls `look` every 50 ms, as `wait` does.
#[napi(ts_return_type = "Outcome<boolean>")]
pub fn wait_for_range_lock(
    env: Env,
    handle: &External<Handle>,
    number: f64,
    timeout: f64,
    #[napi(ts_arg_type = "() => void")] look: Unknown,
) -> napi::Result<Outcome<bool>> {
    let end =
        Duration::try_from_secs_f64(timeout / 1000.0).ok().and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = end.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()));
        let waited = handle.with(|mapping| {
            let locks = mapping.range_locks()?;
            let is_held = locks.wait(number as u64, left.min(SLICE))?;
            let is_over = !is_held && left.is_zero();
            // The lock may have come at the last moment.
            Ok((is_held || is_over).then(|| is_held || !locks.end(number as u64, Ok(false))))
        });
        match waited.transpose() {
            Some(result) => return Ok(result.into()),
            None => call(env, look)?,
        }
    }
}

/// How long the thread waits without a look at whether it is to end.
const SLICE: Duration = Duration::from_millis(50);

/// Ends a request, because it was aborted or has timed out. Returns false if it did not wait any
/// more.
#[napi]
pub fn end_range_lock_request(handle: &External<Handle>, number: f64, timed_out: bool) -> bool {
    let outcome = if timed_out { Ok(false) } else { Err(Error::Aborted) };
    // Closing the mapping has ended all its requests.
    handle.with(|mapping| Ok(mapping.range_locks()?.end(number as u64, outcome))).unwrap_or(false)
}

/// Releases a lock. Without one, it does nothing.
#[napi]
pub fn release_range_lock(handle: &External<Handle>, number: f64) {
    // Closing the mapping has released all its locks.
    let _ = handle.with(|mapping| {
        mapping.range_locks()?.release(number as u64);
        Ok(())
    });
}

fn wanted(mapping: &Mapping, start: f64, stop: f64, exclusive: bool) -> Result<Wanted> {
    let stop = if stop == f64::INFINITY { None } else { Some(file_size(stop)?) };
    mapping.wanted_lock(file_size(start)?, stop, exclusive)
}

//! Locks on ranges of a file, by their numbers.
//!
//! A request has the number that its lock will have. TypeScript notes it before it does anything
//! that could fail, so that no lock is lost.

use crate::error::Outcome;
use crate::handle::{Handle, file_size};
use crate::promise::new_promise;
use crate::wait::call;
use memmap_core::{Error, Mapping};
use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use std::time::{Duration, Instant};

/// Locks `[start, stop)`, and returns the number of the lock. An infinite `stop` is the end,
/// however long the file becomes.
///
/// If others have locked a part of it, or requests of this process wait for the same lock, it
/// begins a request and returns its number, negated. If it `looks_once`, it begins no request and
/// returns 0, and requests of others do not count.
#[napi]
pub fn lock_range(handle: &External<Handle>, start: f64, stop: f64, exclusive: bool, looks_once: bool) -> Outcome<f64> {
    let lock = |mapping: &Mapping| {
        let stop = if stop == f64::INFINITY { None } else { Some(file_size(stop)?) };
        let wanted = mapping.wanted_lock(file_size(start)?, stop, exclusive)?;
        let locks = mapping.range_locks()?;
        match locks.try_lock(&wanted, looks_once)? {
            Some(number) => Ok(number as f64),
            None if looks_once => Ok(0.0),
            None => Ok(-(locks.request(&wanted)? as f64)),
        }
    };
    handle.with(lock).into()
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

/// Ends a request that waits, or releases a lock; with `timed_out` it only ends a request. Without
/// either, it does nothing.
#[napi]
pub fn end_range_lock(handle: &External<Handle>, number: f64, timed_out: bool) {
    let number = number as u64;
    // Closing the mapping has ended all its requests and locks.
    let _ = handle.with(|mapping| {
        let locks = mapping.range_locks()?;
        let outcome = if timed_out { Ok(false) } else { Err(Error::Aborted) };
        if !locks.end(number, outcome) && !timed_out {
            locks.release(number);
        }
        Ok(())
    });
}

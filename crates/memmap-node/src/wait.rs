//! Waiting for a word of a mapping, and waking those who wait.

use crate::environment;
use crate::error::{Outcome, check, has_been_thrown};
use crate::handle::{Handle, index};
use crate::promise::new_promise;
use memmap_core::{Result, SlicedWait, Wait, WaitPool, WaitResult};
use napi::bindgen_prelude::{Either, External, Unknown};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::ptr;
use std::time::Duration;

/// Blocks the thread while the word at `position` is `value`. Returns 0 when it has been woken, 1
/// when the word had another value, 2 when `timeout` milliseconds are over. It calls `look` every
/// 50 ms, because a runtime that wants to end the thread does that when a function of JavaScript
/// begins.
#[napi(ts_return_type = "Outcome<number>")]
pub fn wait(
    env: Env,
    handle: &External<Handle>,
    position: f64,
    value: i32,
    timeout: f64,
    #[napi(ts_arg_type = "() => void")] look: Unknown,
) -> napi::Result<Outcome<u32>> {
    let mut wait = SlicedWait::blocking(value.cast_unsigned(), duration(timeout));
    loop {
        let slice = handle.with(|mapping| wait.next_slice(&mapping.word(index(position)?)?));
        match slice.transpose() {
            Some(result) => return Ok(result.map(|result| result as u32).into()),
            None => call(env, look)?,
        }
    }
}

/// Like `wait`, as a promise, on a thread of our own. A result that is known at once is no promise.
/// `number` is for `abortWait`.
#[napi(ts_return_type = "Outcome<number | Promise<Outcome<number>>>")]
pub fn start_wait(
    env: Env,
    handle: &External<Handle>,
    position: f64,
    value: i32,
    timeout: f64,
    number: u32,
) -> Outcome<Either<f64, Unknown<'static>>> {
    let start = || {
        let (value, timeout) = (value.cast_unsigned(), duration(timeout));
        let word = handle.with(|mapping| mapping.word(index(position)?))?;
        if let Some(result) = SlicedWait::look(&word, value, timeout)? {
            return Ok(Either::A(f64::from(result as u32)));
        }
        let place = WaitPool::reserve()?;
        let (promise, resolve) = new_promise(env)?;
        let done = move |result: Result<WaitResult>| resolve(result.map(|result| f64::from(result as u32)).into());
        let wait = Wait::begin(place, number, word, value, timeout, done);
        handle.add_wait(&wait);
        environment::add_wait(env, &wait).inspect_err(|_| wait.abort())?;
        Ok(Either::B(promise))
    };
    start().into()
}

/// Ends a wait that `startWait` has begun with this number. Its promise has the error ABORT_ERR
/// then, unless it was over before.
#[napi]
pub fn abort_wait(handle: &External<Handle>, number: u32) {
    if let Some(wait) = handle.wait(number) {
        wait.abort();
    }
}

/// Wakes up to `count` of those who wait for the word at `position`, and returns how many. A count
/// of 2 ** 32 - 1 means all.
#[napi]
pub fn notify(handle: &External<Handle>, position: f64, count: u32) -> Outcome<u32> {
    handle.with(|mapping| mapping.word(index(position)?)?.notify(count)).into()
}

/// Milliseconds as a duration, or `None` for one that has no end.
fn duration(milliseconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// Calls a function without arguments.
pub fn call(env: Env, function: Unknown) -> napi::Result<()> {
    let call = || {
        let (mut this, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `this` is written on success.
        check(unsafe { sys::napi_get_undefined(env.raw(), &mut this) })?;
        // SAFETY: both are live values of this environment, and there are no arguments.
        check(unsafe { sys::napi_call_function(env.raw(), this, function.raw(), 0, ptr::null(), &mut result) })
    };
    let mut scope = ptr::null_mut();
    // A wait may call it any number of times, so the values of each call are given up after it.
    // SAFETY: `scope` is written on success.
    check(unsafe { sys::napi_open_handle_scope(env.raw(), &mut scope) }).map_err(|_| has_been_thrown())?;
    let called = call();
    // SAFETY: the scope has just been opened, and no value of it is used any more.
    let closed = check(unsafe { sys::napi_close_handle_scope(env.raw(), scope) });
    // The function throws nothing itself: the runtime ends the thread.
    called.and(closed).map_err(|_| has_been_thrown())
}

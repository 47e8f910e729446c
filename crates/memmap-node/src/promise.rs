//! Promises that another thread resolves.

use crate::error::Outcome;
use memmap_core::{Error, Result};
use napi::bindgen_prelude::{ToNapiValue, Unknown};
use napi::{Env, JsValue};

/// A new promise, and the function that resolves it, which any thread may call. The function must
/// be called, because the runtime waits for it.
///
/// The promise is resolved with an error, too, for the same reason for which functions return
/// errors.
///
/// # Errors
///
/// `Unsupported`, because the environment is ending.
pub fn new_promise<T: ToNapiValue + 'static>(env: Env) -> Result<(Unknown<'static>, impl FnOnce(Outcome<T>) + use<T>)> {
    let (deferred, promise) = env.create_deferred().map_err(|_| Error::Unsupported("this runtime gives no promise"))?;
    // SAFETY: a value that this environment has just made.
    let promise = unsafe { Unknown::from_raw_unchecked(env.raw(), promise.raw()) };
    Ok((promise, move |outcome| deferred.resolve(move |_| Ok(outcome))))
}

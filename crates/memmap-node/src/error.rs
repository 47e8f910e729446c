//! Core errors as JavaScript errors: class, `code`, Node's `errno` and `syscall`, and what was lost.

use memmap_core::Error;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Status, sys};
use std::ffi::{CStr, CString};
use std::{fmt, ptr};

/// Throws `error` in JavaScript and gives what napi-rs takes for "has been thrown".
pub fn throw(env: Env, error: &Error) -> napi::Error {
    throw_with(env, error, &[])
}

/// The same for an error that says more than the core knows of: these numbers are properties of it.
pub fn throw_with(env: Env, error: &Error, numbers: &[(&str, f64)]) -> napi::Error {
    let thrown = object(env, error, numbers).and_then(|value| {
        // SAFETY: the value was made by this environment in this call.
        check(unsafe { sys::napi_throw(env.raw(), value) })
    });
    if thrown.is_err() {
        // The engine cannot make such an object. It may be able to make a smaller one.
        throw_plain(env, error.code(), &error.to_string());
    }
    has_been_thrown()
}

/// Throws an error of nothing but a class, a code and a message.
fn throw_plain(env: Env, code: &str, message: &str) {
    let (code, message) = (CString::new(code).unwrap_or_default(), CString::new(message).unwrap_or_default());
    // SAFETY: both end with a null byte. If it fails there is an exception already, or nobody to
    // get one.
    let _ = unsafe { sys::napi_throw_error(env.raw(), code.as_ptr(), message.as_ptr()) };
}

/// Throws that an argument is not what it must be.
pub fn throw_wrong_type(env: Env, message: &CStr) -> napi::Error {
    // SAFETY: both end with a null byte. If it fails there is an exception already, or nobody to
    // get one.
    let _ = unsafe { sys::napi_throw_type_error(env.raw(), c"ERR_INVALID_ARG_TYPE".as_ptr(), message.as_ptr()) };
    has_been_thrown()
}

/// What napi-rs takes for "has been thrown". Its own errors have one of its statuses for a `code`:
/// none of them may be what a function returns.
fn has_been_thrown() -> napi::Error {
    napi::Error::new(Status::PendingException, "")
}

/// What went wrong as a value, for TypeScript to throw when it has done what must be done in any
/// case.
///
/// # Errors
///
/// Has been thrown: the engine cannot make an object.
pub fn returned(env: Env, result: memmap_core::Result<()>) -> napi::Result<Option<Unknown<'static>>> {
    let Err(error) = result else { return Ok(None) };
    let value = object(env, &error, &[]).map_err(|_| throw(env, &error))?;
    // SAFETY: a value that this environment has just made.
    Ok(Some(unsafe { Unknown::from_raw_unchecked(env.raw(), value) }))
}

/// The error as what a promise is rejected with.
pub fn rejection(env: Env, error: &Error, numbers: &[(&str, f64)]) -> napi::Error {
    match object(env, error, numbers) {
        // SAFETY: a value that this environment has just made.
        Ok(value) => napi::Error::from(unsafe { Unknown::from_raw_unchecked(env.raw(), value) }),
        // Nor could the engine make one of anything else.
        Err(_) => has_been_thrown(),
    }
}

fn object(env: Env, error: &Error, numbers: &[(&str, f64)]) -> Result<sys::napi_value, Refusal> {
    let object = Object::error(env.raw(), error)?;
    match error {
        Error::System(system) => {
            object.set_number("errno", system.errno.into())?;
            object.set_string("syscall", system.syscall)?;
        }
        Error::Fault { offset, length } => {
            object.set_number("offset", *offset as f64)?;
            object.set_number("length", *length as f64)?;
        }
        _ => {}
    }
    for (name, number) in numbers {
        object.set_number(name, *number)?;
    }
    Ok(object.value)
}

/// What the engine says of a call that has failed. No error of napi-rs, so that none can become
/// what a function returns: it would reach JavaScript with a status for its `code`.
#[derive(Debug)]
pub struct Refusal(Status);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node-API says {}", self.0)
    }
}

/// A Node-API status as a Result.
pub(crate) fn check(status: sys::napi_status) -> Result<(), Refusal> {
    match Status::from(status) {
        Status::Ok => Ok(()),
        status => Err(Refusal(status)),
    }
}

struct Object {
    env: sys::napi_env,
    value: sys::napi_value,
}

impl Object {
    fn error(env: sys::napi_env, error: &Error) -> Result<Object, Refusal> {
        let code = string(env, error.code())?;
        let message = string(env, &error.to_string())?;
        let create = match error.code() {
            "ERR_OUT_OF_RANGE" => sys::napi_create_range_error,
            "ERR_INVALID_ARG_VALUE" | "ERR_MMAP_READONLY" => sys::napi_create_type_error,
            _ => sys::napi_create_error,
        };
        let mut value = ptr::null_mut();
        // SAFETY: `code` and `message` are strings of this environment; `value` is written on success.
        check(unsafe { create(env, code, message, &mut value) })?;
        Ok(Object { env, value })
    }

    fn set_number(&self, name: &str, number: f64) -> Result<(), Refusal> {
        let mut value = ptr::null_mut();
        // SAFETY: `env` is the current environment; `value` is written on success.
        check(unsafe { sys::napi_create_double(self.env, number, &mut value) })?;
        self.set(name, value)
    }

    fn set_string(&self, name: &str, text: &str) -> Result<(), Refusal> {
        self.set(name, string(self.env, text)?)
    }

    fn set(&self, name: &str, value: sys::napi_value) -> Result<(), Refusal> {
        let name = string(self.env, name)?;
        // SAFETY: object, name and value belong to this environment and are alive in this call's scope.
        check(unsafe { sys::napi_set_property(self.env, self.value, name, value) })
    }
}

fn string(env: sys::napi_env, text: &str) -> Result<sys::napi_value, Refusal> {
    let mut value = ptr::null_mut();
    // SAFETY: `text` is readable for its length, which is given; `value` is written on success.
    check(unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut value) })?;
    Ok(value)
}

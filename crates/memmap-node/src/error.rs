//! Results and errors of the core as values of JavaScript: the class of an error, its `code`, the
//! `errno` and `syscall` that Node's have, and what was lost.
//!
//! A function returns an error, and TypeScript throws it. With `node --abort-on-uncaught-exception`
//! an error that native code throws counts as uncaught although JavaScript catches it, because V8
//! finds the C++ handler in which Node-API throws, and does not count it as one that catches.
//!
//! Only two kinds of errors are thrown here: those of arguments of the wrong type, which are
//! defects of TypeScript's half, and those of an engine that has no memory for an object.

use memmap_core::Error;
use napi::bindgen_prelude::ToNapiValue;
use napi::{Env, Status, sys};
use std::ffi::{CStr, CString};
use std::{fmt, ptr};

/// What a function returns to JavaScript: its value, or an Error object. (The failure is in a box,
/// because to move it at every call would cost a call some percent.)
pub struct Outcome<T>(Result<T, Box<Failure>>);

/// An error of the core, and what only the binding knows of it.
struct Failure {
    error: Error,
    /// How many matches had been replaced before the error.
    replaced: Option<usize>,
}

impl<T> From<memmap_core::Result<T>> for Outcome<T> {
    fn from(result: memmap_core::Result<T>) -> Self {
        Outcome(result.map_err(|error| Failure::new(error, None)))
    }
}

impl Outcome<f64> {
    /// How many matches were replaced, which an error has as a property.
    pub fn of_replacing(result: memmap_core::Result<()>, replaced: usize) -> Self {
        Outcome(match result {
            Ok(()) => Ok(replaced as f64),
            Err(error) => Err(Failure::new(error, Some(replaced))),
        })
    }
}

impl<T: ToNapiValue> ToNapiValue for Outcome<T> {
    unsafe fn to_napi_value(env: sys::napi_env, outcome: Self) -> napi::Result<sys::napi_value> {
        match outcome.0 {
            // SAFETY: the caller promises that `env` is the current environment.
            Ok(value) => unsafe { T::to_napi_value(env, value) },
            Err(failure) => failure.object(env),
        }
    }
}

impl Failure {
    #[cold]
    fn new(error: Error, replaced: Option<usize>) -> Box<Failure> {
        Box::new(Failure { error, replaced })
    }

    /// An Error object. The engine gives it the stack of the function that is being called.
    #[cold]
    fn object(&self, env: sys::napi_env) -> napi::Result<sys::napi_value> {
        self.whole_object(env).map_err(|_| {
            // The engine cannot make such an object. It may be able to make a smaller one.
            throw_plain(env, self.error.code(), &self.error.to_string());
            has_been_thrown()
        })
    }

    fn whole_object(&self, env: sys::napi_env) -> Result<sys::napi_value, Refusal> {
        let object = Object::error(env, &self.error)?;
        match &self.error {
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
        if let Some(replaced) = self.replaced {
            object.set_number("replaced", replaced as f64)?;
        }
        Ok(object.value)
    }
}

/// Throws an error that has only a class, a code and a message.
fn throw_plain(env: sys::napi_env, code: &str, message: &str) {
    let (code, message) = (CString::new(code).unwrap_or_default(), CString::new(message).unwrap_or_default());
    // SAFETY: both end with a null byte. If it fails, there is an exception already, or nothing
    // that could receive one.
    let _ = unsafe { sys::napi_throw_error(env, code.as_ptr(), message.as_ptr()) };
}

/// Throws that an argument has the wrong type.
pub fn throw_wrong_type(env: Env, message: &CStr) -> napi::Error {
    // SAFETY: both end with a null byte. If it fails, there is an exception already, or nothing
    // that could receive one.
    let _ = unsafe { sys::napi_throw_type_error(env.raw(), c"ERR_INVALID_ARG_TYPE".as_ptr(), message.as_ptr()) };
    has_been_thrown()
}

/// The error by which napi-rs knows that an exception is pending. The errors that napi-rs makes
/// itself have a status of Node-API for a `code`, which no function may return.
pub fn has_been_thrown() -> napi::Error {
    napi::Error::new(Status::PendingException, "")
}

/// What the engine says of a call that has failed. It is no error of napi-rs, so that none can
/// become what a function returns: it would reach JavaScript with a status for its `code`.
#[derive(Debug)]
pub struct Refusal(Status);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node-API says {}", self.0)
    }
}

/// A Node-API status as a Result.
pub fn check(status: sys::napi_status) -> Result<(), Refusal> {
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
        // SAFETY: `code` and `message` are strings of this environment; `value` is written on
        // success.
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
        // SAFETY: object, name and value belong to this environment and are alive in the scope of
        // this call.
        check(unsafe { sys::napi_set_property(self.env, self.value, name, value) })
    }
}

fn string(env: sys::napi_env, text: &str) -> Result<sys::napi_value, Refusal> {
    let mut value = ptr::null_mut();
    // SAFETY: `text` is readable for its length, which is given; `value` is written on success.
    check(unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut value) })?;
    Ok(value)
}

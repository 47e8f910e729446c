//! memmap-core for JavaScript. This crate converts values and decides nothing.
//!
//! * [`handle`]: what TypeScript keeps of a mapping, and numbers of JavaScript as numbers of Rust.
//! * [`mapping`]: opening, closing, lengths and pages.
//! * [`bytes`]: copying bytes in and out.
//! * [`search`]: finding, counting and replacing.
//! * [`regexp`]: the same for what a regular expression matches.
//! * [`buffer`]: ArrayBuffers over a mapping, which JavaScript gets.
//! * [`exported`]: records of those, and what each keeps alive.
//! * [`typed_array`]: typed arrays of the caller, which native code gets.
//! * [`task`]: work on another thread, as a promise.
//! * [`promise`]: promises that another thread resolves.
//! * [`wait`]: waiting for a word, and waking those who wait.
//! * [`range_lock`]: locks on ranges of a file.
//! * [`environment`]: what must end when a thread of JavaScript ends.
//! * [`error`]: results and errors of the core as values of JavaScript.
//! * [`system`]: constants and page sizes.
//!
//! TypeScript checks all arguments, because it knows the names under which the user gave them. What
//! is checked again here is what memory safety rests on.

use napi_derive::module_init;

pub mod buffer;
pub mod bytes;
pub mod environment;
pub mod error;
pub mod exported;
pub mod handle;
pub mod mapping;
pub mod promise;
pub mod range_lock;
pub mod regexp;
pub mod search;
pub mod system;
pub mod task;
pub mod typed_array;
pub mod wait;

#[module_init]
fn stay_loaded() {
    memmap_core::sys::pin_library();
}

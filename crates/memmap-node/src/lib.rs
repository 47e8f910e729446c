//! memmap-core for JavaScript. This crate converts, and decides nothing.
//!
//! * [`mapping`]: what the TypeScript class `Mmap` calls.
//! * [`buffer`]: an ArrayBuffer over a Region, and bytes of a caller's buffer.
//! * [`task`]: what runs on another thread, as a promise.
//! * [`environment`]: mappings that are still open and tasks that still run when their thread ends.
//! * [`error`]: core errors as JavaScript errors.
//! * [`system`]: constants and page sizes.
//!
//! Arguments come checked from TypeScript, where the user's words for them are known. What is checked again here is what memory
//! safety rests on.

use napi_derive::module_init;

pub mod buffer;
pub mod environment;
pub mod error;
pub mod mapping;
pub mod system;
pub mod task;

#[module_init]
fn stay_loaded() {
    memmap_core::sys::pin_library();
}

//! Unix: Linux, macOS, the BSDs.

mod errno;
mod fault;
mod file;
mod library;
#[cfg(target_vendor = "apple")]
mod mach;
mod memory;
mod named;

pub mod constants;

pub use fault::install_fault_handler;
pub use file::File;
pub use library::{host_symbol, pin_library};
pub use memory::{
    CAN_GROW_SHARED_ANONYMOUS, CAN_TRUNCATE_WHILE_MAPPED, Memory, PRIVATE_IS_SNAPSHOT, plan_from_flags, plan_from_prot,
};
pub use named::{Named, leave_all};

use crate::error::Error;
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Bytes in a page.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// What an offset is a multiple of when the operating system maps it: a page.
pub fn allocation_granularity() -> usize {
    page_size()
}

/// A path from its bytes, which need not be UTF-8.
pub fn path_from_bytes(bytes: Vec<u8>) -> OsString {
    OsString::from_vec(bytes)
}

/// The error of asking something of a descriptor that was not kept.
pub(crate) fn no_descriptor(syscall: &'static str) -> Error {
    errno::failed(syscall)(Errno::BADF)
}

/// The error of wanting to write to a file that was opened for reading.
pub(crate) fn not_writable(syscall: &'static str) -> Error {
    errno::failed(syscall)(Errno::ACCESS)
}

/// The error of a thread that could not be started.
pub(crate) fn no_thread(error: &std::io::Error) -> Error {
    errno::failed("pthread_create")(Errno::from_io_error(error).unwrap_or(Errno::AGAIN))
}

/// The error of having no room.
pub(crate) fn no_memory(syscall: &'static str) -> Error {
    errno::failed(syscall)(Errno::NOMEM)
}

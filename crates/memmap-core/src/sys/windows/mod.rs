//! Windows.

mod bell;
mod create;
mod error;
mod file;
mod library;
mod lock_file;
mod memory;
mod named;
mod page;
mod pages;
mod plan;
mod posix_shm;
mod wait;

pub mod constants;

pub use create::{Creation, file_exists};
pub use file::File;
pub use library::{host_symbol, pin_library};
pub use lock_file::LockFile;
pub use memory::{CAN_GROW_SHARED_ANONYMOUS, CAN_MAP_BEYOND_END, CAN_TRUNCATE_WHILE_MAPPED, Memory};
pub use named::{Named, leave_named_regions};
pub use page::{allocation_granularity, page_size};
pub use plan::{PRIVATE_IS_SNAPSHOT, plan_from_flags, plan_from_prot};
pub use posix_shm::{open_shm, unlink_shm};
pub use wait::{Spot, Waiters};

use crate::error::Error;
use crate::fault_registry::Object;
use std::ffi::OsString;

/// Whether a fault handler can find out what is mapped at an address. Windows has no handler.
pub const TELLS_WHAT_IS_MAPPED: bool = false;

/// Always `None`, because Windows has no fault handler.
pub(crate) fn object_at(_address: usize, _file: (u64, u64)) -> Option<Object> {
    None
}

/// The limit on open descriptors of this process, if there is one. Handles have no limit that
/// matters.
pub fn descriptors_allowed() -> Option<u64> {
    None
}

/// A path from its bytes, which Node takes for UTF-8 on Windows. Like there, invalid bytes become
/// U+FFFD.
pub fn path_from_bytes(bytes: Vec<u8>) -> OsString {
    match String::from_utf8(bytes) {
        Ok(path) => path.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    }
}

/// The error of an operation that needs a descriptor, where none was kept.
pub(crate) fn no_descriptor(syscall: &'static str) -> Error {
    error::failed(syscall, error::EBADF)
}

/// The error of resizing something whose size is fixed.
pub(crate) fn not_resizable() -> Error {
    error::failed("ftruncate", error::EINVAL)
}

/// The error of writing to a file that was opened for reading only.
pub(crate) fn not_writable(syscall: &'static str) -> Error {
    error::failed(syscall, error::EACCES)
}

/// The error of asking which pages of another user's file are in memory. Windows always tells.
pub(crate) fn residency_unknown() -> Error {
    error::failed("mincore", error::EACCES)
}

/// The error of a thread that could not be started.
pub(crate) fn no_thread(_: &std::io::Error) -> Error {
    error::failed("CreateThread", error::EAGAIN)
}

/// The error of an allocation that failed.
pub(crate) fn no_memory(syscall: &'static str) -> Error {
    error::failed(syscall, error::ENOMEM)
}

/// Whether there is a fault handler. Windows needs none for truncation, because nobody can truncate
/// a mapped file. If a device fails (EXCEPTION_IN_PAGE_ERROR), the view cannot be replaced by zeros
/// in one step as on Unix.
pub fn install_fault_handler() -> bool {
    false
}

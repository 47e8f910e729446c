//! Unix: Linux, macOS and the BSDs.

mod create;
mod errno;
mod fault_handler;
mod file;
mod library;
mod limits;
mod lock_file;
#[cfg(target_vendor = "apple")]
mod mach;
mod mapping_limit;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod maps;
mod memory;
mod named;
mod page;
mod pages;
mod plan;
mod posix_shm;
mod record_lock;
mod replace;
mod shm;
mod unmappable;
mod wait;

pub mod constants;

pub use create::{Creation, file_exists};
pub(crate) use errno::no_descriptor;
pub use fault_handler::install_fault_handler;
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
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Whether the fault handler can find out what is mapped at an address.
pub const TELLS_WHAT_IS_MAPPED: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How the system names the file that is mapped at an address, given the numbers of its device and
/// of the file on it. `None` where the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn object_at(address: usize, file: (u64, u64)) -> Option<Object> {
    maps::object_at(address, file)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn object_at(_address: usize, _file: (u64, u64)) -> Option<Object> {
    None
}

/// The limit on open descriptors of this process, if there is one.
pub fn descriptors_allowed() -> Option<u64> {
    limits::descriptors()
}

/// A path from its bytes, which need not be UTF-8.
pub fn path_from_bytes(bytes: Vec<u8>) -> OsString {
    OsString::from_vec(bytes)
}

/// The error of resizing something whose size is fixed.
pub(crate) fn not_resizable() -> Error {
    errno::failed("ftruncate")(Errno::INVAL)
}

/// The error of writing to a file that was opened for reading only.
pub(crate) fn not_writable(syscall: &'static str) -> Error {
    errno::failed(syscall)(Errno::ACCESS)
}

/// The error of asking which pages of another user's file are in memory.
pub(crate) fn residency_unknown() -> Error {
    errno::failed_because(
        Errno::PERM,
        "mincore",
        "this system does not tell it of a file that the process neither owns nor may write",
    )
}

/// The error of a thread that could not be started.
pub(crate) fn no_thread(error: &std::io::Error) -> Error {
    errno::failed("pthread_create")(Errno::from_io_error(error).unwrap_or(Errno::AGAIN))
}

/// The error of an allocation that failed.
pub(crate) fn no_memory(syscall: &'static str) -> Error {
    errno::failed(syscall)(Errno::NOMEM)
}

//! Windows.

mod create;
mod error;
mod file;
mod library;
mod memory;
mod named;
mod pages;
mod plan;

pub mod constants;

pub use create::Creation;
pub use file::File;
pub use library::{host_symbol, pin_library};
pub use memory::{CAN_GROW_SHARED_ANONYMOUS, CAN_MAP_BEYOND_END, CAN_TRUNCATE_WHILE_MAPPED, Memory};
pub use named::{Named, leave_named_regions};
pub use plan::{PRIVATE_IS_SNAPSHOT, plan_from_flags, plan_from_prot};

use crate::error::Error;
use crate::fault_registry::Object;
use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

/// Bytes in a page.
pub fn page_size() -> usize {
    system().page_size
}

/// What an offset is a multiple of when the operating system maps it: 64 KiB on every Windows so far.
pub fn allocation_granularity() -> usize {
    system().allocation_granularity
}

/// Whether a fault handler can ask what is mapped at an address. There is no handler.
pub const TELLS_WHAT_IS_MAPPED: bool = false;

/// Nobody asks.
pub(crate) fn object_at(_address: usize, _file: (u64, u64)) -> Option<Object> {
    None
}

/// How many descriptors this process may have open, if there is a limit. Handles have none that is
/// worth telling.
pub fn descriptors_allowed() -> Option<u64> {
    None
}

/// A path from its bytes, which Node takes for UTF-8 on Windows. What is none becomes U+FFFD, as it does there.
pub fn path_from_bytes(bytes: Vec<u8>) -> OsString {
    match String::from_utf8(bytes) {
        Ok(path) => path.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    }
}

/// The error of asking something of a descriptor that was not kept.
pub(crate) fn no_descriptor(syscall: &'static str) -> Error {
    error::failed(syscall, error::EBADF)
}

/// The error of resizing what has no size of its own.
pub(crate) fn not_resizable() -> Error {
    error::failed("ftruncate", error::EINVAL)
}

/// The error of wanting to write to a file that was opened for reading.
pub(crate) fn not_writable(syscall: &'static str) -> Error {
    error::failed(syscall, error::EACCES)
}

/// The error of asking which pages of somebody else's file are in memory. Windows always tells.
pub(crate) fn residency_unknown() -> Error {
    error::failed("mincore", error::EACCES)
}

/// The error of a thread that could not be started.
pub(crate) fn no_thread(_: &std::io::Error) -> Error {
    no_memory("CreateThread")
}

/// The error of having no room.
pub(crate) fn no_memory(syscall: &'static str) -> Error {
    error::failed(syscall, error::ENOMEM)
}

/// The low and the high half of an offset or a size, as Windows takes them.
fn halves(number: u64) -> [u32; 2] {
    // Each is what fits.
    [number as u32, (number >> 32) as u32]
}

struct System {
    page_size: usize,
    allocation_granularity: usize,
}

fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let mut info = MaybeUninit::<SYSTEM_INFO>::zeroed();
        // SAFETY: `info` is writable for the size of a SYSTEM_INFO.
        unsafe { GetSystemInfo(info.as_mut_ptr()) };
        // SAFETY: the call, which cannot fail, has filled `info` in, and all zeros is a SYSTEM_INFO too.
        let info = unsafe { info.assume_init() };
        System {
            // Both fit a usize, and neither is 0 on a system that runs.
            page_size: (info.dwPageSize as usize).max(1),
            allocation_granularity: (info.dwAllocationGranularity as usize).max(1),
        }
    })
}

/// Whether pages that cannot be had are answered. Not here: Windows lets nobody truncate a file that is mapped, and a view
/// whose device fails (EXCEPTION_IN_PAGE_ERROR) cannot be replaced by zeros in one step, as it could on Unix.
pub fn install_fault_handler() -> bool {
    false
}

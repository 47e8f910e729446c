//! All that differs between operating systems and processors, and all direct calls of the system.
//!
//! [`vector`] is about processors. `unix/` and `windows/` export the same names:
//!
//! * [`File`]: something that can be mapped, with a descriptor of its own.
//! * [`Creation`]: a file that is created when it is missing.
//! * [`Memory`]: mapped pages. Dropping it unmaps them.
//! * [`Named`]: this process's use of a named region. Dropping it leaves the region, and the last
//!   process to leave removes the name.
//! * [`page_size`], [`allocation_granularity`], [`descriptors_allowed`], [`constants`],
//!   [`plan_from_flags`], [`plan_from_prot`], [`path_from_bytes`], [`pin_library`],
//!   [`host_symbol`], [`install_fault_handler`], [`leave_named_regions`].

pub mod vector;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// What has become of a file that was made without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, expect(dead_code, reason = "every file has its name from the start there"))]
pub(crate) enum Finished {
    /// It has its name.
    Named,
    /// Somebody else has made a file with that name meanwhile.
    Taken,
    /// The system gives names to no such files: a security module may forbid it.
    Refused,
}

/// How many pages of a range are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residency {
    /// Pages that are in memory.
    pub resident: usize,
    /// Pages in the range.
    pub total: usize,
}

/// A part of a mapping in whole pages, for calls of the operating system.
#[derive(Debug, Clone, Copy)]
struct PageSpan {
    address: *mut u8,
    length: usize,
}

impl PageSpan {
    /// The whole pages that contain `[start, start + length)`.
    #[cfg(windows)]
    fn around(start: *mut u8, length: usize) -> PageSpan {
        PageSpan::of_pages(start, length, page_size())
    }

    /// The pages of `page` bytes that contain `[start, start + length)`.
    fn of_pages(start: *mut u8, length: usize, page: usize) -> PageSpan {
        let lead = start.addr() % page;
        PageSpan { address: start.wrapping_sub(lead), length: length + lead }
    }

    fn pages(self) -> usize {
        self.length.div_ceil(page_size())
    }
}

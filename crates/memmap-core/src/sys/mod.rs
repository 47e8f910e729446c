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

mod span;
pub mod vector;

pub use span::{Reservation, Residency};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// How [`Creation`] creates a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFile {
    /// The permissions, from which the process's umask removes some. On Windows, a file without any
    /// permission to write becomes read-only, and nothing else has an effect.
    pub mode: u32,
    /// Whether it is an error if the name exists already.
    pub exclusive: bool,
}

impl Default for NewFile {
    fn default() -> NewFile {
        NewFile { mode: 0o666, exclusive: false }
    }
}

/// The result of giving a new file its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The file has its name.
    Named,
    /// Somebody else has created a file with that name meanwhile.
    Taken,
    /// The system gives no name to such a file, for example because a security module forbids it.
    Refused,
}

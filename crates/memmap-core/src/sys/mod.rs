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

pub use span::Residency;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// How [`Creation`] makes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFile {
    /// Its permissions, from which the process's umask takes away. On Windows those to write, if
    /// there are none, make it read-only, and nothing else counts.
    pub mode: u32,
    /// There must be nothing yet that has the name.
    pub exclusive: bool,
}

impl Default for NewFile {
    fn default() -> NewFile {
        NewFile { mode: 0o666, exclusive: false }
    }
}

/// What has become of a file that was made without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It has its name.
    Named,
    /// Somebody else has made a file with that name meanwhile.
    Taken,
    /// The system gives names to no such files: a security module may forbid it.
    Refused,
}

//! All that differs between operating systems and processors, and all direct calls of the system.
//!
//! [`vector`] is about processors. `unix/` and `windows/` export the same names:
//!
//! * [`File`]: something that can be mapped, with a descriptor of its own.
//! * [`Creation`]: a file that is created when it is missing.
//! * [`Memory`]: mapped pages. Dropping it unmaps them.
//! * [`Named`]: this process's use of a named region. Dropping it leaves the region, and the last
//!   process to leave removes the name.
//! * [`Waiters`] and [`Spot`]: words at which threads of several processes sleep.
//! * [`open_shm`], [`unlink_shm`]: POSIX shared memory, or what the system has in its place.
//! * [`LockFile`]: an open file for a lock on a range of a file or named region.
//! * [`page_size`], [`allocation_granularity`], [`descriptors_allowed`], [`constants`],
//!   [`plan_from_flags`], [`plan_from_prot`], [`path_from_bytes`], [`pin_library`],
//!   [`host_symbol`], [`install_fault_handler`], [`leave_named_regions`].

mod new_file;
mod shm_object;
mod slept;
mod span;
pub mod vector;
#[cfg(windows)]
mod wait_table;

pub use new_file::{Finished, NewFile};
pub use shm_object::{ShmObject, ShmRequest};
pub use slept::Slept;
pub use span::{Reservation, Residency};

// Tests compile the table with other types of this name.
#[cfg(windows)]
use std::sync;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

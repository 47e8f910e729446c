//! What opening POSIX shared memory takes and gives.

use super::{Creation, Memory, Named};
use crate::access::Plan;
use crate::sys::new_file::NewFile;

/// Which shared memory to open, and how.
#[derive(Debug, Clone, Copy)]
pub struct ShmRequest<'a> {
    /// The name, without the slash that shm_open(3) wants before it.
    pub name: &'a str,
    /// The position in it of the first byte to map.
    pub offset: u64,
    /// The number of bytes to map. 0 means all the rest.
    pub length: usize,
    /// How to map it.
    pub plan: &'a Plan,
    /// How to create it if it is missing. `None` if that is an error.
    pub create: Option<NewFile>,
}

/// Shared memory that is open.
#[derive(Debug)]
pub enum ShmObject {
    /// It has a descriptor, and is mapped like a file.
    File(Creation),
    /// It is a section without a descriptor, and mapped already. The last field tells whether it
    /// has been created.
    Section(Memory, Named, bool),
}

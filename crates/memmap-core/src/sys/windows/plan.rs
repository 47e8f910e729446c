//! Why there are no plans by `flags` and `prot`: Windows has no mmap(2) and no mprotect(2).

use crate::access::Plan;
use crate::error::{Error, Result};

/// Whether private pages are those of the moment of mapping. Here those that nobody stored to show the file.
pub const PRIVATE_IS_SNAPSHOT: bool = false;

pub(super) const PROTECT_UNSUPPORTED: Error =
    Error::Unsupported("protect is not available on Windows: a mapping keeps the access it was opened with");

/// `prot` alone is what `protect` takes.
pub fn plan_from_prot(_prot: i32, _syscall: &'static str) -> Result<Plan> {
    Err(PROTECT_UNSUPPORTED)
}

/// There are no flags of mmap(2) on Windows; see `plan_from_flags`.
pub fn plan_from_flags(_flags: i32, _prot: i32) -> Result<Plan> {
    Err(Error::Unsupported("\"flags\" and \"prot\" are not available on Windows: use \"access\""))
}

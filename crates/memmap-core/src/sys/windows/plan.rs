//! Plans on Windows, which has no flags of mmap(2) and no mprotect(2).

use crate::access::Plan;
use crate::error::{Error, Result};

/// Whether private pages show the file as it was when it was mapped. On Windows, pages that nobody
/// stored to show the current file.
pub const PRIVATE_IS_SNAPSHOT: bool = false;

pub(super) const PROTECT_UNSUPPORTED: Error =
    Error::Unsupported("protect is not available on Windows: a mapping keeps the access it was opened with");

/// Always an error, because Windows cannot change the protection of a file's mapping.
pub fn plan_from_prot(_prot: i32, _syscall: &'static str) -> Result<Plan> {
    Err(PROTECT_UNSUPPORTED)
}

/// Always an error, because Windows has no flags of mmap(2).
///
/// # Errors
///
/// ERR_MMAP_UNSUPPORTED.
pub fn plan_from_flags(_flags: i32, _prot: i32) -> Result<Plan> {
    Err(Error::Unsupported("\"flags\" and \"prot\" are not available on Windows: use \"access\""))
}

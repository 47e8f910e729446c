//! What Windows has in the place of POSIX shared memory: a section of that name, which is also what
//! Python's SharedMemory opens.

use super::error::{EEXIST, ENOENT, failed};
use super::named::Named;
use crate::error::Result;
use crate::sys::shm_object::{ShmObject, ShmRequest};

/// Opens the section of that name. If it is missing and may be created, it gets `offset + length`
/// bytes.
///
/// # Errors
///
/// ENOENT if it is missing, EEXIST if it must be, and those of [`Named::open`].
pub fn open_shm(request: &ShmRequest, _nameless: bool) -> Result<ShmObject> {
    let &ShmRequest { name, offset, length, plan, create } = request;
    let (memory, named, created) = match create {
        None => Named::join(name, offset, length, plan)?.ok_or_else(|| failed("shm_open", ENOENT))?,
        Some(new) if new.exclusive => {
            Named::create(name, offset, length, plan)?.ok_or_else(|| failed("shm_open", EEXIST))?
        }
        Some(_) => Named::open_as(name, "shm", offset, length, plan)?,
    };
    Ok(ShmObject::Section(memory, named, created))
}

/// Does nothing, because the system removes a name when nobody uses the section.
///
/// # Errors
///
/// None.
pub fn unlink_shm(_name: &str) -> Result<()> {
    Ok(())
}

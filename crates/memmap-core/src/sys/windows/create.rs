//! Files that `create` makes.

use super::error::{EEXIST, failed};
use super::file::File;
use crate::error::{Error, Result};
use crate::sys::{Finished, NewFile};
use std::ffi::OsStr;

/// A file that is there, or one that is being made.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
    /// It is one that is being made.
    pub created: bool,
}

/// How often it is tried again because others make and remove the file at the same time.
const ATTEMPTS: usize = 100;

impl Creation {
    /// Opens the file with this path; where there is none, makes one. If a later step fails, a new
    /// file stays, because others may have opened it.
    ///
    /// # Errors
    ///
    /// What CreateFile says.
    pub fn begin(path: &OsStr, _nameless: bool, new: NewFile) -> Result<Creation> {
        // As in fs, which has this bit of the mode only.
        let read_only = new.mode & 0o200 == 0;
        for _ in 0..ATTEMPTS {
            if !new.exclusive {
                match File::open(path, true) {
                    Err(Error::System(error)) if error.code == "ENOENT" => {}
                    result => return Ok(Creation { file: result?, created: false }),
                }
            }
            if let Some(file) = File::create_new(path, read_only)? {
                return Ok(Creation { file, created: true });
            }
            if new.exclusive {
                break;
            }
        }
        Err(file_exists())
    }

    /// Nothing is left to do: the file has its name from the start.
    pub fn finish(&self) -> Finished {
        Finished::Named
    }
}

/// What is said of a file that is there already and must not be.
pub fn file_exists() -> Error {
    failed("open", EEXIST)
}

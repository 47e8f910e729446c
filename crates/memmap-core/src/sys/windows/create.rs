//! Files that `create` makes.

use super::file::File;
use crate::error::Result;
use crate::sys::Finished;
use std::ffi::OsStr;

/// A file that is there, or one that is being made.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
}

impl Creation {
    /// Opens the file with this path; where there is none, makes one. If a later step fails, a new
    /// file stays, because others may have opened it.
    ///
    /// # Errors
    ///
    /// What CreateFile says.
    pub fn begin(path: &OsStr, _nameless: bool) -> Result<Creation> {
        Ok(Creation { file: File::open_or_create(path)? })
    }

    /// Nothing is left to do: the file has its name from the start.
    pub(crate) fn finish(&self) -> Finished {
        Finished::Named
    }
}

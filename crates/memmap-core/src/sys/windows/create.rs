//! Creating files.

use super::error::{EEXIST, failed};
use super::file::File;
use crate::error::{Error, Result};
use crate::sys::new_file::{Finished, NewFile};
use std::ffi::OsStr;

/// An existing file, or one that is being created.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
    /// Whether the file is being created.
    pub created: bool,
}

/// How often opening is repeated, because other processes create and remove the file at the same
/// time.
const ATTEMPTS: usize = 100;

impl Creation {
    /// Opens the file at this path, or creates one if there is none. If a later step fails, a new
    /// file stays, because others may have opened it.
    ///
    /// # Errors
    ///
    /// Those of CreateFile.
    pub fn begin(path: &OsStr, _nameless: bool, new: NewFile) -> Result<Creation> {
        // As in fs, this is the only bit of the mode that has an effect.
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

    /// Does nothing, because the file has its name from the start.
    pub fn finish(&self) -> Finished {
        Finished::Named
    }
}

/// The error if the file exists but must not.
pub fn file_exists() -> Error {
    failed("open", EEXIST)
}

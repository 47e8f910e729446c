//! What is mapped: a file, anonymous memory, a named region.

use crate::error::{Error, Result};
use crate::sys;
use std::ffi::OsString;
use std::ops::Range;
use std::sync::Arc;

/// What to map.
#[derive(Debug)]
pub enum Target {
    /// The file with this path, opened by us.
    Path(OsString),
    /// The file of a caller's descriptor, which is duplicated.
    Descriptor(i32),
    /// Memory with no file.
    Anonymous,
    /// Memory that every process of this user finds by this tag.
    Named(String),
}

/// What a mapping keeps of its target until it is closed, beside the memory.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file; no descriptor if it was not to be kept.
    File(Option<Arc<sys::File>>),
    /// Anonymous memory; no descriptor if it is private.
    Anonymous(Option<sys::File>),
    /// A named region. Each Region of it holds a clone, for it is in use as long as its memory is.
    Named(sys::Named),
}

impl Source {
    /// The descriptor that is kept, for what needs one.
    pub(crate) fn file(&self) -> Option<&sys::File> {
        match self {
            Source::File(file) => file.as_deref(),
            Source::Anonymous(file) => file.as_ref(),
            Source::Named(named) => named.file(),
        }
    }

    /// The descriptor that child processes may be given.
    pub(crate) fn inheritable(&self) -> Option<&sys::File> {
        match self {
            Source::Named(named) => named.inheritable(),
            _ => self.file(),
        }
    }
}

/// Which part of a file to map, checked against the file's size.
///
/// A length of 0 is the rest of a regular file, or of a block device. The order of the checks is
/// CPython's.
pub(crate) fn extent(status: sys::Status, offset: u64, length: u64) -> Result<usize> {
    let sys::Status { size: file_size, sized, .. } = status;
    if sized {
        if length == 0 {
            if file_size == 0 {
                return Err(Error::EmptyFile);
            }
            if offset >= file_size {
                return Err(Error::OffsetBeyondFile { offset, file_size });
            }
            return addressable(file_size - offset);
        }
        if offset > file_size || file_size - offset < length {
            return Err(Error::LengthBeyondFile { length, offset, file_size });
        }
    }
    addressable(length)
}

/// How many bytes of a named region to map: a length of 0 is the rest of it.
pub(crate) fn extent_of_region(existing: u64, offset: u64, length: usize) -> Result<usize> {
    let length = match length {
        0 if offset >= existing => return Err(Error::LengthBeyondRegion { wanted: offset, existing }),
        0 => usize::try_from(existing - offset).map_err(|_| Error::LengthTooLarge)?,
        length => length,
    };
    let wanted = offset.saturating_add(length as u64);
    if wanted > existing {
        return Err(Error::LengthBeyondRegion { wanted, existing });
    }
    Ok(length)
}

/// The part of a file that `create` makes sure of.
pub(crate) fn extent_to_create(offset: u64, length: u64) -> Result<Range<u64>> {
    Ok(offset..end_of(offset, length)?)
}

/// Where a part of a file or region ends that is to be made.
pub(crate) fn end_of(offset: u64, length: u64) -> Result<u64> {
    // The system counts in signed numbers.
    offset.checked_add(length).filter(|&end| i64::try_from(end).is_ok()).ok_or(Error::LengthTooLarge)
}

/// A length in bytes that pointers can say.
pub(crate) fn addressable(length: u64) -> Result<usize> {
    // Half the address space is the most that one allocation may have.
    isize::try_from(length).map(isize::unsigned_abs).map_err(|_| Error::LengthTooLarge)
}

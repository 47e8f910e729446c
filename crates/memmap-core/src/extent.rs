//! Which part of a file or a named region to map: checked arithmetic, without the system.

use crate::error::{Error, Result};
use std::ops::Range;

/// What [`File::status`] tells.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// Bytes in the file.
    pub size: u64,
    /// A regular file, whose size can change.
    pub regular: bool,
    /// `size` is what can be mapped: of a regular file, and of a block device.
    pub sized: bool,
    /// What tells the file from others, together with `inode`. 0 on Windows.
    pub device: u64,
    /// See `device`.
    pub inode: u64,
}

/// Which part of a file to map, checked against the file's size.
///
/// A length of 0 is the rest of a regular file, or of a block device. The order of the checks is
/// CPython's.
pub(crate) fn extent(status: Status, offset: u64, length: u64) -> Result<usize> {
    let Status { size: file_size, sized, .. } = status;
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

//! Which part of a file or named region to map: checked arithmetic without system calls.

use crate::error::{Error, Result};
use std::ops::Range;

/// What `sys::File::status` returns.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// Bytes in the file.
    pub size: u64,
    /// Whether it is a regular file, whose size can change.
    pub regular: bool,
    /// Whether `size` limits what can be mapped, as it does for regular files and block devices.
    pub sized: bool,
    /// The device's number. With `inode` it identifies the file. It is 0 on Windows.
    pub device: u64,
    /// The file's number on the device. It is 0 on Windows.
    pub inode: u64,
}

/// The number of bytes of a file to map, checked against the file's size.
///
/// A length of 0 means the rest of a regular file or block device. With `allow_empty` that may be
/// no bytes. The order of the checks is CPython's.
pub(crate) fn extent(status: Status, offset: u64, length: u64, allow_empty: bool) -> Result<usize> {
    let Status { size: file_size, sized, .. } = status;
    if sized {
        if length == 0 {
            if allow_empty && offset == file_size {
                return Ok(0);
            }
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

/// The number of bytes to remap of a file, by default all from `offset` on.
pub(crate) fn extent_of_remap(
    status: Status,
    offset: u64,
    new_length: Option<u64>,
    allow_empty: bool,
) -> Result<usize> {
    let Status { size: file_size, sized, .. } = status;
    let least = u64::from(!(allow_empty && sized));
    let available = if sized { file_size.checked_sub(offset) } else { Some(u64::MAX - offset) };
    let length = new_length.or(available.filter(|_| sized));
    match (length, available) {
        (Some(length), Some(available)) if (least..=available).contains(&length) => addressable(length),
        _ => Err(Error::RemapOutOfRange { least, offset, file_size: sized.then_some(file_size) }),
    }
}

/// The number of bytes of a named region to map. A length of 0 means the rest of the region.
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

/// The part of a file that `create` has to provide.
pub(crate) fn extent_to_create(offset: u64, length: u64) -> Result<Range<u64>> {
    Ok(offset..end_of(offset, length)?)
}

/// The end of a part of a file or region that is to be created.
pub(crate) fn end_of(offset: u64, length: u64) -> Result<u64> {
    // The system's file sizes are signed.
    offset.checked_add(length).filter(|&end| i64::try_from(end).is_ok()).ok_or(Error::LengthTooLarge)
}

/// The length as a number of bytes that pointers can express.
pub(crate) fn addressable(length: u64) -> Result<usize> {
    // One allocation may have at most half the address space.
    isize::try_from(length).map(isize::unsigned_abs).map_err(|_| Error::LengthTooLarge)
}

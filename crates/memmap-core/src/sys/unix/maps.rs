//! What the system reports as mapped at an address: a line of `/proc/self/maps`.
//!
//! Signal handlers may call [`find`]: it takes no lock, allocates nothing, and makes three system
//! calls.

use super::file::retry;
use crate::fault_registry::Object;
use rustix::fs::{Mode, OFlags};
use std::sync::{Mutex, PoisonError};

/// A kernel mapping of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The first address.
    pub start: usize,
    /// The address after the last byte.
    pub end: usize,
    /// Whether it can be written to.
    pub writable: bool,
    /// The position in the file of the byte at `start`.
    pub offset: u64,
    /// The file that is mapped.
    pub object: Object,
}

/// The kernel mapping that contains an address. `None` if there is none, or if the list cannot be
/// read.
pub fn find(address: usize) -> Option<Mapped> {
    let file = retry(|| rustix::fs::open("/proc/self/maps", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())).ok()?;
    let mut line = Line::default();
    // A signal handler's stack may be small.
    let mut bytes = [0u8; 1024];
    loop {
        let count = retry(|| rustix::io::read(&file, &mut bytes)).ok()?;
        for &byte in bytes.get(..count).filter(|bytes| !bytes.is_empty())? {
            if !line.take(byte) {
                continue;
            }
            let mapped = std::mem::take(&mut line).mapped;
            if (mapped.start..mapped.end).contains(&address) {
                return Some(mapped);
            }
        }
    }
}

/// How the list names the file that is mapped at an address, given the numbers that fstat reports
/// for the file and its device.
///
/// The list has a line for each mapping, and there may be tens of thousands. So it is read once for
/// each device, because all files of a device are named in one way: by both numbers of fstat, or
/// with another number for the device.
pub fn object_at(address: usize, (device, inode): (u64, u64)) -> Option<Object> {
    static DEVICES: Mutex<Vec<(u64, Shown)>> = Mutex::new(Vec::new());
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = devices.iter().find(|(known, _)| *known == device && inode != 0).map(|(_, shown)| *shown);
    if let Some(Shown { device, inodes: true }) = known {
        return Some(Object { device, inode });
    }
    let object = find(address)?.object;
    if known.is_none() && inode != 0 && object.inode != 0 {
        devices.push((device, Shown { device: object.device, inodes: object.inode == inode }));
    }
    Some(object)
}

/// How the list names the files of a device.
#[derive(Debug, Clone, Copy)]
struct Shown {
    device: u64,
    /// Whether the list uses the files' numbers that fstat reports.
    inodes: bool,
}

/// A line as far as it has been read: `start-end perms offset major:minor inode path`.
#[derive(Debug, Default)]
struct Line {
    field: u8,
    number: u64,
    mapped: Mapped,
}

impl Line {
    /// Takes the next byte, and returns whether it ends the line.
    fn take(&mut self, byte: u8) -> bool {
        // The path and everything after it are ignored.
        if byte == b'\n'
            || self.field < PATH && matches!(byte, b'-' | b' ' | b':') && self.field != PERMISSIONS
            || self.field == PERMISSIONS && byte == b' '
        {
            self.end_field();
        } else if self.field == PERMISSIONS {
            self.mapped.writable |= byte == b'w';
        } else if let Some(digit) = char::from(byte).to_digit(if self.field == INODE { 10 } else { 16 }) {
            let base = if self.field == INODE { 10 } else { 16 };
            self.number = self.number.wrapping_mul(base).wrapping_add(digit.into());
        }
        byte == b'\n'
    }

    fn end_field(&mut self) {
        let number = std::mem::take(&mut self.number);
        match self.field {
            0 => self.mapped.start = number as usize,
            1 => self.mapped.end = number as usize,
            3 => self.mapped.offset = number,
            4 => self.mapped.object.device = number << 32,
            5 => self.mapped.object.device |= number,
            INODE => self.mapped.object.inode = number,
            _ => {}
        }
        self.field = self.field.saturating_add(1);
    }
}

const PERMISSIONS: u8 = 2;
const INODE: u8 = 6;
const PATH: u8 = 7;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

    use super::*;

    fn parse(text: &str) -> Mapped {
        let mut line = Line::default();
        let ends: Vec<_> = text.bytes().map(|byte| line.take(byte)).collect();
        assert_eq!(ends.iter().filter(|end| **end).count(), 1);
        line.mapped
    }

    #[test]
    fn a_line_of_the_list_is_read() {
        let object = Object { device: 0xfd << 32 | 0x1a, inode: 1_234_567 };
        let (start, end) = (0x7f12_3400_0000, 0x7f12_3400_3000);
        let mapped = Mapped { start, end, writable: true, offset: 0x2000, object };
        let line = "7f1234000000-7f1234003000 rw-s 00002000 fd:1a 1234567   /tmp/a b-c:d (deleted)\n";
        assert_eq!(parse(line), mapped);
        let line = "7f1234000000-7f1234003000 r--p 00000000 00:00 0\n";
        assert_eq!(parse(line), Mapped { start, end, ..Mapped::default() });
    }

    #[test]
    fn the_mapping_of_an_address_is_found() {
        static HERE: [u8; 1] = [1];
        let here = HERE.as_ptr().addr();
        let mapped = find(here).unwrap();
        assert!((mapped.start..mapped.end).contains(&here));
        assert!(!mapped.writable);
        assert_eq!(find(0), None);
    }
}

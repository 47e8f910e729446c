//! Copying bytes into a region, out of it, and within it.

use super::Region;
use crate::error::{Error, Result};
use crate::sys;
use std::ptr;

/// Where the bytes of a caller's buffer are.
///
/// JavaScript owns them, and other threads may write to them if they are a SharedArrayBuffer's, so they get no Rust reference
/// either.
#[derive(Debug, Clone, Copy)]
pub struct RawBytes {
    address: *const u8,
    length: usize,
}

impl RawBytes {
    /// # Safety
    ///
    /// `length` bytes from `address` must stay readable for as long as the value is used, and writable if it is given to
    /// something that writes. With a length of 0 the address may be anything.
    pub unsafe fn new(address: *const u8, length: usize) -> RawBytes {
        RawBytes { address, length }
    }

    /// The first byte.
    pub fn address(self) -> *const u8 {
        self.address
    }

    /// How many bytes.
    pub fn length(self) -> usize {
        self.length
    }

    /// A private copy.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn to_vec(self) -> Result<Vec<u8>> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(self.length).map_err(|_| sys::no_memory("malloc"))?;
        if self.length != 0 {
            // SAFETY: `new`'s contract makes `length` bytes readable; the new vector has room for them and overlaps nothing.
            unsafe { ptr::copy_nonoverlapping(self.address, copy.as_mut_ptr(), self.length) };
            // SAFETY: the line above has initialised `length` bytes, which is also the capacity asked for.
            unsafe { copy.set_len(self.length) };
        }
        Ok(copy)
    }
}

impl Region {
    /// Copies bytes out, as many as `target` has.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn read(&self, offset: usize, target: RawBytes) -> Result<()> {
        self.checked(|| self.read_lost(offset, target))?
    }

    /// The same, whatever has been lost: those bytes are zeros.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied.
    pub(crate) fn read_lost(&self, offset: usize, target: RawBytes) -> Result<()> {
        let source = self.range(offset, target.length)?;
        // SAFETY: `range` found the source inside the mapping, `RawBytes::new` promises the target. `copy` and not
        // `copy_nonoverlapping`: the target may be a view of this very mapping.
        unsafe { ptr::copy(source, target.address.cast_mut(), target.length) };
        Ok(())
    }

    /// Copies bytes in, all of `source`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn write(&self, offset: usize, source: RawBytes) -> Result<()> {
        let target = self.range(offset, source.length)?;
        // SAFETY: `range` found the target inside the mapping, which is always mapped writable; `RawBytes::new` promises
        // the source. `copy` because the source may be a view of this very mapping.
        let copy = || unsafe { ptr::copy(source.address, target, source.length) };
        self.checked(copy)
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn read_byte(&self, offset: usize) -> Result<u8> {
        let source = self.range(offset, 1)?;
        // SAFETY: `range` found the byte inside the mapping. Volatile, because others may change it at any time.
        let read = || unsafe { source.read_volatile() };
        self.checked(read)
    }

    /// Sets one byte.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn write_byte(&self, offset: usize, value: u8) -> Result<()> {
        let target = self.range(offset, 1)?;
        // SAFETY: `range` found the byte inside the mapping, which is always mapped writable. Volatile, because others read it.
        let write = || unsafe { target.write_volatile(value) };
        self.checked(write)
    }

    /// Every `step`-th byte from `offset`, as many as `target` has; a negative step goes down.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn read_strided(&self, offset: usize, step: isize, target: RawBytes) -> Result<()> {
        let positions = self.strided(offset, step, target.length)?;
        for (index, position) in positions.enumerate() {
            let byte = self.read_byte(position)?;
            // SAFETY: `index` is less than the length that `RawBytes::new` promises.
            let at = unsafe { target.address.cast_mut().add(index) };
            // SAFETY: `at` is inside the target, see above.
            unsafe { at.write_volatile(byte) };
        }
        Ok(())
    }

    /// Sets every `step`-th byte from `offset` to the bytes of `source`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn write_strided(&self, offset: usize, step: isize, source: RawBytes) -> Result<()> {
        let positions = self.strided(offset, step, source.length)?;
        for (byte, position) in source.to_vec()?.into_iter().zip(positions) {
            self.write_byte(position, byte)?;
        }
        Ok(())
    }

    /// Moves bytes within the mapping, right for ranges that overlap.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing moved; ERR_MMAP_FAULT.
    pub fn copy_within(&self, target: usize, source: usize, count: usize) -> Result<()> {
        let target = self.range(target, count)?;
        let source = self.range(source, count)?;
        // SAFETY: `range` found both inside the mapping; `copy` allows them to overlap.
        let copy = || unsafe { ptr::copy(source, target, count) };
        self.checked(copy)
    }

    /// Repeats `pattern` over a range. An empty pattern changes nothing.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing changed; ERR_MMAP_FAULT.
    pub fn fill(&self, offset: usize, length: usize, pattern: &[u8]) -> Result<()> {
        let target = self.range(offset, length)?;
        // SAFETY: `range` found the target inside the mapping, which is always mapped writable.
        let fill = || unsafe { fill(target, length, pattern) };
        self.checked(fill)
    }

    /// The positions of a slice with a step, checked as a whole.
    fn strided(&self, offset: usize, step: isize, count: usize) -> Result<impl Iterator<Item = usize> + use<>> {
        if count != 0 {
            let distance = step.unsigned_abs().checked_mul(count - 1).ok_or(Error::OutOfRange)?;
            let last = if step < 0 { offset.checked_sub(distance) } else { offset.checked_add(distance) };
            self.range(offset, 1)?;
            self.range(last.ok_or(Error::OutOfRange)?, 1)?;
        }
        Ok((0..count).map(move |index| {
            let distance = step.unsigned_abs() * index;
            if step < 0 { offset - distance } else { offset + distance }
        }))
    }
}

/// Repeats `pattern` over `length` bytes from `target`.
///
/// # Safety
///
/// They must be mapped and writable.
unsafe fn fill(target: *mut u8, length: usize, pattern: &[u8]) {
    match pattern {
        [] => {}
        // SAFETY: the caller's promise.
        [byte] => unsafe { target.write_bytes(*byte, length) },
        _ => {
            // Several KiB of whole patterns at a time, so that a short one is not a call for every few bytes.
            let repeated = if pattern.len() < 4096 { pattern.repeat(4096 / pattern.len()) } else { Vec::new() };
            let block = if repeated.is_empty() { pattern } else { &repeated };
            let mut done = 0;
            while done < length {
                let count = block.len().min(length - done);
                // SAFETY: `done` is less than `length`, as far as the caller's promise goes.
                let at = unsafe { target.add(done) };
                // SAFETY: `count` bytes are in the block, and in the mapping, see above; our own block overlaps nothing.
                unsafe { ptr::copy_nonoverlapping(block.as_ptr(), at, count) };
                done += count;
            }
        }
    }
}

//! Copying bytes into a region, out of it, and within it.

use super::Region;
use crate::error::{Error, Result};
use crate::sys;
use std::ptr;

/// The bytes of a caller's buffer.
///
/// JavaScript owns them. Other threads may write to them if they belong to a SharedArrayBuffer, so
/// there is no Rust reference to them either.
#[derive(Debug, Clone, Copy)]
pub struct RawBytes {
    address: *const u8,
    length: usize,
}

impl RawBytes {
    /// # Safety
    ///
    /// `length` bytes from `address` must stay readable while the value is in use, and writable if
    /// it is passed to a method that writes to it. With a length of 0, the address may be anything.
    pub unsafe fn new(address: *const u8, length: usize) -> RawBytes {
        RawBytes { address, length }
    }

    /// The address of the first byte.
    pub fn address(self) -> *const u8 {
        self.address
    }

    /// The length in bytes.
    pub fn length(self) -> usize {
        self.length
    }

    /// A private copy of the bytes.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn to_vec(self) -> Result<Vec<u8>> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(self.length).map_err(|_| sys::no_memory("malloc"))?;
        if self.length != 0 {
            // SAFETY: `new` promises `length` readable bytes. The new vector has room for them and
            // overlaps nothing.
            unsafe { ptr::copy_nonoverlapping(self.address, copy.as_mut_ptr(), self.length) };
            // SAFETY: the line above has initialised `length` bytes, which the vector has room for.
            unsafe { copy.set_len(self.length) };
        }
        Ok(copy)
    }
}

impl Region {
    /// Copies as many bytes out as `target` has.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn read(&self, offset: usize, target: RawBytes) -> Result<()> {
        self.checked(|| self.read_lost(offset, target))?
    }

    /// Like [`Region::read`], even if bytes are lost. Those are zeros.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied.
    pub(crate) fn read_lost(&self, offset: usize, target: RawBytes) -> Result<()> {
        let source = self.range(offset, target.length)?;
        // SAFETY: `range` found the source inside the mapping, and `RawBytes::new` promises the
        // target. `copy` allows them to overlap, because the target may be a view of this mapping.
        unsafe { ptr::copy(source, target.address.cast_mut(), target.length) };
        Ok(())
    }

    /// Copies all bytes of `source` in.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing copied; ERR_MMAP_FAULT.
    pub fn write(&self, offset: usize, source: RawBytes) -> Result<()> {
        let target = self.range(offset, source.length)?;
        // SAFETY: `range` found the target inside the mapping, which is writable or made so by the
        // fault handler. `RawBytes::new` promises the source. `copy` allows them to overlap,
        // because the source may be a view of this mapping.
        let copy = || unsafe { ptr::copy(source.address, target, source.length) };
        self.checked(copy)
    }

    /// Reads one byte.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn read_byte(&self, offset: usize) -> Result<u8> {
        let source = self.range(offset, 1)?;
        // SAFETY: `range` found the byte inside the mapping. The read is volatile, because others
        // may change the byte at any time.
        let read = || unsafe { source.read_volatile() };
        self.checked(read)
    }

    /// Reads one byte for the sake of its page, even if bytes are lost.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub(crate) fn touch(&self, offset: usize) -> Result<()> {
        let byte = self.range(offset, 1)?;
        // SAFETY: `range` found the byte inside the mapping.
        let _ = unsafe { byte.read_volatile() };
        Ok(())
    }

    /// Writes one byte.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn write_byte(&self, offset: usize, value: u8) -> Result<()> {
        let target = self.range(offset, 1)?;
        // SAFETY: `range` found the byte inside the mapping, which is writable or made so by the
        // fault handler. The write is volatile, because others read the byte.
        let write = || unsafe { target.write_volatile(value) };
        self.checked(write)
    }

    /// Copies every `step`-th byte from `offset` out, as many as `target` has. A negative step goes
    /// down.
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
            // SAFETY: `at` is inside the target.
            unsafe { at.write_volatile(byte) };
        }
        Ok(())
    }

    /// Writes the bytes of `source` to every `step`-th position from `offset`. A negative step goes
    /// down.
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

    /// Moves bytes within the mapping. The ranges may overlap.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, with nothing moved; ERR_MMAP_FAULT.
    pub fn copy_within(&self, target: usize, source: usize, count: usize) -> Result<()> {
        let target = self.range(target, count)?;
        let source = self.range(source, count)?;
        // SAFETY: `range` found both ranges inside the mapping, and `copy` allows them to overlap.
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
        // SAFETY: `range` found the target inside the mapping, which is writable or made so by the
        // fault handler.
        let fill = || unsafe { fill(target, length, pattern) };
        self.checked(fill)
    }

    /// The positions of a slice with a step, after checking that all of them are inside the region.
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
            // Copy blocks of at least 4 KiB of whole patterns, because a short pattern would need a
            // call for every few bytes.
            let repeated = if pattern.len() < 4096 { pattern.repeat(4096 / pattern.len()) } else { Vec::new() };
            let block = if repeated.is_empty() { pattern } else { &repeated };
            let mut done = 0;
            while done < length {
                let count = block.len().min(length - done);
                // SAFETY: `done` is less than `length`, so the address is inside what the caller
                // promises.
                let at = unsafe { target.add(done) };
                // SAFETY: `count` bytes are inside the block and inside the target. The block is
                // private memory and overlaps nothing.
                unsafe { ptr::copy_nonoverlapping(block.as_ptr(), at, count) };
                done += count;
            }
        }
    }
}

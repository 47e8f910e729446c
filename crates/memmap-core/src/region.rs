//! The mapped bytes: owner, bounds, copying in and out.

use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::{self, FaultEntry, FileIdentity, Place};
use crate::flush::WrittenBack;
use crate::search::Finder;
use crate::sys::{self, Memory, Named};
use crate::write_gate::WriteGate;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Mapped memory that stays where it is until the last owner lets go of it.
///
/// It is shared as `Arc<Region>` between the mapping, the finalizer of every ArrayBuffer over it, and running tasks. Nothing
/// but the drop of the last one unmaps.
///
/// Other threads and processes may read and write the bytes at any time, so no method makes a Rust reference to them. All
/// copies go through raw pointers, and what is copied is whatever the bytes were at that moment.
#[derive(Debug)]
pub struct Region {
    // Dropped in this order: the fault handler must not know an address that is not mapped any more, and a named region is left
    // only when its memory is unmapped.
    fault_entry: Option<Arc<FaultEntry>>,
    memory: Memory,
    /// Keeps the named region in use, if this is a part of one, until it is blanked.
    named: Mutex<Option<Named>>,
    /// The caller has advised on the order of access: scans leave that alone.
    order_advised: AtomicBool,
    /// Shared with what it has become, if that has grown in place: the pages are the same.
    write_gate: Arc<WriteGate>,
    /// Locked from the copy of a page to its write: of two threads that write back, the one that
    /// copies later writes later.
    written_back: Mutex<WrittenBack>,
}

/// Scans at least this long are announced to the system: the call costs as much as reading a few KiB.
const WORTH_ADVICE: usize = 4 * 1024 * 1024;

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
    /// Memory that has no file. It can be lost all the same: the system may have no huge page for
    /// it, or none at all under strict accounting.
    pub(crate) fn of_memory(memory: Memory) -> Region {
        Region::of_file(memory, None, 0, None)
    }

    fn new(memory: Memory, named: Option<Named>, fault_entry: Option<Arc<FaultEntry>>) -> Region {
        let order_advised = AtomicBool::new(false);
        Region {
            fault_entry,
            memory,
            named: Mutex::new(named),
            order_advised,
            write_gate: Arc::new(WriteGate::new()),
            written_back: Mutex::default(),
        }
    }

    /// A part of a file, or of a named region. `file` is as for [`Region::set_file`].
    pub(crate) fn of_file(memory: Memory, named: Option<Named>, offset: u64, file: Option<FileIdentity>) -> Region {
        let fault_entry = sys::install_fault_handler().then(|| register(&memory, offset, file));
        Region::new(memory, named, fault_entry)
    }

    /// What replaces this region after a resize. If it has grown in place, both share one record of what is lost from then on, and what was lost
    /// before is forgotten: the pages were mapped anew.
    pub(crate) fn resized(&self, memory: Memory, offset: u64, file: Option<FileIdentity>) -> Region {
        match &self.fault_entry {
            Some(entry) if memory.start() == self.start() && self.intact().is_ok() => {
                entry.grow((memory.start().addr() + memory.length()).next_multiple_of(memory.page_size()));
                entry.set_file(file);
                let mut region = Region::new(memory, None, Some(Arc::clone(entry)));
                region.write_gate = Arc::clone(&self.write_gate);
                region
            }
            _ => Region::of_file(memory, None, offset, file),
        }
    }

    /// Moves the memory to addresses that an engine has reserved, over a SharedArrayBuffer. The engine unmaps it.
    ///
    /// # Errors
    ///
    /// As [`Memory::relocate`].
    ///
    /// # Safety
    ///
    /// As [`Memory::relocate`].
    pub(crate) unsafe fn relocate(
        &mut self,
        address: NonNull<u8>,
        capacity: usize,
        file: Option<(&sys::File, u64)>,
        offset: u64,
        plan: &Plan,
    ) -> Result<()> {
        // Before anything is there: systems that cannot move pages copy the private ones, also to where the file has been cut off by now.
        let place = place(&self.memory, address.addr().get(), offset);
        let entry = self.fault_entry.is_some().then(|| FaultEntry::new(place));
        // What is lost of it has become a mapping of its own.
        let is_whole = self.intact().is_ok();
        // SAFETY: the caller's promise.
        unsafe { self.memory.relocate(address, capacity, file, plan, is_whole) }?;
        if let (Some(new), Some(old)) = (entry, &self.fault_entry) {
            new.mark_engine_owned(sys::object_at(address.addr().get(), old.file_numbers()));
            // Zeros have moved along, and checked them is not a fault any more.
            new.mark_lost_from(old.first_lost());
            self.fault_entry = Some(Arc::new(new));
        }
        Ok(())
    }

    /// By which descriptor the fault handler may ask for the size of the file, while it is open.
    pub(crate) fn set_file(&self, file: Option<FileIdentity>) {
        if let Some(entry) = &self.fault_entry {
            entry.set_file(file);
        }
    }

    /// Whether nothing of the mapping has been lost so far: no page of it was touched that could not be had.
    ///
    /// Methods that touch bytes call it before, for what is lost already, and after, for what they ran into.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_FAULT.
    pub fn intact(&self) -> Result<()> {
        match self.intact_length() {
            length if length == self.len() => Ok(()),
            offset => Err(Error::Fault { offset, length: self.len() - offset }),
        }
    }

    /// Notes what has been lost when memory was to be replaced and could not be.
    pub(crate) fn record_loss<T>(&self, result: Result<T>) -> Result<T> {
        if let (Err(Error::Fault { offset, .. }), Some(entry)) = (&result, &self.fault_entry) {
            entry.mark_lost_from(*offset);
            fault_registry::FAULTS_HANDLED.fetch_add(1, Ordering::AcqRel);
        }
        result
    }

    /// How many bytes there are before the first one that is lost.
    pub(crate) fn intact_length(&self) -> usize {
        self.fault_entry.as_ref().map_or(self.len(), |entry| entry.first_lost().min(self.len()))
    }

    /// Puts private zeros in place of all the memory: whoever has a pointer to it reads zeros, and the file or named region is let
    /// go of.
    ///
    /// # Errors
    ///
    /// ENOMEM, ERR_MMAP_UNSUPPORTED on Windows.
    pub fn map_zeros(&self) -> Result<()> {
        self.memory.map_zeros()?;
        self.set_file(None);
        drop(self.named.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    /// The same for all after the first `kept` bytes, because the file has been cut off there. Reading it through this Region is an error then.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn map_zeros_from(&self, kept: usize) -> Result<()> {
        if kept < self.len()
            && let Some(entry) = &self.fault_entry
        {
            entry.mark_lost_from(kept);
        }
        self.memory.map_zeros_from(kept)
    }

    /// madvise(2), as [`crate::Mapping::advise`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, EINVAL, ERR_MMAP_UNSUPPORTED on Windows.
    pub(crate) fn advise(&self, option: i32, start: usize, length: usize) -> Result<()> {
        self.range(start, length)?;
        if Memory::is_about_order(option) {
            self.order_advised.store(true, Ordering::Relaxed);
        }
        self.memory.advise(option, start, length)
    }

    /// Runs `scan`, which reads the range from start to end, and announces that to the system, unless the caller has given advice of its own.
    fn with_read_ahead<T>(&self, start: usize, length: usize, scan: impl FnOnce() -> T) -> Result<T> {
        let advises = length >= WORTH_ADVICE && !self.order_advised.load(Ordering::Relaxed);
        if advises {
            self.memory.advise_order(start, length, true);
        }
        let result = self.checked(scan);
        // Unless the caller has said something else meanwhile.
        if advises && !self.order_advised.load(Ordering::Relaxed) {
            self.memory.advise_order(start, length, false);
        }
        result
    }

    /// What has been written back. To be held from the copy of a page to its write.
    pub(crate) fn written_back(&self) -> MutexGuard<'_, WrittenBack> {
        self.written_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of what a task stores.
    pub(crate) fn write_gate(&self) -> &WriteGate {
        &self.write_gate
    }

    /// Runs what touches the bytes.
    fn checked<T>(&self, touch: impl FnOnce() -> T) -> Result<T> {
        self.intact()?;
        let result = touch();
        self.intact()?;
        Ok(result)
    }

    /// The first byte. It stays mapped, readable and writable for as long as the Region lives.
    pub fn start(&self) -> *mut u8 {
        self.memory.start()
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.memory.length()
    }

    /// Whether there are no bytes, which no mapping has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Checks that `[offset, offset + length)` lies inside, and gives its address.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn range(&self, offset: usize, length: usize) -> Result<*mut u8> {
        if offset <= self.len() && length <= self.len() - offset {
            // SAFETY: the sum was just found to be at most the length of the one allocation that `start` is the start of.
            Ok(unsafe { self.start().add(offset) })
        } else {
            Err(Error::OutOfRange)
        }
    }

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

    /// The first place of the needle in `[start, stop)`. An empty needle is at `start`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn find(&self, finder: &Finder, start: usize, stop: usize) -> Result<Option<usize>> {
        // What is sought is often near, as the end of a line is, and advice would cost more than to find it.
        self.find_from(finder, start, stop, WORTH_ADVICE)
    }

    /// The same, where the system is not told of the first `near` positions.
    pub(crate) fn find_from(&self, finder: &Finder, start: usize, stop: usize, near: usize) -> Result<Option<usize>> {
        let (_, length) = self.between(start, stop)?;
        let needle = finder.needle().len();
        if needle > length {
            return Ok(None);
        }
        let search = |from: usize, to: usize| {
            // SAFETY: `between` found the bytes inside the mapping, which lives as long as `self`.
            let found = unsafe { finder.find(self.start().wrapping_add(from), to - from) }?;
            Ok(found.map(|index| from + index))
        };
        let seam = start + length.min(near);
        // To where a match ends that begins before the seam.
        let end = stop.min(seam + needle.saturating_sub(1));
        let found = self.checked(|| search(start, end))??;
        if found.is_some() || end == stop {
            return Ok(found);
        }
        self.with_read_ahead(seam, stop - seam, || search(seam, stop))?
    }

    /// The last place of the needle in `[start, stop)`. An empty needle is at `stop`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn rfind(&self, finder: &Finder, start: usize, stop: usize) -> Result<Option<usize>> {
        let (at, length) = self.between(start, stop)?;
        // SAFETY: `between` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.rfind(at, length) };
        let found = self.checked(search)??;
        Ok(found.map(|index| start + index))
    }

    /// As [`Finder::list`], for the places in `[start, stop)`.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn list(
        &self,
        finder: &Finder,
        start: usize,
        stop: usize,
        room: usize,
        mut put: impl FnMut(usize, usize),
    ) -> Result<usize> {
        let (at, length) = self.between(start, stop)?;
        // SAFETY: `between` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.list(at, length, room, |number, index| put(number, start + index)) };
        self.with_read_ahead(start, length, search)?
    }

    /// Gives `hit` the places of the needle in `[start, stop)`, from the first to the last and without overlaps, until it says
    /// false. An empty needle has none.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn matches(
        &self,
        finder: &Finder,
        start: usize,
        stop: usize,
        mut hit: impl FnMut(usize) -> bool,
    ) -> Result<()> {
        let (at, length) = self.between(start, stop)?;
        // SAFETY: `between` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.matches(at, length, &mut |index| hit(start + index)) };
        self.with_read_ahead(start, length, search)?
    }

    /// How many matches of the needle are in `[start, stop)`, without overlaps. An empty needle has none.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT, ENOMEM.
    pub fn count(&self, finder: &Finder, start: usize, stop: usize) -> Result<usize> {
        let (at, length) = self.between(start, stop)?;
        // SAFETY: `between` found the bytes inside the mapping, which lives as long as `self`.
        let search = || unsafe { finder.count(at, length) };
        self.with_read_ahead(start, length, search)?
    }

    /// Replaces each match of the needle in `[start, stop)` by `to`, which must be as long, and gives the position of the last one. Matches do not
    /// overlap, and an empty needle has none. Their number is added to `replaced`, also on failure.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_READONLY and ERR_MMAP_CLOSED, with nothing changed; ERR_MMAP_FAULT; ENOMEM.
    pub fn replace(
        &self,
        finder: &Finder,
        to: &[u8],
        start: usize,
        stop: usize,
        replaced: &mut usize,
    ) -> Result<Option<usize>> {
        if to.len() != finder.needle().len() {
            return Err(Error::OutOfRange);
        }
        let gate = self.write_gate.enter();
        gate.check()?;
        let mut last = None;
        self.matches(finder, start, stop, |place| {
            let target = self.start().wrapping_add(place);
            // SAFETY: as many bytes as were found there, which is inside the mapping, and that is writable or made so by the fault handler. `to` is our
            // own and overlaps nothing of it.
            unsafe { ptr::copy_nonoverlapping(to.as_ptr(), target, to.len()) };
            *replaced += 1;
            last = Some(place);
            true
        })?;
        Ok(last)
    }

    /// Brings a range into memory, as far as the system lets it, so that checked it later does not wait.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, ERR_MMAP_FAULT.
    pub fn prefetch(&self, offset: usize, length: usize) -> Result<()> {
        let first = self.range(offset, length)?;
        self.checked(|| {
            // Without the fault handler, a page that the file has lost would end the process, which reading ahead is not worth.
            if !self.memory.prefetch(offset, length) && self.fault_entry.is_some() {
                for at in (0..length).step_by(sys::page_size()).chain(length.checked_sub(1)) {
                    // SAFETY: inside the range that was checked above. Volatile, because nobody wants the byte.
                    unsafe { first.wrapping_add(at).read_volatile() };
                }
            }
        })
    }

    /// The bytes of `[start, stop)`.
    fn between(&self, start: usize, stop: usize) -> Result<(*mut u8, usize)> {
        let length = stop.checked_sub(start).ok_or(Error::OutOfRange)?;
        Ok((self.range(start, length)?, length))
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

impl Drop for Region {
    fn drop(&mut self) {
        if self.memory.is_engine_owned() && sys::TELLS_WHAT_IS_MAPPED {
            // Views may show the memory for longer than anybody holds the Region.
            if let Some(entry) = self.fault_entry.take().and_then(Arc::into_inner) {
                entry.leave_registered();
            }
        }
    }
}

/// Enters memory into the fault handler's list.
fn register(memory: &Memory, file_offset: u64, file: Option<FileIdentity>) -> Arc<FaultEntry> {
    let entry = FaultEntry::new(place(memory, memory.start().addr(), file_offset));
    entry.set_file(file);
    if memory.is_engine_owned() {
        entry.mark_engine_owned(sys::object_at(memory.start().addr(), entry.file_numbers()));
    }
    Arc::new(entry)
}

/// Where the memory is when it begins at `start`.
fn place(memory: &Memory, start: usize, file_offset: u64) -> Place {
    let page_size = memory.page_size();
    let pages = start - start % page_size..(start + memory.length()).next_multiple_of(page_size);
    Place { pages, page_size, start, file_offset, stored_to: memory.stored_to() }
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

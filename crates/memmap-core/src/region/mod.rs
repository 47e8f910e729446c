//! The mapped bytes: who owns them, and what of them is lost.

mod bytes;
mod search;
mod write_gate;
mod written_back;

pub use bytes::RawBytes;
pub(crate) use write_gate::Gate;

use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::{self, FaultEntry, FileIdentity, Place};
use crate::sys::{self, Memory, Named};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use write_gate::WriteGate;
use written_back::WrittenBack;

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

//! The mapped bytes: who owns them, and which of them are lost.

mod bytes;
mod search;
mod write_gate;
mod written_back;

pub use bytes::RawBytes;
pub use search::Replacement;
pub(crate) use write_gate::Gate;
pub(crate) use written_back::Page;

use crate::access::Plan;
use crate::error::{Error, Result};
use crate::fault_registry::{self, FaultEntry, FileIdentity, Place};
use crate::sys::{self, Memory, Named, Reservation};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use write_gate::WriteGate;
use written_back::WrittenBack;

/// Mapped memory, which stays at its address until its last owner drops it.
///
/// The mapping, the finalizer of every ArrayBuffer over the memory, and running tasks share it as
/// `Arc<Region>`. It is unmapped only when the last of them drops it.
///
/// Other threads and processes may read and write the bytes at any time, so no method makes a Rust
/// reference to them. All copies go through raw pointers and take the bytes as they are at that
/// moment.
#[derive(Debug)]
pub struct Region {
    // The fields are dropped in this order. The fault handler must not know an address that is no
    // longer mapped, and a named region is left only after its memory is unmapped.
    fault_entry: Option<Arc<FaultEntry>>,
    memory: Memory,
    /// The named region that this memory is a part of, in use until zeros are mapped over the
    /// memory.
    named: Mutex<Option<Named>>,
    /// The caller has given advice about the order of access, so scans give none.
    order_advised: AtomicBool,
    /// Scans that are announced to the system now.
    announced: AtomicUsize,
    /// Shared with the region's successor if it has grown in place, because they share the pages.
    write_gate: Arc<WriteGate>,
    /// Locked from the copy of a page to its write, so that of two threads that write back, the one
    /// that copies later also writes later.
    written_back: Mutex<WrittenBack>,
}

impl Region {
    /// Memory without a file. Its pages can be lost too: the system may have no huge page left, or
    /// no memory at all under strict accounting.
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
            announced: AtomicUsize::new(0),
            write_gate: Arc::new(WriteGate::new()),
            written_back: Mutex::default(),
        }
    }

    /// A part of a file or of a named region. `file` is as for [`Region::set_file`].
    pub(crate) fn of_file(memory: Memory, named: Option<Named>, offset: u64, file: Option<FileIdentity>) -> Region {
        let fault_entry = sys::install_fault_handler().then(|| register(&memory, offset, file));
        Region::new(memory, named, fault_entry)
    }

    /// The successor of this region after a resize. If the memory has grown in place, both share
    /// one entry in the fault registry. What was lost before is forgotten, because the pages were
    /// mapped anew.
    pub(crate) fn resized(&self, memory: Memory, offset: u64, file: Option<FileIdentity>) -> Region {
        match &self.fault_entry {
            // If no byte of the file was mapped before, the entry does not describe what is mapped
            // now.
            Some(entry) if memory.start() == self.start() && !self.is_empty() && self.intact().is_ok() => {
                entry.grow((memory.start().addr() + memory.length()).next_multiple_of(memory.page_size()));
                entry.set_file(file);
                let mut region = Region::new(memory, None, Some(Arc::clone(entry)));
                region.write_gate = Arc::clone(&self.write_gate);
                region
            }
            _ => Region::of_file(memory, None, offset, file),
        }
    }

    /// Relocates the memory to addresses that an engine has reserved for a SharedArrayBuffer. The
    /// engine unmaps it.
    ///
    /// # Errors
    ///
    /// Those of [`Memory::relocate`].
    ///
    /// # Safety
    ///
    /// As for [`Memory::relocate`].
    pub(crate) unsafe fn relocate(
        &mut self,
        reserved: Reservation,
        file: Option<(&sys::File, u64)>,
        offset: u64,
        plan: &Plan,
    ) -> Result<()> {
        // Register the new addresses first. Without mremap, private pages are copied there, and
        // that copy can fault if the file has been truncated meanwhile.
        let address = reserved.address.addr().get();
        let place = place(&self.memory, address, offset);
        let entry = self.fault_entry.is_some().then(|| FaultEntry::new(place));
        // Zeros in place of lost pages are a kernel mapping of their own.
        let intact = self.intact_length();
        // SAFETY: the caller's promise.
        unsafe { self.memory.relocate(reserved, file, plan, intact) }?;
        if let (Some(new), Some(old)) = (entry, &self.fault_entry) {
            new.mark_engine_owned(sys::object_at(address, old.file_numbers()));
            // The zeros were moved too, so touching them causes no further fault.
            new.mark_lost_from(old.first_lost());
            self.fault_entry = Some(Arc::new(new));
        }
        Ok(())
    }

    /// Sets the descriptor with which the fault handler may ask for the file's size, while it is
    /// open.
    pub(crate) fn set_file(&self, file: Option<FileIdentity>) {
        if let Some(entry) = &self.fault_entry {
            entry.set_file(file);
        }
    }

    /// Checks that nothing of the region has been lost so far.
    ///
    /// Methods that touch bytes call it before the access, because bytes may be lost already, and
    /// after it, because the access itself may have found lost pages.
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

    /// Like [`Region::intact`], for the bytes before `end`.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_FAULT.
    pub(crate) fn intact_before(&self, end: usize) -> Result<()> {
        if self.intact_length() < end { self.intact() } else { Ok(()) }
    }

    /// Whether the fault handler answers for the memory, so that lost pages may be touched.
    pub(crate) fn handles_faults(&self) -> bool {
        self.fault_entry.is_some()
    }

    /// Marks memory as lost if replacing it has failed halfway.
    pub(crate) fn record_loss<T>(&self, result: Result<T>) -> Result<T> {
        if let (Err(Error::Fault { offset, .. }), Some(entry)) = (&result, &self.fault_entry) {
            entry.mark_lost_from(*offset);
            fault_registry::FAULTS_HANDLED.fetch_add(1, Ordering::AcqRel);
        }
        result
    }

    /// The number of bytes before the first lost one.
    pub(crate) fn intact_length(&self) -> usize {
        self.fault_entry.as_ref().map_or(self.len(), |entry| entry.first_lost().min(self.len()))
    }

    /// Maps private zeros over all the memory. All pointers to it then read zeros, and the file or
    /// named region is no longer in use.
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

    /// Like [`Region::map_zeros`], for all bytes from `kept` on, where the file has been cut.
    /// Reading them through this Region then fails with ERR_MMAP_FAULT.
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

    /// Like [`crate::Mapping::advise`].
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE, EINVAL, ERR_MMAP_UNSUPPORTED on Windows.
    pub(crate) fn advise(&self, option: i32, start: usize, length: usize) -> Result<()> {
        self.range(start, length)?;
        // The caller's advice replaces that of scans, also where it is not about the same range.
        if Memory::is_about_order(option)
            && !self.order_advised.swap(true, Ordering::Relaxed)
            && self.announced.load(Ordering::Relaxed) > 0
        {
            self.memory.advise_order(0, self.len(), false);
        }
        self.memory.advise(option, start, length)
    }

    /// Removes the pages of a range from the page table before they are unmapped. It returns false
    /// if that is not possible. Nobody may need the contents of private pages any more.
    pub(crate) fn drop_pages(&self, start: usize, length: usize) -> bool {
        self.memory.drop_pages(start, length)
    }

    /// The record of what has been written back. Hold it from the copy of a page to its write.
    pub(crate) fn written_back(&self) -> MutexGuard<'_, WrittenBack> {
        self.written_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gate for tasks that store.
    pub(crate) fn write_gate(&self) -> &WriteGate {
        &self.write_gate
    }

    /// Runs a function that touches the bytes, and fails if any are lost.
    fn checked<T>(&self, touch: impl FnOnce() -> T) -> Result<T> {
        self.intact()?;
        let result = touch();
        self.intact()?;
        Ok(result)
    }

    /// The address of the first byte. It stays mapped, readable and writable as long as the Region
    /// lives.
    pub fn start(&self) -> *mut u8 {
        self.memory.start()
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.memory.length()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Checks that `[offset, offset + length)` lies inside the region, and returns its address.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE.
    pub fn range(&self, offset: usize, length: usize) -> Result<*mut u8> {
        if offset <= self.len() && length <= self.len() - offset {
            // SAFETY: the sum is at most the length of the allocation that begins at `start`.
            Ok(unsafe { self.start().add(offset) })
        } else {
            Err(Error::OutOfRange)
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.memory.is_engine_owned() && sys::TELLS_WHAT_IS_MAPPED {
            // Views may show the memory after the Region is gone. The entry must not stay where the
            // handler could not find out whether the addresses belong to others by then.
            if let Some(entry) = self.fault_entry.take().and_then(Arc::into_inner) {
                entry.leave_registered();
            }
        }
    }
}

/// Enters memory into the fault registry.
fn register(memory: &Memory, file_offset: u64, file: Option<FileIdentity>) -> Arc<FaultEntry> {
    let entry = FaultEntry::new(place(memory, memory.start().addr(), file_offset));
    entry.set_file(file);
    if memory.is_engine_owned() {
        entry.mark_engine_owned(sys::object_at(memory.start().addr(), entry.file_numbers()));
    }
    Arc::new(entry)
}

/// The place of the memory when it begins at `start`.
fn place(memory: &Memory, start: usize, file_offset: u64) -> Place {
    let page_size = memory.page_size();
    let pages = start - start % page_size..(start + memory.length()).next_multiple_of(page_size);
    Place { pages, page_size, start, file_offset, stored_to: memory.stored_to() }
}

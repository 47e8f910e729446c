//! The registry of mapped regions, which a signal handler can search without locks.
//!
//! When a thread touches a mapped page that cannot be read, because the file was truncated or the
//! device failed, it gets a signal. The signal ends the process unless a handler deals with it.
//! `sys` installs such a handler. This module is the list that the handler consults: an entry for
//! each mapped region, with a note of what it has lost.
//!
//! # Why the list can be read in a signal handler
//!
//! A handler interrupts its own thread anywhere, also inside `malloc` or under a lock, so it may
//! not wait for anything.
//!
//! * The list is made of chunks that are never freed. A new one is linked in with one atomic store
//!   when it is complete. Walking the list needs no lock.
//! * A slot is changed only under `Registry`'s mutex, and is a sequence lock: `sequence` is odd
//!   while it changes. A reader that sees it odd, or changed, takes the slot for one that does not
//!   match; it does not wait. That is right: the memory of a slot that is changing is not mapped
//!   yet or not in use any more, so no fault of *ours* can be in it.
//! * A region is entered after it is mapped and before anybody has its address, and removed before
//!   it is unmapped. So a slot that matches an address means that the address is ours, as long as
//!   whoever touched it kept the region alive, which is what every user of a Region does. An
//!   address is reused only after its slot is gone. (A region that has grown in place keeps its
//!   slot, or has a new one before the old one is gone, because others use the memory meanwhile.)
//! * Several threads may fault in one region at once. Each replaces pages by zeros; doing it twice
//!   is harmless, because what was there is lost already. The note of the loss is an atomic
//!   minimum.
//!
//! Engine-owned memory is the exception to the third point: the engine unmaps it without notice,
//! and its entry may stay longer. For such an entry the handler first asks the system what is
//! mapped at the address. It handles the fault only if that is still the file of the entry, and
//! only for pages of that mapping. If it is other, writable memory, the handler has the access
//! repeated, because another thread may have faulted there first. Where the system cannot be asked,
//! the entry is removed when nobody of ours holds the memory any more, and the handler replaces one
//! page at a time.
//!
//! What is not covered is a thread that touches memory after giving up its region: that is a use
//! after free, with or without this module.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SLOTS_PER_CHUNK: usize = 256;
const NOTHING_LOST: usize = usize::MAX;

/// The number of faults handled in this process. JavaScript compares it to see whether anything can
/// have been lost.
pub static FAULTS_HANDLED: AtomicU32 = AtomicU32::new(0);

/// A region's entry in the registry. Dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct FaultEntry(&'static Slot);

impl FaultEntry {
    /// Enters a region.
    pub(crate) fn new(place: Place) -> FaultEntry {
        FaultEntry(registry().enter(place))
    }

    /// Sets the descriptor with which the handler can ask for the file's size, while it is open.
    /// Without one, the handler cannot know where the file ends, and replaces pages from the
    /// touched one on.
    pub(crate) fn set_file(&self, file: Option<FileIdentity>) {
        // In this order, a reader that sees the descriptor also sees which file it must be.
        self.0.descriptor.store(-1, Ordering::SeqCst);
        if let Some(identity) = file {
            self.0.device.store(identity.device, Ordering::SeqCst);
            self.0.inode.store(identity.inode, Ordering::SeqCst);
            self.0.descriptor.store(identity.descriptor, Ordering::SeqCst);
        }
    }

    /// The numbers of the file's device and of the file on it, even after the descriptor was
    /// closed. Both are 0 if they were never known.
    pub(crate) fn file_numbers(&self) -> (u64, u64) {
        (self.0.device.load(Ordering::SeqCst), self.0.inode.load(Ordering::SeqCst))
    }

    /// The first lost byte of the region. If nothing is lost, it is more than any region has.
    pub(crate) fn first_lost(&self) -> usize {
        self.0.first_lost.load(Ordering::Acquire)
    }

    /// Marks everything from `offset` on as lost, although there was no fault.
    pub(crate) fn mark_lost_from(&self, offset: usize) {
        self.0.first_lost.fetch_min(offset, Ordering::AcqRel);
    }

    /// Sets the end of a region's pages after the region has grown in place.
    pub(crate) fn grow(&self, end_page: usize) {
        let mut registry = registry();
        registry.remove_stale(&(self.0.end_page.load(Ordering::Relaxed)..end_page));
        // `set` would hide the entry for a moment. A thread that faults in the region must find the
        // entry, with either end.
        self.0.end_page.store(end_page, Ordering::Release);
    }

    /// Marks the memory as engine-owned: the engine unmaps it without notice. The entry is removed
    /// when a region is entered that overlaps it. By then either the engine has given the addresses
    /// back, or the new region is this memory, grown in place. `object` is what the system reports
    /// as mapped there.
    pub(crate) fn mark_engine_owned(&self, object: Option<Object>) {
        let object = object.unwrap_or_default();
        self.0.object_device.store(object.device, Ordering::Relaxed);
        self.0.object_inode.store(object.inode, Ordering::Relaxed);
        self.0.engine_owned.store(true, Ordering::Release);
        registry().engine_owned.push(self.0);
    }

    /// Keeps the entry of engine-owned memory after its region is gone, because views may still
    /// show the memory. This requires that the handler can find out what is mapped at an address.
    pub(crate) fn leave_registered(self) {
        let mut registry = registry();
        if let Some(index) = registry.engine_owned.iter().position(|slot| std::ptr::eq(*slot, self.0)) {
            let slot = registry.engine_owned.swap_remove(index);
            registry.orphans.push(slot);
            std::mem::forget(self);
        }
        // Otherwise the entry has been removed already. Dropping `self` frees the slot, which takes
        // the lock.
        drop(registry);
    }
}

impl Drop for FaultEntry {
    fn drop(&mut self) {
        registry().remove(self.0);
    }
}

/// A file's identity. It tells whether a descriptor still means the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The descriptor's number while it is open.
    pub descriptor: i32,
    /// The device that the file is on.
    pub device: u64,
    /// The file's number on the device.
    pub inode: u64,
}

/// A file as the system's list of mappings names it. The numbers may differ from those of fstat
/// (btrfs, overlayfs). Both are 0 for memory without a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object {
    /// The device's number.
    pub device: u64,
    /// The file's number on the device.
    pub inode: u64,
}

/// Where a region is, and how the handler treats its pages.
#[derive(Debug, Clone)]
pub struct Place {
    /// The region's pages.
    pub pages: Range<usize>,
    /// Bytes in one of the pages.
    pub page_size: usize,
    /// The region's first byte.
    pub start: usize,
    /// The position of that byte in the file.
    pub file_offset: u64,
    /// What happens to a read-only page when a thread stores to it.
    pub stored_to: StoredTo,
}

/// What happens to a read-only page when a thread stores to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredTo {
    /// The page becomes writable, because it is private.
    Writable,
    /// A copy replaces the page, because it is the file's own.
    Copied,
}

/// What a signal handler finds out about an address in one of our regions.
#[derive(Debug)]
pub struct FaultSite {
    slot: &'static Slot,
    /// Where the region is.
    pub place: Place,
    /// The descriptor with which to ask for the file's size.
    pub file: Option<FileIdentity>,
    /// Set for engine-owned memory, which the engine may have unmapped. It is still ours only if
    /// the system reports this object there. The inner value is `None` if the system did not report
    /// any.
    pub engine_owned: Option<Option<Object>>,
}

impl FaultSite {
    /// Marks everything from this address on as lost.
    pub fn mark_lost_from(&self, address: usize) {
        self.slot.first_lost.fetch_min(address.saturating_sub(self.place.start), Ordering::AcqRel);
        FAULTS_HANDLED.fetch_add(1, Ordering::AcqRel);
    }
}

/// The region that contains the address. For signal handlers: it takes no lock, allocates nothing
/// and does not wait.
pub fn find(address: usize) -> Option<FaultSite> {
    // While the list is searched, an entry may be replaced by a newer one for its memory, in a slot
    // that was searched already.
    const ATTEMPTS: usize = 3;
    (0..ATTEMPTS).find_map(|_| find_once(address))
}

fn find_once(address: usize) -> Option<FaultSite> {
    let mut chunk = CHUNKS.load(Ordering::Acquire);
    // SAFETY: a chunk that is linked in is complete and is never freed.
    while let Some(current) = unsafe { chunk.as_ref() } {
        if let Some(site) = current.slots.iter().find_map(|slot| slot.matching(address)) {
            return Some(site);
        }
        chunk = current.next.load(Ordering::Acquire);
    }
    None
}

#[derive(Debug)]
struct Slot {
    sequence: AtomicUsize,
    /// The region's pages. Both are 0 if the slot is free.
    first_page: AtomicUsize,
    end_page: AtomicUsize,
    page_size: AtomicUsize,
    start: AtomicUsize,
    file_offset: AtomicU64,
    /// Whether the place's `stored_to` is [`StoredTo::Copied`]. Otherwise it is
    /// [`StoredTo::Writable`].
    copied: AtomicBool,
    engine_owned: AtomicBool,
    /// See [`FaultSite::engine_owned`]. Both are 0 if the object is not known.
    object_device: AtomicU64,
    object_inode: AtomicU64,
    /// -1 if there is none.
    descriptor: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
    /// The first lost byte of the region, or [`NOTHING_LOST`].
    first_lost: AtomicUsize,
}

impl Slot {
    const fn free() -> Slot {
        Slot {
            sequence: AtomicUsize::new(0),
            first_page: AtomicUsize::new(0),
            end_page: AtomicUsize::new(0),
            page_size: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            file_offset: AtomicU64::new(0),
            copied: AtomicBool::new(false),
            engine_owned: AtomicBool::new(false),
            object_device: AtomicU64::new(0),
            object_inode: AtomicU64::new(0),
            descriptor: AtomicI32::new(-1),
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            first_lost: AtomicUsize::new(NOTHING_LOST),
        }
    }

    fn matching(&'static self, address: usize) -> Option<FaultSite> {
        let before = self.sequence.load(Ordering::Acquire);
        let pages = self.first_page.load(Ordering::Relaxed)..self.end_page.load(Ordering::Relaxed);
        if before % 2 == 1 || !pages.contains(&address) {
            return None;
        }
        let copied = self.copied.load(Ordering::Relaxed);
        let place = Place {
            pages,
            page_size: self.page_size.load(Ordering::Relaxed),
            start: self.start.load(Ordering::Relaxed),
            file_offset: self.file_offset.load(Ordering::Relaxed),
            stored_to: if copied { StoredTo::Copied } else { StoredTo::Writable },
        };
        let site = FaultSite { slot: self, place, file: self.file(), engine_owned: self.engine_owned() };
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == before).then_some(site)
    }

    fn engine_owned(&self) -> Option<Option<Object>> {
        let engine_owned = self.engine_owned.load(Ordering::Acquire);
        let (device, inode) = (self.object_device.load(Ordering::Relaxed), self.object_inode.load(Ordering::Relaxed));
        engine_owned.then_some((inode != 0).then_some(Object { device, inode }))
    }

    /// Must be called under the registry's lock.
    fn overlaps(&self, pages: &Range<usize>) -> bool {
        self.first_page.load(Ordering::Relaxed) < pages.end && pages.start < self.end_page.load(Ordering::Relaxed)
    }

    fn file(&self) -> Option<FileIdentity> {
        let identity = FileIdentity {
            descriptor: self.descriptor.load(Ordering::SeqCst),
            device: self.device.load(Ordering::SeqCst),
            inode: self.inode.load(Ordering::SeqCst),
        };
        (identity.descriptor >= 0).then_some(identity)
    }

    /// Changes the entry while readers see the slot as changing. The slot is not freed. Must be
    /// called under the registry's lock.
    fn set(&self, place: Option<Place>) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.descriptor.store(-1, Ordering::SeqCst);
        self.device.store(0, Ordering::SeqCst);
        self.inode.store(0, Ordering::SeqCst);
        self.engine_owned.store(false, Ordering::Relaxed);
        let place = place.unwrap_or(Place {
            pages: 0..0,
            page_size: 0,
            start: 0,
            file_offset: 0,
            stored_to: StoredTo::Writable,
        });
        self.first_page.store(place.pages.start, Ordering::Relaxed);
        self.end_page.store(place.pages.end, Ordering::Relaxed);
        self.page_size.store(place.page_size, Ordering::Relaxed);
        self.start.store(place.start, Ordering::Relaxed);
        self.file_offset.store(place.file_offset, Ordering::Relaxed);
        self.copied.store(place.stored_to == StoredTo::Copied, Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }
}

struct Chunk {
    slots: [Slot; SLOTS_PER_CHUNK],
    next: AtomicPtr<Chunk>,
}

/// The newest chunk, which leads to all others.
static CHUNKS: AtomicPtr<Chunk> = AtomicPtr::new(std::ptr::null_mut());

/// The slots by use. Only the holder of the lock may change slots.
struct Registry {
    free: Vec<&'static Slot>,
    /// Entries of engine-owned memory whose regions exist.
    engine_owned: Vec<&'static Slot>,
    /// Entries of engine-owned memory whose regions are gone.
    orphans: Vec<&'static Slot>,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { free: Vec::new(), engine_owned: Vec::new(), orphans: Vec::new() });

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing under the lock can panic in the middle of a change.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn enter(&mut self, place: Place) -> &'static Slot {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.grow(),
        };
        // Reset here and not in `remove`, because the holder may still read `first_lost` after
        // removal.
        slot.first_lost.store(NOTHING_LOST, Ordering::Relaxed);
        let pages = place.pages.clone();
        slot.set(Some(place));
        // Remove stale entries only after the new one is in place. Memory that has grown in place
        // is in use and must always have an entry.
        self.remove_stale(&pages);
        slot
    }

    /// Removes entries of engine-owned memory that can no longer be there.
    fn remove_stale(&mut self, pages: &Range<usize>) {
        // The holders of these entries free the slots.
        for slot in self.engine_owned.extract_if(.., |slot| slot.overlaps(pages)) {
            slot.set(None);
        }
        for slot in self.orphans.extract_if(.., |slot| slot.overlaps(pages)) {
            slot.set(None);
            self.free.push(slot);
        }
    }

    fn remove(&mut self, slot: &'static Slot) {
        slot.set(None);
        self.free.push(slot);
    }

    /// Links a new chunk in and returns its first slot.
    fn grow(&mut self) -> &'static Slot {
        let next = AtomicPtr::new(CHUNKS.load(Ordering::Acquire));
        let chunk = Box::leak(Box::new(Chunk { slots: [const { Slot::free() }; SLOTS_PER_CHUNK], next }));
        CHUNKS.store(chunk, Ordering::Release);
        let [first, rest @ ..] = &chunk.slots;
        self.free.extend(rest);
        first
    }
}

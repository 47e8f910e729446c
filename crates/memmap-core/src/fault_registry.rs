//! Which memory is ours: a list that a signal handler can search without locks.
//!
//! Touching a mapped page that cannot be read, because the file was truncated or the device failed, is a signal to the thread that does, and
//! ends the process unless a handler answers it. `sys` installs one. This module is what it consults: a list of the regions that are
//! mapped, with a note of what each has lost.
//!
//! # Why the list can be read in a signal handler
//!
//! A handler interrupts its own thread anywhere, also inside `malloc` or under a lock, so it may not wait for anything.
//!
//! * The list is made of chunks that are never freed; a new one is linked in with one atomic store when it is complete. Walking it
//!   needs no lock.
//! * A slot is changed only under `Registry`'s mutex, and is a sequence lock: `sequence` is odd while it changes. A reader
//!   that sees it odd, or changed, takes the slot for one that does not match; it does not wait. That is right: the memory of
//!   a slot that is changing is not mapped yet or not in use any more, so no fault of *ours* can be in it.
//! * A region is entered after it is mapped and before anybody has its address, and removed before it is unmapped. So a slot
//!   that matches an address means that the address is ours, as long as whoever touched it kept the region alive, which is
//!   what every user of a Region does. An address is reused only after its slot is gone. (A region that has grown in place keeps its slot, or
//!   has a new one before the old one is gone, because others use the memory meanwhile.)
//! * Several threads may fault in one region at once. Each replaces pages by zeros; doing it twice is harmless, for what was there
//!   is lost already. The note of the loss is an atomic minimum.
//!
//! Memory at addresses that an engine has engine_owned for a SharedArrayBuffer is the exception to the
//! third point: the engine unmaps it without notice, and its entry may be there for longer. So for
//! such an entry the handler first asks the system what is mapped at the address, and answers only
//! if it is still the file of the entry, and only for pages of that mapping. Where the system
//! cannot be asked, the entry goes when nobody of ours holds the memory any more, and answers for
//! one page at a time.
//!
//! What is not covered is a thread that touches memory after giving up its region: that is a use after free, with or without
//! this module.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SLOTS_PER_CHUNK: usize = 256;
const NOTHING_LOST: usize = usize::MAX;

/// How many faults have been answered in this process. JavaScript looks at it to see whether anything can have been lost.
pub static FAULTS_HANDLED: AtomicU32 = AtomicU32::new(0);

/// A region's entry. Dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct FaultEntry(&'static Slot);

impl FaultEntry {
    /// Enters a region.
    pub(crate) fn new(place: Place) -> FaultEntry {
        FaultEntry(registry().enter(place))
    }

    /// The descriptor by which the handler can ask for the file's size, while it is open. Without one the handler cannot know where
    /// the file ends, and replaces pages from the one that was touched.
    pub(crate) fn set_file(&self, file: Option<FileIdentity>) {
        // In this order a reader that sees the descriptor sees what file it is to be, too.
        self.0.descriptor.store(-1, Ordering::SeqCst);
        if let Some(identity) = file {
            self.0.device.store(identity.device, Ordering::SeqCst);
            self.0.inode.store(identity.inode, Ordering::SeqCst);
            self.0.descriptor.store(identity.descriptor, Ordering::SeqCst);
        }
    }

    /// The numbers of the device and of the file on it, also when the descriptor is closed; both 0
    /// if they were never known.
    pub(crate) fn file_numbers(&self) -> (u64, u64) {
        (self.0.device.load(Ordering::SeqCst), self.0.inode.load(Ordering::SeqCst))
    }

    /// From which byte of the region on bytes have been lost: more than any region has, if none have.
    pub(crate) fn first_lost(&self) -> usize {
        self.0.first_lost.load(Ordering::Acquire)
    }

    /// Notes that everything from `offset` on is lost, though no fault has said so.
    pub(crate) fn mark_lost_from(&self, offset: usize) {
        self.0.first_lost.fetch_min(offset, Ordering::AcqRel);
    }

    /// The region has grown in place, and its pages end here now.
    pub(crate) fn grow(&self, end_page: usize) {
        let mut registry = registry();
        registry.remove_stale(&(self.0.end_page.load(Ordering::Relaxed)..end_page));
        // Not `set`: a thread that faults in the region meanwhile must find the entry, with the one end or the other.
        self.0.end_page.store(end_page, Ordering::Release);
    }

    /// For memory that an engine unmaps without notice: the entry goes when a region is entered that overlaps it. Then the engine has
    /// given the addresses back, or the region is this memory, grown in place. `object` is what the
    /// system says that is mapped there.
    pub(crate) fn mark_engine_owned(&self, object: Option<Object>) {
        let object = object.unwrap_or_default();
        self.0.object_device.store(object.device, Ordering::Relaxed);
        self.0.object_inode.store(object.inode, Ordering::Relaxed);
        self.0.engine_owned.store(true, Ordering::Release);
        registry().engine_owned.push(self.0);
    }

    /// Leaves the entry of engine_owned memory where it is, because views may still show the memory. Not
    /// where the handler could not find out whether the addresses are somebody else's by then.
    pub(crate) fn leave_registered(self) {
        let mut registry = registry();
        if let Some(index) = registry.engine_owned.iter().position(|slot| std::ptr::eq(*slot, self.0)) {
            let slot = registry.engine_owned.swap_remove(index);
            registry.orphans.push(slot);
            std::mem::forget(self);
        }
        // Otherwise the entry is gone already, and the slot is free when `self` is dropped, which is after the lock.
        drop(registry);
    }
}

impl Drop for FaultEntry {
    fn drop(&mut self) {
        registry().remove(self.0);
    }
}

/// A file, as it can be recognised by a descriptor that may mean another file by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// Its number, for as long as it is open.
    pub descriptor: i32,
    /// The device that the file is on.
    pub device: u64,
    /// The file's number on it.
    pub inode: u64,
}

/// A file as the system names what is mapped, which are not always the numbers that fstat says
/// (btrfs, overlayfs). Both 0 for memory without a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object {
    /// The device's number.
    pub device: u64,
    /// The file's number on it.
    pub inode: u64,
}

/// Where a region is, and what the handler does with its pages.
#[derive(Debug, Clone)]
pub struct Place {
    /// The region's pages.
    pub pages: Range<usize>,
    /// Bytes in one of them.
    pub page_size: usize,
    /// The region's first byte.
    pub start: usize,
    /// Which byte of the file that is.
    pub file_offset: u64,
    /// What becomes of a page that can only be read when somebody stores to it.
    pub stored_to: StoredTo,
}

/// What becomes of a page that can only be read when somebody stores to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredTo {
    /// It becomes writable: it is private.
    Writable,
    /// It becomes a copy: it is the file's own.
    Copied,
}

/// What a signal handler finds out about an address of ours.
#[derive(Debug)]
pub struct FaultSite {
    slot: &'static Slot,
    /// Where the region is.
    pub place: Place,
    /// Where to ask for the file's size.
    pub file: Option<FileIdentity>,
    /// The memory is an engine's, and may be somebody else's by now. Only if the system says that
    /// this is mapped there, it is not: nothing, where it did not say what is.
    pub engine_owned: Option<Option<Object>>,
}

impl FaultSite {
    /// Notes that everything from this address on is lost.
    pub fn mark_lost_from(&self, address: usize) {
        self.slot.first_lost.fetch_min(address.saturating_sub(self.place.start), Ordering::AcqRel);
        FAULTS_HANDLED.fetch_add(1, Ordering::AcqRel);
    }
}

/// The region that an address lies in. For signal handlers: it takes no lock, allocates nothing and does not wait.
pub fn find(address: usize) -> Option<FaultSite> {
    // An entry may go for a newer one of the same memory, in a slot that has been looked at already.
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
    /// The region's pages; both 0 for a slot that is free.
    first_page: AtomicUsize,
    end_page: AtomicUsize,
    page_size: AtomicUsize,
    start: AtomicUsize,
    file_offset: AtomicU64,
    /// [`StoredTo::Copied`], else [`StoredTo::Writable`].
    copied: AtomicBool,
    engine_owned: AtomicBool,
    /// See [`FaultSite::engine_owned`]; both 0 if it is not known.
    object_device: AtomicU64,
    object_inode: AtomicU64,
    /// -1 if there is none.
    descriptor: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
    /// From which byte of the region on.
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

    /// Only under the registry's lock.
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

    /// Changes the entry while readers see the slot as changing; nothing frees it. Only under the
    /// registry's lock.
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

/// The slots by use. Only the holder of its lock may change slots.
struct Registry {
    free: Vec<&'static Slot>,
    /// Entries of memory that an engine unmaps; see [`FaultEntry::mark_engine_owned`].
    engine_owned: Vec<&'static Slot>,
    /// The same, when nobody holds them any more.
    orphans: Vec<&'static Slot>,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { free: Vec::new(), engine_owned: Vec::new(), orphans: Vec::new() });

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing under the lock can panic half way through a change.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn enter(&mut self, place: Place) -> &'static Slot {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.grow(),
        };
        // Not when it is removed: a holder may still ask what was lost.
        slot.first_lost.store(NOTHING_LOST, Ordering::Relaxed);
        let pages = place.pages.clone();
        slot.set(Some(place));
        // Not before: the memory may be in use, and have grown in place.
        self.remove_stale(&pages);
        slot
    }

    /// Removes entries of engine_owned memory that cannot be there any more.
    fn remove_stale(&mut self, pages: &Range<usize>) {
        // Their holders free these slots.
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

    /// Links a new chunk in and gives its first slot.
    fn grow(&mut self) -> &'static Slot {
        let next = AtomicPtr::new(CHUNKS.load(Ordering::Acquire));
        let chunk = Box::leak(Box::new(Chunk { slots: [const { Slot::free() }; SLOTS_PER_CHUNK], next }));
        CHUNKS.store(chunk, Ordering::Release);
        let [first, rest @ ..] = &chunk.slots;
        self.free.extend(rest);
        first
    }
}

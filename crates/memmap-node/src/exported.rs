//! Records of the ArrayBuffers over a mapping: what each keeps alive, and who holds it.

use memmap_core::{Error, Region};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What an ArrayBuffer over a mapping keeps alive. The buffer's finalizer has a reference to it, or
/// a [`BufferHold`] has one, or both.
#[derive(Debug)]
pub struct ExportedBuffer {
    /// By which TypeScript tells one buffer from another, since two may begin at the same address.
    pub id: u32,
    /// Where the buffer begins.
    pub address: usize,
    /// What it is to the engine.
    pub kind: Kind,
    region: Mutex<Option<Arc<Region>>>,
    /// The engine has run its finalizer.
    pub finalized: AtomicBool,
    /// `unmap()` has detached the buffer. (A buffer that was detached otherwise was transferred.)
    pub detached: AtomicBool,
    /// `unmap()` has mapped zeros in the place of the memory.
    pub blanked: AtomicBool,
    /// What `unmap()` has left undone because of this buffer and others.
    pub left: OnceLock<Arc<LeftBuffers>>,
}

/// What a buffer is to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ArrayBuffer over our memory.
    Plain,
    /// A SharedArrayBuffer over our memory, which cannot be detached.
    Shared,
    /// A SharedArrayBuffer over the engine's own memory, into which the mapping was relocated.
    Relocated,
}

impl ExportedBuffer {
    /// A record of a buffer that was just made.
    pub fn new(id: u32, address: usize, kind: Kind, region: &Arc<Region>) -> ExportedBuffer {
        ExportedBuffer {
            id,
            address,
            kind,
            region: Mutex::new(Some(Arc::clone(region))),
            finalized: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            blanked: AtomicBool::new(false),
            left: OnceLock::new(),
        }
    }

    /// Keeps `region` from now on, if it is the same memory, which was resized in place.
    pub fn adopt_resized(&self, region: &Arc<Region>) {
        let mut own = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        if own.as_ref().is_some_and(|own| own.start() == region.start()) {
            *own = Some(Arc::clone(region));
        }
    }

    /// The memory, unless it has been released.
    pub fn region(&self) -> Option<Arc<Region>> {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Releases the region before the finalizer does. That is right only when nobody has the
    /// address of the memory any more.
    pub fn release(&self) {
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(region);
    }
}

/// Buffers that `unmap()` has detached, over memory that it had to leave as it was. Each other
/// buffer over the memory keeps this: one that was transferred, or one that the engine has
/// collected and not yet finalized, which looks the same. When the last of those is finalized, the
/// memory is taken away.
#[derive(Debug)]
pub struct LeftBuffers {
    /// The memory.
    pub region: Arc<Region>,
    /// The buffers.
    pub detached: Vec<Arc<ExportedBuffer>>,
}

impl Drop for LeftBuffers {
    fn drop(&mut self) {
        // Where there is no memory for zeros, the file is released with the detached buffers.
        let _ = blank(&self.region, &self.detached);
    }
}

/// Maps zeros in the place of memory that no buffer shows any more.
///
/// # Errors
///
/// ENOMEM, and `Unsupported` on Windows for a buffer that is not detached.
pub fn blank(region: &Region, taken: &[Arc<ExportedBuffer>]) -> memmap_core::Result<()> {
    let result = region.map_zeros();
    for exported in taken {
        match &result {
            Ok(()) => exported.blanked.store(true, Ordering::Relaxed),
            // Windows cannot map zeros in the place of a mapping. There the addresses are unmapped
            // at once, and only the caller can know that nobody uses them.
            Err(Error::Unsupported(_)) if exported.detached.load(Ordering::Relaxed) => exported.release(),
            Err(_) => {}
        }
    }
    match result {
        Err(Error::Unsupported(_)) if taken.iter().all(|exported| exported.detached.load(Ordering::Relaxed)) => Ok(()),
        result => result,
    }
}

/// Keeps the memory of a buffer until JavaScript's object has been collected in its thread.
///
/// The object has a finalizer for it, and no FinalizationRegistry of TypeScript, because a worker
/// of Node 22 that ends aborts the process if it still has to clean up the registry of a vm
/// context.
///
/// It stands for the finalizer of the buffer in two cases:
///
/// * The engine owns the memory into which a mapping was relocated, and runs no finalizer when it
///   unmaps it. Until then the memory counts as a mapping of the process, and a named region is in
///   use.
/// * The finalizer of an ArrayBuffer runs as soon as it is detached. An operation that was begun
///   before, such as a read of the runtime's `fs`, still has the address then.
pub struct BufferHold(Mutex<Option<Arc<ExportedBuffer>>>);

impl BufferHold {
    /// A hold of a buffer, or of nothing yet.
    pub fn new(exported: Option<Arc<ExportedBuffer>>) -> BufferHold {
        BufferHold(Mutex::new(exported))
    }

    /// Holds a buffer into which the memory has just been relocated.
    pub fn set(&self, exported: Arc<ExportedBuffer>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(exported);
    }

    /// Holds nothing any more.
    pub fn release(&self) {
        let exported = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(exported);
    }
}

//! How many kernel mappings we may have, so that the engine does not run out of them.

use super::errno::failed_because;
use super::page::page_size;
use crate::error::{Error, Result};
use rustix::io::Errno;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A share of the process's limit on kernel mappings, returned on drop.
///
/// Linux limits their number (vm.max_map_count, 65,530 by default), and V8 ends the process when it
/// gets no more. Views whose finalizers have not run yet can exhaust the limit, because finalizers
/// run when the event loop turns, and a loop may not let it turn. So we stop short of the limit.
#[derive(Debug)]
pub(super) struct MappingQuota(AtomicUsize);

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl MappingQuota {
    /// A truncated file can need two kernel mappings: one for what is left of it and one for the
    /// zeros after that. A single page never does.
    pub(super) fn of_file(offset: u64, length: usize) -> Result<MappingQuota> {
        MappingQuota::new(if length > page_size() - super::page::lead_of(offset, page_size()) { 2 } else { 1 })
    }

    pub(super) fn new(mappings: usize) -> Result<MappingQuota> {
        let quota = MappingQuota(AtomicUsize::new(mappings));
        let count = COUNT.fetch_add(mappings, Ordering::Relaxed) + mappings;
        match mappings_allowed() {
            Some(allowed) if count > allowed => Err(limit_reached(allowed)),
            _ => Ok(quota),
        }
    }

    pub(super) fn release(&self) {
        COUNT.fetch_sub(self.0.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for MappingQuota {
    fn drop(&mut self) {
        self.release();
    }
}

/// The number of kernel mappings we may have: seven eighths of the limit, because the engine needs
/// some, too.
fn mappings_allowed() -> Option<usize> {
    static ALLOWED: OnceLock<Option<usize>> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        let limit: usize = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
        Some(limit / 8 * 7)
    })
}

fn limit_reached(allowed: usize) -> Error {
    let explanation = format!(
        "{allowed} mappings are alive, counting those twice that may be cut in two, which is near the system's limit, \
         vm.max_map_count: let the event loop turn, so that those whose views are unused are unmapped, or call unmap() on them"
    );
    failed_because(Errno::NOMEM, "mmap", &explanation)
}

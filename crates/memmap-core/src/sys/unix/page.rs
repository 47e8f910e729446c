//! The size of a page, and where offsets lie in pages.

use std::sync::OnceLock;

/// Bytes in a page.
pub fn page_size() -> usize {
    static PAGE_SIZE: OnceLock<usize> = OnceLock::new();
    *PAGE_SIZE.get_or_init(|| {
        // SAFETY: sysconf accepts any number. rustix would read /proc/self/auxv, and panic if it
        // cannot.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).unwrap_or(4096)
    })
}

/// The unit of offsets at which the operating system can map: a page.
pub fn allocation_granularity() -> usize {
    page_size()
}

/// How far into its page an offset lies.
pub(super) fn lead_of(offset: u64, page: usize) -> usize {
    // The result is less than a page, so it fits.
    (offset % page as u64) as usize
}

//! Operations on pages that are mapped: flushing, advice, locking, counting those in memory, and
//! reading ahead.

use super::errno::{failed, failed_for, last_error};
use super::limits::Wanted;
use super::memory::Memory;
use super::page::page_size;
use crate::access::Plan;
use crate::error::Result;
use crate::sys::span::{PageSpan, Residency};
use rustix::io::Errno;
use rustix::mm::MsyncFlags;

impl Memory {
    /// Writes changed pages under `[offset, offset + length)` to the file, and waits for that
    /// unless `flags` contain MS_ASYNC. [`Memory::FLUSH_REACHES_DEVICE`] says whether the bytes are
    /// then durable.
    ///
    /// # Errors
    ///
    /// EINVAL for contradicting flags, EIO, ENOSPC.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        let span = self.span(offset, length);
        if cfg!(any(target_vendor = "apple", target_os = "freebsd")) && span.length == 0 {
            // An empty range is EINVAL for Apple's msync, and the whole mapping for FreeBSD's.
            return Ok(());
        }
        // Linux does nothing if neither MS_SYNC nor MS_ASYNC is set.
        let flags = flags.unwrap_or(libc::MS_SYNC);
        let flags = if Memory::flush_is_asynchronous(Some(flags)) { flags } else { flags | libc::MS_SYNC };
        // SAFETY: the span is inside the pages that `self` keeps mapped, and msync changes no
        // memory. (MS_INVALIDATE makes the pages show the file again, as if another process had
        // written. Readers here must expect that at any time.)
        unsafe { rustix::mm::msync(span.address.cast(), span.length, MsyncFlags::from_bits_retain(flags as _)) }
            .map_err(failed("msync"))
    }

    /// On Linux, msync(MS_SYNC) is a data fsync of the range, including the device barrier
    /// (`vfs_fsync_range` in mm/msync.c). On other systems it reaches the file system at best.
    pub const FLUSH_REACHES_DEVICE: bool = cfg!(any(target_os = "linux", target_os = "android"));

    /// Whether `flags` tell [`Memory::flush`] not to wait.
    pub fn flush_is_asynchronous(flags: Option<i32>) -> bool {
        flags.is_some_and(|flags| flags & libc::MS_ASYNC != 0)
    }

    /// Calls madvise(2). A `start` of 0 means the start of its page. Any other must be on a page.
    ///
    /// # Errors
    ///
    /// EINVAL for an unknown option or a `start` that is not on a page, and other errors of
    /// madvise(2).
    pub fn advise(&self, option: i32, start: usize, length: usize) -> Result<()> {
        let span = if start == 0 && !advice_punches_holes(option) {
            self.span(0, length)
        } else {
            // With MADV_REMOVE, rounding down would remove bytes of the file before the mapping.
            PageSpan { address: self.at(start), length }
        };
        // Linux reports EINVAL for an address that is not on a page. Other systems round it down,
        // and MADV_FREE would then drop bytes before it. Linux rounds lengths up, so MADV_REMOVE
        // would remove bytes of the file beyond the mapping.
        let end = span.address.addr() + span.length;
        let is_aligned = |address: usize| address.is_multiple_of(page_size());
        if advice_would_crash(option)
            || !is_aligned(span.address.addr())
            || advice_punches_holes(option) && !is_aligned(end)
        {
            return Err(failed("madvise")(Errno::INVAL));
        }
        self.mark_divided();
        // SAFETY: the span is inside our pages, which stay mapped and readable, because advice that
        // could change that is refused above. Some advice drops contents (DONTNEED, REMOVE). The
        // caller asks for that, and no Rust reference over the memory could notice.
        let result = unsafe { libc::madvise(span.address.cast(), span.length, option) };
        if result == 0 { Ok(()) } else { Err(last_error("madvise")) }
    }

    /// Brings the pages under the range into memory, for reading. It returns false if the system
    /// has only begun to read, or could not get some pages. The caller then has to touch them.
    pub fn prefetch(&self, offset: usize, length: usize) -> bool {
        let span = self.span(offset, length);
        // SAFETY: the span is inside our pages, and reading them in changes no contents.
        let advise = |advice| unsafe { libc::madvise(span.address.cast(), span.length, advice) == 0 };
        // This needs Linux 5.14. It reports a page that cannot be read, and raises no signal.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if advise(libc::MADV_POPULATE_READ) {
            return true;
        }
        // A system that ignores this advice reads the pages when they are touched.
        advise(libc::MADV_WILLNEED);
        false
    }

    /// Tells the system that the range will be read from start to end, or that nothing is known any
    /// more. With the former the system reads further ahead, which makes a scan of a file that is
    /// not in memory several times as fast.
    pub fn advise_order(&self, offset: usize, length: usize, sequential: bool) {
        let span = self.span(offset, length);
        let advice = if sequential { libc::MADV_SEQUENTIAL } else { libc::MADV_NORMAL };
        // SAFETY: the span is inside our pages, and this advice changes no contents. An error is
        // ignored, because the advice is optional.
        let _ = unsafe { libc::madvise(span.address.cast(), span.length, advice) };
    }

    /// Removes the pages under the range from the page table, which is most of the work of
    /// unmapping them. What was stored to private pages is lost. It returns false if the system
    /// does that only when it unmaps them: elsewhere than on Linux, and for pages that are locked.
    pub fn drop_pages(&self, offset: usize, length: usize) -> bool {
        let span = self.span(offset, length);
        // Elsewhere MADV_DONTNEED is only advice, and the pages may stay.
        cfg!(any(target_os = "linux", target_os = "android"))
            // SAFETY: the span is inside our pages. The caller does not need their contents any
            // more, and no Rust reference over the memory could notice.
            && unsafe { libc::madvise(span.address.cast(), span.length, libc::MADV_DONTNEED) == 0 }
    }

    /// Whether `option` is advice about the order in which pages will be touched.
    pub fn is_about_order(option: i32) -> bool {
        matches!(option, libc::MADV_NORMAL | libc::MADV_RANDOM | libc::MADV_SEQUENTIAL)
    }

    /// Keeps the pages under the range in RAM. `private` says whether they are private and
    /// writable.
    ///
    /// # Errors
    ///
    /// ENOMEM or EPERM beyond RLIMIT_MEMLOCK, EAGAIN.
    pub fn lock(&self, offset: usize, length: usize, private: bool) -> Result<()> {
        let span = self.span(offset, length);
        self.mark_divided();
        // mlock reads writable private pages in for writing, which copies them. What others write
        // to the file would then no longer be visible.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if private {
            // SAFETY: the span is inside our pages, and locking changes no contents.
            unsafe { rustix::mm::mlock_with(span.address.cast(), span.length, rustix::mm::MlockFlags::ONFAULT) }
                .map_err(failed_for("mlock2", Wanted { bytes: span.length, private }))?;
            self.prefetch(offset, length);
            return Ok(());
        }
        // SAFETY: the span is inside our pages, and locking changes no contents.
        unsafe { rustix::mm::mlock(span.address.cast(), span.length) }
            .map_err(failed_for("mlock", Wanted { bytes: span.length, private }))
    }

    /// Undoes [`Memory::lock`].
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn unlock(&self, offset: usize, length: usize) -> Result<()> {
        let span = self.span(offset, length);
        // SAFETY: the span is inside our pages, and unlocking changes no contents.
        unsafe { rustix::mm::munlock(span.address.cast(), span.length) }.map_err(failed("munlock"))
    }

    /// Counts the pages under the range that are in memory. For a file this means the page cache.
    ///
    /// # Errors
    ///
    /// EAGAIN.
    pub fn resident(&self, offset: usize, length: usize) -> Result<Residency> {
        // mincore needs a byte for each page, so one call with a mebibyte covers 4 GiB.
        const PAGES_AT_A_TIME: usize = 1 << 20;
        let span = self.span(offset, length);
        let total = if length == 0 { 0 } else { span.pages(page_size()) };
        let mut states = vec![0u8; total.min(PAGES_AT_A_TIME)];
        let mut resident = 0;
        let mut done = 0;
        while done < total {
            let count = (total - done).min(PAGES_AT_A_TIME);
            let address = span.address.wrapping_add(done * page_size());
            // SAFETY: `count` pages from `address` are inside our pages, and `states` has `count`
            // bytes.
            let result = unsafe { libc::mincore(address.cast(), count * page_size(), states.as_mut_ptr().cast()) };
            if result != 0 {
                return Err(last_error("mincore"));
            }
            resident += states.iter().take(count).filter(|&state| state & 1 != 0).count();
            done += count;
        }
        Ok(Residency { resident, total })
    }

    /// Which pages under the range of a private mapping have been stored to. `None` if the system
    /// does not tell.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn copied_pages(&self, offset: usize, length: usize) -> Option<Vec<bool>> {
        // The file has 64 bits for each page. A page that was stored to is anonymous memory, so it
        // belongs to no file and is present or swapped out.
        const ENTRY: usize = size_of::<u64>();
        const OF_A_FILE: u64 = 1 << 61;
        const SWAPPED_OR_PRESENT: u64 = 3 << 62;
        use std::os::unix::fs::FileExt;
        let span = self.span(offset, length);
        let mut entries = vec![0u8; span.pages(page_size()) * ENTRY];
        let pagemap = std::fs::File::open("/proc/self/pagemap").ok()?;
        pagemap.read_exact_at(&mut entries, (span.address.addr() / page_size() * ENTRY) as u64).ok()?;
        let is_copied = |entry: u64| entry & OF_A_FILE == 0 && entry & SWAPPED_OR_PRESENT != 0;
        let (entries, _) = entries.as_chunks::<ENTRY>();
        Some(entries.iter().map(|entry| is_copied(u64::from_ne_bytes(*entry))).collect())
    }

    /// Which pages under the range of a private mapping have been stored to. `None` if the system
    /// does not tell.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn copied_pages(&self, _offset: usize, _length: usize) -> Option<Vec<bool>> {
        None
    }

    /// Brings all pages in. If the methods may write, it brings them in for writing, which copies
    /// private pages. If this fails, the mapping works but is slower at first. mmap does not report
    /// a failure to populate either.
    pub fn populate(&self, plan: &Plan) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if plan.writable() {
            let span = self.span(0, self.length());
            // SAFETY: the span is inside our pages, and bringing them in changes no contents.
            unsafe { libc::madvise(span.address.cast(), span.length, libc::MADV_POPULATE_WRITE) };
            return;
        }
        let _ = plan;
        self.prefetch(0, self.length());
    }
}

/// Whether the advice makes pages raise SIGSEGV when touched, as MADV_GUARD_INSTALL does. No view
/// could be made over such pages.
fn advice_would_crash(option: i32) -> bool {
    const MADV_GUARD_INSTALL: i32 = 102;
    cfg!(any(target_os = "linux", target_os = "android")) && option == MADV_GUARD_INSTALL
}

fn advice_punches_holes(option: i32) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return option == libc::MADV_REMOVE;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = option;
        false
    }
}

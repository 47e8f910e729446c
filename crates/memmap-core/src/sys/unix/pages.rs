//! What is asked of the system about mapped pages: to flush, lock, count, or read them ahead, and
//! advice.

use super::errno::{failed, failed_for, last_error};
use super::limits::Wanted;
use super::memory::Memory;
use super::page_size;
use crate::access::Plan;
use crate::error::Result;
use crate::sys::{PageSpan, Residency};
use rustix::io::Errno;
use rustix::mm::MsyncFlags;

impl Memory {
    /// Writes changed pages under `[offset, offset + length)` to the file; without MS_ASYNC in `flags` it waits for that. Whether
    /// that is durable, see [`Memory::FLUSH_REACHES_DEVICE`].
    ///
    /// # Errors
    ///
    /// EINVAL for flags that exclude each other, EIO, ENOSPC.
    pub fn flush(&self, offset: usize, length: usize, flags: Option<i32>) -> Result<()> {
        let span = self.span(offset, length);
        if cfg!(any(target_vendor = "apple", target_os = "freebsd")) && span.length == 0 {
            // Apple's msync calls it EINVAL, FreeBSD's takes it for the whole mapping.
            return Ok(());
        }
        // Linux does nothing at all when neither is asked for.
        let flags = flags.unwrap_or(libc::MS_SYNC);
        let flags = if Memory::flush_is_asynchronous(Some(flags)) { flags } else { flags | libc::MS_SYNC };
        // SAFETY: the span is inside the pages that `self` keeps mapped, and msync changes no memory. (MS_INVALIDATE makes
        // the pages show the file again, as if another process had written: what readers here must expect at any time.)
        unsafe { rustix::mm::msync(span.address.cast(), span.length, MsyncFlags::from_bits_retain(flags as _)) }
            .map_err(failed("msync"))
    }

    /// Linux: msync(MS_SYNC) is a data fsync of the range, device barrier included (`vfs_fsync_range` in mm/msync.c).
    /// Elsewhere it reaches the file system at best.
    pub const FLUSH_REACHES_DEVICE: bool = cfg!(any(target_os = "linux", target_os = "android"));

    /// Whether `flags` of [`Memory::flush`] ask not to wait.
    pub fn flush_is_asynchronous(flags: Option<i32>) -> bool {
        flags.is_some_and(|flags| flags & libc::MS_ASYNC != 0)
    }

    /// madvise. A `start` of 0 is taken as the start of its page; any other must be on a page.
    ///
    /// # Errors
    ///
    /// EINVAL for an option that is not known or a start that is not on a page, and what else madvise(2) says.
    pub fn advise(&self, option: i32, start: usize, length: usize) -> Result<()> {
        let span = if start == 0 && !advice_punches_holes(option) {
            self.span(0, length)
        } else {
            // Rounding it for MADV_REMOVE would remove bytes of the file that lie before the mapping.
            PageSpan { address: self.at(start), length }
        };
        // Linux says EINVAL itself of an address that is not on a page. Others round it down, and MADV_FREE would drop what lies before it. And
        // Linux rounds lengths up: MADV_REMOVE would remove bytes of the file beyond the mapping.
        let end = span.address.addr() + span.length;
        let is_aligned = |address: usize| address.is_multiple_of(page_size());
        if advice_would_crash(option)
            || !is_aligned(span.address.addr())
            || advice_punches_holes(option) && !is_aligned(end)
        {
            return Err(failed("madvise")(Errno::INVAL));
        }
        self.mark_divided();
        // SAFETY: the span is inside our pages, which stay mapped and readable: advice that could change that is refused
        // above. Some advice drops contents (DONTNEED, REMOVE), which is what the caller asks for, and no Rust reference is
        // over them to notice.
        let result = unsafe { libc::madvise(span.address.cast(), span.length, option) };
        if result == 0 { Ok(()) } else { Err(last_error("madvise")) }
    }

    /// Brings the pages under the range into memory, for reading. False when the system has only been told to begin, or could not get
    /// some of them: then they have to be touched.
    pub fn prefetch(&self, offset: usize, length: usize) -> bool {
        let span = self.span(offset, length);
        // SAFETY: the span is inside our pages; reading them in changes no contents.
        let advise = |advice| unsafe { libc::madvise(span.address.cast(), span.length, advice) == 0 };
        // Linux 5.14. It says so when a page cannot be had, instead of a signal.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if advise(libc::MADV_POPULATE_READ) {
            return true;
        }
        // Advice: a system that does not take it reads when the pages are touched.
        advise(libc::MADV_WILLNEED);
        false
    }

    /// Says that the range will be read from start to end, or that nothing is known of it any more. The system reads further ahead then, which
    /// makes a scan of a file that is not in memory several times as fast.
    pub fn advise_order(&self, offset: usize, length: usize, sequential: bool) {
        let span = self.span(offset, length);
        let advice = if sequential { libc::MADV_SEQUENTIAL } else { libc::MADV_NORMAL };
        // SAFETY: the span is inside our pages, and this advice changes no contents. An error is no loss: it is advice.
        let _ = unsafe { libc::madvise(span.address.cast(), span.length, advice) };
    }

    /// Whether advice says in which order pages will be touched.
    pub fn is_about_order(option: i32) -> bool {
        matches!(option, libc::MADV_NORMAL | libc::MADV_RANDOM | libc::MADV_SEQUENTIAL)
    }

    /// Keeps the pages under the range in RAM. `private` says whether they are private and can be
    /// written to.
    ///
    /// # Errors
    ///
    /// ENOMEM or EPERM beyond RLIMIT_MEMLOCK, EAGAIN.
    pub fn lock(&self, offset: usize, length: usize, private: bool) -> Result<()> {
        let span = self.span(offset, length);
        self.mark_divided();
        // mlock brings private pages that can be written to in for writing, which copies them: what
        // others write to the file would not be seen any more.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if private {
            // SAFETY: the span is inside our pages; locking changes no contents.
            unsafe { rustix::mm::mlock_with(span.address.cast(), span.length, rustix::mm::MlockFlags::ONFAULT) }
                .map_err(failed_for("mlock2", Wanted { bytes: span.length, private }))?;
            self.prefetch(offset, length);
            return Ok(());
        }
        // SAFETY: the span is inside our pages; locking changes no contents.
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
        // SAFETY: the span is inside our pages; unlocking changes no contents.
        unsafe { rustix::mm::munlock(span.address.cast(), span.length) }.map_err(failed("munlock"))
    }

    /// How many of the pages under the range are in memory (in the page cache, for a file).
    ///
    /// # Errors
    ///
    /// EAGAIN.
    pub fn resident(&self, offset: usize, length: usize) -> Result<Residency> {
        // A byte a page: a mebibyte at a time says it of 4 GiB.
        const PAGES_AT_A_TIME: usize = 1 << 20;
        let span = self.span(offset, length);
        let total = if length == 0 { 0 } else { span.pages() };
        let mut states = vec![0u8; total.min(PAGES_AT_A_TIME)];
        let mut resident = 0;
        let mut done = 0;
        while done < total {
            let count = (total - done).min(PAGES_AT_A_TIME);
            let address = span.address.wrapping_add(done * page_size());
            // SAFETY: `count` pages from `address` are inside our pages, and `states` has `count` bytes.
            let result = unsafe { libc::mincore(address.cast(), count * page_size(), states.as_mut_ptr().cast()) };
            if result != 0 {
                return Err(last_error("mincore"));
            }
            resident += states.iter().take(count).filter(|&state| state & 1 != 0).count();
            done += count;
        }
        Ok(Residency { resident, total })
    }

    /// Which of the pages under the range have been stored to, in a private mapping; nothing where the system does not tell.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn copied_pages(&self, offset: usize, length: usize) -> Option<Vec<bool>> {
        // A number of 64 bits a page. A page that was copied is anonymous memory: present or swapped out, and no file's.
        const ENTRY: usize = size_of::<u64>();
        const OF_A_FILE: u64 = 1 << 61;
        const SWAPPED_OR_PRESENT: u64 = 3 << 62;
        use std::os::unix::fs::FileExt;
        let span = self.span(offset, length);
        let mut entries = vec![0u8; span.pages() * ENTRY];
        let pagemap = std::fs::File::open("/proc/self/pagemap").ok()?;
        pagemap.read_exact_at(&mut entries, (span.address.addr() / page_size() * ENTRY) as u64).ok()?;
        let is_copied = |entry: u64| entry & OF_A_FILE == 0 && entry & SWAPPED_OR_PRESENT != 0;
        let (entries, _) = entries.as_chunks::<ENTRY>();
        Some(entries.iter().map(|entry| is_copied(u64::from_ne_bytes(*entry))).collect())
    }

    /// Which of the pages under the range have been stored to, in a private mapping; nothing where the system does not tell.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn copied_pages(&self, _offset: usize, _length: usize) -> Option<Vec<bool>> {
        None
    }

    /// Brings all pages in: for writing if the methods write, which copies private ones. A system
    /// that does not do it gives a mapping that works, only cold. mmap too says nothing when
    /// populating fails.
    pub fn populate(&self, plan: &Plan) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if plan.writable() {
            let span = self.span(0, self.length());
            // SAFETY: the span is inside our pages; bringing them in changes no contents.
            unsafe { libc::madvise(span.address.cast(), span.length, libc::MADV_POPULATE_WRITE) };
            return;
        }
        let _ = plan;
        self.prefetch(0, self.length());
    }
}

/// MADV_GUARD_INSTALL turns pages into ones whose touch is SIGSEGV; no view could be handed out over that.
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

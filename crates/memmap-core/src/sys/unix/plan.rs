//! A plan as flags and protection of mmap(2), and the other way round.

use super::errno::failed;
use super::page_size;
use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::sync::OnceLock;

pub(super) const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// Whether private pages are those of the moment of mapping, whatever others write to the file later. On other systems only the pages that were
/// stored to are apart from the file.
///
/// XNU copies as late as it can: a write to the file, in whichever way, first gives the private mapping its own copy of the page
/// (MEMORY_OBJECT_COPY_DELAY; "honor copy-on-write obligations" in vm_pageout.c).
pub const PRIVATE_IS_SNAPSHOT: bool = cfg!(target_vendor = "apple");

/// Whether stores to our pages that can only be read are answered.
pub(super) fn is_fault_handler_enabled() -> bool {
    static DISABLED: OnceLock<bool> = OnceLock::new();
    !*DISABLED.get_or_init(|| std::env::var_os("MEMMAP_NO_FAULT_HANDLER").is_some_and(|value| value == "1"))
}

/// How far into its page an offset lies.
pub(super) fn lead_of(offset: u64, page: usize) -> usize {
    // Less than a page, so it fits.
    (offset % page as u64) as usize
}

pub(super) fn flags_for(plan: &Plan) -> MapFlags {
    let mut flags = MapFlags::from_bits_retain(plan.other_flags as _);
    let shared = plan.writes_through() || only_reads_shared(plan) || plan.shared && !plan.writable();
    flags |= if shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
    if !plan.writable() {
        flags |= MapFlags::from_bits_retain(NORESERVE as _);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if plan.populate && plan.writable() {
        flags |= MapFlags::POPULATE;
    }
    flags
}

pub(super) fn anonymous_flags_for(plan: &Plan) -> MapFlags {
    let mut flags = MapFlags::from_bits_retain(plan.other_flags as _);
    flags |= if plan.private { MapFlags::PRIVATE } else { MapFlags::SHARED };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if plan.populate {
        flags |= MapFlags::POPULATE;
    }
    flags
}

/// `anonymous`: the memory has no file. Nothing is gained there by pages that can only be read.
pub(super) fn protection_for(plan: &Plan, anonymous: bool) -> ProtFlags {
    let only_reads = only_reads_shared(plan) || !plan.writable() && !anonymous && is_fault_handler_enabled();
    let protection = if only_reads { ProtFlags::READ } else { READ_WRITE };
    if plan.executable { protection | ProtFlags::EXEC } else { protection }
}

/// Whether the pages are the file's own, without the right to write: see
/// [`super::Memory::of_file`].
fn only_reads_shared(plan: &Plan) -> bool {
    PRIVATE_IS_SNAPSHOT && !plan.writable() && !plan.private
}

/// No swap is set aside for the pages, where the system can be told so.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) const NORESERVE: i32 = libc::MAP_NORESERVE;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) const NORESERVE: i32 = 0;

/// What `prot` alone says of a plan, to the call that it is for.
pub fn plan_from_prot(prot: i32, syscall: &'static str) -> Result<Plan> {
    const KNOWN: i32 = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    if prot & !KNOWN != 0 {
        return Err(failed(syscall)(Errno::INVAL));
    }
    let access = match (prot & libc::PROT_READ != 0, prot & libc::PROT_WRITE != 0) {
        (true, true) => Access::Default,
        (false, true) => Access::Write,
        (_, false) => Access::Read,
    };
    Ok(Plan { executable: prot & libc::PROT_EXEC != 0, ..Plan::from_access(access) })
}

/// The plan for flags and prot of mmap(2); see `plan_from_flags`.
pub fn plan_from_flags(flags: i32, prot: i32) -> Result<Plan> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE | libc::MAP_GROWSDOWN;
    // FreeBSD's MAP_STACK is such a growing one. Its lowest page is never there, and the rest only
    // from the highest that was touched on.
    #[cfg(target_os = "freebsd")]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED | libc::MAP_STACK;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const POPULATE: i32 = libc::MAP_POPULATE;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const POPULATE: i32 = 0;
    // The low bits say how the mapping is shared. Linux has a third kind, MAP_SHARED_VALIDATE,
    // which is both bits.
    const SHARING: i32 = libc::MAP_SHARED | libc::MAP_PRIVATE;

    if flags & OVER_MEMORY_IN_USE != 0 {
        return Err(Error::Contradiction(
            "\"flags\" may not contain MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN or, on FreeBSD, MAP_STACK: the address is \
             ours to choose",
        ));
    }
    if flags & SHARING == 0 {
        return Err(failed("mmap")(Errno::INVAL));
    }
    let mut other_flags = flags & !(SHARING | libc::MAP_ANON | POPULATE);
    if flags & SHARING == SHARING {
        // What is added to MAP_SHARED to make MAP_SHARED_VALIDATE of it.
        other_flags |= SHARING & !libc::MAP_SHARED;
    }
    Ok(Plan {
        private: flags & SHARING == libc::MAP_PRIVATE,
        shared: flags & libc::MAP_SHARED != 0,
        populate: flags & POPULATE != 0,
        other_flags,
        ..plan_from_prot(prot, "mmap")?
    })
}

/// Bytes in a page of memory that is mapped with these flags.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn page_size_of_flags(flags: i32) -> usize {
    if flags & libc::MAP_HUGETLB == 0 {
        return page_size();
    }
    // The flags may say which of the sizes that there are, as a power of two.
    match (flags >> libc::MAP_HUGE_SHIFT) & libc::MAP_HUGE_MASK {
        0 => default_huge_page_size().unwrap_or_else(page_size),
        power => 1usize.checked_shl(power.unsigned_abs()).unwrap_or_else(page_size),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn default_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn page_size_of_flags(_flags: i32) -> usize {
    page_size()
}

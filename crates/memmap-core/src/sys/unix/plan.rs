//! What a plan means to mmap(2) as flags and protection, and the reverse.

use super::errno::failed;
use super::page::page_size;
use crate::access::{Access, Plan};
use crate::error::{Error, Result};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::sync::OnceLock;

pub(super) const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// Whether private pages show the file as it was when it was mapped, whatever others write to it
/// later. On other systems only pages that were stored to differ from the file.
///
/// XNU delays the copy: before a write to the file, by whatever means, the private mapping gets its
/// own copy of the page (MEMORY_OBJECT_COPY_DELAY; "honor copy-on-write obligations" in
/// vm_pageout.c).
pub const PRIVATE_IS_SNAPSHOT: bool = cfg!(target_vendor = "apple");

/// Whether the fault handler is enabled. It is asked here and not in the handler's file, because
/// the protection of read-only mappings depends on it.
pub(super) fn is_fault_handler_enabled() -> bool {
    static DISABLED: OnceLock<bool> = OnceLock::new();
    !*DISABLED.get_or_init(|| std::env::var_os("MEMMAP_NO_FAULT_HANDLER").is_some_and(|value| value == "1"))
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

/// The protection of the pages. For memory without a file (`anonymous`), read-only pages would save
/// nothing.
pub(super) fn protection_for(plan: &Plan, anonymous: bool) -> ProtFlags {
    let only_reads = only_reads_shared(plan) || !plan.writable() && !anonymous && is_fault_handler_enabled();
    let protection = if only_reads { ProtFlags::READ } else { READ_WRITE };
    if plan.executable { protection | ProtFlags::EXEC } else { protection }
}

/// Whether the pages are the file's own, but read-only. See [`super::Memory::of_file`].
fn only_reads_shared(plan: &Plan) -> bool {
    PRIVATE_IS_SNAPSHOT && !plan.writable() && !plan.private
}

/// The flag for pages without reserved swap, 0 on systems that have none.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) const NORESERVE: i32 = libc::MAP_NORESERVE;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) const NORESERVE: i32 = 0;

/// The plan for `prot` of the system call `syscall`.
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

/// The plan for `flags` and `prot` of mmap(2). Its access is the one that CPython records: DEFAULT
/// for reading and writing, WRITE for writing alone, else READ.
///
/// # Errors
///
/// ERR_INVALID_ARG_VALUE for flags that would map over memory in use, EINVAL for others that
/// mmap(2) does not allow.
pub fn plan_from_flags(flags: i32, prot: i32) -> Result<Plan> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE | libc::MAP_GROWSDOWN;
    // On FreeBSD, MAP_STACK makes such a growing mapping. Its lowest page never exists, and the
    // other pages exist only from the highest touched one on.
    #[cfg(target_os = "freebsd")]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED | libc::MAP_STACK;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    const OVER_MEMORY_IN_USE: i32 = libc::MAP_FIXED;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const POPULATE: i32 = libc::MAP_POPULATE;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const POPULATE: i32 = 0;
    // The low bits say how the mapping is shared. On Linux both bits together mean a third kind,
    // MAP_SHARED_VALIDATE.
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
        // This bit turns MAP_SHARED into MAP_SHARED_VALIDATE.
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

/// The size of a page of memory that is mapped with these flags, in bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn page_size_of_flags(flags: i32) -> usize {
    if flags & libc::MAP_HUGETLB == 0 {
        return page_size();
    }
    // The flags may name a page size as a power of two.
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

//! The constants of `<sys/mman.h>` that CPython exports, with their values on this system.

/// The name of a constant and its value.
pub type Constant = (&'static str, i32);

/// All constants of this system.
pub fn constants() -> impl Iterator<Item = Constant> {
    COMMON.iter().chain(SYSTEM).chain(ARCHITECTURE).copied()
}

macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i32)),*] };
}

const COMMON: &[Constant] = constants! {
    PROT_READ PROT_WRITE PROT_EXEC
    MAP_SHARED MAP_PRIVATE MAP_ANON MAP_ANONYMOUS
    MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED
    MS_SYNC MS_ASYNC MS_INVALIDATE
};

#[cfg(any(target_os = "linux", target_os = "android"))]
const SYSTEM: &[Constant] = constants! {
    MAP_DENYWRITE MAP_EXECUTABLE MAP_NORESERVE MAP_POPULATE MAP_STACK
    MADV_FREE MADV_REMOVE MADV_DONTFORK MADV_DOFORK MADV_HWPOISON MADV_MERGEABLE MADV_UNMERGEABLE MADV_SOFT_OFFLINE
    MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP
    MADV_COLD MADV_PAGEOUT MADV_POPULATE_READ MADV_POPULATE_WRITE
};

#[cfg(target_vendor = "apple")]
const SYSTEM: &[Constant] = &[
    ("MAP_NORESERVE", libc::MAP_NORESERVE),
    ("MAP_NOEXTEND", libc::MAP_NOEXTEND),
    ("MAP_HASSEMAPHORE", libc::MAP_HASSEMAPHORE),
    ("MAP_NOCACHE", libc::MAP_NOCACHE),
    ("MAP_JIT", libc::MAP_JIT),
    // These are from <sys/mman.h>, because the libc crate does not have them.
    ("MAP_RESILIENT_CODESIGN", 0x2000),
    ("MAP_RESILIENT_MEDIA", 0x4000),
    ("MAP_TRANSLATED_ALLOW_EXECUTE", 0x0002_0000),
    ("MAP_UNIX03", 0x0004_0000),
    ("MAP_TPRO", 0x0008_0000),
    ("MADV_FREE", libc::MADV_FREE),
    ("MADV_FREE_REUSABLE", libc::MADV_FREE_REUSABLE),
    ("MADV_FREE_REUSE", libc::MADV_FREE_REUSE),
];

#[cfg(target_os = "freebsd")]
const SYSTEM: &[Constant] = constants! {
    MAP_STACK MAP_ALIGNED_SUPER MAP_HASSEMAPHORE
    MADV_FREE MADV_NOSYNC MADV_AUTOSYNC MADV_NOCORE MADV_CORE MADV_PROTECT
};

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
const SYSTEM: &[Constant] = &[];

#[cfg(all(any(target_os = "linux", target_os = "freebsd"), target_arch = "x86_64"))]
const ARCHITECTURE: &[Constant] = constants! { MAP_32BIT };
#[cfg(not(all(any(target_os = "linux", target_os = "freebsd"), target_arch = "x86_64")))]
const ARCHITECTURE: &[Constant] = &[];

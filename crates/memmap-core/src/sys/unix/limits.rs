//! Which limit a failed call has reached, because the system reports ENOMEM for most of them.
//!
//! Only errors use this. Memory may be short then, so files are read into buffers on the stack.

use super::page::page_size;
use rustix::io::Errno;
use std::io::Read;
use std::mem::MaybeUninit;

/// Files in which Linux reports its limits.
const OVERCOMMIT: &str = "/proc/sys/vm/overcommit_memory";
const MAX_MAP_COUNT: &str = "/proc/sys/vm/max_map_count";
const FILE_MAX: &str = "/proc/sys/fs/file-max";

/// Enough for each file that is read whole.
const FILE_LENGTH: usize = 8192;

/// A limit from getrlimit(2), `None` if there is no limit. rustix assumes that the call cannot
/// fail, but a sandbox can make it fail. (This is a macro, because the type of the numbers differs
/// between systems.)
macro_rules! limit {
    ($number:ident) => {{
        let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
        // SAFETY: `limit` is writable for the size of an rlimit.
        let result = unsafe { libc::getrlimit(libc::$number, limit.as_mut_ptr()) };
        // SAFETY: all zeros is a valid rlimit, and getrlimit fills it in when it returns 0.
        let limit = unsafe { limit.assume_init() };
        #[allow(clippy::unnecessary_cast, reason = "the type differs between systems")]
        (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
    }};
}

/// RLIMIT_FSIZE: the largest size of a file, in bytes.
pub(super) fn file_size() -> Option<u64> {
    limit!(RLIMIT_FSIZE)
}

/// RLIMIT_NOFILE: the largest number of descriptors.
pub(super) fn descriptors() -> Option<u64> {
    limit!(RLIMIT_NOFILE)
}

/// Whether the system charges writable private memory as a whole, even pages that nobody stored to.
/// Strict accounting does, and so does RLIMIT_DATA. Signal handlers may call this: it takes no lock
/// and little of the stack.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn count_private_memory() -> bool {
    use rustix::fs::{Mode, OFlags};
    let is_strict = || {
        let file = rustix::fs::open(OVERCOMMIT, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut first = [0];
        (rustix::io::read(&file, &mut first).ok()? == 1).then_some(first == *b"2")
    };
    limit!(RLIMIT_DATA).is_some() || is_strict() == Some(true)
}

/// What a failed call needed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// Bytes of additional memory, 0 if that is not known.
    pub(super) bytes: usize,
    /// Whether it is writable private memory.
    pub(super) private: bool,
}

/// The limit that explains why a call failed, and how to see and raise it. `None` if no limit does.
/// Without /proc the current use is not known, and any limit that is set counts as an explanation.
pub(super) fn explanation(errno: Errno, syscall: &str, wanted: Wanted) -> Option<String> {
    let bytes = (wanted.bytes as u64).max(1);
    match (errno, syscall) {
        (Errno::NOMEM | Errno::PERM | Errno::AGAIN, "mlock" | "mlock2") => locked(bytes).or_else(mappings),
        (Errno::NOMEM, "mmap" | "mremap" | "mprotect") => {
            let private = || if wanted.private { data(bytes) } else { None };
            addresses(bytes).or_else(private).or_else(mappings).or_else(|| promised(bytes))
        }
        (Errno::NOMEM, "ftruncate" | "fallocate") => promised(bytes),
        (Errno::FBIG, _) => Some(format!(
            "no file of this process may become longer than {} bytes: `ulimit -f` shows the limit and sets another",
            file_size()?
        )),
        (Errno::MFILE, _) => Some(format!(
            "this process may have {} files open: `ulimit -n` shows the limit and sets another",
            descriptors()?
        )),
        (Errno::NFILE, _) => Some(format!(
            "the system may have {} files open: `sysctl fs.file-max` shows the limit and sets another",
            number_in(FILE_MAX)?
        )),
        _ => None,
    }
}

/// RLIMIT_AS: bytes of addresses.
fn addresses(bytes: u64) -> Option<String> {
    let limit = limit!(RLIMIT_AS)?;
    let used = with_file("/proc/self/statm", first_number).map(|pages| pages.saturating_mul(page_size() as u64));
    reached(limit, used, bytes, "of addresses", "ulimit -v")
}

/// RLIMIT_DATA: bytes of private memory. Only Linux counts mappings for it.
fn data(bytes: u64) -> Option<String> {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return None;
    }
    let limit = limit!(RLIMIT_DATA)?;
    reached(limit, kilobytes("/proc/self/status", "VmData:"), bytes, "of private memory", "ulimit -d")
}

/// RLIMIT_MEMLOCK: bytes of locked memory.
fn locked(bytes: u64) -> Option<String> {
    const CAP_IPC_LOCK: u64 = 1 << 14;
    let limit = limit!(RLIMIT_MEMLOCK)?;
    let capabilities = with_file("/proc/self/status", |text| u64::from_str_radix(value_of(text, "CapEff:")?, 16).ok());
    if capabilities.is_some_and(|capabilities| capabilities & CAP_IPC_LOCK != 0) {
        return None;
    }
    reached(limit, kilobytes("/proc/self/status", "VmLck:"), bytes, "of locked memory", "ulimit -l")
}

fn reached(limit: u64, used: Option<u64>, bytes: u64, what: &str, command: &str) -> Option<String> {
    let has = match used {
        Some(used) if used.saturating_add(bytes) <= limit => return None,
        Some(used) => format!(" and has {used}"),
        None => String::new(),
    };
    Some(format!("this process may have {limit} bytes {what}{has}: `{command}` shows the limit and sets another"))
}

/// vm.max_map_count: the number of kernel mappings.
fn mappings() -> Option<String> {
    let limit = number_in(MAX_MAP_COUNT)?;
    let count = lines_in("/proc/self/maps")?;
    // The list contains one mapping of the system's own that is not counted, and the call may need
    // two.
    (count + 2 > limit).then(|| {
        format!(
            "this process has {count} mappings, and may have {limit}: `sysctl vm.max_map_count` shows the limit and \
             sets another"
        )
    })
}

/// The memory that the system promises under strict accounting.
fn promised(bytes: u64) -> Option<String> {
    const STRICT: u64 = 2;
    // The most that the system reserves: for root, and for processes with little memory.
    const KEPT: u64 = (128 + 8) << 20;
    if number_in(OVERCOMMIT)? != STRICT {
        return None;
    }
    let limit = kilobytes("/proc/meminfo", "CommitLimit:")?;
    let promised = kilobytes("/proc/meminfo", "Committed_AS:")?;
    (promised.saturating_add(bytes).saturating_add(KEPT) > limit).then(|| {
        format!(
            "the system promises no more than {limit} bytes to all processes, and has promised {promised}, because \
             vm.overcommit_memory is 2: `sysctl vm.overcommit_ratio` shows the share of memory and sets another"
        )
    })
}

fn number_in(path: &str) -> Option<u64> {
    with_file(path, first_number)
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// A number that a line of the file gives in kilobytes, converted to bytes.
fn kilobytes(path: &str, label: &str) -> Option<u64> {
    with_file(path, |text| value_of(text, label)?.parse::<u64>().ok()?.checked_mul(1024))
}

/// The first word after a label.
fn value_of<'text>(text: &'text str, label: &str) -> Option<&'text str> {
    text.lines().find_map(|line| line.strip_prefix(label))?.split_whitespace().next()
}

/// Calls `look` with the beginning of a file.
fn with_file<T>(path: &str, look: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut buffer = [0; FILE_LENGTH];
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).ok()? {
            0 => break,
            count => length += count,
        }
    }
    look(std::str::from_utf8(buffer.get(..length)?).ok()?)
}

fn lines_in(path: &str) -> Option<u64> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut buffer = [0; FILE_LENGTH];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(lines),
            count => lines += buffer.get(..count)?.iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
}

//! Which limit a call has run into: the system says ENOMEM of all of them.
//!
//! This is for errors only. Memory may be short then, so what is read goes into buffers on the
//! stack.

use super::page_size;
use rustix::io::Errno;
use std::io::Read;
use std::mem::MaybeUninit;

/// Where Linux says how much of something there may be.
const OVERCOMMIT: &str = "/proc/sys/vm/overcommit_memory";
const MAX_MAP_COUNT: &str = "/proc/sys/vm/max_map_count";
const FILE_MAX: &str = "/proc/sys/fs/file-max";

/// Enough for each file that is read whole.
const FILE_LENGTH: usize = 8192;

/// What getrlimit(2) says; `None` for no limit. rustix takes it for a call that cannot fail, which
/// a sandbox can make it do. (A macro, because the numbers of limits differ in type between
/// systems.)
macro_rules! limit {
    ($number:ident) => {{
        let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
        // SAFETY: `limit` is writable for the size of an rlimit.
        let result = unsafe { libc::getrlimit(libc::$number, limit.as_mut_ptr()) };
        // SAFETY: all zeros is an rlimit, and getrlimit has filled it in where it returned 0.
        let limit = unsafe { limit.assume_init() };
        #[allow(clippy::unnecessary_cast, reason = "the type differs between systems")]
        (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
    }};
}

/// RLIMIT_FSIZE.
pub(super) fn file_size() -> Option<u64> {
    limit!(RLIMIT_FSIZE)
}

/// RLIMIT_NOFILE.
pub(super) fn descriptors() -> Option<u64> {
    limit!(RLIMIT_NOFILE)
}

/// Whether the system counts private memory that can be written to as a whole, stored to or not:
/// strict accounting does, and so does RLIMIT_DATA. For signal handlers too: it takes no lock and
/// little of the stack.
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

/// What a call wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// How many bytes more; 0 if that is not known.
    pub(super) bytes: usize,
    /// Whether they are private memory that can be written.
    pub(super) private: bool,
}

/// The limit that explains why a call has failed, and how to see and raise it; `None` where none
/// does. Without /proc nobody knows how much is in use, and any limit that is set explains it.
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

/// RLIMIT_AS.
fn addresses(bytes: u64) -> Option<String> {
    let limit = limit!(RLIMIT_AS)?;
    let used = with_file("/proc/self/statm", first_number).map(|pages| pages.saturating_mul(page_size() as u64));
    reached(limit, used, bytes, "of addresses", "ulimit -v")
}

/// RLIMIT_DATA. Only Linux counts mappings for it.
fn data(bytes: u64) -> Option<String> {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return None;
    }
    let limit = limit!(RLIMIT_DATA)?;
    reached(limit, kilobytes("/proc/self/status", "VmData:"), bytes, "of private memory", "ulimit -d")
}

/// RLIMIT_MEMLOCK.
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

/// vm.max_map_count.
fn mappings() -> Option<String> {
    let limit = number_in(MAX_MAP_COUNT)?;
    let count = lines_in("/proc/self/maps")?;
    // The system's own one is in the list and is not quota, and two may be needed.
    (count + 2 > limit).then(|| {
        format!(
            "this process has {count} mappings, and may have {limit}: `sysctl vm.max_map_count` shows the limit and \
             sets another"
        )
    })
}

/// Strict accounting.
fn promised(bytes: u64) -> Option<String> {
    const STRICT: u64 = 2;
    // What the system keeps for processes that have few bytes, and for root, at most.
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

/// The number that a line says in kilobytes, in bytes.
fn kilobytes(path: &str, label: &str) -> Option<u64> {
    with_file(path, |text| value_of(text, label)?.parse::<u64>().ok()?.checked_mul(1024))
}

/// The first word after a label.
fn value_of<'text>(text: &'text str, label: &str) -> Option<&'text str> {
    text.lines().find_map(|line| line.strip_prefix(label))?.split_whitespace().next()
}

/// Gives `look` the beginning of a file.
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

//! Makes system calls of one thread fail.
//!
//! The thread installs a seccomp filter for itself. The filter passes the calls in [`KINDS`] to
//! another thread of the process, the supervisor. The supervisor lets a call continue, performs it
//! in place of the thread, or answers it with an error. Both threads share the memory and the
//! descriptors.
//!
//! The supervisor allocates nothing while it answers, because the waiting thread may hold a lock of
//! the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::fmt;
use std::io;
use std::ops::Range;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use libc::{c_int, c_long};

/// The calls that can fail, and their errors. Calls whose errors depend on their arguments have a
/// line in [`Call::errors`].
const KINDS: &[(&str, c_long, &[c_int])] = &[
    #[cfg(target_arch = "x86_64")]
    ("open", libc::SYS_open, &[libc::EINTR, libc::EMFILE, libc::ENFILE, libc::EACCES, libc::EIO, libc::ENOMEM]),
    ("openat", libc::SYS_openat, &[libc::EINTR, libc::EMFILE, libc::ENFILE, libc::EACCES, libc::EIO, libc::ENOMEM]),
    ("openat2", libc::SYS_openat2, &[libc::EINTR, libc::EMFILE, libc::ENFILE, libc::EACCES, libc::EIO, libc::ENOMEM]),
    ("memfd_create", libc::SYS_memfd_create, &[libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EACCES]),
    ("close", libc::SYS_close, &[]),
    ("fcntl", libc::SYS_fcntl, &[]),
    ("ioctl", libc::SYS_ioctl, &[libc::EINVAL, libc::ENOMEM, libc::EPERM]),
    #[cfg(target_arch = "x86_64")]
    ("stat", libc::SYS_stat, &[libc::EIO, libc::EACCES, libc::ENOMEM]),
    #[cfg(target_arch = "x86_64")]
    ("lstat", libc::SYS_lstat, &[libc::EIO, libc::EACCES, libc::ENOMEM]),
    ("fstat", libc::SYS_fstat, &[libc::EIO, libc::ENOMEM]),
    ("newfstatat", libc::SYS_newfstatat, &[libc::EIO, libc::EACCES, libc::ENOMEM]),
    ("statx", libc::SYS_statx, &[libc::EIO, libc::EACCES, libc::ENOMEM]),
    ("statfs", libc::SYS_statfs, &[libc::EINTR, libc::EIO, libc::EACCES]),
    ("fstatfs", libc::SYS_fstatfs, &[libc::EINTR, libc::EIO]),
    ("faccessat", libc::SYS_faccessat, &[libc::EIO, libc::EACCES]),
    ("lseek", libc::SYS_lseek, &[libc::EINVAL, libc::EIO]),
    ("read", libc::SYS_read, &[libc::EINTR, libc::EIO]),
    ("pread64", libc::SYS_pread64, &[libc::EINTR, libc::EIO]),
    ("write", libc::SYS_write, &[libc::EINTR, libc::EIO, libc::ENOSPC]),
    ("pwrite64", libc::SYS_pwrite64, &[libc::EINTR, libc::EIO, libc::ENOSPC, libc::EFBIG]),
    ("pwritev2", libc::SYS_pwritev2, &[libc::EINTR, libc::EIO, libc::ENOSPC, libc::EOPNOTSUPP]),
    (
        "fallocate",
        libc::SYS_fallocate,
        &[libc::EINTR, libc::ENOSPC, libc::EFBIG, libc::EIO, libc::EDQUOT, libc::EOPNOTSUPP],
    ),
    ("ftruncate", libc::SYS_ftruncate, &[libc::EINTR, libc::EIO, libc::EFBIG, libc::EPERM, libc::ENOSPC]),
    ("fsync", libc::SYS_fsync, &[libc::EINTR, libc::EIO, libc::ENOSPC]),
    ("fdatasync", libc::SYS_fdatasync, &[libc::EINTR, libc::EIO, libc::ENOSPC]),
    // The libc crate has no number for it on ARM.
    #[cfg(target_arch = "x86_64")]
    ("sync_file_range", libc::SYS_sync_file_range, &[libc::EIO, libc::ENOSPC]),
    #[cfg(target_arch = "x86_64")]
    ("link", libc::SYS_link, &[libc::EPERM, libc::ENOSPC, libc::EEXIST, libc::EIO]),
    ("linkat", libc::SYS_linkat, &[libc::EPERM, libc::ENOSPC, libc::EEXIST, libc::ENOENT, libc::EIO]),
    #[cfg(target_arch = "x86_64")]
    ("rename", libc::SYS_rename, &[libc::EPERM, libc::ENOSPC, libc::EIO]),
    ("renameat2", libc::SYS_renameat2, &[libc::EPERM, libc::ENOSPC, libc::EEXIST, libc::EINVAL]),
    #[cfg(target_arch = "x86_64")]
    ("unlink", libc::SYS_unlink, &[libc::EACCES, libc::EBUSY, libc::EIO]),
    ("unlinkat", libc::SYS_unlinkat, &[libc::EACCES, libc::EBUSY, libc::EIO]),
    #[cfg(target_arch = "x86_64")]
    ("readlink", libc::SYS_readlink, &[libc::EACCES, libc::EIO]),
    ("readlinkat", libc::SYS_readlinkat, &[libc::EACCES, libc::EIO]),
    ("fchmod", libc::SYS_fchmod, &[libc::EPERM, libc::EIO]),
    ("mmap", libc::SYS_mmap, &[libc::ENOMEM, libc::EAGAIN]),
    ("mremap", libc::SYS_mremap, &[libc::ENOMEM, libc::EAGAIN]),
    ("munmap", libc::SYS_munmap, &[libc::ENOMEM]),
    ("mprotect", libc::SYS_mprotect, &[libc::ENOMEM, libc::EACCES]),
    ("madvise", libc::SYS_madvise, &[libc::EAGAIN, libc::ENOMEM, libc::EINVAL, libc::EIO]),
    ("msync", libc::SYS_msync, &[libc::EIO, libc::ENOMEM, libc::ENOSPC]),
    ("mincore", libc::SYS_mincore, &[libc::EAGAIN, libc::ENOMEM]),
    ("mlock", libc::SYS_mlock, &[libc::ENOMEM, libc::EPERM, libc::EAGAIN]),
    ("mlock2", libc::SYS_mlock2, &[libc::ENOMEM, libc::EPERM, libc::EAGAIN, libc::ENOSYS]),
    ("munlock", libc::SYS_munlock, &[libc::ENOMEM]),
];

/// An ability that the system lacks in every call of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// fallocate(2), as on NFS 4.1 and many file systems of FUSE.
    Allocation,
    /// Files without a name (O_TMPFILE), as on NFS and on overlayfs before 6.1.
    NamelessFiles,
}

/// A system call of the thread.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: c_long,
    pub arguments: [u64; 6],
    /// The number of our mappings in the memory that mremap(2) is to move.
    pub pieces: usize,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does nothing and reports the error.
    Fails(c_int),
    /// It unmaps what it was to replace, and then fails. Linux does so before 6.12 (mmap) and
    /// before 6.17 (mremap).
    FailsAfterUnmapping(c_int),
    /// It does half of its work and then fails.
    FailsHalfWay(c_int),
    /// It does its work and then reports an error.
    FailsWhenDone(c_int),
    /// It does half of its work and reports that.
    IsShort,
    /// It succeeds.
    Succeeds,
}

impl Call {
    fn flags(&self, argument: usize) -> c_int {
        self.arguments[argument] as c_int
    }

    pub fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    pub fn name(&self) -> &'static str {
        KINDS.iter().find(|(_, number, _)| *number == self.number).map_or("?", |(name, ..)| name)
    }

    /// Whether it maps at most a page.
    pub fn is_for_a_page(&self) -> bool {
        matches!(self.name(), "mmap" | "mremap" | "mprotect") && self.arguments[1] <= page_size() as u64
    }

    fn open_flags(&self) -> Option<c_int> {
        match self.name() {
            "open" => Some(self.flags(1)),
            "openat" => Some(self.flags(2)),
            _ => None,
        }
    }

    /// The errors with which the call can plausibly fail.
    fn errors(&self) -> Vec<c_int> {
        let (.., errors) = KINDS.iter().find(|(_, number, _)| *number == self.number).unwrap();
        let mut errors = errors.to_vec();
        if let Some(flags) = self.open_flags() {
            if flags & libc::O_ACCMODE != libc::O_RDONLY {
                errors.push(libc::EROFS);
            }
            if flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE {
                errors.extend([libc::ENOSPC, libc::EDQUOT]);
            }
            if flags & libc::O_TMPFILE == libc::O_TMPFILE {
                errors.extend([libc::EOPNOTSUPP, libc::EISDIR]);
            }
        }
        if self.is("mmap") && self.flags(3) & libc::MAP_ANONYMOUS == 0 {
            errors.extend([libc::EPERM, libc::ENODEV]);
        }
        if self.is("fcntl") {
            errors.extend_from_slice(match self.flags(1) {
                libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => &[libc::EMFILE, libc::EACCES],
                libc::F_ADD_SEALS => &[libc::EPERM, libc::EBUSY, libc::EINVAL],
                libc::F_SETLK | libc::F_OFD_SETLK => &[libc::EINTR, libc::EAGAIN, libc::ENOLCK],
                libc::F_OFD_SETLKW => &[libc::EINTR, libc::ENOLCK],
                // In debug builds, the standard library uses this to check that a descriptor is
                // open before it closes it. The call fails for no other reason.
                libc::F_GETFD => &[],
                // A security module may forbid it.
                _ => &[libc::EACCES],
            });
        }
        errors
    }

    /// The ways in which the call can plausibly fail.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = self.errors().into_iter().map(Fault::Fails).collect();
        match self.name() {
            "mmap" if self.flags(3) & libc::MAP_FIXED != 0 => faults.push(Fault::FailsAfterUnmapping(libc::ENOMEM)),
            "mremap" if self.flags(3) & libc::MREMAP_FIXED != 0 => {
                faults.push(Fault::FailsAfterUnmapping(libc::ENOMEM));
                // Linux before 6.17 refuses in this way to move more than one mapping.
                if self.pieces > 1 {
                    faults.push(Fault::FailsAfterUnmapping(libc::EFAULT));
                }
            }
            // The descriptor is closed whatever close returns. Closing it again would close a
            // descriptor of somebody else.
            "close" => faults.extend([Fault::FailsWhenDone(libc::EIO), Fault::FailsWhenDone(libc::EINTR)]),
            "fallocate" => faults.extend([Fault::FailsHalfWay(libc::ENOSPC), Fault::FailsHalfWay(libc::EINTR)]),
            "read" | "pread64" | "write" | "pwrite64" if self.arguments[2] > 1 => faults.push(Fault::IsShort),
            _ => {}
        }
        faults
    }

    /// Performs the call in place of the thread.
    fn perform(&self) -> Result<i64, c_int> {
        let [a, b, c, d, e, f] = self.arguments;
        match unsafe { libc::syscall(self.number, a, b, c, d, e, f) } {
            -1 => Err(errno()),
            result => Ok(result),
        }
    }
}

/// The name of an error, for reports.
pub fn error_name(error: c_int) -> String {
    macro_rules! named {
        ($($name:ident)*) => { match error { $(libc::$name => stringify!($name).to_owned(),)* _ => error.to_string() } };
    }
    named! { EINTR EMFILE ENFILE EACCES EIO ENOMEM ENOSPC EROFS EDQUOT EOPNOTSUPP EISDIR EPERM EBUSY EINVAL EAGAIN ENOLCK EBADF
    EFBIG ENODEV EFAULT ENOSYS EEXIST ENOENT }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Fails(error) => write!(f, "{}", error_name(*error)),
            Fault::FailsAfterUnmapping(error) => write!(f, "{} after unmapping", error_name(*error)),
            Fault::FailsHalfWay(error) => write!(f, "{} half way", error_name(*error)),
            Fault::FailsWhenDone(error) => write!(f, "{} when done", error_name(*error)),
            Fault::IsShort => f.write_str("short"),
            Fault::Succeeds => f.write_str("no error"),
        }
    }
}

/// What the supervisor does with the calls of one operation.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// The call that fails, counted from 0, and how it fails.
    pub fault: Option<(usize, Fault)>,
    /// The file to which another process appends before that call is answered.
    pub append_to: Option<CString>,
    pub lacks: Option<Lack>,
}

/// The bytes that another process appends.
pub const APPENDED: &[u8] = b"<appended by another process>";

/// The state of the supervisor.
#[derive(Debug)]
struct Supervised {
    /// Set while an operation runs whose calls are counted.
    orders: Option<Orders>,
    calls: Vec<Call>,
    injected: bool,
    appended: bool,
    /// The pages that the thread has mapped.
    mapped: Ranges,
    /// The first call that unmapped or replaced pages that the thread had not mapped.
    trespass: Option<Call>,
    /// A descriptor of somebody else. A duplicate of it gets the number of a descriptor that was
    /// closed.
    bystander: RawFd,
    /// The number of that duplicate.
    taken: Option<RawFd>,
}

static SUPERVISED: Mutex<Supervised> = Mutex::new(Supervised {
    orders: None,
    calls: Vec::new(),
    injected: false,
    appended: false,
    mapped: Ranges(Vec::new()),
    trespass: None,
    bystander: -1,
    taken: None,
});

fn supervised() -> MutexGuard<'static, Supervised> {
    SUPERVISED.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Answer {
    GoOn,
    Result(i64),
    Error(c_int),
}

impl From<Result<i64, c_int>> for Answer {
    fn from(result: Result<i64, c_int>) -> Answer {
        result.map_or_else(Answer::Error, Answer::Result)
    }
}

impl Supervised {
    fn answer(&mut self, mut call: Call) -> Answer {
        if call.is("mremap") {
            call.pieces = self.mapped.pieces(&pages(call.arguments[0], call.arguments[1]));
        }
        let Some(orders) = &self.orders else {
            return self.perform(call);
        };
        let number = self.calls.len();
        if number < self.calls.capacity() {
            self.calls.push(call);
        }
        let lacks = match orders.lacks {
            Some(Lack::Allocation) => call.is("fallocate"),
            Some(Lack::NamelessFiles) => {
                call.open_flags().is_some_and(|flags| flags & libc::O_TMPFILE == libc::O_TMPFILE)
            }
            None => false,
        };
        let fault = orders.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        let Some(fault) = fault else {
            return if lacks { Answer::Error(libc::EOPNOTSUPP) } else { self.perform(call) };
        };
        self.injected = true;
        if let (Fault::FailsHalfWay(_), false) = (fault, lacks) {
            half_way(call);
        }
        if let Some(path) = &self.orders.as_ref().unwrap().append_to {
            self.appended = append(path);
        }
        match fault {
            Fault::Succeeds if lacks => Answer::Error(libc::EOPNOTSUPP),
            Fault::Succeeds => self.perform(call),
            Fault::Fails(error) | Fault::FailsHalfWay(error) => Answer::Error(error),
            Fault::FailsAfterUnmapping(error) => {
                let (address, length) = match call.name() {
                    "mmap" => (call.arguments[0], call.arguments[1]),
                    _ => (call.arguments[4], call.arguments[2]),
                };
                let range = pages(address, length);
                unsafe { libc::munmap(range.start as *mut _, range.len()) };
                self.mapped.remove(&range);
                Answer::Error(error)
            }
            Fault::FailsWhenDone(error) => {
                let closed = call.arguments[0] as RawFd;
                unsafe { libc::close(closed) };
                // Somebody else opens a file at once, and it gets the number.
                self.taken = Some(unsafe { libc::fcntl(self.bystander, libc::F_DUPFD_CLOEXEC, closed) });
                Answer::Error(error)
            }
            Fault::IsShort => {
                call.arguments[2] /= 2;
                call.perform().into()
            }
        }
    }

    /// Lets the call happen, and records what it maps and unmaps.
    fn perform(&mut self, call: Call) -> Answer {
        let [first, second, third, flags, fifth, _] = call.arguments;
        let result = match call.name() {
            "mmap" | "munmap" | "mremap" => call.perform(),
            _ => return Answer::GoOn,
        };
        let Ok(address) = result else {
            return result.into();
        };
        match call.name() {
            "mmap" => {
                let range = pages(address as u64, second);
                let owned = self.mapped.remove(&range);
                if flags as c_int & libc::MAP_FIXED != 0 && !owned {
                    self.trespass.get_or_insert(call);
                }
                self.mapped.add(range);
            }
            "munmap" => {
                if !self.mapped.remove(&pages(first, second)) {
                    self.trespass.get_or_insert(call);
                }
            }
            _ => {
                let (old, new) = (pages(first, second), pages(address as u64, third));
                if flags as c_int & libc::MREMAP_FIXED != 0 && !self.mapped.remove(&pages(fifth, third)) {
                    self.trespass.get_or_insert(call);
                }
                if flags as c_int & libc::MREMAP_DONTUNMAP == 0 && !self.mapped.remove(&old) {
                    self.trespass.get_or_insert(call);
                }
                self.mapped.add(new);
            }
        }
        result.into()
    }
}

/// Does the first half of an allocation. If all blocks exist already it does nothing, because then
/// nothing can run out.
fn half_way(mut call: Call) {
    let [descriptor, _, offset, length, ..] = call.arguments;
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    unsafe { libc::fstat(descriptor as RawFd, &mut stat) };
    if (stat.st_blocks as u64) * 512 < offset + length {
        call.arguments[3] = length / 2;
        let _ = call.perform();
    }
}

/// Appends to the file, if there is one, as another process that opens it by name.
fn append(path: &CStr) -> bool {
    let descriptor = unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC) };
    if descriptor < 0 {
        return false;
    }
    let written = unsafe { libc::write(descriptor, APPENDED.as_ptr().cast(), APPENDED.len()) };
    unsafe { libc::close(descriptor) };
    written == APPENDED.len() as isize
}

fn pages(address: u64, length: u64) -> Range<usize> {
    let (start, end, page) = (address as usize, address as usize + length as usize, page_size());
    start - start % page..end.next_multiple_of(page)
}

pub fn page_size() -> usize {
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Address ranges that are mapped.
#[derive(Debug)]
struct Ranges(Vec<Range<usize>>);

impl Ranges {
    fn add(&mut self, range: Range<usize>) {
        assert!(self.0.len() < self.0.capacity(), "the supervisor must not allocate");
        self.0.push(range);
    }

    /// Removes a range, and returns whether all of it was mapped.
    fn remove(&mut self, range: &Range<usize>) -> bool {
        let mut found = 0;
        let mut index = 0;
        while let Some(one) = self.0.get(index).cloned() {
            let (start, end) = (one.start.max(range.start), one.end.min(range.end));
            if start >= end {
                index += 1;
                continue;
            }
            found += end - start;
            self.0.swap_remove(index);
            for rest in [one.start..start, end..one.end] {
                if !rest.is_empty() {
                    self.add(rest);
                }
            }
        }
        found == range.len()
    }

    fn pieces(&self, range: &Range<usize>) -> usize {
        self.0.iter().filter(|one| one.start < range.end && range.start < one.end).count()
    }
}

/// Begins to supervise the calling thread until its end.
///
/// # Errors
///
/// The reason why the system does not allow it.
pub fn start() -> io::Result<()> {
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        return Err(io::Error::other("AddressSanitizer maps memory of its own in the same thread"));
    }
    {
        let mut supervised = supervised();
        supervised.calls.reserve(1 << 16);
        supervised.mapped.0.reserve(1 << 12);
        supervised.bystander = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    }
    let (give, take) = mpsc::sync_channel(1);
    std::thread::Builder::new().spawn(move || {
        if let Ok(listener) = take.recv() {
            supervise(listener);
        }
    })?;
    let listener = install_filter()?;
    IS_SUPERVISED.set(true);
    give.send(listener).map_err(io::Error::other)
}

fn supervise(listener: RawFd) {
    loop {
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        if unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &mut notice) } != 0 {
            // A signal has interrupted the wait.
            continue;
        }
        let call = Call { number: notice.data.nr.into(), arguments: notice.data.args, pieces: 1 };
        let mut response = libc::seccomp_notif_resp { id: notice.id, val: 0, error: 0, flags: 0 };
        let allocating = ALLOCATING.load(Ordering::SeqCst);
        match if allocating { Answer::GoOn } else { supervised().answer(call) } {
            Answer::GoOn => response.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
            Answer::Result(value) => response.val = value,
            Answer::Error(error) => response.error = -error,
        }
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &mut response) };
    }
}

/// Installs the filter, and returns the descriptor of its notifications.
fn install_filter() -> io::Result<RawFd> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    // The first word of seccomp_data is the number of the call.
    let mut program = vec![step(LOAD, 0, 0, 0)];
    for (_, number, _) in KINDS {
        program.push(step(JUMP_IF_EQUAL, *number as u32, 0, 1));
        program.push(step(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0));
    }
    program.push(step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    match unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program) } {
        -1 => Err(io::Error::last_os_error()),
        listener => Ok(listener as RawFd),
    }
}

/// Runs an operation whose calls are counted, and of which one may fail.
pub fn armed<T>(orders: Orders, operation: impl FnOnce() -> T) -> T {
    struct Disarm;
    impl Drop for Disarm {
        fn drop(&mut self) {
            supervised().orders = None;
        }
    }
    {
        let mut supervised = supervised();
        supervised.calls.clear();
        (supervised.injected, supervised.appended) = (false, false);
        supervised.orders = Some(orders);
    }
    let _disarm = Disarm;
    operation()
}

/// The calls of the last operation.
pub fn calls() -> Vec<Call> {
    supervised().calls.clone()
}

/// Whether the call that was to fail was reached.
pub fn was_injected() -> bool {
    supervised().injected
}

/// Whether another process has appended to the file during the last operation.
pub fn has_appended() -> bool {
    supervised().appended
}

/// The pages that the thread has mapped and not unmapped.
pub fn still_mapped() -> Vec<Range<usize>> {
    supervised().mapped.0.clone()
}

/// The call that unmapped or replaced memory that the thread had not mapped, if there was one.
pub fn trespass() -> Option<Call> {
    supervised().trespass
}

/// The descriptor of somebody else, and the number of its duplicate.
pub fn bystander() -> (RawFd, Option<RawFd>) {
    let supervised = supervised();
    (supervised.bystander, supervised.taken)
}

pub fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Set while the supervised thread is inside the allocator, whose system calls are not the
/// library's.
static ALLOCATING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_SUPERVISED: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator. It tells the supervisor when it runs.
pub struct Allocator;

fn allocating<T>(call: impl FnOnce() -> T) -> T {
    if !IS_SUPERVISED.get() {
        return call();
    }
    ALLOCATING.store(true, Ordering::SeqCst);
    let result = call();
    ALLOCATING.store(false, Ordering::SeqCst);
    result
}

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocating(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocating(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        allocating(|| unsafe { System.dealloc(address, layout) });
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        allocating(|| unsafe { System.realloc(address, layout, size) })
    }
}

//! errno as a name.

use crate::error::{Error, SystemError};
use rustix::io::Errno;

/// Turns the errno of a failed `syscall` into an [`Error`]; made for `map_err`.
pub(super) fn failed(syscall: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| system_error(errno, syscall).into()
}

/// The same for an error of the standard library or of memmap2.
pub(super) fn io_failed(syscall: &'static str) -> impl Fn(std::io::Error) -> Error {
    // Everything given to it comes from a system call, but for memmap2's own checks of a length, which say EINVAL.
    move |error| system_error(Errno::from_io_error(&error).unwrap_or(Errno::INVAL), syscall).into()
}

/// The error of the call that has just failed.
pub(super) fn last_error(syscall: &'static str) -> Error {
    io_failed(syscall)(std::io::Error::last_os_error())
}

fn system_error(errno: Errno, syscall: &'static str) -> SystemError {
    SystemError { code: name(errno), errno: -errno.raw_os_error(), syscall, description: description(errno) }
}

/// What strerror says, in libuv's spelling: "no such file or directory".
fn description(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

macro_rules! names {
    ($($errno:ident => $name:literal,)*) => {
        /// The symbolic name of each errno that opening, mapping, locking and flushing can give.
        fn name(errno: Errno) -> &'static str {
            // A chain of comparisons and not a match, because some systems give two names one number.
            $(if errno == Errno::$errno { return $name; })*
            "UNKNOWN"
        }
    };
}

names! {
    PERM => "EPERM", NOENT => "ENOENT", INTR => "EINTR", IO => "EIO", NXIO => "ENXIO", BADF => "EBADF",
    AGAIN => "EAGAIN", NOMEM => "ENOMEM", ACCESS => "EACCES", FAULT => "EFAULT", BUSY => "EBUSY",
    EXIST => "EEXIST", XDEV => "EXDEV", NODEV => "ENODEV", NOTDIR => "ENOTDIR", ISDIR => "EISDIR",
    INVAL => "EINVAL", NFILE => "ENFILE", MFILE => "EMFILE", NOTTY => "ENOTTY", TXTBSY => "ETXTBSY",
    FBIG => "EFBIG", NOSPC => "ENOSPC", SPIPE => "ESPIPE", ROFS => "EROFS", PIPE => "EPIPE",
    RANGE => "ERANGE", DEADLK => "EDEADLK", NAMETOOLONG => "ENAMETOOLONG", NOLCK => "ENOLCK",
    NOSYS => "ENOSYS", LOOP => "ELOOP", OVERFLOW => "EOVERFLOW", OPNOTSUPP => "EOPNOTSUPP",
    NOTSUP => "ENOTSUP", DQUOT => "EDQUOT", STALE => "ESTALE", TIMEDOUT => "ETIMEDOUT",
}

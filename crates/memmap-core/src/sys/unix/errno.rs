//! errno as a name.

use super::limits::{self, Wanted};
use crate::error::{Error, SystemError};
use rustix::io::Errno;

/// Turns the errno of a failed `syscall` into an [`Error`]; made for `map_err`.
pub(super) fn failed(syscall: &'static str) -> impl Fn(Errno) -> Error {
    failed_for(syscall, Wanted::default())
}

/// The same for a call that wanted memory, so that the error can say which limit it ran into.
pub(super) fn failed_for(syscall: &'static str, wanted: Wanted) -> impl Fn(Errno) -> Error {
    move |errno| match limits::explanation(errno, syscall, wanted) {
        Some(explanation) => failed_because(errno, syscall, &explanation),
        None => system_error(errno, syscall, description(errno)),
    }
}

/// The same for an error of the standard library or of memmap2.
pub(super) fn io_failed(syscall: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| failed(syscall)(errno_of(&error))
}

/// The error of a call of which more is known than what the system says.
pub(super) fn failed_because(errno: Errno, syscall: &'static str, explanation: &str) -> Error {
    system_error(errno, syscall, format!("{} ({explanation})", description(errno)))
}

/// The error of the call that has just failed.
pub(super) fn last_error(syscall: &'static str) -> Error {
    io_failed(syscall)(std::io::Error::last_os_error())
}

/// The errno of an error of the standard library or of memmap2.
pub(super) fn errno_of(error: &std::io::Error) -> Errno {
    // All come from a system call, but for memmap2's own checks of a length, which say EINVAL.
    Errno::from_io_error(error).unwrap_or(Errno::INVAL)
}

fn system_error(errno: Errno, syscall: &'static str, description: String) -> Error {
    SystemError { code: name(errno), errno: -errno.raw_os_error(), syscall, description }.into()
}

/// libuv's words, which are Node's: "illegal operation on a directory".
fn description(errno: Errno) -> String {
    match known(errno) {
        (_, Some(text)) => text.to_owned(),
        // What libuv has no words for, the C library has.
        (_, None) => {
            let text = std::io::Error::from(errno).to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}

fn name(errno: Errno) -> &'static str {
    known(errno).0
}

macro_rules! known {
    ($($errno:ident => $name:literal $(, $text:literal)?;)*) => {
        /// The symbolic name, and libuv's words, of each errno that opening, mapping, locking and flushing can give.
        fn known(errno: Errno) -> (&'static str, Option<&'static str>) {
            // A chain of comparisons and not a match, because some systems give two names one number.
            $(if errno == Errno::$errno { return ($name, { let text: &[&'static str] = &[$($text)?]; text.first().copied() }); })*
            ("UNKNOWN", None)
        }
    };
}

known! {
    PERM => "EPERM", "operation not permitted";
    NOENT => "ENOENT", "no such file or directory";
    INTR => "EINTR", "interrupted system call";
    IO => "EIO", "i/o error";
    NXIO => "ENXIO", "no such device or address";
    BADF => "EBADF", "bad file descriptor";
    AGAIN => "EAGAIN", "resource temporarily unavailable";
    NOMEM => "ENOMEM", "not enough memory";
    ACCESS => "EACCES", "permission denied";
    FAULT => "EFAULT", "bad address in system call argument";
    BUSY => "EBUSY", "resource busy or locked";
    EXIST => "EEXIST", "file already exists";
    XDEV => "EXDEV", "cross-device link not permitted";
    NODEV => "ENODEV", "no such device";
    NOTDIR => "ENOTDIR", "not a directory";
    ISDIR => "EISDIR", "illegal operation on a directory";
    INVAL => "EINVAL", "invalid argument";
    NFILE => "ENFILE", "file table overflow";
    MFILE => "EMFILE", "too many open files";
    MLINK => "EMLINK", "too many links";
    NOTTY => "ENOTTY", "inappropriate ioctl for device";
    TXTBSY => "ETXTBSY", "text file is busy";
    FBIG => "EFBIG", "file too large";
    NOSPC => "ENOSPC", "no space left on device";
    SPIPE => "ESPIPE", "invalid seek";
    ROFS => "EROFS", "read-only file system";
    PIPE => "EPIPE", "broken pipe";
    RANGE => "ERANGE", "result too large";
    DEADLK => "EDEADLK";
    NAMETOOLONG => "ENAMETOOLONG", "name too long";
    NOLCK => "ENOLCK";
    NOSYS => "ENOSYS", "function not implemented";
    LOOP => "ELOOP", "too many symbolic links encountered";
    OVERFLOW => "EOVERFLOW", "value too large for defined data type";
    // Before the other, which has no name in libuv: on most systems the two are one number.
    NOTSUP => "ENOTSUP", "operation not supported on socket";
    OPNOTSUPP => "EOPNOTSUPP";
    DQUOT => "EDQUOT";
    STALE => "ESTALE";
    TIMEDOUT => "ETIMEDOUT", "connection timed out";
    CANCELED => "ECANCELED", "operation canceled";
    // Of a name that the file system cannot have.
    ILSEQ => "EILSEQ", "illegal byte sequence";
    // Of a file system of FUSE whose program has ended, and of one whose host is gone.
    NOTCONN => "ENOTCONN", "socket is not connected";
    HOSTDOWN => "EHOSTDOWN", "host is down";
    HOSTUNREACH => "EHOSTUNREACH", "host is unreachable";
    NETUNREACH => "ENETUNREACH", "network is unreachable";
    CONNRESET => "ECONNRESET", "connection reset by peer";
}

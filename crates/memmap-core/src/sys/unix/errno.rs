//! Errors of system calls: the name, number and description for an errno.

use super::limits::{self, Wanted};
use crate::error::{Error, SystemError};
use rustix::io::Errno;

/// Turns the errno of a failed `syscall` into an [`Error`], for use with `map_err`.
pub(super) fn failed(syscall: &'static str) -> impl Fn(Errno) -> Error {
    failed_for(syscall, Wanted::default())
}

/// Like [`failed`], for a call that needed memory. The error can name the limit that was reached.
pub(super) fn failed_for(syscall: &'static str, wanted: Wanted) -> impl Fn(Errno) -> Error {
    move |errno| match limits::explanation(errno, syscall, wanted) {
        Some(explanation) => failed_because(errno, syscall, &explanation),
        None => system_error(errno, syscall, description(errno)),
    }
}

/// Like [`failed`], for an error of the standard library or of memmap2.
pub(super) fn io_failed(syscall: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| failed(syscall)(errno_of(&error))
}

/// The error of a failed call, with an explanation that the system does not give.
pub(super) fn failed_because(errno: Errno, syscall: &'static str, explanation: &str) -> Error {
    system_error(errno, syscall, format!("{} ({explanation})", description(errno)))
}

/// The error of the last failed call.
pub(super) fn last_error(syscall: &'static str) -> Error {
    io_failed(syscall)(std::io::Error::last_os_error())
}

/// The errno of an error of the standard library or of memmap2.
pub(super) fn errno_of(error: &std::io::Error) -> Errno {
    // All come from system calls, except for memmap2's own checks of a length, which mean EINVAL.
    Errno::from_io_error(error).unwrap_or(Errno::INVAL)
}

/// The error of an operation that needs a descriptor, where none was kept.
pub(crate) fn no_descriptor(syscall: &'static str) -> Error {
    failed(syscall)(Errno::BADF)
}

fn system_error(errno: Errno, syscall: &'static str, description: String) -> Error {
    SystemError { code: name(errno), errno: -errno.raw_os_error(), syscall, description }.into()
}

/// The description in libuv's words, which Node uses: "illegal operation on a directory".
fn description(errno: Errno) -> String {
    match known(errno) {
        (_, Some(text)) => text.to_owned(),
        // The C library describes what libuv does not.
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
        /// The symbolic name, and libuv's description, of each errno that opening, mapping, locking
        /// and flushing can return.
        fn known(errno: Errno) -> (&'static str, Option<&'static str>) {
            // A chain of comparisons replaces a match, because on some systems two names have one
            // number.
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
    // NOTSUP comes first, because libuv has no name for OPNOTSUPP and most systems use one number
    // for both.
    NOTSUP => "ENOTSUP", "operation not supported on socket";
    OPNOTSUPP => "EOPNOTSUPP";
    DQUOT => "EDQUOT";
    STALE => "ESTALE";
    TIMEDOUT => "ETIMEDOUT", "connection timed out";
    CANCELED => "ECANCELED", "operation canceled";
    // The file system cannot have a file of that name.
    ILSEQ => "EILSEQ", "illegal byte sequence";
    // The program of a FUSE file system has ended, or the host of a network file system is gone.
    NOTCONN => "ENOTCONN", "socket is not connected";
    HOSTDOWN => "EHOSTDOWN", "host is down";
    HOSTUNREACH => "EHOSTUNREACH", "host is unreachable";
    NETUNREACH => "ENETUNREACH", "network is unreachable";
    CONNRESET => "ECONNRESET", "connection reset by peer";
}

//! Windows' error numbers as the names, numbers and words that Node's users know: libuv's.

use crate::error::{Error, SystemError};
use std::io;
use windows_sys::Win32::Foundation as win32;

/// An error of libuv's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    name: &'static str,
    number: i32,
    description: &'static str,
}

/// Turns the failure of a `syscall` into an [`Error`].
pub(super) fn failed(syscall: &'static str, code: Code) -> Error {
    let Code { name, number, description } = code;
    SystemError { code: name, errno: number, syscall, description: description.to_owned() }.into()
}

/// The same for an error of the standard library or of memmap2; made for `map_err`.
pub(super) fn io_failed(syscall: &'static str) -> impl Fn(io::Error) -> Error {
    // Everything given to it comes from a system call, but for memmap2's own checks of a length and the standard library's of
    // a path, for which EINVAL is right.
    move |error| failed(syscall, number_of(&error).map_or(EINVAL, code_of))
}

/// The error of the call that has just failed.
pub(super) fn last_error(syscall: &'static str) -> Error {
    io_failed(syscall)(io::Error::last_os_error())
}

/// What GetLastError said.
pub(super) fn number_of(error: &io::Error) -> Option<u32> {
    error.raw_os_error().map(i32::cast_unsigned)
}

macro_rules! codes {
    ($($name:ident $number:literal $description:literal)*) => {
        $(pub(super) const $name: Code = Code { name: stringify!($name), number: $number, description: $description };)*
    };
}

// As in libuv's include/uv/errno.h and UV_ERRNO_MAP of include/uv.h.
codes! {
    EACCES -4092 "permission denied"
    EBADF -4083 "bad file descriptor"
    EBUSY -4082 "resource busy or locked"
    ECANCELED -4081 "operation canceled"
    EEXIST -4075 "file already exists"
    EFAULT -4074 "bad address in system call argument"
    EFBIG -4036 "file too large"
    EINVAL -4071 "invalid argument"
    EIO -4070 "i/o error"
    EISDIR -4068 "illegal operation on a directory"
    ELOOP -4067 "too many symbolic links encountered"
    EMFILE -4066 "too many open files"
    ENAMETOOLONG -4064 "name too long"
    ENODEV -4059 "no such device"
    ENOENT -4058 "no such file or directory"
    ENOMEM -4057 "not enough memory"
    ENOSPC -4055 "no space left on device"
    ENOTSUP -4049 "operation not supported on socket"
    EPERM -4048 "operation not permitted"
    EROFS -4043 "read-only file system"
    ETIMEDOUT -4039 "connection timed out"
    UNKNOWN -4094 "unknown error"
}

/// EBUSY, said so that one knows what to do. libuv has no name for the number behind it, ERROR_USER_MAPPED_FILE: of the same
/// refusal Node's own `fs` says UNKNOWN.
const MAPPED: Code =
    Code { description: "resource busy or locked: a file cannot be made shorter while it is mapped", ..EBUSY };

/// libuv's `uv_translate_sys_error` (src/win/error.c, version 1), as far as opening, mapping, locking and flushing can give
/// it; and after it, numbers that libuv does not know because it does not map.
pub(super) fn code_of(number: u32) -> Code {
    match number {
        win32::ERROR_NOACCESS | win32::ERROR_ELEVATION_REQUIRED | win32::ERROR_CANT_ACCESS_FILE => EACCES,
        win32::ERROR_INVALID_FLAGS | win32::ERROR_INVALID_HANDLE => EBADF,
        win32::ERROR_LOCK_VIOLATION | win32::ERROR_PIPE_BUSY | win32::ERROR_SHARING_VIOLATION => EBUSY,
        win32::ERROR_OPERATION_ABORTED => ECANCELED,
        win32::ERROR_ALREADY_EXISTS | win32::ERROR_FILE_EXISTS => EEXIST,
        win32::ERROR_BUFFER_OVERFLOW => EFAULT,
        win32::ERROR_INSUFFICIENT_BUFFER
        | win32::ERROR_INVALID_DATA
        | win32::ERROR_INVALID_PARAMETER
        | win32::ERROR_SYMLINK_NOT_SUPPORTED => EINVAL,
        win32::ERROR_BUS_RESET
        | win32::ERROR_CRC
        | win32::ERROR_DISK_CORRUPT
        | win32::ERROR_GEN_FAILURE
        | win32::ERROR_IO_DEVICE
        | win32::ERROR_OPEN_FAILED => EIO,
        win32::ERROR_INVALID_FUNCTION => EISDIR,
        win32::ERROR_CANT_RESOLVE_FILENAME => ELOOP,
        win32::ERROR_TOO_MANY_OPEN_FILES => EMFILE,
        win32::ERROR_FILENAME_EXCED_RANGE => ENAMETOOLONG,
        win32::ERROR_BAD_PATHNAME
        | win32::ERROR_DIRECTORY
        | win32::ERROR_FILE_NOT_FOUND
        | win32::ERROR_INVALID_DRIVE
        | win32::ERROR_INVALID_NAME
        | win32::ERROR_INVALID_REPARSE_DATA
        | win32::ERROR_MOD_NOT_FOUND
        | win32::ERROR_PATH_NOT_FOUND => ENOENT,
        win32::ERROR_NOT_ENOUGH_MEMORY | win32::ERROR_OUTOFMEMORY => ENOMEM,
        win32::ERROR_CANNOT_MAKE | win32::ERROR_DISK_FULL | win32::ERROR_HANDLE_DISK_FULL => ENOSPC,
        win32::ERROR_NOT_SUPPORTED => ENOTSUP,
        win32::ERROR_ACCESS_DENIED | win32::ERROR_PRIVILEGE_NOT_HELD => EPERM,
        win32::ERROR_WRITE_PROTECT => EROFS,
        win32::ERROR_SEM_TIMEOUT => ETIMEDOUT,

        win32::ERROR_USER_MAPPED_FILE => MAPPED,
        win32::ERROR_COMMITMENT_LIMIT
        | win32::ERROR_NO_SYSTEM_RESOURCES
        | win32::ERROR_NOT_ENOUGH_QUOTA
        | win32::ERROR_WORKING_SET_QUOTA => ENOMEM,
        win32::ERROR_DISK_QUOTA_EXCEEDED => ENOSPC,
        win32::ERROR_FILE_TOO_LARGE => EFBIG,
        // The file has become empty between the look at its size and the mapping.
        win32::ERROR_FILE_INVALID => EINVAL,
        _ => UNKNOWN,
    }
}

//! Windows' error numbers as libuv's names, numbers and descriptions, which Node's users know.

use crate::error::{Error, SystemError};
use std::io;
use windows_sys::Win32::Foundation as win32;

/// One of libuv's errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    name: &'static str,
    number: i32,
    description: &'static str,
}

/// The error of a failed `syscall`.
pub(super) fn failed(syscall: &'static str, code: Code) -> Error {
    let Code { name, number, description } = code;
    SystemError { code: name, errno: number, syscall, description: description.to_owned() }.into()
}

/// Like [`failed`], for an error of the standard library or of memmap2, for use with `map_err`.
pub(super) fn io_failed(syscall: &'static str) -> impl Fn(io::Error) -> Error {
    // All come from system calls, except for memmap2's own checks of a length and the standard
    // library's checks of a path. For those EINVAL is right.
    move |error| failed(syscall, number_of(&error).map_or(EINVAL, code_of))
}

/// The error of the last failed call.
pub(super) fn last_error(syscall: &'static str) -> Error {
    io_failed(syscall)(io::Error::last_os_error())
}

/// The number from GetLastError.
pub(super) fn number_of(error: &io::Error) -> Option<u32> {
    error.raw_os_error().map(i32::cast_unsigned)
}

macro_rules! codes {
    ($($name:ident $number:literal $description:literal)*) => {
        $(pub(super) const $name: Code = Code { name: stringify!($name), number: $number, description: $description };)*
    };
}

// The numbers are those of libuv's include/uv/errno.h and UV_ERRNO_MAP of include/uv.h.
codes! {
    EACCES -4092 "permission denied"
    EAGAIN -4088 "resource temporarily unavailable"
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

/// EBUSY with a description of what to do. libuv has no name for ERROR_USER_MAPPED_FILE, and Node's
/// own `fs` reports it as UNKNOWN.
const MAPPED: Code =
    Code { description: "resource busy or locked: a file cannot be made shorter while it is mapped", ..EBUSY };

/// libuv's `uv_translate_sys_error` (src/win/error.c, version 1) for the errors of opening,
/// mapping, locking and flushing. Numbers that libuv does not translate, because it does not map
/// files, come after the empty line.
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
        // The file has become empty after its size was read and before it was mapped.
        win32::ERROR_FILE_INVALID => EINVAL,
        _ => UNKNOWN,
    }
}

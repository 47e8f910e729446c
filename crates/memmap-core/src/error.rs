//! The error type of this crate. Each variant knows the `code` that a JavaScript program sees.

use std::fmt;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was refused.
///
/// Where CPython's `mmap` reports the same case, the message begins with CPython's words, because
/// people search for them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The operating system reported an error.
    System(SystemError),
    /// The whole file was to be mapped, but it is empty.
    EmptyFile,
    /// The offset lies beyond the end of the file, or at it if the length is "all the rest".
    OffsetBeyondFile {
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes in the file.
        file_size: u64,
    },
    /// The file ends before `offset + length`.
    LengthBeyondFile {
        /// Bytes to map.
        length: u64,
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes in the file.
        file_size: u64,
    },
    /// The named region exists already and is shorter than `offset + length`.
    LengthBeyondRegion {
        /// `offset + length`, in bytes.
        wanted: u64,
        /// Bytes in the region.
        existing: u64,
    },
    /// The length exceeds what pointers or file sizes of this machine can express.
    LengthTooLarge,
    /// A tag or name is too long for this system.
    NameTooLong {
        /// What the caller's argument is called.
        argument: &'static str,
        /// The longest possible name, in the units of `actual`.
        limit: usize,
        /// The length of the name, escapes included.
        actual: usize,
    },
    /// The mapping, or the task's memory, has been closed.
    Closed,
    /// The caller has aborted the work.
    Aborted,
    /// Under the mapping, the file was truncated, or its pages could not be read or allocated.
    Fault {
        /// The first lost byte, from the start of the mapping.
        offset: usize,
        /// The number of lost bytes.
        length: usize,
    },
    /// A position or range that does not lie inside the mapping.
    OutOfRange,
    /// The write gate is detached: what is stored now would not reach its destination.
    WriteDetached,
    /// `resize` of a mapping whose changes do not reach its file.
    ResizePrivate,
    /// `resize` of a mapping that kept no descriptor.
    ResizeUntracked,
    /// `resize` to 0 bytes, or to more than can be addressed.
    ResizeOutOfRange,
    /// Growing shared anonymous memory, which other processes may have mapped.
    ResizeSharedAnonymous,
    /// Growing a named region beyond the size it was created with.
    ResizeNamed {
        /// Bytes in the region.
        existing: u64,
    },
    /// `remap` of memory without a file.
    RemapWithoutFile,
    /// `remap` of a mapping that kept no descriptor.
    RemapUntracked,
    /// `remap` of a private mapping, whose changes would be lost.
    RemapPrivate,
    /// `remap` to more than the file has, or to too few bytes.
    RemapOutOfRange {
        /// The smallest length that is allowed.
        least: u64,
        /// The position in the file at which the mapping begins.
        offset: u64,
        /// Bytes in the file. `None` if it has no size.
        file_size: Option<u64>,
    },
    /// A wait for private memory, which nobody else can change.
    WaitPrivate,
    /// The runtime accepts no external memory in an ArrayBuffer. The text is what the runtime said.
    NoView(String),
    /// A regular expression that cannot be searched. The text follows after the pattern.
    Pattern(&'static str),
    /// The options contradict each other.
    Contradiction(&'static str),
    /// This platform does not support the operation.
    Unsupported(&'static str),
}

impl Error {
    /// The stable name of the error, which is its `code` property in JavaScript.
    pub fn code(&self) -> &'static str {
        match self {
            Error::System(error) => error.code,
            Error::EmptyFile
            | Error::OffsetBeyondFile { .. }
            | Error::LengthBeyondFile { .. }
            | Error::LengthBeyondRegion { .. }
            | Error::LengthTooLarge
            | Error::NameTooLong { .. }
            | Error::OutOfRange
            | Error::ResizeOutOfRange
            | Error::ResizeSharedAnonymous
            | Error::ResizeNamed { .. }
            | Error::RemapOutOfRange { .. } => "ERR_OUT_OF_RANGE",
            Error::Closed => "ERR_MMAP_CLOSED",
            // Node and the web use this name.
            Error::Aborted => "ABORT_ERR",
            Error::Fault { .. } => "ERR_MMAP_FAULT",
            Error::WriteDetached | Error::ResizePrivate | Error::RemapPrivate => "ERR_MMAP_READONLY",
            Error::ResizeUntracked | Error::RemapWithoutFile | Error::RemapUntracked | Error::Contradiction(_) => {
                "ERR_INVALID_ARG_VALUE"
            }
            Error::NoView(_) => "ERR_MMAP_NO_VIEW",
            Error::Pattern(_) => "ERR_MMAP_REGEXP",
            Error::WaitPrivate | Error::Unsupported(_) => "ERR_MMAP_UNSUPPORTED",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(error) => error.fmt(f),
            Error::EmptyFile => f.write_str("cannot mmap an empty file (`allowEmpty: true` maps it)"),
            Error::OffsetBeyondFile { offset, file_size } => write!(
                f,
                "mmap offset is greater than file size: \"offset\" is {offset}, the file has {file_size} bytes"
            ),
            Error::LengthBeyondFile { length, offset, file_size } => write!(
                f,
                "mmap length is greater than file size: \"offset\" {offset} + \"length\" {length} is beyond the end of \
                 the file, which has {file_size} bytes (`create: true` extends it)"
            ),
            Error::LengthBeyondRegion { wanted, existing } => write!(
                f,
                "mmap length is greater than the region of that \"tagname\": \"offset\" + \"length\" is {wanted}, the \
                 region has {existing} bytes"
            ),
            Error::LengthTooLarge => f.write_str(
                "mmap length is too large: \"offset\" + \"length\" must be less than 2 ** 63, and addressable",
            ),
            Error::NameTooLong { argument, limit, actual } => write!(
                f,
                "\"{argument}\" is too long for a name of this system: {actual} characters where {limit} are possible"
            ),
            Error::Closed => f.write_str("mmap closed or invalid"),
            Error::Aborted => f.write_str("The operation was aborted"),
            Error::Fault { offset, length } => write!(
                f,
                "the file was truncated, or its device failed, under the mapping: {length} bytes from {offset} on are lost. \
                 Map it again when it is whole"
            ),
            Error::OutOfRange => f.write_str("the range lies outside the mapping"),
            Error::WriteDetached => {
                f.write_str("protect() has taken writing away meanwhile, or resize() has copied the memory: the rest was not replaced")
            }
            Error::ResizePrivate => f.write_str("mmap can't resize a readonly or copy-on-write memory map."),
            Error::ResizeUntracked => f.write_str("mmap can't resize with trackfd=False."),
            Error::ResizeOutOfRange => f.write_str(
                "new size out of range: \"newSize\" must be at least 1, and end where a file and the address space can",
            ),
            Error::ResizeSharedAnonymous => f.write_str("mmap: can't expand a shared anonymous mapping on Linux"),
            Error::ResizeNamed { existing } => {
                write!(f, "new size out of range: a named region keeps the size it was created with, {existing} bytes")
            }
            Error::RemapWithoutFile => f.write_str("mmap can't remap memory that has no file"),
            Error::RemapUntracked => f.write_str("mmap can't remap with trackfd=False."),
            Error::RemapPrivate => {
                f.write_str("mmap can't remap a copy-on-write memory map: what was changed in it would be lost")
            }
            Error::RemapOutOfRange { offset, file_size: Some(file_size), .. } if offset > file_size => write!(
                f,
                "new length out of range: the mapping begins at \"offset\" {offset}, and the file has {file_size} bytes now"
            ),
            Error::RemapOutOfRange { least, offset, file_size: Some(file_size) } if file_size - offset < *least => write!(
                f,
                "new length out of range: the file has {file_size} bytes now, and none from \"offset\" {offset} on \
                 (`allowEmpty: true` maps that)"
            ),
            Error::RemapOutOfRange { least, offset, file_size: Some(file_size) } => write!(
                f,
                "new length out of range: \"newLength\" must be {least} to {}, for the file has {file_size} bytes now and \
                 \"offset\" is {offset}",
                file_size - offset
            ),
            Error::RemapOutOfRange { least, file_size: None, .. } => {
                write!(f, "new length out of range: \"newLength\" must be given, and at least {least}, for what has no size")
            }
            Error::WaitPrivate => f.write_str(
                "nobody can wait for private memory (ACCESS_COPY, MAP_PRIVATE), because nobody else can change it",
            ),
            Error::NoView(said) => {
                write!(
                    f,
                    "this runtime allows no view of mapped memory ({said}): use read, slice and the other methods"
                )
            }
            Error::Pattern(problem) => write!(f, "the pattern {problem}"),
            Error::Contradiction(sentence) | Error::Unsupported(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Error {}

impl From<SystemError> for Error {
    fn from(error: SystemError) -> Self {
        Error::System(error)
    }
}

/// An error of the operating system in the form of Node's: a symbolic name, libuv's number, and the
/// call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// The symbolic name, such as `"ENOENT"`.
    pub code: &'static str,
    /// libuv's number for it: `-errno` on Unix, libuv's own number on Windows.
    pub errno: i32,
    /// The system call, such as `"open"`.
    pub syscall: &'static str,
    /// The operating system's description without a full stop, such as `"no such file or
    /// directory"`.
    pub description: String,
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.code, self.description, self.syscall)
    }
}

//! The one error type. Each variant knows the `code` a JavaScript program will see.

use std::fmt;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was refused.
///
/// The messages of cases that CPython's `mmap` also has begin with CPython's words, because people search for them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    System(SystemError),
    /// A mapping of "all of it" was asked for, and there is nothing in the file.
    EmptyFile,
    /// The offset lies beyond the end of the file (or at it, when the length is "all the rest").
    OffsetBeyondFile {
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes in the file.
        file_size: u64,
    },
    /// The file ends before `offset + length`.
    LengthBeyondFile {
        /// Bytes asked for.
        length: u64,
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes in the file.
        file_size: u64,
    },
    /// A named region exists already and is shorter than `offset + length`.
    LengthBeyondRegion {
        /// `offset + length`, in bytes.
        wanted: u64,
        /// Bytes in the region.
        existing: u64,
    },
    /// More bytes than this machine's addresses can say.
    LengthTooLarge,
    /// The tag cannot become a name on this system.
    TagTooLong {
        /// The longest name that is possible, in the units of `actual`.
        limit: usize,
        /// How long it would be, with what had to be escaped.
        actual: usize,
    },
    /// Any use after close.
    Closed,
    /// Somebody wanted the work no more.
    Aborted,
    /// The file was truncated, or could not be read or extended, under the mapping.
    Fault {
        /// From which byte of the mapping on.
        offset: usize,
        /// How many bytes.
        length: usize,
    },
    /// A position or range that does not lie inside the mapping.
    OutOfRange,
    /// What is stored now would not be where it is meant to be any more.
    WriteDetached,
    /// `resize` of a mapping whose changes do not reach its file.
    ResizePrivate,
    /// `resize` where the descriptor was not kept.
    ResizeUntracked,
    /// `resize` to nothing, or to more than can be addressed.
    ResizeOutOfRange,
    /// Growing anonymous memory that other processes may have mapped.
    ResizeSharedAnonymous,
    /// Growing a named region beyond the size it was created with.
    ResizeNamed {
        /// Bytes in the region.
        existing: u64,
    },
    /// The runtime takes no memory of ours into an ArrayBuffer; what it said.
    NoView(String),
    /// Two things were asked for that exclude each other.
    Contradiction(&'static str),
    /// This platform has no such thing.
    Unsupported(&'static str),
}

impl Error {
    /// The stable name of the error, the `code` property in JavaScript.
    pub fn code(&self) -> &'static str {
        match self {
            Error::System(error) => error.code,
            Error::EmptyFile
            | Error::OffsetBeyondFile { .. }
            | Error::LengthBeyondFile { .. }
            | Error::LengthBeyondRegion { .. }
            | Error::LengthTooLarge
            | Error::TagTooLong { .. }
            | Error::OutOfRange
            | Error::ResizeOutOfRange
            | Error::ResizeSharedAnonymous
            | Error::ResizeNamed { .. } => "ERR_OUT_OF_RANGE",
            Error::Closed => "ERR_MMAP_CLOSED",
            // Node's, and the web's name for it.
            Error::Aborted => "ABORT_ERR",
            Error::Fault { .. } => "ERR_MMAP_FAULT",
            Error::WriteDetached | Error::ResizePrivate => "ERR_MMAP_READONLY",
            Error::ResizeUntracked | Error::Contradiction(_) => "ERR_INVALID_ARG_VALUE",
            Error::NoView(_) => "ERR_MMAP_NO_VIEW",
            Error::Unsupported(_) => "ERR_MMAP_UNSUPPORTED",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(error) => error.fmt(f),
            Error::EmptyFile => f.write_str("cannot mmap an empty file"),
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
            Error::TagTooLong { limit, actual } => write!(
                f,
                "\"tagname\" is too long for a name of this system: {actual} characters where {limit} are possible"
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
            Error::NoView(said) => {
                write!(
                    f,
                    "this runtime allows no view of mapped memory ({said}): use read, slice and the other methods"
                )
            }
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

/// An error of the operating system, in the shape of Node's: a symbolic name, libuv's number, the call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// The symbolic name, `"ENOENT"`.
    pub code: &'static str,
    /// libuv's number for it: `-errno` on Unix, a number of libuv's own on Windows.
    pub errno: i32,
    /// The system call, `"open"`.
    pub syscall: &'static str,
    /// What the operating system says of it, without a full stop: `"no such file or directory"`.
    pub description: String,
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.code, self.description, self.syscall)
    }
}

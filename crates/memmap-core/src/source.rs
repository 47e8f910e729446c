//! What is mapped: a file, anonymous memory, a named region.

use crate::sys;
use std::ffi::OsString;
use std::sync::Arc;

/// What to map.
#[derive(Debug)]
pub enum Target {
    /// The file with this path, opened by us.
    Path(OsString),
    /// The file of a caller's descriptor, which is duplicated.
    Descriptor(i32),
    /// Memory with no file.
    Anonymous,
    /// Memory that every process of this user finds by this tag.
    Named(String),
}

/// What a mapping keeps of its target until it is closed, beside the memory.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file; no descriptor if it was not to be kept.
    File(Option<Arc<sys::File>>),
    /// Anonymous memory; no descriptor if it is private.
    Anonymous(Option<sys::File>),
    /// A named region. Each Region of it holds a clone, for it is in use as long as its memory is.
    Named(sys::Named),
}

impl Source {
    /// The descriptor that is kept, for what needs one.
    pub(crate) fn file(&self) -> Option<&sys::File> {
        match self {
            Source::File(file) => file.as_deref(),
            Source::Anonymous(file) => file.as_ref(),
            Source::Named(named) => named.file(),
        }
    }

    /// The descriptor that child processes may be given.
    pub(crate) fn inheritable(&self) -> Option<&sys::File> {
        match self {
            Source::Named(named) => named.inheritable(),
            _ => self.file(),
        }
    }
}

//! What a mapping maps: a file, anonymous memory, or a named region.

use crate::sys;
use std::ffi::OsString;
use std::sync::Arc;

/// What to map.
#[derive(Debug)]
pub enum Target {
    /// The file at this path, which is opened.
    Path(OsString),
    /// The file of a caller's descriptor.
    Descriptor(i32),
    /// Memory without a file.
    Anonymous,
    /// Memory that the processes of this user find by this tag.
    Named(String),
    /// POSIX shared memory of this name, without the slash before it. On Windows it is a named
    /// region.
    Shm(String),
}

/// What a mapping keeps until it is closed, besides the memory.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file. `None` if its descriptor was not kept.
    File(Option<Arc<sys::File>>),
    /// Anonymous memory. `None` if it has no descriptor.
    Anonymous(Option<sys::File>),
    /// A named region. Each Region of it holds a clone, because the named region is in use as long
    /// as its memory is mapped.
    Named(sys::Named),
}

impl Source {
    /// The same without a descriptor, if it is that of a file.
    pub(crate) fn untracked(self) -> Source {
        match self {
            Source::File(_) => Source::File(None),
            source => source,
        }
    }

    /// The descriptor that was kept, if any.
    pub(crate) fn file(&self) -> Option<&sys::File> {
        match self {
            Source::File(file) => file.as_deref(),
            Source::Anonymous(file) => file.as_ref(),
            Source::Named(named) => named.file(),
        }
    }

    /// The descriptor that child processes may inherit.
    pub(crate) fn inheritable(&self) -> Option<&sys::File> {
        match self {
            Source::Named(named) => named.inheritable(),
            _ => self.file(),
        }
    }
}

//! How a file is created, and whether it has got its name.

/// How [`super::Creation`] creates a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFile {
    /// The permissions, from which the process's umask removes some. On Windows, a file without any
    /// permission to write becomes read-only, and nothing else has an effect.
    pub mode: u32,
    /// Whether it is an error if the name exists already.
    pub exclusive: bool,
}

impl Default for NewFile {
    fn default() -> NewFile {
        NewFile { mode: 0o666, exclusive: false }
    }
}

/// The result of giving a new file its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The file has its name.
    Named,
    /// Somebody else has created a file with that name meanwhile.
    Taken,
    /// The system gives no name to such a file, for example because a security module forbids it.
    Refused,
}

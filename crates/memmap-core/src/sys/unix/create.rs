//! Creating files. Nobody sees a new file before it is complete, and a failed creation leaves
//! nothing behind.

use super::errno::failed;
use super::file::{File, open, open_with_mode};
use crate::error::{Error, Result};
use crate::sys::new_file::{Finished, NewFile};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[cfg(any(target_os = "linux", target_os = "android"))]
const DESCRIPTORS: &str = "/proc/self/fd";

/// An existing file, or one that is being created.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
    /// Whether the file is being created.
    pub created: bool,
    /// The name that the file will get, while it has none.
    name: Option<PathBuf>,
}

/// How often opening is repeated, because other processes create and remove the file at the same
/// time.
pub(super) const ATTEMPTS: usize = 100;

impl Creation {
    /// Opens the file at this path, or creates one if there is none. A new file has no name yet if
    /// `nameless` is set and the file system can create such a file. It then disappears without a
    /// trace if a later step fails or the process is killed.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    pub fn begin(path: &OsStr, nameless: bool, new: NewFile) -> Result<Creation> {
        Creation::begin_with(path, nameless, new, OFlags::empty())
    }

    /// Like [`Creation::begin`], with additional flags for open(2). With O_NOFOLLOW a symbolic link
    /// is ELOOP.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    pub(super) fn begin_with(path: &OsStr, nameless: bool, new: NewFile, extra: OFlags) -> Result<Creation> {
        for _ in 0..ATTEMPTS {
            if new.exclusive {
                // This is checked before anything is allocated. A symbolic link counts as existing,
                // wherever it leads.
                if rustix::fs::lstat(path).is_ok() {
                    break;
                }
            } else {
                match open(path, true, extra) {
                    Err(Errno::NOENT) => {}
                    result => return result.map(Creation::of_existing).map_err(failed("open")),
                }
            }
            // With O_CREAT, open creates the file that the last link names. With O_EXCL it follows
            // no links.
            let follows = !new.exclusive && !extra.contains(OFlags::NOFOLLOW);
            let name = if follows { behind_links(Path::new(path)) } else { Path::new(path).to_owned() };
            if nameless && let Some(creation) = Creation::without_name(&name, new)? {
                return Ok(creation);
            }
            // Without O_EXCL, nobody could tell who has created the file.
            match open_new(name.as_os_str(), OFlags::CREATE | OFlags::EXCL, new) {
                Err(Errno::EXIST) => {}
                result => return result.map(|fd| Creation::of_new(fd, None)).map_err(failed("open")),
            }
        }
        Err(file_exists())
    }

    pub(super) fn of_existing(fd: OwnedFd) -> Creation {
        Creation { file: File::from_fd(fd), created: false, name: None }
    }

    pub(super) fn of_new(fd: OwnedFd, name: Option<PathBuf>) -> Creation {
        Creation { file: File::from_fd(fd), created: true, name }
    }

    /// Gives a new file its name.
    pub fn finish(&self) -> Finished {
        let Some(name) = &self.name else {
            return Finished::Named;
        };
        match link(&self.file, name) {
            Ok(()) => Finished::Named,
            Err(Errno::EXIST) => Finished::Taken,
            Err(_) => Finished::Refused,
        }
    }

    /// Creates a file without a name in the directory of `name`. `None` if the file system cannot.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn without_name(name: &Path, new: NewFile) -> Result<Option<Creation>> {
        use std::os::unix::ffi::OsStrExt;
        // "name/" and "name/." mean a directory, and the system's own error for that is right.
        let bytes = name.as_os_str().as_bytes();
        if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
            return Ok(None);
        }
        // Without a capability or Linux 6.10, such a file can get a name only through this
        // directory.
        if !Path::new(DESCRIPTORS).exists() {
            return Ok(None);
        }
        let (Some(directory), Some(_)) = (name.parent(), name.file_name()) else {
            return Ok(None);
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        match open_new(directory.as_os_str(), OFlags::TMPFILE, new) {
            Ok(fd) => Ok(Some(Creation::of_new(fd, Some(name.to_owned())))),
            // These are the errors of file systems without such files (EISDIR: of kernels that do
            // not know them). All others concern the creation of any file.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(errno) => Err(failed("open")(errno)),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn without_name(_name: &Path, _new: NewFile) -> Result<Option<Creation>> {
        Ok(None)
    }
}

/// The error if the file exists but must not.
pub fn file_exists() -> Error {
    failed("open")(Errno::EXIST)
}

fn open_new(path: &OsStr, extra: OFlags, new: NewFile) -> rustix::io::Result<OwnedFd> {
    // These are at most 12 bits, which all systems have.
    open_with_mode(path, true, extra, Mode::from_raw_mode(new.mode as _))
}

/// Where a path leads that ends in symbolic links.
fn behind_links(path: &Path) -> PathBuf {
    // This is the system's own limit.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Gives a file a name that does not exist yet.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn link(file: &File, name: &Path) -> rustix::io::Result<()> {
    use super::file::retry;
    use rustix::fs::{AtFlags, CWD, linkat};
    let path = format!("{DESCRIPTORS}/{}", file.descriptor());
    retry(|| linkat(CWD, &path, CWD, name, AtFlags::SYMLINK_FOLLOW))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn link(_file: &File, _name: &Path) -> rustix::io::Result<()> {
    // On these systems every file has a name; see `Creation::without_name`.
    Ok(())
}

//! Files that `create` makes: nobody sees one before it is complete, and nothing is left of one
//! that failed.

use super::errno::failed;
use super::file::{File, open, open_with_mode};
use crate::error::{Error, Result};
use crate::sys::{Finished, NewFile};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[cfg(any(target_os = "linux", target_os = "android"))]
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file that is there, or one that is being made.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
    /// It is one that is being made.
    pub created: bool,
    /// The name that the file is to have, while it has none.
    name: Option<PathBuf>,
}

/// How often it is tried again because others make and remove the file at the same time.
const ATTEMPTS: usize = 100;

impl Creation {
    /// Opens the file with this path; where there is none, makes one. A new file has no name yet if
    /// it may be `nameless`, and where the file system can make such a file: if a later step fails,
    /// or the process is killed, it is gone without a trace.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn begin(path: &OsStr, nameless: bool, new: NewFile) -> Result<Creation> {
        for _ in 0..ATTEMPTS {
            if new.exclusive {
                // Before anything is allocated. Also a symbolic link is there, wherever it leads.
                if rustix::fs::lstat(path).is_ok() {
                    break;
                }
            } else {
                match open(path, true, OFlags::empty()) {
                    Err(Errno::NOENT) => {}
                    result => return result.map(Creation::of_existing).map_err(failed("open")),
                }
            }
            // open with O_CREAT makes the file that the last link names, and with O_EXCL none.
            let name = if new.exclusive { Path::new(path).to_owned() } else { behind_links(Path::new(path)) };
            if nameless && let Some(creation) = Creation::without_name(&name, new)? {
                return Ok(creation);
            }
            // Without O_EXCL nobody could tell who has made it.
            match open_new(name.as_os_str(), OFlags::CREATE | OFlags::EXCL, new) {
                Err(Errno::EXIST) => {}
                result => return result.map(|fd| Creation::of_new(fd, None)).map_err(failed("open")),
            }
        }
        Err(file_exists())
    }

    fn of_existing(fd: OwnedFd) -> Creation {
        Creation { file: File::from_fd(fd), created: false, name: None }
    }

    fn of_new(fd: OwnedFd, name: Option<PathBuf>) -> Creation {
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

    /// A file in the directory of the name that does not have it yet, or nothing where the file
    /// system cannot make one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn without_name(name: &Path, new: NewFile) -> Result<Option<Creation>> {
        use std::os::unix::ffi::OsStrExt;
        // "name/" and "name/." mean a directory: the system says what is wrong with that.
        let bytes = name.as_os_str().as_bytes();
        if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
            return Ok(None);
        }
        // Only through there can such a file get a name, without a capability or Linux 6.10.
        if !Path::new(DESCRIPTORS).exists() {
            return Ok(None);
        }
        let (Some(directory), Some(_)) = (name.parent(), name.file_name()) else {
            return Ok(None);
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        match open_new(directory.as_os_str(), OFlags::TMPFILE, new) {
            Ok(fd) => Ok(Some(Creation::of_new(fd, Some(name.to_owned())))),
            // What a file system says that has no such files (EISDIR: of a kernel that does not
            // know them). The other errors are those of making any file.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(errno) => Err(failed("open")(errno)),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn without_name(_name: &Path, _new: NewFile) -> Result<Option<Creation>> {
        Ok(None)
    }
}

/// What is said of a file that is there already and must not be.
pub fn file_exists() -> Error {
    failed("open")(Errno::EXIST)
}

fn open_new(path: &OsStr, extra: OFlags, new: NewFile) -> rustix::io::Result<OwnedFd> {
    // At most 12 bits, which all systems have.
    open_with_mode(path, true, extra, Mode::from_raw_mode(new.mode as _))
}

/// Where a path leads to that ends in symbolic links.
fn behind_links(path: &Path) -> PathBuf {
    // The system's own limit.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Gives a file a name that nothing has.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn link(file: &File, name: &Path) -> rustix::io::Result<()> {
    use super::file::retry;
    use rustix::fs::{AtFlags, CWD, linkat};
    let path = format!("{DESCRIPTORS}/{}", file.descriptor());
    retry(|| linkat(CWD, &path, CWD, name, AtFlags::SYMLINK_FOLLOW))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn link(_file: &File, _name: &Path) -> rustix::io::Result<()> {
    // No file is without a name here; see `Creation::without_name`.
    Ok(())
}

//! Files that `create` makes: nobody sees one before it is complete, and nothing is left of one
//! that failed.

use super::errno::failed;
use super::file::{File, open};
use crate::error::Result;
use crate::sys::Finished;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[cfg(any(target_os = "linux", target_os = "android"))]
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file that is there, or one that is being made.
#[derive(Debug)]
pub struct Creation {
    /// The file, opened for reading and writing.
    pub file: File,
    /// The name that the file is to have, while it has none.
    name: Option<PathBuf>,
}

impl Creation {
    /// Opens the file with this path; where there is none, makes one. A new file has no name yet if
    /// it may be `nameless`, and where the file system can make such a file: if a later step fails,
    /// or the process is killed, it is gone without a trace.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn begin(path: &OsStr, nameless: bool) -> Result<Creation> {
        match open(path, true, OFlags::empty()) {
            Err(Errno::NOENT) => {}
            result => return Ok(Creation::named(File::from_fd(result.map_err(failed("open"))?))),
        }
        if nameless && let Some(creation) = Creation::without_name(path)? {
            return Ok(creation);
        }
        Creation::with_name(path)
    }

    fn named(file: File) -> Creation {
        Creation { file, name: None }
    }

    /// Gives a new file its name.
    pub(crate) fn finish(&self) -> Finished {
        let Some(name) = &self.name else {
            return Finished::Named;
        };
        match link(&self.file, name) {
            Ok(()) => Finished::Named,
            Err(Errno::EXIST) => Finished::Taken,
            Err(_) => Finished::Refused,
        }
    }

    /// A file in the directory of `path` that has no name, or nothing where the file system cannot
    /// make one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn without_name(path: &OsStr) -> Result<Option<Creation>> {
        use std::os::unix::ffi::OsStrExt;
        // "name/" and "name/." mean a directory: the system says what is wrong with that.
        if path.as_bytes().ends_with(b"/") || path.as_bytes().ends_with(b"/.") {
            return Ok(None);
        }
        // Only through there can such a file get a name, without a capability or Linux 6.10.
        if !Path::new(DESCRIPTORS).exists() {
            return Ok(None);
        }
        let name = behind_links(Path::new(path));
        let (Some(directory), Some(_)) = (name.parent(), name.file_name()) else {
            return Ok(None);
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        match open(directory.as_os_str(), true, OFlags::TMPFILE) {
            Ok(fd) => Ok(Some(Creation { file: File::from_fd(fd), name: Some(name) })),
            // What a file system says that has no such files (EISDIR: of a kernel that does not
            // know them). The other errors are those of making any file.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(errno) => Err(failed("open")(errno)),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn without_name(_path: &OsStr) -> Result<Option<Creation>> {
        Ok(None)
    }

    /// A new file that has its name from the start. If a later step fails, it stays, because others
    /// may have opened it.
    fn with_name(path: &OsStr) -> Result<Creation> {
        open(path, true, OFlags::CREATE).map(|fd| Creation::named(File::from_fd(fd))).map_err(failed("open"))
    }
}

/// Where a path leads to that ends in symbolic links: open with O_CREAT makes the file that the
/// last one names.
#[cfg(any(target_os = "linux", target_os = "android"))]
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

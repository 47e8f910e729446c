//! Memory that processes of one user share by name: a file in `/dev/shm`, or in the temporary directory where there is none.
//!
//! A process that uses a region holds a shared flock on its file for as long as it has it mapped.
//! So a file that can be locked exclusively is nobody's, and its name may be removed: by the last
//! one to leave, or, where that one was killed, by the next one to come, who then makes a new
//! region. The file of a region is never cut, nor used again, so nobody loses memory by it.
//!
//! A region is made without a name and gets it when it is complete and locked. So a step that fails
//! leaves nothing, and nobody finds a region that is half made. Where the system has no files
//! without a name, [`create_by_name`] does what it can.
//!
//! A name may be removed, and given to another file, between opening and locking. So whoever has
//! locked a file looks whether the name still means it, and begins again if not.

use super::errno::failed;
use super::file::{File, retry};
use super::memory::Memory;
use super::shm;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::extent;
use crate::weak_list::WeakList;
use rustix::fs::{FileType, FlockOperation, OFlags, Stat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often joining is tried again because others join and leave at the same time.
const ATTEMPTS: usize = 10_000;

/// The longest file name that every file system takes, in bytes.
const NAME_MAX: usize = 255;

/// The use of a named region. Dropping the last clone of it leaves the region.
#[derive(Debug, Clone)]
pub struct Named(Arc<RegionUse>);

/// Linux keeps what was opened, and a lock on it, for as long as it is mapped, and a child process
/// that is given a descriptor has the same lock, not one of its own. So there are two, each opened
/// for itself.
#[derive(Debug)]
struct RegionUse {
    /// Has the lock. It is the one that a child may be given, and is never mapped here.
    lock: File,
    /// Is mapped, and has no lock.
    file: File,
    name: Name,
}

/// A name, and the file that it meant when we used it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    path: PathBuf,
    /// See [`identity`].
    file: (u64, u64),
}

/// Every region this process uses, for [`leave_named_regions`].
static REGION_USES: Mutex<WeakList<RegionUse>> = Mutex::new(WeakList::new());

/// Names that we left while somebody used them. They are looked at again.
static LEFT_IN_USE: Mutex<VecDeque<Name>> = Mutex::new(VecDeque::new());

impl Named {
    /// Maps `length` bytes from `offset` of the region with this tag, which is created, all zeros and `offset + length` long, if
    /// nobody uses it. A length of 0 means all of a region that exists.
    ///
    /// # Errors
    ///
    /// EACCES when the name is taken by something that is not a private file of this user, EINVAL
    /// for length 0 where there is no region, ERR_OUT_OF_RANGE for more than the region has,
    /// ENOSPC, and what stat(2), open(2) and mmap(2) say.
    pub fn open(tag: &str, offset: u64, length: usize, plan: &Plan) -> Result<(Memory, Named)> {
        let path = path_of(tag)?;
        let end = extent::end_of(offset, length as u64)?;
        for _ in 0..ATTEMPTS {
            let region_use = match open_name(&path)? {
                Some((file, name)) => join(file, name)?,
                None if length == 0 => return Err(failed("mmap")(Errno::INVAL)),
                None => create(&path, end)?,
            };
            if let Some(region_use) = region_use {
                let named = Named::register(region_use);
                let memory = named.map(offset, length, plan)?;
                return Ok((memory, named));
            }
        }
        // After so many attempts: others that join and leave without end.
        Err(failed("mmap")(Errno::AGAIN))
    }

    /// The file that is the region.
    pub fn file(&self) -> Option<&File> {
        Some(&self.0.file)
    }

    /// The same with the lock, for child processes: they use the region as long as they have it.
    pub fn inheritable(&self) -> Option<&File> {
        Some(&self.0.lock)
    }

    /// Bytes in the whole region.
    ///
    /// # Errors
    ///
    /// What fstat(2) says.
    pub fn size(&self) -> Result<u64> {
        Ok(self.0.file.status()?.size)
    }

    /// Another mapping of the same region.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub fn map_again(&self, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        Memory::of_file(&self.0.file, offset, length, plan)
    }

    fn register(region_use: RegionUse) -> Named {
        let region_use = Arc::new(region_use);
        static AT_EXIT: std::sync::Once = std::sync::Once::new();
        AT_EXIT.call_once(|| {
            // SAFETY: `leave_named_regions` is an extern "C" function that does not unwind, and `pin_library` keeps it loaded. (Should
            // there be no room for it, names are left behind as after a kill, which the next user recognises.)
            unsafe { libc::atexit(leave_named_regions) };
        });
        locked(&REGION_USES).add(&region_use);
        Named(region_use)
    }

    fn map(&self, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        self.map_again(offset, extent::extent_of_region(self.size()?, offset, length)?, plan)
    }
}

impl Drop for RegionUse {
    fn drop(&mut self) {
        if !self.leave() {
            // A child process has all descriptors for a moment, between fork and exec, and nobody
            // can tell that from a use of the region.
            let mut left = locked(&LEFT_IN_USE);
            // Two for one that comes: so there are not many more than are in use.
            for _ in 0..2 {
                if let Some(name) = left.pop_front().filter(|name| !name.remove_if_unused()) {
                    left.push_back(name);
                }
            }
            if !left.contains(&self.name) {
                left.push_back(self.name.clone());
            }
        }
    }
}

impl RegionUse {
    /// Takes a file that has been locked; `None` if the name does not mean it any more.
    fn of(lock: File, name: Name) -> Result<Option<RegionUse>> {
        match name.open() {
            Ok(file) => Ok(file.map(|file| RegionUse { lock, file, name })),
            Err(errno) => {
                drop(lock);
                name.remove_if_unused();
                Err(failed("open")(errno))
            }
        }
    }

    /// Leaves the region, and removes its name unless others use it: false if they do.
    ///
    /// A child may have our lock. So that is not changed, but given up, and another one asked for.
    /// At the end of the process other threads may still use the region, and its descriptors: those
    /// go on meaning the file.
    fn leave(&self) -> bool {
        replace(&self.lock, &self.file);
        self.name.remove_if_lockable(&self.file)
    }
}

/// Makes the descriptor of one file mean what that of another does, in one step for other threads.
fn replace(file: &File, by: &File) {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: both are open for as long as these references live.
    unsafe {
        libc::dup3(by.raw(), file.raw(), libc::O_CLOEXEC)
    };
    #[cfg(target_vendor = "apple")]
    {
        // SAFETY: as above.
        unsafe { libc::dup2(by.raw(), file.raw()) };
        let _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::CLOEXEC);
    }
}

impl Name {
    fn of(path: &Path, stat: &Stat) -> Name {
        Name { path: path.to_owned(), file: identity(stat) }
    }

    /// Whether the name still means the file.
    fn is_current(&self) -> bool {
        // An error: the name is gone.
        rustix::fs::lstat(&self.path).is_ok_and(|stat| identity(&stat) == self.file)
    }

    /// The file, opened anew; `None` if the name does not mean it any more.
    fn open(&self) -> rustix::io::Result<Option<File>> {
        match open(&self.path, OFlags::empty()) {
            Ok(file) => Ok((identity(&rustix::fs::fstat(&file)?) == self.file).then_some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Removes the name unless somebody uses the region. False if somebody does.
    fn remove_if_unused(&self) -> bool {
        self.open().is_ok_and(|file| file.is_none_or(|file| self.remove_if_lockable(&file)))
    }

    /// The same with the file, on which this process has no lock.
    fn remove_if_lockable(&self, file: &File) -> bool {
        let alone = lock(file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if alone {
            self.remove();
            // Others may wait for it, only to find that the name is gone.
            let _ = lock(file, FlockOperation::Unlock);
        }
        alone
    }

    /// Removes the name if it still means the file. The caller holds an exclusive lock on that.
    fn remove(&self) {
        if self.is_current() {
            // If it is gone already, all is well; if it cannot be removed, the next user finds that
            // nobody uses it.
            let _ = rustix::fs::unlink(&self.path);
        }
    }
}

/// What tells a file from others that exist.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Leaves all regions. `process.exit()` runs no finalizers, but the C library's exit calls this.
/// (What another thread is joining just now is left behind, as by a kill.)
pub extern "C" fn leave_named_regions() {
    let all = locked(&REGION_USES).take();
    for region_use in all.iter() {
        region_use.leave();
    }
    for name in std::mem::take(&mut *locked(&LEFT_IN_USE)) {
        name.remove_if_unused();
    }
}

fn locked<T>(list: &'static Mutex<T>) -> MutexGuard<'static, T> {
    // Nothing under the locks can panic half way through a change.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user's number in front keeps the names of users apart.
fn path_of(tag: &str) -> Result<PathBuf> {
    let prefix = format!("memmap-{}-", rustix::process::geteuid().as_raw());
    let escaped = escape(tag);
    let limit = NAME_MAX - prefix.len();
    if escaped.len() > limit {
        return Err(Error::TagTooLong { limit, actual: escaped.len() });
    }
    Ok(shm::directory()?.join(prefix + &escaped))
}

/// A tag as part of a file name, in the manner of URLs. File systems that take `a` and `A` for the same, as Apple's mostly do, get no `A`.
fn escape(tag: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if is_plain && !(cfg!(target_vendor = "apple") && byte.is_ascii_uppercase()) {
            escaped.push(byte.into());
        } else {
            // WriteGate to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn open(path: &Path, extra: OFlags) -> rustix::io::Result<File> {
    // NONBLOCK: somebody may have put a FIFO there.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | extra;
    retry(|| rustix::fs::open(path, flags, shm::PRIVATE)).map(File::from_fd)
}

fn lock(file: &File, operation: FlockOperation) -> rustix::io::Result<()> {
    retry(|| rustix::fs::flock(file, operation))
}

/// Opens the file that has the name; `None` where there is none.
fn open_name(path: &Path) -> Result<Option<(File, Name)>> {
    let file = match open(path, OFlags::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        // A symbolic link (EMLINK on FreeBSD), a directory, a socket: not ours.
        Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => return Err(failed("open")(Errno::ACCESS)),
        Err(errno) => return Err(failed("open")(errno)),
    };
    let stat = rustix::fs::fstat(&file).map_err(failed("fstat"))?;
    if is_ours(&stat) { Ok(Some((file, Name::of(path, &stat)))) } else { Err(failed("open")(Errno::ACCESS)) }
}

/// Others can write to the directory, so the name may lead to a file that somebody else made, can read, or can reach by another
/// name.
fn is_ours(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_mode & 0o777 == shm::PRIVATE.as_raw_mode()
        && stat.st_nlink <= 1
}

/// Uses the region that the file is; `None` when its name is gone, or is now.
fn join(file: File, name: Name) -> Result<Option<RegionUse>> {
    match lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // Nobody uses it: the processes that did were killed.
            name.remove();
            return Ok(None);
        }
        // Others use it. Their locks are exclusive only while they leave.
        Err(Errno::WOULDBLOCK) => lock(&file, FlockOperation::LockShared).map_err(failed("flock"))?,
        Err(errno) => return Err(failed("flock")(errno)),
    }
    // One of size 0 is not complete; see `create_by_name`.
    if file.status()?.size == 0 { Ok(None) } else { RegionUse::of(file, name) }
}

/// Makes a region of `end` bytes; `None` when somebody was faster.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn create(path: &Path, end: u64) -> Result<Option<RegionUse>> {
    use rustix::fs::{AtFlags, CWD};
    let directory = path.parent().unwrap_or(path);
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let Ok(file) = retry(|| rustix::fs::open(directory, flags, shm::PRIVATE)).map(File::from_fd) else {
        // The file system has no such files. Other causes are met again there, and told.
        return create_by_name(path, end);
    };
    let name = fill(&file, path, end)?;
    lock(&file, FlockOperation::LockShared).map_err(failed("flock"))?;
    let by_descriptor = format!("/proc/self/fd/{}", file.raw());
    match rustix::fs::linkat(CWD, by_descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => RegionUse::of(file, name),
        Err(Errno::EXIST) => Ok(None),
        // There is no /proc.
        Err(_) => create_by_name(path, end),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn create(path: &Path, end: u64) -> Result<Option<RegionUse>> {
    create_by_name(path, end)
}

/// The same where files have names from their start on. Others may find it before it is locked: its
/// size is 0, and they begin again, or take it for left behind and remove it.
fn create_by_name(path: &Path, end: u64) -> Result<Option<RegionUse>> {
    let file = match open(path, OFlags::CREATE | OFlags::EXCL) {
        Ok(file) => file,
        Err(Errno::EXIST) => return Ok(None),
        Err(errno) => return Err(failed("open")(errno)),
    };
    let stat = rustix::fs::fstat(&file).map_err(failed("fstat"))?;
    let name = Name::of(path, &stat);
    let made = match lock(&file, FlockOperation::NonBlockingLockExclusive) {
        // Somebody who came has locked it. One who takes it for left behind removes it.
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => Err(failed("flock")(errno)),
        Ok(()) if !name.is_current() => return Ok(None),
        Ok(()) => fill(&file, path, end),
    };
    if let Err(error) = made {
        // Nobody uses a file of size 0, and nobody but us makes it longer.
        name.remove();
        return Err(error);
    }
    // Changing a lock is not atomic: in between another process may lock it, and remove it as one
    // that nobody uses.
    lock(&file, FlockOperation::LockShared).map_err(failed("flock"))?;
    RegionUse::of(file, name)
}

/// Makes a region of a new file that nobody else uses.
fn fill(file: &File, path: &Path, end: u64) -> Result<Name> {
    // The process's umask may have taken from it.
    retry(|| rustix::fs::fchmod(file, shm::PRIVATE)).map_err(failed("fchmod"))?;
    // Allocated, so that a full /dev/shm (64 MiB in a container) is an error here and not a fault
    // at some later store.
    file.allocate(0..end)?;
    file.set_size(end)?;
    let stat = rustix::fs::fstat(file).map_err(failed("fstat"))?;
    Ok(Name::of(path, &stat))
}

//! Memory that processes of one user share by name. It is a file in `/dev/shm`, or in the temporary
//! directory if there is none.
//!
//! A process that uses a region holds a shared lock on its file as long as the region is mapped
//! (see [`lock`]). So if the file can be locked exclusively, nobody uses it, and its name may be
//! removed. The last process to leave does that. If that process was killed, the next one to come
//! does it and creates a new region. The file of a region is never truncated and never reused, so
//! nobody loses memory.
//!
//! A region is created without a name, and gets its name when it is complete and locked. So a
//! failed step leaves nothing behind, and nobody finds an incomplete region. Where the system has
//! no files without a name, [`create_by_name`] does what it can.
//!
//! Between opening and locking a file, its name may be removed and given to another file. So after
//! locking, the process checks that the name still means the file, and starts again if it does not.

use super::errno::failed;
use super::file::{File, retry};
use super::lock_file::LockFile;
use super::memory::Memory;
use super::record_lock::Lock;
use super::shm;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::extent;
use crate::weak_list::WeakList;
use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often joining is repeated, because other processes join and leave at the same time.
const ATTEMPTS: usize = 10_000;

/// The longest file name that every file system accepts, in bytes.
const NAME_MAX: usize = 255;

/// This process's use of a named region. Dropping its last clone leaves the region.
#[derive(Debug, Clone)]
pub struct Named(Arc<RegionUse>);

/// Linux keeps an open file, and its lock, as long as it is mapped. A child process that inherits a
/// descriptor shares its lock. So a use has two open files, each opened separately.
#[derive(Debug)]
struct RegionUse {
    /// Holds the lock. A child may inherit it, and it is never mapped here.
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

/// Every region that this process uses, for [`leave_named_regions`].
static REGION_USES: Mutex<WeakList<RegionUse>> = Mutex::new(WeakList::new());

/// Names that we left while others used them. They are checked again later.
static LEFT_IN_USE: Mutex<VecDeque<Name>> = Mutex::new(VecDeque::new());

impl Named {
    /// Maps `length` bytes from `offset` of the region with this tag. If nobody uses the region, it
    /// is created with `offset + length` zeros. A length of 0 means all of an existing region. It
    /// also returns whether the region was created.
    ///
    /// # Errors
    ///
    /// EACCES if the name belongs to anything but a private file of this user. EINVAL for a length
    /// of 0 if there is no region. ERR_OUT_OF_RANGE for more than the region has. ENOSPC, and those
    /// of stat(2), open(2) and mmap(2).
    pub fn open(tag: &str, offset: u64, length: usize, plan: &Plan) -> Result<(Memory, Named, bool)> {
        let path = path_of(tag)?;
        let end = extent::end_of(offset, length as u64)?;
        for _ in 0..ATTEMPTS {
            let (region_use, created) = match open_name(&path)? {
                Some((file, name)) => (join(file, name)?, false),
                None if length == 0 => return Err(failed("mmap")(Errno::INVAL)),
                None => (create(&path, end)?, true),
            };
            if let Some(region_use) = region_use {
                let named = Named::register(region_use);
                let memory = named.map(offset, length, plan)?;
                return Ok((memory, named, created));
            }
        }
        // After so many attempts, others seem to join and leave without end.
        Err(failed("mmap")(Errno::AGAIN))
    }

    /// The file that is the region.
    pub fn file(&self) -> Option<&File> {
        Some(&self.0.file)
    }

    /// Opens the file that has the locks on ranges of the region.
    ///
    /// # Errors
    ///
    /// As [`LockFile::of`].
    pub fn lock_file(&self) -> Result<LockFile> {
        LockFile::of(&self.0.file)
    }

    /// The file with the lock, for child processes. A child uses the region as long as it has this
    /// descriptor.
    pub fn inheritable(&self) -> Option<&File> {
        Some(&self.0.lock)
    }

    /// Bytes in the whole region.
    ///
    /// # Errors
    ///
    /// Those of fstat(2).
    pub fn size(&self) -> Result<u64> {
        Ok(self.0.file.status()?.size)
    }

    /// Maps another part of the region.
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    pub fn map_again(&self, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
        Memory::of_file(&self.0.file, offset, length, plan)
    }

    fn register(region_use: RegionUse) -> Named {
        let region_use = Arc::new(region_use);
        static AT_EXIT: std::sync::Once = std::sync::Once::new();
        AT_EXIT.call_once(|| {
            // SAFETY: `leave_named_regions` is an extern "C" function that does not unwind, and
            // `pin_library` keeps it loaded. (If atexit has no room for it, names stay as after a
            // kill, and the next user recognises them.)
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
            // Between fork and exec, a child process has all descriptors for a moment. Nobody can
            // tell that from a use of the region, so the name is checked again later.
            let mut left = locked(&LEFT_IN_USE);
            // Two names are checked for each one that is added, so that the list stays about as
            // long as there are names in use.
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
    /// Takes a file that has been locked. `None` if the name no longer means it.
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

    /// Leaves the region, and removes its name unless others use it. It returns false if they do.
    ///
    /// A child may share our lock. So our lock is not changed but released, and the file is then
    /// locked through its other descriptor. At the end of the process, other threads may still use
    /// the region and its descriptors, so both descriptors must go on meaning the file.
    fn leave(&self) -> bool {
        replace(&self.lock, &self.file);
        self.name.remove_if_lockable(&self.file)
    }
}

/// Makes the descriptor of one file mean another file, in one step for other threads.
fn replace(file: &File, by: &File) {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: both descriptors are open as long as these references live.
    unsafe {
        libc::dup3(by.raw(), file.raw(), libc::O_CLOEXEC)
    };
    #[cfg(target_vendor = "apple")]
    {
        // SAFETY: both descriptors are open as long as these references live.
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
        // An error means that the name is gone.
        rustix::fs::lstat(&self.path).is_ok_and(|stat| identity(&stat) == self.file)
    }

    /// Opens the file anew. `None` if the name no longer means it.
    fn open(&self) -> rustix::io::Result<Option<File>> {
        match open(&self.path, OFlags::empty()) {
            Ok(file) => Ok((identity(&rustix::fs::fstat(&file)?) == self.file).then_some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Removes the name unless somebody uses the region. It returns false if somebody does.
    fn remove_if_unused(&self) -> bool {
        self.open().is_ok_and(|file| file.is_none_or(|file| self.remove_if_lockable(&file)))
    }

    /// Like [`Name::remove_if_unused`], with the open file, on which this process must have no
    /// lock.
    fn remove_if_lockable(&self, file: &File) -> bool {
        let alone = lock(file, Lock::Exclusive).is_ok();
        if alone {
            self.remove();
            // Others may wait for this lock, only to find that the name is gone.
            let _ = lock(file, Lock::None);
        }
        alone
    }

    /// Removes the name if it still means the file, which the caller has locked exclusively.
    fn remove(&self) {
        if self.is_current() {
            // The name may be gone already. If it cannot be removed, the next user finds that
            // nobody uses it.
            let _ = rustix::fs::unlink(&self.path);
        }
    }
}

/// The numbers that distinguish the file from all other existing ones.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Leaves all regions. `process.exit()` runs no finalizers, but the C library's exit calls this
/// function. (A region that another thread is just joining is left behind, as by a kill.)
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
    // Nothing under the locks can panic in the middle of a change.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user's number at the start separates the names of users.
fn path_of(tag: &str) -> Result<PathBuf> {
    let prefix = format!("memmap-{}-", rustix::process::geteuid().as_raw());
    let escaped = escape(tag);
    let limit = NAME_MAX - prefix.len();
    if escaped.len() > limit {
        return Err(Error::NameTooLong { argument: "tagname", limit, actual: escaped.len() });
    }
    Ok(shm::directory()?.join(prefix + &escaped))
}

/// A tag as part of a file name, escaped like a URL. Some file systems, such as most of Apple's, do
/// not distinguish `a` and `A`, so there `A` is escaped, too.
fn escape(tag: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if is_plain && !(cfg!(target_vendor = "apple") && byte.is_ascii_uppercase()) {
            escaped.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn open(path: &Path, extra: OFlags) -> rustix::io::Result<File> {
    // NONBLOCK is set because somebody may have put a FIFO there.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | extra;
    retry(|| rustix::fs::open(path, flags, shm::PRIVATE)).map(File::from_fd)
}

/// Locks the file for all who use the region. An exclusive lock is tried, and for a shared one the
/// process waits.
///
/// The lock is on one byte behind all that `lockRange` can lock. macOS has flock, too, but there it
/// conflicts with locks on ranges, so that nobody could lock a range of a region.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn lock(file: &File, lock: Lock) -> rustix::io::Result<()> {
    use crate::range_lock::END;
    super::record_lock::set_lock(file, &(END..END + 1), lock, lock == Lock::Shared)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
const LOCK_CALL: &str = "fcntl";

/// Locks the file for all who use the region. An exclusive lock is tried, and for a shared one the
/// process waits. These systems have no locks of an open file on a range.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn lock(file: &File, lock: Lock) -> rustix::io::Result<()> {
    use rustix::fs::FlockOperation;
    let operation = match lock {
        Lock::Shared => FlockOperation::LockShared,
        Lock::Exclusive => FlockOperation::NonBlockingLockExclusive,
        Lock::None => FlockOperation::Unlock,
    };
    retry(|| rustix::fs::flock(file, operation))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
const LOCK_CALL: &str = "flock";

/// Opens the file that has the name. `None` if there is none.
fn open_name(path: &Path) -> Result<Option<(File, Name)>> {
    let file = match open(path, OFlags::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        // A symbolic link (EMLINK on FreeBSD), a directory or a socket is not ours.
        Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => return Err(failed("open")(Errno::ACCESS)),
        Err(errno) => return Err(failed("open")(errno)),
    };
    let stat = rustix::fs::fstat(&file).map_err(failed("fstat"))?;
    if is_ours(&stat) { Ok(Some((file, Name::of(path, &stat)))) } else { Err(failed("open")(Errno::ACCESS)) }
}

/// Others can write to the directory. So the name may mean a file that somebody else has made, can
/// read, or can reach by another name.
fn is_ours(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_mode & 0o777 == shm::PRIVATE.as_raw_mode()
        && stat.st_nlink <= 1
}

/// Joins the region that the file is. `None` if its name is gone, or has now been removed.
fn join(file: File, name: Name) -> Result<Option<RegionUse>> {
    match lock(&file, Lock::Exclusive) {
        Ok(()) => {
            // Nobody uses it, because the processes that did were killed.
            name.remove();
            return Ok(None);
        }
        // Others use it. They hold exclusive locks only while they leave.
        Err(Errno::WOULDBLOCK) => lock(&file, Lock::Shared).map_err(failed(LOCK_CALL))?,
        Err(errno) => return Err(failed(LOCK_CALL)(errno)),
    }
    // A file of size 0 is not complete yet; see [`create_by_name`].
    if file.status()?.size == 0 { Ok(None) } else { RegionUse::of(file, name) }
}

/// Creates a region of `end` bytes. `None` if another process was faster.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn create(path: &Path, end: u64) -> Result<Option<RegionUse>> {
    use rustix::fs::{AtFlags, CWD};
    let directory = path.parent().unwrap_or(path);
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let Ok(file) = retry(|| rustix::fs::open(directory, flags, shm::PRIVATE)).map(File::from_fd) else {
        // The file system has no files without a name. Other errors occur again there and are
        // reported.
        return create_by_name(path, end);
    };
    let name = fill(&file, path, end)?;
    lock(&file, Lock::Shared).map_err(failed(LOCK_CALL))?;
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

/// Creates a region where every file has a name from the start. Others may find it before it is
/// locked. Its size is 0, so they either start again or take it for left behind and remove it.
fn create_by_name(path: &Path, end: u64) -> Result<Option<RegionUse>> {
    let file = match open(path, OFlags::CREATE | OFlags::EXCL) {
        Ok(file) => file,
        Err(Errno::EXIST) => return Ok(None),
        Err(errno) => return Err(failed("open")(errno)),
    };
    let stat = rustix::fs::fstat(&file).map_err(failed("fstat"))?;
    let name = Name::of(path, &stat);
    let made = match lock(&file, Lock::Exclusive) {
        // Another process has locked it meanwhile. If that takes it for left behind, it removes it.
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => Err(failed(LOCK_CALL)(errno)),
        Ok(()) if !name.is_current() => return Ok(None),
        Ok(()) => fill(&file, path, end),
    };
    if let Err(error) = made {
        // Nobody uses a file of size 0, and nobody but us makes it longer.
        name.remove();
        return Err(error);
    }
    // Changing a lock is not atomic everywhere. Another process may lock the file in between, and
    // remove it as unused.
    lock(&file, Lock::Shared).map_err(failed(LOCK_CALL))?;
    RegionUse::of(file, name)
}

/// Makes a region of a new file that nobody else uses.
fn fill(file: &File, path: &Path, end: u64) -> Result<Name> {
    // The process's umask may have cleared some of the permissions.
    retry(|| rustix::fs::fchmod(file, shm::PRIVATE)).map_err(failed("fchmod"))?;
    // The file is allocated, so that a full /dev/shm (64 MiB in a container) is an error here and
    // not a fault at a later store.
    file.allocate(0..end)?;
    file.set_size(end)?;
    let stat = rustix::fs::fstat(file).map_err(failed("fstat"))?;
    Ok(Name::of(path, &stat))
}

//! Memory that processes of one user share by name: a file in `/dev/shm`, or in the temporary directory where there is none.
//!
//! A process that uses a region holds a shared flock on its file for as long as it has it mapped. The last one to leave can turn that
//! into an exclusive lock, and then removes the name. Processes that were killed hold no lock any more, so what they left is
//! recognised: a process that gets an exclusive lock when it *comes* starts the region again from zeros. Since a name may be removed
//! between opening and locking, one that comes looks again, after locking, whether the name still means the file that it opened.

use super::errno::failed;
use super::file::{File, retry};
use super::memory::Memory;
use crate::access::Plan;
use crate::error::{Error, Result};
use crate::source;
use crate::weak::remember;
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How often joining is tried again because others join and leave at the same time.
const ATTEMPTS: usize = 10_000;

/// The longest file name that every file system takes, in bytes.
const NAME_MAX: usize = 255;

/// The use of a named region. Dropping the last clone of it leaves the region.
#[derive(Debug, Clone)]
pub struct Named(Arc<Tenancy>);

#[derive(Debug)]
struct Tenancy {
    file: File,
    path: PathBuf,
    left: AtomicBool,
}

/// Every region this process uses, for [`leave_all`].
static TENANCIES: Mutex<Vec<Weak<Tenancy>>> = Mutex::new(Vec::new());

impl Named {
    /// Maps `length` bytes from `offset` of the region with this tag, which is created, all zeros and `offset + length` long, if
    /// nobody uses it. A length of 0 means all of a region that exists.
    ///
    /// # Errors
    ///
    /// EACCES when the name is taken by something that is not a private file of this user, EINVAL for length 0 where there
    /// is no region, ERR_OUT_OF_RANGE for more than the region has, ENOSPC, and what open(2) and mmap(2) say.
    pub fn open(tag: &str, offset: u64, length: usize, plan: &Plan) -> Result<(Memory, Named)> {
        let path = path_of(tag)?;
        let end = source::end_of(offset, length as u64)?;
        for _ in 0..ATTEMPTS {
            let Some(file) = open_name(&path, length != 0)? else {
                break;
            };
            let first = match retry(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => true,
                // Others use it. Their locks are exclusive only while they join or leave.
                Err(Errno::WOULDBLOCK) => {
                    lock_shared(&file)?;
                    false
                }
                Err(errno) => return Err(failed("flock")(errno)),
            };
            if !is_named(&file, &path) {
                continue;
            }
            if first {
                if let Err(error) = start_from_zeros(&file, length, end) {
                    remove(&path);
                    return Err(error);
                }
                // Changing a lock is not atomic: in between another process may get an exclusive one and start the region again.
                // So nothing learnt before this line counts after it.
                lock_shared(&file)?;
                if !is_named(&file, &path) {
                    continue;
                }
            }
            let existing = file.status()?.size;
            if existing == 0 {
                continue;
            }
            let named = Named::register(file, path);
            let memory = named.map(offset, length, existing, plan)?;
            return Ok((memory, named));
        }
        // Nothing there to map all of; or, after so many attempts, others that join and leave without end.
        let errno = if length == 0 { Errno::INVAL } else { Errno::AGAIN };
        Err(failed("mmap")(errno))
    }

    /// The file that is the region.
    pub fn file(&self) -> Option<&File> {
        Some(&self.0.file)
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

    fn register(file: File, path: PathBuf) -> Named {
        let left = AtomicBool::new(false);
        let tenancy = Arc::new(Tenancy { file, path, left });
        static AT_EXIT: std::sync::Once = std::sync::Once::new();
        AT_EXIT.call_once(|| {
            // SAFETY: `leave_all` is an extern "C" function that does not unwind, and `pin_library` keeps it loaded. (Should
            // there be no room for it, names are left behind as after a kill, which the next user recognises.)
            unsafe { libc::atexit(leave_all) };
        });
        remember(&mut tenancies(), &tenancy);
        Named(tenancy)
    }

    fn map(&self, offset: u64, length: usize, existing: u64, plan: &Plan) -> Result<Memory> {
        self.map_again(offset, source::extent_of_region(existing, offset, length)?, plan)
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Tenancy {
    /// Removes the name if nobody else uses the region. Errors mean that it stays, which the next user finds out.
    fn leave(&self) {
        if self.left.swap(true, Ordering::AcqRel) {
            return;
        }
        let alone = rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if alone && is_named(&self.file, &self.path) {
            remove(&self.path);
        }
    }
}

/// Leaves all regions. `process.exit()` runs no finalizers, but the C library's exit calls this.
pub extern "C" fn leave_all() {
    let all = std::mem::take(&mut *tenancies());
    for tenancy in all.iter().filter_map(Weak::upgrade) {
        tenancy.leave();
    }
}

fn tenancies() -> MutexGuard<'static, Vec<Weak<Tenancy>>> {
    // Nothing under the lock can panic half way through a change.
    TENANCIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user's number in front keeps the names of users apart.
fn path_of(tag: &str) -> Result<PathBuf> {
    let prefix = format!("memmap-{}-", rustix::process::geteuid().as_raw());
    let escaped = escape(tag);
    let limit = NAME_MAX - prefix.len();
    if escaped.len() > limit {
        return Err(Error::TagTooLong { limit, actual: escaped.len() });
    }
    Ok(directory().join(prefix + &escaped))
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
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn directory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() }
}

/// Opens the region's file; `None` where there is none and none is to be made.
fn open_name(path: &Path, create: bool) -> Result<Option<File>> {
    // NONBLOCK: somebody may have put a FIFO there.
    let mut flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::CREATE, create);
    let file = match retry(|| rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)) {
        Ok(fd) => File::from_fd(fd),
        Err(Errno::NOENT) if !create => return Ok(None),
        // A symbolic link (EMLINK on FreeBSD), a directory, a socket: not ours.
        Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => return Err(failed("open")(Errno::ACCESS)),
        Err(errno) => return Err(failed("open")(errno)),
    };
    let stat = rustix::fs::fstat(&file).map_err(failed("fstat"))?;
    if is_ours(&stat) { Ok(Some(file)) } else { Err(failed("open")(Errno::ACCESS)) }
}

/// Others can write to the directory, so the name may lead to a file that somebody else made, can read, or can reach by another
/// name.
fn is_ours(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_mode & 0o777 == 0o600
        && stat.st_nlink <= 1
}

fn is_named(file: &File, path: &Path) -> bool {
    match (rustix::fs::fstat(file), rustix::fs::lstat(path)) {
        (Ok(open), Ok(named)) => open.st_ino == named.st_ino && open.st_dev == named.st_dev,
        // The name is gone.
        _ => false,
    }
}

fn lock_shared(file: &File) -> Result<()> {
    retry(|| rustix::fs::flock(file, FlockOperation::LockShared)).map_err(failed("flock"))
}

/// Makes a new region of the file: nobody uses it, so what is in it was left behind.
fn start_from_zeros(file: &File, length: usize, end: u64) -> Result<()> {
    if length == 0 {
        return Err(failed("mmap")(Errno::INVAL));
    }
    file.set_size(0)?;
    // Allocated, so that a full /dev/shm (64 MiB in a container) is an error here and not a fault at some later store.
    file.allocate(0..end)
}

fn remove(path: &Path) {
    // If it is gone already, all is well; if it cannot be removed, the next user finds that nobody uses it.
    let _ = rustix::fs::unlink(path);
}

/// A file without a name, for anonymous memory where the system has no memfd.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn unlinked_file() -> Result<File> {
    use std::sync::atomic::AtomicU64;
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory().join(format!("memmap-anonymous-{}-{count}", std::process::id()));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match retry(|| rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)) {
            // Left behind by a process with our number that was killed between its open and its unlink.
            Err(Errno::EXIST) => {}
            Ok(fd) => {
                rustix::fs::unlink(&path).map_err(failed("unlink"))?;
                return Ok(File::from_fd(fd));
            }
            Err(errno) => return Err(failed("open")(errno)),
        }
    }
}

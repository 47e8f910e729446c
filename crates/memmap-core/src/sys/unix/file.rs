//! Files, and memory that has a descriptor like a file.

use super::errno::failed;
use crate::error::Result;
use crate::extent::Status;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A descriptor of our own, closed on drop.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    /// Bytes in a block, as `status` has found; 0 before that.
    block: AtomicUsize,
}

/// Somebody's descriptor, which is not closed.
#[derive(Debug)]
pub struct BorrowedFile(ManuallyDrop<File>);

impl Deref for BorrowedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl File {
    /// Opens an existing file.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn open(path: &OsStr, write: bool) -> Result<File> {
        open(path, write, OFlags::empty()).map(File::from_fd).map_err(failed("open"))
    }

    /// A duplicate of somebody's descriptor, not inherited by child processes.
    ///
    /// # Errors
    ///
    /// EBADF, EMFILE.
    pub fn duplicate(descriptor: i32) -> Result<File> {
        if descriptor < 0 {
            return Err(failed("fcntl")(Errno::BADF));
        }
        // SAFETY: the number is not negative. Borrowing one that is not open would break the rule of BorrowedFd that it is, but
        // it is given to one fcntl only, which answers EBADF, and nothing is kept of it.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        rustix::io::fcntl_dupfd_cloexec(borrowed, 0).map(File::from_fd).map_err(failed("fcntl"))
    }

    /// Somebody's descriptor itself, for the length of a call.
    ///
    /// # Errors
    ///
    /// EBADF.
    pub fn borrow(descriptor: i32) -> Result<BorrowedFile> {
        if descriptor < 0 {
            return Err(failed("fcntl")(Errno::BADF));
        }
        // SAFETY: the number is not negative. It is used for system calls only, which answer EBADF
        // if it is not open, and it is never closed.
        let fd = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(BorrowedFile(ManuallyDrop::new(File::from_fd(fd))))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> File {
        File { fd, block: AtomicUsize::new(0) }
    }

    /// Size and kind.
    ///
    /// # Errors
    ///
    /// What fstat(2) says.
    pub fn status(&self) -> Result<Status> {
        let stat = rustix::fs::fstat(&self.fd).map_err(failed("fstat"))?;
        self.block.store(usize::try_from(stat.st_blksize).unwrap_or(0), Ordering::Relaxed);
        let kind = FileType::from_raw_mode(stat.st_mode);
        let regular = kind == FileType::RegularFile;
        let device_size = if kind == FileType::BlockDevice { self.device_size()? } else { None };
        Ok(Status {
            // A negative size is no size.
            size: device_size.unwrap_or(u64::try_from(stat.st_size).unwrap_or(0)),
            regular,
            sized: regular || device_size.is_some(),
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        })
    }

    /// Bytes in a page of a mapping of the file: on hugetlbfs those of a huge page, which is a
    /// block there.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn page_size(&self) -> usize {
        const HUGETLBFS_MAGIC: u64 = 0x9584_58f6;
        let page = super::page_size();
        let block = self.block.load(Ordering::Relaxed);
        // Other file systems have large blocks too, but few, and only these are asked.
        let is_huge = block > page
            && block.is_multiple_of(page)
            && rustix::fs::fstatfs(&self.fd).is_ok_and(|system| system.f_type as u64 == HUGETLBFS_MAGIC);
        if is_huge { block } else { page }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn page_size(&self) -> usize {
        super::page_size()
    }

    /// Bytes on a block device, of which fstat says 0.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn device_size(&self) -> Result<Option<u64>> {
        // From <linux/fs.h>, as the processors have it that there are binaries for; the libc crate
        // has none of these.
        const BLKGETSIZE64: u32 = 0x8008_1272;
        let mut size = 0u64;
        // SAFETY: BLKGETSIZE64 takes a pointer to a number of 64 bits, which `size` is for the
        // length of the call.
        let result = unsafe { libc::ioctl(self.raw(), BLKGETSIZE64 as _, &mut size) };
        if result == 0 { Ok(Some(size)) } else { Err(super::errno::last_error("ioctl")) }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn device_size(&self) -> Result<Option<u64>> {
        // Nothing that has a size of another kind can be mapped there.
        Ok(None)
    }

    /// Whether the descriptor may write.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says.
    pub fn is_writable(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
        Ok(flags & OFlags::ACCMODE != OFlags::RDONLY)
    }

    /// Whether the system says which of the file's pages are in memory. Linux says "all" since 5.2
    /// of a file that the caller neither owns nor may write (`can_do_mincore` in mm/mincore.c),
    /// because it tells what others have read.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn tells_residency(&self) -> bool {
        use rustix::fs::{Access, AtFlags, accessat};
        let is_owner = rustix::fs::fstat(&self.fd).is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw());
        is_owner || accessat(&self.fd, "", Access::WRITE_OK, AtFlags::EMPTY_PATH | AtFlags::EACCESS).is_ok()
    }

    /// Whether the system says which of the file's pages are in memory.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn tells_residency(&self) -> bool {
        true
    }

    /// Whether what is read and written must be aligned in memory and in the file, because no cache
    /// is to hold it.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says.
    pub fn is_direct(&self) -> Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        {
            let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
            Ok(flags.contains(OFlags::DIRECT))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        Ok(false)
    }

    /// Whether everything that is written is appended, also with pwrite(2): Linux does not look at the position then.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says.
    pub fn is_appending(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
        Ok(flags.contains(OFlags::APPEND))
    }

    /// Sets the size, in bytes: what is beyond it is lost, what is new is a hole of zeros.
    ///
    /// # Errors
    ///
    /// What ftruncate(2) says.
    pub fn set_size(&self, size: u64) -> Result<()> {
        retry(|| rustix::fs::ftruncate(&self.fd, size)).map_err(failed("ftruncate"))
    }

    /// Makes sure that the bytes of `range` exist and have blocks on the device, so that no later store into them can fail
    /// because the disk is full. The file grows to `range.end` if it is shorter.
    ///
    /// Others may write to the file meanwhile, and no call here can take away what they wrote:
    /// blocks are allocated while the size stays as it is, and then the file is made longer by a
    /// call that never makes it shorter. Nothing is undone after a failure, because a size that was
    /// read a moment ago may be the size of somebody else's data by now. So the size is as it was
    /// if a step before the last one fails, and only blocks beyond the end may stay allocated.
    ///
    /// # Errors
    ///
    /// ENOSPC, EDQUOT, EFBIG, EIO.
    pub fn allocate(&self, range: Range<u64>) -> Result<()> {
        let status = self.status()?;
        if range.end > status.size {
            check_size(range.end)?;
        }
        self.allocate_blocks(&range)?;
        // The file may have grown while its blocks were allocated.
        if self.status()?.size < range.end { self.lengthen(range.end) } else { Ok(()) }
    }

    /// Makes the file longer, to `end` bytes, and never shorter. What is new is a hole, but for a
    /// block at its end on Linux, and where the file system has no holes. Nothing is undone after a
    /// failure; see [`File::allocate`].
    ///
    /// # Errors
    ///
    /// As [`File::allocate`].
    pub fn extend(&self, end: u64) -> Result<()> {
        if self.status()?.size >= end {
            return Ok(());
        }
        check_size(end)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        match self.fallocate(&(end - 1..end), rustix::fs::FallocateFlags::empty()) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            result => return result.map_err(failed("fallocate")),
        }
        self.lengthen(end)
    }

    /// Writes what is in memory of the file's data to the device.
    ///
    /// # Errors
    ///
    /// EIO, ENOSPC, EROFS.
    pub fn sync_data(&self) -> Result<()> {
        // macOS: fsync stops at the drive's cache; F_FULLFSYNC is what Apple documents for data that must survive. File systems
        // that do not know it (network ones) get fsync.
        #[cfg(target_vendor = "apple")]
        return match retry(|| rustix::fs::fcntl_fullfsync(&self.fd)) {
            Err(Errno::NOTSUP | Errno::NOTTY | Errno::INVAL) => {
                retry(|| rustix::fs::fsync(&self.fd)).map_err(failed("fsync"))
            }
            result => result.map_err(failed("fcntl")),
        };
        #[cfg(not(target_vendor = "apple"))]
        retry(|| rustix::fs::fdatasync(&self.fd)).map_err(failed("fdatasync"))
    }

    /// Reads at `offset` until `buffer` is full or the file ends; how many bytes.
    ///
    /// # Errors
    ///
    /// What pread(2) says.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match retry(|| rustix::io::pread(&self.fd, &mut *rest, offset + done as u64)).map_err(failed("pread"))? {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    ///
    /// What pwrite(2) says.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            match retry(|| rustix::io::pwrite(&self.fd, rest, offset + done as u64)).map_err(failed("pwrite"))? {
                // No system should say so of a file; if one does, this must not go round for ever.
                0 => return Err(failed("pwrite")(Errno::IO)),
                n => done += n,
            }
        }
        Ok(())
    }

    /// The number of the descriptor.
    pub fn descriptor(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    pub(super) fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// posix_fallocate without its end: glibc's writes into holes byte by byte where the file
    /// system cannot allocate, while other processes may write there.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate_blocks(&self, range: &Range<u64>) -> Result<()> {
        use rustix::fs::FallocateFlags;
        self.has_room_for(range)?;
        match self.fallocate(range, FallocateFlags::KEEP_SIZE) {
            // The file system cannot allocate at all, or not beyond the end (NFS): `lengthen` does
            // what it can.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            result => result.map_err(failed("fallocate")),
        }
    }

    /// An allocation that fails half way keeps the blocks that it got, and nobody can give them
    /// back without cutting what others append. So one that cannot succeed does not begin.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn has_room_for(&self, range: &Range<u64>) -> Result<()> {
        // What a file system does not say is not held against it. One of FUSE may say anything.
        const FUSE_SUPER_MAGIC: u64 = 0x6573_5546;
        let (Ok(stat), Ok(system)) = (rustix::fs::fstat(&self.fd), rustix::fs::fstatfs(&self.fd)) else {
            return Ok(());
        };
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        let size = number(stat.st_size);
        // Blocks beyond the end are the file's already.
        let allocated = number(stat.st_blocks).saturating_mul(512).saturating_sub(size);
        let needed = range.end.saturating_sub(range.start.max(size)).saturating_sub(allocated);
        let free = if rustix::process::geteuid().is_root() { system.f_bfree } else { system.f_bavail };
        let tells = system.f_blocks != 0 && system.f_type as u64 != FUSE_SUPER_MAGIC;
        if tells && needed > free.saturating_mul(system.f_bsize as u64) {
            return Err(failed("fallocate")(Errno::NOSPC));
        }
        Ok(())
    }

    /// Calls fallocate for a range, in pieces where signals come faster than it is done with the
    /// whole: tmpfs undoes what a signal interrupts, and a profiler sends a signal each
    /// millisecond.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn fallocate(&self, range: &Range<u64>, flags: rustix::fs::FallocateFlags) -> rustix::io::Result<()> {
        const SMALLEST: u64 = 64 * 1024;
        let mut at = range.start;
        let mut piece = range.end - range.start;
        while at < range.end {
            let count = piece.min(range.end - at);
            match rustix::fs::fallocate(&self.fd, flags, at, count) {
                Ok(()) => at += count,
                Err(Errno::INTR) => piece = (count / 2).max(SMALLEST),
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Makes the file longer, to `end` bytes, and never shorter.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn lengthen(&self, end: u64) -> Result<()> {
        use rustix::fs::FallocateFlags;
        let size = self.status()?.size;
        // Without KEEP_SIZE the size becomes the larger one of what it is and `end`. Not all file
        // systems can do both kinds.
        match self.fallocate(&(size.min(end - 1)..end), FallocateFlags::empty()) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.append_zeros(end),
            result => result.map_err(failed("fallocate")),
        }
    }

    /// Appends zeros until the file has `end` bytes. What others append meanwhile stays, and
    /// counts.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn append_zeros(&self, end: u64) -> Result<()> {
        use rustix::io::{IoSlice, ReadWriteFlags};
        // Not a static: that would be as many bytes in the library.
        let zeros = vec![0; 64 * 1024];
        loop {
            let missing = end.saturating_sub(self.status()?.size);
            let count = usize::try_from(missing).unwrap_or(usize::MAX).min(zeros.len());
            let Some(piece) = zeros.get(..count).filter(|piece| !piece.is_empty()) else {
                return Ok(());
            };
            let append = || rustix::io::pwritev2(&self.fd, &[IoSlice::new(piece)], 0, ReadWriteFlags::APPEND);
            if retry(append).map_err(failed("pwritev2"))? == 0 {
                // No system should say so of a file; if one does, this must not go round for ever.
                return Err(failed("pwritev2")(Errno::IO));
            }
        }
    }

    /// posix_fallocate makes the file longer as it allocates, and never shorter. If it fails half
    /// way, zeros stay at the file's end.
    #[cfg(target_os = "freebsd")]
    fn allocate_blocks(&self, range: &Range<u64>) -> Result<()> {
        let flags = rustix::fs::FallocateFlags::empty();
        match retry(|| rustix::fs::fallocate(&self.fd, flags, range.start, range.end - range.start)) {
            // FreeBSD says EINVAL for a file system that cannot (ZFS).
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            result => result.map_err(failed("fallocate")),
        }
    }

    /// F_PREALLOCATE counts from the end of the blocks that the file has, and leaves its size as it
    /// is.
    #[cfg(target_vendor = "apple")]
    fn allocate_blocks(&self, range: &Range<u64>) -> Result<()> {
        let missing = range.end.saturating_sub(self.status()?.size);
        if missing == 0 {
            return Ok(());
        }
        let mut store = libc::fstore_t {
            fst_flags: libc::F_ALLOCATEALL,
            fst_posmode: libc::F_PEOFPOSMODE,
            fst_offset: 0,
            fst_length: libc::off_t::try_from(missing).map_err(|_| failed("fcntl")(Errno::FBIG))?,
            fst_bytesalloc: 0,
        };
        // SAFETY: F_PREALLOCATE takes a pointer to an fstore_t, which `store` is for the length of the call.
        let result = unsafe { libc::fcntl(self.raw(), libc::F_PREALLOCATE, &mut store) };
        if result != -1 {
            return Ok(());
        }
        match Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO) {
            // The file system cannot: `lengthen` does what it can.
            Errno::NOTSUP | Errno::INVAL => Ok(()),
            errno => Err(failed("fcntl")(errno)),
        }
    }

    /// There is no call by which blocks could be allocated and nothing else.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
    fn allocate_blocks(&self, _range: &Range<u64>) -> Result<()> {
        Ok(())
    }

    /// Makes the file longer, to `end` bytes.
    ///
    /// These systems have no call that makes a file longer and never shorter. ftruncate is called
    /// directly after a look at the size, as the last step of all; what another process appends
    /// between the two, beyond `end`, is cut off. docs/safety.md says so.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn lengthen(&self, end: u64) -> Result<()> {
        if self.status()?.size < end { self.set_size(end) } else { Ok(()) }
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The system would send SIGXFSZ too, which ends a process that does not expect it.
fn check_size(size: u64) -> Result<()> {
    if allows_size(size) { Ok(()) } else { Err(failed("ftruncate")(Errno::FBIG)) }
}

/// Whether the process may make a file that large (RLIMIT_FSIZE).
pub(super) fn allows_size(size: u64) -> bool {
    super::limits::file_size().is_none_or(|limit| size <= limit)
}

/// Opens what there is, or what `extra` makes.
pub(super) fn open(path: &OsStr, write: bool, extra: OFlags) -> rustix::io::Result<OwnedFd> {
    let mode = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = mode | extra | OFlags::CLOEXEC | OFlags::NOCTTY;
    let open = |flags| retry(|| rustix::fs::open(path, flags, Mode::from_raw_mode(0o666)));
    // NONBLOCK: to open a FIFO must not wait for its other end, and a FIFO cannot be mapped anyway.
    match open(flags | OFlags::NONBLOCK) {
        // Somebody has a lease on the file (a Samba or NFS server) and is asked to give it up.
        // fs.open waits for that too.
        Err(Errno::AGAIN) => open(flags),
        result => result,
    }
}

/// Calls again when a signal came in between.
pub(super) fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

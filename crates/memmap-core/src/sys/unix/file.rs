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

/// A file with a descriptor of our own, which is closed on drop.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    /// Bytes in a block, as found by `status`; 0 before that.
    block: AtomicUsize,
}

/// A file with a caller's descriptor, which is not closed.
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
    /// Those of open(2).
    pub fn open(path: &OsStr, write: bool) -> Result<File> {
        open(path, write, OFlags::empty()).map(File::from_fd).map_err(failed("open"))
    }

    /// Duplicates a caller's descriptor. Child processes do not inherit the duplicate.
    ///
    /// # Errors
    ///
    /// EBADF, EMFILE.
    pub fn duplicate(descriptor: i32) -> Result<File> {
        if descriptor < 0 {
            return Err(failed("fcntl")(Errno::BADF));
        }
        // SAFETY: the number is not negative. BorrowedFd requires an open descriptor, but this one
        // is used only for one fcntl, which returns EBADF if it is not open. Nothing keeps it.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        rustix::io::fcntl_dupfd_cloexec(borrowed, 0).map(File::from_fd).map_err(failed("fcntl"))
    }

    /// Uses a caller's descriptor itself during a call.
    ///
    /// # Errors
    ///
    /// EBADF.
    pub fn borrow(descriptor: i32) -> Result<BorrowedFile> {
        if descriptor < 0 {
            return Err(failed("fcntl")(Errno::BADF));
        }
        // SAFETY: the number is not negative. It is used only for system calls, which return EBADF
        // if it is not open, and it is never closed.
        let fd = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(BorrowedFile(ManuallyDrop::new(File::from_fd(fd))))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> File {
        File { fd, block: AtomicUsize::new(0) }
    }

    /// The size and the kind of the file.
    ///
    /// # Errors
    ///
    /// Those of fstat(2).
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
            sized: regular || device_size.is_some() || is_shm(kind),
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        })
    }

    /// Bytes in a page of a mapping of the file. On hugetlbfs this is a huge page, whose size is
    /// reported as that of a block.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn page_size(&self) -> usize {
        const HUGETLBFS_MAGIC: u64 = 0x9584_58f6;
        let page = super::page::page_size();
        let block = self.block.load(Ordering::Relaxed);
        // Other file systems may have large blocks, too, but few do. Only for those is the kind of
        // the file system queried.
        let is_huge = block > page
            && block.is_multiple_of(page)
            && rustix::fs::fstatfs(&self.fd).is_ok_and(|system| system.f_type as u64 == HUGETLBFS_MAGIC);
        if is_huge { block } else { page }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn page_size(&self) -> usize {
        super::page::page_size()
    }

    /// The size of a block device in bytes, because fstat reports 0.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn device_size(&self) -> Result<Option<u64>> {
        // The number is from <linux/fs.h> and holds for all processors that have binaries, because
        // the libc crate does not have it.
        const BLKGETSIZE64: u32 = 0x8008_1272;
        let mut size = 0u64;
        // SAFETY: BLKGETSIZE64 takes a pointer to a 64-bit number. `size` is one during the call.
        let result = unsafe { libc::ioctl(self.raw(), BLKGETSIZE64 as _, &mut size) };
        if result == 0 { Ok(Some(size)) } else { Err(super::errno::last_error("ioctl")) }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn device_size(&self) -> Result<Option<u64>> {
        // On these systems nothing can be mapped that has a size of another kind.
        Ok(None)
    }

    /// Whether the descriptor may write.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn is_writable(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
        Ok(flags & OFlags::ACCMODE != OFlags::RDONLY)
    }

    /// Whether the system tells which of the file's pages are in memory. Since 5.2, Linux reports
    /// all pages for a file that the caller neither owns nor may write (`can_do_mincore` in
    /// mm/mincore.c). The true answer would reveal what others have read.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn tells_residency(&self) -> bool {
        use rustix::fs::{Access, AtFlags, accessat};
        let is_owner = rustix::fs::fstat(&self.fd).is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw());
        is_owner || accessat(&self.fd, "", Access::WRITE_OK, AtFlags::EMPTY_PATH | AtFlags::EACCESS).is_ok()
    }

    /// Whether the system tells which of the file's pages are in memory.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn tells_residency(&self) -> bool {
        true
    }

    /// Whether reads and writes must be aligned in memory and in the file, because they bypass the
    /// cache.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn is_direct(&self) -> Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        {
            let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
            Ok(flags.contains(OFlags::DIRECT))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        Ok(false)
    }

    /// Whether all writes are appended, even those of pwrite(2), whose position Linux then ignores.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn is_appending(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.fd).map_err(failed("fcntl"))?;
        Ok(flags.contains(OFlags::APPEND))
    }

    /// Sets the size in bytes. What is beyond it is lost, and what is new is a hole of zeros.
    ///
    /// # Errors
    ///
    /// Those of ftruncate(2).
    pub fn set_size(&self, size: u64) -> Result<()> {
        retry(|| rustix::fs::ftruncate(&self.fd, size)).map_err(failed("ftruncate"))
    }

    /// Makes sure that the bytes of `range` exist and have blocks on the device, so that no later
    /// store can fail because the disk is full. The file grows to `range.end` if it is shorter.
    ///
    /// Others may write to the file meanwhile, and no call here can destroy what they wrote. First,
    /// blocks are allocated without changing the size. Then a call that never shortens the file
    /// makes it longer. Nothing is undone after a failure, because a size that was read a moment
    /// ago may by now be that of other data. So if a step before the last one fails, the size is
    /// unchanged, and only blocks beyond the end may stay allocated.
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

    /// Makes the file longer, to `end` bytes, and never shorter. The new part is a hole, except for
    /// a block at its end on Linux, and unless the file system has no holes. As in
    /// [`File::allocate`], nothing is undone after a failure.
    ///
    /// # Errors
    ///
    /// Those of [`File::allocate`].
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

    /// Writes the file's changed data from memory to the device.
    ///
    /// # Errors
    ///
    /// EIO, ENOSPC, EROFS.
    pub fn sync_data(&self) -> Result<()> {
        // On macOS, fsync stops at the drive's cache, and Apple documents F_FULLFSYNC for data that
        // must survive. File systems that do not know it, such as network ones, get fsync.
        #[cfg(target_vendor = "apple")]
        if is_shm(FileType::from_raw_mode(rustix::fs::fstat(&self.fd).map_err(failed("fstat"))?.st_mode)) {
            // Memory has no device.
            return Ok(());
        }
        #[cfg(target_vendor = "apple")]
        return match retry(|| rustix::fs::fcntl_fullfsync(&self.fd)) {
            Err(Errno::NOTSUP | Errno::NOTTY | Errno::INVAL) => {
                retry(|| rustix::fs::fsync(&self.fd)).map_err(failed("fsync"))
            }
            result => result.map_err(failed("fcntl")),
        };
        #[cfg(not(target_vendor = "apple"))]
        match retry(|| rustix::fs::fdatasync(&self.fd)) {
            // FreeBSD says so of POSIX shared memory, which has no device.
            Err(Errno::INVAL) if cfg!(target_os = "freebsd") => Ok(()),
            result => result.map_err(failed("fdatasync")),
        }
    }

    /// Reads at `offset` until `buffer` is full or the file ends. It returns the number of bytes.
    ///
    /// # Errors
    ///
    /// Those of pread(2).
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
    /// Those of pwrite(2).
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            match retry(|| rustix::io::pwrite(&self.fd, rest, offset + done as u64)).map_err(failed("pwrite"))? {
                // No system should return 0 for a file. If one does, this must not become an
                // endless loop.
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

    /// Allocates like posix_fallocate, but does not fall back to writing. Where the file system
    /// cannot allocate, glibc's function writes to holes byte by byte, while other processes may
    /// write there.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate_blocks(&self, range: &Range<u64>) -> Result<()> {
        use rustix::fs::FallocateFlags;
        self.has_room_for(range)?;
        match self.fallocate(range, FallocateFlags::KEEP_SIZE) {
            // The file system cannot allocate at all, or not beyond the end (NFS). `lengthen` then
            // does what it can.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            result => result.map_err(failed("fallocate")),
        }
    }

    /// Checks the free space first. An allocation that fails halfway keeps its blocks, and nobody
    /// can release them without cutting what others append. So an allocation that cannot succeed
    /// must not begin.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn has_room_for(&self, range: &Range<u64>) -> Result<()> {
        // If a file system does not report its free space, the allocation is tried. FUSE file
        // systems may report anything.
        const FUSE_SUPER_MAGIC: u64 = 0x6573_5546;
        let (Ok(stat), Ok(system)) = (rustix::fs::fstat(&self.fd), rustix::fs::fstatfs(&self.fd)) else {
            return Ok(());
        };
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        let size = number(stat.st_size);
        // Blocks beyond the end already belong to the file.
        let allocated = number(stat.st_blocks).saturating_mul(512).saturating_sub(size);
        let needed = range.end.saturating_sub(range.start.max(size)).saturating_sub(allocated);
        let free = if rustix::process::geteuid().is_root() { system.f_bfree } else { system.f_bavail };
        let tells = system.f_blocks != 0 && system.f_type as u64 != FUSE_SUPER_MAGIC;
        if tells && needed > free.saturating_mul(system.f_bsize as u64) {
            return Err(failed("fallocate")(Errno::NOSPC));
        }
        Ok(())
    }

    /// Calls fallocate for a range, in pieces if signals interrupt it. tmpfs undoes an interrupted
    /// call, and a profiler sends a signal each millisecond, so a call for the whole range may
    /// never finish.
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
        // Without KEEP_SIZE, the new size is the larger one of the current size and `end`. Not all
        // file systems support both modes.
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
        // A static buffer would make the library that much larger.
        let zeros = vec![0; 64 * 1024];
        loop {
            let missing = end.saturating_sub(self.status()?.size);
            let count = usize::try_from(missing).unwrap_or(usize::MAX).min(zeros.len());
            let Some(piece) = zeros.get(..count).filter(|piece| !piece.is_empty()) else {
                return Ok(());
            };
            let append = || rustix::io::pwritev2(&self.fd, &[IoSlice::new(piece)], 0, ReadWriteFlags::APPEND);
            if retry(append).map_err(failed("pwritev2"))? == 0 {
                // No system should return 0 for a file. If one does, this must not become an
                // endless loop.
                return Err(failed("pwritev2")(Errno::IO));
            }
        }
    }

    /// posix_fallocate makes the file longer while it allocates, and never shorter. If it fails
    /// halfway, zeros stay at the file's end.
    #[cfg(target_os = "freebsd")]
    fn allocate_blocks(&self, range: &Range<u64>) -> Result<()> {
        let flags = rustix::fs::FallocateFlags::empty();
        match retry(|| rustix::fs::fallocate(&self.fd, flags, range.start, range.end - range.start)) {
            // FreeBSD returns EINVAL for a file system that cannot allocate (ZFS).
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            result => result.map_err(failed("fallocate")),
        }
    }

    /// F_PREALLOCATE counts from the end of the file's blocks and does not change its size.
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
        // SAFETY: F_PREALLOCATE takes a pointer to an fstore_t. `store` is one during the call.
        let result = unsafe { libc::fcntl(self.raw(), libc::F_PREALLOCATE, &mut store) };
        if result != -1 {
            return Ok(());
        }
        match Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO) {
            // The file system cannot allocate. `lengthen` then does what it can.
            Errno::NOTSUP | Errno::INVAL => Ok(()),
            errno => Err(failed("fcntl")(errno)),
        }
    }

    /// These systems have no call that only allocates blocks.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
    fn allocate_blocks(&self, _range: &Range<u64>) -> Result<()> {
        Ok(())
    }

    /// Makes the file longer, to `end` bytes.
    ///
    /// These systems have no call that makes a file longer and never shorter. So ftruncate is
    /// called directly after reading the size, as the last step. What another process appends
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

/// Whether a descriptor is that of POSIX shared memory whose size is fixed. XNU gives it no kind of
/// file (`pshm_stat` in bsd/kern/posix_shm.c). On Linux and FreeBSD it is a regular file.
fn is_shm(kind: FileType) -> bool {
    cfg!(target_vendor = "apple") && kind == FileType::Unknown
}

/// Checks the limit first, because the system would also send SIGXFSZ, which ends a process that
/// does not expect it.
fn check_size(size: u64) -> Result<()> {
    if allows_size(size) { Ok(()) } else { Err(failed("ftruncate")(Errno::FBIG)) }
}

/// Whether the process may make a file that large (RLIMIT_FSIZE).
pub(super) fn allows_size(size: u64) -> bool {
    super::limits::file_size().is_none_or(|limit| size <= limit)
}

/// Opens an existing file. `extra` are additional flags.
pub(super) fn open(path: &OsStr, write: bool, extra: OFlags) -> rustix::io::Result<OwnedFd> {
    open_with_mode(path, write, extra, Mode::empty())
}

/// Opens a file, or creates one with these permissions if `extra` says so.
pub(super) fn open_with_mode(
    path: &OsStr,
    write: bool,
    extra: OFlags,
    permissions: Mode,
) -> rustix::io::Result<OwnedFd> {
    let mode = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = mode | extra | OFlags::CLOEXEC | OFlags::NOCTTY;
    let open = |flags| retry(|| rustix::fs::open(path, flags, permissions));
    // NONBLOCK is set because opening a FIFO must not wait for its other end. A FIFO cannot be
    // mapped anyway.
    match open(flags | OFlags::NONBLOCK) {
        // Somebody has a lease on the file (a Samba or NFS server) and is asked to give it up. This
        // call waits for that, as fs.open does.
        Err(Errno::AGAIN) => open(flags),
        result => result,
    }
}

/// Repeats the call if a signal has interrupted it.
pub(super) fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

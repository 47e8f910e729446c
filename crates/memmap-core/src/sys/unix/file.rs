//! Files, and memory that has a descriptor like a file.

use super::errno::failed;
use crate::error::Result;
use crate::sys::{Status, in_pieces_of_zeros};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A descriptor of our own, closed on drop.
#[derive(Debug)]
pub struct File(OwnedFd);

impl File {
    /// Opens an existing file.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn open(path: &OsStr, write: bool) -> Result<File> {
        open(path, write, OFlags::empty()).map(File).map_err(failed("open"))
    }

    /// Opens a file for reading and writing that is created when it is missing; says whether it was.
    ///
    /// # Errors
    ///
    /// What open(2) says.
    pub fn open_or_create(path: &OsStr) -> Result<(File, bool)> {
        // Not O_CREAT alone: a caller that fails to extend the file must know whether to remove it.
        let (result, created) = match open(path, true, OFlags::CREATE | OFlags::EXCL) {
            Err(Errno::EXIST) => match open(path, true, OFlags::empty()) {
                // Removed in between, or a symbolic link to a file that does not exist yet.
                Err(Errno::NOENT) => (open(path, true, OFlags::CREATE), false),
                result => (result, false),
            },
            result => (result, true),
        };
        Ok((File(result.map_err(failed("open"))?), created))
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
        rustix::io::fcntl_dupfd_cloexec(borrowed, 0).map(File).map_err(failed("fcntl"))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> File {
        File(fd)
    }

    /// Size and kind.
    ///
    /// # Errors
    ///
    /// What fstat(2) says.
    pub fn status(&self) -> Result<Status> {
        let stat = rustix::fs::fstat(&self.0).map_err(failed("fstat"))?;
        Ok(Status {
            // A negative size is no size.
            size: u64::try_from(stat.st_size).unwrap_or(0),
            regular: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        })
    }

    /// Whether the descriptor may write.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says.
    pub fn is_writable(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.0).map_err(failed("fcntl"))?;
        Ok(flags & OFlags::ACCMODE != OFlags::RDONLY)
    }

    /// Whether everything that is written is appended, also with pwrite(2): Linux does not look at the position then.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says.
    pub fn is_appending(&self) -> Result<bool> {
        let flags = rustix::fs::fcntl_getfl(&self.0).map_err(failed("fcntl"))?;
        Ok(flags.contains(OFlags::APPEND))
    }

    /// Sets the size, in bytes: what is beyond it is lost, what is new is a hole of zeros.
    ///
    /// # Errors
    ///
    /// What ftruncate(2) says.
    pub fn set_size(&self, size: u64) -> Result<()> {
        retry(|| rustix::fs::ftruncate(&self.0, size)).map_err(failed("ftruncate"))
    }

    /// Makes sure that the bytes of `range` exist and have blocks on the device, so that no later store into them can fail
    /// for a full disk. The file grows to `range.end` if it is shorter and is never made shorter. On failure its size is as before.
    ///
    /// # Errors
    ///
    /// ENOSPC, EDQUOT, EFBIG, EIO.
    pub fn allocate(&self, range: Range<u64>) -> Result<()> {
        let before = self.status()?.size;
        let result = self.allocate_blocks(range, before);
        if result.is_err() && self.status().is_ok_and(|now| now.size > before) {
            // The error that is worth telling is the first one.
            let _ = self.set_size(before);
        }
        result
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
        return match retry(|| rustix::fs::fcntl_fullfsync(&self.0)) {
            Err(Errno::NOTSUP | Errno::NOTTY | Errno::INVAL) => {
                retry(|| rustix::fs::fsync(&self.0)).map_err(failed("fsync"))
            }
            result => result.map_err(failed("fcntl")),
        };
        #[cfg(not(target_vendor = "apple"))]
        retry(|| rustix::fs::fdatasync(&self.0)).map_err(failed("fdatasync"))
    }

    /// Reads at `offset` until `buffer` is full or the file ends; how many bytes.
    ///
    /// # Errors
    ///
    /// What pread(2) says.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match retry(|| rustix::io::pread(&self.0, &mut *rest, offset + done as u64)).map_err(failed("pread"))? {
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
            match retry(|| rustix::io::pwrite(&self.0, rest, offset + done as u64)).map_err(failed("pwrite"))? {
                // No system should say so of a file; if one does, this must not go round for ever.
                0 => return Err(failed("pwrite")(Errno::IO)),
                n => done += n,
            }
        }
        Ok(())
    }

    /// The number of the descriptor.
    pub fn descriptor(&self) -> i32 {
        self.0.as_raw_fd()
    }

    pub(super) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// posix_fallocate in everything but name: glibc's would write into holes byte by byte where the file system cannot
    /// allocate, under the eyes of other processes that write there.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn allocate_blocks(&self, range: Range<u64>, size: u64) -> Result<()> {
        let length = range.end - range.start;
        let flags = rustix::fs::FallocateFlags::empty();
        match retry(|| rustix::fs::fallocate(&self.0, flags, range.start, length)) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_zeros(size..range.end),
            // FreeBSD says so for a file system that cannot (ZFS).
            Err(Errno::INVAL) if cfg!(target_os = "freebsd") => self.write_zeros(size..range.end),
            result => result.map_err(failed("fallocate")),
        }
    }

    #[cfg(target_vendor = "apple")]
    fn allocate_blocks(&self, range: Range<u64>, size: u64) -> Result<()> {
        if range.end <= size {
            return Ok(());
        }
        let mut store = libc::fstore_t {
            fst_flags: libc::F_ALLOCATEALL,
            fst_posmode: libc::F_PEOFPOSMODE,
            fst_offset: 0,
            fst_length: libc::off_t::try_from(range.end - size).map_err(|_| failed("fcntl")(Errno::FBIG))?,
            fst_bytesalloc: 0,
        };
        // SAFETY: F_PREALLOCATE takes a pointer to an fstore_t, which `store` is for the length of the call.
        let result = unsafe { libc::fcntl(self.raw(), libc::F_PREALLOCATE, &mut store) };
        if result == -1 {
            let errno = Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO);
            if errno != Errno::NOTSUP && errno != Errno::INVAL {
                return Err(failed("fcntl")(errno));
            }
            return self.write_zeros(size..range.end);
        }
        self.set_size(range.end)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
    fn allocate_blocks(&self, range: Range<u64>, size: u64) -> Result<()> {
        self.write_zeros(size..range.end)
    }

    /// Extends a file by writing, where the file system knows no other way to allocate.
    fn write_zeros(&self, range: Range<u64>) -> Result<()> {
        in_pieces_of_zeros(range, |zeros, at| self.write_at(zeros, at))
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn open(path: &OsStr, write: bool, extra: OFlags) -> rustix::io::Result<OwnedFd> {
    let mode = if write { OFlags::RDWR } else { OFlags::RDONLY };
    // NONBLOCK: the open of a FIFO must not wait for its other end; for what can be mapped it means nothing.
    let flags = mode | extra | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    retry(|| rustix::fs::open(path, flags, Mode::from_raw_mode(0o666)))
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

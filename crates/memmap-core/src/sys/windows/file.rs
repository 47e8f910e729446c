//! Files.

use super::error::{EBADF, EFBIG, EISDIR, code_of, failed, io_failed, last_error, number_of};
use super::library::host_symbol;
use super::page::halves;
use crate::error::{Error, Result};
use crate::extent::Status;
use std::ffi::{OsStr, c_int, c_void};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::ops::{Deref, Range};
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;
use std::sync::OnceLock;
use windows_sys::Wdk::Storage::FileSystem::{FILE_ACCESS_INFORMATION, FileAccessInformation, NtQueryInformationFile};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, RtlNtStatusToDosError};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_READONLY, FILE_ID_INFO, FILE_STANDARD_INFO, FILE_TYPE_DISK, FILE_WRITE_DATA, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandleEx, GetFileType,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;
use windows_sys::Win32::System::Memory::{CreateFileMappingW, PAGE_READWRITE};

/// A file with a handle of our own, which is closed on drop.
///
/// The standard library opens files as needed here: others may read, write, rename and delete the
/// file, and child processes do not inherit the handle.
#[derive(Debug)]
pub struct File(std::fs::File);

/// A caller's file, during a call.
#[derive(Debug)]
pub struct BorrowedFile(File);

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
    /// ENOENT, EISDIR, EPERM, and EBUSY if somebody has opened the file without sharing it.
    pub fn open(path: &OsStr, write: bool) -> Result<File> {
        OpenOptions::new().read(true).write(write).open(path).map(File).map_err(open_failed(path))
    }

    /// Creates a file and opens it for reading and writing. `None` if it exists already.
    ///
    /// # Errors
    ///
    /// As [`File::open`].
    pub fn create_new(path: &OsStr, read_only: bool) -> Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        if read_only {
            options.attributes(FILE_ATTRIBUTE_READONLY);
        }
        match options.open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            result => result.map(|file| Some(File(file))).map_err(open_failed(path)),
        }
    }

    /// Duplicates the handle of a caller's descriptor. Child processes do not inherit the
    /// duplicate.
    ///
    /// # Errors
    ///
    /// EBADF, EMFILE, and ERR_MMAP_UNSUPPORTED in a program that does not export its table of
    /// descriptors.
    pub fn duplicate(descriptor: i32) -> Result<File> {
        let handle = handle_of(descriptor)?;
        // SAFETY: the host program reports that this handle is open. Another of its threads may
        // have closed it since, although BorrowedHandle requires an open handle. But the handle is
        // used only for one DuplicateHandle, which then returns ERROR_INVALID_HANDLE. Nothing keeps
        // it.
        let borrowed = unsafe { BorrowedHandle::borrow_raw(handle) };
        borrowed.try_clone_to_owned().map(|handle| File(handle.into())).map_err(io_failed("dup"))
    }

    /// Duplicates the handle, because on Windows closing a handle has no effect on others.
    ///
    /// # Errors
    ///
    /// Those of [`File::duplicate`].
    pub fn borrow(descriptor: i32) -> Result<BorrowedFile> {
        File::duplicate(descriptor).map(BorrowedFile)
    }

    /// The size and the kind of the file.
    ///
    /// # Errors
    ///
    /// Those of GetFileInformationByHandleEx.
    pub fn status(&self) -> Result<Status> {
        // SAFETY: the handle is open as long as `self` lives.
        if unsafe { GetFileType(self.raw()) } != FILE_TYPE_DISK {
            // For some consoles, pipes and sockets, reading the size is an error.
            return Ok(Status { size: 0, regular: false, sized: false, device: 0, inode: 0 });
        }
        let info = self.standard_info()?;
        Ok(Status {
            // A negative size is no size.
            size: u64::try_from(info.EndOfFile).unwrap_or(0),
            regular: !info.Directory,
            sized: !info.Directory,
            // Not used, because Windows has no fault handler (see `install_fault_handler`).
            device: 0,
            inode: 0,
        })
    }

    pub(super) fn is_directory(&self) -> bool {
        // For a console, a pipe or a socket this is an error.
        self.standard_info().is_ok_and(|info| info.Directory)
    }

    /// Whether the handle may write.
    ///
    /// The system is asked for the rights with which this handle was opened. Win32 has no call for
    /// that. ReOpenFile, and DuplicateHandle with more rights, tell whether one could get a
    /// writable handle, which is another question. NtQueryInformationFile is documented for
    /// programs, too.
    ///
    /// # Errors
    ///
    /// Those of NtQueryInformationFile.
    pub fn is_writable(&self) -> Result<bool> {
        let mut access = FILE_ACCESS_INFORMATION::default();
        let mut status = IO_STATUS_BLOCK::default();
        let size = size_of_val(&access) as u32;
        // SAFETY: the handle is open, `status` and `access` are writable, and `size` is the size of
        // `access`.
        let result = unsafe {
            NtQueryInformationFile(self.raw(), &mut status, (&raw mut access).cast(), size, FileAccessInformation)
        };
        if result < 0 {
            // SAFETY: the call accepts any number.
            let number = unsafe { RtlNtStatusToDosError(result) };
            return Err(failed("fcntl", code_of(number)));
        }
        Ok(access.AccessFlags & FILE_WRITE_DATA != 0)
    }

    /// Whether the system tells which of the file's pages are in memory. It does for those of this
    /// process.
    pub fn tells_residency(&self) -> bool {
        true
    }

    /// Whether reads and writes must be aligned. No runtime opens such handles
    /// (FILE_FLAG_NO_BUFFERING).
    ///
    /// # Errors
    ///
    /// None.
    pub fn is_direct(&self) -> Result<bool> {
        Ok(false)
    }

    /// Whether all writes are appended. A handle that can only append is not writable for
    /// [`File::is_writable`].
    ///
    /// # Errors
    ///
    /// None.
    pub fn is_appending(&self) -> Result<bool> {
        Ok(false)
    }

    /// Sets the size in bytes. What is beyond it is lost, and what is new are zeros.
    ///
    /// The position at which others who share the file read and write does not change.
    ///
    /// # Errors
    ///
    /// EBUSY for shortening a file that anybody has mapped; ENOSPC, EPERM.
    pub fn set_size(&self, size: u64) -> Result<()> {
        self.0.set_len(size).map_err(io_failed("ftruncate"))
    }

    /// Makes sure that the bytes of `range` exist and have blocks on the device, so that no later
    /// store can fail because the disk is full. The file grows to `range.end` if it is shorter, and
    /// never becomes shorter. After a failure nothing has changed.
    ///
    /// Sparse and compressed files are the exception: they get their blocks when bytes are written.
    ///
    /// # Errors
    ///
    /// ENOSPC, EFBIG, ENOMEM, EIO.
    pub fn allocate(&self, range: Range<u64>) -> Result<()> {
        let size = u64::try_from(self.standard_info()?.EndOfFile).unwrap_or(0);
        if range.end > size { self.extend_to(range.end) } else { Ok(()) }
    }

    /// Writes the file's changed data from memory to the device.
    ///
    /// # Errors
    ///
    /// EIO, ENOSPC, EROFS; EPERM for a handle that may not write.
    pub fn sync_data(&self) -> Result<()> {
        self.0.sync_data().map_err(io_failed("fsync"))
    }

    /// Reads at `offset` until `buffer` is full or the file ends. It returns the number of bytes.
    ///
    /// # Errors
    ///
    /// Those of ReadFile.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.keeping_position(|file| {
            let mut done = 0;
            while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
                match file.seek_read(rest, offset + done as u64)? {
                    0 => break,
                    n => done += n,
                }
            }
            Ok(done)
        })
        .map_err(io_failed("read"))
    }

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    ///
    /// Those of WriteFile.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<()> {
        self.keeping_position(|file| {
            let mut done = 0;
            while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
                match file.seek_write(rest, offset + done as u64)? {
                    0 => return Err(ErrorKind::WriteZero.into()),
                    n => done += n,
                }
            }
            Ok(())
        })
        .map_err(io_failed("write"))
    }

    /// Always -1, because a handle is no descriptor.
    pub fn descriptor(&self) -> i32 {
        -1
    }

    pub(super) fn raw(&self) -> RawHandle {
        self.0.as_raw_handle()
    }

    /// Calls a function and restores the file's position. On Windows, reading and writing at an
    /// offset moves the position, which a duplicated handle shares with the original descriptor.
    /// libuv also restores it after an `fs.read` with a position. A read *without* a position in
    /// another thread can still come in between.
    fn keeping_position<T>(&self, call: impl FnOnce(&std::fs::File) -> io::Result<T>) -> io::Result<T> {
        let mut file = &self.0;
        let position = file.stream_position()?;
        let result = call(file);
        // An error is ignored, because the position was valid a moment ago.
        let _ = file.seek(SeekFrom::Start(position));
        result
    }

    fn standard_info(&self) -> Result<FILE_STANDARD_INFO> {
        let mut info = FILE_STANDARD_INFO::default();
        let size = size_of_val(&info) as u32;
        // SAFETY: the handle is open, and `info` is writable for `size` bytes.
        let result =
            unsafe { GetFileInformationByHandleEx(self.raw(), FileStandardInfo, (&raw mut info).cast(), size) };
        if result == 0 { Err(last_error("fstat")) } else { Ok(info) }
    }

    /// Makes the file longer, to `end` bytes, and never shorter. The new part gets blocks, unless
    /// the file is sparse or compressed.
    ///
    /// # Errors
    ///
    /// Those of [`File::allocate`].
    pub fn extend(&self, end: u64) -> Result<()> {
        self.allocate(0..end)
    }

    /// Makes the file `size` bytes long if it is shorter.
    ///
    /// Others may append meanwhile, and setting the size, or allocating, would cut that off. A
    /// section does not: for a section that is longer than the file, the system extends the file,
    /// and otherwise leaves it alone.
    fn extend_to(&self, size: u64) -> Result<()> {
        let [low, high] = halves(size);
        // SAFETY: the handle is open. A null pointer means default security attributes, and no
        // name.
        let section = unsafe { CreateFileMappingW(self.raw(), ptr::null(), PAGE_READWRITE, high, low, ptr::null()) };
        let error = io::Error::last_os_error();
        if section.is_null() {
            return Err(match number_of(&error) {
                // The size exceeds what the file system allows.
                Some(ERROR_INVALID_PARAMETER) => failed("ftruncate", EFBIG),
                _ => io_failed("ftruncate")(error),
            });
        }
        // SAFETY: the handle is new, belongs to nobody else, and is closed with CloseHandle.
        drop(unsafe { OwnedHandle::from_raw_handle(section) });
        Ok(())
    }
}

/// The error of opening a path. For a directory Windows reports only "access denied", which does
/// not tell what is wrong.
fn open_failed(path: &OsStr) -> impl Fn(io::Error) -> Error {
    move |error| {
        let denied = number_of(&error) == Some(ERROR_ACCESS_DENIED);
        if denied && std::fs::metadata(path).is_ok_and(|status| status.is_dir()) {
            return failed("open", EISDIR);
        }
        io_failed("open")(error)
    }
}

/// `uv_os_fd_t uv_get_osfhandle(int fd)`.
type GetHandle = unsafe extern "C" fn(c_int) -> RawHandle;

/// The handle of a descriptor.
///
/// A descriptor is an index into a table of a C library, and this library's C library is another
/// one than the program's. Node, Bun and Electron export a function of libuv that reads their
/// table.
fn handle_of(descriptor: i32) -> Result<RawHandle> {
    static GET_HANDLE: OnceLock<Option<GetHandle>> = OnceLock::new();
    if descriptor < 0 {
        return Err(failed("dup", EBADF));
    }
    let Some(get_handle) = *GET_HANDLE.get_or_init(find_get_handle) else {
        return Err(Error::Unsupported(
            "this runtime does not tell which file a descriptor means (it exports no uv_get_osfhandle): mmap a path instead",
        ));
    };
    // SAFETY: the function is libuv's. It accepts any number and returns INVALID_HANDLE_VALUE for
    // one that is not open.
    let handle = unsafe { get_handle(descriptor) };
    // -1 means not open, and -2 a standard stream of a program without a console. As handles, these
    // numbers would mean this process and this thread.
    if handle.is_null() || handle.addr().cast_signed() < 0 { Err(failed("dup", EBADF)) } else { Ok(handle) }
}

fn find_get_handle() -> Option<GetHandle> {
    let function = host_symbol(c"uv_get_osfhandle");
    if function.is_null() {
        return None;
    }
    // SAFETY: an export of this name is libuv's function, which has this signature. On Windows,
    // function pointers are as large as data pointers.
    Some(unsafe { std::mem::transmute::<*const c_void, GetHandle>(function) })
}

impl AsRawHandle for File {
    fn as_raw_handle(&self) -> RawHandle {
        self.0.as_raw_handle()
    }
}

/// The numbers of the volume and of the file on it. `None` if the file
/// system does not number its files.
pub(super) fn numbers_of(file: &impl AsRawHandle) -> Option<(u64, u128)> {
    let mut info = FILE_ID_INFO::default();
    let size = size_of_val(&info) as u32;
    // SAFETY: the file is open, and `info` is writable for `size` bytes.
    let result =
        unsafe { GetFileInformationByHandleEx(file.as_raw_handle(), FileIdInfo, (&raw mut info).cast(), size) };
    let number = u128::from_le_bytes(info.FileId.Identifier);
    // A number of zeros or ones stands for none.
    (result != 0 && number != 0 && number != u128::MAX).then_some((info.VolumeSerialNumber, number))
}

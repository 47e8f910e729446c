//! Bare system calls: those of `mmap(path, 0, { access: ACCESS_READ })`, a read and `close()`, and
//! the one that removes a file from memory.

use super::Answer;

#[cfg(unix)]
pub fn open_read_close(path: &str, times: u32) -> Answer {
    let mut first = 0_u64;
    let started = std::time::Instant::now();
    for _ in 0..times {
        first = open_touch_close(path)?;
    }
    let nanoseconds = started.elapsed().as_nanos() / u128::from(times);
    Ok((nanoseconds, format!("{:016x}", first.to_be())))
}

#[cfg(unix)]
fn open_touch_close(path: &str) -> rustix::io::Result<u64> {
    use rustix::fs::{Mode, OFlags};
    use rustix::mm::{MapFlags, ProtFlags};
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let length = rustix::fs::fstat(&file)?.st_size as usize;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: the system chooses the address of a new mapping.
    let start = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, protection, flags, &file, 0) }?;
    // SAFETY: the file has at least eight bytes, and pages are aligned.
    let first = unsafe { start.cast::<u64>().read_volatile() };
    // SAFETY: these pages were mapped above, and nothing refers to them any more.
    unsafe { rustix::mm::munmap(start, length) }?;
    Ok(first)
}

#[cfg(not(unix))]
pub fn open_read_close(_path: &str, _times: u32) -> Answer {
    Err("only the system calls of Unix are measured".into())
}

/// Removes the pages of a file from the memory of the system, unless they are mapped.
#[cfg(target_os = "linux")]
pub fn evict(path: &str) -> Answer {
    use rustix::fs::{Advice, fadvise};
    let file = std::fs::File::open(path)?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok((0, String::new()))
}

#[cfg(not(target_os = "linux"))]
pub fn evict(_path: &str) -> Answer {
    Err("only Linux is asked to remove a file from memory".into())
}

/// Locks the first eight bytes of a file and releases them.
#[cfg(target_os = "linux")]
pub fn lock_and_release(path: &str) -> Answer {
    use std::os::fd::AsRawFd;
    const TIMES: u32 = 20_000;
    let file = std::fs::File::options().read(true).write(true).open(path)?;
    let set = |kind: libc::c_int| {
        // SAFETY: all zeros is a valid `flock`.
        let mut range: libc::flock = unsafe { std::mem::zeroed() };
        range.l_type = kind as _;
        range.l_len = 8;
        // SAFETY: the descriptor is open, and the argument is the one that the command wants.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &range) };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    let started = std::time::Instant::now();
    for _ in 0..TIMES {
        set(libc::F_WRLCK)?;
        set(libc::F_UNLCK)?;
    }
    Ok((started.elapsed().as_nanos() / u128::from(TIMES), String::new()))
}

#[cfg(not(target_os = "linux"))]
pub fn lock_and_release(_path: &str) -> Answer {
    Err("only the locks of Linux are measured".into())
}

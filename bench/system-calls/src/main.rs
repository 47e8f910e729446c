//! `bench-system-calls FILE COUNT`: opens, maps, touches, unmaps and closes a file COUNT times, with nothing in between, the way
//! `mmap(path, 0, { access: ACCESS_READ })` does. Prints nanoseconds a round.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench-system-calls FILE COUNT".into());
    };
    let count: u32 = count.parse()?;
    let started = std::time::Instant::now();
    for _ in 0..count {
        open_touch_close(&path)?;
    }
    println!("{}", started.elapsed().as_nanos() / u128::from(count));
    Ok(())
}

#[cfg(unix)]
fn open_touch_close(path: &str) -> rustix::io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    use rustix::mm::{MapFlags, ProtFlags};
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let length = rustix::fs::fstat(&file)?.st_size as usize;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping at an address of the system's choice.
    let start = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, protection, flags, &file, 0) }?;
    // SAFETY: the file has at least eight bytes, and pages are aligned.
    let first = unsafe { start.cast::<u64>().read_volatile() };
    std::hint::black_box(first);
    // SAFETY: it was mapped above and nothing refers to it any more.
    unsafe { rustix::mm::munmap(start, length) }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("The system calls that this measures are those of Unix.");
}

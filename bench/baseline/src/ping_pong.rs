//! Two processes that wake each other by a futex, in the way of `bench/peers/together.mjs`.

use super::Answer;

/// What the other process is started with, before the path of the file.
pub const PARTNER: &str = "partner";

#[cfg(target_os = "linux")]
pub use linux::{answer_until_killed, ping_pong};

#[cfg(target_os = "linux")]
mod linux {
    use super::{Answer, PARTNER};
    use memmap2::MmapRaw;
    use rustix::thread::futex;
    use std::error::Error;
    use std::fs::File;
    use std::process::Command;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::time::Instant;

    const READY_AT: usize = 64;

    struct Shared(MmapRaw);

    impl Shared {
        fn open(path: &str) -> std::io::Result<Self> {
            Ok(Shared(MmapRaw::map_raw(&File::options().read(true).write(true).open(path)?)?))
        }

        fn word(&self, at: usize) -> &AtomicU32 {
            // SAFETY: the position is a multiple of four inside the mapping, which lives as long as
            // the reference. Both processes only use atomic operations on it.
            unsafe { AtomicU32::from_ptr(self.0.as_mut_ptr().wrapping_add(at).cast()) }
        }

        fn set(&self, at: usize, value: u32) -> rustix::io::Result<()> {
            self.word(at).store(value, SeqCst);
            futex::wake(self.word(at), futex::Flags::empty(), 1)?;
            Ok(())
        }

        fn wait_while(&self, at: usize, value: u32) {
            while self.word(at).load(SeqCst) == value {
                // An error means that the value has changed, or a signal. The loop looks again.
                let _ = futex::wait(self.word(at), futex::Flags::empty(), value, None);
            }
        }
    }

    pub fn ping_pong(path: &str, times: u32) -> Answer {
        let shared = Shared::open(path)?;
        shared.word(0).store(0, SeqCst);
        shared.word(READY_AT).store(0, SeqCst);
        let mut partner = Command::new(std::env::current_exe()?).args([PARTNER, path]).spawn()?;
        shared.wait_while(READY_AT, 0);
        let started = Instant::now();
        for turn in 0..times {
            shared.set(0, 2 * turn + 1)?;
            shared.wait_while(0, 2 * turn + 1);
        }
        let nanoseconds = started.elapsed().as_nanos() / u128::from(times);
        partner.kill()?;
        partner.wait()?;
        Ok((nanoseconds, "0".to_owned()))
    }

    pub fn answer_until_killed(path: &str) -> Result<(), Box<dyn Error>> {
        let shared = Shared::open(path)?;
        shared.set(READY_AT, 1)?;
        for turn in 0.. {
            shared.wait_while(0, 2 * turn);
            shared.set(0, 2 * turn + 2)?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
pub fn ping_pong(_path: &str, _times: u32) -> Answer {
    Err("only the futex of Linux is measured".into())
}

#[cfg(not(target_os = "linux"))]
pub fn answer_until_killed(_path: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

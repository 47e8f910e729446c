//! A hundred processes that lock one byte, and are killed at random moments: while they have the
//! lock, while they wait, and in between. Never are two of them inside, and nobody is stuck.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod random;

use memmap_core::{Access, Mapping, RawBytes, Request, Target};
use random::Random;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PROCESSES: usize = 100;
const TIME: Duration = Duration::from_secs(4);
/// The variable by which a process is told to be one of the hundred.
const FILE: &str = "MEMMAP_TEST_LOCKED_FILE";

/// The bytes under the lock: who is inside (a process, or 0), and how often somebody was.
#[derive(Clone, Copy)]
struct Words<'a>(&'a Mapping);

impl Words<'_> {
    fn get(self, word: usize) -> u64 {
        let mut bytes = [0; 8];
        // SAFETY: `bytes` is writable for its length.
        let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), bytes.len()) };
        self.0.region().read(word * 8, target).unwrap();
        u64::from_le_bytes(bytes)
    }

    fn set(self, word: usize, value: u64) {
        let bytes = value.to_le_bytes();
        // SAFETY: `bytes` is readable for its length.
        let source = unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) };
        self.0.region().write(word * 8, source).unwrap();
    }
}

fn open(path: &std::ffi::OsStr) -> Mapping {
    Mapping::open(Request::new(Target::Path(path.into()), Access::Write)).unwrap()
}

/// Whether a process is alive and will stay so. One that is being killed still has its number after
/// the system has released its locks, so the flag PF_EXITING decides.
fn lives(process: u64) -> bool {
    const PF_EXITING: u64 = 4;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.nth(6).and_then(|flags| flags.parse::<u64>().ok()).is_some_and(|flags| flags & PF_EXITING == 0)
}

/// One of the hundred, if it is told to.
#[test]
fn one_of_the_hundred() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let mapping = open(&path);
    let words = Words(&mapping);
    let me = u64::from(std::process::id());
    let wanted = mapping.wanted_lock(0, Some(1), true).unwrap();
    let locks = mapping.range_locks().unwrap();
    println!("running");
    loop {
        let number = match locks.try_lock(&wanted, false).unwrap() {
            Some(number) => number,
            None => {
                let number = locks.request(&wanted).unwrap();
                while !locks.wait(number, Duration::from_millis(50)).unwrap() {}
                number
            }
        };
        let before = words.get(0);
        if before != 0 && lives(before) {
            println!("{me} came in while {before} was inside");
        }
        words.set(0, me);
        let count = words.get(1);
        if count.is_multiple_of(50) {
            // Long enough to be met, and killed, inside.
            std::thread::sleep(Duration::from_millis(1));
        }
        if words.get(0) != me {
            println!("{} came in while {me} was inside", words.get(0));
        }
        words.set(1, count + 1);
        words.set(0, 0);
        locks.release(number);
    }
}

struct Runner {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Runner {
    fn start(path: &std::path::Path) -> Runner {
        let program = std::env::current_exe().unwrap();
        let mut process = Command::new(program)
            .args(["--exact", "one_of_the_hundred", "--nocapture"])
            .env(FILE, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Runner { process, lines }
    }

    fn until_it_runs(&mut self) {
        assert!(self.lines.any(|line| line.unwrap().contains("running")));
    }

    /// Kills it, and returns what it has complained about.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.lines.map_while(Result::ok).filter(|line| line.contains("inside")).collect()
    }
}

#[test]
fn the_locks_of_killed_processes_go_to_one_other_at_a_time() {
    if std::env::var_os(FILE).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, [0; 4096]).unwrap();
    let mut random = Random::new();
    let mut runners: Vec<Runner> = (0..PROCESSES).map(|_| Runner::start(&path)).collect();
    for runner in &mut runners {
        runner.until_it_runs();
    }
    let mapping = open(path.as_os_str());
    let words = Words(&mapping);
    let start = Instant::now();
    let (mut complaints, mut killed, mut inside) = (Vec::new(), 0, 0);
    while start.elapsed() < TIME {
        std::thread::sleep(Duration::from_micros(random.below(20_000) as u64));
        let holder = words.get(0);
        // Every other time it is the one who is inside, if that one can be met there.
        let at = runners.iter().position(|runner| random.below(2) == 0 && u64::from(runner.process.id()) == holder);
        let at = at.unwrap_or_else(|| random.below(PROCESSES));
        let victim = runners.swap_remove(at);
        let number = u64::from(victim.process.id());
        complaints.extend(victim.kill());
        killed += 1;
        inside += u64::from(words.get(0) == number);
        runners.push(Runner::start(&path));
    }
    // Nobody is stuck: the lock can be had, and others get it after that.
    let wanted = mapping.wanted_lock(0, Some(1), true).unwrap();
    let locks = mapping.range_locks().unwrap();
    let number = locks.request(&wanted).unwrap();
    assert!(locks.wait(number, Duration::from_secs(60)).unwrap(), "the lock cannot be had");
    let sections = words.get(1);
    locks.release(number);
    let deadline = Instant::now() + Duration::from_secs(60);
    while words.get(1) == sections {
        assert!(Instant::now() < deadline, "nobody gets the lock any more");
        std::thread::yield_now();
    }
    for runner in runners {
        complaints.extend(runner.kill());
    }
    println!("{sections} sections, {killed} killed, {inside} of them inside or just behind them");
    assert!(complaints.is_empty(), "{} times two were inside, as in: {:?}", complaints.len(), complaints.first());
    assert!(sections > 1000 && killed > 50);
}

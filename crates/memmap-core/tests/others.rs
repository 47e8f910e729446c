//! Other processes use the file at the same time: one appends, one writes in place, and one holds a
//! lock. Whatever we do to the file, and whether it succeeds or fails, nothing of theirs is lost.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::{Access, Create, Mapping, RawBytes, Request, Target, sys};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a process does to the file until it is stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Appends,
    Rewrites,
    Locks,
}

/// Bytes in a record.
const RECORD: usize = 32;
/// Records that are rewritten in place, from the start of the file.
const REWRITTEN: usize = 512;
/// The start of our own bytes.
const OURS: u64 = 4 * PAGE;
/// The byte that is locked.
const LOCKED: u64 = 6 * PAGE;
/// The end of the file at first.
const END: u64 = 7 * PAGE;
/// The largest page size of the processors that run this.
const PAGE: u64 = 65536;

/// Record `number` in its `version`.
fn record(kind: &str, number: usize, version: usize) -> [u8; RECORD] {
    let mut record = [b'.'; RECORD];
    let text = format!("<{kind} {number:010} {version:08}>\n");
    record[RECORD - text.len()..].copy_from_slice(text.as_bytes());
    record
}

/// Runs `we` in a process of its own while processes with these roles use the file, and then checks
/// the file.
fn beside_others(name: &str, roles: &[Role], we: impl Fn(&Path)) {
    let path = || PathBuf::from(std::env::var_os("MEMMAP_TEST_FILE").unwrap());
    match std::env::var("MEMMAP_TEST_ROLE").as_deref() {
        Err(_) => {
            let directory = tempfile::tempdir().unwrap();
            let output = process(name, "We", &directory.path().join("file")).output().unwrap();
            let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            assert!(output.status.success(), "{}: {}{}", output.status, said[0], said[1]);
        }
        Ok("Appends") => append(&path()),
        Ok("Rewrites") => rewrite(&path()),
        Ok("Locks") => lock(&path()),
        Ok(_) => beside(name, roles, &path(), we),
    }
}

fn process(name: &str, role: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env("MEMMAP_TEST_ROLE", role).env("MEMMAP_TEST_FILE", path);
    command
}

struct Other {
    role: Role,
    process: Child,
    says: BufReader<std::process::ChildStdout>,
}

impl Other {
    fn start(name: &str, role: Role, path: &Path) -> Other {
        let mut command = process(name, &format!("{role:?}"), path);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        let mut other = Other { role, process, says };
        other.number_after("begins ");
        other
    }

    /// Waits for a line with some words and returns the number after them.
    fn number_after(&mut self, words: &str) -> usize {
        loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "{:?} ended without a word", self.role);
            // The test runner has begun the first line.
            if let Some((_, number)) = line.trim_end().split_once(words) {
                return number.parse().unwrap();
            }
        }
    }

    /// Stops the process and returns how often it has done its work.
    fn stop(mut self) -> usize {
        drop(self.process.stdin.take());
        let count = self.number_after("worked ");
        assert!(self.process.wait().unwrap().success());
        count
    }
}

fn beside(name: &str, roles: &[Role], path: &Path, we: impl Fn(&Path)) {
    let first: Vec<_> = (0..REWRITTEN).flat_map(|number| record("rewrite", number, 0)).collect();
    let file = File::create(path).unwrap();
    file.set_len(END).unwrap();
    file.write_all_at(&first, 0).unwrap();
    let others: Vec<_> = roles.iter().map(|role| Other::start(name, *role, path)).collect();
    we(path);
    let reader = File::open(path).unwrap();
    if let Some(holder) = others.iter().find(|other| other.role == Role::Locks) {
        assert_eq!(holder_of_lock(&reader), holder.process.id() as i32, "the lock is gone");
    }
    for other in others {
        let role = other.role;
        let written = other.stop();
        assert!(written > 0, "{role:?} has done nothing");
        let content = fs::read(path).unwrap();
        match role {
            Role::Appends => {
                let found = appended(&content);
                let lost = written - found.len();
                assert_eq!(lost, 0, "of {written} records that another process has appended, {lost} are lost");
            }
            Role::Rewrites => {
                for number in 0..REWRITTEN {
                    let now = &content[number * RECORD..][..RECORD];
                    let last = record("rewrite", number, written);
                    assert_eq!(now, last, "record {number}, which another process has written {written} times");
                }
            }
            Role::Locks => {}
        }
    }
}

/// The numbers of the complete records.
fn appended(content: &[u8]) -> BTreeSet<usize> {
    let start = b"<append ";
    memchr::memmem::find_iter(content, start)
        .filter_map(|at| {
            let text = std::str::from_utf8(content.get(at + start.len()..)?.get(..10)?).ok()?;
            let number = text.parse().ok()?;
            let begin = (at + start.len() + 10 + 11).checked_sub(RECORD)?;
            (content.get(begin..begin + RECORD)? == record("append", number, 0)).then_some(number)
        })
        .collect()
}

/// Repeats some work until the process is stopped, and prints how often.
fn until_told(mut work: impl FnMut(usize)) {
    println!("begins 0");
    let mut count = 0;
    let mut input = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
    while unsafe { libc::poll(&mut input, 1, 0) } == 0 {
        work(count);
        count += 1;
    }
    println!("worked {count}");
    std::io::stdout().flush().unwrap();
}

fn append(path: &Path) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    until_told(|number| assert_eq!(file.write(&record("append", number, 0)).unwrap(), RECORD));
}

fn rewrite(path: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    until_told(|round| {
        for number in 0..REWRITTEN {
            let at = (number * RECORD) as u64;
            let mut now = [0; RECORD];
            file.read_exact_at(&mut now, at).unwrap();
            assert_eq!(now, record("rewrite", number, round), "record {number} was written last");
            file.write_all_at(&record("rewrite", number, round + 1), at).unwrap();
        }
    });
}

fn lock_of_byte() -> libc::flock {
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock.l_start = LOCKED as _;
    lock.l_len = 1;
    lock
}

fn lock(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &lock_of_byte()) }, 0);
    // The process waits for its end.
    println!("begins 0");
    let mut input = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
    assert_eq!(unsafe { libc::poll(&mut input, 1, -1) }, 1);
    println!("worked 1");
}

/// The process that holds the lock.
fn holder_of_lock(file: &File) -> i32 {
    let mut lock = lock_of_byte();
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &mut lock) }, 0);
    if lock.l_type == libc::F_UNLCK as libc::c_short { 0 } else { lock.l_pid }
}

const ALL: &[Role] = &[Role::Appends, Role::Rewrites, Role::Locks];

fn request(path: &Path, access: Access) -> Request {
    Request::new(Target::Path(path.as_os_str().to_owned()), access)
}

/// A mapping of our own bytes.
fn ours(path: &Path, access: Access) -> Mapping {
    let write_back = access == Access::Copy;
    Mapping::open(Request { offset: OURS, length: PAGE, write_back, ..request(path, access) }).unwrap()
}

fn code<T>(result: memmap_core::Result<T>) -> &'static str {
    result.map(drop).expect_err("this ought to fail").code()
}

fn write(mapping: &Mapping, offset: usize, bytes: &[u8]) {
    let source = unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) };
    mapping.region().write(offset, source).unwrap();
}

/// Sets a limit for this process, which runs one test. The other processes have started already, so
/// it does not apply to them.
fn limit(resource: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
}

/// Limits the length of files. A call that exceeds the limit returns an error and raises no signal.
fn limit_files(bytes: u64) {
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    limit(libc::RLIMIT_FSIZE, bytes);
}

/// Limits how much more can be mapped.
fn limit_memory(bytes: u64) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    limit(libc::RLIMIT_AS, pages * sys::page_size() as u64 + bytes);
}

#[test]
fn create_beyond_the_limit_on_files_takes_nothing_from_others() {
    let name = "create_beyond_the_limit_on_files_takes_nothing_from_others";
    beside_others(name, ALL, |path| {
        limit_files(1 << 30);
        for _ in 0..3000 {
            let create = Request { create: Create::Allocated, length: 2 << 30, ..request(path, Access::Write) };
            assert_eq!(code(Mapping::open(create)), "EFBIG");
        }
    });
}

#[test]
fn create_without_enough_memory_takes_nothing_from_others() {
    beside_others("create_without_enough_memory_takes_nothing_from_others", ALL, |path| {
        limit_memory(32 << 20);
        for _ in 0..200 {
            // The length is more than what others append meanwhile.
            let create = Request { create: Create::Allocated, length: 256 << 20, ..request(path, Access::Write) };
            assert_eq!(code(Mapping::open(create)), "ENOMEM");
        }
    });
}

#[test]
fn a_failed_resize_takes_nothing_from_others() {
    beside_others("a_failed_resize_takes_nothing_from_others", ALL, |path| {
        let mut mapping = ours(path, Access::Write);
        limit_files(1 << 30);
        for _ in 0..1000 {
            assert_eq!(code(mapping.resize(2 << 30)), "EFBIG");
        }
        limit_memory(32 << 20);
        for _ in 0..200 {
            assert_eq!(code(mapping.resize(256 << 20)), "ENOMEM");
        }
        assert_eq!(mapping.region().len() as u64, PAGE);
    });
}

#[test]
fn a_growing_resize_takes_nothing_from_others() {
    beside_others("a_growing_resize_takes_nothing_from_others", ALL, |path| {
        for _ in 0..60 {
            let mut mapping = ours(path, Access::Write);
            // The end lies beyond what others have appended by then, because resizing would
            // otherwise cut that off.
            let end = mapping.size().unwrap() + (1 << 20);
            mapping.resize(end - OURS).unwrap();
        }
    });
}

#[test]
fn a_successful_create_takes_nothing_from_others() {
    beside_others("a_successful_create_takes_nothing_from_others", ALL, |path| {
        for _ in 0..500 {
            let length = fs::metadata(path).unwrap().len() + 1000;
            let create = Request { create: Create::Allocated, length, ..request(path, Access::Write) };
            assert_eq!(Mapping::open(create).unwrap().region().len() as u64, length);
        }
    });
}

#[test]
fn flushing_writing_back_and_closing_take_nothing_from_others() {
    beside_others("flushing_writing_back_and_closing_take_nothing_from_others", ALL, |path| {
        let reader = File::open(path).unwrap();
        for round in 0u8..50 {
            let mapping = ours(path, Access::Write);
            write(&mapping, 10, &[round; 100]);
            mapping.flush(0, mapping.region().len(), None).unwrap();
            drop(mapping);
            // The mapping covers the whole file, but stores go to its own part only.
            let mapping = Request { write_back: true, ..request(path, Access::Copy) };
            let mapping = Mapping::open(mapping).unwrap();
            write(&mapping, OURS as usize + 5000, &[round; 100]);
            mapping.flush(0, mapping.region().len(), None).unwrap();
            write(&mapping, OURS as usize + 5200, &[round; 100]);
            mapping.write_back().unwrap();
            drop(mapping);
            for at in [10, 5000, 5200] {
                let mut bytes = [0; 100];
                reader.read_exact_at(&mut bytes, OURS + at).unwrap();
                assert_eq!(bytes, [round; 100]);
            }
        }
    });
}

/// Resizing cuts off what was appended, as documented, but nothing before the new end.
#[test]
fn a_shrinking_resize_takes_nothing_before_the_new_end() {
    let roles = &[Role::Rewrites, Role::Locks];
    beside_others("a_shrinking_resize_takes_nothing_before_the_new_end", roles, |path| {
        let mut mapping = Mapping::open(request(path, Access::Write)).unwrap();
        for round in 0..1000 {
            mapping.resize(END + 5000).unwrap();
            mapping.resize(END - round).unwrap();
        }
        assert_eq!(fs::metadata(path).unwrap().len(), END - 999);
    });
}

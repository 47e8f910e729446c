//! Makes every system call of every operation fail once, with each plausible error. After that, the
//! process lives and the error has a documented code. Sizes and bytes of files are as promised, and
//! nothing is left behind. What is still open works, and memory, files and descriptors of others
//! are intact.
//!
//! `npm run test:faults` shows the failures as a table. `MEMMAP_INJECTION=WORDS` runs the
//! operations whose names contain the words.
//!
//! An operation runs once without a fault, which tells its calls, and then once for each call and
//! fault. Each run has a process of its own, so that a death is a failure like any other. No
//! operation lists its calls.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

mod stage;
mod supervisor;

use memmap_core::search::Finder;
use memmap_core::{Access, Create, Error, Mapping, NewFile, Plan, Request, Target, Task, sys};
use stage::{
    Case, Operation, Stage, has_what_was_appended, mapped_of, page_size, pattern, read, run, same, seen, works, write,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use supervisor::{Fault, Lack};

#[global_allocator]
static ALLOCATOR: supervisor::Allocator = supervisor::Allocator;

/// Runs the operations of a test in a process of its own, which has no other thread that could hold
/// a lock when it forks.
fn group(name: &str, operations: &[(&str, Operation)]) {
    if std::env::var("MEMMAP_TEST_CHILD").is_ok_and(|child| child == name) {
        return inject_faults(name, operations);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("MEMMAP_TEST_CHILD", name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    for line in said.lines().filter_map(|line| line.strip_prefix(FOR_READERS)) {
        println!("{line}");
    }
    if !said.contains(FOR_READERS) {
        println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(output.status.success(), "{name}: faults of the system did harm, see above");
}

/// Marks the lines that are not the test runner's.
const FOR_READERS: &str = "| ";

fn inject_faults(group: &str, operations: &[(&str, Operation)]) {
    // The test runner has begun a line.
    println!();
    let directory = tempfile::tempdir().unwrap();
    if let Some(reason) = run(|_| {}, Case::default(), &directory.path().join("probe")).unavailable {
        println!("{FOR_READERS}Skipped: {group}, because no system call can be made to fail: {reason}");
        return;
    }
    let wanted = std::env::var("MEMMAP_INJECTION").unwrap_or_default();
    let mut injections = 0;
    // The key is the operation, the call, and what happened.
    let mut failures: BTreeMap<(usize, usize, String), Vec<String>> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (number, (_, act)) in operations.iter().enumerate().filter(|(_, (name, _))| name.contains(&wanted)) {
        let mut attempt = |case: Case| {
            injections += 1;
            run(*act, case, &directory.path().join(format!("{injections}")))
        };
        let healthy = attempt(Case::default());
        if let Some(what) = healthy.failure {
            failures.entry((number, 0, what)).or_default().push("nothing".to_owned());
            names.insert((number, 0), "no call".to_owned());
            continue;
        }
        for (at, call) in healthy.calls.iter().enumerate() {
            names.insert((number, at), format!("{} #{}", call.name(), at + 1));
            for appends in [false, true] {
                let faults = call.faults().into_iter().chain(appends.then_some(Fault::Succeeds));
                for fault in faults.filter(|_| !appends || healthy.may_append) {
                    let case = Case { fault: Some((at, fault)), appends };
                    if let Some(what) = attempt(case).failure {
                        if healthy.needs_a_page && call.is_for_a_page() && what.contains("died") {
                            continue;
                        }
                        let and = if appends { " + append" } else { "" };
                        failures.entry((number, at, what)).or_default().push(format!("{fault}{and}"));
                    }
                }
            }
        }
    }
    let failed: usize = failures.values().map(Vec::len).sum();
    for ((number, at, what), faults) in &failures {
        let (operation, _) = operations[*number];
        let call = &names[&(*number, *at)];
        println!("{FOR_READERS}FAILED {operation} | {call} | {} | {what}", faults.join(", "));
    }
    println!("{FOR_READERS}{group}: {} injections passed, {failed} failed", injections - failed);
    assert_eq!(failed, 0);
}

/// The content of the file in most operations: 5 and a half pages.
fn content() -> Vec<u8> {
    pattern(5 * page_size() + page_size() / 2)
}

fn request(target: Target, access: Access) -> Request {
    let plan = Plan::from_access(access);
    Request {
        target,
        offset: 0,
        length: 0,
        plan,
        track: true,
        create: Create::Never,
        new_file: NewFile::default(),
        write_back: false,
        allow_empty: false,
    }
}

fn of_path(path: &Path, access: Access) -> Request {
    request(Target::Path(path.as_os_str().to_owned()), access)
}

fn writing_back(path: &Path) -> Request {
    Request { write_back: true, ..of_path(path, Access::Copy) }
}

fn anonymous(private: bool, length: usize) -> Request {
    let plan = Plan { private, ..Plan::from_access(Access::Default) };
    Request { plan, length: length as u64, ..request(Target::Anonymous, Access::Default) }
}

fn named(stage: &Stage, length: usize) -> Request {
    Request { length: length as u64, ..request(Target::Named(stage.tag.clone()), Access::Default) }
}

fn open(request: Request) -> Mapping {
    Mapping::open(request).unwrap()
}

/// A new file with `content()`, and a mapping of it.
fn opened(stage: &Stage, access: Access) -> (PathBuf, Mapping) {
    let path = stage.file(&content());
    let mapping = open(of_path(&path, access));
    stage.neighbour();
    (path, mapping)
}

/// Checks that opening succeeds, or fails and succeeds the next time.
fn opens(stage: &Stage, expected: &[u8], request: impl Fn() -> Request) {
    let result = stage.inject(|| Mapping::open(request()));
    stage.neighbour();
    if let Ok(mapping) = result {
        works(&mapping, expected);
    }
    works(&open(request()), expected);
}

#[test]
fn opening() {
    fn opens_path(stage: &Stage, access: Access) {
        let path = stage.file(&content());
        opens(stage, &content(), || of_path(&path, access));
    }
    fn opens_descriptor(stage: &Stage, access: Access) {
        let path = stage.file(&content());
        let file = fs::File::options().read(true).write(access != Access::Read).open(&path).unwrap();
        opens(stage, &content(), || request(Target::Descriptor(file.as_raw_fd()), access));
    }
    fn opens_with_flags(stage: &Stage, flags: i32, prot: i32) {
        let path = stage.file(&content());
        let plan = sys::plan_from_flags(flags, prot).unwrap();
        opens(stage, &content(), || Request { plan, ..of_path(&path, Access::Default) });
    }
    group(
        "opening",
        &[
            ("open a path to read", |stage| opens_path(stage, Access::Read)),
            ("open a path to write", |stage| opens_path(stage, Access::Write)),
            ("open a path by default", |stage| opens_path(stage, Access::Default)),
            ("open a path to copy", |stage| opens_path(stage, Access::Copy)),
            ("open a descriptor to read", |stage| opens_descriptor(stage, Access::Read)),
            ("open a descriptor to write", |stage| opens_descriptor(stage, Access::Write)),
            ("open a path without keeping a descriptor", |stage| {
                let path = stage.file(&content());
                opens(stage, &content(), || Request { track: false, ..of_path(&path, Access::Write) });
            }),
            ("open a part of a path", |stage| {
                let path = stage.file(&content());
                let offset = page_size() + 11;
                let part = content()[offset..][..page_size()].to_vec();
                let length = part.len() as u64;
                opens(stage, &part, || Request { offset: offset as u64, length, ..of_path(&path, Access::Write) });
            }),
            ("open a path to write back", |stage| {
                let path = stage.file(&content());
                opens(stage, &content(), || writing_back(&path));
            }),
            ("open a path and bring it in", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_POPULATE, libc::PROT_READ | libc::PROT_WRITE);
            }),
            ("open a path to read and bring it in", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_POPULATE, libc::PROT_READ);
            }),
            ("open a path with other flags", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_NORESERVE, libc::PROT_READ | libc::PROT_WRITE);
            }),
            ("open shared memory", |stage| {
                let length = 3 * page_size();
                opens(stage, &vec![0; length], || anonymous(false, length));
            }),
            ("open private memory", |stage| {
                let length = 3 * page_size();
                opens(stage, &vec![0; length], || anonymous(true, length));
            }),
        ],
    );
}

#[test]
fn creating() {
    #[derive(Clone, Copy, PartialEq)]
    enum Before {
        Missing,
        Shorter,
        Longer,
        DanglingLink,
    }
    fn creates(stage: &Stage, before: Before, change: impl Fn(Request) -> Request) {
        let path = stage.directory.join("file");
        let length = 40 * page_size() + 100;
        let old = match before {
            Before::Missing | Before::DanglingLink => None,
            Before::Shorter => Some(pattern(page_size() + 50)),
            Before::Longer => Some(pattern(length + 500)),
        };
        if let Some(old) = &old {
            fs::write(&path, old).unwrap();
        }
        let name_to_open = stage.directory.join("link");
        if before == Before::DanglingLink {
            std::os::unix::fs::symlink("file", &name_to_open).unwrap();
        }
        let name_to_open = if before == Before::DanglingLink { name_to_open } else { path.clone() };
        let file = fs::File::options().read(true).write(true).open(&path);
        let request =
            || Request { length: length as u64, create: Create::Allocated, ..of_path(&name_to_open, Access::Write) };
        stage.others_append_to(&path);
        let result = stage.inject(|| {
            let mut request = change(request());
            if let (Target::Descriptor(descriptor), Ok(file)) = (&mut request.target, &file) {
                *descriptor = file.as_raw_fd();
            }
            Mapping::open(request)
        });
        stage.neighbour();
        stage.expect(&path, None);
        let whole = {
            let mut whole = old.clone().unwrap_or_default();
            whole.resize(whole.len().max(length), 0);
            whole
        };
        let now = fs::read(&path).ok();
        match (result, now) {
            (Ok(mapping), Some(now)) => {
                let region = mapping.region();
                let kept = old.as_ref().map_or(0, Vec::len);
                same("what was in the file", &now[..kept], old.as_deref().unwrap_or_default());
                if stage.has_appended() {
                    assert!(has_what_was_appended(&now), "what another process has appended is lost");
                    assert!(now.len() >= length, "the file is too short");
                } else {
                    same("the file", &now, &whole);
                }
                works(&mapping, &now[..region.len()]);
                drop(mapping);
                stage.expect(&path, Some(&now));
            }
            (Ok(_), None) => panic!("it has made no file"),
            (Err(_), now) => {
                match (&old, &now) {
                    (Some(old), Some(now)) => stage.same_after_failure(now, old),
                    (None, Some(now)) if stage.has_appended() => {
                        same("the file after a failure", now, stage::APPENDED);
                    }
                    // Where every file has a name, an empty one may stay, because another process
                    // may have opened it by now.
                    (None, Some(now)) if stage.is_lacking(Lack::NamelessFiles) && now.is_empty() => {}
                    (None, Some(now)) => {
                        let is_name_stuck = stage.has_failed(&["unlink", "unlinkat"]);
                        assert!(is_name_stuck, "a file of {} bytes is left behind", now.len());
                    }
                    (Some(_), None) => panic!("the file is gone"),
                    (None, None) => assert!(!stage.has_appended(), "what another process has appended is lost"),
                }
                // The next attempt succeeds.
                let mapping = open(request());
                let now = fs::read(&path).unwrap();
                works(&mapping, &now[..length]);
                drop(mapping);
                stage.expect(&path, Some(&now));
            }
        }
        if before == Before::DanglingLink {
            fs::remove_file(&name_to_open).unwrap();
        }
    }
    fn as_it_is(request: Request) -> Request {
        request
    }
    fn exclusively(request: Request) -> Request {
        Request { new_file: NewFile { exclusive: true, ..NewFile::default() }, ..request }
    }
    group(
        "creating",
        &[
            ("create a missing file", |stage| creates(stage, Before::Missing, as_it_is)),
            ("create, and extend a file", |stage| creates(stage, Before::Shorter, as_it_is)),
            ("create, of a file that is longer", |stage| creates(stage, Before::Longer, as_it_is)),
            ("create, through a link to nothing", |stage| creates(stage, Before::DanglingLink, as_it_is)),
            ("create exclusively", |stage| creates(stage, Before::Missing, exclusively)),
            ("create exclusively where every file has a name", |stage| {
                stage.lacks(Lack::NamelessFiles);
                creates(stage, Before::Missing, exclusively);
            }),
            ("create exclusively what is there", |stage| {
                let path = stage.file(&content());
                let request =
                    exclusively(Request { length: 10, create: Create::Allocated, ..of_path(&path, Access::Write) });
                let result = stage.inject(|| match Mapping::open(request) {
                    Err(error) if error.code() == "EEXIST" => Ok(()),
                    other => other.map(|_| panic!("it has opened what is there")),
                });
                // Any other failure comes first.
                drop(result);
            }),
            ("create, without keeping a descriptor", |stage| {
                creates(stage, Before::Missing, |request| Request { track: false, ..request });
            }),
            ("create, and extend the file of a descriptor", |stage| {
                creates(stage, Before::Shorter, |request| Request { target: Target::Descriptor(0), ..request });
            }),
            ("create, to write back", |stage| {
                creates(stage, Before::Shorter, |request| Request {
                    plan: Plan::from_access(Access::Copy),
                    write_back: true,
                    ..request
                });
            }),
            ("create a missing file where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                creates(stage, Before::Missing, as_it_is);
            }),
            ("create, and extend a file, where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                creates(stage, Before::Shorter, as_it_is);
            }),
            ("create a missing file where every file has a name", |stage| {
                stage.lacks(Lack::NamelessFiles);
                creates(stage, Before::Missing, as_it_is);
            }),
        ],
    );
}

#[test]
fn regions_with_names() {
    const LENGTH: usize = 10_000;
    /// Checks that the next process to use the name gets the same memory.
    fn joins(stage: &Stage, expected: &[u8], request: impl Fn() -> Request) {
        let result = stage.inject(|| Mapping::open(request()));
        stage.neighbour();
        let mapping = result.unwrap_or_else(|_| open(request()));
        works(&mapping, expected);
        let other = open(named(stage, 0));
        mapping.region().write_byte(7, 77).unwrap();
        assert_eq!(other.region().read_byte(7), Ok(77), "another with the same name has other memory");
    }
    group(
        "regions_with_names",
        &[
            ("make a region", |stage| joins(stage, &[0; LENGTH], || named(stage, LENGTH))),
            ("make a region where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                joins(stage, &[0; LENGTH], || named(stage, LENGTH));
            }),
            ("join a region", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                joins(stage, &pattern(LENGTH), || named(stage, LENGTH));
            }),
            ("join a region that exists", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                joins(stage, &pattern(LENGTH), || named(stage, 0));
            }),
            ("make a region whose name was left behind", |stage| {
                let name = format!("/dev/shm/memmap-{}-{}", unsafe { libc::geteuid() }, stage.tag);
                fs::write(&name, pattern(LENGTH)).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                fs::set_permissions(&name, mode).unwrap();
                let result = stage.inject(|| Mapping::open(named(stage, LENGTH)));
                works(&result.unwrap_or_else(|_| open(named(stage, LENGTH))), &[0; LENGTH]);
            }),
            ("fail to make a region", |stage| {
                // Only the failure is tested. What it leaves behind is checked later.
                let _ = stage.inject(|| Mapping::open(named(stage, LENGTH)));
            }),
            ("resize a region", |stage| {
                let mut mapping = open(named(stage, LENGTH));
                write(mapping.region(), 0, &pattern(LENGTH)).unwrap();
                let view = Arc::clone(mapping.region());
                let result = stage.inject(|| mapping.resize(5000));
                if result.is_err() {
                    works(&mapping, &pattern(LENGTH));
                    mapping.resize(5000).unwrap();
                }
                works(&mapping, &pattern(5000));
                same("an older view", &seen(&view), &pattern(LENGTH));
            }),
            ("leave a region that another uses", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                let second = open(named(stage, LENGTH));
                stage
                    .inject(|| {
                        drop(second);
                        Ok(())
                    })
                    .unwrap();
                works(&first, &pattern(LENGTH));
                works(&open(named(stage, 0)), &pattern(LENGTH));
            }),
            ("leave a region as the last", |stage| {
                let mapping = open(named(stage, LENGTH));
                write(mapping.region(), 0, &pattern(LENGTH)).unwrap();
                stage
                    .inject(|| {
                        drop(mapping);
                        Ok(())
                    })
                    .unwrap();
                if stage.has_failed(&["flock", "unlink", "unlinkat", "fstat", "statx", "newfstatat", "fcntl"]) {
                    // The last process could not know that it was the last, or could not remove the
                    // name. The next one gets zeros and removes the name.
                    works(&open(named(stage, LENGTH)), &[0; LENGTH]);
                }
            }),
            ("leave all regions", |stage| {
                let mapping = open(named(stage, LENGTH));
                stage
                    .inject(|| {
                        sys::leave_named_regions();
                        Ok(())
                    })
                    .unwrap();
                drop(mapping);
                if stage.has_failed(&["flock", "unlink", "unlinkat", "fstat", "statx", "newfstatat", "fcntl"]) {
                    works(&open(named(stage, LENGTH)), &[0; LENGTH]);
                }
            }),
        ],
    );
}

#[test]
fn touching() {
    /// The length is enough for a scan to be announced to the system.
    const LONG: usize = 9 << 20;
    fn scans(stage: &Stage, scan: impl Fn(&Mapping) -> Result<(), Error>) {
        let path = stage.directory.join("long");
        let file = fs::File::create(&path).unwrap();
        file.set_len(LONG as u64).unwrap();
        drop(file);
        let mapping = open(of_path(&path, Access::Write));
        write(mapping.region(), LONG - 10, b"needle").unwrap();
        let result = stage.inject(|| scan(&mapping));
        assert_eq!(result, Ok(()));
        scan(&mapping).unwrap();
        drop(mapping);
        fs::remove_file(&path).unwrap();
    }
    /// Checks that what is stored through a view of a read-only mapping stays in this process.
    fn stores_astray(stage: &Stage, request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mapping = open(request(&path));
        stage.neighbour();
        stage.needs_a_page();
        let at = 2 * page_size() + 5;
        let store = || unsafe { mapping.region().start().add(at).write_volatile(200) };
        stage
            .inject(|| {
                store();
                Ok(())
            })
            .unwrap();
        if stage.has_lost(&mapping) {
            return;
        }
        let mut expected = content();
        expected[at] = 200;
        works(&mapping, &expected);
    }
    /// Checks that lost bytes of a truncated file are zeros and cause an error.
    fn touches(stage: &Stage, access: Access, touch: impl Fn(&Mapping) -> Result<(), Error>) {
        let (path, mapping) = opened(stage, access);
        let kept = page_size() + 100;
        fs::File::options().write(true).open(&path).unwrap().set_len(kept as u64).unwrap();
        stage.expect(&path, Some(&content()[..kept]));
        let result = stage.inject(|| match touch(&mapping) {
            Err(Error::Fault { .. }) => Ok(true),
            other => other.map(|()| false),
        });
        assert_eq!(result, Ok(true), "it did not tell of what is lost");
        let mut expected = content();
        expected[kept..].fill(0);
        same("a view", &seen(mapping.region()), &expected);
        assert!(matches!(mapping.region().read_byte(0), Err(Error::Fault { .. })));
    }
    group(
        "touching",
        &[
            ("find", |stage| {
                scans(stage, |mapping| {
                    let found = mapping.region().find(&Finder::new(b"needle".to_vec()), 0..LONG)?;
                    assert_eq!(found, Some(LONG - 10));
                    Ok(())
                });
            }),
            ("count", |stage| {
                scans(stage, |mapping| {
                    assert_eq!(mapping.region().count(&Finder::new(b"needle".to_vec()), 0..LONG)?, 1);
                    Ok(())
                });
            }),
            ("read, write, fill and copy", |stage| {
                let (path, mapping) = opened(stage, Access::Write);
                let region = mapping.region();
                stage
                    .inject(|| {
                        write(region, 10, b"written")?;
                        region.fill(20, 3, b"f")?;
                        region.copy_within(30, 10, 7)?;
                        read(region, 0, region.len()).map(drop)
                    })
                    .unwrap();
                let mut expected = content();
                expected[10..17].copy_from_slice(b"written");
                expected[20..23].copy_from_slice(b"fff");
                expected[30..37].copy_from_slice(b"written");
                works(&mapping, &expected);
                stage.expect(&path, Some(&expected));
            }),
            ("prefetch", |stage| {
                let (_, mapping) = opened(stage, Access::Read);
                stage.inject(|| mapping.region().prefetch(0, mapping.region().len())).unwrap();
                works(&mapping, &content());
            }),
            ("store to a mapping that reads", |stage| stores_astray(stage, |path| of_path(path, Access::Read))),
            ("store to a shared mapping that reads", |stage| {
                let plan = sys::plan_from_flags(libc::MAP_SHARED, libc::PROT_READ).unwrap();
                stores_astray(stage, |path| Request { plan, ..of_path(path, Access::Read) });
            }),
            ("read what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| read(mapping.region(), 0, mapping.region().len()).map(drop));
            }),
            ("read what was cut off, of a mapping that reads", |stage| {
                touches(stage, Access::Read, |mapping| read(mapping.region(), 0, mapping.region().len()).map(drop));
            }),
            ("read what was cut off, of a copy", |stage| {
                touches(stage, Access::Copy, |mapping| mapping.region().read_byte(4 * page_size()).map(drop));
            }),
            ("write to what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| mapping.region().fill(2 * page_size(), 2 * page_size(), &[0]));
            }),
            ("find in what was cut off", |stage| {
                touches(stage, Access::Read, |mapping| {
                    mapping.region().find(&Finder::new(b"needle".to_vec()), 0..mapping.region().len()).map(drop)
                });
            }),
            ("prefetch what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| mapping.region().prefetch(0, mapping.region().len()));
            }),
        ],
    );
}

#[test]
fn flushing() {
    fn stores(mapping: &Mapping) -> Vec<u8> {
        let mut expected = content();
        for page in [1, 3, 5] {
            let at = page * page_size() + 9;
            write(mapping.region(), at, b"stored").unwrap();
            expected[at..at + 6].copy_from_slice(b"stored");
        }
        expected
    }
    fn flushes(stage: &Stage, flush: impl Fn(&Mapping) -> Result<(), Error>, request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mapping = open(request(&path));
        let expected = stores(&mapping);
        let result = stage.inject(|| flush(&mapping));
        if result.is_err() {
            works_before_flush(&mapping, &expected);
            // The flush can be repeated, and must then reach the device.
            let asks = ["fsync", "fdatasync", "msync", "sync_file_range"];
            let has_asked = supervisor::armed(supervisor::Orders::default(), || {
                flush(&mapping).unwrap();
                supervisor::calls().iter().any(|call| asks.contains(&call.name()))
            });
            assert!(has_asked || !stage.has_failed(&asks), "the next flush succeeded and asked no device");
        }
        same("the file after a flush", &fs::read(&path).unwrap(), &expected);
        stage.expect(&path, Some(&expected));
        works(&mapping, &expected);
    }
    fn works_before_flush(mapping: &Mapping, expected: &[u8]) {
        same("what read gives", &read(mapping.region(), 0, expected.len()).unwrap(), expected);
        same("what a view shows", &seen(mapping.region()), expected);
    }
    fn all(mapping: &Mapping) -> Result<(), Error> {
        mapping.flush(0, mapping.region().len(), None)
    }
    group(
        "flushing",
        &[
            ("flush", |stage| flushes(stage, all, |path| of_path(path, Access::Write))),
            ("flush without waiting", |stage| {
                let flush = |mapping: &Mapping| mapping.flush(0, mapping.region().len(), Some(libc::MS_ASYNC));
                flushes(stage, flush, |path| of_path(path, Access::Write));
            }),
            ("flush without a descriptor", |stage| {
                flushes(stage, all, |path| Request { track: false, ..of_path(path, Access::Write) });
            }),
            ("flush by a task", |stage| {
                let flush = |mapping: &Mapping| Task::new(mapping).flush(0..mapping.region().len());
                flushes(stage, flush, |path| of_path(path, Access::Write));
            }),
            ("flush what is written back", |stage| flushes(stage, all, writing_back)),
            ("finish what is written back", |stage| flushes(stage, Mapping::write_back, writing_back)),
            ("finish what is written back, of a descriptor", |stage| {
                let path = stage.file(&content());
                let file = fs::File::options().read(true).write(true).open(path).unwrap();
                flushes(stage, Mapping::write_back, |_| Request {
                    write_back: true,
                    ..request(Target::Descriptor(file.as_raw_fd()), Access::Copy)
                });
            }),
            ("write back to a file that others write to", |stage| {
                let path = stage.file(&content());
                let mapping = open(writing_back(&path));
                let mut expected = stores(&mapping);
                let at = 2 * page_size() + 5;
                std::os::unix::fs::FileExt::write_all_at(
                    &fs::File::options().write(true).open(&path).unwrap(),
                    b"theirs",
                    at as u64,
                )
                .unwrap();
                expected[at..at + 6].copy_from_slice(b"theirs");
                if stage.inject(|| mapping.write_back()).is_err() {
                    mapping.write_back().unwrap();
                }
                stage.expect(&path, Some(&expected));
            }),
            ("size", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let _ = stage.inject(|| mapping.size());
                assert_eq!(mapping.size(), Ok(content().len() as u64));
            }),
        ],
    );
}

/// Relocates the memory to reserved addresses, with room for `pages` more pages. A call may fail.
fn relocate(stage: &Stage, mapping: &mut Mapping, pages: usize) -> Result<(), Error> {
    let lead = mapping.region().start().addr() % page_size();
    let capacity = (lead + mapping.region().len()).next_multiple_of(page_size()) + pages * page_size();
    let reserved = stage.reserve(capacity);
    stage.inject(|| unsafe { mapping.relocate(reserved, lead, capacity) })
}

/// Relocates the memory before the operation, when no call fails.
fn relocate_before(stage: &Stage, mapping: &mut Mapping, pages: usize) {
    let lead = mapping.region().start().addr() % page_size();
    let capacity = (lead + mapping.region().len()).next_multiple_of(page_size()) + pages * page_size();
    let reserved = stage.reserve(capacity);
    unsafe { mapping.relocate(reserved, lead, capacity) }.unwrap();
}

#[test]
fn resizing() {
    fn resizes(stage: &Stage, prepare: impl Fn(&Stage, &mut Mapping), length: usize) {
        let old = content();
        let (path, mut mapping) = opened(stage, Access::Write);
        prepare(stage, &mut mapping);
        let view = Arc::clone(mapping.region());
        let grows = length > old.len();
        if grows {
            stage.others_append_to(&path);
        }
        let mapped = mapped_of(&path);
        let result = stage.inject(|| mapping.resize(length as u64));
        let mut expected = old.clone();
        expected.resize(length, 0);
        let now = fs::read(&path).unwrap();
        if result.is_ok() {
            if stage.has_appended() {
                same("what was in the file", &now[..old.len()], &old);
                assert!(has_what_was_appended(&now), "what another process has appended is lost");
                assert!(now.len() >= length, "the file is too short");
            } else {
                same("the file", &now, &expected);
            }
        } else {
            stage.same_after_failure(&now, &old);
            stage.expect(&path, Some(&now));
            let _ = seen(&view);
            if stage.has_lost(&mapping) {
                return;
            }
            assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
            works(&mapping, &old);
            same("a view after a failure", &seen(&view), &old);
            mapping.resize(length as u64).unwrap();
        }
        let now = fs::read(&path).unwrap();
        stage.expect(&path, Some(&now));
        works(&mapping, &now[..length]);
        let mut in_view = old.clone();
        if !grows {
            let last_page = length.next_multiple_of(page_size()).min(old.len());
            in_view[length..].fill(0);
            // Bytes beyond the end in its last page may be anything.
            let seen = seen(&view);
            same("an older view", &seen[..length], &old[..length]);
            same("the end of an older view", &seen[last_page..], &in_view[last_page..]);
        } else if !stage.has_appended() {
            same("an older view", &seen(&view), &old);
        }
        drop(mapping);
        let _ = seen(&view);
    }
    fn nothing(_: &Stage, _: &mut Mapping) {}
    fn longer() -> usize {
        40 * page_size() + 100
    }
    fn shorter() -> usize {
        2 * page_size() + 100
    }
    fn resizes_memory(stage: &Stage, private: bool, length: usize) {
        let old = content();
        let mut mapping = open(anonymous(private, old.len()));
        write(mapping.region(), 0, &old).unwrap();
        let view = Arc::clone(mapping.region());
        let mut expected = old.clone();
        expected.resize(length, 0);
        if stage.inject(|| mapping.resize(length as u64)).is_err() {
            works(&mapping, &old);
            mapping.resize(length as u64).unwrap();
        }
        works(&mapping, &expected);
        same("an older view", &seen(&view), &old);
    }
    group(
        "resizing",
        &[
            ("resize a file to more", |stage| resizes(stage, nothing, longer())),
            ("resize a file to less", |stage| resizes(stage, nothing, shorter())),
            ("resize a file to as much", |stage| resizes(stage, nothing, content().len())),
            ("resize a file to more where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                resizes(stage, nothing, longer());
            }),
            ("resize a file to more in place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), longer());
            }),
            ("resize a file to more than its place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 1), longer());
            }),
            ("resize a file to as much in place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), content().len());
            }),
            ("resize a file to less that was relocated", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), shorter());
            }),
            ("resize a file to less a second time", |stage| {
                resizes(stage, |_, mapping| mapping.resize(content().len() as u64).unwrap(), shorter());
            }),
            ("resize in place, and cut a file of which a part was mapped", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(Request { length: page_size() as u64, ..of_path(&path, Access::Write) });
                relocate_before(stage, &mut mapping, 10);
                let mapped = mapped_of(&path);
                let length = shorter();
                if stage.inject(|| mapping.resize(length as u64)).is_err() {
                    same("the file after a failure", &fs::read(&path).unwrap(), &content());
                    if stage.has_lost(&mapping) {
                        return stage.expect(&path, Some(&content()));
                    }
                    assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
                    works(&mapping, &content()[..page_size()]);
                    mapping.resize(length as u64).unwrap();
                }
                stage.expect(&path, Some(&content()[..length]));
                works(&mapping, &content()[..length]);
            }),
            ("resize private memory to more", |stage| resizes_memory(stage, true, longer())),
            ("resize private memory to less", |stage| resizes_memory(stage, true, shorter())),
            ("resize shared memory to less", |stage| resizes_memory(stage, false, shorter())),
        ],
    );
}

#[test]
fn remapping() {
    /// Gives the file this content and remaps it.
    fn remaps(stage: &Stage, access: Access, prepare: impl Fn(&Stage, &mut Mapping), now: &[u8]) {
        let old = content();
        let (path, mut mapping) = opened(stage, access);
        prepare(stage, &mut mapping);
        let view = Arc::clone(mapping.region());
        // fs::write is not used, because it first truncates the file to nothing.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(now.len() as u64).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, now, 0).unwrap();
        stage.expect(&path, Some(now));
        let mapped = mapped_of(&path);
        if stage.inject(|| mapping.remap(None)).is_err() {
            if stage.has_lost(&mapping) {
                return;
            }
            // Pages that the file has lost by then no longer belong to it.
            if now.len() >= old.len() {
                assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
                works(&mapping, &old);
            }
            assert_eq!(mapping.region().len(), old.len());
            let kept = old.len().min(now.len());
            same("a view after a failure", &seen(&view)[..kept], &old[..kept]);
            mapping.remap(None).unwrap();
        }
        works(&mapping, now);
        let mut in_view = old;
        in_view.get_mut(now.len()..).unwrap_or_default().fill(0);
        same("an older view", &seen(&view), &in_view);
        drop(mapping);
        let _ = seen(&view);
    }
    fn nothing(_: &Stage, _: &mut Mapping) {}
    fn longer() -> Vec<u8> {
        pattern(40 * page_size() + 100)
    }
    fn shorter() -> Vec<u8> {
        pattern(2 * page_size() + 100)
    }
    fn opens_nothing(stage: &Stage) -> (PathBuf, Mapping) {
        let path = stage.file(b"");
        let mapping = open(Request { allow_empty: true, ..of_path(&path, Access::Read) });
        stage.neighbour();
        (path, mapping)
    }
    fn grows_from_nothing(stage: &Stage, prepare: impl Fn(&Stage, &mut Mapping)) {
        let (path, mut mapping) = opens_nothing(stage);
        prepare(stage, &mut mapping);
        fs::write(&path, content()).unwrap();
        stage.expect(&path, Some(&content()));
        if stage.inject(|| mapping.remap(None)).is_err() {
            assert!(mapping.region().is_empty());
            mapping.remap(None).unwrap();
        }
        works(&mapping, &content());
    }
    group(
        "remapping",
        &[
            ("remap to more", |stage| remaps(stage, Access::Write, nothing, &longer())),
            ("remap to more, to read", |stage| remaps(stage, Access::Read, nothing, &longer())),
            ("remap to less", |stage| remaps(stage, Access::Write, nothing, &shorter())),
            ("remap to less, to read", |stage| remaps(stage, Access::Read, nothing, &shorter())),
            ("remap what has not changed", |stage| remaps(stage, Access::Read, nothing, &content())),
            ("remap to more in place", |stage| {
                remaps(stage, Access::Write, |stage, mapping| relocate_before(stage, mapping, 40), &longer());
            }),
            ("remap to more in place, to read", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 40), &longer());
            }),
            ("remap to more than its place", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 1), &longer());
            }),
            ("remap what was relocated to less", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 40), &shorter());
            }),
            ("open no bytes", |stage| {
                let path = stage.file(b"");
                let request = || Request { allow_empty: true, ..of_path(&path, Access::Read) };
                if stage.inject(|| Mapping::open(request())).is_err() {
                    assert!(open(request()).region().is_empty());
                }
            }),
            ("remap no bytes to some", |stage| grows_from_nothing(stage, nothing)),
            ("remap no bytes to some in place", |stage| {
                grows_from_nothing(stage, |stage, mapping| relocate_before(stage, mapping, 6));
            }),
            ("remap to no bytes", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(Request { allow_empty: true, ..of_path(&path, Access::Read) });
                fs::write(&path, b"").unwrap();
                stage.expect(&path, Some(b""));
                if stage.inject(|| mapping.remap(None)).is_err() {
                    mapping.remap(None).unwrap();
                }
                assert!(mapping.region().is_empty());
            }),
            ("relocate no bytes", |stage| {
                let (_, mut mapping) = opens_nothing(stage);
                if relocate(stage, &mut mapping, 4).is_err() {
                    relocate_before(stage, &mut mapping, 4);
                }
                assert!(mapping.region().is_empty());
            }),
        ],
    );
}

#[test]
fn protecting() {
    const READ_ONLY: i32 = libc::PROT_READ;
    const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const EXECUTABLE: i32 = READ_WRITE | libc::PROT_EXEC;
    fn protects(stage: &Stage, prots: &[i32], request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mut mapping = open(request(&path));
        stage.neighbour();
        let expected = if fs::read(&path).unwrap().len() == mapping.region().len() { content() } else { vec![0; 7000] };
        let (last, before) = prots.split_last().unwrap();
        for prot in before {
            mapping.protect(*prot).unwrap();
        }
        let result = stage.inject(|| mapping.protect(*last));
        if stage.has_lost(&mapping) {
            return;
        }
        works(&mapping, &expected);
        if result.is_err() {
            mapping.protect(*last).unwrap();
            works(&mapping, &expected);
        }
        for prot in [READ_ONLY, READ_WRITE] {
            mapping.protect(prot).unwrap();
            works(&mapping, &expected);
        }
    }
    group(
        "protecting",
        &[
            ("protect from writing", |stage| protects(stage, &[READ_ONLY], |path| of_path(path, Access::Write))),
            ("protect, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], |path| of_path(path, Access::Write));
            }),
            ("protect, to execute", |stage| protects(stage, &[EXECUTABLE], |path| of_path(path, Access::Write))),
            ("protect, to execute no more", |stage| {
                protects(stage, &[EXECUTABLE, READ_WRITE], |path| of_path(path, Access::Write));
            }),
            ("protect a copy", |stage| protects(stage, &[READ_ONLY], |path| of_path(path, Access::Copy))),
            ("protect what is written back", |stage| protects(stage, &[READ_ONLY], writing_back)),
            ("protect what is written back, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], writing_back);
            }),
            ("protect what is to be written back", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(writing_back(&path));
                write(mapping.region(), 100, b"stored").unwrap();
                let mut expected = content();
                expected[100..106].copy_from_slice(b"stored");
                if stage.inject(|| mapping.protect(READ_ONLY)).is_err() {
                    same("what read gives", &read(mapping.region(), 0, expected.len()).unwrap(), &expected);
                    mapping.protect(READ_ONLY).unwrap();
                }
                stage.expect(&path, Some(&expected));
                works(&mapping, &expected);
            }),
            ("protect shared memory", |stage| protects(stage, &[READ_ONLY], |_| anonymous(false, 7000))),
            ("protect shared memory, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], |_| anonymous(false, 7000));
            }),
            ("protect private memory", |stage| protects(stage, &[READ_ONLY], |_| anonymous(true, 7000))),
            ("protect private memory, to execute", |stage| protects(stage, &[EXECUTABLE], |_| anonymous(true, 7000))),
            ("protect what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                if stage.inject(|| mapping.protect(READ_ONLY)).is_err() {
                    if stage.has_lost(&mapping) {
                        return;
                    }
                    works(&mapping, &content());
                    mapping.protect(READ_ONLY).unwrap();
                }
                works(&mapping, &content());
            }),
        ],
    );
}

#[test]
fn advising() {
    fn advises(stage: &Stage, access: Access, advise: impl Fn(&Mapping) -> Result<(), Error>) {
        let (_, mapping) = opened(stage, access);
        let result = stage.inject(|| advise(&mapping));
        works(&mapping, &content());
        if result.is_err() {
            advise(&mapping).unwrap();
        }
        works(&mapping, &content());
    }
    group(
        "advising",
        &[
            ("advise that it will be needed", |stage| {
                advises(stage, Access::Read, |mapping| mapping.advise(libc::MADV_WILLNEED, 0, page_size()));
            }),
            ("advise that it is not needed", |stage| {
                advises(stage, Access::Write, |mapping| mapping.advise(libc::MADV_DONTNEED, page_size(), page_size()));
            }),
            ("advise that it is read at random", |stage| {
                advises(stage, Access::Copy, |mapping| mapping.advise(libc::MADV_RANDOM, 0, mapping.region().len()));
            }),
            ("lock", |stage| advises(stage, Access::Write, |mapping| mapping.lock(0, 2 * page_size()))),
            ("lock what only reads", |stage| advises(stage, Access::Read, |mapping| mapping.lock(0, 2 * page_size()))),
            ("unlock", |stage| {
                advises(stage, Access::Write, |mapping| mapping.unlock(0, 2 * page_size()));
            }),
            ("ask what is in memory", |stage| {
                advises(stage, Access::Write, |mapping| mapping.resident(0, mapping.region().len()).map(drop));
            }),
        ],
    );
}

#[test]
fn relocating() {
    fn relocates(stage: &Stage, expected: &[u8], mut mapping: Mapping) {
        stage.neighbour();
        if relocate(stage, &mut mapping, 4).is_err() {
            works(&mapping, expected);
            relocate_before(stage, &mut mapping, 4);
        }
        works(&mapping, expected);
    }
    /// The memory consists of intact pages and of zeros.
    fn relocates_truncated(stage: &Stage, access: Access) {
        let (path, mut mapping) = opened(stage, access);
        let kept = page_size() + 100;
        fs::File::options().write(true).open(&path).unwrap().set_len(kept as u64).unwrap();
        stage.expect(&path, Some(&content()[..kept]));
        assert!(mapping.region().read_byte(4 * page_size()).is_err());
        let _ = relocate(stage, &mut mapping, 4);
        let mut expected = content();
        expected[kept..].fill(0);
        same("a view", &seen(mapping.region()), &expected);
    }
    group(
        "relocating",
        &[
            ("relocate a file", |stage| relocates(stage, &content(), opened(stage, Access::Write).1)),
            ("relocate a file that is read", |stage| relocates(stage, &content(), opened(stage, Access::Read).1)),
            ("relocate a copy", |stage| relocates(stage, &content(), opened(stage, Access::Copy).1)),
            ("relocate shared memory", |stage| relocates(stage, &[0; 9000], open(anonymous(false, 9000)))),
            ("relocate private memory", |stage| relocates(stage, &[0; 9000], open(anonymous(true, 9000)))),
            ("relocate a region", |stage| relocates(stage, &[0; 9000], open(named(stage, 9000)))),
            ("relocate a file that was cut", |stage| relocates_truncated(stage, Access::Write)),
            ("relocate a file that is read and was cut", |stage| relocates_truncated(stage, Access::Read)),
        ],
    );
}

#[test]
fn mapping_zeros() {
    fn maps_zeros(stage: &Stage, expected: &[u8], mapping: Mapping) {
        let region = mapping.region();
        stage.neighbour();
        if stage.inject(|| region.map_zeros()).is_err() {
            if stage.has_lost(&mapping) {
                return;
            }
            works(&mapping, expected);
            region.map_zeros().unwrap();
        }
        same("a view", &seen(region), &vec![0; expected.len()]);
        unsafe { region.start().write_volatile(1) };
        assert_eq!(region.read_byte(0), Ok(1));
    }
    group(
        "mapping_zeros",
        &[
            ("map zeros over a file", |stage| maps_zeros(stage, &content(), opened(stage, Access::Write).1)),
            ("map zeros over a file that is read", |stage| {
                maps_zeros(stage, &content(), opened(stage, Access::Read).1)
            }),
            ("map zeros over a copy", |stage| maps_zeros(stage, &content(), opened(stage, Access::Copy).1)),
            ("map zeros over a part of a file", |stage| {
                let path = stage.file(&content());
                let offset = page_size() + 11;
                let request = Request { offset: offset as u64, length: 8000, ..of_path(&path, Access::Write) };
                maps_zeros(stage, &content()[offset..][..8000], open(request));
            }),
            ("map zeros over shared memory", |stage| maps_zeros(stage, &[0; 9000], open(anonymous(false, 9000)))),
            ("map zeros over private memory", |stage| maps_zeros(stage, &[0; 9000], open(anonymous(true, 9000)))),
            ("map zeros over a region", |stage| maps_zeros(stage, &[0; 9000], open(named(stage, 9000)))),
            ("map zeros over what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                maps_zeros(stage, &content(), mapping);
            }),
        ],
    );
}

#[test]
fn closing() {
    fn closes(stage: &Stage, mapping: Mapping) {
        stage.neighbour();
        stage
            .inject(|| {
                drop(mapping);
                Ok(())
            })
            .unwrap();
    }
    group(
        "closing",
        &[
            ("close a file", |stage| closes(stage, opened(stage, Access::Write).1)),
            ("close a file that is read", |stage| closes(stage, opened(stage, Access::Read).1)),
            ("close a copy", |stage| closes(stage, opened(stage, Access::Copy).1)),
            ("close what is written back", |stage| {
                let path = stage.file(&content());
                closes(stage, open(writing_back(&path)));
            }),
            ("close a file whose descriptor was not kept", |stage| {
                let path = stage.file(&content());
                closes(stage, open(Request { track: false, ..of_path(&path, Access::Write) }));
            }),
            ("close shared memory", |stage| closes(stage, open(anonymous(false, 9000)))),
            ("close private memory", |stage| closes(stage, open(anonymous(true, 9000)))),
            ("close what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                closes(stage, mapping);
            }),
            ("close a file whose memory is in use, and let go of that", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let view = Arc::clone(mapping.region());
                drop(mapping);
                same("a view", &seen(&view), &content());
                stage
                    .inject(|| {
                        drop(view);
                        Ok(())
                    })
                    .unwrap();
            }),
            ("close a file whose memory is in use", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let view = Arc::clone(mapping.region());
                closes(stage, mapping);
                same("a view", &seen(&view), &content());
            }),
        ],
    );
}

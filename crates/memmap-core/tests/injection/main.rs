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

mod access;
mod opening;
mod resizing;
mod stage;
mod supervisor;

use memmap_core::search::Finder;
use memmap_core::task::Paging;
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

fn of_path(path: &Path, access: Access) -> Request {
    Request::new(Target::Path(path.as_os_str().to_owned()), access)
}

fn writing_back(path: &Path) -> Request {
    Request { write_back: true, ..of_path(path, Access::Copy) }
}

fn anonymous(private: bool, length: usize) -> Request {
    let plan = Plan { private, ..Plan::from_access(Access::Default) };
    Request { plan, length: length as u64, ..Request::new(Target::Anonymous, Access::Default) }
}

fn named(stage: &Stage, length: usize) -> Request {
    Request { length: length as u64, ..Request::new(Target::Named(stage.tag.clone()), Access::Default) }
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

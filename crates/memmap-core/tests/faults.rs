//! Truncated files, and signals that do not concern us. Each test runs in a process of its own,
//! because it changes how the process handles a signal, or ends the process.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::fault_registry::FAULTS_HANDLED;
use memmap_core::{Access, Error, Mapping, RawBytes, Request, Target, sys};
use std::fs::{File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Runs the test in a process of its own and returns how that ended. `None` in that process.
fn in_child(name: &str) -> Option<ExitStatus> {
    if std::env::var("MEMMAP_TEST_CHILD").is_ok_and(|child| child == name) {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1"])
        .env("MEMMAP_TEST_CHILD", name)
        .output()
        .unwrap();
    if !output.status.success() {
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Some(output.status)
}

fn mapped(path: &Path, pages: u64, access: Access) -> Mapping {
    File::create(path).unwrap().set_len(pages * sys::page_size() as u64).unwrap();
    open(path, access)
}

fn open(path: &Path, access: Access) -> Mapping {
    let target = Target::Path(path.as_os_str().to_owned());
    Mapping::open(Request::new(target, access)).unwrap()
}

fn truncate(path: &Path, size: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
}

fn answered() -> u32 {
    FAULTS_HANDLED.load(Ordering::Acquire)
}

#[test]
fn a_truncated_file_reads_as_zeros_and_methods_report_the_loss() {
    if let Some(status) = in_child("a_truncated_file_reads_as_zeros_and_methods_report_the_loss") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let page = sys::page_size();
    for access in [Access::Read, Access::Write, Access::Copy] {
        let path = directory.path().join("file");
        let mapping = mapped(&path, 100, access);
        let region = mapping.region();
        truncate(&path, 10 * page as u64 + 5);
        assert_eq!(region.read_byte(10 * page), Ok(0), "this page is still there");
        let before = answered();
        let lost = Error::Fault { offset: 10 * page + 5, length: 90 * page - 5 };
        assert_eq!(region.read_byte(50 * page).unwrap_err(), lost);
        assert_eq!(answered(), before + 1);
        // The bytes are read through a pointer, as by a view.
        for index in 0..100 {
            assert_eq!(unsafe { region.start().add(index * page).read_volatile() }, 0);
        }
        assert_eq!(answered(), before + 1, "one fault for all that was lost");
        assert_eq!(region.read_byte(0).unwrap_err(), lost, "from then on, everywhere");
        assert_eq!(region.write_byte(0, 1).unwrap_err(), lost);
        assert_eq!(mapping.flush(0, page, None).unwrap_err(), lost);
        assert_eq!(open(&path, Access::Read).region().read_byte(0), Ok(0), "mapped again it is whole");
    }
}

#[test]
fn a_write_beyond_the_new_end_reports_the_loss() {
    if let Some(status) = in_child("a_write_beyond_the_new_end_reports_the_loss") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let page = sys::page_size();
    let mapping = mapped(&path, 4, Access::Write);
    truncate(&path, page as u64);
    let bytes = vec![7u8; 3 * page];
    let source = unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) };
    let lost = Error::Fault { offset: page, length: 3 * page };
    assert_eq!(mapping.region().write(0, source).unwrap_err(), lost);
    assert_eq!(std::fs::read(&path).unwrap(), vec![7u8; page], "what there was room for is written");
}

#[test]
fn a_view_that_outlives_its_mapping_reads_zeros() {
    if let Some(status) = in_child("a_view_that_outlives_its_mapping_reads_zeros") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let page = sys::page_size();
    let mapping = mapped(&path, 8, Access::Read);
    let region = Arc::clone(mapping.region());
    let descriptor = mapping.descriptor();
    drop(mapping);
    // Another, longer file gets the number of the closed descriptor.
    let other = File::create(directory.path().join("other")).unwrap();
    other.set_len(1 << 30).unwrap();
    assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&other), descriptor);
    truncate(&path, 0);
    assert_eq!(unsafe { region.start().add(3 * page).read_volatile() }, 0);
    assert_eq!(region.intact(), Err(Error::Fault { offset: 3 * page, length: 5 * page }));
}

#[test]
fn holders_of_a_region_grown_in_place_learn_what_is_lost() {
    if let Some(status) = in_child("holders_of_a_region_grown_in_place_learn_what_is_lost") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let page = sys::page_size();
    let room = 16 * page;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    let reserved = unsafe { libc::mmap(std::ptr::null_mut(), room, libc::PROT_NONE, flags, -1, 0) };
    let mut mapping = mapped(&path, 4, Access::Write);
    unsafe { mapping.relocate(reserved.cast(), 0, room) }.unwrap();
    let before = Arc::clone(mapping.region());
    mapping.resize(8 * page as u64).unwrap();
    assert_eq!(mapping.region().start(), before.start());

    truncate(&path, 4 * page as u64);
    let lost = Error::Fault { offset: 4 * page, length: 4 * page };
    assert_eq!(mapping.region().read_byte(6 * page), Err(lost));
    assert_eq!(before.intact(), Ok(()), "it had not so much");
    truncate(&path, page as u64);
    assert_eq!(before.read_byte(2 * page), Err(Error::Fault { offset: page, length: 3 * page }));
    assert_eq!(mapping.region().intact(), Err(Error::Fault { offset: page, length: 7 * page }));

    mapping.resize(10 * page as u64).unwrap();
    assert_eq!(mapping.region().read_byte(9 * page), Ok(0), "mapped again it is whole");
    assert_eq!(before.intact(), Err(Error::Fault { offset: page, length: 3 * page }), "what was lost stays so");
}

#[test]
fn threads_may_fault_while_others_map_and_unmap() {
    if let Some(status) = in_child("threads_may_fault_while_others_map_and_unmap") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let page = sys::page_size();
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let path = directory.path().join(format!("file{number}"));
            std::thread::spawn(move || {
                for round in 0..200 {
                    let mapping = mapped(&path, 16, Access::Write);
                    if number % 2 == 0 {
                        truncate(&path, (round % 16) * page as u64);
                        let lost = mapping.region().read_byte(15 * page + 1).unwrap_err();
                        let offset = (round % 16) as usize * page;
                        assert_eq!(lost, Error::Fault { offset, length: 16 * page - offset });
                    } else {
                        assert_eq!(mapping.region().read_byte(15 * page), Ok(0));
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(answered(), 800);
}

#[test]
fn a_fault_in_other_memory_ends_the_process_as_without_a_handler() {
    if let Some(status) = in_child("a_fault_in_other_memory_ends_the_process_as_without_a_handler") {
        return assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
    }
    restore_default_action();
    let directory = tempfile::tempdir().unwrap();
    let _ours = mapped(&directory.path().join("ours"), 1, Access::Read);
    let theirs = tempfile::tempfile().unwrap();
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&theirs);
    let null = std::ptr::null_mut();
    let address = unsafe { libc::mmap(null, 4096, libc::PROT_READ, libc::MAP_SHARED, descriptor, 0) };
    assert_ne!(address, libc::MAP_FAILED);
    unsafe { address.cast::<u8>().read_volatile() };
}

/// Restores the default action, because Rust's own handler, which detects stack overflows, swallows
/// the first signal of a process.
fn restore_default_action() {
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
}

/// On Apple's systems such a signal looks like a fault, so the handler returns and nothing raises
/// it again. docs/internals/platform-evidence.md
/// says so.
#[cfg(not(target_vendor = "apple"))]
#[test]
fn a_sent_signal_ends_the_process_as_without_a_handler() {
    if let Some(status) = in_child("a_sent_signal_ends_the_process_as_without_a_handler") {
        return assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
    }
    restore_default_action();
    let directory = tempfile::tempdir().unwrap();
    let _mapping = mapped(&directory.path().join("file"), 1, Access::Read);
    unsafe { libc::raise(libc::SIGBUS) };
}

static SEEN_CODE: AtomicI32 = AtomicI32::new(0);
static SEEN_CONTEXT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn somebody(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    SEEN_CODE.store(unsafe { (*info).si_code }, Ordering::SeqCst);
    SEEN_CONTEXT.store(context.addr(), Ordering::SeqCst);
}

/// The code that `somebody` sees for a signal that was sent. It differs between systems.
fn code_seen_of_a_sent_signal() -> i32 {
    SEEN_CONTEXT.store(0, Ordering::SeqCst);
    unsafe { libc::raise(libc::SIGBUS) };
    assert_ne!(SEEN_CONTEXT.load(Ordering::SeqCst), 0, "it is request, with a context");
    SEEN_CODE.load(Ordering::SeqCst)
}

fn install_another_handler() {
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = somebody as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut()), 0);
    }
}

#[test]
fn the_previous_handler_gets_other_signals_with_all_arguments() {
    if let Some(status) = in_child("the_previous_handler_gets_other_signals_with_all_arguments") {
        return assert!(status.success(), "{status}");
    }
    install_another_handler();
    let seen_before = code_seen_of_a_sent_signal();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mapping = mapped(&path, 2, Access::Read);
    assert_eq!(code_seen_of_a_sent_signal(), seen_before);
    truncate(&path, 0);
    assert!(mapping.region().read_byte(0).is_err(), "and ours is still ours");
}

#[test]
fn a_later_handler_is_called_after_ours_from_the_next_mapping_on() {
    if let Some(status) = in_child("a_later_handler_is_called_after_ours_from_the_next_mapping_on") {
        return assert!(status.success(), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let _first = mapped(&directory.path().join("first"), 1, Access::Read);
    install_another_handler();
    let seen_before = code_seen_of_a_sent_signal();
    let path = directory.path().join("second");
    let second = mapped(&path, 1, Access::Read);
    truncate(&path, 0);
    assert!(second.region().read_byte(0).is_err());
    // XNU gives a sent signal the code and the address of the last fault, which was ours. Nothing
    // tells the two apart.
    if cfg!(not(target_vendor = "apple")) {
        assert_eq!(code_seen_of_a_sent_signal(), seen_before);
    }
}

#[test]
fn the_environment_can_disable_the_handler() {
    if std::env::var_os("MEMMAP_NO_FAULT_HANDLER").is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_environment_can_disable_the_handler"])
            .env("MEMMAP_NO_FAULT_HANDLER", "1")
            .output()
            .unwrap()
            .status;
        return assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mapping = mapped(&path, 1, Access::Read);
    truncate(&path, 0);
    let _ = mapping.region().read_byte(0);
}

//! Locks on ranges of real files.

#![cfg(any(target_os = "linux", target_vendor = "apple", windows))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use memmap_core::{Access, Mapping, RangeLocks, Request, Target};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

fn open(path: &Path, access: Access) -> Mapping {
    Mapping::open(Request::new(Target::Path(path.into()), access)).unwrap()
}

fn new_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, [0; 100]).unwrap();
    (folder, path)
}

/// Looks once whether the range can be locked exclusively.
fn is_free(mapping: &Mapping, start: u64, stop: Option<u64>) -> bool {
    let wanted = mapping.wanted_lock(start, stop, true).unwrap();
    let locks = mapping.range_locks().unwrap();
    let number = locks.try_lock(&wanted, true).unwrap();
    number.map(|number| locks.release(number)).is_some()
}

fn lock(mapping: &Mapping, start: u64, stop: Option<u64>, exclusive: bool) -> u64 {
    let wanted = mapping.wanted_lock(start, stop, exclusive).unwrap();
    mapping.range_locks().unwrap().try_lock(&wanted, true).unwrap().unwrap()
}

#[test]
fn locks_of_one_and_of_two_mappings_exclude_each_other_where_they_overlap() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Write));
    let number = lock(&one, 10, Some(20), true);
    for other in [&one, &two] {
        assert!(is_free(other, 0, Some(10)));
        assert!(is_free(other, 20, None));
        assert!(!is_free(other, 19, Some(21)));
        assert!(!is_free(other, 0, None));
    }
    one.range_locks().unwrap().release(number);
    assert!(is_free(&two, 0, None));
    // Again: nothing, also if somebody else has locked it meanwhile.
    lock(&two, 10, Some(20), true);
    one.range_locks().unwrap().release(number);
    assert!(!is_free(&one, 10, Some(20)));
}

#[test]
fn shared_locks_exclude_only_exclusive_ones() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Read));
    lock(&one, 0, None, false);
    lock(&two, 5, Some(6), false);
    assert!(!is_free(&one, 5, Some(6)));
    assert_eq!(two.wanted_lock(0, None, true).unwrap_err().code(), "EACCES");
}

#[test]
fn a_range_without_bytes_and_one_behind_all_positions_are_refused() {
    let (_folder, path) = new_file();
    let one = open(&path, Access::Write);
    for (start, stop) in [(5, Some(5)), (6, Some(5)), (1 << 62, None), (0, Some((1 << 62) + 1)), (u64::MAX, None)] {
        assert_eq!(one.wanted_lock(start, stop, true).unwrap_err().code(), "ERR_OUT_OF_RANGE");
    }
}

/// A request whose outcome comes through a channel.
fn request(mapping: &Mapping, exclusive: bool) -> (u64, std::sync::mpsc::Receiver<memmap_core::Result<bool>>) {
    let wanted = mapping.wanted_lock(0, Some(1), exclusive).unwrap();
    let locks = mapping.range_locks().unwrap();
    let number = locks.request(&wanted).unwrap();
    let (report, outcome) = channel();
    locks.on_settled(number, Box::new(move |result| drop(report.send(result))));
    (number, outcome)
}

#[test]
fn requests_get_the_lock_in_their_order() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Write));
    let held = lock(&one, 0, None, true);
    let requests: Vec<_> = [&one, &two, &one, &two].map(|mapping| (mapping, request(mapping, true))).into();
    for (_, (_, outcome)) in &requests {
        assert!(outcome.try_recv().is_err());
    }
    one.range_locks().unwrap().release(held);
    for (at, (mapping, (number, outcome))) in requests.iter().enumerate() {
        assert_eq!(outcome.recv().unwrap(), Ok(true));
        for (_, (_, later)) in &requests[at + 1..] {
            assert!(later.try_recv().is_err());
        }
        mapping.range_locks().unwrap().release(*number);
    }
    assert!(is_free(&one, 0, None));
}

#[test]
fn a_request_that_has_ended_does_not_keep_the_lock_from_the_next() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Write));
    let held = lock(&one, 0, None, true);
    let (ended, outcome) = request(&two, true);
    assert!(two.range_locks().unwrap().end(ended, Ok(false)));
    assert!(!two.range_locks().unwrap().end(ended, Ok(false)));
    assert_eq!(outcome.recv().unwrap(), Ok(false));
    let (closed, of_closed) = request(&two, true);
    let locks = Arc::clone(two.range_locks().unwrap());
    drop(two);
    assert_eq!(of_closed.recv().unwrap().unwrap_err().code(), "ERR_MMAP_CLOSED");
    assert_eq!(locks.wait(closed, Duration::ZERO).unwrap_err().code(), "ERR_MMAP_CLOSED");
    let (next, outcome) = request(&one, true);
    one.range_locks().unwrap().release(held);
    assert_eq!(outcome.recv().unwrap(), Ok(true));
    one.range_locks().unwrap().release(next);
}

#[test]
fn closing_the_mapping_releases_its_locks() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Write));
    lock(&one, 0, Some(10), true);
    lock(&one, 20, Some(30), false);
    let (_, outcome) = request(&two, false);
    drop(one);
    assert_eq!(outcome.recv().unwrap(), Ok(true));
    drop(outcome);
    assert!(is_free(&two, 1, None));
}

#[test]
fn a_waiting_thread_sees_the_end_of_its_slice_and_the_lock() {
    let (_folder, path) = new_file();
    let one = open(&path, Access::Write);
    let held = lock(&one, 0, None, true);
    let locks: &Arc<RangeLocks> = one.range_locks().unwrap();
    let number = locks.request(&one.wanted_lock(0, Some(1), true).unwrap()).unwrap();
    assert_eq!(locks.wait(number, Duration::from_millis(1)), Ok(false));
    locks.release(held);
    assert_eq!(locks.wait(number, Duration::from_secs(100)), Ok(true));
    assert!(!is_free(&one, 0, Some(1)));
}

#[test]
#[cfg(target_os = "linux")]
fn a_deleted_file_and_memory_without_a_name_can_be_locked() {
    let (_folder, path) = new_file();
    let (one, two) = (open(&path, Access::Write), open(&path, Access::Write));
    std::fs::remove_file(&path).unwrap();
    lock(&one, 0, None, true);
    assert!(!is_free(&two, 0, None));
    let mut request = Request::new(Target::Anonymous, Access::Write);
    request.length = 100;
    let memory = Mapping::open(request).unwrap();
    lock(&memory, 0, None, true);
    assert!(!is_free(&memory, 0, None));
}

#[test]
fn without_a_descriptor_there_are_no_locks() {
    let (_folder, path) = new_file();
    let mut request = Request::new(Target::Path(path.into()), Access::Write);
    request.track = false;
    assert_eq!(Mapping::open(request).unwrap().wanted_lock(0, None, true).unwrap_err().code(), "EBADF");
}

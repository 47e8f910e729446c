//! Tasks without Node: ranges, stopping, and releasing the memory while another thread works on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use memmap_core::search::Finder;
use memmap_core::{Access, Error, Mapping, RawBytes, Replacement, Request, Target, Task, ThreadPool};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, ThreadId};

const MIB: usize = 1024 * 1024;
/// Positions that a task searches before it checks whether to continue.
const CHUNK: usize = 4 * MIB;

fn memory(length: usize, access: Access) -> Mapping {
    let request = Request::new(Target::Anonymous, access);
    Mapping::open(Request { length: length as u64, ..request }).unwrap()
}

fn write(mapping: &Mapping, at: usize, bytes: &[u8]) {
    let mut copy = bytes.to_vec();
    // SAFETY: the vector belongs to this function and outlives the value.
    let source = unsafe { RawBytes::new(copy.as_mut_ptr(), copy.len()) };
    mapping.region().write(at, source).unwrap();
}

fn finder(needle: &[u8]) -> Finder {
    Finder::new(needle.to_vec())
}

fn replacement(bytes: &[u8]) -> Replacement {
    Replacement { bytes: bytes.to_vec(), fill: None }
}

type Work = fn(&Task, Range<usize>) -> Result<(), Error>;

/// All kinds of work that a task can do.
const WORK: [Work; 5] = [
    |task, range| task.find(&finder(b"needle"), range).map(drop),
    |task, range| task.count(&finder(b"needle"), range).map(drop),
    |task, range| task.replace(&finder(b"\0"), &replacement(b"x"), range, &mut 0),
    |task, range| task.flush(range),
    |task, range| task.prefetch(range),
];

#[test]
fn a_stopped_task_does_nothing() {
    for work in WORK {
        let mapping = memory(CHUNK, Access::Write);
        let task = Task::new(&mapping);
        task.stop();
        assert_eq!(work(&task, 0..CHUNK), Err(Error::Aborted));
        assert_eq!(work(&task, 0..CHUNK), Err(Error::Aborted));
        assert_eq!(task.done(), 0);
        assert_eq!(mapping.region().count(&finder(b"x"), 0..CHUNK), Ok(0));
    }
}

#[test]
fn a_released_task_does_nothing_whether_it_was_stopped_or_not() {
    for work in WORK {
        let mapping = memory(CHUNK, Access::Write);
        let (task, stopped) = (Task::new(&mapping), Task::new(&mapping));
        task.release();
        stopped.stop();
        stopped.release();
        stopped.stop();
        for task in [task, stopped] {
            assert_eq!(work(&task, 0..CHUNK), Err(Error::Closed));
            assert_eq!(task.done(), 0);
        }
        assert_eq!(mapping.region().count(&finder(b"x"), 0..CHUNK), Ok(0));
    }
}

#[test]
fn a_task_keeps_the_memory_until_it_is_released() {
    let mapping = memory(CHUNK, Access::Write);
    let region = Arc::downgrade(mapping.region());
    let task = Task::new(&mapping);
    drop(mapping);
    assert!(region.upgrade().is_some());
    assert_eq!(task.count(&finder(b"\0"), 0..CHUNK), Ok(CHUNK));
    task.release();
    assert!(region.upgrade().is_none());
}

#[test]
fn a_task_searches_its_range_and_nothing_else() {
    let mapping = memory(3 * CHUNK, Access::Write);
    // The ranges end at, before and after the matches, and reach across the seams between chunks.
    for place in [0, 1, CHUNK - 3, CHUNK, 2 * CHUNK - 1, 3 * CHUNK - 6] {
        write(&mapping, place, b"needle");
        let task = Task::new(&mapping);
        for (start, stop, inside) in [
            (0, 3 * CHUNK, true),
            (place, place + 6, true),
            (place, place + 5, false),
            (place + 1, 3 * CHUNK, false),
            (place.saturating_sub(CHUNK), place + 6, true),
            (place.saturating_sub(CHUNK - 3), place + 6, true),
            (place, place, false),
        ] {
            let found = if inside { Some(place) } else { None };
            assert_eq!(task.find(&finder(b"needle"), start..stop), Ok(found), "{place} in {start}..{stop}");
            assert_eq!(task.count(&finder(b"needle"), start..stop), Ok(usize::from(inside)));
            if start != stop {
                assert_eq!(task.done(), stop - start);
            }
            let mut replaced = 0;
            task.replace(&finder(b"needle"), &replacement(b"NEEDLE"), start..stop, &mut replaced).unwrap();
            assert_eq!(replaced, usize::from(inside));
            if inside {
                write(&mapping, place, b"needle");
            }
        }
        write(&mapping, place, b"\0\0\0\0\0\0");
    }
}

#[test]
fn replace_does_not_search_its_replacements_again_after_a_seam() {
    let mapping = memory(2 * CHUNK, Access::Write);
    write(&mapping, CHUNK - 1, b"aaaaa");
    let mut replaced = 0;
    Task::new(&mapping).replace(&finder(b"aa"), &replacement(b"ba"), 0..2 * CHUNK, &mut replaced).unwrap();
    assert_eq!(replaced, 2);
    assert_eq!(mapping.region().find(&finder(b"babaa"), 0..2 * CHUNK), Ok(Some(CHUNK - 1)));
}

#[test]
fn a_range_outside_the_mapping_is_an_error() {
    let mapping = memory(CHUNK, Access::Write);
    let task = Task::new(&mapping);
    for work in WORK {
        assert_eq!(work(&task, 0..CHUNK + 1), Err(Error::OutOfRange));
        assert_eq!(work(&task, 2 * CHUNK..3 * CHUNK), Err(Error::OutOfRange));
        assert_eq!(work(&task, CHUNK..CHUNK), Ok(()));
    }
}

#[test]
fn progress_is_reported_in_chunks() {
    let mapping = memory(10 * MIB, Access::Write);
    for (work, chunk) in WORK.into_iter().zip([4, 4, 4, 8, 8].map(|mib| mib * MIB)) {
        let task = Task::new(&mapping);
        // The first chunk that is not entirely inside ends the work.
        assert_eq!(work(&task, 0..20 * MIB), Err(Error::OutOfRange));
        assert_eq!(task.done(), 10 * MIB / chunk * chunk);
    }
}

#[test]
fn an_empty_needle_is_found_at_the_start_of_the_range() {
    let task = Task::new(&memory(CHUNK, Access::Write));
    assert_eq!(task.find(&finder(b""), 5..10), Ok(Some(5)));
    assert_eq!(task.find(&finder(b""), 5..5), Ok(Some(5)));
}

/// Stops or releases the task in one thread while another thread has done a part of its endless
/// work.
fn interrupt(end: impl FnOnce(&Task), expected: &Error) {
    let mapping = memory(2 * CHUNK, Access::Write);
    let region = Arc::downgrade(mapping.region());
    let task = Arc::new(Task::new(&mapping));
    drop(mapping);
    let (begun, has_begun) = mpsc::channel();
    let worker = {
        let task = Arc::clone(&task);
        thread::spawn(move || {
            loop {
                let counted = task.count(&finder(b"needle"), 0..2 * CHUNK);
                // The receiver may be gone.
                let _ = begun.send(());
                if let Err(error) = counted {
                    return error;
                }
            }
        })
    };
    has_begun.recv().unwrap();
    end(&task);
    if *expected == Error::Closed {
        // The memory is released when the call returns, not at some later time.
        assert!(region.upgrade().is_none());
    }
    assert_eq!(worker.join().unwrap(), *expected);
}

#[test]
fn stop_ends_a_running_task_from_another_thread() {
    interrupt(Task::stop, &Error::Aborted);
}

#[test]
fn release_drops_the_memory_of_a_running_task_before_it_returns() {
    for _ in 0..5 {
        interrupt(Task::release, &Error::Closed);
    }
}

/// Submits as many jobs as there can be threads. They wait until the returned value is dropped, so
/// that later jobs wait, too.
fn occupy_threads() -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..16 {
        let held = Arc::clone(&held);
        ThreadPool::get().unwrap().submit(move || {
            let _ = held.lock().unwrap().recv();
        });
    }
    hold
}

#[test]
fn a_task_that_waits_for_a_thread_ends_at_once_when_stopped_or_released() {
    let mapping = memory(CHUNK, Access::Write);
    let occupied = occupy_threads();
    for (end, expected) in [(Task::stop as fn(&Task), Error::Aborted), (Task::release, Error::Closed)] {
        let task = Arc::new(Task::new(&mapping));
        let (ended, has_ended) = mpsc::channel();
        task.start(ThreadPool::get().unwrap(), move |task| {
            let mut replaced = 0;
            let result = task.replace(&finder(b"\0"), &replacement(b"x"), 0..CHUNK, &mut replaced);
            ended.send((result, replaced)).unwrap();
        });
        assert_eq!(has_ended.try_recv(), Err(mpsc::TryRecvError::Empty));
        end(&task);
        assert_eq!(has_ended.try_recv(), Ok((Err(expected), 0)));
        // The job is run once, because its sender is gone.
        end(&task);
        assert_eq!(has_ended.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }
    drop(occupied);
    assert_eq!(mapping.region().count(&finder(b"\0"), 0..CHUNK), Ok(CHUNK));
}

#[test]
fn the_pool_runs_all_jobs_and_up_to_four_at_a_time() {
    let (done, results) = mpsc::channel();
    for number in 0..1000 {
        let done = done.clone();
        ThreadPool::get().unwrap().submit(move || done.send((number, thread::current().id())).unwrap());
    }
    let (mut numbers, threads): (Vec<i32>, HashSet<ThreadId>) = results.iter().take(1000).unzip();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..1000));
    assert!(threads.len() <= 4, "{} threads", threads.len());
    // These four jobs wait for each other.
    let barrier = Arc::new(Barrier::new(5));
    for _ in 0..4 {
        let barrier = Arc::clone(&barrier);
        ThreadPool::get().unwrap().submit(move || {
            barrier.wait();
        });
    }
    barrier.wait();
}

//! Waiting for words of mappings, and what ends a wait.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use memmap_core::weak_list::WeakList;
use memmap_core::{Access, End, Mapping, Request, Result, SlicedWait, Target, Wait, WaitPool, WaitResult, sys};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const VALUE: u32 = 0;

/// A file of two pages of zeros.
fn file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(2 * sys::page_size() as u64).unwrap();
    file
}

fn map(path: &Path, access: Access) -> Mapping {
    Mapping::open(Request::new(Target::Path(path.into()), access)).unwrap()
}

/// Begins a wait, of which the result will be received.
fn begin(mapping: &Mapping, position: usize) -> (Arc<Wait>, Receiver<Result<WaitResult>>) {
    let (report, results) = channel();
    let word = mapping.word(position).unwrap();
    assert_eq!(SlicedWait::look(&word, VALUE, None).unwrap(), None);
    let place = WaitPool::reserve().unwrap();
    (Wait::begin(place, 1, word, VALUE, None, move |result| report.send(result).unwrap()), results)
}

/// Wakes one that waits, or is about to.
fn wake(mapping: &Mapping, position: usize) {
    while mapping.word(position).unwrap().notify(1).unwrap() == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_wait_in_one_mapping_is_woken_through_another() {
    let file = file();
    for (waits, wakes) in
        [(Access::Default, Access::Default), (Access::Read, Access::Default), (Access::Default, Access::Read)]
    {
        let (waiting, waking) = (map(file.path(), waits), map(file.path(), wakes));
        let (_wait, results) = begin(&waiting, 4);
        wake(&waking, 4);
        assert_eq!(results.recv().unwrap(), Ok(WaitResult::Woken));
        assert_eq!(waking.word(4).unwrap().notify(u32::MAX), Ok(0));
    }
}

#[test]
fn a_wait_is_over_at_once_for_another_value_and_without_time() {
    let file = file();
    let mapping = map(file.path(), Access::Default);
    let word = mapping.word(8).unwrap();
    assert_eq!(SlicedWait::look(&word, 7, None), Ok(Some(WaitResult::NotEqual)));
    assert_eq!(SlicedWait::look(&word, VALUE, Some(Duration::ZERO)), Ok(Some(WaitResult::TimedOut)));
    mapping.region().write_byte(8, 7).unwrap();
    assert_eq!(SlicedWait::look(&word, 7, Some(Duration::ZERO)), Ok(Some(WaitResult::TimedOut)));
}

#[test]
fn a_change_between_two_slices_is_noticed() {
    let file = file();
    let mapping = map(file.path(), Access::Default);
    let mut wait = SlicedWait::blocking(VALUE, None);
    assert_eq!(wait.next_slice(&mapping.word(0).unwrap()), Ok(None));
    mapping.region().write_byte(0, 1).unwrap();
    assert_eq!(wait.next_slice(&mapping.word(0).unwrap()), Ok(Some(WaitResult::Woken)));
}

#[test]
fn an_ended_wait_does_not_use_the_memory_any_more() {
    let file = file();
    for (end, code) in [(End::Closed, "ERR_MMAP_CLOSED"), (End::Lost, "ERR_MMAP_FAULT")] {
        let mapping = map(file.path(), Access::Default);
        let mut waits = WeakList::new();
        let begun: Vec<_> = (0..100).map(|index| begin(&mapping, index % 8 * 4)).collect();
        for (wait, _) in &begun {
            waits.add(wait);
        }
        Wait::end_all(&waits, end);
        assert_eq!(Arc::strong_count(mapping.region()), 1);
        for (_, results) in begun {
            assert_eq!(results.recv().unwrap().unwrap_err().code(), code);
        }
    }
}

#[test]
fn waits_beyond_a_length_are_ended_and_others_go_on() {
    let file = file();
    let mapping = map(file.path(), Access::Default);
    let ((kept, kept_result), (cut, cut_result)) = (begin(&mapping, 4), begin(&mapping, 8));
    let mut waits = WeakList::new();
    waits.add(&kept);
    waits.add(&cut);
    Wait::end_beyond(&waits, 8);
    assert_eq!(cut_result.recv().unwrap().unwrap_err().code(), "ERR_MMAP_FAULT");
    wake(&mapping, 4);
    assert_eq!(kept_result.recv().unwrap(), Ok(WaitResult::Woken));
    cut.abort();
}

#[test]
fn a_word_that_the_file_no_longer_has_is_lost() {
    let file = file();
    let page = sys::page_size();
    for access in [Access::Default, Access::Read] {
        file.as_file().set_len(2 * page as u64).unwrap();
        let mapping = map(file.path(), access);
        let (wait, results) = begin(&mapping, page);
        OpenOptions::new().write(true).open(file.path()).unwrap().set_len(page as u64).unwrap();
        assert_eq!(results.recv().unwrap().unwrap_err().code(), "ERR_MMAP_FAULT");
        assert_eq!(mapping.word(page).unwrap().notify(1).unwrap_err().code(), "ERR_MMAP_FAULT");
        assert_eq!(mapping.word(0).unwrap().notify(1), Ok(0));
        wait.abort();
    }
}

#[test]
fn there_is_a_word_where_four_bytes_lie_at_a_multiple_of_four() {
    let file = file();
    let mut request = Request::new(Target::Path(file.path().into()), Access::Default);
    request.offset = 2;
    let mapping = Mapping::open(request).unwrap();
    let length = mapping.region().len();
    assert!(mapping.word(2).is_ok());
    assert!(mapping.word(length - 4).is_ok());
    for position in [0, 1, 3, length - 2, length, usize::MAX] {
        assert_eq!(mapping.word(position).unwrap_err().code(), "ERR_OUT_OF_RANGE");
    }
}

#[test]
fn private_memory_has_no_words() {
    let file = file();
    let mapping = map(file.path(), Access::Copy);
    assert_eq!(mapping.word(0).unwrap_err().code(), "ERR_MMAP_UNSUPPORTED");
}

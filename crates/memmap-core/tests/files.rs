//! Mapping real files: what is refused, what reaches the file, and what happens to both when their
//! sizes change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

#[cfg(target_os = "linux")]
mod smaps;

use memmap_core::search::{Finder, Match, Searcher};
use memmap_core::{Access, Create, Error, Mapping, NewFile, RawBytes, Request, Target, sys};
#[cfg(target_os = "linux")]
use smaps::is_read_in_order;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

struct Scratch {
    _directory: TempDir,
    path: PathBuf,
}

fn scratch(content: &[u8]) -> Scratch {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, content).unwrap();
    Scratch { _directory: directory, path }
}

fn request(path: &Path, access: Access) -> Request {
    Request::new(Target::Path(path.as_os_str().to_owned()), access)
}

fn read(mapping: &Mapping, offset: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0xEE; length];
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), length) };
    mapping.region().read(offset, target).unwrap();
    bytes
}

fn all(mapping: &Mapping) -> Vec<u8> {
    read(mapping, 0, mapping.region().len())
}

fn write(mapping: &Mapping, offset: usize, bytes: &[u8]) {
    let source = unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) };
    mapping.region().write(offset, source).unwrap();
}

fn code(result: Result<Mapping, Error>) -> &'static str {
    result.expect_err("this ought to be refused").code()
}

#[test]
fn a_part_that_the_file_does_not_have_is_refused() {
    let file = scratch(b"0123456789");
    let missing = file.path.with_file_name("missing");
    assert_eq!(code(Mapping::open(request(&missing, Access::Read))), "ENOENT");
    let empty = file.path.with_file_name("empty");
    fs::write(&empty, b"").unwrap();
    assert_eq!(Mapping::open(request(&empty, Access::Read)).unwrap_err(), Error::EmptyFile);
    let behind = Request { offset: 10, ..request(&file.path, Access::Read) };
    assert_eq!(Mapping::open(behind).unwrap_err(), Error::OffsetBeyondFile { offset: 10, file_size: 10 });
    let longer = Request { offset: 1, length: 10, ..request(&file.path, Access::Read) };
    assert_eq!(Mapping::open(longer).unwrap_err(), Error::LengthBeyondFile { length: 10, offset: 1, file_size: 10 });
    let overflowing = Request { offset: u64::MAX, length: u64::MAX, ..request(&file.path, Access::Read) };
    assert_eq!(code(Mapping::open(overflowing)), "ERR_OUT_OF_RANGE");
    let descriptor = Request { target: Target::Descriptor(-2), ..request(&file.path, Access::Read) };
    assert_eq!(code(Mapping::open(descriptor)), "EBADF");
}

#[test]
fn bounds_are_checked_before_anything_is_copied() {
    let file = scratch(b"0123456789");
    let mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();
    let region = mapping.region();
    let mut target = *b"unchanged";
    let bytes = unsafe { RawBytes::new(target.as_mut_ptr(), target.len()) };
    for offset in [2, 10, 11, usize::MAX] {
        assert_eq!(region.read(offset, bytes), Err(Error::OutOfRange), "read at {offset}");
        assert_eq!(region.write(offset, bytes), Err(Error::OutOfRange), "write at {offset}");
        assert_eq!(region.fill(offset, 9, b"x"), Err(Error::OutOfRange), "fill at {offset}");
        assert_eq!(region.copy_within(offset, 0, 9), Err(Error::OutOfRange), "copy to {offset}");
        assert_eq!(region.copy_within(0, offset, 9), Err(Error::OutOfRange), "copy from {offset}");
    }
    assert_eq!(region.read_byte(10), Err(Error::OutOfRange));
    assert_eq!(region.read_strided(8, isize::MAX, bytes), Err(Error::OutOfRange));
    assert_eq!(region.write_strided(8, -2, bytes), Err(Error::OutOfRange));
    assert_eq!(&target, b"unchanged");
    assert_eq!(read(&mapping, 0, 10), b"0123456789");
}

#[test]
fn writes_reach_the_file_or_stay_private_as_the_access_says() {
    for (access, expected) in
        [(Access::Default, "01xx456789"), (Access::Write, "01xx456789"), (Access::Copy, "0123456789")]
    {
        let file = scratch(b"0123456789");
        let mapping = Mapping::open(request(&file.path, access)).unwrap();
        write(&mapping, 2, b"xx");
        assert_eq!(read(&mapping, 0, 10), b"01xx456789");
        mapping.flush(0, 10, None).unwrap();
        drop(mapping);
        assert_eq!(fs::read_to_string(&file.path).unwrap(), expected, "{access:?}");
    }
}

#[test]
fn a_store_to_a_read_only_mapping_harms_neither_file_nor_process() {
    let file = scratch(b"0123456789");
    let mapping = Mapping::open(request(&file.path, Access::Read)).unwrap();
    unsafe { mapping.region().start().write_volatile(b'!') };
    assert_eq!(read(&mapping, 0, 3), b"!12");
    assert_eq!(fs::read(&file.path).unwrap(), b"0123456789");
}

#[test]
fn a_mapping_may_begin_at_any_offset() {
    let content: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
    let file = scratch(&content);
    for offset in [0, 1, 7, 8, 4095, 4096, 4097, 65_535, 65_536, 131_073] {
        let options = Request { offset: offset as u64, length: 5000, ..request(&file.path, Access::Write) };
        let mapping = Mapping::open(options).unwrap();
        assert_eq!(read(&mapping, 0, 5000), &content[offset..offset + 5000], "offset {offset}");
        mapping.flush(1, 4998, None).unwrap();
    }
}

#[test]
fn memory_stays_mapped_while_a_region_is_held() {
    let file = scratch(b"0123456789");
    let mapping = Mapping::open(request(&file.path, Access::Read)).unwrap();
    let region = Arc::clone(mapping.region());
    drop(mapping);
    assert_eq!(region.read_byte(9), Ok(b'9'));
}

#[test]
fn resize_changes_the_file_and_keeps_the_old_region_in_place() {
    let page = sys::page_size();
    let file = scratch(&vec![b'a'; 3 * page]);
    let mut mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();

    let old = Arc::clone(mapping.region());
    mapping.resize(5 * page as u64).unwrap();
    assert_eq!(fs::metadata(&file.path).unwrap().len(), 5 * page as u64);
    assert_eq!(mapping.region().len(), 5 * page);
    assert_eq!(read(&mapping, 3 * page - 1, 3), b"a\0\0");
    write(&mapping, 0, b"b");
    assert_eq!(old.read_byte(0), Ok(b'b'), "both show the same file");

    if sys::CAN_TRUNCATE_WHILE_MAPPED {
        mapping.resize(10).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 10);
        let lost = Error::Fault { offset: 10, length: 3 * page - 10 };
        assert_eq!(old.read_byte(9), Err(lost), "who reads on there, as a task may, is told what has been cut off");
        let byte = |at: usize| unsafe { old.start().wrapping_add(at).read_volatile() };
        assert_eq!((byte(9), byte(3 * page - 1)), (b'a', 0), "views show what is left, and zeros behind it");
    }
}

#[test]
fn a_refused_resize_changes_nothing() {
    let file = scratch(b"0123456789");
    let mut mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();
    assert_eq!(mapping.resize(0), Err(Error::ResizeOutOfRange));
    assert_eq!(mapping.resize(u64::MAX), Err(Error::ResizeOutOfRange));
    for access in [Access::Read, Access::Copy] {
        let mut private = Mapping::open(request(&file.path, access)).unwrap();
        assert_eq!(private.resize(5), Err(Error::ResizePrivate));
    }
    let mut untracked = Mapping::open(Request { track: false, ..request(&file.path, Access::Write) }).unwrap();
    assert_eq!(untracked.resize(5), Err(Error::ResizeUntracked));
    assert_eq!(mapping.region().len(), 10);
    assert_eq!(fs::read(&file.path).unwrap(), b"0123456789");
}

#[test]
fn create_creates_extends_and_allocates() {
    let file = scratch(b"0123456789");
    let fresh = file.path.with_file_name("fresh");
    let options = Request { create: Create::Allocated, length: 100_000, ..request(&fresh, Access::Write) };
    let mapping = Mapping::open(options).unwrap();
    assert_eq!(read(&mapping, 99_999, 1), [0]);
    assert_eq!(fs::metadata(&fresh).unwrap().len(), 100_000);

    let existing = Request { create: Create::Allocated, offset: 8, length: 4, ..request(&file.path, Access::Write) };
    let mapping = Mapping::open(existing).unwrap();
    assert_eq!(read(&mapping, 0, 4), b"89\0\0");
    assert_eq!(fs::read(&file.path).unwrap(), b"0123456789\0\0");
}

#[test]
fn a_failed_create_leaves_no_file_behind() {
    let file = scratch(b"0123456789");
    let fresh = file.path.with_file_name("fresh");
    let options = Request { create: Create::Allocated, length: 1 << 60, ..request(&fresh, Access::Write) };
    assert!(matches!(Mapping::open(options), Err(Error::System(_))));
    // On other systems every file has a name from the start, and others may have opened it by now.
    assert_eq!(fresh.exists(), cfg!(not(target_os = "linux")));
    let options = Request { create: Create::Allocated, length: 1 << 60, ..request(&file.path, Access::Write) };
    assert!(matches!(Mapping::open(options), Err(Error::System(_))));
    assert_eq!(fs::read(&file.path).unwrap(), b"0123456789");
}

#[test]
fn write_back_writes_changed_pages_and_no_others() {
    let page = sys::page_size();
    let file = scratch(&vec![b'.'; 100 * page]);
    let options = Request { write_back: true, offset: 3, ..request(&file.path, Access::Copy) };
    let mapping = Mapping::open(options).unwrap();
    write(&mapping, 70 * page, b"ours");
    // fs::write is not used, because it truncates the file, which drops private pages.
    let mut theirs = fs::OpenOptions::new().write(true).open(&file.path).unwrap();
    theirs.seek(SeekFrom::Start(10 * page as u64)).unwrap();
    theirs.write_all(b"T").unwrap();
    mapping.flush(70 * page, 2, None).unwrap();
    let after = fs::read(&file.path).unwrap();
    assert_eq!(&after[70 * page + 3..][..6], b"ou....", "only the range that was asked for");
    mapping.write_back().unwrap();
    let after = fs::read(&file.path).unwrap();
    assert_eq!(&after[70 * page + 3..][..6], b"ours..");
    assert_eq!(after[10 * page], b'T', "what others wrote stays");
}

#[cfg(unix)]
#[test]
fn protect_keeps_stores_from_the_file_until_it_allows_them_again() {
    use memmap_core::sys::constants::constants;
    let constant = |name| constants().find(|(other, _)| *other == name).unwrap().1;
    let (read_only, read_write) = (constant("PROT_READ"), constant("PROT_READ") | constant("PROT_WRITE"));
    let file = scratch(b"0123456789");
    let mut mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();
    mapping.protect(read_only).unwrap();
    assert_eq!(mapping.access(), Access::Read);
    write(&mapping, 0, b"stray");
    assert_eq!(fs::read(&file.path).unwrap(), b"0123456789");
    mapping.protect(read_write).unwrap();
    assert_eq!(mapping.access(), Access::Write);
    assert_eq!(read(&mapping, 0, 5), b"01234", "the file, and not the stray store");
    write(&mapping, 0, b"meant");
    assert_eq!(fs::read(&file.path).unwrap(), b"meant56789");

    let mut reading = Mapping::open(request(&file.path, Access::Read)).unwrap();
    assert_eq!(reading.protect(read_write).unwrap_err().code(), "EACCES");
    assert_eq!(reading.access(), Access::Read);
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_scan_advises_the_system_and_reverts_that_unless_the_user_advised() {
    const LONG: usize = 8 << 20;
    let file = scratch(&[]);
    fs::File::options().write(true).open(&file.path).unwrap().set_len(LONG as u64).unwrap();
    let mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();
    write(&mapping, 5, b"needle");
    let finder = Finder::new(b"needle".to_vec());
    let during = |length| {
        let mut said = None;
        let mut look = |_: &Match<'_>| {
            said = Some(is_read_in_order(&file.path));
            true
        };
        mapping.region().advance(&mut finder.search(0..length), usize::MAX, &mut look).unwrap();
        (said, is_read_in_order(&file.path))
    };
    assert_eq!(during(LONG), (Some(true), false));
    assert_eq!(during(LONG / 8), (Some(false), false), "not worth it");
    mapping.advise(libc::MADV_RANDOM, 0, LONG).unwrap();
    assert_eq!(during(LONG), (Some(false), false));
    mapping.advise(libc::MADV_SEQUENTIAL, 0, LONG).unwrap();
    assert_eq!(during(LONG), (Some(true), true));
    mapping.advise(libc::MADV_NORMAL, 0, LONG).unwrap();
    assert!(!is_read_in_order(&file.path));
}

#[test]
#[cfg(target_os = "linux")]
fn a_near_match_is_found_without_advice_and_a_far_one_is_not_missed() {
    const NEAR: usize = 4 << 20;
    let file = scratch(&[]);
    fs::File::options().write(true).open(&file.path).unwrap().set_len(3 * NEAR as u64).unwrap();
    let mapping = Mapping::open(request(&file.path, Access::Write)).unwrap();
    let region = mapping.region();
    let finder = Finder::new(b"needle".to_vec());
    for start in [0, 1, 100] {
        for place in start + NEAR - 8..start + NEAR + 3 {
            write(&mapping, place, b"needle");
            assert_eq!(region.find(&finder, start..3 * NEAR), Ok(Some(place)));
            assert_eq!(region.find(&finder, start..place + 6), Ok(Some(place)));
            assert_eq!(region.find(&finder, start..place + 5), Ok(None));
            write(&mapping, place, b"......");
        }
    }
    assert_eq!(region.find(&finder, 0..3 * NEAR), Ok(None));
    assert_eq!(region.find(&Finder::new(Vec::new()), 5..3 * NEAR), Ok(Some(5)));
    // Set the advice directly. A find that gave advice itself would take it back at its end.
    assert_eq!(unsafe { libc::madvise(region.start().cast(), region.len(), libc::MADV_SEQUENTIAL) }, 0);
    write(&mapping, NEAR - 1, b"needle");
    assert_eq!(region.find(&finder, 0..3 * NEAR), Ok(Some(NEAR - 1)));
    assert!(is_read_in_order(&file.path));
}

#[test]
fn remapping_follows_the_file_and_never_changes_it() {
    for access in [Access::Read, Access::Write] {
        let file = scratch(b"one\n");
        let mut mapping = Mapping::open(request(&file.path, access)).unwrap();
        let view = Arc::clone(mapping.region());
        let before = view.start();
        mapping.remap(None).unwrap();
        assert_eq!(mapping.region().start(), before, "nothing has changed");

        fs::write(&file.path, b"one\ntwo\n").unwrap();
        mapping.remap(None).unwrap();
        assert_eq!(all(&mapping), b"one\ntwo\n");
        let mut shown = [0; 4];
        view.read(0, unsafe { RawBytes::new(shown.as_mut_ptr(), 4) }).unwrap();
        assert_eq!(&shown, b"one\n");
        mapping.remap(Some(5)).unwrap();
        assert_eq!(all(&mapping), b"one\nt");
        let longer = mapping.remap(Some(9)).unwrap_err();
        assert_eq!(longer, Error::RemapOutOfRange { least: 1, offset: 0, file_size: Some(8) });
        assert_eq!(mapping.remap(Some(0)).unwrap_err().code(), "ERR_OUT_OF_RANGE");
        assert_eq!(all(&mapping), b"one\nt", "it is as it was before a failure");
        assert_eq!(fs::read(&file.path).unwrap(), b"one\ntwo\n");
    }
}

#[test]
fn remapping_is_refused_where_bytes_would_be_lost_or_there_is_no_file() {
    let file = scratch(b"content");
    let code = |request: Request| Mapping::open(request).unwrap().remap(None).unwrap_err().code();
    assert_eq!(code(request(&file.path, Access::Copy)), "ERR_MMAP_READONLY");
    assert_eq!(code(Request { track: false, ..request(&file.path, Access::Read) }), "ERR_INVALID_ARG_VALUE");
    let anonymous = Request { target: Target::Anonymous, length: 10, ..request(&file.path, Access::Default) };
    assert_eq!(code(anonymous), "ERR_INVALID_ARG_VALUE");
}

#[test]
fn a_mapping_without_bytes_can_grow() {
    let file = scratch(b"head");
    let at_end = || Request { offset: 4, allow_empty: true, ..request(&file.path, Access::Write) };
    let mut mapping = Mapping::open(at_end()).unwrap();
    assert!(mapping.region().is_empty());
    assert_eq!(mapping.region().read_byte(0), Err(Error::OutOfRange));
    mapping.flush(0, 0, None).unwrap();
    mapping.lock(0, 0).unwrap();
    assert_eq!(mapping.resident(0, 0).unwrap().total, 0);
    mapping.resize(4).unwrap();
    write(&mapping, 0, b"tail");
    assert_eq!(fs::read(&file.path).unwrap(), b"headtail");
    mapping.resize(0).unwrap();
    assert!(mapping.region().is_empty());
    assert_eq!(fs::read(&file.path).unwrap(), b"head");
    fs::write(&file.path, b"headmore").unwrap();
    mapping.remap(None).unwrap();
    assert_eq!(all(&mapping), b"more");
    let behind = Request { offset: 9, ..at_end() };
    assert_eq!(Mapping::open(behind).unwrap_err().code(), "ERR_OUT_OF_RANGE");
    let longer = Request { length: 5, ..at_end() };
    assert_eq!(Mapping::open(longer).unwrap_err().code(), "ERR_OUT_OF_RANGE");
}

#[test]
fn of_many_threads_that_create_a_file_exactly_one_has_created_it() {
    const THREADS: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    for round in 0..50 {
        for (nameless, exclusive) in [(true, false), (true, true), (false, false), (false, true)] {
            let path = directory.path().join(format!("{round}-{nameless}-{exclusive}"));
            let start = std::sync::Barrier::new(THREADS);
            let create = || {
                start.wait();
                loop {
                    let new = NewFile { exclusive, ..NewFile::default() };
                    let creation = match sys::Creation::begin(path.as_os_str(), nameless, new) {
                        Err(error) => return error.code() == "EEXIST" && !exclusive,
                        Ok(creation) => creation,
                    };
                    match creation.finish() {
                        sys::Finished::Named => return creation.created,
                        _ if exclusive => return false,
                        _ => {}
                    }
                }
            };
            let created = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(create)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).filter(|created| *created).count()
            });
            assert_eq!(created, 1, "nameless: {nameless}, exclusive: {exclusive}");
        }
    }
}

//! Tasks without Node: ranges, stopping, and releasing the memory while another thread works on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

#[cfg(target_os = "linux")]
mod smaps;

use memmap_core::mapping::Retained;
use memmap_core::search::Finder;
use memmap_core::search::Progress;
use memmap_core::task::{Paging, Piece, Searching, Work};
use memmap_core::{Access, Error, Mapping, RawBytes, Replacement, Request, Target, Task};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

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

fn find(task: &Arc<Task>, needle: &[u8], range: Range<usize>) -> Result<Option<usize>, Error> {
    let work = Arc::new(Searching::find(finder(needle)));
    task.run(Arc::clone(&work) as Arc<_>, range).map(|()| work.found())
}

fn count(task: &Arc<Task>, needle: &[u8], range: Range<usize>) -> Result<usize, Error> {
    let work = Arc::new(Searching::count(finder(needle)));
    task.run(Arc::clone(&work) as Arc<_>, range).map(|()| work.number())
}

fn replace(task: &Arc<Task>, from: &[u8], to: &[u8], range: Range<usize>) -> Result<usize, Error> {
    let work = Arc::new(Searching::replace(finder(from), replacement(to))?);
    task.run(Arc::clone(&work) as Arc<_>, range).map(|()| work.number())
}

type Kind = fn() -> Arc<dyn Work>;

/// All kinds of work that a task can do.
const WORK: [Kind; 5] = [
    || Arc::new(Searching::find(finder(b"needle"))),
    || Arc::new(Searching::count(finder(b"needle"))),
    || Arc::new(Searching::replace(finder(b"\0"), replacement(b"x")).unwrap()),
    || Arc::new(Paging::flush()),
    || Arc::new(Paging::prefetch()),
];

/// How many threads work on a task in these tests.
const THREADS: [usize; 3] = [1, 2, 16];

fn task(mapping: &Mapping, threads: usize) -> Arc<Task> {
    Arc::new(Task::new(mapping, threads))
}

#[test]
fn a_stopped_task_does_nothing() {
    for (work, threads) in WORK.into_iter().zip([1, 2, 16, 1, 2]) {
        let mapping = memory(CHUNK, Access::Write);
        let task = task(&mapping, threads);
        task.stop();
        assert_eq!(task.run(work(), 0..CHUNK), Err(Error::Aborted));
        assert_eq!(task.run(work(), 0..CHUNK), Err(Error::Aborted));
        assert_eq!(task.done(), 0);
        assert_eq!(mapping.region().count(&finder(b"x"), 0..CHUNK), Ok(0));
    }
}

#[test]
fn a_released_task_does_nothing_whether_it_was_stopped_or_not() {
    for work in WORK {
        let mapping = memory(CHUNK, Access::Write);
        let (task, stopped) = (task(&mapping, 1), task(&mapping, 2));
        task.release();
        stopped.stop();
        stopped.release();
        stopped.stop();
        for task in [task, stopped] {
            assert_eq!(task.run(work(), 0..CHUNK), Err(Error::Closed));
            assert_eq!(task.done(), 0);
        }
        assert_eq!(mapping.region().count(&finder(b"x"), 0..CHUNK), Ok(0));
    }
}

#[test]
fn a_task_keeps_the_memory_until_it_is_released() {
    let mapping = memory(CHUNK, Access::Write);
    let region = Arc::downgrade(mapping.region());
    let task = task(&mapping, 2);
    drop(mapping);
    assert!(region.upgrade().is_some());
    assert_eq!(count(&task, b"\0", 0..CHUNK), Ok(CHUNK));
    task.release();
    assert!(region.upgrade().is_none());
}

#[test]
fn a_task_searches_its_range_and_nothing_else() {
    let mapping = memory(3 * CHUNK, Access::Write);
    let mut threads = 1;
    // The ranges end at, before and after the matches, and reach across the seams between chunks.
    for place in [0, 1, CHUNK - 3, CHUNK, 2 * CHUNK - 1, 3 * CHUNK - 6] {
        write(&mapping, place, b"needle");
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
            // One thread searches the range in chunks, two in pieces.
            threads = 3 - threads;
            let (range, finding) = (|| start..stop, task(&mapping, threads));
            assert_eq!(find(&finding, b"needle", range()), Ok(found), "{place} in {start}..{stop}");
            assert_eq!(finding.done(), stop - start);
            assert_eq!(count(&task(&mapping, threads), b"needle", range()), Ok(usize::from(inside)));
            let replaced = replace(&task(&mapping, threads), b"needle", b"NEEDLE", range());
            assert_eq!(replaced, Ok(usize::from(inside)));
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
    assert_eq!(replace(&task(&mapping, 1), b"aa", b"ba", 0..2 * CHUNK), Ok(2));
    assert_eq!(mapping.region().find(&finder(b"babaa"), 0..2 * CHUNK), Ok(Some(CHUNK - 1)));
}

#[test]
fn a_range_outside_the_mapping_is_an_error() {
    let mapping = memory(CHUNK, Access::Write);
    for threads in THREADS {
        let task = task(&mapping, threads);
        for work in WORK {
            assert_eq!(task.run(work(), 0..CHUNK + 1), Err(Error::OutOfRange));
            assert_eq!(task.run(work(), 2 * CHUNK..3 * CHUNK), Err(Error::OutOfRange));
            assert_eq!(task.run(work(), CHUNK..CHUNK), Ok(()));
        }
    }
}

#[test]
fn progress_is_reported_in_chunks() {
    let mapping = memory(10 * MIB, Access::Write);
    for (work, chunk) in WORK.into_iter().zip([4, 4, 4, 8, 8].map(|mib| mib * MIB)) {
        let task = task(&mapping, 1);
        // The first chunk that is not entirely inside ends the work.
        assert_eq!(task.run(work(), 0..20 * MIB), Err(Error::OutOfRange));
        assert_eq!(task.done(), 10 * MIB / chunk * chunk);
    }
}

#[test]
fn an_empty_needle_is_found_at_the_start_of_the_range() {
    let mapping = memory(3 * CHUNK, Access::Write);
    for range in [5..10, 5..5, 5..3 * CHUNK] {
        assert_eq!(find(&task(&mapping, 2), b"", range), Ok(Some(5)));
    }
}

/// Work whose pieces are one byte long and call a function, at least once. They are done when it
/// says so.
struct Each<F>(F);

type Called = fn(&Retained) -> Result<Progress, Error>;

impl<F: Fn(&Retained) -> Result<Progress, Error> + Send + Sync + 'static> Work for Each<F> {
    fn turn(&self) -> usize {
        1
    }

    fn divides(&self) -> bool {
        true
    }

    fn scans(&self) -> bool {
        false
    }

    fn cut(&self, _: &Retained, _: &Range<usize>, wanted: usize) -> Result<Option<usize>, Error> {
        Ok(Some(wanted))
    }

    fn is_settled_before(&self, _: usize) -> bool {
        false
    }

    fn begin(self: Arc<Self>, range: Range<usize>) -> Box<dyn Piece> {
        Box::new(EachPiece(self, range.start))
    }
}

struct EachPiece<F>(Arc<Each<F>>, usize);

impl<F: Fn(&Retained) -> Result<Progress, Error> + Send + Sync> Piece for EachPiece<F> {
    fn advance(&mut self, memory: &Retained) -> Result<Progress, Error> {
        self.1 += 1;
        self.0.0(memory)
    }

    fn position(&self) -> usize {
        self.1
    }
}

/// More pieces than can be done.
const ENDLESS: Range<usize> = 0..1 << 40;

/// How long a test waits for what should come soon.
const SOON: Duration = Duration::from_secs(60);

fn start(task: &Arc<Task>, work: impl Work + 'static, range: Range<usize>) -> mpsc::Receiver<Result<(), Error>> {
    let (ended, has_ended) = mpsc::channel();
    // The receiver may be gone.
    task.start(Arc::new(work), range, move |_, result| drop(ended.send(result))).unwrap();
    has_ended
}

/// Stops or releases a task while several threads work on it without an end.
fn interrupt(end: fn(&Task), expected: &Error) {
    let mapping = memory(CHUNK, Access::Write);
    let region = Arc::downgrade(mapping.region());
    let task = task(&mapping, 16);
    drop(mapping);
    let (begun, has_begun) = mpsc::channel();
    let read = move |memory: &Retained| {
        memory.region().read_byte(0)?;
        // The receiver may be gone.
        let _ = begun.send(());
        Ok(Progress::Done)
    };
    let has_ended = start(&task, Each(read), ENDLESS);
    for _ in 0..100 {
        has_begun.recv().unwrap();
    }
    end(&task);
    if *expected == Error::Closed {
        // The memory is released when the call returns, not at some later time.
        assert!(region.upgrade().is_none());
    }
    assert_eq!(has_ended.recv(), Ok(Err(expected.clone())));
    // It ends once.
    end(&task);
    assert_eq!(has_ended.recv(), Err(mpsc::RecvError));
}

#[test]
fn stop_ends_a_task_on_which_several_threads_work() {
    interrupt(Task::stop, &Error::Aborted);
}

#[test]
fn release_drops_the_memory_of_a_running_task_before_it_returns() {
    for _ in 0..5 {
        interrupt(Task::release, &Error::Closed);
    }
}

/// Occupies all threads of the pool. Each waits until the returned value is dropped, so that later
/// tasks wait, too.
fn occupy_threads(mapping: &Mapping) -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let held = Mutex::new(held);
    let wait = move |_: &Retained| {
        begun.send(()).unwrap();
        let _ = held.lock().unwrap().recv();
        Ok(Progress::Done)
    };
    start(&task(mapping, 16), Each(wait), 0..16);
    for _ in 0..16 {
        has_begun.recv().unwrap();
    }
    hold
}

#[test]
fn a_task_that_waits_for_a_thread_ends_at_once_when_stopped_or_released() {
    let mapping = memory(CHUNK, Access::Write);
    let occupied = occupy_threads(&mapping);
    for (end, expected) in [(Task::stop as fn(&Task), Error::Aborted), (Task::release, Error::Closed)] {
        let waiting = task(&mapping, 2);
        let work = Searching::replace(finder(b"\0"), replacement(b"x")).unwrap();
        let has_ended = start(&waiting, work, 0..CHUNK);
        assert_eq!(has_ended.try_recv(), Err(mpsc::TryRecvError::Empty));
        end(&waiting);
        assert_eq!(has_ended.try_recv(), Ok(Err(expected)));
        // It ends once, because its sender is gone.
        end(&waiting);
        assert_eq!(has_ended.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }
    // A thread that wants an answer at once does the work itself.
    assert_eq!(count(&task(&mapping, 16), b"\0", 0..CHUNK), Ok(CHUNK));
    drop(occupied);
}

#[test]
fn short_tasks_get_their_turns_beside_endless_ones() {
    let mapping = memory(CHUNK, Access::Write);
    let next_piece = Each((|_| Ok(Progress::Done)) as Called);
    let same_piece = || Each((|_| Ok(Progress::Paused)) as Called);
    let mut endless = vec![task(&mapping, 16)];
    start(&endless[0], next_piece, ENDLESS);
    // Each of these is one piece, for one thread.
    for _ in 0..20 {
        endless.push(task(&mapping, 1));
        start(endless.last().unwrap(), same_piece(), ENDLESS);
    }
    for threads in THREADS {
        let ends: Vec<_> =
            (0..20).map(|_| start(&task(&mapping, threads), Searching::count(finder(b"x")), 0..CHUNK)).collect();
        for end in ends {
            assert_eq!(end.recv_timeout(SOON), Ok(Ok(())));
        }
    }
    for task in endless {
        assert!(task.done() > 0);
        task.release();
    }
}

#[test]
fn no_more_threads_work_on_a_task_than_it_allows() {
    let mapping = memory(CHUNK, Access::Write);
    for threads in 1..=16 {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let wait = move |_: &Retained| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The first pieces wait for one another, so that all threads must have begun.
            let began = Instant::now();
            while most.load(Ordering::SeqCst) < threads && began.elapsed() < SOON {
                thread::yield_now();
            }
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(Progress::Done)
        };
        let has_ended = start(&task(&mapping, threads), Each(wait), 0..1000);
        assert_eq!(has_ended.recv(), Ok(Ok(())));
        assert_eq!(seen.load(Ordering::SeqCst), threads);
    }
}

#[test]
fn the_first_error_of_any_piece_ends_the_task() {
    let mapping = memory(CHUNK, Access::Write);
    for threads in THREADS {
        let left = AtomicUsize::new(100);
        let fail = move |_: &Retained| match left.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(Error::WriteDetached),
            _ => Ok(Progress::Paused),
        };
        let task = task(&mapping, threads);
        assert_eq!(start(&task, Each(fail), ENDLESS).recv(), Ok(Err(Error::WriteDetached)));
        assert!(task.done() >= 99);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_task_advises_the_system_about_its_whole_range_until_it_ends() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(8 * CHUNK as u64).unwrap();
    let mapping = Mapping::open(Request::new(Target::Path(file.path().into()), Access::Write)).unwrap();
    let is_advised = || smaps::is_read_in_order(file.path());
    let count = || Searching::count(finder(b"needle"));
    let ends: [fn(&Task); 3] = [|_| (), Task::stop, Task::release];
    for end in ends {
        let held = occupy_threads(&mapping);
        assert!(!is_advised());
        let task = task(&mapping, 2);
        let has_ended = start(&task, count(), 0..8 * CHUNK);
        assert!(is_advised());
        end(&task);
        drop(held);
        has_ended.recv().unwrap().ok();
        assert!(!is_advised());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn advice_about_a_scan_stays_until_the_last_scan_ends_or_the_user_advises() {
    const MADV_RANDOM: i32 = 1;
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(16 * CHUNK as u64).unwrap();
    let mapping = Mapping::open(Request::new(Target::Path(file.path().into()), Access::Write)).unwrap();
    let is_advised = || smaps::is_read_in_order(file.path());
    let held = occupy_threads(&mapping);
    let begin = |range| {
        let task = task(&mapping, 2);
        (start(&task, Searching::count(finder(b"needle")), range), task)
    };
    let (first, second) = (begin(0..8 * CHUNK), begin(8 * CHUNK..16 * CHUNK));
    first.1.stop();
    // It is stopped once, whatever it is told afterwards.
    first.1.release();
    assert_eq!(first.0.recv().unwrap(), Err(Error::Aborted));
    assert!(is_advised());
    second.1.stop();
    assert!(!is_advised());
    // The caller knows better, also if only a part is mentioned.
    let third = begin(0..16 * CHUNK);
    assert!(is_advised());
    mapping.advise(MADV_RANDOM, 0, CHUNK).unwrap();
    assert!(!is_advised());
    drop(held);
    assert_eq!(third.0.recv().unwrap(), Ok(()));
    assert!(!is_advised());
}

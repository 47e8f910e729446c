//! Tasks whose range is divided into small pieces, compared with one search of the whole range.
//!
//! PROPTEST_RNG_SEED repeats a run of the random tests, which print it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

mod random;

use memmap_core::search::{Finder, Pattern, PatternOptions, Searcher};
use memmap_core::task::{self, Searching, Work};
use memmap_core::{Access, Error, Mapping, RawBytes, Replacement, Request, Target, Task};
use random::Random;
use std::ops::Range;
use std::sync::{Arc, mpsc};

fn memory(bytes: &[u8]) -> Mapping {
    let request = Request::new(Target::Anonymous, Access::Write);
    let mapping = Mapping::open(Request { length: bytes.len() as u64, ..request }).unwrap();
    // SAFETY: the bytes outlive the value, and are only read.
    mapping.region().write(0, unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) }).unwrap();
    mapping
}

fn content(mapping: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; mapping.region().len()];
    // SAFETY: the vector belongs to this function and outlives the value.
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), bytes.len()) };
    mapping.region().read(0, target).unwrap();
    bytes
}

/// How a range is divided.
#[derive(Debug, Clone, Copy)]
struct Division {
    threads: usize,
    length: usize,
    /// The calling thread works, too.
    takes_part: bool,
}

impl Division {
    fn random(random: &mut Random) -> Division {
        Division { threads: 2 + random.below(15), length: 1 + random.below(40), takes_part: random.below(2) == 0 }
    }

    fn run<S: Searcher>(self, mapping: &Mapping, work: Searching<S>, range: Range<usize>) -> Arc<Searching<S>> {
        let work = Arc::new(work.in_pieces_of(self.length));
        let task = Arc::new(Task::new(mapping, self.threads));
        let shared = Arc::clone(&work) as Arc<dyn Work>;
        if self.takes_part {
            task.run(shared, range.clone()).unwrap();
        } else {
            let (ended, has_ended) = mpsc::channel();
            task.start(shared, range.clone(), move |_, result| ended.send(result).unwrap()).unwrap();
            has_ended.recv().unwrap().unwrap();
        }
        assert_eq!(task.done(), range.len());
        work
    }
}

/// Counts and replaces, with many pieces and at once.
fn check<S: Searcher>(bytes: &[u8], searcher: &S, to: &[u8], range: &Range<usize>, division: Division) {
    let (divided, whole) = (memory(bytes), memory(bytes));
    let counted = division.run(&divided, Searching::count(searcher.clone()), range.clone()).number();
    let expected = whole.region().count(searcher, range.clone()).unwrap();
    assert_eq!(counted, expected);
    let to = || Replacement { bytes: to.to_vec(), fill: Some(b'-') };
    if to().check(searcher).is_ok() {
        let work = Searching::replace(searcher.clone(), to()).unwrap();
        assert_eq!(division.run(&divided, work, range.clone()).number(), expected);
        let mut replaced = 0;
        whole.region().replace(searcher, &to(), range.clone(), &mut replaced).unwrap();
        assert_eq!(content(&divided).escape_ascii().to_string(), content(&whole).escape_ascii().to_string());
    }
}

/// Bytes in which the needle is at the wanted ends of pieces.
fn haystack(random: &mut Random, needle: &[u8], start: usize, piece: usize) -> Vec<u8> {
    let length = random.below(600);
    let letters = random.of(&[&b"ab"[..], b"a", b"aaaaaaaab", b"abc"]);
    let mut bytes: Vec<u8> = (0..length).map(|_| random.of(letters)).collect();
    let density = 1 + random.below(4);
    for border in (start..length).step_by(piece) {
        let at = border.saturating_sub(random.below(needle.len() + 1));
        if random.below(density) == 0 && at + needle.len() <= length {
            bytes[at..at + needle.len()].copy_from_slice(needle);
        }
    }
    bytes
}

fn range(random: &mut Random, length: usize) -> Range<usize> {
    let start = if random.below(2) == 0 { 0 } else { random.below(length + 1) };
    start..if random.below(2) == 0 { length } else { start + random.below(length - start + 1) }
}

#[test]
fn a_needle_is_found_in_pieces_as_in_the_whole() {
    let mut random = Random::new();
    for case in 0..4000 {
        let length = 1 + random.of(&[1, 2, 3, 5, 8, 50, 100]);
        let letters = random.of(&[&b"ab"[..], b"a", b"aaaab"]);
        let needle: Vec<u8> = (0..random.below(length) + 1).map(|_| random.of(letters)).collect();
        let to: Vec<u8> = (0..needle.len()).map(|_| random.of(b"ab")).collect();
        let division = Division::random(&mut random);
        let start = random.below(3);
        let bytes = haystack(&mut random, &needle, start, division.length);
        if bytes.is_empty() {
            continue;
        }
        let range = if start < bytes.len() { start..bytes.len() } else { range(&mut random, bytes.len()) };
        println!("{case}: {} in {}, {range:?}, {division:?}", needle.escape_ascii(), bytes.escape_ascii());
        let finder = Finder::new(needle);
        let mapping = memory(&bytes);
        let found = division.run(&mapping, Searching::find(finder.clone()), range.clone()).found();
        assert_eq!(found, mapping.region().find(&finder, range.clone()).unwrap());
        check(&bytes, &finder, &to, &range, division);
    }
}

#[test]
fn a_needle_longer_than_the_pieces_and_the_range_is_found_as_in_the_whole() {
    let division = Division { threads: 16, length: 3, takes_part: true };
    let mut bytes = vec![b'a'; 300];
    bytes[150] = b'b';
    for length in [1, 100, 149, 150, 151, 299, 300, 301] {
        check(&bytes, &Finder::new(vec![b'a'; length]), &vec![b'c'; length], &(0..300), division);
    }
}

fn pattern(pattern: &str, options: PatternOptions) -> Arc<Pattern> {
    let hir = regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build().parse(pattern).unwrap();
    Pattern::new(&hir, options).unwrap()
}

#[test]
fn patterns_that_may_match_a_newline_or_nothing_are_not_divided() {
    for divided in ["ab+c", "a.c", r"(?m:^)a\d+(?m:$)", r"\bab\b", "[ab]|x{2,5}", r"[^\n]c", "(?mR:^)a(?mR:$)"] {
        assert!(pattern(divided, PatternOptions::default()).divides(), "{divided}");
    }
    for whole in ["a*", "a|", "(?m:^)", r"a\nb", "a[^b]c", "(?s:a.b)", r"a\s+b", r"(?:b[\x00-\x20]){2}"] {
        assert!(!pattern(whole, PatternOptions::default()).divides(), "{whole}");
    }
    assert!(!pattern("ab", PatternOptions { sticky: true, ..PatternOptions::default() }).divides());
    let lines = PatternOptions { lines: true, ..PatternOptions::default() };
    assert!(pattern("a*", lines).divides());
    assert!(!pattern("b?^a", lines).divides());
}

#[test]
fn a_pattern_is_found_in_pieces_as_in_the_whole() {
    const ATOMS: [&str; 18] = [
        "a", "b", "ab", "[ab]", ".", r"\n", r"[^a]", r"[^b\n]", r"\b", r"\B", "^", "$", "(?m:^)", "(?m:$)", "(?mR:^)",
        "(?mR:$)", r"\r", "_",
    ];
    let mut random = Random::new();
    let mut divided = 0;
    for case in 0..4000 {
        let mut text = String::new();
        for _ in 0..1 + random.below(4) {
            text += random.of(&ATOMS);
            text += random.of(&["", "", "", "+", "*", "?", "|"]);
        }
        let lines = random.below(4) == 0 && !text.contains("[^a]") && !text.contains(r"\n");
        let unicode = random.below(2) == 0;
        let pattern = pattern(&text, PatternOptions { lines, unicode, ..PatternOptions::default() });
        divided += usize::from(pattern.divides());
        let division = Division::random(&mut random);
        let bytes: Vec<u8> = (0..1 + random.below(300)).map(|_| random.of(b"aaabb_\n\n\r")).collect();
        let range = range(&mut random, bytes.len());
        println!("{case}: {text} in {}, {range:?}, {division:?}, {lines}", bytes.escape_ascii());
        check(&bytes, &pattern, random.of(&[&b"x"[..], b"", b"\n"]), &range, division);
    }
    assert!(divided > 500, "{divided}");
}

/// A length for which threads help the calling thread.
const LONG: usize = 40 * 1024 * 1024;

/// Long memory with needles across the borders of pieces, and the number of them.
fn long_memory() -> (Mapping, usize) {
    let mapping = memory(&vec![0; LONG]);
    let mut count = 0;
    for (index, border) in (0..LONG - 6).step_by(1024 * 1024).skip(35).enumerate() {
        let at = border - index % 7;
        // SAFETY: the bytes are constant.
        mapping.region().write(at, unsafe { RawBytes::new(b"needle".as_ptr(), 6) }).unwrap();
        count += 1;
    }
    (mapping, count)
}

#[test]
fn a_thread_that_is_helped_finds_what_it_finds_alone() {
    let (mapping, count) = long_memory();
    let finder = Finder::new(b"needle".to_vec());
    let to = || Replacement { bytes: b"NEEDLE".to_vec(), fill: None };
    // The first range has its first needle near its start, the second one far from it.
    for range in [34 * 1024 * 1024..LONG, 0..LONG] {
        assert_eq!(task::find(&mapping, &finder, range.clone()), mapping.region().find(&finder, range.clone()));
        assert_eq!(task::count(&mapping, &finder, range), Ok(count));
    }
    assert_eq!(task::find(&mapping, &Finder::new(b"absent".to_vec()), 0..LONG), Ok(None));
    let mut replaced = 0;
    task::replace(&mapping, &finder, to(), 0..LONG, &mut replaced).unwrap();
    assert_eq!(replaced, count);
    assert_eq!(mapping.region().count(&finder, 0..LONG), Ok(0));
    let beyond = task::replace(&mapping, &finder, to(), 0..LONG + 1, &mut replaced);
    assert_eq!(beyond, Err(Error::OutOfRange));
}

/// A forked process has the pool's queue, and none of its threads.
#[cfg(unix)]
#[test]
fn a_forked_process_searches_without_help() {
    let (mapping, count) = long_memory();
    let finder = Finder::new(b"needle".to_vec());
    for _ in 0..5 {
        // The pool has threads now, which may have its lock when the process is forked.
        let (ended, has_ended) = mpsc::channel();
        let task = Arc::new(Task::new(&mapping, 16));
        let work = Arc::new(Searching::count(finder.clone()).in_pieces_of(64 * 1024));
        task.start(work, 0..LONG, move |_, result| ended.send(result).unwrap()).unwrap();
        // SAFETY: the child only searches, and ends without running destructors.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let is_right = task::count(&mapping, &finder, 0..LONG) == Ok(count);
            // SAFETY: it ends the process.
            unsafe { libc::_exit(i32::from(!is_right)) };
        }
        let mut status = -1;
        // SAFETY: the status is writable. If the child waited for a thread, this would not return.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
        has_ended.recv().unwrap().unwrap();
    }
}

#[test]
fn closing_long_memory_drops_its_pages_only_if_nobody_else_uses_them() {
    let (mapping, count) = long_memory();
    let finder = Finder::new(b"needle".to_vec());
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(LONG as u64).unwrap();
    let open = |access| Mapping::open(Request::new(Target::Path(file.path().into()), access)).unwrap();
    // What was stored through a mapping is in the file when it is closed.
    let shared = open(Access::Write);
    copy(&mapping, &shared);
    task::close(shared);
    assert_eq!(open(Access::Read).region().count(&finder, 0..LONG), Ok(count));
    // A private mapping has changes that are nowhere else.
    let private = open(Access::Copy);
    let to = Replacement { bytes: b"NEEDLE".to_vec(), fill: None };
    private.region().replace(&finder, &to, 0..LONG, &mut 0).unwrap();
    let region = Arc::clone(private.region());
    task::close(private);
    assert_eq!(region.count(&Finder::new(b"NEEDLE".to_vec()), 0..LONG), Ok(count));
    assert_eq!(open(Access::Read).region().count(&finder, 0..LONG), Ok(count));
}

/// Copies the bytes of one mapping to another.
fn copy(from: &Mapping, to: &Mapping) {
    let bytes = content(from);
    // SAFETY: the bytes outlive the value, and are only read.
    to.region().write(0, unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) }).unwrap();
}

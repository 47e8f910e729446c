//! Searching for patterns, compared with the crate `regex` on the whole slice.
//!
//! PROPTEST_RNG_SEED repeats a run of the random tests, which print it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

mod random;

use memmap_core::search::{Group, Pattern, PatternOptions, PatternSearch, PrefilterChoice, Progress, Search};
use memmap_core::{Access, Mapping, Request, Target};
use random::Random;
use regex_syntax::hir::Hir;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Place = Option<(usize, usize)>;

/// A match and its groups.
type Found = Vec<Place>;

fn hir(pattern: &str) -> Hir {
    regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build().parse(pattern).unwrap()
}

fn compile(pattern: &str, options: PatternOptions) -> Arc<Pattern> {
    let hir = hir(pattern);
    let groups = hir.properties().explicit_captures_len();
    Pattern::new(&hir, PatternOptions { groups, ..options }).unwrap()
}

/// The matches in a range, with a pause every `budget` bytes.
fn found(pattern: &Arc<Pattern>, text: &[u8], range: Range<usize>, budget: usize) -> Vec<Found> {
    let mut search = PatternSearch::new(pattern, range, true);
    let mut all = Vec::new();
    let mut hit = |found: &memmap_core::search::Match<'_>| {
        let groups = found.groups.iter().map(|group| match *group {
            Group::At { start, end } => Some((start, end)),
            Group::Unmatched => None,
            Group::Unknown => panic!("the groups of a short match"),
        });
        all.push([Some((found.start, found.end))].into_iter().chain(groups).collect());
        true
    };
    while unsafe { search.advance(text.as_ptr(), budget, &mut hit) }.unwrap() == Progress::Paused {}
    all
}

fn counted(pattern: &Arc<Pattern>, text: &[u8], range: Range<usize>, budget: usize) -> usize {
    let mut search = PatternSearch::new(pattern, range, false);
    let mut count = 0;
    while unsafe { search.count(text.as_ptr(), budget, &mut count) }.unwrap() == Progress::Paused {}
    count
}

/// What the crate `regex` finds. After an empty match it goes on one byte later.
fn expected(pattern: &regex::bytes::Regex, text: &[u8], range: Range<usize>) -> Vec<Found> {
    let mut all = Vec::new();
    let mut at = range.start;
    while at <= range.end {
        let Some(captures) = pattern.captures_at(&text[..range.end], at) else { break };
        let found: Found = captures.iter().map(|group| group.map(|place| (place.start(), place.end()))).collect();
        let (start, end) = found[0].unwrap();
        at = if start == end { end + 1 } else { end };
        all.push(found);
    }
    all
}

fn atom(random: &mut Random) -> &'static str {
    match random.below(16) {
        0..=5 => random.of(&["a", "b", "c", "x", "ab", "abc"]),
        6 => ".",
        7 => "(?s:.)",
        8 => random.of(&["[ab]", "[^a]", r"[^b\n]", "[a-c]", "[^ ]"]),
        9 => random.of(&[r"\w", r"\s", r"\W", r"\S", r"\d"]),
        10 => random.of(&[r"\n", " ", "_", r"\xff", r"\r"]),
        11 => random.of(&["^", "$", r"\b", r"\B"]),
        12 => random.of(&["(?m:^)", "(?m:$)", "(?mR:^)", "(?mR:$)"]),
        13 => random.of(&["foo", "bar", "needle", "xy"]),
        14 => "(?i:ab)",
        _ => "",
    }
}

fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return atom(random).to_owned();
    }
    match random.below(10) {
        0..=3 => (0..=random.below(4)).map(|_| expression(random, depth - 1)).collect(),
        4 => format!("({})", expression(random, depth - 1)),
        5 => format!("(?:{}|{})", expression(random, depth - 1), expression(random, depth - 1)),
        6 => format!(
            "(?:{}|{}|{})",
            expression(random, depth - 1),
            expression(random, depth - 1),
            expression(random, depth - 1)
        ),
        7 | 8 => {
            let repeated = expression(random, depth - 1);
            let quantifier = random.of(&["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"]);
            format!("(?:{repeated}){quantifier}")
        }
        _ => atom(random).to_owned(),
    }
}

/// A pattern with a literal in it, and mostly with something before and after that.
fn around_literal(random: &mut Random) -> String {
    const SIDES: [&str; 16] = [
        r"\w+",
        "[^\n]*",
        "(?:a|b)+",
        r"\b",
        "(x?)",
        "[abc ]*?",
        r"(\w*) ",
        "^",
        "(?m:$)",
        "(?m:^)",
        "(?mR:^)",
        ".*",
        ".{1,3}",
        "a*|b",
        r"(\w+) (a|b)*",
        "(?mR:$)",
    ];
    const LITERALS: [&str; 7] = ["needle", "foo", "(?:foo|xy)", "(?i:foo)", "(fo+)", r"x\w\w", "(?:needle|foo|ab)"];
    format!("{}{}{}", random.of(&SIDES), random.of(&LITERALS), random.of(&SIDES))
}

/// A pattern that matches whole lines, or nearly.
fn around_line(random: &mut Random) -> String {
    const ANY: [&str; 12] = [
        ".*",
        "(.*)",
        ".*?",
        r"[^\n]*",
        r"[^\r\n]*",
        r"([^\n\r]*?)",
        "(?R:.)*",
        r"[^\r\n]+",
        "[a-z]*",
        r"[^b\r\n]*",
        "(?s:.)*",
        "",
    ];
    const ENDS: [&str; 5] = ["(?m:$)", "(?mR:$)", "(?:(?m:$)|(?mR:$))", "(?:(?m:$)|(?m:$))", r"(?:(?m:$)|\b)"];
    let start = random.of(&["(?m:^)", "(?mR:^)"]);
    let depth = random.below(3);
    let inner = if random.below(2) == 0 { around_literal(random) } else { expression(random, depth) };
    format!("{start}{}{inner}{}{}", random.of(&ANY), random.of(&ANY), random.of(&ENDS))
}

fn text(random: &mut Random) -> Vec<u8> {
    let length = if random.below(4) == 0 { random.below(2000) } else { random.below(60) };
    let kinds = 2 + random.below(9);
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(match random.below(kinds) {
            0 | 1 => b"a",
            2 => b"b",
            3 => b"c",
            4 => b"\n",
            5 => b" ",
            6 => b"x",
            7 => b"needle",
            8 => b"\xff",
            9 => b"foo",
            _ => b"\r",
        });
    }
    // In memory of this length, so that a sanitizer sees each read beyond it.
    text.shrink_to_fit();
    text
}

/// A pattern of any kind, and what the crate `regex` makes of it. `None` if that refuses it.
fn any_pattern(random: &mut Random) -> Option<(String, regex::bytes::Regex)> {
    let depth = 1 + random.below(4);
    let source = match random.below(4) {
        0 => around_literal(random),
        1 => around_line(random),
        _ => expression(random, depth),
    };
    let reference = regex::bytes::RegexBuilder::new(&source).unicode(false).build().ok()?;
    Some((source, reference))
}

/// A part of a text, which is often all of it.
fn any_range(random: &mut Random, length: usize) -> Range<usize> {
    let start = if random.below(3) == 0 { random.below(length + 1) } else { 0 };
    let stop = if random.below(3) == 0 { start + random.below(length - start + 1) } else { length };
    start..stop
}

#[test]
fn random_patterns_find_what_regex_finds() {
    let mut random = Random::new();
    for _ in 0..1_000 {
        let Some((source, reference)) = any_pattern(&mut random) else { continue };
        // A cache without room for more than a few states is cleared all the time.
        let dfa_cache = if random.below(3) == 0 { 0 } else { 1 << 20 };
        let prefilter =
            [PrefilterChoice::Fastest, PrefilterChoice::Off, PrefilterChoice::Start, PrefilterChoice::Inside]
                [random.below(4)];
        let pattern = compile(&source, PatternOptions { dfa_cache, prefilter, ..PatternOptions::default() });
        for _ in 0..6 {
            let text = text(&mut random);
            let (range, budget) = (any_range(&mut random, text.len()), 1 + random.below(64));
            let wanted = expected(&reference, &text, range.clone());
            let context = format!(
                "{source:?} {prefilter:?} every {budget} in {range:?} of {:?}",
                text.escape_ascii().to_string()
            );
            assert_eq!(found(&pattern, &text, range.clone(), budget), wanted, "{context}");
            assert_eq!(counted(&pattern, &text, range, budget), wanted.len(), "{context}");
        }
    }
}

/// The groups of a match, found after the search. `None` if it is no match any more.
fn late_groups(memory: &Mapping, pattern: &Pattern, place: Range<usize>, stop: usize) -> Option<Found> {
    let mut all = None;
    let mut keep = |groups: &[Group]| {
        let group = |group: &Group| match *group {
            Group::At { start, end } => Some((start, end)),
            Group::Unmatched => None,
            Group::Unknown => panic!("the groups of a short match"),
        };
        all = Some(groups.iter().map(group).collect());
    };
    let is_match = memory.region().groups(pattern, place, stop, &mut keep).unwrap();
    assert_eq!(is_match, all.is_some() || pattern.groups() == 0);
    all
}

#[test]
fn groups_that_are_found_after_the_search_are_those_of_the_search() {
    let memory = Mapping::open(Request { length: 4096, ..Request::new(Target::Anonymous, Access::Default) }).unwrap();
    let start = memory.region().start();
    let mut random = Random::new();
    let (mut same, mut others) = (0, 0);
    for _ in 0..1_000 {
        let source = if random.below(3) == 0 { around_literal(&mut random) } else { expression(&mut random, 3) };
        let whole = format!("^(?:{source})$");
        let Ok(reference) = regex::bytes::RegexBuilder::new(&whole).unicode(false).build() else { continue };
        let pattern = compile(&source, PatternOptions::default());
        if pattern.groups() == 0 {
            continue;
        }
        let mut text = text(&mut random);
        let stop = random.below(text.len() + 1);
        let all = found(&pattern, &text, 0..stop, usize::MAX);
        unsafe { start.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        for found in &all {
            let (from, to) = found[0].unwrap();
            let context = format!("{source:?} {from}..{to} of {stop} in {:?}", text.escape_ascii().to_string());
            assert_eq!(late_groups(&memory, &pattern, from..to, stop).as_deref(), Some(&found[1..]), "{context}");
            same += 1;
        }
        // What is beside the match cannot be told to the crate `regex`, so only patterns that do
        // not look there are compared after a change.
        if !hir(&source).properties().look_set().is_empty() {
            continue;
        }
        for found in &all {
            let (from, to) = found[0].unwrap();
            for _ in 0..to - from {
                let at = from + random.below(to - from);
                text[at] = random.of(b"abcx\n ");
                memory.region().write_byte(at, text[at]).unwrap();
                let context = format!("{source:?} {from}..{to} in {:?}", text.escape_ascii().to_string());
                let late = late_groups(&memory, &pattern, from..to, stop);
                // The opposite need not hold: `a|ab` prefers to be shorter than `ab`.
                if late.is_some() {
                    assert!(reference.is_match(&text[from..to]), "{context}");
                    others += 1;
                }
            }
        }
    }
    assert!(same > 1000 && others > 100, "{same} {others}");
}

#[test]
fn a_pattern_that_lacks_its_groups_has_unmatched_ones() {
    let pattern = |source: &str| Pattern::new(&hir(source), PatternOptions { groups: 2, ..PatternOptions::default() });
    let unmatched = |place| vec![Some(place), None, None];
    assert_eq!(found(&pattern("ab").unwrap(), b"xabab", 0..5, 64), [unmatched((1, 3)), unmatched((3, 5))]);
    let one = vec![Some((1, 3)), Some((2, 3)), None];
    assert_eq!(found(&pattern("a(b)").unwrap(), b"xabx", 0..4, 64), [one]);
}

#[test]
fn the_groups_of_a_line_depend_on_what_is_around_it() {
    // Between the `\r` and the `\n` there is no end of a line.
    let text = b"a\r\nb1\nb12";
    for source in [r"(?m:^).*\r(?:((?mR:$))|())(?m:$)", r"(?m:^).*b(\d)(?m:$)", r"(?m:^)(.*)\r\b(?m:$)"] {
        let reference = regex::bytes::RegexBuilder::new(source).unicode(false).build().unwrap();
        let pattern = compile(source, PatternOptions::default());
        assert_eq!(found(&pattern, text, 0..text.len(), 64), expected(&reference, text, 0..text.len()), "{source}");
    }
    let memory = Mapping::open(Request { length: 4096, ..Request::new(Target::Anonymous, Access::Default) }).unwrap();
    unsafe { memory.region().start().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    let pattern = compile(r"(?m:^).*b(\d)(?m:$)", PatternOptions::default());
    assert_eq!(late_groups(&memory, &pattern, 3..5, text.len()), Some(vec![Some((4, 5))]));
    for (at, other, before) in [(5, b'2', b'\n'), (2, b'x', b'\n')] {
        memory.region().write_byte(at, other).unwrap();
        assert_eq!(late_groups(&memory, &pattern, 3..5, text.len()), None, "byte {at}");
        memory.region().write_byte(at, before).unwrap();
    }
}

/// The places of all matches of a pattern that is compiled with these options.
fn places(source: &str, options: PatternOptions, text: &[u8]) -> Vec<(usize, usize)> {
    let pattern = compile(source, options);
    let all = found(&pattern, text, 0..text.len(), 3);
    all.into_iter().filter_map(|found| found[0]).collect()
}

#[test]
fn a_sticky_pattern_matches_where_the_last_match_ended() {
    let sticky = PatternOptions { sticky: true, ..PatternOptions::default() };
    assert_eq!(places("ab|c", sticky, b"abcab abc"), [(0, 2), (2, 3), (3, 5)]);
    assert_eq!(places("b", sticky, b"ab"), []);
    // After an empty match it goes on one byte later.
    assert_eq!(places("a*", sticky, b"aab"), [(0, 2), (2, 2), (3, 3)]);
}

#[test]
fn empty_matches_of_unicode_patterns_are_at_code_points() {
    let unicode = PatternOptions { unicode: true, ..PatternOptions::default() };
    let text = "aä€😀".as_bytes();
    let starts: Vec<(usize, usize)> = [0, 1, 3, 6, 10].map(|at| (at, at)).to_vec();
    assert_eq!(places("", unicode, text), starts);
    assert_eq!(places("", PatternOptions { sticky: true, ..unicode }, text), starts);
    assert_eq!(places("", PatternOptions::default(), text).len(), text.len() + 1);
}

#[test]
fn lines_with_a_match_are_found_once() {
    let lines = PatternOptions { lines: true, ..PatternOptions::default() };
    let text = b"foo foo\n\nbar\na foo b\nfoo";
    for prefilter in [PrefilterChoice::Fastest, PrefilterChoice::Off] {
        let lines = PatternOptions { prefilter, ..lines };
        assert_eq!(places("foo", lines, text), [(0, 7), (13, 20), (21, 24)]);
        assert_eq!(places("(?m:^)[^\n]*b", lines, text), [(9, 12), (13, 20)]);
    }
    // There is no line after the last newline.
    assert_eq!(places("(?m:^$)", lines, b"a\n\nb\n"), [(2, 2)]);
    assert_eq!(places("", lines, b"a\n"), [(0, 1)]);
    assert_eq!(places("", lines, b""), []);
}

#[test]
fn a_match_may_be_replaced_while_the_search_goes_on() {
    let pattern = compile(r"\bx|(?m:^)y", PatternOptions::default());
    let mut text = b"x x\nyxx".to_vec();
    let start = text.as_mut_ptr();
    let mut search = PatternSearch::new(&pattern, 0..text.len(), false);
    let mut hit = |found: &memmap_core::search::Match<'_>| {
        unsafe { start.wrapping_add(found.start).write(b' ') };
        true
    };
    while unsafe { search.advance(start, 1, &mut hit) }.unwrap() == Progress::Paused {}
    // The `x` after `y` is not at the start of a word, although there is a space before it now.
    assert_eq!(text, b"   \n xx");
}

#[test]
fn groups_of_a_match_that_is_too_long_are_unknown() {
    let pattern = compile("a([^c]|[^d])*(b)", PatternOptions::default());
    let text = [b"a".repeat(4 << 20), b"b".to_vec()].concat();
    let mut groups = Vec::new();
    let mut search = PatternSearch::new(&pattern, 0..text.len(), true);
    let mut hit = |found: &memmap_core::search::Match<'_>| {
        groups.extend_from_slice(found.groups);
        true
    };
    unsafe { search.advance(text.as_ptr(), usize::MAX, &mut hit) }.unwrap();
    assert_eq!(groups, [Group::Unknown; 2]);
}

#[test]
fn a_program_that_is_malformed_or_too_large_is_refused() {
    let refused = |program: &[u32]| Pattern::compile(program, PatternOptions::default()).unwrap_err();
    for program in [
        &[][..],
        &[9],
        &[0, 0],
        &[1, 2, 97],
        &[1, 1, 256],
        &[2, 1, 0],
        &[3, 1, 0xd800, 0xd801],
        &[4, u32::MAX, 0],
        &[6, 0, 0],
        &[7, 2, 1, 1, 0],
        &[8, 8],
    ] {
        assert_eq!(refused(program).to_string(), "the pattern has a program that is malformed", "{program:?}");
    }
    let deep = [[7, 0, u32::MAX, 1].repeat(300), vec![1, 1, 97]].concat();
    assert_eq!(refused(&deep).to_string(), "the pattern is nested too deeply");
    let large = [7, 1000, 1000, 1, 7, 1000, 1000, 1, 1, 1, 97];
    assert_eq!(refused(&large).to_string(), "the pattern is too large: its automaton would need more than 10 MiB");
    assert_eq!(refused(&large).code(), "ERR_MMAP_REGEXP");
    assert!(Pattern::compile(&[5, 2, 1, 1, 97, 2, 1, 48, 57], PatternOptions::default()).is_ok());
}

#[test]
fn a_pause_comes_after_few_new_states() {
    let mut random = Random::new();
    let text: Vec<u8> = (0..256 * 1024).map(|_| b"ab"[random.below(2)]).collect();
    let pattern = compile("a[ab]{200}c", PatternOptions::default());
    let mut search = PatternSearch::new(&pattern, 0..text.len(), false);
    let progress = unsafe { search.advance(text.as_ptr(), search.chunk(), &mut |_| true) }.unwrap();
    assert_eq!(progress, Progress::Paused);
    // It gets a new state for almost each byte, and each takes a few microseconds.
    assert!(search.position() < 4096, "{}", search.position());
}

#[test]
fn a_pause_comes_after_groups_that_were_hard_to_find() {
    // Each line is a match, which is not one-pass in either direction: its groups take long.
    let text = ("ab".repeat(2_000) + "\n").repeat(2);
    let pattern = compile("(a|b)*(a|ab)([ab]*)b", PatternOptions::default());
    let mut search = PatternSearch::new(&pattern, 0..text.len(), true);
    let mut matches = 0;
    let progress = unsafe {
        search.advance(text.as_ptr(), search.chunk(), &mut |_| {
            matches += 1;
            true
        })
    };
    assert_eq!((progress.unwrap(), matches), (Progress::Paused, 1));
}

#[test]
fn what_is_before_a_candidate_belongs_to_the_match_after_any_pause() {
    // A pause between two of the first bytes is no start. The first matches are found by attempts
    // at one place after the other, and the others after attempts were slow.
    let slow = "a".repeat(300) + "c";
    let options = PatternOptions { prefilter: PrefilterChoice::Inside, ..PatternOptions::default() };
    let unicode = regex_syntax::ParserBuilder::new().utf8(false).build().parse("[é-ü]*@").unwrap();
    let patterns = [(compile("a*b", options), "aaaaaaaaaaab"), (Pattern::new(&unicode, options).unwrap(), "éééüé@")];
    for (pattern, matched) in patterns {
        for before in ["", &slow] {
            let text = format!("{before}{matched}");
            for budget in 1..=matched.len() {
                let matches = found(&pattern, text.as_bytes(), 0..text.len(), budget);
                assert_eq!(matches, [[Some((before.len(), text.len()))]], "{text} with a pause every {budget} bytes");
            }
        }
    }
}

/// Compares a search with the crate `regex`, with each prefilter and with many pauses.
fn check(source: &str, text: &[u8]) {
    let reference = regex::bytes::RegexBuilder::new(source).unicode(false).build().unwrap();
    let wanted = expected(&reference, text, 0..text.len());
    for prefilter in [PrefilterChoice::Fastest, PrefilterChoice::Off, PrefilterChoice::Start, PrefilterChoice::Inside] {
        let pattern = compile(source, PatternOptions { prefilter, ..PatternOptions::default() });
        for budget in [1, 2, 3, 7, 64, 64 * 1024, usize::MAX] {
            let context = format!("{source:?} {prefilter:?} every {budget} bytes");
            assert_eq!(found(&pattern, text, 0..text.len(), budget), wanted, "{context}");
            assert_eq!(counted(&pattern, text, 0..text.len(), budget), wanted.len(), "{context}");
        }
    }
}

#[test]
fn a_match_is_a_whole_line_only_if_the_pattern_says_so() {
    // A class that is not everything within a line.
    check("(?m:^)[a-z]*foo(?m:$)", b"1foo\nafoo\n");
    check("(?m:^).*foo[a-z]*(?m:$)", b"foo1\nafoo\n");
    check(r"(?mR:^)[^\r\n]*foo[^\n]*(?mR:$)", b"foo\rbar\n");
    // The end of a word is not the end of a line.
    check(r"(?m:^).*foo.*\b", b"foo  \nfoo\n");
    check(r"(?m:^).*foo.*(?:(?m:$)|\b)", b"foo  \nfoo\n");
    // A line ends at `\r` for its start, but not for its end, and the opposite.
    check(r"(?mR:^)[^\r\n]*foo[^\r\n]*(?m:$)", b"foo\rbar\nfoo\n");
    check(r"(?mR:^)[^\r\n]*foo[^\r\n]*(?:(?m:$)|(?m:$))", b"foo\rbar\nfoo\n");
    check(r"(?m:^)[^\n]*foo(?mR:$)", b"foo\rbar\nfoo\rfoo\r\n");
    check(r"(?m:^)[^\n]*foo(?:(?m:$)|(?mR:$))", b"foo\rbar\nfoo\rfoo\r\n");
    check(r"(?m:^)[^\n]*?foo[^\n]*?(?:(?m:$)|(?mR:$))", b"foo\rbar\nfoo\n");
    // As JavaScript sends `^.*foo.*$` with the flag `m`.
    let text = b"a foo\r\n\r\nfoo\rbar\rfoo b\nfoo";
    check(r"(?mR:^)[^\r\n]*foo[^\r\n]*(?:(?m:$)|(?mR:$))", text);
    check(r"(?mR:^)[^\r\n]*foo(?:(?m:$)|(?mR:$))", text);
}

#[test]
fn what_is_before_the_second_part_of_a_repetition_belongs_to_the_match() {
    check("(?:[a-z]+@){2}", b"ab@cd@ ef@ gh@ij@kl@");
    check("x*(?:(?:ab?)@){2,}", b"ab@a@ xxa@ab@a@ a@");
}

#[test]
fn a_match_begins_at_its_first_byte_also_if_it_is_long() {
    // An attempt at a match that has no end yet is given up, and the search goes on without one.
    for length in [16_383, 16_384, 16_385, 50_000] {
        let text = [b"xa".to_vec(), vec![b'x'; length], b"b ab".to_vec()].concat();
        for source in ["a[^b]*b", "a[^b]*?b", "(?m:a[^b]*b)|(?m:^)y"] {
            for prefilter in [PrefilterChoice::Fastest, PrefilterChoice::Off] {
                let pattern = compile(source, PatternOptions { prefilter, ..PatternOptions::default() });
                let wanted = [[Some((1, length + 3))], [Some((length + 4, length + 6))]];
                for budget in [64, 1000, usize::MAX] {
                    assert_eq!(found(&pattern, &text, 0..text.len(), budget), wanted, "{source} {length} {budget}");
                }
            }
        }
    }
}

#[test]
fn lines_that_end_at_cr_only_are_found_in_linear_time() {
    let text = b"foo bar\r".repeat(256 * 1024);
    let pattern = compile(r"(?mR:^)[^\r\n]*foo[^\r\n]*(?mR:$)", PatternOptions::default());
    let mut search = PatternSearch::new(&pattern, 0..text.len(), false);
    let begin = Instant::now();
    let mut lines = 0;
    // It takes less than a second. If `\n` was looked for up to the end for each line, it would
    // take minutes.
    let mut hit = |_: &memmap_core::search::Match<'_>| {
        lines += 1;
        begin.elapsed() < Duration::from_secs(20)
    };
    unsafe { search.advance(text.as_ptr(), usize::MAX, &mut hit) }.unwrap();
    assert_eq!(lines, 256 * 1024);
}

#[test]
fn the_start_of_a_long_line_is_looked_for_with_pauses() {
    let (length, budget) = (1024 * 1024, 64 * 1024);
    let text = [vec![b'x'; length], b"foo".to_vec()].concat();
    for source in ["(?m:^).*foo(?m:$)", "(?m:^)[x]+foo", "(?m:^)x(?:.*)foo", "(?mR:^)(?R:.)*foo(?mR:$)"] {
        let pattern = compile(source, PatternOptions::default());
        let mut search = PatternSearch::new(&pattern, 0..text.len(), false);
        let (mut pauses, mut places) = (0, Vec::new());
        let mut hit = |found: &memmap_core::search::Match<'_>| {
            places.push((found.start, found.end));
            true
        };
        while unsafe { search.advance(text.as_ptr(), budget, &mut hit) }.unwrap() == Progress::Paused {
            pauses += 1;
        }
        assert_eq!(places, [(0, text.len())], "{source}");
        // Forwards to the end of the match, and backwards to its start.
        assert!(pauses >= 2 * length / budget, "{source}: {pauses}");
    }
}

#[test]
fn what_a_prefilter_has_read_is_not_read_again_for_each_attempt() {
    // All of the text may be before the `@` that the prefilter looks for, but no match begins in
    // it.
    let (length, budget) = (256 * 1024, 1024);
    for (source, unit) in [("x[a-z ]*@y", "abc def "), ("x(?:ab )*@y", "xab x ab")] {
        let pattern =
            compile(source, PatternOptions { prefilter: PrefilterChoice::Inside, ..PatternOptions::default() });
        let text = unit.repeat(length / unit.len()) + "xab @y";
        let mut search = PatternSearch::new(&pattern, 0..text.len(), false);
        let (mut pauses, mut places) = (0, Vec::new());
        let mut hit = |found: &memmap_core::search::Match<'_>| {
            places.push((found.start, found.end));
            true
        };
        while unsafe { search.advance(text.as_ptr(), budget, &mut hit) }.unwrap() == Progress::Paused {
            pauses += 1;
            // Each byte may be read a few times, and steps from the first state count as slow.
            assert!(pauses < 64 * length / budget, "{source}");
        }
        assert_eq!(places, [(text.len() - 6, text.len())], "{source}");
    }
}

#[test]
fn what_is_written_over_matches_does_not_change_which_are_found() {
    let mut random = Random::new();
    for _ in 0..400 {
        let Some((source, reference)) = any_pattern(&mut random) else { continue };
        let pattern = compile(&source, PatternOptions::default());
        for _ in 0..4 {
            let mut text = text(&mut random);
            let (range, budget) = (any_range(&mut random, text.len()), 1 + random.below(64));
            let matches = expected(&reference, &text, range.clone());
            let wanted: Vec<Place> = matches.iter().map(|found| found[0]).collect();
            let context = format!("{source:?} every {budget} in {range:?} of {:?}", text.escape_ascii().to_string());
            let memory = text.as_mut_ptr();
            let mut search = PatternSearch::new(&pattern, range, false);
            let mut places = Vec::new();
            let mut hit = |found: &memmap_core::search::Match<'_>| {
                places.push(Some((found.start, found.end)));
                for at in found.start..found.end {
                    unsafe { memory.wrapping_add(at).write(random.of(b"abx\n\r f")) };
                }
                random.below(2) == 0
            };
            while unsafe { search.advance(memory, budget, &mut hit) }.unwrap() != Progress::Done {}
            assert_eq!(places, wanted, "{context}");
        }
    }
}

#[test]
fn a_search_for_one_match_knows_that_attempts_were_slow() {
    let (source, part) = ("[a-z ]+[0-9]", "abcdefghijk klmnopqrst ".repeat(8) + "\nz1 ");
    let text = part.repeat(200);
    let pattern = compile(source, PatternOptions::default());
    let (mut from, mut calls, mut matches) = (0, 0, 0);
    let budget = 64;
    loop {
        let mut search = PatternSearch::new(&pattern, from..text.len(), false);
        let mut hit = |found: &memmap_core::search::Match<'_>| {
            from = found.end;
            false
        };
        let mut advance = || unsafe { search.advance(text.as_ptr(), budget, &mut hit) }.unwrap();
        let mut progress = advance();
        while progress == Progress::Paused {
            calls += 1;
            progress = advance();
        }
        if progress == Progress::Done {
            break;
        }
        matches += 1;
    }
    assert_eq!(matches, 200);
    // Each search by itself would try at each letter up to the end of the line.
    assert!(calls < 8 * text.len() / budget, "{calls}");
}

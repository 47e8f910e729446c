//! Searching, compared with a naive search, across the seams between stretches that are searched
//! separately.
//!
//! PROPTEST_RNG_SEED repeats a run of the properties. A failing run prints its seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::search::{Finder, Progress, Search, Searcher};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::hash::{BuildHasher, RandomState};

fn naive(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn naive_last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(haystack.len());
    }
    haystack.windows(needle.len()).rposition(|window| window == needle)
}

fn naive_all(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = naive(&haystack[from..], needle).filter(|_| !needle.is_empty()) {
        places.push(from + at);
        from += at + needle.len();
    }
    places
}

fn all(haystack: &[u8], needle: &[u8], most: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let finder = Finder::new(needle.to_vec());
    let mut hit = |place| {
        places.push(place);
        places.len() < most
    };
    unsafe { finder.matches(haystack.as_ptr(), haystack.len(), &mut hit) }.unwrap();
    places
}

fn check(haystack: &[u8], needle: &[u8]) {
    let finder = Finder::new(needle.to_vec());
    let (at, length) = (haystack.as_ptr(), haystack.len());
    if needle.len() <= length {
        assert_eq!(unsafe { finder.find(at, length) }, Ok(naive(haystack, needle)));
    }
    assert_eq!(unsafe { finder.rfind(at, length) }, Ok(naive_last(haystack, needle)));
    let places = naive_all(haystack, needle);
    assert_eq!(all(haystack, needle, usize::MAX), places);
    let mut count = 0;
    assert_eq!(unsafe { finder.search(0..length).count(at, usize::MAX, &mut count) }, Ok(Progress::Done));
    assert_eq!(count, places.len());
    let two = places.len().min(2);
    assert_eq!(all(haystack, needle, 2), &places[..two]);
}

/// Searches at all alignments, with other bytes around the haystack that must not be taken for a
/// part of it.
fn check_inside(haystack: &[u8], needle: &[u8]) {
    for lead in [0, 1, 15, 16, 31] {
        let mut around = needle.repeat(lead / needle.len().max(1) + 1);
        around.truncate(lead);
        let start = around.len();
        around.extend_from_slice(haystack);
        let end = around.len();
        around.extend_from_slice(&needle.repeat(64 / needle.len().max(1) + 1));
        check(&around[start..end], needle);
    }
}

/// The configuration with the seed from the environment, or else with a new one, which is printed,
/// because proptest does not print its own.
fn seeded() -> ProptestConfig {
    let defaults = ProptestConfig::default();
    let seed = match defaults.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(()),
    };
    println!("PROPTEST_RNG_SEED={seed}");
    ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..defaults }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn short_needles_are_found_where_the_naive_search_finds_them(
        haystack in prop::collection::vec(0u8..3, 0..300),
        needle in prop::collection::vec(0u8..3, 0..6),
    ) {
        check_inside(&haystack, &needle);
    }

    #[test]
    fn a_needle_is_found_at_every_position(
        length in 1usize..400_000,
        place in any::<prop::sample::Index>(),
        needle_length in prop::sample::select(vec![1usize, 2, 7, 64, 1000, 65_535, 65_536, 65_537, 150_000]),
    ) {
        let needle: Vec<u8> = (0..needle_length).map(|i| (i * 31 % 250) as u8 + 1).collect();
        let mut haystack = vec![0u8; length + needle_length];
        let at = place.index(length + 1);
        haystack[at..at + needle_length].copy_from_slice(&needle);
        let (address, all) = (haystack.as_ptr(), haystack.len());
        let finder = Finder::new(needle);
        prop_assert_eq!(unsafe { finder.find(address, all) }, Ok(Some(at)));
        prop_assert_eq!(unsafe { finder.rfind(address, all) }, Ok(Some(at)));
        // The needle must not be found where its last byte is missing.
        haystack[at + needle_length - 1] = 255;
        prop_assert_eq!(unsafe { finder.find(haystack.as_ptr(), all) }, Ok(None));
        prop_assert_eq!(unsafe { finder.rfind(haystack.as_ptr(), all) }, Ok(None));
    }

    /// The haystack resembles the needle almost everywhere, so that it is also searched by copying.
    #[test]
    fn a_needle_is_found_among_many_near_matches(
        period in 1usize..9,
        repeats in 1usize..40,
        hits in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        length in 1usize..300_000,
        last in 0u8..2,
    ) {
        let pattern: Vec<u8> = (0..period).map(|i| if i == 0 { b'a' } else { b'a' + (i % 2) as u8 }).collect();
        let mut needle = pattern.repeat(repeats);
        needle.push(b'a' + last);
        let mut haystack = pattern.repeat(length / period + 1);
        for hit in hits {
            let at = hit.index(haystack.len());
            let count = needle.len().min(haystack.len() - at);
            haystack[at..at + count].copy_from_slice(&needle[..count]);
        }
        check(&haystack, &needle);
    }
}

/// The haystack resembles the needle too often at first, so the rest is copied, 64 KiB at a time.
#[test]
fn matches_across_a_seam_are_found_without_overlaps() {
    let mut haystack = b"xabx".repeat(8 * 1024);
    // The matches begin at all distances from a seam, and each overlaps the next one.
    haystack.extend_from_slice(&b"xaa".repeat(512 * 1024));
    check(&haystack, b"xaax");
}

/// The reverse search has its seam 64 KiB before the position where it begins to copy.
#[test]
fn the_last_match_is_found_across_a_seam() {
    let finder = Finder::new(b"xxx".to_vec());
    for count in 23_400..23_560 {
        for dots in [".", "..", "..."] {
            let haystack = format!("xxx{dots}{}", "xx.".repeat(count));
            assert_eq!(unsafe { finder.rfind(haystack.as_ptr(), haystack.len()) }, Ok(Some(0)), "{count}");
        }
    }
}

/// The 1,639th near match of this needle exceeds the allowed cost.
#[test]
fn a_match_beside_the_candidate_where_copying_begins_is_found() {
    for count in 1600..1680 {
        check(&[&b"xx.".repeat(count)[..], b"xxxe"].concat(), b"xxe");
        check(&[&b"xxx."[..], &b"xx.".repeat(count)].concat(), b"xxx");
    }
}

/// The haystack has twelve megabytes, so that comparing in place stops and is tried again.
#[test]
fn matches_are_found_where_copying_begins_and_ends() {
    let needle = b"aaaaaaaaaaaaaaaa";
    let mut haystack = b"aaaaaaaaaaaaaaab".repeat(12 * 1024 * 1024 / 16);
    let places: Vec<usize> = (0..haystack.len() - 64).step_by(99_991).collect();
    for &at in &places {
        haystack[at..at + 16].copy_from_slice(needle);
    }
    // A match may be part of a longer run, and begin before the position where it was put.
    let found = all(&haystack, needle, usize::MAX);
    assert_eq!(found, naive_all(&haystack, needle));
    assert_eq!(found.len(), places.len());
    let finder = Finder::new(needle.to_vec());
    assert_eq!(unsafe { finder.rfind(haystack.as_ptr(), haystack.len()) }, Ok(naive_last(&haystack, needle)));
}

#[test]
fn matches_lets_hit_write_to_the_match() {
    let mut haystack = b"aaaaaaaa ab ab abab ".repeat(1000);
    let expected = String::from_utf8(haystack.clone()).unwrap().replace("ab", "ba").replace("aa", "bb");
    for (from, to) in [(b"ab", b"ba"), (b"aa", b"bb")] {
        let start = haystack.as_mut_ptr();
        let mut write = |at: usize| {
            unsafe { start.wrapping_add(at).copy_from_nonoverlapping(to.as_ptr(), 2) };
            true
        };
        unsafe { Finder::new(from.to_vec()).matches(start, 20_000, &mut write) }.unwrap();
    }
    assert_eq!(String::from_utf8(haystack).unwrap(), expected);
}

#[test]
fn a_needle_longer_than_the_haystack_is_not_found_but_an_empty_one_is() {
    check(b"", b"");
    check(b"", b"x");
    check(b"abc", b"abcd");
}

//! Searching against the naive search, across the seams between the stretches that are searched at a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::search::{find, rfind};
use proptest::prelude::*;

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

fn check(haystack: &[u8], needle: &[u8]) {
    let (at, length) = (haystack.as_ptr(), haystack.len());
    assert_eq!(unsafe { find(at, length, needle) }, Ok(naive(haystack, needle)));
    assert_eq!(unsafe { rfind(at, length, needle) }, Ok(naive_last(haystack, needle)));
}

proptest! {
    #[test]
    fn short_ones_are_found_where_the_naive_search_finds_them(
        haystack in prop::collection::vec(0u8..3, 0..200),
        needle in prop::collection::vec(0u8..3, 0..6),
    ) {
        check(&haystack, &needle);
    }

    #[test]
    fn a_needle_is_found_wherever_it_lies(
        length in 1usize..400_000,
        place in any::<prop::sample::Index>(),
        needle_length in prop::sample::select(vec![1usize, 2, 7, 64, 1000, 65_535, 65_536, 65_537, 150_000]),
    ) {
        let needle: Vec<u8> = (0..needle_length).map(|i| (i * 31 % 250) as u8 + 1).collect();
        let mut haystack = vec![0u8; length + needle_length];
        let at = place.index(length + 1);
        haystack[at..at + needle_length].copy_from_slice(&needle);
        let (address, all) = (haystack.as_ptr(), haystack.len());
        prop_assert_eq!(unsafe { find(address, all, &needle) }, Ok(Some(at)));
        prop_assert_eq!(unsafe { rfind(address, all, &needle) }, Ok(Some(at)));
        // And not where its last byte is missing.
        haystack[at + needle_length - 1] = 255;
        prop_assert_eq!(unsafe { find(haystack.as_ptr(), all, &needle) }, Ok(None));
        prop_assert_eq!(unsafe { rfind(haystack.as_ptr(), all, &needle) }, Ok(None));
    }
}

#[test]
fn matches_on_the_seam_are_found() {
    const STRETCH: usize = 64 * 1024;
    for at in STRETCH - 5..STRETCH + 2 {
        let mut haystack = vec![b'.'; 2 * STRETCH + 100];
        haystack[at..at + 4].copy_from_slice(b"seam");
        check(&haystack, b"seam");
    }
}

#[test]
fn nothing_is_found_in_nothing_but_nothing() {
    check(b"", b"");
    check(b"", b"x");
    check(b"abc", b"abcd");
}

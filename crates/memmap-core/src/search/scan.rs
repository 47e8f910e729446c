//! The loops over mapped memory: which positions may be a match.
//!
//! They compare one byte of the needle, or two that are rare, at 64 positions at a time. What they find are candidates; whether one is
//! a match is for the caller to see. They read through raw pointers, each byte once for each of the two, so whatever others write
//! meanwhile, no candidate lies outside of the positions that were asked for.

use crate::sys::vector::{self, Vector, Work};
use std::ops::Range;

/// Positions at a time: the bits of a mask.
const BLOCK: usize = 64;

/// How many bytes ahead memory is asked for. The processor does that by itself, but only to the end of a page.
const AHEAD: usize = 2048;

/// A byte of the needle, and which one it is.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// What is compared.
    pub byte: u8,
    /// How far from the start of the needle.
    pub at: usize,
}

/// What a position must have.
#[derive(Debug, Clone, Copy)]
pub enum Probes {
    /// One byte.
    One(Probe),
    /// Two bytes.
    Two(Probe, Probe),
}

/// Goes up through `positions` and gives `candidate` each that has the bytes of `probes`. It says from which position to go on;
/// `usize::MAX` is the end.
///
/// # Safety
///
/// At every position of the range the bytes of the probes must be readable, that is `haystack + position + probe.at`. Others may
/// write to them.
pub unsafe fn up(haystack: *const u8, positions: Range<usize>, probes: Probes, candidate: impl FnMut(usize) -> usize) {
    match probes {
        // SAFETY: the caller's promise.
        Probes::One(one) => unsafe { vector::run(Up::<_, false> { haystack, positions, probes: [one; 2], candidate }) },
        // SAFETY: the caller's promise.
        Probes::Two(one, two) => unsafe {
            vector::run(Up::<_, true> { haystack, positions, probes: [one, two], candidate });
        },
    }
}

/// Goes down through `positions` and gives `candidate` each that has the bytes of `probes`, until it says true.
///
/// # Safety
///
/// As for [`up`].
pub unsafe fn down(haystack: *const u8, positions: Range<usize>, probes: Probes, candidate: impl FnMut(usize) -> bool) {
    match probes {
        // SAFETY: the caller's promise.
        Probes::One(one) => unsafe {
            vector::run(Down::<_, false> { haystack, positions, probes: [one; 2], candidate })
        },
        // SAFETY: the caller's promise.
        Probes::Two(one, two) => unsafe {
            vector::run(Down::<_, true> { haystack, positions, probes: [one, two], candidate });
        },
    }
}

/// How many of `length` bytes from `haystack` are `byte`.
///
/// # Safety
///
/// They must be readable. Others may write to them.
pub unsafe fn count(haystack: *const u8, length: usize, byte: u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { vector::run(Count { haystack, length, byte }) }
}

/// As [`super::Finder::list`], for a needle that is `byte`.
///
/// # Safety
///
/// As for [`count`].
pub unsafe fn list(haystack: *const u8, length: usize, byte: u8, room: usize, put: impl FnMut(usize, usize)) -> usize {
    // SAFETY: the caller's promise.
    unsafe { vector::run(List { haystack, length, byte, room, put }) }
}

struct Up<F, const PAIR: bool> {
    haystack: *const u8,
    positions: Range<usize>,
    probes: [Probe; 2],
    candidate: F,
}

impl<F: FnMut(usize) -> usize, const PAIR: bool> Work for Up<F, PAIR> {
    type Output = ();

    #[inline(always)]
    unsafe fn with<V: Vector>(mut self) {
        let Range { start, end } = self.positions;
        // SAFETY: the caller's promise.
        let compare = unsafe { Compare::<V, PAIR>::new(self.haystack, self.probes) };
        let mut at = start;
        while at < end {
            let left = end - at;
            let mut mask = if left >= BLOCK {
                compare.prefetch(at.wrapping_add(AHEAD));
                // SAFETY: a block of positions of the range.
                match unsafe { compare.block::<true>(at) } {
                    0 => {
                        at += BLOCK;
                        // With two probes it was a tenth slower so.
                        if !PAIR {
                            // SAFETY: the caller's promise, for what is left of the range.
                            at = unsafe { compare.skip(at, end) };
                        }
                        continue;
                    }
                    mask => mask,
                }
            } else {
                // SAFETY: `left` positions of the range from `at`, and those before it from `start`.
                unsafe { compare.part(at, left, at - start) }
            };
            let mut next = at + left.min(BLOCK);
            while mask != 0 {
                let allowed = (self.candidate)(at + mask.trailing_zeros() as usize);
                if allowed - at >= BLOCK {
                    next = next.max(allowed);
                    break;
                }
                mask &= u64::MAX << (allowed - at);
            }
            at = next;
        }
    }
}

struct Down<F, const PAIR: bool> {
    haystack: *const u8,
    positions: Range<usize>,
    probes: [Probe; 2],
    candidate: F,
}

impl<F: FnMut(usize) -> bool, const PAIR: bool> Work for Down<F, PAIR> {
    type Output = ();

    #[inline(always)]
    unsafe fn with<V: Vector>(mut self) {
        let Range { start, mut end } = self.positions;
        // SAFETY: the caller's promise.
        let compare = unsafe { Compare::<V, PAIR>::new(self.haystack, self.probes) };
        while start < end {
            let count = (end - start).min(BLOCK);
            end -= count;
            let mut mask = if count == BLOCK {
                compare.prefetch(end.wrapping_sub(AHEAD));
                // SAFETY: a block of positions of the range.
                unsafe { compare.block::<true>(end) }
            } else {
                // SAFETY: `count` positions of the range.
                unsafe { compare.part(end, count, 0) }
            };
            while mask != 0 {
                let highest = mask.ilog2();
                if (self.candidate)(end + highest as usize) {
                    return;
                }
                mask ^= 1 << highest;
            }
        }
    }
}

struct Count {
    haystack: *const u8,
    length: usize,
    byte: u8,
}

impl Work for Count {
    type Output = usize;

    #[inline(always)]
    unsafe fn with<V: Vector>(self) -> usize {
        let probe = Probe { byte: self.byte, at: 0 };
        // SAFETY: the caller's promise.
        let compare = unsafe { Compare::<V, false>::new(self.haystack, [probe; 2]) };
        let blocks = self.length - self.length % BLOCK;
        let mut total = 0;
        for at in (0..blocks).step_by(BLOCK) {
            compare.prefetch(at.wrapping_add(AHEAD));
            // SAFETY: a block inside of the haystack.
            total += unsafe { compare.block::<true>(at) }.count_ones() as usize;
        }
        // SAFETY: the bytes that are left, and the ones before them.
        total + unsafe { compare.part(blocks, self.length - blocks, blocks) }.count_ones() as usize
    }
}

struct List<F> {
    haystack: *const u8,
    length: usize,
    byte: u8,
    room: usize,
    put: F,
}

impl<F: FnMut(usize, usize)> Work for List<F> {
    type Output = usize;

    #[inline(always)]
    unsafe fn with<V: Vector>(mut self) -> usize {
        let probe = Probe { byte: self.byte, at: 0 };
        // SAFETY: the caller's promise.
        let compare = unsafe { Compare::<V, false>::new(self.haystack, [probe; 2]) };
        let mut count = 0;
        let mut at = 0;
        while self.length - at >= BLOCK && self.room - count >= BLOCK {
            compare.prefetch(at.wrapping_add(AHEAD));
            // SAFETY: a block inside of the haystack.
            let mut mask = unsafe { compare.block::<false>(at) };
            let end = count + mask.count_ones() as usize;
            // Whether there is none, one, or a second one is what the processor cannot guess for the lines of a text, and a wrong
            // guess costs more than to put what is not there.
            for number in count..count + 2 {
                (self.put)(number, at + mask.trailing_zeros() as usize);
                mask &= mask.wrapping_sub(1);
            }
            // Apart from the two, which are unrolled so: as one loop it was a tenth slower.
            for number in count + 2..end {
                (self.put)(number, at + mask.trailing_zeros() as usize);
                mask &= mask.wrapping_sub(1);
            }
            count = end;
            at += BLOCK;
        }
        while at < self.length && count < self.room {
            let left = (self.length - at).min(BLOCK);
            let mut mask = if left == BLOCK {
                // SAFETY: a block inside of the haystack.
                unsafe { compare.block::<false>(at) }
            } else {
                // SAFETY: what is left of the haystack, and what is before it.
                unsafe { compare.part(at, left, at) }
            };
            while mask != 0 && count < self.room {
                (self.put)(count, at + mask.trailing_zeros() as usize);
                mask &= mask - 1;
                count += 1;
            }
            at += left;
        }
        count
    }
}

/// The comparison, with everything that stays the same during a search.
struct Compare<V, const PAIR: bool> {
    first: V,
    second: V,
    first_from: *const u8,
    second_from: *const u8,
    probes: [Probe; 2],
}

impl<V: Vector, const PAIR: bool> Compare<V, PAIR> {
    /// # Safety
    ///
    /// The machine must have the instructions of `V`.
    #[inline(always)]
    unsafe fn new(haystack: *const u8, probes: [Probe; 2]) -> Self {
        let [one, two] = probes;
        Compare {
            // SAFETY: the caller's promise.
            first: unsafe { V::splat(one.byte) },
            // SAFETY: the caller's promise.
            second: unsafe { V::splat(two.byte) },
            first_from: haystack.wrapping_add(one.at),
            second_from: haystack.wrapping_add(two.at),
            probes,
        }
    }

    /// The position may be anywhere.
    #[inline(always)]
    fn prefetch(&self, at: usize) {
        V::prefetch(self.first_from.wrapping_add(at));
    }

    /// # Safety
    ///
    /// The bytes of the probes must be readable at as many positions from `at` as a vector has bytes.
    #[inline(always)]
    unsafe fn vector(&self, at: usize) -> V {
        // SAFETY: the caller's promise.
        let first = unsafe { V::load(self.first_from.wrapping_add(at)) }.equal(self.first);
        if PAIR {
            // SAFETY: the caller's promise.
            let second = unsafe { V::load(self.second_from.wrapping_add(at)) };
            first.and(second.equal(self.second))
        } else {
            first
        }
    }

    /// Goes on from `at` as long as there is no candidate in two blocks. This is where a search that finds nothing is, and so it is but loads
    /// and comparisons.
    ///
    /// # Safety
    ///
    /// The bytes of the probes must be readable at all positions up to `end`.
    #[inline(always)]
    unsafe fn skip(&self, mut at: usize, end: usize) -> usize {
        while end - at >= 2 * BLOCK {
            // SAFETY: positions of the caller's, here and below.
            let mut any = unsafe { self.vector(at) };
            let mut done = V::BYTES;
            while done < 2 * BLOCK {
                // SAFETY: see above.
                any = any.or(unsafe { self.vector(at + done) });
                done += V::BYTES;
            }
            if any.any() {
                break;
            }
            at += 2 * BLOCK;
        }
        at
    }

    /// Which of the [`BLOCK`] positions from `at` are candidates. `RARE`: mostly there is none, so that it is worth to ask for that first.
    ///
    /// # Safety
    ///
    /// The bytes of the probes must be readable at all of them.
    #[inline(always)]
    unsafe fn block<const RARE: bool>(&self, at: usize) -> u64 {
        // SAFETY: the caller's promise, for each of the four quarters or two halves.
        let part = |index: usize| unsafe { self.vector(at + index * V::BYTES) };
        if V::BYTES * 2 == BLOCK {
            let (low, high) = (part(0), part(1));
            if RARE && !low.or(high).any() {
                return 0;
            }
            low.mask() | high.mask() << 32
        } else {
            let (one, two, three, four) = (part(0), part(1), part(2), part(3));
            if RARE && !one.or(two).or(three.or(four)).any() {
                return 0;
            }
            one.mask() | two.mask() << 16 | three.mask() << 32 | four.mask() << 48
        }
    }

    /// Which of `count` positions from `at` are candidates, less than [`BLOCK`].
    ///
    /// # Safety
    ///
    /// The bytes of the probes must be readable at all of them, and at `before` positions before `at`.
    #[inline(always)]
    unsafe fn part(&self, at: usize, count: usize, before: usize) -> u64 {
        let mut mask = 0;
        let mut done = 0;
        while count - done >= V::BYTES {
            // SAFETY: as many positions of the caller's as a vector has bytes.
            mask |= unsafe { self.vector(at + done) }.mask() << done;
            done += V::BYTES;
        }
        let left = count - done;
        let repeated = V::BYTES - left;
        if left == 0 {
            mask
        } else if done + before >= repeated {
            // The last of them together with some that were looked at before.
            // SAFETY: `repeated` positions are there before the ones that are left.
            let last = unsafe { self.vector(at + done - repeated) }.mask();
            mask | last >> repeated << done
        } else {
            (done..count).fold(mask, |mask, index| {
                // SAFETY: one of the caller's positions.
                mask | u64::from(unsafe { self.one(at + index) }) << index
            })
        }
    }

    /// # Safety
    ///
    /// The bytes of the probes must be readable at this position.
    #[inline(always)]
    unsafe fn one(&self, at: usize) -> bool {
        let [one, two] = self.probes;
        // SAFETY: the caller's promise. Volatile, because others may write to it.
        let first = unsafe { self.first_from.wrapping_add(at).read_volatile() };
        // SAFETY: as above.
        let second = unsafe { self.second_from.wrapping_add(at).read_volatile() };
        first == one.byte && second == two.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::vector::{Narrow, portable};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn up<V: Vector, const PAIR: bool>(bytes: &[u8], positions: Range<usize>, probes: [Probe; 2]) -> Vec<usize> {
        let mut found = Vec::new();
        let candidate = |position| {
            found.push(position);
            position + 1
        };
        let work = Up::<_, PAIR> { haystack: bytes.as_ptr(), positions, probes, candidate };
        // SAFETY: the tests give positions at which the probes are inside of the bytes, and vectors that each machine has.
        unsafe { work.with::<V>() };
        found
    }

    fn down<V: Vector, const PAIR: bool>(bytes: &[u8], positions: Range<usize>, probes: [Probe; 2]) -> Vec<usize> {
        let mut found = Vec::new();
        let candidate = |position| {
            found.push(position);
            false
        };
        let work = Down::<_, PAIR> { haystack: bytes.as_ptr(), positions, probes, candidate };
        // SAFETY: as above.
        unsafe { work.with::<V>() };
        found.reverse();
        found
    }

    fn check<V: Vector>(bytes: &[u8], start: usize, distance: usize) {
        let [one, two] = [Probe { byte: 1, at: distance }, Probe { byte: 0, at: 0 }];
        let positions = start.min(bytes.len())..bytes.len().saturating_sub(distance);
        let has = |at: usize, probe: Probe| bytes.get(at + probe.at) == Some(&probe.byte);
        let both: Vec<usize> = positions.clone().filter(|&at| has(at, one) && has(at, two)).collect();
        assert_eq!(up::<V, true>(bytes, positions.clone(), [one, two]), both);
        assert_eq!(down::<V, true>(bytes, positions.clone(), [one, two]), both);
        let first: Vec<usize> = positions.clone().filter(|&at| has(at, one)).collect();
        assert_eq!(up::<V, false>(bytes, positions.clone(), [one; 2]), first);
        assert_eq!(down::<V, false>(bytes, positions, [one; 2]), first);
        let count = Count { haystack: bytes.as_ptr(), length: bytes.len(), byte: 1 };
        // SAFETY: the bytes are there, and the vectors are ones that each machine has.
        assert_eq!(unsafe { count.with::<V>() }, bytes.iter().filter(|&&byte| byte == 1).count());
        let places = bytes.iter().enumerate().filter(|&(_, &byte)| byte == 1).map(|(at, _)| at);
        for room in [0, 1, distance, usize::MAX] {
            assert_eq!(list::<V>(bytes, room), places.clone().take(room).collect::<Vec<_>>());
        }
    }

    fn list<V: Vector>(bytes: &[u8], room: usize) -> Vec<usize> {
        let mut found = BTreeMap::new();
        let put = |number, place| {
            assert!(number < room);
            found.insert(number, place);
        };
        let work = List { haystack: bytes.as_ptr(), length: bytes.len(), byte: 1, room, put };
        // SAFETY: the bytes are there, and the vectors are ones that each machine has.
        let count = unsafe { work.with::<V>() };
        found.into_values().take(count).collect()
    }

    proptest! {
        /// On a machine with wide vectors the others are not used otherwise.
        #[test]
        fn narrow_and_portable_vectors_find_what_a_loop_finds(
            // In the second kind there are stretches without any.
            bytes in prop_oneof![
                prop::collection::vec(0u8..3, 0..300),
                prop::collection::vec(prop_oneof![200 => Just(2), 1 => 0u8..3], 0..2000),
            ],
            start in 0usize..100,
            distance in 0usize..70,
        ) {
            check::<Narrow>(&bytes, start, distance);
            check::<portable::Bytes>(&bytes, start, distance);
        }
    }
}

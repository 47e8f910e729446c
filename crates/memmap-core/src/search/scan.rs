//! The loops over mapped memory, which find the positions where a match is possible.
//!
//! They compare one byte of the needle, or two rare ones, at 64 positions at a time. What they find
//! are candidates, and the caller decides which are matches. They read through raw pointers, each
//! byte once for each probe. Whatever others write meanwhile, no candidate lies outside the
//! positions to search.

use crate::sys::vector::{self, Vector, Work};
use std::ops::Range;

/// Positions to compare at a time: one for each bit of a mask.
const BLOCK: usize = 64;

/// How far ahead memory is prefetched, in bytes. The processor prefetches by itself, but only to
/// the end of a page.
const AHEAD: usize = 2048;

/// Bytes in which one of several bytes is looked for first, before twice as many.
const FIRST_PIECE: usize = 256;

/// A byte of the needle and its position.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// The byte to compare.
    pub byte: u8,
    /// Its position in the needle.
    pub at: usize,
}

/// The bytes that a candidate must have.
#[derive(Debug, Clone, Copy)]
pub enum Probes {
    /// The needle has one byte.
    One(Probe),
    /// The needle has more bytes, of which these two are rare.
    Two(Probe, Probe),
}

/// Goes up through `positions` and calls `candidate` with each that has the bytes of `probes`.
/// `candidate` returns the position from which to continue; `usize::MAX` ends the search.
///
/// # Safety
///
/// At each of the positions, the bytes of the probes (`haystack + position + probe.at`) must be
/// readable. Others may write to them.
pub unsafe fn up(haystack: *const u8, positions: Range<usize>, probes: Probes, candidate: impl FnMut(usize) -> usize) {
    match probes {
        Probes::One(one) => {
            let Range { start, end } = positions;
            let from = haystack.wrapping_add(one.at);
            // SAFETY: the caller's promise.
            let start = unsafe { vector::run(Skip { from, positions: start..end, byte: one.byte }) };
            // SAFETY: the caller's promise.
            unsafe { vector::run(Up::<_, false> { haystack, positions: start..end, probes: [one; 2], candidate }) };
        }
        // SAFETY: the caller's promise.
        Probes::Two(one, two) => unsafe {
            vector::run(Up::<_, true> { haystack, positions, probes: [one, two], candidate });
        },
    }
}

/// Goes down through `positions` and calls `candidate` with each that has the bytes of `probes`,
/// until it returns true.
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

/// The position of the first `byte` in a range.
///
/// # Safety
///
/// The range must be readable. Others may write to it.
pub unsafe fn first(haystack: *const u8, range: Range<usize>, byte: u8) -> Option<usize> {
    let mut found = None;
    let candidate = &mut |position| {
        found = Some(position);
        usize::MAX
    };
    // SAFETY: the caller's promise.
    unsafe { up_shared(haystack, range, Probes::One(Probe { byte, at: 0 }), candidate) };
    found
}

/// The position of the first byte of a range that is one of these few.
///
/// # Safety
///
/// As for [`first`].
pub unsafe fn first_of(haystack: *const u8, range: Range<usize>, bytes: &[u8]) -> Option<usize> {
    let Range { start, end } = range;
    // SAFETY: the byte is in the range. The read is volatile, because others may write to the byte.
    if start < end && bytes.contains(&unsafe { haystack.wrapping_add(start).read_volatile() }) {
        return Some(start);
    }
    let (mut from, mut piece) = (start, first_piece(bytes));
    let mut found = None;
    while from < end && found.is_none() {
        let to = from.saturating_add(piece).min(end);
        for &byte in bytes {
            // SAFETY: the range is a part of the caller's.
            found = unsafe { first(haystack, from..found.unwrap_or(to), byte) }.or(found);
        }
        (from, piece) = (to, piece.saturating_mul(2));
    }
    found
}

/// The position of the last byte of a range that is one of these few.
///
/// # Safety
///
/// As for [`first`].
pub unsafe fn last_of(haystack: *const u8, range: Range<usize>, bytes: &[u8]) -> Option<usize> {
    let Range { start, end } = range;
    let (mut to, mut piece) = (end, first_piece(bytes));
    let mut found = None;
    while to > start && found.is_none() {
        let from = to.saturating_sub(piece).max(start);
        for &byte in bytes {
            // SAFETY: the range is a part of the caller's.
            found = unsafe { last(haystack, found.unwrap_or(from)..to, byte) }.or(found);
        }
        (to, piece) = (from, piece.saturating_mul(2));
    }
    found
}

/// The bytes in which each of `bytes` is looked for first. One that does not occur is not looked
/// for far beyond another that does. A single one is looked for everywhere at once.
fn first_piece(bytes: &[u8]) -> usize {
    if bytes.len() > 1 { FIRST_PIECE } else { usize::MAX }
}

/// The position of the last `byte` in a range.
///
/// # Safety
///
/// As for [`first`].
pub unsafe fn last(haystack: *const u8, range: Range<usize>, byte: u8) -> Option<usize> {
    let mut found = None;
    let candidate = |position| {
        found = Some(position);
        true
    };
    let probes = [Probe { byte, at: 0 }; 2];
    // SAFETY: the caller's promise.
    unsafe { vector::run(Down::<_, false> { haystack, positions: range, probes, candidate }) };
    found
}

/// Like [`up`], in one copy for all callers whose candidates are rare.
///
/// # Safety
///
/// As for [`up`].
#[inline(never)]
pub unsafe fn up_shared(
    haystack: *const u8,
    positions: Range<usize>,
    probes: Probes,
    candidate: &mut dyn FnMut(usize) -> usize,
) {
    // SAFETY: the caller's promise.
    unsafe { up(haystack, positions, probes, candidate) };
}

/// The number of bytes, of `length` bytes from `haystack`, that are `byte`.
///
/// # Safety
///
/// The bytes must be readable. Others may write to them.
pub unsafe fn count(haystack: *const u8, length: usize, byte: u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { vector::run(Count { haystack, length, byte }) }
}

/// Like [`super::Finder::list`], for the needle `byte`.
///
/// # Safety
///
/// As for [`count`].
pub unsafe fn list(haystack: *const u8, length: usize, byte: u8, room: usize, put: impl FnMut(usize, usize)) -> usize {
    // SAFETY: the caller's promise.
    unsafe { vector::run(List { haystack, length, byte, room, put }) }
}

/// Advances to where a byte may be for the first time, or to less than two blocks before the end. A
/// search for a byte that is rare spends its time here. This is not part of [`Up`], because there
/// the compiler loads the wanted byte again for each block.
struct Skip {
    from: *const u8,
    positions: Range<usize>,
    byte: u8,
}

impl Work for Skip {
    type Output = usize;

    #[inline(always)]
    unsafe fn with<V: Vector>(self) -> usize {
        let Range { start, end } = self.positions;
        // SAFETY: the caller's promise.
        let byte = unsafe { V::splat(self.byte) };
        if end.saturating_sub(start) < 2 * BLOCK {
            return start;
        }
        // SAFETY: the caller promises these positions.
        if unsafe { V::load(self.from.wrapping_add(start)) }.equal(byte).any() {
            return start;
        }
        // Loads of aligned addresses are faster in the first-level cache, and so are addresses in
        // one register.
        let next = self.from.wrapping_add(start + V::BYTES);
        let mut place = next.wrapping_sub(next.addr() % V::BYTES);
        let last = self.from.wrapping_add(end - 2 * BLOCK);
        while place <= last {
            // SAFETY: two blocks of the caller's positions begin at `place`.
            let part = |index: usize| unsafe { V::load(place.wrapping_add(index * V::BYTES)) }.equal(byte);
            if (1..2 * BLOCK / V::BYTES).fold(part(0), |any, index| any.or(part(index))).any() {
                break;
            }
            place = place.wrapping_add(2 * BLOCK);
        }
        place.addr() - self.from.addr()
    }
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
        let mut was_empty = !PAIR;
        while at < end {
            let left = end - at;
            let mut mask = if left >= BLOCK {
                compare.prefetch(at.wrapping_add(AHEAD));
                // SAFETY: these are positions of the range.
                match unsafe { compare.block::<true>(at) } {
                    0 => {
                        at += BLOCK;
                        // Where two probes often match, skipping costs more than it saves.
                        if was_empty {
                            // SAFETY: the caller's promise holds for the rest of the range.
                            at = unsafe { compare.skip(at, end) };
                        }
                        was_empty = true;
                        continue;
                    }
                    mask => mask,
                }
            } else {
                // SAFETY: `left` positions of the range begin at `at`, and there are `at - start`
                // before them.
                unsafe { compare.part(at, left, at - start) }
            };
            was_empty = !PAIR;
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
                // SAFETY: these are positions of the range.
                unsafe { compare.block::<true>(end) }
            } else {
                // SAFETY: these are positions of the range.
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
            // SAFETY: the block is inside the haystack.
            total += unsafe { compare.block::<true>(at) }.count_ones() as usize;
        }
        // SAFETY: these are the remaining bytes of the haystack, and `blocks` bytes are before
        // them.
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
            // SAFETY: the block is inside the haystack.
            let mut mask = unsafe { compare.block::<false>(at) };
            let end = count + mask.count_ones() as usize;
            // In a text the processor cannot predict whether a block has no line end, one, or two.
            // A wrong prediction costs more than two calls of `put` that do not count.
            for number in count..count + 2 {
                (self.put)(number, at + mask.trailing_zeros() as usize);
                mask &= mask.wrapping_sub(1);
            }
            // This loop is separate from the first two calls, so that those are unrolled. As one
            // loop it was a tenth slower.
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
                // SAFETY: the block is inside the haystack.
                unsafe { compare.block::<false>(at) }
            } else {
                // SAFETY: these are the remaining bytes of the haystack, and `at` bytes are before
                // them.
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

/// The comparison, with all that stays constant during a search.
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
    /// At as many positions from `at` as a vector has bytes, the bytes of the probes must be
    /// readable.
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

    /// Advances from `at` while two blocks have no candidate. A search that finds nothing spends
    /// its time here, so this is nothing but loads and comparisons.
    ///
    /// # Safety
    ///
    /// At all positions up to `end`, the bytes of the probes must be readable.
    #[inline(always)]
    unsafe fn skip(&self, mut at: usize, end: usize) -> usize {
        while end - at >= 2 * BLOCK {
            // SAFETY: the caller promises these positions.
            let mut any = unsafe { self.vector(at) };
            let mut done = V::BYTES;
            while done < 2 * BLOCK {
                // SAFETY: the caller promises these positions.
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

    /// A mask of the candidates among the [`BLOCK`] positions from `at`. `RARE` means that there is
    /// mostly none, so it is worth testing for that first.
    ///
    /// # Safety
    ///
    /// At all these positions, the bytes of the probes must be readable.
    #[inline(always)]
    unsafe fn block<const RARE: bool>(&self, at: usize) -> u64 {
        // SAFETY: the caller promises the block, of which this is a quarter or a half.
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

    /// A mask of the candidates among `count` positions from `at`, fewer than [`BLOCK`].
    ///
    /// # Safety
    ///
    /// At all these positions, and at `before` positions before `at`, the bytes of the probes must
    /// be readable.
    #[inline(always)]
    unsafe fn part(&self, at: usize, count: usize, before: usize) -> u64 {
        let mut mask = 0;
        let mut done = 0;
        while count - done >= V::BYTES {
            // SAFETY: as many of the caller's positions are left as a vector has bytes.
            mask |= unsafe { self.vector(at + done) }.mask() << done;
            done += V::BYTES;
        }
        let left = count - done;
        let repeated = V::BYTES - left;
        if left == 0 {
            mask
        } else if done + before >= repeated {
            // SAFETY: `repeated` positions come before the remaining ones. They are compared again,
            // together with the remaining ones.
            let last = unsafe { self.vector(at + done - repeated) }.mask();
            mask | last >> repeated << done
        } else {
            (done..count).fold(mask, |mask, index| {
                // SAFETY: this is one of the caller's positions.
                mask | u64::from(unsafe { self.one(at + index) }) << index
            })
        }
    }

    /// # Safety
    ///
    /// At this position, the bytes of the probes must be readable.
    #[inline(always)]
    unsafe fn one(&self, at: usize) -> bool {
        let [one, two] = self.probes;
        // SAFETY: the caller's promise. The read is volatile, because others may write to the byte.
        let first = unsafe { self.first_from.wrapping_add(at).read_volatile() };
        // SAFETY: the caller's promise. The read is volatile, because others may write to the byte.
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
        // SAFETY: at the positions of the tests the probes are inside the bytes, and each machine
        // has these vectors.
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
        // SAFETY: at the positions of the tests the probes are inside the bytes, and each machine
        // has these vectors.
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
        if !positions.is_empty() {
            let from = bytes.as_ptr().wrapping_add(distance);
            // SAFETY: the positions are readable, and each machine has these vectors.
            let skipped = unsafe { Skip { from, positions: positions.clone(), byte: one.byte }.with::<V>() };
            let most = first.first().copied().unwrap_or(positions.end);
            assert!((positions.start..=most).contains(&skipped));
        }
        assert_eq!(up::<V, false>(bytes, positions.clone(), [one; 2]), first);
        assert_eq!(down::<V, false>(bytes, positions, [one; 2]), first);
        let count = Count { haystack: bytes.as_ptr(), length: bytes.len(), byte: 1 };
        // SAFETY: the bytes are readable, and each machine has these vectors.
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
        // SAFETY: the bytes are readable, and each machine has these vectors.
        let count = unsafe { work.with::<V>() };
        found.into_values().take(count).collect()
    }

    #[test]
    fn one_of_several_bytes_is_found_wherever_it_is() {
        let length = 3000;
        // SAFETY: the range is inside the text.
        let first_of = |text: &[u8], bytes: &[u8]| unsafe { first_of(text.as_ptr(), 1..length + 1, bytes) };
        // SAFETY: as above.
        let last_of = |text: &[u8], bytes: &[u8]| unsafe { last_of(text.as_ptr(), 1..length + 1, bytes) };
        for [found, other] in [[b'\n'; 2], *b"\n\r", *b"\r\n"] {
            // What is beside the range does not count, and what is behind another one neither.
            let mut text = vec![other; length + 2];
            let bytes = if found == other { &b"\n"[..] } else { b"\n\r" };
            for at in 1..=length {
                text.get_mut(1..).unwrap_or_default().fill(other);
                text.get_mut(1..at).unwrap_or_default().fill(b' ');
                text.get_mut(at..=at).unwrap_or_default().fill(found);
                assert_eq!(first_of(&text, bytes), Some(at));
                text.reverse();
                assert_eq!(last_of(&text, bytes), Some(length + 1 - at));
            }
            text.fill(other);
            text.get_mut(1..=length).unwrap_or_default().fill(b' ');
            assert_eq!([first_of(&text, bytes), last_of(&text, bytes)], [None; 2]);
        }
    }

    proptest! {
        /// On a machine with wide vectors, only this test uses the others.
        #[test]
        fn narrow_and_portable_vectors_find_what_a_loop_finds(
            // The second kind has long stretches without a match.
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

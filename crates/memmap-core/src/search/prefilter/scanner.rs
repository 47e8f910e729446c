//! Looking for sequences of sets of bytes, at 64 positions at a time.
//!
//! One to three places of the sequences are probed, those with the rarest bytes. Where the probes
//! match, all places are compared, one after the other.

use super::byte_set::ByteSet;
use crate::search::scan::{self, Probe, Probes};
use crate::sys::vector::{self, Vector, Work};
use std::ops::Range;

/// Positions to compare at a time: one for each bit of a mask.
const BLOCK: usize = 64;

/// More probes are not worth their time if candidates are already as rare as this.
const RARE: [f64; 2] = [0.000_2, 0.01];

/// Finds one of some sequences.
#[derive(Debug)]
pub struct Scanner {
    sequences: Vec<Vec<ByteSet>>,
    /// The bytes that any of them can have at each place, up to the end of the shortest.
    any: Vec<ByteSet>,
    probes: Kind,
}

#[derive(Debug)]
enum Kind {
    /// One or two bytes.
    Bytes(Probes),
    /// One to three sets.
    One([SetProbe; 1]),
    Two([SetProbe; 2]),
    Three([SetProbe; 3]),
}

/// A set of bytes that is looked up by the halves of a byte, and its place.
#[derive(Debug, Clone, Copy)]
struct SetProbe {
    at: usize,
    /// For the low half of a byte, a bit for each kind of high half with which it is in the set.
    low: [u8; 16],
    /// For the high half of a byte, the bit of its kind.
    high: [u8; 16],
}

impl SetProbe {
    fn new(at: usize, set: ByteSet) -> SetProbe {
        let mut kinds: Vec<u16> = Vec::new();
        let (mut low, mut high) = ([0; 16], [0; 16]);
        for (half, bit) in (0..16u8).zip(&mut high) {
            let row = (0..16u8).filter(|low| set.has(half << 4 | low)).fold(0u16, |row, low| row | 1 << low);
            if row == 0 {
                continue;
            }
            let kind = match kinds.iter().position(|&kind| kind == row) {
                Some(kind) => kind,
                None if kinds.len() < 8 => {
                    kinds.push(row);
                    kinds.len() - 1
                }
                // There is no bit left, so this kind shares one. The probe finds more than is
                // there.
                None => {
                    if let Some(last) = kinds.last_mut() {
                        *last |= row;
                    }
                    7
                }
            };
            *bit = 1 << kind;
        }
        for (kind, row) in kinds.into_iter().enumerate() {
            for (half, bits) in low.iter_mut().enumerate() {
                *bits |= u8::from(row >> half & 1 != 0) << kind;
            }
        }
        SetProbe { at, low, high }
    }
}

impl Scanner {
    /// The share of positions at which the probes for these sequences match. `None` if they have no
    /// bytes in common places, or this machine cannot look sets up quickly.
    pub fn frequency_of(sequences: &[Vec<ByteSet>]) -> Option<f64> {
        let chosen = choose(&any_of(sequences))?;
        Some(chosen.into_iter().map(|(_, set)| set.frequency()).product())
    }

    /// A scanner for one of these sequences. `None` as for [`Scanner::frequency_of`].
    pub fn new(sequences: Vec<Vec<ByteSet>>) -> Option<Scanner> {
        let any = any_of(&sequences);
        let chosen = choose(&any)?;
        let set = |index: usize| chosen.get(index).map(|&(at, set)| SetProbe::new(at, set));
        let byte = |index: usize| chosen.get(index).and_then(|&(at, set)| Some(Probe { byte: only(set)?, at }));
        let probes = match (chosen.len(), byte(0), byte(1)) {
            (1, Some(one), _) => Kind::Bytes(Probes::One(one)),
            (2, Some(one), Some(two)) => Kind::Bytes(Probes::Two(one, two)),
            (1, ..) => Kind::One([set(0)?]),
            (2, ..) => Kind::Two([set(0)?, set(1)?]),
            _ => Kind::Three([set(0)?, set(1)?, set(2)?]),
        };
        Some(Scanner { sequences, any, probes })
    }

    /// The first of `positions` where one of the sequences is, and the length of the first of them.
    ///
    /// # Safety
    ///
    /// The bytes from the first position to `stop` must be readable. Others may write to them.
    pub unsafe fn find(&self, memory: *const u8, positions: Range<usize>, stop: usize) -> Option<(usize, usize)> {
        let end = positions.end.min((stop + 1).saturating_sub(self.any.len()));
        let positions = positions.start..end;
        let mut found = None;
        let candidate: &mut dyn FnMut(usize) -> usize = &mut |position| {
            // SAFETY: the position is followed by as many bytes as the shortest sequence has.
            match unsafe { self.length_at(memory, position, stop) } {
                Some(length) => {
                    found = Some((position, length));
                    usize::MAX
                }
                None => position + 1,
            }
        };
        match self.probes {
            // SAFETY: at each position, the bytes of the shortest sequence are readable. There are
            // sets only if the machine can look them up.
            Kind::Bytes(probes) => unsafe { scan::up_shared(memory, positions, probes, candidate) },
            // SAFETY: as above.
            Kind::One(probes) => unsafe { vector::run_lookup(Sets { memory, positions, stop, probes, candidate }) },
            // SAFETY: as above.
            Kind::Two(probes) => unsafe { vector::run_lookup(Sets { memory, positions, stop, probes, candidate }) },
            // SAFETY: as above.
            Kind::Three(probes) => unsafe { vector::run_lookup(Sets { memory, positions, stop, probes, candidate }) },
        }
        found
    }

    /// The length of the first of the sequences that is at `at`.
    ///
    /// # Safety
    ///
    /// The bytes from `at` to `stop`, at least those of the shortest sequence, must be readable.
    #[inline]
    unsafe fn length_at(&self, memory: *const u8, at: usize, stop: usize) -> Option<usize> {
        let is_at = |sets: &[ByteSet]| {
            sets.len() <= stop - at
                && sets.iter().enumerate().all(|(index, set)| {
                    // SAFETY: the byte is before `stop`. The read is volatile, because others may
                    // write to the byte.
                    set.has(unsafe { memory.wrapping_add(at + index).read_volatile() })
                })
        };
        if self.sequences.len() > 1 && !is_at(&self.any) {
            return None;
        }
        self.sequences.iter().find(|sets| is_at(sets)).map(Vec::len)
    }
}

/// The only byte of a set.
fn only(set: ByteSet) -> Option<u8> {
    let mut bytes = set.iter();
    bytes.next().filter(|_| bytes.next().is_none())
}

/// The bytes that any of the sequences can have at each place, up to the end of the shortest.
fn any_of(sequences: &[Vec<ByteSet>]) -> Vec<ByteSet> {
    let shortest = sequences.iter().map(Vec::len).min().unwrap_or(0);
    let at = |place: usize| {
        sequences.iter().filter_map(|sets| sets.get(place)).fold(ByteSet::default(), |any, set| any.union(*set))
    };
    (0..shortest).map(at).collect()
}

/// The places to probe, and the sets there, from the rarest.
fn choose(any: &[ByteSet]) -> Option<Vec<(usize, ByteSet)>> {
    let mut places: Vec<(usize, ByteSet)> = any.iter().copied().enumerate().collect();
    if !vector::can_look_up() {
        places.retain(|&(_, set)| only(set).is_some());
    }
    if any.iter().any(|set| set.iter().next().is_none()) {
        // Nothing can match.
        return None;
    }
    places.sort_by(|(_, one), (_, other)| one.frequency().total_cmp(&other.frequency()));
    let mut frequency = 1.0;
    let mut count = 0;
    for (_, set) in places.iter().take(3) {
        let is_rare_enough = match count {
            0 => false,
            _ if set.frequency() > 0.5 => true,
            1 => frequency < RARE[0],
            _ => frequency < RARE[1],
        };
        if is_rare_enough {
            break;
        }
        frequency *= set.frequency();
        count += 1;
    }
    places.truncate(count);
    Some(places).filter(|places| !places.is_empty())
}

struct Sets<'a, const N: usize> {
    memory: *const u8,
    positions: Range<usize>,
    stop: usize,
    probes: [SetProbe; N],
    candidate: &'a mut dyn FnMut(usize) -> usize,
}

impl<const N: usize> Work for Sets<'_, N> {
    type Output = ();

    #[inline(always)]
    unsafe fn with<V: Vector>(self) {
        let Range { start: mut at, end } = self.positions;
        let furthest = self.probes.iter().map(|probe| probe.at).max().unwrap_or(0);
        let tables = self.probes.map(|probe| {
            // SAFETY: the caller promises that the machine has the instructions.
            let low = unsafe { V::repeat(&probe.low) };
            // SAFETY: as above.
            let high = unsafe { V::repeat(&probe.high) };
            (self.memory.wrapping_add(probe.at), low, high)
        });
        // SAFETY: as above.
        let zero = unsafe { V::splat(0) };
        // A vector that has bits set where a probe does not match.
        let misses = |at: usize| {
            let mut misses = zero;
            for (from, low, high) in tables {
                // SAFETY: the bytes of all positions of a block are before `stop`.
                let bytes = unsafe { V::load(from.wrapping_add(at)) };
                let bits = low.lookup(bytes.low_halves()).and(high.lookup(bytes.high_halves()));
                misses = misses.or(bits.equal(zero));
            }
            misses
        };
        while at < end && self.stop - at >= furthest + BLOCK {
            V::prefetch(self.memory.wrapping_add(at + 2048));
            let mut mask = 0;
            let mut done = 0;
            while done < BLOCK {
                mask |= misses(at + done).mask() << done;
                done += V::BYTES;
            }
            mask = !mask;
            while mask != 0 {
                let position = at + mask.trailing_zeros() as usize;
                if position >= end || (self.candidate)(position) == usize::MAX {
                    return;
                }
                mask &= mask - 1;
            }
            at += BLOCK;
        }
        while at < end {
            if (self.candidate)(at) == usize::MAX {
                return;
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::vector::{Narrow, portable};
    use proptest::prelude::*;

    fn find<V: Vector, const N: usize>(bytes: &[u8], sets: &[(usize, ByteSet)]) -> Option<Vec<usize>> {
        let probes: Vec<SetProbe> = sets.iter().map(|&(at, set)| SetProbe::new(at, set)).collect();
        let mut found = Vec::new();
        let candidate = &mut |position| {
            found.push(position);
            position + 1
        };
        let furthest = sets.iter().map(|(at, _)| *at).max()?;
        let positions = 0..bytes.len().saturating_sub(furthest);
        let (memory, stop) = (bytes.as_ptr(), bytes.len());
        let work = Sets::<N> { memory, positions, stop, probes: probes.try_into().ok()?, candidate };
        // SAFETY: at the positions the probes are inside the bytes, and each machine of the tests
        // has these vectors.
        unsafe { work.with::<V>() };
        // Candidates at the end, and those of sets with many kinds, may be wrong.
        found.retain(|&position| {
            sets.iter().all(|(at, set)| bytes.get(position + at).is_some_and(|&byte| set.has(byte)))
        });
        Some(found)
    }

    fn check<V: Vector>(bytes: &[u8], sets: &[(usize, ByteSet); 3]) {
        let furthest = sets.map(|(at, _)| at).into_iter().max().unwrap_or(0);
        for count in 1..=3 {
            let sets = sets.get(..count).unwrap_or_default();
            let furthest = sets.iter().map(|(at, _)| *at).max().unwrap_or(furthest);
            let is_at = |position: &usize| {
                sets.iter().all(|(at, set)| bytes.get(position + at).is_some_and(|&byte| set.has(byte)))
            };
            let expected: Vec<usize> = (0..bytes.len().saturating_sub(furthest)).filter(is_at).collect();
            let found = match count {
                1 => find::<V, 1>(bytes, sets),
                2 => find::<V, 2>(bytes, sets),
                _ => find::<V, 3>(bytes, sets),
            };
            assert_eq!(found, Some(expected));
        }
    }

    fn sets() -> impl Strategy<Value = ByteSet> {
        prop::collection::vec((any::<u8>(), 0u8..40), 1..6).prop_map(|ranges| {
            let add = |set: ByteSet, (first, more): (u8, u8)| set.with(first..=first.saturating_add(more));
            ranges.into_iter().fold(ByteSet::default(), add)
        })
    }

    proptest! {
        /// On a machine with wide vectors, only this test uses the others.
        #[test]
        fn all_vectors_find_what_a_loop_finds(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            sets in [(0usize..20, sets()), (0usize..20, sets()), (0usize..20, sets())],
        ) {
            check::<Narrow>(&bytes, &sets);
            check::<portable::Bytes>(&bytes, &sets);
            #[cfg(target_arch = "x86_64")]
            if vector::can_look_up() {
                check::<crate::sys::vector::Ssse3>(&bytes, &sets);
            }
        }
    }
}

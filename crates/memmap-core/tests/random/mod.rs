//! A small generator of random numbers (xorshift) for tests. It prints its seed, and
//! PROPTEST_RNG_SEED repeats a run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(dead_code, reason = "not every test uses all of it")]

use std::hash::{BuildHasher, RandomState};

pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        let given = std::env::var("PROPTEST_RNG_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("PROPTEST_RNG_SEED={seed}");
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

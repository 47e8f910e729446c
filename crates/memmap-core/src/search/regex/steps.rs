//! The loops that step an automaton over mapped memory.
//!
//! A state of a lazy DFA is tagged if something must be done in it: the next state is not known
//! yet, there is a match, or there will be none. The loops go from one untagged state to the next.
//! A match is one byte late: the state after the byte that follows the match says so.

use super::gave_up;
use crate::error::Result;
use regex_automata::Anchored;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;

/// An automaton, what it may write to, and the memory that it reads.
pub struct Automaton<'a> {
    pub dfa: &'a DFA,
    pub cache: &'a mut Cache,
    pub memory: *const u8,
    /// How many steps may still be slow: those from a tagged state, or to one that is not known.
    pub slow_steps: usize,
}

/// Why [`Automaton::forward`] has ended.
pub enum Exit {
    /// It is at the limit.
    Limit,
    /// What comes cannot change the result, or it does not matter.
    Over,
    /// It is where it started: no match has begun.
    Start,
}

/// Where a walk is.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    pub state: LazyStateID,
    /// Forwards the next byte, backwards the byte after it.
    pub at: usize,
    /// The best end of a match so far, or backwards the furthest start.
    pub found: Option<usize>,
}

/// A byte of the memory.
///
/// # Safety
///
/// It must be readable.
#[inline(always)]
pub unsafe fn byte(memory: *const u8, at: usize) -> u8 {
    // SAFETY: the caller's promise. The read is volatile, because others may write to the byte.
    unsafe { memory.wrapping_add(at).read_volatile() }
}

impl Automaton<'_> {
    /// A walk that starts beside the byte `beside`, which is before it, or backwards after it.
    pub fn start(&mut self, at: usize, beside: Option<u8>, anchored: bool) -> Result<Walk> {
        let anchored = if anchored { Anchored::Yes } else { Anchored::No };
        let config = start::Config::new().look_behind(beside).anchored(anchored);
        let state = self.dfa.start_state(self.cache, &config).map_err(|_| gave_up())?;
        Ok(Walk { state, at, found: None })
    }

    /// The state after `byte`, from any state. After the last slow step, a walk must pause.
    fn slow_step(&mut self, state: LazyStateID, byte: u8) -> Result<LazyStateID> {
        self.slow_steps = self.slow_steps.saturating_sub(1);
        self.next(state, byte)
    }

    /// The state after `byte`, from any state.
    fn next(&mut self, state: LazyStateID, byte: u8) -> Result<LazyStateID> {
        self.dfa.next_state(self.cache, state, byte).map_err(|_| gave_up())
    }

    /// The state after the last byte.
    pub fn last(&mut self, state: LazyStateID) -> Result<LazyStateID> {
        self.dfa.next_eoi_state(self.cache, state).map_err(|_| gave_up())
    }

    /// The state after the byte at `at`, from an untagged state.
    ///
    /// # Safety
    ///
    /// The state must be an untagged one of this automaton, and the byte must be readable.
    #[inline(always)]
    unsafe fn step(&self, state: LazyStateID, at: usize) -> LazyStateID {
        // SAFETY: the caller's promise.
        let byte = unsafe { byte(self.memory, at) };
        // SAFETY: the caller's promise.
        unsafe { self.dfa.next_state_untagged_unchecked(self.cache, state, byte) }
    }

    /// Goes up to `limit` at most, and not beyond the last slow step. If only an end of `any` match
    /// is wanted, it ends there.
    ///
    /// # Safety
    ///
    /// The bytes from `walk.at` to `limit` must be readable. The walk must be one of this automaton
    /// and this cache, which nobody else has used since.
    #[inline(never)]
    pub unsafe fn forward(&mut self, walk: &mut Walk, limit: usize, any: bool) -> Result<Exit> {
        let Walk { mut state, mut at, .. } = *walk;
        let exit = loop {
            if at >= limit || self.slow_steps == 0 {
                break Exit::Limit;
            }
            if state.is_tagged() {
                // SAFETY: the byte is before the limit.
                state = self.slow_step(state, unsafe { byte(self.memory, at) })?;
            } else {
                // Four steps in a row: the states before and after take turns.
                let mut before = state;
                while at < limit {
                    // SAFETY: the state is untagged, and the byte is before the limit.
                    before = unsafe { self.step(state, at) };
                    if before.is_tagged() || limit - at <= 3 {
                        std::mem::swap(&mut before, &mut state);
                        break;
                    }
                    at += 1;
                    // SAFETY: as above. At least three bytes were left.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() {
                        break;
                    }
                    at += 1;
                    // SAFETY: as above.
                    before = unsafe { self.step(state, at) };
                    if before.is_tagged() {
                        std::mem::swap(&mut before, &mut state);
                        break;
                    }
                    at += 1;
                    // SAFETY: as above.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() {
                        break;
                    }
                    at += 1;
                }
                if at >= limit {
                    break Exit::Limit;
                }
                if state.is_unknown() {
                    // SAFETY: the byte is before the limit.
                    state = self.slow_step(before, unsafe { byte(self.memory, at) })?;
                }
            }
            if state.is_tagged() {
                if state.is_match() {
                    walk.found = Some(at);
                    if any {
                        break Exit::Over;
                    }
                } else if state.is_dead() {
                    break Exit::Over;
                } else if state.is_start() && walk.found.is_none() {
                    at += 1;
                    break Exit::Start;
                }
            }
            at += 1;
        };
        walk.state = state;
        walk.at = at;
        Ok(exit)
    }

    /// Goes down to `limit` at least, and not beyond the last slow step. It returns whether what
    /// comes cannot change the result.
    ///
    /// # Safety
    ///
    /// The bytes from `limit` to `walk.at` must be readable. The rest is as for
    /// [`Automaton::forward`].
    #[inline(never)]
    pub unsafe fn backward(&mut self, walk: &mut Walk, limit: usize) -> Result<bool> {
        let Walk { mut state, mut at, .. } = *walk;
        let mut is_over = false;
        while at > limit && self.slow_steps > 0 {
            if state.is_tagged() {
                at -= 1;
                // SAFETY: the byte is not before the limit.
                state = self.slow_step(state, unsafe { byte(self.memory, at) })?;
            } else {
                let mut before;
                loop {
                    at -= 1;
                    before = state;
                    // SAFETY: the state is untagged, and the byte is not before the limit.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() || at - limit < 4 {
                        break;
                    }
                    at -= 1;
                    before = state;
                    // SAFETY: as above. At least four bytes were left.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() {
                        break;
                    }
                    at -= 1;
                    before = state;
                    // SAFETY: as above.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() {
                        break;
                    }
                    at -= 1;
                    before = state;
                    // SAFETY: as above.
                    state = unsafe { self.step(before, at) };
                    if state.is_tagged() || at == limit {
                        break;
                    }
                }
                if state.is_unknown() {
                    // SAFETY: the byte is not before the limit.
                    state = self.slow_step(before, unsafe { byte(self.memory, at) })?;
                }
            }
            if state.is_tagged() {
                if state.is_match() {
                    walk.found = Some(at + 1);
                } else if state.is_dead() {
                    is_over = true;
                    break;
                }
            }
        }
        walk.state = state;
        walk.at = at;
        Ok(is_over)
    }

    /// Ends a walk backwards, which is where a match may begin at the earliest, with the byte
    /// before that. It returns the furthest start.
    pub fn finish(&mut self, walk: Walk, before: Option<u8>) -> Result<Option<usize>> {
        let state = match before {
            Some(byte) => self.next(walk.state, byte)?,
            None => self.last(walk.state)?,
        };
        Ok(if state.is_match() { Some(walk.at) } else { walk.found })
    }
}

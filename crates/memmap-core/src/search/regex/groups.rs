//! Where the groups of a match are.
//!
//! The bytes of the match, and one at each side, are copied to private memory, where the searches of
//! regex-automata can read them.

use super::too_large;
use crate::error::Result;
use crate::search::Group;
use regex_automata::dfa::onepass;
use regex_automata::nfa::thompson::{
    NFA,
    backtrack::{self, BoundedBacktracker},
    pikevm::{self, PikeVM},
};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use std::ops::Range;
use std::ptr;

/// The longest match whose groups are looked for.
const LONGEST: usize = 16 * 1024 * 1024;

/// Bytes that a one-pass DFA may need.
const LARGEST_ONE_PASS: usize = 1024 * 1024;

/// Bytes in which the backtracker marks what it has tried. It tries nothing twice.
const BACKTRACKER_VISITED: usize = 256 * 1024;

/// Steps that the PikeVM may do for one match. A step takes some nanoseconds, and nobody can stop
/// it meanwhile.
const MOST_STEPS: usize = 1 << 25;

/// Finds the groups of a match.
#[derive(Debug)]
pub struct GroupFinder {
    one_pass: Option<onepass::DFA>,
    backtracker: BoundedBacktracker,
    pike: PikeVM,
    groups: usize,
}

/// What finding groups needs to write to.
#[derive(Debug)]
pub struct GroupCache {
    one_pass: Option<onepass::Cache>,
    backtracker: backtrack::Cache,
    pike: pikevm::Cache,
    slots: Vec<Option<NonMaxUsize>>,
    copy: Vec<u8>,
    /// The groups of the last match.
    pub groups: Vec<Group>,
}

/// What came of finding groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// They are in the cache.
    Groups,
    /// The match is too long.
    TooLong,
    /// The bytes have changed: it is not a match any more.
    Changed,
}

impl GroupFinder {
    pub fn new(nfa: NFA, groups: usize) -> Result<GroupFinder> {
        let config = onepass::Config::new().size_limit(Some(LARGEST_ONE_PASS));
        // Most patterns cannot become a one-pass DFA. The others find their groups, too.
        let one_pass = onepass::DFA::builder().configure(config).build_from_nfa(nfa.clone()).ok();
        let config = BoundedBacktracker::config().visited_capacity(BACKTRACKER_VISITED);
        let backtracker = BoundedBacktracker::builder().configure(config).build_from_nfa(nfa.clone());
        Ok(GroupFinder {
            one_pass,
            backtracker: backtracker.map_err(|_| too_large())?,
            pike: PikeVM::new_from_nfa(nfa).map_err(|_| too_large())?,
            groups,
        })
    }

    pub fn cache(&self) -> GroupCache {
        GroupCache {
            one_pass: self.one_pass.as_ref().map(onepass::DFA::create_cache),
            backtracker: self.backtracker.create_cache(),
            pike: self.pike.create_cache(),
            slots: vec![None; self.pike.get_nfa().group_info().slot_len()],
            copy: Vec::new(),
            groups: vec![Group::Unmatched; self.groups],
        }
    }

    /// Finds the groups of the match at `place`, with the bytes before and after it.
    ///
    /// # Safety
    ///
    /// The match must be readable.
    pub unsafe fn find(
        &self,
        cache: &mut GroupCache,
        memory: *const u8,
        place: Range<usize>,
        before: Option<u8>,
        after: Option<u8>,
    ) -> Found {
        let length = place.len();
        // SAFETY: the caller's promise.
        if length > LONGEST || !unsafe { cache.copy(memory, &place, before, after) } {
            return Found::TooLong;
        }
        let first = usize::from(before.is_some());
        let input = Input::new(&cache.copy).range(first..first + length).anchored(Anchored::Yes);
        let slots = &mut cache.slots;
        slots.fill(None);
        let found = if let (Some(dfa), Some(one_pass)) = (&self.one_pass, &mut cache.one_pass) {
            dfa.try_search_slots(one_pass, &input, slots).ok().flatten()
        } else if length < self.backtracker.max_haystack_len() {
            self.backtracker.try_search_slots(&mut cache.backtracker, &input, slots).ok().flatten()
        } else if length.saturating_mul(self.pike.get_nfa().states().len()) <= MOST_STEPS {
            self.pike.search_slots(&mut cache.pike, &input, slots)
        } else {
            return Found::TooLong;
        };
        if found.is_none() {
            return Found::Changed;
        }
        let mut pairs = slots.chunks_exact(2).skip(1);
        let place_of = |slot: NonMaxUsize| slot.get() - first + place.start;
        for group in &mut cache.groups {
            *group = match pairs.next() {
                Some(&[Some(start), Some(end)]) => Group::At { start: place_of(start), end: place_of(end) },
                _ => Group::Unmatched,
            };
        }
        Found::Groups
    }
}

impl GroupCache {
    /// Copies the bytes of a match. It returns false if there is no memory for that.
    ///
    /// # Safety
    ///
    /// They must be readable.
    unsafe fn copy(&mut self, memory: *const u8, place: &Range<usize>, before: Option<u8>, after: Option<u8>) -> bool {
        let length = place.len();
        self.copy.clear();
        if self.copy.try_reserve(length + 2).is_err() {
            return false;
        }
        self.copy.extend(before);
        let filled = self.copy.len();
        let target = self.copy.spare_capacity_mut().as_mut_ptr();
        // SAFETY: the caller promises the bytes, and there is room for them. Nobody else uses the
        // vector.
        unsafe { ptr::copy_nonoverlapping(memory.wrapping_add(place.start), target.cast(), length) };
        // SAFETY: these bytes have just been initialised.
        unsafe { self.copy.set_len(filled + length) };
        self.copy.extend(after);
        true
    }
}

//! Where the groups of a match are.
//!
//! The bytes of the match, and one at each side, are copied to private memory, where the searches
//! of regex-automata can read them. Start and end of the match are known, so only its groups are
//! asked for:
//!
//! * If what is before a group always has the same length, or what is after it, none is needed.
//! * If each byte leaves only one way on, a one-pass DFA finds them in one pass, and stops after
//!   the last group.
//! * `.*took (\d+) ms` leaves two ways at each `t`, but only one if it is read from its end. So the
//!   one-pass DFA of the reversed pattern reads the reversed copy.
//! * A backtracker, which tries nothing twice, does the others.

use super::too_large;
use crate::error::Result;
use crate::search::Group;
use regex_automata::dfa::onepass;
use regex_automata::nfa::thompson::{
    Compiler, Config, NFA,
    backtrack::{self, BoundedBacktracker},
};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};
use std::ops::Range;
use std::ptr;

/// The longest match whose groups are looked for.
const LONGEST: usize = 16 * 1024 * 1024;

/// Bytes that a one-pass DFA may need.
const LARGEST_ONE_PASS: usize = 1024 * 1024;

/// Bytes in which the backtracker marks what it has tried, a bit for each byte of the match and
/// each state of the NFA. For longer matches it would need more than a tenth of a second, in which
/// nobody could stop it.
const VISITED: usize = 2 * 1024 * 1024;

/// Finds the groups of a match.
#[derive(Debug)]
pub struct GroupFinder {
    /// Where the groups of each match are, if that is always the same.
    bounds: Option<Vec<[Bound; 2]>>,
    one_pass: Option<OnePass>,
    backtracker: BoundedBacktracker,
    groups: usize,
    /// A match is a line that ends at one of these bytes, and the pattern sees nothing around it.
    line_ends: Option<&'static [u8]>,
}

/// Where a group begins or ends.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// So many bytes after the start of the match.
    FromStart(usize),
    /// So many bytes before its end.
    FromEnd(usize),
}

impl Bound {
    fn position(self, place: &Range<usize>) -> usize {
        match self {
            Bound::FromStart(length) => place.start.saturating_add(length).min(place.end),
            Bound::FromEnd(length) => place.end.saturating_sub(length).max(place.start),
        }
    }
}

#[derive(Debug)]
struct OnePass {
    /// It reads a match up to its last group.
    dfa: onepass::DFA,
    /// It reads all of a match. `None` if `dfa` does.
    whole: Option<onepass::DFA>,
    /// They read a match from its end.
    is_reversed: bool,
}

/// What finding groups needs to write to.
#[derive(Debug)]
pub struct GroupCache {
    one_pass: Option<onepass::Cache>,
    backtracker: backtrack::Cache,
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
    /// A finder for the first `groups` groups of a pattern. With `line_ends`, each match is a line
    /// that ends there, and the pattern is one that sees nothing else.
    pub fn new(hir: &Hir, nfa: NFA, groups: usize, line_ends: Option<&'static [u8]>) -> Result<GroupFinder> {
        let forward = || one_pass(hir, false);
        let reversed = || one_pass(&reversed(hir)?, true);
        let config = BoundedBacktracker::config().visited_capacity(VISITED);
        let backtracker = BoundedBacktracker::builder().configure(config).build_from_nfa(nfa);
        let mut bounds = vec![None; groups];
        fix(hir, Some(0), Some(0), &mut bounds);
        Ok(GroupFinder {
            bounds: bounds.into_iter().collect(),
            one_pass: forward().or_else(reversed),
            backtracker: backtracker.map_err(|_| too_large())?,
            groups,
            line_ends,
        })
    }

    /// What one search needs.
    pub fn cache(&self) -> GroupCache {
        GroupCache {
            one_pass: self.one_pass.as_ref().map(|one_pass| one_pass.dfa.create_cache()),
            backtracker: self.backtracker.create_cache(),
            slots: vec![None; self.backtracker.get_nfa().group_info().slot_len()],
            copy: Vec::new(),
            groups: vec![Group::Unmatched; self.groups],
        }
    }

    /// What it costs at most to find the groups of a match, in bytes that an automaton steps over.
    pub fn cost(&self, length: usize) -> usize {
        let states = match (&self.bounds, &self.one_pass) {
            (Some(_), _) => 0,
            (None, Some(_)) => 1,
            (None, None) => self.backtracker.get_nfa().states().len(),
        };
        length.saturating_mul(states)
    }

    /// Finds the groups of the match at `place`, with the bytes on its `sides`: the one before it
    /// and the one after it. The search has just read the match, so what follows its last group is
    /// not read again.
    ///
    /// # Safety
    ///
    /// The match must be readable.
    pub unsafe fn find(
        &self,
        cache: &mut GroupCache,
        memory: *const u8,
        place: Range<usize>,
        sides: [Option<u8>; 2],
    ) -> Found {
        if let Some(bounds) = self.bounds.as_ref().filter(|_| place.len() <= LONGEST) {
            for (group, [start, end]) in cache.groups.iter_mut().zip(bounds) {
                *group = Group::At { start: start.position(&place), end: end.position(&place) };
            }
            return Found::Groups;
        }
        // SAFETY: the caller's promise.
        unsafe { self.find_in(cache, memory, place, sides, false) }
    }

    /// Like [`GroupFinder::find`], long after the search: they are found only if all of `place` is
    /// a match now.
    ///
    /// # Safety
    ///
    /// As for [`GroupFinder::find`].
    pub unsafe fn find_late(
        &self,
        cache: &mut GroupCache,
        memory: *const u8,
        place: Range<usize>,
        sides: [Option<u8>; 2],
    ) -> Found {
        // SAFETY: the caller's promise.
        unsafe { self.find_in(cache, memory, place, sides, true) }
    }

    /// # Safety
    ///
    /// As for [`GroupFinder::find`].
    unsafe fn find_in(
        &self,
        cache: &mut GroupCache,
        memory: *const u8,
        place: Range<usize>,
        sides: [Option<u8>; 2],
        is_late: bool,
    ) -> Found {
        let length = place.len();
        if length > LONGEST || self.one_pass.is_none() && length > self.backtracker.max_haystack_len() {
            return Found::TooLong;
        }
        let [before, after] = match self.line_ends {
            Some(ends) if is_late && sides.iter().flatten().any(|side| !ends.contains(side)) => {
                return Found::Changed;
            }
            Some(_) => [None; 2],
            None => sides,
        };
        let is_reversed = self.one_pass.as_ref().is_some_and(|one_pass| one_pass.is_reversed);
        let (first, last) = if is_reversed { (after, before) } else { (before, after) };
        // SAFETY: the caller's promise.
        if !unsafe { cache.copy(memory, &place, first, last, is_reversed) } {
            return Found::TooLong;
        }
        let skipped = usize::from(first.is_some());
        let input = Input::new(&cache.copy).range(skipped..skipped + length).anchored(Anchored::Yes);
        let slots = &mut cache.slots;
        slots.fill(None);
        let found = if let (Some(one_pass), Some(cache)) = (&self.one_pass, &mut cache.one_pass) {
            let whole = one_pass.whole.as_ref().filter(|_| is_late);
            whole.unwrap_or(&one_pass.dfa).try_search_slots(cache, &input, slots).ok().flatten()
        } else {
            self.backtracker.try_search_slots(&mut cache.backtracker, &input, slots).ok().flatten()
        };
        let end = slots.get(1).copied().flatten().map(NonMaxUsize::get);
        if found.is_none() || is_late && end != Some(skipped + length) {
            return Found::Changed;
        }
        let mut pairs = slots.chunks_exact(2).skip(1);
        for group in &mut cache.groups {
            *group = match pairs.next() {
                Some(&[Some(start), Some(end)]) => {
                    let (start, end) = (start.get() - skipped, end.get() - skipped);
                    let (start, end) = if is_reversed { (length - end, length - start) } else { (start, end) };
                    Group::At { start: place.start + start, end: place.start + end }
                }
                _ => Group::Unmatched,
            };
        }
        Found::Groups
    }
}

impl GroupCache {
    /// Bytes that the copy of a match has room for.
    pub fn copied(&self) -> usize {
        self.copy.capacity()
    }

    /// Copies the bytes of a match, between a first and a last one. It returns false if there is no
    /// memory for that.
    ///
    /// # Safety
    ///
    /// They must be readable.
    unsafe fn copy(
        &mut self,
        memory: *const u8,
        place: &Range<usize>,
        first: Option<u8>,
        last: Option<u8>,
        is_reversed: bool,
    ) -> bool {
        let length = place.len();
        self.copy.clear();
        if self.copy.try_reserve(length + 2).is_err() {
            return false;
        }
        self.copy.extend(first);
        let filled = self.copy.len();
        let target = self.copy.spare_capacity_mut().as_mut_ptr();
        // SAFETY: the caller promises the bytes, and there is room for them. Nobody else uses the
        // vector.
        unsafe { ptr::copy_nonoverlapping(memory.wrapping_add(place.start), target.cast(), length) };
        // SAFETY: these bytes have just been initialised.
        unsafe { self.copy.set_len(filled + length) };
        if is_reversed && let Some(copied) = self.copy.get_mut(filled..) {
            copied.reverse();
        }
        self.copy.extend(last);
        true
    }
}

/// Sets the bounds of the groups in a part of a pattern, as far as they are fixed. The part has so
/// many bytes of each match before and after it. `None`: their number varies. What is repeated, or
/// an alternative, has no fixed bounds.
fn fix(hir: &Hir, before: Option<usize>, after: Option<usize>, bounds: &mut [Option<[Bound; 2]>]) {
    let length_of = |parts: &[Hir]| parts.iter().try_fold(0, |sum, part| Some(sum + length(part)?));
    match hir.kind() {
        HirKind::Capture(capture) => {
            let own = length(hir);
            let from_start = |more: Option<usize>| Some(Bound::FromStart(before? + more?));
            let from_end = |more: Option<usize>| Some(Bound::FromEnd(after? + more?));
            let start = from_start(Some(0)).or_else(|| from_end(own));
            let end = from_end(Some(0)).or_else(|| from_start(own));
            if let Some(bound) = bounds.get_mut((capture.index as usize).wrapping_sub(1)) {
                *bound = start.zip(end).map(|(start, end)| [start, end]);
            }
            fix(&capture.sub, before, after, bounds);
        }
        HirKind::Concat(parts) => {
            for index in 0..parts.len() {
                if let (left, [part, right @ ..]) = parts.split_at(index) {
                    let before = before.zip(length_of(left)).map(|(before, more)| before + more);
                    let after = after.zip(length_of(right)).map(|(after, more)| after + more);
                    fix(part, before, after, bounds);
                }
            }
        }
        _ => {}
    }
}

/// The length of all matches, if it is the same.
fn length(hir: &Hir) -> Option<usize> {
    let properties = hir.properties();
    properties.minimum_len().filter(|_| properties.minimum_len() == properties.maximum_len())
}

/// The one-pass DFAs of a pattern. `None` if it is not one-pass.
///
/// The whole pattern must be one-pass. Then the byte after the last group leaves no other way than
/// out of the groups, and the DFA without the rest stops there, too.
fn one_pass(hir: &Hir, is_reversed: bool) -> Option<OnePass> {
    let build = |hir: &Hir| {
        let nfa = Compiler::new().configure(Config::new().utf8(false)).build_from_hir(hir).ok()?;
        let config = onepass::Config::new().size_limit(Some(LARGEST_ONE_PASS)).match_kind(MatchKind::All);
        onepass::DFA::builder().configure(config).build_from_nfa(nfa).ok()
    };
    let whole = build(hir)?;
    let HirKind::Concat(parts) = hir.kind() else {
        return Some(OnePass { dfa: whole, whole: None, is_reversed });
    };
    let has_groups = |part: &Hir| part.properties().explicit_captures_len() > 0;
    let needed = parts.iter().rposition(has_groups)? + 1;
    if needed == parts.len() {
        return Some(OnePass { dfa: whole, whole: None, is_reversed });
    }
    let dfa = build(&Hir::concat(parts.iter().take(needed).cloned().collect()))?;
    Some(OnePass { dfa, whole: Some(whole), is_reversed })
}

/// The pattern of the reversed bytes. `None` if its groups would not be the same, or if it is
/// difficult to say.
fn reversed(hir: &Hir) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.iter().rev().copied().collect::<Vec<u8>>()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(Class::Unicode(class)) if class.is_ascii() => Hir::class(Class::Unicode(class.clone())),
        // The bytes of a code point would have to be reversed.
        HirKind::Class(Class::Unicode(_)) => return None,
        HirKind::Look(look) => Hir::look(match look {
            Look::Start => Look::End,
            Look::End => Look::Start,
            Look::StartLF => Look::EndLF,
            Look::EndLF => Look::StartLF,
            // Between `\r` and `\n` there is no line end, in either direction. The bytes that are
            // reversed would have one there.
            Look::StartCRLF | Look::EndCRLF => return None,
            Look::WordAscii | Look::WordAsciiNegate => *look,
            // The reader of programs makes no others.
            _ => return None,
        }),
        HirKind::Repetition(repetition) => {
            // The group of the last repetition counts, and that would be the first one.
            if repetition.sub.properties().explicit_captures_len() > 0 && repetition.max != Some(1) {
                return None;
            }
            Hir::repetition(Repetition { sub: Box::new(reversed(&repetition.sub)?), ..repetition.clone() })
        }
        HirKind::Capture(capture) => {
            Hir::capture(Capture { index: capture.index, name: None, sub: Box::new(reversed(&capture.sub)?) })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().rev().map(reversed).collect::<Option<Vec<Hir>>>()?),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(reversed).collect::<Option<Vec<Hir>>>()?),
    })
}

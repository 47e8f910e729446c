//! Which bytes every match has: sequences of sets of bytes.

use super::byte_set::ByteSet;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Sets in a sequence. Longer ones are cut.
const LONGEST: usize = 32;
/// Sequences, of which a match has one.
const MOST: usize = 64;
/// How many times more than necessary something may be repeated, to be a sequence for each number.
const MOST_CHOICES: u32 = 3;
/// Parts of a concatenation at which a sequence may begin.
const MOST_STARTS: usize = 32;

/// What a match begins with.
#[derive(Debug, Clone)]
struct Prefix {
    sets: Vec<ByteSet>,
    /// Whether what follows in the pattern follows directly.
    is_open: bool,
}

/// What every match contains.
#[derive(Debug, Clone)]
pub struct Required {
    /// One of these, none of which is empty.
    pub sequences: Vec<Vec<ByteSet>>,
    /// A match has no other bytes than these before it.
    pub before: ByteSet,
}

/// Sequences that are all that the pattern can match, from the one that it prefers. `None` if they
/// are too many or too long, or if a match depends on what is around it.
pub fn whole(hir: &Hir) -> Option<Required> {
    if !hir.properties().look_set().is_empty() {
        return None;
    }
    let all = prefixes(hir)?;
    let are_whole = all.iter().all(|prefix| prefix.is_open && !prefix.sets.is_empty());
    let sequences = all.into_iter().map(|prefix| prefix.sets).collect();
    are_whole.then_some(Required { sequences, before: ByteSet::default() })
}

/// What it costs to look for something. `None` if that is not possible.
pub type Cost<'a> = &'a dyn Fn(&Required) -> Option<f64>;

/// The cheapest of what each match contains.
pub fn cheapest(hir: &Hir, cost: Cost<'_>) -> Option<Required> {
    let mut best = Best { cost, least: f64::INFINITY, required: None };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(_) | HirKind::Class(_) => best.consider(prefixes(hir), ByteSet::default()),
        HirKind::Capture(capture) => return cheapest(&capture.sub, cost),
        HirKind::Repetition(repetition) => {
            if repetition.min > 0 {
                best.consider(prefixes(hir), ByteSet::default());
                best.consider_required(cheapest(&repetition.sub, cost));
            }
            if repetition.min > 1 {
                consider_twice(&repetition.sub, &mut best);
            }
        }
        HirKind::Concat(parts) => {
            let mut before = ByteSet::default();
            for (index, part) in parts.iter().enumerate().take(MOST_STARTS) {
                best.consider(prefixes_of_all(parts.iter().skip(index)), before);
                if let Some(Required { sequences, before: inner }) = cheapest(part, cost) {
                    best.consider_required(Some(Required { sequences, before: before.union(inner) }));
                }
                before = before.union(bytes_of(part));
            }
        }
        HirKind::Alternation(parts) => {
            best.consider(prefixes(hir), ByteSet::default());
            let mut all = Required { sequences: Vec::new(), before: ByteSet::default() };
            let are_all = parts.iter().all(|part| match cheapest(part, cost) {
                Some(Required { sequences, before }) => {
                    all.sequences.extend(sequences);
                    all.before = all.before.union(before);
                    all.sequences.len() <= MOST
                }
                None => false,
            });
            best.consider_required(Some(all).filter(|_| are_all));
        }
    }
    best.required
}

/// Considers what is in a repeated pattern from its second part on, up to the end of the second
/// repetition: `\.\d{1,3}\.` of `(?:\d{1,3}\.){3}`.
fn consider_twice(hir: &Hir, best: &mut Best<'_>) {
    match hir.kind() {
        HirKind::Capture(capture) => consider_twice(&capture.sub, best),
        HirKind::Concat(parts) => {
            let mut before = ByteSet::default();
            for (index, part) in parts.iter().enumerate().take(MOST_STARTS) {
                if index > 0 {
                    best.consider(prefixes_of_all(parts.iter().skip(index).chain(parts)), before);
                }
                before = before.union(bytes_of(part));
            }
        }
        _ => {}
    }
}

struct Best<'a> {
    cost: Cost<'a>,
    least: f64,
    required: Option<Required>,
}

impl Best<'_> {
    fn consider(&mut self, prefixes: Option<Vec<Prefix>>, before: ByteSet) {
        let required = prefixes.map(|prefixes| {
            let sequences = prefixes.into_iter().map(|prefix| prefix.sets).collect();
            Required { sequences, before }
        });
        self.consider_required(required);
    }

    fn consider_required(&mut self, required: Option<Required>) {
        if let Some(required) = required
            && !required.sequences.is_empty()
            && !required.sequences.iter().any(Vec::is_empty)
            && let Some(cost) = (self.cost)(&required)
            && cost < self.least
        {
            self.least = cost;
            self.required = Some(required);
        }
    }
}

/// What a match begins with: one of these. `None` if they are too many.
///
/// They are in the order in which the pattern prefers them.
fn prefixes(hir: &Hir) -> Option<Vec<Prefix>> {
    let one = |sets, is_open| Some(vec![Prefix { sets, is_open }]);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => one(Vec::new(), true),
        HirKind::Literal(literal) => {
            let sets = literal.0.iter().take(LONGEST).map(|&byte| ByteSet::one(byte)).collect();
            one(sets, literal.0.len() <= LONGEST)
        }
        HirKind::Class(class) => {
            let (first, is_whole) = first_bytes(class);
            one(vec![first], is_whole)
        }
        HirKind::Capture(capture) => prefixes(&capture.sub),
        HirKind::Repetition(repetition) => prefixes_of_repetition(repetition),
        HirKind::Concat(parts) => prefixes_of_all(parts.iter()),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(prefixes(part)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
    }
}

fn prefixes_of_repetition(repetition: &Repetition) -> Option<Vec<Prefix>> {
    let once = prefixes(&repetition.sub)?;
    if repetition.min == 0 {
        let mut all = once;
        for prefix in &mut all {
            prefix.is_open &= repetition.max == Some(1);
        }
        let nothing = Prefix { sets: Vec::new(), is_open: true };
        all.insert(if repetition.greedy { all.len() } else { 0 }, nothing);
        return Some(all);
    }
    if let (Some(most), [only]) = (repetition.max, once.as_slice())
        && only.is_open
        && (1..=MOST_CHOICES).contains(&(most - repetition.min))
        && only.sets.len() * most as usize <= LONGEST
    {
        let mut all: Vec<Prefix> = (repetition.min..=most)
            .map(|times| Prefix { sets: only.sets.repeat(times as usize), is_open: true })
            .collect();
        if repetition.greedy {
            all.reverse();
        }
        return Some(all);
    }
    let mut all = once.clone();
    let times = repetition.min.min(LONGEST as u32);
    for _ in 1..times {
        all = followed_by(all, &once)?;
    }
    if repetition.max != Some(times) {
        for prefix in &mut all {
            prefix.is_open = false;
        }
    }
    Some(all)
}

fn prefixes_of_all<'a>(parts: impl Iterator<Item = &'a Hir>) -> Option<Vec<Prefix>> {
    let mut all = vec![Prefix { sets: Vec::new(), is_open: true }];
    for part in parts {
        if !all.iter().any(|prefix| prefix.is_open) {
            break;
        }
        match prefixes(part).and_then(|next| followed_by(all.clone(), &next)) {
            Some(longer) => all = longer,
            // What is known so far is still true, but something follows.
            None => {
                for prefix in &mut all {
                    prefix.is_open = false;
                }
            }
        }
    }
    Some(all)
}

fn followed_by(first: Vec<Prefix>, next: &[Prefix]) -> Option<Vec<Prefix>> {
    let mut all = Vec::new();
    for prefix in first {
        if !prefix.is_open || prefix.sets.len() >= LONGEST {
            all.push(Prefix { is_open: false, ..prefix });
        } else {
            for follower in next {
                let mut sets = prefix.sets.clone();
                sets.extend_from_slice(&follower.sets);
                let is_open = follower.is_open && sets.len() < LONGEST;
                sets.truncate(LONGEST);
                all.push(Prefix { sets, is_open });
            }
        }
        if all.len() > MOST {
            return None;
        }
    }
    Some(all)
}

/// The first bytes of what a class matches, and whether those are all of its bytes.
fn first_bytes(class: &Class) -> (ByteSet, bool) {
    let mut set = ByteSet::default();
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                set = set.with(range.start()..=range.end());
            }
            (set, true)
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                set = set.with(first_byte(range.start())..=first_byte(range.end()));
            }
            (set, class.ranges().iter().all(|range| range.end().is_ascii()))
        }
    }
}

/// The bytes that a pattern matches, if it matches one byte.
pub fn set_of(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Class(class) => Some(first_bytes(class)).filter(|(_, is_whole)| *is_whole).map(|(set, _)| set),
        _ => None,
    }
}

fn first_byte(character: char) -> u8 {
    let mut buffer = [0; 4];
    character.encode_utf8(&mut buffer).bytes().next().unwrap_or(0)
}

/// The bytes with which a match can begin. `None` if a match can be empty, or if that is difficult
/// to say.
pub fn starts_of(hir: &Hir) -> Option<ByteSet> {
    let mut all = ByteSet::default();
    for prefix in prefixes(hir)? {
        all = all.union(*prefix.sets.first()?);
    }
    Some(all)
}

/// All bytes that a match can have in it.
pub fn bytes_of(hir: &Hir) -> ByteSet {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ByteSet::default(),
        HirKind::Literal(literal) => literal.0.iter().fold(ByteSet::default(), |set, &byte| set.with(byte..=byte)),
        HirKind::Class(class) => match first_bytes(class) {
            (set, true) => set,
            (set, false) => set.with(0x80..=0xbf),
        },
        HirKind::Capture(capture) => bytes_of(&capture.sub),
        HirKind::Repetition(repetition) => bytes_of(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(ByteSet::default(), |set, part| set.union(bytes_of(part)))
        }
    }
}

//! Patterns whose matches are lines, or begin with one.
//!
//! `^.*took (\d+) ms$` matches each line in which `took (\d+) ms$` matches anywhere. So that part
//! is looked for, and then the ends of the line around it, which takes a scan and not an automaton.

use crate::search::prefilter::{ByteSet, bytes_of, set_of};
use regex_syntax::hir::{Hir, HirKind, Look};

/// Which lines a search finds.
#[derive(Debug, Clone, Copy)]
pub enum Lines {
    /// Lines with a match. The range begins with a line.
    With,
    /// Lines that end at one of these bytes, and do not begin before the range.
    Whole(&'static [u8]),
}

impl Lines {
    /// The bytes that end a line.
    pub fn ends(self) -> &'static [u8] {
        match self {
            Lines::With => b"\n",
            Lines::Whole(ends) => ends,
        }
    }
}

/// A pattern whose matches are the lines in which a part of it matches.
pub struct WholeLines {
    pub ends: &'static [u8],
    pub part: Hir,
    /// What finds the groups of a line, of which it sees nothing else. `None` if the pattern looks
    /// for line ends in other places, too.
    pub line: Option<Hir>,
}

/// The bytes that end a line, if each match begins at the start of a line and has none of them.
pub fn line_ends(hir: &Hir) -> Option<&'static [u8]> {
    let looks = hir.properties().look_set_prefix();
    let ends: &[u8] = if looks.contains(Look::StartLF) {
        b"\n"
    } else if looks.contains(Look::StartCRLF) {
        b"\n\r"
    } else {
        return None;
    };
    let bytes = bytes_of(hir);
    Some(ends).filter(|ends| !ends.iter().any(|&end| bytes.has(end)))
}

/// The part of a pattern that decides which lines are its matches. `None` if its matches are not
/// whole lines.
pub fn whole_lines(hir: &Hir) -> Option<WholeLines> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let [start, before, middle @ ..] = parts.as_slice() else {
        return None;
    };
    let ends = line_ends(hir)?;
    let (last, middle) = middle.split_last()?;
    let is_within_line = |part: &Hir| is_any_number_of(part, ends);
    if !matches!(start.kind(), HirKind::Look(_)) || !is_within_line(before) || !is_line_end(last, ends) {
        return None;
    }
    let is_simple = |part: &Hir| {
        let looks = part.properties().look_set().remove(Look::WordAscii).remove(Look::WordAsciiNegate);
        looks.is_empty()
    };
    let inner = || [before].into_iter().chain(middle);
    let line = inner().all(is_simple).then(|| Hir::concat(inner().cloned().chain([Hir::look(Look::End)]).collect()));
    let part = match middle.split_last() {
        // Whatever follows belongs to the line.
        Some((after, part)) if is_within_line(after) => part.to_vec(),
        _ => middle.iter().chain([last]).cloned().collect(),
    };
    let part = Hir::concat(part);
    let is_empty = part.properties().minimum_len().is_none_or(|least| least == 0);
    (!is_empty).then_some(WholeLines { ends, part, line })
}

/// Whether a pattern is `.*`, for lines with these ends.
fn is_any_number_of(hir: &Hir, ends: &[u8]) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => is_any_number_of(&capture.sub, ends),
        HirKind::Repetition(repetition) => {
            let others = ends.iter().fold(ByteSet::default(), |set, &end| set.union(ByteSet::one(end))).others();
            repetition.min == 0 && repetition.max.is_none() && set_of(&repetition.sub) == Some(others)
        }
        _ => false,
    }
}

/// Whether a pattern matches wherever a line that is not empty ends.
fn is_line_end(hir: &Hir, ends: &[u8]) -> bool {
    let wanted = if ends.len() == 1 { Look::EndLF } else { Look::EndCRLF };
    match hir.kind() {
        HirKind::Look(look) => *look == wanted,
        HirKind::Alternation(parts) => {
            let is_look = |part: &Hir, look: Look| *part.kind() == HirKind::Look(look);
            // `EndLF` matches at no other place in a line that also ends at `\r`. The opposite is
            // not true: there may be a `\r` within a line that ends at `\n` only.
            let is_end = |part: &Hir| is_look(part, wanted) || ends.len() > 1 && is_look(part, Look::EndLF);
            parts.iter().all(is_end) && parts.iter().any(|part| is_look(part, wanted))
        }
        _ => false,
    }
}

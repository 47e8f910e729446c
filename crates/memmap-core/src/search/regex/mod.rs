//! Finding what a regular expression matches, in mapped memory.
//!
//! * `program`: a pattern as TypeScript sends it.
//! * `search`: [`PatternSearch`], a search that can be paused at any byte.
//! * `steps`: the loops that step an automaton over mapped memory.
//! * `lines`: patterns whose matches are whole lines.
//! * `groups`: where the groups of a match are.
//! * `late_groups`: the same, for a match that was found before.
//!
//! The automata are those of regex-automata. Its own searches take slices, and a slice over memory
//! that others write to would be undefined behaviour. So its lazy DFAs are stepped from here, one
//! byte at a time, over raw pointers: forwards to where a match ends, and from there backwards to
//! where it begins. The state of the automaton is all that a search keeps of the bytes before, so
//! there are no seams, and a match may have any length.

mod groups;
mod late_groups;
mod lines;
mod program;
mod search;
mod steps;

pub use search::PatternSearch;

use super::Searcher;
use super::literal::Finder;
use super::prefilter::{ByteSet, Prefilter, PrefilterChoice, bytes_of, starts_of};
use super::scan::{self, Probe, Probes};
use crate::error::{Error, Result};
use groups::{GroupCache, GroupFinder};
use lines::{Lines, line_ends, whole_lines};
use regex_automata::MatchKind;
use regex_automata::hybrid::dfa::{Cache as DfaCache, Config as DfaConfig, DFA};
use regex_automata::nfa::thompson::{Compiler, Config, NFA, WhichCaptures};
use regex_syntax::hir::{Hir, HirKind, Look};
use std::ops::Range;
use std::sync::atomic::AtomicIsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes that the NFA of a pattern may need.
const LARGEST_NFA: usize = 10 * 1024 * 1024;

/// Bytes that the states of a lazy DFA may need. It is cleared when it is full.
const DFA_CACHE: usize = 2 * 1024 * 1024;

/// Caches that a pattern keeps for its next searches, when no search is running.
const CACHES_KEPT: usize = 2;

/// Bytes that a thread searches before other tasks get their turn.
const TURN: usize = 1024 * 1024;

/// Bytes in which the end of a line is looked for, to cut a range there.
const LINE_LOOKED_AT: usize = 1024 * 1024;

/// What is compiled with a pattern.
#[derive(Debug, Clone, Copy)]
pub struct PatternOptions {
    /// Empty matches are at code points only.
    pub unicode: bool,
    /// Each match begins where the last one ended, and the first at the start of the range.
    pub sticky: bool,
    /// Not matches are found, but lines with a match, without the `\n` at their end. Nothing of the
    /// pattern may match `\n`.
    pub lines: bool,
    /// The number of groups, of which the pattern may lack the last ones.
    pub groups: usize,
    /// Bytes that the states of each lazy DFA may need.
    pub dfa_cache: usize,
    /// How to find where a match may begin.
    pub prefilter: PrefilterChoice,
}

impl Default for PatternOptions {
    fn default() -> Self {
        PatternOptions {
            unicode: false,
            sticky: false,
            lines: false,
            groups: 0,
            dfa_cache: DFA_CACHE,
            prefilter: PrefilterChoice::Fastest,
        }
    }
}

/// A compiled regular expression. All threads can use it at once.
#[derive(Debug)]
pub struct Pattern {
    /// It ends at the end of the leftmost match. With a prefilter, it also stops where no match has
    /// begun.
    forward: DFA,
    /// The same without stops, for searches that have turned the prefilter off.
    forward_unfiltered: OnceLock<Option<DFA>>,
    /// It ends at the furthest start of a match, from its end.
    backward: DFA,
    groups: Option<GroupFinder>,
    prefilter: Option<Prefilter>,
    /// What finds all matches, if the pattern is nothing but some bytes.
    literal: Option<Finder>,
    /// The bytes with which a match can begin, if a search may try to match at one place after the
    /// other.
    starts: Option<ByteSet>,
    /// What such attempts of the last search have saved. A caller that wants one match at a time
    /// makes a search for each, which would have to learn it again.
    saved: AtomicIsize,
    options: PatternOptions,
    /// Every match begins at the start of the memory.
    is_anchored: bool,
    /// Every match begins at the start of a line, and has none of these bytes, which end a line.
    line_ends: Option<&'static [u8]>,
    /// What is found is a line around any match of the automata.
    lines: Option<Lines>,
    /// A search can begin after any `\n`.
    divides: bool,
    lengths: Option<(usize, Option<usize>)>,
    caches: Mutex<Caches>,
    /// What [`Pattern::take_group_cache`] takes.
    group_cache: Mutex<Option<GroupCache>>,
}

#[derive(Debug, Default)]
struct Caches {
    #[expect(clippy::vec_box, reason = "a cache is large, and is moved for each batch")]
    kept: Vec<Box<Cache>>,
    /// Searches that are running or paused.
    in_use: usize,
}

/// What a search of a pattern needs to write to.
#[derive(Debug)]
struct Cache {
    forward: DfaCache,
    forward_unfiltered: Option<DfaCache>,
    backward: DfaCache,
    groups: Option<GroupCache>,
}

impl Pattern {
    /// Compiles the pattern of a program (see `program.rs`).
    ///
    /// # Errors
    ///
    /// ERR_MMAP_REGEXP.
    pub fn compile(program: &[u32], options: PatternOptions) -> Result<Arc<Pattern>> {
        Pattern::new(&program::read(program)?, options)
    }

    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_REGEXP.
    pub fn new(hir: &Hir, options: PatternOptions) -> Result<Arc<Pattern>> {
        let mut compiler = Compiler::new();
        let config = Config::new().utf8(false).nfa_size_limit(Some(LARGEST_NFA));
        compiler.configure(config);
        let nfa = compiler.build_from_hir(hir).map_err(|_| too_large())?;
        let whole = if options.lines || options.sticky { None } else { whole_lines(hir) };
        let groups = match whole.as_ref().and_then(|whole| whole.line.as_ref().map(|line| (line, whole.ends))) {
            _ if options.groups == 0 => None,
            Some((line, ends)) => {
                let nfa = compiler.build_from_hir(line).map_err(|_| too_large())?;
                Some(GroupFinder::new(line, nfa, options.groups, Some(ends))?)
            }
            None => Some(GroupFinder::new(hir, nfa.clone(), options.groups, None)?),
        };
        let lines =
            if options.lines { Some(Lines::With) } else { whole.as_ref().map(|whole| Lines::Whole(whole.ends)) };
        let searched = whole.as_ref().map_or(hir, |whole| &whole.part);
        let nfa = if whole.is_some() { compiler.build_from_hir(searched).map_err(|_| too_large())? } else { nfa };
        compiler.configure(Config::new().reverse(true).which_captures(WhichCaptures::None));
        let reversed = compiler.build_from_hir(searched).map_err(|_| too_large())?;
        let properties = hir.properties();
        let is_anchored = properties.look_set_prefix().contains(Look::Start);
        let has_prefilter = !is_anchored && !options.sticky;
        let prefilter = if has_prefilter { Prefilter::new(searched, options.prefilter) } else { None };
        let config = DFA::config().cache_capacity(options.dfa_cache).skip_cache_capacity_check(true);
        let stops_at_start = config.clone().specialize_start_states(prefilter.is_some());
        let lengths = properties.minimum_len().map(|least| (least, properties.maximum_len()));
        // An empty match at a cut would be found in both parts. A search of lines takes the start
        // of its range for the start of the text.
        let are_within_lines = if options.lines {
            !properties.look_set().contains(Look::Start)
        } else {
            lengths.is_none_or(|(least, _)| least > 0) && !bytes_of(hir).has(b'\n')
        };
        let may_try = !is_anchored && !options.sticky && lines.is_none();
        let literal = match hir.kind() {
            HirKind::Literal(literal)
                if has_prefilter
                    && options.prefilter == PrefilterChoice::Fastest
                    && !options.lines
                    && options.groups == 0 =>
            {
                Some(Finder::new(literal.0.to_vec()))
            }
            _ => None,
        };
        Ok(Arc::new(Pattern {
            literal,
            starts: starts_of(hir).filter(|_| may_try),
            saved: AtomicIsize::new(0),
            forward: dfa(nfa, stops_at_start)?,
            forward_unfiltered: OnceLock::new(),
            backward: dfa(reversed, config.match_kind(MatchKind::All))?,
            groups,
            prefilter,
            options,
            is_anchored,
            line_ends: line_ends(hir),
            lines,
            divides: !options.sticky && are_within_lines,
            lengths,
            caches: Mutex::default(),
            group_cache: Mutex::default(),
        }))
    }

    /// The forward automaton that does not stop where no match has begun.
    fn unfiltered(&self) -> Result<&DFA> {
        let build = || {
            let config = self.forward.get_config().clone().specialize_start_states(false);
            dfa(self.forward.get_nfa().clone(), config).ok()
        };
        self.forward_unfiltered.get_or_init(build).as_ref().ok_or_else(gave_up)
    }

    /// Whether the prefilter finds matches, and not only where they may begin.
    fn finds_matches(&self) -> bool {
        self.prefilter.as_ref().is_some_and(|prefilter| prefilter.finds_matches)
    }

    /// The length of every match, if all have the same.
    fn length(&self) -> Option<usize> {
        self.lengths.and_then(|(least, most)| Some(least).filter(|_| most == Some(least)))
    }

    fn has_empty_matches(&self) -> bool {
        self.lengths.is_some_and(|(least, _)| least == 0)
    }

    /// A cache that no other search uses.
    fn take_cache(&self) -> Box<Cache> {
        let mut caches = self.lock_caches();
        caches.in_use += 1;
        let kept = caches.kept.pop();
        drop(caches);
        kept.unwrap_or_else(|| {
            Box::new(Cache {
                forward: self.forward.create_cache(),
                forward_unfiltered: None,
                backward: self.backward.create_cache(),
                groups: self.groups.as_ref().map(GroupFinder::cache),
            })
        })
    }

    /// Takes the cache of a search back. `None` after an error.
    fn keep_cache(&self, cache: Option<Box<Cache>>) {
        let mut caches = self.lock_caches();
        caches.in_use -= 1;
        caches.kept.extend(cache);
        if caches.in_use == 0 {
            caches.kept.truncate(CACHES_KEPT);
        }
    }

    fn lock_caches(&self) -> MutexGuard<'_, Caches> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Searcher for Arc<Pattern> {
    type Search = PatternSearch;

    fn search(&self, range: Range<usize>) -> PatternSearch {
        PatternSearch::new(self, range, false)
    }

    fn lengths(&self) -> Option<(usize, Option<usize>)> {
        self.lengths
    }

    fn turn(&self) -> usize {
        TURN
    }

    fn divides(&self) -> bool {
        self.divides
    }

    /// A cut is right after a `\n`, because no match contains one. Assertions see the byte before
    /// the second part. At the end of the first part they see a `\n`, because no match reaches
    /// beyond it.
    unsafe fn cut(&self, memory: *const u8, left: &Range<usize>, wanted: usize) -> Result<Option<usize>> {
        let end = left.end.min(wanted.saturating_add(LINE_LOOKED_AT));
        let mut cut = None;
        let candidate = |position: usize| {
            cut = Some(position + 1);
            usize::MAX
        };
        // SAFETY: the positions are in the range.
        unsafe { scan::up(memory, wanted.min(end)..end, Probes::One(Probe { byte: b'\n', at: 0 }), candidate) };
        Ok(cut)
    }
}

fn dfa(nfa: NFA, config: DfaConfig) -> Result<DFA> {
    DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| too_large())
}

fn too_large() -> Error {
    Error::Pattern("is too large: its automaton would need more than 10 MiB")
}

/// The error for what an automaton says that it cannot do, although it was built to do it.
fn gave_up() -> Error {
    Error::Pattern("cannot be searched: its automaton gave up")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Progress, Search};
    use regex_syntax::ParserBuilder;

    #[test]
    fn a_search_has_a_cache_only_while_it_is_running_or_paused() -> Result<()> {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse("a[ab]*c").map_err(|_| too_large())?;
        let pattern = Pattern::new(&hir, PatternOptions::default())?;
        let text = b"aabc abbc abab";
        let in_use = || pattern.lock_caches().in_use;
        let mut searches: Vec<_> = (0..5).map(|_| PatternSearch::new(&pattern, 0..text.len(), false)).collect();
        for search in &mut searches {
            // SAFETY: the range is that of the text.
            let mut advance =
                |budget, wants_more| unsafe { search.advance(text.as_ptr(), budget, &mut |_| wants_more) };
            assert_eq!((advance(1, true)?, in_use()), (Progress::Paused, 1));
            assert_eq!((advance(usize::MAX, false)?, in_use()), (Progress::Full, 0));
            assert_eq!((advance(1, true)?, in_use()), (Progress::Paused, 1));
            assert_eq!((advance(usize::MAX, true)?, in_use()), (Progress::Done, 0));
        }
        assert_eq!(pattern.lock_caches().kept.len(), 1);
        drop(searches);
        assert_eq!(in_use(), 0);
        Ok(())
    }
}

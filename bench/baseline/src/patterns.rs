//! All matches of a regular expression: the engine of memmap beside the crate regex.

use crate::{Answer, timed};
use memmap_core::search::{Match, Pattern, PatternOptions, PatternSearch, Progress, Search};
use regex::bytes::RegexBuilder;
use regex_syntax::ParserBuilder;
use std::sync::Arc;
use std::time::Instant;

/// Bytes that a search of memmap advances at once.
const BUDGET: usize = 1024 * 1024;

/// What was found. The sums show whether two engines find the same matches.
#[derive(Default)]
struct Found {
    count: usize,
    starts: usize,
    ends: usize,
}

impl Found {
    fn add(&mut self, start: usize, end: usize) {
        self.count += 1;
        self.starts = self.starts.wrapping_add(start);
        self.ends = self.ends.wrapping_add(end);
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.count, self.starts, self.ends)
    }
}

/// With the crate regex.
pub fn with_regex(map: &[u8], source: &str, flags: &str) -> Answer {
    let pattern = RegexBuilder::new(source)
        .unicode(false)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .build()?;
    Ok(timed(|| {
        let mut all = Found::default();
        for found in pattern.find_iter(map) {
            all.add(found.start(), found.end());
        }
        all.text()
    }))
}

/// With the engine of memmap.
pub fn with_core(map: &[u8], source: &str, flags: &str) -> Answer {
    let tree = ParserBuilder::new()
        .utf8(false)
        .unicode(false)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .build()
        .parse(source)?;
    let pattern = Pattern::new(&tree, PatternOptions::default())?;
    let started = Instant::now();
    let all = found_by_core(&pattern, map)?;
    Ok((started.elapsed().as_nanos(), all.text()))
}

/// Starts and ends are asked for, and no groups.
fn found_by_core(pattern: &Arc<Pattern>, map: &[u8]) -> memmap_core::Result<Found> {
    let mut search = PatternSearch::new(pattern, 0..map.len(), false);
    let mut all = Found::default();
    let mut hit = |found: &Match<'_>| {
        all.add(found.start, found.end);
        true
    };
    loop {
        // SAFETY: the range is that of the slice.
        let progress = unsafe { search.advance(map.as_ptr(), BUDGET, &mut hit) }?;
        if progress != Progress::Paused {
            return Ok(all);
        }
    }
}

//! Work of the calling thread, in which threads of the pool help if the range is long.

use super::{Paging, Searching, Task, Work, default_threads};
use crate::error::Result;
use crate::mapping::Mapping;
use crate::region::Replacement;
use crate::search::{Finder, Searcher};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length from which help is worth it. One thread searches as many bytes in a few
/// milliseconds, and to wake another one takes some hundredth of one.
const WORTH_HELP: usize = 32 * 1024 * 1024;

/// How many parts of a mapping are closed before it is clear whether it has many pages in memory.
const PARTS: usize = 16;

/// Closing a part with hardly any pages in memory takes a few microseconds, and a part with all of
/// them a millisecond.
const HARDLY_ANY_PAGES: Duration = Duration::from_micros(200);

/// Like [`crate::Region::find`].
///
/// # Errors
///
/// Those of [`crate::Region::find`].
pub fn find(mapping: &Mapping, finder: &Finder, range: Range<usize>) -> Result<Option<usize>> {
    let Range { start, end } = range;
    let near = start.saturating_add(WORTH_HELP);
    if end <= near {
        return mapping.region().find(finder, range);
    }
    // The first match is often near, and then no other thread need wake up. A match that begins
    // near may end behind.
    let seam = end.min(near.saturating_add(finder.needle().len().saturating_sub(1)));
    let found = mapping.region().find(finder, start..seam)?;
    if found.is_some() || seam == end {
        return Ok(found);
    }
    let work = Arc::new(Searching::find(finder.clone()));
    run(mapping, &work, near..end)?;
    Ok(work.found())
}

/// Like [`crate::Region::count`].
///
/// # Errors
///
/// Those of [`crate::Region::count`].
pub fn count(mapping: &Mapping, searcher: &impl Searcher, range: Range<usize>) -> Result<usize> {
    if range.len() < WORTH_HELP {
        return mapping.region().count(searcher, range);
    }
    let work = Arc::new(Searching::count(searcher.clone()));
    run(mapping, &work, range)?;
    Ok(work.number())
}

/// Like [`crate::Region::replace`].
///
/// # Errors
///
/// Those of [`crate::Region::replace`].
pub fn replace(
    mapping: &Mapping,
    searcher: &impl Searcher,
    to: Replacement,
    range: Range<usize>,
    replaced: &mut usize,
) -> Result<()> {
    if range.len() < WORTH_HELP {
        return mapping.region().replace(searcher, &to, range, replaced);
    }
    let work = Arc::new(Searching::replace(searcher.clone(), to)?);
    let result = run(mapping, &work, range);
    *replaced = work.number();
    result
}

/// Closes a mapping. `munmap` removes the pages of the whole range in one thread. So other threads
/// help to remove them first, if nobody else uses the memory.
pub fn close(mapping: Mapping) {
    let length = mapping.region().len();
    if length < WORTH_HELP || default_threads() == 1 || Arc::strong_count(mapping.region()) > 1 {
        return;
    }
    let part = (length / PARTS).max(WORTH_HELP);
    let mut start = 0;
    while start < length {
        let (started, count) = (Instant::now(), part.min(length - start));
        if !mapping.region().drop_pages(start, count) {
            return;
        }
        start += count;
        if started.elapsed() > HARDLY_ANY_PAGES && start < length {
            // Nothing fails, and the rest is done when the mapping is dropped.
            let _ = run(&mapping, &Arc::new(Paging::drop_pages(length - start)), start..length);
            return;
        }
    }
}

fn run(mapping: &Mapping, work: &Arc<impl Work + 'static>, range: Range<usize>) -> Result<()> {
    let task = Arc::new(Task::new(mapping, default_threads()));
    let result = task.run(Arc::clone(work) as Arc<_>, range);
    // A thread of the pool may keep the task a little longer.
    task.release();
    result
}

//! The groups of a match that was found before.
//!
//! Most matches are never asked for their groups, so a search may leave them out. Here they are
//! found in the bytes as they are now, if these are still a match.

use super::Pattern;
use super::groups::{Found, GroupCache, GroupFinder};
use super::steps::byte;
use crate::search::Group;
use std::ops::Range;
use std::sync::{MutexGuard, PoisonError};

/// Bytes that the copy of a match may have for its cache to be kept.
const LARGEST_KEPT: usize = 64 * 1024;

impl Pattern {
    /// The number of groups of a match.
    pub fn groups(&self) -> usize {
        self.options.groups
    }

    /// What finding groups needs, without the automata of a search. `None` if there are no groups.
    pub(crate) fn take_group_cache(&self) -> Option<GroupCache> {
        let finder = self.groups.as_ref()?;
        let kept = self.lock_group_cache().take();
        Some(kept.unwrap_or_else(|| finder.cache()))
    }

    /// Takes such a cache back.
    pub(crate) fn keep_group_cache(&self, cache: GroupCache) {
        if cache.copied() <= LARGEST_KEPT {
            *self.lock_group_cache() = Some(cache);
        }
    }

    /// Finds the groups of the match at `place`, which a search up to `stop` has found. It returns
    /// whether that is still a match. The groups of one that is too long are unknown.
    ///
    /// # Safety
    ///
    /// The bytes of the match, counted from `memory`, must be readable, and so must one before it
    /// and one after it, up to `stop`. Others may write to them.
    pub(crate) unsafe fn find_groups(
        &self,
        cache: &mut GroupCache,
        memory: *const u8,
        place: Range<usize>,
        stop: usize,
    ) -> bool {
        // SAFETY: the caller's promise.
        let read = |at: usize| unsafe { byte(memory, at) };
        let before = place.start.checked_sub(1).map(read);
        let after = Some(place.end).filter(|&end| end < stop).map(read);
        let find = |finder: &GroupFinder| {
            // SAFETY: the caller's promise.
            unsafe { finder.find_late(cache, memory, place, [before, after]) }
        };
        match self.groups.as_ref().map(find) {
            Some(Found::Changed) => return false,
            Some(Found::TooLong) => cache.groups.fill(Group::Unknown),
            Some(Found::Groups) | None => {}
        }
        true
    }

    fn lock_group_cache(&self) -> MutexGuard<'_, Option<GroupCache>> {
        self.group_cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A list of weak references that removes the dead ones itself.

use std::sync::{Arc, Weak};

/// Weak references to values that others own.
#[derive(Debug)]
pub struct WeakList<T> {
    entries: Vec<Weak<T>>,
}

impl<T> WeakList<T> {
    /// A list without entries.
    pub const fn new() -> WeakList<T> {
        WeakList { entries: Vec::new() }
    }

    /// Adds an entry. If the list is full, it first removes the dead entries and then doubles its
    /// room. Removing them at each call would take time quadratic in the length.
    pub fn add(&mut self, value: &Arc<T>) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.retain(|entry| entry.strong_count() != 0);
            self.entries.reserve(self.entries.len() + 1);
        }
        self.entries.push(Arc::downgrade(value));
    }

    /// The values that are still alive.
    pub fn iter(&self) -> impl Iterator<Item = Arc<T>> + '_ {
        self.entries.iter().filter_map(Weak::upgrade)
    }

    /// Removes all entries and returns them as a list.
    pub fn take(&mut self) -> WeakList<T> {
        std::mem::take(self)
    }

    /// Whether nothing has been added since the list was made or taken. Dead entries count.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T> Default for WeakList<T> {
    fn default() -> Self {
        WeakList::new()
    }
}

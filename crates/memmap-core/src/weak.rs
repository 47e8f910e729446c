//! Lists of what others own.

use std::sync::{Arc, Weak};

/// Adds to a list and, when the list is full, first removes what has been dropped. It then makes room for as much again: to clean up at each
/// call would take time quadratic in the length.
pub fn remember<T>(list: &mut Vec<Weak<T>>, one: &Arc<T>) {
    if list.len() == list.capacity() {
        list.retain(|known| known.strong_count() != 0);
        list.reserve(list.len() + 1);
    }
    list.push(Arc::downgrade(one));
}

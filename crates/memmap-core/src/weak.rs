//! Lists of what others own.

use std::sync::{Arc, Weak};

/// Adds to a list from which what is gone is to go. That is looked for when the list has become twice as long since the last time: each time
/// would be as many looks as the square of what there is.
pub fn remember<T>(list: &mut Vec<Weak<T>>, one: &Arc<T>) {
    if list.len() == list.capacity() {
        list.retain(|known| known.strong_count() != 0);
        list.reserve(list.len() + 1);
    }
    list.push(Arc::downgrade(one));
}

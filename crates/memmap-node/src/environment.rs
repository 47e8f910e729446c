//! Mappings that are still open when their environment ends: a worker's, or the process's.
//!
//! Node finalizes every External then, which closes them. Bun and Deno do not, and would keep memory and descriptors of every
//! worker that ended with a mapping open. So each environment closes its own, in a cleanup hook, which all of them run.

use memmap_core::Mapping;
use napi::Env;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// What is behind a handle until it is closed.
pub type Opened = RefCell<Option<Box<Mapping>>>;

/// A mapping's entry in the list of its environment. Dropping it removes the entry.
pub struct Listed {
    environment: usize,
    number: u64,
}

type Open = HashMap<u64, Weak<Opened>>;

thread_local! {
    // By environment: a thread of Electron's has several.
    static OPEN: RefCell<HashMap<usize, Open>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl Listed {
    /// Enters a mapping that has just been opened.
    ///
    /// # Errors
    ///
    /// What the engine says of the cleanup hook.
    pub fn new(env: Env, opened: &Rc<Opened>) -> napi::Result<Listed> {
        let environment = env.raw().addr();
        let number = NEXT.replace(NEXT.get() + 1);
        let is_first = OPEN.with_borrow_mut(|all| {
            let is_first = !all.contains_key(&environment);
            all.entry(environment).or_default().insert(number, Rc::downgrade(opened));
            is_first
        });
        if is_first {
            env.add_env_cleanup_hook(environment, close_all)?;
        }
        Ok(Listed { environment, number })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        // The list of a thread that is ending may be gone already, and the one of an environment that has ended is.
        let _ = OPEN.try_with(|all| {
            if let Some(open) = all.borrow_mut().get_mut(&self.environment) {
                open.remove(&self.number);
            }
        });
    }
}

/// Closes what is open. Nothing is written back: the program did not close it.
fn close_all(environment: usize) {
    let open = OPEN.with_borrow_mut(|all| all.remove(&environment));
    for opened in open.into_iter().flatten().filter_map(|(_, opened)| opened.upgrade()) {
        drop(opened.take());
    }
}

//! What has to end with an environment, a worker's or the process's: mappings that are still open,
//! tasks that are still running, and leases.
//!
//! Node finalizes every External when its environment ends, which closes mappings and ends leases.
//! Bun and Deno do not, and would keep memory and descriptors of every worker that ended with a
//! mapping open, or with a buffer that had a lease. Tasks would go on, on memory that the engine is
//! about to take back where a mapping has moved into a SharedArrayBuffer. So each environment
//! closes, stops and ends its own, in a cleanup hook, which all of them run.

use crate::buffer::Lease;
use crate::error;
use memmap_core::weak_list::WeakList;
use memmap_core::{Error, Mapping, Task};
use napi::Env;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a handle refers to until it is closed.
pub type Opened = RefCell<Option<Box<Mapping>>>;

/// A mapping's entry in the list of its environment. Dropping it removes the entry.
pub struct Listed {
    environment: usize,
    number: u64,
}

#[derive(Default)]
struct Environment {
    open: HashMap<u64, Weak<Opened>>,
    tasks: WeakList<Task>,
    leases: WeakList<Lease>,
}

/// How many mappings are open, of all environments.
static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // By environment: a thread of Electron's has several.
    static ENVIRONMENTS: RefCell<HashMap<usize, Environment>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl Listed {
    /// Enters a mapping that has just been opened.
    ///
    /// # Errors
    ///
    /// As [`add_task`].
    pub fn new(env: Env, opened: &Rc<Opened>) -> napi::Result<Listed> {
        let number = NEXT.replace(NEXT.get() + 1);
        let environment = within(env, |environment| environment.open.insert(number, Rc::downgrade(opened)))?;
        OPEN.fetch_add(1, Ordering::Relaxed);
        Ok(Listed { environment, number })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
        with_environments(|all| {
            all.get_mut(&self.environment).map(|environment| environment.open.remove(&self.number))
        });
    }
}

/// How many mappings are open in this process: neither closed nor collected.
pub fn open_mappings() -> usize {
    OPEN.load(Ordering::Relaxed)
}

/// Enters a task. It leaves by itself.
///
/// # Errors
///
/// ERR_MMAP_UNSUPPORTED, has been thrown: the engine takes no cleanup hook, as one that is ending.
pub fn add_task(env: Env, task: &Arc<Task>) -> napi::Result<()> {
    within(env, |environment| environment.tasks.add(task)).map(drop)
}

/// Enters a lease. It leaves by itself.
///
/// # Errors
///
/// As [`add_task`].
pub fn add_lease(env: Env, lease: &Arc<Lease>) -> napi::Result<()> {
    within(env, |environment| environment.leases.add(lease)).map(drop)
}

/// The lists of a thread that is ending may be gone already: that is None. Nothing of the engine's
/// runs in `change`, which could come back here.
fn with_environments<T>(change: impl FnOnce(&mut HashMap<usize, Environment>) -> T) -> Option<T> {
    let changed = ENVIRONMENTS.try_with(|all| all.try_borrow_mut().ok().map(|mut all| change(&mut all)));
    changed.ok().flatten()
}

/// Changes the lists of an environment, whose key it gives.
fn within<T>(env: Env, change: impl FnOnce(&mut Environment) -> T) -> napi::Result<usize> {
    let key = env.raw().addr();
    let is_first = with_environments(|all| {
        let is_first = !all.contains_key(&key);
        change(all.entry(key).or_default());
        is_first
    });
    let hooked = match is_first {
        Some(true) => env.add_env_cleanup_hook(key, end).is_ok(),
        Some(false) => true,
        None => false,
    };
    if hooked {
        return Ok(key);
    }
    with_environments(|all| all.remove(&key));
    Err(error::throw(
        env,
        &Error::Unsupported("this thread of the runtime is ending: nothing can be mapped in it any more"),
    ))
}

/// Closes what is open, stops tasks, each of which may be in a chunk, for which it waits, and ends
/// leases. Nothing is written back: the program did not close it.
fn end(key: usize) {
    let Some(environment) = with_environments(|all| all.remove(&key)).flatten() else {
        return;
    };
    Task::release_all(&environment.tasks);
    for opened in environment.open.into_values().filter_map(|opened| opened.upgrade()) {
        if let Ok(mut opened) = opened.try_borrow_mut() {
            drop(opened.take());
        }
    }
    for lease in environment.leases.iter() {
        lease.end();
    }
}

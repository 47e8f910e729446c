//! What must end with an environment, that of a worker or of the process: open mappings, running
//! tasks, waits, and holds of buffers.
//!
//! Node finalizes every External when its environment ends, which closes mappings and releases
//! holds. Bun and Deno do not, and would keep memory and descriptors of every worker that ended
//! with a mapping open, or with a buffer that had a hold. Tasks would continue on memory that the
//! engine is about to unmap, where a mapping was relocated into a SharedArrayBuffer. So each
//! environment closes its mappings, stops its tasks and releases its holds in a cleanup hook, which
//! all of these runtimes run.

use crate::exported::BufferHold;
use memmap_core::weak_list::WeakList;
use memmap_core::{End, Error, Mapping, Result, Task, Wait};
use napi::Env;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The mapping of a handle. The handle and its environment can both close it.
pub type MappingCell = RefCell<Option<Box<Mapping>>>;

/// A mapping's entry in the list of its environment. Dropping it removes the entry.
pub struct EnvironmentEntry {
    environment: usize,
    number: u64,
}

#[derive(Default)]
struct Environment {
    mappings: HashMap<u64, Weak<MappingCell>>,
    tasks: WeakList<Task>,
    waits: WeakList<Wait>,
    holds: WeakList<BufferHold>,
}

/// How many mappings are open, of all environments.
static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // By environment, because a thread of Electron has several.
    static ENVIRONMENTS: RefCell<HashMap<usize, Environment>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl EnvironmentEntry {
    /// Enters a mapping that is about to be opened.
    ///
    /// # Errors
    ///
    /// As [`add_task`].
    pub fn new(env: Env, mapping: &Rc<MappingCell>) -> Result<EnvironmentEntry> {
        let number = NEXT.replace(NEXT.get() + 1);
        let environment =
            with_environment(env, |environment| environment.mappings.insert(number, Rc::downgrade(mapping)))?;
        OPEN.fetch_add(1, Ordering::Relaxed);
        Ok(EnvironmentEntry { environment, number })
    }
}

impl Drop for EnvironmentEntry {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
        with_environments(|all| {
            all.get_mut(&self.environment).map(|environment| environment.mappings.remove(&self.number))
        });
    }
}

/// How many mappings are open in this process: neither closed nor collected.
pub fn open_mappings() -> usize {
    OPEN.load(Ordering::Relaxed)
}

/// Enters a task. Its entry disappears with the task.
///
/// # Errors
///
/// `Unsupported`, because the engine takes no cleanup hook for an environment that is ending.
pub fn add_task(env: Env, task: &Arc<Task>) -> Result<()> {
    with_environment(env, |environment| environment.tasks.add(task)).map(drop)
}

/// Enters a wait. Its entry disappears with the wait.
///
/// # Errors
///
/// As [`add_task`].
pub fn add_wait(env: Env, wait: &Arc<Wait>) -> Result<()> {
    with_environment(env, |environment| environment.waits.add(wait)).map(drop)
}

/// Enters a hold. Its entry disappears with the hold.
///
/// # Errors
///
/// As [`add_task`].
pub fn add_hold(env: Env, hold: &Arc<BufferHold>) -> Result<()> {
    with_environment(env, |environment| environment.holds.add(hold)).map(drop)
}

/// Changes the lists of all environments of this thread, or returns None, because a thread that is
/// ending may have none any more. `change` calls nothing of the engine, which could come back here.
fn with_environments<T>(change: impl FnOnce(&mut HashMap<usize, Environment>) -> T) -> Option<T> {
    let changed = ENVIRONMENTS.try_with(|all| all.try_borrow_mut().ok().map(|mut all| change(&mut all)));
    changed.ok().flatten()
}

/// Changes the lists of one environment, and returns the key of that environment.
fn with_environment<T>(env: Env, change: impl FnOnce(&mut Environment) -> T) -> Result<usize> {
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
    Err(Error::Unsupported("this thread of the runtime is ending: nothing can be mapped in it any more"))
}

/// Closes open mappings, ends waits, stops tasks and releases holds. A task may be in the middle of
/// a chunk, for which this waits. Nothing is written back, because the program has not closed the
/// mapping.
fn end(key: usize) {
    let Some(environment) = with_environments(|all| all.remove(&key)).flatten() else {
        return;
    };
    Wait::end_all(&environment.waits, End::Closed);
    Task::release_all(&environment.tasks);
    for mapping in environment.mappings.into_values().filter_map(|mapping| mapping.upgrade()) {
        if let Ok(mut mapping) = mapping.try_borrow_mut() {
            drop(mapping.take());
        }
    }
    for hold in environment.holds.iter() {
        hold.release();
    }
}

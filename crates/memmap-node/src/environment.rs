//! What has to end with an environment, a worker's or the process's: mappings that are still open, and tasks that are still running.
//!
//! Node finalizes every External when its environment ends, which closes mappings. Bun and Deno do not, and would keep memory and
//! descriptors of every worker that ended with a mapping open. Tasks would go on, on memory that
//! the engine is about to take back where a mapping has moved into a SharedArrayBuffer. So each environment closes and stops its own, in a cleanup
//! hook, which all of them run.

use memmap_core::weak::remember;
use memmap_core::{Mapping, Task};
use napi::Env;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::{self, Arc};

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
    tasks: Vec<sync::Weak<Task>>,
}

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
    /// What the engine says of the cleanup hook.
    pub fn new(env: Env, opened: &Rc<Opened>) -> napi::Result<Listed> {
        let number = NEXT.replace(NEXT.get() + 1);
        let environment = within(env, |environment| environment.open.insert(number, Rc::downgrade(opened)))?;
        Ok(Listed { environment, number })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        // The list of a thread that is ending may be gone already, and the one of an environment that has ended is.
        let _ = ENVIRONMENTS.try_with(|all| {
            if let Some(environment) = all.borrow_mut().get_mut(&self.environment) {
                environment.open.remove(&self.number);
            }
        });
    }
}

/// Enters a task. It leaves by itself.
///
/// # Errors
///
/// What the engine says of the cleanup hook.
pub fn add_task(env: Env, task: &Arc<Task>) -> napi::Result<()> {
    within(env, |environment| remember(&mut environment.tasks, task)).map(drop)
}

/// Changes the lists of an environment, whose key it gives.
fn within<T>(env: Env, change: impl FnOnce(&mut Environment) -> T) -> napi::Result<usize> {
    let key = env.raw().addr();
    let is_first = ENVIRONMENTS.with_borrow_mut(|all| {
        let is_first = !all.contains_key(&key);
        change(all.entry(key).or_default());
        is_first
    });
    if is_first {
        env.add_env_cleanup_hook(key, end)?;
    }
    Ok(key)
}

/// Closes what is open, and stops tasks, each of which may be in a chunk: until then it waits. Nothing is written back: the program did not close it.
fn end(key: usize) {
    let Some(environment) = ENVIRONMENTS.with_borrow_mut(|all| all.remove(&key)) else {
        return;
    };
    Task::release_all(&environment.tasks);
    for opened in environment.open.into_values().filter_map(|opened| opened.upgrade()) {
        drop(opened.take());
    }
}

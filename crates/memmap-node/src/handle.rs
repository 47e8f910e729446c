//! What TypeScript keeps of a mapping, and numbers of JavaScript as numbers of Rust.
//!
//! A handle is an External that functions take, and not a `#[napi]` class with methods. Measured on
//! Node 20, making an External costs 1.4 us and a call with one 0.18 us; making a class instance
//! costs 2.4 us and calling a method 0.6 us, because napi-rs checks its receiver. Even an External,
//! with the work that it gives to the garbage collector, is 15 % of opening, reading and closing a
//! file. So TypeScript opens a mapping with a closed handle again, if nothing else refers to it.

use crate::environment::{EnvironmentEntry, MappingCell};
use crate::exported::ExportedBuffer;
use memmap_core::weak_list::WeakList;
use memmap_core::{End, Error, Mapping, Result, Task, Wait, task};
use napi::Env;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// A mapping, or none before `open` and after `close`.
///
/// The engine owns the handle until it collects it, which is long after `close`. So the handle is
/// small, and the mapping is in a box that `close` frees.
#[derive(Default)]
pub struct Handle {
    mapping: Rc<MappingCell>,
    entry: Cell<Option<EnvironmentEntry>>,
    /// The buffers over the mapping that still exist.
    buffers: RefCell<WeakList<ExportedBuffer>>,
    /// The tasks on the mapping that still exist.
    tasks: RefCell<WeakList<Task>>,
    /// The waits on the mapping that still exist.
    waits: RefCell<WeakList<Wait>>,
}

impl Handle {
    /// Makes it the handle of a mapping that has just been opened.
    ///
    /// # Errors
    ///
    /// As [`EnvironmentEntry::new`]. The mapping is closed then.
    pub fn set(&self, env: Env, mapping: Mapping) -> Result<()> {
        self.entry.set(Some(EnvironmentEntry::new(env, &self.mapping)?));
        self.mapping.replace(Some(Box::new(mapping)));
        Ok(())
    }

    /// Calls `call` with the mapping.
    ///
    /// # Errors
    ///
    /// `Closed`, and those of `call`.
    pub fn with<T>(&self, call: impl FnOnce(&Mapping) -> Result<T>) -> Result<T> {
        // No `call` runs JavaScript, so none can find the cell borrowed by `with_mut`.
        self.mapping.borrow().as_deref().ok_or(Error::Closed).and_then(call)
    }

    /// Calls `call` with the mapping, which it may change.
    ///
    /// # Errors
    ///
    /// As [`Handle::with`].
    pub fn with_mut<T>(&self, call: impl FnOnce(&mut Mapping) -> Result<T>) -> Result<T> {
        self.mapping.borrow_mut().as_deref_mut().ok_or(Error::Closed).and_then(call)
    }

    /// Registers a task, which `unmap` stops.
    pub fn add_task(&self, task: &Arc<Task>) {
        self.tasks.borrow_mut().add(task);
    }

    /// Removes all tasks from the handle, and returns them.
    pub fn take_tasks(&self) -> WeakList<Task> {
        self.tasks.take()
    }

    /// Registers a wait, which `close` ends.
    pub fn add_wait(&self, wait: &Arc<Wait>) {
        self.waits.borrow_mut().add(wait);
    }

    /// The wait with a number, if it still exists.
    pub fn wait(&self, number: u32) -> Option<Arc<Wait>> {
        self.waits.borrow().iter().find(|wait| wait.number == number)
    }

    /// Ends all waits as if they had been woken.
    pub fn wake_waits(&self) {
        Wait::end_all(&self.waits.borrow(), End::Woken);
    }

    /// Ends the waits for what is not in the first `length` bytes.
    pub fn end_waits_beyond(&self, length: usize) {
        Wait::end_beyond(&self.waits.borrow(), length);
    }

    /// Registers a buffer, which `unmap` takes the memory from.
    pub fn add_buffer(&self, buffer: &Arc<ExportedBuffer>) {
        self.buffers.borrow_mut().add(buffer);
    }

    /// The buffers that still exist, in the order in which they were made.
    pub fn buffers(&self) -> Vec<Arc<ExportedBuffer>> {
        self.buffers.borrow().iter().collect()
    }

    /// Closes the mapping, and says whether the handle can be used again.
    pub fn close(&self) -> bool {
        Wait::end_all(&self.waits.take(), End::Closed);
        if let Some(mapping) = self.mapping.take() {
            task::close(*mapping);
        }
        self.entry.take();
        self.buffers.borrow().is_empty() && self.tasks.borrow().is_empty()
    }
}

/// A number of JavaScript as a number of bytes in a file, which may be more than memory can have.
///
/// # Errors
///
/// `OutOfRange` for a fraction, a negative number, or one that is larger than any file can be.
pub fn file_size(number: f64) -> Result<u64> {
    // 2^63. A number beyond 2^53 is not exact, and larger than any file.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (0.0..=LIMIT).contains(&number) && number.fract() == 0.0 { Ok(number as u64) } else { Err(Error::OutOfRange) }
}

/// Two numbers of JavaScript as a range of positions in memory.
///
/// # Errors
///
/// As [`index`].
pub fn range(start: f64, stop: f64) -> Result<Range<usize>> {
    Ok(index(start)?..index(stop)?)
}

/// A number of JavaScript as a position or a length in memory.
///
/// # Errors
///
/// `OutOfRange`, as [`file_size`], and for a number that is no address.
pub fn index(number: f64) -> Result<usize> {
    usize::try_from(file_size(number)?).map_err(|_| Error::OutOfRange)
}

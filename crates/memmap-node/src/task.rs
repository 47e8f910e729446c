//! Tasks: what would keep JavaScript waiting too long, on a thread of our own, as a promise.
//!
//! A task is made first and started then, so that it can be stopped and asked how far it is.

use crate::buffer::Bytes;
use crate::mapping::{OpenMapping, finder, index, position};
use crate::{environment, error};
use memmap_core::search::Finder;
use memmap_core::{Error, Task, ThreadPool};
use napi::bindgen_prelude::{External, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use std::ops::Range;
use std::sync::Arc;

/// A new task on the memory that the mapping has now. It keeps that memory until it is done.
#[napi(ts_return_type = "ExternalObject<Task>")]
pub fn new_task(env: Env, mapping: &External<OpenMapping>) -> napi::Result<External<Arc<Task>>> {
    let task = mapping.with(env, |open| Ok(Arc::new(Task::new(open))))?;
    mapping.add_task(&task);
    environment::add_task(env, &task)?;
    Ok(External::new(task))
}

/// Asks a task to stop; its promise is rejected with ABORT_ERR then, unless it has come to its end.
#[napi]
pub fn stop_task(#[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>) {
    task.stop();
}

/// How many bytes a task has done.
#[napi]
pub fn task_done(#[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>) -> f64 {
    task.done() as f64
}

/// The first place of `needle` in `[start, stop)`, or -1.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_find(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Find(finder(&needle)?)))
}

/// How many matches of `needle` are in `[start, stop)`, without overlaps.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_count(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Count(finder(&needle)?)))
}

/// Replaces each `from` in `[start, stop)` by `to`. Gives how many; an error has them in `replaced`.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_replace_all(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] from: Bytes,
    #[napi(ts_arg_type = "Uint8Array")] to: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Replace(finder(&from)?, to.raw().to_vec()?)))
}

/// Makes changes in `[start, stop)` durable.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_flush(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> napi::Result<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Flush))
}

/// Brings `[start, stop)` into memory.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_prefetch(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> napi::Result<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Prefetch))
}

enum Work {
    Find(Finder),
    Count(Finder),
    Replace(Finder, Vec<u8>),
    Flush,
    Prefetch,
}

impl Work {
    /// A number, and how many were replaced, also when there is none.
    fn run(&self, task: &Task, range: Range<usize>) -> (memmap_core::Result<f64>, Option<usize>) {
        let mut replaced = None;
        let result = match self {
            Work::Find(finder) => task.find(finder, range).map(position),
            Work::Count(finder) => task.count(finder, range).map(|count| count as f64),
            Work::Replace(finder, to) => {
                let count = replaced.insert(0);
                task.replace(finder, to, range, count).map(|()| *count as f64)
            }
            Work::Flush => task.flush(range).map(|()| 0.0),
            Work::Prefetch => task.prefetch(range).map(|()| 0.0),
        };
        (result, replaced)
    }
}

/// Gives the work to a thread, and a promise of its result.
fn promise(
    env: Env,
    task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
    work: impl FnOnce() -> memmap_core::Result<Work>,
) -> napi::Result<Unknown<'static>> {
    let prepared = || Ok((work()?, index(start)?..index(stop)?, ThreadPool::get()?));
    let (work, range, threads) = prepared().map_err(|error| {
        // Not only when JavaScript has collected the handle.
        task.release();
        error::throw(env, &error)
    })?;
    let (deferred, promise) = env.create_deferred().map_err(|_| {
        task.release();
        error::throw(env, &Error::Unsupported("this runtime gives no promise"))
    })?;
    // SAFETY: a value that this environment has just made.
    let promise = unsafe { Unknown::from_raw_unchecked(env.raw(), promise.raw()) };
    task.start(threads, move |task| {
        let (result, replaced) = work.run(task, range);
        // Not only when JavaScript has collected the handle.
        task.release();
        deferred.resolve(move |env| {
            let replaced = replaced.map(|count| ("replaced", count as f64));
            result.map_err(|error| error::rejection(env, &error, replaced.as_slice()))
        });
    });
    Ok(promise)
}

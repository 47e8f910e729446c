//! Tasks: work that would block JavaScript for too long, on threads of our own, as a promise.
//!
//! A task is made first and started afterwards, so that TypeScript can stop it and ask how much of
//! it is done.

use crate::environment;
use crate::error::Outcome;
use crate::handle::{Handle, range};
use crate::promise::new_promise;
use crate::search::{finder, position};
use crate::typed_array::Uint8Argument;
use memmap_core::search::Searcher;
use memmap_core::task::{Paging, Searching, Work, default_threads};
use memmap_core::{Replacement, Result, Task};
use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use std::sync::Arc;

/// A new task on the memory that the mapping has now. It keeps that memory until it is done. At
/// most `threads` threads work on it; 0 is the number of processors.
#[napi(ts_return_type = "Outcome<ExternalObject<Task>>")]
pub fn new_task(env: Env, handle: &External<Handle>, threads: u32) -> Outcome<External<Arc<Task>>> {
    let task = handle.with(|mapping| {
        let threads = if threads == 0 { default_threads() } else { threads as usize };
        let task = Arc::new(Task::new(mapping, threads));
        handle.add_task(&task);
        environment::add_task(env, &task)?;
        Ok(External::new(task))
    });
    task.into()
}

/// Tells a task to stop. Its promise has the error ABORT_ERR then, unless it was done before.
#[napi]
pub fn stop_task(#[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>) {
    task.stop();
}

/// How many bytes a task has done.
#[napi]
pub fn task_done(#[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>) -> f64 {
    task.done() as f64
}

/// The position of the first `needle` in `[start, stop)`, or -1.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_find(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    let finding = |finder| {
        let work = Arc::new(Searching::find(finder));
        Started::new(Arc::clone(&work) as Arc<_>, move |result| result.map(|()| position(work.found())).into())
    };
    promise(env, task, start, stop, finder(&needle).map(finding))
}

/// How many matches of `needle` are in `[start, stop)`, without overlaps.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_count(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, finder(&needle).map(counting))
}

/// Replaces each `from` in `[start, stop)` by `to`, and counts them. An error has the number of
/// those replaced before it in `replaced`.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_replace_all(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    #[napi(ts_arg_type = "Uint8Array")] from: Uint8Argument,
    #[napi(ts_arg_type = "Uint8Array")] to: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    let to = to.raw().to_vec().map(|bytes| Replacement { bytes, fill: None });
    promise(env, task, start, stop, finder(&from).and_then(|finder| replacing(finder, to?)))
}

/// Makes changes in `[start, stop)` durable.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_flush(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, Ok(paging(Paging::flush())))
}

/// Brings `[start, stop)` into memory.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_prefetch(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, Ok(paging(Paging::prefetch())))
}

/// The matches of a needle or a pattern, as a count.
pub fn counting(searcher: impl Searcher) -> Started {
    let work = Arc::new(Searching::count(searcher));
    Started::new(Arc::clone(&work) as Arc<_>, move |result| result.map(|()| work.number() as f64).into())
}

/// The matches of a needle or a pattern, to be replaced.
///
/// # Errors
///
/// As [`Searching::replace`].
pub fn replacing(searcher: impl Searcher, to: Replacement) -> Result<Started> {
    let work = Arc::new(Searching::replace(searcher, to)?);
    Ok(Started::new(Arc::clone(&work) as Arc<_>, move |result| Outcome::of_replacing(result, work.number())))
}

fn paging(paging: Paging) -> Started {
    Started::new(Arc::new(paging), |result| result.map(|()| 0.0).into())
}

/// What a task does, and how JavaScript gets the result.
pub struct Started {
    work: Arc<dyn Work>,
    outcome: Box<dyn FnOnce(Result<()>) -> Outcome<f64> + Send>,
}

impl Started {
    /// `outcome` is called at the end.
    pub fn new(work: Arc<dyn Work>, outcome: impl FnOnce(Result<()>) -> Outcome<f64> + Send + 'static) -> Started {
        Started { work, outcome: Box::new(outcome) }
    }
}

/// Starts the work on other threads, and returns a promise of its outcome.
#[inline(never)]
pub fn promise(
    env: Env,
    task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
    work: Result<Started>,
) -> Outcome<Unknown<'static>> {
    let begin = || {
        let (Started { work, outcome }, range) = (work?, range(start, stop)?);
        let (promise, resolve) = new_promise(env)?;
        task.start(work, range, move |task, result| {
            // The engine may collect the task's External much later.
            task.release();
            resolve(outcome(result));
        })?;
        Ok(promise)
    };
    let begun: Result<_> = begin();
    if begun.is_err() {
        // This also resolves the promise if there is one. The engine may collect the task's
        // External much later.
        task.release();
    }
    begun.into()
}

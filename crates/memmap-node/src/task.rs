//! Tasks: work that would block JavaScript for too long, on a thread of our own, as a promise.
//!
//! A task is made first and started afterwards, so that TypeScript can stop it and ask how much of
//! it is done.

use crate::environment;
use crate::error::Outcome;
use crate::handle::{Handle, range};
use crate::promise::new_promise;
use crate::regexp::Batches;
use crate::search::{finder, position};
use crate::typed_array::Uint8Argument;
use memmap_core::search::{Finder, Pattern, Searcher};
use memmap_core::{Replacement, Result, Task, ThreadPool};
use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A new task on the memory that the mapping has now. It keeps that memory until it is done.
#[napi(ts_return_type = "Outcome<ExternalObject<Task>>")]
pub fn new_task(env: Env, handle: &External<Handle>) -> Outcome<External<Arc<Task>>> {
    let task = handle.with(|mapping| {
        let task = Arc::new(Task::new(mapping));
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
    promise(env, task, start, stop, || Ok(Work::Find(finder(&needle)?)))
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
    promise(env, task, start, stop, || Ok(Work::Count(finder(&needle)?)))
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
    promise(env, task, start, stop, || {
        Ok(Work::Replace(finder(&from)?, Replacement { bytes: to.raw().to_vec()?, fill: None }))
    })
}

/// Makes changes in `[start, stop)` durable.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_flush(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Flush))
}

/// Brings `[start, stop)` into memory.
#[napi(ts_return_type = "Outcome<Promise<Outcome<number>>>")]
pub fn start_prefetch(
    env: Env,
    #[napi(ts_arg_type = "ExternalObject<Task>")] task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
) -> Outcome<Unknown<'static>> {
    promise(env, task, start, stop, || Ok(Work::Prefetch))
}

/// What a task does.
pub enum Work {
    /// Finds the first match of a needle.
    Find(Finder),
    /// Counts the matches of a needle.
    Count(Finder),
    /// Replaces the matches of a needle.
    Replace(Finder, Replacement),
    /// Finds the next matches of a search, at most this many.
    NextMatches(Arc<Mutex<Batches>>, usize),
    /// Counts the matches of a pattern.
    CountMatches(Arc<Pattern>),
    /// Replaces the matches of a pattern.
    ReplaceMatches(Arc<Pattern>, Replacement),
    /// Makes changes durable.
    Flush,
    /// Brings bytes into memory.
    Prefetch,
}

impl Work {
    fn run(&self, task: &Task, range: Range<usize>) -> Outcome<f64> {
        match self {
            Work::Find(finder) => task.find(finder, range).map(position).into(),
            Work::Count(finder) => task.count(finder, range).map(|count| count as f64).into(),
            Work::Replace(finder, to) => replace(task, finder, to, range),
            Work::NextMatches(batches, room) => {
                let mut batches = batches.lock().unwrap_or_else(PoisonError::into_inner);
                batches.find(*room, |search, hit| task.search(search, hit)).into()
            }
            Work::CountMatches(pattern) => task.count(pattern, range).map(|count| count as f64).into(),
            Work::ReplaceMatches(pattern, to) => replace(task, pattern, to, range),
            Work::Flush => task.flush(range).map(|()| 0.0).into(),
            Work::Prefetch => task.prefetch(range).map(|()| 0.0).into(),
        }
    }
}

fn replace(task: &Task, searcher: &impl Searcher, to: &Replacement, range: Range<usize>) -> Outcome<f64> {
    let mut replaced = 0;
    let result = task.replace(searcher, to, range, &mut replaced);
    Outcome::of_replacing(result, replaced)
}

/// Starts the work on a thread, and returns a promise of its outcome.
pub fn promise(
    env: Env,
    task: &External<Arc<Task>>,
    start: f64,
    stop: f64,
    work: impl FnOnce() -> Result<Work>,
) -> Outcome<Unknown<'static>> {
    let begin = || {
        let (work, range, pool) = (work()?, range(start, stop)?, ThreadPool::get()?);
        let (promise, resolve) = new_promise(env)?;
        task.start(pool, move |task| {
            let outcome = work.run(task, range);
            // The engine may collect the task's External much later.
            task.release();
            resolve(outcome);
        });
        Ok(promise)
    };
    let begun: Result<_> = begin();
    if begun.is_err() {
        // The engine may collect the task's External much later.
        task.release();
    }
    begun.into()
}

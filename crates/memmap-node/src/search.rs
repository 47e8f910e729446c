//! Finding, counting and replacing bytes of a mapping.

use crate::error::Outcome;
use crate::handle::{Handle, range};
use crate::typed_array::{Int32Positions, Uint8Argument};
use memmap_core::search::Finder;
use memmap_core::{Error, Mapping, Replacement, Result, task};
use napi::bindgen_prelude::External;
use napi_derive::napi;

/// The position of the first `needle` in `[start, stop)`, or -1.
#[napi]
pub fn find(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    position_of(handle, &needle, |mapping, finder| task::find(mapping, finder, range(start, stop)?))
}

/// The position of the last `needle` in `[start, stop)`, or -1.
#[napi]
pub fn rfind(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    position_of(handle, &needle, |mapping, finder| mapping.region().rfind(finder, range(start, stop)?))
}

/// Writes the positions of `needle` in `[start, stop)`, without overlaps and counted from `start`,
/// to `positions` until that is full, and returns how many there are. `[start, stop)` has no more
/// than 2 GiB positions, because engines calculate faster with small integers.
#[napi]
pub fn find_all(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    #[napi(ts_arg_type = "Int32Array")] positions: Int32Positions,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    let found = handle.with(|mapping| {
        let (finder, range) = (finder(&needle)?, range(start, stop)?);
        if range.len().saturating_sub(finder.needle().len()) > i32::MAX as usize {
            return Err(Error::OutOfRange);
        }
        let first = range.start;
        let set = |number, position: usize| positions.set(number, (position - first) as i32);
        mapping.region().list(&finder, range, positions.length(), set)
    });
    found.map(|count| count as f64).into()
}

/// How many matches of `needle` are in `[start, stop)`, without overlaps.
#[napi]
pub fn count(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    let counted = handle.with(|mapping| task::count(mapping, &finder(&needle)?, range(start, stop)?));
    counted.map(|count| count as f64).into()
}

/// Replaces each `from` in `[start, stop)` by `to`, which must be as long, and returns how many. An
/// error has the number of those replaced before it in `replaced`.
#[napi]
pub fn replace_all(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] from: Uint8Argument,
    #[napi(ts_arg_type = "Uint8Array")] to: Uint8Argument,
    start: f64,
    stop: f64,
) -> Outcome<f64> {
    let mut replaced = 0;
    let result = handle.with(|mapping| {
        let to = Replacement { bytes: to.raw().to_vec()?, fill: None };
        task::replace(mapping, &finder(&from)?, to, range(start, stop)?, &mut replaced)
    });
    Outcome::of_replacing(result, replaced)
}

fn position_of(
    handle: &Handle,
    needle: &Uint8Argument,
    search: impl FnOnce(&Mapping, &Finder) -> Result<Option<usize>>,
) -> Outcome<f64> {
    handle.with(|mapping| search(mapping, &finder(needle)?).map(position)).into()
}

/// A finder of these bytes, which are copied.
///
/// # Errors
///
/// As [`memmap_core::RawBytes::to_vec`].
pub fn finder(needle: &Uint8Argument) -> Result<Finder> {
    needle.raw().to_vec().map(Finder::new)
}

/// A position as JavaScript gets it: -1 for none.
pub fn position(found: Option<usize>) -> f64 {
    found.map_or(-1.0, |index| index as f64)
}

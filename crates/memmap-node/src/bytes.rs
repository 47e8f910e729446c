//! Copying bytes in and out of a mapping, and within it.

use crate::error::Outcome;
use crate::handle::{Handle, index};
use crate::typed_array::Uint8Argument;
use napi::bindgen_prelude::External;
use napi_derive::napi;

/// Copies bytes out, as many as `target` has.
#[napi]
pub fn read(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] target: Uint8Argument,
    offset: f64,
) -> Outcome<()> {
    handle.with(|mapping| mapping.region().read(index(offset)?, target.raw())).into()
}

/// Copies the first `count` bytes of `source` in, to every `step`-th position from `offset`.
#[napi]
pub fn write(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] source: Uint8Argument,
    count: f64,
    offset: f64,
    step: f64,
) -> Outcome<()> {
    let written = handle.with(|mapping| {
        let (region, offset, source) = (mapping.region(), index(offset)?, source.first(index(count)?)?);
        if step == 1.0 { region.write(offset, source) } else { region.write_strided(offset, step as isize, source) }
    });
    written.into()
}

/// Reads one byte.
#[napi]
pub fn read_byte(handle: &External<Handle>, offset: f64) -> Outcome<u32> {
    handle.with(|mapping| mapping.region().read_byte(index(offset)?).map(u32::from)).into()
}

/// Sets one byte.
#[napi]
pub fn write_byte(handle: &External<Handle>, offset: f64, value: u32) -> Outcome<()> {
    handle.with(|mapping| mapping.region().write_byte(index(offset)?, value as u8)).into()
}

/// Reads every `step`-th byte from `offset`, as many as `target` has.
#[napi]
pub fn read_strided(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] target: Uint8Argument,
    offset: f64,
    step: f64,
) -> Outcome<()> {
    handle.with(|mapping| mapping.region().read_strided(index(offset)?, step as isize, target.raw())).into()
}

/// Moves bytes within the mapping.
#[napi]
pub fn copy_within(handle: &External<Handle>, target: f64, source: f64, count: f64) -> Outcome<()> {
    handle.with(|mapping| mapping.region().copy_within(index(target)?, index(source)?, index(count)?)).into()
}

/// Repeats `pattern` over a range.
#[napi]
pub fn fill(
    handle: &External<Handle>,
    #[napi(ts_arg_type = "Uint8Array")] pattern: Uint8Argument,
    offset: f64,
    length: f64,
) -> Outcome<()> {
    handle.with(|mapping| mapping.region().fill(index(offset)?, index(length)?, &pattern.raw().to_vec()?)).into()
}

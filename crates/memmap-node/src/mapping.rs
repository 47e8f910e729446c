//! Opening, closing, lengths and pages of a mapping.

use crate::error::Outcome;
use crate::handle::{Handle, file_size, index};
use crate::typed_array::Uint8Argument;
use memmap_core::{Access, Create, Error, Mapping, NewFile, Plan, Request, Result, Target, sys};
use napi::Env;
use napi::bindgen_prelude::{Either3, External};
use napi_derive::napi;

/// A handle without a mapping, for `open`.
#[napi]
pub fn new_handle() -> External<Handle> {
    External::new(Handle::default())
}

/// Opens and maps, and returns how many bytes are mapped. `file` is a path, a descriptor, or -1 for
/// anonymous memory, which `tagname` gives a name, or for POSIX shared memory, which `shm` names.
/// `flags` and `prot` count where `access` is not
/// given. `create` is 0 for no, 1 for yes, 2 for a hole; `mode` and `exclusive` are for a new file.
/// `handle` has no mapping: it is new, or `close` returned true for it.
#[napi]
#[allow(clippy::too_many_arguments, reason = "an object would cost a property access each, at every open")]
pub fn open(
    env: Env,
    handle: &External<Handle>,
    #[napi(ts_arg_type = "number | string | Uint8Array")] file: Either3<String, f64, Uint8Argument>,
    tagname: Option<String>,
    shm: Option<String>,
    length: f64,
    offset: f64,
    access: Option<u32>,
    flags: i32,
    prot: i32,
    track: bool,
    create: u32,
    mode: u32,
    exclusive: bool,
    write_back: bool,
    allow_empty: bool,
) -> Outcome<f64> {
    let open = || -> Result<f64> {
        let target = match (file, tagname, shm) {
            (_, Some(tag), _) => Target::Named(tag),
            (_, None, Some(name)) => Target::Shm(name),
            (Either3::B(-1.0), ..) => Target::Anonymous,
            (Either3::B(descriptor), ..) => Target::Descriptor(descriptor as i32),
            (Either3::A(path), ..) => Target::Path(sys::path_from_bytes(path.into_bytes())),
            (Either3::C(path), ..) => Target::Path(sys::path_from_bytes(path.raw().to_vec()?)),
        };
        let plan = match access {
            Some(0) => Plan::from_access(Access::Default),
            Some(1) => Plan::from_access(Access::Read),
            Some(2) => Plan::from_access(Access::Write),
            Some(3) => Plan::from_access(Access::Copy),
            Some(_) => return Err(Error::OutOfRange),
            None => sys::plan_from_flags(flags, prot)?,
        };
        let create = match create {
            0 => Create::Never,
            1 => Create::Allocated,
            2 => Create::Sparse,
            _ => return Err(Error::OutOfRange),
        };
        let mapping = Mapping::open(Request {
            target,
            offset: file_size(offset)?,
            length: file_size(length)?,
            plan,
            track,
            create,
            new_file: NewFile { mode, exclusive },
            write_back,
            allow_empty,
        })?;
        let length = mapping.region().len() as f64;
        handle.set(env, mapping)?;
        Ok(length)
    };
    open().into()
}

/// ACCESS_*, as `access`, `flags` or `protect` left it.
#[napi]
pub fn access(handle: &External<Handle>) -> Outcome<u32> {
    handle.with(|mapping| Ok(mapping.access() as u32)).into()
}

/// Whether opening it has created the file, the named region or the memory.
#[napi]
pub fn created(handle: &External<Handle>) -> Outcome<bool> {
    handle.with(|mapping| Ok(mapping.created())).into()
}

/// The descriptor that the mapping keeps, or -1.
#[napi]
pub fn descriptor(handle: &External<Handle>) -> Outcome<i32> {
    handle.with(|mapping| Ok(mapping.descriptor())).into()
}

/// Bytes in the file.
#[napi]
pub fn size(handle: &External<Handle>) -> Outcome<f64> {
    handle.with(|mapping| Ok(mapping.size()? as f64)).into()
}

/// Returns an error when bytes of the mapping have been lost.
#[napi]
pub fn check_intact(handle: &External<Handle>) -> Outcome<()> {
    handle.with(|mapping| mapping.region().intact()).into()
}

/// Writes private changes back to the file before `close`, if the mapping was opened for that.
#[napi]
pub fn write_back(handle: &External<Handle>) -> Outcome<()> {
    handle.with(Mapping::write_back).into()
}

/// Closes the descriptor, and unmaps if there is no buffer over the memory. Returns true when the
/// handle can be used again, because there is no buffer and no task for which `unmap` may still be
/// called.
#[napi]
pub fn close(handle: &External<Handle>) -> bool {
    handle.close()
}

/// Makes changes in a range durable.
#[napi]
pub fn flush(handle: &External<Handle>, offset: f64, length: f64, flags: Option<i32>) -> Outcome<()> {
    handle.with(|mapping| mapping.flush(index(offset)?, index(length)?, flags)).into()
}

/// Changes the length of the mapping and its file. Buffers made before show the memory as it was
/// before, unless the mapping has grown in place in a SharedArrayBuffer. Returns true in that case.
#[napi]
pub fn resize(handle: &External<Handle>, length: f64) -> Outcome<bool> {
    // A number that is no length counts as too long: `resize` says so after its other checks.
    let resized = replace_memory(handle, |mapping| mapping.resize(file_size(length).unwrap_or(u64::MAX)));
    resized.map(|Remapped { in_place, .. }| in_place).into()
}

/// Maps what the file has now, or `length` bytes of it. Buffers are treated as by `resize`.
#[napi]
pub fn remap(handle: &External<Handle>, length: Option<f64>) -> Outcome<Remapped> {
    let length = length.map(|length| file_size(length).unwrap_or(u64::MAX));
    replace_memory(handle, |mapping| mapping.remap(length)).into()
}

/// What `remap` has done.
#[napi(object)]
pub struct Remapped {
    /// Bytes mapped.
    pub length: f64,
    /// Whether the memory is where it was.
    pub in_place: bool,
}

fn replace_memory(handle: &Handle, call: impl FnOnce(&mut Mapping) -> Result<()>) -> Result<Remapped> {
    handle.with_mut(|mapping| {
        let before = mapping.region().start();
        call(mapping)?;
        handle.end_waits_beyond(mapping.region().len());
        for buffer in handle.buffers() {
            buffer.adopt_resized(mapping.region());
        }
        Ok(Remapped { length: mapping.region().len() as f64, in_place: mapping.region().start() == before })
    })
}

/// Changes what may be done with the mapping: PROT_*. Returns the ACCESS_* that results.
#[napi]
pub fn protect(handle: &External<Handle>, prot: i32) -> Outcome<u32> {
    let access = handle.with_mut(|mapping| {
        // The kernel would not find them at pages that become private.
        handle.wake_waits();
        mapping.protect(prot)?;
        Ok(mapping.access() as u32)
    });
    access.into()
}

/// Tells the operating system how a range will be used: MADV_*.
#[napi]
pub fn advise(handle: &External<Handle>, option: i32, start: f64, length: f64) -> Outcome<()> {
    handle.with(|mapping| mapping.advise(option, index(start)?, index(length)?)).into()
}

/// Keeps a range in RAM.
#[napi]
pub fn lock(handle: &External<Handle>, start: f64, length: f64) -> Outcome<()> {
    handle.with(|mapping| mapping.lock(index(start)?, index(length)?)).into()
}

/// Undoes `lock`.
#[napi]
pub fn unlock(handle: &External<Handle>, start: f64, length: f64) -> Outcome<()> {
    handle.with(|mapping| mapping.unlock(index(start)?, index(length)?)).into()
}

/// How many pages of a range are in memory.
#[napi]
pub fn resident(handle: &External<Handle>, start: f64, length: f64) -> Outcome<Residency> {
    let residency = handle.with(|mapping| {
        let sys::Residency { resident, total } = mapping.resident(index(start)?, index(length)?)?;
        Ok(Residency { resident: resident as f64, total: total as f64 })
    });
    residency.into()
}

/// How many pages of a range are in memory.
#[napi(object)]
pub struct Residency {
    /// Pages that are in memory.
    pub resident: f64,
    /// Pages in the range.
    pub total: f64,
}

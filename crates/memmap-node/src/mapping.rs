//! What the TypeScript class `Mmap` calls, with a handle that it keeps private.
//!
//! The handle is an External and these are functions, not a `#[napi]` class with methods: measured on Node 20, making an External
//! costs 1.4 us and a call with one 0.18 us; a class instance costs 2.4 us and a method 0.6 us, for the checks of its receiver.
//! Even that, with what the garbage collector has to do for it, is 15 % of opening, reading and closing a file. So `open` takes a handle
//! that was closed, if nobody else knows it, and uses it again.

use crate::buffer::{self, Bytes, Handout, Lease, Places};
use crate::environment::{Listed, Opened};
use crate::error;
use memmap_core::search::Finder;
use memmap_core::weak_list::WeakList;
use memmap_core::{Access, Create, Error, Mapping, Plan, Request, Target, Task, sys};
use napi::Env;
use napi::bindgen_prelude::{Either3, External, Unknown};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A mapping until it is closed.
///
/// The handle owns it until the garbage collector finds the handle, long after `close`; so it is small, and the rest is in
/// a box that `close` frees.
#[derive(Default)]
pub struct OpenMapping {
    open: Rc<Opened>,
    listed: Cell<Option<Listed>>,
    /// Of the ArrayBuffers made so far that are still there.
    handouts: RefCell<WeakList<Handout>>,
    /// Those made so far that are still there.
    tasks: RefCell<WeakList<Task>>,
}

impl OpenMapping {
    fn keep(&self, env: Env, mapping: Mapping) -> napi::Result<()> {
        self.listed.set(Some(Listed::new(env, &self.open)?));
        self.open.replace(Some(Box::new(mapping)));
        Ok(())
    }

    fn read<T>(&self, call: impl FnOnce(&Mapping) -> memmap_core::Result<T>) -> memmap_core::Result<T> {
        // Nothing that `call` does comes back to JavaScript, so this cannot meet `resize` half way.
        self.open.borrow().as_deref().ok_or(Error::Closed).and_then(call)
    }

    pub(crate) fn with<T>(&self, env: Env, call: impl FnOnce(&Mapping) -> memmap_core::Result<T>) -> napi::Result<T> {
        self.read(call).map_err(|error| error::throw(env, &error))
    }

    fn with_mut<T>(&self, env: Env, call: impl FnOnce(&mut Mapping) -> memmap_core::Result<T>) -> napi::Result<T> {
        let mut open = self.open.borrow_mut();
        let result = open.as_deref_mut().ok_or(Error::Closed).and_then(call);
        drop(open);
        result.map_err(|error| error::throw(env, &error))
    }

    /// Remembers a task, for [`release_tasks`].
    pub(crate) fn add_task(&self, task: &Arc<Task>) {
        self.tasks.borrow_mut().add(task);
    }

    fn remember(&self, handout: &Arc<Handout>) {
        self.handouts.borrow_mut().add(handout);
    }

    /// Those that are still there.
    fn handouts(&self) -> Vec<Arc<Handout>> {
        self.handouts.borrow().iter().collect()
    }

    /// Closes, and says whether the handle can be used again.
    fn close(&self) -> bool {
        self.open.take();
        self.listed.take();
        self.handouts.borrow().is_empty() && self.tasks.borrow().is_empty()
    }
}

/// Opens and maps: a path, a descriptor, or -1 for anonymous memory, which `tagname` gives a name. `flags` and `prot` count
/// where `access` is not given. `create` is 0 for no, 1 for yes, 2 for a hole. `spare` is a handle
/// for which `close` said true: it is the mapping's from now on, and nothing is returned.
#[napi]
#[allow(clippy::too_many_arguments, reason = "an object would cost a property access each, at every open")]
pub fn open(
    env: Env,
    #[napi(ts_arg_type = "number | string | Uint8Array")] file: Either3<f64, String, Bytes>,
    tagname: Option<String>,
    length: f64,
    offset: f64,
    access: Option<u32>,
    flags: i32,
    prot: i32,
    track: bool,
    create: u32,
    write_back: bool,
    spare: Option<&External<OpenMapping>>,
) -> napi::Result<Option<External<OpenMapping>>> {
    let open = || -> memmap_core::Result<Mapping> {
        let target = match (file, tagname) {
            (_, Some(tag)) => Target::Named(tag),
            (Either3::A(-1.0), None) => Target::Anonymous,
            (Either3::A(descriptor), None) => Target::Descriptor(descriptor as i32),
            (Either3::B(path), None) => Target::Path(sys::path_from_bytes(path.into_bytes())),
            (Either3::C(path), None) => Target::Path(sys::path_from_bytes(path.raw().to_vec()?)),
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
        Mapping::open(Request {
            target,
            offset: whole(offset)?,
            length: whole(length)?,
            plan,
            track,
            create,
            write_back,
        })
    };
    let mapping = open().map_err(|error| error::throw(env, &error))?;
    if let Some(spare) = spare {
        spare.keep(env, mapping)?;
        return Ok(None);
    }
    let fresh = OpenMapping::default();
    fresh.keep(env, mapping)?;
    Ok(Some(External::new(fresh)))
}

/// Bytes mapped.
#[napi]
pub fn length(env: Env, mapping: &External<OpenMapping>) -> napi::Result<f64> {
    mapping.with(env, |mapping| Ok(mapping.region().len() as f64))
}

/// ACCESS_*, as `access`, `flags` or `protect` left it.
#[napi]
pub fn access(env: Env, mapping: &External<OpenMapping>) -> napi::Result<u32> {
    mapping.with(env, |mapping| Ok(mapping.access() as u32))
}

/// The descriptor that is kept, or -1.
#[napi]
pub fn descriptor(env: Env, mapping: &External<OpenMapping>) -> napi::Result<i32> {
    mapping.with(env, |mapping| Ok(mapping.descriptor()))
}

/// Bytes in the file.
#[napi]
pub fn size(env: Env, mapping: &External<OpenMapping>) -> napi::Result<f64> {
    mapping.with(env, |mapping| Ok(mapping.size()? as f64))
}

/// Throws when bytes of the mapping have been lost.
#[napi]
pub fn check_intact(env: Env, mapping: &External<OpenMapping>) -> napi::Result<()> {
    mapping.with(env, |open| open.region().intact())
}

/// A new ArrayBuffer over a range, which ends where the range ends and begins at most 7 bytes before it. No other buffer of the
/// mapping may have its `id`.
#[napi(ts_return_type = "ArrayBufferLike")]
pub fn buffer(
    env: Env,
    mapping: &External<OpenMapping>,
    id: u32,
    shared: bool,
    offset: f64,
    length: f64,
) -> napi::Result<Unknown<'static>> {
    mapping.with(env, |open| {
        let (value, handout) = buffer::array_buffer(env, open.region(), id, shared, index(offset)?, index(length)?)?;
        mapping.remember(&handout);
        Ok(value)
    })
}

/// A lease that holds nothing yet, for `lend`.
#[napi(ts_return_type = "ExternalObject<Lease>")]
pub fn new_lease(env: Env) -> napi::Result<External<Arc<Lease>>> {
    Ok(External::new(Lease::new(env, None)?))
}

/// Moves the memory into a SharedArrayBuffer, `lead` bytes after its start: `memory` is a
/// Uint8Array over a new one that can grow to `capacity` bytes, and is as long as it must be. The
/// caller keeps it while the mapping is open, whatever fails from now on, and has seen to it that
/// the lease is ended when it has been collected.
#[napi]
#[allow(clippy::too_many_arguments, reason = "an object would have to be made, and what makes one can fail")]
pub fn lend(
    env: Env,
    mapping: &External<OpenMapping>,
    id: u32,
    #[napi(ts_arg_type = "Uint8Array")] memory: Unknown,
    lead: f64,
    capacity: f64,
    #[napi(ts_arg_type = "ExternalObject<Lease>")] lease: &External<Arc<Lease>>,
) -> napi::Result<()> {
    mapping.with_mut(env, |open| {
        let address = buffer::reserved_address(env, memory)?;
        let (lead, capacity) = (index(lead)?, index(capacity)?);
        // SAFETY: the engine has reserved that much for a buffer that nobody has seen yet, and keeps it for as long as TypeScript holds
        // the buffer: until the mapping is closed.
        unsafe { open.relocate(address, lead, capacity) }?;
        let handout = Arc::new(Handout::lent(id, open.region()));
        mapping.remember(&handout);
        lease.hold(handout);
        Ok(())
    })
}

/// What keeps the addresses of a buffer out of use when `unmap` detaches it, until `endLease` says
/// that the buffer has been collected; nothing for a buffer that `unmap` will leave alone, or
/// cannot detach.
#[napi(ts_return_type = "ExternalObject<Lease> | null")]
pub fn lease(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
    id: u32,
) -> napi::Result<Option<External<Arc<Lease>>>> {
    let handout = buffer::to_lease(env, buffer, id, &mapping.handouts());
    handout.map(|handout| Ok(External::new(Lease::new(env, Some(handout))?))).transpose()
}

/// Lets go of what is kept for a buffer that has been collected.
#[napi]
pub fn end_lease(#[napi(ts_arg_type = "ExternalObject<Lease>")] lease: &External<Arc<Lease>>) {
    lease.end();
}

/// Detaches a buffer that `buffer` or `lend` made and nobody has seen, and lets go of its memory.
#[napi]
pub fn drop_buffer(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
    id: u32,
) {
    buffer::drop_unseen(env, buffer, id, &mapping.handouts());
}

/// What closing must do first: writes private changes back, if that was asked for. Gives the error,
/// if there is one.
#[napi(ts_return_type = "Error | null")]
pub fn finish(env: Env, mapping: &External<OpenMapping>) -> napi::Result<Option<Unknown<'static>>> {
    error::returned(env, mapping.read(Mapping::write_back))
}

/// Closes the descriptor, and unmaps if no buffer shows the memory. True when the handle can be used again: nothing was made of the mapping
/// for which `unmap` may still be called.
#[napi]
pub fn close(mapping: &External<OpenMapping>) -> bool {
    mapping.close()
}

/// The same, and `dropBuffer` before, in one call.
#[napi]
pub fn close_and_drop(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
    id: u32,
) -> bool {
    buffer::drop_unseen(env, buffer, id, &mapping.handouts());
    mapping.close()
}

/// Closes, unless that has been done, stops all tasks, waits until none touches the memory, and
/// takes it away from all buffers: those given with their ids, each of which has its lease, and
/// SharedArrayBuffers over our own memory. Gives the error, if there is one; all has been done that
/// could be.
#[napi(ts_return_type = "Error | null")]
pub fn unmap(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "ArrayBufferLike[]")] buffers: Vec<Unknown>,
    ids: Vec<u32>,
) -> napi::Result<Option<Unknown<'static>>> {
    mapping.close();
    Task::release_all(&mapping.tasks.take());
    let buffers = buffers.into_iter().zip(ids).collect();
    error::returned(env, buffer::take_away(env, buffers, &mapping.handouts()))
}

/// Copies bytes out, as many as `target` has.
#[napi]
pub fn read(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] target: Bytes,
    offset: f64,
) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.region().read(index(offset)?, target.raw()))
}

/// Copies bytes in, the first `count` of `source`: to every `step`-th place from `offset`.
#[napi]
pub fn write(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] source: Bytes,
    count: f64,
    offset: f64,
    step: f64,
) -> napi::Result<()> {
    mapping.with(env, |mapping| {
        let (region, offset, source) = (mapping.region(), index(offset)?, source.first(index(count)?)?);
        if step == 1.0 { region.write(offset, source) } else { region.write_strided(offset, step as isize, source) }
    })
}

/// One byte.
#[napi]
pub fn read_byte(env: Env, mapping: &External<OpenMapping>, offset: f64) -> napi::Result<u32> {
    mapping.with(env, |mapping| mapping.region().read_byte(index(offset)?).map(u32::from))
}

/// Sets one byte.
#[napi]
pub fn write_byte(env: Env, mapping: &External<OpenMapping>, offset: f64, value: u32) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.region().write_byte(index(offset)?, value as u8))
}

/// Every `step`-th byte from `offset`, as many as `target` has.
#[napi]
pub fn read_strided(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] target: Bytes,
    offset: f64,
    step: f64,
) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.region().read_strided(index(offset)?, step as isize, target.raw()))
}

/// Moves bytes within the mapping.
#[napi]
pub fn copy_within(
    env: Env,
    mapping: &External<OpenMapping>,
    target: f64,
    source: f64,
    count: f64,
) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.region().copy_within(index(target)?, index(source)?, index(count)?))
}

/// Repeats `pattern` over a range.
#[napi]
pub fn fill(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] pattern: Bytes,
    offset: f64,
    length: f64,
) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.region().fill(index(offset)?, index(length)?, &pattern.raw().to_vec()?))
}

/// The first place of `needle` in `[start, stop)`, or -1.
#[napi]
pub fn find(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<f64> {
    mapping.with(env, |mapping| {
        let finder = finder(&needle)?;
        let found = mapping.region().find(&finder, index(start)?..index(stop)?)?;
        Ok(position(found))
    })
}

/// The last place of `needle` in `[start, stop)`, or -1.
#[napi]
pub fn rfind(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<f64> {
    mapping.with(env, |mapping| {
        let finder = finder(&needle)?;
        let found = mapping.region().rfind(&finder, index(start)?..index(stop)?)?;
        Ok(position(found))
    })
}

/// Writes the places of `needle` in `[start, stop)`, without overlaps and counted from `start`, to `places`, until it is full, and returns how
/// many there are. It has no more than 2 GiB positions: with small integers the engine calculates faster than with others.
#[napi]
pub fn find_all(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    #[napi(ts_arg_type = "Int32Array")] places: Places,
    start: f64,
    stop: f64,
) -> napi::Result<f64> {
    mapping.with(env, |mapping| {
        let (finder, start, stop) = (finder(&needle)?, index(start)?, index(stop)?);
        if stop.saturating_sub(start).saturating_sub(finder.needle().len()) > i32::MAX as usize {
            return Err(Error::OutOfRange);
        }
        let put = |number, place: usize| places.set(number, (place - start) as i32);
        Ok(mapping.region().list(&finder, start..stop, places.length(), put)? as f64)
    })
}

/// How many matches of `needle` are in `[start, stop)`, without overlaps.
#[napi]
pub fn count(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] needle: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<f64> {
    mapping.with(env, |mapping| {
        let finder = finder(&needle)?;
        Ok(mapping.region().count(&finder, index(start)?..index(stop)?)? as f64)
    })
}

/// Replaces each `from` in `[start, stop)` by `to`, which must be as long. Returns how many; an error has them in `replaced`.
#[napi]
pub fn replace_all(
    env: Env,
    mapping: &External<OpenMapping>,
    #[napi(ts_arg_type = "Uint8Array")] from: Bytes,
    #[napi(ts_arg_type = "Uint8Array")] to: Bytes,
    start: f64,
    stop: f64,
) -> napi::Result<f64> {
    let mut replaced = 0;
    let result = mapping.read(|mapping| {
        let (finder, to) = (finder(&from)?, to.raw().to_vec()?);
        mapping.region().replace(&finder, &to, index(start)?..index(stop)?, &mut replaced)
    });
    result.map_err(|error| error::throw_with(env, &error, &[("replaced", replaced as f64)]))?;
    Ok(replaced as f64)
}

/// Makes changes in a range durable.
#[napi]
pub fn flush(
    env: Env,
    mapping: &External<OpenMapping>,
    offset: f64,
    length: f64,
    flags: Option<i32>,
) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.flush(index(offset)?, index(length)?, flags))
}

/// Changes the length of the mapping and its file. Buffers made before show the memory of before, unless it has grown in place in
/// a SharedArrayBuffer: that is what it says.
#[napi]
pub fn resize(env: Env, mapping: &External<OpenMapping>, length: f64) -> napi::Result<bool> {
    let mut in_place = false;
    mapping.with_mut(env, |open| {
        let before = open.region().start();
        // What is no length at all is too much of one: `resize` says so when its other checks have passed.
        open.resize(whole(length).unwrap_or(u64::MAX))?;
        in_place = open.region().start() == before;
        for handout in mapping.handouts.borrow().iter() {
            handout.follow(open.region());
        }
        Ok(())
    })?;
    Ok(in_place)
}

/// Changes what may be done with the mapping: PROT_*. Gives ACCESS_*, as it is then.
#[napi]
pub fn protect(env: Env, mapping: &External<OpenMapping>, prot: i32) -> napi::Result<u32> {
    mapping.with_mut(env, |open| {
        open.protect(prot)?;
        Ok(open.access() as u32)
    })
}

/// Tells the operating system how a range will be used: MADV_*.
#[napi]
pub fn advise(env: Env, mapping: &External<OpenMapping>, option: i32, start: f64, length: f64) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.advise(option, index(start)?, index(length)?))
}

/// Keeps a range in RAM.
#[napi]
pub fn lock(env: Env, mapping: &External<OpenMapping>, start: f64, length: f64) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.lock(index(start)?, index(length)?))
}

/// Undoes `lock`.
#[napi]
pub fn unlock(env: Env, mapping: &External<OpenMapping>, start: f64, length: f64) -> napi::Result<()> {
    mapping.with(env, |mapping| mapping.unlock(index(start)?, index(length)?))
}

/// Pages of a range: how many are in memory.
#[napi]
pub fn resident(env: Env, mapping: &External<OpenMapping>, start: f64, length: f64) -> napi::Result<Residency> {
    mapping.with(env, |mapping| {
        let sys::Residency { resident, total } = mapping.resident(index(start)?, index(length)?)?;
        Ok(Residency { resident: resident as f64, total: total as f64 })
    })
}

/// Pages in memory of all pages in a range.
#[napi(object)]
pub struct Residency {
    /// Pages that are in memory.
    pub resident: f64,
    /// Pages in the range.
    pub total: f64,
}

/// A JavaScript number as a number of bytes in a file, which may be more than a file can have.
fn whole(number: f64) -> memmap_core::Result<u64> {
    // Beyond the largest file size there can be. What is larger than 2^53 is not exact, and larger than any file.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (0.0..=LIMIT).contains(&number) && number.fract() == 0.0 { Ok(number as u64) } else { Err(Error::OutOfRange) }
}

/// A JavaScript number as a position or length in memory.
pub(crate) fn index(number: f64) -> memmap_core::Result<usize> {
    usize::try_from(whole(number)?).map_err(|_| Error::OutOfRange)
}

pub(crate) fn position(found: Option<usize>) -> f64 {
    found.map_or(-1.0, |index| index as f64)
}

/// What finds these bytes, as they are now.
pub(crate) fn finder(needle: &Bytes) -> memmap_core::Result<Finder> {
    needle.raw().to_vec().map(Finder::new)
}

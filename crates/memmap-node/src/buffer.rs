//! ArrayBuffers over a mapping, which JavaScript gets: over our memory, or over the engine's, into
//! which the mapping is relocated. And how `unmap` takes the memory away from them.

use crate::environment;
use crate::error::{Outcome, check};
use crate::exported::{BufferHold, ExportedBuffer, Kind, LeftBuffers, blank};
use crate::handle::{Handle, index};
use crate::typed_array::elements;
use memmap_core::{Error, Region, Task};
use napi::bindgen_prelude::{External, Unknown};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// The largest element of a typed array, in bytes. A buffer begins at a multiple of it, as engines
/// and `Atomics` expect.
const ALIGNMENT: usize = 8;

/// A new ArrayBuffer over a range, which ends where the range ends and begins at most 7 bytes
/// before it. `id` is larger than that of all other buffers of the mapping.
#[napi(ts_return_type = "Outcome<ArrayBufferLike>")]
pub fn buffer(
    env: Env,
    handle: &External<Handle>,
    id: u32,
    shared: bool,
    offset: f64,
    length: f64,
) -> Outcome<Unknown<'static>> {
    let value = handle.with(|mapping| {
        let (value, exported) = array_buffer(env, mapping.region(), id, shared, index(offset)?, index(length)?)?;
        handle.add_buffer(&exported);
        Ok(value)
    });
    value.into()
}

/// A hold of nothing yet, for `relocate`. It is released when the buffer has been collected.
#[napi(ts_return_type = "Outcome<ExternalObject<BufferHold>>")]
pub fn new_buffer_hold(
    env: Env,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
) -> Outcome<External<Arc<BufferHold>>> {
    new_hold(env, buffer, None).map(External::new).into()
}

/// Relocates the mapping into a SharedArrayBuffer, `lead` bytes after its start. `memory` is a
/// Uint8Array over a new one, which is as long as it must be and can grow to `capacity` bytes. From
/// this call on, whether it fails or not, the caller keeps the SharedArrayBuffer while the mapping
/// is open. `hold` is the SharedArrayBuffer's.
#[napi]
#[allow(clippy::too_many_arguments, reason = "an object would have to be made, and making one can fail")]
pub fn relocate(
    env: Env,
    handle: &External<Handle>,
    id: u32,
    #[napi(ts_arg_type = "Uint8Array")] memory: Unknown,
    lead: f64,
    capacity: f64,
    #[napi(ts_arg_type = "ExternalObject<BufferHold>")] hold: &External<Arc<BufferHold>>,
) -> Outcome<()> {
    let relocated = handle.with_mut(|mapping| {
        let address = reserved_address(env, memory)?;
        let (lead, capacity) = (index(lead)?, index(capacity)?);
        // SAFETY: the engine has reserved `capacity` bytes for a buffer that nobody has seen yet.
        // It keeps them for as long as TypeScript keeps the buffer, which is until the mapping is
        // closed.
        unsafe { mapping.relocate(address, lead, capacity) }?;
        let exported = Arc::new(ExportedBuffer::new(id, 0, Kind::Relocated, mapping.region()));
        handle.add_buffer(&exported);
        hold.set(exported);
        Ok(())
    });
    relocated.into()
}

/// Holds the addresses of buffers that `unmap` is about to detach, until each has been collected.
/// Buffers that `unmap` leaves alone or cannot detach need none. There may be thousands of buffers,
/// and so this is one call for all.
#[napi]
pub fn hold_buffers(
    env: Env,
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ArrayBufferLike[]")] buffers: Vec<Unknown>,
    ids: Vec<u32>,
) -> Outcome<()> {
    let all = handle.buffers();
    let hold = |(buffer, id)| match with_id(&all, id).and_then(|index| all.get(index)) {
        Some(exported) if exported.kind == Kind::Plain && shows(env, buffer, exported) => {
            new_hold(env, buffer, Some(Arc::clone(exported))).map(drop)
        }
        _ => Ok(()),
    };
    buffers.into_iter().zip(ids).try_for_each(hold).into()
}

/// Detaches a buffer that `buffer` or `relocate` made and the user has not seen, and releases its
/// memory.
#[napi]
pub fn drop_buffer(
    env: Env,
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
    id: u32,
) {
    drop_unseen(env, buffer, id, &handle.buffers());
}

/// `dropBuffer` and `close` in one call.
#[napi]
pub fn close_and_drop(
    env: Env,
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ArrayBufferLike")] buffer: Unknown,
    id: u32,
) -> bool {
    drop_unseen(env, buffer, id, &handle.buffers());
    handle.close()
}

/// Closes the mapping, unless that has been done. Stops all tasks, waits until none touches the
/// memory, and takes it away from all buffers: from those given with their ids, each of which has
/// its hold, and from SharedArrayBuffers over our own memory. When it returns an error, everything
/// that could be done has been done.
#[napi]
pub fn unmap(
    env: Env,
    handle: &External<Handle>,
    #[napi(ts_arg_type = "ArrayBufferLike[]")] buffers: Vec<Unknown>,
    ids: Vec<u32>,
) -> Outcome<()> {
    handle.close();
    Task::release_all(&handle.take_tasks());
    let buffers = buffers.into_iter().zip(ids).collect();
    take_away(env, buffers, &handle.buffers()).into()
}

/// The hold of a buffer. It is released when the engine has collected the buffer, and with its
/// environment at the latest.
///
/// # Errors
///
/// As [`environment::add_hold`], and `Unsupported` for an engine that takes no finalizer.
fn new_hold(env: Env, buffer: Unknown, exported: Option<Arc<ExportedBuffer>>) -> memmap_core::Result<Arc<BufferHold>> {
    let hold = Arc::new(BufferHold::new(exported));
    environment::add_hold(env, &hold)?;
    let data = Arc::into_raw(Arc::clone(&hold));
    // SAFETY: a live object of this environment. `data` comes from into_raw, and only
    // `finalize_hold` takes it, once.
    let status = unsafe {
        sys::napi_add_finalizer(
            env.raw(),
            buffer.raw(),
            data.cast_mut().cast(),
            Some(finalize_hold),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if check(status).is_err() {
        // SAFETY: the pointer comes from into_raw above. The finalizer has not been registered.
        drop(unsafe { Arc::from_raw(data) });
        return Err(Error::Unsupported("this runtime takes no finalizer for a buffer"));
    }
    Ok(hold)
}

/// Makes an ArrayBuffer, or with `shared` a SharedArrayBuffer, over a range of `region`. It never
/// copies.
///
/// The buffer begins up to 7 bytes before the range when that does not lie at a multiple of 8. So
/// the alignment that JavaScript checks is the alignment that the machine sees. Those bytes are in
/// the first page of the range.
///
/// # Errors
///
/// `OutOfRange`, or `NoView` where the engine takes no external memory (Electron), or none into a
/// SharedArrayBuffer (Node 20).
fn array_buffer(
    env: Env,
    region: &Arc<Region>,
    id: u32,
    shared: bool,
    offset: usize,
    length: usize,
) -> memmap_core::Result<(Unknown<'static>, Arc<ExportedBuffer>)> {
    let start = region.range(offset, length)?;
    let lead = start.addr() % ALIGNMENT;
    let start = start.wrapping_sub(lead);
    let kind = if shared { Kind::Shared } else { Kind::Plain };
    let exported = Arc::new(ExportedBuffer::new(id, start.addr(), kind, region));
    let hint = Arc::into_raw(Arc::clone(&exported));
    let mut value = ptr::null_mut();
    let (data, size) = (start.cast(), length + lead);
    let hint_pointer = hint.cast_mut().cast();
    let status = if shared {
        let Some(create) = *CREATE_SHARED.get_or_init(create_shared) else {
            // SAFETY: the pointer comes from into_raw above, and nothing else has it.
            drop(unsafe { Arc::from_raw(hint) });
            return Err(Error::NoView("it takes no memory into a SharedArrayBuffer".to_owned()));
        };
        // SAFETY: `size` bytes from `data` are mapped, readable and writable for as long as the
        // Region lives, which the hint keeps alive until the finalizer has run. `value` is written
        // on success.
        unsafe { create(env.raw(), data, size, Some(finalize_shared), hint_pointer, &mut value) }
    } else {
        // SAFETY: as above.
        unsafe {
            sys::napi_create_external_arraybuffer(env.raw(), data, size, Some(finalize), hint_pointer, &mut value)
        }
    };
    if let Err(error) = check(status) {
        // When the function fails, Node has run the finalizer by now, and Bun has not.
        if !exported.finalized.load(Ordering::Acquire) {
            // SAFETY: the pointer comes from into_raw above. `finalize`, which alone takes it too,
            // has not run and will not, because there is no buffer.
            drop(unsafe { Arc::from_raw(hint) });
        }
        return Err(Error::NoView(error.to_string()));
    }
    // SAFETY: a value that this environment has just made.
    let value = unsafe { Unknown::from_raw_unchecked(env.raw(), value) };
    Ok((value, exported))
}

type FinalizeShared = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);
type CreateShared = unsafe extern "C" fn(
    env: sys::napi_env,
    data: *mut c_void,
    length: usize,
    finalize: Option<FinalizeShared>,
    hint: *mut c_void,
    value: *mut sys::napi_value,
) -> sys::napi_status;

/// `node_api_create_external_sharedarraybuffer`. It is looked up because only newer runtimes have
/// it: Node 22.23.3, 24.16, 26.1, Bun.
static CREATE_SHARED: OnceLock<Option<CreateShared>> = OnceLock::new();

fn create_shared() -> Option<CreateShared> {
    let function = memmap_core::sys::host_symbol(c"node_api_create_external_sharedarraybuffer");
    if function.is_null() {
        return None;
    }
    // SAFETY: Node-API documents this signature for the name, and does not change what it has
    // released.
    Some(unsafe { std::mem::transmute::<*const c_void, CreateShared>(function) })
}

/// Runs on any thread, when the engine has collected the buffer in all threads that had it.
unsafe extern "C" fn finalize_shared(_: *mut c_void, hint: *mut c_void) {
    // SAFETY: the same contract, without an environment.
    unsafe { finalize(ptr::null_mut(), ptr::null_mut(), hint) };
}

/// Where a Uint8Array over a growable SharedArrayBuffer begins. The engine has reserved addresses
/// for the SharedArrayBuffer from there.
///
/// # Errors
///
/// `NoView` for a value that is none.
fn reserved_address(env: Env, memory: Unknown) -> memmap_core::Result<*mut u8> {
    // SAFETY: a live value of this environment.
    let elements = unsafe { elements(env.raw(), memory.raw(), sys::TypedarrayType::uint8_array) };
    let (address, _) = elements.ok_or_else(|| Error::NoView("the engine gave no addresses".to_owned()))?;
    Ok(address.cast())
}

/// Makes an ArrayBuffer over a number that lives as long as the process.
///
/// # Errors
///
/// `NoView`, where the engine takes no external memory.
pub fn over_static(env: Env, number: &'static AtomicU32) -> memmap_core::Result<Unknown<'static>> {
    let mut value = ptr::null_mut();
    // SAFETY: the number is never freed, and anybody may write it because it is an atomic. The
    // finalizer has nothing to do. `value` is written on success.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            number.as_ptr().cast(),
            size_of::<AtomicU32>(),
            Some(finalize_nothing),
            ptr::null_mut(),
            &mut value,
        )
    };
    check(status).map_err(|error| Error::NoView(error.to_string()))?;
    // SAFETY: a value that this environment has just made.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

/// Runs when the engine has collected the buffer of a hold, or when its environment ends.
unsafe extern "C" fn finalize_hold(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: `data` is what `new_hold` gave to into_raw, and a finalizer runs once.
    let hold = unsafe { Arc::from_raw(data.cast_const().cast::<BufferHold>()) };
    hold.release();
}

unsafe extern "C" fn finalize_nothing(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}

/// Runs when the engine has collected the last buffer over the memory, which may be one that the
/// memory was transferred to. It may run on another thread, and after the environment is gone, so
/// it touches nothing but the hint.
unsafe extern "C" fn finalize(_: sys::napi_env, _: *mut c_void, hint: *mut c_void) {
    // SAFETY: the hint is what `array_buffer` gave to into_raw, and a finalizer runs once.
    let exported = unsafe { Arc::from_raw(hint.cast_const().cast::<ExportedBuffer>()) };
    exported.finalized.store(true, Ordering::Release);
    // The region goes with it, unless there is a hold.
    drop(exported);
}

/// Releases the memory of a buffer that only TypeScript's class has seen.
fn drop_unseen(env: Env, buffer: Unknown, id: u32, all: &[Arc<ExportedBuffer>]) {
    let Some(exported) = all.iter().find(|exported| exported.id == id) else {
        return;
    };
    if exported.kind == Kind::Plain {
        if shows(env, buffer, exported) && detach(env, buffer) {
            exported.release();
        }
    } else if let Some(region) = exported.region() {
        // The buffer cannot be detached. Zeros mapped over the memory release the file. Where they
        // cannot be mapped (Windows, or for lack of memory), the file is released with the buffer.
        let _ = region.map_zeros();
    }
}

/// Takes the memory away from those buffers of `all` that are in `buffers`, each with its id, and
/// from SharedArrayBuffers over our own memory, wherever those are. Views of an ArrayBuffer have
/// length 0 from then on; views of a SharedArrayBuffer read zeros. The file and its memory are
/// released. The addresses stay reserved as long as there is a hold: a read of the runtime's that
/// is under way then writes to zeros that nothing else has.
///
/// A buffer that was detached before was transferred. Its memory stays, because another buffer
/// shows it now.
///
/// # Errors
///
/// After everything has been done that could be: ENOMEM, where there is no memory for zeros and the
/// file stays mapped until the buffers have been collected; ERR_MMAP_UNSUPPORTED for a
/// SharedArrayBuffer on Windows.
fn take_away(env: Env, buffers: Vec<(Unknown, u32)>, all: &[Arc<ExportedBuffer>]) -> memmap_core::Result<()> {
    let mut given: Vec<Option<Unknown>> = all.iter().map(|_| None).collect();
    for (buffer, id) in buffers {
        if let Some(place) = with_id(all, id).and_then(|index| given.get_mut(index)) {
            *place = Some(buffer);
        }
    }
    // There are few regions: one, and one more for each `resize()`.
    let mut regions: Vec<Shown> = Vec::new();
    for (exported, buffer) in all.iter().zip(given) {
        if exported.blanked.load(Ordering::Relaxed) {
            continue;
        }
        let Some(region) = exported.region() else { continue };
        let is_taken = match (exported.kind, buffer) {
            (Kind::Shared, _) | (Kind::Relocated, Some(_)) => true,
            (Kind::Plain, Some(buffer)) if shows(env, buffer, exported) => {
                // Bun detaches no buffer that it is reading or writing. Its views keep their length
                // then, and read zeros as shared ones do.
                exported.detached.store(detach(env, buffer), Ordering::Relaxed);
                true
            }
            // It was detached when there was no memory for zeros the last time.
            (Kind::Plain, _) => exported.detached.load(Ordering::Relaxed),
            (Kind::Relocated, None) => false,
        };
        let shown = match regions.iter().position(|shown| Arc::ptr_eq(&shown.region, &region)) {
            Some(index) => regions.get_mut(index),
            None => {
                regions.push(Shown { region, taken: Vec::new(), others: Vec::new() });
                regions.last_mut()
            }
        };
        if let Some(Shown { taken, others, .. }) = shown {
            if is_taken { taken } else { others }.push(Arc::clone(exported));
        }
    }
    let mut result = Ok(());
    for Shown { region, taken, others } in regions {
        if taken.is_empty() {
            continue;
        }
        if others.is_empty() {
            result = blank(&region, &taken).and(result);
        } else if others.iter().all(|other| other.left.get().is_none()) {
            let left = Arc::new(LeftBuffers { region, detached: taken });
            for other in &others {
                let _ = other.left.set(Arc::clone(&left));
            }
        }
    }
    result
}

/// The buffers over a region at the time of `unmap()`.
struct Shown {
    region: Arc<Region>,
    /// Those whose memory is taken away.
    taken: Vec<Arc<ExportedBuffer>>,
    /// Those that have to keep it.
    others: Vec<Arc<ExportedBuffer>>,
}

/// Where in the list the buffer with an id is. They were made in the order of their ids.
fn with_id(all: &[Arc<ExportedBuffer>], id: u32) -> Option<usize> {
    all.binary_search_by_key(&id, |exported| exported.id).ok()
}

/// Whether `buffer` is the ArrayBuffer of `exported`, and not detached.
fn shows(env: Env, buffer: Unknown, exported: &ExportedBuffer) -> bool {
    let mut address = ptr::null_mut();
    // SAFETY: a live value of this environment. `address` is written on success, which means that
    // it is an ArrayBuffer. The length is not needed.
    let status = unsafe { sys::napi_get_arraybuffer_info(env.raw(), buffer.raw(), &mut address, ptr::null_mut()) };
    // For a detached buffer the address is null, or the call fails.
    check(status).is_ok() && address.addr() == exported.address
}

/// Detaches an ArrayBuffer, and says whether the engine has done it.
fn detach(env: Env, buffer: Unknown) -> bool {
    // SAFETY: a live ArrayBuffer of this environment, as `shows` has found.
    check(unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) }).is_ok()
}

//! An ArrayBuffer over a Region, and where the bytes of a caller's buffer are.

use crate::error::check;
use memmap_core::{Error, RawBytes, Region};
use napi::bindgen_prelude::{FromNapiValue, TypeName, Unknown, ValidateNapiValue};
use napi::{Env, JsValue, ValueType, sys};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The largest element of a typed array, in bytes. A buffer begins at a multiple of it, as engines and `Atomics` expect.
const ALIGNMENT: usize = 8;

/// What an ArrayBuffer over a Region keeps alive. Its finalizer holds this, or for memory that was moved into it a [`Lease`].
#[derive(Debug)]
pub struct Handout {
    /// By which TypeScript tells one buffer from another, since two may begin at the same address.
    id: u32,
    /// Where the buffer begins.
    address: usize,
    /// A SharedArrayBuffer, which cannot be detached.
    shared: bool,
    region: Mutex<Option<Arc<Region>>>,
    finalized: AtomicBool,
}

impl Handout {
    /// For memory that was moved into a SharedArrayBuffer of the engine's.
    pub fn lent(id: u32, region: &Arc<Region>) -> Handout {
        let region = Mutex::new(Some(Arc::clone(region)));
        Handout { id, address: 0, shared: true, region, finalized: AtomicBool::new(false) }
    }

    /// Takes `region` for its own, if that is the same memory, grown in place.
    pub fn follow(&self, region: &Arc<Region>) {
        let mut own = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        if own.as_ref().is_some_and(|own| own.start() == region.start()) {
            *own = Some(Arc::clone(region));
        }
    }

    /// Lets go of the region before the finalizer does; right only when no JavaScript value shows the memory any more.
    fn release(&self) {
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(region);
    }
}

/// Stands for a finalizer where the engine owns the memory and tells nobody when it unmaps it: TypeScript holds it until the buffer has
/// been collected in its thread. Until then the memory counts as a mapping of the process, and a named region is in use.
pub struct Lease(Cell<Option<Arc<Handout>>>);

impl Lease {
    /// For a buffer that the memory has just been moved into.
    pub fn new(handout: Arc<Handout>) -> Lease {
        Lease(Cell::new(Some(handout)))
    }

    /// The buffer has been collected.
    pub fn end(&self) {
        self.0.take();
    }
}

/// Makes an ArrayBuffer, or with `shared` a SharedArrayBuffer, over a range of `region`: not a copy, or an error.
///
/// It begins up to 7 bytes before the range when that does not lie at a multiple of 8, so that the alignment which
/// JavaScript checks is the alignment which the machine sees. Those bytes are in the range's first page.
///
/// # Errors
///
/// `OutOfRange`, or `NoView` where the engine takes no memory of others (Electron), or not into a SharedArrayBuffer (Node 20).
pub fn array_buffer(
    env: Env,
    region: &Arc<Region>,
    id: u32,
    shared: bool,
    offset: usize,
    length: usize,
) -> memmap_core::Result<(Unknown<'static>, Arc<Handout>)> {
    let start = region.range(offset, length)?;
    let lead = start.addr() % ALIGNMENT;
    let start = start.wrapping_sub(lead);
    let handout = Arc::new(Handout {
        id,
        address: start.addr(),
        shared,
        region: Mutex::new(Some(Arc::clone(region))),
        finalized: AtomicBool::new(false),
    });
    let hint = Arc::into_raw(Arc::clone(&handout));
    let mut value = ptr::null_mut();
    let (data, size) = (start.cast(), length + lead);
    let hint_pointer = hint.cast_mut().cast();
    let status = if shared {
        let Some(create) = *CREATE_SHARED.get_or_init(create_shared) else {
            // SAFETY: the pointer comes from into_raw above, and nobody else has it.
            drop(unsafe { Arc::from_raw(hint) });
            return Err(Error::NoView("it takes no memory into a SharedArrayBuffer".to_owned()));
        };
        // SAFETY: `size` bytes from `data` are mapped, readable and writable for as long as the Region lives, which the hint
        // keeps alive until the finalizer has run. `value` is written on success.
        unsafe { create(env.raw(), data, size, Some(finalize_shared), hint_pointer, &mut value) }
    } else {
        // SAFETY: as above.
        unsafe {
            sys::napi_create_external_arraybuffer(env.raw(), data, size, Some(finalize), hint_pointer, &mut value)
        }
    };
    if let Err(error) = check(status) {
        // Node has run the finalizer by now when it fails, Bun has not.
        if !handout.finalized.load(Ordering::Acquire) {
            // SAFETY: the pointer comes from into_raw above, and `finalize`, the only other taker, has not run and will not:
            // there is no buffer.
            drop(unsafe { Arc::from_raw(hint) });
        }
        return Err(Error::NoView(error.to_string()));
    }
    // SAFETY: a value that this environment has just made.
    let value = unsafe { Unknown::from_raw_unchecked(env.raw(), value) };
    Ok((value, handout))
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

/// `node_api_create_external_sharedarraybuffer`, looked up because only newer runtimes have it: Node 22.23.3, 24.16, 26.1, Bun.
static CREATE_SHARED: OnceLock<Option<CreateShared>> = OnceLock::new();

fn create_shared() -> Option<CreateShared> {
    let function = memmap_core::sys::host_symbol(c"node_api_create_external_sharedarraybuffer");
    if function.is_null() {
        return None;
    }
    // SAFETY: Node-API documents this signature for the name, and does not change what it has released.
    Some(unsafe { std::mem::transmute::<*const c_void, CreateShared>(function) })
}

/// Runs when the engine has collected the buffer in all threads that had it, on any thread.
unsafe extern "C" fn finalize_shared(_: *mut c_void, hint: *mut c_void) {
    // SAFETY: the same contract, without an environment.
    unsafe { finalize(ptr::null_mut(), ptr::null_mut(), hint) };
}

/// Where a Uint8Array over an empty, growable SharedArrayBuffer begins: the addresses that the engine has reserved for it.
///
/// # Errors
///
/// What the engine says of something that is none.
pub fn reserved_address(env: Env, memory: Unknown) -> napi::Result<*mut u8> {
    // SAFETY: a live value of this environment.
    let bytes = unsafe { Bytes::from_napi_value(env.raw(), memory.raw()) }?;
    Ok(bytes.raw().address().cast_mut())
}

/// Makes an ArrayBuffer over a number that lives as long as the process.
///
/// # Errors
///
/// `NoView`, as for [`array_buffer`].
pub fn over_static(env: Env, number: &'static AtomicU32) -> memmap_core::Result<Unknown<'static>> {
    let mut value = ptr::null_mut();
    // SAFETY: the number is never freed and may be written by anybody, for it is an atomic. The finalizer has nothing to do.
    // `value` is written on success.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            number.as_ptr().cast(),
            size_of::<AtomicU32>(),
            Some(keep),
            ptr::null_mut(),
            &mut value,
        )
    };
    check(status).map_err(|error| Error::NoView(error.to_string()))?;
    // SAFETY: a value that this environment has just made.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

unsafe extern "C" fn keep(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}

/// Runs when the engine has collected the last buffer over the memory, also one that the memory was transferred to. It may run
/// on another thread, and after the environment is gone: it touches nothing but the hint.
unsafe extern "C" fn finalize(_: sys::napi_env, _: *mut c_void, hint: *mut c_void) {
    // SAFETY: the hint is what `array_buffer` gave to into_raw, and a finalizer runs once.
    let handout = unsafe { Arc::from_raw(hint.cast_const().cast::<Handout>()) };
    handout.finalized.store(true, Ordering::Release);
    handout.release();
}

/// Detaches `buffer`, which was made with `id`, so that every view of it has length 0, and lets go of its memory. Does nothing if it has been detached
/// already: then another buffer may have the memory, and only the finalizer knows when it is free.
///
/// # Errors
///
/// What the engine says of a buffer that cannot be detached.
pub fn detach(env: Env, buffer: Unknown, id: u32, handouts: &[Weak<Handout>]) -> napi::Result<()> {
    let Some(handout) = handouts.iter().filter_map(Weak::upgrade).find(|handout| handout.id == id) else {
        return Ok(());
    };
    if handout.shared {
        // It cannot be detached. Its memory becomes private zeros, which lets go of the file all the same.
        let region = handout.region.lock().unwrap_or_else(PoisonError::into_inner).clone();
        return region.map_or(Ok(()), |region| blank(env, &region));
    }
    let mut detached = false;
    // SAFETY: a live value of this environment; `detached` is written on success.
    check(unsafe { sys::napi_is_detached_arraybuffer(env.raw(), buffer.raw(), &mut detached) })?;
    if detached {
        return Ok(());
    }
    let mut address = ptr::null_mut();
    // SAFETY: a live ArrayBuffer of this environment; `address` is written on success, the length is not asked for.
    check(unsafe { sys::napi_get_arraybuffer_info(env.raw(), buffer.raw(), &mut address, ptr::null_mut()) })?;
    if address.addr() != handout.address {
        // Not the buffer that was made with this id, whose memory must stay.
        return Ok(());
    }
    // SAFETY: a live ArrayBuffer of this environment, as the calls before have found.
    check(unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) })?;
    handout.release();
    Ok(())
}

fn blank(env: Env, region: &Region) -> napi::Result<()> {
    region.blank().map_err(|error| crate::error::throw(env, &error))
}

/// The bytes of a Uint8Array, for the length of one call. Those of a SharedArrayBuffer may change meanwhile.
pub struct Bytes(RawBytes);

impl Bytes {
    /// Where they are.
    pub fn raw(&self) -> RawBytes {
        self.0
    }

    /// The first `count` of them: so many were checked, and a SharedArrayBuffer may have grown since.
    ///
    /// # Errors
    ///
    /// `OutOfRange` if there are fewer.
    pub fn first(&self, count: usize) -> memmap_core::Result<RawBytes> {
        if count > self.0.length() {
            return Err(Error::OutOfRange);
        }
        // SAFETY: a part of what is readable, see `from_napi_value`.
        Ok(unsafe { RawBytes::new(self.0.address(), count) })
    }
}

impl TypeName for Bytes {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Bytes {}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise.
        let (data, length) =
            unsafe { elements(env, value, sys::TypedarrayType::uint8_array, "expected a Uint8Array") }?;
        // SAFETY: the engine says that these bytes are the array's. Nothing but the native call that this is an argument of
        // runs on the JavaScript thread until it returns, so nothing can detach or shrink them meanwhile.
        Ok(Bytes(unsafe { RawBytes::new(data.cast_const().cast(), length) }))
    }
}

/// The numbers of an Int32Array, for the length of one call, to be written to.
pub struct Places {
    numbers: *mut i32,
    length: usize,
}

impl Places {
    /// How many there are.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Sets one of them. One that is not there is not set.
    pub fn set(&self, index: usize, place: i32) {
        if index < self.length {
            // SAFETY: one of the array's numbers, see `from_napi_value`. Volatile, because it may be of a SharedArrayBuffer.
            unsafe { self.numbers.wrapping_add(index).write_volatile(place) };
        }
    }
}

impl TypeName for Places {
    fn type_name() -> &'static str {
        "Int32Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Places {}

impl FromNapiValue for Places {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let kind = sys::TypedarrayType::int32_array;
        // SAFETY: the caller's promise.
        let (data, length) = unsafe { elements(env, value, kind, "expected an Int32Array") }?;
        Ok(Places { numbers: data.cast(), length })
    }
}

/// Where the elements of a typed array are, and how many.
///
/// # Safety
///
/// `value` must be a live value of `env`.
unsafe fn elements(
    env: sys::napi_env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
    otherwise: &str,
) -> napi::Result<(*mut c_void, usize)> {
    let mut kind = 0;
    let mut length = 0;
    let mut data = ptr::null_mut();
    // SAFETY: the caller's promise; the engine checks that it is a typed array and writes the three results on success. The two not
    // asked for may be null.
    check(unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    })?;
    if kind == expected { Ok((data, length)) } else { Err(napi::Error::new(napi::Status::InvalidArg, otherwise)) }
}

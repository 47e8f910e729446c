//! An ArrayBuffer over a Region, and where the bytes of a caller's buffer are.

use crate::environment;
use crate::error::{check, throw_wrong_type};
use memmap_core::{Error, RawBytes, Region};
use napi::bindgen_prelude::{FromNapiValue, TypeName, Unknown, ValidateNapiValue};
use napi::{Env, JsValue, ValueType, sys};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The largest element of a typed array, in bytes. A buffer begins at a multiple of it, as engines and `Atomics` expect.
const ALIGNMENT: usize = 8;

/// What an ArrayBuffer over a Region keeps alive. Its finalizer holds this, a [`Lease`] does, or
/// both.
#[derive(Debug)]
pub struct Handout {
    /// By which TypeScript tells one buffer from another, since two may begin at the same address.
    id: u32,
    /// Where the buffer begins.
    address: usize,
    kind: Kind,
    region: Mutex<Option<Arc<Region>>>,
    finalized: AtomicBool,
    /// `unmap()` has detached the buffer. (One that was detached otherwise has been transferred.)
    detached: AtomicBool,
    /// `unmap()` has put zeros in the place of the memory.
    blanked: AtomicBool,
}

/// What a buffer is to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An ArrayBuffer over our memory.
    Plain,
    /// A SharedArrayBuffer over our memory, which cannot be detached.
    Shared,
    /// A SharedArrayBuffer of the engine's own, which our memory was moved into.
    Lent,
}

impl Handout {
    fn new(id: u32, address: usize, kind: Kind, region: &Arc<Region>) -> Handout {
        Handout {
            id,
            address,
            kind,
            region: Mutex::new(Some(Arc::clone(region))),
            finalized: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            blanked: AtomicBool::new(false),
        }
    }

    /// For memory that was moved into a SharedArrayBuffer of the engine's.
    pub fn lent(id: u32, region: &Arc<Region>) -> Handout {
        Handout::new(id, 0, Kind::Lent, region)
    }

    /// Takes `region` for its own, if that is the same memory, grown in place.
    pub fn follow(&self, region: &Arc<Region>) {
        let mut own = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        if own.as_ref().is_some_and(|own| own.start() == region.start()) {
            *own = Some(Arc::clone(region));
        }
    }

    fn region(&self) -> Option<Arc<Region>> {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of the region before the finalizer does; right only when nobody has the address of
    /// the memory any more.
    fn release(&self) {
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(region);
    }
}

/// Holds a handout until the ArrayBuffer object has been collected in its thread: TypeScript keeps
/// it until then.
///
/// It stands for a finalizer in two cases. The engine owns memory that was moved into a
/// SharedArrayBuffer, and tells nobody when it unmaps it: until then the memory counts as a mapping
/// of the process, and a named region is in use. And the finalizer of an ArrayBuffer runs as soon
/// as it is detached, while an operation that was begun before, such as a read of the runtime's
/// `fs`, still has the address.
pub struct Lease(Mutex<Option<Arc<Handout>>>);

impl Lease {
    /// A lease, which ends with its environment at the latest.
    ///
    /// # Errors
    ///
    /// As [`environment::add_lease`].
    pub fn new(env: Env, handout: Option<Arc<Handout>>) -> napi::Result<Arc<Lease>> {
        let lease = Arc::new(Lease(Mutex::new(handout)));
        environment::add_lease(env, &lease)?;
        Ok(lease)
    }

    /// Holds the handout of a buffer that the memory has just been moved into.
    pub fn hold(&self, handout: Arc<Handout>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handout);
    }

    /// The buffer has been collected.
    pub fn end(&self) {
        let handout = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(handout);
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
    let kind = if shared { Kind::Shared } else { Kind::Plain };
    let handout = Arc::new(Handout::new(id, start.addr(), kind, region));
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
/// `NoView` for something that is none.
pub fn reserved_address(env: Env, memory: Unknown) -> memmap_core::Result<*mut u8> {
    // SAFETY: a live value of this environment.
    let elements = unsafe { elements(env.raw(), memory.raw(), sys::TypedarrayType::uint8_array) };
    let (address, _) = elements.ok_or_else(|| Error::NoView("the engine gave no addresses".to_owned()))?;
    Ok(address.cast())
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
    // With it goes the region, unless there is a lease.
    drop(handout);
}

/// Lets go of the memory of a buffer that nobody but TypeScript's class has seen.
pub fn drop_unseen(env: Env, buffer: Unknown, id: u32, handouts: &[Arc<Handout>]) {
    let Some(handout) = handouts.iter().find(|handout| handout.id == id) else {
        return;
    };
    if handout.kind == Kind::Plain {
        if shows(env, buffer, handout) && detach(env, buffer) {
            handout.release();
        }
    } else if let Some(region) = handout.region() {
        // It cannot be detached. Zeros let go of the file, and where there can be none (Windows, or
        // for lack of memory) it goes with the buffer.
        let _ = region.map_zeros();
    }
}

/// What keeps the addresses of a buffer out of use when `unmap()` detaches it: the handout, or
/// nothing where there is nothing to detach.
pub fn to_lease(env: Env, buffer: Unknown, id: u32, handouts: &[Arc<Handout>]) -> Option<Arc<Handout>> {
    let handout = handouts.iter().find(|handout| handout.id == id && handout.kind == Kind::Plain)?;
    shows(env, buffer, handout).then(|| Arc::clone(handout))
}

/// Takes the memory away from those of `handouts` that are of `buffers`, each with its id, and from
/// SharedArrayBuffers over our own memory, wherever those are. Views of an ArrayBuffer have length
/// 0 from then on; those of a SharedArrayBuffer read zeros. File and memory are let go of. The
/// addresses stay as long as somebody holds the handouts: a read of the runtime's that is under way
/// ends up in zeros which nobody else has.
///
/// A buffer that was detached before has been transferred: another one shows the memory now, which
/// stays as it is.
///
/// # Errors
///
/// After all has been done that can be: ENOMEM, where there is no memory for zeros and the file
/// stays mapped until the buffers have been collected; ERR_MMAP_UNSUPPORTED for a SharedArrayBuffer
/// on Windows.
pub fn take_away(env: Env, buffers: Vec<(Unknown, u32)>, handouts: &[Arc<Handout>]) -> memmap_core::Result<()> {
    let mut given: Vec<Option<Unknown>> = handouts.iter().map(|_| None).collect();
    for (buffer, id) in buffers {
        // They were made in the order of their ids.
        let index = handouts.binary_search_by_key(&id, |handout| handout.id).ok();
        if let Some(place) = index.and_then(|index| given.get_mut(index)) {
            *place = Some(buffer);
        }
    }
    let mut taken = Vec::new();
    // Regions. There are few: one, and one more for each `resize()`.
    let mut shown: Vec<Arc<Region>> = Vec::new();
    for (handout, buffer) in handouts.iter().zip(given) {
        if handout.blanked.load(Ordering::Relaxed) {
            continue;
        }
        let Some(region) = handout.region() else { continue };
        let is_taken = match (handout.kind, buffer) {
            (Kind::Shared, _) | (Kind::Lent, Some(_)) => true,
            (Kind::Plain, Some(buffer)) if shows(env, buffer, handout) => {
                // Bun detaches no buffer while it reads or writes it. Its views keep their length
                // then, and read zeros, as shared ones do.
                handout.detached.store(detach(env, buffer), Ordering::Relaxed);
                true
            }
            // Unless there was no memory for zeros the last time.
            (Kind::Plain, _) => handout.detached.load(Ordering::Relaxed),
            (Kind::Lent, None) => false,
        };
        if is_taken {
            taken.push((handout, region));
        } else if !is_in(&shown, &region) {
            shown.push(region);
        }
    }
    let mut result = Ok(());
    // There may be several buffers over a region.
    let mut blanked: Vec<Arc<Region>> = Vec::new();
    for (handout, region) in taken {
        if is_in(&shown, &region) {
            continue;
        }
        let outcome = if is_in(&blanked, &region) { Ok(()) } else { region.map_zeros() };
        match outcome {
            Ok(()) => {
                handout.blanked.store(true, Ordering::Relaxed);
                if !is_in(&blanked, &region) {
                    blanked.push(region);
                }
            }
            // Windows puts nothing in the place of a mapping. There the addresses are given back at
            // once, and only the caller can know that nobody uses them.
            Err(Error::Unsupported(_)) if handout.detached.load(Ordering::Relaxed) => handout.release(),
            Err(error) => result = Err(error),
        }
    }
    result
}

fn is_in(list: &[Arc<Region>], region: &Arc<Region>) -> bool {
    list.iter().any(|one| Arc::ptr_eq(one, region))
}

/// Whether it is the ArrayBuffer that was made with the handout, and not detached.
fn shows(env: Env, buffer: Unknown, handout: &Handout) -> bool {
    let mut address = ptr::null_mut();
    // SAFETY: a live value of this environment; `address` is written on success, which is that it
    // is an ArrayBuffer. The length is not asked for.
    let status = unsafe { sys::napi_get_arraybuffer_info(env.raw(), buffer.raw(), &mut address, ptr::null_mut()) };
    // That of a detached one is null, or not to be asked for.
    check(status).is_ok() && address.addr() == handout.address
}

/// Says whether the engine has detached it.
fn detach(env: Env, buffer: Unknown) -> bool {
    // SAFETY: a live ArrayBuffer of this environment, as `shows` has found.
    check(unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) }).is_ok()
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
        let elements = unsafe { elements(env, value, sys::TypedarrayType::uint8_array) };
        let (data, length) = elements.ok_or_else(|| throw_wrong_type(Env::from_raw(env), c"expected a Uint8Array"))?;
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
        // SAFETY: the caller's promise.
        let elements = unsafe { elements(env, value, sys::TypedarrayType::int32_array) };
        let (data, length) = elements.ok_or_else(|| throw_wrong_type(Env::from_raw(env), c"expected an Int32Array"))?;
        Ok(Places { numbers: data.cast(), length })
    }
}

/// Where the elements of a typed array are, and how many; nothing of an array of another kind.
///
/// # Safety
///
/// `value` must be a live value of `env`.
unsafe fn elements(
    env: sys::napi_env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
) -> Option<(*mut c_void, usize)> {
    let mut kind = 0;
    let mut length = 0;
    let mut data = ptr::null_mut();
    // SAFETY: the caller's promise; the engine checks that it is a typed array and writes the three results on success. The two not
    // asked for may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    };
    (check(status).is_ok() && kind == expected).then_some((data, length))
}

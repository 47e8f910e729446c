//! Keeping this library loaded, and finding functions of the program that loaded it.

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;

/// The address of a function that is exported by the program or by a library it was started with.
/// Null if there is none.
pub fn host_symbol(name: &CStr) -> *const c_void {
    // SAFETY: `name` is NUL-terminated, and the lookup loads nothing.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Keeps the shared library that contains this code loaded until the process ends.
///
/// Node closes an addon when the last thread that loaded it ends. But finalizers of buffers, the
/// `atexit` handler that removes names, and signal handlers are called later. If this fails, the
/// library may be unloaded; a process whose main thread loaded it never does that anyway.
pub fn pin_library() {
    if let Some(library) = LoadedLibrary::open(pin_library as *const c_void, libc::RTLD_NODELETE) {
        // The handle is never closed, on purpose.
        std::mem::forget(library);
    }
}

/// A library that the process has loaded.
pub(super) struct LoadedLibrary(*mut c_void);

impl LoadedLibrary {
    /// The library that contains an address.
    pub(super) fn of(address: *const c_void) -> Option<LoadedLibrary> {
        LoadedLibrary::open(address, 0)
    }

    fn open(address: *const c_void, flags: libc::c_int) -> Option<LoadedLibrary> {
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: dladdr accepts any address, and `info` is writable for the size of a Dl_info.
        if unsafe { libc::dladdr(address, info.as_mut_ptr()) } == 0 {
            return None;
        }
        // SAFETY: dladdr returned non-zero, so it has filled `info` in. All zeros is a valid
        // Dl_info, too.
        let info = unsafe { info.assume_init() };
        if info.dli_fname.is_null() {
            return None;
        }
        // SAFETY: dladdr returns a NUL-terminated string that lives as long as the library is
        // loaded.
        let path = unsafe { CStr::from_ptr(info.dli_fname) };
        // SAFETY: `path` is NUL-terminated. With RTLD_NOLOAD nothing is loaded, so no initialiser
        // runs.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD | flags) };
        (!handle.is_null()).then(|| LoadedLibrary(handle))
    }

    /// The address of a function that the library exports.
    pub(super) fn symbol(&self, name: &CStr) -> Option<*const c_void> {
        // SAFETY: the handle is open, and `name` is NUL-terminated.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol.cast_const())
    }
}

impl Drop for LoadedLibrary {
    fn drop(&mut self) {
        // SAFETY: the handle is from dlopen, which counts how often it was opened.
        unsafe { libc::dlclose(self.0) };
    }
}

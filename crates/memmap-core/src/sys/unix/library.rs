//! Keeping this library loaded, and what the program that loaded it exports.

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;

/// The address of a function that the program exports, or that a library does which it was started with; null if there is none.
pub fn host_symbol(name: &CStr) -> *const c_void {
    // SAFETY: `name` is NUL-terminated; nothing is loaded by asking.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Keeps the shared library that holds this code loaded until the process ends.
///
/// Node closes an addon when the last thread that loaded it ends, but finalizers of buffers, the `atexit` handler that
/// removes names, and signal handlers are called after that. Where it fails the library stays as it is: a process whose main
/// thread loaded it never unloads it anyway.
pub fn pin_library() {
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    let here = pin_library as *const c_void;
    // SAFETY: `here` is any address and `info` is writable for the size of a Dl_info.
    let found = unsafe { libc::dladdr(here, info.as_mut_ptr()) };
    if found == 0 {
        return;
    }
    // SAFETY: dladdr returned non-zero, so it has filled `info` in, and all zeros is a Dl_info too.
    let info = unsafe { info.assume_init() };
    if info.dli_fname.is_null() {
        return;
    }
    // SAFETY: dladdr gives a NUL-terminated string that lives as long as the library is loaded, which it is: we run in it.
    let path = unsafe { CStr::from_ptr(info.dli_fname) };
    // SAFETY: `path` is NUL-terminated. RTLD_NOLOAD loads nothing, so no initialiser runs. The handle is given up on purpose.
    unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
}

//! Keeping this library loaded.

use std::ptr;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// Keeps the DLL that holds this code loaded until the process ends.
///
/// Node closes an addon when the last thread that loaded it ends, but finalizers of buffers are called after that. Where it
/// fails the library stays as it is: a process whose main thread loaded it never unloads it anyway.
pub fn pin_library() {
    let here = pin_library as *const u16;
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut module = ptr::null_mut();
    // SAFETY: with FROM_ADDRESS the "name" is any address inside a module and is not read. `module` is writable. Pinning runs
    // no code of the library.
    unsafe { GetModuleHandleExW(flags, here, &mut module) };
}

//! Keeping this library loaded, and finding functions of the program that loaded it.

use std::ffi::{CStr, c_void};
use std::ptr;
use windows_sys::Win32::Foundation::HMODULE;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW, GetModuleHandleW,
    GetProcAddress,
};
use windows_sys::w;

/// The address of a function that is exported by the program, or by Node's library if Node is one.
/// Null if there is none.
pub fn host_symbol(name: &CStr) -> *const c_void {
    // SAFETY: a null name means the program itself.
    let program = unsafe { GetModuleHandleW(ptr::null()) };
    // SAFETY: the name is a NUL-terminated UTF-16 string, and the call loads nothing.
    let library = unsafe { GetModuleHandleW(w!("libnode.dll")) };
    let modules = [program, library].into_iter().filter(|module| !module.is_null());
    modules.filter_map(|module| export_of(module, name)).next().unwrap_or(ptr::null())
}

fn export_of(module: HMODULE, name: &CStr) -> Option<*const c_void> {
    // SAFETY: the module is the program or Node, which is loaded and is not unloaded before this
    // library. The name is a NUL-terminated string.
    let function = unsafe { GetProcAddress(module, name.as_ptr().cast()) }?;
    Some(function as *const c_void)
}

/// Keeps the DLL that contains this code loaded until the process ends.
///
/// Node closes an addon when the last thread that loaded it ends, but finalizers of buffers are
/// called later. If this fails, the DLL may be unloaded; a process whose main thread loaded it
/// never does that anyway.
pub fn pin_library() {
    let here = pin_library as *const u16;
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut module = ptr::null_mut();
    // SAFETY: with FROM_ADDRESS the "name" is an address inside a module and is not read. `module`
    // is writable. Pinning runs no code of the DLL.
    unsafe { GetModuleHandleExW(flags, here, &mut module) };
}

//! Calls of Apple's Mach kernel, because the BSD functions neither report the protection of a page
//! nor make a page private.

use libc::{c_int, mach_port_t};

/// `vm_prot_t`.
const READ_WRITE: c_int = 3;
const WRITE: c_int = 2;
const COPY: c_int = 0x10;

/// The basic information that [`mach_vm_region`] returns about a region, as 32-bit numbers. The
/// first one is the protection of its pages.
const BASIC_INFO: c_int = 9;
const BASIC_INFO_LENGTH: usize = 9;

unsafe extern "C" {
    static mach_task_self_: mach_port_t;

    fn mach_vm_region(
        task: mach_port_t,
        address: *mut u64,
        size: *mut u64,
        flavor: c_int,
        info: *mut c_int,
        info_length: *mut u32,
        object_name: *mut mach_port_t,
    ) -> c_int;

    fn mach_vm_protect(task: mach_port_t, address: u64, size: u64, set_maximum: c_int, protection: c_int) -> c_int;
}

/// Replaces a read-only page by a writable private copy. The kernel makes the copy at the first
/// store, in one step for all other threads. Returns false if the page is already writable.
///
/// Signal handlers that handle a fault may call this: it takes no lock, and no fault happens inside
/// another such call of the thread.
pub fn make_private(page: usize, page_size: usize) -> bool {
    let (page, page_size) = (page as u64, page_size as u64);
    // SAFETY: the port of this process exists from its start and never changes.
    let task = unsafe { mach_task_self_ };
    let (mut start, mut size) = (page, 0);
    let mut info = [0; BASIC_INFO_LENGTH];
    let (mut info_length, mut object_name) = (BASIC_INFO_LENGTH as u32, 0);
    // SAFETY: all pointers are to variables of this function, and `info` is as long as
    // `info_length`.
    let result = unsafe {
        mach_vm_region(task, &mut start, &mut size, BASIC_INFO, info.as_mut_ptr(), &mut info_length, &mut object_name)
    };
    // If nothing is mapped at the address, the call returns the next region.
    let is_writable = result != 0 || start > page || info.first().is_some_and(|protection| protection & WRITE != 0);
    // SAFETY: the page belongs to one of our regions, and nobody relies on more than that it is
    // readable.
    !is_writable && unsafe { mach_vm_protect(task, page, page_size, 0, READ_WRITE | COPY) } == 0
}

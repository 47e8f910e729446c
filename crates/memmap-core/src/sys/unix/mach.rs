//! What Apple's kernel is asked in its own language: BSD's functions neither tell what may be done with a page nor make one private.

use libc::{c_int, mach_port_t};

/// `vm_prot_t`.
const READ_WRITE: c_int = 3;
const WRITE: c_int = 2;
const COPY: c_int = 0x10;

/// What [`mach_vm_region`] tells of a region, in numbers of 32 bits, the first of which says what may be done with its pages.
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

/// Gives a page that can only be read a copy of its own, which can be written to. The copy is made at the first store, and in one step for
/// every other thread. False for a page that can be written to already.
///
/// For signal handlers that answer a fault: it takes no lock, and a fault is never inside another such call of its thread.
pub fn make_private(page: usize, page_size: usize) -> bool {
    let (page, page_size) = (page as u64, page_size as u64);
    // SAFETY: the port of this process is there from its start, and never changes.
    let task = unsafe { mach_task_self_ };
    let (mut start, mut size) = (page, 0);
    let mut info = [0; BASIC_INFO_LENGTH];
    let (mut info_length, mut object_name) = (BASIC_INFO_LENGTH as u32, 0);
    // SAFETY: all pointers are to variables of this function, and `info` is as long as it says.
    let result = unsafe {
        mach_vm_region(task, &mut start, &mut size, BASIC_INFO, info.as_mut_ptr(), &mut info_length, &mut object_name)
    };
    // It gives the next region where there is none.
    let is_writable = result != 0 || start > page || info.first().is_some_and(|protection| protection & WRITE != 0);
    // SAFETY: the page is one of our regions', which nobody relies on to be anything but readable.
    !is_writable && unsafe { mach_vm_protect(task, page, page_size, 0, READ_WRITE | COPY) } == 0
}

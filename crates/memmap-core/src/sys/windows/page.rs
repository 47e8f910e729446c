//! The size of a page, and the halves in which Windows takes offsets.

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

/// Bytes in a page.
pub fn page_size() -> usize {
    system().page_size
}

/// The unit of offsets at which the operating system can map: 64 KiB on every Windows so far.
pub fn allocation_granularity() -> usize {
    system().allocation_granularity
}

/// The low and the high half of an offset or size, in the order of Windows' parameters.
pub(super) fn halves(number: u64) -> [u32; 2] {
    // The casts keep the low 32 bits of each.
    [number as u32, (number >> 32) as u32]
}

struct System {
    page_size: usize,
    allocation_granularity: usize,
}

fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let mut info = MaybeUninit::<SYSTEM_INFO>::zeroed();
        // SAFETY: `info` is writable for the size of a SYSTEM_INFO.
        unsafe { GetSystemInfo(info.as_mut_ptr()) };
        // SAFETY: the call cannot fail and has filled `info` in. All zeros is a valid SYSTEM_INFO,
        // too.
        let info = unsafe { info.assume_init() };
        System {
            // Both fit a usize, and neither is 0 on a running system.
            page_size: (info.dwPageSize as usize).max(1),
            allocation_granularity: (info.dwAllocationGranularity as usize).max(1),
        }
    })
}

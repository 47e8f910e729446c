//! The handler of SIGBUS and SIGSEGV. It replaces pages of our regions that cannot be read by
//! zeros, and the region records the loss. If a thread stores to a read-only page of a region, the
//! handler makes that page private.
//!
//! Everything in the handler is async-signal-safe: loads and stores of atomics, system calls, and
//! calls of Mach.

use super::plan::is_fault_handler_enabled;
use super::replace::{Zeros, by_zeros};
use crate::fault_registry::{self, FaultSite, FileIdentity, Place};
use libc::{c_int, c_void, siginfo_t};
use std::mem::MaybeUninit;
use std::ops::{Range, RangeInclusive};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The signals to handle. Systems raise SIGBUS for a page that cannot be read and SIGSEGV for a
/// store to a read-only page. In some cases some of them raise the other one.
const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// The values of `si_code` for signals that the processor raised. For a signal that a process sent,
/// it is 0 or less, except on FreeBSD, where it is SI_USER (0x10001) or more.
const CODES_OF_FAULTS: RangeInclusive<c_int> = 1..=0xffff;

const HIGHEST_SIGNAL: usize = 32;

/// The action that our handler replaced, by signal. It is a leaked sigaction, because our handler
/// may read it at any time.
static BEFORE: [AtomicUsize; HIGHEST_SIGNAL] = [const { AtomicUsize::new(0) }; HIGHEST_SIGNAL];

/// The call of our handler that is calling the previous handler: its thread and the address
/// of its siginfo, mixed.
static CHAINING: AtomicI32 = AtomicI32::new(0);

/// Makes sure that our handler is installed, and returns whether there is one. Each new mapping
/// calls this, because others install theirs: `process.on('SIGBUS')` makes libuv replace ours.
/// `MEMMAP_NO_FAULT_HANDLER=1` disables the handler.
pub fn install_fault_handler() -> bool {
    if !is_fault_handler_enabled() {
        return false;
    }
    static INSTALLING: Mutex<()> = Mutex::new(());
    for signal in SIGNALS {
        let Some(current) = action_of(signal) else { continue };
        if is_in_place(&current, signal) {
            continue;
        }
        let guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        install(signal);
        drop(guard);
    }
    true
}

/// Whether our handler is called, and with its arguments. When the last listener of the signal is
/// removed, Bun restores our handler without SA_SIGINFO. It would then take any fault for a signal
/// that was sent.
fn is_in_place(action: &libc::sigaction, signal: c_int) -> bool {
    let has_arguments = action.sa_sigaction != our_handler() || action.sa_flags & libc::SA_SIGINFO != 0;
    has_arguments && leads_to_ours(action.sa_sigaction, signal)
}

/// Whether `handler` is ours, or belongs to another copy of this library that calls ours. Otherwise
/// two copies would replace each other's handler for ever.
fn leads_to_ours(handler: libc::sighandler_t, signal: c_int) -> bool {
    const MOST_COPIES: usize = 8;
    let mut handler = handler;
    for _ in 0..MOST_COPIES {
        if handler == our_handler() {
            return true;
        }
        let Some(next) = handler_before_of_copy(handler, signal) else { return false };
        handler = next;
    }
    false
}

/// The handler that another copy of this library would call next, if `handler` belongs to such a
/// copy.
fn handler_before_of_copy(handler: libc::sighandler_t, signal: c_int) -> Option<libc::sighandler_t> {
    let name = c"memmap_handler_before";
    let library = super::library::LoadedLibrary::of(ptr::with_exposed_provenance(handler))?;
    let function = library.symbol(name)?;
    // SAFETY: an export of this name is a copy of [`memmap_handler_before`].
    let handler_before: extern "C" fn(c_int) -> libc::sighandler_t = unsafe { std::mem::transmute(function) };
    Some(handler_before(signal))
}

/// The handler that ours calls for faults outside our regions. Other copies of this library in the
/// process call this function.
// SAFETY: no other library has a function of this name.
#[unsafe(no_mangle)]
pub extern "C" fn memmap_handler_before(signal: c_int) -> libc::sighandler_t {
    before(signal).map_or(libc::SIG_DFL, |before| before.sa_sigaction)
}

fn our_handler() -> libc::sighandler_t {
    handle as *const () as libc::sighandler_t
}

fn action_of(signal: c_int) -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null new action the call only reads. `action` is writable.
    let result = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeros is a valid sigaction, and sigaction fills it in when it returns 0.
    (result == 0).then(|| unsafe { action.assume_init() })
}

fn install(signal: c_int) {
    let Some(before) = action_of(signal) else { return };
    if is_in_place(&before, signal) {
        // Another thread has installed it meanwhile.
        return;
    }
    let mut action = before;
    action.sa_sigaction = our_handler();
    // The new action keeps the mask, so the previous handler still runs with the signals blocked
    // that it expects.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | (before.sa_flags & libc::SA_RESTART);
    // Our handler must not become its own predecessor, because it would call itself.
    if let Some(slot) = before_slot(signal).filter(|_| before.sa_sigaction != our_handler()) {
        // The old value is leaked, because a handler may be reading it. Our handler is reinstalled
        // only a few times in the life of a process.
        slot.store(Box::leak(Box::new(before)) as *const libc::sigaction as usize, Ordering::Release);
    }
    // SAFETY: the action is a copy of a valid one. The handler has the signature that SA_SIGINFO
    // requires, is async-signal-safe, and stays loaded (`pin_library`). If the system refuses it,
    // nothing has changed.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
}

fn before_slot(signal: c_int) -> Option<&'static AtomicUsize> {
    BEFORE.get(usize::try_from(signal).ok()?)
}

extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = errno();
    // SAFETY: errno belongs to this thread. The interrupted code must find its value unchanged.
    let saved = unsafe { *errno };
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    let raised_by_fault = CODES_OF_FAULTS.contains(&code);
    let address = fault_address(info);
    let handled =
        raised_by_fault && fault_registry::find(address).is_some_and(|site| handle_fault(signal, code, &site, address));
    if !handled {
        pass_on(signal, info, context, raised_by_fault);
    }
    // SAFETY: errno belongs to this thread.
    unsafe { *errno = saved };
}

fn fault_address(info: *const siginfo_t) -> usize {
    // SAFETY: the kernel's siginfo is valid, and nobody changes it while the handler runs.
    let info = unsafe { &*info };
    // SAFETY: for SIGBUS and SIGSEGV the union holds an address.
    unsafe { info.si_addr() }.addr()
}

/// How often an access is repeated at the most, before the fault counts as one that repeating does
/// not mend. A loop may legitimately store to a page and take the right to write away again, some
/// times in a row.
#[cfg(not(target_vendor = "apple"))]
const MOST_TRIES: u32 = 1000;

/// Handles a fault in one of our regions, and returns whether it could.
#[cfg(not(target_vendor = "apple"))]
fn handle_fault(signal: c_int, code: c_int, site: &FaultSite, address: usize) -> bool {
    /// From <signal.h>: the page exists, but the access is not allowed. All systems use this
    /// number.
    const SEGV_ACCERR: c_int = 2;
    let page = address - address % site.place.page_size;
    let pages = match pages_to_handle(site, address) {
        Pages::Ours(pages) => pages,
        Pages::Replaced => return may_try_again(page, MOST_TRIES),
        Pages::Gone => return false,
    };
    if signal == libc::SIGSEGV && code == SEGV_ACCERR {
        return may_try_again(page, MOST_TRIES) && make_private(site, &pages, page);
    }
    handle_loss(site, &pages, address)
}

/// Handles a fault in one of our regions, and returns whether it could. On Apple's systems neither
/// the signal nor its code tells the cause.
#[cfg(target_vendor = "apple")]
fn handle_fault(_signal: c_int, _code: c_int, site: &FaultSite, address: usize) -> bool {
    let pages = match pages_to_handle(site, address) {
        Pages::Ours(pages) => pages,
        Pages::Replaced | Pages::Gone => return false,
    };
    // If the file does not have the page, the access faults again.
    let page_size = site.place.page_size;
    if super::mach::make_private(address - address % page_size, page_size) {
        LEFT_TO_TRY_AGAIN.store(0, Ordering::Release);
        return true;
    }
    handle_loss(site, &pages, address)
}

/// The pages around an address at which a thread has faulted in a region.
enum Pages {
    /// They certainly belong to the region.
    Ours(Range<usize>),
    /// Writable pages are mapped in their place, or none, although there was one when the thread
    /// faulted. Usually another thread has faulted there at the same time, and its handler maps
    /// zeros or a copy. Linux 6.17 and newer list mappings without waiting for that to end. The
    /// repeated access then succeeds.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(dead_code, reason = "only Linux finds it"))]
    Replaced,
    /// The engine has given the addresses to others.
    Gone,
}

fn pages_to_handle(site: &FaultSite, address: usize) -> Pages {
    let pages = site.place.pages.clone();
    let page = address - address % site.place.page_size;
    match site.engine_owned {
        None => Pages::Ours(pages),
        Some(None) => Pages::Ours(page..page + site.place.page_size),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some(Some(object)) => {
            let Some(mapped) = super::maps::find(address) else { return Pages::Replaced };
            let first_page = site.place.pages.start;
            let is_same_part = mapped.offset.wrapping_sub((mapped.start as u64).wrapping_sub(first_page as u64))
                == site.place.file_offset - (site.place.start - first_page) as u64;
            let ours = mapped.start.max(pages.start)..mapped.end.min(pages.end);
            if mapped.object == object && is_same_part {
                Pages::Ours(ours)
            } else if mapped.writable {
                Pages::Replaced
            } else {
                Pages::Gone
            }
        }
        // On these systems nobody asks what is mapped.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Some(Some(_)) => Pages::Gone,
    }
}

/// Makes the page writable that a thread has stored to, so that the store can be repeated. It
/// changes private memory only.
#[cfg(not(target_vendor = "apple"))]
fn make_private(site: &FaultSite, pages: &Range<usize>, page: usize) -> bool {
    /// Bytes to make writable at once. With single pages, a loop of stores over a long view would
    /// cost a fault, and a kernel mapping, for each page.
    const BLOCK: usize = 1024 * 1024;
    let page_size = site.place.page_size;
    if site.place.stored_to == fault_registry::StoredTo::Copied {
        return copy_page(site, page);
    }
    let block = BLOCK.max(page_size);
    let first = (page - page % block).max(pages.start);
    let end = (page - page % block).saturating_add(block).min(pages.end);
    let make_writable = |first: usize, end: usize| {
        let address = ptr::without_provenance_mut(first);
        // SAFETY: the pages belong to one of our regions and are private: they were mapped so, or
        // are zeros. They stay readable.
        unsafe { libc::mprotect(address, end - first, libc::PROT_READ | libc::PROT_WRITE) == 0 }
    };
    // The system may have memory for only one page.
    make_writable(first, end) || make_writable(page, page + page_size)
}

/// Replaces a page that is the file's own by a private copy.
///
/// Two threads may fault in one page. The second finds the copy when it gets the lock, and must not
/// copy again, because the first may have stored to it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn copy_page(site: &FaultSite, page: usize) -> bool {
    use std::sync::atomic::AtomicBool;
    static COPYING: AtomicBool = AtomicBool::new(false);
    while COPYING.swap(true, Ordering::Acquire) {
        // SAFETY: the call takes no arguments. The thread that holds the lock is in this function
        // and releases it after a few system calls.
        unsafe { libc::sched_yield() };
    }
    let is_copied = super::maps::find(page).is_none_or(|mapped| mapped.writable);
    let copy = || {
        let address = ptr::without_provenance_mut(page);
        // SAFETY: the page belongs to one of our regions and is readable.
        unsafe { super::replace::by_copy(address, site.place.page_size) }
    };
    let done = is_copied
        || copy()
            .or_else(|failed| {
                if failed.lost {
                    site.mark_lost_from(page);
                    return Ok(());
                }
                Err(failed)
            })
            .is_ok();
    COPYING.store(false, Ordering::Release);
    done
}

/// These systems cannot tell whether another thread has already copied the page.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn copy_page(_found: &FaultSite, _page: usize) -> bool {
    false
}

/// Replaces the region's pages by zeros, from the first one that the file does not have. It
/// replaces all of them at once, because a loop over the rest of a large file would otherwise cost
/// 8 us a page.
fn handle_loss(site: &FaultSite, pages: &Range<usize>, address: usize) -> bool {
    let Place { page_size, start, file_offset, .. } = site.place;
    let touched = address - address % page_size;
    // The address of the first byte that the file does not have.
    let file_end = site
        .file
        .and_then(size_of)
        .map(|size| start.saturating_add(usize::try_from(size.saturating_sub(file_offset)).unwrap_or(usize::MAX)));
    let (first, lost) = match file_end {
        Some(end) if end <= touched => (end.next_multiple_of(page_size).max(pages.start), end),
        // Another thread may have stored to the page meanwhile, and its handler may have made it
        // private.
        #[cfg(target_vendor = "apple")]
        _ if may_try_again(touched, 1) => return true,
        // The file is long enough, or its size is not known: a full disk could not fill a hole, or
        // a device has failed. Pages before this one may be intact.
        _ => (touched, touched),
    };
    // Mark the loss first. A thread that reads the zeros and then checks for a loss must find it.
    site.mark_lost_from(lost);
    let zeros = if site.engine_owned.is_some() { Zeros::Writable } else { Zeros::OfOurs };
    let replace = |first: usize, end: usize| {
        let address = ptr::without_provenance_mut(first);
        // SAFETY: the range is pages of one of our regions. They become private zeros and stay
        // readable.
        unsafe { by_zeros(address, end - first, page_size, zeros) }.is_ok()
    };
    // Only the touched page is essential. The others can have a fault of their own later.
    let done = replace(first, pages.end) || replace(touched, touched + page_size);
    // A thread that faults there at the same time repeats its access. That is not the access of an
    // earlier loss, repeated in vain.
    LEFT_TO_TRY_AGAIN.store(0, Ordering::Release);
    done
}

/// The access that was last left to be repeated: its page and its thread, mixed.
static LEFT_TO_TRY_AGAIN: AtomicUsize = AtomicUsize::new(0);
/// How many times in a row that access was repeated.
static TRIES: AtomicU32 = AtomicU32::new(0);

/// Whether repeating the access may succeed. If one thread faults in one page again and again, the
/// handling does not help.
fn may_try_again(page: usize, most: u32) -> bool {
    let access = page.rotate_left(usize::BITS / 2) ^ thread_id() as usize;
    if LEFT_TO_TRY_AGAIN.swap(access, Ordering::AcqRel) != access {
        TRIES.store(0, Ordering::Release);
    }
    TRIES.fetch_add(1, Ordering::AcqRel) < most
}

/// The size of the file, if the descriptor still means that file.
fn size_of(file: FileIdentity) -> Option<u64> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: fstat accepts any number, and `stat` is writable.
    if unsafe { libc::fstat(file.descriptor, stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: fstat has filled it in.
    let stat = unsafe { stat.assume_init() };
    let same = (stat.st_dev, stat.st_ino) == (file.device as _, file.inode as _);
    if same { u64::try_from(stat.st_size).ok() } else { None }
}

/// The action that our handler replaced.
fn before(signal: c_int) -> Option<&'static libc::sigaction> {
    let before = before_slot(signal).map_or(0, |slot| slot.load(Ordering::Acquire));
    let before: *const libc::sigaction = ptr::with_exposed_provenance(before);
    // SAFETY: the pointer is null, or a sigaction that was leaked for this purpose.
    unsafe { before.as_ref() }
}

/// Does what would have happened without our handler.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, raised_by_fault: bool) {
    let before = before(signal);
    // A previous handler that never returns, because it jumps elsewhere, leaves this value behind.
    // So the thread alone does not identify a call.
    let call = thread_id().rotate_left(16) ^ info.addr() as i32 | 1;
    let handler = before.map_or(libc::SIG_DFL, |before| before.sa_sigaction);
    if handler == libc::SIG_IGN && !raised_by_fault {
        return;
    }
    // The kernel does not allow a fault to be ignored. And a handler that was installed over ours,
    // before ours replaced it again, may call ours. That must not become an endless loop.
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN || CHAINING.load(Ordering::Acquire) == call {
        return die(signal, raised_by_fault);
    }
    CHAINING.store(call, Ordering::Release);
    if before.is_some_and(|before| before.sa_flags & libc::SA_SIGINFO != 0) {
        // SAFETY: a handler that was installed with SA_SIGINFO has this signature.
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = unsafe { std::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: a handler that was installed without SA_SIGINFO has this signature.
        let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
        handler(signal);
    }
    CHAINING.store(0, Ordering::Release);
}

/// Ends the process by the signal, as the default action does.
fn die(signal: c_int, raised_by_fault: bool) {
    // SAFETY: all zeros is SIG_DFL without flags and with an empty mask.
    let action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the action is valid.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    if !raised_by_fault || cfg!(target_vendor = "apple") {
        // A signal that was sent does not recur when the handler returns, so it is raised here and
        // delivered on return. On Apple's systems nobody can tell whether it was sent, but a fault
        // ends the process in either case.
        // SAFETY: raise accepts any number.
        unsafe { libc::raise(signal) };
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn thread_id() -> i32 {
    // SAFETY: the call takes no arguments and cannot fail.
    unsafe { libc::gettid() }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn thread_id() -> i32 {
    // SAFETY: the call takes no arguments and cannot fail. The low bits of the thread's address
    // tell threads apart well enough, because only the way in which a process dies depends on them.
    let thread = unsafe { libc::pthread_self() };
    (thread as usize >> 4) as i32 | 1
}

#[cfg(target_os = "linux")]
fn errno() -> *mut c_int {
    // SAFETY: the call takes no arguments and always returns this thread's errno.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
fn errno() -> *mut c_int {
    // SAFETY: the call takes no arguments and always returns this thread's errno.
    unsafe { libc::__error() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
fn errno() -> *mut c_int {
    // SAFETY: the call takes no arguments and always returns this thread's errno.
    unsafe { libc::__errno() }
}

//! The handler of SIGBUS and SIGSEGV: pages of ours that cannot be had become zeros, and the region
//! notes what was lost; pages of ours that can only be read become private when somebody stores to
//! them.
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

/// What the systems raise: SIGBUS for what cannot be had, SIGSEGV for a store to what can only be
/// read. Some raise the one for some of the other cases.
const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// What `si_code` is when the processor raised the signal. Of one that was sent it is 0 or less, but on FreeBSD, where it is SI_USER
/// (0x10001) or more.
const CODES_OF_FAULTS: RangeInclusive<c_int> = 1..=0xffff;

const HIGHEST_SIGNAL: usize = 32;

/// The handler that ours replaced, by signal: a leaked sigaction, so that ours can read it at any time.
static BEFORE: [AtomicUsize; HIGHEST_SIGNAL] = [const { AtomicUsize::new(0) }; HIGHEST_SIGNAL];

/// Which call of ours has called the handler of before: its thread and its signal, mixed.
static CHAINING: AtomicI32 = AtomicI32::new(0);

/// Makes sure that our handler is called, and gives whether there is one. Called for each new
/// mapping, because others install theirs: `process.on('SIGBUS')` makes libuv replace ours.
/// `MEMMAP_NO_FAULT_HANDLER=1` turns it off.
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

/// Whether our handler is called, and with its arguments. Bun puts it back without SA_SIGINFO when
/// the last listener of its signal goes, and it would take any fault for a signal that was sent.
fn is_in_place(action: &libc::sigaction, signal: c_int) -> bool {
    let has_arguments = action.sa_sigaction != our_handler() || action.sa_flags & libc::SA_SIGINFO != 0;
    has_arguments && leads_to_ours(action.sa_sigaction, signal)
}

/// Whether a handler is ours, or one of another copy of this library that calls ours: two copies
/// would otherwise put theirs before each other's for ever.
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

/// The handler that another copy of this library calls, if `handler` is such a copy's.
fn handler_before_of_copy(handler: libc::sighandler_t, signal: c_int) -> Option<libc::sighandler_t> {
    let name = c"memmap_handler_before";
    let library = super::library::LoadedLibrary::of(ptr::with_exposed_provenance(handler))?;
    let function = library.symbol(name)?;
    // SAFETY: an export of this name is a copy of the function below.
    let handler_before: extern "C" fn(c_int) -> libc::sighandler_t = unsafe { std::mem::transmute(function) };
    Some(handler_before(signal))
}

/// The handler that ours calls for what is not ours, for other copies of this library in the
/// process.
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
    // SAFETY: a null new action only asks; `action` is writable.
    let result = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeros is a sigaction, and sigaction has filled it in where it returned 0.
    (result == 0).then(|| unsafe { action.assume_init() })
}

fn install(signal: c_int) {
    let Some(before) = action_of(signal) else { return };
    if is_in_place(&before, signal) {
        // Another thread was faster.
        return;
    }
    let mut action = before;
    action.sa_sigaction = our_handler();
    // What the handler of before had blocked stays blocked in it when ours calls it.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | (before.sa_flags & libc::SA_RESTART);
    // Ours is never the one before: it would call itself.
    if let Some(slot) = before_slot(signal).filter(|_| before.sa_sigaction != our_handler()) {
        // Leaked: a handler may be reading the old value. Ours is replaced a few times in a process's life at most.
        slot.store(Box::leak(Box::new(before)) as *const libc::sigaction as usize, Ordering::Release);
    }
    // SAFETY: the action is a copy of a valid one, with a handler that has the signature SA_SIGINFO asks for, is
    // async-signal-safe, and stays loaded (`pin_library`). Where it is refused everything stays as it was.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
}

fn before_slot(signal: c_int) -> Option<&'static AtomicUsize> {
    BEFORE.get(usize::try_from(signal).ok()?)
}

extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = errno();
    // SAFETY: both are this thread's own, and the interrupted code must find errno as it left it.
    let saved = unsafe { *errno };
    // SAFETY: the kernel gives a valid siginfo to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    let raised_by_fault = CODES_OF_FAULTS.contains(&code);
    let address = fault_address(info);
    let answered =
        raised_by_fault && fault_registry::find(address).is_some_and(|site| answer(signal, code, &site, address));
    if !answered {
        pass_on(signal, info, context, raised_by_fault);
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

fn fault_address(info: *const siginfo_t) -> usize {
    // SAFETY: valid, see `handle`, and nobody changes it while the handler runs.
    let info = unsafe { &*info };
    // SAFETY: the union has an address for SIGBUS and SIGSEGV.
    unsafe { info.si_addr() }.addr()
}

/// Answers a fault in one of our regions, if it can be answered.
#[cfg(not(target_vendor = "apple"))]
fn answer(signal: c_int, code: c_int, site: &FaultSite, address: usize) -> bool {
    /// From <signal.h>: the page is there, and the access is not allowed. The number is the same on
    /// all systems.
    const SEGV_ACCERR: c_int = 2;
    /// A loop that stores to a page and takes the right away again may well do so some times.
    const MOST_TRIES: u32 = 1000;
    let Some(pages) = pages_to_answer_for(site, address) else { return false };
    if signal == libc::SIGSEGV && code == SEGV_ACCERR {
        let page = address - address % site.place.page_size;
        return may_try_again(page, MOST_TRIES) && make_private(site, &pages, page);
    }
    answer_loss(site, &pages, address)
}

/// Answers a fault in one of our regions, if it can be answered. Neither signal nor code say what
/// was wrong there.
#[cfg(target_vendor = "apple")]
fn answer(_signal: c_int, _code: c_int, site: &FaultSite, address: usize) -> bool {
    let Some(pages) = pages_to_answer_for(site, address) else { return false };
    // If the file does not have the page, the next fault says so.
    let page_size = site.place.page_size;
    if super::mach::make_private(address - address % page_size, page_size) {
        LEFT_TO_TRY_AGAIN.store(0, Ordering::Release);
        return true;
    }
    answer_loss(site, &pages, address)
}

/// The pages around the address that are certainly ours.
fn pages_to_answer_for(site: &FaultSite, address: usize) -> Option<Range<usize>> {
    let pages = site.place.pages.clone();
    let page = address - address % site.place.page_size;
    match site.engine_owned {
        None => Some(pages),
        Some(None) => Some(page..page + site.place.page_size),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some(Some(object)) => {
            let mapped = super::maps::find(address)?;
            let first_page = site.place.pages.start;
            let is_same_part = mapped.offset.wrapping_sub((mapped.start as u64).wrapping_sub(first_page as u64))
                == site.place.file_offset - (site.place.start - first_page) as u64;
            let ours = mapped.start.max(pages.start)..mapped.end.min(pages.end);
            (mapped.object == object && is_same_part).then_some(ours)
        }
        // Nobody has asked what it is.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Some(Some(_)) => None,
    }
}

/// Lets the store that has run into a page of ours be made again, where it changes private memory
/// only.
#[cfg(not(target_vendor = "apple"))]
fn make_private(site: &FaultSite, pages: &Range<usize>, page: usize) -> bool {
    /// Not a page at a time: a loop of stores over a long view would cost a fault for each of them,
    /// and mappings.
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
        // SAFETY: pages of a region of ours that are private: they were mapped so, or are zeros.
        // They stay readable.
        unsafe { libc::mprotect(address, end - first, libc::PROT_READ | libc::PROT_WRITE) == 0 }
    };
    // The system may have memory for one page only.
    make_writable(first, end) || make_writable(page, page + page_size)
}

/// Puts a private copy in the place of a page that is the file's own.
///
/// Two threads may run into the same page. The second finds the copy when it has the lock, and must
/// not copy again: the first may have stored by then.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn copy_page(site: &FaultSite, page: usize) -> bool {
    use std::sync::atomic::AtomicBool;
    static COPYING: AtomicBool = AtomicBool::new(false);
    while COPYING.swap(true, Ordering::Acquire) {
        // SAFETY: it takes nothing. The other thread is in this function, and ends it in a few
        // system calls.
        unsafe { libc::sched_yield() };
    }
    let is_copied = super::maps::find(page).is_none_or(|mapped| mapped.writable);
    let copy = || {
        let address = ptr::without_provenance_mut(page);
        // SAFETY: the page is one of a region of ours, and is readable.
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

/// Nothing could tell whether another thread has copied it already.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn copy_page(_found: &FaultSite, _page: usize) -> bool {
    false
}

/// Puts zeros in the place of the region's pages from the first one that the file does not have.
/// All of them at once: a page a fault would cost a loop over the rest of a large file 8 us a page.
fn answer_loss(site: &FaultSite, pages: &Range<usize>, address: usize) -> bool {
    let Place { page_size, start, file_offset, .. } = site.place;
    let touched = address - address % page_size;
    // The first byte of the region that the file does not have.
    let file_end = site
        .file
        .and_then(size_of)
        .map(|size| start.saturating_add(usize::try_from(size.saturating_sub(file_offset)).unwrap_or(usize::MAX)));
    let (first, lost) = match file_end {
        Some(end) if end <= touched => (end.next_multiple_of(page_size).max(pages.start), end),
        // Another thread may have stored to the page at the same time, and its handler have made it private.
        #[cfg(target_vendor = "apple")]
        _ if may_try_again(touched, 1) => return true,
        // The file is long enough, or cannot be asked: a hole that a full disk could not fill, a device that failed. What lies before
        // is not concerned.
        _ => (touched, touched),
    };
    // First: another thread that reads the zeros must find, when it asks, that they are not the file's.
    site.mark_lost_from(lost);
    let zeros = if site.engine_owned.is_some() { Zeros::Writable } else { Zeros::OfOurs };
    let replace = |first: usize, end: usize| {
        let address = ptr::without_provenance_mut(first);
        // SAFETY: the range is pages of one of our regions. They become private zeros, still
        // readable.
        unsafe { by_zeros(address, end - first, page_size, zeros) }.is_ok()
    };
    // The page that was touched is what counts; the others may have a fault of their own.
    replace(first, pages.end) || replace(touched, touched + page_size)
}

/// Which access was last left to be tried again: its page and its thread, mixed.
static LEFT_TO_TRY_AGAIN: AtomicUsize = AtomicUsize::new(0);
/// How often in a row.
static TRIES: AtomicU32 = AtomicU32::new(0);

/// Whether the access may succeed now. When one thread faults in one page again and again, what was
/// done about it does not help.
fn may_try_again(page: usize, most: u32) -> bool {
    let access = page.rotate_left(usize::BITS / 2) ^ thread_id() as usize;
    if LEFT_TO_TRY_AGAIN.swap(access, Ordering::AcqRel) != access {
        TRIES.store(0, Ordering::Release);
    }
    TRIES.fetch_add(1, Ordering::AcqRel) < most
}

/// The size of the file, if the descriptor still means it.
fn size_of(file: FileIdentity) -> Option<u64> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: any number may be asked about; `stat` is writable.
    if unsafe { libc::fstat(file.descriptor, stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: fstat has filled it in.
    let stat = unsafe { stat.assume_init() };
    let same = (stat.st_dev, stat.st_ino) == (file.device as _, file.inode as _);
    if same { u64::try_from(stat.st_size).ok() } else { None }
}

/// The action that ours has replaced.
fn before(signal: c_int) -> Option<&'static libc::sigaction> {
    let before = before_slot(signal).map_or(0, |slot| slot.load(Ordering::Acquire));
    let before: *const libc::sigaction = ptr::with_exposed_provenance(before);
    // SAFETY: null, or a sigaction that was leaked for this.
    unsafe { before.as_ref() }
}

/// What would have happened without us.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, raised_by_fault: bool) {
    let before = before(signal);
    // A handler that never returns (it jumps elsewhere) leaves this behind, so the thread alone
    // would not do.
    let call = thread_id().rotate_left(16) ^ info.addr() as i32 | 1;
    let handler = before.map_or(libc::SIG_DFL, |before| before.sa_sigaction);
    if handler == libc::SIG_IGN && !raised_by_fault {
        return;
    }
    // The kernel does not let a fault be ignored. And a handler that was installed over ours, and that ours has since replaced, may
    // call ours in its turn: that must not go round in circles.
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN || CHAINING.load(Ordering::Acquire) == call {
        return die(signal, raised_by_fault);
    }
    CHAINING.store(call, Ordering::Release);
    if before.is_some_and(|before| before.sa_flags & libc::SA_SIGINFO != 0) {
        // SAFETY: a handler that was installed with SA_SIGINFO has this signature.
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = unsafe { std::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: one that was installed without has this one.
        let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
        handler(signal);
    }
    CHAINING.store(0, Ordering::Release);
}

/// Ends the process by the signal, as if nobody handled it.
fn die(signal: c_int, raised_by_fault: bool) {
    // SAFETY: all zeros is SIG_DFL without flags, with an empty mask.
    let action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: a valid action.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    if !raised_by_fault || cfg!(target_vendor = "apple") {
        // It was sent, so returning does not raise it again. It is delivered when this handler returns. (Of Apple's nobody can say whether it
        // was sent; a fault is the same death either way.)
        // SAFETY: it takes any number.
        unsafe { libc::raise(signal) };
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn thread_id() -> i32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn thread_id() -> i32 {
    // SAFETY: it takes nothing and cannot fail. The low bits of the thread's address tell threads apart well enough: what is at
    // stake is how a process dies.
    let thread = unsafe { libc::pthread_self() };
    (thread as usize >> 4) as i32 | 1
}

#[cfg(target_os = "linux")]
fn errno() -> *mut c_int {
    // SAFETY: it takes nothing and always gives this thread's errno.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
fn errno() -> *mut c_int {
    // SAFETY: it takes nothing and always gives this thread's errno.
    unsafe { libc::__error() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
fn errno() -> *mut c_int {
    // SAFETY: it takes nothing and always gives this thread's errno.
    unsafe { libc::__errno() }
}

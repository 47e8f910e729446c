//! The handler of SIGBUS: pages of ours that cannot be read become zeros, and the region notes what was lost.
//!
//! Everything in the handler is async-signal-safe: loads and stores of atomics, fstat, mmap, sigaction, raise, and calls of Mach.

use super::memory::NORESERVE;
use crate::fault::{self, FileIdentity, Found};
use libc::{c_int, c_void, siginfo_t};
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What the systems raise. Linux: SIGBUS. Others raise SIGSEGV for some of the cases.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SIGNALS: [c_int; 1] = [libc::SIGBUS];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// What `si_code` is when the processor raised the signal. Of one that was sent it is 0 or less, but on FreeBSD, where it is SI_USER
/// (0x10001) or more.
const CODES_OF_FAULTS: RangeInclusive<c_int> = 1..=0xffff;

const HIGHEST_SIGNAL: usize = 32;

/// The handler that ours replaced, by signal: a leaked sigaction, so that ours can read it at any time.
static BEFORE: [AtomicUsize; HIGHEST_SIGNAL] = [const { AtomicUsize::new(0) }; HIGHEST_SIGNAL];

/// The thread that runs the handler of before, called by ours.
static CHAINING: AtomicI32 = AtomicI32::new(0);

static PAGE_SIZE: AtomicUsize = AtomicUsize::new(0);

/// Makes sure that our handler is the one that is called first, and gives whether there is one. Called for each new file mapping, because
/// others install theirs: `process.on('SIGBUS')` makes libuv replace ours. `MEMMAP_NO_FAULT_HANDLER=1` turns it off.
pub fn install_fault_handler() -> bool {
    static DISABLED: OnceLock<bool> = OnceLock::new();
    if *DISABLED.get_or_init(|| std::env::var_os("MEMMAP_NO_FAULT_HANDLER").is_some_and(|value| value == "1")) {
        return false;
    }
    static INSTALLING: Mutex<()> = Mutex::new(());
    for signal in SIGNALS {
        let Some(current) = action_of(signal) else { continue };
        if current.sa_sigaction == our_handler() {
            continue;
        }
        let guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        install(signal);
        drop(guard);
    }
    true
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
    if before.sa_sigaction == our_handler() {
        // Another thread was faster.
        return;
    }
    PAGE_SIZE.store(super::page_size(), Ordering::Release);
    let mut action = before;
    action.sa_sigaction = our_handler();
    // What the handler of before had blocked stays blocked in it when ours calls it.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | (before.sa_flags & libc::SA_RESTART);
    if let Some(slot) = before_slot(signal) {
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
    let raised_by_fault = CODES_OF_FAULTS.contains(&unsafe { (*info).si_code });
    let address = fault_address(info);
    let answered = raised_by_fault && fault::find(address).is_some_and(|found| answer(&found, address));
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

/// Maps zeros over the region from the first page that the file does not have. All of them at once: a page a fault would cost a
/// loop over the rest of a large file 8 us a page.
fn answer(found: &Found, address: usize) -> bool {
    let page_size = PAGE_SIZE.load(Ordering::Acquire);
    let touched = address - address % page_size;
    // A stray store to a page that is the file's own; see `Memory::of_file`. If the file does not have the page, the next fault says so.
    #[cfg(target_vendor = "apple")]
    if super::mach::make_private(touched, page_size) {
        LEFT_TO_TRY_AGAIN.store(0, Ordering::Release);
        return true;
    }
    // The first byte of the region that the file does not have.
    let file_end = found.file.and_then(size_of).map(|size| {
        found.start.saturating_add(usize::try_from(size.saturating_sub(found.file_offset)).unwrap_or(usize::MAX))
    });
    let (first, lost) = match file_end {
        Some(end) if end <= touched => (end.next_multiple_of(page_size).max(found.pages.start), end),
        // Another thread may have stored to the page at the same time, and its handler have made it private.
        #[cfg(target_vendor = "apple")]
        _ if may_try_again(touched) => return true,
        // The file is long enough, or cannot be asked: a hole that a full disk could not fill, a device that failed. What lies before
        // is not concerned.
        _ => (touched, touched),
    };
    // First: another thread that reads the zeros must find, when it asks, that they are not the file's.
    found.lose_from(lost);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANON | NORESERVE;
    let first_page = ptr::without_provenance_mut(first);
    // SAFETY: the range is pages of one of our regions, from one of its pages to its end. They become private zeros, still readable and
    // writable, in one step for every other thread.
    let replaced =
        unsafe { libc::mmap(first_page, found.pages.end - first, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    replaced != libc::MAP_FAILED
}

/// Which access was last left to be tried again: its page and its thread, mixed.
#[cfg(target_vendor = "apple")]
static LEFT_TO_TRY_AGAIN: AtomicUsize = AtomicUsize::new(0);

/// Whether this is the first fault of this thread in this page, so that it may have been answered by now. If it was not, the next one comes
/// at once, and is the second.
#[cfg(target_vendor = "apple")]
fn may_try_again(page: usize) -> bool {
    let access = page.rotate_left(usize::BITS / 2) ^ thread_id() as usize;
    LEFT_TO_TRY_AGAIN.swap(access, Ordering::AcqRel) != access
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

/// What would have happened without us.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, raised_by_fault: bool) {
    let before = before_slot(signal).map_or(0, |slot| slot.load(Ordering::Acquire));
    let before: *const libc::sigaction = ptr::with_exposed_provenance(before);
    // SAFETY: null, or a sigaction that was leaked for this.
    let before = unsafe { before.as_ref() };
    let thread = thread_id();
    let handler = before.map_or(libc::SIG_DFL, |before| before.sa_sigaction);
    if handler == libc::SIG_IGN && !raised_by_fault {
        return;
    }
    // The kernel does not let a fault be ignored. And a handler that was installed over ours, and that ours has since replaced, may
    // call ours in its turn: that must not go round in circles.
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN || CHAINING.load(Ordering::Acquire) == thread {
        return die(signal, raised_by_fault);
    }
    CHAINING.store(thread, Ordering::Release);
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

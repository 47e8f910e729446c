//! Waiting for a word of memory: a thread sleeps until another one, of any process that maps the
//! same bytes, wakes it.
//!
//! The kernel does the waiting, and compares the word with the expected value in the same step. So
//! whoever stores a new value and then wakes the sleepers misses nobody.
//!
//! A thread sleeps for a slice of time and then looks around: whether it is to stop, whether the
//! word is lost, because the kernel does not wake those who wait for bytes that a file no longer
//! has. A slice does not delay a wake-up. Between two slices the thread is no sleeper for a moment,
//! and would miss a wake-up that comes without a new value.

mod pool;

pub use pool::{Place, WaitPool};

use crate::error::{Error, Result};
use crate::region::Region;
use crate::sys::{Slept, Spot};
use crate::weak_list::WeakList;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest sleep of a thread that a runtime may want to end: JavaScript's own.
const BLOCKING_SLICE: Duration = Duration::from_millis(50);
/// The longest sleep of other threads.
const SLICE: Duration = Duration::from_secs(1);
/// How often a word is touched that the kernel cannot read. macOS may remove a page from memory
/// again before the kernel has looked at it.
const MOST_TOUCHES: u32 = 100;
/// How long to wait for a thread that is to stop, before it is woken again.
const PATIENCE: Duration = Duration::from_millis(1);

/// How a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum WaitResult {
    /// Woken, or the value has changed, or for no reason.
    Woken = 0,
    /// The word had another value from the start.
    NotEqual = 1,
    /// The time is over.
    TimedOut = 2,
}

/// Four bytes of a mapping, for which threads can wait. It keeps the memory mapped.
#[derive(Debug, Clone)]
pub struct Word {
    region: Arc<Region>,
    position: usize,
    spot: Spot,
}

impl Word {
    /// Bytes in a word. Linux has no longer ones.
    pub const LENGTH: usize = 4;

    pub(crate) fn new(region: Arc<Region>, position: usize, spot: Spot) -> Word {
        Word { region, position, spot }
    }

    /// Wakes up to `count` of those who wait for the word, in all processes, and returns how many.
    /// (macOS returns at most 1 for a count of `u32::MAX`, FreeBSD 0 for any.)
    ///
    /// # Errors
    ///
    /// ERR_MMAP_FAULT, ERR_MMAP_UNSUPPORTED.
    pub fn notify(&self, count: u32) -> Result<u32> {
        self.region.intact_before(self.end())?;
        for _ in 0..MOST_TOUCHES {
            if let Some(woken) = self.spot.wake(count)? {
                return Ok(woken);
            }
            self.touch()?;
        }
        Err(self.lost())
    }

    fn sleep(&self, value: u32, at_most: Duration, stop: Option<&AtomicU32>) -> Result<Slept> {
        self.region.intact_before(self.end())?;
        for _ in 0..MOST_TOUCHES {
            match self.spot.sleep(value, at_most, stop)? {
                Slept::Unreadable => self.touch()?,
                slept => {
                    // Where this process has read the word itself, it may have found it lost, and
                    // read zeros.
                    if slept == Slept::Unequal {
                        self.region.intact_before(self.end())?;
                    }
                    return Ok(slept);
                }
            }
        }
        Err(self.lost())
    }

    /// Touches the word after the kernel could not read it. That brings its page back, or the fault
    /// handler finds out what is lost.
    fn touch(&self) -> Result<()> {
        if !self.region.handles_faults() {
            return Err(self.lost());
        }
        self.region.touch(self.position)?;
        self.region.intact_before(self.end())
    }

    fn end(&self) -> usize {
        self.position + Word::LENGTH
    }

    /// The error for a word that the file no longer has.
    fn lost(&self) -> Error {
        let known = self.region.intact_before(self.end()).err();
        known.unwrap_or(Error::Fault { offset: self.position, length: self.region.len() - self.position })
    }
}

/// A wait that is done slice by slice, with other things in between.
#[derive(Debug)]
pub struct SlicedWait {
    value: u32,
    /// `None` for no end.
    deadline: Option<Instant>,
    slice: Duration,
    is_first: bool,
    /// Somebody has woken the thread, who has counted it.
    is_counted: bool,
}

impl SlicedWait {
    /// A wait of a thread that a runtime may want to end, while the word has this value. `None`
    /// waits for ever.
    pub fn blocking(value: u32, timeout: Option<Duration>) -> SlicedWait {
        SlicedWait::new(value, timeout, BLOCKING_SLICE)
    }

    fn new(value: u32, timeout: Option<Duration>, slice: Duration) -> SlicedWait {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        SlicedWait { value, deadline, slice, is_first: true, is_counted: false }
    }

    /// Returns the result of a wait that is over as soon as it begins.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_FAULT, ERR_MMAP_UNSUPPORTED.
    pub fn look(word: &Word, value: u32, timeout: Option<Duration>) -> Result<Option<WaitResult>> {
        SlicedWait::new(value, timeout, Duration::ZERO).next(word, None)
    }

    /// Waits for a slice of the time. Returns `None` if the wait goes on.
    ///
    /// # Errors
    ///
    /// ERR_MMAP_FAULT, ERR_MMAP_UNSUPPORTED.
    pub fn next_slice(&mut self, word: &Word) -> Result<Option<WaitResult>> {
        self.next(word, None)
    }

    fn next(&mut self, word: &Word, stop: Option<&AtomicU32>) -> Result<Option<WaitResult>> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let at_most = left.map_or(self.slice, |left| left.min(self.slice));
        let was_first = std::mem::replace(&mut self.is_first, false);
        Ok(match word.sleep(self.value, at_most, stop)? {
            Slept::Woken => {
                self.is_counted = true;
                Some(WaitResult::Woken)
            }
            Slept::Unequal if was_first => Some(WaitResult::NotEqual),
            Slept::Unequal => Some(WaitResult::Woken),
            _ if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => Some(WaitResult::TimedOut),
            _ => None,
        })
    }
}

/// Why a wait is ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum End {
    /// As if it had been woken for no reason.
    Woken = 1,
    /// The caller has aborted it.
    Aborted = 2,
    /// The word has been cut off.
    Lost = 3,
    /// The mapping has been closed.
    Closed = 4,
}

/// The state of a wait that nobody has ended.
const WAITING: u32 = 0;

/// A wait in a thread of the pool, which others can end.
#[derive(Debug)]
pub struct Wait {
    /// By which its owner finds it.
    pub number: u32,
    /// [`WAITING`], or an [`End`] as a number. The thread sleeps at this, too.
    state: AtomicU32,
    /// `None` when the thread no longer uses the memory.
    word: Mutex<Option<Word>>,
    /// Signalled when `word` becomes `None`.
    answered: Condvar,
}

impl Wait {
    /// Waits in a thread of the pool while the word has this value, and calls `done` there with the
    /// result. [`SlicedWait::look`] has found that value before.
    pub fn begin(
        place: Place,
        number: u32,
        word: Word,
        value: u32,
        timeout: Option<Duration>,
        done: impl FnOnce(Result<WaitResult>) + Send + 'static,
    ) -> Arc<Wait> {
        let sliced = SlicedWait { is_first: false, ..SlicedWait::new(value, timeout, SLICE) };
        let wait = Arc::new(Wait {
            number,
            state: AtomicU32::new(WAITING),
            word: Mutex::new(Some(word.clone())),
            answered: Condvar::new(),
        });
        let waiting = Arc::clone(&wait);
        place.run(move || {
            let result = waiting.run(&word, sliced);
            waiting.answer(word);
            done(result);
        });
        wait
    }

    fn run(&self, word: &Word, mut sliced: SlicedWait) -> Result<WaitResult> {
        let result = loop {
            let result = sliced.next(word, Some(&self.state)).transpose();
            let state = self.state.load(Ordering::Acquire);
            match result {
                Some(result) if state == WAITING => return result,
                None if state == WAITING => {}
                result => break result,
            }
        };
        let error = match self.state.load(Ordering::Acquire) {
            woken if woken == End::Woken as u32 => return Ok(WaitResult::Woken),
            aborted if aborted == End::Aborted as u32 => Error::Aborted,
            lost if lost == End::Lost as u32 => word.lost(),
            _ => Error::Closed,
        };
        if sliced.is_counted && matches!(result, Some(Ok(_))) {
            // Somebody has counted this thread, which does not act on it. So another one is woken.
            // An error means that nobody waits for the word.
            let _ = word.notify(1);
        }
        Err(error)
    }

    fn answer(&self, word: Word) {
        drop(word);
        drop(self.word.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.answered.notify_all();
    }

    /// Ends the wait as aborted. That may take a moment longer than this call.
    pub fn abort(&self) {
        self.state.fetch_max(End::Aborted as u32, Ordering::AcqRel);
        let is_certain = match &*self.word.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(word) => word.spot.interrupt(&self.state),
            None => true,
        };
        if !is_certain {
            self.await_answer();
        }
    }

    /// Ends waits, and waits until none uses the memory.
    pub fn end_all(waits: &WeakList<Wait>, end: End) {
        Wait::end_where(waits, end, |_| true);
    }

    /// Like [`Wait::end_all`], for those whose word is not in the first `length` bytes.
    pub fn end_beyond(waits: &WeakList<Wait>, length: usize) {
        Wait::end_where(waits, End::Lost, |word| word.end() > length);
    }

    fn end_where(waits: &WeakList<Wait>, end: End, is_meant: impl Fn(&Word) -> bool) {
        // All are told before the first is waited for.
        let told = waits.iter().filter(|wait| {
            let word = wait.word.lock().unwrap_or_else(PoisonError::into_inner);
            let word = word.as_ref().filter(|word| is_meant(word));
            if let Some(word) = word {
                wait.state.fetch_max(end as u32, Ordering::AcqRel);
                word.spot.interrupt(&wait.state);
            }
            word.is_some()
        });
        for wait in told.collect::<Vec<_>>() {
            wait.await_answer();
        }
    }

    /// Wakes the thread until it does not use the memory any more.
    fn await_answer(&self) {
        let mut word = self.word.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sleeping) = &*word {
            sleeping.spot.interrupt(&self.state);
            (word, _) = self.answered.wait_timeout(word, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

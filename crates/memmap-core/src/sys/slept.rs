//! How a sleep at a word of memory has ended.

/// Why the system let a thread that slept at a word run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slept {
    /// Somebody has woken it, or the system did for no reason.
    Woken,
    /// It did not sleep, because the word has another value.
    Unequal,
    /// The time is over.
    TimedOut,
    /// It was to stop.
    Stopped,
    /// The system cannot read the word: its page is lost, or not in memory at the moment.
    Unreadable,
}

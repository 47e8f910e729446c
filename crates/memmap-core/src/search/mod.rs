//! Finding bytes in mapped memory.
//!
//! * `literal`: [`Finder`] finds one needle, a sequence of bytes.
//! * `scan`: the loops over mapped memory, which find the positions where a match is possible.

mod literal;
mod scan;

pub use literal::Finder;

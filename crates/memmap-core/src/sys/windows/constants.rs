//! The constants of `<sys/mman.h>` that CPython exports. On Windows CPython exports none.

/// The name of a constant and its value.
pub type Constant = (&'static str, i32);

/// All constants of this system.
pub fn constants() -> impl Iterator<Item = Constant> {
    std::iter::empty()
}

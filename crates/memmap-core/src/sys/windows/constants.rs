//! The constants of `<sys/mman.h>` that CPython exports. On Windows there are none, in CPython as here.

/// A name and its value, for those this system has.
pub type Constant = (&'static str, i32);

/// All of them.
pub fn constants() -> impl Iterator<Item = Constant> {
    std::iter::empty()
}

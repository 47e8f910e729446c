//! Typed arrays of the caller, which native code reads or fills.

use crate::error::{check, throw_wrong_type};
use memmap_core::{Error, RawBytes};
use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Env, ValueType, sys};
use std::ffi::{CStr, c_void};
use std::ptr;

/// The bytes of a Uint8Array, for the length of one call. Other threads may change the bytes of a
/// SharedArrayBuffer meanwhile.
pub struct Uint8Argument(RawBytes);

impl Uint8Argument {
    /// Where the bytes are.
    pub fn raw(&self) -> RawBytes {
        self.0
    }

    /// The first `count` bytes. TypeScript has checked as many, and a SharedArrayBuffer may have
    /// grown since.
    ///
    /// # Errors
    ///
    /// `OutOfRange` if there are fewer.
    pub fn first(&self, count: usize) -> memmap_core::Result<RawBytes> {
        if count > self.0.length() {
            return Err(Error::OutOfRange);
        }
        // SAFETY: they are a part of the bytes that are readable, see `from_napi_value`.
        Ok(unsafe { RawBytes::new(self.0.address(), count) })
    }
}

impl TypeName for Uint8Argument {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Uint8Argument {}

impl FromNapiValue for Uint8Argument {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller promises that `value` is a live value of `env`.
        let elements = unsafe { elements(env, value, sys::TypedarrayType::uint8_array) };
        let (data, length) = elements.ok_or_else(|| throw_wrong_type(Env::from_raw(env), c"expected a Uint8Array"))?;
        // SAFETY: the engine says that these bytes are the array's. The native call that this is an
        // argument of has the JavaScript thread until it returns, so nothing can detach or shrink
        // the array meanwhile.
        Ok(Uint8Argument(unsafe { RawBytes::new(data.cast_const().cast(), length) }))
    }
}

/// A typed array of positions of the caller, for the length of one call.
pub struct Positions<T> {
    numbers: *mut T,
    length: usize,
}

/// An Int32Array.
pub type Int32Positions = Positions<i32>;

/// A Float64Array.
pub type Float64Positions = Positions<f64>;

/// A type of the elements of a typed array.
pub trait Element: Copy {
    /// What Node-API calls an array of them.
    const KIND: sys::napi_typedarray_type;
    /// What JavaScript calls an array of them.
    const CLASS: &'static str;
    /// What is said if it is none.
    const EXPECTED: &'static CStr;
}

impl Element for i32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::int32_array;
    const CLASS: &'static str = "Int32Array";
    const EXPECTED: &'static CStr = c"expected an Int32Array";
}

impl Element for f64 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::float64_array;
    const CLASS: &'static str = "Float64Array";
    const EXPECTED: &'static CStr = c"expected a Float64Array";
}

impl<T: Element> Positions<T> {
    /// How many positions it has room for.
    pub fn length(&self) -> usize {
        self.length
    }

    /// A position.
    ///
    /// # Errors
    ///
    /// `OutOfRange` beyond the length.
    pub fn get(&self, index: usize) -> memmap_core::Result<T> {
        if index >= self.length {
            return Err(Error::OutOfRange);
        }
        // SAFETY: as in `set`.
        Ok(unsafe { self.numbers.wrapping_add(index).read_volatile() })
    }

    /// Sets a position, or none beyond the length.
    pub fn set(&self, index: usize, position: T) {
        if index < self.length {
            // SAFETY: it is one of the array's numbers, see `from_napi_value`. The write is
            // volatile because the array may be over a SharedArrayBuffer.
            unsafe { self.numbers.wrapping_add(index).write_volatile(position) };
        }
    }

    /// Sets two positions, the first of which is at `index`.
    pub fn set_pair(&self, index: usize, [first, second]: [T; 2]) {
        self.set(index, first);
        self.set(index + 1, second);
    }
}

impl<T: Element> TypeName for Positions<T> {
    fn type_name() -> &'static str {
        T::CLASS
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl<T: Element> ValidateNapiValue for Positions<T> {}

impl<T: Element> FromNapiValue for Positions<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller promises that `value` is a live value of `env`.
        let elements = unsafe { elements(env, value, T::KIND) };
        let (data, length) = elements.ok_or_else(|| throw_wrong_type(Env::from_raw(env), T::EXPECTED))?;
        Ok(Positions { numbers: data.cast(), length })
    }
}

/// A copy of the numbers of a Uint32Array.
pub struct Uint32Argument(pub Vec<u32>);

impl TypeName for Uint32Argument {
    fn type_name() -> &'static str {
        "Uint32Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Uint32Argument {}

impl FromNapiValue for Uint32Argument {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller promises that `value` is a live value of `env`.
        let elements = unsafe { elements(env, value, sys::TypedarrayType::uint32_array) };
        let (data, length) = elements.ok_or_else(|| throw_wrong_type(Env::from_raw(env), c"expected a Uint32Array"))?;
        let number = |index| {
            // SAFETY: it is one of the array's numbers. The read is volatile because the array may
            // be over a SharedArrayBuffer.
            unsafe { data.cast::<u32>().wrapping_add(index).read_volatile() }
        };
        Ok(Uint32Argument((0..length).map(number).collect()))
    }
}

/// Where the elements of a typed array are, and how many. None for an array of another kind.
///
/// # Safety
///
/// `value` must be a live value of `env`.
pub unsafe fn elements(
    env: sys::napi_env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
) -> Option<(*mut c_void, usize)> {
    let mut kind = 0;
    let mut length = 0;
    let mut data = ptr::null_mut();
    // SAFETY: the caller promises a live value. The engine checks that it is a typed array and
    // writes the three results on success. The two results that are not needed may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    };
    (check(status).is_ok() && kind == expected).then_some((data, length))
}

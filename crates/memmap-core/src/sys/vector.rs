//! Comparing several bytes at a time with the vectors of the processor.
//!
//! [`run`] chooses the widest vectors of the machine at run time, not at build time.

/// Bytes that are compared at once.
///
/// A value proves that the machine has the instructions, because only [`Vector::splat`] and
/// [`Vector::load`] make one from nothing.
pub trait Vector: Copy {
    /// The number of bytes, at most 64.
    const BYTES: usize;

    /// A vector with `byte` at all places.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions.
    unsafe fn splat(byte: u8) -> Self;

    /// Reads [`Vector::BYTES`] bytes, which need not be aligned.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions, and the bytes must be readable. Others may write to
    /// them.
    unsafe fn load(at: *const u8) -> Self;

    /// A vector with all bits set in each byte that is equal in both, and no bits in the others.
    fn equal(self, other: Self) -> Self;

    /// The bits that are set in both.
    fn and(self, other: Self) -> Self;

    /// The bits that are set in at least one.
    fn or(self, other: Self) -> Self;

    /// Whether any byte of a result of `equal` has its bits set.
    fn any(self) -> bool;

    /// One bit for each byte of a result of `equal`, from the lowest for the first byte.
    fn mask(self) -> u64;

    /// A vector with the bytes of `table` at its first places, and again at the next ones.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions.
    unsafe fn repeat(table: &[u8; 16]) -> Self;

    /// The byte of a repeated table at each index, which must be less than 16.
    fn lookup(self, indices: Self) -> Self;

    /// The lowest four bits of each byte.
    fn low_halves(self) -> Self;

    /// The highest four bits of each byte.
    fn high_halves(self) -> Self;

    /// Prefetches memory into the cache if the processor has an instruction for that. Any address
    /// is allowed.
    #[inline(always)]
    fn prefetch(_: *const u8) {}
}

/// Work that can be done with vectors of any width.
pub trait Work {
    /// The result of the work.
    type Output;

    /// Does the work. Implementations must be `#[inline(always)]`, because the compiler may use the
    /// instructions only inside `run`.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions of `V`, and the requirements of the implementation
    /// must hold.
    unsafe fn with<V: Vector>(self) -> Self::Output;
}

/// Does `work` with the widest vectors of this machine.
///
/// # Safety
///
/// The requirements of the implementation of `work` must hold.
pub unsafe fn run<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if x86_64::is_wide() {
        // SAFETY: the machine has the instructions. The rest is the caller's promise.
        return unsafe { x86_64::run_wide(work) };
    }
    // SAFETY: every machine of this architecture has the instructions. The rest is the caller's
    // promise.
    unsafe { work.with::<Narrow>() }
}

/// Like [`run`], for work that uses [`Vector::lookup`].
///
/// # Safety
///
/// As for [`run`], on a machine for which [`can_look_up`] is true.
pub unsafe fn run_lookup<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if x86_64::is_wide() {
        // SAFETY: the machine has the instructions. The rest is the caller's promise.
        unsafe { x86_64::run_wide(work) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { x86_64::run_lookup(work) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        run(work)
    }
}

/// Whether [`Vector::lookup`] is fast.
pub fn can_look_up() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("ssse3");
    #[cfg(not(target_arch = "x86_64"))]
    return cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::Neon as Narrow;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) use portable::Bytes as Narrow;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::Sse2 as Narrow;
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use x86_64::Ssse3;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{Vector, Work};
    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident, $register:ty, $bytes:literal, $splat:ident, $load:ident, $equal:ident, $and:ident, $or:ident, $mask:ident, $repeat:ident, $lookup:ident, $shift:ident) => {
            #[derive(Clone, Copy)]
            pub struct $name($register);

            impl Vector for $name {
                const BYTES: usize = $bytes;

                #[inline(always)]
                unsafe fn splat(byte: u8) -> Self {
                    // SAFETY: the caller promises that the machine has the instruction.
                    $name(unsafe { $splat(byte.cast_signed()) })
                }

                #[inline(always)]
                unsafe fn load(at: *const u8) -> Self {
                    // SAFETY: the caller's promise.
                    $name(unsafe { $load(at.cast()) })
                }

                #[inline(always)]
                fn equal(self, other: Self) -> Self {
                    // SAFETY: the value proves that the machine has the instruction.
                    $name(unsafe { $equal(self.0, other.0) })
                }

                #[inline(always)]
                fn and(self, other: Self) -> Self {
                    // SAFETY: the value proves that the machine has the instruction.
                    $name(unsafe { $and(self.0, other.0) })
                }

                #[inline(always)]
                fn or(self, other: Self) -> Self {
                    // SAFETY: the value proves that the machine has the instruction.
                    $name(unsafe { $or(self.0, other.0) })
                }

                #[inline(always)]
                fn any(self) -> bool {
                    self.mask() != 0
                }

                #[inline(always)]
                fn mask(self) -> u64 {
                    // SAFETY: the value proves that the machine has the instruction.
                    u64::from(unsafe { $mask(self.0) }.cast_unsigned())
                }

                #[inline(always)]
                unsafe fn repeat(table: &[u8; 16]) -> Self {
                    // SAFETY: the table has sixteen bytes.
                    let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
                    // SAFETY: the caller promises that the machine has the instruction.
                    $name(unsafe { $repeat(table) })
                }

                #[inline(always)]
                fn lookup(self, indices: Self) -> Self {
                    // SAFETY: the value proves that the machine has the instruction.
                    $name(unsafe { $lookup(self.0, indices.0) })
                }

                #[inline(always)]
                fn low_halves(self) -> Self {
                    // SAFETY: the value proves that the machine has the instruction.
                    self.and(unsafe { Self::splat(15) })
                }

                #[inline(always)]
                fn high_halves(self) -> Self {
                    // The bits that come from the next byte are removed.
                    // SAFETY: the value proves that the machine has the instruction.
                    $name(unsafe { $shift::<4>(self.0) }).low_halves()
                }

                #[inline(always)]
                fn prefetch(at: *const u8) {
                    // SAFETY: prefetching has no visible effect, and any address is allowed.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
                }
            }
        };
    }

    vector!(
        Sse2,
        __m128i,
        16,
        _mm_set1_epi8,
        _mm_loadu_si128,
        _mm_cmpeq_epi8,
        _mm_and_si128,
        _mm_or_si128,
        _mm_movemask_epi8,
        same,
        lookup_each,
        _mm_srli_epi16
    );
    vector!(
        Ssse3,
        __m128i,
        16,
        _mm_set1_epi8,
        _mm_loadu_si128,
        _mm_cmpeq_epi8,
        _mm_and_si128,
        _mm_or_si128,
        _mm_movemask_epi8,
        same,
        _mm_shuffle_epi8,
        _mm_srli_epi16
    );
    vector!(
        Avx2,
        __m256i,
        32,
        _mm256_set1_epi8,
        _mm256_loadu_si256,
        _mm256_cmpeq_epi8,
        _mm256_and_si256,
        _mm256_or_si256,
        _mm256_movemask_epi8,
        _mm256_broadcastsi128_si256,
        _mm256_shuffle_epi8,
        _mm256_srli_epi16
    );

    /// # Safety
    ///
    /// None is needed. It stands for an instruction, which is unsafe.
    #[inline(always)]
    unsafe fn same(table: __m128i) -> __m128i {
        table
    }

    /// SSE2 has no instruction for looking up. Nothing uses this where that matters.
    ///
    /// # Safety
    ///
    /// None is needed. It stands for an instruction, which is unsafe.
    #[inline(always)]
    unsafe fn lookup_each(table: __m128i, indices: __m128i) -> __m128i {
        let (mut bytes, mut found) = ([0u8; 16], [0u8; 16]);
        // SAFETY: the array has sixteen bytes.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), table) };
        // SAFETY: the array has sixteen bytes.
        unsafe { _mm_storeu_si128(found.as_mut_ptr().cast(), indices) };
        for byte in &mut found {
            *byte = bytes.get(usize::from(*byte)).copied().unwrap_or(0);
        }
        // SAFETY: the array has sixteen bytes.
        unsafe { _mm_loadu_si128(found.as_ptr().cast()) }
    }

    /// Whether the machine has AVX2 and the bit instructions that came with it.
    pub fn is_wide() -> bool {
        use std::arch::is_x86_feature_detected as has;
        has!("avx2") && has!("bmi1") && has!("lzcnt") && has!("popcnt")
    }

    /// # Safety
    ///
    /// Those of [`super::run`], on a machine with SSSE3.
    #[target_feature(enable = "ssse3")]
    pub unsafe fn run_lookup<W: Work>(work: W) -> W::Output {
        // SAFETY: the caller's promise.
        unsafe { work.with::<Ssse3>() }
    }

    /// # Safety
    ///
    /// Those of [`super::run`], on a machine for which [`is_wide`] is true.
    #[target_feature(enable = "avx2,bmi1,lzcnt,popcnt")]
    pub unsafe fn run_wide<W: Work>(work: W) -> W::Output {
        // SAFETY: the caller's promise.
        unsafe { work.with::<Avx2>() }
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::Vector;
    use std::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub struct Neon(uint8x16_t);

    impl Vector for Neon {
        const BYTES: usize = 16;

        #[inline(always)]
        unsafe fn splat(byte: u8) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vdupq_n_u8(byte) })
        }

        #[inline(always)]
        unsafe fn load(at: *const u8) -> Self {
            // SAFETY: the caller's promise.
            Neon(unsafe { vld1q_u8(at) })
        }

        #[inline(always)]
        fn equal(self, other: Self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vceqq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn and(self, other: Self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vandq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vorrq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn any(self) -> bool {
            // SAFETY: every machine of this architecture has NEON.
            let most = unsafe { vmaxvq_u8(self.0) };
            most != 0
        }

        #[inline(always)]
        unsafe fn repeat(table: &[u8; 16]) -> Self {
            // SAFETY: the table has sixteen bytes.
            Neon(unsafe { vld1q_u8(table.as_ptr()) })
        }

        #[inline(always)]
        fn lookup(self, indices: Self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vqtbl1q_u8(self.0, indices.0) })
        }

        #[inline(always)]
        fn low_halves(self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            self.and(Neon(unsafe { vdupq_n_u8(15) }))
        }

        #[inline(always)]
        fn high_halves(self) -> Self {
            // SAFETY: every machine of this architecture has NEON.
            Neon(unsafe { vshrq_n_u8::<4>(self.0) })
        }

        #[inline(always)]
        fn mask(self) -> u64 {
            // NEON has no instruction for a mask. Each byte with its bits set keeps only the bit of
            // its place in a group of eight, and the bytes of a group are added up.
            const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
            // SAFETY: the constant has sixteen bytes.
            let places = unsafe { vld1q_u8(PLACES.as_ptr()) };
            // SAFETY: every machine of this architecture has NEON.
            let kept = unsafe { vandq_u8(self.0, places) };
            // SAFETY: every machine of this architecture has NEON.
            let low = unsafe { vget_low_u8(kept) };
            // SAFETY: every machine of this architecture has NEON.
            let high = unsafe { vget_high_u8(kept) };
            // SAFETY: every machine of this architecture has NEON.
            let (low, high) = (unsafe { vaddv_u8(low) }, unsafe { vaddv_u8(high) });
            u64::from(low) | u64::from(high) << 8
        }
    }
}

/// Vectors for all other architectures. The compiler turns them into the instructions of those.
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) mod portable {
    use super::Vector;

    #[derive(Clone, Copy)]
    pub struct Bytes([u8; 16]);

    impl Bytes {
        #[inline(always)]
        fn combine(self, other: Self, with: impl Fn(u8, u8) -> u8) -> Self {
            let mut bytes = self.0;
            for (one, two) in bytes.iter_mut().zip(other.0) {
                *one = with(*one, two);
            }
            Bytes(bytes)
        }
    }

    impl Vector for Bytes {
        const BYTES: usize = 16;

        #[inline(always)]
        unsafe fn splat(byte: u8) -> Self {
            Bytes([byte; 16])
        }

        #[inline(always)]
        unsafe fn load(at: *const u8) -> Self {
            // SAFETY: the caller's promise.
            Bytes(unsafe { at.cast::<[u8; 16]>().read_unaligned() })
        }

        #[inline(always)]
        fn equal(self, other: Self) -> Self {
            self.combine(other, |one, two| if one == two { 0xff } else { 0 })
        }

        #[inline(always)]
        fn and(self, other: Self) -> Self {
            self.combine(other, |one, two| one & two)
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            self.combine(other, |one, two| one | two)
        }

        #[inline(always)]
        unsafe fn repeat(table: &[u8; 16]) -> Self {
            Bytes(*table)
        }

        #[inline(always)]
        fn lookup(self, indices: Self) -> Self {
            Bytes(indices.0.map(|index| self.0.get(usize::from(index)).copied().unwrap_or(0)))
        }

        #[inline(always)]
        fn low_halves(self) -> Self {
            Bytes(self.0.map(|byte| byte & 15))
        }

        #[inline(always)]
        fn high_halves(self) -> Self {
            Bytes(self.0.map(|byte| byte >> 4))
        }

        #[inline(always)]
        fn any(self) -> bool {
            self.0.iter().any(|&byte| byte != 0)
        }

        #[inline(always)]
        fn mask(self) -> u64 {
            self.0.iter().enumerate().fold(0, |mask, (index, byte)| mask | u64::from(byte & 1) << index)
        }
    }
}

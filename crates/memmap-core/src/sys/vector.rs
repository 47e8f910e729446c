//! Several bytes at a time: the vectors of the processor.
//!
//! [`run`] chooses the widest that this machine has, when it runs and not when it is built.

/// Bytes that are compared at once.
///
/// To have a value is to have the instructions: only [`Vector::splat`] and [`Vector::load`] make one from nothing.
pub trait Vector: Copy {
    /// How many bytes, at most 64.
    const BYTES: usize;

    /// The same byte everywhere.
    ///
    /// # Safety
    ///
    /// The machine must have these instructions.
    unsafe fn splat(byte: u8) -> Self;

    /// Reads [`Vector::BYTES`] bytes, which may lie anywhere.
    ///
    /// # Safety
    ///
    /// The machine must have these instructions, and the bytes must be readable. Others may write to them.
    unsafe fn load(at: *const u8) -> Self;

    /// All bits set where the bytes are the same, none where they are not.
    fn equal(self, other: Self) -> Self;

    /// The bits that both have.
    fn and(self, other: Self) -> Self;

    /// The bits that one of them has.
    fn or(self, other: Self) -> Self;

    /// Of a result of `equal`: whether any byte has its bits set.
    fn any(self) -> bool;

    /// Of a result of `equal`: a bit for each byte, the first one lowest.
    fn mask(self) -> u64;

    /// Asks for memory to be brought into the cache, where the processor can be asked. The address may be any.
    #[inline(always)]
    fn prefetch(_: *const u8) {}
}

/// What can be done with vectors of any width.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`: only inside of `run` may the compiler use the instructions.
    ///
    /// # Safety
    ///
    /// The machine must have the instructions of `V`, and what the implementation asks for.
    unsafe fn with<V: Vector>(self) -> Self::Output;
}

/// Does `work` with the widest vectors that this machine has.
///
/// # Safety
///
/// What the implementation of `work` asks for.
pub unsafe fn run<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if x86_64::is_wide() {
        // SAFETY: the machine has it; the rest is the caller's promise.
        return unsafe { x86_64::run_wide(work) };
    }
    // SAFETY: every machine of this architecture has these; the rest is the caller's promise.
    unsafe { work.with::<Narrow>() }
}

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::Neon as Narrow;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) use portable::Bytes as Narrow;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::Sse2 as Narrow;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{Vector, Work};
    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident, $register:ty, $bytes:literal, $splat:ident, $load:ident, $equal:ident, $and:ident, $or:ident, $mask:ident) => {
            #[derive(Clone, Copy)]
            pub struct $name($register);

            impl Vector for $name {
                const BYTES: usize = $bytes;

                #[inline(always)]
                unsafe fn splat(byte: u8) -> Self {
                    // SAFETY: the caller says that the machine has it.
                    $name(unsafe { $splat(byte.cast_signed()) })
                }

                #[inline(always)]
                unsafe fn load(at: *const u8) -> Self {
                    // SAFETY: the caller's promise.
                    $name(unsafe { $load(at.cast()) })
                }

                #[inline(always)]
                fn equal(self, other: Self) -> Self {
                    // SAFETY: the machine has it, for there is a value.
                    $name(unsafe { $equal(self.0, other.0) })
                }

                #[inline(always)]
                fn and(self, other: Self) -> Self {
                    // SAFETY: as above.
                    $name(unsafe { $and(self.0, other.0) })
                }

                #[inline(always)]
                fn or(self, other: Self) -> Self {
                    // SAFETY: as above.
                    $name(unsafe { $or(self.0, other.0) })
                }

                #[inline(always)]
                fn any(self) -> bool {
                    self.mask() != 0
                }

                #[inline(always)]
                fn mask(self) -> u64 {
                    // SAFETY: as above.
                    u64::from(unsafe { $mask(self.0) }.cast_unsigned())
                }

                #[inline(always)]
                fn prefetch(at: *const u8) {
                    // SAFETY: it reads nothing that can be seen, and no address is wrong.
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
        _mm_movemask_epi8
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
        _mm256_movemask_epi8
    );

    /// Whether the machine has AVX2, and the instructions for bits that came with it.
    pub fn is_wide() -> bool {
        use std::arch::is_x86_feature_detected as has;
        has!("avx2") && has!("bmi1") && has!("lzcnt") && has!("popcnt")
    }

    /// # Safety
    ///
    /// As for [`super::run`], on a machine for which [`is_wide`] holds.
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
            // SAFETY: as for `splat`.
            Neon(unsafe { vceqq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn and(self, other: Self) -> Self {
            // SAFETY: as for `splat`.
            Neon(unsafe { vandq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            // SAFETY: as for `splat`.
            Neon(unsafe { vorrq_u8(self.0, other.0) })
        }

        #[inline(always)]
        fn any(self) -> bool {
            // SAFETY: as for `splat`.
            let most = unsafe { vmaxvq_u8(self.0) };
            most != 0
        }

        #[inline(always)]
        fn mask(self) -> u64 {
            // There is no instruction for it. Of each byte that has its bits set the one of its place in a group of eight is kept, and
            // the eight of a group are added up.
            const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
            // SAFETY: sixteen bytes, which are ours.
            let places = unsafe { vld1q_u8(PLACES.as_ptr()) };
            // SAFETY: as for `splat`, here and below.
            let kept = unsafe { vandq_u8(self.0, places) };
            // SAFETY: see above.
            let low = unsafe { vget_low_u8(kept) };
            // SAFETY: see above.
            let high = unsafe { vget_high_u8(kept) };
            // SAFETY: see above.
            let (low, high) = (unsafe { vaddv_u8(low) }, unsafe { vaddv_u8(high) });
            u64::from(low) | u64::from(high) << 8
        }
    }
}

/// For all other architectures; the compiler makes of it what they have.
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
        fn any(self) -> bool {
            self.0.iter().any(|&byte| byte != 0)
        }

        #[inline(always)]
        fn mask(self) -> u64 {
            self.0.iter().enumerate().fold(0, |mask, (index, byte)| mask | u64::from(byte & 1) << index)
        }
    }
}

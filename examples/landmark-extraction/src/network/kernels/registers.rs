//! The processor's wide registers, behind one trait, so that each loop over numbers is written once.
//!
//! Promises: a value of a type that implements [`Registers`] exists only where the processor has them, so its methods need no further check;
//! both implementations give the same bits, because each lane is added up alone and in the same order. Leaves to others: the loops.

use std::arch::x86_64::*;

/// Registers of [`LANES`](Self::LANES) numbers. The value is a proof that the processor has them.
pub(crate) trait Registers: Copy {
    /// One register.
    type Vector: Copy;
    /// Numbers in a register.
    const LANES: usize;
    /// Points of a product that are added up at once, so that the sums of two registers each still fit.
    const POINTS: usize;

    /// Runs a kernel that is compiled for this processor.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
    /// The same number in every lane.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first numbers of a slice that has enough.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// The numbers of a slice that may be too short; 0 behind them.
    fn load_part(self, from: &[f32]) -> Self::Vector;
    /// Writes to the front of a slice that is long enough.
    fn store(self, vector: Self::Vector, to: &mut [f32]);
    /// Writes as many as the slice takes.
    fn store_part(self, vector: Self::Vector, to: &mut [f32]);
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// Loops that can be compiled for any registers. `run` must be `#[inline(always)]`, and so must all that it calls.
pub(crate) trait Kernel {
    type Output;
    fn run<R: Registers>(self, registers: R) -> Self::Output;
}

/// What this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    Wide(Wide),
    Medium(Medium),
}

impl Processor {
    /// The widest registers that there are a kernel for, if any.
    pub(crate) fn detect() -> Option<Self> {
        Wide::detect().map(Self::Wide).or_else(|| Medium::detect().map(Self::Medium))
    }

    /// Numbers in a register.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Wide(_) => Wide::LANES,
            Self::Medium(_) => Medium::LANES,
        }
    }

    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Wide(registers) => registers.run(kernel),
            Self::Medium(registers) => registers.run(kernel),
        }
    }
}

/// Registers of sixteen numbers: AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide(());

impl Wide {
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && Medium::detect().is_some();
        has.then_some(Self(()))
    }
}

/// Registers of eight numbers: AVX2 with fused multiplication and addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Medium(());

impl Medium {
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }
}

/// The methods of [`Registers`] that are one instruction each.
macro_rules! one_instruction {
    ($($method:ident($($argument:ident),*) = $instruction:ident($($passed:ident),*);)*) => {
        $(
            #[inline(always)]
            fn $method(self, $($argument: Self::Vector),*) -> Self::Vector {
                // SAFETY: `self` exists, so the processor has the instruction.
                unsafe { $instruction($($passed),*) }
            }
        )*
    };
}

impl Registers for Wide {
    type Vector = __m512;
    const LANES: usize = 16;
    const POINTS: usize = 12;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx2,fma")]
        #[inline(never)]
        fn compiled<K: Kernel>(kernel: K, registers: Wide) -> K::Output {
            kernel.run(registers)
        }
        // SAFETY: `self` exists, so the processor has what the function is compiled for.
        unsafe { compiled(kernel, self) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` exists, so the processor has the instruction.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from = &from[..Self::LANES];
        // SAFETY: `self` exists, so the processor has the instruction; it reads the sixteen numbers of the slice, of any alignment.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m512 {
        // SAFETY: `self` exists, so the processor has the instruction; the mask lets it read numbers of the slice only.
        unsafe { _mm512_maskz_loadu_ps(first_lanes(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: `self` exists, so the processor has the instruction; it writes the sixteen numbers of the slice, of any alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn store_part(self, vector: __m512, to: &mut [f32]) {
        // SAFETY: `self` exists, so the processor has the instruction; the mask lets it write numbers of the slice only.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first_lanes(to.len()), vector) }
    }

    one_instruction! {
        mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        add(a, b) = _mm512_add_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        min(a, b) = _mm512_min_ps(a, b);
    }
}

/// A bit for each of the first `n` lanes of sixteen.
#[inline(always)]
fn first_lanes(n: usize) -> __mmask16 {
    match n {
        0..16 => (1 << n) - 1,
        _ => __mmask16::MAX,
    }
}

impl Registers for Medium {
    type Vector = __m256;
    const LANES: usize = 8;
    const POINTS: usize = 6;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<K: Kernel>(kernel: K, registers: Medium) -> K::Output {
            kernel.run(registers)
        }
        // SAFETY: `self` exists, so the processor has what the function is compiled for.
        unsafe { compiled(kernel, self) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` exists, so the processor has the instruction.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..Self::LANES];
        // SAFETY: `self` exists, so the processor has the instruction; it reads the eight numbers of the slice, of any alignment.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m256 {
        let mut numbers = [0.0; Self::LANES];
        let n = from.len().min(Self::LANES);
        numbers[..n].copy_from_slice(&from[..n]);
        self.load(&numbers)
    }

    #[inline(always)]
    fn store(self, vector: __m256, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: `self` exists, so the processor has the instruction; it writes the eight numbers of the slice, of any alignment.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn store_part(self, vector: __m256, to: &mut [f32]) {
        let mut numbers = [0.0; Self::LANES];
        self.store(vector, &mut numbers);
        let n = to.len().min(Self::LANES);
        to[..n].copy_from_slice(&numbers[..n]);
    }

    one_instruction! {
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        add(a, b) = _mm256_add_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
    }
}

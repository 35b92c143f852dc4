//! Loops over numbers, compiled a second time for processors with registers of four `f64`.
//!
//! Promises: the same bits either way. The compiler fuses no multiplication with an addition unless a flag allows it, and keeps the order
//! of additions.

/// Calls a function that is `#[inline(always)]`, compiled for AVX2 where the processor has it. The last expression of its caller.
macro_rules! in_wide_registers {
    ($function:ident($($argument:ident: $type:ty),*) -> $out:ty) => {{
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn wide($($argument: $type),*) -> $out {
                $function($($argument),*)
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function was compiled for, as was just asked.
                return unsafe { wide($($argument),*) };
            }
        }
        $function($($argument),*)
    }};
}

pub(crate) use in_wide_registers;

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    #[inline(always)]
    fn sum_of_products(a: &[f64], b: &[f64]) -> f64 {
        let mut lanes = [0.0; 8];
        for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
            for lane in 0..8 {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        lanes.iter().sum()
    }

    fn in_either(a: &[f64], b: &[f64]) -> f64 {
        in_wide_registers!(sum_of_products(a: &[f64], b: &[f64]) -> f64)
    }

    #[test]
    fn wide_registers_give_the_same_bits() {
        let mut rng = Rng::for_test("wide_registers_give_the_same_bits");
        for n in [0, 8, 800] {
            let [a, b] = [(); 2].map(|()| (0..n).map(|_| rng.fraction() - 0.3).collect::<Vec<f64>>());
            assert_eq!(in_either(&a, &b).to_bits(), sum_of_products(&a, &b).to_bits());
        }
    }
}

//! The same figures with double precision, from realfft.

use realfft::RealFftPlanner;

/// The squared magnitudes of the transform, from zero to half the length.
pub(crate) fn powers(samples: &[f64]) -> Vec<f64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(samples.len());
    let mut input = samples.to_vec();
    let mut output = fft.make_output_vec();
    fft.process(&mut input, &mut output).expect("the buffers have the plan's lengths");
    output.iter().map(|value| value.norm_sqr()).collect()
}

/// The first bin of the largest power.
pub(crate) fn dominant(powers: &[f64]) -> usize {
    (0..powers.len()).rev().max_by(|a, b| powers[*a].total_cmp(&powers[*b])).expect("there is a bin")
}

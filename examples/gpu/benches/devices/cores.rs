//! The side of the cores: transforms of double precision, on one of them or on all.

use std::num::NonZeroUsize;
use std::thread;

use realfft::RealFftPlanner;

/// The cores of this machine that the program may use.
pub(crate) fn n_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Does `work` on equal parts of the items, one part for each of so many threads, and joins the values in order.
pub(crate) fn on_threads<I: Sync, V: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&[I]) -> Vec<V> + Sync,
) -> Vec<V> {
    let part_len = items.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = items.chunks(part_len).map(|part| scope.spawn(|| work(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("the work does not panic")).collect()
    })
}

/// Squared magnitudes of transforms of one length, with buffers that are made once.
pub(crate) struct Powers {
    fft: std::sync::Arc<dyn realfft::RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<realfft::num_complex::Complex<f64>>,
    scratch: Vec<realfft::num_complex::Complex<f64>>,
}

impl Powers {
    pub(crate) fn new(len: usize) -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(len);
        Self { input: fft.make_input_vec(), output: fft.make_output_vec(), scratch: fft.make_scratch_vec(), fft }
    }

    /// Of samples that `fill` writes into the buffer.
    pub(crate) fn of(&mut self, fill: impl FnOnce(&mut [f64])) -> impl Iterator<Item = f64> {
        fill(&mut self.input);
        let processed = self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        processed.expect("the buffers have the plan's lengths");
        self.output.iter().map(|value| value.norm_sqr())
    }
}

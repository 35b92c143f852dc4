//! When volumes and slices begin, by the scanner's clock, and where the recorder marks them.

use super::rng::{Rng, Stream};
use super::{SLICE_CODE, SceneSettings, VOLUME_CODE};

/// All slices, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    pub(super) slices: Vec<Slice>,
    pub(super) n_volumes: usize,
}

/// One slice of one volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slice {
    /// When it begins, in samples and fractions of one.
    pub(super) onset: f64,
    /// Its volume, from 0.
    pub(super) volume: usize,
    /// Its place in the volume, from 0.
    pub(super) slice: usize,
}

/// A mark of the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The sample that is nearest to the true begin.
    pub(super) sample: i64,
    /// The code.
    pub(super) code: u8,
}

impl Timeline {
    pub(super) fn new(settings: &SceneSettings) -> Self {
        let mut rng = Rng::new(settings.seed, Stream::Clock, 0);
        let n_volumes = settings.n_volumes();
        let clock = 1.0 - settings.clock_drift_ppm * 1e-6;
        let mut slices = Vec::with_capacity(n_volumes * settings.slices_per_volume);
        for volume in 0..n_volumes {
            let due = settings.scan_start_s + volume as f64 * settings.repetition_time_s * clock;
            let jitter = rng.within(-settings.clock_jitter_samples, settings.clock_jitter_samples);
            let begin = (due * settings.sfreq_hz + jitter).max(0.0);
            let step = settings.slice_samples() * clock;
            let slice = |slice: usize| Slice { onset: begin + slice as f64 * step, volume, slice };
            slices.extend((0..settings.slices_per_volume).map(slice));
        }
        Self { slices, n_volumes }
    }

    /// Where slices are marked.
    pub(super) fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.slices.iter().map(|slice| Mark {
            sample: slice.onset.round() as i64,
            code: if slice.slice == 0 { VOLUME_CODE } else { SLICE_CODE },
        })
    }
}

//! A light curve folded at a period, as running sums over bins.

use super::PreparedSearch;

/// Running sums: at `n`, of all bins below `n`. Used again from period to period.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// Of flux times weight.
    pub(super) sums: Vec<f64>,
    /// Of weights.
    pub(super) weights: Vec<f64>,
    /// The bin of each point.
    places: Vec<u32>,
    /// Flux times weight, and weight, of each bin, counted from 1.
    bins: Vec<[f64; 2]>,
}

impl Folded {
    #[inline(always)]
    pub(super) fn fold(&mut self, search: &PreparedSearch, period: f64) {
        let whole = (period / search.bin).ceil() as usize;
        let n_bins = whole + search.oversample;
        self.place(&search.time, period, search.bin);
        self.bins.clear();
        self.bins.resize(n_bins + 1, [0.0; 2]);
        for (&place, &[weighted, weight]) in self.places.iter().zip(&search.points) {
            let bin = &mut self.bins[place as usize];
            *bin = [bin[0] + weighted, bin[1] + weight];
        }
        // Assigned, not added, and from the last bin on: what the reference does.
        for at in 1..=search.oversample {
            self.bins[whole + at - 1] = self.bins[at];
        }
        let mut running = [0.0; 2];
        self.sums.clear();
        self.weights.clear();
        self.sums.reserve(n_bins + 1);
        self.weights.reserve(n_bins + 1);
        for &[weighted, weight] in &self.bins {
            running = [running[0] + weighted, running[1] + weight];
            self.sums.push(running[0]);
            self.weights.push(running[1]);
        }
    }

    /// Notes the bin of each point, counted from 1.
    #[inline(always)]
    fn place(&mut self, time: &[f64], period: f64, bin: f64) {
        self.places.resize(time.len(), 0);
        for (place, &time) in self.places.iter_mut().zip(time) {
            let phase = time - period * (time / period).floor();
            // Never below zero but for rounding, which the cast takes for the first bin.
            *place = (phase / bin) as i32 as u32 + 1;
        }
    }
}

//! Finite filters of linear phase by the window method, of automatic length: a Hamming window, and transition bands that follow
//! from the edges of the pass band.
//!
//! A filter is described by corners of its gain. Each change of gain between two corners is a low-pass filter whose length fits that
//! transition; they are added up, centred, in a filter as long as the steepest transition needs.
//!
//! Promises: the same taps for the same numbers on every machine to the last few bits; every refusal names the number and what
//! would do. Applying the taps is left to [`ZeroPhaseFir`](super::ZeroPhaseFir).

use std::f64::consts::PI;

use crate::{EegError, EegResult};

/// More taps than this are refused: to filter with so many takes blocks of 128 MB each, and they come from a slip in a frequency.
const MOST_TAPS: f64 = 5_000_000.0;

/// The width of a Hamming window's main lobe: a transition of `width` Hz takes 3.3 / width seconds.
const HAMMING_LENGTH: f64 = 3.3;

/// The width in Hz of each transition of a notch.
const NOTCH_TRANSITION_HZ: f64 = 0.5;

/// The taps of a high-pass (`l_freq` alone), low-pass (`h_freq` alone) or band-pass filter (both).
///
/// `sfreq`, `l_freq` and `h_freq` are in Hz; the last two are the edges of the pass band. The transition below `l_freq` is
/// min(max(l/4, 2), l) Hz wide, that above `h_freq` min(max(h/4, 2), sfreq/2 - h). The number of taps is odd, and grows with the rate
/// over the narrower transition: 3.3 seconds of samples for a high-pass at 1 Hz. The cost is a sine per tap and transition.
///
/// # Errors
/// [`EegError::Parameter`] for numbers that are not finite or not above zero, an edge at or above half the rate, `l_freq` at or above
/// `h_freq` (a band-stop: use [`design_notch`]), no edge at all, and filters of more than five million taps.
///
/// ```
/// let taps = eeg_artifact::dsp::design_fir(250.0, Some(1.0), None)?;
/// assert_eq!(taps.len(), 825);
/// assert!(taps.iter().sum::<f64>().abs() < 1e-12, "a high-pass passes nothing constant");
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
pub fn design_fir(sfreq: f64, l_freq: Option<f64>, h_freq: Option<f64>) -> EegResult<Vec<f64>> {
    Ok(FirDesign::band(sfreq, l_freq, h_freq)?.taps())
}

/// The taps of one filter with notches at all of `freqs`.
///
/// All numbers are in Hz. A notch at f stops `width` around f (f/200 where none is given), and has transitions of half a Hz on either
/// side; so there are about 6.6 taps per sample of a second.
///
/// # Errors
/// [`EegError::Parameter`] for numbers that are not finite or not above zero, no frequency, notches that overlap each other, and those
/// that reach below zero or above half the rate.
///
/// ```
/// let taps = eeg_artifact::dsp::design_notch(250.0, &[50.0], None)?;
/// assert_eq!(taps.len(), 1651);
/// let error = eeg_artifact::dsp::design_notch(101.0, &[50.0], None).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "step \"fir\": freqs = 50: the notch reaches to 50.625 Hz, above half the rate, 50.5 Hz; leave it out, or use data of a higher rate"
/// );
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
pub fn design_notch(sfreq: f64, freqs: &[f64], width: Option<f64>) -> EegResult<Vec<f64>> {
    Ok(FirDesign::notch(sfreq, freqs, width)?.taps())
}

/// A filter whose numbers were checked, before its taps are computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FirDesign {
    nyquist: f64,
    corners: Vec<Corner>,
    n_taps: usize,
}

/// Where the gain begins or ends to change.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Corner {
    freq: f64,
    gain: Gain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gain {
    Stop,
    Pass,
}

impl FirDesign {
    /// A high-, low- or band-pass filter, see [`design_fir`].
    pub(crate) fn band(sfreq: f64, l_freq: Option<f64>, h_freq: Option<f64>) -> EegResult<Self> {
        let nyquist = require_rate(sfreq)? / 2.0;
        for (name, freq) in [("l_freq", l_freq), ("h_freq", h_freq)] {
            freq.map_or(Ok(()), |freq| require_below_nyquist(name, freq, nyquist))?;
        }
        match (l_freq, h_freq) {
            (None, None) => return Err(refused("l_freq", "nothing", "give l_freq, h_freq or both")),
            (Some(low), Some(high)) if low >= high => {
                let reason = format!("it is not below h_freq = {high}; a band-stop filter is the step \"notch\"");
                return Err(refused("l_freq", low, reason));
            }
            _ => {}
        }
        let low_width = l_freq.map(|low| (low / 4.0).max(2.0).min(low));
        let high_width = h_freq.map(|high| (high / 4.0).max(2.0).min(nyquist - high));
        let mut corners = Vec::new();
        match l_freq.zip(low_width) {
            Some((low, width)) => corners.extend([stop(0.0), stop(low - width), pass(low)]),
            None => corners.push(pass(0.0)),
        }
        match h_freq.zip(high_width) {
            Some((high, width)) => corners.extend([pass(high), stop(high + width), stop(nyquist)]),
            None => corners.push(pass(nyquist)),
        }
        let narrowest = low_width.unwrap_or(f64::INFINITY).min(high_width.unwrap_or(f64::INFINITY));
        let named = if low_width == Some(narrowest) { ("l_freq", l_freq) } else { ("h_freq", h_freq) };
        let n_taps =
            n_taps(sfreq, narrowest).map_err(|reason| refused(named.0, named.1.unwrap_or_default(), reason))?;
        Ok(Self { nyquist, corners, n_taps })
    }

    /// A filter with notches, see [`design_notch`].
    pub(crate) fn notch(sfreq: f64, freqs: &[f64], width: Option<f64>) -> EegResult<Self> {
        let nyquist = require_rate(sfreq)? / 2.0;
        if freqs.is_empty() {
            return Err(refused("freqs", "[]", "give the frequencies to remove, such as [50.0]"));
        }
        width.map_or(Ok(()), |width| require_positive("width", width))?;
        freqs.iter().try_for_each(|freq| require_below_nyquist("freqs", *freq, nyquist))?;
        let mut ordered = freqs.to_vec();
        ordered.sort_by(f64::total_cmp);
        let mut corners = vec![pass(0.0)];
        for freq in ordered {
            let half = width.unwrap_or(freq / 200.0) / 2.0;
            let (from, to) = (freq - half - NOTCH_TRANSITION_HZ, freq + half + NOTCH_TRANSITION_HZ);
            require_free(freq, from, to, &corners, nyquist)?;
            corners.extend([pass(from), stop(from + NOTCH_TRANSITION_HZ), stop(to - NOTCH_TRANSITION_HZ), pass(to)]);
        }
        corners.push(pass(nyquist));
        let n_taps = n_taps(sfreq, NOTCH_TRANSITION_HZ).map_err(|reason| refused("sfreq", sfreq, reason))?;
        Ok(Self { nyquist, corners, n_taps })
    }

    /// How many taps it has: an odd number.
    pub(crate) fn n_taps(&self) -> usize {
        self.n_taps
    }

    /// Its taps.
    pub(crate) fn taps(&self) -> Vec<f64> {
        let mut taps = vec![0.0; self.n_taps];
        if self.corners.last().is_some_and(|corner| corner.gain == Gain::Pass) {
            taps[self.n_taps / 2] = 1.0;
        }
        for pair in self.corners.windows(2).rev() {
            let (lower, upper) = (pair[0], pair[1]);
            match (lower.gain, upper.gain) {
                (Gain::Pass, Gain::Stop) => self.add_lowpass(&mut taps, lower.freq, upper.freq, 1.0),
                (Gain::Stop, Gain::Pass) => self.add_lowpass(&mut taps, lower.freq, upper.freq, -1.0),
                _ => {}
            }
        }
        taps
    }

    /// Adds a low-pass filter whose gain falls between these two frequencies, times `sign`, to the middle of the taps.
    fn add_lowpass(&self, taps: &mut [f64], from: f64, to: f64, sign: f64) {
        let width = (to - from) / self.nyquist / 2.0;
        let n_wanted = odd((HAMMING_LENGTH / width).round_ties_even());
        let n = (n_wanted as usize).min(taps.len()); // never more, but for rounding
        let cutoff = f64::midpoint(from, to) / self.nyquist;
        let prototype: Vec<f64> = (0..n).map(|tap| cutoff * sinc(cutoff * offset(tap, n)) * hamming(tap, n)).collect();
        let sum: f64 = prototype.iter().sum();
        let first = (taps.len() - n) / 2;
        taps[first..].iter_mut().zip(&prototype).for_each(|(tap, value)| *tap += sign * value / sum);
    }
}

fn pass(freq: f64) -> Corner {
    Corner { freq, gain: Gain::Pass }
}

fn stop(freq: f64) -> Corner {
    Corner { freq, gain: Gain::Stop }
}

/// How many taps a transition of this width takes, or why that is too many.
fn n_taps(sfreq: f64, width: f64) -> Result<usize, String> {
    let n_taps = odd((HAMMING_LENGTH / width * sfreq).ceil());
    if n_taps <= MOST_TAPS {
        return Ok(n_taps as usize);
    }
    Err(format!(
        "the filter would have {n_taps} taps, and at most {MOST_TAPS} are computed; downsample first, or move the edge"
    ))
}

/// The number itself, or the next where it is even; at least 1.
fn odd(count: f64) -> f64 {
    let count = count.max(1.0);
    if count % 2.0 == 0.0 { count + 1.0 } else { count }
}

/// How far a tap is from the middle one.
fn offset(tap: usize, n: usize) -> f64 {
    tap as f64 - (n / 2) as f64
}

/// sin(pi x) / (pi x), and 1 at 0.
pub(super) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn hamming(tap: usize, n: usize) -> f64 {
    if n == 1 { 1.0 } else { 0.54 - 0.46 * (2.0 * PI * tap as f64 / (n - 1) as f64).cos() }
}

fn require_rate(sfreq: f64) -> EegResult<f64> {
    require_positive("sfreq", sfreq).map(|()| sfreq)
}

fn require_positive(parameter: &str, value: f64) -> EegResult<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(refused(parameter, value, "it must be a number of Hz above zero"))
}

fn require_below_nyquist(parameter: &str, freq: f64, nyquist: f64) -> EegResult<()> {
    require_positive(parameter, freq)?;
    if freq < nyquist {
        return Ok(());
    }
    let reason =
        format!("it must be below half the rate, {nyquist} Hz; use a lower frequency, or data of a higher rate");
    Err(refused(parameter, freq, reason))
}

/// Whether a notch from `from` to `to` is between zero and half the rate, and above the corners so far.
fn require_free(freq: f64, from: f64, to: f64, corners: &[Corner], nyquist: f64) -> EegResult<()> {
    if from < 0.0 {
        let reason =
            format!("the notch reaches to {from} Hz, below zero; give a smaller width, or use the step \"highpass\"");
        return Err(refused("freqs", freq, reason));
    }
    if to > nyquist {
        let reason = format!(
            "the notch reaches to {to} Hz, above half the rate, {nyquist} Hz; leave it out, or use data of a higher rate"
        );
        return Err(refused("freqs", freq, reason));
    }
    match corners.last() {
        Some(last) if from < last.freq => {
            let reason = format!(
                "the notch begins at {from} Hz, and the one below it ends at {} Hz; leave one out, or give a smaller width",
                last.freq
            );
            Err(refused("freqs", freq, reason))
        }
        _ => Ok(()),
    }
}

fn refused(parameter: &str, value: impl ToString, reason: impl Into<String>) -> EegError {
    EegError::parameter("fir", parameter, value, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gain of symmetric taps at a frequency.
    fn gain(taps: &[f64], freq: f64, sfreq: f64) -> f64 {
        let n = taps.len();
        taps.iter().enumerate().map(|(tap, value)| value * (2.0 * PI * freq / sfreq * offset(tap, n)).cos()).sum()
    }

    #[test]
    fn a_filter_passes_its_band_and_stops_the_rest() {
        let taps = design_fir(250.0, Some(4.0), Some(40.0)).unwrap();
        for (freq, expected) in
            [(0.0, 0.0), (1.5, 0.0), (4.5, 1.0), (20.0, 1.0), (39.0, 1.0), (51.0, 0.0), (120.0, 0.0)]
        {
            let found = gain(&taps, freq, 250.0);
            assert!((found - expected).abs() < 0.01, "gain at {freq} Hz: {found}");
        }
        let taps = design_notch(500.0, &[150.0, 50.0], Some(1.0)).unwrap();
        for (freq, expected) in
            [(0.0, 1.0), (48.5, 1.0), (50.0, 0.0), (52.0, 1.0), (100.0, 1.0), (150.0, 0.0), (249.0, 1.0)]
        {
            let found = gain(&taps, freq, 500.0);
            assert!((found - expected).abs() < 0.01, "gain at {freq} Hz: {found}");
        }
    }

    #[test]
    fn the_order_of_notches_does_not_matter() {
        assert_eq!(design_notch(500.0, &[150.0, 50.0], None), design_notch(500.0, &[50.0, 150.0], None));
    }

    #[test]
    fn each_number_that_no_filter_can_have_is_refused_by_name() {
        let band = |sfreq, low, high| FirDesign::band(sfreq, low, high).unwrap_err().to_string();
        for (message, part) in [
            (band(f64::NAN, Some(1.0), None), "sfreq = NaN"),
            (band(0.0, Some(1.0), None), "sfreq = 0"),
            (band(250.0, None, None), "l_freq = nothing"),
            (band(250.0, Some(0.0), None), "l_freq = 0"),
            (band(250.0, Some(-1.0), None), "l_freq = -1"),
            (band(250.0, None, Some(f64::INFINITY)), "h_freq = inf"),
            (band(250.0, None, Some(125.0)), "below half the rate, 125 Hz"),
            (band(250.0, Some(130.0), None), "below half the rate, 125 Hz"),
            (band(250.0, Some(40.0), Some(40.0)), "a band-stop filter is the step \"notch\""),
            (band(250.0, Some(1e-9), None), "l_freq = 0.000000001: the filter would have"),
            (band(250.0, None, Some(124.999_999_99)), "h_freq = 124.99999999: the filter would have"),
        ] {
            assert!(message.contains(part), "{message}");
        }
        let notch = |freqs: &[f64], width| FirDesign::notch(250.0, freqs, width).unwrap_err().to_string();
        for (message, part) in [
            (notch(&[], None), "freqs = []"),
            (notch(&[f64::NAN], None), "freqs = NaN"),
            (notch(&[50.0, 150.0], None), "freqs = 150: it must be below half the rate"),
            (notch(&[124.6], None), "above half the rate, 125 Hz"),
            (notch(&[0.3], None), "below zero"),
            (notch(&[50.0, 51.0], None), "freqs = 51: the notch begins at"),
            (notch(&[50.0, 50.0], None), "freqs = 50: the notch begins at"),
            (notch(&[50.0], Some(0.0)), "width = 0"),
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}

//! A capture: the trace of one channel, with its rate, its unit, and where it belongs.

use jiff::Timestamp;

use crate::{BatchError, BatchResult};

/// One trace, evenly sampled: at least one sample, all of them numbers, and a rate above zero.
///
/// ```
/// # use signal_batch::Capture;
/// let capture = Capture::new("unit_7.csv", 1e6, vec![0.0, 0.5, 0.25])?;
/// assert_eq!(capture.samples().len(), 3);
/// let refused = Capture::new("unit_8.csv", 0.0, vec![0.0]).unwrap_err();
/// assert!(refused.to_string().contains("0 samples per second"));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// What it is called in tables: the path of its file from the folder that was named, or a made name.
    pub name: String,
    /// The batch that it belongs to; empty where none is known.
    pub batch: String,
    /// When it was taken, where that is known.
    pub captured_at: Option<Timestamp>,
    /// The unit of its samples, such as `V`.
    pub unit: String,
    /// The rate that its file states, where another was given in its place.
    pub overruled_rate_hz: Option<f64>,
    rate_hz: f64,
    samples: Vec<f64>,
}

impl Capture {
    /// A capture in volts, of no batch.
    ///
    /// # Errors
    /// [`BatchError::Capture`] when the rate is not a number above zero, there is no sample, or one is infinite or no number.
    pub fn new(name: impl Into<String>, rate_hz: f64, samples: Vec<f64>) -> BatchResult<Self> {
        if !(rate_hz.is_finite() && rate_hz > 0.0) {
            return Err(BatchError::Capture(format!(
                "{rate_hz} samples per second are no rate; give a number above zero"
            )));
        }
        if samples.is_empty() {
            return Err(BatchError::Capture("it has no samples; export it again".to_owned()));
        }
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(BatchError::Capture(format!(
                "sample {} is {}; cut it out or export the capture again",
                at + 1,
                samples[at]
            )));
        }
        Ok(Self {
            name: name.into(),
            batch: String::new(),
            captured_at: None,
            unit: "V".to_owned(),
            overruled_rate_hz: None,
            rate_hz,
            samples,
        })
    }

    /// The samples, in order.
    #[must_use]
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// Samples per second.
    #[must_use]
    pub fn rate_hz(&self) -> f64 {
        self.rate_hz
    }
}

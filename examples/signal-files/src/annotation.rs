//! What a recorder or a scorer noted, on the time axis of the recording.

use crate::edf::EdfAnnotation;

const NS_PER_SECOND: f64 = 1e9;

/// A remark or marker at a point in time.
///
/// ```
/// let annotation = signal_files::FileAnnotation::new(0.5, None, "Stimulus/S  1");
/// assert_eq!((annotation.onset_ns, annotation.onset_s), (500_000_000, 0.5));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FileAnnotation {
    /// When it begins, seconds from the first sample, on the clock of the file: gaps count.
    pub onset_s: f64,
    /// The same in whole nanoseconds.
    pub onset_ns: i64,
    /// How long it lasts in seconds, where the file says so.
    pub duration_s: Option<f64>,
    /// The same in whole nanoseconds.
    pub duration_ns: Option<i64>,
    /// What it says. A BrainVision marker is its type and its description with a slash between them, such as `Stimulus/S  1`.
    pub description: String,
}

impl FileAnnotation {
    /// An annotation to be written. A time is rounded to the nanosecond; what is no finite number counts as 0.
    #[must_use]
    pub fn new(onset_s: f64, duration_s: Option<f64>, description: impl Into<String>) -> Self {
        let finite = |seconds: f64| if seconds.is_finite() { seconds } else { 0.0 };
        let to_ns = |seconds: f64| (seconds * NS_PER_SECOND).round() as i64;
        let (onset_s, duration_s) = (finite(onset_s), duration_s.map(finite));
        Self {
            onset_s,
            onset_ns: to_ns(onset_s),
            duration_s,
            duration_ns: duration_s.map(to_ns),
            description: description.into(),
        }
    }

    pub(crate) fn of_edf(annotation: EdfAnnotation, start_ns: i64) -> Self {
        // Times of a file reach over all of an i64, so their difference may not fit one.
        let onset_ns = annotation.onset_ns.saturating_sub(start_ns);
        Self {
            onset_s: onset_ns as f64 / NS_PER_SECOND,
            onset_ns,
            duration_s: annotation.duration_ns.map(|ns| ns as f64 / NS_PER_SECOND),
            duration_ns: annotation.duration_ns,
            description: annotation.text,
        }
    }
}

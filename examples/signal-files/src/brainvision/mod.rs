//! Reads and writes BrainVision recordings: a text header (`.vhdr`), text markers (`.vmrk`) and binary samples (`.eeg`).
//!
//! Promises: for any bytes, the result is a value or an error of the file that names line and key; samples come in blocks; a cut file
//! gives its whole samples and says what is missing. Leaves to others: samples as text (`DataFormat=ASCII`), spectra, coordinates.
//!
//! Source of the format: BrainVision Core Data Format 1.0, at <https://www.brainproducts.com/support-resources/brainvision-core-data-format-1-0/>.

mod header;
mod markers;
mod samples;
mod sections;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use consumer_support::input::{Budget, open_regular, read_whole};

use crate::annotation::FileAnnotation;
use crate::channel::FileChannel;
use crate::clock::{NS_PER_SECOND, days_since_1970};
use crate::error::{Fault, FileError};

pub use writer::{BrainVisionChannel, BrainVisionFormat, BrainVisionHeader, BrainVisionWriter, BrainVisionWritten};

use header::{Header, read_header};
use markers::{Markers, read_markers};
use samples::Layout;
use sections::decoded_file;

/// An opened recording: header and markers are read, of the samples the number is known.
#[derive(Debug, Clone)]
pub(crate) struct BrainVisionFile {
    path: PathBuf,
    data_path: PathBuf,
    layout: Layout,
    header: Header,
    start_ns: i64,
    pub(crate) annotations: Arc<[FileAnnotation]>,
    pub(crate) missing: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// Whether these are the first bytes of a header.
pub(crate) fn is_header(first_bytes: &[u8]) -> bool {
    first_line(first_bytes).is_some_and(|line| line.contains("header"))
}

/// Whether these are the first bytes of a marker file.
pub(crate) fn is_marker_file(first_bytes: &[u8]) -> bool {
    first_line(first_bytes).is_some_and(|line| line.contains("marker"))
}

/// The first line in lower case when it is one of this format: recorders write its name in more than one way.
fn first_line(first_bytes: &[u8]) -> Option<String> {
    let (text, _) = decoded_file(first_bytes);
    let line = text.lines().next().unwrap_or_default().to_lowercase();
    line.replace(' ', "").starts_with("brainvision").then_some(line)
}

impl BrainVisionFile {
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let text = text_of(path)?;
        let base = path.file_stem().unwrap_or_default().to_string_lossy();
        let header = read_header(&text.0, &base).map_err(|fault| fault.of(path))?;
        let data_path = path.with_file_name(&header.data_file);
        let (_, n_bytes) = open_regular(&data_path).map_err(|error| FileError::input(&data_path, error))?;
        let (layout, lost) = Layout::of(&header, n_bytes).map_err(|reason| FileError::file(&data_path, reason))?;
        let mut file = Self {
            path: path.to_path_buf(),
            data_path,
            layout,
            start_ns: 0,
            annotations: Arc::default(),
            missing: lost.missing,
            warnings: header.warnings.iter().cloned().chain(lost.warnings).collect(),
            header,
        };
        file.warn_of_false_codepage(path, text.1);
        file.refuse_lost_channels();
        file.add_markers();
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn start_ns(&self) -> i64 {
        self.start_ns
    }

    fn rate_hz(&self) -> f64 {
        1e6 / self.header.interval_us
    }

    pub(crate) fn channels(&self) -> Vec<FileChannel> {
        let rate_hz = self.rate_hz();
        let digital_range = self.header.format.stored_range();
        let of_channel = |channel: &header::Channel| FileChannel {
            name: channel.name.clone(),
            label: channel.label.clone(),
            unit: channel.unit.clone(),
            rate_hz,
            n_samples: self.layout.n_points,
            samples_per_record: 1,
            transducer: channel.reference.clone(),
            prefilter: String::new(),
            physical_range: digital_range
                .filter(|_| channel.refused.is_none())
                .map(|ends| ends.map(|end| end * channel.resolution)),
            digital_range,
            refused: channel.refused.clone(),
        };
        self.header.channels.iter().map(of_channel).collect()
    }

    fn warn_of_false_codepage(&mut self, path: &Path, is_false: bool) {
        if is_false {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.warnings.push(format!("{name} announces UTF-8 and is not; its text is taken as Latin-1"));
        }
    }

    /// Those of a cut vectorized file that are not there to the end.
    fn refuse_lost_channels(&mut self) {
        let layout = &self.layout;
        for (idx, channel) in self.header.channels.iter_mut().enumerate() {
            if !layout.has_channel(idx) && channel.refused.is_none() {
                channel.refused = Some(format!(
                    "channel {:?} cannot be read: the file ends ahead of its last sample; copy it again if the original \
                     is longer",
                    channel.name
                ));
            }
        }
    }

    fn add_markers(&mut self) {
        let markers = match self.header.marker_file.clone() {
            None => Markers::default(),
            Some(name) => self.markers_of(&self.path.with_file_name(&name)),
        };
        if markers.n_unreadable > 0 {
            self.missing.push(format!(
                "{} markers have no readable position and are left out (the first is on line {} of {})",
                markers.n_unreadable,
                markers.first_unreadable,
                self.header.marker_file.as_deref().unwrap_or_default()
            ));
        }
        self.miss_samples_of(&markers.annotations);
        self.annotations = markers.annotations.into();
        self.start_ns = markers.start_ns.unwrap_or_else(|| {
            self.warnings
                .push("no marker of a segment states a date; the recording is taken to start on 01.01.85".to_owned());
            days_since_1970(1985, 1, 1) * 86_400 * NS_PER_SECOND
        });
    }

    /// Where the header does not state how many samples there are, markers behind the last one alone show that the file is cut.
    fn miss_samples_of(&mut self, annotations: &[FileAnnotation]) {
        let end_s = self.layout.n_points as f64 / self.rate_hz();
        let half_a_sample_s = 0.5 / self.rate_hz();
        // One marker may stand right behind the last sample, as the end of the recording.
        let n_behind = annotations.iter().filter(|annotation| annotation.onset_s > end_s + half_a_sample_s).count();
        if n_behind > 0 && self.header.n_points.is_none() {
            self.missing.push(format!(
                "what {n_behind} markers behind the last sample belong to: the file ends after {} samples; copy it again if the \
                 original is longer",
                self.layout.n_points
            ));
        }
    }

    /// Samples are worth reading without markers, so a marker file that is not there is said and ends nothing.
    fn markers_of(&mut self, path: &Path) -> Markers {
        match text_of(path) {
            Ok((text, is_false)) => {
                self.warn_of_false_codepage(path, is_false);
                read_markers(&text, self.rate_hz())
            }
            Err(error) => {
                self.missing.push(format!("all markers: {error}"));
                Markers::default()
            }
        }
    }
}

fn text_of(path: &Path) -> Result<(String, bool), FileError> {
    let bytes = read_whole(path, Budget::STANDARD.description_bytes);
    bytes.map(|bytes| decoded_file(&bytes)).map_err(|error| Fault::from(error).of(path))
}

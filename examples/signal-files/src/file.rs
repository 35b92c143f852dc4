//! One type over all formats: a recording's channels, its annotations, its gaps, and its samples in blocks.
//!
//! Promises: what header, length and annotations show to be missing or doubtful is said when the file is opened. Leaves to others: the
//! formats themselves (`edf`, `brainvision`).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consumer_support::input::{Budget, InputError, open_regular, require, reserved};

use crate::annotation::FileAnnotation;
use crate::brainvision::{BrainVisionFile, is_header, is_marker_file};
use crate::channel::FileChannel;
use crate::edf::{EdfFile, EdfKind, EdfTimeline};
use crate::gap::{Gap, gaps_of};
use crate::{FileError, Taker};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// European Data Format, 16 bits.
    Edf,
    /// EDF+C: without gaps, with annotations.
    EdfPlusContinuous,
    /// EDF+D: each record states its own time.
    EdfPlusDiscontinuous,
    /// BioSemi Data Format, 24 bits.
    Bdf,
    /// BDF+C: without gaps, with annotations.
    BdfPlusContinuous,
    /// BDF+D: each record states its own time.
    BdfPlusDiscontinuous,
    /// A header, a file of markers and one of samples, of Brain Products.
    BrainVision,
}

/// An opened recording of any of the formats, with its header and annotations read and checked.
///
/// It is plain data and holds no open file: workers may share one, or clone it, and each read channels of their own.
///
/// ```
/// use signal_files::{EdfHeader, EdfWriter, EdfWriterChannel, FileFormat, SignalFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("two.edf");
/// let header = EdfHeader {
///     channels: ["Cz", "Pz"].map(|label| EdfWriterChannel::new(label, "uV", 2.0, [-32768.0, 32767.0])).to_vec(),
///     ..EdfHeader::default()
/// };
/// let mut writer = EdfWriter::create(&path, &header)?;
/// writer.write_rows(&[&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]])?;
/// let written = writer.finish()?;
/// assert!(written.warnings.is_empty());
///
/// let file = SignalFile::open(&path)?;
/// assert_eq!(file.format(), FileFormat::EdfPlusContinuous);
/// assert_eq!((file.channels()[1].name.as_str(), file.channels()[1].n_samples), ("Pz", 4));
/// assert_eq!(file.read_channel(1)?, [5.0, 6.0, 7.0, 8.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignalFile {
    source: Source,
    channels: Vec<FileChannel>,
    annotations: Arc<[FileAnnotation]>,
    gaps: Arc<[Gap]>,
    missing: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone)]
enum Source {
    Edf(EdfFile),
    BrainVision(BrainVisionFile),
}

impl SignalFile {
    /// Opens a recording. What it is is decided by its content; the `.eeg` or `.vmrk` file of a BrainVision recording leads to the `.vhdr`
    /// file beside it.
    ///
    /// Cost: the header is read, and one pass over the annotations. Memory: that of the annotations, see [`EdfFile::read`].
    ///
    /// # Errors
    /// [`FileError::File`] and [`FileError::OverBudget`] as for [`EdfFile::open`] and [`EdfFile::read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        if let Some(header) = header_beside(path) {
            return Self::of_brainvision(BrainVisionFile::open(&header)?);
        }
        let first_bytes = first_bytes(path).map_err(|error| FileError::input(path, error))?;
        match first_bytes.first() {
            _ if is_header(&first_bytes) => Self::of_brainvision(BrainVisionFile::open(path)?),
            _ if is_marker_file(&first_bytes) => {
                Err(FileError::file(path, no_header(path, "is a BrainVision marker file")))
            }
            // What an EDF reader takes begins so; a file that is cut there gets its message.
            Some(b'0' | b' ' | 0xff) | None => Self::of_edf(EdfFile::open(path)?),
            Some(_) if is_part_of_brainvision(path) => {
                Err(FileError::file(path, no_header(path, "is the part of a BrainVision recording")))
            }
            Some(_) => Err(FileError::file(
                path,
                "is no recording that can be read: it begins as neither EDF, nor BDF, nor a BrainVision header (.vhdr); check that it is \
                 the right file and not compressed",
            )),
        }
    }

    /// Where the file is; for BrainVision, its header.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::Edf(file) => file.path(),
            Source::BrainVision(file) => file.path(),
        }
    }

    /// What the file is.
    #[must_use]
    pub fn format(&self) -> FileFormat {
        match &self.source {
            Source::Edf(file) => match (file.is_bdf(), file.kind()) {
                (false, EdfKind::Plain) => FileFormat::Edf,
                (false, EdfKind::Continuous) => FileFormat::EdfPlusContinuous,
                (false, EdfKind::Discontinuous) => FileFormat::EdfPlusDiscontinuous,
                (true, EdfKind::Plain) => FileFormat::Bdf,
                (true, EdfKind::Continuous) => FileFormat::BdfPlusContinuous,
                (true, EdfKind::Discontinuous) => FileFormat::BdfPlusDiscontinuous,
            },
            Source::BrainVision(_) => FileFormat::BrainVision,
        }
    }

    /// The channels in file order, those that cannot be read included (see [`FileChannel::refused`]). Annotation channels are not listed.
    #[must_use]
    pub fn channels(&self) -> &[FileChannel] {
        &self.channels
    }

    /// The time of the first sample, nanoseconds since 1970-01-01, with the file's clock taken as UTC.
    #[must_use]
    pub fn start_ns(&self) -> i64 {
        match &self.source {
            Source::Edf(file) => file.start_ns(),
            Source::BrainVision(file) => file.start_ns(),
        }
    }

    /// The header's text about the patient; empty where the format has none.
    #[must_use]
    pub fn patient(&self) -> &str {
        match &self.source {
            Source::Edf(file) => file.patient(),
            Source::BrainVision(_) => "",
        }
    }

    /// The header's text about the recording; empty where the format has none.
    #[must_use]
    pub fn recording(&self) -> &str {
        match &self.source {
            Source::Edf(file) => file.recording(),
            Source::BrainVision(_) => "",
        }
    }

    /// The annotations or markers of the whole file, in order of onset.
    ///
    /// # Errors
    /// None at present: they were read when the file was opened.
    pub fn annotations(&self) -> Result<Vec<FileAnnotation>, FileError> {
        Ok(self.annotations.to_vec())
    }

    /// Where time jumps, in file order. Only EDF+D and BDF+D have gaps.
    ///
    /// # Errors
    /// None at present: they were read when the file was opened.
    pub fn gaps(&self) -> Result<Vec<Gap>, FileError> {
        Ok(self.gaps.to_vec())
    }

    /// What the file should hold and does not: lost records, refused channels, annotations that cannot be read.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What looks doubtful.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Streams the samples of the chosen channels in one pass, in the unit of each, in blocks of bounded memory. Records with gaps
    /// between them follow each other; gaps are not filled.
    ///
    /// `take` gets the position in `channels`, and the values of that channel that come next. The blocks of one channel come in order;
    /// those of several come in turns, or one channel after another, as the file has them.
    ///
    /// Memory: at most 1 MiB, whatever the length of the recording.
    ///
    /// # Errors
    /// [`FileError::Request`] when there is no such channel or one is chosen twice; [`FileError::File`] when a channel is refused, or
    /// the file cannot be read or has shrunk since it was opened; what `take` returns.
    pub fn read_blocks(&self, channels: &[usize], take: Taker<'_>) -> Result<(), FileError> {
        self.require_readable(channels)?;
        match &self.source {
            Source::Edf(file) => file.read_samples(channels, take),
            Source::BrainVision(file) => file.read_blocks(channels, take),
        }
    }

    /// All samples of one channel, in its unit.
    ///
    /// Memory: 8 bytes per sample, and that of [`SignalFile::read_blocks`].
    ///
    /// # Errors
    /// As [`SignalFile::read_blocks`]; [`FileError::OverBudget`] for more than 2^30 samples.
    pub fn read_channel(&self, channel: usize) -> Result<Vec<f64>, FileError> {
        self.require_readable(&[channel])?;
        let mut values = self.room_for(channel).map_err(|error| FileError::input(self.path(), error))?;
        self.read_blocks(&[channel], &mut |_, block| {
            values.extend_from_slice(block);
            Ok(())
        })?;
        Ok(values)
    }

    fn room_for(&self, channel: usize) -> Result<Vec<f64>, InputError> {
        let n_samples = self.channels[channel].n_samples;
        require(n_samples as u64, Budget::STANDARD.values, || "samples", "cut the recording, or read it in blocks")?;
        reserved(n_samples)
    }

    fn require_readable(&self, channels: &[usize]) -> Result<(), FileError> {
        let mut seen = vec![false; self.channels.len()];
        for idx in channels {
            let Some(channel) = self.channels.get(*idx) else {
                return Err(FileError::Request(format!(
                    "channel {idx} is asked for, where {} has {}, counted from 0",
                    self.path().display(),
                    self.channels.len()
                )));
            };
            if let Some(reason) = &channel.refused {
                return Err(FileError::file(self.path(), reason.as_str()));
            }
            if std::mem::replace(&mut seen[*idx], true) {
                return Err(FileError::Request(format!("channel {:?} is asked for twice; name it once", channel.name)));
            }
        }
        Ok(())
    }

    fn of_edf(file: EdfFile) -> Result<Self, FileError> {
        let EdfTimeline { onsets_ns, annotations, missing, warnings } = file.read(&[], &mut |_, _| Ok(()))?;
        let start_ns = file.start_ns();
        let gaps = if file.kind() == EdfKind::Discontinuous { gaps_of(&file, &onsets_ns) } else { Vec::new() };
        let annotations = annotations.into_iter().map(|each| FileAnnotation::of_edf(each, start_ns)).collect();
        let channels: Vec<_> = file.channels().iter().map(|each| FileChannel::of_edf(each, file.n_records())).collect();
        let refused = channels.iter().filter_map(|channel| channel.refused.clone());
        Ok(Self {
            annotations,
            gaps: gaps.into(),
            missing: file.missing().iter().cloned().chain(refused).chain(missing).collect(),
            warnings: file.warnings().iter().cloned().chain(warnings).collect(),
            channels,
            source: Source::Edf(file),
        })
    }

    fn of_brainvision(file: BrainVisionFile) -> Result<Self, FileError> {
        let channels = file.channels();
        let refused = channels.iter().filter_map(|channel| channel.refused.clone());
        Ok(Self {
            missing: file.missing.iter().cloned().chain(refused).collect(),
            warnings: file.warnings.clone(),
            annotations: Arc::clone(&file.annotations),
            gaps: Arc::default(),
            channels,
            source: Source::BrainVision(file),
        })
    }
}

/// The header of a recording whose samples or markers were named.
fn header_beside(path: &Path) -> Option<PathBuf> {
    let beside = ["vhdr", "VHDR"].map(|ending| path.with_extension(ending));
    beside.into_iter().find(|header| is_part_of_brainvision(path) && header.exists())
}

fn is_part_of_brainvision(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["eeg", "vmrk"].iter().any(|part| ending.eq_ignore_ascii_case(part)))
}

fn no_header(path: &Path, what: &str) -> String {
    let header = path.with_extension("vhdr");
    let header = header.file_name().unwrap_or_default().to_string_lossy();
    format!("{what}, and the header {header:?} is not beside it; put it there, or name the header of the recording")
}

/// Enough to tell the formats apart.
fn first_bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    let (file, _) = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(80).read_to_end(&mut bytes)?;
    Ok(bytes)
}

//! Reads a recording: opens the file, chooses channels, and takes their samples block by block.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signal_files::{FileChannel, FileError, SignalFile, stim_value, unit_in_volts};

use super::kinds::kind_of;
use crate::{Annotation, Channel, ChannelKind, EegError, EegResult, Info, Recording, RowStoreBuilder};

/// What is read, and what it is taken for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReadSettings {
    /// Only these channels, by name, in this order; all of the main rate where none are given.
    pub channels: Option<Vec<String>>,
    /// Channels that are marked bad.
    pub bads: Vec<String>,
    /// What channels measure, where their labels do not tell.
    pub kinds: Vec<(String, ChannelKind)>,
    /// Whether a file that lacks a part of what its header promises is read as far as it goes.
    pub allow_truncated: bool,
}

/// A file whose header is read, and whose channels are chosen.
#[derive(Debug, Clone)]
pub struct OpenRecording {
    file: SignalFile,
    /// The indices of the chosen channels in the file.
    chosen: Vec<usize>,
    /// How many volts one of each channel's unit is; none for trigger codes, and for what keeps the unit that it has.
    volts: Vec<Option<f64>>,
    info: Info,
}

impl OpenRecording {
    /// Opens a file and chooses its channels; reads no samples yet.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be read, is cut off, or has no channels that can be read; [`EegError::Channel`] for a channel that
    /// is named and not there, or whose rate differs from that of the others.
    pub fn open(path: &Path, settings: &ReadSettings) -> EegResult<Self> {
        let file = SignalFile::open(path).map_err(|error| of_file(path, error))?;
        let (unreadable, cut_off) = what_is_missing(&file);
        if let (false, Some(missing)) = (settings.allow_truncated, cut_off.first()) {
            let reason = format!("it is not whole and lacks {missing}; --allow-truncated reads what is there");
            return Err(EegError::file(path, reason));
        }
        let (chosen, left_out) = choose(&file, settings)?;
        let first = &file.channels()[*chosen.first().ok_or_else(|| nothing_to_read(path))?];
        let channels = chosen.iter().map(|idx| described(&file.channels()[*idx], settings)).collect();
        let mut info = Info::new(first.rate_hz, first.n_samples, channels)?;
        info.annotations = annotations(&file).map_err(|error| of_file(path, error))?;
        let unreadable = if settings.channels.is_some() { Vec::new() } else { unreadable };
        info.left_out = left_out.into_iter().chain(unreadable).chain(cut_off).collect();
        info.warnings = file.warnings().to_vec();
        require_named(&file, settings)?;
        let volts = chosen.iter().map(|idx| &file.channels()[*idx]).zip(&info.channels);
        let volts = volts.map(|(of_file, channel)| volts_of_unit(of_file, channel, &mut info.warnings));
        let volts = volts.collect::<EegResult<Vec<_>>>()?;
        Ok(Self { volts, chosen, info, file })
    }

    /// What is known about the recording.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What is known about the recording, to change before it is read.
    pub fn info_mut(&mut self) -> &mut Info {
        &mut self.info
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &SignalFile {
        &self.file
    }

    /// Reads the samples: into memory, or into files of `folder` where one is given, in one pass over the file.
    ///
    /// # Errors
    /// [`EegError::File`] when the file cannot be read or a row cannot be written.
    pub fn read(&self, folder: Option<&Path>) -> EegResult<Recording> {
        let n_rows = self.chosen.len();
        let mut rows = match folder {
            Some(folder) => RowStoreBuilder::in_folder(folder, n_rows)?,
            None => RowStoreBuilder::in_memory(n_rows, self.info.n_samples),
        };
        let mut scaled = Vec::new();
        let mut take = |row: usize, block: &[f64]| {
            scaled.clear();
            match self.volts[row] {
                Some(volts) => scaled.extend(block.iter().map(|value| value * volts)),
                None => scaled.extend(block.iter().map(|value| self.number(row, *value))),
            }
            rows.append(row, &scaled).map_err(|error| FileError::Taker(error.to_string()))
        };
        self.file.read_blocks(&self.chosen, &mut take).map_err(|error| of_file(self.file.path(), error))?;
        Recording::from_store(self.info.clone(), rows.finish()?)
    }

    /// A value that is no voltage: a trigger code of a stimulus channel, or what it is.
    fn number(&self, row: usize, value: f64) -> f64 {
        match self.info.channels[row].kind {
            ChannelKind::Stim => stim_value(value) as f64,
            _ => value,
        }
    }
}

/// Why channels cannot be read, which concerns those alone, and what the file as a whole lacks.
fn what_is_missing(file: &SignalFile) -> (Vec<String>, Vec<String>) {
    let is_of_channel =
        |missing: &String| file.channels().iter().any(|channel| channel.refused.as_ref() == Some(missing));
    file.missing().iter().cloned().partition(is_of_channel)
}

/// How many volts one of the channel's unit is, for a kind that is in volts.
///
/// # Errors
/// [`EegError::Channel`] when such a kind was given to a channel whose unit is no voltage. A channel without a unit counts in microvolts,
/// with a warning.
fn volts_of_unit(of_file: &FileChannel, channel: &Channel, warnings: &mut Vec<String>) -> EegResult<Option<f64>> {
    const MICROVOLT: f64 = 1e-6;
    if !channel.kind.is_in_volts() {
        return Ok(None);
    }
    let (name, unit, kind) = (&channel.name, of_file.unit.trim(), channel.kind);
    match unit_in_volts(unit) {
        Some(volts) => Ok(Some(volts)),
        None if unit.is_empty() => {
            warnings
                .push(format!("channel {name:?} has no unit; as it is {kind}, its numbers are taken for microvolts"));
            Ok(Some(MICROVOLT))
        }
        None => {
            Err(EegError::channel(name, format!("its unit is {unit:?}, which is no voltage, so it cannot be {kind}")))
        }
    }
}

/// The chosen channels, and a sentence for those that are left out although no choice was given.
fn choose(file: &SignalFile, settings: &ReadSettings) -> EegResult<(Vec<usize>, Vec<String>)> {
    if let Some(names) = &settings.channels {
        if let Some((_, twice)) = names.iter().enumerate().find(|(idx, name)| names[..*idx].contains(name)) {
            return Err(EegError::channel(twice, "it is asked for twice; name it once"));
        }
        let chosen = names.iter().map(|name| named(file, name)).collect::<EegResult<Vec<usize>>>()?;
        require_one_rate(file, &chosen)?;
        return Ok((chosen, Vec::new()));
    }
    let readable: Vec<usize> =
        (0..file.channels().len()).filter(|idx| file.channels()[*idx].refused.is_none()).collect();
    let rate_hz = main_rate(file, &readable);
    let (chosen, others): (Vec<usize>, Vec<usize>) =
        readable.into_iter().partition(|idx| file.channels()[*idx].rate_hz == rate_hz);
    let name = |idx: &usize| file.channels()[*idx].name.as_str();
    let left_out = (!others.is_empty()).then(|| {
        let names: Vec<&str> = others.iter().map(name).collect();
        format!(
            "left out, as their rates are not {rate_hz} Hz, {} of {} channels: {}; choose others with --channels",
            others.len(),
            file.channels().len(),
            names.join(", ")
        )
    });
    Ok((chosen, left_out.into_iter().collect()))
}

fn named(file: &SignalFile, name: &str) -> EegResult<usize> {
    let found = file.channels().iter().position(|channel| channel.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = file.channels().iter().map(|channel| channel.name.as_str()).collect();
        EegError::channel(name, format!("{} has no such channel; it has {}", file.path().display(), names.join(", ")))
    })
}

fn require_one_rate(file: &SignalFile, chosen: &[usize]) -> EegResult<()> {
    let Some(first) = chosen.first().map(|idx| &file.channels()[*idx]) else { return Ok(()) };
    let unlike = chosen.iter().map(|idx| &file.channels()[*idx]).find(|channel| channel.rate_hz != first.rate_hz);
    unlike.map_or(Ok(()), |channel| {
        let reason = format!("its rate is {} Hz, and that of {} is {} Hz", channel.rate_hz, first.name, first.rate_hz);
        Err(EegError::channel(&channel.name, format!("{reason}; choose channels of one rate")))
    })
}

/// The rate of most EEG channels, or of most channels where none is EEG; of several such rates the highest.
fn main_rate(file: &SignalFile, readable: &[usize]) -> f64 {
    let is_eeg = |idx: &&usize| {
        let channel = &file.channels()[**idx];
        kind_of(&channel.label, &channel.unit) == ChannelKind::Eeg
    };
    let eeg: Vec<usize> = readable.iter().filter(is_eeg).copied().collect();
    let among = if eeg.is_empty() { readable } else { &eeg };
    let rate = |idx: &usize| file.channels()[*idx].rate_hz;
    let n_of = |rate_hz: f64| among.iter().filter(|idx| rate(idx) == rate_hz).count();
    let best = among.iter().map(rate).max_by(|a, b| n_of(*a).cmp(&n_of(*b)).then(a.total_cmp(b)));
    best.unwrap_or_default()
}

fn described(channel: &FileChannel, settings: &ReadSettings) -> Channel {
    let given = settings.kinds.iter().find(|(name, _)| *name == channel.name);
    let kind = given.map_or_else(|| kind_of(&channel.label, &channel.unit), |(_, kind)| *kind);
    Channel { name: channel.name.clone(), kind, is_bad: settings.bads.contains(&channel.name) }
}

/// A channel that is marked bad or given a kind must be in the file.
fn require_named(file: &SignalFile, settings: &ReadSettings) -> EegResult<()> {
    let names = settings.bads.iter().chain(settings.kinds.iter().map(|(name, _)| name));
    names.map(String::as_str).try_for_each(|name| named(file, name).map(|_| ()))
}

/// The annotations on the time axis of the samples, on which gaps have no length, and one at each gap.
fn annotations(file: &SignalFile) -> Result<Vec<Annotation>, FileError> {
    let gaps = file.gaps()?;
    let without_gaps = |onset_s: f64| {
        let before = gaps.iter().filter(|gap| gap.onset_s() < onset_s);
        onset_s - before.map(|gap| gap.duration_s().min(onset_s - gap.onset_s())).sum::<f64>()
    };
    let of_file = file.annotations()?.into_iter().map(|annotation| Annotation {
        onset_s: without_gaps(annotation.onset_s),
        duration_s: annotation.duration_s.unwrap_or_default(),
        description: annotation.description,
    });
    let edges = gaps.iter().map(|gap| Annotation {
        onset_s: without_gaps(gap.onset_s()),
        duration_s: 0.0,
        description: format!("edge: {} s were not recorded", gap.duration_s()),
    });
    let mut all: Vec<Annotation> = of_file.chain(edges).collect();
    all.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    Ok(all)
}

fn nothing_to_read(path: &Path) -> EegError {
    EegError::file(path, "it has no channels that can be read")
}

fn of_file(path: &Path, error: FileError) -> EegError {
    match error {
        FileError::File { path, reason } => EegError::File { path, reason },
        other => EegError::File { path: PathBuf::from(path), reason: other.to_string() },
    }
}

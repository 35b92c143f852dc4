//! A recording in EDF or EDF+: reads it, identifies each channel, and analyses it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::path::Path;

use consumer_support::ExitStatus;
use sleep_analysis::{
    Column, EdfChannel, EdfFile, EpochGrid, EpochGridSettings, Recording, Signal, SleepError, SleepResult, SleepStage,
    parse_duration_ns, require_sorted, stages_of_epochs, target_rate_hz,
};

use super::analysis::{Channel, CliContext, GridRate, Input, Night, NightFolder, Remarks, Stopwatch, analyse};
use super::args::NightArgs;
use super::channels::{Role, microvolts_per_unit, near_names};

pub(crate) fn night(args: &NightArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let mut watch = Stopwatch::start();
    let epochs = EpochGridSettings::adjoining(parse_duration_ns(&args.epoch)?);
    target_rate_hz(&[], args.rate)?; // an invalid rate is refused before any work
    let edf = EdfFile::open(&args.file)?;
    let mut remarks = Remarks::default();
    let names = chosen_names(&edf, args.channels.as_deref(), &mut remarks)?;
    let out = NightFolder::create(&args.out)?;
    let recording = edf.read_channels(&names)?;
    watch.lap("reading");
    let grid_rate = args.rate.map_or(GridRate::Automatic, GridRate::Requested);
    analyse(night_of(&edf, recording, epochs, grid_rate, remarks)?, out, watch, args.device, context)
}

/// A whole recording: every channel that can be read.
pub(crate) fn read_night(file: &Path, epochs: EpochGridSettings) -> SleepResult<Night> {
    let edf = EdfFile::open(file)?;
    let mut remarks = Remarks::default();
    let names = chosen_names(&edf, None, &mut remarks)?;
    let recording = edf.read_channels(&names)?;
    night_of(&edf, recording, epochs, GridRate::Automatic, remarks)
}

/// The channels to read: those requested, or all; a channel that cannot be read is left out by name.
fn chosen_names<'a>(
    edf: &'a EdfFile,
    requested: Option<&[String]>,
    remarks: &mut Remarks,
) -> SleepResult<Vec<&'a str>> {
    let channels: Vec<&EdfChannel> = match requested {
        None => edf.channels().iter().collect(),
        Some(requested) => requested.iter().map(|name| find_channel(edf, name)).collect::<SleepResult<_>>()?,
    };
    let mut names = Vec::new();
    for channel in channels {
        match &channel.refused {
            Some(reason) => remarks.left_out(&channel.name, reason),
            None => names.push(channel.name.as_str()),
        }
    }
    if names.is_empty() {
        let reason = "no channel with samples that can be read; choose others with --channels, or export it again";
        let reasons = remarks.left_out.iter().map(|one| format!("; {}", one.reason));
        return Err(file_error(edf.path(), format!("has {reason}{}", reasons.collect::<String>())));
    }
    Ok(names)
}

fn find_channel<'a>(edf: &'a EdfFile, name: &str) -> SleepResult<&'a EdfChannel> {
    let found = edf.channels().iter().find(|channel| channel.name == name);
    found.ok_or_else(|| {
        let names = || edf.channels().iter().map(|channel| channel.name.as_str());
        let near: Vec<String> = near_names(name, names()).into_iter().map(|near| format!("{near:?}")).collect();
        let all: Vec<String> = names().map(|name| format!("{name:?}")).collect();
        let way_out = match near.as_slice() {
            [] => format!("there are {}", all.join(", ")),
            near => format!("did you mean {}? There are {} channels in all", near.join(" or "), all.len()),
        };
        file_error(edf.path(), format!("no channel is named {name:?}; {way_out}"))
    })
}

fn file_error(path: &Path, reason: String) -> SleepError {
    SleepError::File { path: path.to_owned(), reason }
}

fn night_of(
    edf: &EdfFile,
    mut recording: Recording,
    settings: EpochGridSettings,
    grid_rate: GridRate,
    mut remarks: Remarks,
) -> SleepResult<Night> {
    let name = edf.path().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    recording.missing.iter().for_each(|missing| remarks.left_out(&name, missing));
    let others = OtherChannels::of(edf, &recording);
    let warnings = recording.warnings.iter().filter(|warning| !others.have(warning));
    warnings.for_each(|warning| remarks.warn(&name, warning));
    let (signals, channels) = signals_and_channels(edf, std::mem::take(&mut recording.signals), &mut remarks)?;
    let epochs = EpochGrid::over_signals(&signals, settings)?;
    let stages = stages(&recording, &epochs)?;
    Ok(Night {
        title: name,
        input: Input {
            kind: "EDF",
            seed: None,
            file: Some(edf.path().display().to_string()),
            start_ns: edf.start_ns(),
            duration_s: edf.record_duration_ns() as f64 * edf.n_records() as f64 / 1e9,
        },
        signals: signals.into(),
        channels,
        epochs,
        stages,
        grid_rate,
        remarks,
    })
}

/// How a warning begins that is about a channel that was not requested.
struct OtherChannels {
    beginnings: BTreeSet<String>,
}

impl OtherChannels {
    fn of(edf: &EdfFile, recording: &Recording) -> Self {
        let read: HashSet<&str> = recording.signals.iter().map(Signal::name).collect();
        let others = edf.channels().iter().filter(|channel| !read.contains(channel.name.as_str()));
        Self { beginnings: others.map(|channel| format!("channel {:?}:", channel.name)).collect() }
    }

    /// The names are quoted, so no beginning is that of another one: the last one not behind the warning is the only candidate.
    fn have(&self, warning: &str) -> bool {
        let mut not_behind = self.beginnings.range::<str, _>((Bound::Unbounded, Bound::Included(warning)));
        not_behind.next_back().is_some_and(|beginning| warning.starts_with(beginning))
    }
}

/// The signals that can be used, each with what it is.
fn signals_and_channels(
    edf: &EdfFile,
    read: Vec<Signal>,
    remarks: &mut Remarks,
) -> SleepResult<(Vec<Signal>, Vec<Channel>)> {
    let mut channels = Vec::new();
    let mut signals = Vec::new();
    let known: HashMap<&str, &EdfChannel> =
        edf.channels().iter().map(|channel| (channel.name.as_str(), channel)).collect();
    for signal in read {
        let header = *known.get(signal.name()).expect("a signal that was read has a channel");
        if let Err(error) = require_sorted(&signal) {
            remarks.left_out(signal.name(), error);
            continue;
        }
        let role = Role::of(header);
        signals.push(named_for(role, header, signal)?);
        channels.push(channel(role, header));
    }
    let signals = remarks.without_empty(signals, &mut channels);
    if signals.is_empty() {
        return Err(file_error(
            edf.path(),
            "has no samples in the channels chosen; choose others with --channels".into(),
        ));
    }
    Ok((signals, channels))
}

fn channel(role: Role, header: &EdfChannel) -> Channel {
    let unit = if role == Role::Eeg { "\u{b5}V" } else { &header.unit };
    let is_converted = role == Role::Eeg && microvolts_per_unit(&header.unit) != Some(1.0);
    Channel {
        role,
        unit: unit.to_owned(),
        converted_from: is_converted.then(|| header.unit.clone()),
        rate_hz: Some(header.rate_hz),
    }
}

/// The signal with the column name that its role asks for, EEG in microvolts.
fn named_for(role: Role, header: &EdfChannel, signal: Signal) -> SleepResult<Signal> {
    if role.column() == sleep_analysis::EDF_COLUMN {
        return Ok(signal);
    }
    let (name, timestamps_ns, columns) = signal.into_parts();
    let factor = if role == Role::Eeg { microvolts_per_unit(&header.unit).unwrap_or(1.0) } else { 1.0 };
    let scaled = |column: Column| {
        let mut values = column.values.into_vec();
        values.iter_mut().for_each(|value| *value *= factor);
        Column::new(role.column(), values)
    };
    let columns = columns.into_iter().map(scaled);
    Signal::new(name, timestamps_ns, columns.collect())
}

/// The stage of each epoch, if anyone scored one.
fn stages(recording: &Recording, epochs: &EpochGrid) -> SleepResult<Option<Vec<Option<SleepStage>>>> {
    let starts_ns: Vec<i64> = epochs.starts_ns().collect();
    let stages = stages_of_epochs(&recording.annotations, &starts_ns, epochs.window_ns())?;
    Ok(stages.iter().any(Option::is_some).then_some(stages))
}

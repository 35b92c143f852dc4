//! Recordings as raw numbers: little-endian, channel after channel.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use consumer_support::input::{Budget, open_regular, require};
use eeg_artifact::recording::RowStoreBuilder;
use eeg_artifact::{Channel, ChannelKind, Info, Recording, Triggers};
use manyhands::report::write_atomically;

use super::job::{RecordingEntry, TriggerEntry};

/// How many samples are read and written at a time.
const BLOCK: usize = 1 << 16;

/// Reads a recording.
///
/// # Errors
/// A message when the file does not have the numbers that the entry says, or the entry contradicts itself.
pub(super) fn read(path: &Path, entry: &RecordingEntry) -> Result<Recording, String> {
    let info = info(entry)?;
    let (n_channels, n_times) = (entry.n_channels as u64, entry.n_times as u64);
    let n_values = n_channels.saturating_mul(n_times);
    let way_out = "run the job on a part of the recording";
    require(n_values, Budget::STANDARD.values, || "values", way_out).map_err(|over| over.to_string())?;
    let (file, n_bytes) = open_regular(path).map_err(|error| format!("{} {error}", path.display()))?;
    if n_bytes != n_values * 4 {
        return Err(format!(
            "{} has {n_bytes} bytes, but {n_channels} channels of {n_times} numbers of 4 bytes are {}",
            path.display(),
            n_values * 4
        ));
    }
    let rows = rows(file, entry).map_err(|why| format!("{}: {why}", path.display()))?;
    Recording::from_store(info, rows).map_err(|error| error.to_string())
}

/// What the entry says of a recording.
///
/// # Errors
/// A message when it contradicts itself.
pub(super) fn info(entry: &RecordingEntry) -> Result<Info, String> {
    Info::new(entry.sfreq, entry.n_times, channels(entry)?).map_err(|error| error.to_string())
}

fn rows(file: File, entry: &RecordingEntry) -> Result<eeg_artifact::RowStore, String> {
    let mut reader = BufReader::with_capacity(BLOCK, file);
    let mut rows = RowStoreBuilder::in_memory(entry.n_channels, entry.n_times);
    let (mut bytes, mut samples) = (vec![0; BLOCK * 4], Vec::with_capacity(BLOCK));
    for channel in 0..entry.n_channels {
        let mut left = entry.n_times;
        while left > 0 {
            let n_now = left.min(BLOCK);
            let bytes = &mut bytes[..n_now * 4];
            reader.read_exact(bytes).map_err(|error| error.to_string())?;
            samples.clear();
            samples.extend(bytes.as_chunks::<4>().0.iter().map(|four| f64::from(f32::from_le_bytes(*four))));
            rows.append(channel, &samples).map_err(|error| error.to_string())?;
            left -= n_now;
        }
    }
    rows.finish().map_err(|error| error.to_string())
}

fn channels(entry: &RecordingEntry) -> Result<Vec<Channel>, String> {
    let n_channels = entry.n_channels;
    let numbered = || (0..n_channels).map(|idx| format!("CH{:03}", idx + 1)).collect();
    let names = entry.channel_names.clone().unwrap_or_else(numbered);
    let kinds = entry.channel_types.clone().unwrap_or_else(|| vec![ChannelKind::Eeg.to_string(); n_channels]);
    if names.len() != n_channels || kinds.len() != n_channels {
        let (names, kinds) = (names.len(), kinds.len());
        return Err(format!(
            "the recording has {n_channels} channels, {names} channel_names and {kinds} channel_types"
        ));
    }
    if let Some(unknown) = entry.bads.iter().find(|bad| !names.contains(bad)) {
        return Err(format!("bads names {unknown:?}, which is no channel; there are {}", names.join(", ")));
    }
    let channel = |(name, kind): (String, String)| {
        let mut channel = Channel::new(name, kind.parse()?);
        channel.is_bad = entry.bads.contains(&channel.name);
        Ok(channel)
    };
    names.into_iter().zip(kinds).map(channel).collect()
}

/// Gives the recording its triggers and what belongs to them; what is not given is measured from their distances.
pub(super) fn set_triggers(info: &mut Info, entry: &TriggerEntry) -> Result<(), String> {
    if let Some(offset_s) = entry.offset_s {
        info.artifact_offset_s = offset_s;
    }
    if let Some(factor) = entry.upsampling_factor {
        if factor == 0 {
            return Err("upsampling_factor is 0; give 1 or more".to_owned());
        }
        info.upsampling_factor = factor;
    }
    if let Some(samples) = &entry.samples {
        info.triggers = Some(Triggers::from_samples(samples.clone()));
    }
    if let Some(triggers) = &mut info.triggers {
        triggers.artifact_length = entry.artifact_length.or(triggers.artifact_length);
        triggers.volume_gaps = entry.volume_gaps.unwrap_or(triggers.volume_gaps);
        triggers.slices_per_volume = entry.slices_per_volume.or(triggers.slices_per_volume);
    }
    Ok(())
}

/// Writes all channels as numbers of 64 bits.
///
/// # Errors
/// A message when the file cannot be written, or a channel is lost.
pub(super) fn write(path: &Path, recording: &Recording) -> Result<(), String> {
    let n_channels = recording.info().channels.len();
    let written = write_atomically(path, |file| {
        let mut file = BufWriter::with_capacity(BLOCK, file);
        for channel in 0..n_channels {
            let row = recording.rows().with(channel, |data| write_row(&mut file, &data.samples));
            row.map_err(std::io::Error::other)??;
        }
        file.flush()
    });
    written.map_err(|why| why.to_string())
}

fn write_row(file: &mut impl Write, samples: &[f64]) -> std::io::Result<()> {
    samples.iter().try_for_each(|sample| file.write_all(&sample.to_le_bytes()))
}

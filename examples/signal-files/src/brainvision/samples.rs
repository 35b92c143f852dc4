//! The samples of the binary file, in blocks, in either order.

use std::io::{Read, Seek, SeekFrom};

use consumer_support::input::open_regular;

use crate::Taker;
use crate::error::{Checked, Fault, FileError, to_usize, unreadable};

use super::BrainVisionFile;
use super::header::{Header, NumberFormat, Orientation};

/// Bytes that are read at once, or one sample of all channels where that is more.
const BLOCK_BYTES: usize = 64 * 1024;

/// Where each sample is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Samples of each channel.
    pub(super) n_points: usize,
    n_channels: usize,
    n_bytes: u64,
    format: NumberFormat,
    orientation: Orientation,
}

/// What the length of a file says besides.
#[derive(Debug, Default)]
pub(super) struct Lost {
    pub(super) missing: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Layout {
    pub(super) fn of(header: &Header, n_bytes: u64) -> Checked<(Self, Lost)> {
        let n_channels = header.channels.len();
        let frame_bytes = (n_channels * header.format.bytes()) as u64;
        let (n_points, lost) = match (header.orientation, header.n_points) {
            (Orientation::Multiplexed, stated) => multiplexed(n_bytes, frame_bytes, stated),
            (Orientation::Vectorized, None) => (vectorized(n_bytes, frame_bytes)?, Lost::default()),
            (Orientation::Vectorized, Some(stated)) => vectorized_of(n_bytes, frame_bytes, stated)?,
        };
        if n_points == 0 {
            return Err(format!(
                "holds no whole sample: one of {n_channels} channels needs {frame_bytes} bytes, and there are {n_bytes}; the \
                 file is cut or the header wrong, so copy or export it again"
            ));
        }
        let (format, orientation) = (header.format, header.orientation);
        Ok((Self { n_points: to_usize(n_points)?, n_channels, n_bytes, format, orientation }, lost))
    }

    /// Whether the file reaches to the last sample of the channel.
    pub(super) fn has_channel(&self, idx: usize) -> bool {
        match self.orientation {
            Orientation::Multiplexed => true,
            Orientation::Vectorized => self.channel_bytes() * (idx as u64 + 1) <= self.n_bytes,
        }
    }

    fn channel_bytes(&self) -> u64 {
        (self.n_points * self.format.bytes()) as u64
    }
}

fn multiplexed(n_bytes: u64, frame_bytes: u64, stated: Option<u64>) -> (u64, Lost) {
    let (n_points, rest) = (n_bytes / frame_bytes, n_bytes % frame_bytes);
    let mut lost = Lost::default();
    if rest > 0 {
        lost.missing.push(format!(
            "the last sample of all channels: the file ends after {rest} of its {frame_bytes} bytes, which are dropped; copy \
             it again if the original is longer"
        ));
    }
    match stated {
        Some(stated) if stated > n_points => lost.missing.push(format!(
            "the last {} of {stated} samples: the file ends after {n_points}; copy it again if the original is longer",
            stated - n_points
        )),
        Some(stated) if stated < n_points => {
            lost.warnings.push(format!("DataPoints is {stated}, and the file holds {n_points} samples; all are read"));
        }
        _ => {}
    }
    (n_points, lost)
}

/// Without a stated number of samples, the length alone says where each channel begins.
fn vectorized(n_bytes: u64, frame_bytes: u64) -> Checked<u64> {
    match n_bytes % frame_bytes {
        0 => Ok(n_bytes / frame_bytes),
        rest => Err(format!(
            "has {n_bytes} bytes, {rest} more than whole samples of all channels take, so where a channel begins is unknown; \
             copy it again, or state DataPoints in the header"
        )),
    }
}

fn vectorized_of(n_bytes: u64, frame_bytes: u64, stated: u64) -> Checked<(u64, Lost)> {
    let mut lost = Lost::default();
    let needed = stated.checked_mul(frame_bytes).filter(|needed| i64::try_from(*needed).is_ok());
    match needed.ok_or_else(|| format!("holds {n_bytes} bytes where DataPoints {stated} needs more than any file has; correct the header"))? {
        needed if needed > n_bytes => lost.missing.push(format!(
            "the end: {stated} samples of all channels need {needed} bytes, and the file has {n_bytes}; the channels behind \
             that are named"
        )),
        needed if needed < n_bytes => {
            lost.warnings.push(format!("{} bytes follow the {stated} samples of DataPoints and are not read", n_bytes - needed));
        }
        _ => {}
    }
    Ok((stated, lost))
}

impl BrainVisionFile {
    /// The channels are there, readable, and chosen once each.
    pub(crate) fn read_blocks(&self, channels: &[usize], take: Taker<'_>) -> Result<(), FileError> {
        self.stream(channels, take).map_err(|fault| fault.of(&self.data_path))
    }

    fn stream(&self, channels: &[usize], take: Taker<'_>) -> Result<(), Fault> {
        let (mut file, n_bytes) = open_regular(&self.data_path)?;
        if n_bytes < self.layout.n_bytes {
            return Err("has shrunk since its header was read; open it again".to_owned().into());
        }
        match self.layout.orientation {
            Orientation::Multiplexed => self.read_multiplexed(&mut file, channels, take),
            Orientation::Vectorized => {
                for (position, idx) in channels.iter().enumerate() {
                    self.read_vector(&mut file, position, *idx, take)?;
                }
                Ok(())
            }
        }
    }

    fn read_multiplexed(&self, file: &mut impl Read, channels: &[usize], take: Taker<'_>) -> Result<(), Fault> {
        let width = self.layout.format.bytes();
        let frame_bytes = self.layout.n_channels * width;
        let frames_per_block = (BLOCK_BYTES / frame_bytes).max(1);
        let mut bytes = vec![0; frames_per_block * frame_bytes];
        let mut values = Vec::new();
        let mut n_left = self.layout.n_points;
        while n_left > 0 {
            let n_frames = n_left.min(frames_per_block);
            n_left -= n_frames;
            let block = &mut bytes[..n_frames * frame_bytes];
            file.read_exact(block).map_err(|error| unreadable(&error))?;
            for (position, idx) in channels.iter().enumerate() {
                values.clear();
                let stored = block.chunks_exact(frame_bytes).map(|frame| &frame[idx * width..(idx + 1) * width]);
                self.decode(*idx, stored, &mut values);
                take(position, &values)?;
            }
        }
        Ok(())
    }

    fn read_vector(
        &self,
        file: &mut (impl Read + Seek),
        position: usize,
        idx: usize,
        take: Taker<'_>,
    ) -> Result<(), Fault> {
        let mut n_left = self.layout.channel_bytes();
        file.seek(SeekFrom::Start(n_left * idx as u64)).map_err(|error| unreadable(&error))?;
        let mut bytes = vec![0; BLOCK_BYTES];
        let mut values = Vec::new();
        while n_left > 0 {
            let block = &mut bytes[..n_left.min(BLOCK_BYTES as u64) as usize];
            n_left -= block.len() as u64;
            file.read_exact(block).map_err(|error| unreadable(&error))?;
            values.clear();
            self.decode(idx, block.chunks_exact(self.layout.format.bytes()), &mut values);
            take(position, &values)?;
        }
        Ok(())
    }

    /// Each of `stored` has the bytes of one number.
    fn decode<'a>(&self, idx: usize, stored: impl Iterator<Item = &'a [u8]>, values: &mut Vec<f64>) {
        let resolution = self.header.channels[idx].resolution;
        match self.layout.format {
            NumberFormat::Int16 => {
                values.extend(stored.map(|of| f64::from(i16::from_le_bytes([of[0], of[1]])) * resolution));
            }
            NumberFormat::UInt16 => {
                values.extend(stored.map(|of| f64::from(u16::from_le_bytes([of[0], of[1]])) * resolution));
            }
            NumberFormat::Float32 => {
                values
                    .extend(stored.map(|of| f64::from(f32::from_le_bytes([of[0], of[1], of[2], of[3]])) * resolution));
            }
        }
    }
}

//! The samples: one pass over the file, record by record, in blocks of bounded size.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use consumer_support::input::{open_regular, reserved};

use crate::Taker;
use crate::error::{Fault, FileError, to_usize, unreadable};

use super::{EdfChannel, EdfFile};

/// Bytes that are decoded at once: 3072 samples of two bytes, or 2048 of three.
const BLOCK_BYTES: usize = 6144;
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// Whether a pass collects the bytes of the annotation channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lists {
    Collect,
    Skip,
}

impl EdfFile {
    /// Gives the samples of the chosen channels to `take`, and returns each annotation channel: its bytes per record, and the bytes of
    /// all records.
    pub(super) fn stream(
        &self,
        chosen: &[&EdfChannel],
        lists: Lists,
        take: Taker<'_>,
    ) -> Result<Vec<(usize, Vec<u8>)>, Fault> {
        let mut tracks = self.tracks(chosen, lists)?;
        if self.n_records > 0 && !tracks.is_empty() {
            self.read_records(&mut tracks, take)?;
        }
        let collected = tracks.into_iter().filter_map(|track| match track.content {
            Content::Samples { .. } => None,
            Content::Annotations(bytes) => Some((to_usize(track.n_bytes).ok()?, bytes)),
        });
        Ok(collected.collect())
    }

    /// The chosen channels and the annotation channels, in the order of their bytes.
    fn tracks<'a>(&self, chosen: &[&'a EdfChannel], lists: Lists) -> Result<Vec<Track<'a>>, Fault> {
        let of_channel = |(position, channel): (usize, &&'a EdfChannel)| Track {
            offset: channel.offset,
            n_bytes: channel.n_bytes(),
            content: Content::Samples { position, channel },
        };
        let mut tracks: Vec<_> = chosen.iter().enumerate().map(of_channel).collect();
        let places = if lists == Lists::Collect { self.header.annotation_channels.as_slice() } else { &[] };
        for place in places {
            // The whole records were counted by the file's length, so this exceeds neither the file nor the budget checked at opening.
            let bytes = reserved(self.n_records * to_usize(place.n_bytes)?)?;
            let content = Content::Annotations(bytes);
            tracks.push(Track { offset: place.offset, n_bytes: place.n_bytes, content });
        }
        // A channel of no bytes lies where the next one begins, and must come ahead of it.
        tracks.sort_by_key(|track| (track.offset, track.n_bytes));
        Ok(tracks)
    }

    /// Reads record by record, skipping what no track needs.
    fn read_records(&self, tracks: &mut [Track<'_>], take: Taker<'_>) -> Result<(), Fault> {
        let (file, n_bytes) = open_regular(&self.path)?;
        if n_bytes < self.n_bytes {
            return Err("has shrunk since its header was read; open it again".to_string().into());
        }
        let mut blocks = Blocks::new(file);
        let mut to_skip = self.header.n_bytes;
        for _ in 0..self.n_records {
            let mut at = 0;
            for track in &mut *tracks {
                skip(&mut blocks.reader, to_skip + track.offset - at).map_err(|error| unreadable(&error))?;
                blocks.read(track, take)?;
                (at, to_skip) = (track.offset + track.n_bytes, 0);
            }
            to_skip += self.header.record_bytes - at;
        }
        Ok(())
    }
}

/// A channel that is read: where it lies in each record, and where its bytes go.
struct Track<'a> {
    offset: u64,
    n_bytes: u64,
    content: Content<'a>,
}

enum Content<'a> {
    /// `position` is that in the caller's list.
    Samples {
        position: usize,
        channel: &'a EdfChannel,
    },
    Annotations(Vec<u8>),
}

/// The file, and room for one block.
struct Blocks {
    reader: BufReader<File>,
    bytes: [u8; BLOCK_BYTES],
    values: Vec<f64>,
}

impl Blocks {
    fn new(file: File) -> Self {
        let reader = BufReader::with_capacity(READ_AHEAD_BYTES, file);
        Self { reader, bytes: [0; BLOCK_BYTES], values: Vec::new() }
    }

    /// Reads what one track has in the record at hand.
    fn read(&mut self, track: &mut Track<'_>, take: Taker<'_>) -> Result<(), Fault> {
        let mut n_left = track.n_bytes;
        while n_left > 0 {
            let n_bytes = n_left.min(BLOCK_BYTES as u64);
            n_left -= n_bytes;
            let bytes = &mut self.bytes[..n_bytes as usize];
            self.reader.read_exact(bytes).map_err(|error| unreadable(&error))?;
            match &mut track.content {
                Content::Annotations(lists) => lists.extend_from_slice(bytes),
                Content::Samples { position, channel } => {
                    self.values.clear();
                    channel.decode(bytes, &mut self.values);
                    take(*position, &self.values)?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn skip(reader: &mut impl Seek, n_bytes: u64) -> std::io::Result<()> {
    reader.seek_relative(i64::try_from(n_bytes).map_err(std::io::Error::other)?)
}

/// Each of the channels once: a second time would go back in the file.
pub(super) fn refuse_repeated(chosen: &[&EdfChannel]) -> Result<(), FileError> {
    let mut offsets: Vec<_> = chosen.iter().map(|channel| (channel.offset, channel.name.as_str())).collect();
    offsets.sort_unstable();
    match offsets.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(FileError::Request(format!("channel {:?} is asked for twice; name it once", pair[0].1))),
        None => Ok(()),
    }
}

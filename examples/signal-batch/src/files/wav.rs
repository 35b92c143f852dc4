//! WAV: RIFF files of integers of 8 to 32 bits and of floats, one channel of any number.
//!
//! Format: Microsoft and IBM, "Multimedia programming interface and data specifications 1.0" (1991), and the header of several channels and
//! wide samples, WAVE_FORMAT_EXTENSIBLE. Chunks of other kinds are skipped. The sizes of chunks count; that of the whole, which programs that
//! write to a pipe cannot know, does not.

use super::wav_format::WavFormat;
use super::{Content, ReadSettings, Refusal, chosen_channel, room_for};

/// The tag of a format that stands in the rest of its chunk.
const EXTENSIBLE: u16 = 0xfffe;

/// How the identifier of a format goes on behind its tag.
const SUBFORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// The unit of samples between -1 and 1: parts of full scale.
const FULL_SCALE: &str = "FS";

/// The channel that is chosen, from -1 to 1.
pub(super) fn read(bytes: &[u8], settings: &ReadSettings) -> Result<Content, Refusal> {
    let (head, mut rest) = bytes.split_first_chunk::<12>().ok_or_else(no_wav)?;
    match (&head[..4], &head[8..]) {
        (b"RIFF", b"WAVE") => {}
        (b"RF64" | b"BW64", _) => {
            return Err("is WAV of 64-bit sizes; export it as WAV or NPY in shorter files".to_owned());
        }
        (b"RIFX", _) => return Err("is WAV in big-endian order; export it as usual WAV".to_owned()),
        _ => return Err(no_wav()),
    }
    let mut shape = None;
    loop {
        let chunk = Chunk::split(&mut rest)?;
        match &chunk.id {
            b"fmt " => shape = Some(Shape::of(chunk.whole()?)?),
            b"data" => {
                let shape = shape.ok_or_else(|| "has samples before their format; export it again".to_owned())?;
                return shape.content(chunk.whole()?, settings);
            }
            _ => {}
        }
    }
}

fn no_wav() -> Refusal {
    "is no WAV file; check its ending".to_owned()
}

struct Chunk<'a> {
    id: [u8; 4],
    claimed: usize,
    /// Shorter than what is claimed where the file ends.
    bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The next chunk, and in `rest` what comes behind it and the byte that fills up an odd one.
    fn split(rest: &mut &'a [u8]) -> Result<Self, Refusal> {
        let no_more = || "has no samples: it ends before a chunk \"data\"; export it again".to_owned();
        let (id, behind) = rest.split_first_chunk::<4>().ok_or_else(no_more)?;
        let (claimed, behind) = behind.split_first_chunk::<4>().ok_or_else(no_more)?;
        let claimed = u32::from_le_bytes(*claimed) as usize;
        let (bytes, behind) = behind.split_at(claimed.min(behind.len()));
        *rest = if claimed.is_multiple_of(2) { behind } else { behind.get(1..).unwrap_or_default() };
        Ok(Self { id: *id, claimed, bytes })
    }

    fn whole(&self) -> Result<&'a [u8], Refusal> {
        if self.bytes.len() == self.claimed {
            return Ok(self.bytes);
        }
        let (id, there) = (String::from_utf8_lossy(&self.id), self.bytes.len());
        Err(format!("claims {} bytes of {id:?} where {there} are left; it is cut off, export it again", self.claimed))
    }
}

/// What the format chunk says.
struct Shape {
    format: WavFormat,
    n_channels: usize,
    rate_hz: u32,
}

impl Shape {
    fn of(chunk: &[u8]) -> Result<Self, Refusal> {
        let too_short = || "has a format chunk of less than 16 bytes; export it again".to_owned();
        let (fields, extension) = chunk.split_first_chunk::<16>().ok_or_else(too_short)?;
        let at = |place: usize| u16::from_le_bytes([fields[place], fields[place + 1]]);
        let (tag, n_channels, n_frame_bytes, n_bits) = (at(0), usize::from(at(2)), usize::from(at(12)), at(14));
        let rate_hz = u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]);
        let tag = if tag == EXTENSIBLE { extended_tag(extension)? } else { tag };
        let unread =
            || format!("has samples of format {tag} with {n_bits} bits; export 8, 16, 24 or 32 bits, or floats");
        let format = WavFormat::of(tag, n_bits).ok_or_else(unread)?;
        if n_channels == 0 {
            return Err("says that it has 0 channels; export it again".to_owned());
        }
        let expected = n_channels * format.n_bytes();
        if n_frame_bytes != expected {
            return Err(format!(
                "says {n_frame_bytes} bytes for {n_channels} samples, which are {expected}; export it again"
            ));
        }
        Ok(Self { format, n_channels, rate_hz })
    }

    fn content(&self, data: &[u8], settings: &ReadSettings) -> Result<Content, Refusal> {
        let channel = chosen_channel(self.n_channels, settings)?;
        let n_bytes = self.format.n_bytes();
        let frames = data.chunks_exact(self.n_channels * n_bytes);
        if !frames.remainder().is_empty() {
            return Err(format!("ends within a frame of {} samples; export it again", self.n_channels));
        }
        let mut samples = room_for(frames.len())?;
        samples.extend(frames.map(|frame| self.format.decoded(&frame[channel * n_bytes..][..n_bytes])));
        if self.rate_hz == 0 && settings.rate_hz.is_none() {
            return Err("says that it has 0 samples per second; give the rate with --rate".to_owned());
        }
        Ok(Content { samples, rate_hz: Some(f64::from(self.rate_hz)), unit: Some(FULL_SCALE.to_owned()) })
    }
}

/// The tag in the identifier behind 8 bytes of sizes and places.
fn extended_tag(extension: &[u8]) -> Result<u16, Refusal> {
    let subformat =
        extension.get(8..24).ok_or_else(|| "has a format chunk that is cut off; export it again".to_owned())?;
    if subformat[2..] != SUBFORMAT {
        return Err("has samples of a format without a number; export 8, 16, 24 or 32 bits, or floats".to_owned());
    }
    Ok(u16::from_le_bytes([subformat[0], subformat[1]]))
}

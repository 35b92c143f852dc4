//! The header file: where the samples are, how they are stored, and what each channel is called.

use std::collections::HashMap;

use consumer_support::input::{Budget, require};

use crate::error::{Checked, Fault};
use crate::names::distinct_names;

use super::sections::{Entry, by_key, entries, fields};

/// How a number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFormat {
    Int16,
    UInt16,
    Float32,
}

impl NumberFormat {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Int16 | Self::UInt16 => 2,
            Self::Float32 => 4,
        }
    }

    /// The smallest and the largest whole number; none for floating-point numbers.
    pub(super) fn stored_range(self) -> Option<[f64; 2]> {
        match self {
            Self::Int16 => Some([-32768.0, 32767.0]),
            Self::UInt16 => Some([0.0, 65535.0]),
            Self::Float32 => None,
        }
    }
}

/// In which order the numbers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orientation {
    /// All channels of one time, then those of the next.
    Multiplexed,
    /// All times of one channel, then those of the next.
    Vectorized,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub(super) data_file: String,
    pub(super) marker_file: Option<String>,
    pub(super) format: NumberFormat,
    pub(super) orientation: Orientation,
    pub(super) interval_us: f64,
    /// Where the header says it.
    pub(super) n_points: Option<u64>,
    pub(super) channels: Vec<Channel>,
    pub(super) warnings: Vec<String>,
}

/// A channel as its line describes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) reference: String,
    pub(super) resolution: f64,
    pub(super) unit: String,
    pub(super) refused: Option<String>,
}

/// `base` is the header's own name without its ending, which `$b` stands for.
pub(super) fn read_header(text: &str, base: &str) -> Result<Header, Fault> {
    let entries = entries(text);
    let keys = Keys(by_key(&entries));
    keys.refuse_unread_forms()?;
    let format = keys.number_format()?;
    let mut warnings = Vec::new();
    let data_file = keys.required("common infos", "DataFile", "the name of the file of samples")?;
    let marker_file = keys.get("common infos", "MarkerFile").map(|entry| entry.value.as_str());
    let n_channels = keys.whole("NumberOfChannels")?.filter(|n_channels| *n_channels > 0);
    let n_channels = n_channels.ok_or_else(|| lacks("NumberOfChannels", "a whole number above 0"))?;
    require(n_channels, Budget::STANDARD.columns, || "channels", "correct NumberOfChannels in the header")?;
    let n_described = entries.iter().filter(|entry| entry.section == "channel infos").count();
    // A number without channels behind it must not take their memory.
    if n_channels > 2 * n_described as u64 {
        let reason = format!(
            "NumberOfChannels is {n_channels}, and {n_described} channels are described; correct the header or export the \
             recording again"
        );
        return Err(reason.into());
    }
    let mut beside = |name: &str| file_beside(name, base, &mut warnings);
    Ok(Header {
        data_file: beside(data_file),
        marker_file: marker_file.filter(|name| !name.is_empty()).map(&mut beside),
        format,
        orientation: keys.orientation()?,
        interval_us: keys.interval_us()?,
        n_points: keys.whole("DataPoints")?.filter(|n_points| *n_points > 0),
        channels: keys.channels(n_channels as usize, &mut warnings),
        warnings,
    })
}

/// The file of this name beside the header: a folder in the name is one of the recorder's machine.
fn file_beside(name: &str, base: &str, warnings: &mut Vec<String>) -> String {
    let name = name.replace("$b", base);
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    if last != name {
        warnings.push(format!("the header names {name:?}; {last:?} beside the header is read"));
    }
    last
}

fn lacks(key: &str, wanted: &str) -> String {
    format!("{key} is missing or 0 where {wanted} is needed; correct the header or export the recording again")
}

fn refuse(entry: &Entry, wanted: &str) -> String {
    let Entry { key, value, line, .. } = entry;
    format!(
        "{key} (line {line}) is {value:?} where {wanted} is needed; correct the header or export the recording again"
    )
}

struct Keys<'a>(HashMap<(String, String), &'a Entry>);

impl<'a> Keys<'a> {
    fn get(&self, section: &str, key: &str) -> Option<&'a Entry> {
        self.0.get(&(section.to_owned(), key.to_lowercase())).copied()
    }

    fn required(&self, section: &str, key: &str, wanted: &str) -> Checked<&'a str> {
        let entry = self.get(section, key).filter(|entry| !entry.value.is_empty());
        entry.map(|entry| entry.value.as_str()).ok_or_else(|| lacks(key, wanted))
    }

    /// Forms of the format that are not read, each by name.
    fn refuse_unread_forms(&self) -> Checked<()> {
        for (section, key, read) in [
            ("common infos", "DataFormat", "BINARY"),
            ("common infos", "DataType", "TIMEDOMAIN"),
            ("binary infos", "UseBigEndianOrder", "NO"),
            ("binary infos", "DataOffset", "0"),
        ] {
            if let Some(entry) = self.get(section, key).filter(|entry| !entry.value.eq_ignore_ascii_case(read)) {
                return Err(refuse(entry, read));
            }
        }
        Ok(())
    }

    fn number_format(&self) -> Checked<NumberFormat> {
        let wanted = "INT_16, UINT_16 or IEEE_FLOAT_32";
        let Some(entry) = self.get("binary infos", "BinaryFormat") else { return Err(lacks("BinaryFormat", wanted)) };
        match entry.value.to_uppercase().as_str() {
            "INT_16" => Ok(NumberFormat::Int16),
            "UINT_16" => Ok(NumberFormat::UInt16),
            "IEEE_FLOAT_32" => Ok(NumberFormat::Float32),
            _ => Err(refuse(entry, wanted)),
        }
    }

    fn orientation(&self) -> Checked<Orientation> {
        let Some(entry) = self.get("common infos", "DataOrientation") else { return Ok(Orientation::Multiplexed) };
        match entry.value.to_uppercase().as_str() {
            "MULTIPLEXED" => Ok(Orientation::Multiplexed),
            "VECTORIZED" => Ok(Orientation::Vectorized),
            _ => Err(refuse(entry, "MULTIPLEXED or VECTORIZED")),
        }
    }

    fn whole(&self, key: &str) -> Checked<Option<u64>> {
        let Some(entry) = self.get("common infos", key) else { return Ok(None) };
        entry.value.parse().map(Some).map_err(|_| refuse(entry, "a whole number"))
    }

    /// From a nanosecond to a day: within that, times of any file that fits a disk are numbers.
    fn interval_us(&self) -> Checked<f64> {
        let wanted = "a number of microseconds from 0.001 to 86400000000";
        let Some(entry) = self.get("common infos", "SamplingInterval") else {
            return Err(lacks("SamplingInterval", wanted));
        };
        let interval = number(&entry.value).filter(|interval| (1e-3..=8.64e10).contains(interval));
        interval.ok_or_else(|| refuse(entry, wanted))
    }

    fn channels(&self, n_channels: usize, warnings: &mut Vec<String>) -> Vec<Channel> {
        let mut channels: Vec<_> = (1..=n_channels)
            .map(|number| match self.get("channel infos", &format!("Ch{number}")) {
                Some(entry) => Channel::read(number, entry),
                None => Channel::absent(number),
            })
            .collect();
        let labels: Vec<_> = channels.iter().map(|channel| channel.name.clone()).collect();
        for (channel, name) in channels.iter_mut().zip(distinct_names(&labels, warnings)) {
            channel.name = name;
        }
        channels
    }
}

impl Channel {
    /// `<name>,<reference>,<resolution>,<unit>`; what is absent at the end has its usual value.
    fn read(number_in_file: usize, entry: &Entry) -> Self {
        let mut parts = fields(&entry.value).into_iter();
        let mut next = || parts.next().unwrap_or_default().trim().to_owned();
        let (label, reference, resolution, unit) = (next(), next(), next(), next());
        let value = if resolution.is_empty() { Some(1.0) } else { number(&resolution).filter(|value| *value != 0.0) };
        let refused = value.is_none().then(|| {
            format!(
                "channel {label:?} cannot be read: its resolution (line {}) is {resolution:?} where a number other than \
                 0 is needed; leave it out or correct the header",
                entry.line
            )
        });
        Self {
            name: if label.is_empty() { format!("channel {number_in_file}") } else { label.clone() },
            label,
            reference,
            resolution: value.unwrap_or(f64::NAN),
            unit: if unit.is_empty() { "µV".to_owned() } else { unit },
            refused,
        }
    }

    fn absent(number: usize) -> Self {
        let name = format!("channel {number}");
        let refused = format!(
            "channel {number} cannot be read: the header has no entry Ch{number}, so its scale is unknown; leave it out or \
             correct the header"
        );
        Self {
            name,
            label: String::new(),
            reference: String::new(),
            resolution: f64::NAN,
            unit: String::new(),
            refused: Some(refused),
        }
    }
}

/// A finite number with a size that scales any stored number to a finite one.
fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() < 1e200)
}

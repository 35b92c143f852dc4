//! Writes small EDF, EDF+C and EDF+D files for tests, field by field, so that a test can also write what no recorder should.

use std::path::PathBuf;

use sleep_analysis::EdfFile;
use tempfile::TempDir;

/// 2018-02-06 01:36:50 UTC, the start of every file made here.
pub(crate) const START_NS: i64 = 1_517_881_010_000_000_000;

/// One channel: what its header says, and its samples over all records.
#[derive(Debug, Clone)]
pub(crate) struct ChannelToWrite {
    pub(crate) label: Vec<u8>,
    pub(crate) unit: Vec<u8>,
    pub(crate) ranges: [&'static str; 4],
    pub(crate) samples_per_record: String,
    pub(crate) bytes_per_record: usize,
    pub(crate) bytes: Vec<u8>,
}

/// A file to write. The numbers of the header are texts, so that they can be wrong.
#[derive(Debug, Clone)]
pub(crate) struct FileToWrite {
    pub(crate) version: &'static [u8],
    pub(crate) recording: String,
    pub(crate) start: [&'static str; 2],
    pub(crate) reserved: &'static str,
    pub(crate) n_records: String,
    pub(crate) record_duration: String,
    pub(crate) header_bytes: Option<&'static str>,
    pub(crate) channels: Vec<ChannelToWrite>,
}

impl ChannelToWrite {
    /// A channel in `uV` whose physical values are a tenth of the stored ones.
    pub(crate) fn samples(label: &str, samples_per_record: usize, samples: &[i16]) -> Self {
        Self {
            label: label.as_bytes().to_vec(),
            unit: b"uV".to_vec(),
            ranges: ["-100", "100", "-1000", "1000"],
            samples_per_record: samples_per_record.to_string(),
            bytes_per_record: 2 * samples_per_record,
            bytes: samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        }
    }

    fn n_records(&self) -> usize {
        self.bytes.len().checked_div(self.bytes_per_record).unwrap_or(0)
    }

    /// An annotation channel of 40 samples: one text per record, in which `@` means byte 20, `^` for 21 and `|` for 0.
    pub(crate) fn annotations(records: &[&str]) -> Self {
        const N_BYTES: usize = 80;
        let control = |byte: u8| match byte {
            b'@' => 20,
            b'^' => 21,
            b'|' => 0,
            other => other,
        };
        let mut bytes = Vec::new();
        for record in records {
            let mut padded: Vec<u8> = record.bytes().map(control).collect();
            assert!(padded.len() <= N_BYTES, "{record:?} does not fit an annotation record of this writer");
            padded.resize(N_BYTES, 0);
            bytes.extend(padded);
        }
        let mut channel = Self::samples("EDF Annotations", N_BYTES / 2, &[]);
        channel.ranges = ["-1", "1", "-32768", "32767"];
        channel.unit.clear();
        Self { bytes, ..channel }
    }
}

impl FileToWrite {
    pub(crate) fn new(reserved: &'static str, record_duration: &str, channels: Vec<ChannelToWrite>) -> Self {
        let n_records = channels.iter().map(|each| each.n_records()).max().unwrap_or(0);
        Self {
            version: b"0",
            recording: "Startdate 06-FEB-2018 X X X".to_string(),
            start: ["06.02.18", "01.36.50"],
            reserved,
            n_records: n_records.to_string(),
            record_duration: record_duration.to_string(),
            header_bytes: None,
            channels,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let n_signals = self.channels.len();
        let header_bytes = ((n_signals + 1) * 256).to_string();
        let mut bytes = padded(self.version, 8);
        let fields = [
            ("patient \u{fc}", 80),
            (&self.recording, 80),
            (self.start[0], 8),
            (self.start[1], 8),
            (self.header_bytes.unwrap_or(&header_bytes), 8),
            (self.reserved, 44),
            (&self.n_records, 8),
            (&self.record_duration, 8),
            (&n_signals.to_string(), 4),
        ];
        bytes.extend(fields.iter().flat_map(|(text, width)| padded(text.as_bytes(), *width)));
        let mut for_each = |width, text: &dyn Fn(&ChannelToWrite) -> Vec<u8>| {
            self.channels.iter().for_each(|channel| bytes.extend(padded(&text(channel), width)));
        };
        for_each(16, &|channel| channel.label.clone());
        for_each(80, &|_| b"AgAgCl".to_vec());
        for_each(8, &|channel| channel.unit.clone());
        for range in 0..4 {
            for_each(8, &|channel| channel.ranges[range].as_bytes().to_vec());
        }
        for_each(80, &|_| b"HP:0.3Hz".to_vec());
        for_each(8, &|channel| channel.samples_per_record.clone().into_bytes());
        for_each(32, &|_| Vec::new());
        let n_written = self.channels.iter().map(ChannelToWrite::n_records).max().unwrap_or(0);
        for record in 0..n_written {
            for channel in &self.channels {
                let at = record * channel.bytes_per_record;
                bytes.extend(&channel.bytes[at..at + channel.bytes_per_record]);
            }
        }
        bytes
    }
}

fn padded(text: &[u8], width: usize) -> Vec<u8> {
    assert!(text.len() <= width, "{text:?} is wider than its field of {width} bytes");
    let mut field = text.to_vec();
    field.resize(width, b' ');
    field
}

/// A file on disk, for as long as this value lives.
pub(crate) struct OnDisk {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl OnDisk {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("night.edf");
        std::fs::write(&path, bytes).unwrap();
        Self { path, _folder: folder }
    }

    pub(crate) fn open(&self) -> EdfFile {
        EdfFile::open(&self.path).unwrap()
    }

    /// Why the file cannot be opened.
    pub(crate) fn refusal(&self) -> String {
        EdfFile::open(&self.path).unwrap_err().to_string()
    }
}

impl FileToWrite {
    pub(crate) fn on_disk(&self) -> OnDisk {
        OnDisk::new(&self.bytes())
    }
}

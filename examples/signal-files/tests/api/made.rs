//! Small recordings for tests, and where they are put.

use std::path::{Path, PathBuf};

use signal_files::{EdfHeader, EdfWriter, EdfWriterChannel, FileAnnotation, FileError, Gap, SignalFile};
use tempfile::TempDir;

/// 2018-02-06 01:36:50 UTC.
pub(crate) const START_NS: i64 = 1_517_881_010_000_000_000;

/// A folder that goes with this value.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// All samples of all readable channels, in one pass.
pub(crate) fn read_all(file: &SignalFile) -> Result<Vec<Vec<f64>>, FileError> {
    let readable: Vec<usize> =
        (0..file.channels().len()).filter(|idx| file.channels()[*idx].refused.is_none()).collect();
    let mut values = vec![Vec::new(); readable.len()];
    file.read_blocks(&readable, &mut |position, block| {
        values[position].extend_from_slice(block);
        Ok(())
    })?;
    Ok(values)
}

pub(crate) fn descriptions(file: &SignalFile) -> Vec<(f64, Option<f64>, String)> {
    let annotations = file.annotations().unwrap();
    annotations.into_iter().map(|each| (each.onset_s, each.duration_s, each.description)).collect()
}

/// Three records of one second: a channel of 16 Hz, one of 5, annotations, and a gap of 59 s ahead of the third.
pub(crate) fn edf_with_gap(path: &Path) {
    let channel = |label: &str, rate_hz| EdfWriterChannel::new(label, "uV", rate_hz, [-3276.8, 3276.7]);
    let header = EdfHeader {
        start_ns: START_NS + 250_000_000,
        channels: vec![channel("EEG", 16.0), channel("SpO2", 5.0)],
        annotations: vec![
            FileAnnotation::new(0.5, Some(1.25), "eyes closed"),
            FileAnnotation::new(61.5, None, "é, end"),
        ],
        gaps: vec![gap(2, 59.0)],
        ..EdfHeader::default()
    };
    let mut writer = EdfWriter::create(path, &header).unwrap();
    let values = |n: usize| (0..n).map(|idx| idx as f64 / 10.0).collect::<Vec<_>>();
    writer.write_rows(&[&values(48), &values(15)]).unwrap();
    assert_eq!(writer.finish().unwrap().warnings, Vec::<String>::new());
}

/// A gap ahead of a record.
pub(crate) fn gap(record: usize, seconds: f64) -> Gap {
    Gap { record, onset_ns: 0, duration_ns: (seconds * 1e9) as i64 }
}

/// A BDF file of one record of a second: two channels of three samples, of which the second is `Status`.
pub(crate) fn bdf(samples: [[i32; 3]; 2]) -> Vec<u8> {
    let mut bytes = b"\xffBIOSEMI".to_vec();
    let fixed = [("subject", 80), ("recording", 80), ("06.02.18", 8), ("01.36.50", 8), ("768", 8), ("24BIT", 44)];
    let counts = [("1", 8), ("1", 8), ("2", 4)];
    let of_channels = [
        ("Cz", "Status", 16),
        ("active electrode", "Triggers", 80),
        ("uV", "Boolean", 8),
        ("-262144", "-8388608", 8),
        ("262143", "8388607", 8),
        ("-8388608", "-8388608", 8),
        ("8388607", "8388607", 8),
        ("HP: DC", "No filtering", 80),
        ("3", "3", 8),
        ("", "", 32),
    ];
    let fields = fixed
        .into_iter()
        .chain(counts)
        .chain(of_channels.into_iter().flat_map(|(a, b, width)| [(a, width), (b, width)]));
    for (text, width) in fields {
        bytes.extend(format!("{text:<width$}").bytes());
    }
    for sample in samples.iter().flatten() {
        bytes.extend(&sample.to_le_bytes()[..3]);
    }
    bytes
}

/// A BrainVision header of two channels with these lines for the data, and samples of the caller's.
pub(crate) fn vhdr(orientation: &str, format: &str, more: &str) -> String {
    format!(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\nDataFile=$b.eeg\nMarkerFile=$b.vmrk\n\
         DataFormat=BINARY\nDataOrientation={orientation}\nNumberOfChannels=2\nSamplingInterval=2000\n{more}\n\
         [Binary Infos]\nBinaryFormat={format}\n\n[Channel Infos]\nCh1=C\\1z,FCz,0.5,µV\nCh2=Temp,,2,C\n[Comment]\nCh2=none\n"
    )
}

pub(crate) const VMRK: &str = "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nDataFile=$b.eeg\n[Marker Infos]\n\
     Mk1=New Segment,,1,1,0,20180206013650000000\nMk2=Stimulus,S  1,3,1,0\n";

//! What pyedflib and MNE read of files that were written here.

use std::path::Path;

use manyhands_test_support::python::{environment, run};
use signal_files::{
    BrainVisionChannel, BrainVisionFormat, BrainVisionHeader, BrainVisionWriter, EdfHeader, EdfWriter,
    EdfWriterChannel, FileAnnotation, SignalFile,
};

use crate::made::{Folder, START_NS, gap, read_all};

const PACKAGES: [&str; 2] = ["mne==1.13.2", "pyedflib==0.1.42"];

/// Prints number of channels, samples and rate of the first, its label and unit, then per channel first, last and sum, then annotations.
const WITH_PYEDFLIB: &str = "
import sys, pyedflib
r = pyedflib.EdfReader(sys.argv[1])
print(r.signals_in_file, r.getNSamples()[0], r.getSampleFrequency(0), r.getLabel(0), r.getPhysicalDimension(0), r.filetype)
print(r.getStartdatetime().isoformat())
for i in range(r.signals_in_file):
    s = r.readSignal(i)
    print(repr(float(s[0])), repr(float(s[-1])), repr(float(s.sum())))
for onset, duration, text in zip(*r.readAnnotations()):
    print(repr(float(onset)), repr(float(duration)), text)
";

/// The same with MNE, whose values are in volts.
const WITH_MNE: &str = "
import sys, mne
mne.set_log_level('ERROR')
raw = mne.io.read_raw(sys.argv[1], preload=True)
d = raw.get_data()
print(d.shape[0], d.shape[1], raw.info['sfreq'], raw.ch_names[0], raw._orig_units[raw.ch_names[0]], 0)
print(raw.info['meas_date'].replace(tzinfo=None).isoformat())
for s in d:
    print(repr(float(s[0])), repr(float(s[-1])), repr(float(s.sum())))
for a in raw.annotations:
    print(repr(float(a['onset'])), repr(float(a['duration'])), a['description'])
";

/// What a peer printed.
struct Peer {
    lines: Vec<String>,
}

impl Peer {
    fn read(python: &Path, script: &str, file: &Path) -> Self {
        Self { lines: run(python, script, &[file]).lines().map(str::to_owned).collect() }
    }

    /// `scale` makes ours of its values.
    fn assert_values(&self, file: &SignalFile, scale: f64, tolerance: f64) {
        for (line, values) in self.lines[2..].iter().zip(read_all(file).unwrap()) {
            let theirs: Vec<f64> = line.split(' ').map(|number| number.parse::<f64>().unwrap() * scale).collect();
            let ours = [values[0], values[values.len() - 1], values.iter().sum()];
            for ((ours, theirs), allowed) in ours.into_iter().zip(theirs).zip([1.0, 1.0, values.len() as f64]) {
                assert!((ours - theirs).abs() <= tolerance * allowed, "{ours} is not {theirs}");
            }
        }
    }

    fn annotations(&self, n_channels: usize) -> &[String] {
        &self.lines[2 + n_channels..]
    }
}

fn waves(n_channels: usize, n_samples: usize) -> Vec<Vec<f64>> {
    let wave = |channel: usize| (0..n_samples).map(move |idx| 90.0 * ((channel + 1) as f64 * idx as f64 / 77.0).sin());
    (0..n_channels).map(|channel| wave(channel).collect()).collect()
}

fn lists(rows: &[Vec<f64>]) -> Vec<&[f64]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn edf(path: &Path, header: EdfHeader) {
    let channel = |name: &&str| EdfWriterChannel::new(*name, "µV", 250.0, [-100.0, 123.456_789]);
    let header =
        EdfHeader { channels: ["Fp1", "Cz", "O2"].iter().map(channel).collect(), start_ns: START_NS, ..header };
    let mut writer = EdfWriter::create(path, &header).unwrap();
    writer.write_rows(&lists(&waves(3, 2500))).unwrap();
    assert_eq!(writer.finish().unwrap().warnings, Vec::<String>::new());
}

#[test]
fn edf_plus_is_what_pyedflib_and_mne_read() {
    let Some(python) = environment(&PACKAGES) else { return };
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let annotations = vec![
        FileAnnotation::new(0.5, Some(0.25), "Stimulus/S  1"),
        FileAnnotation::new(3.1234, None, "blink, é"),
        FileAnnotation::new(9.996, None, "last"),
    ];
    edf(&path, EdfHeader { annotations, patient: "sub 01".to_owned(), ..EdfHeader::default() });
    let file = SignalFile::open(&path).unwrap();

    let pyedflib = Peer::read(&python, WITH_PYEDFLIB, &path);
    assert_eq!(pyedflib.lines[..2], ["3 2500 250.0 Fp1 uV 1", "2018-02-06T01:36:50"]);
    pyedflib.assert_values(&file, 1.0, 1e-10);
    assert_eq!(pyedflib.annotations(3), ["0.5 0.25 Stimulus/S  1", "3.1234 -1.0 blink, é", "9.996 -1.0 last"]);

    let mne = Peer::read(&python, WITH_MNE, &path);
    assert_eq!(mne.lines[..2], ["3 2500 250.0 Fp1 µV 0", "2018-02-06T01:36:50"]);
    mne.assert_values(&file, 1e6, 1e-10);
    assert_eq!(mne.annotations(3), ["0.5 0.25 Stimulus/S  1", "3.1234 0.0 blink, é", "9.996 0.0 last"]);
}

#[test]
fn edf_d_is_discontinuous_to_pyedflib_and_has_the_samples_that_mne_reads() {
    let Some(python) = environment(&PACKAGES) else { return };
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let annotations = vec![FileAnnotation::new(1.5, None, "ahead"), FileAnnotation::new(65.5, None, "behind the gap")];
    edf(&path, EdfHeader { annotations, gaps: vec![gap(5, 60.0)], ..EdfHeader::default() });
    // EDFlib reads no file with gaps, and says of this one that it is such a file. MNE joins its records.
    let script = "
import sys, pyedflib
try:
    pyedflib.EdfReader(sys.argv[1])
    print('read')
except OSError as error:
    print(error)
";
    let said = run(&python, script, &[&path]);
    assert!(said.contains("discontinuous"), "{said}");
    let mne = Peer::read(&python, WITH_MNE, &path);
    mne.assert_values(&SignalFile::open(&path).unwrap(), 1e6, 1e-10);
    // The other one is behind the end of its time axis, which has no gap.
    assert_eq!(mne.annotations(3), ["1.5 0.0 ahead"]);
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.gaps().unwrap()[0].onset_s(), file.gaps().unwrap()[0].duration_s()), (5.0, 60.0));
}

#[test]
fn brainvision_is_what_mne_reads() {
    let Some(python) = environment(&PACKAGES) else { return };
    for (format, resolution) in [(BrainVisionFormat::Float32, 1.0), (BrainVisionFormat::Int16, 0.01)] {
        let folder = Folder::new();
        let path = folder.path("a.vhdr");
        let channel = |name: &&str| BrainVisionChannel { resolution, ..BrainVisionChannel::new(*name, "µV") };
        let header = BrainVisionHeader {
            start_ns: START_NS,
            rate_hz: 5000.0,
            format,
            channels: ["Fp1", "C,z"].iter().map(channel).collect(),
            annotations: vec![
                FileAnnotation::new(0.25, None, "Stimulus/S  1"),
                FileAnnotation::new(0.5, Some(0.1), "spoke, é"),
            ],
        };
        let mut writer = BrainVisionWriter::create(&path, &header).unwrap();
        writer.write_rows(&lists(&waves(2, 5000))).unwrap();
        assert_eq!(writer.finish().unwrap().warnings, Vec::<String>::new());

        let mne = Peer::read(&python, WITH_MNE, &path);
        assert_eq!(mne.lines[..2], ["2 5000 5000.0 Fp1 µV 0", "2018-02-06T01:36:50"]);
        mne.assert_values(&SignalFile::open(&path).unwrap(), 1e6, 1e-10);
        let markers = mne.annotations(2);
        assert_eq!(markers[markers.len() - 2..], ["0.25 0.0002 Stimulus/S  1", "0.5 0.1 Comment/spoke, é"]);
    }
}

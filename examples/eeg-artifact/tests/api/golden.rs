//! The golden cases: where they lie, how their numbers are read, and when two count as equal.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use eeg_artifact::{Channel, ChannelKind, Recording, Triggers};
use serde_json::Value;

/// The three cases of a whole recording with triggers.
pub(crate) const CASES: [&str; 3] = ["vol250", "slice500", "jitter250"];

/// The folder of golden data, or none and a loud line where it is absent. With `MANYHANDS_REQUIRE_SHARED` set, absence
/// is a failure.
pub(crate) fn golden() -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/facet")).to_owned();
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_some();
    assert!(!required, "golden data is required and absent");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: golden data \"facet\" is absent, so nothing was compared")
        .expect("the terminal takes a line");
    None
}

/// A folder with a manifest.
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Value,
}

impl Case {
    pub(crate) fn open(name: &str) -> Option<Self> {
        let folder = golden()?.join(name);
        let manifest = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        Some(Self { folder, manifest })
    }

    /// The recording as the reference was given it: channels, bads, triggers and their length as the manifest says.
    pub(crate) fn recording(&self) -> Recording {
        let manifest = &self.manifest;
        let names = strings(&manifest["channel_names"]);
        let kinds = manifest.get("channel_types").map_or_else(|| vec!["eeg".to_owned(); names.len()], strings);
        let bads = manifest.get("bads").map(strings).unwrap_or_default();
        let channels = names.iter().zip(&kinds).map(|(name, kind)| {
            let mut channel = Channel::new(name, kind.parse::<ChannelKind>().unwrap());
            channel.is_bad = bads.contains(name);
            channel
        });
        let bytes = fs::read(self.folder.join("input.f32")).unwrap();
        let values: Vec<f64> =
            bytes.chunks_exact(4).map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap()))).collect();
        let n_times = usize::try_from(manifest["n_times"].as_u64().unwrap()).unwrap();
        let rows = values.chunks_exact(n_times).map(<[f64]>::to_vec).collect();
        let sfreq = manifest["sfreq"].as_f64().unwrap();
        let mut recording = Recording::new(sfreq, channels.collect(), rows).unwrap();
        recording.info_mut().triggers = Some(self.triggers());
        recording.info_mut().artifact_offset_s = manifest["artifact_to_trigger_offset_s"].as_f64().unwrap_or(0.0);
        recording
    }

    fn triggers(&self) -> Triggers {
        let mut triggers = Triggers::from_samples(integers(&self.manifest["triggers"]));
        let used = self.manifest.get("used_for_processing").unwrap_or(&self.manifest);
        if let Some(length) = used["artifact_length"].as_u64() {
            triggers.artifact_length = usize::try_from(length).ok();
        }
        if let Some(gaps) = used["volume_gaps"].as_bool() {
            triggers.volume_gaps = gaps;
        }
        triggers
    }

    /// What the reference computed: the parameters, and the entry of the manifest.
    pub(crate) fn output(&self, key: &str) -> &Value {
        &self.manifest["outputs"][key]
    }

    /// The rows of an output, following `same_as`.
    pub(crate) fn rows(&self, key: &str) -> Vec<Vec<f64>> {
        let entry = self.output(key);
        if let Some(other) = entry.get("same_as") {
            return self.rows(other.as_str().unwrap());
        }
        let values = read_f64(&self.folder.join(entry["file"].as_str().unwrap()));
        let shape = integers(&entry["shape"]);
        let n_times = usize::try_from(*shape.last().unwrap()).unwrap();
        values.chunks_exact(n_times).map(<[f64]>::to_vec).collect()
    }
}

pub(crate) fn read_f64(path: &Path) -> Vec<f64> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
}

pub(crate) fn integers(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// Fails unless all rows agree to this share of the largest magnitude in `expected`.
pub(crate) fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: number of rows");
    let full_scale = expected.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (channel, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}: samples of channel {channel}");
        let differences = found.iter().zip(expected).map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() });
        let (at, worst) =
            differences.enumerate().fold((0, 0.0), |worst, here| if here.1 <= worst.1 { worst } else { here });
        assert!(
            worst <= tolerance * full_scale,
            "{what}: channel {channel}, sample {at}: off by {worst:e} of {full_scale:e}"
        );
    }
}

/// All rows of a recording.
pub(crate) fn rows_of(recording: &Recording) -> Vec<Vec<f64>> {
    (0..recording.info().channels.len()).map(|channel| recording.samples(channel).unwrap()).collect()
}

//! What the bench is asked to do, and where its input lies.

use std::env;
use std::path::PathBuf;

/// Rounds, and the sections to do.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) with_peers: bool,
    sections: Vec<String>,
}

impl Options {
    /// As the command line has them. `cargo bench` adds `--bench`, which says nothing.
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self { rounds: 7, with_peers: true, sections: Vec::new() };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--rounds" => {
                    let value = arguments.next().and_then(|value| value.parse().ok()).filter(|value| *value > 0);
                    options.rounds = value.unwrap_or_else(|| panic!("--rounds needs a number of 1 or more"));
                }
                "--without-peers" => options.with_peers = false,
                "--bench" => {}
                section if !section.starts_with('-') => options.sections.push(section.to_owned()),
                unknown => panic!("{unknown} is no option; see the first lines of main.rs"),
            }
        }
        options
    }

    pub(crate) fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|named| named == section)
    }

    pub(crate) fn models(&self) -> PathBuf {
        models()
    }

    pub(crate) fn frames(&self) -> PathBuf {
        frames()
    }
}

/// The folder of model files.
pub(crate) fn models() -> PathBuf {
    shared().join("models")
}

/// A folder of frames with one face, one hand and one person each.
pub(crate) fn frames() -> PathBuf {
    shared().join("golden/landmarks/samples/train/wave")
}

/// The script that times the peers.
pub(crate) fn script() -> PathBuf {
    shared().join("golden/landmarks/baseline.py")
}

fn shared() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"))
}

/// Seconds that the processor has worked for this thread.
pub(crate) fn seconds_of_work() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

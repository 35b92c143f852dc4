//! What the bench is asked to do.

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
}

/// A folder below `target`, for the peers' input.
pub(crate) fn work_folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("signal-batch-bench");
    std::fs::create_dir_all(&folder).expect("target can be written to");
    folder
}

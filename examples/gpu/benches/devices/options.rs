//! What the bench is asked to do.

use std::env;

/// The rounds, the sections, and whether software counts as a device.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) with_software: bool,
    sections: Vec<String>,
}

impl Options {
    /// As the command line has them. `cargo bench` adds `--bench`, which says nothing.
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self { rounds: 7, with_software: false, sections: Vec::new() };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--rounds" => {
                    let rounds = arguments.next().and_then(|value| value.parse().ok()).filter(|rounds| *rounds > 0);
                    options.rounds = rounds.unwrap_or_else(|| panic!("--rounds needs a number of 1 or more"));
                }
                "--software" => options.with_software = true,
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

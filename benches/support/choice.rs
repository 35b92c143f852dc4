//! What the command line of a bench asks for: which cases, and how many rounds.

/// The choice; without any words all cases, in as many rounds as the bench thinks right.
#[derive(Debug)]
pub(crate) struct Choice {
    names: Vec<String>,
    n_rounds: Option<usize>,
}

impl Choice {
    /// Reads the command line: `--rounds N`, and parts of the names of cases.
    ///
    /// # Panics
    /// When the number of rounds is none, or 0.
    pub(crate) fn from_command_line() -> Self {
        let mut choice = Self { names: Vec::new(), n_rounds: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo adds it.
                "--bench" => {}
                "--rounds" => {
                    let n_rounds =
                        words.next().and_then(|number| number.parse().ok()).filter(|&number: &usize| number > 0);
                    choice.n_rounds = Some(n_rounds.expect("--rounds is followed by a number of 1 or more"));
                }
                _ => choice.names.push(word),
            }
        }
        choice
    }

    /// Whether this case is to be run.
    pub(crate) fn has(&self, case: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| case.contains(name.as_str()))
    }

    /// The number of rounds.
    pub(crate) fn rounds(&self, otherwise: usize) -> usize {
        self.n_rounds.unwrap_or(otherwise)
    }
}

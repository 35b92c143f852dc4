//! The options of the command line: peers, cases, repetitions and sizes, by the names that the peers' script has for them.

use std::fmt::Debug;
use std::str::FromStr;
use std::time::Duration;

/// The options, with the script's sizes where none is given.
#[derive(Debug)]
pub(crate) struct Options {
    /// The words themselves, for the processes that measure.
    pub(crate) words: Vec<String>,
    peers: Vec<String>,
    cases: Vec<String>,
    pub(crate) reps: usize,
    /// The number of the first repetition, which also says which peer goes first.
    pub(crate) first_rep: usize,
    pub(crate) workers: usize,
    /// How many tiny items.
    pub(crate) n: u64,
    /// How many calls of a single item.
    pub(crate) n_lat: usize,
    /// How many items of 8 MB.
    pub(crate) payload_items: usize,
    /// How many numbers the shared slice has.
    pub(crate) shared_f64: usize,
    /// How many items the long call has.
    pub(crate) million: usize,
    /// How long a measurement may take.
    pub(crate) child_timeout: Duration,
    /// Set in a process that measures: its peer and its case.
    pub(crate) child: Option<String>,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Panics
    /// At an unknown option, and at one without a fitting value.
    pub(crate) fn from_command_line() -> Self {
        Self::from_words(std::env::args().skip(1).collect())
    }

    fn from_words(words: Vec<String>) -> Self {
        let mut options = Self {
            words: Vec::new(),
            peers: Vec::new(),
            cases: Vec::new(),
            reps: 3,
            first_rep: 0,
            workers: 2,
            n: 100_000,
            n_lat: 2_000,
            payload_items: 200,
            shared_f64: 100_000_000,
            million: 1_000_000,
            child_timeout: Duration::from_secs(300),
            child: None,
        };
        let mut left = words.iter();
        while let Some(word) = left.next() {
            let mut value = || left.next().unwrap_or_else(|| panic!("{word} is followed by a value"));
            match word.as_str() {
                // Cargo adds it.
                "--bench" => {}
                "--which" => options.peers.extend(names(value())),
                "--case" => options.cases.extend(names(value())),
                "--rounds" | "--reps" => options.reps = number(word, value()),
                "--first_rep" => options.first_rep = number(word, value()),
                "--workers" => options.workers = number(word, value()),
                "--n" => options.n = number(word, value()),
                "--n_lat" => options.n_lat = number(word, value()),
                "--payload_items" => options.payload_items = number(word, value()),
                "--shared_f64" => options.shared_f64 = number(word, value()),
                "--million" => options.million = number(word, value()),
                "--child_timeout" => options.child_timeout = Duration::from_secs(number(word, value())),
                "--child" => options.child = Some(value().clone()),
                _ if word.starts_with("--") => panic!("there is no {word}"),
                _ => options.cases.push(word.clone()),
            }
        }
        options.words = words;
        options
    }

    pub(crate) fn has_peer(&self, peer: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|name| name == peer)
    }

    /// Whether this case is to be run.
    pub(crate) fn has_case(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| case.contains(name.as_str()))
    }

    /// Where one of so many parts begins and how long it is, for as many numbers as the shared slice has.
    pub(crate) fn slices(&self, parts: usize) -> Vec<(usize, usize)> {
        let len = self.shared_f64 / parts;
        (0..parts).map(|part| (part * len, len)).collect()
    }
}

/// `all` is every name, as no word at all is.
fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(',').filter(|name| *name != "all").map(str::to_owned)
}

fn number<N: FromStr<Err: Debug>>(word: &str, text: &str) -> N {
    text.parse().unwrap_or_else(|error| panic!("{word} {text}: {error:?}"))
}

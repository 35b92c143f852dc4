//! What parent and caller say to each other: orders in a variable, then a line of JSON for each message of the caller on its
//! stdout, and a line for each answer on its stdin.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

pub(crate) const ORDERS: &str = "MANYHANDS_SOAK_ORDERS";

/// What a caller is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) kind: String,
    pub(crate) seed: u64,
    /// The number of its first call, and of the first that is not its own.
    pub(crate) first: usize,
    pub(crate) end: usize,
    /// After so many calls it looks at what is left behind.
    pub(crate) per_check: usize,
    /// No call begins after so long.
    pub(crate) at_most: Option<Duration>,
    /// The faults that are switched off.
    pub(crate) without: Vec<Fault>,
    /// Where calls write files.
    pub(crate) folder: PathBuf,
}

/// What a caller says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// A call begins.
    Call {
        number: usize,
        fault: Option<Fault>,
    },
    /// Kill a worker, the one that the number picks, after this time.
    Kill {
        after: Duration,
        pick: usize,
    },
    /// Stop this process and its workers after this time, for that long, with this process as the first to go on, or the last.
    Pause {
        after: Duration,
        length: Duration,
        caller_first: bool,
    },
    /// Say how many workers you killed since the last such question.
    HowManyKills,
    Finding {
        call: String,
        text: String,
    },
    /// What was done since the last such line.
    Counted(Counts),
    /// All calls are made, or the time is up.
    Done,
}

/// What was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) calls: usize,
    pub(crate) items: usize,
    pub(crate) faults: BTreeMap<Fault, usize>,
    /// By how many bytes the heap has grown since the first look at it.
    pub(crate) heap: isize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.items += other.items;
        other.faults.iter().for_each(|(&fault, n)| *self.faults.entry(fault).or_default() += n);
        self.heap = self.heap.max(other.heap);
    }
}

/// What this copy is to do, if it is a caller.
pub(crate) fn orders() -> Option<Orders> {
    let text = std::env::var(ORDERS).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Says a line to the parent.
pub(crate) fn say(line: &Line) {
    let mut text = serde_json::to_string(line).unwrap();
    text.push('\n');
    std::io::stdout().lock().write_all(text.as_bytes()).unwrap();
}

/// Asks the parent how many workers it has killed. The answer comes when it is done with what it was asked for.
pub(crate) fn how_many_kills() -> usize {
    say(&Line::HowManyKills);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).unwrap();
    answer.trim().parse().unwrap()
}

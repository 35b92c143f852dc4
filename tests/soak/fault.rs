//! What is injected into calls, how often, and under which name it can be switched off.

use manyhands_test_support::rng::Rng;
use serde::{Deserialize, Serialize};

/// A fault. A call has one at most, so that each failure has one explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// The parent kills a worker of the caller.
    Kill,
    /// The parent stops the caller and its workers, and lets them go on.
    Pause,
    /// The caller forks, and both processes make calls.
    Fork,
    /// The disk is full for a part of the call.
    Disk,
    /// Another program holds the journal, or has left its lock file.
    Lock,
    /// Items panic, or the iterator that gives them.
    Panic,
    /// An item panics when it is dropped.
    Drop,
    /// Items end their worker.
    Death,
    /// Items exceed a limit.
    Limit,
    /// The call is cancelled, or its results are no longer wanted.
    Cancel,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::Kill,
        Self::Pause,
        Self::Fork,
        Self::Disk,
        Self::Lock,
        Self::Panic,
        Self::Drop,
        Self::Death,
        Self::Limit,
        Self::Cancel,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Fork => "fork",
            Self::Disk => "disk",
            Self::Lock => "lock",
            Self::Panic => "panic",
            Self::Drop => "drop",
            Self::Death => "death",
            Self::Limit => "limit",
            Self::Cancel => "cancel",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// One call in so many has it, where its kind can have it. Those that take long are rare.
    fn one_in(self) -> u64 {
        match self {
            Self::Pause | Self::Disk => 300,
            Self::Fork | Self::Lock | Self::Limit => 100,
            Self::Kill | Self::Drop | Self::Death => 50,
            Self::Panic | Self::Cancel => 15,
        }
    }

    /// The fault of a call. The first calls have each of them in turn, so that a short run has all.
    pub(crate) fn draw(possible: &[Self], n_before: usize, rng: &mut Rng) -> Option<Self> {
        let drawn = possible.iter().copied().filter(|fault| rng.one_in(fault.one_in())).last();
        possible.get(n_before).copied().or(drawn)
    }
}

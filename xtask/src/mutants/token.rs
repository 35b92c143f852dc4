//! Bugs in `CancelToken`: which reason stays when two come at once.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-reason-in-two-steps",
        file: FILE,
        changes: &[(
            "match self.state.compare_exchange(RUNNING, reason, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => reason,
            Err(earlier) => earlier,
        }",
            "match self.state.load(Ordering::Relaxed) {
            RUNNING => {
                self.state.store(reason, Ordering::Relaxed);
                reason
            }
            earlier => earlier,
        }",
        )],
        model: "cancel::the_reason_that_was_seen_first_stays",
        breaks: "Two reasons both find the token running, and the second one overwrites the first.",
    },
    Mutant {
        name: "a-late-reason-that-outranks",
        file: FILE,
        changes: &[(
            "match self.state.compare_exchange(RUNNING, reason, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => reason,
            Err(earlier) => earlier,
        }",
            "match self.state.fetch_max(reason, Ordering::Relaxed) {
            RUNNING => reason,
            earlier => earlier.max(reason),
        }",
        )],
        model: "cancel::the_reason_that_was_seen_first_stays",
        breaks: "A query that finds the deadline passed replaces a cancellation that came meanwhile and was seen.",
    },
    Mutant {
        name: "a-loser-that-names-its-own-reason",
        file: FILE,
        changes: &[("Err(earlier) => earlier,", "Err(_) => reason,")],
        model: "cancel::the_reason_that_was_seen_first_stays",
        breaks: "The second of two queries returns its own reason, which no later query sees.",
    },
];

const FILE: &str = "src/primitives/cancel.rs";

//! Bugs in `ProgressTracker`: steps that are one become two, and a lock that lets go too early.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-count-in-two-steps",
        file: FILE,
        changes: &[(
            "stripe.of(status).fetch_add(n_items, Ordering::Relaxed);",
            "let word = stripe.of(status);
        word.store(word.load(Ordering::Relaxed) + n_items, Ordering::Relaxed);",
        )],
        model: "tracker::what_was_counted_before_a_join_is_in_the_snapshot",
        breaks: "Of two counts at once on a word that two threads share, one is lost.",
    },
    Mutant {
        name: "counts-read-before-the-lock",
        file: FILE,
        changes: &[
            ("let mut seen = self.seen.lock();", ""),
            (
                COUNTS,
                "let [succeeded, failed, skipped, resumed] = self.counts();
        let mut seen = self.seen.lock();",
            ),
        ],
        model: "tracker::of_two_snapshots_the_later_one_has_no_smaller_count",
        breaks: "A snapshot that waits for the lock has older counts than the one before it.",
    },
    Mutant {
        name: "a-lock-released-between-counts-and-time",
        file: FILE,
        changes: &[(
            COUNTS,
            "let [succeeded, failed, skipped, resumed] = self.counts();
        drop(seen);
        let mut seen = self.seen.lock();",
        )],
        model: "tracker::of_two_snapshots_the_later_one_has_no_smaller_count",
        breaks: "Between its counts and its time a snapshot is overtaken by one with more counts and less time.",
    },
    Mutant {
        name: "a-time-compared-before-the-lock-is-taken-again",
        file: FILE,
        changes: &[(
            "seen.elapsed = seen.elapsed.max(elapsed);
        let elapsed = seen.elapsed;",
            "let elapsed = seen.elapsed.max(elapsed);
        drop(seen);
        let mut seen = self.seen.lock();
        seen.elapsed = elapsed;",
        )],
        model: "tracker::time_goes_backwards_for_no_thread",
        breaks: "A snapshot overwrites the later time of another with its own earlier one, and the next returns it.",
    },
    Mutant {
        name: "a-total-in-two-steps",
        file: FILE,
        changes: &[(
            "let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);",
            "let grown: Option<u64> = grown(self.total.load(Ordering::Relaxed));
        self.total.store(grown.unwrap_or(UNKNOWN), Ordering::Relaxed);",
        )],
        model: "tracker::totals_that_grow_at_once_all_count",
        breaks: "Of two that grow the total at once, one is forgotten.",
    },
];

const FILE: &str = "src/progress/tracker.rs";
const COUNTS: &str = "let [succeeded, failed, skipped, resumed] = self.counts();";

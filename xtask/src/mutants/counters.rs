//! Bugs in `AtomicCounter` and `StripedCounter`: steps that are one become two.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a-reset-in-two-steps",
        file: FILE,
        changes: &[(
            "self.count.swap(0, Ordering::Relaxed)",
            "{ let was = self.value(); self.count.store(0, Ordering::Relaxed); was }",
        )],
        model: "counter::no_count_is_lost_to_a_reset",
        breaks: "What is counted between the reading and the zero is lost.",
    },
    Mutant {
        name: "a-number-read-after-counting",
        file: FILE,
        changes: &[(
            "self.count.fetch_add(count, Ordering::Relaxed).wrapping_add(count)",
            "{ self.count.fetch_add(count, Ordering::Relaxed); self.value() }",
        )],
        model: "counter::each_increment_gives_a_number_of_its_own",
        breaks: "Two threads that count at once are both given the second number.",
    },
    Mutant {
        name: "a-decrement-in-two-steps",
        file: FILE,
        changes: &[(
            "self.count.fetch_sub(1, Ordering::Relaxed).wrapping_sub(1)",
            "{ let left = self.value().wrapping_sub(1); self.count.store(left, Ordering::Relaxed); left }",
        )],
        model: "counter::of_the_threads_that_count_down_one_alone_reaches_zero",
        breaks: "Of two counts down at once one is lost.",
    },
    Mutant {
        name: "a-striped-add-in-two-steps",
        file: FILE,
        changes: &[(
            STRIPED_ADD,
            "let stripe = &self.stripes[sync::thread_index() % STRIPES];
        let counted = stripe.load(Ordering::Relaxed).wrapping_add(count);
        stripe.store(counted, Ordering::Relaxed);",
        )],
        model: "counter::threads_that_share_a_word_lose_no_count",
        breaks: "Of two counts at once on a word that two threads share, one is lost.",
    },
    Mutant {
        name: "a-word-taken-out-while-counting",
        file: FILE,
        changes: &[(
            STRIPED_ADD,
            "let stripe = &self.stripes[sync::thread_index() % STRIPES];
        let counted = stripe.swap(0, Ordering::Relaxed).wrapping_add(count);
        stripe.fetch_add(counted, Ordering::Relaxed);",
        )],
        model: "counter::a_value_lies_between_what_was_counted_before_and_after",
        breaks: "No count is lost, but a thread that reads meanwhile misses what had been counted long ago.",
    },
    Mutant {
        name: "a-striped-reset-that-stores",
        file: FILE,
        changes: &[(
            "stripe.swap(0, Ordering::Relaxed)",
            "{ let was = stripe.load(Ordering::Relaxed); stripe.store(0, Ordering::Relaxed); was }",
        )],
        model: "counter::counts_up_and_down_on_two_words_end_at_their_difference",
        breaks: "What is counted on a word between its reading and its zero is lost.",
    },
];

const FILE: &str = "src/primitives/counter.rs";
const STRIPED_ADD: &str = "self.stripes[sync::thread_index() % STRIPES].fetch_add(count, Ordering::Relaxed);";
